//! Metrics of the journal and of what reads it.

use super::Text;
use crate::engine::Snapshot;

pub(super) fn render(text: &mut Text, snapshot: &Snapshot) {
    if let Some(journal) = &snapshot.journal {
        let name = "tidegate_journal_changes_total";
        text.family(
            name,
            "counter",
            "Changes in the lives of decisions, by what became of them in the journal.",
        );
        text.sample(name, &[("result", "written")], journal.written);
        text.sample(name, &[("result", "lost")], journal.lost);
        let name = "tidegate_journal_waiting_changes";
        text.family(name, "gauge", "Changes that wait for the disk.");
        text.sample(name, &[], journal.waiting);
        let name = "tidegate_journal_pruned_decisions_total";
        text.family(
            name,
            "counter",
            "Decisions removed from the journal for age or size, by whether they had been exported.",
        );
        let unexported = journal.pruned_unexported;
        let rest = journal.pruned.saturating_sub(unexported);
        text.sample(name, &[("exported", "yes")], rest);
        text.sample(name, &[("exported", "no")], unexported);
    }
    if let Some(influx) = &snapshot.influx {
        let name = "tidegate_influx_points_total";
        text.family(name, "counter", "Points sent, by what became of them.");
        text.sample(name, &[("result", "stored")], influx.stored);
        text.sample(name, &[("result", "refused")], influx.refused);
        text.sample(name, &[("result", "lost")], influx.lost);
        let name = "tidegate_influx_retries_total";
        text.family(name, "counter", "Requests that had to be repeated.");
        text.sample(name, &[], influx.retries);
        let name = "tidegate_influx_lag_decisions";
        text.family(name, "gauge", "Decisions that are still to be sent.");
        text.sample(name, &[], influx.behind);
    }
}
