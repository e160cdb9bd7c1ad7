//! The workbench, and what a fit must never do.

#![cfg(feature = "train")]
#![expect(clippy::unwrap_used, reason = "a failing unwrap is a failing test")]

mod training;
mod workbench;

use std::{fmt::Write as _, fs, path::Path};

use tempfile::TempDir;
use tidegate_models::{
    Classifier, LIVE_COLUMNS, Model, Schema,
    train::{OnBad, TEST_FILE, evaluate, find},
};
use training::kdd_text;
use workbench::{stderr, workbench};

fn folder_with_training_data() -> TempDir {
    let folder = TempDir::new().unwrap();
    fs::write(folder.path().join("kddcup.data_10_percent"), kdd_text()).unwrap();
    folder
}

#[test]
fn the_same_fit_writes_the_same_bytes_and_a_card() {
    let folder = folder_with_training_data();
    for schema in ["kdd41", "live"] {
        let texts = ["one", "two"].map(|sub| {
            fs::create_dir_all(folder.path().join(sub)).unwrap();
            let output = format!("{sub}/tree.json");
            let done = workbench(
                folder.path(),
                &["fit", "--schema", schema, "--data", ".", "-o", &output],
            );
            assert!(done.status.success(), "{}", stderr(&done));
            assert!(done.stdout.is_empty());
            let path = folder.path().join(output);
            (
                fs::read(&path).unwrap(),
                fs::read_to_string(path.with_extension("md")).unwrap(),
            )
        });
        assert_eq!(texts[0], texts[1]);
        let model = Model::load(folder.path().join("one/tree.json")).unwrap();
        assert_eq!((model.training().rows, model.name()), (120, "tree"));
        assert!(texts[0].1.contains(model.digest()));
        assert!(texts[0].1.contains("## Validation figures"));
    }
}

#[test]
fn a_fit_never_opens_test_data() {
    let folder = folder_with_training_data();
    // Were one of these opened, the fit would fail.
    for name in ["corrected", "KDDTest+.txt", "KDDTest-21.txt"] {
        fs::write(folder.path().join(name), "not a row\n").unwrap();
    }
    let fit = [
        "fit",
        "--schema",
        "live",
        "--data",
        ".",
        "--max-depth",
        "4",
        "--min-leaf",
        "2",
        "-o",
        "tree.json",
    ];
    let done = workbench(folder.path(), &fit);
    assert!(done.status.success(), "{}", stderr(&done));
    for name in ["corrected", "KDDTest+.txt"] {
        let done = workbench(folder.path(), &[&fit[..], &["--recorded", name]].concat());
        assert_eq!(done.status.code(), Some(1));
        assert_eq!(
            stderr(&done),
            format!("tidegate-train: {name}: test data, never used to fit\n")
        );
    }
    fs::rename(
        folder.path().join("kddcup.data_10_percent"),
        folder.path().join("elsewhere"),
    )
    .unwrap();
    let done = workbench(folder.path(), &fit);
    assert_eq!(done.status.code(), Some(1));
    assert!(
        stderr(&done).contains("no kddcup.data_10_percent"),
        "{}",
        stderr(&done)
    );
}

/// A recording of an attack of a class that [`kdd_text`] lacks.
fn recording() -> String {
    let mut text = format!("scenario,label,{}\n", LIVE_COLUMNS.join(","));
    for packets in 1000..1040 {
        let values = LIVE_COLUMNS.map(|column| match column {
            "protocol_type" => "udp".to_owned(),
            "service" => "other".to_owned(),
            "flag" => "SF".to_owned(),
            "src_packets" | "packet_rate" => packets.to_string(),
            _ => "1".to_owned(),
        });
        writeln!(text, "tunnel,u2r,{}", values.join(",")).unwrap();
    }
    text
}

#[test]
fn a_recorded_attack_is_learnt_beside_kdd() {
    let folder = folder_with_training_data();
    fs::write(folder.path().join("tunnel.csv"), recording()).unwrap();
    let fit = [
        "fit",
        "--schema",
        "live",
        "--data",
        ".",
        "--max-depth",
        "8",
        "--min-leaf",
        "2",
        "-o",
        "tree.json",
    ];
    let recorded = ["--recorded", "tunnel.csv", "--recorded-weight"];
    let found = |arguments: &[&str]| {
        let done = workbench(folder.path(), &[&fit[..], arguments].concat());
        assert!(done.status.success(), "{}", stderr(&done));
        let judged = workbench(
            folder.path(),
            &[
                "evaluate",
                "tree.json",
                "--file",
                "tunnel.csv",
                "-o",
                "json",
            ],
        );
        let answer: serde_json::Value = serde_json::from_slice(&judged.stdout).unwrap();
        answer["confusion"][4][4].as_u64().unwrap()
    };
    assert_eq!(found(&[]), 0, "the KDD rows have no such class");
    assert_eq!(found(&[&recorded[..], &["0.5"]].concat()), 40);
    let model = Model::load(folder.path().join("tree.json")).unwrap();
    assert_eq!(
        (model.training().rows, model.training().sources.len()),
        (160, 2)
    );
    let [kdd, tunnel] = [&model.training().sources[0], &model.training().sources[1]];
    assert_eq!((kdd.rows, tunnel.file.as_str()), (120, "tunnel.csv"));

    for (arguments, message) in [
        (
            &[&fit[..], &recorded, &["1"]].concat(),
            "recorded-weight 1: must be at least 0 and below 1",
        ),
        (
            &[
                "fit",
                "--schema",
                "kdd41",
                "--data",
                ".",
                "--recorded",
                "tunnel.csv",
                "-o",
                "tree.json",
            ]
            .to_vec(),
            "recordings have live columns only: they can't be used for schema kdd41",
        ),
    ] {
        let done = workbench(folder.path(), arguments);
        assert_eq!(done.status.code(), Some(1));
        assert_eq!(stderr(&done), format!("tidegate-train: {message}\n"));
    }
}

