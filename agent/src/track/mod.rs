//! Connections: the kernel's events → [`Observation`]s with a complete
//! [`KddRecord`](tidegate_models::KddRecord).
//!
//! The tracker keeps what the kernel's record can't hold (the place in the windows, the packet rate, the latest
//! prediction) for each conversation it hears of. It trusts no event to arrive: a connection whose first event was
//! lost is taken up where it stands, one replaced in the kernel (another first packet) is begun anew, an event older
//! than what is known changes nothing that moves only forwards.
//!
//! - TCP and UDP: a conversation is one connection. It enters the windows when first seen, as of its first packet,
//!   and its entry follows its state.
//! - ICMP: every message of the originator is a connection. At an event the messages since the event before enter as
//!   one weighted entry, spread evenly over the time between. The responder's answers enter nothing; an event that an
//!   answer causes is as good as any other to learn of the originator's messages (a tick often falls to an answer).
//!
//! A connection is looked at again when no packet causes an event: a second after its first one if it has come to
//! nothing by then, and before it is let go ([`Tracker::look`]).
//!
//! An event costs a few hash look-ups whatever is tracked, and so does a look. Memory is bounded by [`TrackerLimits`]: the connection
//! that has been inactive the longest makes room, in O(1).

mod activity;
mod connection;
mod index;
mod life;
mod look;
mod observation;
mod pace;
mod roster;
#[doc(hidden)]
pub mod testing;
#[cfg(test)]
mod tests;
mod tracked;

use std::collections::VecDeque;

use tidegate_common::{
    address::Address,
    event::{FlowEvent, Milestone},
    flow::{FlowKey, FlowSnapshot},
};
use tidegate_models::Class;

pub use self::{
    connection::Connection,
    look::{LOOK_AFTER_NS, MAX_LOOKS},
    observation::{ConnectionId, Followed, Observation, Occasion},
};
use self::{
    index::{Index, Tag},
    life::{is_afterthought, queue, replaces, timeout_ns},
    look::Looks,
    roster::{Queue, Roster},
    tracked::Tracked,
};
use crate::window::{
    HashKeys, LAST_CONNECTIONS, MAX_RECENT, RECENT_NS, Weights, Windows,
    hosts::{HostLimits, Hosts},
};

/// A step back of the packet clock beyond this is another capture, not events out of order: all is forgotten, ns.
pub const CLOCK_BACK_NS: u64 = 60_000_000_000;
/// The most connections one call of [`Tracker::advance`] lets go.
pub const MAX_ENDED_AT_ONCE: usize = 1024;

/// How much a tracker may hold.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct TrackerLimits {
    /// Connections followed at a time; each takes at most 256 bytes. At least 1.
    pub max_connections: usize,
}

impl Default for TrackerLimits {
    fn default() -> Self {
        Self {
            max_connections: 65_536,
        }
    }
}

/// Follows connections.
#[derive(Debug)]
pub struct Tracker {
    index: Index,
    roster: Roster<Tracked>,
    windows: Windows,
    hosts: Hosts,
    looks: Looks,
    limits: TrackerLimits,
    clock_ns: u64,
    evicted: u64,
    ended: VecDeque<Followed>,
    ended_limit: usize,
    ended_lost: u64,
}

impl Tracker {
    /// A tracker that knows nothing yet, for live traffic.
    #[must_use]
    pub fn new(limits: TrackerLimits) -> Self {
        Self::with_keys(limits, HashKeys::random())
    }

    /// As [`Tracker::new`], with keys of its tables' hashes. The estimated columns (distinct ports and hosts) are the
    /// same in every run with the same keys; fixed keys let senders choose addresses that collide.
    #[must_use]
    pub fn with_keys(limits: TrackerLimits, keys: HashKeys) -> Self {
        let limits = TrackerLimits {
            max_connections: limits.max_connections.clamp(1, u32::MAX as usize - 1),
        };
        Self {
            index: Index::new(keys),
            roster: Roster::new(),
            windows: Windows::new(MAX_RECENT, keys),
            hosts: Hosts::new(HostLimits::default(), keys),
            looks: Looks::new(limits.max_connections),
            limits,
            clock_ns: 0,
            evicted: 0,
            ended: VecDeque::new(),
            ended_limit: 0,
            ended_lost: 0,
        }
    }

