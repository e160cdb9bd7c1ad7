//! Whatever the bytes: the kernel sees in them what user space sees.

use std::cell::RefCell;

use proptest::{
    collection::vec,
    prelude::*,
    test_runner::{Config, TestRunner},
};
use tidegate_common::{
    flow::FlowKey,
    packet::{Packet, Unparsed, tcp_flags},
    stats::Counter,
    testing::corpus::corpus,
    verdict::{Scope, VerdictKey},
};

use crate::bench::{Bench, Outcome};

/// The kernel runs no program on less than an Ethernet header.
const SHORTEST: usize = 14;

/// Runs the bytes with no verdict, then with one in each scope, on a bench without flows or verdicts; says in what
/// the kernel differs from user space.
fn difference(bench: &mut Bench, bytes: &[u8]) -> Option<String> {
    let parsed = Packet::parse(bytes);
    let why = |what: &str| Some(format!("{what}: {parsed:?}, {bytes:02x?}"));
    let reason = match &parsed {
        Ok(packet) => packet.defect,
        Err(reason) => Some(*reason),
    };

    let before = reasons(bench);
    if bench.run_bytes(bytes) != Outcome::Pass {
        return why("dropped without a verdict");
    }
    let after = reasons(bench);
    for (counter, was, is) in before
        .iter()
        .zip(&after)
        .map(|(was, is)| (is.0, was.1, is.1))
    {
        let expected = u64::from(reason.map(Counter::unparsed) == Some(counter));
        if is - was != expected {
            return why(&format!("{counter:?} moved by {}", is - was));
        }
    }

    let mut table = bench.flow_table();
    let flows = bench.flows();
    let expected = match &parsed {
        Ok(packet) if reason.is_none() => Some((packet, FlowKey::of(packet))),
        _ => None,
    };
    match (expected, &flows[..]) {
        (None, []) => {}
        (Some((packet, (key, sender))), [(found, flow)]) => {
            table.remove(found).expect("it was there");
            // What comes with a reset is no part of the stream.
            let reset = packet.tcp_flags & tcp_flags::RST != 0;
            let payload = if reset { 0 } else { u64::from(packet.payload) };
            if *found != key || flow.bytes[sender as usize] != payload {
                return why(&format!("flow {found:?} {flow:?}"));
            }
        }
        (_, flows) => return why(&format!("flows {flows:?}")),
    }

    let Ok(packet) = &parsed else {
        return None;
    };
    for scope in Scope::ALL {
        // A port scope is tried for packets without a port too, with the key they would have if they had one.
        let key = VerdictKey::of(packet, scope);
        let tried = key.unwrap_or(VerdictKey::new(
            scope,
            packet.source,
            packet.destination,
            packet.protocol,
            packet.destination_port,
        ));
        bench.condemn(tried, |_| {});
        let outcome = bench.run_bytes(bytes);
        bench
            .plane()
            .tables
            .remove_verdict(&tried)
            .expect("it is there");
        if (outcome == Outcome::Drop) != key.is_some() {
            return why(&format!("{outcome:?} by {scope:?}"));
        }
        for (key, _) in bench.flows() {
            table.remove(&key).expect("it was there");
        }
    }
    None
}

fn reasons(bench: &Bench) -> Vec<(Counter, u64)> {
    [
        Unparsed::Truncated,
        Unparsed::NotIp,
        Unparsed::TooManyVlans,
        Unparsed::BadHeader,
        Unparsed::TooManyExtensions,
        Unparsed::OtherTransport,
    ]
    .into_iter()
    .map(Counter::unparsed)
    .map(|counter| (counter, bench.counted(counter)))
    .collect()
}

#[test]
fn cut_at_every_byte() {
    let mut bench = Bench::new();
    for (name, frame) in corpus() {
        let bytes = frame.build();
        for len in SHORTEST..=bytes.len() {
            let difference = difference(&mut bench, &bytes[..len]);
            assert_eq!(difference, None, "{name}, {len} bytes");
        }
    }
}

/// A verdict on the whole packet's tuple never hits a cut one whose ports are not there, and always one whose are.
#[test]
fn a_cut_packet_is_dropped_for_what_it_is() {
    let mut bench = Bench::new();
    for (name, frame) in corpus() {
        let bytes = frame.build();
        let whole = Packet::parse(&bytes[..]).expect("the IP header is readable");
        for scope in Scope::ALL {
            let Some(key) = VerdictKey::of(&whole, scope) else {
                continue;
            };
            bench.condemn(key, |_| {});
            for len in SHORTEST..=bytes.len() {
                let cut = Packet::parse(&bytes[..len]).ok();
                let hit = cut.and_then(|packet| VerdictKey::of(&packet, scope)) == Some(key);
                let outcome = bench.run_bytes(&bytes[..len]);
                assert_eq!(
                    outcome == Outcome::Drop,
                    hit,
                    "{name}, {len} bytes, {scope:?}"
                );
            }
            bench
                .plane()
                .tables
                .remove_verdict(&key)
                .expect("it is there");
        }
    }
}

#[test]
fn frames_with_some_bytes_changed() {
    // The runner wants a closure that changes nothing.
    let bench = RefCell::new(Bench::new());
    let frames: Vec<_> = corpus().iter().map(|(_, frame)| frame.build()).collect();
    let strategy = (
        prop::sample::select(frames),
        vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
        any::<prop::sample::Index>(),
    );
    let mut runner = TestRunner::new(Config {
        cases: 3_000,
        failure_persistence: None,
        ..Config::default()
    });
    let result = runner.run(&strategy, |(mut bytes, changes, cut)| {
        for (at, value) in changes {
            // Headers are at the beginning; the addresses of Ethernet do not matter.
            let headers = 12..bytes.len().min(120);
            let at = headers.start + at.index(headers.len());
            bytes[at] = value;
        }
        // Half of them are cut as well.
        let len = cut.index(2 * bytes.len()).clamp(SHORTEST, bytes.len());
        let difference = difference(&mut bench.borrow_mut(), &bytes[..len]);
        prop_assert_eq!(difference, None);
        Ok(())
    });
    if let Err(error) = result {
        panic!("{error}");
    }
}
