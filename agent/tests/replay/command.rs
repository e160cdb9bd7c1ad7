//! `tidegate replay`, as a user or a script runs it.

#[path = "../cli/process.rs"]
mod process;

use std::{
    fs,
    io::Write as _,
    path::{Path, PathBuf},
    process::Stdio,
};

use serde_json::Value;
use tempfile::TempDir;
use tidegate_models::LIVE_COLUMNS;

use self::process::{Ran, run, tidegate};
use crate::files::*;

const FIELDS: [&str; 15] = [
    "src",
    "src_port",
    "dst",
    "dst_port",
    "protocol",
    "start_ns",
    "duration_s",
    "src_bytes",
    "dst_bytes",
    "src_packets",
    "dst_packets",
    "flag",
    "service",
    "class",
    "confidence",
];

/// Two connections.
fn small() -> Pcap {
    let mut file = Pcap::plain();
    file.packet(START, &datagram(1, 2, 30))
        .packet(START + 500_000_000, &datagram(1, 2, 30))
        .packet(START + SECOND, &datagram(3, 2, 5));
    file
}

struct Folder(TempDir);

impl Folder {
    fn new() -> Self {
        Self(TempDir::new().unwrap())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn file(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let path = self.path(name);
        fs::write(&path, bytes).unwrap();
        path
    }
}

fn replay(path: &Path, arguments: &[&str]) -> Ran {
    run(tidegate(&["replay"]).arg(path).args(arguments))
}

fn lines(ran: &Ran) -> Vec<Value> {
    let lines = ran.stdout.lines();
    lines
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

#[test]
fn jsonl_has_the_promised_fields_in_their_order() {
    let folder = Folder::new();
    let ran = replay(&folder.file("a.pcap", &small().bytes), &["-o", "jsonl"]);
    assert_eq!((ran.code, ran.stderr.as_str()), (0, ""));
    let printed: Vec<_> = ran.stdout.lines().collect();
    assert_eq!(printed.len(), 3);
    for line in &printed[..2] {
        // The parser sorts; the text does not.
        let mut at: Vec<_> = FIELDS
            .map(|f| line.find(&format!("\"{f}\":")).unwrap())
            .to_vec();
        assert!(at.is_sorted(), "{line}");
        at.dedup();
        let object: Value = serde_json::from_str(line).unwrap();
        assert_eq!(object.as_object().unwrap().len(), FIELDS.len());
        assert_eq!(at.len(), FIELDS.len());
    }
    let all = lines(&ran);
    let first = &all[0];
    assert_eq!(first["src"], "10.0.0.1");
    assert_eq!(first["src_port"], 5000);
    assert_eq!(
        (&first["dst"], &first["dst_port"]),
        (&"10.0.0.2".into(), &53.into())
    );
    assert_eq!(
        (&first["protocol"], &first["service"]),
        (&"udp".into(), &"domain_u".into())
    );
    assert_eq!(first["start_ns"], START);
    assert_eq!(first["duration_s"], 0.5);
    assert_eq!(
        (&first["src_bytes"], &first["dst_bytes"]),
        (&60.into(), &0.into())
    );
    assert_eq!(
        (&first["src_packets"], &first["dst_packets"]),
        (&2.into(), &0.into())
    );
    assert_eq!(first["flag"], "SF");
    let confidence = first["confidence"].as_f64().unwrap();
    assert!((0.0..=1.0).contains(&confidence));
    let summary = &all[2]["summary"];
    assert_eq!(summary["packets"], 3);
    assert_eq!(summary["connections"], 2);
    assert_eq!(summary["flags"]["SF"], 2);
    assert_eq!(summary["duration_s"], 1.0);
    assert_eq!(summary["model"], "live-forest");
    assert!(summary["decisions"].as_array().unwrap().is_empty());
    assert!(summary["packets_per_second"].as_f64().unwrap() > 0.0);
}

#[test]
fn json_is_one_document() {
    let folder = Folder::new();
    let file = folder.file("a.pcap", &small().bytes);
    let document = replay(&file, &["-o", "json"]).json();
    assert_eq!(document["connections"].as_array().unwrap().len(), 2);
    assert_eq!(document["summary"]["packets"], 3);
    let none = folder.file("none.pcap", &Pcap::plain().bytes);
    let document = replay(&none, &["-o", "json"]).json();
    assert_eq!(document["connections"].as_array().unwrap().len(), 0);
    assert_eq!(document["summary"]["packets"], 0);
}

#[test]
fn people_get_a_summary() {
    let folder = Folder::new();
    let ran = replay(&folder.file("a.pcap", &small().bytes), &[]);
    assert_eq!(ran.code, 0);
    assert!(
        ran.stdout.contains("packets      3 in 1.000 s"),
        "{}",
        ran.stdout
    );
    assert!(
        ran.stdout.contains("connections  2: 2 SF"),
        "{}",
        ran.stdout
    );
    assert!(
        !ran.stderr.contains('\r'),
        "no status line without a terminal"
    );
}

#[test]
fn a_damaged_file_is_read_to_its_damage() {
    let folder = Folder::new();
    let file = small();
    let cut = &file.bytes[..file.bytes.len() - 3];
    let path = folder.file("cut.pcap", cut);
    let ran = replay(&path, &["-o", "jsonl"]);
    assert_eq!(ran.code, 1);
    let offset = file.offsets[2];
    let error = format!("damaged at byte {offset}: the file ends inside a record");
    assert_eq!(
        ran.stderr,
        format!("tidegate: {}: {error}\n", path.display())
    );
    let all = lines(&ran);
    assert_eq!(all.len(), 2, "one connection and the summary");
    assert_eq!(all[0]["src_packets"], 2);
    assert_eq!(all[1]["summary"]["damaged"][0]["error"], error);
}

#[test]
fn files_go_on_where_the_one_before_ended_or_broke() {
    let folder = Folder::new();
    let (mut first, mut second) = (Pcap::plain(), Pcapng::new(true));
    first.packet(START, &datagram(1, 2, 5));
    first.bytes.push(0);
    second
        .interface(ETHERNET, &[])
        .packet(0, (START + SECOND) / 1000, &datagram(1, 2, 5));
    let first = folder.file("1.pcap", &first.bytes);
    let second = folder.file("2.pcapng.zst", &zstandard(&second.bytes));
    let text = folder.file("notes.txt", b"no capture");
    let mut command = tidegate(&["replay", "-o", "jsonl"]);
    let ran = run(command.args([&first, &text, &second]));
    assert_eq!(ran.code, 1);
    assert!(
        ran.stderr.contains("1.pcap: damaged at byte "),
        "{}",
        ran.stderr
    );
    assert!(
        ran.stderr.contains("notes.txt: not a capture"),
        "{}",
        ran.stderr
    );
    let all = lines(&ran);
    assert_eq!(all.len(), 2);
    assert_eq!(all[0]["src_packets"], 2);
}

#[test]
fn stdin_is_a_file_named_dash() {
    let mut command = tidegate(&["replay", "-", "-o", "jsonl"]);
    let command = command.stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(&gzip(&small().bytes)).unwrap();
    drop(stdin);
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success());
    assert_eq!(String::from_utf8(output.stdout).unwrap().lines().count(), 3);
}

#[test]
fn rows_have_kdds_column_names() {
    let folder = Folder::new();
    let capture = folder.file("a.pcap", &small().bytes);
    let rows = folder.path("rows.csv");
    let ran = replay(&capture, &["--features", rows.to_str().unwrap()]);
    assert_eq!(ran.code, 0, "{ran:?}");
    let text = fs::read_to_string(&rows).unwrap();
    let mut lines = text.lines().map(|line| line.split(',').collect::<Vec<_>>());
    let head = lines.next().unwrap();
    let columns = LIVE_COLUMNS.len();
    assert_eq!(
        head[..6],
        ["time_s", "iface", "src", "src_port", "dst", "dst_port"]
    );
    assert_eq!(head[6..6 + columns], LIVE_COLUMNS);
    assert_eq!(head[6 + columns..], ["class", "confidence"]);
    let row = lines.next().unwrap();
    assert_eq!(row.len(), head.len());
    let value = |name: &str| row[head.iter().position(|n| *n == name).unwrap()];
    assert_eq!(value("time_s"), "1600000000.500000000");
    assert_eq!((value("src"), value("dst_port")), ("10.0.0.1", "53"));
    assert_eq!(
        (value("protocol_type"), value("service")),
        ("udp", "domain_u")
    );
    assert_eq!((value("flag"), value("src_bytes")), ("SF", "60"));
    assert_eq!((value("count"), value("srv_count")), ("1", "1"));
    assert_eq!(lines.count(), 1);
}

#[test]
fn mistakes_are_told_before_anything_is_read() {
    let folder = Folder::new();
    let good = folder.file("a.pcap", &small().bytes);
    let missing = folder.path("missing.pcap");
    let ran = run(tidegate(&["replay", "-o", "jsonl"]).args([&good, &missing]));
    assert!(ran.failed(64).contains("missing.pcap: No such file"));
    let ran = replay(folder.0.path(), &[]);
    assert!(ran.failed(64).contains("a folder, not a capture"));
    let ran = run(&mut tidegate(&["replay"]));
    assert_eq!((ran.code, ran.stdout.as_str()), (64, ""));
    let kdd = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../models/trained/kdd41-tree.json"
    );
    let ran = replay(&good, &["--model", kdd]);
    assert_eq!(
        ran.failed(78),
        "kdd41-tree is a model of schema kdd41; captures need one of schema live"
    );
    let ran = replay(&good, &["--features", "/nonexistent/rows.csv"]);
    assert!(
        ran.failed(1)
            .contains("/nonexistent/rows.csv: No such file")
    );
}

