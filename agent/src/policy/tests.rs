#![expect(clippy::unwrap_used, reason = "a failing unwrap is a failing test")]

mod answers;
mod bursts;
mod crowds;
mod guesses;
mod looks;
mod properties;
mod remainders;

use std::{
    net::{Ipv4Addr, SocketAddr},
    time::Duration,
};

use tidegate_common::{
    packet::{
        ICMP, TCP,
        tcp_flags::{ACK, FIN, RST, SYN},
    },
    verdict::Scope,
};
use tidegate_models::CLASS_COUNT;

use super::*;
use crate::{
    config::{Config, Reaction},
    track::{
        Tracker, TrackerLimits,
        testing::{FlowTable, icmp, tcp},
    },
};

const ATTACKER: &str = "203.0.113.9";
const VICTIM: &str = "198.51.100.1";
const MS: u64 = 1_000_000;
const SECOND: u64 = 1_000 * MS;

/// A policy with its own flow table, tracker and clock.
struct Bench {
    policy: Policy,
    flows: FlowTable,
    tracker: Tracker,
    now_ns: u64,
}

impl Bench {
    fn new() -> Self {
        Self::with(|_| {})
    }

    fn with(change: impl FnOnce(&mut PolicyConfig)) -> Self {
        let mut config = Config::default().policy;
        change(&mut config);
        Self {
            policy: Policy::new(config),
            flows: FlowTable::default(),
            tracker: Tracker::new(TrackerLimits::default()),
            now_ns: 1_000 * SECOND,
        }
    }

    fn wait(&mut self, ns: u64) {
        self.now_ns += ns;
    }

    /// A packet now, of which the classifier says `class`.
    fn advice(&mut self, frame: &[u8], class: Class, share: f32) -> Option<Advice> {
        let event = self.flows.packet(frame, self.now_ns)?;
        let observation = self.tracker.observe(&event);
        self.policy.weigh(&observation, &prediction(class, share))
    }

    /// A packet after `ms`, of which the classifier is sure that it is `class`.
    fn send(&mut self, ms: u64, frame: &[u8], class: Class) -> Option<Proposal> {
        self.wait(ms * MS);
        match self.advice(frame, class, 0.96) {
            Some(Advice::Impose(proposal)) => Some(proposal),
            _ => None,
        }
    }

    /// A handshake, a request and an answer, all within a few ms; what is proposed at the last of them.
    fn talk(&mut self, client: SocketAddr, server: SocketAddr, class: Class) -> Option<Proposal> {
        self.send(1, &tcp(client, server, SYN, 0), Class::Normal);
        self.send(1, &tcp(server, client, SYN | ACK, 0), Class::Normal);
        self.send(1, &tcp(client, server, ACK, 0), class);
        self.send(1, &tcp(client, server, ACK, 10), class);
        self.send(1, &tcp(client, server, ACK, 10), class)
    }
}

fn prediction(class: Class, share: f32) -> Prediction {
    let mut shares = [(1.0 - share) / (CLASS_COUNT - 1) as f32; CLASS_COUNT];
    shares[class.index()] = share;
    Prediction {
        class,
        nearest: class,
        confidence: share,
        shares,
    }
}

fn end(ip: &str, port: u16) -> SocketAddr {
    SocketAddr::new(ip.parse().unwrap(), port)
}

/// A SYN from a port of the attacker to the victim's port 80.
fn syn(port: u16) -> Vec<u8> {
    tcp(end(ATTACKER, port), end(VICTIM, 80), SYN, 0)
}

fn host(number: u32) -> SocketAddr {
    let ip = Ipv4Addr::from(u32::from(Ipv4Addr::new(10, 1, 0, 0)) + number);
    SocketAddr::new(ip.into(), 22)
}

fn ping() -> Vec<u8> {
    let [from, to] = [ATTACKER, VICTIM].map(|ip| ip.parse().unwrap());
    icmp(from, to, (8, 0), 7, 56)
}

