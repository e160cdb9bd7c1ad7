//! The packet parser: Ethernet, up to two VLAN tags, PPPoE or MPLS, IPv4 and IPv6, TCP, UDP, ICMP and ICMPv6.
//!
//! Generic over [`PacketBytes`], so that the kernel reads a packet in place with the bounds checks its verifier
//! wants, and user space reads a slice. It allocates nothing, loops a bounded number of times and never reads past
//! the end.

mod shim;

use crate::address::Address;

/// Ethernet header.
const ETHERNET_LEN: usize = 14;
/// IPv6 fixed header (RFC 8200 section 3).
const IPV6_LEN: usize = 40;
/// Without options.
const TCP_HEADER_LEN: u32 = 20;

/// EtherType of IPv4.
pub const ETHERTYPE_IPV4: u16 = 0x0800;
/// EtherType of IPv6.
pub const ETHERTYPE_IPV6: u16 = 0x86dd;
/// More extension headers than this are not followed: real packets carry one or two, and every further one costs
/// the verifier a copy of the loop.
const MAX_EXTENSION_HEADERS: usize = 6;

/// The last offset at which a header is looked for: the verifier wants a bound on every variable offset, and user
/// space keeps to it too, so that both stop at the same header of a jumbo frame.
pub const MAX_OFFSET: usize = 0x0fff;

/// IP protocol number of ICMP.
pub const ICMP: u8 = 1;
/// IP protocol number of TCP.
pub const TCP: u8 = 6;
/// IP protocol number of UDP.
pub const UDP: u8 = 17;
/// IP protocol number of ICMPv6.
pub const ICMPV6: u8 = 58;

const HOP_BY_HOP: u8 = 0;
const ROUTING: u8 = 43;
const FRAGMENT: u8 = 44;
const AUTHENTICATION: u8 = 51;
const DESTINATION_OPTIONS: u8 = 60;

/// Read access to the bytes of one packet.
pub trait PacketBytes {
    /// `N` bytes at `offset`, or `None` when the packet ends before `offset + N` or `offset` is past [`MAX_OFFSET`].
    fn bytes<const N: usize>(&self, offset: usize) -> Option<[u8; N]>;

    /// Length of the packet in bytes.
    fn len(&self) -> usize;

    /// Whether there is not one byte.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl PacketBytes for [u8] {
    #[inline]
    fn bytes<const N: usize>(&self, offset: usize) -> Option<[u8; N]> {
        if offset > MAX_OFFSET {
            return None;
        }
        self.get(offset..)?.first_chunk().copied()
    }

    #[inline]
    fn len(&self) -> usize {
        <[u8]>::len(self)
    }
}

/// Why a packet, or the part above its IP header, can't be read.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[repr(u8)]
pub enum Unparsed {
    /// The packet ends inside a header.
    Truncated,
    /// Neither IPv4 nor IPv6 (ARP, LLDP, …), or below more than four MPLS labels.
    NotIp,
    /// A third VLAN tag.
    TooManyVlans,
    /// A length or version field contradicts the header it stands in.
    BadHeader,
    /// More than six IPv6 extension headers.
    TooManyExtensions,
    /// A transport protocol other than TCP, UDP, ICMP and ICMPv6.
    OtherTransport,
}

/// Where in an IP datagram the packet stands.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[repr(u8)]
pub enum Fragment {
    /// The whole datagram.
    #[default]
    Whole,
    /// The first of several: it carries the transport header.
    First,
    /// A later one: no transport header, ports are 0.
    Later,
}

/// TCP flag bits as they stand in the header.
pub mod tcp_flags {
    /// No more data from the sender.
    pub const FIN: u8 = 0x01;
    /// Synchronise sequence numbers.
    pub const SYN: u8 = 0x02;
    /// Reset the connection.
    pub const RST: u8 = 0x04;
    /// The acknowledgement field counts.
    pub const ACK: u8 = 0x10;
    /// The urgent pointer counts.
    pub const URG: u8 = 0x20;
}

