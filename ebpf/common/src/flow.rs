//! Flows: the canonical key, the record, and how long a conversation lasts.

mod record;

pub use self::record::FlowRecord;
use crate::{
    address::Address,
    event::Milestone,
    packet::{Fragment, ICMP, ICMPV6, Packet, TCP, UDP},
    tcp::Endpoint,
};

/// Between milestones at doubling packet counts, at least one event in this many packets each way.
pub const EVENT_EVERY_PACKETS: u64 = 1024;
/// A flow that sends after this long without an event gets one, so that user space knows slow flows to be alive.
pub const EVENT_EVERY_NS: u64 = 1_000_000_000;

/// A conversation: both directions share one key.
///
/// Ports are in host order. `a` is the numerically lower (address, port); which of the two spoke first stands in
/// the record, not in the key. For ICMP the ports are the echo identifier and the type and code of the request.
#[derive(Clone, Copy, Debug, Default, Eq, Ord, PartialEq, PartialOrd)]
#[repr(C)]
pub struct FlowKey {
    /// Lower address.
    pub a: Address,
    /// Higher address.
    pub b: Address,
    /// Port of `a`; for ICMP the echo identifier.
    pub a_port: u16,
    /// Port of `b`; for ICMP the request's `type << 8 | code`.
    pub b_port: u16,
    /// IP protocol number.
    pub protocol: u8,
    /// Always zero: the kernel hashes every byte of a key.
    pub zero: [u8; 3],
}

impl core::hash::Hash for FlowKey {
    /// In words: hashers take half the time of the derived one's small fields.
    #[inline]
    fn hash<H: core::hash::Hasher>(&self, state: &mut H) {
        let ports = u64::from(self.a_port) << 16 | u64::from(self.b_port);
        self.a.hash(state);
        self.b.hash(state);
        state.write_u64(u64::from(self.protocol) << 32 | ports);
    }
}

/// Which side of a [`FlowKey`] sent a packet.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[repr(u8)]
pub enum Side {
    /// `a`, the lower one.
    A = 0,
    /// `b`, the higher one.
    B = 1,
}

impl Side {
    /// The other one.
    #[inline(always)]
    #[must_use]
    pub const fn other(self) -> Self {
        match self {
            Self::A => Self::B,
            Self::B => Self::A,
        }
    }

    #[inline(always)]
    const fn from_bit(bit: u64) -> Self {
        if bit & 1 == 0 { Self::A } else { Self::B }
    }
}

impl FlowKey {
    /// The key of a packet, and which side of it sent the packet.
    ///
    /// Land packets (both ends equal) count as sent by `a`.
    #[inline(always)]
    #[must_use]
    pub fn of(packet: &Packet) -> (Self, Side) {
        let (source, destination) = (packet.source, packet.destination);
        let (source_port, destination_port) = (packet.source_port, packet.destination_port);
        let icmp = matches!(packet.protocol, ICMP | ICMPV6);
        let swap = match source.cmp(&destination) {
            core::cmp::Ordering::Less => false,
            core::cmp::Ordering::Greater => true,
            core::cmp::Ordering::Equal => !icmp && source_port > destination_port,
        };
        let (mut a_port, mut b_port) = if swap {
            (destination_port, source_port)
        } else {
            (source_port, destination_port)
        };
        if icmp && packet.fragment != Fragment::Later {
            a_port = packet.icmp_id;
            b_port = icmp_service(packet.protocol, packet.icmp_type, packet.icmp_code);
        }
        let key = Self {
            a: if swap { destination } else { source },
            b: if swap { source } else { destination },
            a_port,
            b_port,
            protocol: packet.protocol,
            zero: [0; 3],
        };
        (key, Side::from_bit(swap as u64))
    }

    /// Address of one side.
    #[must_use]
    pub const fn address(&self, side: Side) -> Address {
        match side {
            Side::A => self.a,
            Side::B => self.b,
        }
    }

    /// Port of one side; 0 for ICMP.
    #[must_use]
    pub const fn port(&self, side: Side) -> u16 {
        match (self.protocol, side) {
            (TCP | UDP, Side::A) => self.a_port,
            (TCP | UDP, Side::B) => self.b_port,
            _ => 0,
        }
    }

