//! A flow record as one would write it without a kernel in mind, and the real one played against it.

use proptest::{collection::vec, prelude::*};
use tidegate_common::{
    event::Milestone,
    flow::{FlowKey, FlowRecord, FlowSnapshot, Side, Updated},
    packet::{Fragment, ICMP, ICMPV6, Packet, TCP, tcp_flags},
    tcp::{Endpoint, Segment},
    testing::{Frame, corpus::v4, corpus::v6},
};

use crate::parse;

const SECOND: u64 = 1_000_000_000;
/// Of the time of an event.
const UNIT: u64 = 1_024;

/// How far `to` is ahead of `from`; behind when negative.
fn ahead(from: u32, to: u32) -> i64 {
    i64::from(to.wrapping_sub(from) as i32)
}

/// Farther than this, a sequence number says nothing.
const FAR: i64 = 1 << 20;

struct Model {
    first: u64,
    last: u64,
    event: u64,
    packets: [u64; 2],
    bytes: [u64; 2],
    /// First number after the SYN, of `a` and `b`, and the next one.
    streams: [(u32, u32); 2],
    originator: Side,
    /// Of originator and responder.
    endpoints: [Endpoint; 2],
    established: bool,
    began_with_reply: bool,
    land: bool,
    wrong: u32,
    urgent: u32,
}

impl Model {
    fn first(packet: &Packet, sender: Side, now: u64) -> Self {
        let answer = packet.protocol == TCP && has(packet, tcp_flags::SYN | tcp_flags::ACK);
        let mut model = Self {
            first: now,
            last: now,
            event: now,
            packets: [0; 2],
            bytes: [0; 2],
            streams: [(0, 0); 2],
            originator: if answer { sender.other() } else { sender },
            endpoints: [Endpoint::Inactive; 2],
            established: false,
            began_with_reply: match packet.protocol {
                ICMP => [0, 14, 16, 18].contains(&packet.icmp_type),
                ICMPV6 => [129, 136].contains(&packet.icmp_type),
                _ => false,
            },
            land: packet.source == packet.destination
                && packet.source_port == packet.destination_port,
            wrong: 0,
            urgent: 0,
        };
        model.count(packet, sender);
        model
    }

    /// Place of a side in `endpoints`.
    fn role(&self, side: Side) -> usize {
        usize::from(side != self.originator)
    }

    fn count(&mut self, packet: &Packet, sender: Side) {
        self.packets[sender as usize] += 1;
        if packet.wrong_fragment && self.wrong < 255 {
            self.wrong += 1;
        }
        if has(packet, tcp_flags::URG) && self.urgent < 255 {
            self.urgent += 1;
        }
        if packet.protocol != TCP || packet.fragment == Fragment::Later {
            self.bytes[sender as usize] += u64::from(packet.payload);
            return;
        }
        let (own, peer) = (self.role(sender), self.role(sender.other()));
        let before = [self.endpoints[own], self.endpoints[peer]];
        let segment = Segment {
            flags: packet.tcp_flags,
            data: packet.payload != 0,
            from_originator: own == 0,
        };
        (self.endpoints[own], self.endpoints[peer]) = before[0].after(before[1], segment);
        if own == 0
            && has(packet, tcp_flags::ACK)
            && !has(packet, tcp_flags::RST)
            && [before[0], self.endpoints[0]].contains(&Endpoint::Established)
        {
            let (start, next) = self.streams[sender.other() as usize];
            let fin = u32::from(before[1].said_goodbye());
            let end = packet.acknowledgment.wrapping_sub(fin);
            // Between its first number and its next one, going up from the first.
            self.established |= end.wrapping_sub(start) <= next.wrapping_sub(start);
        }
        self.send(packet, sender, before[0]);
        self.acknowledge(packet, sender.other(), before[1]);
    }

    fn send(&mut self, packet: &Packet, sender: Side, state: Endpoint) {
        let syn = has(packet, tcp_flags::SYN);
        let payload = match has(packet, tcp_flags::RST) {
            true => 0,
            false => packet.payload,
        };
        let at = packet.sequence.wrapping_add(u32::from(syn));
        let end = at.wrapping_add(payload);
        let (start, next) = self.streams[sender as usize];
        let fin = u32::from(state.said_goodbye());
        let distance = ahead(next, end.wrapping_sub(fin));
        if state == Endpoint::Inactive || syn && at != start {
            self.set(sender, end, u64::from(payload));
        } else if (1..=FAR).contains(&distance) {
            self.set(sender, end.wrapping_sub(fin), distance as u64);
        } else if distance.abs() > FAR && payload != 0 {
            self.set(sender, end.wrapping_sub(fin), u64::from(payload));
        }
    }

