//! From packets to connections that ended: nothing is lost, nothing told twice.

use std::{convert::Infallible, io::Cursor, sync::Arc};

use proptest::prelude::*;
use tidegate::{
    config::Config,
    replay::{Ended, Replay, Summary, WouldBe},
    source::capture::Capture,
    track::Connection,
};
use tidegate_common::{
    packet::tcp_flags::{ACK, FIN, RST, SYN},
    testing::Frame,
};
use tidegate_models::{Class, KddRecord, Model, Schema};

use crate::files::*;

/// What a replay gave.
#[derive(Debug)]
pub(crate) struct Run {
    pub(crate) ended: Vec<Ended>,
    connections: Vec<Connection>,
    pub(crate) summary: Summary,
}

impl Run {
    pub(crate) fn connections(&self) -> &[Connection] {
        &self.connections
    }
}

/// Replays files one after another.
pub(crate) fn run(files: &[&[u8]]) -> Run {
    run_with(files, 1000)
}

fn run_with(files: &[&[u8]], max_flows: u32) -> Run {
    let model = Arc::new(Model::shipped(Schema::Live).unwrap());
    let mut replay = Replay::new(model, &Config::default().policy, max_flows);
    let mut ended = Vec::new();
    let mut out = |connection: &Ended| {
        ended.push(*connection);
        Ok::<_, Infallible>(())
    };
    for file in files {
        let mut capture = Capture::read(Cursor::new(file.to_vec()), None).unwrap();
        while let Some(packet) = capture.next().unwrap() {
            let Ok(()) = replay.packet(&packet, &mut out);
        }
    }
    let Ok(()) = replay.finish(&mut out);
    Run {
        connections: ended.iter().map(|e| e.connection).collect(),
        ended,
        summary: replay.summary(),
    }
}

fn tcp(from: u8, to: u8, ports: (u16, u16), flags: u8, payload: usize) -> Vec<u8> {
    Frame::v4([10, 0, 0, from], [10, 0, 0, to])
        .tcp(ports.0, ports.1, flags)
        .payload(payload)
        .build()
}

#[test]
fn every_packet_is_in_its_connection() {
    let mut file = Pcap::plain();
    // No event falls to the last packets.
    for i in 0..23 {
        file.packet(START + i * 1_000_000, &datagram(1, 2, 10));
    }
    let run = run(&[&file.bytes]);
    let [connection] = run.connections() else {
        panic!("{run:?}")
    };
    assert_eq!((connection.src_packets, connection.src_bytes), (23, 230));
    assert_eq!(connection.last_ns - connection.start_ns, 22_000_000);
    let record = run.ended[0].record;
    assert_eq!((record.src_packets, record.src_bytes), (23, 230));
    assert_eq!((record.count, record.dst_host_count), (1, 1));
}

#[test]
fn estimates_are_the_same_in_every_run() {
    let mut file = Pcap::plain();
    // A flood from many sources and a scan of many ports: how many is estimated.
    for i in 0..250_u16 {
        let at_ns = START + u64::from(i) * 4_000_000;
        file.packet(at_ns, &tcp(i as u8, 255, (40_000 + i, 80), SYN, 0))
            .packet(at_ns, &tcp(251, 255, (50_000, 1000 + i), SYN, 0));
    }
    let [one, other] = [run(&[&file.bytes]), run(&[&file.bytes])];
    let records = |run: &Run| run.ended.iter().map(|e| e.record).collect::<Vec<_>>();
    assert_eq!(records(&one), records(&other));
    assert_eq!(one.summary, other.summary);
    let most = |column: fn(&KddRecord) -> u32| records(&one).iter().map(column).max();
    assert!(most(|r| r.hosts.dst_sources_2s) > Some(100));
    assert!(most(|r| r.hosts.src_ports_60s) > Some(100));
    let crowd = |would_be: &WouldBe| would_be.proposal.evidence.sources;
    let crowds: Vec<_> = one.summary.decisions.iter().filter_map(crowd).collect();
    assert!(!crowds.is_empty(), "{:?}", one.summary);
}

#[test]
fn connections_come_in_the_order_of_their_end() {
    let mut file = Pcap::plain();
    let client = (40_000, 80);
    file.packet(START, &tcp(1, 2, (39_000, 80), SYN, 0))
        .packet(START, &datagram(3, 2, 5))
        .packet(START, &tcp(1, 2, client, SYN, 0))
        .packet(START, &tcp(2, 1, (80, 40_000), RST | ACK, 0))
        .packet(START, &tcp(6, 2, client, ACK, 5))
        .packet(START + 400 * SECOND, &datagram(4, 2, 5))
        .packet(START + 401 * SECOND, &datagram(5, 2, 5));
    let run = run(&[&file.bytes]);
    let ends: Vec<_> = run
        .connections()
        .iter()
        .map(|c| (c.originator.to_string(), c.flag.name()))
        .collect();
    // Closed or unanswered for 5 s, idle for 60 s, idle for 300 s, and the end of the capture.
    let expected = [
        ("10.0.0.1", "REJ"),
        ("10.0.0.1", "S0"),
        ("10.0.0.3", "SF"),
        ("10.0.0.6", "OTH"),
        ("10.0.0.4", "SF"),
        ("10.0.0.5", "SF"),
    ];
    assert_eq!(ends, expected.map(|(ip, flag)| (ip.to_owned(), flag)));
    assert_eq!(run.summary.duration_ns, 401 * SECOND);
}

