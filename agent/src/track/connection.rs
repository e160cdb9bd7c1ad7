//! A connection: what the kernel's counters say about one conversation, in KDD's terms.

use tidegate_common::{
    address::Address,
    event::FlowEvent,
    flow::{FlowKey, FlowSnapshot},
    packet::{ICMP, ICMPV6, TCP, UDP},
    tcp::ConnState,
};
use tidegate_models::{Flag, KddRecord, Protocol, Service};

use crate::window::{Entry, ServiceId};

/// One conversation as of its latest event.
///
/// Times are ns of the packet clock, bytes are payload (of TCP by sequence numbers: what is sent twice counts once; of
/// ICMP with the 8-byte header).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Connection {
    /// Who began.
    pub originator: Address,
    /// Its port; 0 for ICMP.
    pub originator_port: u16,
    /// Who was addressed.
    pub responder: Address,
    /// Its port; 0 for ICMP.
    pub responder_port: u16,
    /// IP protocol number.
    pub protocol: u8,
    /// Type and code of the originator's messages, for ICMP and ICMPv6.
    pub icmp: Option<(u8, u8)>,
    /// KDD service.
    pub service: Service,
    /// State of the moment; SF for UDP and ICMP.
    pub flag: Flag,
    /// Whether the originator of a TCP connection was seen to acknowledge the responder's SYN by its number: its
    /// address is not forged.
    pub established: bool,
    /// Whether a TCP connection is over: closed by both sides, aborted by one, or closed by one without a word from
    /// the other.
    pub closed: bool,
    /// Whether it is no more than SYNs without an answer.
    pub attempt: bool,
    /// Whether the first packet of a TCP connection was an answer (SYN+ACK), so that who was sent it passes for the
    /// originator.
    pub began_with_answer: bool,
    /// First packet.
    pub start_ns: u64,
    /// Latest packet of the latest event; of a TCP connection that both sides have ended, the one that ended it.
    pub last_ns: u64,
    /// Packets from the originator.
    pub src_packets: u64,
    /// Packets from the responder.
    pub dst_packets: u64,
    /// Bytes from the originator.
    pub src_bytes: u64,
    /// Bytes from the responder.
    pub dst_bytes: u64,
    /// Fragments no sane sender makes.
    pub wrong_fragment: u32,
    /// Segments with the urgent flag.
    pub urgent: u32,
    /// Whether both ends have the same address and port.
    pub land: bool,
    /// Interface that received the originator's latest packet (of those that caused events).
    pub ifindex: u32,
}

impl Connection {
    pub(super) fn new(event: &FlowEvent) -> Self {
        let (key, flow) = (&event.key, &event.flow);
        let (originator, responder) = (flow.originator(), flow.originator().other());
        let icmp = icmp_message(key, flow.began_with_reply());
        let protocol = kdd_protocol(key.protocol);
        let responder_port = key.port(responder);
        let service = match icmp {
            Some((icmp_type, code)) if key.protocol == ICMPV6 => {
                Service::from_icmpv6(icmp_type, code)
            }
            Some((icmp_type, code)) => Service::from_icmp(icmp_type, code),
            None => Service::from_port(protocol, responder_port),
        };
        let mut connection = Self {
            originator: key.address(originator),
            originator_port: key.port(originator),
            responder: key.address(responder),
            responder_port,
            protocol: key.protocol,
            icmp,
            service,
            flag: Flag::SF,
            established: false,
            closed: false,
            attempt: false,
            began_with_answer: key.protocol == TCP && flow.packets[originator as usize] == 0,
            start_ns: flow.first_ns,
            last_ns: flow.last_ns,
            src_packets: flow.packets[originator as usize],
            dst_packets: flow.packets[responder as usize],
            src_bytes: 0,
            dst_bytes: 0,
            wrong_fragment: 0,
            urgent: 0,
            land: flow.land(),
            ifindex: event.ifindex,
        };
        connection.see_bytes(flow);
        connection.see_state(flow);
        connection
    }

    /// Takes over a later event's snapshot. `newest` says whether it also has the state of the moment.
    pub(super) fn update(&mut self, event: &FlowEvent, newest: bool) {
        self.see_packets(&event.flow);
        self.see_bytes(&event.flow);
        if newest {
            self.see_state(&event.flow);
        }
        if event.from_originator() {
            self.ifindex = event.ifindex;
        }
    }

    /// Brings the connection up to date from the flow table: packets after its latest event are in no event.
    /// `false`, and nothing changed, if the record is another connection's by now.
    pub fn catch_up(&mut self, flow: &FlowSnapshot) -> bool {
        let same = flow.first_ns == self.start_ns;
        if same {
            self.see_packets(flow);
            self.see_bytes(flow);
            self.see_state(flow);
        }
        same
    }

    /// Snapshots taken on several CPUs may come in another order than they were taken: counters never go down.
    fn see_packets(&mut self, flow: &FlowSnapshot) {
        let originator = flow.originator();
        let [sent, answered] =
            [originator, originator.other()].map(|side| flow.packets[side as usize]);
        self.last_ns = self.last_ns.max(flow.last_ns);
        self.src_packets = self.src_packets.max(sent);
        self.dst_packets = self.dst_packets.max(answered);
    }

