//! The next-generation format (draft-ietf-opsawg-pcapng): blocks of a type, with their length at both ends.

use super::{CaptureError, Damage, MAX_PACKET, Order, Place, Record, input::Input};
use crate::source::link::LinkType;

/// A section begins. Reads the same in both byte orders.
pub(super) const SECTION_HEADER: u32 = 0x0a0d_0d0a;
const INTERFACE_DESCRIPTION: u32 = 1;
/// Replaced by the enhanced one; still written by old tools.
const PACKET: u32 = 2;
const SIMPLE_PACKET: u32 = 3;
const ENHANCED_PACKET: u32 = 6;

const BYTE_ORDER: u32 = 0x1a2b_3c4d;
/// Type, length, and the length again at the end.
const FRAME: u32 = 12;
/// Before a block's body.
const HEAD: usize = 8;
/// Body of a packet block before the packet.
const PACKET_HEAD: usize = 20;
const OPTION_END: u16 = 0;
const OPTION_TIME_RESOLUTION: u16 = 9;
const OPTION_TIME_OFFSET: u16 = 14;
/// Interfaces described in a section. More are damage or an attack on the reader's memory.
const MAX_INTERFACES: usize = 65_536;
/// The longest block that is looked into: the largest packet, and options nobody writes that long.
const MAX_BLOCK: u32 = 2 * MAX_PACKET;

/// One capturing interface.
#[derive(Clone, Copy, Debug)]
struct Interface {
    link: LinkType,
    /// 0: unlimited.
    snap_len: u32,
    ticks: Ticks,
    /// Added to every time, s.
    offset_s: i64,
}

/// Length of the unit of an interface's times.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Ticks {
    /// So many ns.
    Long(u64),
    /// So many a ns.
    Short(u64),
    /// A second is this many times halved.
    Binary(u32),
}

/// Where in the file's structure the reader is.
#[derive(Debug, Default)]
pub(super) struct Pcapng {
    order: Order,
    interfaces: Vec<Interface>,
    /// Time of the latest packet: simple packets have none of their own.
    latest_ns: u64,
    /// Interfaces of the sections before.
    before: u32,
}

impl Pcapng {
    /// The packet block at the front, with everything before it read or skipped; `None` at the end of the file.
    pub(super) fn next(&mut self, input: &mut Input) -> Result<Option<Record>, CaptureError> {
        loop {
            let place = input.place();
            let Some((kind, len)) = self.head(input, place)? else {
                return Ok(None);
            };
            let damaged = |damage| CaptureError::Damaged { place, damage };
            let read = matches!(
                kind,
                INTERFACE_DESCRIPTION | PACKET | SIMPLE_PACKET | ENHANCED_PACKET
            );
            if !read {
                // The rest of a section's header, names, statistics, secrets, other people's blocks.
                self.skip(input, place, len)?;
                continue;
            }
            if len > MAX_BLOCK {
                return Err(damaged(Damage::BlockLength(len)));
            }
            let block = input.peek(len as usize);
            let Some(block) = block.get(..len as usize) else {
                return Err(input.cut_off(place));
            };
            let end = self.order.u32(block, len as usize - 4);
            if end != len {
                return Err(damaged(Damage::BlockEnd(len, end)));
            }
            let body = block.get(HEAD..len as usize - 4).unwrap_or_default();
            if kind != INTERFACE_DESCRIPTION {
                let record = self.packet(kind, body, len).map_err(damaged)?;
                self.latest_ns = record.at_ns;
                return Ok(Some(record));
            }
            let interface = self.order.interface(body);
            let interface = interface.ok_or(damaged(Damage::BlockLength(len)))?;
            if self.interfaces.len() >= MAX_INTERFACES {
                return Err(damaged(Damage::Interfaces(MAX_INTERFACES)));
            }
            self.interfaces.push(interface);
            input.consume(len as usize);
        }
    }

    /// Type and length of the block at the front; a new section changes the byte order first.
    fn head(
        &mut self,
        input: &mut Input,
        place: Place,
    ) -> Result<Option<(u32, u32)>, CaptureError> {
        let damaged = |damage| CaptureError::Damaged { place, damage };
        let head = input.peek(HEAD + 8);
        if head.len() < FRAME as usize {
            let none = head.is_empty();
            return match input.ended() {
                None if none => Ok(None),
                _ => Err(input.cut_off(place)),
            };
        }
        let section = head.starts_with(&SECTION_HEADER.to_be_bytes());
        if section {
            self.order = match BYTE_ORDER {
                magic if Order::Little.u32(head, HEAD) == magic => Order::Little,
                magic if Order::Big.u32(head, HEAD) == magic => Order::Big,
                _ => return Err(damaged(Damage::ByteOrder)),
            };
        }
        let (kind, len) = (self.order.u32(head, 0), self.order.u32(head, 4));
        let shortest = if section { FRAME + 16 } else { FRAME };
        if len < shortest || !len.is_multiple_of(4) {
            return Err(damaged(Damage::BlockLength(len)));
        }
        if section {
            if head.len() < HEAD + 8 {
                return Err(input.cut_off(place));
            }
            let version = (
                self.order.u16(head, HEAD + 4),
                self.order.u16(head, HEAD + 6),
            );
            if version.0 != 1 {
                return Err(damaged(Damage::Version(version.0, version.1)));
            }
            self.before = self.before.saturating_add(self.interfaces.len() as u32);
            self.interfaces.clear();
        }
        Ok(Some((kind, len)))
    }

