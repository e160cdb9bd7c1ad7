//! The model file: JSON, one node a line, read strictly or not at all.

use serde::{Deserialize, Serialize};

use crate::{
    CLASS_COUNT, Class, Confusion, Flag, MISSING, Protocol, Schema, Service, Split, TreeNode,
};

/// The version this crate reads and writes.
pub const FORMAT_VERSION: u32 = 1;

/// The fewest golden vectors a file must bring.
pub const MIN_GOLDEN: usize = 16;

/// A whole model file. Field order is file order.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModelFile {
    /// [`FORMAT_VERSION`].
    pub format_version: u32,
    /// What the parameters are; only trees for now.
    pub kind: Kind,
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
    /// Rows with the answers the trainer got, run at every load.
    pub golden: Vec<Golden>,
    /// The tree, root first.
    pub nodes: Vec<NodeLine>,
}

/// Kinds of model.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// One decision tree.
    Tree,
}

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

const fn is_zero(number: &u32) -> bool {
    *number == 0
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
    /// Share of the total weight given to recorded traffic; 0 without any.
    pub recorded_weight: f64,
    /// Copies of each recorded row in the context of others.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub contexts: u32,
    /// Seed of the validation folds and the choice of golden vectors.
    pub seed: u64,
    /// Split criterion.
    pub criterion: String,
    /// Most decisions on a path.
    pub max_depth: usize,
    /// Fewest distinct rows in a leaf.
    pub min_leaf: u64,
    /// How rare classes were favoured when splits were chosen: none, sqrt or full.
    pub balance: String,
    /// Cost-complexity penalty a leaf, as a share of the root's impurity.
    pub alpha: f64,
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
        field("kind", serde_json::to_string(&self.kind)?);
        field("name", serde_json::to_string(&self.name)?);
        field("schema", serde_json::to_string(&self.schema)?);
        field("classes", serde_json::to_string(&self.classes)?);
        field("preprocessing", serde_json::to_string(&self.preprocessing)?);
        field("training", serde_json::to_string(&self.training)?);
        field("metrics", serde_json::to_string(&self.metrics)?);
        field("golden", lines(&self.golden)?);
        text.push_str(&format!("\"nodes\": {}\n}}\n", lines(&self.nodes)?));
        Ok(text)
    }
}

fn lines<T: Serialize>(items: &[T]) -> Result<String, serde_json::Error> {
    let lines = items
        .iter()
        .map(serde_json::to_string)
        .collect::<Result<Vec<_>, _>>()?;
    Ok(format!("[\n{}\n]", lines.join(",\n")))
}
