//! One engine, two hosts: the same packets give the same flow records and events in the kernel, by
//! `BPF_PROG_TEST_RUN`, and in user space, as `tidegate replay` reads them. Needs root.

#![expect(clippy::unwrap_used, reason = "a failing unwrap is a failing test")]

#[path = "../prog_test_run/bench.rs"]
#[expect(dead_code, reason = "the programs' own tests use the rest")]
mod bench;
#[path = "../oracle/conversations.rs"]
#[expect(dead_code, reason = "the definitions use the rest")]
mod conversations;
mod hosts;

use std::{
    env, fs,
    path::{Path, PathBuf},
};

use tidegate::source::{capture::Capture, link::LinkType};
use tidegate_common::{
    packet::tcp_flags::{ACK, FIN, RST, SYN, URG},
    testing::{
        Frame,
        corpus::{corpus, v4, v6},
    },
};

use self::{
    conversations::{C, MS, S, STEP, Talk},
    hosts::{Hosts, Timed},
};

/// The longest frame that a test run takes: a page less the room that the kernel keeps around it, about.
const LONGEST: usize = 3_400;
/// And the shortest: an Ethernet header.
const SHORTEST: usize = 14;

/// Plays a capture to both; says what it had to leave out. Frames that are too long are cut: both hosts take what they
/// count from headers.
fn play(hosts: &mut Hosts, path: &Path) -> String {
    let name = path.display();
    let mut capture = Capture::open(path).unwrap_or_else(|e| panic!("{name}: {e}"));
    let (mut frames, mut not_ethernet, mut short) = (Vec::new(), 0, 0);
    while let Some(packet) = capture.next().unwrap_or_else(|e| panic!("{name}: {e}")) {
        if packet.link != LinkType::Ethernet {
            not_ethernet += 1;
        } else if packet.bytes.len() < SHORTEST {
            short += 1;
        } else {
            let len = packet.bytes.len().min(LONGEST);
            frames.push((packet.at_ns, packet.bytes[..len].to_vec()));
        }
    }
    let played = frames.len();
    let flows = hosts.play(&name.to_string(), &frames);
    format!(
        "{name}: {played} frames, {flows} flows; left out {not_ethernet} not Ethernet, {short} too short"
    )
}

fn captures(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap_or_else(|e| panic!("{}: {e}", folder.display()));
    let mut paths: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.retain(|path| {
        let name = path.file_name().unwrap().to_string_lossy();
        name.ends_with(".pcap") || name.ends_with(".pcapng")
    });
    paths.sort();
    assert!(!paths.is_empty(), "no captures in {}", folder.display());
    paths
}

fn play_folder(variable: &str, below: &str) {
    let Some(folder) = env::var_os(variable) else {
        println!("skipped: {variable} does not name a folder with captures");
        return;
    };
    let mut hosts = Hosts::new();
    for path in captures(&PathBuf::from(folder).join(below)) {
        println!("{}", play(&mut hosts, &path));
    }
}

#[test]
fn captures_of_attacks() {
    play_folder("TIDEGATE_PCAPS", "");
}

#[test]
fn captures_of_the_oracle() {
    play_folder("TIDEGATE_ORACLE", "conn");
}

fn alike<'a>(conversations: impl IntoIterator<Item = (&'a str, Vec<Timed>)>) {
    let mut hosts = Hosts::new();
    for (name, frames) in conversations {
        assert!(hosts.play(name, &frames) > 0, "{name}");
    }
}

#[test]
fn every_kind_of_frame_and_its_answer() {
    let frames = corpus()
        .into_iter()
        .flat_map(|(_, frame)| [frame.clone(), frame.clone().reply(), frame]);
    let timed: Vec<_> = (1..)
        .map(|n| n * MS)
        .zip(frames.map(|f| f.build()))
        .collect();
    alike([("corpus", timed)]);
}

