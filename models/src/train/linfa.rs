//! linfa's tree and support vector machine on our rows: a second opinion; behind the feature
//! `linfa`.
//!
//! What to know of linfa-trees 0.8.1 before leaning on it (a test shows the first):
//!
//! * It compares each value with the next row of the whole data set instead of the node's. Where
//!   that row ended up elsewhere and holds the same value, a valid split is never looked at: the
//!   tree can be wrong on rows that one split would separate. Thresholds are in the middle of
//!   the wrong pair, too.
//! * Classes are summed in the order of a hash map, so equal fits may give different trees.
//! * `fit` sends values up to and including a threshold left, `predict` those below it. The
//!   converted tree does what `fit` did.
//! * Values less than 1e-5 apart are one: integers only, never columns scaled to 0..1.
//! * Values that are not numbers recurse without end.
//! * Weights are summed up in f32 and may drift below 0, which panics: every distinct row counts
//!   as one here.
//!
//! linfa-svm 0.8.1 builds the whole kernel matrix, so its memory grows with the square of the
//! rows.

use linfa::{
    Dataset as LinfaDataset,
    dataset::Pr,
    traits::{Fit as _, Predict as _},
};
use linfa_svm::Svm as LinfaBinarySvm;
use linfa_trees::{DecisionTree, TreeNode as LinfaNode};
use ndarray::{Array1, Array2};

use super::{
    Balance, Dataset, FitSettingsError,
    prepare::{Prepared, PreparedRow},
    random::Random,
};
use crate::{
    CLASS_COUNT, Class, Classifier, Costs, Explanation, Features, MISSING, Prediction, Schema,
    Split, TreeNode, classifier::contributions, encoding::Inputs,
};

/// The most rows that a support vector machine is fitted on: its kernel matrix takes 200 MB.
pub const MAX_SVM_ROWS: usize = 5_000;

/// The fewest rows of a class in the sample, if it has as many.
const MIN_CLASS_ROWS: usize = 20;

/// Something linfa can't do, or did wrong.
#[derive(Debug, thiserror::Error)]
pub enum LinfaError {
    /// It would never return.
    #[error("a training row lacks a value in column {0}, which linfa can't handle")]
    Missing(&'static str),
    /// Nothing to fit.
    #[error("no training rows")]
    NoRows,
    /// Too much memory.
    #[error(
        "{rows} rows, more than {MAX_SVM_ROWS}: linfa's kernel matrix would take {} MB",
        rows * rows * 8 / 1_000_000
    )]
    TooManyRows {
        /// How many were asked for.
        rows: usize,
    },
    /// Rows that can't be prepared.
    #[error(transparent)]
    Settings(#[from] FitSettingsError),
    /// What linfa says.
    #[error("linfa: {0}")]
    Linfa(String),
}

/// Grows a tree with linfa-trees (Gini, every distinct row the same) and converts it: nodes as
/// [`super::CheckedParams::fit`] gives them, counted anew by running the rows down.
///
/// # Errors
///
/// No rows, or a row with a missing value.
pub fn fit_tree(
    data: &Dataset,
    max_depth: usize,
    min_leaf: u64,
) -> Result<Vec<TreeNode>, LinfaError> {
    let width = data.schema.columns().len();
    let mut values = Vec::with_capacity(data.rows.len() * width);
    for row in &data.rows {
        for (column, value) in row.features.values().iter().enumerate() {
            if *value == MISSING {
                return Err(LinfaError::Missing(data.schema.columns()[column]));
            }
            values.push(f64::from(*value));
        }
    }
    if data.rows.is_empty() {
        return Err(LinfaError::NoRows);
    }
    let failed = |error: &dyn std::fmt::Display| LinfaError::Linfa(error.to_string());
    let records = Array2::from_shape_vec((data.rows.len(), width), values);
    let records = records.map_err(|error| failed(&error))?;
    let classes: Array1<usize> = data.rows.iter().map(|row| row.class.index()).collect();
    let min_leaf = min_leaf as f32;
    let tree = DecisionTree::params()
        .max_depth(Some(max_depth))
        .min_weight_leaf(min_leaf)
        .min_weight_split(2.0 * min_leaf)
        .fit(&LinfaDataset::new(records, classes))
        .map_err(|error: linfa::Error| failed(&error))?;
    let mut nodes = Vec::new();
    let all = (0..data.rows.len()).collect();
    convert(data, tree.root_node(), all, &mut nodes);
    Ok(nodes)
}

/// Converts a node and all below it; gives its index.
fn convert(
    data: &Dataset,
    node: &LinfaNode<f64, usize>,
    rows: Vec<usize>,
    nodes: &mut Vec<TreeNode>,
) -> usize {
    let index = nodes.len();
    let (mut counts, mut weights) = ([0; CLASS_COUNT], [0; CLASS_COUNT]);
    for row in rows.iter().map(|row| &data.rows[*row]) {
        counts[row.class.index()] += row.count;
        weights[row.class.index()] += row.weight;
    }
    nodes.push(TreeNode {
        split: None,
        counts,
        weights,
    });
    let children = node.children();
    if let [Some(left), Some(right)] = children.as_slice()
        && !node.is_leaf()
    {
        let (column, split, _) = node.split();
        // Values are whole, so what is at most the split is at most its whole part.
        let threshold = split as u32;
        let goes_left = |row: &usize| data.rows[*row].features.value(column) <= threshold;
        let (left_rows, right_rows) = rows.into_iter().partition(goes_left);
        let left = convert(data, left, left_rows, nodes);
        let right = convert(data, right, right_rows, nodes);
        nodes[index].split = Some(Split {
            column,
            threshold,
            left,
            right,
        });
    }
    index
}