    /// Type and code of an ICMP or ICMPv6 conversation: those of the request where there is one.
    #[must_use]
    pub const fn icmp(&self) -> Option<(u8, u8)> {
        match self.protocol {
            ICMP | ICMPV6 => Some(((self.b_port >> 8) as u8, self.b_port as u8)),
            _ => None,
        }
    }
}

/// Type and code of a message, with answers folded into what they answer.
#[inline(always)]
const fn icmp_service(protocol: u8, icmp_type: u8, code: u8) -> u16 {
    let request = match (protocol, icmp_type) {
        // Echo, timestamp, information, address mask (RFC 792, RFC 950).
        (ICMP, 0) => 8,
        (ICMP, 14) => 13,
        (ICMP, 16) => 15,
        (ICMP, 18) => 17,
        (ICMPV6, 129) => 128,
        // Neighbour advertisement answers solicitation (RFC 4861).
        (ICMPV6, 136) => 135,
        _ => icmp_type,
    };
    (request as u16) << 8 | code as u16
}

/// Whether an ICMP message answers another one.
#[inline(always)]
const fn is_icmp_reply(protocol: u8, icmp_type: u8) -> bool {
    matches!(
        (protocol, icmp_type),
        (ICMP, 0 | 14 | 16 | 18) | (ICMPV6, 129 | 136)
    )
}

/// Positions in the state word: originator's and responder's [`Endpoint`], who is who, how a conversation began, two
/// saturating 8-bit counts of oddities, and when the latest event was sent.
mod bits {
    pub(super) const ORIGINATOR_STATE: u32 = 0;
    pub(super) const RESPONDER_STATE: u32 = 4;
    pub(super) const STATE_MASK: u64 = 15;
    /// Set when side `b` is the originator.
    pub(super) const ORIGINATOR_IS_B: u32 = 8;
    /// The first message was an ICMP answer nobody was seen to ask for.
    pub(super) const BEGAN_WITH_REPLY: u32 = 9;
    /// Source and destination address and port are equal.
    pub(super) const LAND: u32 = 10;
    /// The originator has acknowledged the responder's SYN.
    pub(super) const ESTABLISHED: u32 = 11;
    /// Fragments no sane sender makes.
    pub(super) const WRONG_FRAGMENTS: u32 = 16;
    /// TCP segments with the urgent flag.
    pub(super) const URGENT: u32 = 24;
    pub(super) const COUNT_MASK: u64 = 0xff;
    /// Time of the latest event, in units of `1 << TIME_UNIT` ns modulo 2^32. At the top of the word, so that adding a
    /// difference changes nothing else.
    pub(super) const EVENT: u32 = 32;
    pub(super) const TIME_UNIT: u32 = 10;
}

/// A copy of a [`FlowRecord`] at one moment, as it stands in events and in what user space reads from the map.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[repr(C)]
pub struct FlowSnapshot {
    /// First packet, ns of the packet clock.
    pub first_ns: u64,
    /// Latest packet; of a TCP connection that both sides have ended, the one that ended it.
    pub last_ns: u64,
    /// Packets sent by `a` and `b`.
    pub packets: [u64; 2],
    /// Payload bytes sent by `a` and `b`; of TCP by sequence numbers.
    pub bytes: [u64; 2],
    /// TCP sequence numbers that the payload of `a` and `b` goes on with.
    pub sequence: [u32; 2],
    /// State word; read it through the methods.
    pub state: u64,
}

impl FlowSnapshot {
    /// The side that opened the conversation.
    #[must_use]
    pub const fn originator(&self) -> Side {
        originator(self.state)
    }

    /// TCP states of originator and responder.
    #[must_use]
    pub const fn endpoints(&self) -> (Endpoint, Endpoint) {
        pair(self.state)
    }

    /// Whether the originator has acknowledged the responder's SYN by its number, which it knows only if it has
    /// received it.
    #[must_use]
    pub const fn established(&self) -> bool {
        self.state >> bits::ESTABLISHED & 1 == 1
    }

