//! Captures through the same engine as live traffic: packets → flow table → [`Detector`] → connections that ended,
//! and what would have been decided.
//!
//! Time is the packet clock. It never goes back: a packet stamped earlier than the one before counts as of that one,
//! unless it is more than [`CLOCK_BACK_NS`] earlier; then another capture begins, and all connections end. A
//! connection ends when it has been closed or idle for its timeout, when the table of flows has no room for it, or
//! when the last capture is over.

mod decisions;
mod summary;

use std::sync::Arc;

use tidegate_common::{
    event::FlowEvent,
    packet::Packet,
    stats::{Counter, Stats},
};
use tidegate_models::{Class, KddRecord, Model};

use self::decisions::WouldBes;
pub use self::{
    decisions::{MAX_LISTED, WouldBe},
    summary::Summary,
};
use crate::{
    config::PolicyConfig,
    detect::{Detector, Judged},
    policy::{Advice, Policy, Protected},
    source::{
        capture::CapturedPacket,
        link::{self, Unread},
        offline::{FlowTable, TOGETHER},
    },
    track::{
        CLOCK_BACK_NS, Connection, Followed, MAX_ENDED_AT_ONCE, Observation, Tracker, TrackerLimits,
    },
    window::HashKeys,
};

/// Timers are looked at this often, as live.
const TICK_NS: u64 = 100_000_000;
/// A capture says the same in every run. Who made it could have made addresses collide; nobody is blocked for it.
const KEYS: HashKeys = HashKeys::fixed(0);

/// A connection that is over.
#[derive(Clone, Copy, Debug)]
pub struct Ended {
    /// All of it: every packet is counted.
    pub connection: Connection,
    /// What the classifier said of it last: at its latest event, or at a look after it.
    pub class: Class,
    /// How sure it was, 0 to 1.
    pub confidence: f32,
    /// Its columns: its own as of its end, those of windows and rates as of its latest event.
    pub record: KddRecord,
}

/// A packet on its way to the flow table.
#[derive(Clone, Copy, Debug)]
struct Waiting {
    at_ns: u64,
    interface: u32,
    /// Whether it could be read; if not, it moves the clock, no more.
    readable: bool,
    packet: Packet,
}

/// Takes packets, gives connections.
#[derive(Debug)]
pub struct Replay {
    detector: Detector,
    policy: PolicyConfig,
    flows: FlowTable,
    /// Columns of followed connections as of their latest event, by [`ConnectionId::slot`].
    ///
    /// [`ConnectionId::slot`]: crate::track::ConnectionId::slot
    records: Vec<KddRecord>,
    would_be: WouldBes,
    summary: Summary,
    stats: Stats,
    /// At most [`TOGETHER`].
    waiting: Vec<Waiting>,
    clock_ns: u64,
    next_tick_ns: u64,
}

impl Replay {
    /// A replay that follows at most `max_flows` conversations at a time (at least 1); `model` is of the schema live.
    #[must_use]
    pub fn new(model: Arc<Model>, policy: &PolicyConfig, max_flows: u32) -> Self {
        let limits = TrackerLimits {
            max_connections: max_flows.max(1) as usize,
        };
        let tracker = Tracker::with_keys(limits, KEYS);
        let mut detector = Detector::with_tracker(model, without_memories(policy), tracker);
        // Asked for after every step, of which the last one ends all there are.
        detector
            .tracker_mut()
            .keep_ended(limits.max_connections + MAX_ENDED_AT_ONCE);
        Self {
            detector,
            policy: policy.clone(),
            flows: FlowTable::new(max_flows),
            records: Vec::new(),
            would_be: WouldBes::default(),
            summary: Summary::default(),
            stats: Stats::default(),
            waiting: Vec::with_capacity(TOGETHER),
            clock_ns: 0,
            next_tick_ns: 0,
        }
    }

