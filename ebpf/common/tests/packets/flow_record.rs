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
/// Of the time of an event.
const UNIT: u64 = 1_024;

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
    let almost = START + SECOND - 2 * UNIT;
    assert_eq!(update(&record, &packet, almost), Updated::Quiet);
    let tick = Updated::Milestone(Milestone::Tick);
    assert_eq!(update(&record, &packet, START + SECOND), tick);
    // Until the event is taken, it stays due; then the second begins anew.
    let event = record.snapshot_for_event(START + SECOND);
    assert_eq!(u64::from(event.event_time()), START / UNIT % (1 << 32));
    let told = record.snapshot().event_time();
    assert_eq!(u64::from(told), (START + SECOND) / UNIT % (1 << 32));
    assert_eq!(update(&record, &packet, almost + SECOND), Updated::Quiet);
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

/// A connection that both sides have closed.
fn closed() -> [Packet; 4] {
    [
        client(SYN),
        server(SYN | ACK),
        client(FIN | ACK),
        server(FIN | ACK),
    ]
}

#[test]
fn a_syn_after_the_end_restarts_and_nothing_else_does() {
    for other in [
        client(ACK),
        server(SYN | ACK),
        client(RST),
        client(FIN | ACK),
    ] {
        assert_ne!(update(&after(&closed()), &other, START), Updated::Restart);
    }
    for syn in [client(SYN), server(SYN)] {
        let record = after(&closed());
        let before = record.snapshot();
        assert_eq!(update(&record, &syn, START + 1), Updated::Restart);
        assert_eq!(
            record.snapshot(),
            before,
            "the caller replaces it; nothing is counted"
        );
    }
}

#[test]
fn the_originators_own_syn_may_come_again_and_another_one_restarts() {
    let another = parse(&v4().tcp(40_000, 80, SYN).numbers(77, 0));
    for unended in [
        &[client(SYN)][..],
        &[client(SYN), server(SYN | ACK), client(ACK)],
        &[client(SYN), server(RST | ACK)],
    ] {
        let record = after(unended);
        assert_ne!(update(&record, &client(SYN), START), Updated::Restart);
        assert_eq!(update(&record, &another, START), Updated::Restart);
    }
    // Also after data, by counting back.
    let data = |at| parse(&v4().tcp(40_000, 80, ACK).payload(100).numbers(at, 2));
    let record = after(&[client(SYN), server(SYN | ACK), data(2), data(102)]);
    assert_ne!(update(&record, &client(SYN), START), Updated::Restart);
    assert_eq!(update(&record, &another, START), Updated::Restart);
    assert_eq!(record.snapshot().bytes, [200, 0]);
}

#[test]
fn a_syn_of_the_responder_crosses_the_originators_or_follows_the_end() {
    let record = after(&[client(SYN)]);
    assert_ne!(update(&record, &server(SYN), START), Updated::Restart);
    let (originator, responder) = record.snapshot().endpoints();
    assert_eq!(ConnState::of(originator, responder, false), ConnState::S1);
    let rejected = after(&[client(SYN), server(RST | ACK)]);
    assert_eq!(update(&rejected, &server(SYN), START), Updated::Restart);
}

#[test]
fn another_answer_to_nothing_is_another_conversation() {
    let record = after(&[server(SYN | ACK)]);
    assert_ne!(update(&record, &server(SYN | ACK), START), Updated::Restart);
    let another = parse(&v4().tcp(40_000, 80, SYN | ACK).numbers(77, 2).reply());
    assert_eq!(update(&record, &another, START), Updated::Restart);
    // To a SYN, it is the same conversation all the same.
    let asked = after(&[client(SYN), server(SYN | ACK)]);
    assert_ne!(update(&asked, &another, START), Updated::Restart);
}

#[test]
fn an_attempt_lasts_five_seconds() {
    let attempt = || {
        let record = after(&[client(SYN)]);
        update(&record, &client(SYN), START + 3 * SECOND);
        record
    };
    let answer = server(SYN | ACK);
    assert_ne!(
        update(&attempt(), &answer, START + 5 * SECOND),
        Updated::Restart
    );
    assert_eq!(
        update(&attempt(), &answer, START + 5 * SECOND + 1),
        Updated::Restart
    );
    let answered = after(&[client(SYN), answer]);
    assert_ne!(
        update(&answered, &client(ACK), START + 6 * SECOND),
        Updated::Restart
    );
}

#[test]
fn what_comes_after_both_have_ended_it_does_not_prolong_it() {
    let reset = [client(SYN), server(SYN | ACK), client(RST), server(RST)];
    for end in [&closed()[..], &reset] {
        let record = after(end);
        assert_ne!(
            update(&record, &client(ACK), START + 4 * SECOND),
            Updated::Restart
        );
        let flow = record.snapshot();
        assert_eq!((flow.last_ns, flow.packets), (START, [3, 2]));
        let late = START + 5 * SECOND + 1;
        assert_eq!(update(&record, &client(ACK), late), Updated::Restart);
    }
    // One reset leaves the other side its say.
    let record = after(&[client(SYN), server(SYN | ACK), client(RST)]);
    update(&record, &server(ACK), START + SECOND);
    assert_eq!(record.snapshot().last_ns, START + SECOND);
}

