//! Whatever the bytes: no panic, no endless loop, no packet beyond the file.

use proptest::{collection::vec, prelude::*, sample::Index};

use crate::files::*;

fn some_file(kind: u8) -> Vec<u8> {
    let mut ng = Pcapng::new(kind.is_multiple_of(2));
    let mut plain = Pcap::new(kind.is_multiple_of(2), MICROSECONDS, ETHERNET.into());
    ng.interface(ETHERNET, &[(9, &[9]), (2, b"eth0")])
        .interface(113, &[])
        .block(4, b"names");
    for i in 0..4 {
        plain.packet(START + i, &datagram(1, 2, 40));
        ng.packet(i as u32 % 2, START + i, &datagram(1, 2, 40))
            .simple_packet(&datagram(1, 2, 3));
    }
    match kind % 4 {
        0 | 1 => ng.bytes,
        _ => plain.bytes,
    }
}

fn check(bytes: &[u8]) -> Result<(), TestCaseError> {
    let (packets, _) = read(bytes);
    let total: usize = packets.iter().map(|packet| packet.bytes.len()).sum();
    prop_assert!(total <= bytes.len());
    prop_assert!(packets.iter().all(|p| p.wire_len as usize >= p.bytes.len()));
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn random_bytes(bytes in vec(any::<u8>(), 0..400)) {
        check(&bytes)?;
    }

    #[test]
    fn random_bytes_behind_a_magic_number(
        magic in prop::sample::select(vec![
            vec![0x0a, 0x0d, 0x0d, 0x0a],
            MICROSECONDS.to_le_bytes().to_vec(),
            NANOSECONDS.to_be_bytes().to_vec(),
            vec![0x1f, 0x8b, 8, 0],
            vec![0x28, 0xb5, 0x2f, 0xfd],
        ]),
        bytes in vec(any::<u8>(), 0..400),
    ) {
        check(&[magic, bytes].concat())?;
    }

    #[test]
    fn captures_with_some_bytes_changed(
        kind in 0..4u8,
        changes in vec((any::<Index>(), any::<u8>()), 1..8),
        cut in any::<Index>(),
    ) {
        let mut bytes = some_file(kind);
        for (at, value) in changes {
            let at = at.index(bytes.len());
            bytes[at] = value;
        }
        // Half of them are cut as well.
        let len = cut.index(2 * bytes.len()).min(bytes.len());
        check(&bytes[..len])?;
    }
}
