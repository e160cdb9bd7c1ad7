//! The packet parser: Ethernet, up to two VLAN tags, IPv4 and IPv6, TCP, UDP, ICMP and ICMPv6.
//!
//! Generic over [`PacketBytes`], so that the kernel reads a packet in place with the bounds checks its verifier
//! wants, and user space reads a slice. It allocates nothing, loops a bounded number of times and never reads past
//! the end.

use crate::address::Address;

/// Ethernet header.
const ETHERNET_LEN: usize = 14;
/// One 802.1Q or 802.1ad tag.
const VLAN_LEN: usize = 4;
/// IPv6 fixed header (RFC 8200 section 3).
const IPV6_LEN: usize = 40;

const ETHERTYPE_IPV4: u16 = 0x0800;
const ETHERTYPE_IPV6: u16 = 0x86dd;
const ETHERTYPE_VLAN: u16 = 0x8100;
const ETHERTYPE_QINQ: u16 = 0x88a8;
/// Stacked tags of switches older than 802.1ad.
const ETHERTYPE_QINQ_OLD: u16 = 0x9100;

/// More extension headers than this are not followed: real packets carry one or two, and every further one costs
/// the verifier a copy of the loop.
const MAX_EXTENSION_HEADERS: usize = 6;

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
    /// `N` bytes at `offset`, or `None` when the packet ends before `offset + N`.
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
        self.get(offset..)?.first_chunk().copied()
    }

    #[inline]
    fn len(&self) -> usize {
        <[u8]>::len(self)
    }
}

/// Why a packet, or the part above its IP header, can't be read.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[repr(u32)]
pub enum Unparsed {
    /// The packet ends inside a header.
    Truncated,
    /// Neither IPv4 nor IPv6 (ARP, LLDP, …).
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
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Fragment {
    /// The whole datagram.
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

/// What stands above the IP header.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Transport {
    /// Source port; 0 for ICMP and later fragments.
    pub source_port: u16,
    /// Destination port; 0 for ICMP and later fragments.
    pub destination_port: u16,
    /// TCP flag bits ([`tcp_flags`]); 0 for other protocols.
    pub tcp_flags: u8,
    /// ICMP or ICMPv6 type; 0 for other protocols.
    pub icmp_type: u8,
    /// ICMP or ICMPv6 code; 0 for other protocols.
    pub icmp_code: u8,
    /// Identifier of an ICMP echo; 0 for everything else.
    pub icmp_id: u16,
    /// Bytes as KDD counts them: TCP and UDP payload, or the whole ICMP message with its 8-byte header.
    pub payload: u32,
}

/// One parsed IP packet.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Packet {
    /// IP source address.
    pub source: Address,
    /// IP destination address.
    pub destination: Address,
    /// IP protocol number of the transport header, after any extension headers.
    pub protocol: u8,
    /// Position in a fragmented datagram.
    pub fragment: Fragment,
    /// A fragment no sane sender makes: reaching past 65,535 bytes (ping of death) or, unless it is the last,
    /// not a multiple of 8 bytes long (RFC 791 section 3.2).
    pub wrong_fragment: bool,
    /// The transport header, or why there is none. The addresses above are right in either case.
    pub transport: Result<Transport, Unparsed>,
    /// Length of the whole frame in bytes.
    pub frame_len: u32,
}

/// The network layer's view, between the two stages of the parser.
struct Network {
    source: Address,
    destination: Address,
    protocol: u8,
    /// Offset of the transport header.
    offset: usize,
    /// Bytes from `offset` to the end of the datagram, as its header says.
    len: usize,
    fragment: Fragment,
    wrong_fragment: bool,
    /// An extension header chain that could not be followed.
    defect: Option<Unparsed>,
}