/// How linfa's support vector machine is fitted.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LinfaSvmSettings {
    /// Rows in the stratified sample, at most [`MAX_SVM_ROWS`]; a few more so that rare classes
    /// are there.
    pub rows: usize,
    /// γ of the Gaussian kernel exp(−γ |x − x′|²) on standardised inputs.
    pub gamma: f64,
    /// What an error costs beside the norm of the weights.
    pub cost: f64,
}

impl Default for LinfaSvmSettings {
    fn default() -> Self {
        Self {
            rows: 3_000,
            gamma: 0.02,
            cost: 10.0,
        }
    }
}

/// linfa's support vector machines with a Gaussian kernel, one class against the rest, on the
/// inputs of [`super::svm`]. Its shares are the machines' own (Platt scaling on the rows
/// fitted), scaled to sum to 1. Only to compare with: it has no model file, and it allocates.
pub struct LinfaSvm {
    prepared: Prepared,
    costs: Costs,
    machines: Vec<LinfaBinarySvm<f64, Pr>>,
}

/// Fits [`LinfaSvm`] on a stratified sample. Weights of rows don't count.
///
/// # Errors
///
/// More rows than fit into memory, settings linfa refuses, rows that can't be prepared.
pub fn fit_svm(
    data: &Dataset,
    settings: &LinfaSvmSettings,
    costs: Costs,
    seed: u64,
) -> Result<LinfaSvm, LinfaError> {
    if settings.rows > MAX_SVM_ROWS {
        return Err(LinfaError::TooManyRows {
            rows: settings.rows,
        });
    }
    let prepared = Prepared::new(data, Balance::None, seed)?;
    let sample = sample(&prepared, settings.rows, seed);
    let width = prepared.encoding.inputs();
    let rows: Vec<f64> = sample
        .iter()
        .flat_map(|row| dense(&row.inputs, width))
        .collect();
    let failed = |error: &dyn std::fmt::Display| LinfaError::Linfa(error.to_string());
    let records = Array2::from_shape_vec((sample.len(), width), rows);
    let records = records.map_err(|error| failed(&error))?;
    let mut machines = Vec::new();
    for class in 0..prepared.classes.len() {
        let members: Array1<bool> = sample.iter().map(|row| row.class == class).collect();
        let machine = LinfaBinarySvm::<f64, Pr>::params()
            .gaussian_kernel(1.0 / settings.gamma)
            .pos_neg_weights(settings.cost, settings.cost)
            .eps(1e-3)
            .fit(&LinfaDataset::new(records.clone(), members));
        machines.push(machine.map_err(|error| failed(&error))?);
    }
    Ok(LinfaSvm {
        prepared,
        costs,
        machines,
    })
}

/// Rows of every class in proportion, but [`MIN_CLASS_ROWS`] at least.
fn sample(prepared: &Prepared, rows: usize, seed: u64) -> Vec<&PreparedRow> {
    let mut random = Random::new(seed);
    let mut sample = Vec::new();
    for class in 0..prepared.classes.len() {
        let members = prepared.rows.iter().filter(|row| row.class == class);
        let mut members: Vec<&PreparedRow> = members.collect();
        random.shuffle(&mut members);
        let share = (rows * members.len()).div_ceil(prepared.rows.len());
        members.truncate(share.max(MIN_CLASS_ROWS));
        sample.extend(members);
    }
    sample
}

fn dense(inputs: &Inputs, width: usize) -> Vec<f64> {
    let mut row = vec![0.0; width];
    for (input, value) in inputs.entries() {
        row[usize::from(*input)] = f64::from(*value);
    }
    row
}

impl LinfaSvm {
    /// How many support vectors each machine has, in the order of the classes of the data.
    pub fn support_vectors(&self) -> Vec<(Class, usize)> {
        let machines = self.machines.iter().map(LinfaBinarySvm::nsupport);
        self.prepared
            .classes
            .iter()
            .copied()
            .zip(machines)
            .collect()
    }
}

impl Classifier for LinfaSvm {
    fn schema(&self) -> Schema {
        self.prepared.encoding.schema()
    }

    fn name(&self) -> &str {
        "linfa-svm"
    }

    fn predict(&self, features: &Features) -> Prediction {
        let inputs = self.prepared.encoding.encode(features);
        let row = Array1::from(dense(&inputs, self.prepared.encoding.inputs()));
        let mut shares = [0.0; CLASS_COUNT];
        for (class, machine) in self.prepared.classes.iter().zip(&self.machines) {
            shares[class.index()] = *machine.predict(row.view());
        }
        let sum: f32 = shares.iter().sum();
        self.costs
            .decide(shares.map(|share| share / sum.max(1e-30)))
    }

    fn explain(&self, features: &Features) -> Explanation {
        contributions(self, self.prepared.encoding.baseline(), features)
    }
}
