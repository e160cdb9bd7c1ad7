//! Pieces of datagrams.

use tidegate_common::{
    packet::{Fragment, Packet, TCP, UDP, Unparsed, tcp_flags::SYN},
    testing::{
        Extension, Frame,
        corpus::{v4, v6},
    },
};

use crate::parse;

#[test]
fn a_first_fragment_has_ports() {
    for frame in [v4(), v6()] {
        let packet = parse(&frame.fragment(0, true).udp(9_000, 9_001).payload(16));
        assert_eq!(packet.fragment, Fragment::First);
        assert_eq!(
            (packet.source_port, packet.destination_port),
            (9_000, 9_001)
        );
        assert_eq!((packet.payload, packet.defect), (16, None));
        assert!(!packet.wrong_fragment);
    }
}

/// The others have no ports to count it under.
#[test]
fn the_first_fragment_of_a_udp_datagram_stands_for_all_of_it() {
    for frame in [v4(), v6()] {
        let frame = frame.fragment(0, true).udp(9_000, 9_001).payload(16);
        let mut bytes = frame.build();
        let udp = bytes.len() - 16 - 8;
        bytes[udp + 4..udp + 6].copy_from_slice(&3_008_u16.to_be_bytes());
        let packet = Packet::parse(&bytes[..]).expect("its header is fine");
        assert_eq!(packet.payload, 3_000);
        // One that claims less than it carries.
        bytes[udp + 4..udp + 6].copy_from_slice(&[0, 0]);
        let packet = Packet::parse(&bytes[..]).expect("its header is fine");
        assert_eq!(packet.payload, 16);
    }
}

#[test]
fn a_later_fragment_has_no_ports_and_is_all_payload() {
    for frame in [v4(), v6()] {
        for more in [true, false] {
            let packet = parse(
                &frame
                    .clone()
                    .fragment(1_480, more)
                    .udp(9_000, 9_001)
                    .payload(24),
            );
            assert_eq!(packet.fragment, Fragment::Later);
            assert_eq!((packet.source_port, packet.destination_port), (0, 0));
            assert_eq!((packet.protocol, packet.payload), (UDP, 24));
            assert_eq!(packet.defect, None);
        }
    }
}

#[test]
fn a_later_fragment_may_be_shorter_than_a_header() {
    let packet = parse(&v4().fragment(1_480, false).tcp(1, 2, 0).payload(1));
    assert_eq!((packet.defect, packet.payload), (None, 1));
    assert_eq!(packet.tcp_flags, 0);
}

#[test]
fn an_atomic_fragment_is_whole() {
    let packet = parse(&v6().fragment(0, false).udp(9_000, 9_001).payload(3));
    assert_eq!(packet.fragment, Fragment::Whole);
    assert_eq!(packet.destination_port, 9_001);
    assert!(!packet.wrong_fragment);
}

#[test]
fn dont_fragment_is_no_fragment() {
    let mut frame = v4().udp(1, 2).build();
    frame[14 + 6] |= 0x40;
    let packet = Packet::parse(&frame[..]).expect("IP is fine");
    assert_eq!(packet.fragment, Fragment::Whole);
}

#[test]
fn what_stands_behind_a_later_fragments_header_is_not_read() {
    // The middle of a datagram whose next header would be destination options: bytes there are data.
    let frame = v6().fragment(1_480, true).protocol(60).payload(16);
    let packet = parse(&frame);
    assert_eq!((packet.fragment, packet.protocol), (Fragment::Later, 60));
    assert_eq!(packet.defect, Some(Unparsed::OtherTransport));
}

#[test]
fn extension_headers_may_stand_around_a_first_fragments_header() {
    let frame = v6()
        .extension(Extension::HopByHop(0))
        .fragment(0, true)
        .extension(Extension::Destination(0))
        .tcp(9_000, 9_001, 0)
        .payload(4);
    let packet = parse(&frame);
    assert_eq!((packet.fragment, packet.protocol), (Fragment::First, TCP));
    assert_eq!(packet.destination_port, 9_001);
}

#[test]
fn fragments_reaching_past_the_longest_datagram_are_wrong() {
    let wrong = |frame: Frame| parse(&frame).wrong_fragment;
    // 65,512 + 20 bytes of header leaves 3 bytes below 65,536.
    assert!(!wrong(v4().fragment(65_512, false).echo(1).payload(3)));
    assert!(wrong(v4().fragment(65_512, false).echo(1).payload(4)));
    assert!(!wrong(v6().fragment(65_512, false).echo(1).payload(23)));
    assert!(wrong(v6().fragment(65_512, false).echo(1).payload(24)));
}

#[test]
fn fragments_with_a_crooked_length_are_wrong_unless_last() {
    let wrong = |frame: Frame| parse(&frame).wrong_fragment;
    for frame in [v4(), v6()] {
        for odd in 1..8 {
            let first = frame.clone().fragment(0, true).udp(1, 2);
            assert!(wrong(first.payload(odd)));
            let later = |more| frame.clone().fragment(8, more).udp(1, 2).payload(8 + odd);
            assert!(wrong(later(true)));
            assert!(!wrong(later(false)));
        }
    }
}

/// The first fragment of a SYN, with so many bytes of its header.
fn tiny(len: u8) -> Vec<u8> {
    let mut frame = v4().fragment(0, true).tcp(40_001, 443, SYN).build();
    frame.truncate(34 + usize::from(len));
    frame[16..18].copy_from_slice(&[0, 20 + len]);
    frame
}

#[test]
fn half_a_tcp_header_in_the_first_fragment_hides_nothing_it_has() {
    for (len, flags) in [(8, 0), (16, SYN)] {
        let mut padded = tiny(len);
        padded.resize(60, 0xff);
        for frame in [tiny(len), padded] {
            let packet = Packet::parse(&frame[..]).expect("IP is fine");
            assert_eq!(packet.defect, None, "{len} bytes");
            assert_eq!((packet.source_port, packet.destination_port), (40_001, 443));
            assert_eq!((packet.tcp_flags, packet.payload), (flags, 0));
            assert!(packet.wrong_fragment);
        }
    }
    let packet = Packet::parse(&tiny(4)[..]).expect("IP is fine");
    assert_eq!(packet.defect, Some(Unparsed::Truncated));
}

#[test]
fn a_whole_tcp_header_in_the_first_fragment_is_as_it_should_be() {
    let packet = parse(&v4().fragment(0, true).tcp(40_001, 443, SYN).payload(4));
    assert_eq!((packet.defect, packet.payload), (None, 4));
    assert!(!packet.wrong_fragment);
}

#[test]
fn half_a_tcp_header_in_a_whole_datagram_is_none() {
    let mut frame = v4().tcp(40_001, 443, SYN).build();
    frame[16..18].copy_from_slice(&[0, 36]);
    let packet = Packet::parse(&frame[..]).expect("IP is fine");
    assert_eq!(packet.defect, Some(Unparsed::BadHeader));
}
