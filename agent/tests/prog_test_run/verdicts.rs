//! What a verdict covers, and for how long.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use tidegate::dataplane::monotonic_ns;
use tidegate_common::{
    address::Address,
    packet::tcp_flags::{ACK, SYN},
    stats::Counter,
    testing::{
        Frame,
        corpus::{CLIENT, CLIENT6, SERVER, extended, v4, v6},
    },
    verdict::{Action, Scope},
};

use crate::bench::{Bench, Outcome, key_of};

const OTHER: [u8; 4] = [10, 9, 9, 9];

pub(crate) fn web() -> Frame {
    v4().tcp(40_000, 80, SYN)
}

fn client() -> Address {
    Address::from_v4(CLIENT)
}

fn client6() -> Address {
    IpAddr::from(Ipv6Addr::from(CLIENT6)).into()
}

/// Runs the frames that the scope covers and those it does not.
fn check_scope(scope: Scope, covered: &[Frame], others: &[Frame]) {
    let mut bench = Bench::new();
    for frame in covered.iter().chain(others) {
        assert_eq!(bench.run(frame), Outcome::Pass, "before: {frame:?}");
    }
    bench.condemn_frame(scope, &covered[0]);
    for frame in covered {
        assert_eq!(bench.run(frame), Outcome::Drop, "{frame:?}");
    }
    for frame in others {
        assert_eq!(bench.run(frame), Outcome::Pass, "{frame:?}");
    }
    assert_eq!(bench.counted(Counter::Dropped), covered.len() as u64);
    // Scopes without verdicts are not looked up: the bit alone decides.
    bench.control(|control| control.scopes &= !scope.bit());
    assert_eq!(bench.run(&covered[0]), Outcome::Pass);
}

#[test]
fn by_source() {
    check_scope(
        Scope::Source,
        &[
            web(),
            v4().udp(1, 2),
            v4().echo(1),
            v4().protocol(132),
            Frame::v4(CLIENT, OTHER).tcp(1, 2, ACK),
            v4().fragment(1_480, false).udp(1, 2).payload(8),
        ],
        &[
            web().reply(),
            Frame::v4(OTHER, SERVER).tcp(40_000, 80, SYN),
            v6().tcp(40_000, 80, SYN),
        ],
    );
}

#[test]
fn by_source_and_destination() {
    check_scope(
        Scope::SourceDestination,
        &[
            web(),
            v4().tcp(1, 2, ACK),
            v4().fragment(1_480, true).tcp(1, 2, ACK).payload(8),
        ],
        &[
            v4().udp(40_000, 80),
            Frame::v4(CLIENT, OTHER).tcp(40_000, 80, SYN),
            web().reply(),
        ],
    );
    // A transport nobody can read still has a number.
    check_scope(
        Scope::SourceDestination,
        &[v4().protocol(132), v4().protocol(132).payload(4)],
        &[v4().protocol(133)],
    );
}

#[test]
fn by_source_and_service() {
    check_scope(
        Scope::SourceService,
        &[
            web(),
            v4().tcp(50_000, 80, ACK),
            Frame::v4(CLIENT, OTHER).tcp(40_000, 80, SYN),
        ],
        &[
            v4().tcp(40_000, 81, SYN),
            v4().tcp(80, 40_000, SYN),
            v4().udp(40_000, 80),
            web().reply(),
        ],
    );
}

#[test]
fn by_tuple() {
    check_scope(
        Scope::Tuple,
        &[web(), v4().tcp(50_000, 80, ACK)],
        &[
            v4().tcp(40_000, 81, SYN),
            v4().udp(40_000, 80),
            Frame::v4(CLIENT, OTHER).tcp(40_000, 80, SYN),
            Frame::v4(OTHER, SERVER).tcp(40_000, 80, SYN),
            web().reply(),
        ],
    );
}

#[test]
fn by_destination() {
    check_scope(
        Scope::Destination,
        &[
            web(),
            v4().tcp(50_000, 80, ACK),
            Frame::v4(OTHER, SERVER).tcp(40_000, 80, SYN),
        ],
        &[
            v4().tcp(40_000, 81, SYN),
            v4().udp(40_000, 80),
            Frame::v4(CLIENT, OTHER).tcp(40_000, 80, SYN),
        ],
    );
    check_scope(
        Scope::Destination,
        &[v6().udp(1, 53), v6().udp(2, 53)],
        &[v6().udp(1, 54)],
    );
    // Later fragments are a service of their own.
    let fragment = || v4().fragment(1_480, false).udp(40_000, 80).payload(8);
    check_scope(
        Scope::Destination,
        &[fragment(), fragment().payload(800)],
        &[v4().udp(40_000, 80), v4().udp(40_000, 53)],
    );
    check_scope(Scope::Destination, &[v4().udp(40_000, 80)], &[fragment()]);
}