    fn see_bytes(&mut self, flow: &FlowSnapshot) {
        let originator = flow.originator();
        self.src_bytes = self.src_bytes.max(flow.bytes[originator as usize]);
        self.dst_bytes = self.dst_bytes.max(flow.bytes[originator.other() as usize]);
        self.wrong_fragment = self.wrong_fragment.max(flow.wrong_fragments());
        self.urgent = self.urgent.max(flow.urgent());
    }

    fn see_state(&mut self, flow: &FlowSnapshot) {
        if self.kdd_protocol() != Protocol::Tcp {
            return;
        }
        let (originator, responder) = flow.endpoints();
        let data = self.src_bytes != 0 || self.dst_bytes != 0;
        self.flag = flag(ConnState::of(originator, responder, data));
        self.established |= flow.established();
        self.closed = flow.closed();
        self.attempt = flow.attempt();
    }

    /// KDD's transport.
    #[must_use]
    pub const fn kdd_protocol(&self) -> Protocol {
        kdd_protocol(self.protocol)
    }

    /// Whether this is ICMP or ICMPv6, where every message of the originator is a connection of its own.
    #[must_use]
    pub const fn is_icmp(&self) -> bool {
        self.icmp.is_some()
    }

    pub(super) fn entry(&self) -> Entry {
        Entry {
            host: self.responder,
            service: ServiceId::new(self.kdd_protocol(), self.responder_port, self.service),
            source: self.originator,
            source_port: self.originator_port,
            flag: self.flag,
        }
    }

    /// The columns that don't come from windows.
    pub(super) fn record(&self, packet_rate: u32) -> KddRecord {
        let mut record = KddRecord::new(self.kdd_protocol(), self.service, self.flag);
        record.packet_rate = packet_rate;
        self.describe(&mut record);
        record
    }

    /// Writes the columns that neither windows nor rates have a part in, as of now.
    pub fn describe(&self, record: &mut KddRecord) {
        record.flag = self.flag;
        record.land = u32::from(self.land);
        record.wrong_fragment = self.wrong_fragment;
        record.urgent = self.urgent;
        record.src_packets = saturate(self.src_packets);
        record.dst_packets = saturate(self.dst_packets);
        if self.is_icmp() {
            // One message is one connection: no duration, its own bytes, at most one wrong fragment, no answer.
            record.src_bytes = saturate(self.src_bytes / self.src_packets.max(1));
            record.wrong_fragment = self.wrong_fragment.min(1);
        } else {
            record.duration = saturate(self.last_ns.saturating_sub(self.start_ns) / 1_000_000_000);
            record.src_bytes = saturate(self.src_bytes);
            record.dst_bytes = saturate(self.dst_bytes);
        }
    }
}

fn saturate(value: u64) -> u32 {
    u32::try_from(value).unwrap_or(u32::MAX)
}

const fn kdd_protocol(protocol: u8) -> Protocol {
    match protocol {
        UDP => Protocol::Udp,
        ICMP | ICMPV6 => Protocol::Icmp,
        _ => Protocol::Tcp,
    }
}

/// Type and code of what the originator sends. The key has the question's; if an answer came first, undo that.
///
/// Later fragments have no ICMP header and a key of their own with type and code 0, which reads as an echo reply:
/// that is what KDD calls the fragments of a ping of death.
fn icmp_message(key: &FlowKey, began_with_reply: bool) -> Option<(u8, u8)> {
    let (icmp_type, code) = key.icmp()?;
    let icmp_type = match (key.protocol, icmp_type) {
        _ if !began_with_reply => icmp_type,
        (ICMP, 8) => 0,
        (ICMP, 13 | 15 | 17) | (ICMPV6, 128 | 135) => icmp_type + 1,
        _ => icmp_type,
    };
    Some((icmp_type, code))
}

/// KDD's flag of a connection state.
const fn flag(state: ConnState) -> Flag {
    match state {
        ConnState::S0 => Flag::S0,
        ConnState::S1 => Flag::S1,
        ConnState::S2 => Flag::S2,
        ConnState::S3 => Flag::S3,
        ConnState::Sf => Flag::SF,
        ConnState::Rej => Flag::REJ,
        ConnState::Rsto => Flag::RSTO,
        ConnState::Rstr => Flag::RSTR,
        ConnState::Rstos0 => Flag::RSTOS0,
        ConnState::Sh => Flag::SH,
        ConnState::Oth => Flag::OTH,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn icmp_answers_are_unfolded() {
        let message = |protocol, icmp_type: u8, reply| {
            let b_port = u16::from(icmp_type) << 8 | 1;
            let key = FlowKey {
                protocol,
                b_port,
                ..FlowKey::default()
            };
            icmp_message(&key, reply)
        };
        assert_eq!(message(ICMP, 8, false), Some((8, 1)));
        assert_eq!(message(ICMP, 8, true), Some((0, 1)));
        assert_eq!(message(ICMP, 13, true), Some((14, 1)));
        assert_eq!(message(ICMPV6, 128, true), Some((129, 1)));
        assert_eq!(message(ICMP, 3, true), Some((3, 1)));
        assert_eq!(message(UDP, 8, true), None);
    }
}
