//! Looks at connections without a packet that would cause an event.
//!
//! An attempt that nobody answers has one event, its first packet, when nothing can be known of it: what comes of the
//! thousand others of its instant shows a moment later. So each connection that has come to nothing is judged a second
//! time [`LOOK_AFTER_NS`] after its first event. The last event of a conversation comes before the series shows that it
//! belongs to. So TCP connections that were closed are judged a last time before they are let go.
//!
//! A look only reads: windows and hosts are as of its time, but nothing is entered or counted again, so that no column
//! of any connection depends on whether there are looks.
//!
//! Nobody gets a last look who has come to nothing, or is let go for his silence: the 2 s window knew more of his time
//! at the second look, or at his latest event, than it does now. Nor does who must make room for another: that happens
//! in a flood, once an event.

use std::collections::VecDeque;

use super::{
    ConnectionId, Observation, Occasion, Tracker, activity, life::timeout_ns, roster::Queue,
};

/// From a connection's first event to the second look, ns. Whoever answers at all has done so by then: it is how long
/// TCP waits before it sends a SYN again (RFC 6298, 2.1). The 2 s window still has what was begun in the second before
/// the connection as well as in the second after it, and the promise to find a scan within 3 s is kept.
pub const LOOK_AFTER_NS: u64 = 1_000_000_000;
/// The most second looks that are outstanding, 16 bytes each; beyond, connections go without, and are counted. Enough
/// for 250,000 new connections a second.
pub const MAX_LOOKS: usize = 1 << 18;

#[derive(Clone, Copy, Debug)]
struct Expected {
    due_ns: u64,
    id: ConnectionId,
}

/// Who is to be looked at, and when.
#[derive(Debug)]
pub(super) struct Looks {
    /// Second looks, in the order of their time, which is that of the first events.
    second: VecDeque<Expected>,
    limit: usize,
    /// No last look is due before.
    last_ns: u64,
    taken: [u64; 2],
    missed: u64,
}

impl Looks {
    pub(super) fn new(max_connections: usize) -> Self {
        Self {
            second: VecDeque::new(),
            limit: max_connections.min(MAX_LOOKS),
            last_ns: 0,
            taken: [0; 2],
            missed: 0,
        }
    }

    /// A connection first heard of at `now_ns`, which never goes down, is to be looked at a second time.
    #[inline]
    pub(super) fn expect(&mut self, id: ConnectionId, now_ns: u64) {
        if self.second.len() < self.limit {
            self.second.push_back(Expected {
                due_ns: now_ns.saturating_add(LOOK_AFTER_NS),
                id,
            });
        } else {
            self.missed += 1;
        }
    }

    #[inline]
    fn second_ns(&self) -> u64 {
        self.second.front().map_or(u64::MAX, |front| front.due_ns)
    }

    pub(super) fn clear(&mut self) {
        self.second.clear();
        self.last_ns = 0;
    }
}

impl Tracker {
    /// Whether a look may be due by `now_ns`.
    #[inline]
    #[must_use]
    pub fn may_look(&self, now_ns: u64) -> bool {
        now_ns >= self.looks.second_ns().min(self.looks.last_ns)
    }

    /// The next look that is due by `now_ns`, in the order of their times. All events before `now_ns` have been
    /// observed. Whoever gets a [`LastLook`](Occasion::LastLook) is to be [dismissed](Self::dismiss) afterwards.
    ///
    /// Connections that have gone or were answered meanwhile are passed over. Each step takes one from `budget`, and
    /// there is none when it is 0: something may be due all the same.
    pub fn look(&mut self, now_ns: u64, budget: &mut usize) -> Option<Observation> {
        while *budget > 0 && self.may_look(now_ns) {
            *budget -= 1;
            let last = self.next_last(now_ns);
            let last_ns = last.map_or(u64::MAX, |(due_ns, _)| due_ns);
            if self.looks.second_ns() <= now_ns.min(last_ns) {
                // None at the end of time only.
                let Expected { due_ns, id } = self.looks.second.pop_front()?;
                if self.roster.generation(id.slot) == id.generation && self.is_unanswered(id.slot) {
                    return Some(self.look_at(id, due_ns, Occasion::SecondLook));
                }
            } else if let Some((due_ns, slot)) = last {
                if !self.is_unanswered(slot) {
                    return Some(self.look_at(self.id(slot), due_ns, Occasion::LastLook));
                }
                self.end(slot);
            }
        }
        None
    }

    /// The capture is over at `now_ns`, and all looks that were due by then are taken: ends connections, the longest
    /// inactive first, down to one that would have been judged again had it gone on: it was active just now, or its
    /// last look is outstanding. It gets that now, and is to be [dismissed](Self::dismiss).
    pub fn look_at_end(&mut self, now_ns: u64) -> Option<Observation> {
        while let Some(slot) = self.roster.oldest() {
            let tracked = &self.roster[slot];
            let active = now_ns.saturating_sub(tracked.active_ns) < LOOK_AFTER_NS;
            if active || tracked.is_closed() && !self.is_unanswered(slot) {
                return Some(self.look_at(self.id(slot), now_ns, Occasion::LastLook));
            }
            self.end(slot);
        }
        None
    }

    /// Ends a connection that had its last look.
    pub fn dismiss(&mut self, id: ConnectionId) {
        if self.roster.generation(id.slot) == id.generation {
            self.end(id.slot);
        }
    }

    /// Looks taken so far: second ones, last ones.
    #[must_use]
    pub const fn looks_taken(&self) -> [u64; 2] {
        self.looks.taken
    }

    /// Second looks that were not taken because too many were outstanding.
    #[must_use]
    pub const fn looks_missed(&self) -> u64 {
        self.looks.missed
    }

    /// Whether the connection in a slot in use has come to nothing so far.
    fn is_unanswered(&self, slot: u32) -> bool {
        activity::is_unanswered(&self.roster[slot].connection())
    }

    /// The connection that is to be let go next of those that are closed, if it is by `now_ns`, and when.
    fn next_last(&mut self, now_ns: u64) -> Option<(u64, u32)> {
        if now_ns < self.looks.last_ns {
            return None;
        }
        let slot = self.roster.oldest_in(Queue::Closed);
        // As in `advance`: idle for more than the timeout.
        let after_ns = timeout_ns(Queue::Closed) + 1;
        let due_ns = slot.map_or(u64::MAX, |slot| {
            self.roster[slot].active_ns.saturating_add(after_ns)
        });
        if due_ns <= now_ns {
            return slot.map(|slot| (due_ns, slot));
        }
        // Who is closed from now on is due later than this.
        self.looks.last_ns = due_ns.min(now_ns.saturating_add(after_ns));
        None
    }

    fn look_at(&mut self, id: ConnectionId, due_ns: u64, occasion: Occasion) -> Observation {
        self.looks.taken[usize::from(occasion == Occasion::LastLook)] += 1;
        let at_ns = due_ns.max(self.clock_ns);
        self.windows.advance(at_ns);
        let tracked = &self.roster[id.slot];
        let connection = tracked.connection();
        // How many packets came since its latest event is not known, so neither is a rate as of now.
        let rate = tracked.pace.latest(tracked.seen_ns, connection.src_packets);
        let mut record = connection.record(rate);
        let entry = connection.entry();
        let hashes = self.windows.hashes(&entry);
        self.windows
            .judge_hashed(&entry, &hashes, tracked.place, &mut record);
        record.hosts = self.hosts.view_hashed(&hashes, at_ns);
        Observation {
            id,
            connection,
            record,
            occasion,
            from_originator: false,
            first: false,
            at_ns,
        }
    }
}
