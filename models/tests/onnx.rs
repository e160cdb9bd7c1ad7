//! ONNX exports against this crate's predictions, in ONNX Runtime, row by row.
//!
//! `TIDEGATE_PYTHON` names a Python with the packages of `python/requirements.txt`; `cargo xtask
//! onnx` makes one. With `TIDEGATE_DATA`, the rows of KDD's test files too.

#![cfg(feature = "train")]
#![expect(clippy::unwrap_used, reason = "a failing unwrap is a failing test")]

mod trained;

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Command,
};

use tempfile::TempDir;
use tidegate_models::{
    CLASS_COUNT, Classifier, Costs, Features, Forest, MISSING, Model, OperatingPoint,
    SHIPPED_KDD41, Schema, Split, Tree, TreeNode,
    format::{ForestNode, ForestParameters, ModelFile, NodeLine, Parameters, SHARE_UNIT},
    train::{OnBad, Rows, find, kdd, npy, onnx},
};

/// Files for the comparison, and its arguments.
struct Comparison {
    python: PathBuf,
    folder: TempDir,
    arguments: Vec<String>,
}

impl Comparison {
    /// `None` without Python.
    fn new() -> Option<Self> {
        let Some(python) = env::var_os("TIDEGATE_PYTHON") else {
            println!("skipped: TIDEGATE_PYTHON names no Python with ONNX Runtime");
            return None;
        };
        Some(Self {
            python: python.into(),
            folder: TempDir::new().unwrap(),
            arguments: Vec::new(),
        })
    }

    /// The classifier must be the file's with the decision of that name.
    fn add(
        &mut self,
        name: &str,
        file: &ModelFile,
        decision: Option<&str>,
        classifier: &dyn Classifier,
        rows: &[Features],
    ) {
        let mut values = Vec::new();
        let mut answers = Vec::new();
        for row in rows {
            values.extend_from_slice(row.values());
            // In the place of the class, which is not looked at.
            values.push(0);
            let prediction = classifier.predict(row);
            answers.extend(prediction.shares);
            answers
                .extend([prediction.nearest, prediction.class].map(|class| class.index() as f32));
        }
        let number = self.arguments.len();
        let mut argument = name.to_owned();
        for (suffix, bytes) in [
            ("onnx", onnx::export(file, decision).unwrap()),
            (
                "rows.npy",
                npy::of_integers(file.schema.columns().len() + 1, &values),
            ),
            ("answers.npy", npy::of_floats(CLASS_COUNT + 2, &answers)),
        ] {
            let path = self.folder.path().join(format!("{number}.{suffix}"));
            fs::write(&path, bytes).unwrap();
            argument.push_str(&format!(":{}", path.display()));
        }
        self.arguments.push(argument);
    }

    /// Runs it; what it printed, if all were equal.
    fn run(self) -> Result<String, String> {
        assert!(!self.arguments.is_empty());
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("python/check_onnx.py");
        let output = Command::new(self.python)
            .arg(script)
            .args(&self.arguments)
            .output()
            .unwrap();
        let text = [output.stdout, output.stderr].map(|text| String::from_utf8(text).unwrap());
        let text = text.concat();
        println!("{text}");
        if output.status.success() {
            Ok(text)
        } else {
            Err(text)
        }
    }
}

/// Numbers that look random and are the same everywhere.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, bound: usize) -> usize {
        // Knuth's MMIX generator.
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % bound
    }

    /// Small ones, and those that a float32 can't tell from their neighbours.
    fn value(&mut self) -> u32 {
        let near = [1_u32 << 24, 1 << 25, 1 << 31, MISSING - 4][self.below(4)];
        match self.below(4) {
            0 => near - 3 + self.below(6) as u32,
            _ => self.below(6) as u32,
        }
    }

    fn rows(&mut self, missing: bool) -> Vec<Features> {
        let mut row = || {
            let mut value = || match self.below(8) {
                0 if missing => MISSING,
                _ => self.value(),
            };
            let values: Vec<_> = (0..41).map(|_| value()).collect();
            Features::from_values(Schema::Kdd41, &values).unwrap()
        };
        (0..5000).map(|_| row()).collect()
    }

    /// Few different costs: many verdicts cost the same.
    fn costs(&mut self) -> Costs {
        let mut costs = [[0; 5]; CLASS_COUNT];
        for cost in costs.iter_mut().flatten() {
            *cost = 1000 * self.below(4) as u32;
        }
        Costs(costs)
    }

    fn nodes(&mut self, depth: usize, nodes: &mut Vec<TreeNode>) -> usize {
        let at = nodes.len();
        let weights = std::array::from_fn(|_| 1000 * self.below(3) as u64 + 1);
        nodes.push(TreeNode {
            split: None,
            counts: weights,
            weights,
        });
        if depth > 0 && self.below(8) > 0 {
            let left = self.nodes(depth - 1, nodes);
            let right = self.nodes(depth - 1, nodes);
            let sum = std::array::from_fn(|class| {
                nodes[left].weights[class] + nodes[right].weights[class]
            });
            nodes[at] = TreeNode {
                split: Some(Split {
                    // Few columns, so that paths are not all one comparison long in effect.
                    column: self.below(12),
                    threshold: self.value(),
                    left,
                    right,
                }),
                counts: sum,
                weights: sum,
            };
        }
        at
    }

    fn forest(&mut self, trees: usize, kinds: usize) -> ForestParameters {
        let tree = |numbers: &mut Self| {
            let mut nodes = Vec::new();
            numbers.nodes(9, &mut nodes);
            let node = |node: &TreeNode| match node.split {
                Some(split) => {
                    ForestNode::Split([split.column as u32, split.threshold, split.right as u32])
                }
                None => {
                    let mut shares = [0; CLASS_COUNT];
                    shares[numbers.below(CLASS_COUNT)] += 4_000;
                    shares[numbers.below(CLASS_COUNT)] += SHARE_UNIT - 4_000;
                    ForestNode::Leaf(shares)
                }
            };
            nodes.iter().map(node).collect()
        };
        ForestParameters {
            baseline: (0..41).collect(),
            trees: (0..trees).map(|_| tree(self)).collect(),
            kinds: (0..kinds).map(|_| tree(self)).collect(),
        }
    }
}

