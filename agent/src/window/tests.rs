use tidegate_common::address::Address;
use tidegate_models::{Flag, KddRecord, Protocol, Service};

use super::{Entry, HashKeys, MAX_RECENT, Place, ServiceId, Weights, Windows};

const MS: u64 = 1_000_000;

fn tcp(host: u8, port: u16, flag: Flag) -> Entry {
    Entry {
        host: Address::from_v4([10, 0, 0, host]),
        service: ServiceId::new(Protocol::Tcp, port, Service::OTHER),
        source: Address::from_v4([10, 9, 9, 9]),
        source_port: 40_000,
        flag,
    }
}

fn judge(windows: &Windows, entry: &Entry, place: Place) -> KddRecord {
    let mut record = KddRecord::default();
    windows.judge(entry, place, &mut record);
    record
}

fn play(windows: &mut Windows, entries: impl IntoIterator<Item = (u64, Entry)>) -> KddRecord {
    let mut record = KddRecord::default();
    for (at_ns, entry) in entries {
        let place = windows.enter(&entry, at_ns, Weights::ONE);
        record = judge(windows, &entry, place);
    }
    record
}

#[test]
fn a_lone_connection_counts_itself() {
    let mut windows = Windows::new(MAX_RECENT, HashKeys::random());
    let record = play(&mut windows, [(5, tcp(1, 80, Flag::S1))]);
    assert_eq!((record.count, record.srv_count), (1, 1));
    assert_eq!((record.same_srv_rate, record.diff_srv_rate), (100, 0));
    assert_eq!(record.srv_diff_host_rate, 0);
    assert_eq!((record.serror_rate, record.rerror_rate), (100, 0));
    assert_eq!((record.dst_host_count, record.dst_host_srv_count), (1, 1));
    assert_eq!(record.dst_host_same_src_port_rate, 100);
    assert_eq!((record.count_100ms, record.src_count), (1, 1));
}

#[test]
fn smurf_saturates_both_counters() {
    // KDD's most frequent row: 511,511,0,0,0,0,1,0,0,255,255,1,0,1,0,0,0,0,0.
    let mut windows = Windows::new(MAX_RECENT, HashKeys::random());
    let echo = Service::from_icmp(0, 0);
    let flood = (0..5000u64).map(|i| {
        let entry = Entry {
            service: ServiceId::new(Protocol::Icmp, 0, echo),
            source: Address::from_v4([10, 1, (i % 50) as u8, 7]),
            source_port: 0,
            ..tcp(1, 0, Flag::SF)
        };
        (i * MS / 10, entry)
    });
    let record = play(&mut windows, flood);
    assert_eq!((record.count, record.srv_count), (511, 511));
    assert_eq!((record.same_srv_rate, record.diff_srv_rate), (100, 0));
    assert_eq!(
        (record.dst_host_count, record.dst_host_srv_count),
        (255, 255)
    );
    assert_eq!(record.dst_host_same_src_port_rate, 100);
    assert_eq!(record.count_100ms, 1000);
    assert_eq!(record.src_count, 100);
}

#[test]
fn scan_over_ports_of_one_name_shows_distinct_services() {
    // Satan: tcp,other,REJ,511,1,0.08,0.00,0.92,1.00,0.00,1.00,0.00,255,1,0.00,1.00,…
    let mut windows = Windows::new(MAX_RECENT, HashKeys::random());
    let scan = (0..600).map(|i| (u64::from(i) * MS, tcp(1, 2000 + i, Flag::REJ)));
    let record = play(&mut windows, scan);
    assert_eq!((record.count, record.srv_count), (511, 1));
    assert_eq!((record.rerror_rate, record.srv_rerror_rate), (100, 100));
    assert_eq!((record.same_srv_rate, record.diff_srv_rate), (0, 100));
    assert_eq!((record.dst_host_count, record.dst_host_srv_count), (255, 1));
    assert_eq!(record.dst_host_diff_srv_rate, 100);
    assert_eq!(record.dst_host_rerror_rate, 100);
}

#[test]
fn distinct_services_are_counted_once() {
    // 3 services among 6 connections; same and diff do not add up to 1.
    let mut windows = Windows::new(MAX_RECENT, HashKeys::random());
    let ports = [80, 80, 22, 25, 80, 80];
    let record = play(&mut windows, ports.map(|port| (1, tcp(1, port, Flag::SF))));
    assert_eq!((record.same_srv_rate, record.diff_srv_rate), (67, 50));
}