    /// Whether a TCP connection is over: ended by both sides, aborted by one, or ended by one without a word from the
    /// other.
    #[must_use]
    pub const fn closed(&self) -> bool {
        is_closed(self.state)
    }

    /// Whether this is a SYN that nothing has answered.
    #[must_use]
    pub const fn attempt(&self) -> bool {
        is_attempt(self.state)
    }

    /// Latest event before this one, in units of 1,024 ns modulo 2^32.
    #[must_use]
    pub const fn event_time(&self) -> u32 {
        event_time(self.state)
    }

    /// The same without its times, to be compared with a flow seen by another clock.
    #[must_use]
    pub const fn timeless(self) -> Self {
        Self {
            first_ns: 0,
            last_ns: 0,
            state: self.state & ((1 << bits::EVENT) - 1),
            ..self
        }
    }

    /// Whether the first message was an ICMP answer without a question.
    #[must_use]
    pub const fn began_with_reply(&self) -> bool {
        self.state >> bits::BEGAN_WITH_REPLY & 1 == 1
    }

    /// Whether source and destination are the same address and port.
    #[must_use]
    pub const fn land(&self) -> bool {
        self.state >> bits::LAND & 1 == 1
    }

    /// Fragments no sane sender makes.
    #[must_use]
    pub const fn wrong_fragments(&self) -> u32 {
        (self.state >> bits::WRONG_FRAGMENTS & bits::COUNT_MASK) as u32
    }

    /// TCP segments with the urgent flag.
    #[must_use]
    pub const fn urgent(&self) -> u32 {
        (self.state >> bits::URGENT & bits::COUNT_MASK) as u32
    }
}

/// What [`FlowRecord::update`] found.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Updated {
    /// Counted, nothing to tell.
    Quiet,
    /// Counted, and user space should know.
    Milestone(Milestone),
    /// Not counted: the packet opens a new conversation under an old key. The caller replaces the record by
    /// [`FlowRecord::first`].
    Restart,
}

/// Silence after which a packet opens a new conversation: Zeek's inactivity timeouts, in ns.
#[inline(always)]
#[must_use]
pub const fn idle_timeout_ns(protocol: u8) -> u64 {
    match protocol {
        TCP => 300_000_000_000,
        _ => 60_000_000_000,
    }
}

/// Silence after which a closed TCP connection is over, and a further packet opens a new conversation, in ns: time
/// for the last acknowledgements and what was overtaken on its way, as long as Zeek's `tcp_close_delay`. Where both
/// sides have ended it, the silence begins with the end, whatever still comes.
pub const CLOSED_LINGER_NS: u64 = 5_000_000_000;

/// Time after the first SYN in which it must be answered, in ns: a SYN sent again after that is another attempt.
/// Zeek's `tcp_attempt_delay`.
pub const ATTEMPT_NS: u64 = 5_000_000_000;

#[inline(always)]
const fn event_time(state: u64) -> u32 {
    (state >> bits::EVENT) as u32
}

#[inline(always)]
const fn originator(state: u64) -> Side {
    Side::from_bit(state >> bits::ORIGINATOR_IS_B)
}

/// States of originator and responder.
#[inline(always)]
const fn pair(state: u64) -> (Endpoint, Endpoint) {
    (
        Endpoint::from_bits(state >> bits::ORIGINATOR_STATE),
        Endpoint::from_bits(state >> bits::RESPONDER_STATE),
    )
}

/// Both sides said goodbye, or one hung up, or one said goodbye and the other nothing at all.
#[inline(always)]
const fn is_closed(state: u64) -> bool {
    let (originator, responder) = pair(state);
    originator.is_reset()
        || responder.is_reset()
        || matches!(
            (originator, responder),
            (Endpoint::Closed, Endpoint::Closed | Endpoint::Inactive)
                | (Endpoint::Inactive, Endpoint::Closed)
        )
}

/// A SYN, and nothing from the other side.
#[inline(always)]
const fn is_attempt(state: u64) -> bool {
    matches!(
        pair(state),
        (Endpoint::SynSent | Endpoint::SynAckSent, Endpoint::Inactive)
    )
}
