#![expect(clippy::unwrap_used, reason = "a failing unwrap is a failing test")]

use std::net::SocketAddr;

use tidegate_common::packet::tcp_flags::{ACK, SYN};
use tidegate_models::{CLASS_COUNT, Costs};

use super::*;
use crate::{
    config::Config,
    track::{
        Tracker, TrackerLimits,
        testing::{FlowTable, icmp, tcp},
    },
};

const ATTACKER: &str = "203.0.113.9";
const VICTIM: &str = "198.51.100.1";
const MS: u64 = 1_000_000;

/// A policy of three in four, with its own flow table and tracker.
struct Bench {
    policy: Policy,
    flows: FlowTable,
    tracker: Tracker,
    now_ns: u64,
}

impl Bench {
    fn new(allowlist: &[&str]) -> Self {
        let mut config = Config::default().policy;
        config.allowlist = allowlist.iter().map(|cidr| cidr.parse().unwrap()).collect();
        Self {
            policy: Policy::new(config),
            flows: FlowTable::default(),
            tracker: Tracker::new(TrackerLimits::default()),
            now_ns: 1_000 * MS,
        }
    }

    fn send(&mut self, frame: &[u8], class: Class) -> Option<Proposal> {
        self.now_ns += MS;
        let event = self.flows.packet(frame, self.now_ns)?;
        let observation = self.tracker.observe(&event);
        let mut shares = [0.008; CLASS_COUNT];
        shares[class.index()] = 0.96;
        self.policy
            .weigh(&observation, &Costs::ARGMAX.decide(shares))
    }
}

fn syn(port: u16) -> Vec<u8> {
    tcp(end(ATTACKER, port), end(VICTIM, 80), SYN, 0)
}

fn end(ip: &str, port: u16) -> SocketAddr {
    SocketAddr::new(ip.parse().unwrap(), port)
}

fn ping() -> Vec<u8> {
    icmp(
        ATTACKER.parse().unwrap(),
        VICTIM.parse().unwrap(),
        (8, 0),
        7,
        56,
    )
}

#[test]
fn three_of_the_last_four_events_must_agree() {
    let mut bench = Bench::new(&[]);
    assert_eq!(bench.send(&syn(1), Class::Dos), None);
    assert_eq!(bench.send(&syn(2), Class::Normal), None);
    assert_eq!(bench.send(&syn(3), Class::Dos), None);
    let proposal = bench.send(&syn(4), Class::Dos).unwrap();
    assert_eq!(proposal.class, Class::Dos);
    assert_eq!(proposal.target.scope, Scope::SourceDestination);
    assert_eq!(proposal.target.destination, Some(VICTIM.parse().unwrap()));
    assert_eq!(proposal.ttl, Duration::from_secs(60));
}

#[test]
fn what_a_verdict_atoned_for_is_not_held_against_its_source_again() {
    let mut bench = Bench::new(&[]);
    for port in 1..4 {
        bench.send(&syn(port), Class::Dos);
    }
    assert!(bench.send(&syn(4), Class::Dos).is_some(), "still agreed");
    bench
        .policy
        .pardon(ATTACKER.parse().unwrap(), bench.now_ns + 1);
    assert_eq!(bench.send(&syn(5), Class::Dos), None);
    assert_eq!(bench.send(&syn(6), Class::Dos), None);
    assert!(
        bench.send(&syn(7), Class::Dos).is_some(),
        "but new evidence counts"
    );
}

#[test]
fn different_attacks_do_not_agree() {
    let mut bench = Bench::new(&[]);
    for (port, class) in [Class::Dos, Class::Probe, Class::Dos, Class::Probe]
        .into_iter()
        .enumerate()
    {
        assert_eq!(bench.send(&syn(port as u16 + 1), class), None);
    }
}

#[test]
fn doubled_counts_of_pings_count_double() {
    let mut bench = Bench::new(&[]);
    // Events at 1, 2, 4, 8: normal until there are four, then two events are enough.
    let mut proposed = 0;
    for n in 1..=8 {
        let class = if n < 4 { Class::Normal } else { Class::Dos };
        if bench.send(&ping(), class).is_some() {
            proposed = n;
        }
    }
    assert_eq!(proposed, 8);
}

#[test]
fn protected_sources_are_never_proposed() {
    let mut bench = Bench::new(&["203.0.113.0/24"]);
    for port in 1..20 {
        assert_eq!(bench.send(&syn(port), Class::Dos), None);
    }
}

#[test]
fn only_a_completed_handshake_blocks_a_scanner_everywhere() {
    let mut bench = Bench::new(&[]);
    for port in 1..3 {
        assert_eq!(bench.send(&syn(port), Class::Probe), None);
    }
    let narrow = bench.send(&syn(3), Class::Probe).unwrap();
    assert_eq!(narrow.target.scope, Scope::SourceDestination);
    assert_eq!(narrow.ttl, SPOOFABLE_TTL, "shorter than probe's own 300 s");
    let (client, server) = (end(ATTACKER, 3), end(VICTIM, 80));
    assert_eq!(
        bench.send(&tcp(server, client, SYN | ACK, 0), Class::Probe),
        None,
        "an answer is no evidence"
    );
    let proven = bench
        .send(&tcp(client, server, ACK, 0), Class::Probe)
        .unwrap();
    assert_eq!(proven.target.scope, Scope::Source);
    assert_eq!(proven.target.destination, None);
    assert_eq!(proven.ttl, Duration::from_secs(300));
}

#[test]
fn repeated_offenders_are_blocked_twice_as_long_up_to_the_cap() {
    let mut policy = Bench::new(&[]).policy;
    let mut ttl = |now_s: u64| {
        let mut proposal = Proposal {
            target: Target {
                scope: Scope::Source,
                source: ATTACKER.parse().unwrap(),
                destination: None,
                protocol: None,
                port: None,
            },
            action: Action::Drop,
            ttl: Duration::from_secs(600),
            class: Class::R2l,
            confidence: 1.0,
        };
        policy.lengthen(&mut proposal, now_s * 1_000_000_000);
        proposal.ttl.as_secs()
    };
    assert_eq!(
        [ttl(0), ttl(700), ttl(2_000), ttl(5_000), ttl(9_000)],
        [600, 1_200, 2_400, 3_600, 3_600]
    );
    assert_eq!(ttl(50_000), 600, "good conduct is rewarded");
}
