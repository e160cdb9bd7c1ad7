//! What a million open connections take: measured as the growth of this process, which does nothing else.

#![expect(clippy::unwrap_used, reason = "a failing unwrap is a failing test")]

use std::{fs, sync::Arc};

use tidegate::{
    config::{Config, PolicyConfig},
    detect::Detector,
    policy::{Policy, Protected},
    track::{TrackerLimits, testing::openings},
};
use tidegate_models::{Model, Schema};

/// Where the packet clock stands when the test begins, ns.
const START_NS: u64 = 1_000_000_000_000;
/// Between two connections, ns.
const GAP_NS: u64 = 10_000;
const CONNECTIONS: u32 = 1_000_000;

/// Memory of this process that is no file, in bytes.
fn resident() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("RssAnon:"));
    let kib = line.unwrap().split_whitespace().next().unwrap();
    1024 * kib.parse::<u64>().unwrap()
}

#[test]
fn a_connection_takes_256_bytes_and_a_million_300_megabytes() {
    let model = Arc::new(Model::shipped(Schema::Live).unwrap());
    let policy: PolicyConfig = Config::default().policy;
    let protected = Protected::only(policy.allowlist.clone());
    let limits = TrackerLimits {
        max_connections: CONNECTIONS as usize,
    };
    let mut detector = Detector::new(model, Policy::protecting(policy, protected), limits);
    let mut events = openings(START_NS, GAP_NS);
    let mut open = |connections: u32| {
        for event in events.by_ref().take(connections as usize) {
            detector.judge(&event);
        }
        (resident(), detector.tracker().len())
    };
    // By then every source is known, and the 2 s window is full.
    let (before, followed) = open(200_000);
    assert_eq!(followed, 200_000);
    let (after, followed) = open(CONNECTIONS - 200_000);
    assert_eq!(followed, CONNECTIONS as usize);
    let each = (after - before) / u64::from(CONNECTIONS - 200_000);
    println!("{each} bytes a connection, {after} bytes in all");
    assert!((150..=256).contains(&each), "{each} bytes a connection");
    assert!(after <= 300_000_000, "{after} bytes");
    // More than it may follow.
    let (full, followed) = open(1000);
    assert_eq!(followed, CONNECTIONS as usize);
    assert!(full - after < 1_000_000, "{}", full - after);
}
