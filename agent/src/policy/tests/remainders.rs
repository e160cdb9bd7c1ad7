//! The rest of a conversation whose beginning nobody saw.

use super::*;

/// What an FTP server says of a wrong password, to somebody who no longer listens; the last proposal.
fn said_again(bench: &mut Bench, class: Class) -> Option<Proposal> {
    let mut latest = None;
    for port in 0..12 {
        let (server, guesser) = (end(VICTIM, 21), end(ATTACKER, 50_000 + port));
        let answer = tcp(server, guesser, ACK, 22);
        let reset = tcp(guesser, server, RST, 0);
        latest = bench.send(30, &answer, class).or(latest);
        bench.send(1, &reset, class);
    }
    latest
}

/// So many unknown connections are reset by a host that never heard of them; the last proposal.
fn resets(bench: &mut Bench, class: Class) -> Option<Proposal> {
    (0..12)
        .filter_map(|port| {
            let frame = tcp(end(VICTIM, 80), end(ATTACKER, 50_000 + port), RST, 0);
            bench.send(30, &frame, class)
        })
        .last()
}

/// A server closes what its client no longer answers; the last proposal.
fn goodbyes(bench: &mut Bench) -> Option<Proposal> {
    (0..12)
        .filter_map(|port| {
            let frame = tcp(end(VICTIM, 22), end(ATTACKER, 51_000 + port), FIN | ACK, 0);
            bench.send(30, &frame, Class::Probe)
        })
        .last()
}

/// A bench that has been listening for long.
fn of_old() -> Bench {
    let mut bench = Bench::new();
    bench.send(0, &syn(1), Class::Normal);
    bench.wait(SENT_AGAIN_WITHIN.as_nanos() as u64);
    bench
}

#[test]
fn what_began_before_we_listened_is_no_probe() {
    for class in [Class::Probe, Class::R2l] {
        assert_eq!(said_again(&mut Bench::new(), class), None);
        assert_eq!(resets(&mut Bench::new(), class), None);
    }
}

#[test]
fn later_on_nobody_gets_away_with_data_out_of_nowhere() {
    assert!(said_again(&mut of_old(), Class::Probe).is_some());
    assert!(resets(&mut of_old(), Class::Probe).is_some());
    assert!(goodbyes(&mut of_old()).is_some());
    assert!(
        goodbyes(&mut Bench::new()).is_some(),
        "a scan without a SYN is heard from the first moment"
    );
}

#[test]
fn whose_answers_a_verdict_keeps_back_makes_no_prober_of_who_asks() {
    let guesser = Target {
        scope: Scope::Source,
        source: Some(end(ATTACKER, 0).ip()),
        destination: None,
        protocol: None,
        port: None,
    };
    let mut bench = of_old();
    bench.policy.adopt(&guesser, bench.now_ns);
    bench.wait(SENT_AGAIN_WITHIN.as_nanos() as u64);
    assert_eq!(said_again(&mut bench, Class::Probe), None);
    assert_eq!(goodbyes(&mut bench), None);
    bench.policy.pardon(&guesser, bench.now_ns);
    assert_eq!(resets(&mut bench, Class::Probe), None, "nor shortly after");
    bench.wait(SENT_AGAIN_WITHIN.as_nanos() as u64);
    assert!(said_again(&mut bench, Class::Probe).is_some());
}

#[test]
fn whom_a_guesser_has_hung_up_on_is_no_prober_for_saying_goodbye() {
    let mut bench = of_old();
    let (guesser, server) = (end(ATTACKER, 7), end(VICTIM, 22));
    bench.talk(guesser, server, Class::R2l);
    bench.send(5, &tcp(guesser, server, RST, 0), Class::R2l);
    assert_eq!(goodbyes(&mut bench), None);
    bench.wait(SENT_AGAIN_WITHIN.as_nanos() as u64);
    assert!(goodbyes(&mut bench).is_some(), "not for ever");
}

#[test]
fn a_flood_is_one_whenever_it_began() {
    assert!(said_again(&mut Bench::new(), Class::Dos).is_some());
    assert!(resets(&mut Bench::new(), Class::Dos).is_some());
}

#[test]
fn scans_without_a_syn_are_seen_from_the_first_moment() {
    use tidegate_common::packet::tcp_flags::FIN;
    for flags in [ACK, FIN, 0] {
        let mut bench = Bench::new();
        let mut found = false;
        for port in 1..12 {
            let (scanner, victim) = (end(ATTACKER, 40_000), end(VICTIM, port));
            found |= bench
                .send(30, &tcp(scanner, victim, flags, 0), Class::Probe)
                .is_some();
            bench.send(1, &tcp(victim, scanner, RST, 0), Class::Probe);
        }
        assert!(found, "flags {flags:#x}");
    }
}