fn file_with(parameters: Parameters, costs: Costs) -> ModelFile {
    let mut file: ModelFile = serde_json::from_str(SHIPPED_KDD41).unwrap();
    file.parameters = parameters;
    file.decisions = vec![OperatingPoint {
        name: "drawn".to_owned(),
        costs,
    }];
    file
}

#[test]
fn drawn_trees_and_forests_answer_alike() {
    let Some(mut comparison) = Comparison::new() else {
        return;
    };
    let mut numbers = Numbers(1);
    for number in 0..4 {
        let costs = numbers.costs();
        let mut nodes = Vec::new();
        numbers.nodes(11, &mut nodes);
        let lines = nodes.iter().map(NodeLine::from).collect();
        let file = file_with(Parameters::Tree(lines), costs);
        let tree = Tree::new(Schema::Kdd41, "tree", costs, nodes).unwrap();
        let name = format!("tree {number} of {} nodes", tree.nodes().len());
        comparison.add(&name, &file, None, &tree, &numbers.rows(false));

        let costs = numbers.costs();
        let parameters = numbers.forest(1 + 7 * number, 3 * (number % 2));
        let forest = Forest::new(Schema::Kdd41, "forest", costs, &parameters).unwrap();
        let file = file_with(Parameters::Forest(parameters), costs);
        let name = format!("forest of {} leaves", forest.leaves());
        comparison.add(&name, &file, None, &forest, &numbers.rows(true));
    }
    let found = comparison.run();
    assert!(found.is_ok());
}

#[test]
fn a_difference_is_found() {
    let Some(mut comparison) = Comparison::new() else {
        return;
    };
    let mut numbers = Numbers(2);
    let mut nodes = Vec::new();
    numbers.nodes(11, &mut nodes);
    let lines = nodes.iter().map(NodeLine::from).collect();
    let file = file_with(Parameters::Tree(lines), Costs::ARGMAX);
    // Value 3 now goes the other way in the root.
    let split = nodes[0].split.as_mut().unwrap();
    split.threshold = if split.threshold == 3 { 2 } else { 3 };
    let tree = Tree::new(Schema::Kdd41, "tree", Costs::ARGMAX, nodes).unwrap();
    comparison.add("another root", &file, None, &tree, &numbers.rows(false));
    let found = comparison.run();
    assert!(found.unwrap_err().contains("another root: 5000 rows"));
}

#[test]
fn shipped_models_answer_alike_however_they_decide() {
    let Some(mut comparison) = Comparison::new() else {
        return;
    };
    let mut files = Vec::new();
    match env::var_os("TIDEGATE_DATA") {
        None => println!("TIDEGATE_DATA names no folder with the KDD files: golden rows only"),
        Some(data) => {
            for name in ["corrected", "KDDTest+.txt"] {
                let path = find(Path::new(&data), name).unwrap();
                let rows = Rows::open(&path, Schema::Kdd41, OnBad::Stop).unwrap();
                let kdd41: Vec<_> = rows.map(|row| row.unwrap().features).collect();
                let live: Vec<_> = kdd41.iter().map(kdd::to_live).collect();
                files.push((name, kdd41, live));
            }
        }
    }
    for (model_name, text) in trained::trained() {
        let file: ModelFile = serde_json::from_str(&text).unwrap();
        let file = file.widen().unwrap();
        if !matches!(file.parameters.kind(), "tree" | "forest") {
            let refused = onnx::export(&file, None).unwrap_err().to_string();
            assert!(refused.starts_with("only trees and forests"), "{refused}");
            continue;
        }
        let folder = TempDir::new().unwrap();
        let path = folder.path().join("model.json");
        fs::write(&path, &text).unwrap();
        let whole = |row: &Features| !row.values().contains(&MISSING);
        let golden = file.golden.iter();
        let golden: Vec<_> = golden
            .map(|golden| Features::from_values(file.schema, &golden.row()).unwrap())
            .filter(whole)
            .collect();
        for point in &file.decisions {
            let decision = Some(point.name.as_str());
            let model = Model::load_deciding(&path, decision).unwrap();
            let name = |rows| format!("{model_name}, {}, {rows}", point.name);
            comparison.add(&name("golden"), &file, decision, &model, &golden);
            for (file_name, kdd41, live) in &files {
                let rows = match file.schema {
                    Schema::Kdd41 => kdd41,
                    Schema::Live => live,
                };
                comparison.add(&name(file_name), &file, decision, &model, rows);
            }
        }
    }
    assert!(comparison.arguments.len() >= 2);
    let found = comparison.run();
    assert!(found.is_ok());
}

#[test]
fn an_unknown_decision_is_named() {
    let file: ModelFile = serde_json::from_str(SHIPPED_KDD41).unwrap();
    let message = onnx::export(&file, Some("none")).unwrap_err().to_string();
    assert!(
        message.starts_with("no decision is called \"none\"; it has "),
        "{message}"
    );
}
