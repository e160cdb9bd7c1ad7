//! What the workbench says to files that it can't use: one line, and exit code 1.

#![cfg(feature = "train")]
#![expect(clippy::unwrap_used, reason = "a failing unwrap is a failing test")]

mod training;
mod workbench;

use std::{
    fs,
    path::{Path, PathBuf},
};

use tempfile::TempDir;
use tidegate_models::{
    Model, SHIPPED_KDD41, Schema,
    format::ModelFile,
    train::{TrainingSet, fit::ModelKind},
};
use training::kdd_text;
use workbench::{stderr, workbench};

fn folder(text: &str) -> TempDir {
    let folder = TempDir::new().unwrap();
    fs::write(folder.path().join(TrainingSet::Kdd99.file()), text).unwrap();
    folder
}

/// The last line of what a fit says, and whether it wrote a model.
fn fit(folder: &Path, kind: ModelKind) -> Result<PathBuf, String> {
    let kind = kind.name();
    let fit = ["fit", "--kind", kind, "--schema", "kdd41", "--data", "."];
    let done = workbench(folder, &[&fit[..], &["-o", "model.json"]].concat());
    let model = folder.join("model.json");
    if done.status.success() {
        return Ok(model);
    }
    assert_eq!(done.status.code(), Some(1));
    assert!(!model.exists());
    let text = stderr(&done);
    let errors = text.matches("tidegate-train: ").count();
    assert_eq!(errors, 1, "{text}");
    Err(text.lines().last().unwrap().to_owned())
}

/// What every kind of model says to a training file.
fn refused(text: &str) -> Vec<String> {
    let folder = folder(text);
    ModelKind::ALL
        .map(|kind| fit(folder.path(), kind).unwrap_err())
        .to_vec()
}

/// The rows with one of these in them.
fn lines(of: &[&str]) -> String {
    let text = kdd_text();
    let lines = text
        .lines()
        .filter(|line| of.iter().any(|it| line.contains(it)));
    lines.map(|line| format!("{line}\n")).collect()
}

#[test]
fn an_empty_training_file_is_named() {
    for said in refused("") {
        assert_eq!(said, "tidegate-train: ./kddcup.data_10_percent: no rows");
    }
}

#[test]
fn one_class_only_is_named() {
    for (label, class) in [("normal.", "normal"), ("neptune.", "dos")] {
        for said in refused(&lines(&[label])) {
            assert_eq!(
                said,
                format!(
                    "tidegate-train: all training rows are of class {class}: there is nothing to tell apart"
                )
            );
        }
    }
}

#[test]
fn a_class_of_one_row_can_not_be_left_out_to_try_a_fit() {
    let normal = lines(&["normal."]);
    let flood = lines(&["neptune."]);
    let folder = folder(&format!("{normal}{}\n", flood.lines().next().unwrap()));
    for kind in [ModelKind::Svm, ModelKind::Network] {
        assert_eq!(
            fit(folder.path(), kind).unwrap_err(),
            "tidegate-train: without the fifth of the rows that is left out for a trial only one class is left: too few rows of the others"
        );
    }
}

#[test]
fn a_row_of_another_width_is_located() {
    let text = kdd_text();
    let (first, rest) = text.split_once('\n').unwrap();
    for (bad, columns) in [
        (first.replacen("0,", "", 1), 41),
        (format!("0,{first}"), 43),
    ] {
        for said in refused(&format!("{first}\n{bad}\n{rest}")) {
            assert_eq!(
                said,
                format!(
                    "tidegate-train: ./kddcup.data_10_percent:2: {columns} columns instead of 42"
                )
            );
        }
    }
}

/// The rows as a table with a header, a column left out.
fn without(column: &str) -> String {
    let mut names: Vec<&str> = Schema::Kdd41.columns().to_vec();
    names.push("target");
    let at = names.iter().position(|name| *name == column).unwrap();
    let cut = |line: &str| {
        let mut fields: Vec<&str> = line.trim_end_matches('.').split(',').collect();
        fields.remove(at);
        fields.join(",") + "\n"
    };
    cut(&names.join(",")) + &kdd_text().lines().map(cut).collect::<String>()
}

#[test]
fn a_missing_column_is_named() {
    for said in refused(&without("count")) {
        assert_eq!(
            said,
            "tidegate-train: ./kddcup.data_10_percent:1: the header has no column count"
        );
    }
}