    fn acknowledge(&mut self, packet: &Packet, receiver: Side, state: Endpoint) {
        if !has(packet, tcp_flags::ACK) {
            return;
        }
        let (_, next) = self.streams[receiver as usize];
        let fin = u32::from(state.said_goodbye());
        let end = packet.acknowledgment.wrapping_sub(fin);
        if state == Endpoint::Inactive {
            self.set(receiver, end, 0);
        } else if !has(packet, tcp_flags::RST) && (1..=FAR).contains(&ahead(next, end)) {
            self.set(receiver, end, ahead(next, end) as u64);
        }
    }

    /// The stream goes on at `next`, having sent `new` bytes more.
    fn set(&mut self, side: Side, next: u32, new: u64) {
        self.bytes[side as usize] += new;
        let start = next.wrapping_sub(self.bytes[side as usize] as u32);
        self.streams[side as usize] = (start, next);
    }

    fn closed(&self) -> bool {
        use Endpoint::{Closed, Inactive};
        self.endpoints.iter().any(|endpoint| endpoint.is_reset())
            || [[Closed, Closed], [Closed, Inactive], [Inactive, Closed]].contains(&self.endpoints)
    }

    fn ended_by_both(&self) -> bool {
        self.endpoints.iter().all(|endpoint| endpoint.is_done())
    }

    fn over(&self, packet: &Packet, sender: Side, now: u64) -> bool {
        let tcp = packet.protocol == TCP;
        let idle = now - self.last;
        if idle > if tcp { 300 } else { 60 } * SECOND {
            return true;
        }
        if !tcp || packet.fragment == Fragment::Later {
            return false;
        }
        let unanswered = matches!(
            self.endpoints,
            [Endpoint::SynSent | Endpoint::SynAckSent, Endpoint::Inactive]
        );
        if self.closed() && idle > 5 * SECOND || unanswered && now > self.first + 5 * SECOND {
            return true;
        }
        let known = self.streams[sender as usize].0 == packet.sequence.wrapping_add(1);
        let answers = has(packet, tcp_flags::ACK);
        match (has(packet, tcp_flags::SYN), answers, self.role(sender)) {
            (true, false, 0) => !known || self.ended_by_both(),
            (true, false, _) => self.closed(),
            (true, true, 1) => !known && self.endpoints[0] == Endpoint::Inactive,
            _ => false,
        }
    }

    fn update(&mut self, packet: &Packet, sender: Side, now: u64) -> Updated {
        if self.over(packet, sender, now) {
            return Updated::Restart;
        }
        let (was_closed, was_established) = (self.closed(), self.established);
        if !self.ended_by_both() {
            self.last = now;
        }
        self.count(packet, sender);
        let sent = self.packets[sender as usize];
        let doubled = (0..=10).any(|power| sent == 1 << power);
        let milestone = if self.closed() && !was_closed {
            Milestone::Closed
        } else if self.established && !was_established {
            Milestone::Established
        } else if doubled || sent.is_multiple_of(1_024) {
            Milestone::Count
        } else if now / UNIT - self.event / UNIT >= SECOND / UNIT {
            Milestone::Tick
        } else {
            return Updated::Quiet;
        };
        Updated::Milestone(milestone)
    }

    fn compare(&self, flow: &FlowSnapshot) -> Result<(), TestCaseError> {
        prop_assert_eq!((flow.first_ns, flow.last_ns), (self.first, self.last));
        prop_assert_eq!(u64::from(flow.event_time()), self.event / UNIT % (1 << 32));
        prop_assert_eq!((flow.packets, flow.bytes), (self.packets, self.bytes));
        prop_assert_eq!(flow.sequence, self.streams.map(|(_, next)| next));
        prop_assert_eq!(flow.originator(), self.originator);
        prop_assert_eq!(flow.endpoints(), (self.endpoints[0], self.endpoints[1]));
        prop_assert_eq!(flow.established(), self.established);
        prop_assert_eq!(flow.closed(), self.closed());
        prop_assert_eq!(flow.began_with_reply(), self.began_with_reply);
        prop_assert_eq!(flow.land(), self.land);
        prop_assert_eq!(
            (flow.wrong_fragments(), flow.urgent()),
            (self.wrong, self.urgent)
        );
        Ok(())
    }
}

/// Whether all these flags are set.
fn has(packet: &Packet, flags: u8) -> bool {
    packet.tcp_flags & flags == flags
}

