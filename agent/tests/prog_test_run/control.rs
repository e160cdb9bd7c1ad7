//! Modes, and an agent that is gone.

use tidegate::dataplane::monotonic_ns;
use tidegate_common::{
    control::{Control, Mode},
    packet::tcp_flags::SYN,
    stats::Counter,
    testing::{Frame, corpus::v4},
    verdict::Scope,
};

use crate::bench::{Bench, Outcome};

const SECOND: u64 = 1_000_000_000;

fn web() -> Frame {
    v4().tcp(40_000, 80, SYN)
}

#[test]
fn a_fresh_dataplane_enforces_nothing_and_counts() {
    let mut bench = Bench::fresh(|_| {});
    let tables = &bench.plane().tables;
    assert_eq!(tables.control().expect("control"), Control::default());
    bench.condemn_frame(Scope::Source, &web());
    // Verdicts alone do nothing, nor does knowing that they exist.
    assert_eq!(bench.run(&web()), Outcome::Pass);
    bench.control(|control| control.mode = 0);
    assert_eq!(bench.run(&web()), Outcome::Pass);
    assert_eq!(bench.run(&web()), Outcome::Pass);
    let flows = bench.flows();
    assert_eq!(flows.len(), 1);
    // The first packet came before there was a budget for new flows.
    assert_eq!(flows[0].1.packets.iter().sum::<u64>(), 2);
    let expected = [
        (Counter::FlowsNew, 1),
        (Counter::FlowsOverBudget, 1),
        (Counter::Events, 2),
    ];
    assert_eq!(bench.reasons(), expected);
}

#[test]
fn a_packet_that_passes_is_counted_and_nothing_else() {
    let mut bench = Bench::new();
    let frame = web().build();
    assert_eq!(bench.run_bytes(&frame), Outcome::Pass);
    assert_eq!(bench.counted(Counter::Packets), 1);
    assert_eq!(bench.counted(Counter::Bytes), frame.len() as u64);
    assert_eq!(bench.counted(Counter::Passed), 1);
    assert_eq!(
        bench.reasons(),
        [(Counter::FlowsNew, 1), (Counter::Events, 1)]
    );
}

#[test]
fn a_dropped_packet_costs_its_counter_and_nothing_else() {
    let mut bench = Bench::new();
    bench.condemn_frame(Scope::Source, &web());
    assert_eq!(bench.run(&web()), Outcome::Drop);
    assert_eq!(bench.reasons(), [(Counter::Dropped, 1)]);
    assert_eq!(bench.flows(), []);
    assert_eq!(bench.events(), []);
}

#[test]
fn bypass_does_nothing() {
    let mut bench = Bench::new();
    bench.condemn_frame(Scope::Source, &web());
    bench.control(|control| control.mode = Mode::Bypass as u32);
    assert_eq!(bench.run(&web()), Outcome::Pass);
    assert_eq!(bench.run_bytes(&[0xff; 14]), Outcome::Pass);
    assert_eq!(bench.reasons(), [(Counter::Bypassed, 2)]);
    assert_eq!(bench.flows(), []);
    assert_eq!(bench.events(), []);
}

#[test]
fn a_mode_of_another_version_enforces_nothing() {
    let mut bench = Bench::new();
    bench.condemn_frame(Scope::Source, &web());
    bench.control(|control| control.mode = 4);
    assert_eq!(bench.run(&web()), Outcome::Pass);
    assert_eq!(bench.flows().len(), 1);
}

#[test]
fn without_the_agent_fail_open_passes() {
    let mut bench = Bench::new();
    for scope in Scope::ALL {
        bench.condemn_frame(scope, &web());
    }
    bench.control(|control| {
        control.heartbeat_ns = monotonic_ns() - 10 * SECOND;
        control.heartbeat_timeout_ns = SECOND;
    });
    assert_eq!(bench.run(&web()), Outcome::Pass);
    assert_eq!(bench.counted(Counter::AgentLost), 1, "one packet");
    assert_eq!(bench.flows().len(), 1, "it is counted like any other");
    // One sign of life, and verdicts are in force again.
    bench.control(|control| control.heartbeat_timeout_ns = 600 * SECOND);
    assert_eq!(bench.run(&web()), Outcome::Drop);
}

#[test]
fn without_the_agent_fail_closed_drops() {
    let mut bench = Bench::new();
    bench.condemn_frame(Scope::Source, &web());
    bench.control(|control| {
        control.heartbeat_ns = 1;
        control.heartbeat_timeout_ns = 0;
    });
    assert_eq!(bench.run(&web()), Outcome::Drop);
    assert_eq!(bench.counted(Counter::AgentLost), 0);
}
