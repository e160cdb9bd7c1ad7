#![expect(clippy::unwrap_used, reason = "a failing unwrap is a failing test")]

use std::net::{IpAddr, SocketAddr};

use tidegate_common::{
    flow::FlowSnapshot,
    packet::{
        ICMP,
        tcp_flags::{ACK, FIN, RST, SYN, URG},
    },
};
use tidegate_models::{Flag, Service};

use super::{
    testing::{FlowTable, IFINDEX, fragment, icmp, tcp, udp},
    *,
};

const MS: u64 = 1_000_000;
const SECOND: u64 = 1_000_000_000;
/// Where the packet clock stands when a test begins.
const START: u64 = 1_000 * SECOND;

const ECHO: (u8, u8) = (8, 0);
const ECHO_REPLY: (u8, u8) = (0, 0);

fn ip(last: u8) -> IpAddr {
    IpAddr::from([10, 0, 0, last])
}

fn at(last: u8, port: u16) -> SocketAddr {
    SocketAddr::new(ip(last), port)
}

/// Flow table and tracker, wired.
struct Lab {
    flows: FlowTable,
    tracker: Tracker,
    latest: Option<Observation>,
}

impl Lab {
    fn new() -> Self {
        Self::with(TrackerLimits::default())
    }

    fn with(limits: TrackerLimits) -> Self {
        Self {
            flows: FlowTable::default(),
            tracker: Tracker::new(limits),
            latest: None,
        }
    }

    /// A packet `after` the start, in ns.
    fn send(&mut self, after: u64, frame: &[u8]) -> Option<Observation> {
        let event = self.flows.packet(frame, START + after)?;
        self.latest = Some(self.tracker.observe(&event));
        self.latest
    }

    /// Segments one ms apart; `true` is from the client.
    fn talk(&mut self, after: u64, segments: &[(bool, u8, usize)]) -> Observation {
        let (client, server) = (at(2, 40_000), at(1, 80));
        for (i, &(from_client, flags, payload)) in segments.iter().enumerate() {
            let (from, to) = if from_client {
                (client, server)
            } else {
                (server, client)
            };
            self.send(after + i as u64 * MS, &tcp(from, to, flags, payload));
        }
        self.latest.unwrap()
    }

    /// `per_second` echo requests a second for `for_ns`, each answered 50 µs later (if `answered`); what every event
    /// said.
    fn ping(&mut self, per_second: u64, for_ns: u64, answered: bool) -> Vec<Observation> {
        let gap = SECOND / per_second;
        let mut observations = Vec::new();
        for i in 0..for_ns / gap {
            let request = icmp(ip(2), ip(1), ECHO, 77, 56);
            observations.extend(self.send(i * gap, &request));
            if answered {
                let reply = icmp(ip(1), ip(2), ECHO_REPLY, 77, 56);
                let answer = self.send(i * gap + 50_000, &reply);
                assert!(answer.is_none_or(|o| !o.from_originator));
                observations.extend(answer);
            }
        }
        observations
    }
}

const HANDSHAKE: [(bool, u8, usize); 3] = [(true, SYN, 0), (false, SYN | ACK, 0), (true, ACK, 0)];

#[test]
fn web_request_from_syn_to_fin() {
    let mut lab = Lab::new();
    let syn = lab.talk(0, &HANDSHAKE[..1]);
    assert!(syn.first && syn.from_originator);
    assert_eq!((syn.milestone, syn.record.flag), (Milestone::New, Flag::S0));
    assert_eq!(syn.record.packet_rate, 0);
    let open = lab.talk(MS, &HANDSHAKE[1..]);
    assert!(!open.first && open.connection.established);
    assert_eq!(
        (open.milestone, open.record.flag),
        (Milestone::Established, Flag::S1)
    );
    let rest = [
        (true, ACK, 181),
        (false, ACK, 5450),
        (true, FIN | ACK, 0),
        (false, FIN | ACK, 0),
    ];
    let end = lab.talk(2500 * MS, &rest);
    assert_eq!(
        (end.milestone, end.record.flag),
        (Milestone::Closed, Flag::SF)
    );
    let (record, connection) = (end.record, end.connection);
    assert_eq!((record.src_bytes, record.dst_bytes), (181, 5450));
    assert_eq!((record.src_packets, record.dst_packets), (4, 3));
    assert_eq!(record.duration, 2);
    assert_eq!(record.service.name(), "http");
    assert_eq!((record.count, record.serror_rate), (1, 0));
    assert_eq!(IpAddr::from(connection.originator), ip(2));
    assert_eq!(
        (connection.originator_port, connection.responder_port),
        (40_000, 80)
    );
    assert_eq!(IpAddr::from(connection.responder), ip(1));
    assert_eq!((connection.ifindex, connection.icmp), (IFINDEX, None));
    assert!(connection.closed);
    assert_eq!(lab.tracker.len(), 1);
}

