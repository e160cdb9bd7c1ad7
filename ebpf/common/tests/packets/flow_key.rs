//! One key for both directions.

use tidegate_common::{
    address::Address,
    flow::{FlowKey, Side},
    packet::{ICMP, Packet},
    testing::{
        Frame,
        corpus::{CLIENT, SERVER, corpus, v4, v6},
    },
};

use crate::parse;

fn key(frame: &Frame) -> (FlowKey, Side) {
    FlowKey::of(&parse(frame))
}

#[test]
fn both_directions_share_a_key_from_opposite_sides() {
    for (name, frame) in corpus() {
        let packet = parse(&frame);
        if packet.defect.is_some() || packet.source == packet.destination {
            continue;
        }
        let ((key, side), (back, other)) = (key(&frame), key(&frame.clone().reply()));
        assert_eq!(key, back, "{name}");
        assert_eq!(side, other.other(), "{name}");
        assert_eq!(key.address(side), packet.source, "{name}");
        assert_eq!(key.address(other), packet.destination, "{name}");
        assert_eq!(key.port(side), packet.source_port, "{name}");
        assert_eq!(key.port(other), packet.destination_port, "{name}");
        assert!(key.a < key.b, "{name}");
        assert_eq!(key.zero, [0; 3], "{name}");
    }
}

#[test]
fn ports_stay_with_their_addresses() {
    // The lower address has the higher port, and the other way round.
    let (low, _) = key(&Frame::v4([10, 0, 0, 1], [10, 0, 0, 2]).tcp(9, 1, 0));
    assert_eq!((low.a_port, low.b_port), (9, 1));
    let (high, side) = key(&Frame::v4([10, 0, 0, 2], [10, 0, 0, 1]).tcp(9, 1, 0));
    assert_eq!((high.a_port, high.b_port), (1, 9));
    assert_eq!(side, Side::B);
    assert_ne!(low, high);
}

#[test]
fn a_host_talking_to_itself_has_two_sides_by_port() {
    let (there, from) = key(&Frame::v4(SERVER, SERVER).tcp(40_000, 80, 0));
    let (back, to) = key(&Frame::v4(SERVER, SERVER).tcp(80, 40_000, 0));
    assert_eq!(there, back);
    assert_eq!((there.a_port, there.b_port), (80, 40_000));
    assert_eq!((from, to), (Side::B, Side::A));
}

#[test]
fn land_is_sent_by_a() {
    let (key, side) = key(&Frame::v4(SERVER, SERVER).tcp(139, 139, 0));
    assert_eq!(
        (key.a, key.b),
        (Address::from_v4(SERVER), Address::from_v4(SERVER))
    );
    assert_eq!((key.a_port, key.b_port, side), (139, 139, Side::A));
}

#[test]
fn every_field_of_the_packet_tells_flows_apart() {
    let base = key(&v4().tcp(40_000, 80, 0)).0;
    for other in [
        v4().tcp(40_001, 80, 0),
        v4().tcp(40_000, 81, 0),
        v4().udp(40_000, 80),
        Frame::v4([10, 1, 2, 4], SERVER).tcp(40_000, 80, 0),
        Frame::v4(CLIENT, [192, 0, 2, 78]).tcp(40_000, 80, 0),
        v6().tcp(40_000, 80, 0),
    ] {
        assert_ne!(key(&other).0, base, "{other:?}");
    }
    // Tags do not: a flow keeps its key wherever it is seen.
    assert_eq!(key(&v4().qinq(1, 2).tcp(40_000, 80, 0)).0, base);
}

#[test]
fn echo_request_and_reply_share_a_key() {
    for (frame, request) in [(v4(), 8), (v6(), 128)] {
        let (asked, from) = key(&frame.clone().echo(77));
        let (answered, to) = key(&frame.clone().echo(77).reply());
        assert_eq!(asked, answered);
        assert_eq!(from, to.other());
        assert_eq!(asked.icmp(), Some((request, 0)));
        assert_eq!(asked.a_port, 77);
        assert_eq!((asked.port(Side::A), asked.port(Side::B)), (0, 0));
        assert_ne!(key(&frame.echo(78)).0, asked, "another ping");
    }
}

#[test]
fn icmp_answers_are_folded_into_their_questions() {
    for (question, answer) in [(8, 0), (13, 14), (15, 16), (17, 18)] {
        let asked = key(&v4().icmp(question, 0, 0)).0;
        assert_eq!(key(&v4().icmp(answer, 0, 0).reply()).0, asked);
        assert_eq!(asked.icmp(), Some((question, 0)));
    }
    for (question, answer) in [(128, 129), (135, 136)] {
        let asked = key(&v6().icmp(question, 0, 0)).0;
        assert_eq!(key(&v6().icmp(answer, 0, 0).reply()).0, asked);
    }
    // 0 answers 8 on IPv4 only.
    assert_eq!(key(&v6().icmp(0, 0, 0)).0.icmp(), Some((0, 0)));
}

#[test]
fn icmp_errors_keep_type_and_code() {
    let unreachable = key(&v4().icmp(3, 1, 0)).0;
    assert_eq!(unreachable.icmp(), Some((3, 1)));
    assert_ne!(key(&v4().icmp(3, 3, 0)).0, unreachable);
    assert_eq!(key(&v4().tcp(1, 2, 0)).0.icmp(), None);
}

#[test]
fn later_fragments_share_one_flow_without_ports() {
    let first = key(&v4().fragment(0, true).udp(9_000, 9_001).payload(8)).0;
    let later = key(&v4().fragment(1_480, false).udp(9_000, 9_001).payload(8)).0;
    assert_eq!((first.port(Side::A), first.port(Side::B)), (9_000, 9_001));
    assert_eq!((later.a_port, later.b_port), (0, 0));
    let ping = parse(&v4().fragment(1_480, false).echo(1).payload(8));
    assert_eq!(ping.protocol, ICMP);
    assert_eq!(FlowKey::of(&ping).0.icmp(), Some((0, 0)));
}

#[test]
fn addresses_survive_the_way_into_a_key() {
    let packet = Packet::parse(&v6().udp(1, 2).build()[..]).expect("IP is fine");
    for address in [packet.source, packet.destination, Address::from_v4(CLIENT)] {
        assert_eq!(Address::from(std::net::IpAddr::from(address)), address);
    }
    assert_eq!(Address::from_v4(CLIENT).to_string(), "10.1.2.3");
    assert_eq!(
        packet.source.to_bytes(),
        std::net::Ipv6Addr::from(tidegate_common::testing::corpus::CLIENT6).octets()
    );
}