/// One parsed IP packet.
///
/// A plain value without nested enums with data: the kernel keeps it in a map entry, where its verifier forgets what
/// it knows of each field and so sees one state per stage of the parser instead of the product of all paths.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[repr(C)]
pub struct Packet {
    /// IP source address.
    pub source: Address,
    /// IP destination address.
    pub destination: Address,
    /// Offset of the transport header.
    offset: u32,
    /// Bytes from there to the end of the datagram, as the IP header says.
    len: u32,
    /// Bytes as KDD counts them: TCP and UDP payload, or the whole ICMP message with its 8-byte header.
    pub payload: u32,
    /// Length of the whole frame in bytes.
    pub frame_len: u32,
    /// TCP sequence number of the first byte; 0 for other protocols.
    pub sequence: u32,
    /// TCP sequence number expected of the other side, where the flags say that it counts.
    pub acknowledgment: u32,
    /// Source port; 0 for ICMP and later fragments.
    pub source_port: u16,
    /// Destination port; 0 for ICMP and later fragments.
    pub destination_port: u16,
    /// Identifier of an ICMP echo; 0 for everything else.
    pub icmp_id: u16,
    /// IP protocol number of the transport header, after any extension headers.
    pub protocol: u8,
    /// TCP flag bits ([`tcp_flags`]); 0 for other protocols.
    pub tcp_flags: u8,
    /// ICMP or ICMPv6 type; 0 for other protocols.
    pub icmp_type: u8,
    /// ICMP or ICMPv6 code; 0 for other protocols.
    pub icmp_code: u8,
    /// Position in a fragmented datagram.
    pub fragment: Fragment,
    /// A fragment no sane sender makes: reaching past 65,535 bytes (ping of death); unless it is the last, not a
    /// multiple of 8 bytes long (RFC 791 section 3.2); the first, without all of a TCP header (RFC 1858 section 3).
    pub wrong_fragment: bool,
    /// Why the transport header can't be read, if so; ports and payload are 0 then, addresses are right all the same.
    pub defect: Option<Unparsed>,
}

impl Packet {
    /// Parses an Ethernet frame.
    ///
    /// # Errors
    ///
    /// As [`parse`].
    pub fn parse<P: PacketBytes + ?Sized>(bytes: &P) -> Result<Self, Unparsed> {
        let mut packet = Self::default();
        parse(bytes, &mut packet)?;
        Ok(packet)
    }
}

/// Parses an Ethernet frame into `packet`.
///
/// # Errors
///
/// Says why when there is no readable IP header. A packet with a readable IP header but an unreadable transport
/// header is `Ok`, with the reason in [`Packet::defect`]: verdicts by source still apply to it.
#[inline(always)]
pub fn parse<P: PacketBytes + ?Sized>(bytes: &P, packet: &mut Packet) -> Result<(), Unparsed> {
    let [hi, lo] = bytes
        .bytes::<2>(ETHERNET_LEN - 2)
        .ok_or(Unparsed::Truncated)?;
    let ethertype = u16::from_be_bytes([hi, lo]);
    parse_after_link(bytes, packet, ethertype, ETHERNET_LEN as u32)
}

/// Parses what follows a link header into `packet`: `ethertype` at `offset`, VLAN tags first if it says so.
///
/// # Errors
///
/// As [`parse`].
#[inline(always)]
pub fn parse_after_link<P: PacketBytes + ?Sized>(
    bytes: &P,
    packet: &mut Packet,
    ethertype: u16,
    offset: u32,
) -> Result<(), Unparsed> {
    *packet = Packet {
        frame_len: bytes.len() as u32,
        offset,
        ..Packet::default()
    };
    let ethertype = shim::skip(bytes, packet, ethertype)?;
    let packet = settle(packet);
    packet.defect = match ethertype {
        ETHERTYPE_IPV4 => {
            parse_ipv4(bytes, packet)?;
            None
        }
        ETHERTYPE_IPV6 => {
            parse_ipv6(bytes, packet)?;
            skip_extensions(bytes, packet).err()
        }
        _ => return Err(Unparsed::NotIp),
    };
    let packet = settle(packet);
    if packet.defect.is_none()
        && let Err(defect) = parse_transport(bytes, packet)
    {
        packet.source_port = 0;
        packet.destination_port = 0;
        packet.payload = 0;
        packet.defect = Some(defect);
    }
    Ok(())
}