#[test]
fn three_of_the_last_four_pieces_on_two_hosts_make_a_narrow_verdict() {
    let mut bench = Bench::new();
    assert_eq!(bench.send(3, &syn(1), Class::Dos), None);
    assert_eq!(bench.send(3, &syn(2), Class::Normal), None);
    assert_eq!(bench.send(3, &syn(3), Class::Dos), None);
    let proposal = bench.send(3, &syn(4), Class::Dos).unwrap();
    assert_eq!(proposal.class, Class::Dos);
    assert_eq!(proposal.target.scope, Scope::SourceDestination);
    assert_eq!(proposal.target.destination, Some(VICTIM.parse().unwrap()));
    assert_eq!(proposal.ttl, Duration::from_secs(60));
    assert_eq!(
        proposal.evidence,
        Evidence {
            about: About::Pair,
            agreeing: 3,
            needed: 3,
            of: 4,
            proven: 0,
            over: Duration::from_millis(9),
            sources: None,
        }
    );
    assert!(proposal.rule().starts_with("3 of the last 4 events"));
}

#[test]
fn a_burst_of_one_instant_is_one_piece_of_evidence() {
    let mut bench = Bench::new();
    for port in 1..200 {
        assert_eq!(bench.send(0, &syn(port), Class::Dos), None);
    }
    assert_eq!(bench.send(3, &syn(200), Class::Dos), None);
    assert!(bench.send(3, &syn(201), Class::Dos).is_some());
}

#[test]
fn a_prediction_below_the_confidence_of_its_class_is_no_evidence() {
    let mut bench = Bench::with(|config| config.dos_confidence = Some(0.99));
    for port in 1..20 {
        assert_eq!(bench.send(3, &syn(port), Class::Dos), None);
        bench.wait(3 * MS);
        assert_eq!(bench.advice(&syn(100 + port), Class::Probe, 0.8), None);
    }
    for port in 200..203 {
        bench.wait(3 * MS);
        assert!(bench.advice(&syn(port), Class::Dos, 0.999).is_some() == (port == 202));
    }
}

#[test]
fn classes_have_their_own_reactions() {
    let mut bench = Bench::with(|config| {
        config.dos_action = Reaction::RateLimit;
        config.limit_rate = 7;
        config.probe_action = Reaction::None;
        config.unknown_action = Reaction::Watch;
    });
    let mut last = |class, from: u16| {
        (from..from + 4)
            .map(|port| bench.send(3, &syn(port), class))
            .last()
            .unwrap()
    };
    let limit = last(Class::Dos, 1).unwrap();
    assert_eq!((limit.action, limit.rate), (Action::RateLimit, Some(7)));
    assert_eq!(last(Class::Probe, 11), None);
    let watch = last(Class::Unknown, 21).unwrap();
    assert_eq!((watch.action, watch.rate), (Action::Watch, None));
    assert_eq!(watch.target.scope, Scope::Tuple);
    // By default what is unknown is shown only.
    let mut bench = Bench::new();
    for port in 1..20 {
        assert_eq!(bench.send(30, &syn(port), Class::Unknown), None);
    }
}

#[test]
fn what_a_verdict_atoned_for_is_not_held_against_its_source_again() {
    let mut bench = Bench::new();
    for port in 1..4 {
        bench.send(3, &syn(port), Class::Dos);
    }
    let proposal = bench.send(3, &syn(4), Class::Dos).unwrap();
    bench.policy.pardon(&proposal.target, bench.now_ns + 1);
    assert_eq!(bench.send(3, &syn(5), Class::Dos), None);
    assert_eq!(bench.send(3, &syn(6), Class::Dos), None);
    assert!(
        bench.send(3, &syn(7), Class::Dos).is_some(),
        "but new evidence counts"
    );
}

#[test]
fn different_attacks_do_not_agree() {
    let mut bench = Bench::new();
    for port in 1..20 {
        let class = [Class::Dos, Class::Probe][usize::from(port % 2)];
        assert_eq!(bench.send(3, &syn(port), class), None);
    }
}

#[test]
fn doubled_counts_of_pings_count_double() {
    let mut bench = Bench::new();
    // Events at 1, 2, 4, 8: normal until there are four, then two events are enough.
    let mut proposed = 0;
    for n in 1..=8 {
        let class = if n < 4 { Class::Normal } else { Class::Dos };
        if bench.send(3, &ping(), class).is_some() {
            proposed = n;
        }
    }
    assert_eq!(proposed, 8);
}

