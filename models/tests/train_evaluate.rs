//! Evaluation and inspection from the command line, with a small model.

#![cfg(feature = "train")]
#![expect(clippy::unwrap_used, reason = "a failing unwrap is a failing test")]

mod small;
mod workbench;

use std::{fs, path::Path, process::Output};

use serde_json::Value;
use small::{row, rows, write_model};
use tempfile::TempDir;
use tidegate_models::{
    Class, Classifier as _, Features, Model, Schema,
    train::{OnBad, evaluate, find},
};
use workbench::{stderr, workbench};

fn json(output: &Output) -> Value {
    assert!(output.status.success(), "{}", stderr(output));
    serde_json::from_slice(&output.stdout).unwrap()
}

/// A folder with a model and the rows as the contest's test file.
fn folder() -> TempDir {
    let folder = TempDir::new().unwrap();
    write_model(folder.path(), "tree", "kddcup.data_10_percent", 1);
    fs::write(folder.path().join("corrected"), rows()).unwrap();
    folder
}

#[test]
fn figures_by_hand() {
    let folder = folder();
    let arguments = [
        "evaluate",
        "--model",
        "tree.json",
        "--data",
        ".",
        "-o",
        "json",
    ];
    let found = json(&workbench(folder.path(), &arguments));
    // Above 35: 2 of 20 normal rows, 5 of 6 smurf rows, 1 of 4 mailbomb rows.
    assert_eq!(
        found["confusion"][0],
        serde_json::json!([18, 2, 0, 0, 0, 0])
    );
    assert_eq!(found["confusion"][1], serde_json::json!([4, 6, 0, 0, 0, 0]));
    assert_eq!(found["contest_confusion"], found["confusion"]);
    assert_eq!(found["false_positive_rate"], 0.1);
    assert_eq!(found["detection_rate"], 0.6);
    assert_eq!(found["accuracy"], 0.8);
    assert_eq!(found["kdd_cost"], (2.0 * 2.0 + 4.0 * 2.0) / 30.0);
    assert_eq!(found["recall"]["dos"], 0.6);
    assert_eq!(found["precision"]["dos"], 0.75);
    // Scores: high (2 normal, 6 attacks), middle up to 9 (5 normal: 0 to 8; 4 attacks), low (13).
    // Pairs: 6 · (18 + 2/2) + 4 · (13 + 5/2), of 20 · 10.
    assert_eq!(
        found["curves"]["roc_auc"],
        (6.0 * 19.0 + 4.0 * 15.5) / 200.0
    );
    let precision = 0.6 * 6.0 / 8.0 + 0.4 * 10.0 / 17.0;
    let average = found["curves"]["average_precision"].as_f64().unwrap();
    assert!((average - precision).abs() < 1e-12, "{average}");
    let attacks = found["attacks"].as_array().unwrap();
    let of = |name: &str| attacks.iter().find(|row| row["name"] == name).unwrap();
    assert_eq!(of("smurf")["seen"], true);
    assert_eq!(of("smurf")["recall"], 5.0 / 6.0);
    assert_eq!(of("mailbomb")["seen"], false);
    assert_eq!(
        of("mailbomb")["called"],
        serde_json::json!([3, 1, 0, 0, 0, 0])
    );
    assert_eq!(of("normal")["rows"], 20);
    let interval = &found["intervals"]["detection_rate"];
    let (low, high) = (
        interval["low"].as_f64().unwrap(),
        interval["high"].as_f64().unwrap(),
    );
    assert!(
        low < 0.6 && 0.6 < high && low > 0.1 && high < 1.0,
        "{interval}"
    );
    // The shares of the leaves: 50.2 of 51, 30.2 of 41, 60.2 of 61.
    let (flood, middle, low) = (50.2 / 51.0, 30.2 / 41.0, 60.2 / 61.0);
    // Bins: 0.7 to 0.8 has the middle's 9 rows, 5 right; 0.9 to 1 has 8 floods, 6 right, and 13
    // normal rows, all right.
    let sure: f64 = (8.0 * flood + 13.0 * low) / 21.0;
    let middle: f64 = middle;
    let error = (9.0 * (middle - 5.0 / 9.0).abs() + 21.0 * (sure - 19.0 / 21.0).abs()) / 30.0;
    let found = found["calibration"]["expected_error"].as_f64().unwrap();
    assert!((found - error).abs() < 1e-6, "{found} {error}");
}

#[test]
fn decisions_differ_and_the_model_agrees_with_each() {
    let folder = folder();
    let evaluate = ["evaluate", "tree.json", "--data", "corrected", "-o", "json"];
    let with = |name| {
        workbench(
            folder.path(),
            &[&evaluate[..], &["--decision", name]].concat(),
        )
    };
    let all = json(&with("all"));
    let found: Vec<_> = all
        .as_array()
        .unwrap()
        .iter()
        .map(|it| {
            (
                it["decision"].as_str().unwrap(),
                it["false_positive_rate"].as_f64().unwrap(),
            )
        })
        .collect();
    assert_eq!(found, [("argmax", 0.1), ("wary", 0.35)]);
    assert_eq!(json(&with("wary"))["confusion"], all[1]["confusion"]);
    let path = folder.path().join("tree.json");
    for (index, name) in ["argmax", "wary"].into_iter().enumerate() {
        let model = Model::load_deciding(&path, Some(name)).unwrap();
        let mut row = Features::from_values(Schema::Kdd41, &[0; 41]).unwrap();
        let mut called = 0;
        for duration in 0..20 {
            row.set(0, duration * 2);
            called += u64::from(model.predict(&row).class == Class::Dos);
        }
        assert_eq!(all[index]["confusion"][0][1], called, "{name}");
    }
    let unknown = with("bold");
    assert_eq!(unknown.status.code(), Some(1));
    assert!(
        stderr(&unknown).contains("argmax, wary"),
        "{}",
        stderr(&unknown)
    );
    let human = workbench(
        folder.path(),
        &["evaluate", "tree.json", "--data", ".", "--decision", "all"],
    );
    let human = String::from_utf8(human.stdout).unwrap();
    assert_eq!(human.matches("false-positive rate").count(), 2, "{human}");
}

