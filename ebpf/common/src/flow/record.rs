//! The record of a flow, and its update by one packet.

use super::{
    ATTEMPT_NS, CLOSED_LINGER_NS, EVENT_EVERY_NS, EVENT_EVERY_PACKETS, FlowSnapshot, Side, Updated,
    bits, event_time, idle_timeout_ns, is_attempt, is_closed, is_icmp_reply, originator, pair,
};
use crate::{
    atomic::{SharedU32, SharedU64},
    event::Milestone,
    packet::{Fragment, Packet, TCP, tcp_flags},
    sequence,
    tcp::{Endpoint, Segment},
};

/// Counters of one flow, updated in place by the kernel.
///
/// Atomics, because the two directions of a flow may be received on different CPUs at the same time; 64 bits wide
/// each, because Rust's BPF target has no narrower ones. One cache line.
#[derive(Debug, Default)]
#[repr(C)]
pub struct FlowRecord {
    /// First packet, ns of the packet clock.
    first_ns: u64,
    /// Latest packet; of a TCP connection that both sides have ended, the one that ended it.
    last_ns: SharedU64,
    /// Packets sent by `a` and `b`.
    packets: [SharedU64; 2],
    /// Payload bytes sent by `a` and `b`.
    bytes: [SharedU64; 2],
    /// TCP sequence numbers that the payload of `a` and `b` goes on with; see [`sequence`].
    sequence: [SharedU32; 2],
    /// See [`bits`].
    state: SharedU64,
}

impl From<FlowSnapshot> for FlowRecord {
    fn from(snapshot: FlowSnapshot) -> Self {
        Self {
            first_ns: snapshot.first_ns,
            last_ns: SharedU64::new(snapshot.last_ns),
            packets: snapshot.packets.map(SharedU64::new),
            bytes: snapshot.bytes.map(SharedU64::new),
            sequence: snapshot.sequence.map(SharedU32::new),
            state: SharedU64::new(snapshot.state),
        }
    }
}

impl FlowRecord {
    /// The record of a conversation of which `packet` is the first.
    #[inline(always)]
    #[must_use]
    pub fn first(packet: &Packet, sender: Side, now_ns: u64) -> Self {
        // A SYN+ACK is an answer: its sender did not open the conversation.
        let answers = packet.protocol == TCP && opening(packet) == SYN_ACK;
        let originator = if answers { sender.other() } else { sender };
        let reply = is_icmp_reply(packet.protocol, packet.icmp_type);
        let land =
            packet.source == packet.destination && packet.source_port == packet.destination_port;
        let state = (originator as u64) << bits::ORIGINATOR_IS_B
            | (reply as u64) << bits::BEGAN_WITH_REPLY
            | (land as u64) << bits::LAND
            | u64::from(time(now_ns)) << bits::EVENT;
        let record = Self {
            first_ns: now_ns,
            last_ns: SharedU64::new(now_ns),
            ..Self::default()
        };
        let next = record.next_state(state, packet, sender);
        record.state.store(next);
        record.count(state, packet, sender);
        record
    }

    /// Counts one packet.
    #[inline(always)]
    pub fn update(&self, packet: &Packet, sender: Side, now_ns: u64) -> Updated {
        let state = self.state.load();
        if self.is_over(state, packet, sender, now_ns) {
            return Updated::Restart;
        }
        if !is_ended_by_both(state) {
            self.last_ns.store(now_ns);
        }
        let next = self.next_state(state, packet, sender);
        let packets = self.count(state, packet, sender);
        if next != state {
            // Lost only if the other direction changes its own state in the same nanoseconds; its next packet
            // does not mend it, a retransmission does. A loop here would cost the verifier more than that is worth.
            self.state.store(next);
        }
        let milestone = if !is_closed(state) && is_closed(next) {
            Milestone::Closed
        } else if (state ^ next) >> bits::ESTABLISHED & 1 == 1 {
            Milestone::Established
        } else if packets.is_power_of_two() || packets.is_multiple_of(EVENT_EVERY_PACKETS) {
            Milestone::Count
        } else if time(now_ns).wrapping_sub(event_time(state)) as i32 >= TICK {
            Milestone::Tick
        } else {
            return Updated::Quiet;
        };
        Updated::Milestone(milestone)
    }

