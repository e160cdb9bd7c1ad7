//! Every header the parser knows, one at a time.

use std::net::{IpAddr, Ipv6Addr};

use tidegate_common::{
    address::Address,
    flow::FlowKey,
    packet::{Fragment, ICMP, ICMPV6, Packet, TCP, UDP, Unparsed, tcp_flags},
    testing::{
        DOT1AD, DOT1Q, Extension, Frame, QINQ_OLD,
        corpus::{CLIENT, CLIENT6, SERVER, SERVER6, extended, v4, v6},
    },
};

use crate::parse;

fn address6(groups: [u16; 8]) -> Address {
    IpAddr::V6(Ipv6Addr::from(groups)).into()
}

/// The frame with some of its bytes overwritten.
fn patched(frame: &Frame, at: usize, bytes: &[u8]) -> Vec<u8> {
    let mut frame = frame.build();
    frame[at..at + bytes.len()].copy_from_slice(bytes);
    frame
}

/// The frame's defect when bytes of it are overwritten.
fn defect(frame: &Frame, at: usize, bytes: &[u8]) -> Option<Unparsed> {
    Packet::parse(&patched(frame, at, bytes)[..])
        .expect("the IP header is readable")
        .defect
}

/// Where the IP header begins in an untagged frame.
const IP: usize = 14;
/// Where the transport header begins in an untagged IPv4 frame without options.
const TRANSPORT: usize = IP + 20;

#[test]
fn tcp_has_ports_flags_and_payload_without_its_header_and_the_padding() {
    let flags = tcp_flags::SYN | tcp_flags::URG;
    let packet = parse(&v4().tcp(40_000, 80, flags).payload(3).padding(3));
    assert_eq!(packet.source, Address::from_v4(CLIENT));
    assert_eq!(packet.destination, Address::from_v4(SERVER));
    assert_eq!((packet.source_port, packet.destination_port), (40_000, 80));
    assert_eq!((packet.protocol, packet.tcp_flags), (TCP, flags));
    assert_eq!(packet.payload, 3);
    assert_eq!(packet.frame_len, 60);
    assert_eq!((packet.icmp_id, packet.icmp_type), (0, 0));
    assert_eq!(packet.fragment, Fragment::Whole);
    assert_eq!(packet.defect, None);
}

#[test]
fn tcp_options_are_no_payload() {
    let packet = parse(
        &v4()
            .tcp(1, 2, tcp_flags::ACK)
            .tcp_options(&[1; 40])
            .payload(7),
    );
    assert_eq!(packet.payload, 7);
}

#[test]
fn udp_has_ports_and_payload() {
    let packet = parse(&v6().udp(53_000, 53).payload(9));
    assert_eq!(packet.source, address6(CLIENT6));
    assert_eq!(packet.destination, address6(SERVER6));
    assert_eq!((packet.source_port, packet.destination_port), (53_000, 53));
    assert_eq!((packet.protocol, packet.payload), (UDP, 9));
    assert_eq!(packet.tcp_flags, 0);
}

#[test]
fn icmp_payload_includes_its_header() {
    let packet = parse(&v4().echo(0x4321).payload(56));
    assert_eq!((packet.protocol, packet.payload), (ICMP, 64));
    assert_eq!(
        (packet.icmp_type, packet.icmp_code, packet.icmp_id),
        (8, 0, 0x4321)
    );
    assert_eq!((packet.source_port, packet.destination_port), (0, 0));
    let packet = parse(&v6().echo(0x4321).payload(56));
    assert_eq!((packet.protocol, packet.payload), (ICMPV6, 64));
    assert_eq!((packet.icmp_type, packet.icmp_id), (128, 0x4321));
}

