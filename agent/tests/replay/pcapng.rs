//! The next-generation format: sections, interfaces, kinds of blocks.

use tidegate::source::{
    capture::{CaptureError, Damage},
    link::LinkType,
};

use crate::files::*;

const RESOLUTION: u16 = 9;
const OFFSET: u16 = 14;

#[test]
fn both_byte_orders() {
    let frame = datagram(1, 2, 31);
    for big in [false, true] {
        let mut file = Pcapng::new(big);
        file.interface(ETHERNET, &[])
            .packet(0, START / 1000 + 5, &frame)
            .old_packet(0, START / 1000 + 6, &frame);
        let packets = whole(&file.bytes);
        let times: Vec<_> = packets.iter().map(|p| p.at_ns - START).collect();
        assert_eq!(times, [5_000, 6_000], "big-endian: {big}");
        assert!(packets.iter().all(|p| p.bytes == frame && p.wire_len == 73));
    }
}

#[test]
fn interfaces_have_their_own_link_types_and_clocks() {
    let ip = &datagram(1, 2, 8)[14..];
    let offset = 1_000_000_000_u64.to_le_bytes();
    let mut file = Pcapng::new(false);
    file.interface(ETHERNET, &[(2, b"eth0"), (RESOLUTION, &[9])])
        .interface(101, &[(RESOLUTION, &[0x80 | 20])])
        .interface(ETHERNET, &[(OFFSET, &offset), (RESOLUTION, &[3])])
        .packet(1, 3 << 19, ip)
        .packet(0, START + 7, &datagram(1, 2, 8))
        .packet(2, 1500, &datagram(1, 2, 8));
    let packets = whole(&file.bytes);
    let said: Vec<_> = packets
        .iter()
        .map(|p| (p.interface, p.link, p.at_ns))
        .collect();
    assert_eq!(
        said,
        [
            (1, LinkType::Ip, 1_500_000_000),
            (0, LinkType::Ethernet, START + 7),
            (2, LinkType::Ethernet, 1_000_000_001_500_000_000),
        ]
    );
}

#[test]
fn unknown_blocks_are_skipped_whatever_their_length() {
    let frame = datagram(1, 2, 9);
    let mut file = Pcapng::new(false);
    file.block(0xbad, b"")
        .interface(ETHERNET, &[])
        .block(4, b"names of hosts")
        .packet(0, START / 1000, &frame)
        .block(0x4000_0bad, &vec![0xff; 3_000_000])
        .packet(0, START / 1000, &frame)
        .block(5, &[0; 8]);
    assert_eq!(whole(&file.bytes).len(), 2);
}

#[test]
fn sections_begin_anew() {
    let frame = datagram(1, 2, 9);
    let mut file = Pcapng::new(false);
    file.interface(ETHERNET, &[])
        .interface(ETHERNET, &[])
        .packet(1, START / 1000, &frame)
        .section(true)
        .interface(113, &[])
        .packet(0, START / 1000, &frame);
    let packets = whole(&file.bytes);
    let said: Vec<_> = packets.iter().map(|p| (p.interface, p.link)).collect();
    assert_eq!(
        said,
        [(1, LinkType::Ethernet), (2, LinkType::Cooked)],
        "numbered on from the section before"
    );
    file.section(false).packet(0, 0, &frame);
    let (packets, error) = read(&file.bytes);
    assert_eq!(packets.len(), 2);
    let place = *file.offsets.iter().rev().nth(1).unwrap() as u64;
    assert!(
        matches!(error, Some(CaptureError::Damaged { place: p, damage: Damage::Interface(0) }) if p.offset == place),
        "{error:?}"
    );
}

#[test]
fn simple_packets_have_the_time_of_the_one_before() {
    let frame = datagram(1, 2, 9);
    let mut file = Pcapng::new(false);
    file.interface(ETHERNET, &[])
        .packet(0, START / 1000, &frame)
        .simple_packet(&frame);
    let packets = whole(&file.bytes);
    assert_eq!(packets[1].at_ns, START);
    assert_eq!(packets[1].bytes, frame);
}

#[test]
fn blocks_that_contradict_themselves_are_damage() {
    let frame = datagram(1, 2, 9);
    let mut file = Pcapng::new(false);
    file.interface(ETHERNET, &[])
        .packet(0, START / 1000, &frame);
    let good = file.bytes.len();
    file.packet(0, START / 1000, &frame);
    let change = |at: usize, value: u32| {
        let mut bytes = file.bytes.clone();
        bytes[at..at + 4].copy_from_slice(&value.to_le_bytes());
        let (packets, error) = read(&bytes);
        assert_eq!(packets.len(), 1);
        match error {
            Some(CaptureError::Damaged { place, damage }) => {
                assert_eq!((place.offset, place.decompressed), (good as u64, false));
                damage
            }
            other => panic!("{other:?}"),
        }
    };
    let len = (file.bytes.len() - good) as u32;
    assert_eq!(change(good + 4, 11), Damage::BlockLength(11));
    assert_eq!(change(good + 4, len + 2), Damage::BlockLength(len + 2));
    assert_eq!(
        change(good + 4, 0xffff_fff0),
        Damage::BlockLength(0xffff_fff0)
    );
    assert_eq!(change(good + 4, len + 4), Damage::CutOff);
    assert_eq!(change(good + 8, 5), Damage::Interface(5));
    assert_eq!(change(good + 20, len), Damage::BlockLength(len));
    assert_eq!(change(good + 20, 262_145), Damage::PacketLength(262_145));
    let end = file.bytes.len() - 4;
    assert_eq!(change(end, len - 4), Damage::BlockEnd(len, len - 4));
}
