//! Nanoseconds a packet, as the kernel measures a test run: `cargo bench -p tidegate --bench packet`, as root. Prints,
//! asserts nothing; about 20 ns of every figure are the harness.

#[path = "../tests/prog_test_run/bench.rs"]
#[expect(dead_code, reason = "the tests use the rest")]
mod bench;

use aya::programs::{TestRun as _, TestRunOptions};
use tidegate_common::{
    packet::tcp_flags::{ACK, SYN},
    stats::Counter,
    testing::{
        Frame,
        corpus::{extended, v4},
    },
    verdict::Scope,
};

use self::bench::Bench;

const REPEAT: u32 = 1_000_000;
/// Frames that run once each.
const EACH: u32 = 50_000;

fn measure(bench: &mut Bench, what: &str, frame: &Frame) {
    let bytes = frame.build();
    // The first run makes the flow, and warms up.
    bench.run_bytes(&bytes);
    let program = bench
        .plane()
        .ingress_program()
        .expect("the program is there");
    let result = program
        .test_run(TestRunOptions {
            data_in: Some(&bytes),
            repeat: REPEAT,
            ..TestRunOptions::new()
        })
        .expect("a test run");
    println!("{what}: {} ns", result.duration.as_nanos());
}

fn main() {
    let mut bench = Bench::new();
    bench.control(|control| control.scopes = 0);
    let segment = v4().tcp(40_000, 80, ACK).payload(6);
    measure(&mut bench, "pass, known flow, no verdicts", &segment);
    measure(
        &mut bench,
        "pass, known flow, six extension headers",
        &extended(6),
    );
    bench.control(|_| {});
    measure(
        &mut bench,
        "pass, known flow, four verdict lookups that miss",
        &segment,
    );
    bench.control(|control| control.new_flow_budget = 0);
    let unknown = Frame::v4([100, 64, 0, 1], [192, 0, 2, 1]).tcp(1, 2, SYN);
    measure(&mut bench, "pass, new flow beyond the budget", &unknown);
    bench.control(|_| {});
    bench.condemn_frame(Scope::Source, &segment);
    measure(&mut bench, "drop by source", &segment);
    let mut bench = Bench::new();
    bench.condemn_frame(Scope::Tuple, &segment);
    measure(&mut bench, "drop by tuple", &segment);
    measure_new_flows();
}

/// SYNs with a number each open a connection each, under one key: every run makes a flow and an event. Each frame runs
/// once, so the harness weighs more; the known flow is measured in the same way.
fn measure_new_flows() {
    let syn = |n: u32| v4().tcp(40_000, 80, SYN).numbers(n, 0);
    let mut bench = Bench::fresh(|options| options.ring_buffer_bytes = 1 << 24);
    bench.control(|control| control.scopes = 0);
    bench.run(&syn(0));
    measure_each(&mut bench, "one run each: pass, known flow", |_| syn(0));
    let before = bench.counted(Counter::Events);
    measure_each(
        &mut bench,
        "one run each: pass, new flow and its event",
        syn,
    );
    let events = bench.counted(Counter::Events) - before;
    assert_eq!(events, u64::from(EACH));
    let mut full = Bench::fresh(|options| options.ring_buffer_bytes = 4_096);
    full.control(|control| control.scopes = 0);
    for n in 0..100 {
        full.run(&syn(n));
    }
    let what = "one run each: pass, new flow, event buffer full";
    measure_each(&mut full, what, syn);
}

/// Runs each frame once.
fn measure_each(bench: &mut Bench, what: &str, frame: impl Fn(u32) -> Frame) {
    let mut total = 0;
    for n in 1..=EACH {
        let bytes = frame(n * 1_000).build();
        let program = bench
            .plane()
            .ingress_program()
            .expect("the program is there");
        let result = program
            .test_run(TestRunOptions {
                data_in: Some(&bytes),
                ..TestRunOptions::new()
            })
            .expect("a test run");
        total += result.duration.as_nanos();
    }
    println!("{what}: {} ns", total / u128::from(EACH));
}
