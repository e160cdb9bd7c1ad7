//! The readers, on small files of their own, and on KDD's where they are.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use tempfile::TempDir;
use tidegate_models::{
    Class, FIRST_HOST_COLUMN, LIVE_COLUMNS, MISSING, Schema,
    train::{Attack, DataError, LabelledRow, Layout, OnBad, Rows, Summary, find, is_test_file},
};

use crate::files::{NEPTUNE, SMURF, WEB, nsl, recording, table, write};

pub(crate) fn read_as(
    path: &Path,
    schema: Schema,
) -> Result<(Vec<LabelledRow>, Summary), DataError> {
    Rows::open(path, schema, OnBad::Stop)?.process(|rows| rows.collect())
}

pub(crate) fn read(path: &Path) -> Result<(Vec<LabelledRow>, Summary), DataError> {
    read_as(path, Schema::Kdd41)
}

fn layout(path: &Path) -> Layout {
    Rows::open(path, Schema::Live, OnBad::Stop)
        .unwrap()
        .layout()
}

#[test]
fn plain_gz_and_zst_give_the_same_rows_and_digest() {
    let folder = TempDir::new().unwrap();
    let text = format!("{WEB}\n{SMURF}\n{NEPTUNE}\n");
    let plain = read(&write(&folder, "rows", &text)).unwrap();
    assert_eq!(plain.0.len(), 3);
    let source = &plain.1.source;
    assert_eq!((source.file.as_str(), source.rows), ("rows", 3));
    assert_eq!(plain.1.skipped.count, 0);
    for name in ["rows.gz", "rows.zst"] {
        assert_eq!(read(&write(&folder, name, &text)).unwrap(), plain, "{name}");
    }
    let [web, smurf, neptune] = &plain.0[..] else {
        panic!("{plain:?}")
    };
    assert_eq!((web.class, web.group.as_ref()), (Class::Normal, "normal"));
    assert_eq!(web.features.named("dst_host_same_src_port_rate"), Some(11));
    assert_eq!((smurf.class, smurf.attack), (Class::Dos, attack("smurf")));
    assert_eq!(smurf.features.named("count"), Some(511));
    assert_eq!(
        (neptune.class, neptune.attack),
        (Class::Dos, attack("neptune"))
    );
    assert_eq!(neptune.features.named("same_srv_rate"), Some(5));
    assert!(
        !plain
            .0
            .iter()
            .any(|row| row.features.values().contains(&MISSING))
    );
}

pub(crate) fn attack(name: &str) -> Option<Attack> {
    Some(name.parse().unwrap())
}

#[test]
fn nsl_kdd_and_kdd99_give_the_same_rows() {
    let folder = TempDir::new().unwrap();
    let kdd = write(&folder, "kdd", &format!("{WEB}\n{NEPTUNE}\n"));
    let text = format!("{}\n{}\n", nsl(WEB), nsl(NEPTUNE));
    let (nsl, plain) = (write(&folder, "nsl", &text), read(&kdd).unwrap().0);
    assert_eq!(read(&nsl).unwrap().0, plain);
    assert_eq!(
        (layout(&kdd), layout(&nsl)),
        (Layout::Kdd99, Layout::NslKdd)
    );
    // Line ends of another system, blank lines and quotes change nothing either.
    let text = format!("{WEB}\n\n{NEPTUNE}").replace("tcp", "\"tcp\"");
    let odd = write(&folder, "odd", &text.replace('\n', "\r\n"));
    assert_eq!(read(&odd).unwrap().0, plain);
}

