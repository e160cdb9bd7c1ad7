//! What a verdict does to what it covers: modes and actions.

use tidegate::dataplane::monotonic_ns;
use tidegate_common::{
    control::Mode,
    packet::tcp_flags::SYN,
    stats::Counter,
    testing::corpus::v4,
    verdict::{Action, Scope},
};

use crate::bench::{Bench, Outcome, key_of};
use crate::verdicts::web;

#[test]
fn monitor_mode_counts_and_passes() {
    let mut bench = Bench::new();
    bench.control(|control| control.mode = Mode::Monitor as u32);
    for scope in Scope::ALL {
        bench.condemn_frame(scope, &web());
    }
    assert_eq!(bench.run(&web()), Outcome::Pass);
    assert_eq!(bench.counted(Counter::WouldDrop), 1, "one packet");
    assert_eq!(bench.counted(Counter::Dropped), 0);
    assert_eq!(bench.flows().len(), 1, "it is counted like any other");
}

#[test]
fn watch_counts_and_passes() {
    let mut bench = Bench::new();
    bench.condemn(key_of(Scope::Source, &web()), |verdict| {
        verdict.action = Action::Watch as u8;
    });
    assert_eq!(bench.run(&web()), Outcome::Pass);
    assert_eq!(bench.counted(Counter::Watched), 1);
    assert_eq!(bench.flows().len(), 1);
    // A watch does not shield from a narrower drop.
    bench.condemn_frame(Scope::Tuple, &web());
    assert_eq!(bench.run(&web()), Outcome::Drop);
}

#[test]
fn an_action_of_another_version_passes() {
    let mut bench = Bench::new();
    for action in [0, 4, 255] {
        bench.condemn(key_of(Scope::Source, &web()), |verdict| {
            verdict.action = action;
        });
        assert_eq!(bench.run(&web()), Outcome::Pass);
    }
}

#[test]
fn rate_limit_passes_the_burst_then_drops() {
    let mut bench = Bench::new();
    // One packet an hour, and three more in a burst.
    let hour = crate::bench::LONG_NS;
    bench.condemn(key_of(Scope::SourceService, &web()), |verdict| {
        verdict.expires_ns += 10 * hour;
        verdict.action = Action::RateLimit as u8;
        verdict.interval_ns = hour;
        verdict.burst_ns = 3 * hour;
    });
    let outcomes: Vec<_> = (0..10).map(|_| bench.run(&web())).collect();
    assert_eq!(outcomes[..4], [Outcome::Pass; 4]);
    assert_eq!(outcomes[4..], [Outcome::Drop; 6]);
    assert_eq!(bench.counted(Counter::RateLimited), 6);
    assert_eq!(bench.counted(Counter::Dropped), 0);
    assert_eq!(
        bench.run(&v4().tcp(40_000, 81, SYN)),
        Outcome::Pass,
        "another service"
    );
    let (_, flow) = bench
        .flows()
        .into_iter()
        .find(|(key, _)| key.a_port == 80 || key.b_port == 80)
        .expect("the flow of what passed");
    assert_eq!(flow.packets.iter().sum::<u64>(), 4);
}

#[test]
fn rate_limit_lets_the_rate_pass_for_good() {
    let mut bench = Bench::new();
    let interval = 50_000_000;
    bench.condemn(key_of(Scope::Source, &web()), |verdict| {
        verdict.action = Action::RateLimit as u8;
        verdict.interval_ns = interval;
        verdict.burst_ns = 0;
    });
    let start = monotonic_ns();
    let mut passed = 0;
    while monotonic_ns() - start < 6 * interval {
        passed += u64::from(bench.run(&web()) == Outcome::Pass);
    }
    // One at once and one an interval; a loop that was held up misses some, and never gains one.
    let elapsed = monotonic_ns() - start;
    assert!((2..=elapsed / interval + 1).contains(&passed), "{passed}");
    assert!(bench.counted(Counter::RateLimited) > 0);
}
