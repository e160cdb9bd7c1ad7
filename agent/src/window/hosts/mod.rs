//! The columns keyed by host: what the source and the destination of a connection do or suffer, whatever goes on
//! between others.
//!
//! Three bounded tables: sources (everything an address is the originator of), destinations (everything it is the
//! responder of) and pairs (a source at one service of a destination). An event touches one entry of each, so it costs
//! three look-ups, however busy the network is, and no entry is ever touched by the events of others.
//!
//! - **Horizons**: 0.1 s, 2 s, 60 s and 600 s, each by two buckets as long as the horizon. A column is the current
//!   bucket and the part of the one before that is still inside, as if that were spread evenly (`horizon.rs`).
//! - **Distinct** ports and hosts: linear counting in 128 bits a bucket (`sketch.rs` states the error).
//! - **Failed** is a connection that is refused, that ends without payload, or that nobody has answered when the second
//!   after the one in which it began is over (`waiting.rs`). A new one is neither failed nor answered: it waits.
//! - **Memory**: an entry takes [`SOURCE_BYTES`], [`DESTINATION_BYTES`] or [`PAIR_BYTES`]; there are at most
//!   [`MAX_SOURCES`], [`MAX_DESTINATIONS`] and [`MAX_PAIRS`]: 31 MB when all are full, a connection adds nothing.
//! - **Eviction** (`table.rs`): in a full set of eight, strangers go first, those idle the longest before others.
//!   Whoever was answered once, or began [`KNOWN_CONNS`] connections, is no stranger. So a flood from a million
//!   invented sources pushes out other strangers; to push out hosts with a history it takes as many addresses that
//!   were answered, or persist.
//!
//! All in integers; the same events and [`HashKeys`] give the same columns.

mod activity;
mod decisions;
mod destination;
mod horizon;
mod pair;
#[cfg(test)]
mod reference;
mod sketch;
mod source;
mod table;
#[cfg(test)]
mod tests;
mod waiting;

use std::hash::BuildHasher as _;

use tidegate_common::address::Address;
use tidegate_models::HostColumns;

pub use self::activity::{Activity, Settles, Subject};
use self::{destination::Destination, horizon::Moment, pair::Pair, source::Source, table::Table};
use super::keyed::HashKeys;

/// The most sources.
pub const MAX_SOURCES: usize = 65_536;
/// The most destinations.
pub const MAX_DESTINATIONS: usize = 32_768;
/// The most pairs.
pub const MAX_PAIRS: usize = 65_536;
/// Connections after which one is no stranger, though nobody answered.
pub const KNOWN_CONNS: u64 = 16;
/// What a source takes, in bytes; eight more stand in the index.
pub const SOURCE_BYTES: usize = size_of::<Source>();
/// What a destination takes.
pub const DESTINATION_BYTES: usize = size_of::<Destination>();
/// What a pair takes.
pub const PAIR_BYTES: usize = size_of::<Pair>();

/// How many hosts may be known.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct HostLimits {
    /// Sources; rounded up to a power of two from 8 to 65,536, as are the others.
    pub sources: usize,
    /// Destinations.
    pub destinations: usize,
    /// Pairs.
    pub pairs: usize,
}

impl Default for HostLimits {
    fn default() -> Self {
        Self {
            sources: MAX_SOURCES,
            destinations: MAX_DESTINATIONS,
            pairs: MAX_PAIRS,
        }
    }
}

/// What is known of hosts.
#[derive(Debug)]
pub struct Hosts {
    sources: Table<Source>,
    destinations: Table<Destination>,
    pairs: Table<Pair>,
    keys: HashKeys,
}

impl Hosts {
    /// Nothing is known yet.
    #[must_use]
    pub fn new(limits: HostLimits, keys: HashKeys) -> Self {
        Self {
            sources: Table::new(limits.sources),
            destinations: Table::new(limits.destinations),
            pairs: Table::new(limits.pairs),
            keys,
        }
    }

    /// Takes note of an event, and says what is known of its hosts then.
    pub fn observe(&mut self, subject: &Subject, activity: &Activity) -> HostColumns {
        self.observe_hashes(&Hashes::of(subject, &self.keys), activity)
    }

    /// As [`Hosts::observe`], with the hashes of the subject by the same keys.
    pub(crate) fn observe_hashed(
        &mut self,
        subject: &super::Hashes,
        activity: &Activity,
    ) -> HostColumns {
        let hashes = Hashes::paired(subject.source, subject.host, subject.service, &self.keys);
        self.observe_hashes(&hashes, activity)
    }

