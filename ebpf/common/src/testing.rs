//! Frames for the tests of this crate and of the agent: lengths and header fields are right by construction unless
//! a test breaks them on purpose. Checksums are zero; nothing here looks at them.

mod bytes;
pub mod corpus;

use std::vec::Vec;

use crate::packet::{ICMP, ICMPV6, TCP, UDP, tcp_flags};

/// The tag of 802.1Q.
pub const DOT1Q: u16 = 0x8100;
/// The outer tag of 802.1ad.
pub const DOT1AD: u16 = 0x88a8;
/// The outer tag of switches older than 802.1ad.
pub const QINQ_OLD: u16 = 0x9100;

/// An IPv6 extension header.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Extension {
    /// Hop-by-hop options, so many units of 8 bytes beyond the first.
    HopByHop(u8),
    /// Routing, as above.
    Routing(u8),
    /// Destination options, as above.
    Destination(u8),
    /// Authentication, so many units of 4 bytes beyond the first two (RFC 4302 section 2.2).
    Authentication(u8),
    /// Fragment: offset in bytes, and whether more follow.
    Fragment(u16, bool),
}

#[derive(Clone, Debug)]
enum Network {
    V4 {
        source: [u8; 4],
        destination: [u8; 4],
        options: Vec<u8>,
        fragment: (u16, bool),
    },
    V6 {
        source: [u16; 8],
        destination: [u16; 8],
        extensions: Vec<Extension>,
    },
}

#[derive(Clone, Debug)]
enum Transport {
    Tcp {
        flags: u8,
        options: Vec<u8>,
        /// Sequence and acknowledgement number.
        numbers: (u32, u32),
    },
    Udp,
    Icmp {
        icmp_type: u8,
        code: u8,
        id: u16,
    },
    Other(u8),
}

/// What may stand between Ethernet and IP.
#[derive(Clone, Debug)]
enum Shim {
    /// Session.
    Pppoe(u16),
    /// Labels.
    Mpls(Vec<u32>),
}

/// A frame in the making.
#[derive(Clone, Debug)]
pub struct Frame {
    tags: Vec<(u16, u16)>,
    shim: Option<Shim>,
    network: Network,
    transport: Transport,
    ports: (u16, u16),
    payload: usize,
    padding: usize,
}

impl Frame {
    fn new(network: Network) -> Self {
        Self {
            tags: Vec::new(),
            shim: None,
            network,
            transport: Transport::Other(0xfd),
            ports: (0, 0),
            payload: 0,
            padding: 0,
        }
    }

    /// An IPv4 packet.
    #[must_use]
    pub fn v4(source: [u8; 4], destination: [u8; 4]) -> Self {
        Self::new(Network::V4 {
            source,
            destination,
            options: Vec::new(),
            fragment: (0, false),
        })
    }

    /// An IPv6 packet.
    #[must_use]
    pub fn v6(source: [u16; 8], destination: [u16; 8]) -> Self {
        Self::new(Network::V6 {
            source,
            destination,
            extensions: Vec::new(),
        })
    }

    /// Adds a VLAN tag inside those already there.
    #[must_use]
    pub fn tag(mut self, ethertype: u16, vlan: u16) -> Self {
        self.tags.push((ethertype, vlan));
        self
    }

    /// Adds an 802.1Q tag.
    #[must_use]
    pub fn vlan(self, vlan: u16) -> Self {
        self.tag(DOT1Q, vlan)
    }

    /// Adds an 802.1ad tag and an 802.1Q tag inside it.
    #[must_use]
    pub fn qinq(self, outer: u16, inner: u16) -> Self {
        self.tag(DOT1AD, outer).tag(DOT1Q, inner)
    }

    /// Puts the IP packet into a PPPoE session.
    #[must_use]
    pub fn pppoe(mut self, session: u16) -> Self {
        self.shim = Some(Shim::Pppoe(session));
        self
    }

    /// Puts a stack of MPLS labels before the IP packet.
    #[must_use]
    pub fn mpls(mut self, labels: &[u32]) -> Self {
        self.shim = Some(Shim::Mpls(labels.to_vec()));
        self
    }

    /// Sets the IPv4 options; padded to a multiple of four bytes.
    ///
    /// # Panics
    ///
    /// On IPv6.
    #[must_use]
    pub fn options(mut self, bytes: &[u8]) -> Self {
        match &mut self.network {
            Network::V4 { options, .. } => {
                *options = bytes.to_vec();
                options.resize(bytes.len().next_multiple_of(4), 0);
            }
            Network::V6 { .. } => panic!("IPv6 has extension headers, not options"),
        }
        self
    }