/// `service` may be missing from a table: trees and forests do without.
#[test]
fn a_missing_column_that_may_be_missing_is_named_by_those_who_need_it() {
    let folder = folder(&without("service"));
    for kind in [ModelKind::Svm, ModelKind::Network] {
        let said = fit(folder.path(), kind).unwrap_err();
        assert_eq!(
            said,
            "tidegate-train: a training row lacks a value in column service"
        );
    }
    for kind in [ModelKind::Tree, ModelKind::Forest] {
        let model = fit(folder.path(), kind).unwrap();
        let file: ModelFile = serde_json::from_str(&fs::read_to_string(&model).unwrap()).unwrap();
        let service = 2;
        assert_eq!(Schema::Kdd41.columns()[service], "service");
        assert!(!splits_on(&file, service));
        fs::remove_file(model).unwrap();
    }
}

#[cfg(feature = "linfa")]
#[test]
fn what_linfa_refuses_is_passed_on() {
    let folder = folder(&without("service"));
    let fit = ["fit", "--schema", "kdd41", "--data", ".", "-o", "tree.json"];
    let linfa = ["--back-end", "linfa", "--max-depth", "6", "--min-leaf", "1"];
    let done = workbench(folder.path(), &[&fit[..], &linfa].concat());
    assert_eq!(done.status.code(), Some(1));
    let told = "\ntidegate-train: a training row lacks a value in column service, which linfa can't handle\n";
    assert!(stderr(&done).ends_with(told), "{}", stderr(&done));
}

fn splits_on(file: &ModelFile, column: usize) -> bool {
    use tidegate_models::format::{ForestNode, Parameters};
    match &file.parameters {
        Parameters::Tree(nodes) => nodes.iter().any(|line| {
            line.node()
                .unwrap()
                .split
                .is_some_and(|split| split.column == column)
        }),
        Parameters::Forest(forest) => forest.trees.iter().flatten().any(
            |node| matches!(node, ForestNode::Split([split, ..]) if *split as usize == column),
        ),
        _ => panic!("no tree"),
    }
}

#[test]
fn without_a_column_that_varies_there_is_nothing_to_tell_by() {
    let first = kdd_text();
    let first = first
        .lines()
        .next()
        .unwrap()
        .trim_end_matches("normal.")
        .to_owned();
    let labels = [
        "normal.",
        "neptune.",
        "ipsweep.",
        "nmap.",
        "warezclient.",
        "phf.",
    ];
    let text: String = labels
        .map(|label| format!("{first}{label}\n").repeat(9))
        .concat();
    let folder = folder(&text);
    for kind in [ModelKind::Svm, ModelKind::Network] {
        let said = fit(folder.path(), kind).unwrap_err();
        assert_eq!(
            said,
            "tidegate-train: no column varies in the training rows: there is nothing to tell classes apart by"
        );
    }
    // Every answer is wrong for some: none keeps false alarms within what is allowed.
    let said = fit(folder.path(), ModelKind::Forest).unwrap_err();
    assert!(
        said.contains("no way to decide keeps false positives"),
        "{said}"
    );
    // A tree of one leaf says what is most usual.
    let tree = Model::load(fit(folder.path(), ModelKind::Tree).unwrap()).unwrap();
    assert_eq!(tree.size(), "1 nodes");
}

#[test]
fn a_model_file_that_is_none_is_named_once() {
    let folder = folder(&kdd_text());
    let path = folder.path();
    fs::create_dir(path.join("models")).unwrap();
    fs::write(path.join("corrected"), kdd_text()).unwrap();
    let foreign = SHIPPED_KDD41.replacen("\"format_version\": 2", "\"format_version\": 7", 1);
    assert_ne!(foreign, SHIPPED_KDD41);
    for (text, problem) in [
        (&SHIPPED_KDD41[..2000], "truncated: the text ends at line "),
        (&foreign, "unknown format version 7 (this build reads 2)"),
        ("", "truncated: the text ends at line "),
        ("[]", "not a model: "),
    ] {
        fs::write(path.join("models/bad.json"), text).unwrap();
        let done = workbench(path, &["evaluate", "models/bad.json", "--data", "."]);
        let said = stderr(&done);
        assert_eq!(done.status.code(), Some(1));
        let start = format!("tidegate-train: models/bad.json: {problem}");
        assert!(said.starts_with(&start), "{said}");
        assert_eq!(
            (said.lines().count(), said.matches(problem).count()),
            (1, 1)
        );

        fs::write(path.join("models/good.json"), SHIPPED_KDD41).unwrap();
        let report = ["report", "--data", ".", "--models", "models", "-o", "page"];
        let done = workbench(path, &report);
        let said = stderr(&done);
        assert_eq!(done.status.code(), Some(1));
        assert_eq!(
            said.matches(&format!("\nbad.json: {problem}")).count(),
            1,
            "{said}"
        );
        let told = "\ntidegate-train: 1 files could not be used; the report says which\n";
        assert!(said.ends_with(told), "{said}");
        fs::remove_file(path.join("models/good.json")).unwrap();
    }
}