    /// Moves past a block of any length.
    fn skip(&self, input: &mut Input, place: Place, len: u32) -> Result<(), CaptureError> {
        if !input.skip(u64::from(len - 4)) {
            return Err(input.cut_off(place));
        }
        let Some(&end) = input.peek(4).first_chunk::<4>() else {
            return Err(input.cut_off(place));
        };
        let end = self.order.u32(&end, 0);
        if end != len {
            let damage = Damage::BlockEnd(len, end);
            return Err(CaptureError::Damaged { place, damage });
        }
        input.consume(4);
        Ok(())
    }

    /// A packet block's record.
    fn packet(&self, kind: u32, body: &[u8], len: u32) -> Result<Record, Damage> {
        let too_short = Damage::BlockLength(len);
        let order = self.order;
        let simple = kind == SIMPLE_PACKET;
        let head_len = if simple { 4 } else { PACKET_HEAD };
        let space = body.len().checked_sub(head_len).ok_or(too_short)?;
        let number = match kind {
            ENHANCED_PACKET => order.u32(body, 0),
            PACKET => u32::from(order.u16(body, 0)),
            _ => 0,
        };
        let interface = self.interfaces.get(number as usize);
        let interface = interface.ok_or(Damage::Interface(number))?;
        let (at_ns, captured, wire_len) = if simple {
            let wire_len = order.u32(body, 0);
            let snap_len = match interface.snap_len {
                0 => u32::MAX,
                limit => limit,
            };
            let captured = wire_len.min(snap_len).min(space as u32);
            (self.latest_ns, captured, wire_len)
        } else {
            let ticks = u64::from(order.u32(body, 4)) << 32 | u64::from(order.u32(body, 8));
            (
                interface.ns(ticks),
                order.u32(body, 12),
                order.u32(body, 16),
            )
        };
        if captured > MAX_PACKET {
            return Err(Damage::PacketLength(captured));
        }
        if captured as usize > space {
            return Err(too_short);
        }
        Ok(Record {
            at_ns,
            link: interface.link,
            interface: self.before.saturating_add(number),
            wire_len,
            header_len: HEAD + head_len,
            captured_len: captured as usize,
            len: len as usize,
        })
    }
}

impl Interface {
    /// ns since 1970; what lies before or too far beyond is held at the ends.
    fn ns(&self, ticks: u64) -> u64 {
        let ns = match self.ticks {
            Ticks::Long(ns) => u128::from(ticks) * u128::from(ns),
            Ticks::Short(per_ns) => u128::from(ticks / per_ns),
            Ticks::Binary(halvings) => (u128::from(ticks) * 1_000_000_000) >> halvings,
        };
        if self.offset_s == 0 {
            return u64::try_from(ns).unwrap_or(u64::MAX);
        }
        let ns = i128::try_from(ns).unwrap_or(i128::MAX);
        let shifted = ns.saturating_add(i128::from(self.offset_s) * 1_000_000_000);
        u64::try_from(shifted.max(0)).unwrap_or(u64::MAX)
    }
}

impl Order {
    /// An interface description's body.
    fn interface(self, body: &[u8]) -> Option<Interface> {
        let mut interface = Interface {
            link: LinkType::from(self.u16(body.get(..8)?, 0)),
            snap_len: self.u32(body, 4),
            ticks: Ticks::Long(1000),
            offset_s: 0,
        };
        let mut options = body.get(8..)?;
        while options.len() >= 4 {
            let (code, len) = (self.u16(options, 0), usize::from(self.u16(options, 2)));
            let value = options.get(4..4 + len)?;
            match (code, value) {
                (OPTION_END, _) => break,
                (OPTION_TIME_RESOLUTION, [resolution, ..]) => interface.ticks = ticks(*resolution)?,
                (OPTION_TIME_OFFSET, [_, _, _, _, _, _, _, _, ..]) => {
                    interface.offset_s = self.u64(value, 0).cast_signed();
                }
                _ => {}
            }
            // The last one may lack its padding.
            let next = (4 + len.next_multiple_of(4)).min(options.len());
            options = &options[next..];
        }
        Some(interface)
    }
}

/// Option `if_tsresol`: a negative power of 10, or of 2 if the upper bit is set. `None` for units so short that a
/// 64-bit count of them ends before a second has passed.
fn ticks(resolution: u8) -> Option<Ticks> {
    let power = u32::from(resolution & 0x7f);
    if resolution & 0x80 != 0 {
        return (power < 64).then_some(Ticks::Binary(power));
    }
    match power {
        0..=9 => Some(Ticks::Long(10_u64.pow(9 - power))),
        10..=19 => Some(Ticks::Short(10_u64.pow(power - 9))),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_of_time() {
        let ns = |resolution, ticks_: u64, offset_s| {
            let interface = Interface {
                link: LinkType::Ethernet,
                snap_len: 0,
                ticks: ticks(resolution)?,
                offset_s,
            };
            Some(interface.ns(ticks_))
        };
        assert_eq!(ns(6, 1_500_000, 0), Some(1_500_000_000));
        assert_eq!(ns(9, 7, 0), Some(7));
        assert_eq!(ns(0, 3, 0), Some(3_000_000_000));
        assert_eq!(ns(12, 7_999, 0), Some(7));
        assert_eq!(ns(0x80 | 10, 1536, 0), Some(1_500_000_000));
        assert_eq!(ns(6, 1, 2), Some(2_000_001_000));
        assert_eq!(ns(6, 1, -1), Some(0), "before 1970");
        assert_eq!(ns(0, u64::MAX, i64::MAX), Some(u64::MAX));
        assert_eq!((ns(20, 0, 0), ns(0xff, 0, 0)), (None, None));
    }
}
