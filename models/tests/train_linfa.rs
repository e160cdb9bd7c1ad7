//! linfa as a back end, and what is wrong with its tree.

#![cfg(feature = "linfa")]
#![expect(clippy::unwrap_used, reason = "a failing unwrap is a failing test")]

mod training;
mod workbench;

use std::fs;

use tempfile::TempDir;
use tidegate_models::{
    Class, Classifier, Costs, Features, MISSING, Model, Schema, Tree, TreeNode,
    train::{
        Dataset, Params,
        linfa::{LinfaSvmSettings, MAX_SVM_ROWS, fit_svm, fit_tree},
    },
};

use training::kdd_text;
use workbench::{stderr, workbench};

fn dataset(rows: impl Iterator<Item = ([u32; 3], Class)>) -> Dataset {
    Dataset::new(
        Schema::Live,
        rows.map(|(own, class)| {
            let mut values = [0; tidegate_models::LIVE_COLUMNS.len()];
            values[0] = own[0];
            values[4] = own[1];
            values[5] = own[2];
            let features = Features::from_values(Schema::Live, &values).unwrap();
            (features, class, class.to_string())
        }),
    )
}

fn right(nodes: Vec<TreeNode>, data: &Dataset) -> usize {
    let tree = Tree::new(data.schema, "test", Costs::ARGMAX, nodes).unwrap();
    let right = |row: &&tidegate_models::train::Row| tree.predict(&row.features).class == row.class;
    data.rows.iter().filter(right).count()
}

fn own(data: &Dataset, depth: usize, leaf: u64) -> Vec<TreeNode> {
    let params = Params::default().max_depth(depth).min_leaf(leaf);
    params.check().unwrap().fit(data).unwrap()
}

/// Every value of every column once, classes by two thresholds: no ties, and one best split at
/// every node.
fn without_ties() -> Dataset {
    dataset((0..200).map(|i| {
        // 77 and 121 have no factor in common with 200 and 211: every value once.
        let (bytes, answer) = (i * 77 % 200, i * 121 % 211);
        let class = match (i < 90, bytes < 50) {
            (true, _) => Class::Normal,
            (false, true) => Class::Probe,
            (false, false) => Class::Dos,
        };
        ([i, bytes, answer], class)
    }))
}

#[test]
fn without_ties_linfas_tree_is_ours() {
    let data = without_ties();
    let nodes = fit_tree(&data, 8, 1).unwrap();
    let own = own(&data, 8, 1);
    // Not its thresholds: linfa takes the middle of a value and the next of all rows, not of the
    // node's.
    let told_apart = |nodes: &[TreeNode]| -> Vec<_> {
        let column = |node: &TreeNode| node.split.map(|split| (split.column, split.right));
        nodes
            .iter()
            .map(|node| (column(node), node.counts))
            .collect()
    };
    assert_eq!(told_apart(&nodes), told_apart(&own));
    assert_eq!(nodes[0].split, own[0].split);
    assert_eq!(nodes.len(), 5);
    assert_eq!(right(nodes, &data), data.rows.len());
}

#[test]
fn a_converted_tree_is_counted_in_rows_with_duplicates() {
    let data = dataset((0..90).map(|i| {
        let class = if i % 3 == 0 {
            Class::Normal
        } else {
            Class::Dos
        };
        ([i % 3, 7, 0], class)
    }));
    let nodes = fit_tree(&data, 4, 1).unwrap();
    assert_eq!(nodes, own(&data, 4, 1));
    assert_eq!(nodes[0].counts, [30, 60, 0, 0, 0, 0]);
}

/// 100 rows that two columns separate, in values that repeat as KDD's do.
#[test]
fn ties_hide_splits_from_linfas_tree() {
    let data = dataset((0..100).map(|i| {
        let (a, b) = (i % 10, i / 10);
        let class = match (a < 5, b % 2 == 0) {
            (true, true) => Class::Normal,
            (true, false) => Class::Dos,
            (false, true) => Class::Probe,
            (false, false) => Class::R2l,
        };
        ([a, b, 0], class)
    }));
    assert_eq!(data.rows.len(), 100);
    assert_eq!(right(own(&data, 20, 1), &data), 100);
    let by_linfa = right(fit_tree(&data, 20, 1).unwrap(), &data);
    assert!(by_linfa < 100, "linfa was mended: {by_linfa}");
}

