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
