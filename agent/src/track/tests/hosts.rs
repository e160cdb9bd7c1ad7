//! What the columns keyed by host say of traffic as it is.

use super::*;

const SYN_ACK: u8 = SYN | ACK;
const RST_ACK: u8 = RST | ACK;

/// The columns after the last packet that caused an event.
fn hosts(lab: &Lab) -> tidegate_models::HostColumns {
    lab.latest.unwrap().record.hosts
}

impl Lab {
    /// A whole TCP connection of 10 ms; payload each way, none for 0.
    fn connect(&mut self, after: u64, client: SocketAddr, server: SocketAddr, payload: [usize; 2]) {
        let [asked, said] = payload;
        let mut segments = vec![(true, SYN, 0), (false, SYN_ACK, 0), (true, ACK, 0)];
        segments.extend((asked > 0).then_some((true, ACK, asked)));
        segments.extend((said > 0).then_some((false, ACK, said)));
        segments.extend([(true, FIN | ACK, 0), (false, FIN | ACK, 0)]);
        for (i, &(from_client, flags, payload)) in segments.iter().enumerate() {
            let (from, to) = if from_client {
                (client, server)
            } else {
                (server, client)
            };
            self.send(after + i as u64 * MS, &tcp(from, to, flags, payload));
        }
    }
}

#[test]
fn a_polite_scan_shows_after_seconds_and_a_slow_one_after_minutes() {
    let mut lab = Lab::new();
    // nmap -T2: a probe every 0.4 s; refused.
    for probe in 0..30u16 {
        let now = u64::from(probe) * 400 * MS;
        lab.send(now, &tcp(at(2, 50_000), at(1, 1000 + probe), SYN, 0));
        lab.send(
            now + MS,
            &tcp(at(1, 1000 + probe), at(2, 50_000), RST_ACK, 0),
        );
    }
    let columns = hosts(&lab);
    assert!((24..=36).contains(&columns.src_ports_60s), "{columns:?}");
    assert_eq!((columns.src_conns_60s, columns.src_hosts_60s), (30, 1));
    assert_eq!(
        (columns.src_failed_rate_2s, columns.src_failed_rate_60s),
        (100, 100)
    );
    assert_eq!(
        (
            columns.src_waiting,
            columns.src_open,
            columns.pair_conns_600s
        ),
        (0, 0, 1)
    );
    assert!((24..=36).contains(&columns.dst_ports_60s));
    // -T1: one every 15 s, dropped by a firewall.
    let mut lab = Lab::new();
    for probe in 0..40u16 {
        let now = u64::from(probe) * 15 * SECOND;
        lab.send(now, &tcp(at(2, 50_000), at(1, 1000 + probe), SYN, 0));
    }
    let columns = hosts(&lab);
    // Of the 13 before the boundary of two buckets a third counts: as if they were spread over 600 s.
    assert!((25..=34).contains(&columns.src_ports_600s), "{columns:?}");
    assert!(columns.src_ports_60s <= 9);
    assert_eq!(
        (columns.src_failed_rate_600s, columns.src_waiting),
        (100, 1)
    );
}

#[test]
fn a_busy_client_of_one_server_fails_nowhere() {
    let mut lab = Lab::new();
    for connection in 0..400u64 {
        let client = at(2, 20_000 + connection as u16);
        lab.connect(connection * 5 * MS, client, at(1, 80), [200, 5000]);
    }
    let columns = hosts(&lab);
    assert_eq!((columns.src_conns_60s, columns.pair_conns_60s), (400, 400));
    assert_eq!(
        (
            columns.src_ports_60s,
            columns.src_hosts_60s,
            columns.dst_sources_60s
        ),
        (1, 1, 1)
    );
    assert_eq!(
        (
            columns.src_failed_rate_2s,
            columns.src_failed_rate_600s,
            columns.dst_failed_rate_60s
        ),
        (0, 0, 0)
    );
    assert!(
        columns.src_waiting <= 2 && columns.src_open <= 2,
        "{columns:?}"
    );
}

