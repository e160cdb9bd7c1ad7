//! Flows: the canonical key, the record, and its update by one packet.

use crate::{
    address::Address,
    atomic::SharedU64,
    event::Milestone,
    packet::{Fragment, ICMP, ICMPV6, Packet, TCP, UDP, tcp_flags},
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

/// Positions in the state word: originator's and responder's [`Endpoint`], who is who, how a conversation began,
/// and two saturating 16-bit counts of oddities.
mod bits {
    pub(super) const ORIGINATOR_STATE: u32 = 0;
    pub(super) const RESPONDER_STATE: u32 = 3;
    pub(super) const STATE_MASK: u64 = 7;
    /// Set when side `b` is the originator.
    pub(super) const ORIGINATOR_IS_B: u32 = 6;
    /// The first message was an ICMP answer nobody was seen to ask for.
    pub(super) const BEGAN_WITH_REPLY: u32 = 7;
    /// Source and destination address and port are equal.
    pub(super) const LAND: u32 = 8;
    /// Fragments no sane sender makes.
    pub(super) const WRONG_FRAGMENTS: u32 = 32;
    /// TCP segments with the urgent flag.
    pub(super) const URGENT: u32 = 48;
    pub(super) const COUNT_MASK: u64 = 0xffff;
}

/// Counters of one flow, updated in place by the kernel.
///
/// Atomics, because the two directions of a flow may be received on different CPUs at the same time; 64 bits wide
/// each, because Rust's BPF target has no narrower ones. One cache line.
#[derive(Debug, Default)]
#[repr(C)]
pub struct FlowRecord {
    /// First packet, ns of the packet clock.
    first_ns: u64,
    /// Latest packet.
    last_ns: SharedU64,
    /// Latest event.
    event_ns: SharedU64,
    /// Packets sent by `a` and `b`.
    packets: [SharedU64; 2],
    /// Payload bytes sent by `a` and `b`.
    bytes: [SharedU64; 2],
    /// See [`bits`].
    state: SharedU64,
}

/// A copy of a [`FlowRecord`] at one moment, as it stands in events and in what user space reads from the map.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[repr(C)]
pub struct FlowSnapshot {
    /// First packet, ns of the packet clock.
    pub first_ns: u64,
    /// Latest packet.
    pub last_ns: u64,
    /// Latest event before this one.
    pub event_ns: u64,
    /// Packets sent by `a` and `b`.
    pub packets: [u64; 2],
    /// Payload bytes sent by `a` and `b`.
    pub bytes: [u64; 2],
    /// State word; read it through the methods.
    pub state: u64,
}

impl FlowSnapshot {
    /// The side that opened the conversation.
    #[must_use]
    pub const fn originator(&self) -> Side {
        Side::from_bit(self.state >> bits::ORIGINATOR_IS_B)
    }

    /// TCP states of originator and responder.
    #[must_use]
    pub const fn endpoints(&self) -> (Endpoint, Endpoint) {
        (
            Endpoint::from_bits(self.state >> bits::ORIGINATOR_STATE),
            Endpoint::from_bits(self.state >> bits::RESPONDER_STATE),
        )
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

impl From<FlowSnapshot> for FlowRecord {
    fn from(snapshot: FlowSnapshot) -> Self {
        Self {
            first_ns: snapshot.first_ns,
            last_ns: SharedU64::new(snapshot.last_ns),
            event_ns: SharedU64::new(snapshot.event_ns),
            packets: snapshot.packets.map(SharedU64::new),
            bytes: snapshot.bytes.map(SharedU64::new),
            state: SharedU64::new(snapshot.state),
        }
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
/// for the last acknowledgements and what was overtaken on its way, as long as Zeek's `tcp_close_delay`.
pub const CLOSED_LINGER_NS: u64 = 5_000_000_000;

impl FlowRecord {
    /// The record of a conversation of which `packet` is the first.
    #[inline(always)]
    #[must_use]
    pub fn first(packet: &Packet, sender: Side, now_ns: u64) -> Self {
        // A SYN+ACK is an answer: its sender did not open the conversation.
        let syn_ack = tcp_flags::SYN | tcp_flags::ACK;
        let answers = packet.protocol == TCP && packet.tcp_flags & syn_ack == syn_ack;
        let originator = if answers { sender.other() } else { sender };
        let reply = is_icmp_reply(packet.protocol, packet.icmp_type);
        let land =
            packet.source == packet.destination && packet.source_port == packet.destination_port;
        let state = (originator as u64) << bits::ORIGINATOR_IS_B
            | (reply as u64) << bits::BEGAN_WITH_REPLY
            | (land as u64) << bits::LAND;
        let record = Self {
            first_ns: now_ns,
            last_ns: SharedU64::new(now_ns),
            event_ns: SharedU64::new(now_ns),
            state: SharedU64::new(next_state(state, packet, sender)),
            ..Self::default()
        };
        record.count(packet, sender);
        record
    }

    /// Counts one packet.
    #[inline(always)]
    pub fn update(&self, packet: &Packet, sender: Side, now_ns: u64) -> Updated {
        let state = self.state.load();
        let last_ns = self.last_ns.load();
        let opens = packet.protocol == TCP
            && packet.tcp_flags & (tcp_flags::SYN | tcp_flags::ACK) == tcp_flags::SYN;
        let idle_ns = now_ns.saturating_sub(last_ns);
        if idle_ns > idle_timeout_ns(packet.protocol)
            || (is_closed(state) && (opens || idle_ns > CLOSED_LINGER_NS))
        {
            return Updated::Restart;
        }
        self.last_ns.store(now_ns);
        let packets = self.count(packet, sender);
        let next = next_state(state, packet, sender);
        if next != state {
            // Lost only if the other direction changes its own state in the same nanoseconds; its next packet
            // does not mend it, a retransmission does. A loop here would cost the verifier more than that is worth.
            self.state.store(next);
        }
        let milestone = if !is_closed(state) && is_closed(next) {
            Milestone::Closed
        } else if !is_established(state) && is_established(next) {
            Milestone::Established
        } else if packets.is_power_of_two() || packets.is_multiple_of(EVENT_EVERY_PACKETS) {
            Milestone::Count
        } else if now_ns.saturating_sub(self.event_ns.load()) >= EVENT_EVERY_NS {
            Milestone::Tick
        } else {
            return Updated::Quiet;
        };
        Updated::Milestone(milestone)
    }

    /// Adds the packet to the counters; returns how many its sender has sent by now.
    #[inline(always)]
    fn count(&self, packet: &Packet, sender: Side) -> u64 {
        let (packets, bytes) = match sender {
            Side::A => (&self.packets[0], &self.bytes[0]),
            Side::B => (&self.packets[1], &self.bytes[1]),
        };
        if packet.payload != 0 {
            bytes.add(u64::from(packet.payload));
        }
        // Exact for the counter. For the number returned it is enough that one CPU receives a flow's direction, as
        // receive-side scaling has it; otherwise a milestone may come twice or not.
        let before = packets.load();
        packets.add(1);
        before.wrapping_add(1)
    }

    /// A copy for an event; remembers `now_ns` as the time of that event.
    #[inline(always)]
    #[must_use]
    pub fn snapshot_for_event(&self, now_ns: u64) -> FlowSnapshot {
        let snapshot = self.snapshot();
        self.event_ns.store(now_ns);
        snapshot
    }

    /// A copy.
    #[inline(always)]
    #[must_use]
    pub fn snapshot(&self) -> FlowSnapshot {
        FlowSnapshot {
            first_ns: self.first_ns,
            last_ns: self.last_ns.load(),
            event_ns: self.event_ns.load(),
            packets: [self.packets[0].load(), self.packets[1].load()],
            bytes: [self.bytes[0].load(), self.bytes[1].load()],
            state: self.state.load(),
        }
    }
}

/// The state word after `packet`.
#[inline(always)]
fn next_state(state: u64, packet: &Packet, sender: Side) -> u64 {
    let mut state = state;
    if packet.wrong_fragment {
        state = saturating_count(state, bits::WRONG_FRAGMENTS);
    }
    if packet.tcp_flags & tcp_flags::URG != 0 {
        state = saturating_count(state, bits::URGENT);
    }
    if packet.protocol != TCP || packet.fragment == Fragment::Later {
        return state;
    }
    let from_originator = (state >> bits::ORIGINATOR_IS_B & 1) == sender as u64;
    let (mine, peers) = if from_originator {
        (bits::ORIGINATOR_STATE, bits::RESPONDER_STATE)
    } else {
        (bits::RESPONDER_STATE, bits::ORIGINATOR_STATE)
    };
    let before = Endpoint::from_bits(state >> mine);
    let after = before.after(Endpoint::from_bits(state >> peers), packet.tcp_flags);
    state & !(bits::STATE_MASK << mine) | (after as u64) << mine
}

#[inline(always)]
const fn saturating_count(state: u64, at: u32) -> u64 {
    if state >> at & bits::COUNT_MASK == bits::COUNT_MASK {
        state
    } else {
        state + (1 << at)
    }
}

#[inline(always)]
const fn pair(state: u64) -> (Endpoint, Endpoint) {
    (
        Endpoint::from_bits(state >> bits::ORIGINATOR_STATE),
        Endpoint::from_bits(state >> bits::RESPONDER_STATE),
    )
}

/// Both sides said goodbye, or one hung up.
#[inline(always)]
const fn is_closed(state: u64) -> bool {
    matches!(
        pair(state),
        (Endpoint::Closed, Endpoint::Closed) | (Endpoint::Reset, _) | (_, Endpoint::Reset)
    )
}

#[inline(always)]
const fn is_established(state: u64) -> bool {
    matches!(pair(state), (Endpoint::Established, Endpoint::Established))
}
