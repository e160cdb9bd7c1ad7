//! The columns keyed by host again, slow and plain, from everything that happened: property tests compare them.

use std::collections::HashSet;

use proptest::prelude::*;
use tidegate_common::address::Address;
use tidegate_models::{HostColumns, Protocol, Service};

use super::{Activity, HostLimits, Hosts, Settles, Subject, pair};
use crate::window::{HashKeys, ServiceId};

const MS: u64 = 1_000_000;
const SECOND: u64 = 1000 * MS;
const HORIZONS: [u64; 4] = [100 * MS, 2 * SECOND, 60 * SECOND, 600 * SECOND];

/// How a sum is made: the value of an event, and when it counts.
type Timed = (u64, f64);

#[derive(Clone, Copy)]
struct Seen {
    subject: Subject,
    activity: Activity,
}

#[derive(Default)]
struct Reference {
    seen: Vec<Seen>,
    /// Sources that began anew: after how many events, and when.
    forgotten: Vec<(Address, usize, u64)>,
}

/// Connections that wait, one by one; and what was decided, when.
#[derive(Default)]
struct Book {
    /// The seconds in which those who wait began.
    waiting: Vec<u64>,
    failed: Vec<Timed>,
    answered: Vec<Timed>,
}

impl Book {
    /// Plays the events of one host up to its latest, from a second on.
    fn of<'a>(mut second: u64, events: impl Iterator<Item = &'a Activity>) -> Self {
        let mut book = Self::default();
        // Late events count as of the host's newest second.
        for activity in events {
            second = second.max(activity.at_ns / SECOND);
            book.fail_overdue(second);
            let began = (activity.start_ns / SECOND).min(second);
            for _ in 0..activity.waits {
                book.waiting.push(began);
            }
            let at_once = book
                .waiting
                .iter()
                .filter(|began| **began + 2 <= second)
                .count();
            book.waiting.retain(|began| *began + 2 > second);
            book.failed.push((activity.at_ns, at_once as f64));
            for _ in 0..activity.settled {
                let which = match activity.settles {
                    Settles::Own => book.waiting.iter().position(|it| *it == began),
                    Settles::Oldest => {
                        let oldest = book.waiting.iter().min().copied();
                        book.waiting.iter().position(|it| Some(*it) == oldest)
                    }
                };
                if let Some(which) = which {
                    book.waiting.remove(which);
                    let refused = f64::from(u8::from(activity.refused));
                    book.failed.push((activity.at_ns, refused));
                }
            }
            book.failed
                .push((activity.at_ns, f64::from(activity.failed)));
            book.answered
                .push((activity.at_ns, f64::from(activity.answered)));
        }
        book
    }

    fn fail_overdue(&mut self, second: u64) {
        for began in self.waiting.iter().filter(|began| **began + 2 <= second) {
            self.failed.push(((began + 2) * SECOND, 1.0));
        }
        self.waiting.retain(|began| *began + 2 > second);
    }
}

/// When an event is looked at: in which bucket, and how much of the one before counts.
#[derive(Clone, Copy)]
struct View {
    bucket: u64,
    share: f64,
}

impl View {
    /// Of a horizon as of `now_ns`, where `newest_ns` is the newest time its host has heard of.
    fn new(horizon_ns: u64, now_ns: u64, newest_ns: u64) -> Self {
        let bucket = newest_ns / horizon_ns;
        let inside = if now_ns / horizon_ns < bucket {
            horizon_ns
        } else {
            horizon_ns - now_ns % horizon_ns
        };
        Self {
            bucket,
            // In 1/65,536, rounded down: 39 bits of time, so 64 are enough.
            share: ((inside << 16) / horizon_ns) as f64 / 65_536.0,
        }
    }

    /// What an event at `at_ns` counts, 0 to 1.
    fn weight(self, horizon_ns: u64, at_ns: u64) -> f64 {
        match self.bucket - (at_ns / horizon_ns).min(self.bucket) {
            0 => 1.0,
            1 => self.share,
            _ => 0.0,
        }
    }
}

/// Everything the columns of one host, or pair, are made of.
struct Host<'a> {
    events: Vec<&'a Seen>,
    /// When it was new, or last forgotten.
    born_ns: u64,
    /// Connections that were open then.
    open: u32,
    now_ns: u64,
    newest_ns: u64,
}

