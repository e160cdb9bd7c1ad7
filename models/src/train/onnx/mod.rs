//! Export of trees and forests as ONNX, for runtimes other than this crate.
//!
//! | name | kind | shape | what |
//! |---|---|---|---|
//! | `columns` | input, `double` | rows × columns of the schema | the integers of [`crate::Features`], NaN where missing |
//! | `shares` | output, `float` | rows × 6 | shares of the classes in the order of [`Class::ALL`] |
//! | `nearest` | output, `int64` | rows | [`crate::Prediction::nearest`], as [`Class::index`] |
//! | `class` | output, `int64` | rows | [`crate::Prediction::class`], as [`Class::index`] |
//!
//! All three outputs are bit for bit those of [`crate::Classifier::predict`] on whole rows:
//!
//! * Columns go up to 2^32 - 2 (byte counts), which only `double` holds; thresholds are `double`
//!   too. A `float` input would be exact up to 2^24.
//! * A leaf's shares are summed as whole numbers or not at all, and the costs of the way to decide
//!   are applied by single multiplications and additions in this crate's order.
//!
//! Missing values: a forest replaces NaN by its baseline, as this crate does. A tree's blend of
//! both sides has no like in ONNX; there NaN follows the side of the greater training weight.
//!
//! Written for operator sets `ai.onnx` 15 and `ai.onnx.ml` 3 (TreeEnsembleClassifier with `double`
//! thresholds), which ONNX Runtime reads since 1.11. Field numbers are those of `onnx.proto`.

mod ensemble;
mod protobuf;
mod values;

use self::{
    ensemble::Ensemble,
    protobuf::Message,
    values::{DOUBLE, FLOAT, INT64, doubles, floats, integer, number, numbers, value},
};
use crate::{
    CLASS_COUNT, Class, Costs, KNOWN_COUNT,
    format::{ForestNode, ForestParameters, ModelFile, NodeLine, Parameters, SHARE_UNIT},
    tree::{smoothed, total},
};

const IR_VERSION: i64 = 8;
const OPSET: i64 = 15;
const OPSET_ML: i64 = 3;

/// Why a model has no ONNX form.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum ExportError {
    /// Another kind of model.
    #[error("only trees and forests can be exported as ONNX, not a {0}")]
    Kind(&'static str),
    /// A way to decide that the file lacks.
    #[error("no decision is called {0:?}; it has {1}")]
    UnknownDecision(String, String),
    /// A node with some but not all parts of a decision.
    #[error("node {0}: neither a whole decision nor a leaf")]
    Node(usize),
}

/// The bytes of an ONNX file that answers as the model does with the decision of that name, or the
/// first. The file is taken as checked: load it as a [`crate::Model`] first.
///
/// # Errors
///
/// If it is no tree and no forest, or has no such decision.
pub fn export(file: &ModelFile, decision: Option<&str>) -> Result<Vec<u8>, ExportError> {
    let named = |point: &&crate::OperatingPoint| decision.is_none_or(|name| point.name == name);
    let point = file.decisions.iter().find(named).ok_or_else(|| {
        let names: Vec<_> = file.decisions.iter().map(|d| d.name.as_str()).collect();
        ExportError::UnknownDecision(decision.unwrap_or_default().to_owned(), names.join(", "))
    })?;
    let mut graph = Graph::default();
    match &file.parameters {
        Parameters::Tree(nodes) => graph.tree(nodes)?,
        Parameters::Forest(forest) => graph.forest(forest),
        other => return Err(ExportError::Kind(other.kind())),
    }
    let has_kinds =
        matches!(&file.parameters, Parameters::Forest(forest) if !forest.kinds.is_empty());
    graph.decide(&point.costs, has_kinds);
    let opset = |domain: &str, version| Message::default().bytes(1, domain).number(2, version);
    let property = |key: &str, value: &str| Message::default().bytes(1, key).bytes(2, value);
    let columns = file.schema.columns();
    let classes = Class::ALL.map(Class::name).join(",");
    let model = Message::default()
        .number(1, IR_VERSION)
        .messages(8, [opset("", OPSET), opset("ai.onnx.ml", OPSET_ML)])
        .bytes(2, "tidegate-train")
        .bytes(3, env!("CARGO_PKG_VERSION"))
        .message(7, graph.finish(&file.name, columns.len() as i64))
        .messages(
            14,
            [
                property("schema", file.schema.name()),
                property("columns", &columns.join(",")),
                property("classes", &classes),
                property("decision", &point.name),
                property("training_digest", &file.training.digest),
            ],
        );
    Ok(model.into_bytes())
}

