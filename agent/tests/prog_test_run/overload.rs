//! More than there is room for: counted, never in the way.

use std::collections::HashMap;

use nix::{
    sched::{CpuSet, sched_getaffinity, sched_setaffinity},
    unistd::Pid,
};
use tidegate::dataplane::monotonic_ns;
use tidegate_common::{
    address::Address,
    control::OverflowKey,
    packet::{TCP, UDP, tcp_flags::SYN},
    stats::Counter,
    testing::{
        Frame,
        corpus::{SERVER, v4},
    },
};

use crate::bench::{Bench, Outcome};

/// A SYN of a spoofed flood.
fn spoofed(n: u16, port: u16) -> Frame {
    let [hi, lo] = n.to_be_bytes();
    Frame::v4([100, 64, hi, lo], SERVER).tcp(1_024 + n, port, SYN)
}

/// Budgets are per CPU: keeps this test on one.
fn stay_on_this_cpu() {
    let me = Pid::from_raw(0);
    let allowed = sched_getaffinity(me).expect("this thread's CPUs");
    let first = (0..CpuSet::count()).find(|&cpu| allowed.is_set(cpu) == Ok(true));
    let mut one = CpuSet::new();
    one.set(first.expect("a CPU to run on")).expect("it exists");
    sched_setaffinity(me, &one).expect("this thread's CPU");
}

#[test]
fn a_full_ring_buffer_loses_events_and_no_packets() {
    // 4096 bytes hold 31 entries of 120 bytes and their 8-byte headers, and a spare one.
    let mut bench = Bench::fresh(|options| options.ring_buffer_bytes = 4_096);
    bench.control(|_| {});
    for n in 0..100 {
        assert_eq!(bench.run(&spoofed(n, 80)), Outcome::Pass);
    }
    let expected = [
        (Counter::FlowsNew, 100),
        (Counter::Events, 31),
        (Counter::EventsLost, 69),
    ];
    assert_eq!(bench.reasons(), expected);
    assert_eq!(bench.flows().len(), 100);
    assert_eq!(bench.events().len(), 31);
    // Once read, there is room again.
    bench.run(&spoofed(100, 80));
    assert_eq!(bench.events().len(), 1);
    assert_eq!(bench.counted(Counter::EventsLost), 69);
}

#[test]
fn new_flows_beyond_the_budget_are_counted_by_service() {
    stay_on_this_cpu();
    let mut bench = Bench::new();
    bench.control(|control| control.new_flow_budget = 50);
    // One real flow, before the flood.
    let real = v4().udp(5_000, 53);
    let start = monotonic_ns();
    bench.run(&real);
    for n in 0..200 {
        assert_eq!(
            bench.run(&spoofed(n, if n % 4 == 0 { 443 } else { 80 })),
            Outcome::Pass
        );
    }
    bench.run(&Frame::v4([100, 64, 9, 9], SERVER).udp(1, 80));
    bench.run(&real);
    let elapsed = monotonic_ns() - start;
    let new = bench.counted(Counter::FlowsNew);
    let over = bench.counted(Counter::FlowsOverBudget);
    assert_eq!(new + over, 202);
    if elapsed < 1_000_000_000 {
        assert_eq!(new, 50);
    } else {
        // A machine that takes seconds grants a budget in each.
        assert!((50..=50 * (elapsed / 1_000_000_000 + 1)).contains(&new));
    }
    let flows: HashMap<_, _> = bench.flows().into_iter().collect();
    assert_eq!(flows.len() as u64, new);
    let known = flows
        .iter()
        .find(|(key, _)| key.protocol == UDP && key.a_port == 5_000);
    let (_, known) = known.expect("a flow that was there stays");
    assert_eq!(known.packets, [2, 0], "and is counted on");

    let overflow: HashMap<_, _> = bench
        .plane()
        .tables
        .overflow()
        .expect("overflow")
        .into_iter()
        .collect();
    assert_eq!(overflow.values().sum::<u64>(), over);
    if elapsed < 1_000_000_000 {
        let at = |port, protocol| {
            let destination = Address::from_v4(SERVER);
            let zero = [0; 5];
            overflow
                .get(&OverflowKey {
                    destination,
                    port,
                    protocol,
                    zero,
                })
                .copied()
        };
        // 49 of the flood got in, 13 of them to 443.
        assert_eq!(at(443, TCP), Some(50 - 13));
        assert_eq!(at(80, TCP), Some(150 - 36));
        assert_eq!(at(80, UDP), Some(1));
        assert_eq!(overflow.len(), 3);
    }
}

#[test]
fn a_budget_of_nothing_follows_nothing() {
    let mut bench = Bench::new();
    bench.control(|control| control.new_flow_budget = 0);
    for n in 0..3 {
        assert_eq!(bench.run(&spoofed(n, 80)), Outcome::Pass);
    }
    assert_eq!(bench.reasons(), [(Counter::FlowsOverBudget, 3)]);
    assert_eq!((bench.flows().len(), bench.events().len()), (0, 0));
}

#[test]
fn a_full_flow_table_takes_new_flows_for_old_ones() {
    stay_on_this_cpu();
    let mut bench = Bench::fresh(|options| options.flow_table_size = 1_024);
    bench.control(|_| {});
    for n in 0..4_096 {
        assert_eq!(bench.run(&spoofed(n, 80)), Outcome::Pass);
    }
    assert_eq!(bench.counted(Counter::FlowsNew), 4_096);
    assert_eq!(bench.counted(Counter::FlowsRefused), 0);
    let flows = bench.flows().len();
    assert!((1..=1_024).contains(&flows), "{flows}");
}