    fn observe_hashes(&mut self, hashes: &Hashes, activity: &Activity) -> HostColumns {
        let now_ns = activity.at_ns;
        let now = Moment::at(now_ns);
        let mut columns = HostColumns::default();
        let answered = activity.answered > 0;

        // All found before any is read on: what is not in the cache comes at the same time.
        let new = || Source::new(hashes.source, &now);
        let source = self.sources.find_or_insert(hashes.source, now_ns, new);
        let new = || Destination::new(hashes.destination, &now);
        let destination = self
            .destinations
            .find_or_insert(hashes.destination, now_ns, new);
        let new = || Pair::new(hashes.pair, &now);
        let pair = self.pairs.find_or_insert(hashes.pair, now_ns, new);

        let entry = self.sources.entry(source);
        entry.observe(activity, &now, hashes.port, hashes.destination);
        entry.judge(&now, &mut columns);
        if answered || entry.conns() >= KNOWN_CONNS {
            self.sources.know(source);
        }
        let entry = self.destinations.entry(destination);
        entry.observe(activity, &now, hashes.port, hashes.source);
        entry.judge(&now, &mut columns);
        if answered || entry.conns() >= KNOWN_CONNS {
            self.destinations.know(destination);
        }
        let entry = self.pairs.entry(pair);
        entry.observe(activity, &now);
        entry.judge(&now, &mut columns);
        if answered || entry.conns() >= KNOWN_CONNS {
            self.pairs.know(pair);
        }
        columns
    }

    /// What is known of a subject's hosts at a moment, not before the latest event. Takes note of nothing: who was
    /// forgotten stays so, and no column of anybody is another one afterwards.
    pub(crate) fn view_hashed(&self, subject: &super::Hashes, at_ns: u64) -> HostColumns {
        let hashes = Hashes::paired(subject.source, subject.host, subject.service, &self.keys);
        let now = Moment::at(at_ns);
        let mut columns = HostColumns::default();
        // Time passes for copies.
        let nothing = Activity {
            at_ns,
            start_ns: at_ns,
            ..Activity::default()
        };
        let source = self.sources.get(hashes.source).cloned();
        let mut source = source.unwrap_or_else(|| Source::new(hashes.source, &now));
        source.observe(&nothing, &now, hashes.port, hashes.destination);
        source.judge(&now, &mut columns);
        let destination = self.destinations.get(hashes.destination).cloned();
        let mut destination =
            destination.unwrap_or_else(|| Destination::new(hashes.destination, &now));
        destination.observe(&nothing, &now, hashes.port, hashes.source);
        destination.judge(&now, &mut columns);
        let pair = self.pairs.get(hashes.pair).cloned();
        let mut pair = pair.unwrap_or_else(|| Pair::new(hashes.pair, &now));
        pair.observe(&nothing, &now);
        pair.judge(&now, &mut columns);
        columns
    }

    /// An open TCP connection is followed no longer: evicted, idle for too long, or replaced.
    pub fn close(&mut self, subject: &Subject) {
        let hashes = Hashes::of(subject, &self.keys);
        if let Some(source) = self.sources.find(hashes.source) {
            source.close();
        }
        if let Some(destination) = self.destinations.find(hashes.destination) {
            destination.close();
        }
    }

    /// A source begins anew: what it did until now is in no `src_` column of a later event, but for the connections
    /// that are still open.
    pub(crate) fn forget_source(&mut self, source: Address, now_ns: u64) {
        if let Some(source) = self.sources.find(self.keys.hash_one(source)) {
            source.forget(&Moment::at(now_ns));
        }
    }

    /// Sources, destinations and pairs that are known.
    #[must_use]
    pub fn len(&self) -> [usize; 3] {
        [
            self.sources.len(),
            self.destinations.len(),
            self.pairs.len(),
        ]
    }

    /// Whether nothing is known.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == [0; 3]
    }

    /// Sources, destinations and pairs forgotten for lack of room while they had something to tell.
    #[must_use]
    pub const fn evicted(&self) -> [u64; 3] {
        [
            self.sources.evicted(),
            self.destinations.evicted(),
            self.pairs.evicted(),
        ]
    }

    /// Forgets everything but what was evicted.
    pub fn clear(&mut self) {
        self.sources.clear();
        self.destinations.clear();
        self.pairs.clear();
    }
}

/// The hashes of a subject's parts.
struct Hashes {
    source: u64,
    destination: u64,
    port: u64,
    pair: u64,
}

impl Hashes {
    #[inline]
    fn of(subject: &Subject, keys: &HashKeys) -> Self {
        let source = keys.hash_one(subject.source);
        let destination = keys.hash_one(subject.destination);
        let port = keys.hash_one(subject.service);
        Self::paired(source, destination, port, keys)
    }

    #[inline]
    fn paired(source: u64, destination: u64, port: u64, keys: &HashKeys) -> Self {
        Self {
            source,
            destination,
            port,
            pair: keys.hash_one((source, destination, port)),
        }
    }
}
