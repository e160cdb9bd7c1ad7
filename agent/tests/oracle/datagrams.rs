//! What other conversations come to by definition, and what may lie around any.

use tidegate_common::{
    packet::{ICMP, ICMPV6},
    testing::{Extension, Frame},
};

use crate::{
    conversations::{C, CLIENT_PORT, MS, S, SERVER_PORT, STEP, Talk},
    definitions::{gives, is},
    engine::replay_frames,
};

const SECOND: u64 = 1_000 * MS;

#[test]
fn datagrams_are_conversations() {
    is(&Talk::new().udp(C, 30), "SF", 0, [30, 0], [1, 0]);
    is(
        &Talk::new().udp(C, 30).udp(S, 90).udp(C, 30),
        "SF",
        2,
        [60, 90],
        [2, 1],
    );
    let silent = Talk::new().udp(C, 30).wait(60 * SECOND).udp(C, 30);
    gives(
        &silent,
        &[
            ("SF", 0, [30, 0], [1, 0], true),
            ("SF", 0, [30, 0], [1, 0], true),
        ],
    );
    // A port that is closed: the message about it is a conversation of its own.
    let closed = Talk::new().udp(C, 30).icmp(S, (3, 3), 58);
    gives(
        &closed,
        &[
            ("SF", 0, [30, 0], [1, 0], true),
            ("SF", 0, [66, 0], [1, 0], false),
        ],
    );
}

#[test]
fn echoes_are_conversations_by_identifier() {
    // Bytes with the header of 8, as in KDD'99.
    is(
        &Talk::new().echo(C, 56).echo(C, 56),
        "SF",
        1,
        [128, 0],
        [2, 0],
    );
    for (base, protocol) in [
        (Frame::v4([10, 0, 0, 1], [10, 0, 0, 2]), ICMP),
        (Frame::v6([1; 8], [2; 8]), ICMPV6),
    ] {
        let answered = Talk::over(base)
            .echo(C, 56)
            .echo(S, 56)
            .echo(C, 56)
            .echo(S, 56);
        is(&answered, "SF", 3, [128, 128], [2, 2]);
        let [connection] = &replay_frames(&answered.frames)[..] else {
            panic!("one identifier, one conversation")
        };
        assert_eq!(connection.protocol, protocol);
    }
}

#[test]
fn what_lies_around_a_connection_changes_nothing() {
    let v4 = || Frame::v4([10, 0, 0, 1], [10, 0, 0, 2]);
    let v6 = || Frame::v6([0xfd00, 0, 0, 0, 0, 0, 0, 1], [0xfd00, 0, 0, 0, 0, 0, 0, 2]);
    for base in [
        v4().vlan(7),
        v4().qinq(100, 7),
        v4().qinq(100, 7).pppoe(5),
        v4().mpls(&[16, 17]),
        v4().options(&[0x94, 4, 0, 0]),
        v4().padding(6),
        v6(),
        v6().vlan(7),
        v6().extension(Extension::HopByHop(0))
            .extension(Extension::Destination(1)),
        v6().extension(Extension::Routing(2))
            .extension(Extension::Authentication(2)),
        v6().fragment(0, false),
    ] {
        let talk = Talk::over(base).open().exchange().close();
        is(&talk, "SF", 7, [100, 1_000], [6, 3]);
        let [connection] = &replay_frames(&talk.frames)[..] else {
            panic!("one connection")
        };
        assert_eq!(
            (connection.originator_port, connection.responder_port),
            (CLIENT_PORT, SERVER_PORT)
        );
        assert!(connection.established);
    }
}

#[test]
fn the_first_fragment_stands_for_its_datagram() {
    let frame = |offset: u16, more: bool, payload: usize| {
        let base = Frame::v4([10, 0, 0, 1], [10, 0, 0, 2]).fragment(offset, more);
        base.udp(CLIENT_PORT, SERVER_PORT).payload(payload)
    };
    let mut first = frame(0, true, 1_472).build();
    let length = first.len() - 1_472 - 4;
    first[length..length + 2].copy_from_slice(&3_008_u16.to_be_bytes());
    let mut talk = Talk::new();
    talk.raw(first);
    let talk = talk
        .send(C, frame(1_480, true, 1_480))
        .send(C, frame(2_960, false, 48))
        .udp(S, 10);
    // The other two have no ports, and are a conversation of their own.
    gives(
        &talk,
        &[
            ("SF", 3 * STEP, [3_000, 10], [1, 1], true),
            ("SF", STEP, [1_528, 0], [2, 0], true),
        ],
    );
}