#[test]
fn predictions_are_a_row_each_in_order_with_or_without_labels() {
    let folder = folder();
    let bare: String = rows()
        .lines()
        .map(|line| line.rsplit_once(',').unwrap().0.to_owned() + "\n")
        .collect();
    fs::write(folder.path().join("bare"), &bare).unwrap();
    let predict = |data: &str| {
        let arguments = [
            "evaluate",
            "--model",
            "tree.json",
            "--predictions",
            "out.csv",
            "--data",
        ];
        let done = workbench(folder.path(), &[&arguments[..], &[data]].concat());
        assert!(done.status.success(), "{}", stderr(&done));
        (
            fs::read_to_string(folder.path().join("out.csv")).unwrap(),
            done,
        )
    };
    let (text, _) = predict("corrected");
    let lines: Vec<_> = text.lines().collect();
    assert_eq!(
        lines[0],
        "class,nearest,confidence,normal,dos,probe,r2l,u2r,unknown"
    );
    let model = Model::load(folder.path().join("tree.json")).unwrap();
    assert_eq!(lines.len(), 31);
    for (line, row) in lines[1..].iter().zip(bare.lines()) {
        let mut features = Features::from_values(Schema::Kdd41, &[0; 41]).unwrap();
        features.set(0, row.split_once(',').unwrap().0.parse().unwrap());
        let expected = model.predict(&features);
        let cells: Vec<_> = line.split(',').collect();
        assert_eq!(cells[0], expected.class.name());
        assert_eq!(cells[1], expected.nearest.name());
        assert_eq!(cells[2].parse::<f32>().unwrap(), expected.confidence);
        let shares: Vec<f32> = cells[3..].iter().map(|it| it.parse().unwrap()).collect();
        assert_eq!(shares, expected.shares);
    }
    let (unlabelled, done) = predict("bare");
    assert_eq!(unlabelled, text);
    assert!(done.stdout.is_empty() && stderr(&done).contains("no labels"));
    let judged = workbench(folder.path(), &["evaluate", "tree.json", "--data", "bare"]);
    assert_eq!(judged.status.code(), Some(1));
    assert!(stderr(&judged).contains("no labels to judge by"));
}

#[test]
fn an_inspection_counts_what_repeats_and_contradicts() {
    let folder = TempDir::new().unwrap();
    let text = [
        row(1, ",normal."),
        row(1, ",normal."),
        row(1, ",smurf."),
        row(9, ",neptune."),
    ];
    fs::write(folder.path().join("rows"), text.concat()).unwrap();
    write_model(folder.path(), "tree", "kddcup.data_10_percent", 1);
    let arguments = [
        "inspect",
        "--data",
        "rows",
        "--model",
        "tree.json",
        "-o",
        "json",
    ];
    let found = json(&workbench(folder.path(), &arguments));
    assert_eq!(found["rows"], 4);
    assert_eq!(found["distinct_rows"], 3);
    assert_eq!(found["duplicate_share"], 0.25);
    assert_eq!(found["ambiguous_rows"], 1);
    assert_eq!(found["classes"]["dos"], 2);
    assert_eq!(found["class_entropy"], 1.0);
    assert_eq!(found["constant_columns"].as_array().unwrap().len(), 40);
    assert_eq!(found["columns"][0]["mean"], 3.0);
    assert_eq!(found["importances"].as_array().unwrap().len(), 41);
    let human = workbench(folder.path(), &["inspect", "--data", "rows"]);
    assert!(
        String::from_utf8(human.stdout)
            .unwrap()
            .contains("num_outbound_cmds")
    );
}

#[test]
fn binary_accuracy_on_nsl_kdd_is_that_of_its_confusion() {
    let Some(data) = std::env::var_os("TIDEGATE_DATA") else {
        println!("skipped: TIDEGATE_DATA does not name a folder with the KDD files");
        return;
    };
    let path = find(Path::new(&data), "KDDTest+.txt").unwrap();
    let found = evaluate(
        &Model::shipped(Schema::Kdd41).unwrap(),
        &path,
        false,
        OnBad::Stop,
    )
    .unwrap();
    // KDDTest+ has 9,711 normal rows and 12,833 attacks, 3,750 of 17 types not in training.
    let rows = |seen| {
        let attacks = found.attacks.iter();
        let attacks = attacks.filter(|row| row.class.is_attack() && row.seen == Some(seen));
        attacks.map(|row| row.rows).sum::<u64>()
    };
    assert_eq!((rows(true), rows(false)), (9083, 3750));
    let right = 9711.0 * (1.0 - found.false_positive_rate) + 12_833.0 * found.detection_rate;
    assert!((found.binary_accuracy - right / 22_544.0).abs() < 1e-12);
    assert!(found.curves.roc_auc.unwrap() > 0.8);
}