/// Ends a stage: what it wrote is in memory, and the next one reads it from there.
#[inline(always)]
fn settle(packet: &mut Packet) -> &mut Packet {
    core::hint::black_box(packet)
}

#[inline(always)]
fn parse_ipv4<P: PacketBytes + ?Sized>(bytes: &P, packet: &mut Packet) -> Result<(), Unparsed> {
    let offset = packet.offset as usize;
    let header = bytes.bytes::<20>(offset).ok_or(Unparsed::Truncated)?;
    let header_len = u32::from(header[0] & 0x0f) * 4;
    let total_len = match u16::from_be_bytes([header[2], header[3]]) {
        0 => left_to_the_card(bytes, offset),
        len => u32::from(len),
    };
    if header[0] >> 4 != 4 || header_len < 20 || total_len < header_len {
        return Err(Unparsed::BadHeader);
    }
    let fragment_field = u16::from_be_bytes([header[6], header[7]]);
    packet.source = Address::from_v4([header[12], header[13], header[14], header[15]]);
    packet.destination = Address::from_v4([header[16], header[17], header[18], header[19]]);
    packet.protocol = header[9];
    packet.offset += header_len;
    packet.len = total_len - header_len;
    set_fragment(
        packet,
        u32::from(fragment_field & 0x1fff) * 8,
        fragment_field & 0x2000 != 0,
        header_len,
    );
    Ok(())
}

#[inline(always)]
fn parse_ipv6<P: PacketBytes + ?Sized>(bytes: &P, packet: &mut Packet) -> Result<(), Unparsed> {
    let offset = packet.offset as usize;
    let [first, _, _, _, len_hi, len_lo, next_header, _] =
        bytes.bytes::<8>(offset).ok_or(Unparsed::Truncated)?;
    if first >> 4 != 6 {
        return Err(Unparsed::BadHeader);
    }
    let half = |at: usize| bytes.bytes::<8>(offset + at).ok_or(Unparsed::Truncated);
    let (source, destination) = ((half(8)?, half(16)?), (half(24)?, half(32)?));
    packet.source = Address::from_v6_halves(source.0, source.1);
    packet.destination = Address::from_v6_halves(destination.0, destination.1);
    packet.protocol = next_header;
    packet.offset += IPV6_LEN as u32;
    packet.len = match u16::from_be_bytes([len_hi, len_lo]) {
        0 => left_to_the_card(bytes, offset + IPV6_LEN),
        len => u32::from(len),
    };
    Ok(())
}

/// Length of a datagram from `offset` on whose header says zero: captured on its way to a network card that would
/// have split it (segmentation offload), or too long for the field (RFC 2675).
#[inline(always)]
fn left_to_the_card<P: PacketBytes + ?Sized>(bytes: &P, offset: usize) -> u32 {
    bytes.len().saturating_sub(offset).min(65_535) as u32
}

/// Moves past the extension headers (RFC 8200 section 4).
#[inline(always)]
fn skip_extensions<P: PacketBytes + ?Sized>(
    bytes: &P,
    packet: &mut Packet,
) -> Result<(), Unparsed> {
    for _ in 0..=MAX_EXTENSION_HEADERS {
        let packet = settle(packet);
        let protocol = packet.protocol;
        let extension = matches!(
            protocol,
            HOP_BY_HOP | ROUTING | FRAGMENT | AUTHENTICATION | DESTINATION_OPTIONS
        );
        // What follows the header of a later fragment is the middle of a datagram.
        if !extension || packet.fragment == Fragment::Later {
            return Ok(());
        }
        // Every extension header is at least 8 bytes long.
        let [next, len_field, frag_hi, frag_lo, ..] = bytes
            .bytes::<8>(packet.offset as usize)
            .ok_or(Unparsed::Truncated)?;
        let header_len = match protocol {
            FRAGMENT => 8,
            AUTHENTICATION => (u32::from(len_field) + 2) * 4,
            _ => (u32::from(len_field) + 1) * 8,
        };
        if header_len > packet.len {
            return Err(Unparsed::BadHeader);
        }
        packet.protocol = next;
        packet.offset += header_len;
        packet.len -= header_len;
        if protocol == FRAGMENT {
            let field = u16::from_be_bytes([frag_hi, frag_lo]);
            set_fragment(packet, u32::from(field & 0xfff8), field & 1 != 0, 0);
        }
    }
    Err(Unparsed::TooManyExtensions)
}