#[test]
fn a_file_is_what_its_content_says_whatever_its_name() {
    let folder = TempDir::new().unwrap();
    for name in ["data", "data.csv", "data.gz", "data.txt.zst"] {
        let kdd = write(&folder, name, &format!("{SMURF}\n"));
        assert_eq!(layout(&kdd), Layout::Kdd99, "{name}");
        let recorded = write(&folder, name, &recording(|_, value| value.to_owned()));
        assert_eq!(layout(&recorded), Layout::Recording, "{name}");
        let labelled = write(&folder, name, &table(&[("target", "smurf.")]));
        assert_eq!(layout(&labelled), Layout::Table, "{name}");
    }
    // Compressed under a plain name, and the other way round.
    let zst = write(&folder, "rows.zst", WEB);
    std::fs::rename(&zst, folder.path().join("rows")).unwrap();
    let rows = read(&folder.path().join("rows")).unwrap().0;
    let plain = write(&folder, "plain", WEB);
    std::fs::rename(&plain, folder.path().join("rows.gz")).unwrap();
    assert_eq!(read(&folder.path().join("rows.gz")).unwrap().0, rows);
    // `land` is an attack type and a column: one of a kind makes no header.
    let land = write(&folder, "land", &WEB.replace("normal.", "land"));
    assert_eq!(read(&land).unwrap().0[0].attack, attack("land"));
}

#[test]
fn every_label_is_read_with_a_dot_and_without() {
    let folder = TempDir::new().unwrap();
    for attack in Attack::all() {
        for label in [attack.name().to_owned(), format!("{attack}.")] {
            let path = write(&folder, "row", &WEB.replace("normal.", &label));
            let row = read(&path).unwrap().0.remove(0);
            assert_eq!((row.attack, row.class), (Some(attack), attack.class()));
            assert_eq!(row.group.as_ref(), attack.name());
        }
    }
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
            "181,",
            "-181,",
            "column src_bytes: not a whole number, 0 or above: \"-181\"",
        ),
        (
            "181,",
            "inf,",
            "column src_bytes: not a whole number, 0 or above: \"inf\"",
        ),
        (
            "181,",
            ",",
            "column src_bytes: not a whole number, 0 or above: \"\"",
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
            "0.11",
            "-0.11",
            "column dst_host_same_src_port_rate: not a rate from 0 to 1: \"-0.11\"",
        ),
        (
            "normal.",
            "odd.",
            "column label: unknown attack type: \"odd.\"",
        ),
        (",normal.", "", "41 columns instead of 42"),
        ("normal.", "normal,19", "43 columns instead of 42"),
    ] {
        // The line is the file's, blank ones counted.
        for (before, line) in [("\n", 2), ("\r\n", 2), ("\n\n\n", 4)] {
            let text = format!("{SMURF}{before}{}\n", WEB.replacen(from, to, 1));
            let path = write(&folder, "bad", &text);
            let error = read(&path).unwrap_err().to_string();
            assert_eq!(error, format!("{}:{line}: {message}", path.display()));
        }
    }
    let path = write(&folder, "bad", "1,2,3\n");
    assert_eq!(
        read(&path).unwrap_err().to_string(),
        format!(
            "{}:1: 3 columns instead of 42 (KDD'99), 43 (NSL-KDD) or a header",
            path.display()
        )
    );
}

#[test]
fn kdd_rows_become_live_rows() {
    let folder = TempDir::new().unwrap();
    let path = write(&folder, "rows", &format!("{WEB}\n{SMURF}\n{NEPTUNE}\n"));
    let (rows, summary) = read(&path).unwrap();
    let (live, same) = read_as(&path, Schema::Live).unwrap();
    assert_eq!(summary, same);
    let extras = |row: usize| live[row].features.values()[28..33].to_vec();
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
    for (row, live) in rows.iter().zip(&live) {
        assert_eq!(live.features.schema(), Schema::Live);
        assert_eq!((live.class, &live.group), (row.class, &row.group));
        for name in &LIVE_COLUMNS[..28] {
            assert_eq!(
                live.features.named(name),
                row.features.named(name),
                "{name}"
            );
            assert!(live.features.named(name).is_some());
        }
        for name in &LIVE_COLUMNS[FIRST_HOST_COLUMN..] {
            assert_eq!(live.features.named(name), Some(0), "{name}");
        }
    }
}

