//! Verdicts as lines of a file that others rotate.

use std::{collections::BTreeSet, fs, path::Path};

use serde_json::Value;
use tidegate::{decision::Phase, export::verdict_log::VerdictLog, journal::Journal};

use crate::{
    disks::Disk,
    support::{decision, ended, eventually, made, open, reader},
};

pub(crate) fn lines(path: &Path) -> Vec<Value> {
    let text = fs::read_to_string(path).unwrap_or_default();
    let parse = |line| serde_json::from_str(line).unwrap();
    text.lines().map(parse).collect()
}

fn ids(path: &Path) -> Vec<u64> {
    let lines = lines(path);
    lines.iter().map(|l| l["id"].as_u64().unwrap()).collect()
}

fn record(journal: &Journal, ids: std::ops::RangeInclusive<u64>) {
    for id in ids {
        journal.record(made(&decision(id)));
    }
}

fn wait_for(path: &Path, expected: usize) {
    eventually("the lines are written", || {
        (lines(path).len() == expected).then_some(())
    });
}

#[test]
fn a_line_tells_every_change_and_a_file_that_is_renamed_is_begun_anew() {
    let folder = tempfile::tempdir().unwrap();
    let (journal, path) = (folder.path().join("journal.db"), folder.path().join("log"));
    let (writer, _) = open(&journal);
    let log = VerdictLog::start(&journal, &path).unwrap();
    let one = decision(1);
    writer.record(made(&one));
    wait_for(&path, 1);
    writer.record(ended(&one, Phase::Lifted, 9));
    wait_for(&path, 2);
    let both = lines(&path);
    let fields = ["id", "point_at", "iface", "class", "type", "created_at"];
    for field in fields {
        assert!(!both[0][field].is_null() && both[0][field] == both[1][field]);
    }
    assert_eq!(both[0]["point_at"], one.created_at.to_string());
    assert_eq!(
        (&both[0]["phase"], &both[1]["phase"]),
        (&"active".into(), &"lifted".into())
    );
    assert_eq!(both[1]["packets_dropped"], 9);
    assert!(both[0]["logged_at"].as_str() < both[1]["logged_at"].as_str());

    let old = folder.path().join("log.1");
    fs::rename(&path, &old).unwrap();
    record(&writer, 2..=3);
    wait_for(&path, 2);
    assert_eq!(ids(&path), [2, 3]);
    assert_eq!(ids(&old), [1, 1]);

    // The next one goes on, after a line that a crash cut off.
    drop(log);
    let whole = fs::read(&path).unwrap();
    fs::write(&path, [&whole[..], b"{\"logged_at\":\"20"].concat()).unwrap();
    record(&writer, 4..=4);
    let log = VerdictLog::start(&journal, &path).unwrap();
    let text = eventually("the line is written", || {
        let text = fs::read_to_string(&path).unwrap();
        text.ends_with("}\n")
            .then_some(text)
            .filter(|text| text.lines().count() == 4)
    });
    let last: Value = serde_json::from_str(text.lines().last().unwrap()).unwrap();
    assert_eq!(last["id"], 4);
    assert!(log.trouble().load().is_none());
}

#[test]
fn a_full_disk_makes_lines_wait_and_none_is_cut_off() {
    let folder = tempfile::tempdir().unwrap();
    let journal = folder.path().join("journal.db");
    let disk = Disk::new("size=2m");
    let path = disk.path().join("log");
    let ballast = disk.path().join("ballast");
    fs::write(&ballast, vec![0; (2 << 20) - (64 << 10)]).unwrap();
    let (writer, _) = open(&journal);
    record(&writer, 1..=500);
    let log = VerdictLog::start(&journal, &path).unwrap();
    let trouble = eventually("the disk is full", || log.trouble().load_full());
    assert!(trouble.contains("No space left"), "{trouble}");
    fs::remove_file(&ballast).unwrap();
    wait_for(&path, 500);
    let distinct: BTreeSet<u64> = ids(&path).into_iter().collect();
    assert_eq!(distinct, (1..=500).collect());
}

#[test]
fn both_exporters_keep_their_place() {
    let folder = tempfile::tempdir().unwrap();
    let (journal, path) = (folder.path().join("journal.db"), folder.path().join("log"));
    let (writer, _) = open(&journal);
    writer.record(made(&decision(1)));
    let log = VerdictLog::start(&journal, &path).unwrap();
    wait_for(&path, 1);
    drop(log);
    // Another kind of exporter comes and forgets those of its own kind only.
    let reader = reader(&journal);
    reader.set_cursor("influx v1 here", 1).unwrap();
    assert_eq!(reader.cursor("influx v2 there").unwrap(), 0);
    let name = format!("log {}", path.display());
    assert_eq!(reader.cursor(&name).unwrap(), 1);
    assert_eq!(reader.cursor("influx v1 here").unwrap(), 0);
}
