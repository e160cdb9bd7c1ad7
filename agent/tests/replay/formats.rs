//! The classic format in all its forms.

use tidegate::source::link::LinkType;

use crate::files::*;

#[test]
fn both_byte_orders_and_all_resolutions() {
    let frame = datagram(1, 2, 30);
    for big in [false, true] {
        for (magic, expected) in [
            (MICROSECONDS, START + 123_456_000),
            (NANOSECONDS, START + 123_456_789),
            (PATCHED, START + 123_456_000),
        ] {
            let mut file = Pcap::new(big, magic, ETHERNET.into());
            file.packet(START + 123_456_789, &frame)
                .cut_packet(START + SECOND, &frame[..20], 72);
            let packets = whole(&file.bytes);
            let read = |at_ns, bytes: &[u8]| Read {
                at_ns,
                link: LinkType::Ethernet,
                interface: 0,
                wire_len: 72,
                bytes: bytes.to_vec(),
            };
            let expected = [read(expected, &frame), read(START + SECOND, &frame[..20])];
            assert_eq!(packets, expected, "{magic:x}, big-endian: {big}");
        }
    }
}

#[test]
fn the_frame_check_sequence_is_no_part_of_the_link_type() {
    let mut file = Pcap::new(false, MICROSECONDS, 0x2400_0001);
    file.packet(START, &datagram(1, 2, 3));
    assert_eq!(whole(&file.bytes)[0].link, LinkType::Ethernet);
}

#[test]
fn compressed_files_are_the_same() {
    let mut file = Pcap::plain();
    for i in 0..5000 {
        file.packet(START + i * 1000, &datagram(1, 2, i as usize % 1400));
    }
    let plain = whole(&file.bytes);
    assert_eq!(plain.len(), 5000);
    assert_eq!(whole(&gzip(&file.bytes)), plain);
    assert_eq!(whole(&zstandard(&file.bytes)), plain);
    // What is appended to a compressed file is a member, or a frame, of its own.
    let (begin, end) = file.bytes.split_at(100_000);
    assert_eq!(whole(&[gzip(begin), gzip(end)].concat()), plain);
    assert_eq!(whole(&[zstandard(begin), zstandard(end)].concat()), plain);
}

#[test]
fn the_largest_packet_fits() {
    let mut file = Pcap::plain();
    let jumbo = vec![7; 262_144];
    file.packet(START, &jumbo).packet(START, &jumbo);
    let packets = whole(&file.bytes);
    assert_eq!(packets.len(), 2);
    assert!(packets.iter().all(|packet| packet.bytes == jumbo));
}

#[test]
fn more_was_captured_than_there_was() {
    let mut file = Pcap::plain();
    file.cut_packet(START, &[1; 60], 46);
    assert_eq!(whole(&file.bytes)[0].wire_len, 60);
}

/// Gives one byte at a time, as a slow pipe does.
struct Drip(std::vec::IntoIter<u8>);

impl std::io::Read for Drip {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        match (buffer.first_mut(), self.0.next()) {
            (Some(place), Some(byte)) => {
                *place = byte;
                Ok(1)
            }
            _ => Ok(0),
        }
    }
}

#[test]
fn a_slow_pipe_is_a_file() {
    let mut file = Pcap::plain();
    file.packet(START, &datagram(1, 2, 30))
        .packet(START + 1000, &datagram(2, 1, 300));
    for bytes in [
        file.bytes.clone(),
        gzip(&file.bytes),
        zstandard(&file.bytes),
    ] {
        let (packets, error) = read_from(Drip(bytes.into_iter()));
        assert!(error.is_none(), "{error:?}");
        assert_eq!(packets, whole(&file.bytes));
    }
}