#[test]
fn a_recording_from_before_the_host_columns_has_them_as_0() {
    let folder = TempDir::new().unwrap();
    let text = recording(|_, value| value.to_owned());
    let without = |lacking: &dyn Fn(&str) -> bool| {
        let names: Vec<&str> = text.lines().next().unwrap().split(',').collect();
        let line = |line: &str| {
            let fields = line.split(',').zip(&names);
            let kept = fields.filter(|(_, name)| !lacking(name));
            kept.map(|(field, _)| field).collect::<Vec<_>>().join(",")
        };
        let lines: Vec<String> = text.lines().map(line).collect();
        lines.join("\n")
    };
    let hosts = &LIVE_COLUMNS[FIRST_HOST_COLUMN..];
    let old = write(&folder, "old.csv", &without(&|name| hosts.contains(&name)));
    let new = write(&folder, "new.csv", &text);
    let (old, summary) = read_as(&old, Schema::Live).unwrap();
    assert!(summary.lacks_hosts);
    let (new, summary) = read_as(&new, Schema::Live).unwrap();
    assert!(!summary.lacks_hosts);
    let values = old[0].features.values();
    assert_eq!(values[..33], new[0].features.values()[..33]);
    assert!(values[33..].iter().all(|value| *value == 0));
    assert!(
        new[0].features.values()[33..]
            .iter()
            .any(|value| *value != 0)
    );
    // One missing is a mistake.
    let bad = write(&folder, "bad.csv", &without(&|name| name == "dst_open"));
    let error = read_as(&bad, Schema::Live).unwrap_err().to_string();
    assert_eq!(
        error,
        format!("{}:1: the header has no column dst_open", bad.display())
    );
}

#[test]
fn a_reader_takes_only_what_it_needs() {
    let folder = TempDir::new().unwrap();
    let path = write(&folder, "rows", WEB);
    let open = || Rows::open(&path, Schema::Live, OnBad::Stop).unwrap();
    assert!(
        open()
            .only(|layout| layout == Layout::Kdd99, "KDD'99")
            .is_ok()
    );
    let error = open()
        .only(|layout| layout == Layout::Recording, "a recording")
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        format!(
            "{}: a KDD'99 file, where a recording is needed",
            path.display()
        )
    );
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

/// The published totals, by class in the order of [`Class::ALL`], and how many attack types
/// (without `normal`) occur, how many of them unseen in training.
#[test]
fn the_published_files_have_their_official_totals() {
    let Some(data) = std::env::var_os("TIDEGATE_DATA") else {
        println!("skipped: TIDEGATE_DATA does not name a folder with the KDD files");
        return;
    };
    for (name, layout, totals, types, unseen) in [
        (
            "kddcup.data_10_percent",
            Layout::Kdd99,
            [97_278, 391_458, 4_107, 1_126, 52],
            22,
            0,
        ),
        (
            "corrected",
            Layout::Kdd99,
            [60_593, 229_853, 4_166, 16_189, 228],
            37,
            17,
        ),
        (
            "KDDTrain+.txt",
            Layout::NslKdd,
            [67_343, 45_927, 11_656, 995, 52],
            22,
            0,
        ),
    ] {
        let path = find(Path::new(&data), name).unwrap();
        let mut rows = Rows::open(&path, Schema::Kdd41, OnBad::Stop).unwrap();
        assert_eq!(rows.layout(), layout);
        let mut classes = [0_u64; 5];
        let mut attacks: BTreeMap<Attack, u64> = BTreeMap::new();
        for row in &mut rows {
            let row = row.unwrap();
            classes[row.class.index()] += 1;
            *attacks.entry(row.attack.unwrap()).or_default() += 1;
        }
        assert_eq!(classes, totals, "{name}");
        assert_eq!(rows.source().unwrap().rows, totals.iter().sum::<u64>());
        assert_eq!(attacks.len() - 1, types, "{name}");
        let new: Vec<u64> = attacks
            .iter()
            .filter(|(attack, _)| !attack.in_training())
            .map(|(_, count)| *count)
            .collect();
        assert_eq!(new.len(), unseen, "{name}");
        if name == "corrected" {
            assert_eq!(new.iter().sum::<u64>(), 18_729);
        }
    }
}
