//! Files that end early, or are no captures at all.

use tidegate::source::capture::{CaptureError, Damage, Place};

use crate::files::*;

fn three_packets() -> Pcap {
    let mut file = Pcap::plain();
    for i in 0..3 {
        file.packet(START + i, &datagram(1, 2, 5));
    }
    file
}

/// Cuts the file at every byte: whole packets before the cut are read, and the error names where the first record
/// begins that is not whole. `offsets` are those of the packets' records and of the end, `before` where others end.
fn cut_everywhere(bytes: &[u8], offsets: &[usize], before: &[usize]) {
    let header = offsets[0];
    for len in 1..bytes.len() {
        let (packets, error) = read(&bytes[..len]);
        // Records end where the next begins.
        let whole = offsets[1..].iter().filter(|end| **end <= len).count();
        assert_eq!(packets.len(), whole, "cut at {len}");
        match error {
            None => assert!([before, offsets].concat().contains(&len), "cut at {len}"),
            Some(CaptureError::Damaged { place, damage }) => {
                assert_eq!(damage, Damage::CutOff);
                let offset = place.offset as usize;
                assert!(
                    offset < len && !place.decompressed,
                    "cut at {len}: {offset}"
                );
                if len > header {
                    assert_eq!(offset, *offsets.iter().rfind(|o| **o < len).unwrap());
                }
            }
            Some(CaptureError::Unknown(_)) => assert!(len < 4, "cut at {len}"),
            Some(other) => panic!("cut at {len}: {other:?}"),
        }
    }
}

#[test]
fn cut_at_every_byte() {
    let file = three_packets();
    cut_everywhere(&file.bytes, &file.offsets, &[]);
    // At the boundaries of records nothing is missing.
    for &end in &file.offsets {
        assert!(read(&file.bytes[..end]).1.is_none());
    }
    let mut file = Pcapng::new(true);
    let section = file.bytes.len();
    file.interface(ETHERNET, &[]);
    for i in 0..3 {
        file.packet(0, START / 1000 + i, &datagram(1, 2, 5));
    }
    cut_everywhere(&file.bytes, &file.offsets, &[section]);
}

#[test]
fn compressed_files_cut_at_every_byte() {
    let file = three_packets();
    let all = whole(&file.bytes);
    for compressed in [gzip(&file.bytes), zstandard(&file.bytes)] {
        for len in 4..compressed.len() {
            let (packets, error) = read(&compressed[..len]);
            assert_eq!(packets, all[..packets.len()], "cut at {len}");
            match error {
                Some(CaptureError::Read { place, .. }) => {
                    // Before the first byte there is no format and no record.
                    assert!(place.decompressed, "cut at {len}");
                    if !packets.is_empty() {
                        assert_eq!(place.offset as usize, file.offsets[packets.len()]);
                    }
                }
                other => panic!("cut at {len}: {other:?}"),
            }
        }
    }
}

#[test]
fn damage_inside_compressed_data_keeps_what_came_before() {
    let mut file = Pcap::plain();
    for i in 0..4000_u64 {
        // Hardly compressible.
        let noise = i.wrapping_mul(0x9e37_79b9_7f4a_7c15).to_le_bytes();
        file.packet(START + i, &[datagram(1, 2, 100), noise.repeat(20)].concat());
    }
    for mut compressed in [gzip(&file.bytes), zstandard(&file.bytes)] {
        let middle = compressed.len() / 2;
        for byte in &mut compressed[middle..middle + 64] {
            *byte ^= 0x5a;
        }
        let (packets, error) = read(&compressed);
        assert!(error.is_some(), "{} packets", packets.len());
        assert!(packets.len() < 4000);
    }
}

#[test]
fn a_length_beyond_any_packet_is_damage() {
    let mut file = three_packets();
    let bad = file.offsets[2];
    file.bytes[bad + 8..bad + 12].copy_from_slice(&262_145_u32.to_le_bytes());
    let (packets, error) = read(&file.bytes);
    assert_eq!(packets.len(), 2);
    let error = error.unwrap();
    let expected = Place {
        offset: bad as u64,
        decompressed: false,
    };
    assert!(
        matches!(error, CaptureError::Damaged { place, damage: Damage::PacketLength(262_145) } if place == expected)
    );
    assert_eq!(
        error.to_string(),
        format!("damaged at byte {bad}: a packet of 262145 bytes, more than 262144")
    );
    let (_, error) = read(&gzip(&file.bytes));
    assert_eq!(
        error.unwrap().to_string(),
        format!(
            "damaged at byte {bad} of the decompressed data: a packet of 262145 bytes, more than 262144"
        )
    );
}

#[test]
fn what_is_no_capture_is_said_to_be_none() {
    let say = |bytes: &[u8]| read(bytes).1.unwrap().to_string();
    assert_eq!(say(b""), "empty, not a capture");
    assert_eq!(say(&gzip(b"")), "empty, not a capture");
    assert_eq!(
        say(b"\x7fELF\x02"),
        "not a capture: neither pcap nor pcapng begins with 7f 45 4c 46"
    );
    assert_eq!(
        say(b"ab"),
        "not a capture: neither pcap nor pcapng begins with 61 62"
    );
    assert_eq!(
        say(&zstandard(b"plain text")),
        "not a capture: neither pcap nor pcapng begins with 70 6c 61 69"
    );
    let mut old = Pcap::plain().bytes;
    old[4] = 9;
    assert_eq!(say(&old), "damaged at byte 0: version 9.4 of the format");
    let mut orderless = Pcapng::new(false).bytes;
    orderless[8] = 0;
    assert_eq!(
        say(&orderless),
        "damaged at byte 0: a section without byte order"
    );
}

#[test]
fn a_disk_that_fails_is_told_apart_from_the_end() {
    struct Failing(usize, Vec<u8>);
    impl std::io::Read for Failing {
        fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
            let rest = &self.1[self.0..];
            if rest.is_empty() {
                return Err(std::io::Error::other("the disk is gone"));
            }
            let len = rest.len().min(buffer.len());
            buffer[..len].copy_from_slice(&rest[..len]);
            self.0 += len;
            Ok(len)
        }
    }
    let file = three_packets();
    let end = file.bytes.len();
    let (packets, error) = read_from(Failing(0, file.bytes));
    assert_eq!(packets.len(), 3);
    assert_eq!(
        error.unwrap().to_string(),
        format!("unreadable in the record at byte {end}: the disk is gone")
    );
    let (_, error) = read_from(Failing(0, Vec::new()));
    assert!(error.unwrap().to_string().contains("the disk is gone"));
}
