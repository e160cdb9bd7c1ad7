//! Pins outlive an agent that was killed, and not one that was told to go.

use std::fs;

use tidegate::config::XdpMode;
use tidegate::dataplane::{Dataplane, Options, detach};
use tidegate_common::{
    LAYOUT_VERSION,
    packet::tcp_flags::SYN,
    stats::Counter,
    testing::{Frame, corpus::v4},
    verdict::Scope,
};

use crate::bench::{Bench, Outcome, SLOT, key_of};

fn web() -> Frame {
    v4().tcp(40_000, 80, SYN)
}

#[test]
fn verdicts_survive_an_agent_that_was_killed() {
    let mut bench = Bench::new();
    bench.condemn_frame(Scope::Tuple, &web());
    let other = v4().tcp(40_000, 443, SYN);
    assert_eq!(bench.run(&web()), Outcome::Drop);
    assert_eq!(bench.run(&other), Outcome::Pass);
    let (orders, flows) = (bench.plane().tables.control(), bench.flows());
    let orders = orders.expect("control");
    bench.restart();
    assert_eq!(bench.run(&web()), Outcome::Drop);
    assert_eq!(bench.counted(Counter::Dropped), 1);
    let tables = &bench.plane().tables;
    assert_eq!(tables.control().expect("control"), orders);
    let adopted = tables.verdicts().expect("verdicts");
    assert_eq!(adopted.len(), 1);
    assert_eq!(adopted[0].0, key_of(Scope::Tuple, &web()));
    assert_eq!(tables.counters(SLOT).expect("counters").packets, 2);
    assert_eq!(bench.flows(), flows);
    // What was sent while nobody listened is stale and thrown away; what comes is read.
    let v4_443 = v4().tcp(40_001, 443, SYN);
    assert_eq!(bench.run(&v4_443), Outcome::Pass);
    let ports: Vec<_> = bench
        .events()
        .iter()
        .map(|event| event.key.a_port)
        .collect();
    assert_eq!(ports, [40_001]);
}

#[test]
fn the_allowlist_survives_too() {
    let mut bench = Bench::new();
    bench.condemn_frame(Scope::Source, &web());
    let source = tidegate_common::address::Address::from_v4([10, 1, 2, 3]);
    bench
        .plane()
        .tables
        .allow(source, 128)
        .expect("the allowlist");
    bench.control(|control| control.allowlist_len = 1);
    bench.restart();
    assert_eq!(bench.run(&web()), Outcome::Pass);
    let allowed = bench.plane().tables.allowlist().expect("the allowlist");
    assert_eq!(allowed, [(source.to_bytes(), 128)]);
}

#[test]
fn close_removes_everything() {
    let mut bench = Bench::new();
    bench.condemn_frame(Scope::Source, &web());
    assert!(bench.pins().join("VERDICTS").exists());
    let root = bench.close();
    assert!(!root.exists());
}

#[test]
fn detach_removes_every_pin_of_an_agent_that_was_killed() {
    let root =
        std::path::PathBuf::from(format!("/run/tidegate-test-{}-detach", std::process::id()));
    let options = Options {
        bpf_root: root.clone(),
        interfaces: Vec::new(),
        xdp: XdpMode::Auto,
        egress: false,
        flow_table_size: 1_024,
        ring_buffer_bytes: 4_096,
        log_level: 0,
    };
    let mut plane = Dataplane::open(&options).expect("these tests need root and BPF");
    plane.keep();
    let in_use = detach(&root).map_err(|error| error.to_string());
    drop(plane);
    let layout = root.join(format!("v{LAYOUT_VERSION}"));
    let pinned: Vec<_> = fs::read_dir(&layout)
        .map(|entries| entries.flatten().map(|entry| entry.file_name()).collect())
        .unwrap_or_default();
    // Removed before anything is asserted, so that a failure leaves nothing behind.
    let removed = detach(&root);
    let left = root.exists();
    let again = detach(&root);
    assert!(in_use.is_err_and(|error| error.contains("already runs")));
    for map in [
        "CONTROL",
        "VERDICTS",
        "VERDICT_COUNTERS",
        "ALLOWLIST",
        "FLOWS",
        "EVENTS",
        "STATS",
    ] {
        assert!(pinned.iter().any(|name| name == map), "{map} is not pinned");
    }
    let removed = removed.expect("the agent is gone");
    for name in pinned.iter().filter(|name| *name != "links") {
        assert!(removed.pins.contains(&layout.join(name)), "{name:?}");
    }
    assert!(!left);
    assert!(again.expect("nothing to do").pins.is_empty());
}

#[test]
fn two_agents_do_not_share_a_root() {
    let mut bench = Bench::new();
    let root = bench.pins().parent().expect("the root").to_owned();
    let second = Dataplane::open(&Options {
        bpf_root: root,
        interfaces: Vec::new(),
        xdp: XdpMode::Auto,
        egress: false,
        flow_table_size: 1_024,
        ring_buffer_bytes: 4_096,
        log_level: 0,
    });
    let error = second.err().expect("it is refused").to_string();
    assert!(error.contains("already runs"), "{error}");
    assert_eq!(
        bench.run(&web()),
        Outcome::Pass,
        "the first one does not mind"
    );
}

/// The pinned maps keep the sizes that they were made with; an agent with other options must see that.
#[test]
fn maps_are_adopted_by_an_agent_with_other_sizes() {
    for (before, now) in [(1 << 16, 4_096), (4_096, 1 << 16)] {
        let mut bench = Bench::fresh(|options| options.ring_buffer_bytes = before);
        bench.control(|_| {});
        bench.restart_with(|options| {
            options.ring_buffer_bytes = now;
            options.flow_table_size = 1_024;
        });
        for n in 0..400 {
            assert_eq!(bench.run(&v4().tcp(1_000 + n, 80, SYN)), Outcome::Pass);
            let ports: Vec<_> = bench
                .events()
                .iter()
                .map(|event| event.key.a_port)
                .collect();
            assert_eq!(ports, [1_000 + n], "{before} bytes adopted as {now}");
        }
    }
}
