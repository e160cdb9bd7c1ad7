//! Under which keys a packet is looked up.

use tidegate_common::{
    address::Address,
    packet::{Packet, TCP},
    testing::{
        Frame,
        corpus::{corpus, extended, v4, v6},
    },
    verdict::{Scope, VerdictKey},
};

use crate::parse;

/// The scopes that have a key for this frame.
fn scopes(frame: &Frame) -> Vec<Scope> {
    let packet = parse(frame);
    let has_key = |scope: &Scope| VerdictKey::of(&packet, *scope).is_some();
    Scope::ALL.into_iter().filter(has_key).collect()
}

#[test]
fn a_packet_without_ports_has_no_key_by_port() {
    let without_port = [Scope::Source, Scope::SourceDestination];
    for frame in [v4().protocol(132).payload(12), extended(7)] {
        assert_eq!(scopes(&frame), without_port, "{frame:?}");
    }
    // Later fragments are a service of their own of their destination's.
    for frame in [
        v4().fragment(1_480, false).udp(9_000, 9_001).payload(8),
        v6().fragment(1_480, true).udp(9_000, 9_001).payload(8),
    ] {
        let [a, b] = without_port;
        assert_eq!(scopes(&frame), [a, b, Scope::Destination], "{frame:?}");
        let key = VerdictKey::of(&parse(&frame), Scope::Destination).expect("a key");
        assert_eq!(key.port, 0);
    }
    for frame in [
        v4().tcp(1, 2, 0),
        v6().echo(1),
        v4().fragment(0, true).udp(1, 2),
    ] {
        assert_eq!(scopes(&frame), Scope::ALL, "{frame:?}");
    }
}

#[test]
fn a_cut_packet_has_no_key_by_port() {
    let bytes = v4().tcp(40_000, 80, 0).build();
    let cut = Packet::parse(&bytes[..bytes.len() - 1]).expect("the IP header is whole");
    assert_eq!(VerdictKey::of(&cut, Scope::Tuple), None);
    assert_eq!(VerdictKey::of(&cut, Scope::SourceService), None);
    let key = VerdictKey::of(&cut, Scope::SourceDestination).expect("addresses are there");
    assert_eq!((key.protocol, key.port), (TCP, 0));
}

#[test]
fn keys_of_two_scopes_are_never_equal() {
    for (name, frame) in corpus() {
        let packet = parse(&frame);
        let keys = Scope::ALL.map(|scope| VerdictKey::of(&packet, scope));
        let mut keys: Vec<_> = keys.into_iter().flatten().collect();
        for key in &keys {
            let named = key.scope().expect("a known scope").has_source();
            let source = if named { packet.source } else { Address::ANY };
            assert_eq!(key.source, source, "{name}");
        }
        let count = keys.len();
        keys.sort();
        keys.dedup();
        assert_eq!(keys.len(), count, "{name}");
    }
}
