//! What the API shows: a snapshot of everything, in place of the one before.

use std::sync::Arc;

use jiff::Timestamp;
use tidegate_common::stats::Counter;
use tidegate_models::Classifier as _;

use super::Pipeline;
use crate::{
    dataplane,
    engine::{InterfaceView, Snapshot},
};

impl Pipeline {
    pub(super) fn publish(&mut self, now_ns: u64) {
        let known = std::mem::take(&mut self.degraded);
        for InterfaceView { name, index, .. } in &self.interfaces {
            if !dataplane::is_there(*index) {
                let lost = format!("interface {name} is gone; restart to watch a new one");
                if !known.contains(&lost) {
                    tracing::warn!("{lost}");
                }
                self.degraded.push(lost);
            }
        }
        match self.dataplane.tables.stats() {
            Ok(stats) => {
                let grew = |counter| stats.value(counter) > self.stats.value(counter);
                if grew(Counter::EventsLost) {
                    self.degraded
                        .push("events are being lost: the ring buffer is full".to_owned());
                }
                if grew(Counter::FlowsOverBudget) {
                    self.degraded
                        .push("new flows exceed the budget; the rest is only counted".to_owned());
                }
                self.stats = stats;
            }
            Err(error) => self.degraded.push(error.to_string()),
        }
        let journal = self.journal_health();
        let influx = self.influx_health();
        self.look_at_verdict_log();
        self.changed = false;
        self.published_ns = now_ns;
        self.published.store(Arc::new(Snapshot {
            at: Timestamp::now(),
            started_at: self.started_at,
            mode: self.mode,
            interfaces: self.interfaces.clone(),
            stats: self.stats,
            active: self.enforcer.active(),
            ended: self.enforcer.ended(),
            predictions: *self.detector.predictions(),
            connections: self.detector.tracker().len(),
            connections_evicted: self.detector.tracker().evicted(),
            hosts_evicted: self.detector.tracker().hosts_evicted(),
            window_dropped: self.detector.tracker().window_dropped(),
            looks: self.detector.tracker().looks_taken(),
            looks_missed: self.detector.tracker().looks_missed(),
            model: self.detector.model().name().into(),
            latency_log2_ns: self.latency.log2_ns(),
            verdicts_failed: self.enforcer.failed(),
            records_lost: self.records_lost,
            allowlist: self.detector.policy().protected().entries().collect(),
            journal,
            influx,
            degraded: self.degraded.clone(),
        }));
    }
}
