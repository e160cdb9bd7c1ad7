//! A flow record as one would write it without a kernel in mind, and the real one played against it.

use proptest::{collection::vec, prelude::*};
use tidegate_common::{
    event::Milestone,
    flow::{FlowKey, FlowRecord, FlowSnapshot, Side, Updated},
    packet::{Fragment, ICMP, ICMPV6, Packet, TCP, tcp_flags},
    tcp::Endpoint,
    testing::{Frame, corpus::v4, corpus::v6},
};

use crate::parse;

const SECOND: u64 = 1_000_000_000;

struct Model {
    first: u64,
    last: u64,
    event: u64,
    packets: [u64; 2],
    bytes: [u64; 2],
    originator: Side,
    endpoints: [Endpoint; 2],
    began_with_reply: bool,
    land: bool,
    wrong: u32,
    urgent: u32,
}

impl Model {
    fn first(packet: &Packet, sender: Side, now: u64) -> Self {
        let answer = packet.protocol == TCP
            && packet.tcp_flags & tcp_flags::SYN != 0
            && packet.tcp_flags & tcp_flags::ACK != 0;
        let mut model = Self {
            first: now,
            last: now,
            event: now,
            packets: [0; 2],
            bytes: [0; 2],
            originator: if answer { sender.other() } else { sender },
            endpoints: [Endpoint::Inactive; 2],
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

    fn count(&mut self, packet: &Packet, sender: Side) {
        self.packets[sender as usize] += 1;
        self.bytes[sender as usize] += u64::from(packet.payload);
        if packet.wrong_fragment && self.wrong < 65_535 {
            self.wrong += 1;
        }
        if packet.tcp_flags & tcp_flags::URG != 0 && self.urgent < 65_535 {
            self.urgent += 1;
        }
        if packet.protocol == TCP && packet.fragment != Fragment::Later {
            let (mine, peers) = if sender == self.originator {
                (0, 1)
            } else {
                (1, 0)
            };
            self.endpoints[mine] =
                self.endpoints[mine].after(self.endpoints[peers], packet.tcp_flags);
        }
    }

    fn closed(&self) -> bool {
        self.endpoints.contains(&Endpoint::Reset)
            || self
                .endpoints
                .iter()
                .all(|&endpoint| endpoint == Endpoint::Closed)
    }

    fn established(&self) -> bool {
        self.endpoints
            .iter()
            .all(|&endpoint| endpoint == Endpoint::Established)
    }

    fn update(&mut self, packet: &Packet, sender: Side, now: u64) -> Updated {
        let timeout = match packet.protocol {
            TCP if self.closed() => 5,
            TCP => 300,
            _ => 60,
        };
        let opens = packet.protocol == TCP
            && packet.tcp_flags & tcp_flags::SYN != 0
            && packet.tcp_flags & tcp_flags::ACK == 0;
        if now > self.last + timeout * SECOND || (opens && self.closed()) {
            return Updated::Restart;
        }
        let (was_closed, was_established) = (self.closed(), self.established());
        self.last = now;
        self.count(packet, sender);
        let sent = self.packets[sender as usize];
        let doubled = (0..=10).any(|power| sent == 1 << power);
        let milestone = if self.closed() && !was_closed {
            Milestone::Closed
        } else if self.established() && !was_established {
            Milestone::Established
        } else if doubled || sent.is_multiple_of(1_024) {
            Milestone::Count
        } else if now >= self.event + SECOND {
            Milestone::Tick
        } else {
            return Updated::Quiet;
        };
        Updated::Milestone(milestone)
    }

    fn compare(&self, flow: &FlowSnapshot) -> Result<(), TestCaseError> {
        prop_assert_eq!(
            (flow.first_ns, flow.last_ns, flow.event_ns),
            (self.first, self.last, self.event)
        );
        prop_assert_eq!((flow.packets, flow.bytes), (self.packets, self.bytes));
        prop_assert_eq!(flow.originator(), self.originator);
        prop_assert_eq!(flow.endpoints(), (self.endpoints[0], self.endpoints[1]));
        prop_assert_eq!(flow.began_with_reply(), self.began_with_reply);
        prop_assert_eq!(flow.land(), self.land);
        prop_assert_eq!(
            (flow.wrong_fragments(), flow.urgent()),
            (self.wrong, self.urgent)
        );
        Ok(())
    }
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
        1 => prop::sample::select(vec![300 * SECOND, 300 * SECOND + 1, 400 * SECOND]),
    ];
    (any::<bool>(), flags, 0..1_460_usize, gap)
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
    fn tcp_record_equals_the_model(steps in vec(step(), 1..80), six in any::<bool>()) {
        play(steps.into_iter().map(|(reply, flags, payload, gap)| {
            let frame = if six { v6() } else { v4() };
            (directed(frame.tcp(40_000, 80, flags).payload(payload), reply), gap)
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
