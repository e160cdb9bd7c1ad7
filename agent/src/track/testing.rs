//! For tests: frames, and a flow table that takes them.

use std::{
    collections::HashMap,
    net::{IpAddr, SocketAddr},
};

use tidegate_common::{
    event::FlowEvent,
    flow::{FlowKey, FlowSnapshot, Side},
    packet::{ICMP, ICMPV6, Packet, TCP, UDP, tcp_flags},
};

use crate::source::offline;

/// Interface number in the events.
pub const IFINDEX: u32 = 7;

/// Flows without a bound.
///
/// TCP segments without numbers get those that a real sender would have given them.
#[derive(Debug)]
pub struct FlowTable {
    flows: offline::FlowTable,
    streams: HashMap<FlowKey, [Stream; 2]>,
    /// Of the latest connection.
    initial: u32,
}

/// A sender's sequence numbers: of its SYN, and the next one.
#[derive(Clone, Copy, Debug, Default)]
struct Stream {
    initial: u32,
    next: u32,
}

impl Default for FlowTable {
    fn default() -> Self {
        Self {
            flows: offline::FlowTable::new(u32::MAX),
            streams: HashMap::new(),
            initial: 0,
        }
    }
}

impl FlowTable {
    /// The counters under a key.
    #[must_use]
    pub fn snapshot(&self, key: &FlowKey) -> Option<FlowSnapshot> {
        self.flows.snapshot(key)
    }

    /// Counts a frame; returns the event it causes, if any. Frames without a readable transport header cause none.
    pub fn packet(&mut self, frame: &[u8], now_ns: u64) -> Option<FlowEvent> {
        let mut packet = Packet::parse(frame).ok()?;
        if packet.defect.is_some() {
            return None;
        }
        let (key, sender) = FlowKey::of(&packet);
        if packet.protocol == TCP && (packet.sequence, packet.acknowledgment) == (0, 0) {
            self.number(&key, sender, &mut packet);
        }
        self.flows.observe(&packet, now_ns, IFINDEX)
    }

    /// Every connection has initial numbers of its own, which its SYNs repeat.
    fn number(&mut self, key: &FlowKey, sender: Side, packet: &mut Packet) {
        let syn = packet.tcp_flags & tcp_flags::SYN != 0;
        let open = self.snapshot(key).is_some_and(|flow| !flow.closed());
        if syn && packet.tcp_flags & tcp_flags::ACK == 0 && !open {
            self.initial = self.initial.wrapping_add(0x0123_4567);
            let stream = Stream {
                initial: self.initial,
                next: self.initial,
            };
            self.streams.insert(*key, [stream; 2]);
        }
        let streams = self.streams.entry(*key).or_default();
        if packet.tcp_flags & tcp_flags::ACK != 0 {
            packet.acknowledgment = streams[sender.other() as usize].next;
        }
        let stream = &mut streams[sender as usize];
        packet.sequence = if syn { stream.initial } else { stream.next };
        let fin = packet.tcp_flags & tcp_flags::FIN != 0;
        let past = u32::from(syn) + packet.payload + u32::from(fin);
        stream.next = packet.sequence.wrapping_add(past);
    }
}

/// Events of handshakes, each of another connection, `gap_ns` apart from `start_ns` on: from 65,536 clients to ten
/// servers.
pub fn openings(start_ns: u64, gap_ns: u64) -> impl Iterator<Item = FlowEvent> {
    let server = |number: u32| IpAddr::from([10, 0, 0, (number % 10) as u8]);
    let client = |number: u32| IpAddr::from((0x0a01_0000 | (number & 0xffff)).to_be_bytes());
    let (from, to) = ((client(0), 1024).into(), (server(0), 443).into());
    let mut flows = FlowTable::default();
    let events = [
        tcp(from, to, tcp_flags::SYN, 0),
        tcp(to, from, tcp_flags::SYN | tcp_flags::ACK, 0),
        tcp(from, to, tcp_flags::ACK, 0),
    ]
    .map(|frame| flows.packet(&frame, start_ns));
    let first = events.into_iter().flatten().last();
    first.into_iter().flat_map(move |first| {
        (0..).map(move |number: u32| {
            let mut event = first;
            event.now_ns = start_ns + u64::from(number) * gap_ns;
            (event.flow.first_ns, event.flow.last_ns) = (event.now_ns, event.now_ns);
            // The servers have the lower addresses.
            (event.key.a, event.key.b) = (server(number).into(), client(number).into());
            event.key.b_port = 1024 + (number >> 16) as u16;
            event
        })
    })
}

/// A TCP segment with `payload` zero bytes of data.
#[must_use]
pub fn tcp(from: SocketAddr, to: SocketAddr, flags: u8, payload: usize) -> Vec<u8> {
    let mut segment = vec![0; 20 + payload];
    segment[..2].copy_from_slice(&from.port().to_be_bytes());
    segment[2..4].copy_from_slice(&to.port().to_be_bytes());
    segment[12] = 5 << 4;
    segment[13] = flags;
    ip(from.ip(), to.ip(), TCP, &segment, 0)
}

/// A UDP datagram with `payload` zero bytes of data.
#[must_use]
pub fn udp(from: SocketAddr, to: SocketAddr, payload: usize) -> Vec<u8> {
    let mut datagram = vec![0; 8 + payload];
    datagram[..2].copy_from_slice(&from.port().to_be_bytes());
    datagram[2..4].copy_from_slice(&to.port().to_be_bytes());
    ip(from.ip(), to.ip(), UDP, &datagram, 0)
}

/// An ICMP or ICMPv6 message with `payload` zero bytes after its 8-byte header; `id` is an echo's identifier.
#[must_use]
pub fn icmp(from: IpAddr, to: IpAddr, kind: (u8, u8), id: u16, payload: usize) -> Vec<u8> {
    let mut message = vec![0; 8 + payload];
    (message[0], message[1]) = kind;
    message[4..6].copy_from_slice(&id.to_be_bytes());
    let protocol = if from.is_ipv4() { ICMP } else { ICMPV6 };
    ip(from, to, protocol, &message, 0)
}

/// A later fragment of an IPv4 datagram: `offset` in bytes, a multiple of 8, with more to come if `more`.
#[must_use]
pub fn fragment(
    from: IpAddr,
    to: IpAddr,
    protocol: u8,
    offset: u16,
    more: bool,
    payload: usize,
) -> Vec<u8> {
    let field = (offset / 8) | if more { 0x2000 } else { 0 };
    ip(from, to, protocol, &vec![0; payload], field)
}

fn ip(from: IpAddr, to: IpAddr, protocol: u8, above: &[u8], fragment: u16) -> Vec<u8> {
    let mut frame = vec![0; 12];
    match (from, to) {
        (IpAddr::V4(from), IpAddr::V4(to)) => {
            frame.extend([0x08, 0x00, 0x45, 0]);
            frame.extend((above.len() as u16 + 20).to_be_bytes());
            frame.extend([0, 0]);
            frame.extend(fragment.to_be_bytes());
            frame.extend([64, protocol, 0, 0]);
            frame.extend(from.octets());
            frame.extend(to.octets());
        }
        _ => {
            let v6 = |address| match address {
                IpAddr::V4(v4) => v4.to_ipv6_mapped(),
                IpAddr::V6(v6) => v6,
            };
            frame.extend([0x86, 0xdd, 0x60, 0, 0, 0]);
            frame.extend((above.len() as u16).to_be_bytes());
            frame.extend([protocol, 64]);
            frame.extend(v6(from).octets());
            frame.extend(v6(to).octets());
        }
    }
    frame.extend_from_slice(above);
    frame
}
