//! What holds whatever comes.

use proptest::prelude::*;
use tidegate_common::packet::tcp_flags::FIN;

use super::*;
use crate::track::testing::udp;

/// A packet by one of a few hosts to one of a few others, and what is said of it.
#[derive(Clone, Copy, Debug)]
struct Step {
    wait_ms: u64,
    source: u8,
    destination: u8,
    port: u16,
    kind: u8,
    class: Class,
    share: f32,
}

fn steps(classes: &'static [Class]) -> impl Strategy<Value = Vec<Step>> {
    let step = (
        prop_oneof![Just(0_u64), 0..30_u64, 0..3_000_u64],
        0..4_u8,
        0..4_u8,
        1..4_u16,
        any::<u8>(),
        proptest::sample::select(classes),
        prop_oneof![Just(1.0_f32), 0.5..1.0_f32],
    );
    let step = step.prop_map(
        |(wait_ms, source, destination, port, kind, class, share)| Step {
            wait_ms,
            source,
            destination,
            port,
            kind,
            class,
            share,
        },
    );
    proptest::collection::vec(step, 1..300)
}

/// The frame of a step. Without `handshakes`, no responder ever says a word.
fn frame(step: &Step, handshakes: bool) -> Vec<u8> {
    let source = SocketAddr::new(Ipv4Addr::new(203, 0, 113, step.source).into(), step.port);
    let destination = SocketAddr::new(
        Ipv4Addr::new(198, 51, 100, step.destination).into(),
        20 + step.port,
    );
    match step.kind % 8 {
        0 => udp(source, destination, 8),
        1 => icmp(source.ip(), destination.ip(), (8, 0), step.port, 8),
        2 => tcp(source, destination, ACK, 0),
        3 => tcp(source, destination, FIN | ACK, 0),
        4 if handshakes => tcp(destination, source, SYN | ACK, 0),
        5 if handshakes => tcp(destination, source, ACK, 5),
        6 => tcp(source, destination, ACK, 5),
        _ => tcp(source, destination, SYN, 0),
    }
}

/// All that is proposed; everything proposed is put in force, and pardoned after a while.
fn proposals(bench: &mut Bench, steps: &[Step], handshakes: bool) -> Vec<Proposal> {
    let mut proposed = Vec::new();
    for (n, step) in steps.iter().enumerate() {
        bench.wait(step.wait_ms * MS);
        let advice = bench.advice(&frame(step, handshakes), step.class, step.share);
        if let Some(Advice::Impose(mut proposal)) = advice {
            bench.policy.lengthen(&mut proposal, bench.now_ns);
            if n % 5 == 0 {
                bench.policy.pardon(&proposal.target, bench.now_ns);
            }
            proposed.push(proposal);
        }
    }
    proposed
}

const ANY: &[Class] = &Class::ALL;
const ATTACKS: &[Class] = &[
    Class::Dos,
    Class::Probe,
    Class::R2l,
    Class::U2r,
    Class::Unknown,
];

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_protected_are_never_proposed(steps in steps(ATTACKS)) {
        let mut bench = Bench::with(|config| {
            config.allowlist = vec!["203.0.113.0/31".parse().unwrap()];
            config.unknown_action = Reaction::Drop;
        });
        bench.policy.protected_mut().add("203.0.113.2/32".parse().unwrap());
        for proposal in proposals(&mut bench, &steps, true) {
            // Only 203.0.113.3 is not protected; a responder may be taken for an originator.
            let source = proposal.target.source.unwrap();
            prop_assert_eq!(bench.policy.protected().reason(source), None);
        }
    }

    #[test]
    fn normal_traffic_never_makes_a_proposal(steps in steps(&[Class::Normal])) {
        let mut bench = Bench::new();
        prop_assert_eq!(proposals(&mut bench, &steps, true), []);
        prop_assert_eq!(bench.policy.memories(), 0, "nor a memory");
    }

    #[test]
    fn what_can_be_forged_stays_narrow_and_short(steps in steps(ATTACKS)) {
        let mut bench = Bench::with(|config| config.unknown_action = Reaction::Drop);
        let longest = bench.policy.config.forgeable_ttl;
        for proposal in proposals(&mut bench, &steps, false) {
            prop_assert_ne!(proposal.target.scope, Scope::Source);
            prop_assert!(proposal.ttl <= longest, "{:?}", proposal);
        }
    }

    #[test]
    fn verdicts_keep_within_their_bounds(steps in steps(ANY), max_s in 1..4_000_u64) {
        let max = Duration::from_secs(max_s);
        let mut bench = Bench::with(|config| {
            config.max_ttl = max;
            config.wide_agreeing_events = 2;
            for ttl in [&mut config.dos_ttl, &mut config.probe_ttl, &mut config.r2l_ttl] {
                *ttl = (*ttl).min(max);
            }
            config.u2r_ttl = config.u2r_ttl.min(max);
        });
        for proposal in proposals(&mut bench, &steps, true) {
            prop_assert!(proposal.ttl > Duration::ZERO && proposal.ttl <= max, "{:?}", proposal);
            prop_assert!(proposal.confidence >= bench.policy.config.confidence);
            prop_assert!(proposal.evidence.agreeing >= proposal.evidence.needed);
            prop_assert_eq!(proposal.rate.is_some(), proposal.action == Action::RateLimit);
            let target = proposal.target;
            prop_assert_eq!(target.source.is_some(), target.scope.has_source());
            prop_assert_eq!(target.destination.is_some(), target.scope.has_destination());
            prop_assert_eq!(target.port.is_some(), target.scope.has_port());
        }
    }
}

#[test]
fn a_million_random_sources_take_bounded_memory() {
    let mut bench = Bench::new();
    let frame = syn(1);
    let event = bench.flows.packet(&frame, bench.now_ns).unwrap();
    let mut observation = bench.tracker.observe(&event);
    let prediction = prediction(Class::Dos, 1.0);
    let mut most = 0;
    for n in 0..1_000_000_u32 {
        let scattered = n.wrapping_mul(2_654_435_761);
        observation.connection.originator = Address::from_v4(scattered.to_be_bytes());
        observation.connection.responder_port = scattered as u16;
        observation.at_ns += 1_000;
        if let Some(Advice::Impose(mut proposal)) = bench.policy.weigh(&observation, &prediction) {
            bench.policy.lengthen(&mut proposal, observation.at_ns);
        }
        most = most.max(bench.policy.memories());
    }
    assert!(
        most <= PAIRS + SOURCES + CROWDS + OFFENDERS + 4,
        "{most} memories"
    );
    assert!(most > PAIRS, "they were put to the test");
}