impl<'a> Host<'a> {
    fn new(reference: &'a Reference, is: impl Fn(&Subject) -> bool) -> Self {
        Self::since(reference, (0, 0), is)
    }

    fn source(reference: &'a Reference, source: Address) -> Self {
        let forgotten = reference.forgotten.iter().rev();
        let last = forgotten.copied().find(|(who, ..)| *who == source);
        let since = last.map_or((0, 0), |(_, count, at_ns)| (count, at_ns));
        Self::since(reference, since, |s| s.source == source)
    }

    /// Knows only what came after so many events, and the time then.
    fn since(
        reference: &'a Reference,
        (count, born_ns): (usize, u64),
        is: impl Fn(&Subject) -> bool,
    ) -> Self {
        let (before, after) = reference.seen.split_at(count);
        let before: Vec<&Seen> = before.iter().filter(|s| is(&s.subject)).collect();
        let events: Vec<&Seen> = after.iter().filter(|s| is(&s.subject)).collect();
        let times = events.iter().map(|s| s.activity.at_ns);
        Self {
            born_ns,
            open: open(0, &before),
            now_ns: events[events.len() - 1].activity.at_ns,
            newest_ns: times.max().unwrap_or(0).max(born_ns),
            events,
        }
    }

    /// An event is forgotten for good once a bucket two later has been opened, even if it comes later itself.
    fn sum(&self, horizon: usize, values: impl IntoIterator<Item = Timed>) -> f64 {
        let length = HORIZONS[horizon];
        let view = View::new(length, self.now_ns, self.newest_ns);
        let values = values.into_iter();
        values
            .map(|(at_ns, value)| value * view.weight(length, at_ns))
            .sum()
    }

    fn count(&self, horizon: usize, value: impl Fn(&Activity) -> f64) -> u32 {
        let values = self
            .events
            .iter()
            .map(|s| (s.activity.at_ns, value(&s.activity)));
        round(self.sum(horizon, values))
    }

    fn packets(&self, horizon: usize, value: impl Fn(&Activity) -> u64) -> f64 {
        let length = HORIZONS[horizon];
        let values = self.events.iter().map(|s| {
            let (count, over) = (value(&s.activity), s.activity.over_ns);
            let part = if over <= length || count <= 1 {
                count as f64
            } else {
                (count as f64 * length as f64 / over as f64).round()
            };
            (s.activity.at_ns, part)
        });
        self.sum(horizon, values)
    }

    /// Exact numbers of distinct keys: in the current bucket, and in either.
    fn distinct(&self, horizon: usize, key: impl Fn(&Subject) -> u128) -> (usize, usize) {
        let length = HORIZONS[horizon];
        let newest = self.newest_ns / length;
        let keys = |buckets: &[u64]| {
            let began = self.events.iter().filter(|s| s.activity.begun > 0);
            let inside = began.filter(|s| buckets.contains(&(s.activity.at_ns / length)));
            inside
                .map(|s| key(&s.subject))
                .collect::<HashSet<_>>()
                .len()
        };
        (keys(&[newest]), keys(&[newest, newest.saturating_sub(1)]))
    }

    fn book(&self) -> Book {
        let activities = self.events.iter().map(|s| &s.activity);
        Book::of(self.born_ns / SECOND, activities)
    }

    fn failed_rate(&self, horizon: usize) -> u32 {
        let book = self.book();
        let (failed, answered) = (
            self.sum(horizon, book.failed),
            self.sum(horizon, book.answered),
        );
        share(failed, failed + answered)
    }

    fn open(&self) -> u32 {
        open(self.open, &self.events)
    }
}

fn open(before: u32, events: &[&Seen]) -> u32 {
    events.iter().fold(before, |open, s| {
        open.saturating_add_signed(s.activity.opened)
    })
}

fn round(value: f64) -> u32 {
    (value + 0.5).floor() as u32
}

fn share(part: f64, whole: f64) -> u32 {
    if whole == 0.0 {
        0
    } else {
        round(100.0 * part / whole)
    }
}

