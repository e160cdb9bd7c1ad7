//! Random well-formed frames come out of the parser as they went into the builder.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use proptest::{collection::vec, prelude::*};
use tidegate_common::{
    address::Address,
    flow::FlowKey,
    packet::{Fragment, ICMP, ICMPV6, Packet, TCP, UDP},
    testing::{DOT1AD, DOT1Q, Extension, Frame, QINQ_OLD},
};

fn extension() -> impl Strategy<Value = Extension> {
    prop_oneof![
        (0..8_u8).prop_map(Extension::HopByHop),
        (0..8_u8).prop_map(Extension::Routing),
        (0..8_u8).prop_map(Extension::Destination),
        (0..32_u8).prop_map(Extension::Authentication),
    ]
}

/// A frame with nothing above IP yet, and its addresses.
fn network() -> impl Strategy<Value = (Frame, Address, Address)> {
    let v4 = (any::<[u8; 4]>(), any::<[u8; 4]>(), vec(any::<u8>(), 0..=40)).prop_map(
        |(source, destination, options)| {
            let frame = Frame::v4(source, destination).options(&options);
            (
                frame,
                IpAddr::from(Ipv4Addr::from(source)).into(),
                IpAddr::from(Ipv4Addr::from(destination)).into(),
            )
        },
    );
    // One of the six extension headers is left for the fragment header.
    let v6 = (
        any::<[u16; 8]>(),
        any::<[u16; 8]>(),
        vec(extension(), 0..=5),
    )
        .prop_map(|(source, destination, extensions)| {
            let frame = Frame::v6(source, destination);
            (
                extensions.into_iter().fold(frame, Frame::extension),
                IpAddr::from(Ipv6Addr::from(source)).into(),
                IpAddr::from(Ipv6Addr::from(destination)).into(),
            )
        });
    prop_oneof![v4, v6]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_048))]

    #[test]
    fn frames_round_trip(
        (frame, source, destination) in network(),
        tags in vec(prop::sample::select(vec![DOT1Q, DOT1AD, QINQ_OLD]), 0..=2),
        fragment in prop::option::of((0..8_000_u16, any::<bool>())),
        (kind, flags) in (0..3_u8, any::<u8>()),
        (source_port, destination_port) in any::<(u16, u16)>(),
        payload in 0..200_usize,
        padding in 0..20_usize,
    ) {
        let mut frame = tags.iter().fold(frame, |frame, &tag| frame.tag(tag, 5));
        if let Some((offset, more)) = fragment {
            frame = frame.fragment(offset * 8, more);
        }
        frame = match kind {
            0 => frame.tcp(source_port, destination_port, flags),
            1 => frame.udp(source_port, destination_port),
            _ => frame.echo(source_port),
        };
        frame = frame.payload(payload).padding(padding);
        let bytes = frame.build();
        let packet = Packet::parse(&bytes[..]).map_err(|error| {
            TestCaseError::fail(format!("{error:?}"))
        })?;

        prop_assert_eq!(packet.defect, None);
        prop_assert_eq!(packet.frame_len as usize, bytes.len());
        prop_assert_eq!((packet.source, packet.destination), (source, destination));
        prop_assert_eq!(packet.protocol, frame.protocol_number());
        let later = matches!(fragment, Some((1.., _)));
        prop_assert_eq!(packet.fragment, match fragment {
            None | Some((0, false)) => Fragment::Whole,
            Some((0, true)) => Fragment::First,
            Some(_) => Fragment::Later,
        });
        let ports = (packet.source_port, packet.destination_port);
        match packet.protocol {
            _ if later => prop_assert_eq!(ports, (0, 0)),
            TCP | UDP => prop_assert_eq!(ports, (source_port, destination_port)),
            ICMP | ICMPV6 => prop_assert_eq!((packet.icmp_id, ports), (source_port, (0, 0))),
            other => prop_assert!(false, "protocol {}", other),
        }
        let icmp_header = if kind == 2 && !later { 8 } else { 0 };
        prop_assert_eq!(packet.payload as usize, payload + icmp_header);
        prop_assert_eq!(packet.tcp_flags, if kind == 0 && !later { flags } else { 0 });

        let back = Packet::parse(&frame.reply().build()[..]).map_err(|error| {
            TestCaseError::fail(format!("{error:?}"))
        })?;
        let ((there, from), (back, to)) = (FlowKey::of(&packet), FlowKey::of(&back));
        // A later ICMP fragment does not say what it is part of; everything else finds its flow again.
        prop_assert_eq!(there, back);
        if source != destination {
            prop_assert_eq!(from, to.other());
        }
    }
}
