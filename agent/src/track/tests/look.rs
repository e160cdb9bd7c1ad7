//! Looks: who gets one and when, and that nobody notices.

use proptest::prelude::*;

use super::*;

const RST_ACK: u8 = RST | ACK;

impl Lab {
    /// The looks that are due by a time after the start; whoever has had the last one goes.
    fn looks(&mut self, after: u64) -> Vec<Observation> {
        let mut unlimited = usize::MAX;
        let looks = std::iter::from_fn(|| {
            let look = self.tracker.look(START + after, &mut unlimited)?;
            if look.occasion == Occasion::LastLook {
                self.tracker.dismiss(look.id);
            }
            Some(look)
        });
        looks.collect()
    }
}

/// Occasion and time after the start.
fn when(looks: &[Observation]) -> Vec<(Occasion, u64)> {
    let when = |look: &Observation| (look.occasion, look.at_ns - START);
    looks.iter().map(when).collect()
}

#[test]
fn the_first_of_a_scan_is_seen_among_the_others_a_second_later() {
    let mut lab = Lab::new();
    let first = lab
        .send(0, &tcp(at(2, 50_000), at(1, 1000), SYN, 0))
        .unwrap();
    assert_eq!((first.record.count, first.record.hosts.src_waiting), (1, 1));
    for port in 1..20 {
        let now = u64::from(port) * 5 * MS;
        lab.send(now, &tcp(at(2, 50_000), at(1, 1000 + port), SYN, 0));
    }
    assert_eq!(lab.looks(SECOND - 1), []);
    let looks = lab.looks(SECOND);
    assert_eq!(when(&looks), [(Occasion::SecondLook, SECOND)]);
    let look = looks[0];
    assert_eq!((look.id, look.connection), (first.id, first.connection));
    assert!(!look.first && !look.from_originator && look.occasion.is_look());
    let columns = look.record.hosts;
    assert_eq!((look.record.count, look.record.serror_rate), (20, 100));
    assert_eq!((columns.src_waiting, columns.src_conns_60s), (20, 20));
    assert_eq!((look.record.packet_rate, look.record.src_packets), (0, 1));
    assert_eq!(lab.looks(2 * SECOND).len(), 19, "the others");
    assert_eq!(lab.tracker.looks_taken(), [20, 0]);
}

#[test]
fn only_who_has_come_to_nothing_is_looked_at_again() {
    let mut lab = Lab::new();
    lab.talk(0, &HANDSHAKE);
    lab.send(10 * MS, &udp(at(3, 9), at(1, 53), 5));
    lab.send(11 * MS, &udp(at(1, 53), at(3, 9), 5));
    for message in 0..2 {
        let now = (20 + message) * MS;
        lab.send(now, &icmp(ip(4), ip(1), ECHO, 7, 8));
        lab.send(now, &icmp(ip(1), ip(4), ECHO_REPLY, 7, 8));
    }
    assert_eq!(lab.looks(2 * SECOND), []);

    // Silence, half a handshake, a refusal, silence, a single message.
    lab.send(3 * SECOND, &tcp(at(5, 1), at(1, 80), SYN, 0));
    lab.send(3 * SECOND, &tcp(at(5, 2), at(1, 80), SYN, 0));
    lab.send(3 * SECOND, &tcp(at(1, 80), at(5, 2), SYN | ACK, 0));
    lab.send(3 * SECOND, &tcp(at(5, 3), at(1, 81), SYN, 0));
    lab.send(3 * SECOND, &tcp(at(1, 81), at(5, 3), RST_ACK, 0));
    lab.send(3 * SECOND, &udp(at(5, 4), at(1, 53), 5));
    lab.send(3 * SECOND, &icmp(ip(5), ip(1), ECHO, 7, 8));
    lab.send(3 * SECOND, &icmp(ip(1), ip(5), ECHO_REPLY, 7, 8));
    let looks = lab.looks(4 * SECOND);
    assert_eq!(
        when(&looks),
        [(Occasion::SecondLook, 4 * SECOND); 5],
        "{looks:?}"
    );
}

