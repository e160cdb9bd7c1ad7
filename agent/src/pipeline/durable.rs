//! What outlives the agent: decisions in the journal, and where they go from there.

use std::sync::Arc;

use super::Pipeline;
use crate::{
    dataplane::{Dataplane, DataplaneError},
    enforce::Enforcer,
    export::{influx, verdict_log},
    journal::{Health, Journal, Past},
};

/// Puts in force again, or explains, what earlier agents had written down.
pub(super) fn restore(
    enforcer: &mut Enforcer,
    dataplane: &mut Dataplane,
    journal: Option<(Journal, Past)>,
    now_ns: u64,
) -> Result<Option<Journal>, DataplaneError> {
    let Some((journal, past)) = journal else {
        return Ok(None);
    };
    let is_new = dataplane.is_new();
    let tables = &mut dataplane.tables;
    enforcer.restore(tables, past.active, past.last_id, is_new, now_ns)?;
    Ok(Some(journal))
}

impl Pipeline {
    /// Shows how an exporter is doing.
    pub fn watch_exporter(&mut self, status: Arc<influx::Status>) {
        self.influx = Some(status);
    }

    /// Shows what is wrong with a log of verdicts.
    pub fn watch_verdict_log(&mut self, trouble: Arc<verdict_log::Trouble>) {
        self.verdict_log = Some(trouble);
    }

    /// Adds to what is degraded.
    pub(super) fn look_at_verdict_log(&mut self) {
        let trouble = self.verdict_log.as_ref().and_then(|log| log.load_full());
        if let Some(trouble) = trouble {
            self.degraded.push(trouble.to_string());
        }
    }

    /// How the exporter is; adds to what is degraded.
    pub(super) fn influx_health(&mut self) -> Option<influx::Health> {
        let health = self.influx.as_ref()?.health();
        if let Some(trouble) = &health.trouble {
            self.degraded.push(format!(
                "{} decisions wait for the InfluxDB: {trouble}",
                health.behind
            ));
        }
        if health.lost > self.influx_lost {
            let lost = health.lost - self.influx_lost;
            self.degraded
                .push(format!("{lost} points the InfluxDB refused are lost"));
        }
        self.influx_lost = health.lost;
        Some(health)
    }

    /// Hands over what happened to decisions; never waits.
    pub(super) fn write_down(&mut self) {
        let changes = self.enforcer.changes();
        let Some(journal) = &self.journal else {
            return;
        };
        for change in changes {
            journal.record(change);
        }
        if journal.is_behind() {
            journal.synchronise(self.enforcer.active());
        }
    }

    /// The counters go with the maps.
    pub(super) fn write_down_the_last(&mut self) {
        if self.journal.is_some() {
            self.enforcer.count_all(&mut self.dataplane.tables);
        }
        self.write_down();
    }

    /// How the journal is; adds to what is degraded.
    pub(super) fn journal_health(&mut self) -> Option<Health> {
        let health = self.journal.as_ref()?.status().health();
        if let Some(trouble) = &health.trouble {
            self.degraded
                .push(format!("decisions can't be written down: {trouble}"));
        }
        if health.lost > self.journal_lost {
            let lost = health.lost - self.journal_lost;
            self.degraded
                .push(format!("{lost} changes of decisions were not written down"));
        }
        self.journal_lost = health.lost;
        Some(health)
    }
}
