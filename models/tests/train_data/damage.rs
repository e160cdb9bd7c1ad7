//! Data files that are cut off, empty, or bad in places.

use std::{fmt::Write as _, fs, path::Path};

use tempfile::TempDir;
use tidegate_models::{
    Schema,
    train::{DataError, LabelledRow, OnBad, Rows, Summary},
};

use crate::{
    files::{NEPTUNE, SMURF, WEB, compress, recording, table, write},
    workbench::{stderr, workbench},
};

fn read(path: &Path, on_bad: OnBad) -> Result<(Vec<LabelledRow>, Summary), DataError> {
    Rows::open(path, Schema::Live, on_bad)?.process(|rows| rows.collect())
}

/// Rows that don't compress to nothing.
fn many() -> String {
    let mut text = String::new();
    for row in 0..5000_u32 {
        let bytes = row.wrapping_mul(2_654_435_761);
        let row = WEB.replacen("181,5450", &format!("{},{row}", bytes >> 8), 1);
        writeln!(text, "{row}").unwrap();
    }
    text
}

#[test]
fn a_cut_stream_names_the_file_and_the_last_line_it_gave() {
    let folder = TempDir::new().unwrap();
    let text = many();
    for name in ["rows.gz", "rows.zst"] {
        let whole = compress(name, &text);
        let path = folder.path().join(name);
        let mut lines = Vec::new();
        for share in [1, 5, 9] {
            fs::write(&path, &whole[..whole.len() * share / 10]).unwrap();
            // Skipping is for rows: what was cut off can't be counted.
            let error = read(&path, OnBad::Skip).unwrap_err();
            let DataError::Broken { line, .. } = error else {
                panic!("{name}: {error}")
            };
            let start = format!("{}: unreadable after line {line}, ", path.display());
            assert!(error.to_string().starts_with(&start), "{error}");
            lines.push(line);
        }
        assert!(lines[0] < lines[1] && lines[1] < lines[2], "{lines:?}");
        assert!(lines[2] < 5000, "{lines:?}");
        // Rows before the cut are given, the cut is the last thing.
        let mut rows = Rows::open(&path, Schema::Live, OnBad::Stop).unwrap();
        let given = rows.by_ref().take_while(Result::is_ok).count();
        assert_eq!(given as u64, lines[2]);
        assert!(rows.next().is_none() && rows.source().is_none());
    }
}

#[test]
fn a_damaged_stream_is_an_error() {
    let folder = TempDir::new().unwrap();
    for name in ["rows.gz", "rows.zst"] {
        let mut bytes = compress(name, &many());
        let middle = bytes.len() / 2;
        for byte in &mut bytes[middle..middle + 64] {
            *byte = !*byte;
        }
        let path = folder.path().join(name);
        fs::write(&path, bytes).unwrap();
        assert!(read(&path, OnBad::Stop).is_err(), "{name}");
    }
}

#[test]
fn a_file_cut_in_a_row_is_too_narrow_there() {
    let folder = TempDir::new().unwrap();
    let path = write(&folder, "rows", &format!("{WEB}\n{}", &SMURF[..100]));
    let error = read(&path, OnBad::Stop).unwrap_err().to_string();
    assert!(error.contains("rows:2: "), "{error}");
    assert!(error.ends_with(" columns instead of 42"), "{error}");
}

#[test]
fn a_file_without_rows_is_an_error() {
    let folder = TempDir::new().unwrap();
    let header = |text: &str| text.lines().next().unwrap_or_default().to_owned();
    let recorded = recording(|_, value| value.to_owned());
    for (name, text) in [
        ("empty", String::new()),
        ("empty.gz", String::new()),
        ("empty.zst", String::new()),
        ("blank", "\n\r\n\n".to_owned()),
        ("recording.csv", header(&recorded)),
        ("table.csv", header(&table(&[("target", "smurf")])) + "\n"),
    ] {
        let path = write(&folder, name, &text);
        for on_bad in [OnBad::Stop, OnBad::Skip] {
            let error = read(&path, on_bad).unwrap_err().to_string();
            assert_eq!(error, format!("{}: no rows", path.display()));
        }
    }
}

#[test]
fn what_is_no_table_is_refused() {
    let folder = TempDir::new().unwrap();
    let endless = write(&folder, "endless", &"0,".repeat(100_000));
    let error = read(&endless, OnBad::Skip).unwrap_err().to_string();
    assert!(
        error.ends_with("a line of more than 65536 bytes"),
        "{error}"
    );
    let missing = folder.path().join("missing");
    for path in [missing.as_path(), folder.path()] {
        let error = read(path, OnBad::Skip).unwrap_err();
        assert!(matches!(error, DataError::Io { .. }), "{error}");
        assert!(error.to_string().starts_with(&path.display().to_string()));
    }
}

#[test]
fn skipped_rows_are_counted_and_the_first_are_told() {
    let folder = TempDir::new().unwrap();
    let bad = SMURF.replace("icmp", "igmp");
    let text = format!("1,2\n{WEB}\n{bad}\n{NEPTUNE},9\n{NEPTUNE}\n{bad}\n{SMURF}\n");
    let path = write(&folder, "rows", &text);
    let good = write(&folder, "good", &format!("{WEB}\n{NEPTUNE}\n{SMURF}\n"));
    let (rows, summary) = read(&path, OnBad::Skip).unwrap();
    assert_eq!(rows, read(&good, OnBad::Stop).unwrap().0);
    assert_eq!((summary.source.rows, summary.skipped.count), (3, 4));
    let path = path.display();
    assert_eq!(
        summary.skipped.to_string(),
        format!(
            "4 bad rows skipped: {path}:1: 2 columns instead of 42 (KDD'99), 43 (NSL-KDD) or a header; {path}:3: column protocol_type: unknown protocol: \"igmp\"; {path}:4: 43 columns instead of 42; …"
        )
    );
    let all_bad = write(&folder, "bad", &format!("{bad}\n"));
    let error = read(&all_bad, OnBad::Skip).unwrap_err().to_string();
    assert!(error.contains("no rows; 1 bad rows skipped: "), "{error}");
}