    /// Takes the next packet; connections that are over go to `out`, in the order of their end, some packets later.
    ///
    /// # Errors
    ///
    /// What `out` says.
    #[inline]
    pub fn packet<E>(
        &mut self,
        captured: &CapturedPacket<'_>,
        out: &mut impl FnMut(&Ended) -> Result<(), E>,
    ) -> Result<(), E> {
        self.stats.add(Counter::Packets, 1);
        self.stats.add(Counter::Bytes, u64::from(captured.wire_len));
        let mut packet = Packet::default();
        let unread = match link::parse(captured, &mut packet) {
            Ok(()) => packet.defect.map(Unread::Unparsed),
            Err(unread) => Some(unread),
        };
        match unread {
            None => {}
            Some(Unread::Link(number)) => self.summary.skip(number),
            Some(Unread::Unparsed(reason)) => self.stats.add(Counter::unparsed(reason), 1),
        }
        self.waiting.push(Waiting {
            at_ns: captured.at_ns,
            interface: captured.interface,
            readable: unread.is_none(),
            packet,
        });
        if self.waiting.len() < TOGETHER {
            return Ok(());
        }
        self.take_waiting(out)
    }

    /// Takes the packets that wait through the engine.
    fn take_waiting<E>(&mut self, out: &mut impl FnMut(&Ended) -> Result<(), E>) -> Result<(), E> {
        let mut waiting = std::mem::take(&mut self.waiting);
        let readable = waiting.iter().filter(|waiting| waiting.readable);
        self.flows.warm(readable.map(|waiting| &waiting.packet));
        for waiting in waiting.drain(..) {
            self.advance(waiting.at_ns, out)?;
            if !waiting.readable {
                continue;
            }
            let (packet, now_ns) = (&waiting.packet, self.clock_ns);
            if let Some(event) = self.flows.observe(packet, now_ns, waiting.interface) {
                self.judge(&event, out)?;
            }
        }
        // Its memory is used again.
        self.waiting = waiting;
        Ok(())
    }

    /// The last capture is over: all connections end, the longest inactive first.
    ///
    /// # Errors
    ///
    /// What `out` says.
    pub fn finish<E>(&mut self, out: &mut impl FnMut(&Ended) -> Result<(), E>) -> Result<(), E> {
        self.take_waiting(out)?;
        self.end_all(out)
    }

    /// What it came to; all of it after [`Replay::finish`].
    #[must_use]
    pub fn summary(&self) -> Summary {
        let mut stats = self.stats;
        stats.merge(self.flows.stats());
        self.summary.with(
            &stats,
            self.flows.evicted(),
            *self.detector.predictions(),
            &self.would_be,
        )
    }

    fn judge<E>(
        &mut self,
        event: &FlowEvent,
        out: &mut impl FnMut(&Ended) -> Result<(), E>,
    ) -> Result<(), E> {
        if let Some((key, flow)) = self.flows.retired() {
            self.detector.tracker_mut().retire(&key, &flow);
            // What stands under the key now is another flow, perhaps of the same instant.
            while let Some(followed) = self.detector.tracker_mut().next_ended() {
                self.tell(&followed, out)?;
            }
        }
        let judged = self.detector.judge(event);
        // The connection may stand where one that ended did.
        self.drain(out)?;
        let observation = &judged.observation;
        let slot = observation.id.slot();
        if slot >= self.records.len() {
            self.records.resize(slot + 1, KddRecord::default());
        }
        self.records[slot] = observation.record;
        self.heed(judged);
        Ok(())
    }

    /// Takes the looks that are due by a time.
    fn look<E>(
        &mut self,
        now_ns: u64,
        out: &mut impl FnMut(&Ended) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut unlimited = usize::MAX;
        while let Some(judged) = self.detector.look(now_ns, &mut unlimited) {
            self.heed(judged);
            self.drain(out)?;
        }
        Ok(())
    }

    /// What the policy wants done.
    fn heed(&mut self, judged: Judged) {
        let Observation {
            connection, at_ns, ..
        } = judged.observation;
        let policy = self.detector.policy_mut();
        match judged.advice {
            Some(Advice::Impose(proposal)) => {
                self.would_be.propose(proposal, &connection, policy, at_ns);
            }
            Some(Advice::Lift(lift)) => self.would_be.lift(&lift, policy, at_ns),
            None => {}
        }
    }

