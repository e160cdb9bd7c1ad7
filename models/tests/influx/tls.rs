//! Rows go and come by https too.

use std::fs;

use tempfile::TempDir;
use tidegate_influx::testing::{Https, certificate};
use tidegate_models::train::fit::TRAINING_FILE;

use crate::{
    many_rows,
    workbench::{stderr, workbench},
};

#[test]
fn rows_go_by_https_to_whom_the_file_vouches_for_and_to_nobody_else() {
    let folder = TempDir::new().unwrap();
    let influxd = Https::start(folder.path());
    let (other, _) = certificate(folder.path(), "other");
    fs::write(folder.path().join(TRAINING_FILE), many_rows(6_000)).unwrap();
    fs::write(folder.path().join("empty"), "nothing\n").unwrap();
    let url = influxd.url();
    let run = |words: &[&str]| {
        let place = ["--influx", &url, "--db", "gate", "--patience", "1"];
        workbench(folder.path(), &[words, &place].concat())
    };
    let trusted = influxd.certificate.to_str().unwrap();
    for (words, said) in [
        (&["import", TRAINING_FILE][..], "certificate"),
        (
            &[
                "import",
                TRAINING_FILE,
                "--ca-file",
                other.to_str().unwrap(),
            ],
            "certificate",
        ),
        (
            &["import", TRAINING_FILE, "--ca-file", "empty"],
            "--ca-file: empty: holds no certificate",
        ),
        (
            &["import", TRAINING_FILE, "--ca-file", "none"],
            "--ca-file: none: No such file",
        ),
    ] {
        let done = run(words);
        assert_eq!(done.status.code(), Some(1), "{words:?}");
        let stderr = stderr(&done);
        assert!(stderr.contains(said), "{words:?}: {stderr}");
    }
    let done = run(&["import", TRAINING_FILE, "--ca-file", trusted]);
    assert!(done.status.success(), "{}", stderr(&done));
    let fit = ["fit", "--schema", "kdd41", "-o", "tree.json"];
    let fast = ["--max-depth", "3", "--min-leaf", "4", "--balance", "none"];
    let done = run(&[&fit[..], &fast, &["--ca-file", trusted]].concat());
    assert!(done.status.success(), "{}", stderr(&done));
    assert!(folder.path().join("tree.json").exists());
}