#[test]
fn a_conversation_that_is_over_gets_a_last_look_and_goes() {
    let mut lab = Lab::new();
    lab.tracker.keep_ended(10);
    lab.talk(0, &HANDSHAKE);
    let end = lab.talk(10 * MS, &[(true, ACK, 9), (true, RST, 0)]);
    lab.send(SECOND, &tcp(at(3, 9), at(1, 80), SYN, 0));
    let over = 11 * MS + 6 * SECOND + 1;
    assert_eq!(lab.looks(over - 1).len(), 1, "at the other one");
    let look = lab.tracker.look(START + over, &mut 1).unwrap();
    assert_eq!(when(&[look]), [(Occasion::LastLook, over)]);
    assert_eq!((look.id, look.connection), (end.id, end.connection));
    assert_eq!((look.record.count, look.record.dst_host_count), (1, 2));
    assert!(lab.tracker.set_prediction(look.id, Class::R2l, 0.9));
    lab.tracker.dismiss(look.id);
    lab.tracker.dismiss(look.id);
    let ended = lab.tracker.next_ended().unwrap();
    assert_eq!(ended.prediction, Some((Class::R2l, 0.9)));
    assert_eq!(lab.tracker.next_ended(), None);
    assert_eq!(lab.tracker.len(), 1);
}

#[test]
fn who_came_to_nothing_or_was_silent_or_makes_room_goes_without() {
    let mut lab = Lab::with(TrackerLimits { max_connections: 3 });
    lab.send(0, &udp(at(3, 9), at(1, 53), 5));
    lab.send(0, &tcp(at(2, 9), at(1, 80), ACK, 5));
    assert_eq!(lab.looks(2 * SECOND).len(), 2);
    lab.send(3 * SECOND, &tcp(at(2, 10), at(1, 80), SYN, 0));
    lab.send(3 * SECOND, &tcp(at(2, 11), at(1, 80), SYN, 0));
    lab.send(3 * SECOND, &tcp(at(1, 80), at(2, 11), RST_ACK, 0));
    assert_eq!(lab.tracker.evicted(), 1);
    assert_eq!(lab.looks(4 * SECOND).len(), 2);
    assert_eq!(lab.looks(9 * SECOND + 1), []);
    assert_eq!(lab.tracker.len(), 2, "the refused one went");
    lab.tracker.advance(START + 1000 * SECOND);
    assert!(lab.tracker.is_empty());
    assert_eq!(lab.looks(2000 * SECOND), []);
    assert_eq!(lab.tracker.looks_taken(), [4, 0]);
}

#[test]
fn a_look_is_at_the_connection_that_it_was_meant_for() {
    let mut lab = Lab::new();
    let frame = tcp(at(2, 9), at(1, 80), SYN, 0);
    let old = lab.send(0, &frame).unwrap();
    lab.send(0, &tcp(at(1, 80), at(2, 9), RST_ACK, 0));
    let new = lab.send(500 * MS, &frame).unwrap();
    assert_eq!(old.id.slot(), new.id.slot());
    let looks = lab.looks(1_500 * MS);
    assert_eq!(when(&looks), [(Occasion::SecondLook, 1_500 * MS)]);
    assert_eq!(looks[0].id, new.id);
}

#[test]
fn no_more_looks_are_outstanding_than_connections() {
    let mut lab = Lab::with(TrackerLimits { max_connections: 8 });
    for port in 0..20 {
        lab.send(0, &tcp(at(2, 50_000), at(1, 1000 + port), SYN, 0));
    }
    assert_eq!(lab.tracker.looks_missed(), 12);
    // The first eight made room for others.
    assert_eq!(lab.looks(SECOND), []);
    lab.send(SECOND, &tcp(at(3, 9), at(1, 80), SYN, 0));
    assert_eq!(lab.looks(2 * SECOND).len(), 1, "there is room again");
}

#[test]
fn the_end_of_time_comes_to_an_end() {
    let mut tracker = Tracker::new(TrackerLimits::default());
    let mut unlimited = usize::MAX;
    assert_eq!(tracker.look(u64::MAX, &mut unlimited), None);
    let mut flows = FlowTable::default();
    for (flags, from, to) in [(SYN, at(2, 9), at(1, 80)), (RST_ACK, at(1, 80), at(2, 9))] {
        let event = flows.packet(&tcp(from, to, flags, 0), u64::MAX).unwrap();
        tracker.observe(&event);
    }
    assert!(tracker.look(u64::MAX, &mut unlimited).is_some());
    assert_eq!(tracker.look(u64::MAX, &mut unlimited), None);
}

