//! What an event costs the tracker: `cargo bench -p tidegate --bench tracker`. Prints, asserts nothing.

use std::{
    hint::black_box,
    net::{IpAddr, SocketAddr},
    time::Instant,
};

use tidegate::track::{
    Tracker, TrackerLimits,
    testing::{FlowTable, icmp, tcp},
};
use tidegate_common::{
    event::{FlowEvent, Milestone},
    packet::tcp_flags::SYN,
};

const EVENTS: u64 = 1_000_000;
const SECOND: u64 = 1_000_000_000;
const START: u64 = 1_000 * SECOND;
const ECHO: (u8, u8) = (8, 0);

fn ip(host: u8) -> IpAddr {
    IpAddr::from([10, 0, 0, host])
}

/// Prints ns per event. Flow table and frames are prepared outside the measured time.
fn measure(name: &str, tracker: &mut Tracker, events: &[FlowEvent]) {
    let begin = Instant::now();
    for event in events {
        black_box(tracker.observe(black_box(event)));
    }
    let per_event = begin.elapsed().as_nanos() as f64 / events.len() as f64;
    println!(
        "{name}: {per_event:.0} ns an event ({} connections followed, {} evicted, {} window entries dropped)",
        tracker.len(),
        tracker.evicted(),
        tracker.window_dropped(),
    );
}

/// First packets of TCP connections, each from another address, `per_second` a second.
fn flood(per_second: u64) -> Vec<FlowEvent> {
    let event = |i: u64| {
        let source = IpAddr::from(
            (0x0a00_0000 + (i as u32).wrapping_mul(2_654_435_761) % 0xff_ffff).to_be_bytes(),
        );
        let frame = tcp(
            SocketAddr::new(source, i as u16),
            SocketAddr::new(ip(1), 80),
            SYN,
            0,
        );
        FlowTable::default().packet(&frame, START + i * SECOND / per_second)
    };
    (0..EVENTS).filter_map(event).collect()
}

fn main() {
    for per_second in [100, 10_000, 1_000_000] {
        let mut tracker = Tracker::new(TrackerLimits::default());
        let name = format!("new connections, {per_second} a second");
        measure(&name, &mut tracker, &flood(per_second));
    }
    let known = flood(100_000);
    for connections in [10, 1_000, 50_000] {
        let mut tracker = Tracker::new(TrackerLimits::default());
        for event in &known[..connections] {
            tracker.observe(event);
        }
        let tick = |i: u64| {
            let mut event = known[i as usize % connections];
            event.milestone = Milestone::Tick as u8;
            event.now_ns = START + SECOND + i;
            event
        };
        let ticks: Vec<_> = (0..EVENTS).map(tick).collect();
        measure(
            &format!("ticks of {connections} connections"),
            &mut tracker,
            &ticks,
        );
    }
    let mut flows = FlowTable::default();
    let mut pings = Vec::new();
    for i in 0..EVENTS {
        let host = (i % 200) as u8;
        pings.extend(flows.packet(
            &icmp(ip(host), ip(1), ECHO, i as u16 % 500, 56),
            START + i * 50_000,
        ));
    }
    measure("pings", &mut Tracker::new(TrackerLimits::default()), &pings);
}
