//! Beginning, end and eviction of connections.

use super::*;

#[test]
fn reopened_connection_is_a_new_one() {
    let mut lab = Lab::new();
    lab.tracker.keep_ended(10);
    lab.talk(0, &HANDSHAKE);
    let old = lab.talk(10 * MS, &[(true, RST, 0)]);
    assert!(lab.tracker.set_prediction(old.id, Class::Probe, 0.9));
    let new = lab.talk(20 * MS, &HANDSHAKE[..1]);
    assert!(new.first);
    assert_ne!(new.id, old.id);
    assert_eq!((new.record.flag, new.record.src_packets), (Flag::S0, 1));
    assert_eq!((new.record.count, new.record.rerror_rate), (2, 50));
    assert_eq!(lab.tracker.len(), 1);
    assert!(!lab.tracker.set_prediction(old.id, Class::Dos, 1.0));
    let ended = lab.tracker.next_ended().unwrap();
    assert_eq!(ended.connection.flag, Flag::RSTO);
    assert_eq!(ended.prediction, Some((Class::Probe, 0.9)));
    assert_eq!(lab.tracker.next_ended(), None);
    assert_eq!(lab.tracker.recent(9)[0].prediction, None);
}

#[test]
fn reopening_within_one_tick_of_the_clock_is_noticed() {
    let mut lab = Lab::new();
    for _ in 0..3 {
        lab.send(0, &tcp(at(2, 9), at(1, 80), SYN, 0));
        lab.send(0, &tcp(at(1, 80), at(2, 9), RST | ACK, 0));
    }
    let record = lab.latest.unwrap().record;
    assert_eq!((record.count, record.rerror_rate), (3, 100));
}

#[test]
fn afterthoughts_of_a_closed_connection_are_not_counted_again() {
    let mut lab = Lab::new();
    lab.talk(0, &HANDSHAKE);
    lab.talk(10 * MS, &[(true, RST, 0)]);
    lab.talk(4 * SECOND, &[(false, ACK, 100)]);
    // Let go by a clock that is ahead of the kernel's.
    lab.tracker.advance(START + 11 * SECOND);
    assert!(lab.tracker.is_empty());
    let late = lab.talk(6 * SECOND, &[(false, ACK, 100)]);
    assert_eq!(late.occasion, Occasion::Event(Milestone::Tick));
    let fresh = lab.send(7 * SECOND, &udp(at(3, 9), at(1, 9), 1)).unwrap();
    assert_eq!(fresh.record.dst_host_count, 2);
}

/// Whatever comes after the tracker has let a connection go begins a new flow: none is told twice.
#[test]
fn connections_outlive_their_flow_records() {
    let mut lab = Lab::new();
    lab.talk(0, &HANDSHAKE);
    lab.talk(10 * MS, &[(true, RST, 0)]);
    let ack = tcp(at(1, 80), at(2, 40_000), ACK, 0);
    assert!(lab.send(900 * MS, &ack).is_some());
    assert!(lab.send(1800 * MS, &ack).is_none());
    lab.tracker.advance(START + 6900 * MS);
    assert_eq!(lab.tracker.len(), 1, "until 6800 ms it takes packets");
    lab.tracker.advance(START + 6901 * MS);
    assert_eq!(lab.tracker.len(), 0);
    let late = lab.talk(6901 * MS, &[(true, ACK, 1)]);
    assert_eq!(late.occasion, Occasion::Event(Milestone::New));
    assert_eq!((late.record.src_packets, late.record.flag), (1, Flag::OTH));
}

#[test]
fn a_connection_ends_with_its_flow_record() {
    let mut lab = Lab::new();
    lab.tracker.keep_ended(1);
    for i in 0..7 {
        lab.send(i * MS, &udp(at(2, 1), at(1, 53), 10));
    }
    let followed = lab.tracker.recent(1)[0];
    let last = lab.flows.snapshot(&followed.key).unwrap();
    let other = FlowSnapshot {
        first_ns: 1,
        ..last
    };
    assert!(!lab.tracker.retire(&followed.key, &other));
    assert_eq!(lab.tracker.len(), 1);
    assert!(lab.tracker.retire(&followed.key, &last));
    assert!(lab.tracker.is_empty());
    let ended = lab.tracker.next_ended().unwrap();
    assert_eq!(ended.connection.src_packets, 7);
    assert!(!lab.tracker.retire(&followed.key, &last));
}