/// Parses an Ethernet frame.
///
/// # Errors
///
/// Says why when there is no readable IP header. A packet with a readable IP header but an unreadable transport
/// header is `Ok`, with the reason in [`Packet::transport`]: verdicts by source still apply to it.
#[inline(always)]
pub fn parse<P: PacketBytes + ?Sized>(packet: &P) -> Result<Packet, Unparsed> {
    let [.., hi, lo] = packet
        .bytes::<2>(ETHERNET_LEN - 2)
        .ok_or(Unparsed::Truncated)?;
    let mut ethertype = u16::from_be_bytes([hi, lo]);
    let mut offset = ETHERNET_LEN;
    if is_vlan(ethertype) {
        ethertype = inner_ethertype(packet, offset)?;
        offset += VLAN_LEN;
        if is_vlan(ethertype) {
            ethertype = inner_ethertype(packet, offset)?;
            offset += VLAN_LEN;
            if is_vlan(ethertype) {
                return Err(Unparsed::TooManyVlans);
            }
        }
    }
    parse_ip(packet, ethertype, offset)
}

#[inline(always)]
fn parse_ip<P: PacketBytes + ?Sized>(
    packet: &P,
    ethertype: u16,
    offset: usize,
) -> Result<Packet, Unparsed> {
    let network = match ethertype {
        ETHERTYPE_IPV4 => parse_ipv4(packet, offset)?,
        ETHERTYPE_IPV6 => parse_ipv6(packet, offset)?,
        _ => return Err(Unparsed::NotIp),
    };
    let transport = match network.defect {
        Some(defect) => Err(defect),
        None => parse_transport(packet, &network),
    };
    Ok(Packet {
        source: network.source,
        destination: network.destination,
        protocol: network.protocol,
        fragment: network.fragment,
        wrong_fragment: network.wrong_fragment,
        transport,
        frame_len: packet.len() as u32,
    })
}

#[inline(always)]
const fn is_vlan(ethertype: u16) -> bool {
    matches!(
        ethertype,
        ETHERTYPE_VLAN | ETHERTYPE_QINQ | ETHERTYPE_QINQ_OLD
    )
}

#[inline(always)]
fn inner_ethertype<P: PacketBytes + ?Sized>(packet: &P, offset: usize) -> Result<u16, Unparsed> {
    let [_, _, hi, lo] = packet.bytes::<4>(offset).ok_or(Unparsed::Truncated)?;
    Ok(u16::from_be_bytes([hi, lo]))
}

#[inline(always)]
fn parse_ipv4<P: PacketBytes + ?Sized>(packet: &P, offset: usize) -> Result<Network, Unparsed> {
    let header = packet.bytes::<20>(offset).ok_or(Unparsed::Truncated)?;
    let header_len = usize::from(header[0] & 0x0f) * 4;
    let total_len = usize::from(u16::from_be_bytes([header[2], header[3]]));
    if header[0] >> 4 != 4 || header_len < 20 || total_len < header_len {
        return Err(Unparsed::BadHeader);
    }
    let fragment_field = u16::from_be_bytes([header[6], header[7]]);
    let len = total_len - header_len;
    let more = fragment_field & 0x2000 != 0;
    let fragment_offset = usize::from(fragment_field & 0x1fff) * 8;
    Ok(Network {
        source: Address::from_v4([header[12], header[13], header[14], header[15]]),
        destination: Address::from_v4([header[16], header[17], header[18], header[19]]),
        protocol: header[9],
        offset: offset + header_len,
        len,
        fragment: fragment(fragment_offset, more),
        wrong_fragment: wrong_fragment(fragment_offset, more, len, header_len),
        defect: None,
    })
}

#[inline(always)]
fn parse_ipv6<P: PacketBytes + ?Sized>(packet: &P, offset: usize) -> Result<Network, Unparsed> {
    let [first, _, _, _, len_hi, len_lo, next_header, _] =
        packet.bytes::<8>(offset).ok_or(Unparsed::Truncated)?;
    if first >> 4 != 6 {
        return Err(Unparsed::BadHeader);
    }
    let half = |at: usize| packet.bytes::<8>(offset + at).ok_or(Unparsed::Truncated);
    let mut network = Network {
        source: Address::from_v6_halves(half(8)?, half(16)?),
        destination: Address::from_v6_halves(half(24)?, half(32)?),
        protocol: next_header,
        offset: offset + IPV6_LEN,
        len: usize::from(u16::from_be_bytes([len_hi, len_lo])),
        fragment: Fragment::Whole,
        wrong_fragment: false,
        defect: None,
    };
    if let Err(defect) = skip_extensions(packet, &mut network) {
        network.defect = Some(defect);
    }
    Ok(network)
}

