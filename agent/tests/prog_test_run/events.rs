//! The kernel's events are those of the same record played in user space.

use std::collections::HashMap;

use tidegate::dataplane::monotonic_ns;
use tidegate_common::{
    event::{FlowEvent, Milestone},
    flow::{FlowKey, FlowRecord, FlowSnapshot, Updated},
    packet::{
        Packet,
        tcp_flags::{ACK, FIN, RST, SYN, URG},
    },
    stats::Counter,
    testing::{
        Frame,
        corpus::{corpus, v4, v6},
    },
};

use crate::bench::{Bench, Outcome};

/// An event without its times: those of the kernel are its own.
type Told = (FlowKey, Option<Milestone>, u8, FlowSnapshot);

/// What user space would have told about these packets, and the flows it would have.
fn played(frames: &[Frame]) -> (Vec<Told>, HashMap<FlowKey, FlowSnapshot>) {
    let mut flows: HashMap<FlowKey, FlowRecord> = HashMap::new();
    let mut told = Vec::new();
    for frame in frames {
        let packet = Packet::parse(&frame.build()[..]).expect("the IP header is readable");
        if packet.defect.is_some() {
            continue;
        }
        let (key, sender) = FlowKey::of(&packet);
        let found = flows.get(&key).map(|flow| flow.update(&packet, sender, 1));
        let milestone = match found {
            Some(Updated::Quiet) => continue,
            Some(Updated::Milestone(milestone)) => milestone,
            Some(Updated::Restart) | None => {
                flows.insert(key, FlowRecord::first(&packet, sender, 1));
                Milestone::New
            }
        };
        let flow = flows[&key].snapshot().timeless();
        told.push((key, Some(milestone), sender as u8, flow));
    }
    let flows = flows
        .iter()
        .map(|(key, flow)| (*key, flow.snapshot().timeless()));
    (told, flows.collect())
}

/// Plays the frames on both sides and compares events and flows.
fn compare(frames: &[Frame]) {
    let mut bench = Bench::new();
    let start = monotonic_ns();
    for frame in frames {
        assert_eq!(bench.run(frame), Outcome::Pass);
    }
    let end = monotonic_ns();
    let (told, flows) = played(frames);
    let events = bench.events();
    assert_eq!(events.len() as u64, bench.counted(Counter::Events));
    // A machine that takes more than a second for all this sees ticks besides.
    let milestones: Vec<Told> = events
        .iter()
        .filter(|event| event.milestone() != Some(Milestone::Tick))
        .map(|event| {
            (
                event.key,
                event.milestone(),
                event.sender,
                event.flow.timeless(),
            )
        })
        .collect();
    assert_eq!(milestones, told);
    for event in &events {
        check_times(event, start, end);
    }
    let table = bench
        .flows()
        .into_iter()
        .map(|(key, flow)| (key, flow.timeless()));
    assert_eq!(table.collect::<HashMap<_, _>>(), flows);
    let news = told.iter().filter(|told| told.1 == Some(Milestone::New));
    assert_eq!(bench.counted(Counter::FlowsNew), news.count() as u64);
}

fn check_times(event: &FlowEvent, start: u64, end: u64) {
    let flow = &event.flow;
    assert!(start <= flow.first_ns && event.now_ns <= end, "{event:?}");
    assert!(flow.first_ns <= flow.last_ns, "{event:?}");
    // What comes after both ends does not prolong a connection.
    assert!(flow.last_ns <= event.now_ns, "{event:?}");
    assert!(flow.last_ns == event.now_ns || flow.closed(), "{event:?}");
    let since = ((event.now_ns >> 10) as u32).wrapping_sub(flow.event_time());
    assert!(u64::from(since) <= (end - start) >> 10, "{event:?}");
    // Test runs come in on the loopback interface.
    assert_eq!((event.ifindex, event.zero), (1, [0; 2]));
}

fn web(flags: u8) -> Frame {
    v4().tcp(40_000, 80, flags)
}

#[test]
fn every_kind_of_packet_and_its_answer() {
    let frames: Vec<_> = corpus()
        .into_iter()
        .flat_map(|(_, frame)| [frame.clone(), frame.reply()])
        .collect();
    compare(&frames);
}

#[test]
fn a_connection_from_syn_to_fin_and_its_successor() {
    let connection = [
        web(SYN),
        web(SYN | ACK).reply(),
        web(ACK),
        web(ACK).payload(200),
        web(ACK).reply().payload(1_400),
        web(ACK | URG).payload(1),
        web(FIN | ACK).reply(),
        web(ACK),
        web(FIN | ACK),
        web(ACK).reply(),
    ];
    compare(&[&connection[..], &connection[..]].concat());
}

#[test]
fn refused_aborted_and_half_seen_connections() {
    compare(&[
        web(SYN),
        web(RST | ACK).reply(),
        web(SYN),
        web(RST),
        v6().tcp(40_000, 22, SYN | ACK).reply(),
        v6().tcp(40_000, 22, ACK),
        v6().tcp(40_000, 22, RST).reply(),
        v4().tcp(40_001, 80, ACK).payload(10),
    ]);
}

#[test]
fn counts_double_then_come_every_1024_each_way() {
    let there = v4().udp(5_000, 53).payload(30);
    let frames: Vec<_> = (0..5_000)
        .map(|n| {
            if n % 2 == 0 {
                there.clone()
            } else {
                there.clone().reply()
            }
        })
        .collect();
    compare(&frames);
    let (told, _) = played(&frames);
    // 1 … 1024 and 2048 for each side.
    assert_eq!(told.len(), 2 * 12);
}

#[test]
fn a_slow_flow_ticks() {
    let mut bench = Bench::new();
    let ping = v4().echo(1);
    for _ in 0..4 {
        bench.run(&ping);
    }
    bench.events();
    bench.run(&ping);
    assert_eq!(bench.events(), [], "the fifth packet is no milestone");
    std::thread::sleep(std::time::Duration::from_millis(1_050));
    bench.run(&ping);
    let events = bench.events();
    let milestones: Vec<_> = events.iter().map(FlowEvent::milestone).collect();
    assert_eq!(milestones, [Some(Milestone::Tick)]);
    assert_eq!(events[0].flow.packets.iter().sum::<u64>(), 6);
    bench.run(&ping);
    assert_eq!(bench.events(), [], "the second begins anew");
}