#[test]
fn scan_of_closed_ports_is_all_rejections() {
    let mut lab = Lab::new();
    for port in 1..=300u16 {
        let now = u64::from(port) * MS;
        lab.send(now, &tcp(at(2, 50_000), at(1, port), SYN, 0));
        lab.send(now + 1, &tcp(at(1, port), at(2, 50_000), RST | ACK, 0));
    }
    let record = lab.latest.unwrap().record;
    assert_eq!(record.flag, Flag::REJ);
    assert_eq!((record.count, record.srv_count), (300, 1));
    assert_eq!((record.rerror_rate, record.srv_rerror_rate), (100, 100));
    assert_eq!((record.same_srv_rate, record.diff_srv_rate), (0, 100));
    assert_eq!(
        (record.dst_host_count, record.dst_host_rerror_rate),
        (255, 100)
    );
    assert_eq!(record.dst_host_same_src_port_rate, 100);
    assert_eq!(record.src_count, 300);
}

#[test]
fn syn_flood_is_all_syn_errors_until_answered() {
    let mut lab = Lab::new();
    for port in 0..50 {
        lab.send(0, &tcp(at(2, 1024 + port), at(1, 80), SYN, 0));
    }
    assert_eq!(lab.latest.unwrap().record.serror_rate, 100);
    for port in 0..50 {
        lab.send(MS, &tcp(at(1, 80), at(2, 1024 + port), RST | ACK, 0));
    }
    let record = lab.latest.unwrap().record;
    assert_eq!((record.serror_rate, record.rerror_rate), (0, 100));
    assert_eq!((record.count, record.count_100ms), (50, 50));
}

#[test]
fn ping_once_a_second_stays_small() {
    let mut lab = Lab::new();
    let observations = lab.ping(1, 20 * SECOND, true);
    assert!(observations.len() >= 19, "a tick or a count for each");
    for o in &observations {
        // Three when one is counted at its answer, a moment late.
        assert!(o.record.count <= 3, "{:?}", o.record);
        assert_eq!((o.record.count_100ms, o.record.duration), (1, 0));
        assert_eq!((o.record.src_bytes, o.record.dst_bytes), (64, 0));
        assert_eq!(
            (o.record.flag, o.record.service.name()),
            (Flag::SF, "eco_i")
        );
    }
    let last = observations.last().unwrap().record;
    assert_eq!((last.count.min(2), last.packet_rate), (2, 1));
    assert_eq!(last.dst_host_count, 20, "answers are no connections");
    assert_eq!(lab.tracker.len(), 1);
}

#[test]
fn ping_a_hundred_times_a_second_counts_messages() {
    let mut lab = Lab::new();
    let observations = lab.ping(100, 10 * SECOND, true);
    let late = observations.iter().filter(|o| o.at_ns > START + 3 * SECOND);
    for o in late {
        let record = o.record;
        assert!((150..=320).contains(&record.count), "{record:?}");
        assert!((95..=105).contains(&record.packet_rate), "{record:?}");
        assert!((10..=20).contains(&record.count_100ms), "{record:?}");
        assert_eq!(
            (record.count, record.dst_host_count),
            (record.src_count, 255)
        );
    }
}

