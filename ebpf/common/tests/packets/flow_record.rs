//! What one packet does to a flow.

use tidegate_common::{
    event::Milestone,
    flow::{FlowKey, FlowRecord, Side, Updated},
    packet::{
        Packet,
        tcp_flags::{ACK, FIN, RST, SYN, URG},
    },
    tcp::{ConnState, Endpoint},
    testing::{
        Frame,
        corpus::{SERVER, v4, v6},
    },
};

use crate::parse;

const SECOND: u64 = 1_000_000_000;
const START: u64 = 1_000 * SECOND;

/// A packet of a conversation from the client (side `a` of the key) and one from the server.
fn pair(frame: &Frame) -> (Packet, Packet) {
    (parse(frame), parse(&frame.clone().reply()))
}

fn client(flags: u8) -> Packet {
    parse(&v4().tcp(40_000, 80, flags))
}

fn server(flags: u8) -> Packet {
    parse(&v4().tcp(40_000, 80, flags).reply())
}

fn first(packet: &Packet, now: u64) -> FlowRecord {
    FlowRecord::first(packet, FlowKey::of(packet).1, now)
}

fn update(record: &FlowRecord, packet: &Packet, now: u64) -> Updated {
    record.update(packet, FlowKey::of(packet).1, now)
}

/// A record after these segments, all at the same moment.
fn after(packets: &[Packet]) -> FlowRecord {
    let record = first(&packets[0], START);
    for packet in &packets[1..] {
        update(&record, packet, START);
    }
    record
}

#[test]
fn counts_are_told_at_doublings_then_at_every_1024_each_way() {
    let (there, back) = pair(&v4().udp(5_000, 53));
    let record = first(&there, START);
    for packet in [there, back] {
        // The first packet of a conversation is its `New` event, not a milestone of the record.
        let from = if packet == there { 2 } else { 1 };
        let told: Vec<u64> = (from..=5_000)
            .filter(|_| match update(&record, &packet, START) {
                Updated::Milestone(milestone) => {
                    assert_eq!(milestone, Milestone::Count);
                    true
                }
                Updated::Quiet => false,
                Updated::Restart => panic!("nothing restarts here"),
            })
            .collect();
        let doublings = (0..=10)
            .map(|power| 1 << power)
            .filter(|&count| count >= from);
        let expected: Vec<u64> = doublings.chain([2_048, 3_072, 4_096]).collect();
        assert_eq!(told, expected);
    }
    assert_eq!(record.snapshot().packets, [5_000, 5_000]);
}

#[test]
fn a_slow_flow_ticks_a_second_after_its_last_event() {
    let (packet, _) = pair(&v4().udp(5_000, 53));
    let record = first(&packet, START);
    for _ in 2..=4 {
        update(&record, &packet, START);
        let _ = record.snapshot_for_event(START);
    }
    // The fifth and sixth packet; the eighth would be a count.
    assert_eq!(update(&record, &packet, START + SECOND - 1), Updated::Quiet);
    let tick = Updated::Milestone(Milestone::Tick);
    assert_eq!(update(&record, &packet, START + SECOND), tick);
    // Until the event is taken, it stays due; then the second begins anew.
    let event = record.snapshot_for_event(START + SECOND);
    assert_eq!(event.event_ns, START);
    assert_eq!(record.snapshot().event_ns, START + SECOND);
    assert_eq!(
        update(&record, &packet, START + 2 * SECOND - 1),
        Updated::Quiet
    );
}

#[test]
fn handshake_and_goodbye_are_told_once() {
    let record = first(&client(SYN), START);
    // The server's first packet is a count milestone; the handshake is not complete yet.
    let count = Updated::Milestone(Milestone::Count);
    assert_eq!(update(&record, &server(SYN | ACK), START), count);
    let established = Updated::Milestone(Milestone::Established);
    assert_eq!(update(&record, &client(ACK), START), established);
    assert_eq!(update(&record, &client(ACK), START), Updated::Quiet);
    assert_eq!(update(&record, &server(FIN | ACK), START), count);
    let closed = Updated::Milestone(Milestone::Closed);
    assert_eq!(update(&record, &client(FIN | ACK), START), closed);
    assert_eq!(update(&record, &server(ACK), START), Updated::Quiet);
    let flow = record.snapshot();
    assert_eq!(flow.endpoints(), (Endpoint::Closed, Endpoint::Closed));
    assert_eq!((flow.packets, flow.originator()), ([4, 3], Side::A));
}

#[test]
fn a_reset_closes() {
    for abort in [client(RST), server(RST | ACK)] {
        let record = after(&[client(SYN), server(SYN | ACK), client(ACK)]);
        let closed = Updated::Milestone(Milestone::Closed);
        assert_eq!(update(&record, &abort, START), closed);
    }
    let rejected = after(&[client(SYN), server(RST | ACK)]).snapshot();
    let (originator, responder) = rejected.endpoints();
    assert_eq!(ConnState::of(originator, responder, false), ConnState::Rej);
}

#[test]
fn a_syn_after_the_end_restarts_and_nothing_else_does() {
    let closed = [
        client(SYN),
        server(SYN | ACK),
        client(FIN | ACK),
        server(FIN | ACK),
    ];
    for end in [&closed[..], &[client(SYN), server(RST | ACK)]] {
        for other in [
            client(ACK),
            server(SYN | ACK),
            client(RST),
            client(FIN | ACK),
        ] {
            assert_ne!(update(&after(end), &other, START), Updated::Restart);
        }
        let record = after(end);
        let before = record.snapshot();
        assert_eq!(update(&record, &client(SYN), START + 1), Updated::Restart);
        assert_eq!(
            record.snapshot(),
            before,
            "the caller replaces it; nothing is counted"
        );
    }
    // A retransmitted SYN, and a SYN in the middle of an open connection.
    assert_ne!(
        update(&after(&[client(SYN)]), &client(SYN), START),
        Updated::Restart
    );
    let open = after(&[client(SYN), server(SYN | ACK), client(ACK)]);
    assert_ne!(update(&open, &client(SYN), START), Updated::Restart);
}