#[test]
fn service_columns_span_hosts() {
    // KDD: http,SF,…,1,69,1.00,0.00,1.00,0.04: one connection to the host, 69 to the service of 3 hosts.
    let mut windows = Windows::new(MAX_RECENT, HashKeys::random());
    let before = (0..68).map(|i| (1, tcp(2 + i % 2, 80, Flag::SF)));
    let record = play(&mut windows, before.chain([(1, tcp(1, 80, Flag::SF))]));
    assert_eq!((record.dst_host_count, record.dst_host_srv_count), (1, 69));
    assert_eq!(record.dst_host_same_srv_rate, 100);
    assert_eq!(record.dst_host_srv_diff_host_rate, 4);
    assert_eq!(record.srv_diff_host_rate, 4);
}

#[test]
fn protocols_do_not_share_a_port() {
    let port = |protocol| ServiceId::new(protocol, 53, Service::OTHER);
    assert_ne!(port(Protocol::Tcp), port(Protocol::Udp));
    assert_ne!(
        port(Protocol::Tcp),
        ServiceId::new(Protocol::Tcp, 54, Service::OTHER)
    );
    let icmp = |t, c| ServiceId::new(Protocol::Icmp, 9, Service::from_icmp(t, c));
    assert_ne!(icmp(0, 0), icmp(8, 0));
}

#[test]
fn connections_leave_after_exactly_two_seconds() {
    let mut windows = Windows::new(MAX_RECENT, HashKeys::random());
    let entry = tcp(1, 80, Flag::SF);
    windows.enter(&entry, 1000 * MS, Weights::ONE);
    let second = windows.enter(&entry, 1900 * MS, Weights::ONE);
    windows.advance(3000 * MS - 1);
    assert_eq!(judge(&windows, &entry, second).count, 2);
    windows.advance(3000 * MS);
    let record = judge(&windows, &entry, second);
    assert_eq!((record.count, record.src_count), (1, 1));
    assert_eq!(record.dst_host_count, 2, "the other window knows no time");
}

#[test]
fn connection_is_counted_after_its_entry_has_left() {
    let mut windows = Windows::new(MAX_RECENT, HashKeys::random());
    let old = tcp(1, 22, Flag::S1);
    let place = windows.enter(&old, 0, Weights::ONE);
    let others = (0..300).map(|i| (5000 * MS, tcp(1, 1000 + i, Flag::REJ)));
    play(&mut windows, others);
    let record = judge(&windows, &old, place);
    assert_eq!((record.count, record.srv_count), (301, 1));
    assert_eq!((record.serror_rate, record.srv_serror_rate), (0, 100));
    assert_eq!(record.count_100ms, 301);
    assert_eq!((record.dst_host_count, record.dst_host_srv_count), (255, 1));
    let again = judge(&windows, &old, place);
    assert_eq!(again, record, "judging leaves no trace");
}

#[test]
fn changes_of_state_move_the_error_rates() {
    let mut windows = Windows::new(MAX_RECENT, HashKeys::random());
    let entry = tcp(1, 80, Flag::S0);
    let place = windows.enter(&entry, 0, Weights::ONE);
    let other = tcp(1, 80, Flag::SF);
    let other_place = windows.enter(&other, 0, Weights::ONE);
    assert_eq!(judge(&windows, &other, other_place).serror_rate, 50);
    windows.change(place, Flag::REJ);
    let record = judge(&windows, &other, other_place);
    assert_eq!((record.serror_rate, record.rerror_rate), (0, 50));
    assert_eq!(record.dst_host_rerror_rate, 50);
    windows.change(place, Flag::SF);
    let record = judge(&windows, &other, other_place);
    assert_eq!((record.rerror_rate, record.dst_host_rerror_rate), (0, 0));
}

#[test]
fn changes_after_leaving_touch_nobody() {
    let mut windows = Windows::new(MAX_RECENT, HashKeys::random());
    let entry = tcp(1, 80, Flag::S0);
    let place = windows.enter(&entry, 0, Weights::ONE);
    let others = (0..255).map(|_| (3000 * MS, tcp(1, 80, Flag::SF)));
    play(&mut windows, others);
    windows.change(place, Flag::REJ);
    windows.change(Place::default(), Flag::REJ);
    let last = tcp(1, 80, Flag::SF);
    let place = windows.enter(&last, 3000 * MS, Weights::ONE);
    let record = judge(&windows, &last, place);
    assert_eq!((record.rerror_rate, record.dst_host_rerror_rate), (0, 0));
}

