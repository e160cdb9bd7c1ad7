//! Crowds of sources, and sources that turn to a crowd of hosts.

use super::*;
use crate::track::testing::udp;

#[test]
fn a_flood_by_a_crowd_limits_new_conversations_with_the_service() {
    let mut bench = Bench::new();
    let mut proposal = None;
    let mut sent = 0;
    for n in 0..1_000 {
        let source = SocketAddr::new(host(n * 7).ip(), 999);
        sent += 1;
        proposal = bench.send(1, &tcp(source, end(VICTIM, 80), SYN, 0), Class::Dos);
        if proposal.is_some() {
            break;
        }
    }
    let proposal = proposal.unwrap();
    assert!((100..200).contains(&sent), "{sent} ms");
    assert_eq!(proposal.target.scope, Scope::Destination);
    assert_eq!(proposal.target.to_string(), "* > 198.51.100.1:80 tcp");
    assert_eq!(
        (proposal.action, proposal.rate),
        (Action::RateLimit, Some(200))
    );
    assert!(proposal.evidence.sources >= Some(32));
    assert!(proposal.rule().contains("may be forged"));
}

/// What `packets` SYNs a millisecond apart, each from another source, on ports of their own lead to first.
fn crowd_on_ports(bench: &mut Bench, packets: u32, port: impl Fn(u32) -> u16) -> Option<Proposal> {
    (0..packets).find_map(|n| {
        let source = SocketAddr::new(host(n * 7).ip(), 999);
        bench.send(1, &tcp(source, end(VICTIM, port(n)), SYN, 0), Class::Dos)
    })
}

#[test]
fn a_flood_by_a_crowd_on_many_ports_limits_new_conversations_with_the_host() {
    let mut bench = Bench::new();
    let proposal = crowd_on_ports(&mut bench, 1_000, |n| n as u16 + 1).unwrap();
    assert_eq!(proposal.target.scope, Scope::DestinationHost);
    assert_eq!(proposal.target.to_string(), "* > 198.51.100.1 tcp");
    assert_eq!(proposal.action, Action::RateLimit);
    assert!(proposal.rule().contains("on many ports"));
}

#[test]
fn a_flood_on_one_port_leaves_the_hosts_others_alone() {
    for port in [|_: u32| 80, |n: u32| 80 + (n % 2) as u16] {
        let mut bench = Bench::new();
        let proposal = crowd_on_ports(&mut bench, 1_000, port).unwrap();
        assert_eq!(proposal.target.scope, Scope::Destination);
    }
}

#[test]
fn under_a_limit_on_its_port_a_flood_gets_none_on_the_host() {
    let mut bench = Bench::new();
    let mut limit = crowd_on_ports(&mut bench, 1_000, |_| 80).unwrap();
    bench.policy.lengthen(&mut limit, bench.now_ns);
    for _ in 0..100 {
        let more = crowd_on_ports(&mut bench, 100, |_| 80).unwrap();
        assert_ne!(more.target.scope, Scope::DestinationHost);
    }
}

#[test]
fn a_flood_by_reflectors_is_a_crowds_though_each_comes_again() {
    let mut bench = Bench::new();
    // All conversations have begun after 80 ms; six pieces take longer.
    let scopes: Vec<Scope> = (0..1_000)
        .filter_map(|n| {
            let reflector = SocketAddr::new(host(n % 80).ip(), 53);
            let answer = udp(reflector, end(VICTIM, 33_000), 900);
            let mut proposal = bench.send(1, &answer, Class::Dos)?;
            bench.policy.lengthen(&mut proposal, bench.now_ns);
            Some(proposal.target.scope)
        })
        .collect();
    assert_eq!(scopes[0], Scope::Destination);
    assert!(scopes[1..].contains(&Scope::SourceDestination));
}

#[test]
fn a_few_sources_are_no_crowd() {
    let mut bench = Bench::new();
    for n in 0..2_000 {
        let source = SocketAddr::new(host(n % 10).ip(), (n / 10) as u16 + 1);
        if let Some(proposal) = bench.send(1, &tcp(source, end(VICTIM, 80), SYN, 0), Class::Dos) {
            assert_eq!(proposal.target.scope, Scope::SourceDestination);
        }
    }
}

#[test]
fn a_sweep_of_a_subnet_in_one_instant_is_condemned() {
    let sweep = |hosts: u32| {
        let mut bench = Bench::new();
        (0..hosts).find_map(|n| {
            let syn = tcp(end(ATTACKER, 900 + n as u16), host(n), SYN, 0);
            bench.send(0, &syn, Class::Probe)
        })
    };
    let proposal = sweep(60).unwrap();
    assert_eq!(proposal.evidence.about, About::Source);
    assert_eq!(proposal.target.scope, Scope::SourceService);
    // What is said of a few hosts within a moment may be one mistake.
    assert_eq!(sweep(10), None);
}