#[test]
fn an_evaluation_prints_json_and_updates_the_card_once() {
    let folder = folder_with_training_data();
    let fit = [
        "fit",
        "--schema",
        "kdd41",
        "--data",
        ".",
        "--max-depth",
        "8",
        "--min-leaf",
        "1",
        "-o",
        "tree.json",
    ];
    assert!(workbench(folder.path(), &fit).status.success());
    fs::write(folder.path().join("corrected"), kdd_text()).unwrap();
    let judge = [
        "evaluate",
        "tree.json",
        "--data",
        ".",
        "--card",
        "tree.md",
        "-o",
        "json",
    ];
    let mut cards = Vec::new();
    for _ in 0..2 {
        let done = workbench(folder.path(), &judge);
        assert!(done.status.success(), "{}", stderr(&done));
        let answer: serde_json::Value = serde_json::from_slice(&done.stdout).unwrap();
        assert_eq!(answer["source"]["rows"], 120);
        assert_eq!(answer["confusion"][1][1], 30);
        assert_eq!(answer["recall"]["dos"], 1.0);
        cards.push(fs::read_to_string(folder.path().join("tree.md")).unwrap());
    }
    assert_eq!(cards[0], cards[1]);
    assert_eq!(cards[0].matches("### corrected").count(), 1);
}

#[test]
fn exit_codes_tell_usage_from_failure() {
    let folder = TempDir::new().unwrap();
    for usage in [
        &["fit"][..],
        &["fit", "--schema", "kdd42", "--data", ".", "-o", "x"],
        &["evaluate", "x"],
        &[],
    ] {
        assert_eq!(
            workbench(folder.path(), usage).status.code(),
            Some(64),
            "{usage:?}"
        );
    }
    assert_eq!(workbench(folder.path(), &["--help"]).status.code(), Some(0));
    let done = workbench(folder.path(), &["evaluate", "none.json", "--data", "."]);
    assert_eq!(done.status.code(), Some(1));
    assert!(
        stderr(&done).starts_with("tidegate-train: none.json: cannot be read"),
        "{}",
        stderr(&done)
    );
}

#[cfg(not(feature = "linfa"))]
#[test]
fn a_back_end_that_is_not_built_in_is_named_with_its_feature() {
    let folder = folder_with_training_data();
    let fit = ["fit", "--schema", "kdd41", "--data", ".", "-o", "tree.json"];
    let linfa = ["--back-end", "linfa", "--max-depth", "6", "--min-leaf", "1"];
    let done = workbench(folder.path(), &[&fit[..], &linfa].concat());
    assert_eq!(done.status.code(), Some(1));
    assert_eq!(
        stderr(&done),
        "tidegate-train: back end linfa: this build is without it; build with `--features linfa`\n"
    );
}

#[test]
fn the_shipped_models_keep_their_test_figures() {
    let Some(data) = std::env::var_os("TIDEGATE_DATA") else {
        println!("skipped: TIDEGATE_DATA does not name a folder with the KDD files");
        return;
    };
    let path = find(Path::new(&data), TEST_FILE).unwrap();
    // The live one is there for other traffic than this, and holds false alarms dearer.
    for (schema, cost) in [(Schema::Kdd41, 0.26), (Schema::Live, 0.30)] {
        let evaluation =
            evaluate(&Model::shipped(schema).unwrap(), &path, false, OnBad::Stop).unwrap();
        assert_eq!(evaluation.confusion.total(), 311_029);
        assert_eq!(
            evaluation.confusion.0.map(|row| row.iter().sum::<u64>()),
            [60_593, 229_853, 4_166, 16_189, 228]
        );
        assert!(
            evaluation.kdd_cost < cost,
            "{schema}: {}",
            evaluation.kdd_cost
        );
        assert!(
            evaluation.false_positive_rate < 0.02,
            "{schema}: {}",
            evaluation.false_positive_rate
        );
    }
}