/// Sequence numbers near the beginning of a stream, so that they often fit, or anywhere.
fn number() -> impl Strategy<Value = u32> {
    prop_oneof![
        2 => Just(1_u32),
        8 => prop::sample::select(vec![2, 3, 502, 503, 1_002, 1_003, 2_000_000]),
        2 => 0..4_000_u32,
        1 => any::<u32>(),
    ]
}

/// A packet of one conversation: who sent it, what it is, and how long after the one before it.
fn step() -> impl Strategy<Value = (bool, u8, usize, u64)> {
    let flags = prop_oneof![
        3 => prop::sample::select(vec![
            tcp_flags::SYN,
            tcp_flags::SYN | tcp_flags::ACK,
            tcp_flags::ACK,
            tcp_flags::FIN | tcp_flags::ACK,
            tcp_flags::RST,
        ]),
        1 => any::<u8>(),
    ];
    let gap = prop_oneof![
        8 => 0..SECOND / 4,
        2 => SECOND / 2..3 * SECOND,
        1 => prop::sample::select(vec![SECOND - 1, SECOND, 60 * SECOND, 60 * SECOND + 1]),
        1 => prop::sample::select(vec![5 * SECOND, 5 * SECOND + 1]),
        1 => prop::sample::select(vec![300 * SECOND, 300 * SECOND + 1, 400 * SECOND]),
    ];
    let payload = prop_oneof![2 => Just(0), 2 => Just(500), 1 => 0..1_460_usize];
    (any::<bool>(), flags, payload, gap)
}

fn play(packets: impl IntoIterator<Item = (Packet, u64)>) -> Result<(), TestCaseError> {
    let mut flow: Option<(FlowRecord, Model)> = None;
    let mut now = 7 * SECOND;
    for (packet, gap) in packets {
        now += gap;
        let (_, sender) = FlowKey::of(&packet);
        if let Some((record, model)) = &mut flow {
            let (found, expected) = (
                record.update(&packet, sender, now),
                model.update(&packet, sender, now),
            );
            prop_assert_eq!(found, expected);
            match found {
                Updated::Quiet => model.compare(&record.snapshot())?,
                Updated::Milestone(_) => {
                    // The copy in the event still shows the event before it.
                    model.compare(&record.snapshot_for_event(now))?;
                    model.event = now;
                    model.compare(&record.snapshot())?;
                }
                Updated::Restart => flow = None,
            }
        }
        if flow.is_none() {
            let (record, model) = (
                FlowRecord::first(&packet, sender, now),
                Model::first(&packet, sender, now),
            );
            model.compare(&record.snapshot())?;
            flow = Some((record, model));
        }
    }
    Ok(())
}

fn directed(frame: Frame, reply: bool) -> Packet {
    parse(&if reply { frame.reply() } else { frame })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn tcp_record_equals_the_model(
        steps in vec((step(), number(), number()), 1..80),
        six in any::<bool>(),
    ) {
        play(steps.into_iter().map(|((reply, flags, payload, gap), sequence, acknowledgment)| {
            let frame = if six { v6() } else { v4() };
            let frame = frame.tcp(40_000, 80, flags).numbers(sequence, acknowledgment);
            (directed(frame.payload(payload), reply), gap)
        }))?;
    }

    #[test]
    fn echo_record_equals_the_model(steps in vec(step(), 1..80), six in any::<bool>()) {
        play(steps.into_iter().map(|(reply, _, payload, gap)| {
            let frame = if six { v6() } else { v4() };
            (directed(frame.echo(5).payload(payload), reply), gap)
        }))?;
    }

    /// Later fragments of a TCP connection: no flags, no state, but wrong ones counted.
    #[test]
    fn fragments_record_equals_the_model(steps in vec(step(), 1..80)) {
        play(steps.into_iter().map(|(reply, offset, payload, gap)| {
            let frame = v4().fragment((u16::from(offset) + 1) * 8, offset % 2 == 0);
            (directed(frame.tcp(40_000, 80, 0).payload(payload), reply), gap)
        }))?;
    }

    /// Long one-sided flows, so that the counts get past the last doubling.
    #[test]
    fn udp_record_equals_the_model(count in 1_u64..5_000, answer_every in 1_u64..50) {
        let (there, back) = (directed(v4().udp(1, 2).payload(9), false), directed(v4().udp(1, 2), true));
        play((1..=count).map(|n| (if n % answer_every == 0 { back } else { there }, 1_000_000)))?;
    }
}