#[test]
fn silence_restarts() {
    for (packet, timeout) in [
        (client(ACK), 300 * SECOND),
        (parse(&v4().udp(1, 2)), 60 * SECOND),
        (parse(&v6().echo(1)), 60 * SECOND),
    ] {
        let record = first(&packet, START);
        assert_ne!(update(&record, &packet, START + timeout), Updated::Restart);
        // From the latest packet on, not from the first.
        assert_ne!(
            update(&record, &packet, START + 2 * timeout),
            Updated::Restart
        );
        assert_eq!(
            update(&record, &packet, START + 3 * timeout + 1),
            Updated::Restart
        );
    }
}

#[test]
fn a_closed_connection_is_soon_forgotten() {
    let goodbye = [
        client(SYN),
        server(SYN | ACK),
        client(ACK | FIN),
        server(ACK | FIN),
    ];
    let last = client(ACK);
    let closed = after(&goodbye);
    assert_ne!(update(&closed, &last, START + 5 * SECOND), Updated::Restart);
    // From the latest packet on.
    let (in_time, late) = (START + 10 * SECOND, START + 15 * SECOND + 1);
    assert_ne!(update(&closed, &last, in_time), Updated::Restart);
    assert_eq!(update(&closed, &last, late), Updated::Restart);
    let half_closed = after(&goodbye[..3]);
    assert_ne!(update(&half_closed, &last, late), Updated::Restart);
}

#[test]
fn a_clock_that_runs_back_is_no_silence() {
    let record = first(&client(ACK), START);
    assert_ne!(
        update(&record, &client(ACK), START - SECOND),
        Updated::Restart
    );
}

#[test]
fn the_sender_of_a_syn_ack_answers() {
    let flow = first(&server(SYN | ACK), START).snapshot();
    assert_eq!((flow.originator(), flow.packets), (Side::A, [0, 1]));
    assert_eq!(flow.endpoints(), (Endpoint::Inactive, Endpoint::SynAckSent));
    let flow = first(&client(SYN | ACK), START).snapshot();
    assert_eq!(flow.originator(), Side::B);
    // Any other first segment is its sender's.
    for flags in [SYN, ACK, FIN, RST, 0] {
        assert_eq!(
            first(&server(flags), START).snapshot().originator(),
            Side::B
        );
    }
}

#[test]
fn an_echo_reply_nobody_asked_for_is_noted() {
    let (request, reply) = pair(&v4().echo(5));
    assert!(!first(&request, START).snapshot().began_with_reply());
    let flow = first(&reply, START).snapshot();
    assert!(flow.began_with_reply());
    assert_eq!(flow.originator(), Side::B);
    let (_, reply) = pair(&v6().echo(5));
    assert!(first(&reply, START).snapshot().began_with_reply());
}

#[test]
fn bytes_are_counted_as_kdd_counts_them() {
    let bytes = |frame: Frame| first(&parse(&frame), START).snapshot().bytes;
    assert_eq!(
        bytes(v4().tcp(1, 2, SYN).tcp_options(&[1; 12]).padding(6)),
        [0, 0]
    );
    assert_eq!(bytes(v4().tcp(1, 2, ACK).payload(7)), [7, 0]);
    assert_eq!(bytes(v4().udp(1, 2).payload(9).padding(9)), [9, 0]);
    // KDD's ping of 56 bytes has 64: its 8-byte header counts.
    assert_eq!(bytes(v4().echo(1).payload(56)), [64, 0]);
    assert_eq!(bytes(v6().echo(1).payload(56).reply()), [0, 64]);
    assert_eq!(bytes(v4().tcp(1, 2, ACK).payload(7).reply()), [0, 7]);
    assert_eq!(bytes(v4().options(&[1; 8]).udp(1, 2).payload(9)), [9, 0]);
}

#[test]
fn land_is_noted() {
    let land = |frame: Frame| first(&parse(&frame), START).snapshot().land();
    assert!(land(Frame::v4(SERVER, SERVER).tcp(139, 139, SYN)));
    assert!(!land(Frame::v4(SERVER, SERVER).tcp(139, 140, SYN)));
    assert!(!land(v4().tcp(139, 139, SYN)));
}

#[test]
fn oddities_are_counted_up_to_the_brim_of_their_fields() {
    let urgent = client(ACK | URG);
    let record = first(&urgent, START);
    for _ in 1..70_000 {
        update(&record, &urgent, START);
    }
    let flow = record.snapshot();
    assert_eq!((flow.urgent(), flow.wrong_fragments()), (65_535, 0));
    assert_eq!(flow.packets, [70_000, 0]);
    assert_eq!(flow.endpoints(), (Endpoint::Partial, Endpoint::Inactive));

    let wrong = parse(&v4().fragment(65_512, false).echo(1).payload(400));
    let record = first(&wrong, START);
    for _ in 1..70_000 {
        update(&record, &wrong, START);
    }
    let flow = record.snapshot();
    assert_eq!((flow.urgent(), flow.wrong_fragments()), (0, 65_535));
    assert!(!flow.land() && flow.originator() == Side::A);
}
