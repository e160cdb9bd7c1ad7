//! One frame of every kind, for tests that must hold for all of them.

use std::{vec, vec::Vec};

use super::{Extension, Frame, QINQ_OLD};
use crate::packet::tcp_flags::{ACK, SYN};

/// The client's IPv4 address.
pub const CLIENT: [u8; 4] = [10, 1, 2, 3];
/// The server's IPv4 address.
pub const SERVER: [u8; 4] = [192, 0, 2, 77];
/// The client's IPv6 address.
pub const CLIENT6: [u16; 8] = [
    0x2001, 0xdb8, 0x1111, 0x2222, 0x3333, 0x4444, 0x5555, 0x6666,
];
/// The server's IPv6 address.
pub const SERVER6: [u16; 8] = [
    0xfd00, 0x7777, 0x8888, 0x9999, 0xaaaa, 0xbbbb, 0xcccc, 0xdddd,
];

/// From the client to the server, over IPv4.
#[must_use]
pub fn v4() -> Frame {
    Frame::v4(CLIENT, SERVER)
}

/// From the client to the server, over IPv6.
#[must_use]
pub fn v6() -> Frame {
    Frame::v6(CLIENT6, SERVER6)
}

/// IPv6 with so many extension headers before a TCP SYN.
#[must_use]
pub fn extended(count: usize) -> Frame {
    let kinds = [
        Extension::HopByHop(0),
        Extension::Destination(1),
        Extension::Routing(2),
        Extension::Authentication(1),
        Extension::Destination(0),
        Extension::Authentication(4),
        Extension::Destination(0),
    ];
    kinds
        .into_iter()
        .cycle()
        .take(count)
        .fold(v6(), Frame::extension)
        .tcp(40_001, 443, SYN)
}

/// Well-formed frames by name: every header the parser knows, at every place it may stand.
#[must_use]
pub fn corpus() -> Vec<(&'static str, Frame)> {
    vec![
        ("tcp", v4().tcp(40_000, 80, SYN).padding(6)),
        (
            "tcp with options",
            v4().tcp(40_000, 80, ACK)
                .tcp_options(&[1, 1, 8, 10, 0, 0, 0, 1, 0, 0, 0, 2])
                .payload(5),
        ),
        ("udp", v4().udp(53_000, 53).payload(9)),
        ("icmp echo", v4().echo(0x4321).payload(4)),
        ("icmp unreachable", v4().icmp(3, 1, 0).payload(28)),
        ("other transport", v4().protocol(132).payload(12)),
        ("vlan", v4().vlan(100).tcp(40_000, 80, SYN)),
        ("qinq", v4().qinq(7, 100).udp(53_000, 53).payload(3)),
        (
            "old qinq",
            v6().tag(QINQ_OLD, 7).vlan(9).tcp(40_000, 22, SYN),
        ),
        ("pppoe", v4().pppoe(9).tcp(40_000, 80, SYN).payload(4)),
        ("pppoe in qinq", v6().qinq(1, 2).pppoe(9).udp(53_000, 53)),
        ("mpls", v4().mpls(&[16]).udp(53_000, 53).payload(7)),
        (
            "four mpls labels in a vlan",
            v6().vlan(3)
                .mpls(&[1_048_575, 0, 16, 17])
                .tcp(40_000, 22, SYN),
        ),
        (
            "ipv4 options",
            v4().options(&[0x94, 4, 0, 0, 1]).tcp(40_000, 25, SYN),
        ),
        (
            "longest ipv4 options",
            v4().options(&[1; 40]).udp(1_900, 1_901).payload(1),
        ),
        (
            "first fragment",
            v4().fragment(0, true).udp(9_000, 9_001).payload(16),
        ),
        (
            "later fragment",
            v4().fragment(1_480, true).udp(9_000, 9_001).payload(24),
        ),
        (
            "last fragment",
            v4().fragment(2_960, false)
                .tcp(9_000, 9_001, ACK)
                .payload(7),
        ),
        ("ipv6 tcp", v6().tcp(40_000, 80, SYN).payload(2)),
        ("ipv6 udp", v6().udp(53_000, 53).payload(2)),
        ("ipv6 echo", v6().echo(0x4321).payload(8)),
        (
            "ipv6 neighbour solicitation",
            v6().icmp(135, 0, 0).payload(16),
        ),
        ("ipv6 other transport", v6().protocol(89).payload(12)),
        ("ipv6 nothing next", v6().protocol(59)),
        ("ipv6 one extension", extended(1)),
        ("ipv6 six extensions", extended(6)),
        ("ipv6 seven extensions", extended(7)),
        ("ipv6 vlan", extended(2).vlan(4_094)),
        (
            "ipv6 atomic fragment",
            v6().fragment(0, false).udp(9_000, 9_001).payload(3),
        ),
        (
            "ipv6 first fragment",
            v6().fragment(0, true).udp(9_000, 9_001).payload(16),
        ),
        (
            "ipv6 later fragment",
            v6().extension(Extension::Routing(1))
                .fragment(1_448, true)
                .udp(9_000, 9_001)
                .payload(16),
        ),
        (
            "ipv6 last fragment in qinq",
            v6().qinq(1, 2)
                .fragment(2_896, false)
                .tcp(9_000, 9_001, ACK)
                .payload(5),
        ),
        ("land", Frame::v4(SERVER, SERVER).tcp(139, 139, SYN)),
    ]
}
