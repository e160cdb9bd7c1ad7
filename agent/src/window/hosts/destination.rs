//! What a destination suffers: everything it is the responder of.

use tidegate_models::HostColumns;

use super::{
    Activity,
    decisions::{Decisions, add, advance, settle},
    horizon::{Buckets, MINUTE, Moment, RECENT, SHORT, rounded},
    sketch::{Bitmaps, Distinct},
    table::Entry,
    waiting::Waiting,
};

#[derive(Clone, Copy, Debug, Default)]
struct Recent {
    packets: u32,
    /// Their payload.
    bytes: u32,
    unsolicited: u32,
    fragments: u32,
}

#[derive(Clone, Copy, Debug, Default)]
struct Minute {
    conns: u32,
    decisions: Decisions,
}

/// A destination. Four cache lines, of which an event without a new connection touches two.
#[derive(Clone, Debug)]
#[repr(C, align(64))]
pub(super) struct Destination {
    hash: u64,
    /// Packets.
    short: Buckets<u32>,
    recent: Buckets<Recent>,
    minute: Buckets<Minute>,
    waiting: Waiting,
    open: u32,
    /// Who asked, over 2 s; who asked and what for, over 60 s.
    asked: [Distinct; 3],
    bitmaps: [Bitmaps; 3],
}

impl Destination {
    /// A destination of which nothing is known, by the hash of its address.
    pub(super) fn new(hash: u64, now: &Moment) -> Self {
        Self {
            hash,
            short: Buckets::new(now.epochs[SHORT]),
            recent: Buckets::new(now.epochs[RECENT]),
            minute: Buckets::new(now.epochs[MINUTE]),
            waiting: Waiting::new(now.second),
            open: 0,
            asked: Default::default(),
            bitmaps: Default::default(),
        }
    }

    /// Takes note of an event; `port` and `source` are the hashes of what is asked and by whom.
    pub(super) fn observe(&mut self, activity: &Activity, now: &Moment, port: u64, source: u64) {
        self.ask(activity.begun, now, port, source);
        let overdue = advance(&mut self.waiting, activity.at_ns, now);
        for (then, count) in overdue.into_iter().flatten() {
            self.decide(&then, Decisions::failed(count));
        }
        let decisions = settle(&mut self.waiting, activity);
        if decisions.any() {
            self.decide(now, decisions);
        }
        if let Some(packets) = self.short.of(now.epochs[SHORT]) {
            add(packets, activity.recent_packets(SHORT));
        }
        if let Some(recent) = self.recent.of(now.epochs[RECENT]) {
            let packets = activity.recent_packets(RECENT);
            add(&mut recent.packets, packets);
            add(&mut recent.bytes, activity.recent_bytes());
            add(
                &mut recent.unsolicited,
                if activity.unsolicited { packets } else { 0 },
            );
            add(
                &mut recent.fragments,
                if activity.fragments { packets } else { 0 },
            );
        }
        if let Some(minute) = self.minute.of(now.epochs[MINUTE]) {
            add(&mut minute.conns, activity.begun);
        }
        self.open = self.open.saturating_add_signed(activity.opened);
    }

    /// Moves the sketches on with their buckets, and notes who asks for what by a new connection.
    fn ask(&mut self, begun: u32, now: &Moment, port: u64, source: u64) {
        let recent = self.recent.advance(now.epochs[RECENT]);
        let minute = self.minute.advance(now.epochs[MINUTE]);
        let sketches = self.asked.iter_mut().zip(&mut self.bitmaps);
        let sketches = sketches.zip([recent, minute, minute]);
        for (((asked, bitmaps), ahead), hash) in sketches.zip([source, source, port]) {
            asked.advance(bitmaps, ahead);
            if begun > 0 {
                asked.insert(bitmaps, ahead, hash);
            }
        }
    }

    fn decide(&mut self, at: &Moment, decisions: Decisions) {
        if let Some(minute) = self.minute.of(at.epochs[MINUTE]) {
            minute.decisions.add(decisions);
        }
    }

    /// An open connection is followed no longer.
    pub(super) fn close(&mut self) {
        self.open = self.open.saturating_sub(1);
    }

    /// Writes the `dst_` columns, as of `now`, when [`Destination::observe`] was called last.
    pub(super) fn judge(&self, now: &Moment, columns: &mut HostColumns) {
        let (epochs, shares) = (&now.epochs, &now.shares);
        let recent =
            |part: fn(&Recent) -> u32| self.recent.sum(epochs[RECENT], shares[RECENT], part);
        let minute =
            |part: fn(&Minute) -> u32| self.minute.sum(epochs[MINUTE], shares[MINUTE], part);
        columns.dst_packets_100ms = rounded(self.short.sum(epochs[SHORT], shares[SHORT], |n| *n));
        let packets = recent(|r| r.packets);
        columns.dst_packets_2s = rounded(packets);
        let bytes = recent(|r| r.bytes)
            .saturating_add(packets / 2)
            .checked_div(packets);
        columns.dst_packet_bytes_2s =
            bytes.map_or(0, |bytes| u32::try_from(bytes).unwrap_or(u32::MAX));
        columns.dst_waiting = self.waiting.total();
        columns.dst_failed_rate_60s = Decisions::rate(
            minute(|m| m.decisions.failed),
            minute(|m| m.decisions.answered),
        );
        let [sources, sources_minute, ports] = self.asked;
        let share = self.minute.share(epochs[MINUTE], shares[MINUTE]);
        columns.dst_sources_2s =
            sources.estimate(self.recent.share(epochs[RECENT], shares[RECENT]));
        columns.dst_sources_60s = sources_minute.estimate(share);
        columns.dst_ports_60s = ports.estimate(share);
        columns.dst_open = self.open;
        columns.dst_unsolicited_2s = rounded(recent(|r| r.unsolicited));
        columns.dst_fragments_2s = rounded(recent(|r| r.fragments));
    }

    /// Connections to it that began in the last one to two buckets of 60 s.
    pub(super) fn conns(&self) -> u64 {
        self.minute.both(|minute| minute.conns)
    }
}

impl Entry for Destination {
    fn hash(&self) -> u64 {
        self.hash
    }
}