    /// A capture is over: all connections end, the longest inactive first.
    fn end_all<E>(&mut self, out: &mut impl FnMut(&Ended) -> Result<(), E>) -> Result<(), E> {
        self.summary.end(self.clock_ns);
        while let Some(judged) = self.detector.look_at_end(self.clock_ns) {
            self.heed(judged);
            self.drain(out)?;
        }
        self.drain(out)
    }

    /// Moves the packet clock.
    #[inline]
    fn advance<E>(
        &mut self,
        at_ns: u64,
        out: &mut impl FnMut(&Ended) -> Result<(), E>,
    ) -> Result<(), E> {
        if at_ns >= self.next_tick_ns || at_ns < self.clock_ns {
            self.pass_time(at_ns, out)?;
        }
        if self.detector.tracker().may_look(at_ns) {
            self.look(at_ns, out)?;
        }
        self.clock_ns = self.clock_ns.max(at_ns);
        Ok(())
    }

    #[cold]
    fn pass_time<E>(
        &mut self,
        at_ns: u64,
        out: &mut impl FnMut(&Ended) -> Result<(), E>,
    ) -> Result<(), E> {
        if self.next_tick_ns == 0 {
            self.summary.begin(at_ns);
            self.next_tick_ns = at_ns.saturating_add(TICK_NS);
        } else if at_ns.saturating_add(CLOCK_BACK_NS) < self.clock_ns {
            self.end_all(out)?;
            self.flows.clear();
            self.would_be.forget_standing();
            *self.detector.policy_mut() = without_memories(&self.policy);
            self.summary.begin(at_ns);
            self.clock_ns = at_ns;
            self.next_tick_ns = at_ns.saturating_add(TICK_NS);
        }
        while self.next_tick_ns <= at_ns {
            // Where nobody is followed, nothing runs out that could be told in the wrong order.
            let idle = self.detector.tracker().is_empty();
            let now_ns = if idle { at_ns } else { self.next_tick_ns };
            self.tick(now_ns, out)?;
            self.next_tick_ns = now_ns.saturating_add(TICK_NS);
            if self.next_tick_ns == u64::MAX {
                break;
            }
        }
        self.summary.end(self.clock_ns.max(at_ns));
        Ok(())
    }

    fn tick<E>(
        &mut self,
        now_ns: u64,
        out: &mut impl FnMut(&Ended) -> Result<(), E>,
    ) -> Result<(), E> {
        self.look(now_ns, out)?;
        let mut before = usize::MAX;
        let tracker = self.detector.tracker_mut();
        while tracker.len() < before {
            before = tracker.len();
            tracker.advance(now_ns);
        }
        self.drain(out)?;
        self.would_be.release(self.detector.policy_mut(), now_ns);
        Ok(())
    }

    /// Passes on the connections that have ended, each with its packets since its latest event.
    fn drain<E>(&mut self, out: &mut impl FnMut(&Ended) -> Result<(), E>) -> Result<(), E> {
        while let Some(mut followed) = self.detector.tracker_mut().next_ended() {
            if let Some(flow) = self.flows.snapshot(&followed.key) {
                followed.connection.catch_up(&flow);
            }
            self.tell(&followed, out)?;
        }
        Ok(())
    }

    fn tell<E>(
        &mut self,
        followed: &Followed,
        out: &mut impl FnMut(&Ended) -> Result<(), E>,
    ) -> Result<(), E> {
        let (class, confidence) = followed.prediction.unwrap_or((Class::Unknown, 0.0));
        let record = self.records.get(followed.id.slot());
        let mut record = record.copied().unwrap_or_default();
        followed.connection.describe(&mut record);
        let ended = Ended {
            connection: followed.connection,
            class,
            confidence,
            record,
        };
        self.summary.connection(&ended);
        out(&ended)
    }
}

/// A policy for a capture: this machine's own addresses have nothing to do with those in it.
fn without_memories(config: &PolicyConfig) -> Policy {
    let protected = Protected::only(config.allowlist.clone());
    Policy::with_keys(config.clone(), protected, KEYS)
}
