//! The readers, on small files of their own.

#![cfg(feature = "train")]
#![expect(clippy::unwrap_used, reason = "a failing unwrap is a failing test")]

use std::{fs, io::Write as _, path::PathBuf};

use flate2::{Compression, write::GzEncoder};
use tempfile::TempDir;
use tidegate_models::{
    Class, LIVE_COLUMNS, Schema,
    train::{find, is_test_file, kdd, recorded},
};

const WEB: &str = "0,tcp,http,SF,181,5450,0,0,0,0,0,1,0,0,0,0,0,0,0,0,0,0,8,8,0.00,0.00,0.00,0.00,1.00,0.00,0.00,9,9,1.00,0.00,0.11,0.00,0.00,0.00,0.00,0.00,normal.";
const SMURF: &str = "0,icmp,ecr_i,SF,1032,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,511,511,0.00,0.00,0.00,0.00,1.00,0.00,0.00,255,255,1.00,0.00,1.00,0.00,0.00,0.00,0.00,0.00,smurf.";
const NSL: &str = "4,tcp,private,S0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,123,6,1.00,1.00,0.00,0.00,0.05,0.07,0.00,255,26,0.10,0.05,0.00,0.00,1.00,1.00,0.00,0.00,neptune,19";

fn write(folder: &TempDir, name: &str, text: &str) -> PathBuf {
    let path = folder.path().join(name);
    let bytes = match name.rsplit_once('.') {
        Some((_, "gz")) => {
            let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
            encoder.write_all(text.as_bytes()).unwrap();
            encoder.finish().unwrap()
        }
        Some((_, "zst")) => zstd::encode_all(text.as_bytes(), 1).unwrap(),
        _ => text.as_bytes().to_vec(),
    };
    fs::write(&path, bytes).unwrap();
    path
}

#[test]
fn plain_gz_and_zst_give_the_same_rows_and_digest() {
    let folder = TempDir::new().unwrap();
    let text = format!("{WEB}\n{SMURF}\n{NSL}\n");
    let plain = kdd::read(&write(&folder, "rows", &text)).unwrap();
    assert_eq!(plain.0.len(), 3);
    assert_eq!((plain.1.file.as_str(), plain.1.rows), ("rows", 3));
    for name in ["rows.gz", "rows.zst"] {
        assert_eq!(
            kdd::read(&write(&folder, name, &text)).unwrap(),
            plain,
            "{name}"
        );
    }
    let [web, smurf, neptune] = &plain.0[..] else {
        panic!("{plain:?}")
    };
    assert_eq!((web.class, web.label.as_str()), (Class::Normal, "normal"));
    assert_eq!(web.features.named("dst_host_same_src_port_rate"), Some(11));
    assert_eq!(
        (smurf.class, smurf.features.named("count")),
        (Class::Dos, Some(511))
    );
    assert_eq!(
        (neptune.class, neptune.features.named("same_srv_rate")),
        (Class::Dos, Some(5))
    );
}

#[test]
fn bad_kdd_rows_are_named_by_file_line_column_and_value() {
    let folder = TempDir::new().unwrap();
    for (from, to, message) in [
        (
            "181,",
            "1x1,",
            "column src_bytes: not a whole number, 0 or above: \"1x1\"",
        ),
        (
            "tcp",
            "tcq",
            "column protocol_type: unknown protocol: \"tcq\"",
        ),
        ("http", "quic", "column service: unknown service: \"quic\""),
        ("SF", "sf", "column flag: unknown flag: \"sf\""),
        (
            "0.11",
            "1.10",
            "column dst_host_same_src_port_rate: not a rate from 0 to 1: \"1.10\"",
        ),
        (
            "0.11",
            "NaN",
            "column dst_host_same_src_port_rate: not a rate from 0 to 1: \"NaN\"",
        ),
        (
            "normal.",
            "odd.",
            "column label: unknown attack type: \"odd.\"",
        ),
        (",normal.", "", "41 columns instead of 42 or 43"),
    ] {
        let text = format!("{SMURF}\n{}\n", WEB.replacen(from, to, 1));
        let path = write(&folder, "bad", &text);
        let error = kdd::read(&path).unwrap_err().to_string();
        assert_eq!(error, format!("{}:2: {message}", path.display()));
    }
}

#[test]
fn files_are_found_by_name_whatever_their_compression() {
    let folder = TempDir::new().unwrap();
    let error = find(folder.path(), "rows").unwrap_err().to_string();
    assert!(
        error.ends_with("no rows (also looked for rows.gz and rows.zst)"),
        "{error}"
    );
    let zst = write(&folder, "rows.zst", WEB);
    assert_eq!(find(folder.path(), "rows").unwrap(), zst);
    let plain = write(&folder, "rows", WEB);
    assert_eq!(find(folder.path(), "rows").unwrap(), plain);
}