/// Notes the place of a piece of a datagram: `offset` bytes into it, `more` to come, after `header_len` bytes that
/// count towards the whole.
#[inline(always)]
fn set_fragment(packet: &mut Packet, offset: u32, more: bool, header_len: u32) {
    packet.fragment = match (offset, more) {
        (0, false) => Fragment::Whole,
        (0, true) => Fragment::First,
        _ => Fragment::Later,
    };
    packet.wrong_fragment =
        offset + packet.len + header_len > 65_535 || (more && !packet.len.is_multiple_of(8));
}

#[inline(always)]
fn parse_transport<P: PacketBytes + ?Sized>(
    bytes: &P,
    packet: &mut Packet,
) -> Result<(), Unparsed> {
    if !matches!(packet.protocol, TCP | UDP | ICMP | ICMPV6) {
        return Err(Unparsed::OtherTransport);
    }
    packet.payload = packet.len;
    if packet.fragment == Fragment::Later {
        return Ok(());
    }
    let offset = packet.offset as usize;
    // UDP and ICMP headers are 8 bytes long; TCP reads its rest below.
    let head = bytes.bytes::<8>(offset).ok_or(Unparsed::Truncated)?;
    let header_len = match packet.protocol {
        TCP => {
            packet.sequence = u32::from_be_bytes([head[4], head[5], head[6], head[7]]);
            // A first fragment that holds less than the header is a way past filters (RFC 1858 section 3). The ports
            // are there in any case, the flags from 16 bytes on.
            let tiny = packet.fragment == Fragment::First && packet.len < TCP_HEADER_LEN;
            let mut header_len = TCP_HEADER_LEN;
            if !tiny || packet.len >= 16 {
                let [ack_0, ack_1, ack_2, ack_3, data_offset, flags, ..] =
                    bytes.bytes::<8>(offset + 8).ok_or(Unparsed::Truncated)?;
                packet.tcp_flags = flags;
                packet.acknowledgment = u32::from_be_bytes([ack_0, ack_1, ack_2, ack_3]);
                header_len = u32::from(data_offset >> 4) * 4;
                if header_len < TCP_HEADER_LEN {
                    return Err(Unparsed::BadHeader);
                }
            }
            if tiny {
                packet.wrong_fragment = true;
                header_len = packet.len;
            } else {
                // The fixed header ends with the urgent pointer; half a header is no header.
                bytes.bytes::<2>(offset + 18).ok_or(Unparsed::Truncated)?;
            }
            header_len
        }
        UDP => 8,
        _ => {
            packet.icmp_type = head[0];
            packet.icmp_code = head[1];
            if is_echo(packet.protocol, head[0]) {
                packet.icmp_id = u16::from_be_bytes([head[4], head[5]]);
            }
            0
        }
    };
    if header_len.max(8) > packet.len {
        return Err(Unparsed::BadHeader);
    }
    if header_len != 0 {
        packet.source_port = u16::from_be_bytes([head[0], head[1]]);
        packet.destination_port = u16::from_be_bytes([head[2], head[3]]);
        packet.payload = packet.len - header_len;
    }
    if packet.protocol == UDP && packet.fragment == Fragment::First {
        // The datagram's own length: the fragments after this one have no ports, and count elsewhere.
        let whole = u32::from(u16::from_be_bytes([head[4], head[5]]));
        packet.payload = packet.payload.max(whole.saturating_sub(8));
    }
    Ok(())
}

/// Whether an ICMP or ICMPv6 type is an echo request or reply.
#[inline(always)]
#[must_use]
pub const fn is_echo(protocol: u8, icmp_type: u8) -> bool {
    match protocol {
        ICMP => matches!(icmp_type, 0 | 8),
        ICMPV6 => matches!(icmp_type, 128 | 129),
        _ => false,
    }
}
