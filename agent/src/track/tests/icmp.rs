//! ICMP: every message is a connection.

use super::*;

#[test]
fn ping_once_a_second_stays_small() {
    let mut lab = Lab::new();
    let observations = lab.ping(1, 20 * SECOND, true);
    assert!(observations.len() >= 19, "a tick or a count for each");
    for o in &observations {
        // Three when one is counted at its answer, a moment late.
        assert!(o.record.count <= 3, "{:?}", o.record);
        assert_eq!((o.record.count_100ms, o.record.duration), (1, 0));
        assert_eq!((o.record.src_bytes, o.record.dst_bytes), (64, 0));
        assert_eq!(
            (o.record.flag, o.record.service.name()),
            (Flag::SF, "eco_i")
        );
    }
    let last = observations.last().unwrap().record;
    assert_eq!((last.count.min(2), last.packet_rate), (2, 1));
    assert_eq!(last.dst_host_count, 20, "answers are no connections");
    assert_eq!(lab.tracker.len(), 1);
}

#[test]
fn ping_a_hundred_times_a_second_counts_messages() {
    let mut lab = Lab::new();
    let observations = lab.ping(100, 10 * SECOND, true);
    let late = observations.iter().filter(|o| o.at_ns > START + 3 * SECOND);
    for o in late {
        let record = o.record;
        assert!((150..=320).contains(&record.count), "{record:?}");
        assert!((95..=105).contains(&record.packet_rate), "{record:?}");
        assert!((10..=20).contains(&record.count_100ms), "{record:?}");
        assert_eq!(
            (record.count, record.dst_host_count),
            (record.src_count, 255)
        );
    }
}

#[test]
fn ping_flood_is_seen_at_once() {
    let mut lab = Lab::new();
    let observations = lab.ping(1000, 5 * SECOND, false);
    let fifth = observations[4].record;
    assert_eq!((fifth.src_packets, fifth.count), (16, 16));
    assert_eq!((fifth.count_100ms, fifth.packet_rate), (16, 1000));
    let tenth = observations.iter().find(|o| o.record.src_packets == 512);
    let tenth = tenth.unwrap().record;
    assert_eq!(tenth.count, 511);
    assert!((100..=200).contains(&tenth.count_100ms), "{tenth:?}");
    let late = observations.iter().filter(|o| o.at_ns > START + 3 * SECOND);
    for o in late {
        // The entry that reaches farthest back counts whole for as long as it is inside.
        assert!(
            (2000..=3100).contains(&o.record.src_count),
            "{:?}",
            o.record
        );
    }
    for o in observations.iter().filter(|o| o.record.src_packets > 512) {
        assert_eq!((o.record.count, o.record.srv_count), (511, 511));
        assert!((990..=1010).contains(&o.record.packet_rate));
    }
}

#[test]
fn echo_replies_nobody_asked_for_are_connections() {
    let mut lab = Lab::new();
    for i in 0..600 {
        let source = IpAddr::from([10, 1, 0, (i % 60) as u8]);
        let frame = icmp(source, ip(1), ECHO_REPLY, 9, 1024);
        lab.send(i * MS, &frame);
    }
    let o = lab.latest.unwrap();
    assert_eq!(o.record.service.name(), "ecr_i");
    assert_eq!(o.connection.icmp, Some(ECHO_REPLY));
    assert_eq!((o.record.src_bytes, o.record.duration), (1032, 0));
    assert!(o.record.count >= 480, "{:?}", o.record);
    assert_eq!(o.record.same_srv_rate, 100);
}

#[test]
fn icmp_version_6_has_the_same_services() {
    let mut lab = Lab::new();
    let (a, b): (IpAddr, IpAddr) = ("fd00::2".parse().unwrap(), "fd00::1".parse().unwrap());
    let o = lab.send(0, &icmp(a, b, (128, 0), 5, 8)).unwrap();
    assert_eq!(o.record.service.name(), "eco_i");
    assert_eq!((o.record.flag, o.record.src_bytes), (Flag::SF, 16));
    assert_eq!(o.connection.kdd_protocol(), Protocol::Icmp);
    let o = lab.send(0, &icmp(b, a, (1, 4), 0, 48)).unwrap();
    assert_eq!(o.record.service.name(), "urp_i");
    assert_eq!(IpAddr::from(o.connection.responder), a);
}