#[test]
fn a_syn_flood_waits_at_once_and_has_failed_after_two_seconds() {
    let mut lab = Lab::new();
    for i in 0..3000u32 {
        let from = SocketAddr::new(IpAddr::from((0x0a01_0000 + i).to_be_bytes()), 1024);
        lab.send(u64::from(i) * MS, &tcp(from, at(1, 80), SYN, 0));
        lab.send(u64::from(i) * MS + 1, &tcp(at(1, 80), from, SYN_ACK, 0));
        let columns = hosts(&lab);
        if i == 99 {
            assert_eq!((columns.dst_waiting, columns.dst_packets_100ms), (100, 100));
            assert_eq!((columns.src_conns_60s, columns.dst_failed_rate_60s), (1, 0));
            assert!((85..=115).contains(&columns.dst_sources_2s), "{columns:?}");
        }
    }
    let columns = hosts(&lab);
    assert_eq!(
        (columns.dst_waiting, columns.dst_failed_rate_60s),
        (2000, 100)
    );
    assert_eq!((columns.dst_open, columns.src_open), (0, 0));
    assert_eq!(columns.dst_packet_bytes_2s, 0);
    assert!(
        (1999..=2001).contains(&columns.dst_packets_2s),
        "{columns:?}"
    );
}

#[test]
fn guesses_are_many_answered_and_alike() {
    let mut lab = Lab::new();
    for guess in 0..20u64 {
        let client = at(2, 30_000 + guess as u16);
        lab.connect(
            guess * 10 * SECOND,
            client,
            at(1, 22),
            [1000 + guess as usize, 1500],
        );
    }
    let columns = hosts(&lab);
    assert_eq!(
        (columns.pair_conns_600s, columns.pair_alike_rate_600s),
        (20, 100)
    );
    assert!((6..=7).contains(&columns.pair_conns_60s), "{columns:?}");
    assert_eq!(columns.src_failed_rate_600s, 0);
    // Another service of the same host has nothing to do with it.
    lab.connect(200 * SECOND, at(2, 40_000), at(1, 80), [100, 100]);
    assert_eq!(hosts(&lab).pair_conns_600s, 1);
    // Sessions of people differ.
    let mut lab = Lab::new();
    for session in 0..6u64 {
        let client = at(2, 30_000 + session as u16);
        let bytes = 500 << session;
        lab.connect(session * 10 * SECOND, client, at(1, 22), [bytes, 2 * bytes]);
    }
    assert_eq!(hosts(&lab).pair_alike_rate_600s, 0);
}

#[test]
fn guesses_ask_otherwise_and_are_answered_the_same() {
    let answered = |conversations: &[[usize; 2]]| {
        let mut lab = Lab::new();
        for (number, bytes) in (0u16..).zip(conversations) {
            let client = at(2, 30_000 + number);
            lab.connect(u64::from(number) * SECOND, client, at(1, 21), *bytes);
        }
        hosts(&lab).pair_same_answer_rate_600s
    };
    // Passwords of many lengths, and twice of one.
    assert_eq!(
        answered(&[[20, 70], [23, 70], [17, 70], [17, 70], [26, 70]]),
        75
    );
    // A poll asks the same, who fetches files gets other answers, and a mail is no word longer than the one before.
    assert_eq!(answered(&[[20, 70], [20, 70], [20, 70]]), 0);
    assert_eq!(answered(&[[20, 70], [22, 900], [24, 71]]), 0);
    assert_eq!(answered(&[[200, 70], [264, 70], [329, 70]]), 50);
    // Nothing is no answer.
    assert_eq!(answered(&[[20, 0], [22, 0]]), 0);
}

