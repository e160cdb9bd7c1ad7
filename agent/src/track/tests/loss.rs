//! Events lost, late, unknown or absurd.

use proptest::prelude::*;

use super::*;

#[test]
fn lost_events_are_made_up_for() {
    let mut flows = FlowTable::default();
    let mut events = Vec::new();
    for i in 0..2048 {
        events.extend(flows.packet(&icmp(ip(2), ip(1), ECHO, 1, 56), START + i * MS));
    }
    // All but the last event lost.
    let mut tracker = Tracker::new(TrackerLimits::default());
    let o = tracker.observe(events.last().unwrap());
    assert!(o.first);
    assert_eq!((o.record.src_packets, o.record.packet_rate), (2048, 1000));
    assert_eq!((o.record.count, o.record.count_100ms), (511, 100));
    // Some in the middle lost: nothing of their messages is.
    let mut tracker = Tracker::new(TrackerLimits::default());
    for event in events[..8].iter().chain(events.last()) {
        tracker.observe(event);
    }
    let o = tracker.observe(events.last().unwrap());
    assert_eq!((o.record.src_count, o.record.count), (2016, 511));
}

#[test]
fn events_of_a_running_connection_are_taken_up() {
    let mut flows = FlowTable::default();
    let mut tracker = Tracker::new(TrackerLimits::default());
    let (client, server) = (at(2, 40_000), at(1, 22));
    let mut latest = None;
    for (i, (from, to, flags)) in [
        (client, server, SYN),
        (server, client, SYN | ACK),
        (client, server, ACK),
        (client, server, ACK),
    ]
    .into_iter()
    .enumerate()
    {
        let event = flows.packet(&tcp(from, to, flags, 10), START + i as u64 * 4 * SECOND);
        latest = event.or(latest);
    }
    // The agent starts now, 12 s after the connection did.
    let o = tracker.observe(&latest.unwrap());
    assert!(o.first && o.connection.established);
    assert_eq!((o.record.flag, o.record.duration), (Flag::S1, 12));
    assert_eq!((o.record.count, o.record.dst_host_count), (1, 1));
    assert_eq!(IpAddr::from(o.connection.originator), ip(2));
}

#[test]
fn events_out_of_order_change_nothing_back() {
    let mut flows = FlowTable::default();
    let mut tracker = Tracker::new(TrackerLimits::default());
    let mut events = Vec::new();
    for (i, (from, to, flags)) in [
        (at(2, 9), at(1, 80), SYN),
        (at(1, 80), at(2, 9), SYN | ACK),
        (at(2, 9), at(1, 80), ACK),
        (at(2, 9), at(1, 80), RST),
        (at(2, 9), at(1, 80), SYN),
    ]
    .into_iter()
    .enumerate()
    {
        events.extend(flows.packet(&tcp(from, to, flags, 0), START + i as u64 * MS));
    }
    let [syn, syn_ack, ack, rst, again] = events[..] else {
        panic!("{} events", events.len())
    };
    tracker.observe(&syn);
    tracker.observe(&rst);
    for overtaken in [&ack, &syn_ack] {
        let o = tracker.observe(overtaken);
        assert_eq!((o.record.flag, o.record.src_packets), (Flag::RSTO, 3));
    }
    let new = tracker.observe(&again);
    let o = tracker.observe(&rst);
    assert_eq!((o.id, o.record.flag), (new.id, Flag::S0));
    assert_eq!((o.record.count, o.record.src_packets), (2, 1));
}

#[test]
fn clock_that_steps_back_starts_over() {
    let mut lab = Lab::new();
    lab.send(100 * SECOND, &udp(at(2, 9), at(1, 9), 1));
    let o = lab.send(99 * SECOND, &udp(at(2, 8), at(1, 9), 1)).unwrap();
    assert_eq!((o.record.count, lab.tracker.len()), (2, 2));
    let o = lab.send(0, &udp(at(2, 7), at(1, 9), 1)).unwrap();
    assert_eq!((o.record.count, o.record.dst_host_count), (1, 1));
    assert_eq!((lab.tracker.len(), lab.tracker.evicted()), (1, 0));
}

#[test]
fn counters_saturate_in_the_columns_only() {
    let mut tracker = Tracker::new(TrackerLimits::default());
    let event = |now_ns, packets| {
        let flow = FlowSnapshot {
            first_ns: START,
            last_ns: now_ns,
            packets: [packets, 0],
            ..FlowSnapshot::default()
        };
        let key = FlowKey {
            protocol: UDP,
            ..FlowKey::default()
        };
        let side = tidegate_common::flow::Side::A;
        FlowEvent::new(key, flow, now_ns, 1, Milestone::Tick, side)
    };
    tracker.observe(&event(START + SECOND, u64::from(u32::MAX) - 499));
    let o = tracker.observe(&event(START + 2 * SECOND, (1 << 32) + 500));
    assert_eq!(o.connection.src_packets, (1 << 32) + 500);
    assert_eq!(o.record.src_packets, u32::MAX);
    assert_eq!(o.record.packet_rate, 1000);
    let mut unknown = event(START + 2 * SECOND, (1 << 32) + 501);
    unknown.milestone = 99;
    assert_eq!(
        tracker.observe(&unknown).occasion,
        Occasion::Event(Milestone::Tick)
    );
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever bytes the ring buffer holds: no panic, bounds kept, columns in their ranges.
    #[test]
    fn does_no_harm(
        events in proptest::collection::vec((any::<[u8; 128]>(), 0..4u8, any::<bool>()), 1..40),
    ) {
        let mut tracker = Tracker::new(TrackerLimits { max_connections: 8 });
        tracker.keep_ended(4);
        for (bytes, port, tame) in events {
            let size = size_of::<FlowEvent>();
            let mut event = FlowEvent::from_bytes(&bytes[..size]).unwrap();
            if tame {
                // Few keys and close times, so that events meet.
                event.key = FlowKey { a_port: u16::from(port), protocol: [1, 6, 17, 58][usize::from(port)], ..FlowKey::default() };
                event.now_ns %= 4 * SECOND;
                event.flow.first_ns %= 2;
                event.milestone %= 6;
            }
            let o = tracker.observe(&event);
            let r = o.record;
            prop_assert!(r.count >= 1 && r.srv_count >= 1 && r.count_100ms >= 1 && r.src_count >= 1);
            prop_assert!(r.count <= 511 && r.srv_count <= 511 && r.src_count <= 65_535);
            prop_assert!((1..=255).contains(&r.dst_host_count));
            prop_assert!((1..=255).contains(&r.dst_host_srv_count));
            prop_assert!(r.serror_rate + r.rerror_rate <= 101);
            prop_assert!(tracker.len() <= 8);
            while let Some(look) = tracker.look(event.now_ns, &mut 100) {
                prop_assert!(look.record.count >= 1 && look.record.dst_host_count >= 1);
                if look.occasion == Occasion::LastLook {
                    tracker.dismiss(look.id);
                }
            }
            tracker.advance(event.now_ns);
            prop_assert_eq!(tracker.recent(100).len(), tracker.len());
        }
    }
}
