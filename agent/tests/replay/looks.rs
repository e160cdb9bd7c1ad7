//! What no packet causes an event of is judged again.

use tidegate_common::{packet::tcp_flags::SYN, testing::Frame};
use tidegate_models::Class;

use crate::{engine::run, files::*};

const MS: u64 = 1_000_000;

/// SYNs to as many ports of a silent host within 0.1 s.
const PORTS: u16 = 200;

/// That, and a datagram `later`.
fn scan(later: u64) -> Vec<u8> {
    let mut file = Pcap::plain();
    for port in 0..PORTS {
        let frame = Frame::v4([10, 0, 0, 3], [10, 0, 0, 9]).tcp(50_000, 1_000 + port, SYN);
        file.packet(START + u64::from(port) * MS / 2, &frame.build());
    }
    file.packet(START + later, &datagram(1, 2, 5));
    file.bytes
}

#[test]
fn columns_of_a_line_are_those_of_its_event_and_its_class_that_of_the_look() {
    let run = run(&[&scan(20 * SECOND)]);
    let scan: Vec<_> = run
        .ended
        .iter()
        .filter(|ended| ended.connection.responder_port >= 1_000)
        .filter(|ended| ended.connection.originator_port == 50_000)
        .collect();
    let counts: Vec<_> = scan.iter().map(|ended| ended.record.count).collect();
    assert_eq!(counts, (1..=PORTS.into()).collect::<Vec<_>>());
    // By then the first has as many beside it as the last.
    for ended in &scan {
        assert_ne!(ended.class, Class::Normal, "{ended:?}");
    }
    let predictions: u64 = run.summary.predictions.iter().sum();
    assert_eq!(run.summary.events, u64::from(PORTS) + 1);
    let judged = 2 * run.summary.events;
    assert_eq!(predictions, judged, "the datagram's look is at the end");
}

#[test]
fn looks_are_taken_in_time_or_at_the_end() {
    // All at once in the end; some in time, the others in the end.
    for later in [200 * MS, 1_050 * MS] {
        let summary = run(&[&scan(later)]).summary;
        let predictions: u64 = summary.predictions.iter().sum();
        assert_eq!(predictions, 2 * summary.events, "each once");
    }
}