#[test]
fn whoever_sweeps_hosts_for_a_service_is_kept_from_that_service() {
    let mut bench = Bench::new();
    let proposals: Vec<_> = (0..20)
        .map(|n| {
            bench.send(
                50,
                &tcp(end(ATTACKER, 4_000), host(n), SYN, 0),
                Class::Probe,
            )
        })
        .collect();
    assert!(proposals[..5].iter().all(Option::is_none));
    let proposal = proposals[5].as_ref().unwrap();
    assert_eq!(proposal.target.scope, Scope::SourceService);
    assert_eq!(
        (proposal.target.protocol, proposal.target.port),
        (Some(TCP), Some(22))
    );
    assert_eq!(proposal.ttl, Duration::from_secs(60), "it may be forged");

    // The same with pings: ICMP has no ports, so it is kept from ICMP.
    let mut bench = Bench::new();
    let source = ATTACKER.parse().unwrap();
    let proposal = (0..6)
        .map(|n| bench.send(50, &icmp(source, host(n).ip(), (8, 0), 1, 8), Class::Probe))
        .last()
        .unwrap()
        .unwrap();
    assert_eq!(proposal.target.scope, Scope::SourceService);
    assert_eq!(proposal.target.to_string(), "203.0.113.9 > * icmp");
    assert_eq!(proposal.target.protocol, Some(ICMP));
}

#[test]
fn only_completed_handshakes_block_a_scanner_everywhere() {
    let mut bench = Bench::new();
    let mut widest = None;
    for n in 0..8 {
        bench.wait(100 * MS);
        if let Some(proposal) = bench.talk(end(ATTACKER, 4_000), host(n), Class::Probe) {
            widest.get_or_insert((n, proposal));
        }
    }
    let (n, proposal) = widest.unwrap();
    assert_eq!(n, 5, "six connections");
    assert_eq!(proposal.target.scope, Scope::Source);
    assert_eq!(proposal.target.protocol, None);
    assert_eq!(proposal.ttl, Duration::from_secs(300));
    assert_eq!(proposal.evidence.proven, 6);
}

#[test]
fn a_handshake_that_the_responder_takes_back_proves_nothing() {
    let mut bench = Bench::new();
    for n in 0..20 {
        bench.wait(100 * MS);
        let (client, server) = (end(ATTACKER, 4_000), host(n));
        bench.send(1, &tcp(client, server, SYN, 0), Class::Normal);
        bench.send(1, &tcp(server, client, SYN | ACK, 0), Class::Normal);
        // A guessed acknowledgement, and what the server says to it.
        bench.send(1, &tcp(client, server, ACK, 0), Class::Probe);
        bench.send(1, &tcp(server, client, RST, 0), Class::Probe);
        if let Some(proposal) = bench.send(1, &tcp(client, server, ACK, 0), Class::Probe) {
            assert_ne!(proposal.target.scope, Scope::Source);
        }
    }
}

#[test]
fn password_guessing_is_seen_by_what_each_connection_comes_to() {
    let mut bench = Bench::new();
    let server = end(VICTIM, 22);
    let mut proposed = None;
    for port in 4_000..4_020 {
        bench.wait(SECOND);
        // It looks harmless until it is silent. None is closed, so the first six may be anybody's.
        bench.talk(end(ATTACKER, port), server, Class::Normal);
        let last = tcp(end(ATTACKER, port), server, ACK, 10);
        bench.send(1, &last, Class::Normal);
        if let Some(proposal) = bench.send(1_001, &last, Class::R2l) {
            proposed.get_or_insert((port, proposal));
        }
    }
    let (port, proposal) = proposed.unwrap();
    assert_eq!(port, 4_011);
    assert_eq!(proposal.target.scope, Scope::SourceService);
    assert_eq!(proposal.target.port, Some(22));
    assert_eq!(proposal.ttl, Duration::from_secs(600));
}