/// The nodes and constants of a graph.
#[derive(Default)]
struct Graph {
    nodes: Vec<Message>,
    constants: Vec<Message>,
}

impl Graph {
    fn node(
        &mut self,
        operator: &str,
        inputs: &[&str],
        outputs: &[&str],
        attributes: Vec<Message>,
    ) {
        let domain = if operator == "TreeEnsembleClassifier" {
            "ai.onnx.ml"
        } else {
            ""
        };
        let mut node = Message::default();
        for input in inputs {
            node = node.bytes(1, input);
        }
        for output in outputs {
            node = node.bytes(2, output);
        }
        let node = node
            .bytes(3, outputs[0])
            .bytes(4, operator)
            .messages(5, attributes)
            .bytes(7, domain);
        self.nodes.push(node);
    }

    fn constant(&mut self, name: &str, constant: Message) {
        self.constants.push(constant.bytes(8, name));
    }

    fn tree(&mut self, lines: &[NodeLine]) -> Result<(), ExportError> {
        let nodes = lines
            .iter()
            .enumerate()
            .map(|(index, line)| line.node().ok_or(ExportError::Node(index)))
            .collect::<Result<Vec<_>, _>>()?;
        let with_unknown = nodes
            .first()
            .is_some_and(|root| root.weights[Class::Unknown.index()] > 0);
        let weight = |node: usize| total(&nodes[node].weights);
        let mut ensemble = Ensemble::default();
        for (index, node) in nodes.iter().enumerate() {
            let at = [0, index as i64];
            match node.split {
                Some(split) => {
                    ensemble.split(at, split, weight(split.left) >= weight(split.right));
                }
                None => ensemble.leaf(at, smoothed(&node.weights, with_unknown).map(f64::from)),
            }
        }
        let outputs = ["greatest", "shares"];
        self.node(
            "TreeEnsembleClassifier",
            &["columns"],
            &outputs,
            ensemble.attributes(),
        );
        Ok(())
    }

    fn forest(&mut self, forest: &ForestParameters) {
        let baseline = forest.baseline.iter().map(|value| f64::from(*value));
        self.constant("baseline", doubles(baseline));
        self.node("IsNaN", &["columns"], &["missing"], vec![]);
        self.node(
            "Where",
            &["missing", "baseline", "columns"],
            &["whole_row"],
            vec![],
        );
        self.mean(&forest.trees, "shares");
        if !forest.kinds.is_empty() {
            self.mean(&forest.kinds, "kinds");
        }
    }

    /// The mean of the leaves that a whole row reaches.
    fn mean(&mut self, trees: &[Vec<ForestNode>], output: &str) {
        let mut ensemble = Ensemble::default();
        for (tree, nodes) in trees.iter().enumerate() {
            for (index, node) in nodes.iter().enumerate() {
                let at = [tree as i64, index as i64];
                match node {
                    ForestNode::Leaf(shares) => ensemble.leaf(at, shares.map(f64::from)),
                    // Nothing is missing by then.
                    ForestNode::Split(_) => {
                        if let Some(split) = node.split(index) {
                            ensemble.split(at, split, false);
                        }
                    }
                }
            }
        }
        let [greatest, sums, whole] =
            ["greatest", "sums", "whole"].map(|name| format!("{output}_{name}"));
        self.node(
            "TreeEnsembleClassifier",
            &["whole_row"],
            &[&greatest, &sums],
            ensemble.attributes(),
        );
        // Sums are whole numbers below 2^24, so exact; the quotient is rounded once, as here.
        let parts = trees.len() as f32 * SHARE_UNIT as f32;
        self.constant(&whole, floats(&[], [parts]));
        self.node("Div", &[&sums, &whole], &[output], vec![]);
    }

