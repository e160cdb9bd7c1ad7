//! Link types: where in a captured packet the IP header is, and the kernel's parser from there on.
//!
//! The parser is told the packet's length on the wire, and takes all lengths from its headers: a packet that was cut
//! by the capture's snapshot length counts as much as it did in the kernel, unless the cut goes through a header; then
//! it is counted as truncated, where the kernel would have seen it whole.

use std::{borrow::Cow, fmt};

use tidegate_common::packet::{
    self, ETHERTYPE_IPV4, ETHERTYPE_IPV6, MAX_OFFSET, Packet, PacketBytes, Unparsed,
};

use super::capture::CapturedPacket;

/// Length of Ethernet's header.
const ETHERNET_LEN: u32 = 14;
/// Length of the header of a Linux cooked capture, and of its second version.
const COOKED_LEN: u32 = 16;
const COOKED2_LEN: u32 = 20;
/// Length of BSD's loopback header: an address family.
const FAMILY_LEN: u32 = 4;

/// What the first header of a packet is, by the numbers of <https://www.tcpdump.org/linktypes.html>.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum LinkType {
    /// Ethernet (1).
    Ethernet,
    /// Linux cooked capture (113): what `tcpdump -i any` used to write.
    Cooked,
    /// Its second version (276).
    Cooked2,
    /// An IP header of either version (101, and the 12 and 14 of some systems).
    Ip,
    /// An IPv4 header (228).
    Ipv4,
    /// An IPv6 header (229).
    Ipv6,
    /// BSD loopback (0, and 108 with a fixed byte order).
    Loopback,
    /// Any other; its packets are counted and skipped.
    Other(u16),
}

impl From<u16> for LinkType {
    fn from(number: u16) -> Self {
        match number {
            0 | 108 => Self::Loopback,
            1 => Self::Ethernet,
            12 | 14 | 101 => Self::Ip,
            113 => Self::Cooked,
            228 => Self::Ipv4,
            229 => Self::Ipv6,
            276 => Self::Cooked2,
            other => Self::Other(other),
        }
    }
}

impl fmt::Display for LinkType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name: Cow<'_, str> = match self {
            Self::Ethernet => "Ethernet".into(),
            Self::Cooked => "Linux cooked".into(),
            Self::Cooked2 => "Linux cooked v2".into(),
            Self::Ip => "raw IP".into(),
            Self::Ipv4 => "raw IPv4".into(),
            Self::Ipv6 => "raw IPv6".into(),
            Self::Loopback => "BSD loopback".into(),
            Self::Other(9) => "PPP".into(),
            Self::Other(105) => "IEEE 802.11".into(),
            Self::Other(127) => "IEEE 802.11 with radiotap header".into(),
            Self::Other(189 | 220) => "USB".into(),
            Self::Other(195 | 230) => "IEEE 802.15.4".into(),
            Self::Other(201) => "Bluetooth".into(),
            Self::Other(number) => format!("link type {number}").into(),
        };
        f.pad(&name)
    }
}

/// Why nothing is known of a packet.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Unread {
    /// Its link type is not supported.
    Link(u16),
    /// The parser found no readable IP header.
    Unparsed(Unparsed),
}

impl From<Unparsed> for Unread {
    fn from(reason: Unparsed) -> Self {
        Self::Unparsed(reason)
    }
}

/// Parses a captured packet into `packet`.
///
/// # Errors
///
/// Says why when there is no readable IP header. As in the kernel, an unreadable transport header is in
/// [`Packet::defect`].
#[inline]
pub fn parse(captured: &CapturedPacket<'_>, packet: &mut Packet) -> Result<(), Unread> {
    let bytes = Captured {
        bytes: captured.bytes,
        wire_len: captured.wire_len as usize,
    };
    let (ethertype, offset) = after_link(captured.link, &bytes)?;
    Ok(packet::parse_after_link(&bytes, packet, ethertype, offset)?)
}

/// What follows the link header, and where.
#[inline]
fn after_link(link: LinkType, bytes: &Captured<'_>) -> Result<(u16, u32), Unread> {
    let ethertype = |at| {
        let field = bytes.bytes::<2>(at).ok_or(Unparsed::Truncated)?;
        Ok::<_, Unparsed>(u16::from_be_bytes(field))
    };
    Ok(match link {
        LinkType::Ethernet => (ethertype(12)?, ETHERNET_LEN),
        LinkType::Cooked => (ethertype(14)?, COOKED_LEN),
        LinkType::Cooked2 => (ethertype(0)?, COOKED2_LEN),
        LinkType::Ipv4 => (ETHERTYPE_IPV4, 0),
        LinkType::Ipv6 => (ETHERTYPE_IPV6, 0),
        LinkType::Ip => match bytes.bytes::<1>(0).ok_or(Unparsed::Truncated)? {
            [first] if first >> 4 == 4 => (ETHERTYPE_IPV4, 0),
            [first] if first >> 4 == 6 => (ETHERTYPE_IPV6, 0),
            _ => return Err(Unparsed::NotIp.into()),
        },
        // In the byte order of the capturing machine; a family is less than 256.
        LinkType::Loopback => match bytes.bytes::<4>(0).ok_or(Unparsed::Truncated)? {
            [2, 0, 0, 0] | [0, 0, 0, 2] => (ETHERTYPE_IPV4, FAMILY_LEN),
            // Linux, the BSDs, and macOS.
            [10 | 24 | 28 | 30, 0, 0, 0] | [0, 0, 0, 10 | 24 | 28 | 30] => {
                (ETHERTYPE_IPV6, FAMILY_LEN)
            }
            _ => return Err(Unparsed::NotIp.into()),
        },
        LinkType::Other(number) => return Err(Unread::Link(number)),
    })
}

/// What was captured of a packet, as long as the packet was.
struct Captured<'a> {
    bytes: &'a [u8],
    wire_len: usize,
}

impl PacketBytes for Captured<'_> {
    #[inline]
    fn bytes<const N: usize>(&self, offset: usize) -> Option<[u8; N]> {
        if offset > MAX_OFFSET {
            return None;
        }
        self.bytes.get(offset..)?.first_chunk().copied()
    }

    #[inline]
    fn len(&self) -> usize {
        self.wire_len
    }
}