#[test]
fn full_window_drops_the_oldest_and_counts_them() {
    let mut windows = Windows::new(100, HashKeys::random());
    let scan = (0..250).map(|i| (u64::from(i), tcp(1, i, Flag::S0)));
    let record = play(&mut windows, scan);
    assert_eq!((windows.len(), windows.dropped()), (100, 150));
    assert_eq!((record.count, record.src_count), (100, 100));
    assert_eq!(
        record.count_100ms, 100,
        "dropped from the short horizon too"
    );
    assert_eq!(record.dst_host_count, 250);
}

#[test]
fn late_entries_keep_the_order() {
    let mut windows = Windows::new(MAX_RECENT, HashKeys::random());
    let entry = tcp(1, 80, Flag::SF);
    windows.enter(&entry, 3000 * MS, Weights::ONE);
    let late = windows.enter(&entry, 2500 * MS, Weights::ONE);
    assert_eq!(judge(&windows, &entry, late).count, 2);
    let ancient = windows.enter(&entry, 900 * MS, Weights::ONE);
    let record = judge(&windows, &entry, ancient);
    assert_eq!(record.count, 3, "itself, though it never entered");
    assert_eq!((windows.len(), record.dst_host_count), (2, 3));
    windows.advance(5000 * MS);
    assert!(windows.is_empty());
}

#[test]
fn messages_are_spread_over_the_time_they_took() {
    let weights = |recent, short, last| Weights {
        recent,
        short,
        last,
    };
    assert_eq!(Weights::spread(1, 0), Weights::ONE);
    assert_eq!(Weights::spread(1, 60_000 * MS), Weights::ONE);
    assert_eq!(Weights::spread(100, 1000 * MS), weights(100, 10, 100));
    assert_eq!(Weights::spread(1000, 4000 * MS), weights(500, 25, 255));
    assert_eq!(Weights::spread(0, 0), Weights::ONE);
    let most = Weights::spread(u64::MAX, u64::MAX);
    assert_eq!((most.recent, most.short, most.last), (65_535, 65_535, 255));
}

#[test]
fn full_windows_of_the_heaviest_entries_do_not_overflow() {
    let mut windows = Windows::new(MAX_RECENT, HashKeys::random());
    let entry = tcp(1, 80, Flag::S0);
    let heaviest = Weights::spread(u64::MAX, 1);
    let mut place = Place::default();
    for _ in 0..MAX_RECENT + 10 {
        place = windows.enter(&entry, 1, heaviest);
    }
    let record = judge(&windows, &entry, place);
    assert_eq!((record.count, record.serror_rate), (511, 100));
    assert_eq!((record.src_count, record.dst_host_count), (65_535, 255));
}

#[test]
fn cleared_windows_forget_places() {
    let mut windows = Windows::new(MAX_RECENT, HashKeys::random());
    let entry = tcp(1, 80, Flag::S0);
    let place = windows.enter(&entry, 9000 * MS, Weights::ONE);
    windows.clear();
    let new = windows.enter(&tcp(1, 80, Flag::SF), 1, Weights::ONE);
    windows.change(place, Flag::REJ);
    let record = judge(&windows, &tcp(1, 80, Flag::SF), new);
    assert_eq!((record.count, record.rerror_rate), (1, 0));
}

#[test]
fn work_of_an_event_does_not_depend_on_what_the_windows_hold() {
    let operations = |connections: u64| {
        let mut windows = Windows::new(MAX_RECENT, HashKeys::random());
        // Evenly over two seconds, so that one leaves as one enters.
        let entry = |i: u64| tcp((i % 251) as u8, (i % 9973) as u16, Flag::S0);
        let at = |i: u64| i * 2000 * MS / connections;
        play(&mut windows, (0..connections).map(|i| (at(i), entry(i))));
        assert_eq!(windows.len() as u64, connections);
        let before = windows.recent.operations() + windows.last.operations();
        let place = windows.enter(&entry(connections), at(connections), Weights::ONE);
        windows.change(place, Flag::REJ);
        judge(&windows, &entry(connections), place);
        windows.recent.operations() + windows.last.operations() - before
    };
    // In each window: one in, one out, one change, one look.
    assert_eq!([1000, 50_000].map(operations), [8, 8]);
}