#[test]
fn slow_http_is_many_open_connections_with_few_bytes() {
    let mut lab = Lab::new();
    for port in 0..50u16 {
        for (flags, payload) in [(SYN, 0), (ACK, 0), (ACK, 20)] {
            lab.send(
                u64::from(port) * MS,
                &tcp(at(2, 1024 + port), at(1, 80), flags, payload),
            );
            if flags == SYN {
                lab.send(
                    u64::from(port) * MS,
                    &tcp(at(1, 80), at(2, 1024 + port), SYN_ACK, 0),
                );
            }
        }
    }
    for port in 0..50u16 {
        let frame = tcp(at(2, 1024 + port), at(1, 80), ACK, 8);
        lab.send(9 * SECOND, &frame);
    }
    let columns = hosts(&lab);
    assert_eq!((columns.src_open, columns.dst_open), (50, 50));
    assert_eq!(columns.src_bytes_per_open, 28);
    // Half of them are aborted, the rest falls silent.
    for port in 0..25u16 {
        lab.send(9 * SECOND, &tcp(at(2, 1024 + port), at(1, 80), RST, 0));
    }
    assert_eq!(hosts(&lab).src_open, 25);
    lab.tracker.advance(START + 1000 * SECOND);
    lab.send(1000 * SECOND, &udp(at(2, 9), at(1, 53), 30));
    assert_eq!((hosts(&lab).src_open, hosts(&lab).dst_open), (0, 0));
}

#[test]
fn pings_are_questions_and_their_answers() {
    let mut lab = Lab::new();
    let columns = lab.ping(100, 3 * SECOND, true).last().unwrap().record.hosts;
    assert!((250..=300).contains(&columns.src_conns_60s), "{columns:?}");
    assert_eq!((columns.src_failed_rate_2s, columns.src_ports_60s), (0, 1));
    assert!(columns.src_waiting <= 1 && columns.pair_packets_2s >= 150);
    let mut lab = Lab::new();
    let columns = lab
        .ping(100, 5 * SECOND, false)
        .last()
        .unwrap()
        .record
        .hosts;
    assert_eq!(
        (columns.src_failed_rate_2s, columns.dst_failed_rate_60s),
        (100, 100)
    );
    assert!((100..=256).contains(&columns.src_waiting), "{columns:?}");
}

#[test]
fn amplified_replies_are_unsolicited_and_large() {
    let mut lab = Lab::new();
    for i in 0..40u64 {
        let reflector = at(10 + (i % 5) as u8, 53);
        lab.send(
            i * MS,
            &udp(reflector, at(1, 40_000 + (i / 5) as u16), 1400),
        );
    }
    let columns = hosts(&lab);
    assert_eq!(
        (columns.dst_unsolicited_2s, columns.dst_packet_bytes_2s),
        (40, 1400)
    );
    assert!((4..=6).contains(&columns.dst_sources_2s), "{columns:?}");
    // Smurf.
    let mut lab = Lab::new();
    for host in 10..30 {
        lab.send(0, &icmp(ip(host), ip(1), ECHO_REPLY, 1, 512));
    }
    assert_eq!(hosts(&lab).dst_unsolicited_2s, 20);
    assert_eq!(hosts(&lab).src_failed_rate_2s, 0, "a reply wants no answer");
    // Who asked gets no unsolicited answer, nor does one service from another.
    let mut lab = Lab::new();
    lab.send(0, &udp(at(1, 40_000), at(10, 53), 40));
    lab.send(1, &udp(at(10, 53), at(1, 40_000), 1400));
    assert_eq!(hosts(&lab).dst_unsolicited_2s, 0);
    assert_eq!(hosts(&lab).dst_packet_bytes_2s, 40, "of the originator");
    for [from, to] in [[123, 123], [67, 68], [500, 4500], [700, 2049], [53, 53]] {
        lab.send(2, &udp(at(3, from), at(1, to), 48));
        assert_eq!(hosts(&lab).dst_unsolicited_2s, 0, "{from} to {to}");
    }
    // Whatever port it hits that asks no such service.
    for (number, [from, to]) in (1..).zip([[53, 22], [1434, 80], [19, 443], [5060, 123]]) {
        lab.send(2, &udp(at(3, from), at(1, to), 400));
        assert_eq!(hosts(&lab).dst_unsolicited_2s, number, "{from} to {to}");
    }
}