#[test]
fn what_linfa_can_not_do_is_refused() {
    let mut data = without_ties();
    data.rows[3].features.set(9, MISSING);
    assert_eq!(
        fit_tree(&data, 8, 1).unwrap_err().to_string(),
        "a training row lacks a value in column count, which linfa can't handle"
    );
    let none = without_ties().filter(|_, _| false);
    assert_eq!(
        fit_tree(&none, 8, 1).unwrap_err().to_string(),
        "no training rows"
    );
    let settings = LinfaSvmSettings {
        rows: 20_000,
        ..LinfaSvmSettings::default()
    };
    assert!(settings.rows > MAX_SVM_ROWS);
    let refused = fit_svm(&without_ties(), &settings, Costs::ARGMAX, 1);
    assert_eq!(
        refused.err().unwrap().to_string(),
        "20000 rows, more than 5000: linfa's kernel matrix would take 3200 MB"
    );
}

#[test]
fn linfas_support_vector_machine_tells_classes_apart() {
    let data = without_ties();
    let settings = LinfaSvmSettings {
        rows: 200,
        gamma: 0.5,
        cost: 100.0,
    };
    let svm = fit_svm(&data, &settings, Costs::ARGMAX, 1).unwrap();
    assert_eq!(svm.support_vectors().len(), 3);
    let right = data
        .rows
        .iter()
        .filter(|row| svm.predict(&row.features).class == row.class)
        .count();
    assert!(right > 190, "{right} of 200");
}

#[test]
fn the_workbench_grows_a_tree_by_linfa_if_told_to() {
    let folder = TempDir::new().unwrap();
    fs::write(folder.path().join("kddcup.data_10_percent"), kdd_text()).unwrap();
    let fit = |words: &[&str]| {
        let fit = ["fit", "--schema", "kdd41", "--data", ".", "-o", "tree.json"];
        workbench(folder.path(), &[&fit[..], words].concat())
    };
    let depth = ["--max-depth", "6", "--min-leaf", "1"];
    let linfa = [&["--back-end", "linfa"][..], &depth].concat();
    for (back_end, words) in [
        (
            None,
            [&["--back-end", "own", "--balance", "none"][..], &depth].concat(),
        ),
        (Some("linfa"), linfa.clone()),
    ] {
        let done = fit(&words);
        assert!(done.status.success(), "{}", stderr(&done));
        let model = Model::load(folder.path().join("tree.json")).unwrap();
        let settings = &model.training().settings;
        assert_eq!(settings.get("back_end").map(String::as_str), back_end);
        assert_eq!(settings.contains_key("balance"), back_end.is_none());
        assert_eq!(settings["max_depth"], "6");
        let card = fs::read_to_string(folder.path().join("tree.md")).unwrap();
        assert_eq!(card.contains(" --back-end linfa"), back_end.is_some());
        assert!(model.metrics().training.accuracy() > 0.9);
    }
    let missing = &["--back-end", "linfa", "--max-depth", "6"][..];
    for (words, told) in [
        (missing, "max-depth and min-leaf must be given"),
        (
            &[&linfa[..], &["--kind", "svm"]].concat(),
            "it grows trees only",
        ),
        (
            &[&linfa[..], &["--alpha", "0.1"]].concat(),
            "it knows neither balance nor alpha",
        ),
        (
            &[&linfa[..], &["--balance", "full"]].concat(),
            "it knows neither balance nor alpha",
        ),
    ] {
        let done = fit(words);
        assert_eq!(done.status.code(), Some(1));
        assert_eq!(
            stderr(&done),
            format!("tidegate-train: back end linfa: {told}\n")
        );
    }
}