#[test]
fn connections_of_every_state() {
    let open = || Talk::new().open();
    let middle = || Talk::new().lose(C, 7);
    let conversations = [
        ("S0", Talk::new().tcp(C, SYN, 0).at(C, 1, SYN, 0)),
        ("S1", open().exchange()),
        ("S2", open().tcp(C, FIN | ACK, 0).tcp(S, ACK, 900)),
        ("S3", open().tcp(S, FIN | ACK, 0).tcp(C, ACK, 9)),
        ("SF", open().exchange().close().begin_anew().open().close()),
        (
            "REJ",
            Talk::new()
                .tcp(C, SYN, 0)
                .reset(S)
                .at(C, 1, SYN, 0)
                .reset(S),
        ),
        ("RSTO", open().reset(C).begin_anew().tcp(C, SYN, 0)),
        ("RSTR", open().exchange().reset(S).tcp(S, RST, 20)),
        ("RSTOS0", Talk::new().tcp(C, SYN, 0).tcp(C, RST, 0)),
        ("SH", Talk::new().tcp(C, SYN, 0).tcp(C, FIN, 0)),
        ("SHR", Talk::new().tcp(S, SYN | ACK, 0).tcp(S, FIN | ACK, 0)),
        (
            "OTH",
            middle().tcp(S, ACK | URG, 50).tcp(C, ACK, 30).close(),
        ),
        (
            "tidied up",
            open().tcp(C, FIN | ACK, 0).reset(C).tcp(S, FIN | ACK, 0),
        ),
        (
            "crossed",
            Talk::new()
                .tcp(C, SYN, 0)
                .tcp(S, SYN, 0)
                .at(C, 1, SYN | ACK, 0),
        ),
        (
            "sent again",
            open().tcp(C, ACK, 100).at(C, 50, ACK, 100).at(C, 1, ACK, 1),
        ),
        (
            "lost",
            open()
                .lose(S, 5_000)
                .tcp(C, ACK, 10)
                .lose(C, 1 << 30)
                .tcp(C, ACK, 10),
        ),
    ];
    alike(conversations.map(|(name, talk)| (name, talk.frames)));
}

/// The packets' times, not the machine's.
#[test]
fn silences_begin_new_connections() {
    let second = 1_000 * MS;
    let conversations = [
        (
            "attempt",
            Talk::new().tcp(C, SYN, 0).wait(6 * second).at(C, 1, SYN, 0),
        ),
        // A silence of exactly its timer, and a nanosecond more.
        (
            "in time",
            Talk::new()
                .tcp(C, SYN, 0)
                .wait(5 * second - STEP)
                .tcp(S, SYN | ACK, 0),
        ),
        (
            "too late",
            Talk::new()
                .tcp(C, SYN, 0)
                .wait(5 * second - STEP + 1)
                .tcp(S, SYN | ACK, 0),
        ),
        (
            "closed",
            Talk::new()
                .open()
                .close()
                .wait(4 * second)
                .tcp(S, ACK, 0)
                .wait(2 * second)
                .tcp(S, ACK, 0),
        ),
        ("open", Talk::new().open().wait(301 * second).tcp(C, ACK, 5)),
        (
            "not yet",
            Talk::new().open().wait(290 * second).tcp(C, ACK, 5),
        ),
        (
            "datagrams",
            Talk::new()
                .udp(C, 5)
                .wait(59 * second)
                .udp(C, 5)
                .wait(61 * second)
                .udp(S, 5),
        ),
        (
            "echoes",
            Talk::new()
                .echo(C, 5)
                .wait(61 * second)
                .echo(C, 5)
                .echo(S, 5),
        ),
    ];
    alike(conversations.map(|(name, talk)| (name, talk.frames)));
}

#[test]
fn random_segments_of_one_connection() {
    // A linear congruential generator (Knuth's MMIX): the same segments in every run.
    let mut state = 1_u64;
    let mut random = |below: u64| {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) % below
    };
    let numbers = [1, 2, 3, 502, 1_003, 2_000_000, 0x8000_0000];
    let mut now_ns = 1_000 * MS;
    let frames: Vec<_> = (0..6_000)
        .map(|_| {
            let flags = match random(4) {
                0 => random(64) as u8,
                _ => [SYN, SYN | ACK, ACK, ACK, FIN | ACK, RST][random(6) as usize],
            };
            let pick = |n: u64| numbers[n as usize];
            let (sequence, acknowledgment) = (pick(random(7)), pick(random(7)));
            let base: Frame = if random(2) == 0 { v4() } else { v6() };
            let frame = base
                .tcp(40_000, 80, flags)
                .numbers(sequence, acknowledgment);
            let frame = frame.payload(500 * random(3) as usize);
            now_ns +=
                [1, 5, 300, 2_100, 70_000][random(5) as usize] * MS * u64::from(random(9) == 0);
            let frame = if random(2) == 0 { frame } else { frame.reply() };
            (now_ns, frame.build())
        })
        .collect();
    alike([("random", frames)]);
}