#[test]
fn only_echoes_have_an_identifier() {
    let packet = parse(&v4().icmp(3, 1, 0x4321).payload(28));
    assert_eq!(
        (packet.icmp_type, packet.icmp_code, packet.icmp_id),
        (3, 1, 0)
    );
    // 8 is an echo request on IPv4 only, 128 on IPv6 only.
    assert_eq!(parse(&v6().icmp(8, 0, 0x4321)).icmp_id, 0);
    assert_eq!(parse(&v4().icmp(128, 0, 0x4321)).icmp_id, 0);
}

#[test]
fn up_to_two_tags_are_skipped() {
    let plain = parse(&v4().tcp(40_000, 80, tcp_flags::SYN));
    for (tags, frame) in [
        (1, v4().vlan(100)),
        (1, v4().tag(DOT1AD, 5)),
        (2, v4().qinq(7, 100)),
        (2, v4().vlan(1).vlan(2)),
        (2, v4().tag(QINQ_OLD, 1).vlan(2)),
    ] {
        let packet = parse(&frame.tcp(40_000, 80, tcp_flags::SYN));
        assert_eq!(packet.source, plain.source);
        assert_eq!(packet.destination_port, 80);
        assert_eq!(packet.frame_len, plain.frame_len + tags * 4);
    }
}

#[test]
fn a_third_tag_is_refused() {
    for inner in [DOT1Q, DOT1AD, QINQ_OLD] {
        let frame = v4().qinq(1, 2).tag(inner, 3).tcp(1, 2, 0);
        assert_eq!(
            Packet::parse(&frame.build()[..]),
            Err(Unparsed::TooManyVlans)
        );
    }
}

#[test]
fn what_is_not_ip_is_refused() {
    // ARP, with a tag and without.
    let arp = |frame: Frame, at: usize| patched(&frame.udp(1, 2), at, &[0x08, 0x06]);
    assert_eq!(Packet::parse(&arp(v4(), 12)[..]), Err(Unparsed::NotIp));
    assert_eq!(
        Packet::parse(&arp(v4().vlan(1), 16)[..]),
        Err(Unparsed::NotIp)
    );
    assert_eq!(Packet::parse(&[0; 14][..]), Err(Unparsed::NotIp));
    assert_eq!(Packet::parse(&[0; 13][..]), Err(Unparsed::Truncated));
    assert_eq!(Packet::parse(&[][..]), Err(Unparsed::Truncated));
}

#[test]
fn what_stands_before_the_ip_header_is_skipped() {
    for base in [v4(), v6()] {
        let plain = parse(&base.clone().tcp(40_000, 80, 0).payload(9));
        for frame in [
            base.clone().pppoe(7),
            base.clone().qinq(1, 2).pppoe(7),
            base.clone().mpls(&[16]),
            base.clone().vlan(1).mpls(&[1_048_575, 0, 3, 16]),
        ] {
            let packet = parse(&frame.tcp(40_000, 80, 0).payload(9));
            assert_eq!(FlowKey::of(&packet), FlowKey::of(&plain));
            assert_eq!(packet.payload, 9);
        }
        let deep = base.mpls(&[1, 2, 3, 4, 5]).udp(1, 2).build();
        assert_eq!(Packet::parse(&deep[..]), Err(Unparsed::NotIp));
    }
    let pppoe = v4().pppoe(7).udp(1, 2);
    // Not a session's data, link control instead of IP, another version.
    for (at, bytes) in [(15, &[9][..]), (20, &[0xc0, 0x21]), (14, &[0x21])] {
        let frame = patched(&pppoe, at, bytes);
        assert_eq!(Packet::parse(&frame[..]), Err(Unparsed::NotIp));
    }
    // A control word or Ethernet below the label.
    let frame = patched(&v4().mpls(&[16]).udp(1, 2), 18, &[0]);
    assert_eq!(Packet::parse(&frame[..]), Err(Unparsed::NotIp));
}