#[test]
fn silence_and_ports_used_again_make_new_connections() {
    let mut file = Pcap::plain();
    let ports = (40_000, 80);
    let another = Frame::v4([10, 0, 0, 1], [10, 0, 0, 2])
        .tcp(ports.0, ports.1, SYN)
        .numbers(77, 0);
    file.packet(START, &tcp(1, 2, ports, SYN, 0))
        .packet(START, &tcp(2, 1, (80, 40_000), RST | ACK, 0))
        // At once, after 6 s of silence without a SYN, and a datagram after 61 s.
        .packet(START + 1, &another.build())
        .packet(START + 1, &tcp(2, 1, (80, 40_000), RST | ACK, 0))
        .packet(START + 6 * SECOND, &tcp(2, 1, (80, 40_000), RST | ACK, 0))
        .packet(START + 6 * SECOND, &datagram(1, 2, 1))
        .packet(START + 67 * SECOND, &datagram(1, 2, 1));
    let run = run(&[&file.bytes]);
    let packets: Vec<_> = run
        .connections()
        .iter()
        .map(|c| (c.flag.name(), c.src_packets, c.dst_packets))
        .collect();
    assert_eq!(packets[..2], [("REJ", 1, 1), ("REJ", 1, 1)]);
    assert_eq!(packets.len(), 5, "{packets:?}");
}

#[test]
fn several_files_are_one_stretch_of_time() {
    let (mut first, mut second) = (Pcap::plain(), Pcap::new(true, NANOSECONDS, 1));
    first.packet(START, &datagram(1, 2, 5));
    second.packet(START + SECOND, &datagram(1, 2, 5));
    let run = run(&[&first.bytes, &second.bytes]);
    assert_eq!(run.connections().len(), 1);
    assert_eq!(run.connections()[0].src_packets, 2);
    assert_eq!(
        (run.summary.clock_steps, run.summary.duration_ns),
        (0, SECOND)
    );
}

#[test]
fn a_clock_that_steps_back_begins_another_capture() {
    let (mut early, mut late) = (Pcap::plain(), Pcap::plain());
    early.packet(START, &datagram(1, 2, 5));
    late.packet(START + 100 * SECOND, &datagram(1, 2, 7))
        .packet(START + 102 * SECOND, &datagram(1, 2, 7));
    let run = run(&[&late.bytes, &early.bytes]);
    let packets: Vec<_> = run.connections().iter().map(|c| c.src_packets).collect();
    assert_eq!(packets, [2, 1]);
    assert_eq!(run.connections()[1].start_ns, START);
    let summary = run.summary;
    assert_eq!((summary.clock_steps, summary.duration_ns), (1, 2 * SECOND));
    assert_eq!(summary.start_ns, START + 100 * SECOND);
}

#[test]
fn packets_out_of_order_count_as_of_the_latest() {
    let mut file = Pcap::plain();
    file.packet(START + 10 * SECOND, &datagram(1, 2, 5))
        .packet(START, &datagram(1, 2, 5))
        .packet(START + 11 * SECOND, &datagram(1, 2, 5));
    let run = run(&[&file.bytes]);
    let [connection] = run.connections() else {
        panic!("{run:?}")
    };
    assert_eq!(connection.src_packets, 3);
    assert_eq!(connection.last_ns - connection.start_ns, SECOND);
    assert_eq!(run.summary.clock_steps, 0);
}

#[test]
fn times_at_the_ends_of_their_range_do_no_harm() {
    let mut file = Pcapng::new(false);
    file.interface(ETHERNET, &[(9, &[0])]);
    for ticks in [0, u64::MAX, 0, 5, u64::MAX, u64::MAX - 1] {
        file.packet(0, ticks, &datagram(1, 2, 5));
    }
    let run = run(&[&file.bytes]);
    let packets: u64 = run.connections().iter().map(|c| c.src_packets).sum();
    assert_eq!((packets, run.summary.packets), (6, 6));
}

#[test]
fn a_small_table_splits_connections_and_says_so() {
    let mut file = Pcap::plain();
    for i in 0..300_u64 {
        file.packet(START + i, &datagram((i % 3) as u8 + 1, 9, 10));
    }
    let all = run_with(&[&file.bytes], 3);
    assert_eq!((all.connections().len(), all.summary.evicted), (3, 0));
    let split = run_with(&[&file.bytes], 2);
    let packets: u64 = split.connections().iter().map(|c| c.src_packets).sum();
    assert_eq!(packets, 300);
    assert!(split.summary.evicted > 0);
    assert_eq!(split.summary.connections, split.summary.evicted + 2);
}

