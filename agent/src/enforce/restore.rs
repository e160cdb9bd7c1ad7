//! Decisions that an earlier agent wrote down, put in force again.

use std::{sync::Arc, time::Duration};

use jiff::Timestamp;
use tidegate_common::verdict::{MAX_VERDICTS, Verdict};

use super::{BURST_NS, Enforcer, Standing, record::key};
use crate::{
    dataplane::{DataplaneError, Tables},
    decision::{Change, Decision, Phase},
    engine::Refused,
};

impl Enforcer {
    /// Takes over what an earlier agent wrote down as in force, `written`, up to the number `last_id`.
    ///
    /// Verdicts that stand in the kernel get their reasons back. The others are put in force for the rest of their
    /// time if `map_is_new`; in a map that an earlier agent left, whatever is missing has ended.
    ///
    /// # Errors
    ///
    /// When the kernel can't be written to.
    pub fn restore(
        &mut self,
        tables: &mut Tables,
        written: Vec<Decision>,
        last_id: u64,
        map_is_new: bool,
        now_ns: u64,
    ) -> Result<(), DataplaneError> {
        self.next_id = self.next_id.max(last_id.saturating_add(1));
        let now = Timestamp::now();
        for decision in written {
            let key = key(&decision.target);
            let same = self.standing.get_mut(&decision.id);
            if let Some(standing) = same.filter(|standing| standing.key == key) {
                recall(standing, decision);
                continue;
            }
            let free = !self.standing.contains_key(&decision.id) && !self.by_key.contains_key(&key);
            let left = Duration::try_from(decision.until.duration_since(now)).unwrap_or_default();
            if !map_is_new || !free || left.is_zero() {
                self.note_end(decision, now);
                continue;
            }
            self.put_back(tables, decision, left, now_ns)?;
        }
        // All of them, so that those nobody had written down are.
        let standing = self.standing.values();
        let updates = standing.map(|standing| Change::Updated(Arc::clone(&standing.decision)));
        self.changes.extend(updates);
        Ok(())
    }

    /// A decision whose end nobody was there to write down.
    fn note_end(&mut self, mut decision: Decision, now: Timestamp) {
        decision.phase = Phase::Expired;
        decision.until = decision.until.min(now);
        self.changes.push(Change::Ended(Arc::new(decision)));
    }

    fn put_back(
        &mut self,
        tables: &mut Tables,
        mut decision: Decision,
        left: Duration,
        now_ns: u64,
    ) -> Result<(), DataplaneError> {
        let Some(slot) = self.slots.take() else {
            self.failed += 1;
            tracing::warn!(id = decision.id, error = %Refused::TableFull(MAX_VERDICTS), "not restored");
            self.note_end(decision, Timestamp::now());
            return Ok(());
        };
        // Times by a clock that may have begun anew.
        decision.first_packet_ns = None;
        decision.first_drop_ns = None;
        decision.simulated = self.simulated;
        let verdict = Verdict {
            expires_ns: now_ns.saturating_add(left.as_nanos() as u64),
            interval_ns: 1_000_000_000 / u64::from(decision.rate.unwrap_or(1).max(1)),
            burst_ns: BURST_NS,
            due_ns: 0,
            created_ns: now_ns,
            ttl_ns: decision.ttl.as_nanos() as u64,
            first_packet_ns: 0,
            id: decision.id,
            slot,
            action: decision.action as u8,
            class: decision.class.map_or(0, |class| class.index() as u8),
            confidence: (decision.confidence * 100.0) as u8,
            manual: u8::from(decision.origin == crate::decision::Origin::Manual),
        };
        let key = key(&decision.target);
        tables.clear_counters(slot)?;
        tables.set_verdict(&key, &verdict)?;
        self.next_id = self.next_id.max(decision.id.saturating_add(1));
        let before = (decision.packets_dropped, decision.bytes_dropped);
        self.stand(Standing {
            key,
            verdict,
            before,
            measured: (before.0, now_ns),
            busy_ns: now_ns,
            decision: Arc::new(decision),
        });
        Ok(())
    }
}

/// What was written down of a decision explains it; what the kernel has of it is newer.
fn recall(standing: &mut Standing, written: Decision) {
    let kernel = &standing.decision;
    // The counters in the kernel may themselves be those of a verdict that was put back.
    let before = written
        .packets_dropped
        .saturating_sub(kernel.packets_dropped);
    let before_bytes = written.bytes_dropped.saturating_sub(kernel.bytes_dropped);
    let recalled = Decision {
        until: kernel.until,
        phase: Phase::Active,
        simulated: kernel.simulated,
        packets_dropped: kernel.packets_dropped.saturating_add(before),
        bytes_dropped: kernel.bytes_dropped.saturating_add(before_bytes),
        first_packet_ns: kernel.first_packet_ns,
        first_drop_ns: kernel.first_drop_ns,
        ..written
    };
    standing.before = (before, before_bytes);
    standing.measured.0 = recalled.packets_dropped;
    standing.decision = Arc::new(recalled);
}