#[test]
fn ipv4_options_are_skipped() {
    for len in [1, 4, 5, 39, 40] {
        let packet = parse(&v4().options(&vec![1; len]).tcp(40_000, 80, 0).payload(2));
        assert_eq!((packet.source_port, packet.destination_port), (40_000, 80));
        assert_eq!(packet.payload, 2, "{len} bytes of options");
    }
}

#[test]
fn ipv4_header_must_not_contradict_itself() {
    let frame = v4().udp(1, 2).payload(8);
    let refused = |at, bytes: &[u8]| Packet::parse(&patched(&frame, at, bytes)[..]).err();
    for version in [0, 3, 5, 6, 15] {
        assert_eq!(refused(IP, &[version << 4 | 5]), Some(Unparsed::BadHeader));
    }
    for words in 0..5 {
        assert_eq!(refused(IP, &[0x40 | words]), Some(Unparsed::BadHeader));
    }
    // Total length short of the header.
    for total in [1, 19] {
        assert_eq!(refused(IP + 2, &[0, total]), Some(Unparsed::BadHeader));
    }
    // 20 bytes are a header, but leave no room for UDP.
    assert_eq!(refused(IP + 2, &[0, 20]), None);
    assert_eq!(defect(&frame, IP + 2, &[0, 20]), Some(Unparsed::BadHeader));
    assert_eq!(defect(&frame, IP + 2, &[0, 27]), Some(Unparsed::BadHeader));
    assert_eq!(defect(&frame, IP + 2, &[0, 28]), None);
}

/// As segmentation offload leaves it.
#[test]
fn a_length_of_zero_means_the_rest_of_the_frame() {
    let frame = v4().udp(1, 2).payload(8);
    let whole = parse(&frame);
    let bytes = patched(&frame, IP + 2, &[0, 0]);
    assert_eq!(Packet::parse(&bytes[..]), Ok(whole));
    let frame = v6()
        .extension(Extension::Destination(1))
        .udp(1, 2)
        .payload(8);
    let bytes = patched(&frame, IP + 4, &[0, 0]);
    assert_eq!(Packet::parse(&bytes[..]), Ok(parse(&frame)));
    // Not more than a length field could say.
    let mut huge = patched(&v4().tcp(1, 2, 0), IP + 2, &[0, 0]);
    huge.resize(100_000, 0);
    let packet = Packet::parse(&huge[..]).expect("its header is fine");
    assert_eq!((packet.payload, packet.wrong_fragment), (65_495, false));
}

#[test]
fn sequence_numbers_are_read() {
    for frame in [v4(), v6()] {
        let packet = parse(&frame.tcp(1, 2, 0).numbers(0x0102_0304, 0xfffe_fdfc));
        assert_eq!(
            (packet.sequence, packet.acknowledgment),
            (0x0102_0304, 0xfffe_fdfc)
        );
    }
    let packet = parse(&v4().udp(1, 2).payload(8));
    assert_eq!((packet.sequence, packet.acknowledgment), (0, 0));
}

#[test]
fn ipv6_version_is_checked() {
    let frame = v6().udp(1, 2);
    for version in [0, 4, 5, 7] {
        let bytes = patched(&frame, IP, &[version << 4]);
        assert_eq!(Packet::parse(&bytes[..]), Err(Unparsed::BadHeader));
    }
}

#[test]
fn tcp_header_must_not_contradict_itself() {
    let frame = v4().tcp(40_000, 80, tcp_flags::SYN).payload(4);
    for words in 0..5 {
        let defect = defect(&frame, TRANSPORT + 12, &[words << 4]);
        assert_eq!(defect, Some(Unparsed::BadHeader), "{words} words");
    }
    // 24 bytes of segment hold a header of six words, not of seven.
    assert_eq!(defect(&frame, TRANSPORT + 12, &[6 << 4]), None);
    assert_eq!(
        defect(&frame, TRANSPORT + 12, &[7 << 4]),
        Some(Unparsed::BadHeader)
    );
    let bad = Packet::parse(&patched(&frame, TRANSPORT + 12, &[0])[..]).expect("IP is fine");
    assert_eq!(
        (bad.source_port, bad.destination_port, bad.payload),
        (0, 0, 0)
    );
    assert_eq!(bad.source, Address::from_v4(CLIENT));
}