#[test]
fn a_budget_bounds_the_steps_not_the_looks() {
    let mut lab = Lab::new();
    for port in 0..10 {
        lab.send(0, &udp(at(2, 50_000), at(1, 1000 + port), 5));
    }
    for port in 0..9 {
        lab.send(1, &udp(at(1, 1000 + port), at(2, 50_000), 5));
    }
    let mut budget = 9;
    assert_eq!(lab.tracker.look(START + SECOND, &mut budget), None);
    assert_eq!(budget, 0);
    assert!(lab.tracker.may_look(START + SECOND), "there may be more");
    assert!(lab.tracker.look(START + SECOND, &mut 1).is_some());
    assert!(!lab.tracker.may_look(START + SECOND));
}

#[test]
fn at_the_end_those_are_looked_at_who_would_have_been_soon() {
    let mut lab = Lab::new();
    lab.talk(0, &HANDSHAKE);
    lab.talk(10 * MS, &[(true, ACK, 9), (true, RST, 0)]);
    lab.send(20 * MS, &udp(at(5, 9), at(1, 53), 5));
    lab.send(20 * MS, &tcp(at(3, 9), at(1, 80), SYN, 0));
    lab.send(2 * SECOND, &udp(at(4, 9), at(1, 53), 5));
    assert_eq!(lab.looks(2 * SECOND).len(), 2);
    let mut last = Vec::new();
    while let Some(look) = lab.tracker.look_at_end(START + 2_500 * MS) {
        lab.tracker.dismiss(look.id);
        last.push((look.connection.originator, look.at_ns - START));
    }
    let expected = [2, 4].map(|host| (ip(host).into(), 2_500 * MS));
    assert_eq!(last, expected, "not those idle for 2.5 s");
    assert!(lab.tracker.is_empty());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    /// What is observed is the same to the last column, looks or none.
    #[test]
    fn looks_change_nothing(
        steps in prop::collection::vec(
            (2..5u8, 0..3u16, 0..10u8, prop::sample::select(vec![0, 1, 40, 400, 900, 1_500, 2_500, 6_500, 61_000])),
            1..120,
        ),
        max_connections in prop::sample::select(vec![3, 1000]),
    ) {
        let limits = TrackerLimits { max_connections };
        let (mut plain, mut looking) = (Lab::with(limits), Lab::with(limits));
        let mut now = 0;
        for (host, port, kind, gap) in steps {
            now += gap * MS;
            let (client, server) = (at(host, 40_000 + port), at(1, 80 + port));
            let frame = match kind {
                0 | 1 => tcp(client, server, SYN, 0),
                2 => tcp(server, client, SYN | ACK, 0),
                3 => tcp(client, server, ACK, 10),
                4 => tcp(server, client, ACK, 500),
                5 => tcp(server, client, RST_ACK, 0),
                6 => tcp(client, server, FIN | ACK, 0),
                7 => udp(client, server, 20),
                8 => icmp(ip(host), ip(1), ECHO, port, 56),
                _ => icmp(ip(1), ip(host), ECHO_REPLY, port, 56),
            };
            looking.looks(now);
            for lab in [&mut plain, &mut looking] {
                lab.tracker.advance(START + now);
            }
            // Slots may be given out in another order.
            let observe = |lab: &mut Lab| {
                let observation = lab.send(now, &frame)?;
                Some(Observation { id: ConnectionId { slot: 0, generation: 0 }, ..observation })
            };
            prop_assert_eq!(observe(&mut plain), observe(&mut looking));
            prop_assert_eq!(plain.tracker.len(), looking.tracker.len());
        }
        prop_assert_eq!(plain.tracker.window_dropped(), looking.tracker.window_dropped());
        prop_assert_eq!(plain.tracker.hosts_evicted(), looking.tracker.hosts_evicted());
    }
}
