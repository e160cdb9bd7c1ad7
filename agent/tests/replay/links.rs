//! Link types: the same conversation under every one of them.

use tidegate::source::link::LinkType;
use tidegate_common::{
    packet::tcp_flags::{ACK, FIN, SYN},
    testing::Frame,
};

use crate::{
    engine::{Run, run},
    files::*,
};

const V4: ([u8; 4], [u8; 4]) = ([10, 0, 0, 1], [10, 0, 0, 2]);
const V6: ([u16; 8], [u16; 8]) = ([0xfd00, 0, 0, 0, 0, 0, 0, 1], [0xfd00, 0, 0, 0, 0, 0, 0, 2]);

/// A short web request, as Ethernet frames.
fn conversation(ip: Frame) -> Vec<Vec<u8>> {
    let segment = |flags, payload| ip.clone().tcp(40_000, 80, flags).payload(payload);
    let answer = |flags, payload| segment(flags, payload).reply();
    [
        segment(SYN, 0),
        answer(SYN | ACK, 0),
        segment(ACK, 0),
        segment(ACK, 200),
        answer(ACK, 1000),
        segment(ACK | FIN, 0),
        answer(ACK | FIN, 0),
        segment(ACK, 0),
    ]
    .map(|frame| frame.build())
    .to_vec()
}

fn v4() -> Vec<Vec<u8>> {
    conversation(Frame::v4(V4.0, V4.1))
}

fn v6() -> Vec<Vec<u8>> {
    conversation(Frame::v6(V6.0, V6.1))
}

/// Replays the frames with their Ethernet header replaced.
fn under(link: u32, frames: &[Vec<u8>], header: impl Fn(&[u8]) -> Vec<u8>) -> Run {
    let mut file = Pcap::new(false, NANOSECONDS, link);
    for (i, frame) in (0..).zip(frames) {
        let bytes = [header(&frame[12..14]), frame[14..].to_vec()].concat();
        file.packet(START + i * 1_000_000, &bytes);
    }
    run(&[&file.bytes])
}

fn ethernet(frames: &[Vec<u8>]) -> Run {
    under(1, frames, |ethertype| {
        [&[2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1], ethertype].concat()
    })
}

#[test]
fn a_conversation_is_the_same_under_every_link_type() {
    for frames in [v4(), v6()] {
        let expected = ethernet(&frames);
        let [connection] = expected.connections() else {
            panic!("{expected:?}")
        };
        assert_eq!(connection.flag.name(), "SF");
        assert_eq!((connection.src_packets, connection.dst_packets), (5, 3));
        assert_eq!((connection.src_bytes, connection.dst_bytes), (200, 1000));
        let family = |ethertype: &[u8], inet6: u8| if ethertype == [8, 0] { 2 } else { inet6 };
        let same = |name: &str, run: &Run| {
            assert_eq!(run.connections(), expected.connections(), "{name}");
            assert_eq!(run.summary.packets, 8, "{name}");
        };
        for raw in [12, 14, 101] {
            same("raw IP", &under(raw, &frames, |_| Vec::new()));
        }
        same(
            "Linux cooked",
            &under(113, &frames, |t| [&[0; 14], t].concat()),
        );
        same(
            "Linux cooked with a VLAN tag",
            &under(113, &frames, |t| {
                [&[0; 14][..], &[0x81, 0, 0, 5], t].concat()
            }),
        );
        same(
            "Linux cooked v2",
            &under(276, &frames, |t| [t, &[0; 18]].concat()),
        );
        same(
            "BSD null, little-endian",
            &under(0, &frames, |t| vec![family(t, 24), 0, 0, 0]),
        );
        same(
            "BSD null, big-endian",
            &under(0, &frames, |t| vec![0, 0, 0, family(t, 28)]),
        );
        same(
            "BSD loopback",
            &under(108, &frames, |t| vec![0, 0, 0, family(t, 30)]),
        );
        let mac = [2; 12];
        same(
            "a VLAN",
            &under(1, &frames, |t| [&mac[..], &[0x81, 0, 0, 5], t].concat()),
        );
        same(
            "Q-in-Q",
            &under(1, &frames, |t| {
                [&mac[..], &[0x88, 0xa8, 0, 5, 0x81, 0, 0, 6], t].concat()
            }),
        );
    }
    let raw4 = under(228, &v4(), |_| Vec::new());
    assert_eq!(raw4.connections(), ethernet(&v4()).connections());
    let raw6 = under(229, &v6(), |_| Vec::new());
    assert_eq!(raw6.connections(), ethernet(&v6()).connections());
}

#[test]
fn lengths_come_from_headers_not_from_what_was_captured() {
    let frames = v4();
    let mut file = Pcap::new(false, NANOSECONDS, 1);
    for (i, frame) in (0..).zip(&frames) {
        // Link, IP and TCP headers.
        let captured = &frame[..54];
        file.cut_packet(START + i * 1_000_000, captured, frame.len() as u32);
    }
    let run = run(&[&file.bytes]);
    let expected = ethernet(&frames);
    assert_eq!(run.connections(), expected.connections());
    assert_eq!(run.summary.bytes, expected.summary.bytes);
}

#[test]
fn what_can_not_be_read_is_counted_under_a_reason() {
    let frame = datagram(1, 2, 5);
    let mut file = Pcap::plain();
    let mut arp = frame.clone();
    arp[12..14].copy_from_slice(&[8, 6]);
    let mut gre = frame.clone();
    gre[23] = 47;
    file.packet(START, &frame)
        .packet(START, &arp)
        .packet(START, &gre)
        .cut_packet(START, &frame[..30], frame.len() as u32)
        .packet(START, &[]);
    let summary = run(&[&file.bytes]).summary;
    let unparsed: Vec<_> = summary
        .unparsed
        .iter()
        .map(|(c, n)| (c.name(), *n))
        .collect();
    assert_eq!(
        unparsed,
        [
            ("unparsed_truncated", 2),
            ("unparsed_not_ip", 1),
            ("unparsed_other_transport", 1)
        ]
    );
    assert_eq!((summary.packets, summary.connections), (5, 1));
}

#[test]
fn other_link_types_are_skipped_by_name() {
    let mut file = Pcapng::new(false);
    file.interface(105, &[])
        .interface(ETHERNET, &[])
        .interface(4242, &[])
        .packet(0, START / 1000, &[1; 40])
        .packet(1, START / 1000, &datagram(1, 2, 5))
        .packet(2, START / 1000, &[1; 40])
        .packet(0, START / 1000, &[]);
    let summary = run(&[&file.bytes]).summary;
    let skipped: Vec<_> = summary
        .skipped
        .iter()
        .map(|(link, n)| (link.to_string(), *n))
        .collect();
    assert_eq!(
        skipped,
        [
            ("IEEE 802.11".to_owned(), 2),
            ("link type 4242".to_owned(), 1)
        ]
    );
    assert_eq!((summary.packets, summary.connections), (4, 1));
    assert_eq!(LinkType::from(105), LinkType::Other(105));
}
