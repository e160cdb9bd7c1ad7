//! What a verdict has hit, and what could not be read.

use tidegate::dataplane::monotonic_ns;
use tidegate_common::{
    control::Mode,
    packet::tcp_flags::SYN,
    stats::Counter,
    testing::{
        Frame,
        corpus::{extended, v4, v6},
    },
    verdict::{Action, Scope, VerdictCounters},
};

use crate::bench::{Bench, LONG_NS, Outcome, SLOT, key_of};

fn frames() -> [Frame; 3] {
    [
        v4().tcp(40_000, 80, SYN),
        v4().tcp(40_001, 80, SYN).payload(100),
        v4().vlan(9).tcp(40_002, 80, SYN).padding(6),
    ]
}

/// Runs the frames under a verdict; returns its counters and the times before, between and after.
fn hit(bench: &mut Bench) -> (VerdictCounters, [u64; 4]) {
    let [first, second, third] = frames();
    let start = monotonic_ns();
    bench.run(&first);
    let between = monotonic_ns();
    bench.run(&second);
    let before_last = monotonic_ns();
    bench.run(&third);
    let end = monotonic_ns();
    let counters = bench.plane().tables.counters(SLOT).expect("counters");
    (counters, [start, between, before_last, end])
}

fn check(counters: &VerdictCounters, [start, between, before_last, end]: [u64; 4]) {
    let bytes: usize = frames().iter().map(|frame| frame.build().len()).sum();
    assert_eq!((counters.packets, counters.bytes), (3, bytes as u64));
    assert!((start..=between).contains(&counters.first_ns));
    assert!((before_last..=end).contains(&counters.last_ns));
}

#[test]
fn a_verdict_counts_its_packets_bytes_and_times() {
    for (mode, action) in [
        (Mode::Enforce, Action::Drop),
        (Mode::Monitor, Action::Drop),
        (Mode::Enforce, Action::Watch),
    ] {
        let mut bench = Bench::new();
        bench.control(|control| control.mode = mode as u32);
        bench.condemn(key_of(Scope::Tuple, &frames()[0]), |verdict| {
            verdict.action = action as u8;
        });
        let (counters, times) = hit(&mut bench);
        check(&counters, times);
        // Other slots are other verdicts'.
        for slot in [0, SLOT - 1, SLOT + 1] {
            let other = bench.plane().tables.counters(slot).expect("counters");
            assert_eq!(other, VerdictCounters::default());
        }
        bench.plane().tables.clear_counters(SLOT).expect("counters");
        let cleared = bench.plane().tables.counters(SLOT).expect("counters");
        assert_eq!(cleared, VerdictCounters::default());
        let (counters, times) = hit(&mut bench);
        check(&counters, times);
    }
}

#[test]
fn a_rate_limit_counts_what_it_drops_only() {
    let mut bench = Bench::new();
    bench.condemn(key_of(Scope::Source, &frames()[0]), |verdict| {
        verdict.action = Action::RateLimit as u8;
        verdict.interval_ns = LONG_NS;
    });
    let (counters, _) = hit(&mut bench);
    let [_, second, third] = frames();
    let bytes = second.build().len() + third.build().len();
    assert_eq!((counters.packets, counters.bytes), (2, bytes as u64));
}

#[test]
fn a_verdict_that_is_not_acted_on_counts_nothing() {
    let mut bench = Bench::new();
    let frame = &frames()[0];
    bench.condemn(key_of(Scope::Source, frame), |verdict| {
        verdict.expires_ns = 1;
    });
    hit(&mut bench);
    bench.condemn_frame(Scope::Source, frame);
    bench.control(|control| {
        control.heartbeat_ns = 1;
        control.heartbeat_timeout_ns = 1;
    });
    let (counters, _) = hit(&mut bench);
    assert_eq!(counters, VerdictCounters::default());
}

#[test]
fn the_widest_verdict_counts() {
    let mut bench = Bench::new();
    let frame = &frames()[0];
    for (slot, scope) in Scope::ALL.into_iter().enumerate() {
        bench.condemn(key_of(scope, frame), |verdict| verdict.slot = slot as u32);
    }
    for (slot, scope) in Scope::ALL.into_iter().enumerate() {
        assert_eq!(bench.run(frame), Outcome::Drop);
        for other in 0..4 {
            let counters = bench.plane().tables.counters(other).expect("counters");
            assert_eq!(
                counters.packets,
                u64::from(other <= slot as u32),
                "{scope:?}"
            );
        }
        let key = key_of(scope, frame);
        bench
            .plane()
            .tables
            .remove_verdict(&key)
            .expect("it is there");
    }
    assert_eq!(bench.run(frame), Outcome::Pass);
}

#[test]
fn a_slot_beyond_the_table_drops_all_the_same() {
    let mut bench = Bench::new();
    let frame = &frames()[0];
    bench.condemn(key_of(Scope::Source, frame), |verdict| {
        verdict.slot = u32::MAX;
    });
    assert_eq!(bench.run(frame), Outcome::Drop);
    assert_eq!(bench.counted(Counter::Dropped), 1);
}

#[test]
fn what_cannot_be_read_passes_under_its_reason() {
    let mut arp = v4().udp(1, 2).build();
    arp[12..14].copy_from_slice(&[0x08, 0x06]);
    let mut bad_length = v4().udp(1, 2).build();
    bad_length[16..18].copy_from_slice(&[0, 19]);
    for (reason, frame) in [
        (Counter::UnparsedNotIp, arp),
        (
            Counter::UnparsedTooManyVlans,
            v4().vlan(1).vlan(2).vlan(3).udp(1, 2).build(),
        ),
        (Counter::UnparsedBadHeader, bad_length),
        (Counter::UnparsedTooManyExtensions, extended(7).build()),
        (
            Counter::UnparsedOtherTransport,
            v6().protocol(132).payload(12).build(),
        ),
        (
            Counter::UnparsedTruncated,
            v4().udp(1, 2).build()[..41].to_vec(),
        ),
    ] {
        let mut bench = Bench::new();
        assert_eq!(bench.run_bytes(&frame), Outcome::Pass);
        assert_eq!(bench.reasons(), [(reason, 1)]);
        assert_eq!(bench.flows(), []);
    }
}