#[test]
fn by_destination_host() {
    check_scope(
        Scope::DestinationHost,
        &[
            web(),
            v4().tcp(40_000, 81, SYN),
            Frame::v4(OTHER, SERVER).tcp(40_000, 80, SYN),
        ],
        &[
            v4().udp(40_000, 80),
            Frame::v4(CLIENT, OTHER).tcp(40_000, 80, SYN),
            // Of a conversation that goes on, perhaps.
            v4().fragment(1_480, false).tcp(40_000, 80, SYN).payload(8),
        ],
    );
}

#[test]
fn a_limit_on_a_destination_spares_conversations_that_go_on() {
    for (question, answer) in [
        (v4().tcp(40_000, 80, ACK), v4().tcp(40_000, 80, SYN | ACK)),
        (v6().tcp(40_000, 80, ACK), v6().tcp(40_000, 80, SYN | ACK)),
        (v4().udp(40_000, 53), v4().udp(40_000, 53)),
    ] {
        let answer = answer.reply();
        for scope in [Scope::Destination, Scope::DestinationHost] {
            let mut bench = Bench::new();
            // One question has been answered, another has not.
            assert_eq!(bench.run(&question), Outcome::Pass);
            assert_eq!(bench.run(&answer), Outcome::Pass);
            let key = key_of(scope, &question);
            bench.condemn(key, |_| {});
            assert_eq!(bench.run(&question), Outcome::Pass, "{question:?}");
            assert_eq!(bench.counted(Counter::Dropped), 0);
        }
    }
    // A SYN opens something new, whatever went before.
    let mut bench = Bench::new();
    assert_eq!(bench.run(&web()), Outcome::Pass);
    let answer = web().reply();
    assert_eq!(bench.run(&answer), Outcome::Pass);
    bench.condemn_frame(Scope::Destination, &web());
    assert_eq!(bench.run(&web()), Outcome::Drop);
    // What nobody answered is no conversation.
    let unanswered = v4().tcp(40_001, 80, ACK);
    assert_eq!(bench.run(&unanswered), Outcome::Drop);
    assert_eq!(bench.counted(Counter::Dropped), 2);
}

#[test]
fn a_rate_limit_on_a_destination_counts_all_sources_together() {
    let mut bench = Bench::new();
    bench.condemn(key_of(Scope::Destination, &web()), |verdict| {
        verdict.action = Action::RateLimit as u8;
        // One packet an hour, and one at once.
        verdict.interval_ns = 3_600_000_000_000;
        verdict.burst_ns = 0;
    });
    for (source, outcome) in [(1, Outcome::Pass), (2, Outcome::Drop), (3, Outcome::Drop)] {
        let frame = Frame::v4([10, 8, 0, source], SERVER).tcp(40_000, 80, SYN);
        assert_eq!(bench.run(&frame), outcome, "source {source}");
    }
    assert_eq!(bench.counted(Counter::RateLimited), 2);
    assert_eq!(bench.flows().len(), 1, "what is dropped is no flow");
}

#[test]
fn icmp_by_tuple_covers_all_of_it() {
    check_scope(
        Scope::Tuple,
        &[v4().echo(1), v4().echo(2), v4().icmp(3, 1, 0)],
        &[
            v4().udp(1, 2),
            v4().fragment(1_480, false).echo(1).payload(8),
        ],
    );
}

#[test]
fn tags_and_extension_headers_do_not_hide_a_packet() {
    check_scope(
        Scope::Tuple,
        &[
            web(),
            web().vlan(100),
            web().qinq(7, 100),
            v4().options(&[1; 40]).tcp(40_000, 80, SYN),
        ],
        &[web().vlan(1).vlan(2).vlan(3)],
    );
    let extended: Vec<_> = (0..=6).map(extended).collect();
    check_scope(Scope::Tuple, &extended, &[v6().tcp(40_001, 444, SYN)]);
}

#[test]
fn a_seventh_extension_header_hides_the_port_and_not_the_source() {
    check_scope(Scope::Tuple, &[extended(6)], &[extended(7)]);
    check_scope(
        Scope::Source,
        &[extended(6), extended(7)],
        &[extended(7).reply()],
    );
}

#[test]
fn later_fragments_are_covered_by_source_and_destination_only() {
    for frame in [v4(), v6()] {
        let first = frame
            .clone()
            .fragment(0, true)
            .udp(9_000, 9_001)
            .payload(16);
        let later = frame.fragment(16, false).udp(9_000, 9_001).payload(16);
        check_scope(Scope::Source, &[first.clone(), later.clone()], &[]);
        check_scope(
            Scope::SourceDestination,
            &[first.clone(), later.clone()],
            &[],
        );
        let (first, later) = (&[first], &[later]);
        check_scope(Scope::SourceService, first, later);
        check_scope(Scope::Tuple, first, later);
    }
}

