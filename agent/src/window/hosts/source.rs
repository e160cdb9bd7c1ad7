//! What a source does: everything it is the originator of.

use tidegate_models::HostColumns;

use super::{
    Activity,
    decisions::{Decisions, add, advance, settle},
    horizon::{Buckets, LONG, MINUTE, Moment, RECENT, rounded},
    sketch::{Bitmaps, Distinct},
    table::Entry,
    waiting::Waiting,
};

#[derive(Clone, Copy, Debug, Default)]
struct Recent {
    packets: u32,
    decisions: Decisions,
}

#[derive(Clone, Copy, Debug, Default)]
struct Minute {
    conns: u32,
    /// Payload both ways.
    bytes: u32,
    decisions: Decisions,
}

#[derive(Clone, Copy, Debug, Default)]
struct Long {
    conns: u32,
    decisions: Decisions,
}

/// A source. Four cache lines, of which an event without a new connection touches two.
#[derive(Clone, Debug)]
#[repr(C, align(64))]
pub(super) struct Source {
    hash: u64,
    recent: Buckets<Recent>,
    minute: Buckets<Minute>,
    long: Buckets<Long>,
    waiting: Waiting,
    open: u32,
    /// Services and hosts, over 60 s; the same over 600 s.
    asked: [Distinct; 4],
    bitmaps: [Bitmaps; 4],
}

impl Source {
    /// A source of which nothing is known, by the hash of its address.
    pub(super) fn new(hash: u64, now: &Moment) -> Self {
        Self {
            hash,
            recent: Buckets::new(now.epochs[RECENT]),
            minute: Buckets::new(now.epochs[MINUTE]),
            long: Buckets::new(now.epochs[LONG]),
            waiting: Waiting::new(now.second),
            open: 0,
            asked: Default::default(),
            bitmaps: Default::default(),
        }
    }

    /// Takes note of an event; `port` and `host` are the hashes of what is asked and who.
    pub(super) fn observe(&mut self, activity: &Activity, now: &Moment, port: u64, host: u64) {
        self.ask(activity.begun, now, port, host);
        let overdue = advance(&mut self.waiting, activity.at_ns, now);
        for (then, count) in overdue.into_iter().flatten() {
            self.decide(&then, Decisions::failed(count));
        }
        let decisions = settle(&mut self.waiting, activity);
        if decisions.any() {
            self.decide(now, decisions);
        }
        if let Some(recent) = self.recent.of(now.epochs[RECENT]) {
            add(&mut recent.packets, activity.recent_packets(RECENT));
        }
        if let Some(minute) = self.minute.of(now.epochs[MINUTE]) {
            add(&mut minute.conns, activity.begun);
            let bytes = activity.bytes.saturating_add(activity.reply_bytes);
            add(&mut minute.bytes, u32::try_from(bytes).unwrap_or(u32::MAX));
        }
        if let Some(long) = self.long.of(now.epochs[LONG]) {
            add(&mut long.conns, activity.begun);
        }
        self.open = self.open.saturating_add_signed(activity.opened);
    }

    /// Moves the sketches on with their buckets, and notes whom a new connection asks for what.
    fn ask(&mut self, begun: u32, now: &Moment, port: u64, host: u64) {
        let minute = self.minute.advance(now.epochs[MINUTE]);
        let long = self.long.advance(now.epochs[LONG]);
        let sketches = self.asked.iter_mut().zip(&mut self.bitmaps);
        let sketches = sketches.zip([minute, minute, long, long]);
        for (((asked, bitmaps), ahead), hash) in sketches.zip([port, host, port, host]) {
            asked.advance(bitmaps, ahead);
            if begun > 0 {
                asked.insert(bitmaps, ahead, hash);
            }
        }
    }

    fn decide(&mut self, at: &Moment, decisions: Decisions) {
        if let Some(recent) = self.recent.of(at.epochs[RECENT]) {
            recent.decisions.add(decisions);
        }
        if let Some(minute) = self.minute.of(at.epochs[MINUTE]) {
            minute.decisions.add(decisions);
        }
        if let Some(long) = self.long.of(at.epochs[LONG]) {
            long.decisions.add(decisions);
        }
    }

    /// An open connection is followed no longer.
    pub(super) fn close(&mut self) {
        self.open = self.open.saturating_sub(1);
    }

    /// What it did until now is in no column any more, but for the connections that are still open.
    pub(super) fn forget(&mut self, now: &Moment) {
        *self = Self {
            open: self.open,
            ..Self::new(self.hash, now)
        };
    }

    /// Writes the `src_` columns, as of `now`, when [`Source::observe`] was called last.
    pub(super) fn judge(&self, now: &Moment, columns: &mut HostColumns) {
        let (epochs, shares) = (&now.epochs, &now.shares);
        let recent =
            |part: fn(&Recent) -> u32| self.recent.sum(epochs[RECENT], shares[RECENT], part);
        let minute =
            |part: fn(&Minute) -> u32| self.minute.sum(epochs[MINUTE], shares[MINUTE], part);
        let long = |part: fn(&Long) -> u32| self.long.sum(epochs[LONG], shares[LONG], part);
        columns.src_packets_2s = rounded(recent(|r| r.packets));
        columns.src_conns_60s = rounded(minute(|m| m.conns));
        columns.src_conns_600s = rounded(long(|l| l.conns));
        columns.src_waiting = self.waiting.total();
        columns.src_failed_rate_2s = Decisions::rate(
            recent(|r| r.decisions.failed),
            recent(|r| r.decisions.answered),
        );
        columns.src_failed_rate_60s = Decisions::rate(
            minute(|m| m.decisions.failed),
            minute(|m| m.decisions.answered),
        );
        columns.src_failed_rate_600s =
            Decisions::rate(long(|l| l.decisions.failed), long(|l| l.decisions.answered));
        columns.src_bytes_per_open = rounded(minute(|m| m.bytes))
            .checked_div(self.open)
            .unwrap_or(0);
        let minute = self.minute.share(epochs[MINUTE], shares[MINUTE]);
        let long = self.long.share(epochs[LONG], shares[LONG]);
        let [ports, hosts, ports_long, hosts_long] = self.asked;
        columns.src_ports_60s = ports.estimate(minute);
        columns.src_ports_600s = ports_long.estimate(long);
        columns.src_hosts_60s = hosts.estimate(minute);
        columns.src_hosts_600s = hosts_long.estimate(long);
        columns.src_open = self.open;
    }

    /// Connections it began in the last one to two buckets of 600 s.
    pub(super) fn conns(&self) -> u64 {
        self.long.both(|long| long.conns)
    }
}

impl Entry for Source {
    fn hash(&self) -> u64 {
        self.hash
    }
}