#[test]
fn only_the_right_acknowledgement_establishes() {
    let open = [client(SYN), server(SYN | ACK)];
    let established = |flags, acknowledgment| {
        let record = after(&open);
        let answer = v4().tcp(40_000, 80, flags).numbers(2, acknowledgment);
        update(&record, &parse(&answer), START);
        record.snapshot().established()
    };
    assert!(established(ACK, 2) && established(FIN | ACK, 2));
    // The SYN's own number, one not sent yet, anything.
    for made_up in [1, 3, 0, 0x8000_0000, u32::MAX] {
        assert!(!established(ACK, made_up), "{made_up}");
    }
    assert!(!established(RST | ACK, 2) && !established(0, 2));
    assert!(!after(&open).snapshot().established());
    // The middle of a connection whose beginning was not seen.
    assert!(
        !after(&[client(ACK), server(ACK), client(ACK)])
            .snapshot()
            .established()
    );
}

#[test]
fn payload_counts_by_sequence_numbers() {
    let data = |at, len| parse(&v4().tcp(40_000, 80, ACK).payload(len).numbers(at, 2));
    let bytes = |segments: &[Packet]| {
        let open = [client(SYN), server(SYN | ACK), client(ACK)];
        after(&[&open[..], segments].concat()).snapshot().bytes
    };
    assert_eq!(bytes(&[data(2, 100), data(102, 50)]), [150, 0]);
    // Sent again, overlapping, out of order, as a keep-alive.
    assert_eq!(bytes(&[data(2, 100), data(2, 100)]), [100, 0]);
    assert_eq!(bytes(&[data(2, 100), data(52, 100)]), [150, 0]);
    assert_eq!(bytes(&[data(102, 50), data(2, 100)]), [150, 0]);
    assert_eq!(bytes(&[data(2, 100), data(101, 1)]), [100, 0]);
    // Missed, and known from what came after it or from its acknowledgement.
    assert_eq!(bytes(&[data(102, 50)]), [150, 0]);
    let acknowledges = |number| parse(&v4().tcp(40_000, 80, ACK).numbers(2, number).reply());
    assert_eq!(bytes(&[data(2, 100), acknowledges(1_002)]), [1_000, 0]);
    assert_eq!(bytes(&[data(2, 100), acknowledges(0x7000_0000)]), [100, 0]);
    // A FIN takes a number, but is no byte; a reset's payload is not of the stream.
    let fin = parse(&v4().tcp(40_000, 80, FIN | ACK).payload(10).numbers(102, 2));
    let last = parse(&v4().tcp(40_000, 80, ACK).numbers(113, 2));
    assert_eq!(
        bytes(&[data(2, 100), fin, acknowledges(113), last, fin]),
        [110, 0]
    );
    let reset = parse(&v4().tcp(40_000, 80, RST).payload(10).numbers(102, 2));
    assert_eq!(bytes(&[data(2, 100), reset]), [100, 0]);
    // A flood with made-up numbers has sent what it has sent, not what lies between them.
    let far = 0x2000_0000;
    assert_eq!(
        bytes(&[data(2, 100), data(far, 10), data(102, 10)]),
        [120, 0]
    );
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
fn an_aborted_connection_is_soon_forgotten() {
    let abort = [client(SYN), server(SYN | ACK), client(ACK), client(RST)];
    let last = server(ACK);
    let aborted = after(&abort);
    assert_ne!(
        update(&aborted, &last, START + 5 * SECOND),
        Updated::Restart
    );
    // From the latest packet on.
    let (in_time, late) = (START + 10 * SECOND, START + 15 * SECOND + 1);
    assert_ne!(update(&aborted, &last, in_time), Updated::Restart);
    assert_eq!(update(&aborted, &last, late), Updated::Restart);
    let open = after(&abort[..3]);
    assert_ne!(update(&open, &last, late), Updated::Restart);
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
    assert_eq!(
        flow.endpoints(),
        (Endpoint::Inactive, Endpoint::Established)
    );
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
    for _ in 1..300 {
        update(&record, &urgent, START);
    }
    let flow = record.snapshot();
    assert_eq!((flow.urgent(), flow.wrong_fragments()), (255, 0));
    assert_eq!(flow.packets, [300, 0]);
    assert_eq!(flow.endpoints(), (Endpoint::Partial, Endpoint::Inactive));

    let wrong = parse(&v4().fragment(65_512, false).echo(1).payload(400));
    let record = first(&wrong, START);
    for _ in 1..300 {
        update(&record, &wrong, START);
    }
    let flow = record.snapshot();
    assert_eq!((flow.urgent(), flow.wrong_fragments()), (0, 255));
    assert!(!flow.land() && flow.originator() == Side::A);
}
