//! A model whose judgement a test can foretell.

use std::collections::BTreeMap;

use tidegate_models::{
    Class, Classifier as _, Costs, Features, Flag, OperatingPoint, Schema, Split, Tree, TreeNode,
    format::{
        FORMAT_VERSION, Golden, MIN_GOLDEN, Metrics, ModelFile, NodeLine, Parameters,
        Preprocessing, Training,
    },
};

/// A model file: more than a hundred connections of a source in two seconds are a denial of service.
pub(crate) fn by_source_count() -> String {
    file(vec![
        node(Some(split("src_count", 100, 1)), 1_000, 1_000),
        node(None, 1_000, 0),
        node(None, 0, 1_000),
    ])
}

/// A model file: unanswered SYNs are a denial of service while their host gets more than a hundred connections in two
/// seconds.
pub(crate) fn by_victims_count() -> String {
    file(vec![
        node(Some(split("count", 100, 1)), 2_000, 1_000),
        node(None, 1_000, 0),
        node(Some(split("flag", Flag::S0.code(), 3)), 1_000, 1_000),
        node(None, 0, 1_000),
        node(None, 1_000, 0),
    ])
}

/// Up to the threshold to the node `left`, beyond it to the next.
fn split(column: &str, threshold: u32, left: usize) -> Split {
    Split {
        column: Schema::Live.column(column).unwrap(),
        threshold,
        left,
        right: left + 1,
    }
}

fn file(nodes: Vec<TreeNode>) -> String {
    let columns = Schema::Live.columns();
    let lines = nodes.iter().map(NodeLine::from).collect();
    let tree = Tree::new(Schema::Live, "by-count", Costs::ARGMAX, nodes).unwrap();
    let golden = (0..MIN_GOLDEN as u32).map(|row| {
        let mut values = vec![0; columns.len()];
        for column in ["count", "src_count"] {
            values[Schema::Live.column(column).unwrap()] = row * 20;
        }
        let features = Features::from_values(Schema::Live, &values).unwrap();
        Golden::new(&features, &tree.predict(&features))
    });
    let file = ModelFile {
        format_version: FORMAT_VERSION,
        name: "by-count".to_owned(),
        schema: Schema::Live,
        classes: Class::ALL.to_vec(),
        preprocessing: Preprocessing::of(Schema::Live),
        training: Training {
            sources: Vec::new(),
            digest: String::new(),
            rows: 2_000,
            distinct_rows: 2,
            seed: 0,
            settings: BTreeMap::new(),
        },
        metrics: Metrics {
            training: Default::default(),
            validation: None,
        },
        decisions: vec![OperatingPoint {
            name: "argmax".to_owned(),
            costs: Costs::ARGMAX,
        }],
        golden: golden.collect(),
        parameters: Parameters::Tree(lines),
    };
    file.to_json().unwrap()
}

fn node(split: Option<Split>, normal: u64, dos: u64) -> TreeNode {
    let counts = [normal, dos, 0, 0, 0, 0];
    TreeNode {
        split,
        counts,
        weights: counts.map(|rows| rows * 1_000),
    }
}
