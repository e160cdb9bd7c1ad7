//! The model file: JSON, one node a line, read strictly or not at all.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{
    CLASS_COUNT, Class, Confusion, Features, Flag, MISSING, OperatingPoint, Prediction, Protocol,
    Schema, Service, Split, TreeNode,
};

pub use crate::{
    encoding::{Codes, ColumnEncoding, Standard, log2_plus_one},
    network::{Layer, NetworkParameters},
    svm::{SvmClass, SvmParameters},
};

/// The version this crate reads and writes.
pub const FORMAT_VERSION: u32 = 2;

/// The fewest golden vectors a file must bring.
pub const MIN_GOLDEN: usize = 16;

/// A whole model file. Field order is file order.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModelFile {
    /// [`FORMAT_VERSION`].
    pub format_version: u32,
    /// Name for people and labels.
    pub name: String,
    /// Column layout.
    pub schema: Schema,
    /// The classes in the order of all counts.
    pub classes: Vec<Class>,
    /// How raw values become the integers of the columns.
    pub preprocessing: Preprocessing,
    /// What it was trained on, and how.
    pub training: Training,
    /// How it did.
    pub metrics: Metrics,
    /// The ways to decide, the first being the one that is used if none is asked for.
    pub decisions: Vec<OperatingPoint>,
    /// Rows with the answers the trainer got, run at every load with the first way to decide.
    pub golden: Vec<Golden>,
    /// What was learnt.
    pub parameters: Parameters,
}

/// What was learnt, by kind of model.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase", deny_unknown_fields)]
pub enum Parameters {
    /// One decision tree: its nodes, the root first.
    Tree(Vec<NodeLine>),
    /// Many trees.
    Forest(ForestParameters),
    /// A support vector machine.
    Svm(SvmParameters),
    /// A neural network.
    Network(NetworkParameters),
}

impl Parameters {
    /// The kind of model, for people.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Tree(_) => "tree",
            Self::Forest(_) => "forest",
            Self::Svm(_) => "svm",
            Self::Network(_) => "network",
        }
    }
}

/// Many trees that answer with the mean of their leaves.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ForestParameters {
    /// A harmless row, in column order: stands in for missing values, and what explanations
    /// compare with.
    pub baseline: Vec<u32>,
    /// The trees, each its nodes, the root first.
    pub trees: Vec<Vec<ForestNode>>,
    /// Trees that know attacks only and tell which of them an unknown one resembles; may be
    /// empty.
    pub kinds: Vec<Vec<ForestNode>>,
}

/// A node of a forest's tree.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum ForestNode {
    /// Column, threshold (values up to and including it go left), right child. The left child
    /// is the next node.
    Split([u32; 3]),
    /// Shares of the classes in the order of [`Class::ALL`], of a sum of [`SHARE_UNIT`].
    Leaf([u32; CLASS_COUNT]),
}

/// What the shares of a [`ForestNode::Leaf`] sum to.
pub const SHARE_UNIT: u32 = 10_000;

/// The columns and the codes of the named ones.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Preprocessing {
    /// Column names in row order.
    pub columns: Vec<String>,
    /// Names of `protocol_type` by code.
    pub protocol_type: Vec<String>,
    /// Names of `service` by code.
    pub service: Vec<String>,
    /// Names of `flag` by code.
    pub flag: Vec<String>,
}

impl Preprocessing {
    /// What this crate does for a schema.
    pub fn of(schema: Schema) -> Self {
        let owned = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        Self {
            columns: owned(schema.columns()),
            protocol_type: owned(&Protocol::ALL.map(Protocol::name)),
            service: owned(Service::names()),
            flag: owned(&Flag::ALL.map(Flag::name)),
        }
    }
}

/// A data file that went into the training.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Source {
    /// File name without compression suffix.
    pub file: String,
    /// Rows read from it.
    pub rows: u64,
    /// SHA-256 of its uncompressed bytes, in hex.
    pub sha256: String,
}

/// What a model was trained on, and how.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Training {
    /// The data files.
    pub sources: Vec<Source>,
    /// SHA-256 over the distinct weighted rows in the order they were fitted, in hex.
    pub digest: String,
    /// Rows read.
    pub rows: u64,
    /// Rows left after merging equal ones.
    pub distinct_rows: u64,
    /// Seed of everything random: validation folds, trees, initial weights, golden vectors.
    pub seed: u64,
    /// How it was trained, by name of the setting: see the model card.
    pub settings: BTreeMap<String, String>,
}

/// Confusion matrices, in rows with duplicates.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Metrics {
    /// On the training rows themselves.
    pub training: Confusion,
    /// On training rows held out while the parameters were chosen, with whole attack types left
    /// out; absent if the parameters were given.
    pub validation: Option<Confusion>,
}

/// A row and the answer to it.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Golden {
    /// Values in column order; `null` where missing.
    pub values: Vec<Option<u32>>,
    /// The class.
    pub class: Class,
    /// The confidence in millionths, rounded.
    pub confidence_ppm: u32,
}

impl Golden {
    /// A row with the answer to it.
    pub fn new(features: &Features, prediction: &Prediction) -> Self {
        Self {
            values: features
                .values()
                .iter()
                .map(|value| (*value != MISSING).then_some(*value))
                .collect(),
            class: prediction.class,
            confidence_ppm: confidence_ppm(prediction.confidence),
        }
    }

