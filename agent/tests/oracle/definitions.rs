//! What TCP connections come to by definition.

use tidegate::track::Connection;
use tidegate_common::packet::tcp_flags::{ACK, FIN, RST, SYN};

use crate::{
    conversations::{C, MS, S, STEP, Talk},
    engine::replay_frames,
};

const SECOND: u64 = 1_000 * MS;

/// A connection: state, duration in ns, bytes and packets of originator and responder, and whether the client is the
/// originator.
pub(crate) type Told = (&'static str, u64, [u64; 2], [u64; 2], bool);

fn told(connection: &Connection) -> Told {
    (
        connection.flag.name(),
        connection.last_ns - connection.start_ns,
        [connection.src_bytes, connection.dst_bytes],
        [connection.src_packets, connection.dst_packets],
        connection.originator < connection.responder,
    )
}

/// The conversation gives these connections, in the order of their beginning.
#[track_caller]
pub(crate) fn gives(talk: &Talk, expected: &[Told]) {
    let found: Vec<_> = replay_frames(&talk.frames).iter().map(told).collect();
    assert_eq!(found, expected);
}

/// The conversation gives one connection, begun by the client.
#[track_caller]
pub(crate) fn is(talk: &Talk, state: &'static str, steps: u64, bytes: [u64; 2], packets: [u64; 2]) {
    gives(talk, &[(state, steps * STEP, bytes, packets, true)]);
}

const OPEN: fn() -> Talk = || Talk::new().open();

#[test]
fn every_state_of_bros() {
    is(&Talk::new().tcp(C, SYN, 0), "S0", 0, [0, 0], [1, 0]);
    is(&OPEN().exchange(), "S1", 5, [100, 1_000], [4, 2]);
    is(
        &OPEN().tcp(C, FIN | ACK, 0).tcp(S, ACK, 0),
        "S2",
        4,
        [0, 0],
        [3, 2],
    );
    is(
        &OPEN().tcp(S, FIN | ACK, 0).tcp(C, ACK, 0),
        "S3",
        4,
        [0, 0],
        [3, 2],
    );
    // The last acknowledgement comes after the end.
    is(&OPEN().exchange().close(), "SF", 7, [100, 1_000], [6, 3]);
    is(
        &Talk::new().tcp(C, SYN, 0).reset(S),
        "REJ",
        1,
        [0, 0],
        [1, 1],
    );
    is(&OPEN().exchange().reset(C), "RSTO", 6, [100, 1_000], [5, 2]);
    is(&OPEN().exchange().reset(S), "RSTR", 6, [100, 1_000], [4, 3]);
    is(
        &Talk::new().tcp(C, SYN, 0).tcp(C, RST, 0),
        "RSTOS0",
        1,
        [0, 0],
        [2, 0],
    );
    is(
        &Talk::new().tcp(C, SYN, 0).tcp(C, FIN, 0),
        "SH",
        1,
        [0, 0],
        [2, 0],
    );
    is(
        &Talk::new().tcp(C, ACK, 10).tcp(S, ACK, 20),
        "OTH",
        1,
        [10, 20],
        [1, 1],
    );
}

#[test]
fn states_of_what_was_half_seen() {
    // RSTRH and SHR in Zeek: the originator is the one who was answered.
    let answer = || Talk::new().tcp(S, SYN | ACK, 0);
    is(&answer().tcp(S, RST, 0), "OTH", 1, [0, 0], [0, 2]);
    is(&answer().tcp(S, FIN | ACK, 0), "SH", 1, [0, 0], [0, 2]);
    is(&answer().tcp(C, RST, 0), "RSTO", 1, [0, 0], [1, 1]);
    is(&Talk::new().tcp(C, RST, 0), "OTH", 0, [0, 0], [1, 0]);
    // Scans: FIN, NULL, Xmas, ACK, answered with a reset.
    is(
        &Talk::new().tcp(C, FIN, 0).reset(S),
        "RSTR",
        1,
        [0, 0],
        [1, 1],
    );
    is(&Talk::new().tcp(C, 0, 0).reset(S), "OTH", 1, [0, 0], [1, 1]);
    is(
        &Talk::new().tcp(C, FIN | 0x28, 0).reset(S),
        "RSTR",
        1,
        [0, 0],
        [1, 1],
    );
    is(
        &Talk::new().tcp(C, ACK, 0).reset(S),
        "OTH",
        1,
        [0, 0],
        [1, 1],
    );
    // And -sS on an open port.
    let scanned = Talk::new()
        .tcp(C, SYN, 0)
        .tcp(S, SYN | ACK, 0)
        .tcp(C, RST, 0);
    is(&scanned, "RSTO", 2, [0, 0], [2, 1]);
}

#[test]
fn the_beginning_of_a_connection() {
    // The same SYN three times.
    let again = Talk::new().tcp(C, SYN, 0).at(C, 1, SYN, 0).at(C, 1, SYN, 0);
    is(&again, "S0", 2, [0, 0], [3, 0]);
    let answered = again.tcp(S, SYN | ACK, 0).tcp(C, ACK, 0);
    is(&answered, "S1", 4, [0, 0], [4, 1]);
    let rejected = Talk::new()
        .tcp(C, SYN, 0)
        .reset(S)
        .at(C, 1, SYN, 0)
        .reset(S);
    is(&rejected, "REJ", 3, [0, 0], [2, 2]);
    // Half-open: the SYN+ACK was never acknowledged.
    let half = Talk::new()
        .tcp(C, SYN, 0)
        .tcp(S, SYN | ACK, 0)
        .at(S, 1, SYN | ACK, 0);
    is(&half, "S1", 2, [0, 0], [1, 2]);
    // Half-open: the server remembers another connection, and the client ends that.
    let stale = Talk::new()
        .tcp(C, SYN, 0)
        .numbered(S, (5, 6), ACK, 0)
        .tcp(C, RST, 0);
    is(&stale, "RSTOS0", 2, [0, 0], [2, 1]);
    let crossed = Talk::new()
        .tcp(C, SYN, 0)
        .tcp(S, SYN, 0)
        .at(C, 1, SYN | ACK, 0)
        .at(S, 1, SYN | ACK, 0);
    is(&crossed, "S1", 3, [0, 0], [2, 2]);
    // The SYN was not captured.
    let late = Talk::new().lose(C, 1).tcp(S, SYN | ACK, 0).tcp(C, ACK, 0);
    is(&late.exchange().close(), "SF", 6, [100, 1_000], [5, 3]);
    // Data with the SYN.
    let fast = Talk::new()
        .tcp(C, SYN, 50)
        .tcp(S, SYN | ACK, 0)
        .tcp(C, ACK, 0);
    is(&fast, "S1", 2, [50, 0], [2, 1]);
}

#[test]
fn the_end_of_a_connection() {
    let both = OPEN()
        .tcp(C, FIN | ACK, 0)
        .numbered(S, (u32::MAX - 49, 1_001), FIN | ACK, 0);
    is(
        &both.lose(S, 1).tcp(C, ACK, 0).tcp(S, ACK, 0),
        "SF",
        4,
        [0, 0],
        [4, 3],
    );
    // A FIN sent again, before and after the other's.
    let again = OPEN().tcp(C, FIN | ACK, 10).at(C, 11, FIN | ACK, 10);
    is(
        &again.tcp(S, FIN | ACK, 0).at(C, 11, FIN | ACK, 10),
        "SF",
        5,
        [10, 0],
        [5, 2],
    );
    // The server goes on after the client has said goodbye.
    let half_closed = OPEN().tcp(C, FIN | ACK, 0).tcp(S, ACK, 500).tcp(C, ACK, 0);
    is(
        &half_closed.clone().tcp(S, FIN | ACK, 70),
        "SF",
        6,
        [0, 570],
        [4, 3],
    );
    is(&half_closed.reset(C), "RSTO", 6, [0, 500], [5, 2]);
    is(
        &OPEN().tcp(C, FIN | ACK, 0).reset(S),
        "RSTR",
        4,
        [0, 0],
        [3, 2],
    );
    // Reset by the one who closed, and the other closes too: an orderly end after all.
    let tidy = OPEN().tcp(C, FIN | ACK, 0).reset(C).tcp(S, FIN | ACK, 0);
    is(&tidy, "SF", 5, [0, 0], [4, 2]);
    is(&OPEN().close().reset(S), "SF", 4, [0, 0], [4, 3]);
    // Aborted by both without a byte.
    is(&OPEN().reset(C).reset(S), "REJ", 4, [0, 0], [3, 2]);
    is(
        &OPEN().exchange().reset(C).reset(S),
        "RSTR",
        7,
        [100, 1_000],
        [5, 3],
    );
    // What comes with a reset is no payload.
    is(&OPEN().tcp(S, RST, 20), "RSTR", 3, [0, 0], [2, 2]);
}

#[test]
fn payload_counts_once() {
    let sent = OPEN().tcp(C, ACK, 100);
    is(
        &sent.clone().at(C, 100, ACK, 100),
        "S1",
        4,
        [100, 0],
        [4, 1],
    );
    // Overlapping, and out of order.
    is(&sent.clone().at(C, 50, ACK, 100), "S1", 4, [150, 0], [4, 1]);
    let ordered = sent.clone().at(C, -60, ACK, 40).tcp(C, ACK, 60);
    is(&ordered, "S1", 5, [200, 0], [5, 1]);
    // Keep-alives: of no byte and of one, a number too low.
    let kept = sent
        .clone()
        .wait(10 * SECOND)
        .at(C, 1, ACK, 0)
        .at(C, 1, ACK, 1)
        .tcp(S, ACK, 0);
    is(&kept, "S1", 10_006, [100, 0], [5, 2]);
    // Lost to the capture: followed by more, acknowledged, or before a FIN.
    is(
        &sent.clone().lose(C, 900).tcp(C, ACK, 10),
        "S1",
        4,
        [1_010, 0],
        [4, 1],
    );
    is(
        &sent.clone().lose(C, 900).tcp(S, ACK, 0),
        "S1",
        4,
        [1_000, 0],
        [3, 2],
    );
    is(
        &sent.clone().lose(C, 900).tcp(C, FIN | ACK, 0),
        "S2",
        4,
        [1_000, 0],
        [4, 1],
    );
    // Farther away than a connection gets, nothing is known of what lies between.
    is(
        &sent.lose(C, 1 << 30).tcp(C, ACK, 10),
        "S1",
        4,
        [110, 0],
        [4, 1],
    );
    // Over the end of the numbers.
    let wrapped = OPEN()
        .tcp(S, ACK, 40)
        .tcp(S, ACK, 40)
        .tcp(S, ACK, 40)
        .tcp(C, ACK, 0);
    is(&wrapped.close(), "SF", 8, [0, 120], [5, 5]);
}

#[test]
fn what_begins_another_connection() {
    let first = ("SF", 7 * STEP, [100, 1_000], [6, 3], true);
    let closed = OPEN().exchange().close();
    // The same ports again, at once: as a client in a hurry, or a server that finds one in TIME_WAIT.
    let again = closed.clone().begin_anew().open();
    gives(&again, &[first, ("S1", 2 * STEP, [0, 0], [2, 1], true)]);
    // After a reset, and in the middle, where an unknown end must have been.
    let aborted = OPEN().reset(C).begin_anew().tcp(C, SYN, 0);
    let reset = ("RSTO", 3 * STEP, [0, 0], [3, 1], true);
    gives(&aborted, &[reset, ("S0", 0, [0, 0], [1, 0], true)]);
    let middle = OPEN().begin_anew().tcp(C, SYN, 0);
    gives(
        &middle,
        &[
            ("S1", 2 * STEP, [0, 0], [2, 1], true),
            ("S0", 0, [0, 0], [1, 0], true),
        ],
    );
    // A straggler long after the end.
    let straggler = closed.wait(6 * SECOND).tcp(S, ACK, 0);
    gives(&straggler, &[first, ("OTH", 0, [0, 0], [1, 0], false)]);
    // A SYN that nobody answers is given up after 5 s.
    let attempts = Talk::new()
        .tcp(C, SYN, 0)
        .wait(SECOND - STEP)
        .at(C, 1, SYN, 0)
        .wait(2 * SECOND - STEP)
        .at(C, 1, SYN, 0)
        .wait(4 * SECOND - STEP)
        .at(C, 1, SYN, 0);
    gives(
        &attempts,
        &[
            ("S0", 3 * SECOND, [0, 0], [3, 0], true),
            ("S0", 0, [0, 0], [1, 0], true),
        ],
    );
    // Silence.
    let silent = OPEN().wait(300 * SECOND).tcp(S, ACK, 10);
    gives(
        &silent,
        &[
            ("S1", 2 * STEP, [0, 0], [2, 1], true),
            ("OTH", 0, [10, 0], [1, 0], false),
        ],
    );
    is(
        &OPEN().wait(299 * SECOND).tcp(S, ACK, 10),
        "S1",
        299_003,
        [0, 10],
        [2, 2],
    );
}

#[test]
fn connections_taken_up_in_the_middle() {
    let middle = || Talk::new().lose(C, 7).lose(S, 7);
    let client = middle().tcp(C, ACK, 30).tcp(S, ACK, 50).tcp(C, ACK, 0);
    is(&client, "OTH", 2, [30, 50], [2, 1]);
    is(&client.clone().close(), "SF", 4, [30, 50], [4, 2]);
    is(&client.reset(S), "OTH", 3, [30, 50], [2, 2]);
    // Whoever is heard first is the originator.
    let server = middle().tcp(S, ACK, 50).tcp(C, ACK, 30);
    gives(&server, &[("OTH", STEP, [50, 30], [1, 1], false)]);
    // Only one side's packets pass here.
    let one_way = middle().tcp(C, ACK, 30).lose(S, 500).tcp(C, ACK, 30);
    is(&one_way, "OTH", 1, [60, 0], [2, 0]);
}