#[test]
fn a_flood_would_be_blocked_and_a_conversation_not() {
    let mut file = Pcap::plain();
    let echo = |from: u8| {
        Frame::v4([10, 0, 0, from], [10, 0, 0, 9])
            .echo(77)
            .payload(56)
    };
    for i in 0..5000_u64 {
        file.packet(START + i * 1_000_000, &echo(3).build());
        if i % 1000 == 0 {
            file.packet(START + i * 1_000_000, &echo(4).build());
            file.packet(START + i * 1_000_000, &echo(4).reply().build());
        }
    }
    let run = run(&[&file.bytes]);
    let [decision] = &run.summary.decisions[..] else {
        panic!("{:?}", run.summary.decisions)
    };
    assert_eq!(run.summary.decisions_made, 1);
    let proposal = &decision.proposal;
    assert_eq!(proposal.class, Class::Dos);
    assert_eq!(proposal.target.source, Some([10, 0, 0, 3].into()));
    assert!(decision.at_ns - decision.first_packet_ns < SECOND);
    assert_eq!(decision.scenario, "dos (eco_i) by 10.0.0.3 on 10.0.0.9");
    let class_of = |source: &str| {
        let of = |e: &&Ended| e.connection.originator.to_string() == source;
        run.ended.iter().find(of).unwrap().class
    };
    assert_eq!(class_of("10.0.0.3"), Class::Dos);
    assert_eq!(class_of("10.0.0.4"), Class::Normal);
}

/// A verdict, its pardon and its offender's record are of the time in which they were.
#[test]
fn what_was_decided_in_one_capture_is_nothing_to_another() {
    let flood = |start| {
        let mut file = Pcap::plain();
        let echo = Frame::v4([10, 0, 0, 3], [10, 0, 0, 9]).echo(77).payload(56);
        for i in 0..2000_u64 {
            file.packet(start + i * 1_000_000, &echo.build());
        }
        file
    };
    let (late, early) = (flood(START + 10_000 * SECOND), flood(START));
    let run = run(&[&late.bytes, &early.bytes]);
    let decisions: Vec<_> = run
        .summary
        .decisions
        .iter()
        .map(|d| (d.at_ns - START > 5_000 * SECOND, d.proposal.ttl.as_secs()))
        .collect();
    assert_eq!(decisions, [(true, 60), (false, 60)]);
}

/// A packet of a small world: host, port, kind, and how long after the one before.
type Step = (u8, u8, u8, u64);

fn frame((host, port, kind, _): Step) -> Vec<u8> {
    let (client, server) = ((host, 40_000 + u16::from(port)), (9, 80));
    let tcp = |flags, payload| tcp(client.0, server.0, (client.1, server.1), flags, payload);
    let back = |flags, payload| tcp_back(server, client, flags, payload);
    match kind {
        0 => tcp(SYN, 0),
        1 => back(SYN | ACK, 0),
        2 => tcp(ACK, 10),
        3 => back(ACK, 20),
        4 => tcp(ACK | FIN, 0),
        5 => back(ACK | FIN, 0),
        6 => tcp(RST, 0),
        7 => datagram(host, 9, port.into()),
        _ => Frame::v4([10, 0, 0, host], [10, 0, 0, 9])
            .echo(port.into())
            .build(),
    }
}

fn tcp_back(from: (u8, u16), to: (u8, u16), flags: u8, payload: usize) -> Vec<u8> {
    tcp(from.0, to.0, (from.1, to.1), flags, payload)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever is sent, and however small the table: each packet is in exactly one connection, no connection comes
    /// twice, each has a row that fits it, and a second replay gives the same.
    #[test]
    fn packets_are_neither_lost_nor_counted_twice(
        steps in prop::collection::vec(
            (1..4u8, 0..3u8, 0..9u8, prop::sample::select(vec![0, 1, 900, 1_100, 5_500, 6_500, 59_900, 61_000, 310_000])),
            1..150,
        ),
        max_flows in 1..12u32,
    ) {
        let mut file = Pcap::plain();
        let mut now_ns = START;
        for step in &steps {
            now_ns += step.3 * 1_000_000;
            file.packet(now_ns, &frame(*step));
        }
        let once = run_with(&[&file.bytes], max_flows);
        let packets: u64 = once.connections().iter().map(|c| c.src_packets + c.dst_packets).sum();
        prop_assert_eq!(packets, steps.len() as u64);
        prop_assert_eq!(once.summary.connections, once.summary.flows);
        for ended in &once.ended {
            prop_assert_eq!(u64::from(ended.record.src_packets), ended.connection.src_packets);
            prop_assert_eq!(u64::from(ended.record.dst_packets), ended.connection.dst_packets);
            prop_assert_eq!(ended.record.flag, ended.connection.flag);
            prop_assert!(ended.record.count >= 1);
            prop_assert!(ended.connection.last_ns >= ended.connection.start_ns);
        }
        let twice = run_with(&[&file.bytes], max_flows);
        prop_assert_eq!(once.connections(), twice.connections());
        prop_assert_eq!(once.summary, twice.summary);
    }
}
