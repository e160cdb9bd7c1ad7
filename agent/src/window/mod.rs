//! The windows over recent connections, and the columns of a [`KddRecord`] that come from them.
//!
//! Two windows, as measured on the KDD'99 data: the connections of the last 2 s (`count` to `srv_diff_host_rate`,
//! and the extras `count_100ms` and `src_count`), and one window of the last 255 connections of the whole network
//! (`dst_host_*`). Definitions, in the order of the columns:
//!
//! - *same host* is the responder's address, *same service* a [`ServiceId`]; a time window of length `h` holds what
//!   began less than `h` ago;
//! - `count`, `dst_host_count`: connections to the same host; `srv_count`, `dst_host_srv_count`: to the same service
//!   of any host (in the data `dst_host_srv_count` exceeds `dst_host_count` in 47,841 rows, and then
//!   `dst_host_srv_diff_host_rate` is never 0);
//! - `same_srv_rate`: share of the host's connections that are to the same service; `diff_srv_rate`: distinct
//!   services among the host's connections over their number, 0 when there is one service; `srv_diff_host_rate`:
//!   distinct hosts among the service's connections over their number, 0 when there is one host;
//! - counters are capped (511, 255, 65,535), rates are taken over everything in the window;
//! - the connection being judged is always counted: if its entry has left a window, the columns are what they would
//!   be with one more entry for it.
//!
//! One entry can stand for several connections at the same instant (ICMP messages between two events). Adding,
//! changing and judging touch a fixed number of hash entries whatever the windows hold; every entry added is removed
//! once, later. Hash maps are keyed: addresses and ports come from attackers, who could otherwise choose them to
//! collide.
//!
//! On a busy link others flush the second window within milliseconds: [`hosts`] has the columns that depend on nobody
//! else.

pub mod hosts;

mod hashed;
mod keyed;
mod last;
mod recent;
#[cfg(test)]
mod reference;
mod tally;
#[cfg(test)]
mod tests;

use tidegate_common::address::Address;
use tidegate_models::{Flag, KddRecord, Protocol, Service};

pub(crate) use self::hashed::Hashes;
pub use self::keyed::HashKeys;
use self::{last::Last, recent::Recent};

/// Length of the time window, ns.
pub const RECENT_NS: u64 = 2_000_000_000;
/// Length of the short horizon inside it, ns.
pub const SHORT_NS: u64 = 100_000_000;
/// Connections in the window that is not limited by time.
pub const LAST_CONNECTIONS: u32 = 255;
/// The most entries the 2 s window holds; beyond, the oldest are dropped and counted. With every entry from and to
/// another address the windows then take about 20 MB.
pub const MAX_RECENT: usize = 65_536;
/// Largest weight of an entry: as many entries of it as the window holds fit in 32 bits.
const MAX_WEIGHT: u32 = 65_535;

/// What *same service* means in the windows: protocol and responder port, or the kind of ICMP message.
///
/// Not KDD's service name: in the data a scan over ports that are all named `private` or `other` has `srv_count` 1
/// and `diff_srv_rate` 1.00 at `count` 511 (satan), and neptune, 94.5 % `private`, has a `same_srv_rate` around
/// 0.07.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct ServiceId(u32);

impl ServiceId {
    /// The identity of a responder's `port`; for ICMP, of the message's `service`.
    #[must_use]
    pub const fn new(protocol: Protocol, port: u16, service: Service) -> Self {
        let detail = match protocol {
            Protocol::Icmp => service.code(),
            Protocol::Tcp | Protocol::Udp => port as u32,
        };
        Self(protocol.code() << 16 | detail)
    }
}

/// One connection, as far as windows care.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Entry {
    /// Responder.
    pub host: Address,
    /// What it was asked for.
    pub service: ServiceId,
    /// Originator.
    pub source: Address,
    /// Its port; 0 for ICMP.
    pub source_port: u16,
    /// State of the moment.
    pub flag: Flag,
}

/// For how many connections an entry stands, by horizon; each at least 1.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Weights {
    /// In the last 2 s.
    pub recent: u32,
    /// In the last 0.1 s; not more than `recent`.
    pub short: u32,
    /// In the window of the last 255 connections.
    pub last: u32,
}

impl Weights {
    /// One connection.
    pub const ONE: Self = Self {
        recent: 1,
        short: 1,
        last: 1,
    };