#[test]
fn connections_go_when_closed_or_idle() {
    let mut lab = Lab::new();
    lab.talk(0, &HANDSHAKE);
    lab.send(0, &udp(at(2, 9), at(1, 9), 1));
    lab.send(0, &tcp(at(2, 1), at(1, 2), SYN, 0));
    lab.send(0, &tcp(at(1, 2), at(2, 1), RST | ACK, 0));
    let mut left = |after| {
        lab.tracker.advance(START + after);
        lab.tracker.len()
    };
    // A second more than their flow records.
    assert_eq!([left(6 * SECOND), left(7 * SECOND)], [3, 2]);
    assert_eq!([left(61 * SECOND), left(62 * SECOND)], [2, 1]);
    assert_eq!([left(301 * SECOND), left(302 * SECOND)], [1, 0]);
}

#[test]
fn one_advance_does_a_bounded_amount_of_work() {
    let mut lab = Lab::new();
    for port in 0..3000 {
        lab.send(0, &udp(at(2, port), at(1, 9), 1));
    }
    lab.tracker.advance(START + 70 * SECOND);
    assert_eq!(lab.tracker.len(), 3000 - MAX_ENDED_AT_ONCE);
    lab.tracker.advance(START + 70 * SECOND);
    lab.tracker.advance(START + 70 * SECOND);
    assert_eq!(lab.tracker.len(), 0);
}

#[test]
fn the_longest_inactive_makes_room() {
    let mut lab = Lab::with(TrackerLimits { max_connections: 3 });
    lab.tracker.keep_ended(1);
    lab.send(0, &tcp(at(2, 1), at(1, 80), SYN, 0));
    lab.send(1, &udp(at(2, 2), at(1, 53), 1));
    lab.send(2, &udp(at(2, 3), at(1, 53), 1));
    // The oldest speaks again: the second goes, then the third.
    lab.send(3, &tcp(at(1, 80), at(2, 1), SYN | ACK, 0));
    lab.send(4, &udp(at(2, 4), at(1, 53), 1));
    lab.send(5, &udp(at(2, 5), at(1, 53), 1));
    assert_eq!((lab.tracker.len(), lab.tracker.evicted()), (3, 2));
    let recent = lab.tracker.recent(10);
    let ports: Vec<_> = recent
        .iter()
        .map(|f| f.connection.originator_port)
        .collect();
    assert_eq!(ports, [5, 4, 1]);
    assert_eq!(lab.tracker.recent(2).len(), 2);
    assert_eq!(lab.tracker.ended_lost(), 1);
    let ended = lab.tracker.next_ended().unwrap();
    assert_eq!(ended.connection.originator_port, 3);
    lab.tracker.finish();
    assert!(lab.tracker.is_empty());
}

#[test]
fn prediction_stays_with_its_connection() {
    let mut lab = Lab::new();
    let o = lab.send(0, &udp(at(2, 1), at(1, 53), 1)).unwrap();
    assert!(lab.tracker.set_prediction(o.id, Class::Dos, 0.75));
    lab.send(1, &udp(at(2, 1), at(1, 53), 1));
    let followed = lab.tracker.recent(1)[0];
    assert_eq!(followed.prediction, Some((Class::Dos, 0.75)));
    assert_eq!((followed.id, followed.connection.src_packets), (o.id, 2));
}

#[test]
fn packets_after_the_last_event_are_in_the_flow_table() {
    let mut lab = Lab::new();
    for i in 0..7 {
        lab.send(i * MS, &udp(at(2, 1), at(1, 53), 10));
    }
    let mut followed = lab.tracker.recent(1)[0];
    assert_eq!(followed.connection.src_packets, 4, "as of its latest event");
    let snapshot = lab.flows.snapshot(&followed.key).unwrap();
    assert!(followed.connection.catch_up(&snapshot));
    let connection = followed.connection;
    assert_eq!((connection.src_packets, connection.src_bytes), (7, 70));
    assert_eq!(connection.last_ns, START + 6 * MS);
    let other = FlowSnapshot {
        first_ns: 1,
        packets: [9, 9],
        ..snapshot
    };
    assert!(!followed.connection.catch_up(&other));
    assert_eq!(followed.connection, connection);
}