#[test]
fn icmp_shorter_than_its_header_is_refused() {
    let frame = v4().echo(1);
    assert_eq!(defect(&frame, IP + 2, &[0, 27]), Some(Unparsed::BadHeader));
    assert_eq!(defect(&frame, IP + 2, &[0, 28]), None);
}

#[test]
fn up_to_six_extension_headers_are_followed() {
    for count in 0..=6 {
        let packet = parse(&extended(count).payload(11));
        assert_eq!(packet.defect, None, "{count} extension headers");
        assert_eq!((packet.protocol, packet.payload), (TCP, 11));
        assert_eq!((packet.source_port, packet.destination_port), (40_001, 443));
    }
}

#[test]
fn a_seventh_extension_header_hides_the_ports_and_not_the_addresses() {
    for count in [7, 8] {
        let packet = parse(&extended(count));
        assert_eq!(packet.defect, Some(Unparsed::TooManyExtensions));
        assert_eq!((packet.source_port, packet.destination_port), (0, 0));
        assert_eq!(packet.source, address6(CLIENT6));
        assert_eq!(packet.destination, address6(SERVER6));
    }
}

#[test]
fn authentication_header_counts_its_length_in_words() {
    for units in [0, 1, 4, 7, 255] {
        let frame = v6().extension(Extension::Authentication(units)).udp(7, 8);
        let packet = parse(&frame);
        assert_eq!(packet.defect, None, "{units} units");
        assert_eq!((packet.source_port, packet.destination_port), (7, 8));
    }
}

#[test]
fn extension_headers_longer_than_the_datagram_are_refused() {
    let frame = v6().extension(Extension::Destination(0)).udp(7, 8);
    // 16 bytes of datagram hold a header of two units at most.
    assert_eq!(defect(&frame, IP + 41, &[2]), Some(Unparsed::BadHeader));
    let frame = v6().extension(Extension::Authentication(0)).udp(7, 8);
    assert_eq!(defect(&frame, IP + 41, &[3]), Some(Unparsed::BadHeader));
}

#[test]
fn other_transports_keep_their_addresses() {
    for (frame, source) in [
        (v4().protocol(132).payload(12), Address::from_v4(CLIENT)),
        (v6().protocol(132).payload(12), address6(CLIENT6)),
        (v6().protocol(59), address6(CLIENT6)),
        (
            v6().extension(Extension::HopByHop(0))
                .protocol(132)
                .payload(12),
            address6(CLIENT6),
        ),
    ] {
        let packet = parse(&frame);
        assert_eq!(packet.defect, Some(Unparsed::OtherTransport));
        assert_eq!(packet.source, source);
        assert_eq!(packet.protocol, frame.protocol_number());
        assert_eq!((packet.source_port, packet.destination_port), (0, 0));
    }
}

#[test]
fn icmp_does_not_change_sides_with_the_ip_version() {
    // Nothing forbids the numbers on the wire; they are parsed as what they say they are.
    assert_eq!(parse(&v6().protocol(ICMP).payload(8)).protocol, ICMP);
    assert_eq!(parse(&v4().protocol(ICMPV6).payload(8)).protocol, ICMPV6);
}

#[test]
fn headers_past_the_kernels_reach_are_not_read_in_user_space_either() {
    let far = |units| {
        v6().extension(Extension::Destination(255))
            .extension(Extension::Destination(units))
            .udp(7, 8)
    };
    // 14 + 40 + 2048 + 1992 = 4094, and eight more.
    assert_eq!(parse(&far(248)).destination_port, 8);
    assert_eq!(parse(&far(249)).defect, Some(Unparsed::Truncated));
}
