#![expect(clippy::unwrap_used, reason = "a failing unwrap is a failing test")]

mod hosts;
mod icmp;
mod life;
mod look;
mod loss;

use std::net::{IpAddr, SocketAddr};

use tidegate_common::{
    flow::FlowSnapshot,
    packet::{
        ICMP, UDP,
        tcp_flags::{ACK, FIN, RST, SYN, URG},
    },
};
use tidegate_models::{Flag, Protocol, Service};

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
            // Estimates are the same in every run.
            tracker: Tracker::with_keys(limits, HashKeys::fixed(9)),
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
    assert_eq!(
        (syn.occasion, syn.record.flag),
        (Occasion::Event(Milestone::New), Flag::S0)
    );
    assert_eq!(syn.record.packet_rate, 0);
    let open = lab.talk(MS, &HANDSHAKE[1..]);
    assert!(!open.first && open.connection.established);
    assert_eq!(
        (open.occasion, open.record.flag),
        (Occasion::Event(Milestone::Established), Flag::S1)
    );
    let rest = [
        (true, ACK, 181),
        (false, ACK, 5450),
        (true, FIN | ACK, 0),
        (false, FIN | ACK, 0),
    ];
    let end = lab.talk(2500 * MS, &rest);
    assert_eq!(
        (end.occasion, end.record.flag),
        (Occasion::Event(Milestone::Closed), Flag::SF)
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