impl Reference {
    /// All columns but those of distinct keys, which [`Reference::distinct`] has.
    fn columns(&self, subject: &Subject) -> HostColumns {
        let source = Host::source(self, subject.source);
        let destination = Host::new(self, |s| s.destination == subject.destination);
        let pair = Host::new(self, |s| s == subject);
        let begun = |a: &Activity| f64::from(a.begun);
        let bytes = source.count(2, |a| (a.bytes + a.reply_bytes) as f64);
        let packets = destination.packets(1, |a| a.packets);
        let (mut last, mut ended) = (None, Vec::new());
        for Seen { activity, .. } in &pair.events {
            if let Some(bytes) = activity.ended.map(|bytes| bytes.map(|b| b as u32)) {
                ended.extend(last.map(|last| (activity.at_ns, [bytes, last])));
                last = Some(bytes);
            }
        }
        let of_ended = |is: fn([u32; 2], [u32; 2]) -> bool| {
            let value = |&(at_ns, [one, other]): &(u64, [_; 2])| (at_ns, f64::from(is(one, other)));
            let all = ended.iter().map(|(at_ns, _)| (*at_ns, 1.0));
            share(pair.sum(3, ended.iter().map(value)), pair.sum(3, all))
        };
        HostColumns {
            src_packets_2s: round(source.packets(1, |a| a.packets)),
            src_conns_60s: source.count(2, begun),
            src_conns_600s: source.count(3, begun),
            src_waiting: source.book().waiting.len() as u32,
            src_failed_rate_2s: source.failed_rate(1),
            src_failed_rate_60s: source.failed_rate(2),
            src_failed_rate_600s: source.failed_rate(3),
            src_open: source.open(),
            src_bytes_per_open: bytes.checked_div(source.open()).unwrap_or(0),
            dst_packets_100ms: round(destination.packets(0, |a| a.packets)),
            dst_packets_2s: round(packets),
            dst_packet_bytes_2s: if packets > 0.0 {
                round(destination.packets(1, |a| a.bytes) / packets)
            } else {
                0
            },
            dst_waiting: destination.book().waiting.len() as u32,
            dst_failed_rate_60s: destination.failed_rate(2),
            dst_open: destination.open(),
            dst_unsolicited_2s: round(
                destination.packets(1, |a| if a.unsolicited { a.packets } else { 0 }),
            ),
            dst_fragments_2s: round(
                destination.packets(1, |a| if a.fragments { a.packets } else { 0 }),
            ),
            pair_packets_2s: round(pair.packets(1, |a| a.packets)),
            pair_conns_60s: pair.count(2, begun),
            pair_conns_600s: pair.count(3, begun),
            pair_alike_rate_600s: of_ended(pair::alike),
            pair_same_answer_rate_600s: of_ended(pair::same_answer),
            ..HostColumns::default()
        }
    }

