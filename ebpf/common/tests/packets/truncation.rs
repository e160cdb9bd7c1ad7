//! Frames cut short, and frames of noise.

use proptest::{collection::vec, prelude::*};
use tidegate_common::{
    flow::FlowKey,
    packet::{Fragment, Packet, Unparsed},
    testing::corpus::corpus,
};

/// A cut frame is refused, or has the whole one's key: never a wrong one.
#[test]
fn no_cut_changes_the_key() {
    for (name, frame) in corpus() {
        let bytes = frame.build();
        let whole = Packet::parse(&bytes[..]).expect("the IP header is readable");
        for len in 0..bytes.len() {
            let Ok(cut) = Packet::parse(&bytes[..len]) else {
                continue;
            };
            assert_eq!(cut.frame_len as usize, len, "{name}, {len}");
            assert_eq!(
                (cut.source, cut.destination),
                (whole.source, whole.destination),
                "{name}, {len}"
            );
            if cut.defect.is_none() {
                assert_eq!(FlowKey::of(&cut), FlowKey::of(&whole), "{name}, {len}");
                assert_eq!(cut.payload, whole.payload, "{name}, {len}");
                assert_eq!(cut.tcp_flags, whole.tcp_flags, "{name}, {len}");
            } else {
                assert_eq!((cut.source_port, cut.destination_port), (0, 0));
                assert_eq!(cut.payload, 0);
            }
        }
    }
}

/// Where headers end is known from how the frame was built: one byte less must be refused as truncated.
#[test]
fn every_header_is_needed_to_its_last_byte() {
    for (name, ip, transport) in [
        ("tcp", 14, 20),
        ("udp", 14, 8),
        ("icmp echo", 14, 8),
        ("vlan", 18, 20),
        ("qinq", 22, 8),
    ] {
        let frame = corpus()
            .into_iter()
            .find(|(known, _)| *known == name)
            .expect("a frame of the corpus")
            .1
            .build();
        let ip_end = ip + 20;
        let transport_end = ip_end + transport;
        for len in 0..=frame.len() {
            let parsed = Packet::parse(&frame[..len]);
            if len < ip_end {
                assert_eq!(parsed, Err(Unparsed::Truncated), "{name}, {len}");
            } else {
                let expected = (len < transport_end).then_some(Unparsed::Truncated);
                assert_eq!(
                    parsed.map(|packet| packet.defect),
                    Ok(expected),
                    "{name}, {len}"
                );
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4_096))]

    /// Noise behind a plausible beginning; what is parsed was there to be parsed.
    #[test]
    fn noise_is_parsed_within_its_bounds(
        ethertype in prop::sample::select(vec![0x0800_u16, 0x86dd, 0x8100, 0x88a8, 0x9100, 0x0806]),
        noise in vec(any::<u8>(), 0..160),
        sane in any::<bool>(),
    ) {
        let mut frame = vec![0; 12];
        frame.extend(ethertype.to_be_bytes());
        frame.extend(noise);
        if sane && frame.len() > 23 {
            frame[14] = if ethertype == 0x0800 { 0x45 } else { 0x60 };
            // A protocol with ports, so that the parser gets further than by chance.
            let protocol = if ethertype == 0x0800 { 23 } else { 20 };
            frame[protocol] = [0, 6, 17, 43, 44, 51, 58, 60][usize::from(frame[protocol] % 8)];
        }
        if let Ok(packet) = Packet::parse(&frame[..]) {
            prop_assert_eq!(packet.frame_len as usize, frame.len());
            prop_assert!(packet.payload <= 65_535);
            if packet.source_port != 0 {
                let port = packet.source_port.to_be_bytes();
                prop_assert!(frame[14..].windows(2).any(|bytes| bytes == port));
                prop_assert!(packet.defect.is_none() && packet.fragment != Fragment::Later);
            }
            let (key, side) = FlowKey::of(&packet);
            prop_assert_eq!(key.address(side), packet.source);
            prop_assert!(key.a <= key.b);
        }
    }

    /// Any bytes at all.
    #[test]
    fn random_bytes_do_no_harm(bytes in vec(any::<u8>(), 0..2_048)) {
        let _ = Packet::parse(&bytes[..]);
    }
}