#[test]
fn test_files_are_known_by_name() {
    for name in [
        "corrected",
        "corrected.gz",
        "KDDTest+.txt",
        "KDDTest-21.txt.zst",
        "kddcup.testdata.unlabeled.gz",
    ] {
        assert!(is_test_file(&PathBuf::from("data").join(name)), "{name}");
    }
    for name in ["kddcup.data_10_percent.zst", "KDDTrain+.txt", "flood.csv"] {
        assert!(
            !is_test_file(&PathBuf::from("corrected").join(name)),
            "{name}"
        );
    }
}

#[test]
fn kdd_rows_become_live_rows() {
    let folder = TempDir::new().unwrap();
    let (rows, _) =
        kdd::read(&write(&folder, "rows", &format!("{WEB}\n{SMURF}\n{NSL}\n"))).unwrap();
    let extras = |row: usize| kdd::to_live(&rows[row].features).values()[28..].to_vec();
    // src_packets, dst_packets, packet_rate, count_100ms, src_count
    assert_eq!(
        extras(0),
        [5, 7, 0, 1, 8],
        "181 and 5450 bytes: 1 and 4 segments, SF adds 4 and 3"
    );
    assert_eq!(
        extras(1),
        [511, 0, 255, 26, 511],
        "a message of a flood of 511"
    );
    assert_eq!(extras(2), [1, 0, 0, 6, 123], "one SYN, no answer");
    let live = kdd::to_live(&rows[2].features);
    assert_eq!(live.schema(), Schema::Live);
    for name in &LIVE_COLUMNS[..28] {
        assert_eq!(live.named(name), rows[2].features.named(name), "{name}");
        assert!(live.named(name).is_some());
    }
}

/// A recording whose columns are in another order than the schema's, with one more.
fn recording(change: impl Fn(&str, &str) -> String) -> String {
    let mut names: Vec<&str> = LIVE_COLUMNS.iter().rev().copied().collect();
    names.extend(["time_s", "label", "scenario"]);
    let value = |(column, name): (usize, &&str)| {
        let value = match *name {
            "protocol_type" => "udp".to_owned(),
            "service" => "domain_u".to_owned(),
            "flag" => "SF".to_owned(),
            "label" => "dos".to_owned(),
            "scenario" => "udp_flood".to_owned(),
            "time_s" => "1.25".to_owned(),
            _ => column.to_string(),
        };
        change(name, &value)
    };
    let row: Vec<String> = names.iter().enumerate().map(value).collect();
    format!("{}\n{}\n", names.join(","), row.join(","))
}

#[test]
fn recordings_are_read_by_header() {
    let folder = TempDir::new().unwrap();
    let path = write(
        &folder,
        "flood.csv.zst",
        &recording(|_, value| value.to_owned()),
    );
    let (rows, source) = recorded::read(&path).unwrap();
    assert_eq!((source.file.as_str(), source.rows), ("flood.csv", 1));
    assert_eq!(
        (rows[0].class, rows[0].scenario.as_str()),
        (Class::Dos, "udp_flood")
    );
    assert_eq!(rows[0].features.named("src_count"), Some(0));
    assert_eq!(rows[0].features.named("duration"), Some(32));
    assert_eq!(rows[0].features.named("protocol_type"), Some(1));
}

#[test]
fn bad_recordings_are_named_by_line_and_column() {
    let folder = TempDir::new().unwrap();
    for (column, value, message) in [
        (
            "packet_rate",
            "1.5",
            "column packet_rate: not a whole number, 0 or above: \"1.5\"",
        ),
        (
            "serror_rate",
            "101",
            "column serror_rate: not a percentage: \"101\"",
        ),
        ("label", "flood", "column label: unknown class: \"flood\""),
    ] {
        let text = recording(|name, old| if name == column { value } else { old }.to_owned());
        let path = write(&folder, "bad.csv", &text);
        let error = recorded::read(&path).unwrap_err().to_string();
        assert_eq!(error, format!("{}:2: {message}", path.display()));
    }
    let path = write(
        &folder,
        "bad.csv",
        &recording(|_, value| value.to_owned()).replacen("scenario", "scene", 1),
    );
    let error = recorded::read(&path).unwrap_err().to_string();
    assert_eq!(
        error,
        format!("{}:1: the header has no column scenario", path.display())
    );
}
