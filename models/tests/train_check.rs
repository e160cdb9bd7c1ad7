//! `fit --all --check`: whether the files are what a fit gives.

#![cfg(feature = "train")]
#![expect(clippy::unwrap_used, reason = "a failing unwrap is a failing test")]

mod training;
mod workbench;

use std::{fs, path::Path};

use tempfile::TempDir;
use tidegate_models::train::TrainingSet;
use training::kdd_text;
use workbench::{stderr, workbench};

const FIT: [&str; 8] = [
    "fit",
    "--all",
    "--only",
    "kdd41-tree",
    "--only",
    "kdd41-network",
    "--data",
    "data",
];

fn fitted() -> TempDir {
    let folder = TempDir::new().unwrap();
    let data = folder.path().join("data");
    fs::create_dir(&data).unwrap();
    fs::write(data.join(TrainingSet::Kdd99.file()), kdd_text()).unwrap();
    fs::write(data.join("corrected"), kdd_text()).unwrap();
    let words = [&FIT[..], &["--seeds", "2", "-o", "out"]].concat();
    let done = workbench(folder.path(), &words);
    assert!(done.status.success(), "{}", stderr(&done));
    folder
}

/// Exit code and lines of a check.
fn check(folder: &Path) -> (Option<i32>, Vec<String>) {
    let done = workbench(folder, &[&FIT[..], &["--check", "-o", "out"]].concat());
    let text = String::from_utf8(done.stdout.clone()).unwrap();
    let failed = stderr(&done).contains("are not what a fit gives");
    assert_eq!(failed, !done.status.success(), "{}", stderr(&done));
    (
        done.status.code(),
        text.lines().map(str::to_owned).collect(),
    )
}

const SAME: [&str; 5] = [
    "same    out/kdd41-tree.json",
    "same    out/kdd41-tree.md",
    "same    out/kdd41-network.json",
    "same    out/kdd41-network.md",
    "same    out/kdd41-network.curve.json",
];

#[test]
fn files_of_a_fit_are_the_same_judged_or_not() {
    let folder = fitted();
    let path = folder.path();
    assert_eq!(check(path), (Some(0), SAME.map(str::to_owned).to_vec()));
    let judge = ["evaluate", "out/kdd41-tree.json", "--data", "data"];
    let card = path.join("out/kdd41-tree.md");
    let before = fs::read(&card).unwrap();
    let judged = workbench(
        path,
        &[&judge[..], &["--card", "out/kdd41-tree.md"]].concat(),
    );
    assert!(judged.status.success());
    assert_ne!(fs::read(&card).unwrap(), before);
    assert_eq!(check(path).0, Some(0), "test figures don't count");
}

#[test]
fn what_differs_or_is_missing_is_told_and_left_alone() {
    let folder = fitted();
    let out = folder.path().join("out");
    let card = out.join("kdd41-tree.md");
    let text = fs::read_to_string(&card).unwrap().replacen("0.", "1.", 1);
    fs::write(&card, &text).unwrap();
    let model = out.join("kdd41-network.json");
    let longer = fs::read_to_string(&model).unwrap() + "\n";
    fs::write(&model, &longer).unwrap();
    fs::remove_file(out.join("kdd41-network.curve.json")).unwrap();
    let (code, lines) = check(folder.path());
    assert_eq!(code, Some(1));
    let mut expected = SAME.map(str::to_owned);
    for (at, word) in [(1, "differs"), (2, "differs"), (4, "missing")] {
        expected[at] = expected[at].replace("same   ", word);
    }
    assert_eq!(lines, expected);
    assert_eq!(fs::read_to_string(&card).unwrap(), text);
    assert_eq!(fs::read_to_string(&model).unwrap(), longer);
    assert!(!out.join("kdd41-network.curve.json").exists());
}

#[test]
fn a_check_of_nothing_is_no_check() {
    let folder = fitted();
    let nothing = [
        "fit", "--all", "--check", "--only", "none", "--data", "data",
    ];
    let done = workbench(folder.path(), &nothing);
    assert_eq!(done.status.code(), Some(1));
    assert_eq!(
        stderr(&done),
        "tidegate-train: --only none: no such model\n"
    );
    for of_all in [&["--check"][..], &["--only", "x"], &["--seeds", "2"]] {
        let one = ["fit", "--schema", "live", "--data", "data"];
        let done = workbench(folder.path(), &[&one[..], of_all].concat());
        assert_eq!(done.status.code(), Some(64), "{of_all:?}");
    }
    // Nothing is made where nothing is written.
    fs::remove_dir_all(folder.path().join("out")).unwrap();
    let (code, lines) = check(folder.path());
    assert_eq!(code, Some(1));
    assert_eq!(lines, SAME.map(|line| line.replace("same   ", "missing")));
    assert!(!folder.path().join("out").exists());
}
