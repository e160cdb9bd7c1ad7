//! What is said of a connection without a new packet.

use super::*;

impl Bench {
    /// The looks that are due after `ms`, of which the classifier is sure that they show `class`; what is proposed.
    fn look(&mut self, ms: u64, class: Class) -> Vec<Advice> {
        self.wait(ms * MS);
        let mut unlimited = usize::MAX;
        let mut advice = Vec::new();
        while let Some(look) = self.tracker.look(self.now_ns, &mut unlimited) {
            advice.extend(self.policy.weigh(&look, &prediction(class, 0.96)));
            if look.occasion == Occasion::LastLook {
                self.tracker.dismiss(look.id);
            }
        }
        advice
    }

    /// SYNs from one port to hosts, `ms` apart.
    fn sweep(&mut self, ms: u64, hosts: std::ops::Range<u32>, class: Class) {
        for number in hosts {
            let frame = tcp(end(ATTACKER, 4_000), host(number), SYN, 0);
            assert_eq!(self.send(ms, &frame, class), None);
        }
    }
}

fn evidence(advice: &[Advice]) -> Vec<Evidence> {
    let evidence = |advice: &Advice| match advice {
        Advice::Impose(proposal) => proposal.evidence,
        Advice::Lift(lift) => panic!("{lift}"),
    };
    advice.iter().map(evidence).collect()
}

#[test]
fn what_was_over_before_it_was_seen_is_condemned_a_second_later() {
    let mut bench = Bench::new();
    for port in 0..10 {
        assert_eq!(bench.send(3, &syn(port), Class::Normal), None);
    }
    let evidence = evidence(&bench.look(1_000, Class::Probe));
    assert_eq!(evidence[0].about, About::Pair);
    assert_eq!((evidence[0].agreeing, evidence[0].proven), (3, 0));

    let mut bench = Bench::new();
    bench.sweep(25, 0..10, Class::Normal);
    let advice = bench.look(1_000, Class::Probe);
    let Some(Advice::Impose(proposal)) = advice.first() else {
        panic!("{advice:?}");
    };
    assert_eq!(proposal.evidence.about, About::Source);
    assert_eq!(proposal.evidence.agreeing, 6);
    // Half of it can be forged, so all of it can.
    assert_eq!(proposal.target.scope, Scope::SourceService);
    assert_eq!(proposal.ttl, Duration::from_secs(60));
}

#[test]
fn one_connection_is_one_piece_however_often_it_is_looked_at() {
    let mut bench = Bench::with(|config| {
        config.agreeing_events = 2;
        config.wide_agreeing_events = 2;
    });
    assert_eq!(bench.send(3, &syn(1), Class::Probe), None);
    assert_eq!(bench.look(1_000, Class::Probe), []);
    bench.wait(SECOND);
    let another = bench.send(0, &syn(2), Class::Probe).unwrap();
    assert_eq!(another.evidence.agreeing, 2);

    // A conversation, at its end and at its last look.
    let mut bench = Bench::with(|config| config.wide_agreeing_events = 2);
    bench.wait(30 * MS);
    bench.talk(end(ATTACKER, 1), end(VICTIM, 22), Class::Normal);
    let hang_up = tcp(end(ATTACKER, 1), end(VICTIM, 22), RST, 0);
    assert_eq!(bench.send(1, &hang_up, Class::R2l), None);
    assert_eq!(bench.look(7_000, Class::R2l), []);
    assert!(bench.tracker.is_empty(), "it had its last look");
}

#[test]
fn a_piece_says_what_was_said_last() {
    let mut bench = Bench::new();
    bench.sweep(25, 0..3, Class::Dos);
    bench.sweep(25, 3..6, Class::Probe);
    let evidence = evidence(&bench.look(1_000, Class::Probe));
    assert_eq!(evidence.first().map(|e| (e.agreeing, e.of)), Some((6, 8)));
}

#[test]
fn a_normal_look_neither_dilutes_nor_acquits() {
    let mut bench = Bench::new();
    bench.sweep(25, 0..5, Class::Probe);
    assert_eq!(bench.look(1_000, Class::Normal), []);
    let sixth = bench.send(25, &tcp(end(ATTACKER, 1), host(9), SYN, 0), Class::Probe);
    assert_eq!(sixth.unwrap().evidence.agreeing, 6);

    let mut bench = Bench::new();
    condemned(&mut bench);
    for port in 0..200 {
        bench.wait(100 * MS);
        // Its packets are dropped; what it had begun before is all there is to look at.
        let frame = tcp(end(ATTACKER, 30_000 + port), host(9), SYN, 0);
        let event = bench.flows.packet(&frame, bench.now_ns).unwrap();
        bench.tracker.observe(&event);
        assert_eq!(bench.look(0, Class::Normal), []);
    }
}

#[test]
fn what_was_atoned_for_is_no_evidence_when_looked_at() {
    let mut bench = Bench::new();
    let proposal = condemned(&mut bench);
    bench.sweep(3, 0..20, Class::Normal);
    bench.policy.pardon(&proposal.target, bench.now_ns + 1);
    assert_eq!(bench.look(1_500, Class::Probe), []);
    bench.sweep(25, 20..30, Class::Normal);
    assert!(!bench.look(1_000, Class::Probe).is_empty(), "but new deeds");
}

#[test]
fn a_look_at_old_packets_is_no_relapse() {
    let mut bench = Bench::new();
    condemned(&mut bench);
    // The second looks at what it was condemned for come meanwhile.
    bench.look(1_000, Class::Dos);
    assert_eq!(behave(&mut bench, 91, 100).len(), 1, "10.1 s in all");
}
