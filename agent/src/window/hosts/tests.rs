use tidegate_common::address::Address;
use tidegate_models::{Protocol, Service};

use super::*;
use crate::window::ServiceId;

const MS: u64 = 1_000_000;
const SECOND: u64 = 1000 * MS;

fn subject(source: u32, destination: u8, port: u16) -> Subject {
    Subject {
        source: Address::from_v4((0x0a00_0000 + source).to_be_bytes()),
        destination: Address::from_v4([192, 0, 2, destination]),
        service: ServiceId::new(Protocol::Tcp, port, Service::OTHER),
    }
}

/// A connection that is answered at once.
fn answered(at_ns: u64) -> Activity {
    Activity {
        at_ns,
        start_ns: at_ns,
        begun: 1,
        answered: 1,
        packets: 3,
        bytes: 100,
        reply_bytes: 50,
        ..Activity::default()
    }
}

/// A connection that waits.
fn waiting(at_ns: u64) -> Activity {
    Activity {
        waits: 1,
        answered: 0,
        ..answered(at_ns)
    }
}

fn hosts() -> Hosts {
    Hosts::new(HostLimits::default(), HashKeys::fixed(3))
}

#[test]
fn memory_is_as_stated() {
    assert_eq!(
        [SOURCE_BYTES, DESTINATION_BYTES, PAIR_BYTES],
        [256, 256, 64]
    );
    let entries = [
        (MAX_SOURCES, SOURCE_BYTES),
        (MAX_DESTINATIONS, DESTINATION_BYTES),
        (MAX_PAIRS, PAIR_BYTES),
    ];
    // A place in a set takes 8 bytes.
    let bytes: usize = entries.iter().map(|(most, size)| most * (size + 8)).sum();
    assert!(bytes <= 31_000_000, "{bytes}");
}

#[test]
fn a_spoofed_flood_ends_at_the_bounds_and_spares_who_has_a_history() {
    let mut hosts = hosts();
    // Guesses passwords, one a second; and one who scans, and is never answered.
    let (guesser, scanner) = (subject(1, 1, 22), |port| subject(2, 1, port));
    for second in 0..60 {
        hosts.observe(&guesser, &answered(second * SECOND));
        hosts.observe(&scanner(second as u16), &waiting(second * SECOND));
    }
    for flood in 0..400_000u32 {
        let at_ns = 60 * SECOND + u64::from(flood) * 10_000;
        hosts.observe(&subject(1000 + flood, 2, 80), &waiting(at_ns));
    }
    let [sources, destinations, pairs] = hosts.len();
    assert_eq!((sources, destinations, pairs), (MAX_SOURCES, 2, MAX_PAIRS));
    let [sources, destinations, pairs] = hosts.evicted();
    assert_eq!(destinations, 0);
    assert_eq!(sources, 400_002 - MAX_SOURCES as u64);
    assert_eq!(pairs, 400_000 + 1 + 60 - MAX_PAIRS as u64);
    let now = 64 * SECOND;
    let columns = hosts.observe(&guesser, &answered(now));
    assert_eq!((columns.src_conns_600s, columns.pair_conns_600s), (61, 61));
    let columns = hosts.observe(&scanner(60), &waiting(now));
    assert_eq!(columns.src_conns_600s, 61);
    assert!(
        (50..=75).contains(&columns.src_ports_600s),
        "{}",
        columns.src_ports_600s
    );
    assert_eq!(columns.src_failed_rate_600s, 100);
    let victim = hosts.observe(&subject(5, 2, 80), &waiting(now));
    assert_eq!(victim.dst_sources_60s, 695, "as many as a sketch can tell");
    assert!(victim.dst_waiting > 100_000);
}

#[test]
fn a_new_connection_is_neither_failed_nor_answered() {
    let mut hosts = hosts();
    let syn = |hosts: &mut Hosts, at_ns| hosts.observe(&subject(1, 1, 80), &waiting(at_ns));
    let first = syn(&mut hosts, 10 * SECOND + 900 * MS);
    assert_eq!((first.src_waiting, first.src_failed_rate_60s), (1, 0));
    let second = syn(&mut hosts, 11 * SECOND);
    assert_eq!((second.src_waiting, second.src_failed_rate_2s), (2, 0));
    // The second after its own is over.
    let third = syn(&mut hosts, 12 * SECOND);
    assert_eq!((third.src_waiting, third.dst_waiting), (2, 2));
    assert_eq!(
        (third.src_failed_rate_2s, third.dst_failed_rate_60s),
        (100, 100)
    );
    // An answer to the second, after an answer to another one.
    let answer = Activity {
        at_ns: 12 * SECOND + 1,
        start_ns: 11 * SECOND,
        settled: 1,
        answered: 1,
        ..Activity::default()
    };
    let columns = hosts.observe(&subject(1, 1, 80), &answer);
    assert_eq!((columns.src_waiting, columns.src_failed_rate_2s), (1, 50));
    // Too late: it failed, and was answered.
    let late = Activity {
        start_ns: 10 * SECOND,
        ..answer
    };
    let columns = hosts.observe(&subject(1, 1, 80), &late);
    assert_eq!((columns.src_waiting, columns.src_failed_rate_2s), (1, 33));
}

#[test]
fn a_long_silence_leaves_nothing_but_what_is_open() {
    let mut hosts = hosts();
    let opened = Activity {
        opened: 1,
        ..answered(SECOND)
    };
    hosts.observe(&subject(1, 1, 80), &opened);
    hosts.observe(&subject(1, 1, 80), &waiting(SECOND));
    let at_ns = 3000 * SECOND;
    let silent = Activity {
        at_ns,
        start_ns: SECOND,
        ..Activity::default()
    };
    let columns = hosts.observe(&subject(1, 1, 80), &silent);
    let expected = HostColumns {
        src_open: 1,
        dst_open: 1,
        ..HostColumns::default()
    };
    assert_eq!(columns, expected);
    hosts.close(&subject(1, 1, 443));
    hosts.close(&subject(7, 7, 443));
    let columns = hosts.observe(&subject(1, 1, 80), &silent);
    assert_eq!(columns, HostColumns::default());
    hosts.clear();
    assert!(hosts.is_empty());
}

#[test]
fn counts_saturate() {
    let mut hosts = hosts();
    let most = Activity {
        at_ns: u64::MAX,
        over_ns: 0,
        start_ns: u64::MAX,
        begun: u32::MAX,
        waits: u32::MAX,
        answered: u32::MAX,
        failed: u32::MAX,
        packets: u64::MAX,
        bytes: u64::MAX,
        reply_bytes: u64::MAX,
        opened: i32::MAX,
        ended: Some([u64::MAX; 2]),
        unsolicited: true,
        fragments: true,
        ..Activity::default()
    };
    let mut columns = HostColumns::default();
    for _ in 0..4 {
        columns = hosts.observe(&subject(1, 1, 80), &most);
    }
    assert_eq!(
        (columns.src_packets_2s, columns.src_open),
        (u32::MAX, u32::MAX)
    );
    assert_eq!(
        (columns.src_failed_rate_60s, columns.dst_packet_bytes_2s),
        (50, 1)
    );
    assert_eq!(
        (columns.src_waiting, columns.pair_alike_rate_600s),
        (u32::MAX, 100)
    );
    // A time before all others, and nothing at all.
    hosts.observe(&subject(1, 1, 80), &Activity::default());
}