    /// Takes one event into account and says what it means.
    pub fn observe(&mut self, event: &FlowEvent) -> Observation {
        if self.clock_ns.saturating_sub(event.now_ns) > CLOCK_BACK_NS {
            self.finish();
            self.windows.clear();
            self.hosts.clear();
            self.looks.clear();
            self.clock_ns = 0;
        }
        self.clock_ns = self.clock_ns.max(event.now_ns);
        self.windows.advance(self.clock_ns);
        let tag = self.index.tag(&event.key);
        let known = match self.find(tag, &event.key) {
            Some(slot) if replaces(&self.roster[slot], event) => {
                self.end(slot);
                None
            }
            known => known,
        };
        let first = known.is_none();
        let slot = known.unwrap_or_else(|| self.begin(tag, event));
        let tracked = &mut self.roster[slot];
        let before = tracked.connection();
        let since_ns = if first {
            before.start_ns
        } else {
            tracked.seen_ns
        };
        let over_ns = event.now_ns.saturating_sub(since_ns);
        let mut connection = before;
        if !first && event.flow.first_ns == before.start_ns {
            update(tracked, &mut connection, event, &mut self.windows);
        }
        tracked.active_ns = self.clock_ns;
        let rate = tracked.pace.observe(event.now_ns, connection.src_packets);
        let mut record = connection.record(rate);
        let entry = connection.entry();
        let hashes = self.windows.hashes(&entry);
        self.windows
            .judge_hashed(&entry, &hashes, tracked.place, &mut record);
        let known = (!first || is_afterthought(&connection, event)).then_some(&before);
        let activity = activity::between(known, &connection, event, over_ns);
        record.hosts = self.hosts.observe_hashed(&hashes, &activity);
        self.roster.touch(slot, queue(&connection));
        let id = self.id(slot);
        if first && activity::is_unanswered(&connection) {
            self.looks.expect(id, self.clock_ns);
        }
        Observation {
            id,
            connection,
            record,
            occasion: Occasion::Event(event.milestone().unwrap_or(Milestone::Tick)),
            from_originator: event.from_originator(),
            first,
            at_ns: event.now_ns,
        }
    }

    /// Lets closed connections go after [`CLOSED_LINGER_NS`](tidegate_common::flow::CLOSED_LINGER_NS), unanswered ones
    /// after [`ATTEMPT_NS`](tidegate_common::flow::ATTEMPT_NS) and idle ones after their protocol's timeout, all a second
    /// after their flow record would be begun anew, at most [`MAX_ENDED_AT_ONCE`] of them, without a last look. `now_ns`
    /// is the packet clock's; call it a few times a second.
    pub fn advance(&mut self, now_ns: u64) {
        // Leaves time for events that are still on their way.
        self.windows.expire(now_ns.saturating_sub(2 * RECENT_NS));
        for _ in 0..MAX_ENDED_AT_ONCE {
            let due = Queue::ALL.into_iter().find_map(|queue| {
                let slot = self.roster.oldest_in(queue)?;
                let idle_ns = now_ns.saturating_sub(self.roster.get(slot)?.active_ns);
                (idle_ns > timeout_ns(queue)).then_some(slot)
            });
            match due {
                Some(slot) => self.end(slot),
                None => return,
            }
        }
    }

    /// Remembers what the classifier said; `false` if the connection is gone.
    pub fn set_prediction(&mut self, id: ConnectionId, class: Class, confidence: f32) -> bool {
        if self.roster.generation(id.slot) != id.generation {
            return false;
        }
        match self.roster.get_mut(id.slot) {
            Some(tracked) => {
                tracked.predict(class, confidence);
                true
            }
            None => false,
        }
    }

    /// Ends a connection because its flow record is gone, of which this is the last copy: packets after its latest
    /// event are in no event. `false` if it is not followed, or the record is another connection's.
    pub fn retire(&mut self, key: &FlowKey, flow: &FlowSnapshot) -> bool {
        let Some(slot) = self.find(self.index.tag(key), key) else {
            return false;
        };
        let tracked = &mut self.roster[slot];
        let mut connection = tracked.connection();
        let same = connection.catch_up(flow);
        if same {
            tracked.keep(&connection);
            self.end(slot);
        }
        same
    }

    /// A source begins anew: what it did until now is in no `src_` column of a later event. For one that has atoned.
    pub fn forget_source(&mut self, source: Address) {
        self.hosts.forget_source(source, self.clock_ns);
    }

    /// The most recently active connections, at most `limit`, the latest first.
    #[must_use]
    pub fn recent(&self, limit: usize) -> Vec<Followed> {
        let newest = self.roster.newest_first().take(limit);
        newest.filter_map(|slot| self.followed(slot)).collect()
    }