#[test]
fn later_fragments_are_counted_by_their_destination() {
    let mut lab = Lab::new();
    for i in 0..64u64 {
        let fragment = fragment(ip(2), ip(1), UDP, 1480, true, 1480);
        lab.send(i * MS, &fragment);
    }
    let columns = hosts(&lab);
    assert_eq!((columns.dst_fragments_2s, columns.dst_packets_2s), (64, 64));
    assert_eq!(columns.dst_unsolicited_2s, 0);
    lab.send(70 * MS, &udp(at(3, 5353), at(1, 5353), 40));
    assert_eq!(hosts(&lab).dst_fragments_2s, 64);
    assert_eq!(hosts(&lab).pair_packets_2s, 1);
}

#[test]
fn packets_between_rare_events_are_spread_over_their_time() {
    let mut lab = Lab::new();
    // Fifty a second: an event at each doubling, then one a second.
    let mut columns = tidegate_models::HostColumns::default();
    for i in 0..500u64 {
        if let Some(o) = lab.send(i * 20 * MS, &udp(at(2, 5000), at(1, 5001), 100)) {
            columns = o.record.hosts;
        }
    }
    assert!((4..=6).contains(&columns.dst_packets_100ms), "{columns:?}");
    // What came since the event a second before counts as of this one.
    assert!((90..=150).contains(&columns.dst_packets_2s), "{columns:?}");
    assert_eq!(columns.dst_packet_bytes_2s, 100);
}

#[test]
fn others_change_nothing() {
    let (mut alone, mut among) = (Lab::new(), Lab::new());
    let mut others = 0u64;
    for probe in 0..80u16 {
        let now = u64::from(probe) * 50 * MS;
        // Five thousand connections a second between a hundred clients and ten servers.
        while others * MS / 5 < now {
            let client = SocketAddr::new(
                IpAddr::from([10, 0, 1, (others % 100) as u8]),
                others as u16,
            );
            let server = SocketAddr::new(IpAddr::from([10, 0, 2, (others % 10) as u8]), 443);
            among.connect(others * MS / 5, client, server, [200, 3000]);
            others += 1;
        }
        let frames = [
            tcp(at(2, 50_000), at(1, probe), SYN, 0),
            tcp(at(1, probe), at(2, 50_000), RST_ACK, 0),
            udp(at(2, probe), at(3, 53), 40),
            icmp(ip(4), ip(1), ECHO, 7, 56),
        ];
        for (i, frame) in frames.iter().enumerate() {
            let now = now + i as u64;
            let (alone, among) = (alone.send(now, frame), among.send(now, frame));
            let columns = |o: Option<Observation>| o.map(|o| (o.record.flag, o.record.hosts));
            assert_eq!(columns(alone), columns(among));
        }
    }
    assert!(others > 15_000, "{others}");
    assert!(
        alone.latest.unwrap().record != among.latest.unwrap().record,
        "KDD's windows do change"
    );
}

#[test]
fn a_step_of_the_clock_forgets_or_goes_on() {
    let mut lab = Lab::new();
    lab.connect(500 * SECOND, at(2, 1), at(1, 80), [1, 1]);
    // A little back: as of then.
    lab.connect(495 * SECOND, at(2, 2), at(1, 80), [1, 1]);
    assert_eq!(hosts(&lab).pair_conns_600s, 2);
    // Far back: another capture.
    lab.connect(0, at(2, 3), at(1, 80), [1, 1]);
    assert_eq!(hosts(&lab).pair_conns_600s, 1);
    // Far ahead.
    lab.connect(100_000 * SECOND, at(2, 4), at(1, 80), [1, 1]);
    assert_eq!((hosts(&lab).pair_conns_600s, hosts(&lab).src_open), (1, 0));
}
