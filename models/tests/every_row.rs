//! Every row of the KDD files, through every shipped tree and forest, against the definition.

#![cfg(feature = "train")]
#![expect(clippy::unwrap_used, reason = "a failing unwrap is a failing test")]

mod definition;
mod trained;

use std::path::Path;

use tidegate_models::{
    Classifier as _, Costs, Features, Model, Schema,
    format::ModelFile,
    train::{OnBad, Rows, find, kdd},
};

use definition::Definition;

/// Compares on all rows of a file; the folder is named by the environment.
fn compare(file_name: &str) {
    let Some(data) = std::env::var_os("TIDEGATE_DATA") else {
        println!("skipped: TIDEGATE_DATA does not name a folder with the KDD files");
        return;
    };
    let path = find(Path::new(&data), file_name).unwrap();
    let rows = Rows::open(&path, Schema::Kdd41, OnBad::Stop).unwrap();
    let kdd41: Vec<Features> = rows.map(|row| row.unwrap().features).collect();
    let live: Vec<Features> = kdd41.iter().map(kdd::to_live).collect();
    let mut models = 0;
    for (name, text) in trained::trained() {
        let file: ModelFile = serde_json::from_str(&text).unwrap();
        let Some(definition) = Definition::new(&file) else {
            continue;
        };
        let model = Model::from_json(&text).unwrap();
        let rows = match model.schema() {
            Schema::Kdd41 => &kdd41,
            Schema::Live => &live,
        };
        let mut batch = vec![Costs::ARGMAX.decide([0.0; 6]); rows.len()];
        model.predict_batch(rows, &mut batch);
        let mut last = None;
        for (number, (row, together)) in rows.iter().zip(&batch).enumerate() {
            // Floods repeat their rows, and the definition is slow.
            let expected = match last {
                Some((same, expected)) if same == row => expected,
                _ => definition.predict(row),
            };
            last = Some((row, expected));
            assert_eq!(model.predict(row), expected, "{name}: row {number}");
            assert_eq!(*together, expected, "{name}: row {number} of the batch");
        }
        models += 1;
    }
    println!("{file_name}: {} rows, {models} models", kdd41.len());
    assert!(models >= 2, "{models} models");
}

#[test]
fn of_the_contests_training_file() {
    compare("kddcup.data_10_percent");
}

#[test]
fn of_the_contests_test_file() {
    compare("corrected");
}

#[test]
fn of_nsl_kdds_test_files() {
    compare("KDDTest+.txt");
    compare("KDDTest-21.txt");
}
