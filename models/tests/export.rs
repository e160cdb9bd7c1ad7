//! `tidegate-train export`.

#![cfg(feature = "train")]
#![expect(clippy::unwrap_used, reason = "a failing unwrap is a failing test")]

mod workbench;

use std::{fs, path::Path, process::Output};

use tempfile::TempDir;
use tidegate_models::{
    Class, Classifier as _, Features, Flag, Model, Protocol, SHIPPED_KDD41, Schema, Service,
};
use workbench::{stderr, workbench};

const ROWS: &str = "0,tcp,http,SF,181,5450,0,0,0,0,0,1,0,0,0,0,0,0,0,0,0,0,8,8,0.00,0.00,0.00,0.00,1.00,0.00,0.00,9,9,1.00,0.00,0.11,0.00,0.00,0.00,0.00,0.00,normal.
0,icmp,ecr_i,SF,1032,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,511,511,0.00,0.00,0.00,0.00,1.00,0.00,0.00,255,255,1.00,0.00,1.00,0.00,0.00,0.00,0.00,0.00,smurf.
";

fn export(folder: &TempDir, words: &[&str]) -> Output {
    workbench(folder.path(), &[&["export"], words].concat())
}

fn folder() -> TempDir {
    let folder = TempDir::new().unwrap();
    fs::write(folder.path().join("rows"), ROWS).unwrap();
    fs::write(folder.path().join("model.json"), SHIPPED_KDD41).unwrap();
    folder
}

/// The last `count` numbers of an array file.
fn numbers(path: &Path, count: usize) -> Vec<[u8; 4]> {
    let bytes = fs::read(path).unwrap();
    let (values, rest) = bytes[bytes.len() - 4 * count..].as_chunks::<4>();
    assert!(rest.is_empty());
    values.to_vec()
}

#[test]
fn rows_and_the_answers_to_them_become_arrays() {
    let folder = folder();
    let words = ["--rows", "kdd41", "--file", "rows", "-o", "rows.npy"];
    assert!(export(&folder, &words).status.success());
    let path = folder.path().join("rows.npy");
    let values: Vec<u32> = numbers(&path, 84)
        .into_iter()
        .map(u32::from_le_bytes)
        .collect();
    let http = Service::from_name("http").unwrap().code();
    let expected = [0, Protocol::Tcp.code(), http, Flag::SF.code(), 181, 5450];
    assert_eq!(values[..6], expected);
    assert_eq!((values[35], values[41]), (11, Class::Normal.index() as u32));
    assert_eq!((values[46], values[83]), (1032, Class::Dos.index() as u32));

    let words = [
        "--predictions",
        "model.json",
        "--file",
        "rows",
        "-o",
        "answers.npy",
    ];
    assert!(export(&folder, &words).status.success());
    let path = folder.path().join("answers.npy");
    let answers: Vec<f32> = numbers(&path, 16)
        .into_iter()
        .map(f32::from_le_bytes)
        .collect();
    let model = Model::shipped(Schema::Kdd41).unwrap();
    for (row, answer) in values.chunks(42).zip(answers.chunks(8)) {
        let features = Features::from_values(Schema::Kdd41, &row[..41]).unwrap();
        let prediction = model.predict(&features);
        let codes = [prediction.nearest, prediction.class].map(|class| class.index() as f32);
        assert_eq!(answer, [&prediction.shares[..], &codes].concat());
    }
}

#[test]
fn a_model_becomes_the_same_onnx_each_time() {
    let folder = folder();
    let mut files = Vec::new();
    for name in ["1.onnx", "2.onnx"] {
        let done = export(&folder, &["--onnx", "model.json", "-o", name]);
        assert!(done.status.success());
        files.push(fs::read(folder.path().join(name)).unwrap());
    }
    assert_eq!(files[0], files[1]);
    let operator = b"TreeEnsembleClassifier";
    assert!(
        files[0]
            .windows(operator.len())
            .any(|part| part == operator)
    );
}

#[test]
fn mistakes_are_told_and_write_nothing() {
    let folder = folder();
    for (words, code, message) in [
        (&["-o", "out"][..], 64, "required"),
        (&["--rows", "kdd41", "-o", "out"], 64, "--file"),
        (&["--onnx", "rows", "-o", "out"], 1, "rows: not a model"),
        (
            &["--onnx", "model.json", "--decision", "none", "-o", "out"],
            1,
            "no decision is called \"none\"",
        ),
    ] {
        let done = export(&folder, words);
        let stderr = stderr(&done);
        assert_eq!(done.status.code(), Some(code), "{words:?}: {stderr}");
        assert!(stderr.contains(message), "{words:?}: {stderr}");
    }
    assert!(!folder.path().join("out").exists());
}