#[test]
fn ping_flood_is_seen_at_once() {
    let mut lab = Lab::new();
    let observations = lab.ping(1000, 5 * SECOND, false);
    let fifth = observations[4].record;
    assert_eq!((fifth.src_packets, fifth.count), (16, 16));
    assert_eq!((fifth.count_100ms, fifth.packet_rate), (16, 1000));
    let tenth = observations.iter().find(|o| o.record.src_packets == 512);
    let tenth = tenth.unwrap().record;
    assert_eq!(tenth.count, 511);
    assert!((100..=200).contains(&tenth.count_100ms), "{tenth:?}");
    let late = observations.iter().filter(|o| o.at_ns > START + 3 * SECOND);
    for o in late {
        // The entry that reaches farthest back counts whole for as long as it is inside.
        assert!(
            (2000..=3100).contains(&o.record.src_count),
            "{:?}",
            o.record
        );
    }
    for o in observations.iter().filter(|o| o.record.src_packets > 512) {
        assert_eq!((o.record.count, o.record.srv_count), (511, 511));
        assert!((990..=1010).contains(&o.record.packet_rate));
    }
}

#[test]
fn echo_replies_nobody_asked_for_are_connections() {
    let mut lab = Lab::new();
    for i in 0..600 {
        let source = IpAddr::from([10, 1, 0, (i % 60) as u8]);
        let frame = icmp(source, ip(1), ECHO_REPLY, 9, 1024);
        lab.send(i * MS, &frame);
    }
    let o = lab.latest.unwrap();
    assert_eq!(o.record.service.name(), "ecr_i");
    assert_eq!(o.connection.icmp, Some(ECHO_REPLY));
    assert_eq!((o.record.src_bytes, o.record.duration), (1032, 0));
    assert!(o.record.count >= 480, "{:?}", o.record);
    assert_eq!(o.record.same_srv_rate, 100);
}

#[test]
fn icmp_version_6_has_the_same_services() {
    let mut lab = Lab::new();
    let (a, b): (IpAddr, IpAddr) = ("fd00::2".parse().unwrap(), "fd00::1".parse().unwrap());
    let o = lab.send(0, &icmp(a, b, (128, 0), 5, 8)).unwrap();
    assert_eq!(o.record.service.name(), "eco_i");
    assert_eq!((o.record.flag, o.record.src_bytes), (Flag::SF, 16));
    assert_eq!(o.connection.kdd_protocol(), Protocol::Icmp);
    let o = lab.send(0, &icmp(b, a, (1, 4), 0, 48)).unwrap();
    assert_eq!(o.record.service.name(), "urp_i");
    assert_eq!(IpAddr::from(o.connection.responder), a);
}

#[test]
fn udp_is_always_sf() {
    let mut lab = Lab::new();
    lab.send(0, &udp(at(2, 5353), at(1, 53), 30));
    lab.send(MS, &udp(at(1, 53), at(2, 5353), 100));
    let record = lab.latest.unwrap().record;
    assert_eq!((record.flag, record.service.name()), (Flag::SF, "domain_u"));
    assert_eq!((record.src_bytes, record.dst_bytes), (30, 100));
    assert_eq!((record.count, record.packet_rate), (1, 0));
}

#[test]
fn land_urgent_and_wrong_fragments_are_reported() {
    let mut lab = Lab::new();
    let land = lab.send(0, &tcp(at(1, 139), at(1, 139), SYN, 0)).unwrap();
    assert_eq!((land.record.land, land.record.flag), (1, Flag::S0));
    let urgent = lab.send(0, &tcp(at(2, 9), at(1, 139), SYN | URG, 0));
    let urgent = urgent.unwrap().record;
    assert_eq!((urgent.urgent, urgent.land), (1, 0));
    // Teardrop: middle fragments that are no multiple of 8 bytes long.
    for _ in 0..4 {
        lab.send(0, &fragment(ip(2), ip(1), UDP, 24, true, 4));
    }
    let teardrop = lab.latest.unwrap().record;
    assert_eq!((teardrop.wrong_fragment, teardrop.src_bytes), (4, 16));
    assert_eq!(teardrop.service, Service::PRIVATE);
    // Ping of death: the last fragment reaches past 65,535 bytes.
    for _ in 0..4 {
        let frame = fragment(ip(2), ip(1), ICMP, 65_000, false, 1480);
        lab.send(0, &frame);
    }
    let death = lab.latest.unwrap();
    assert_eq!(
        (death.record.wrong_fragment, death.record.src_bytes),
        (1, 1480)
    );
    assert_eq!(death.record.service.name(), "ecr_i");
    assert_eq!(death.connection.wrong_fragment, 4);
}