    /// Whether a limit on new conversations with a destination ([`crate::verdict::Scope::Destination`]) leaves this
    /// packet of the flow alone: both ends have spoken, and it is no SYN. A flood from forged addresses can get a
    /// SYN answered, but has nothing to send after it.
    #[inline(always)]
    #[must_use]
    pub fn spares(&self, packet: &Packet) -> bool {
        let opens = packet.protocol == TCP && packet.tcp_flags & tcp_flags::SYN != 0;
        !opens && self.packets[0].load() != 0 && self.packets[1].load() != 0
    }

    /// Whether `packet` no longer belongs to this conversation.
    #[inline(always)]
    fn is_over(&self, state: u64, packet: &Packet, sender: Side, now_ns: u64) -> bool {
        let idle_ns = now_ns.saturating_sub(self.last_ns.load());
        if idle_ns > idle_timeout_ns(packet.protocol) {
            return true;
        }
        if packet.protocol != TCP || packet.fragment == Fragment::Later {
            return false;
        }
        if is_closed(state) && idle_ns > CLOSED_LINGER_NS {
            return true;
        }
        if is_attempt(state) && now_ns.saturating_sub(self.first_ns) > ATTEMPT_NS {
            return true;
        }
        let (_, bytes, sequence) = self.half(sender);
        let again = sequence::start(sequence.load(), bytes.load()) == packet.sequence;
        let from_originator = originator(state) as u8 == sender as u8;
        match opening(packet) {
            // The originator's own SYN may be sent again until the end; that of the responder crosses it.
            tcp_flags::SYN if from_originator => !again || is_ended_by_both(state),
            tcp_flags::SYN => is_closed(state),
            // An answer to nothing, and then another one.
            SYN_ACK => !from_originator && !again && matches!(pair(state), (Endpoint::Inactive, _)),
            _ => false,
        }
    }

    /// What one side has sent: packets, bytes, and the sequence number it goes on with.
    #[inline(always)]
    const fn half(&self, side: Side) -> (&SharedU64, &SharedU64, &SharedU32) {
        match side {
            Side::A => (&self.packets[0], &self.bytes[0], &self.sequence[0]),
            Side::B => (&self.packets[1], &self.bytes[1], &self.sequence[1]),
        }
    }

    /// Adds the packet to the counters, with the `state` from before it; returns how many its sender has sent by now.
    #[inline(always)]
    fn count(&self, state: u64, packet: &Packet, sender: Side) -> u64 {
        let (packets, bytes, _) = self.half(sender);
        if packet.protocol == TCP && packet.fragment != Fragment::Later {
            self.count_segment(state, packet, sender);
        } else if packet.payload != 0 {
            bytes.add(u64::from(packet.payload));
        }
        // Exact for the counter. For the number returned it is enough that one CPU receives a flow's direction, as
        // receive-side scaling has it; otherwise a milestone may come twice or not.
        let before = packets.load();
        packets.add(1);
        before.wrapping_add(1)
    }

    /// Counts what a segment says of its sender's stream, and of the other one by acknowledging it.
    #[inline(always)]
    fn count_segment(&self, state: u64, packet: &Packet, sender: Side) {
        let (own, peer) = seen_from(sender, state);
        let reset = packet.tcp_flags & tcp_flags::RST != 0;
        let syn = packet.tcp_flags & tcp_flags::SYN != 0;
        // What comes with a reset is a message to people, no part of the stream.
        let payload = if reset { 0 } else { packet.payload };
        let end = packet
            .sequence
            .wrapping_add(payload)
            .wrapping_add(u32::from(syn));
        let (_, bytes, sequence) = self.half(sender);
        let expected = sequence.load();
        let begins = matches!(own, Endpoint::Inactive)
            || (syn && packet.sequence != sequence::start(expected, bytes.load()));
        let new = if begins {
            sequence.store(end);
            payload
        } else {
            let end = end.wrapping_sub(u32::from(own.said_goodbye()));
            match sequence::advance(expected, end, payload) {
                Some(new) => {
                    sequence.store(end);
                    new
                }
                None => 0,
            }
        };
        if new != 0 {
            bytes.add(u64::from(new));
        }
        if packet.tcp_flags & tcp_flags::ACK == 0 {
            return;
        }
        let (_, bytes, sequence) = self.half(sender.other());
        if matches!(peer, Endpoint::Inactive) {
            sequence.store(packet.acknowledgment);
        } else if !reset {
            let end = acknowledged(packet, peer);
            if let Some(missed) = sequence::advance(sequence.load(), end, 0) {
                sequence.store(end);
                bytes.add(u64::from(missed));
            }
        }
    }