/// Moves `network` past its extension headers (RFC 8200 section 4).
#[inline(always)]
fn skip_extensions<P: PacketBytes + ?Sized>(
    packet: &P,
    network: &mut Network,
) -> Result<(), Unparsed> {
    for _ in 0..MAX_EXTENSION_HEADERS {
        let protocol = network.protocol;
        if !matches!(
            protocol,
            HOP_BY_HOP | ROUTING | FRAGMENT | AUTHENTICATION | DESTINATION_OPTIONS
        ) {
            return Ok(());
        }
        // Every extension header is at least 8 bytes long.
        let [next, len_field, frag_hi, frag_lo, ..] = packet
            .bytes::<8>(network.offset)
            .ok_or(Unparsed::Truncated)?;
        let header_len = match protocol {
            FRAGMENT => 8,
            AUTHENTICATION => (usize::from(len_field) + 2) * 4,
            _ => (usize::from(len_field) + 1) * 8,
        };
        if header_len > network.len {
            return Err(Unparsed::BadHeader);
        }
        network.protocol = next;
        network.offset += header_len;
        network.len -= header_len;
        if protocol == FRAGMENT {
            let field = u16::from_be_bytes([frag_hi, frag_lo]);
            let more = field & 1 != 0;
            let fragment_offset = usize::from(field & 0xfff8);
            network.fragment = fragment(fragment_offset, more);
            network.wrong_fragment = wrong_fragment(fragment_offset, more, network.len, 0);
            if network.fragment == Fragment::Later {
                // What follows is the middle of a datagram, not a header.
                return Ok(());
            }
        }
    }
    Err(Unparsed::TooManyExtensions)
}

#[inline(always)]
const fn fragment(offset: usize, more: bool) -> Fragment {
    match (offset, more) {
        (0, false) => Fragment::Whole,
        (0, true) => Fragment::First,
        _ => Fragment::Later,
    }
}

#[inline(always)]
const fn wrong_fragment(offset: usize, more: bool, len: usize, header_len: usize) -> bool {
    offset + len + header_len > 65_535 || (more && !len.is_multiple_of(8))
}

#[inline(always)]
fn parse_transport<P: PacketBytes + ?Sized>(
    packet: &P,
    network: &Network,
) -> Result<Transport, Unparsed> {
    let mut transport = Transport {
        source_port: 0,
        destination_port: 0,
        tcp_flags: 0,
        icmp_type: 0,
        icmp_code: 0,
        icmp_id: 0,
        payload: network.len as u32,
    };
    if !matches!(network.protocol, TCP | UDP | ICMP | ICMPV6) {
        return Err(Unparsed::OtherTransport);
    }
    if network.fragment == Fragment::Later {
        return Ok(transport);
    }
    // UDP and ICMP headers are 8 bytes long; TCP reads its rest below.
    let head = packet
        .bytes::<8>(network.offset)
        .ok_or(Unparsed::Truncated)?;
    let header_len = match network.protocol {
        TCP => {
            let [data_offset, flags] = packet
                .bytes::<2>(network.offset + 12)
                .ok_or(Unparsed::Truncated)?;
            // The fixed header ends with the urgent pointer; half a header is no header.
            packet
                .bytes::<2>(network.offset + 18)
                .ok_or(Unparsed::Truncated)?;
            transport.tcp_flags = flags;
            let header_len = usize::from(data_offset >> 4) * 4;
            if header_len < 20 {
                return Err(Unparsed::BadHeader);
            }
            header_len
        }
        UDP => 8,
        _ => {
            transport.icmp_type = head[0];
            transport.icmp_code = head[1];
            if is_echo(network.protocol, head[0]) {
                transport.icmp_id = u16::from_be_bytes([head[4], head[5]]);
            }
            0
        }
    };
    if header_len.max(8) > network.len {
        return Err(Unparsed::BadHeader);
    }
    if header_len != 0 {
        transport.source_port = u16::from_be_bytes([head[0], head[1]]);
        transport.destination_port = u16::from_be_bytes([head[2], head[3]]);
        transport.payload = (network.len - header_len) as u32;
    }
    Ok(transport)
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