#[test]
fn an_expired_verdict_is_as_good_as_none() {
    let mut bench = Bench::new();
    bench.condemn(key_of(Scope::Source, &web()), |verdict| {
        verdict.expires_ns = monotonic_ns() - 1;
    });
    assert_eq!(bench.run(&web()), Outcome::Pass);
    assert_eq!(bench.counted(Counter::ExpiredVerdict), 1);
    // A wider verdict past its time does not shield from a narrower one in force.
    bench.condemn_frame(Scope::Tuple, &web());
    assert_eq!(bench.run(&web()), Outcome::Drop);
    assert_eq!(bench.flows().len(), 1, "what passes is a flow");
}

#[test]
fn a_verdict_expires_by_itself() {
    let mut bench = Bench::new();
    let until = monotonic_ns() + 300_000_000;
    bench.condemn(key_of(Scope::Source, &web()), |verdict| {
        verdict.expires_ns = until;
    });
    let mut dropped = 0;
    while bench.run(&web()) == Outcome::Drop {
        dropped += 1;
        assert!(monotonic_ns() < until + 5_000_000_000, "it never expires");
    }
    assert!(dropped > 0);
    assert!(monotonic_ns() >= until);
}

#[test]
fn a_verdict_taken_back_is_gone() {
    let mut bench = Bench::new();
    bench.condemn_frame(Scope::Tuple, &web());
    assert_eq!(bench.run(&web()), Outcome::Drop);
    let key = key_of(Scope::Tuple, &web());
    bench
        .plane()
        .tables
        .remove_verdict(&key)
        .expect("it is there");
    assert_eq!(bench.run(&web()), Outcome::Pass);
}

#[test]
fn the_allowlist_is_stronger_than_any_verdict() {
    let v4_network = Address::from(IpAddr::from(Ipv4Addr::new(10, 1, 0, 0)));
    let v6_network = Address::from(IpAddr::from(
        "2001:db8::".parse::<Ipv6Addr>().expect("an address"),
    ));
    for (frame, network, prefix) in [
        (web(), client(), 128),
        (web(), v4_network, 96 + 16),
        (v6().tcp(40_000, 80, SYN), client6(), 128),
        (v6().tcp(40_000, 80, SYN), v6_network, 32),
    ] {
        let mut bench = Bench::new();
        for scope in Scope::ALL {
            bench.condemn_frame(scope, &frame);
        }
        assert_eq!(bench.run(&frame), Outcome::Drop);
        bench
            .plane()
            .tables
            .allow(network, prefix)
            .expect("the allowlist");
        bench.control(|control| control.allowlist_len = 1);
        assert_eq!(bench.run(&frame), Outcome::Pass, "/{prefix}");
        assert_eq!(bench.counted(Counter::Allowlisted), 1, "one packet");
        assert_eq!(bench.flows().len(), 1, "it is counted like any other");
        bench
            .plane()
            .tables
            .disallow(network, prefix)
            .expect("the allowlist");
        assert_eq!(bench.run(&frame), Outcome::Drop);
    }
}

#[test]
fn the_allowlist_covers_its_networks_and_no_more() {
    let mut bench = Bench::new();
    let network = Address::from_v4([10, 1, 2, 0]);
    bench
        .plane()
        .tables
        .allow(network, 96 + 23)
        .expect("the allowlist");
    bench.control(|control| control.allowlist_len = 1);
    for (source, outcome) in [
        ([10, 1, 2, 0], Outcome::Pass),
        ([10, 1, 3, 255], Outcome::Pass),
        ([10, 1, 4, 0], Outcome::Drop),
        ([10, 1, 1, 255], Outcome::Drop),
    ] {
        let frame = Frame::v4(source, SERVER).udp(1, 2);
        bench.condemn_frame(Scope::Source, &frame);
        assert_eq!(bench.run(&frame), outcome, "{source:?}");
    }
    // The destination is not whose list it is.
    let frame = Frame::v4(OTHER, CLIENT).udp(1, 2);
    bench.condemn_frame(Scope::Source, &frame);
    assert_eq!(bench.run(&frame), Outcome::Drop);
}

#[test]
fn taking_back_what_is_not_there_does_no_harm() {
    let mut bench = Bench::new();
    let tables = &mut bench.plane().tables;
    let verdict = tables.remove_verdict(&key_of(Scope::Tuple, &web()));
    let network = tables.disallow(client(), 128);
    verdict.expect("no verdict to remove");
    network.expect("no network to remove");
}