    /// What every verdict costs for the known classes' shares, product by product as
    /// [`Costs::decide`] does it: a matrix product may add in any order. Gives the name of the
    /// result; single shares are named after the input.
    fn expected(&mut self, shares: &str) -> String {
        let parts: Vec<_> = (0..CLASS_COUNT)
            .map(|class| format!("{shares}_{class}"))
            .collect();
        let names: Vec<_> = parts.iter().map(String::as_str).collect();
        self.node("Split", &[shares], &names, vec![number("axis", 1)]);
        let mut sum = String::new();
        for (class, part) in names.iter().take(KNOWN_COUNT).enumerate() {
            let product = format!("{shares}_product_{class}");
            self.node("Mul", &[part, &cost_of(class)], &[&product], vec![]);
            sum = if class == 0 {
                product
            } else {
                let next = format!("{shares}_sum_{class}");
                self.node("Add", &[&sum, &product], &[&next], vec![]);
                next
            };
        }
        sum
    }

    /// As [`Costs::decide`], or [`Costs::decide_by_kinds`]. The kinds always count here: where
    /// they are not asked there, they change nothing.
    fn decide(&mut self, costs: &Costs, has_kinds: bool) {
        for (class, row) in costs.0.iter().enumerate() {
            self.constant(&cost_of(class), costs_row(*row));
        }
        let known = self.expected("shares");
        let unknown_class = Class::Unknown.index();
        let unknown_cost = if has_kinds {
            // An attack costs what it does for the kinds, normal what the table says.
            let resembles = self.expected("kinds");
            let [normal, ..] = costs.0[unknown_class];
            self.constant("attacks_only", costs_row([0, 1, 1, 1, 1]));
            self.constant("normal_only", costs_row([normal, 0, 0, 0, 0]));
            self.node(
                "Mul",
                &[&resembles, "attacks_only"],
                &["attack_cost"],
                vec![],
            );
            self.node(
                "Add",
                &["attack_cost", "normal_only"],
                &["kinds_cost"],
                vec![],
            );
            "kinds_cost".to_owned()
        } else {
            cost_of(unknown_class)
        };
        let share = |class: usize| format!("shares_{class}");
        let unknown_part = share(unknown_class);
        self.node(
            "Mul",
            &[&unknown_part, &unknown_cost],
            &["unknown_product"],
            vec![],
        );
        self.node("Add", &[&known, "unknown_product"], &["expected"], vec![]);
        let axis = || number("axis", 1);
        // Of equal costs the first.
        self.node(
            "ArgMin",
            &["expected"],
            &["nearest"],
            vec![axis(), number("keepdims", 0)],
        );
        let attacks: Vec<_> = (Class::Dos.index()..KNOWN_COUNT).map(share).collect();
        let attacks: Vec<_> = attacks.iter().map(String::as_str).collect();
        self.node("Concat", &attacks, &["attacks"], vec![axis()]);
        let attributes = vec![numbers("axes", [1]), number("keepdims", 0)];
        self.node("ReduceMax", &["attacks"], &["greatest_attack"], attributes);
        self.constant("unknown", integer(Class::Unknown.index()));
        self.constant("normal", integer(Class::Normal.index()));
        self.node(
            "Gather",
            &["shares", "unknown"],
            &["unknown_share"],
            vec![axis()],
        );
        self.node(
            "Less",
            &["greatest_attack", "unknown_share"],
            &["unlike"],
            vec![],
        );
        self.node("Greater", &["nearest", "normal"], &["attack"], vec![]);
        self.node("And", &["unlike", "attack"], &["is_unknown"], vec![]);
        self.node(
            "Where",
            &["is_unknown", "unknown", "nearest"],
            &["class"],
            vec![],
        );
    }

    fn finish(self, name: &str, columns: i64) -> Message {
        let classes = CLASS_COUNT as i64;
        Message::default()
            .messages(1, self.nodes)
            .bytes(2, name)
            .messages(5, self.constants)
            .message(11, value("columns", DOUBLE, Some(columns)))
            .message(12, value("shares", FLOAT, Some(classes)))
            .message(12, value("nearest", INT64, None))
            .message(12, value("class", INT64, None))
    }
}

/// The name of what a class costs, by what is said.
fn cost_of(class: usize) -> String {
    format!("cost_{class}")
}

fn costs_row(thousandths: [u32; KNOWN_COUNT]) -> Message {
    let row = thousandths.map(|cost| cost as f32);
    floats(&[KNOWN_COUNT as i64], row)
}