    /// The values with [`MISSING`] for `null`.
    pub fn row(&self) -> Vec<u32> {
        self.values
            .iter()
            .map(|value| value.unwrap_or(MISSING))
            .collect()
    }
}

/// A confidence in millionths, rounded.
pub fn confidence_ppm(confidence: f32) -> u32 {
    (f64::from(confidence) * 1e6).round() as u32
}

/// One node; a leaf has none of the first four.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NodeLine {
    /// Column index.
    #[serde(rename = "c", default, skip_serializing_if = "Option::is_none")]
    pub column: Option<usize>,
    /// Threshold: values up to and including it go left.
    #[serde(rename = "t", default, skip_serializing_if = "Option::is_none")]
    pub threshold: Option<u32>,
    /// Left child.
    #[serde(rename = "l", default, skip_serializing_if = "Option::is_none")]
    pub left: Option<usize>,
    /// Right child.
    #[serde(rename = "r", default, skip_serializing_if = "Option::is_none")]
    pub right: Option<usize>,
    /// Training rows by class.
    #[serde(rename = "n")]
    pub counts: [u64; CLASS_COUNT],
    /// Training weight by class, in thousandths of a row.
    #[serde(rename = "w")]
    pub weights: [u64; CLASS_COUNT],
}

impl NodeLine {
    /// The node; `None` if it is neither a whole decision nor a leaf.
    pub fn node(&self) -> Option<TreeNode> {
        let split = match (self.column, self.threshold, self.left, self.right) {
            (Some(column), Some(threshold), Some(left), Some(right)) => Some(Split {
                column,
                threshold,
                left,
                right,
            }),
            (None, None, None, None) => None,
            _ => return None,
        };
        Some(TreeNode {
            split,
            counts: self.counts,
            weights: self.weights,
        })
    }
}

impl From<&TreeNode> for NodeLine {
    fn from(node: &TreeNode) -> Self {
        Self {
            column: node.split.map(|split| split.column),
            threshold: node.split.map(|split| split.threshold),
            left: node.split.map(|split| split.left),
            right: node.split.map(|split| split.right),
            counts: node.counts,
            weights: node.weights,
        }
    }
}

impl ModelFile {
    /// The file's text: top-level fields, nodes and golden vectors a line each, so that two
    /// models can be compared with `diff`.
    ///
    /// # Errors
    ///
    /// Only what `serde_json` gives for a value it can't write, such as a non-finite number.
    pub fn to_json(&self) -> Result<String, serde_json::Error> {
        let mut text = String::from("{\n");
        let mut field = |name: &str, value: String| {
            text.push_str(&format!("\"{name}\": {value},\n"));
        };
        field(
            "format_version",
            serde_json::to_string(&self.format_version)?,
        );
        field("name", serde_json::to_string(&self.name)?);
        field("schema", serde_json::to_string(&self.schema)?);
        field("classes", serde_json::to_string(&self.classes)?);
        field("preprocessing", serde_json::to_string(&self.preprocessing)?);
        field("training", serde_json::to_string(&self.training)?);
        field("metrics", serde_json::to_string(&self.metrics)?);
        field("decisions", lines(&self.decisions)?);
        field("golden", lines(&self.golden)?);
        let parameters = match &self.parameters {
            Parameters::Tree(nodes) => lines(nodes)?,
            Parameters::Forest(forest) => {
                let trees = |trees: &[Vec<ForestNode>]| list(trees.iter().map(|tree| lines(tree)));
                object(&[
                    ("baseline", serde_json::to_string(&forest.baseline)?),
                    ("trees", trees(&forest.trees)?),
                    ("kinds", trees(&forest.kinds)?),
                ])
            }
            Parameters::Svm(svm) => object(&[
                ("baseline", serde_json::to_string(&svm.baseline)?),
                ("encoding", lines(&svm.encoding)?),
                ("phases", serde_json::to_string(&svm.phases)?),
                ("projection", lines(&svm.projection)?),
                ("classes", lines(&svm.classes)?),
            ]),
            Parameters::Network(network) => {
                let layers = network.layers.iter().map(|layer| {
                    Ok(object(&[
                        ("biases", serde_json::to_string(&layer.biases)?),
                        ("weights", lines(&layer.weights)?),
                    ]))
                });
                object(&[
                    ("baseline", serde_json::to_string(&network.baseline)?),
                    ("encoding", lines(&network.encoding)?),
                    ("classes", serde_json::to_string(&network.classes)?),
                    ("layers", list(layers)?),
                ])
            }
        };
        let kind = self.parameters.kind();
        text.push_str(&format!(
            "\"parameters\": {{\"{kind}\": {parameters}}}\n}}\n"
        ));
        Ok(text)
    }
}

fn lines<T: Serialize>(items: &[T]) -> Result<String, serde_json::Error> {
    list(items.iter().map(serde_json::to_string))
}

/// A JSON array, an item a line.
fn list(
    items: impl Iterator<Item = Result<String, serde_json::Error>>,
) -> Result<String, serde_json::Error> {
    let items = items.collect::<Result<Vec<_>, _>>()?;
    Ok(format!("[\n{}\n]", items.join(",\n")))
}

/// A JSON object, a field a line.
fn object(fields: &[(&str, String)]) -> String {
    let fields: Vec<_> = fields
        .iter()
        .map(|(name, value)| format!("\"{name}\": {value}"))
        .collect();
    format!("{{\n{}\n}}", fields.join(",\n"))
}
