//! Scans that are over within an instant.

use super::*;

/// A probe of a port of the victim.
fn knock(port: u16) -> Vec<u8> {
    tcp(end(ATTACKER, 40_000), end(VICTIM, port), SYN, 0)
}

#[test]
fn a_scan_of_a_few_ports_within_an_instant_is_more_than_one_piece() {
    let mut bench = Bench::new();
    let blocked = (1..30).find_map(|port| {
        let proposal = bench.send(0, &knock(port), Class::Probe)?;
        Some((port, proposal))
    });
    let (port, proposal) = blocked.unwrap();
    assert_eq!(port, 9, "the first, and twice four more");
    assert_eq!(proposal.evidence.agreeing, 3);
    assert_eq!(proposal.target.scope, Scope::SourceDestination);

    // A flood of as many connections to as many ports is an instant all the same, and so are three ports in turn.
    let mut bench = Bench::new();
    for port in 1..30 {
        assert_eq!(bench.send(0, &knock(port), Class::Dos), None);
    }
    let mut bench = Bench::new();
    for number in 0..100 {
        let frame = tcp(
            end(ATTACKER, 40_000 + number),
            end(VICTIM, 80 + number % 3),
            SYN,
            0,
        );
        assert_eq!(bench.send(0, &frame, Class::Probe), None);
    }
}

/// The number of the first ping for which something is proposed, if the first ones are still taken for normal.
fn pings_let_pass(gap_us: u64, normal: u64) -> Option<u64> {
    let mut bench = Bench::new();
    (1..=4_096).find(|number| {
        bench.wait(gap_us * 1_000);
        let class = if *number <= normal {
            Class::Normal
        } else {
            Class::Dos
        };
        bench.send(0, &ping(), class).is_some()
    })
}

#[test]
fn hundreds_of_pings_in_an_instant_need_no_second_event() {
    assert_eq!(
        pings_let_pass(10, 0),
        Some(256),
        "an instant is one piece till then"
    );
    assert_eq!(
        pings_let_pass(10, 400),
        Some(512),
        "whatever was said before"
    );
    assert_eq!(
        pings_let_pass(2_000, 400),
        Some(1_012),
        "at 500 a second the tick a second later is another piece"
    );
}