#[test]
fn reopened_connection_is_a_new_one() {
    let mut lab = Lab::new();
    lab.tracker.keep_ended(10);
    lab.talk(0, &HANDSHAKE);
    let old = lab.talk(10 * MS, &[(true, RST, 0)]);
    assert!(lab.tracker.set_prediction(old.id, Class::Probe, 0.9));
    let new = lab.talk(20 * MS, &HANDSHAKE[..1]);
    assert!(new.first);
    assert_ne!(new.id, old.id);
    assert_eq!((new.record.flag, new.record.src_packets), (Flag::S0, 1));
    assert_eq!((new.record.count, new.record.rerror_rate), (2, 50));
    assert_eq!(lab.tracker.len(), 1);
    assert!(!lab.tracker.set_prediction(old.id, Class::Dos, 1.0));
    let ended = lab.tracker.next_ended().unwrap();
    assert_eq!(ended.connection.flag, Flag::RSTO);
    assert_eq!(ended.prediction, Some((Class::Probe, 0.9)));
    assert_eq!(lab.tracker.next_ended(), None);
    assert_eq!(lab.tracker.recent(9)[0].prediction, None);
}

#[test]
fn reopening_within_one_tick_of_the_clock_is_noticed() {
    let mut lab = Lab::new();
    for _ in 0..3 {
        lab.send(0, &tcp(at(2, 9), at(1, 80), SYN, 0));
        lab.send(0, &tcp(at(1, 80), at(2, 9), RST | ACK, 0));
    }
    let record = lab.latest.unwrap().record;
    assert_eq!((record.count, record.rerror_rate), (3, 100));
}

#[test]
fn lost_events_are_made_up_for() {
    let mut flows = FlowTable::default();
    let mut events = Vec::new();
    for i in 0..2048 {
        events.extend(flows.packet(&icmp(ip(2), ip(1), ECHO, 1, 56), START + i * MS));
    }
    // All but the last event lost.
    let mut tracker = Tracker::new(TrackerLimits::default());
    let o = tracker.observe(events.last().unwrap());
    assert!(o.first);
    assert_eq!((o.record.src_packets, o.record.packet_rate), (2048, 1000));
    assert_eq!((o.record.count, o.record.count_100ms), (511, 100));
    // Some in the middle lost: nothing of their messages is.
    let mut tracker = Tracker::new(TrackerLimits::default());
    for event in events[..8].iter().chain(events.last()) {
        tracker.observe(event);
    }
    let o = tracker.observe(events.last().unwrap());
    assert_eq!((o.record.src_count, o.record.count), (2016, 511));
}

#[test]
fn events_of_a_running_connection_are_taken_up() {
    let mut flows = FlowTable::default();
    let mut tracker = Tracker::new(TrackerLimits::default());
    let (client, server) = (at(2, 40_000), at(1, 22));
    let mut latest = None;
    for (i, (from, to, flags)) in [
        (client, server, SYN),
        (server, client, SYN | ACK),
        (client, server, ACK),
        (client, server, ACK),
    ]
    .into_iter()
    .enumerate()
    {
        let event = flows.packet(&tcp(from, to, flags, 10), START + i as u64 * 10 * SECOND);
        latest = event.or(latest);
    }
    // The agent starts now, 30 s after the connection did.
    let o = tracker.observe(&latest.unwrap());
    assert!(o.first && o.connection.established);
    assert_eq!((o.record.flag, o.record.duration), (Flag::S1, 30));
    assert_eq!((o.record.count, o.record.dst_host_count), (1, 1));
    assert_eq!(IpAddr::from(o.connection.originator), ip(2));
}

