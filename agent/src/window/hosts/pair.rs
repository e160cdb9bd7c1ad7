//! What a source does to one service of a destination.

use tidegate_models::HostColumns;

use super::{
    Activity,
    decisions::{add, percent},
    horizon::{Buckets, LONG, MINUTE, Moment, RECENT, rounded},
    table::Entry,
};

/// Bytes that two connections may differ by on top of a quarter, and still be alike.
const ALIKE_BYTES: u64 = 32;
/// Bytes that two requests differ by at most when only a name, a password or a number in them is another one.
const WORD_BYTES: u32 = 64;

#[derive(Clone, Copy, Debug, Default)]
struct Long {
    /// No more are counted than fit, which is far more than a model is told.
    conns: u16,
    /// TCP connections that ended, the first one not counted; no more are counted than fit.
    ended: u16,
    /// Those of them that carried about as much as the one that ended before.
    alike: u16,
    /// Those of them that asked something else than the one that ended before, and were answered the same.
    same_answer: u16,
}

/// Source, destination and service. One cache line.
#[derive(Clone, Debug)]
#[repr(align(64))]
pub(super) struct Pair {
    hash: u64,
    /// Packets.
    recent: Buckets<u32>,
    /// Connections.
    minute: Buckets<u32>,
    long: Buckets<Long>,
    /// Payload bytes each way of the TCP connection that ended last, if one did.
    last: [u32; 2],
    any_ended: bool,
}

impl Pair {
    /// A pair of which nothing is known, by the hash of both and the service.
    pub(super) fn new(hash: u64, now: &Moment) -> Self {
        Self {
            hash,
            recent: Buckets::new(now.epochs[RECENT]),
            minute: Buckets::new(now.epochs[MINUTE]),
            long: Buckets::new(now.epochs[LONG]),
            last: [0; 2],
            any_ended: false,
        }
    }

    /// Takes note of an event.
    pub(super) fn observe(&mut self, activity: &Activity, now: &Moment) {
        if let Some(packets) = self.recent.of(now.epochs[RECENT]) {
            add(packets, activity.recent_packets(RECENT));
        }
        if let Some(conns) = self.minute.of(now.epochs[MINUTE]) {
            add(conns, activity.begun);
        }
        let ended = activity.ended.map(|bytes| bytes.map(saturated));
        if let Some(long) = self.long.of(now.epochs[LONG]) {
            long.conns = long
                .conns
                .saturating_add(u16::try_from(activity.begun).unwrap_or(u16::MAX));
            if let Some(bytes) = ended
                && self.any_ended
                && long.ended < u16::MAX
            {
                long.ended += 1;
                long.alike += u16::from(alike(bytes, self.last));
                long.same_answer += u16::from(same_answer(bytes, self.last));
            }
        }
        if let Some(bytes) = ended {
            (self.last, self.any_ended) = (bytes, true);
        }
    }

    /// Writes the `pair_` columns, as of `now`, when [`Pair::observe`] was called last.
    pub(super) fn judge(&self, now: &Moment, columns: &mut HostColumns) {
        let (epochs, shares) = (&now.epochs, &now.shares);
        let long = |part: fn(&Long) -> u32| self.long.sum(epochs[LONG], shares[LONG], part);
        columns.pair_packets_2s = rounded(self.recent.sum(epochs[RECENT], shares[RECENT], |n| *n));
        columns.pair_conns_60s = rounded(self.minute.sum(epochs[MINUTE], shares[MINUTE], |n| *n));
        columns.pair_conns_600s = rounded(long(|l| l.conns.into()));
        let ended = long(|l| l.ended.into());
        columns.pair_alike_rate_600s = percent(long(|l| l.alike.into()), ended);
        columns.pair_same_answer_rate_600s = percent(long(|l| l.same_answer.into()), ended);
    }

    /// Connections in the last one to two buckets of 600 s.
    pub(super) fn conns(&self) -> u64 {
        self.long.both(|long| long.conns.into())
    }
}

fn saturated(bytes: u64) -> u32 {
    u32::try_from(bytes).unwrap_or(u32::MAX)
}

/// Whether both directions differ by at most a quarter of the larger, and 32 bytes.
pub(super) fn alike(one: [u32; 2], other: [u32; 2]) -> bool {
    one.iter()
        .zip(&other)
        .all(|(a, b)| u64::from(a.abs_diff(*b)) <= u64::from(*a.max(b)) / 4 + ALIKE_BYTES)
}

/// Whether one asked with up to 64 bytes more or fewer than the other, and was answered with as many, some.
///
/// So are guesses, for wrong passwords have many lengths and get the same answer. Who asks for other things gets other
/// answers, and who asks for the same thing again asks with as many bytes.
pub(super) const fn same_answer(one: [u32; 2], other: [u32; 2]) -> bool {
    matches!(one[0].abs_diff(other[0]), 1..=WORD_BYTES) && one[1] == other[1] && one[1] > 0
}

impl Entry for Pair {
    fn hash(&self) -> u64 {
        self.hash
    }
}
