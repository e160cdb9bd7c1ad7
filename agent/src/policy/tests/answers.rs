//! SYN+ACKs that nobody asked for: floods by reflection.

use super::*;

/// Answers to ports of the victim's, each of which it resets; all that is proposed.
fn flood(reflectors: u32, class: Class) -> Vec<Proposal> {
    let mut bench = Bench::new();
    let mut proposals = Vec::new();
    for port in 0..200u16 {
        let reflector = host(u32::from(port) % reflectors);
        let victim = end(VICTIM, 20_000 + port);
        let answer = tcp(reflector, victim, SYN | ACK, 0);
        proposals.extend(bench.send(25, &answer, class));
        let reset = tcp(victim, reflector, RST, 0);
        proposals.extend(bench.send(0, &reset, class));
    }
    proposals
}

#[test]
fn who_sends_them_is_accused_and_not_who_gets_them() {
    let victim = end(VICTIM, 0).ip();
    for reflectors in [1, 150] {
        let proposals = flood(reflectors, Class::Dos);
        assert!(!proposals.is_empty(), "by {reflectors}");
        for proposal in proposals {
            assert_ne!(proposal.target.source, Some(victim), "{proposal:?}");
            let crowd = proposal.target.source.is_none();
            assert_eq!(crowd, reflectors > 1, "{proposal:?}");
            assert_eq!(proposal.target.destination, Some(victim));
        }
    }
}

#[test]
fn they_make_nobody_a_prober() {
    for class in [Class::Probe, Class::R2l, Class::U2r] {
        assert_eq!(flood(1, class), []);
    }
}

#[test]
fn who_goes_on_with_an_answered_conversation_is_its_originator() {
    let mut bench = Bench::new();
    let mut proposals = Vec::new();
    for port in 0..40u16 {
        let (client, server) = (end(ATTACKER, 30_000 + port), end(VICTIM, 80));
        bench.send(25, &tcp(server, client, SYN | ACK, 0), Class::Normal);
        for _ in 0..4 {
            proposals.extend(bench.send(1, &tcp(client, server, ACK, 400), Class::Dos));
        }
    }
    let attacker = Some(end(ATTACKER, 0).ip());
    assert!(!proposals.is_empty());
    assert!(proposals.iter().all(|one| one.target.source == attacker));
}