    /// Adds an IPv6 extension header.
    ///
    /// # Panics
    ///
    /// On IPv4.
    #[must_use]
    pub fn extension(mut self, extension: Extension) -> Self {
        match &mut self.network {
            Network::V4 { .. } => panic!("IPv4 has options, not extension headers"),
            Network::V6 { extensions, .. } => extensions.push(extension),
        }
        self
    }

    /// Makes it a fragment: `offset` bytes into its datagram, `more` to come. One at an offset carries no transport
    /// header, only payload.
    ///
    /// # Panics
    ///
    /// When the offset is not a multiple of 8.
    #[must_use]
    pub fn fragment(mut self, offset: u16, more: bool) -> Self {
        assert_eq!(offset % 8, 0, "fragment offsets count 8 bytes");
        match &mut self.network {
            Network::V4 { fragment, .. } => *fragment = (offset, more),
            Network::V6 { extensions, .. } => extensions.push(Extension::Fragment(offset, more)),
        }
        self
    }

    /// A TCP segment. Both sides of a connection begin with number 1: a SYN has it, any other segment is the first
    /// after its sender's SYN, and acknowledges the other's.
    #[must_use]
    pub fn tcp(mut self, source_port: u16, destination_port: u16, flags: u8) -> Self {
        self.ports = (source_port, destination_port);
        let sequence = if flags & tcp_flags::SYN == 0 { 2 } else { 1 };
        self.transport = Transport::Tcp {
            flags,
            options: Vec::new(),
            numbers: (sequence, 2),
        };
        self
    }

    /// Sets the sequence and the acknowledgement number.
    ///
    /// # Panics
    ///
    /// On anything but TCP.
    #[must_use]
    pub fn numbers(mut self, sequence: u32, acknowledgment: u32) -> Self {
        match &mut self.transport {
            Transport::Tcp { numbers, .. } => *numbers = (sequence, acknowledgment),
            _ => panic!("only TCP has sequence numbers"),
        }
        self
    }

    /// Sets the TCP options; padded to a multiple of four bytes.
    ///
    /// # Panics
    ///
    /// On anything but TCP.
    #[must_use]
    pub fn tcp_options(mut self, bytes: &[u8]) -> Self {
        match &mut self.transport {
            Transport::Tcp { options, .. } => {
                *options = bytes.to_vec();
                options.resize(bytes.len().next_multiple_of(4), 0);
            }
            _ => panic!("only TCP has TCP options"),
        }
        self
    }

    /// A UDP datagram.
    #[must_use]
    pub fn udp(mut self, source_port: u16, destination_port: u16) -> Self {
        self.ports = (source_port, destination_port);
        self.transport = Transport::Udp;
        self
    }

    /// An ICMP message on IPv4, an ICMPv6 message on IPv6. `id` fills the two bytes after the checksum.
    #[must_use]
    pub fn icmp(mut self, icmp_type: u8, code: u8, id: u16) -> Self {
        self.transport = Transport::Icmp {
            icmp_type,
            code,
            id,
        };
        self
    }

    /// An echo request.
    #[must_use]
    pub fn echo(self, id: u16) -> Self {
        let request = match self.network {
            Network::V4 { .. } => 8,
            Network::V6 { .. } => 128,
        };
        self.icmp(request, 0, id)
    }

    /// Some other protocol.
    #[must_use]
    pub fn protocol(mut self, number: u8) -> Self {
        self.transport = Transport::Other(number);
        self
    }

    /// Sets the number of bytes after the transport header.
    #[must_use]
    pub fn payload(mut self, len: usize) -> Self {
        self.payload = len;
        self
    }

    /// Adds zeros after the IP datagram, as Ethernet does below 60 bytes.
    #[must_use]
    pub fn padding(mut self, len: usize) -> Self {
        self.padding = len;
        self
    }

    /// The same the other way round: addresses and ports swapped, an echo request made a reply.
    #[must_use]
    pub fn reply(mut self) -> Self {
        match &mut self.network {
            Network::V4 {
                source,
                destination,
                ..
            } => core::mem::swap(source, destination),
            Network::V6 {
                source,
                destination,
                ..
            } => core::mem::swap(source, destination),
        }
        self.ports = (self.ports.1, self.ports.0);
        if let Transport::Icmp { icmp_type, .. } = &mut self.transport {
            *icmp_type = match *icmp_type {
                8 => 0,
                128 => 129,
                other => other,
            };
        }
        self
    }

    /// IP protocol number of the transport header.
    #[must_use]
    pub fn protocol_number(&self) -> u8 {
        match (&self.transport, &self.network) {
            (Transport::Tcp { .. }, _) => TCP,
            (Transport::Udp, _) => UDP,
            (Transport::Icmp { .. }, Network::V4 { .. }) => ICMP,
            (Transport::Icmp { .. }, Network::V6 { .. }) => ICMPV6,
            (Transport::Other(number), _) => *number,
        }
    }
}