#[test]
fn an_iteration_ends_with_its_first_error() {
    let folder = TempDir::new().unwrap();
    let text = format!("{WEB}\n{}\n{SMURF}\n", WEB.replace("tcp", "tcq"));
    let path = write(&folder, "rows", &text);
    let mut rows = Rows::open(&path, Schema::Kdd41, OnBad::Stop).unwrap();
    assert!(rows.next().unwrap().is_ok());
    assert!(rows.source().is_none(), "not yet read");
    assert!(rows.next().unwrap().is_err());
    assert!(rows.next().is_none());
    assert!(rows.source().is_none(), "never read");
}

#[test]
fn the_digest_is_of_the_whole_file_however_few_rows_are_taken() {
    let folder = TempDir::new().unwrap();
    let path = write(&folder, "rows.zst", &many());
    let (_, whole) = read(&path, OnBad::Stop).unwrap();
    let open = || Rows::open(&path, Schema::Kdd41, OnBad::Stop).unwrap();
    let (first, summary) = open().process(|rows| rows.next()).unwrap();
    assert!(first.is_some());
    assert_eq!(summary, whole);
    assert_eq!(whole.source.rows, 5000);
}

#[test]
fn a_fit_takes_no_recording_for_kdd_rows_nor_the_other_way_round() {
    let folder = TempDir::new().unwrap();
    let recorded = recording(|_, value| value.to_owned());
    let fit = |arguments: &[&str]| {
        let fit = ["fit", "--schema", "live", "--data", ".", "-o", "tree.json"];
        let done = workbench(folder.path(), &[&fit[..], arguments].concat());
        assert_eq!(done.status.code(), Some(1));
        stderr(&done)
    };
    write(&folder, "kddcup.data_10_percent", &recorded);
    assert_eq!(
        fit(&[]),
        "tidegate-train: ./kddcup.data_10_percent: a recording, where a file with KDD's columns is needed\n"
    );
    write(&folder, "kddcup.data_10_percent", WEB);
    write(&folder, "rows", SMURF);
    let stderr = fit(&["--recorded", "rows"]);
    let told = "tidegate-train: rows: a KDD'99 file, where a recording is needed\n";
    assert!(stderr.ends_with(told), "{stderr}");
}

#[test]
fn the_workbench_says_once_why_a_file_is_unreadable() {
    let folder = TempDir::new().unwrap();
    let whole = compress("rows.zst", &many());
    let path = folder.path().join("kddcup.data_10_percent.zst");
    fs::write(&path, &whole[..10]).unwrap();
    let fit = ["fit", "--schema", "live", "--data", ".", "-o", "tree.json"];
    assert_eq!(
        stderr(&workbench(folder.path(), &fit)),
        "tidegate-train: ./kddcup.data_10_percent.zst: unreadable after line 0, is the file complete? incomplete frame\n"
    );
}

#[test]
fn the_workbench_skips_bad_rows_if_told_to() {
    let folder = TempDir::new().unwrap();
    let mut text = format!("{WEB}\n{SMURF}\n{NEPTUNE}\n").repeat(20);
    let bad = text.lines().count() + 1;
    text.push_str(&WEB.replace("tcp", "tcq"));
    for name in ["kddcup.data_10_percent", "corrected"] {
        fs::write(folder.path().join(name), &text).unwrap();
    }
    let run = |words: &[&str]| workbench(folder.path(), words);
    let fit = [
        "fit",
        "--schema",
        "kdd41",
        "--data",
        ".",
        "--max-depth",
        "3",
        "--min-leaf",
        "1",
        "--balance",
        "none",
        "-o",
        "tree.json",
    ];
    let judge = ["evaluate", "tree.json", "--data", ".", "-o", "json"];
    let problem = "column protocol_type: unknown protocol: \"tcq\"";
    for (words, file) in [(&fit[..], "kddcup.data_10_percent"), (&judge, "corrected")] {
        if file == "corrected" {
            assert!(run(&[&fit[..], &["--skip-bad"]].concat()).status.success());
        }
        let located = format!("./{file}:{bad}: {problem}\n");
        let done = run(words);
        assert_eq!(done.status.code(), Some(1));
        let said = stderr(&done);
        assert_eq!(said, format!("tidegate-train: {located}"));
        let done = run(&[words, &["--skip-bad"]].concat());
        let said = stderr(&done);
        assert!(done.status.success(), "{said}");
        let told = format!("{file}: 1 bad rows skipped: {located}");
        assert!(said.contains(&told), "{said}");
        if file == "corrected" {
            let answer: serde_json::Value = serde_json::from_slice(&done.stdout).unwrap();
            assert_eq!(answer["skipped"]["count"], 1);
            assert_eq!(answer["source"]["rows"], 60);
        }
    }
    let card = fs::read_to_string(folder.path().join("tree.md")).unwrap();
    assert!(card.contains(" --skip-bad "), "{card}");
}
