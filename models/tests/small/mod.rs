//! Small rows and models that several tests share.

use std::{collections::BTreeMap, fs, path::Path};

use tidegate_models::{
    CLASS_COUNT, Class, Classifier as _, Confusion, Costs, Features, OperatingPoint, Schema, Split,
    Tree, TreeNode,
    format::{
        FORMAT_VERSION, Golden, Metrics, ModelFile, NodeLine, Parameters, Preprocessing, Source,
        Training,
    },
};

/// A row of a KDD file: only `duration` differs, `label` with its comma.
pub(crate) fn row(duration: u32, label: &str) -> String {
    format!("{duration},tcp,http,SF,{}0{label}\n", "0,".repeat(36))
}

/// 20 normal rows, 6 of a seen flood, 4 of an unseen attack; the model errs on some of each.
pub(crate) fn rows() -> String {
    let mut text = String::new();
    for duration in 0..20 {
        text += &row(duration * 2, ",normal.");
    }
    for duration in [1, 60, 61, 62, 63, 64] {
        text += &row(duration, ",smurf.");
    }
    for duration in [3, 5, 7, 70] {
        text += &row(duration, ",mailbomb.");
    }
    text
}

/// A tree that calls rows of a `duration` above 35 a flood (two normal rows among them), and
/// rows up to 9 perhaps one: by `argmax` they are normal, by `wary` they are not.
fn model_file(name: &str, trained_on: &str, seed: u64) -> ModelFile {
    let node = |split, normal: u64, dos: u64| {
        let mut counts = [0; CLASS_COUNT];
        (counts[0], counts[1]) = (normal, dos);
        let weights = counts.map(|count| count * 1000);
        TreeNode {
            split,
            counts,
            weights,
        }
    };
    let split = |threshold, left, right| {
        Some(Split {
            column: 0,
            threshold,
            left,
            right,
        })
    };
    let nodes = vec![
        node(split(35, 1, 4), 90, 60),
        node(split(9, 2, 3), 90, 10),
        node(None, 30, 10),
        node(None, 60, 0),
        node(None, 0, 50),
    ];
    let tree = Tree::new(Schema::Kdd41, name, Costs::ARGMAX, nodes.clone()).unwrap();
    let golden = (0..16).map(|duration| {
        let mut values = [0; 41];
        values[0] = duration * 4;
        let features = Features::from_values(Schema::Kdd41, &values).unwrap();
        Golden::new(&features, &tree.predict(&features))
    });
    let mut wary = Costs::ARGMAX;
    wary.0[Class::Dos.index()] = [9000, 0, 1000, 1000, 1000];
    ModelFile {
        format_version: FORMAT_VERSION,
        name: name.to_owned(),
        schema: Schema::Kdd41,
        classes: Class::ALL.to_vec(),
        preprocessing: Preprocessing::of(Schema::Kdd41),
        training: Training {
            sources: vec![Source {
                file: trained_on.to_owned(),
                rows: 150,
                sha256: "00".repeat(32),
            }],
            digest: String::new(),
            rows: 150,
            distinct_rows: 150,
            seed,
            settings: BTreeMap::from([("note".to_owned(), "a < b & \"c\"".to_owned())]),
        },
        metrics: Metrics {
            training: Confusion::default(),
            validation: None,
        },
        decisions: ["argmax", "wary"]
            .into_iter()
            .zip([Costs::ARGMAX, wary])
            .map(|(name, costs)| OperatingPoint {
                name: name.to_owned(),
                costs,
            })
            .collect(),
        golden: golden.collect(),
        parameters: Parameters::Tree(nodes.iter().map(NodeLine::from).collect()),
    }
}

pub(crate) fn write_model(folder: &Path, name: &str, trained_on: &str, seed: u64) {
    let text = model_file(name, trained_on, seed).to_json().unwrap();
    fs::write(folder.join(format!("{name}.json")), text).unwrap();
}