#[test]
fn afterthoughts_of_a_closed_connection_are_not_counted_again() {
    let mut lab = Lab::new();
    lab.talk(0, &HANDSHAKE);
    lab.talk(10 * MS, &[(true, RST, 0)]);
    lab.tracker.advance(START + 6 * SECOND);
    assert!(lab.tracker.is_empty());
    lab.talk(7 * SECOND, &[(false, ACK, 100)]);
    let fresh = lab.send(8 * SECOND, &udp(at(3, 9), at(1, 9), 1)).unwrap();
    assert_eq!(fresh.record.dst_host_count, 2);
}

#[test]
fn events_out_of_order_change_nothing_back() {
    let mut flows = FlowTable::default();
    let mut tracker = Tracker::new(TrackerLimits::default());
    let mut events = Vec::new();
    for (i, (from, to, flags)) in [
        (at(2, 9), at(1, 80), SYN),
        (at(1, 80), at(2, 9), SYN | ACK),
        (at(2, 9), at(1, 80), ACK),
        (at(2, 9), at(1, 80), RST),
        (at(2, 9), at(1, 80), SYN),
    ]
    .into_iter()
    .enumerate()
    {
        events.extend(flows.packet(&tcp(from, to, flags, 0), START + i as u64 * MS));
    }
    let [syn, syn_ack, ack, rst, again] = events[..] else {
        panic!("{} events", events.len())
    };
    tracker.observe(&syn);
    tracker.observe(&rst);
    for overtaken in [&ack, &syn_ack] {
        let o = tracker.observe(overtaken);
        assert_eq!((o.record.flag, o.record.src_packets), (Flag::RSTO, 3));
    }
    let new = tracker.observe(&again);
    let o = tracker.observe(&rst);
    assert_eq!((o.id, o.record.flag), (new.id, Flag::S0));
    assert_eq!((o.record.count, o.record.src_packets), (2, 1));
}

#[test]
fn clock_that_steps_back_starts_over() {
    let mut lab = Lab::new();
    lab.send(100 * SECOND, &udp(at(2, 9), at(1, 9), 1));
    let o = lab.send(99 * SECOND, &udp(at(2, 8), at(1, 9), 1)).unwrap();
    assert_eq!((o.record.count, lab.tracker.len()), (2, 2));
    let o = lab.send(0, &udp(at(2, 7), at(1, 9), 1)).unwrap();
    assert_eq!((o.record.count, o.record.dst_host_count), (1, 1));
    assert_eq!((lab.tracker.len(), lab.tracker.evicted()), (1, 0));
}

#[test]
fn connections_go_when_closed_or_idle() {
    let mut lab = Lab::new();
    lab.talk(0, &HANDSHAKE);
    lab.send(0, &udp(at(2, 9), at(1, 9), 1));
    lab.send(0, &tcp(at(2, 1), at(1, 2), SYN, 0));
    lab.send(0, &tcp(at(1, 2), at(2, 1), RST | ACK, 0));
    let mut left = |after| {
        lab.tracker.advance(START + after);
        lab.tracker.len()
    };
    assert_eq!([left(4 * SECOND), left(6 * SECOND)], [3, 2]);
    assert_eq!([left(59 * SECOND), left(61 * SECOND)], [2, 1]);
    assert_eq!([left(299 * SECOND), left(301 * SECOND)], [1, 0]);
}

#[test]
fn one_advance_does_a_bounded_amount_of_work() {
    let mut lab = Lab::new();
    for port in 0..3000 {
        lab.send(0, &udp(at(2, port), at(1, 9), 1));
    }
    lab.tracker.advance(START + 70 * SECOND);
    assert_eq!(lab.tracker.len(), 3000 - MAX_ENDED_AT_ONCE);
    lab.tracker.advance(START + 70 * SECOND);
    lab.tracker.advance(START + 70 * SECOND);
    assert_eq!(lab.tracker.len(), 0);
}