    /// The state word after `packet`, which is not counted yet.
    #[inline(always)]
    fn next_state(&self, state: u64, packet: &Packet, sender: Side) -> u64 {
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
        let from_originator = originator(state) as u8 == sender as u8;
        let (own, peer) = seen_from(sender, state);
        let segment = Segment {
            flags: packet.tcp_flags,
            data: packet.payload != 0,
            from_originator,
        };
        let (own_next, peer_next) = own.after(peer, segment);
        let (own_at, peer_at) = places(from_originator);
        state &= !(bits::STATE_MASK << own_at | bits::STATE_MASK << peer_at);
        state |= (own_next as u64) << own_at | (peer_next as u64) << peer_at;
        let answers = packet.tcp_flags & (tcp_flags::ACK | tcp_flags::RST) == tcp_flags::ACK;
        let open =
            matches!(own, Endpoint::Established) || matches!(own_next, Endpoint::Established);
        if from_originator && answers && open {
            let (_, bytes, sequence) = self.half(sender.other());
            let end = acknowledged(packet, peer);
            if sequence::acknowledges(sequence.load(), bytes.load(), end) {
                state |= 1 << bits::ESTABLISHED;
            }
        }
        state
    }

    /// A copy for an event; remembers `now_ns` as the time of that event.
    #[inline(always)]
    #[must_use]
    pub fn snapshot_for_event(&self, now_ns: u64) -> FlowSnapshot {
        let snapshot = self.snapshot();
        let later = time(now_ns).wrapping_sub(event_time(snapshot.state));
        self.state.add(u64::from(later) << bits::EVENT);
        snapshot
    }

    /// A copy.
    #[inline(always)]
    #[must_use]
    pub fn snapshot(&self) -> FlowSnapshot {
        FlowSnapshot {
            first_ns: self.first_ns,
            last_ns: self.last_ns.load(),
            packets: [self.packets[0].load(), self.packets[1].load()],
            bytes: [self.bytes[0].load(), self.bytes[1].load()],
            sequence: [self.sequence[0].load(), self.sequence[1].load()],
            state: self.state.load(),
        }
    }
}

const SYN_ACK: u8 = tcp_flags::SYN | tcp_flags::ACK;

/// [`EVENT_EVERY_NS`] in the unit of an event's time.
const TICK: i32 = (EVENT_EVERY_NS >> bits::TIME_UNIT) as i32;

/// A packet's time in the unit of an event's.
#[inline(always)]
const fn time(now_ns: u64) -> u32 {
    (now_ns >> bits::TIME_UNIT) as u32
}

/// SYN and ACK of a packet.
#[inline(always)]
const fn opening(packet: &Packet) -> u8 {
    packet.tcp_flags & SYN_ACK
}

/// How far a segment acknowledges the payload of its receiver.
#[inline(always)]
const fn acknowledged(packet: &Packet, peer: Endpoint) -> u32 {
    packet
        .acknowledgment
        .wrapping_sub(peer.said_goodbye() as u32)
}

#[inline(always)]
const fn saturating_count(state: u64, at: u32) -> u64 {
    if state >> at & bits::COUNT_MASK == bits::COUNT_MASK {
        state
    } else {
        state + (1 << at)
    }
}

/// Where a sender's state and its peer's are.
#[inline(always)]
const fn places(from_originator: bool) -> (u32, u32) {
    if from_originator {
        (bits::ORIGINATOR_STATE, bits::RESPONDER_STATE)
    } else {
        (bits::RESPONDER_STATE, bits::ORIGINATOR_STATE)
    }
}

/// States of a sender and of its peer.
#[inline(always)]
const fn seen_from(sender: Side, state: u64) -> (Endpoint, Endpoint) {
    let (own, peer) = places(originator(state) as u8 == sender as u8);
    (
        Endpoint::from_bits(state >> own),
        Endpoint::from_bits(state >> peer),
    )
}

/// Both sides have ended it: no packet after that is part of it.
#[inline(always)]
const fn is_ended_by_both(state: u64) -> bool {
    let (originator, responder) = pair(state);
    originator.is_done() && responder.is_done()
}