    /// All connections, the most recently active one first.
    pub fn newest_first(&self) -> impl Iterator<Item = Followed> + '_ {
        let newest = self.roster.newest_first();
        newest.filter_map(|slot| self.followed(slot))
    }

    /// From now on keeps connections that end, for [`Tracker::next_ended`]: at most `limit`, the oldest are dropped
    /// and counted. 0, as in the beginning, keeps none.
    pub fn keep_ended(&mut self, limit: usize) {
        self.ended_limit = limit;
        while self.ended.len() > limit {
            self.ended.pop_front();
            self.ended_lost += 1;
        }
    }

    /// The connection that ended first of those not yet asked for: closed, idle, replaced, evicted or finished.
    pub fn next_ended(&mut self) -> Option<Followed> {
        self.ended.pop_front()
    }

    /// Ended connections that were dropped before they were asked for.
    #[must_use]
    pub const fn ended_lost(&self) -> u64 {
        self.ended_lost
    }

    /// Ends all connections, the longest inactive first: the capture is over.
    pub fn finish(&mut self) {
        while let Some(slot) = self.roster.oldest() {
            self.end(slot);
        }
    }

    /// Connections followed now.
    #[must_use]
    pub fn len(&self) -> usize {
        self.index.len()
    }

    /// Whether no connection is followed.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Connections forgotten early because the table was full.
    #[must_use]
    pub const fn evicted(&self) -> u64 {
        self.evicted
    }

    /// Entries dropped early because the 2 s window was full.
    #[must_use]
    pub const fn window_dropped(&self) -> u64 {
        self.windows.dropped()
    }

    /// Hosts forgotten early because their table was full: sources, destinations, pairs.
    #[must_use]
    pub const fn hosts_evicted(&self) -> [u64; 3] {
        self.hosts.evicted()
    }

    /// The slot of the connection under `key`, which has this tag.
    fn find(&self, tag: Tag, key: &FlowKey) -> Option<u32> {
        let is_it = |slot| {
            let tracked = self.roster.get(slot);
            tracked.is_some_and(|tracked| tracked.key == *key)
        };
        self.index.find(tag, is_it)
    }

    /// Follows the connection of an event, under whose key there is none.
    fn begin(&mut self, tag: Tag, event: &FlowEvent) -> u32 {
        if self.len() >= self.limits.max_connections
            && let Some(slot) = self.roster.oldest()
        {
            self.end(slot);
            self.evicted += 1;
        }
        let connection = Connection::new(event);
        let originator = event.flow.originator();
        let mut tracked = Tracked::new(
            event.key,
            originator,
            &connection,
            event.now_ns,
            self.clock_ns,
        );
        if connection.is_icmp() {
            let weights = unheard_messages(&connection, event);
            let entry = connection.entry();
            tracked.place = self.windows.enter(&entry, event.now_ns, weights);
        } else if !is_afterthought(&connection, event) {
            let start_ns = connection.start_ns.min(event.now_ns);
            let entry = connection.entry();
            tracked.place = self.windows.enter(&entry, start_ns, Weights::ONE);
        }
        let slot = self.roster.insert(queue(&connection), tracked);
        self.index.insert(tag, slot);
        slot
    }

    fn end(&mut self, slot: u32) {
        if self.ended_limit > 0
            && let Some(followed) = self.followed(slot)
        {
            if self.ended.len() >= self.ended_limit {
                self.ended.pop_front();
                self.ended_lost += 1;
            }
            self.ended.push_back(followed);
        }
        if let Some(tracked) = self.roster.remove(slot) {
            self.index.remove(self.index.tag(&tracked.key), slot);
            let connection = tracked.connection();
            if activity::is_open(&connection) {
                self.hosts.close(&activity::subject(&connection));
            }
        }
    }

    fn followed(&self, slot: u32) -> Option<Followed> {
        let tracked = self.roster.get(slot)?;
        Some(Followed {
            id: self.id(slot),
            key: tracked.key,
            connection: tracked.connection(),
            prediction: tracked.prediction(),
        })
    }

    fn id(&self, slot: u32) -> ConnectionId {
        ConnectionId {
            slot,
            generation: self.roster.generation(slot),
        }
    }
}

/// Takes a later event of a known connection into account; `connection` is what was kept of it.
fn update(
    tracked: &mut Tracked,
    connection: &mut Connection,
    event: &FlowEvent,
    windows: &mut Windows,
) {
    // All messages known of have entered the windows.
    let (flag, entered) = (connection.flag, connection.src_packets);
    let newest = event.now_ns >= tracked.seen_ns;
    connection.update(event, newest);
    tracked.keep(connection);
    tracked.seen_ns = tracked.seen_ns.max(event.now_ns);
    if connection.flag != flag {
        windows.change(tracked.place, connection.flag);
    }
    let messages = connection.src_packets.saturating_sub(entered);
    if connection.is_icmp() && messages > 0 {
        let over_ns = event.now_ns.saturating_sub(tracked.entered_ns);
        let weights = Weights::spread(messages, over_ns);
        tracked.place = windows.enter(&connection.entry(), event.now_ns, weights);
        tracked.entered_ns = tracked.entered_ns.max(event.now_ns);
    }
}

/// The messages of an ICMP conversation not heard of before: what its average rate puts into each horizon. Older ones
/// were seen by nobody and do not push others out of the window of the last connections.
fn unheard_messages(connection: &Connection, event: &FlowEvent) -> Weights {
    let life_ns = event.now_ns.saturating_sub(event.flow.first_ns);
    let weights = Weights::spread(connection.src_packets, life_ns);
    Weights {
        last: weights.recent.min(LAST_CONNECTIONS),
        ..weights
    }
}
