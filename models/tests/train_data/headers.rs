//! Files with a header: tables with KDD's column names, and recordings.

use tempfile::TempDir;
use tidegate_models::{Class, KDD41_COLUMNS, REQUIRED_FEATURES, Schema};

use crate::{
    files::{recording, table, write},
    readers::{attack, read, read_as},
};

#[test]
fn tables_are_read_by_header_and_lack_what_they_lack() {
    let folder = TempDir::new().unwrap();
    for (labels, class, attack, group) in [
        (
            &[("target", "neptune.")][..],
            Class::Dos,
            attack("neptune"),
            "neptune",
        ),
        (&[("target", "phf")], Class::R2l, attack("phf"), "phf"),
        (&[("Attack Type", "U2R")], Class::U2r, None, "u2r"),
        (
            &[("target", "normal."), ("Attack Type", "Normal")],
            Class::Normal,
            attack("normal"),
            "normal",
        ),
    ] {
        let path = write(&folder, "table.csv", &table(labels));
        let row = read(&path).unwrap().0.remove(0);
        assert_eq!((row.class, row.attack), (class, attack));
        assert_eq!(row.group.as_ref(), group);
        for (name, value) in [
            ("protocol_type", 0),
            ("count", 123),
            ("serror_rate", 100),
            ("diff_srv_rate", 7),
            ("duration", 0),
        ] {
            assert_eq!(row.features.named(name), Some(value), "{name}");
        }
        for name in KDD41_COLUMNS {
            let known = row.features.named(name).is_some();
            assert_eq!(known, REQUIRED_FEATURES.contains(&name), "{name}");
        }
        let live = read_as(&path, Schema::Live).unwrap().0.remove(0).features;
        assert_eq!(live.schema(), Schema::Live);
        assert_eq!(live.named("count"), Some(123));
        assert_eq!(live.named("src_packets"), Some(1), "one SYN");
        assert_eq!(live.named("service"), None);
    }
}

#[test]
fn bad_tables_are_named_by_line_and_column() {
    let folder = TempDir::new().unwrap();
    let good = table(&[("target", "neptune"), ("Attack Type", "dos")]);
    for (from, to, message) in [
        (
            "neptune",
            "nmap",
            "2: column Attack Type: not the class of target: \"dos\"",
        ),
        (
            "neptune",
            "storm",
            "2: column target: unknown attack type: \"storm\"",
        ),
        (
            "dos\n",
            "flood\n",
            "2: column Attack Type: unknown class: \"flood\"",
        ),
        (
            "123.0",
            "123.5",
            "2: column count: not a whole number, 0 or above: \"123.5\"",
        ),
        ("S0", "1", "2: column flag: unknown flag: \"1\""),
        ("\n17,", "\n", "2: 34 columns instead of 35"),
        (
            ",src_bytes,",
            ",bytes,",
            "1: the header has no column src_bytes",
        ),
        (
            "time",
            "duration",
            "1: the header has column duration twice",
        ),
        (
            "time",
            "service",
            "2: column service: unknown service: \"1999-03-29 08:00:01\"",
        ),
        (
            "target,Attack Type",
            "a,b",
            "1: the header has neither a label (target or Attack Type) nor a recording's columns",
        ),
    ] {
        assert!(good.contains(from), "{from}");
        let path = write(&folder, "bad.csv", &good.replacen(from, to, 1));
        let error = read(&path).unwrap_err().to_string();
        assert_eq!(error, format!("{}:{message}", path.display()));
    }
}

#[test]
fn recordings_are_read_by_header() {
    let folder = TempDir::new().unwrap();
    let path = write(
        &folder,
        "flood.csv.zst",
        &recording(|_, value| value.to_owned()),
    );
    let (rows, summary) = read_as(&path, Schema::Live).unwrap();
    let source = summary.source;
    assert_eq!((source.file.as_str(), source.rows), ("flood.csv", 1));
    assert_eq!(
        (rows[0].class, rows[0].attack, rows[0].group.as_ref()),
        (Class::Dos, None, "udp_flood/dos")
    );
    assert_eq!(
        rows[0].features.named("pair_same_answer_rate_600s"),
        Some(0)
    );
    assert_eq!(rows[0].features.named("duration"), Some(61));
    assert_eq!(rows[0].features.named("protocol_type"), Some(1));
    assert_eq!(
        read(&path).unwrap_err().to_string(),
        format!(
            "{}: a recording has live columns only: schema kdd41 needs the content columns (hot to is_guest_login) too",
            path.display()
        )
    );
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
        // A model may answer so; no data set says it.
        (
            "label",
            "unknown",
            "column label: unknown class: \"unknown\"",
        ),
    ] {
        let text = recording(|name, old| if name == column { value } else { old }.to_owned());
        let path = write(&folder, "bad.csv", &text);
        let error = read_as(&path, Schema::Live).unwrap_err().to_string();
        assert_eq!(error, format!("{}:2: {message}", path.display()));
    }
    for column in ["scenario", "label", "src_count", "service"] {
        let good = recording(|_, value| value.to_owned());
        let path = write(&folder, "bad.csv", &good.replacen(column, "other", 1));
        let error = read_as(&path, Schema::Live).unwrap_err().to_string();
        assert_eq!(
            error,
            format!("{}:1: the header has no column {column}", path.display())
        );
    }
}
