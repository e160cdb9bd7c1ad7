//! Nanoseconds a packet, as the kernel measures a test run: `cargo bench -p tidegate --bench packet`, as root. Prints,
//! asserts nothing; about 20 ns of every figure are the harness.

#[path = "../tests/prog_test_run/bench.rs"]
#[expect(dead_code, reason = "the tests use the rest")]
mod bench;

use aya::programs::{TestRun as _, TestRunOptions};
use tidegate_common::{
    packet::tcp_flags::{ACK, RST, SYN},
    testing::{
        Frame,
        corpus::{extended, v4},
    },
    verdict::Scope,
};

use self::bench::Bench;

const REPEAT: u32 = 1_000_000;

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

/// A segment with SYN and RST ends the conversation that it opens, so that the next one opens another: each run makes
/// a flow and an event. In portions that the event buffer holds.
fn measure_new_flows() {
    let mut bench = Bench::new();
    bench.control(|control| control.scopes = 0);
    let bytes = v4().tcp(40_000, 80, SYN | RST).build();
    let (portions, portion) = (1_000_u32, REPEAT / 1_000);
    let mut total = 0;
    for _ in 0..portions {
        let program = bench
            .plane()
            .ingress_program()
            .expect("the program is there");
        let result = program
            .test_run(TestRunOptions {
                data_in: Some(&bytes),
                repeat: portion,
                ..TestRunOptions::new()
            })
            .expect("a test run");
        total += result.duration.as_nanos();
        assert_eq!(bench.events().len() as u32, portion);
    }
    println!(
        "pass, new flow and its event: {} ns",
        total / u128::from(portions)
    );
    let mut full = Bench::fresh(|options| options.ring_buffer_bytes = 4_096);
    full.control(|control| control.scopes = 0);
    let restart = v4().tcp(40_000, 80, SYN | RST);
    measure(&mut full, "pass, new flow, event buffer full", &restart);
}