    /// For each estimated column: between which exact numbers it must lie.
    fn distinct(&self, subject: &Subject) -> [(&'static str, (usize, usize)); 7] {
        let source = Host::source(self, subject.source);
        let destination = Host::new(self, |s| s.destination == subject.destination);
        let port = |s: &Subject| u128::from(s.service.0);
        let number = |address: Address| u128::from_be_bytes(address.to_bytes());
        let host = |s: &Subject| number(s.destination);
        let originator = |s: &Subject| number(s.source);
        [
            ("src_ports_60s", source.distinct(2, port)),
            ("src_ports_600s", source.distinct(3, port)),
            ("src_hosts_60s", source.distinct(2, host)),
            ("src_hosts_600s", source.distinct(3, host)),
            ("dst_sources_2s", destination.distinct(1, originator)),
            ("dst_sources_60s", destination.distinct(2, originator)),
            ("dst_ports_60s", destination.distinct(2, port)),
        ]
    }
}

fn estimates(columns: &mut HostColumns) -> [u32; 7] {
    [
        &mut columns.src_ports_60s,
        &mut columns.src_ports_600s,
        &mut columns.src_hosts_60s,
        &mut columns.src_hosts_600s,
        &mut columns.dst_sources_2s,
        &mut columns.dst_sources_60s,
        &mut columns.dst_ports_60s,
    ]
    .map(std::mem::take)
}

/// Equal, but that a half may be rounded either way in floating point.
fn nearly(fast: &HostColumns, slow: &HostColumns) -> bool {
    // These end at 400 among the values.
    let connections = |columns: &HostColumns| {
        [
            columns.src_conns_60s,
            columns.src_conns_600s,
            columns.pair_conns_60s,
            columns.pair_conns_600s,
        ]
    };
    let near = |fast: &[u32], slow: &[u32]| fast.iter().zip(slow).all(|(a, b)| a.abs_diff(*b) <= 1);
    near(&fast.values(), &slow.values()) && near(&connections(fast), &connections(slow))
}

fn subjects() -> impl Strategy<Value = Subject> {
    (0..3u8, 0..3u8, 0..4u16).prop_map(|(source, destination, port)| Subject {
        source: Address::from_v4([10, 0, 0, source]),
        destination: Address::from_v4([10, 0, 1, destination]),
        service: ServiceId::new(Protocol::Tcp, port, Service::OTHER),
    })
}

fn activities() -> impl Strategy<Value = Activity> {
    let counts = (
        0..3u32,
        0..3u32,
        0..3u32,
        0..2u32,
        any::<bool>(),
        any::<bool>(),
    );
    let traffic = (0..2000u64, 0..100_000u64, 0..100_000u64);
    let age_ms = prop_oneof![4 => Just(0u64), 2 => 0..1500u64, 1 => 0..5000u64];
    let over_ms = prop_oneof![3 => 0..50u64, 1 => 0..3000u64];
    let ended = prop::option::of((0..400u64, 0..4u64).prop_map(|(a, b)| [a, 100 * b]));
    (counts, traffic, age_ms, over_ms, -2..3i32, ended, 0..4u8).prop_map(
        |(counts, traffic, age_ms, over_ms, opened, ended, kind)| {
            let (begun, settled, answered, failed, refused, oldest) = counts;
            Activity {
                at_ns: 0,
                over_ns: over_ms * MS,
                // The age of the connection, until the time is known.
                start_ns: age_ms * MS,
                begun,
                waits: begun,
                settled,
                settles: if oldest {
                    Settles::Oldest
                } else {
                    Settles::Own
                },
                refused,
                answered,
                failed,
                packets: traffic.0,
                bytes: traffic.1,
                reply_bytes: traffic.2,
                unsolicited: kind == 1,
                fragments: kind == 2,
                opened,
                ended,
            }
        },
    )
}

/// Events with the time since the one before, in ms, negative ones step back; and whether their source begins anew
/// after them.
fn steps() -> impl Strategy<Value = Vec<(i64, Subject, Activity, bool)>> {
    let gap_ms = prop_oneof![
        4 => 0..50i64,
        3 => prop_oneof![Just(100i64), Just(500), Just(1000), Just(2000)],
        2 => 1000..70_000i64,
        1 => prop_oneof![Just(60_000i64), Just(600_000), Just(1_300_000)],
        1 => -3000..0i64,
        1 => -130_000..0i64,
    ];
    let anew = prop::bool::weighted(0.1);
    prop::collection::vec((gap_ms, subjects(), activities(), anew), 1..40)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn hosts_agree_with_the_reference(steps in steps()) {
        let mut fast = Hosts::new(HostLimits::default(), HashKeys::fixed(1));
        let mut slow = Reference::default();
        let mut now_ms = 2_000_000i64;
        for (gap_ms, subject, mut activity, anew) in steps {
            now_ms += gap_ms;
            activity.at_ns = now_ms as u64 * MS;
            activity.start_ns = activity.at_ns - activity.start_ns;
            let mut columns = fast.observe(&subject, &activity);
            slow.seen.push(Seen { subject, activity });
            let found = estimates(&mut columns);
            for (found, (name, (current, either))) in found.into_iter().zip(slow.distinct(&subject)) {
                // So few keys that hardly two share a bit: one may be missed.
                prop_assert!(
                    (current.saturating_sub(1)..=either + 1).contains(&(found as usize)),
                    "{}: {} of {} to {}", name, found, current, either
                );
            }
            let expected = slow.columns(&subject);
            prop_assert!(nearly(&columns, &expected), "{:?}\n{:?}", columns, expected);
            if anew {
                fast.forget_source(subject.source, activity.at_ns);
                slow.forgotten.push((subject.source, slow.seen.len(), activity.at_ns));
            }
        }
    }
}
