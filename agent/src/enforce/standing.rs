//! A verdict that stands: its counters, and how long it goes on.

use std::{sync::Arc, time::Duration};

use jiff::Timestamp;
use tidegate_common::verdict::{Verdict, VerdictKey};

use super::record::later;
use crate::{
    dataplane::Tables,
    decision::{Decision, Origin},
};

/// A hit rate is measured over at least this.
const RATE_OVER_NS: u64 = 1_000_000_000;

/// A verdict in force.
#[derive(Debug)]
pub(super) struct Standing {
    pub(super) key: VerdictKey,
    pub(super) verdict: Verdict,
    pub(super) decision: Arc<Decision>,
    /// Packets and bytes it dropped under an earlier agent whose counters are gone.
    pub(super) before: (u64, u64),
    /// Hits at the last measurement of their rate, and when that was.
    pub(super) measured: (u64, u64),
    /// When it was last seen to be hit at the rate that keeps it alive, or when it was made.
    pub(super) busy_ns: u64,
}

impl Standing {
    /// Copies the kernel's counters into the decision; says whether they moved.
    pub(super) fn count_hits(&mut self, tables: &Tables) -> bool {
        let Ok(counters) = tables.counters(self.verdict.slot) else {
            return false;
        };
        let (packets, bytes) = self.before;
        let packets = packets.saturating_add(counters.packets);
        if packets == self.decision.packets_dropped {
            return false;
        }
        let decision = Arc::make_mut(&mut self.decision);
        decision.packets_dropped = packets;
        decision.bytes_dropped = bytes.saturating_add(counters.bytes);
        decision.first_drop_ns = Some(counters.first_ns);
        true
    }

    /// A flood fades the moment it is dropped, so a verdict ends its ttl after the packets have become rare, not its ttl
    /// after it was made. A packet now and then, as a person tries whether the way is free again, does not prolong it.
    /// What a person decided ends when the person said.
    ///
    /// Says whether it did.
    pub(super) fn prolong(&mut self, tables: &mut Tables, hold_rate: u32, now_ns: u64) -> bool {
        let (packets_then, then_ns) = self.measured;
        let elapsed_ns = now_ns.saturating_sub(then_ns);
        let window_ns = RATE_OVER_NS.min(self.verdict.ttl_ns / 2);
        if elapsed_ns < window_ns || self.decision.origin == Origin::Manual {
            return false;
        }
        let packets = self.decision.packets_dropped;
        self.measured = (packets, now_ns);
        let hits = packets.saturating_sub(packets_then);
        let still_coming = u128::from(hits) * 1_000_000_000
            >= u128::from(hold_rate.max(1)) * u128::from(elapsed_ns);
        if !still_coming {
            return false;
        }
        self.busy_ns = now_ns;
        self.verdict.expires_ns = now_ns.saturating_add(self.verdict.ttl_ns);
        match tables.set_verdict(&self.key, &self.verdict) {
            Ok(()) => {
                let ttl = Duration::from_nanos(self.verdict.ttl_ns);
                Arc::make_mut(&mut self.decision).until = later(Timestamp::now(), ttl);
                true
            }
            Err(error) => {
                tracing::warn!(id = self.verdict.id, %error, "can't prolong a verdict");
                false
            }
        }
    }
}