/// Proposes, and has it put in force.
fn condemned(bench: &mut Bench) -> Proposal {
    for port in 1..3 {
        bench.send(3, &syn(port), Class::Dos);
    }
    let mut proposal = bench.send(3, &syn(3), Class::Dos).unwrap();
    bench.policy.lengthen(&mut proposal, bench.now_ns);
    proposal
}

/// So many harmless packets, `ms` apart; what they earn.
fn behave(bench: &mut Bench, packets: u16, ms: u64) -> Vec<Lift> {
    let mut lifts = Vec::new();
    for port in 0..packets {
        bench.wait(ms * MS);
        let frame = tcp(end(ATTACKER, 30_000 + port), host(9), SYN, 0);
        if let Some(Advice::Lift(lift)) = bench.advice(&frame, Class::Normal, 0.99) {
            lifts.push(lift);
        }
    }
    lifts
}

#[test]
fn good_conduct_lifts_a_verdict_early() {
    let mut bench = Bench::new();
    condemned(&mut bench);
    assert_eq!(behave(&mut bench, 50, 100), [], "not for long enough");
    let lifts = behave(&mut bench, 51, 100);
    assert_eq!(lifts.len(), 1);
    assert_eq!(lifts[0].whom, Whom::Source(ATTACKER.parse().unwrap()));
    assert!(lifts[0].over >= Duration::from_secs(10));
    assert!(lifts[0].normal_events >= 100);
}

#[test]
fn few_packets_or_one_attack_earn_nothing() {
    let mut bench = Bench::new();
    condemned(&mut bench);
    assert_eq!(behave(&mut bench, 9, 2_000), [], "not often enough");
    bench.send(3, &tcp(end(ATTACKER, 1), host(8), SYN, 0), Class::Probe);
    assert_eq!(behave(&mut bench, 90, 100), [], "an attack meanwhile");
    // Nobody is lifted on whom nothing stands.
    let mut bench = Bench::new();
    let proposal = condemned(&mut bench);
    bench.policy.pardon(&proposal.target, bench.now_ns);
    assert_eq!(behave(&mut bench, 300, 100), []);
}

#[test]
fn repeated_offenders_are_blocked_twice_as_long_up_to_the_cap() {
    let proven = Evidence {
        about: About::Source,
        agreeing: 6,
        needed: 6,
        of: 8,
        proven: 6,
        over: Duration::ZERO,
        sources: None,
    };
    let sentence = |policy: &mut Policy, now_s: u64, evidence: Evidence| {
        let mut proposal = Proposal {
            target: Target {
                scope: Scope::Source,
                source: Some(ATTACKER.parse().unwrap()),
                destination: None,
                protocol: None,
                port: None,
            },
            action: Action::Drop,
            rate: None,
            ttl: Duration::from_secs(600),
            class: Class::R2l,
            confidence: 1.0,
            evidence,
        };
        policy.lengthen(&mut proposal, now_s * SECOND);
        let ttl = proposal.ttl.as_secs();
        policy.pardon(&proposal.target, (now_s + ttl) * SECOND);
        ttl
    };
    let mut policy = Bench::new().policy;
    let ttls = [0, 700, 2_000, 5_000, 9_000].map(|now| sentence(&mut policy, now, proven));
    assert_eq!(ttls, [600, 1_200, 2_400, 3_600, 3_600]);
    let later = sentence(&mut policy, 50_000, proven);
    assert_eq!(later, 600, "good conduct is rewarded");
    // Nobody answers for what may have been sent in his name.
    let forged = Evidence {
        proven: 0,
        ..proven
    };
    let mut policy = Bench::new().policy;
    let ttls = [0, 700, 2_000].map(|now| sentence(&mut policy, now, forged));
    assert_eq!(ttls, [600, 600, 600]);
}

#[test]
fn several_verdicts_on_one_offence_are_one_offence() {
    let mut bench = Bench::new();
    let mut first = condemned(&mut bench);
    first.evidence.proven = first.evidence.needed;
    for _ in 0..5 {
        let mut another = first.clone();
        another.ttl = Duration::from_secs(60);
        bench.policy.lengthen(&mut another, bench.now_ns);
        assert_eq!(another.ttl, Duration::from_secs(60));
    }
}