#[test]
fn the_configuration_bounds_the_table_and_sets_the_policy() {
    let folder = Folder::new();
    let mut file = Pcap::plain();
    for i in 0..2000_u64 {
        let echo = tidegate_common::testing::Frame::v4([10, 0, 0, 3], [10, 0, 0, 9]).echo(7);
        file.packet(START + i * 1_000_000, &echo.payload(56).build());
    }
    let capture = folder.file("flood.pcap", &file.bytes);
    let decided = |config: &str| {
        let config = folder.file("config.toml", config.as_bytes());
        let ran = replay(
            &capture,
            &["-o", "jsonl", "--config", config.to_str().unwrap()],
        );
        assert_eq!(ran.code, 0, "{ran:?}");
        let all = lines(&ran);
        all.last().unwrap()["summary"]["decisions"]
            .as_array()
            .unwrap()
            .clone()
    };
    let decisions = decided("[policy]\ndos_ttl = \"7s\"\n");
    assert_eq!(decisions.len(), 1);
    let decision = &decisions[0];
    assert_eq!(
        (&decision["class"], &decision["ttl_s"]),
        (&"dos".into(), &7.0.into())
    );
    assert_eq!(
        (&decision["source"], &decision["destination"]),
        (&"10.0.0.3".into(), &"10.0.0.9".into())
    );
    assert!(decided("[policy]\nallowlist = [\"10.0.0.0/8\"]\n").is_empty());
}
