//! The classic format (draft-ietf-opsawg-pcap).

use super::{CaptureError, Damage, MAX_PACKET, Order, Record, input::Input};
use crate::source::link::LinkType;

/// µs, as written by a machine of the reader's byte order.
const MICROSECONDS: u32 = 0xa1b2_c3d4;
/// ns.
const NANOSECONDS: u32 = 0xa1b2_3c4d;
/// µs and longer record headers: a patch of old Linux distributions that some appliances still write.
const PATCHED: u32 = 0xa1b2_cd34;
const FILE_HEADER: usize = 24;
const RECORD_HEADER: usize = 16;
const PATCHED_RECORD_HEADER: usize = 24;

/// What the file's header says.
#[derive(Debug)]
pub(super) struct Pcap {
    order: Order,
    /// Length of the unit of a time's fraction.
    unit_ns: u32,
    link: LinkType,
    header_len: usize,
}

/// Whether a file that begins so is one of these.
pub(super) fn is_magic(first: [u8; 4]) -> bool {
    order_and_kind(first).is_some()
}

fn order_and_kind(first: [u8; 4]) -> Option<(Order, u32)> {
    let known = |magic: &u32| [MICROSECONDS, NANOSECONDS, PATCHED].contains(magic);
    let little = Some((Order::Little, u32::from_le_bytes(first)));
    let big = Some((Order::Big, u32::from_be_bytes(first)));
    [little, big]
        .into_iter()
        .flatten()
        .find(|(_, magic)| known(magic))
}

impl Pcap {
    /// Reads the file's header.
    pub(super) fn header(input: &mut Input) -> Result<Self, CaptureError> {
        let place = input.place();
        let header = input.peek(FILE_HEADER);
        let kind = header
            .first_chunk()
            .and_then(|first| order_and_kind(*first));
        let Some((order, magic)) = kind.filter(|_| header.len() >= FILE_HEADER) else {
            return Err(input.cut_off(place));
        };
        let version = (order.u16(header, 4), order.u16(header, 6));
        if version.0 != 2 {
            let damage = Damage::Version(version.0, version.1);
            return Err(CaptureError::Damaged { place, damage });
        }
        // The upper half holds the length of the frame check sequence, which no length in an IP header counts.
        let link = LinkType::from(order.u32(header, 20) as u16);
        input.consume(FILE_HEADER);
        Ok(Self {
            order,
            unit_ns: if magic == NANOSECONDS { 1 } else { 1000 },
            link,
            header_len: if magic == PATCHED {
                PATCHED_RECORD_HEADER
            } else {
                RECORD_HEADER
            },
        })
    }

    /// The record at the front; `None` at the end of the file.
    #[inline]
    pub(super) fn next(&mut self, input: &mut Input) -> Result<Option<Record>, CaptureError> {
        let header = input.peek(self.header_len);
        if header.len() < self.header_len {
            let none = header.is_empty();
            let place = input.place();
            return match input.ended() {
                None if none => Ok(None),
                _ => Err(input.cut_off(place)),
            };
        }
        let seconds = self.order.u32(header, 0);
        let fraction = self.order.u32(header, 4);
        let captured = self.order.u32(header, 8);
        let wire_len = self.order.u32(header, 12);
        if captured > MAX_PACKET {
            return Err(CaptureError::Damaged {
                place: input.place(),
                damage: Damage::PacketLength(captured),
            });
        }
        let len = self.header_len + captured as usize;
        if input.peek(len).len() < len {
            let place = input.place();
            return Err(input.cut_off(place));
        }
        Ok(Some(Record {
            at_ns: u64::from(seconds) * 1_000_000_000
                + u64::from(fraction) * u64::from(self.unit_ns),
            link: self.link,
            interface: 0,
            wire_len,
            header_len: self.header_len,
            captured_len: captured as usize,
            len,
        }))
    }
}