    /// `messages` that came evenly spread over the last `over_ns`: each horizon counts its own part of them.
    #[must_use]
    pub fn spread(messages: u64, over_ns: u64) -> Self {
        let part = |horizon_ns: u64| {
            let part = if over_ns <= horizon_ns {
                messages
            } else {
                // Rounded half up; fits, as the horizon is the shorter one.
                match messages.checked_mul(horizon_ns) {
                    // Sums below 2^64 need no 128 bits to divide.
                    Some(scaled) if scaled < 1 << 63 => (scaled + over_ns / 2) / over_ns,
                    _ => {
                        let scaled = u128::from(messages) * u128::from(horizon_ns);
                        ((scaled + u128::from(over_ns / 2)) / u128::from(over_ns)) as u64
                    }
                }
            };
            part.clamp(1, u64::from(MAX_WEIGHT)) as u32
        };
        Self {
            recent: part(RECENT_NS),
            short: part(SHORT_NS),
            last: messages.clamp(1, u64::from(LAST_CONNECTIONS)) as u32,
        }
    }
}

/// Where an entry stands in the windows; the default one stands in none.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Place {
    recent: u64,
    last: u64,
}

/// Both windows.
#[derive(Debug)]
pub struct Windows {
    recent: Recent,
    last: Last,
    keys: HashKeys,
    clock_ns: u64,
}

impl Windows {
    /// Empty windows; the time window never holds more than `max_recent` entries (at most [`MAX_RECENT`]).
    #[must_use]
    pub fn new(max_recent: usize, keys: HashKeys) -> Self {
        Self {
            recent: Recent::new(max_recent.clamp(1, MAX_RECENT), keys),
            last: Last::new(keys),
            keys,
            clock_ns: 0,
        }
    }

    /// Moves the clock, never backwards: an event that arrives late counts as of the newest one.
    pub fn advance(&mut self, now_ns: u64) {
        self.clock_ns = self.clock_ns.max(now_ns);
        self.recent.expire(self.clock_ns);
    }

    /// Frees what began before `before_ns`, without moving the clock.
    pub fn expire(&mut self, before_ns: u64) {
        self.recent.expire(before_ns.saturating_add(RECENT_NS));
    }

    /// A connection that began at `at_ns`. One that began too long ago for the time window enters only the other.
    pub fn enter(&mut self, entry: &Entry, at_ns: u64, weights: Weights) -> Place {
        self.advance(at_ns);
        let hashes = Hashes::of(entry, &self.keys);
        let recent = if at_ns.saturating_add(RECENT_NS) > self.clock_ns {
            let number = self.recent.push(entry, &hashes, at_ns, weights);
            self.recent.expire(self.clock_ns);
            number
        } else {
            0
        };
        let last = self.last.push(entry, &hashes, weights.last);
        Place { recent, last }
    }

    /// The connection at `place` is in another state now.
    pub fn change(&mut self, place: Place, flag: Flag) {
        self.recent.change(place.recent, flag);
        self.last.change(place.last, flag);
    }

    /// Writes the window columns of `subject`, whose entry is at `place`, as of the clock.
    pub fn judge(&self, subject: &Entry, place: Place, record: &mut KddRecord) {
        self.judge_hashed(subject, &self.hashes(subject), place, record);
    }

    /// As [`Windows::judge`], with the hashes of the subject.
    pub(crate) fn judge_hashed(
        &self,
        subject: &Entry,
        hashes: &Hashes,
        place: Place,
        record: &mut KddRecord,
    ) {
        self.recent.judge(subject, hashes, place.recent, record);
        self.last.judge(subject, hashes, place.last, record);
    }

    /// The hashes of an entry, also for [`Hosts`](hosts::Hosts) with the same keys.
    pub(crate) fn hashes(&self, entry: &Entry) -> Hashes {
        Hashes::of(entry, &self.keys)
    }

    /// Entries dropped because the 2 s window was full.
    #[must_use]
    pub const fn dropped(&self) -> u64 {
        self.recent.dropped()
    }

    /// Entries in the 2 s window.
    #[must_use]
    pub fn len(&self) -> usize {
        self.recent.len()
    }

    /// Whether the 2 s window is empty.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Forgets all entries and the time; places given out before stand in no window any more.
    pub fn clear(&mut self) {
        self.clock_ns = 0;
        self.recent.clear();
        self.last.clear();
    }
}