#[test]
fn the_longest_inactive_makes_room() {
    let mut lab = Lab::with(TrackerLimits { max_connections: 3 });
    lab.tracker.keep_ended(1);
    lab.send(0, &tcp(at(2, 1), at(1, 80), SYN, 0));
    lab.send(1, &udp(at(2, 2), at(1, 53), 1));
    lab.send(2, &udp(at(2, 3), at(1, 53), 1));
    // The oldest speaks again: the second goes, then the third.
    lab.send(3, &tcp(at(1, 80), at(2, 1), SYN | ACK, 0));
    lab.send(4, &udp(at(2, 4), at(1, 53), 1));
    lab.send(5, &udp(at(2, 5), at(1, 53), 1));
    assert_eq!((lab.tracker.len(), lab.tracker.evicted()), (3, 2));
    let recent = lab.tracker.recent(10);
    let ports: Vec<_> = recent
        .iter()
        .map(|f| f.connection.originator_port)
        .collect();
    assert_eq!(ports, [5, 4, 1]);
    assert_eq!(lab.tracker.recent(2).len(), 2);
    assert_eq!(lab.tracker.ended_lost(), 1);
    let ended = lab.tracker.next_ended().unwrap();
    assert_eq!(ended.connection.originator_port, 3);
    lab.tracker.finish();
    assert!(lab.tracker.is_empty());
}

#[test]
fn prediction_stays_with_its_connection() {
    let mut lab = Lab::new();
    let o = lab.send(0, &udp(at(2, 1), at(1, 53), 1)).unwrap();
    assert!(lab.tracker.set_prediction(o.id, Class::Dos, 0.75));
    lab.send(1, &udp(at(2, 1), at(1, 53), 1));
    let followed = lab.tracker.recent(1)[0];
    assert_eq!(followed.prediction, Some((Class::Dos, 0.75)));
    assert_eq!((followed.id, followed.connection.src_packets), (o.id, 2));
}

#[test]
fn counters_saturate_in_the_columns_only() {
    let mut tracker = Tracker::new(TrackerLimits::default());
    let event = |now_ns, packets| {
        let flow = FlowSnapshot {
            first_ns: START,
            last_ns: now_ns,
            packets: [packets, 0],
            ..FlowSnapshot::default()
        };
        let key = FlowKey {
            protocol: UDP,
            ..FlowKey::default()
        };
        let side = tidegate_common::flow::Side::A;
        FlowEvent::new(key, flow, now_ns, 1, Milestone::Tick, side)
    };
    tracker.observe(&event(START + SECOND, u64::from(u32::MAX) - 499));
    let o = tracker.observe(&event(START + 2 * SECOND, (1 << 32) + 500));
    assert_eq!(o.connection.src_packets, (1 << 32) + 500);
    assert_eq!(o.record.src_packets, u32::MAX);
    assert_eq!(o.record.packet_rate, 1000);
    let mut unknown = event(START + 2 * SECOND, (1 << 32) + 501);
    unknown.milestone = 99;
    assert_eq!(tracker.observe(&unknown).milestone, Milestone::Tick);
}

mod any_event {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

        /// Whatever bytes the ring buffer holds: no panic, bounds kept, columns in their ranges.
        #[test]
        fn does_no_harm(
            events in proptest::collection::vec((any::<[u8; 128]>(), 0..4u8, any::<bool>()), 1..40),
        ) {
            let mut tracker = Tracker::new(TrackerLimits { max_connections: 8 });
            tracker.keep_ended(4);
            for (bytes, port, tame) in events {
                let size = size_of::<FlowEvent>();
                let mut event = FlowEvent::from_bytes(&bytes[..size]).unwrap();
                if tame {
                    // Few keys and close times, so that events meet.
                    event.key = FlowKey { a_port: u16::from(port), protocol: [1, 6, 17, 58][usize::from(port)], ..FlowKey::default() };
                    event.now_ns %= 4 * SECOND;
                    event.flow.first_ns %= 2;
                    event.milestone %= 6;
                }
                let o = tracker.observe(&event);
                let r = o.record;
                prop_assert!(r.count >= 1 && r.srv_count >= 1 && r.count_100ms >= 1 && r.src_count >= 1);
                prop_assert!(r.count <= 511 && r.srv_count <= 511 && r.src_count <= 65_535);
                prop_assert!((1..=255).contains(&r.dst_host_count));
                prop_assert!((1..=255).contains(&r.dst_host_srv_count));
                prop_assert!(r.serror_rate + r.rerror_rate <= 101);
                prop_assert!(tracker.len() <= 8);
                tracker.advance(event.now_ns);
                prop_assert_eq!(tracker.recent(100).len(), tracker.len());
            }
        }
    }
}
