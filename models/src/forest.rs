//! Many trees that answer with the mean of their leaves.

use std::collections::BTreeMap;

use crate::{
    CLASS_COUNT, Classifier, Costs, Explanation, Features, MAX_NODES, MISSING, Prediction, Row,
    Schema, Split, TreeError,
    cached_model::{Bounds, Cell},
    classifier::{contributions, with_baseline},
    flat::{FlatTrees, LANES},
    format::{ForestNode, ForestParameters, SHARE_UNIT},
    tree::check_shape,
};

/// The most trees that are accepted.
const MAX_TREES: usize = 1024;

/// What makes parameters no forest. Trees and nodes are counted from 0.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum ForestError {
    /// None, or more than 1024.
    #[error("{0} trees: must be 1 to {MAX_TREES}")]
    Trees(usize),
    /// A baseline of another width, or with a missing value.
    #[error("the baseline is no whole row of {expected} columns")]
    Baseline {
        /// How many columns the schema has.
        expected: usize,
    },
    /// All trees together.
    #[error("the forest has {0} nodes, more than {MAX_NODES}")]
    TooManyNodes(usize),
    /// Something that is no tree.
    #[error("tree {tree}: {problem}")]
    Tree {
        /// The tree.
        tree: usize,
        /// What is wrong with it.
        problem: TreeError,
    },
    /// A leaf whose shares are not parts of the whole.
    #[error("tree {tree}: node {node}: its shares do not sum to {SHARE_UNIT}")]
    Shares {
        /// The tree.
        tree: usize,
        /// The node.
        node: usize,
    },
}

/// Trees whose leaves are averaged.
#[derive(Clone, Debug, Default)]
struct Trees {
    flat: FlatTrees,
    /// Index in `shares` by index in `flat`.
    payloads: Vec<u32>,
    /// The different shares that leaves have, in ten thousandths.
    shares: Vec<[u16; CLASS_COUNT]>,
    leaves: usize,
}

/// A checked forest.
#[derive(Clone, Debug)]
pub struct Forest {
    schema: Schema,
    name: String,
    costs: Costs,
    trees: Trees,
    kinds: Trees,
    baseline: Vec<u32>,
}

impl Forest {
    /// Checks the parameters and prepares them for walking; `costs` decide.
    ///
    /// # Errors
    ///
    /// [`ForestError`] names the first tree and node that is wrong; trees of kinds count on
    /// from the others.
    pub fn new(
        schema: Schema,
        name: impl Into<String>,
        costs: Costs,
        parameters: &ForestParameters,
    ) -> Result<Self, ForestError> {
        let (trees, kinds) = (&parameters.trees, &parameters.kinds);
        let count = trees.len() + kinds.len();
        if trees.is_empty() || count > MAX_TREES {
            return Err(ForestError::Trees(if trees.is_empty() { 0 } else { count }));
        }
        let columns = schema.columns().len();
        if parameters.baseline.len() != columns || parameters.baseline.contains(&MISSING) {
            return Err(ForestError::Baseline { expected: columns });
        }
        let nodes = trees.iter().chain(kinds).map(Vec::len).sum();
        if nodes > MAX_NODES {
            return Err(ForestError::TooManyNodes(nodes));
        }
        Ok(Self {
            schema,
            name: name.into(),
            costs,
            trees: Trees::new(schema, trees, 0)?,
            kinds: Trees::new(schema, kinds, trees.len())?,
            baseline: parameters.baseline.clone(),
        })
    }

    /// How many trees there are, those of kinds included.
    pub fn trees(&self) -> usize {
        self.trees.count() + self.kinds.count()
    }

    /// How many leaves there are in all.
    pub fn leaves(&self) -> usize {
        self.trees.leaves + self.kinds.leaves
    }

    /// What attacks a row resembles if it is an attack, by [`Class::index`](crate::Class::index);
    /// all 0 without trees of kinds.
    pub fn kinds(&self, features: &Features) -> [f32; CLASS_COUNT] {
        let row = with_baseline(self.schema, &self.baseline, features).unwrap_or(*features);
        self.kinds.mean(row.raw())
    }

    /// Whether [`Forest::predict_cell`] can tell. Trees of kinds are asked for some rows only, so what they ask bounds no
    /// cell.
    pub(crate) fn has_cells(&self) -> bool {
        self.kinds.count() == 0
    }

    /// The prediction on a row of the schema that is whole, and for which rows it is the same; `None` for others.
    pub(crate) fn predict_cell(&self, features: &Features) -> Option<(Prediction, Cell)> {
        let whole = with_baseline(self.schema, &self.baseline, features).is_none();
        (whole && self.has_cells()).then(|| {
            let mut bounds = Bounds::of(self.schema);
            let flat = &self.trees.flat;
            for root in flat.roots() {
                flat.walk(*root, features.raw(), |column, threshold, value| {
                    bounds.narrow(column, threshold, value);
                });
            }
            (self.judge(features.raw()), bounds.cell())
        })
    }

    /// The verdict on a whole row.
    fn judge(&self, row: &Row) -> Prediction {
        self.decide(&self.costs, row, self.trees.mean(row))
    }

    /// The verdict on a whole row of these shares.
    fn decide(&self, costs: &Costs, row: &Row, shares: [f32; CLASS_COUNT]) -> Prediction {
        if self.kinds.count() == 0 {
            return costs.decide(shares);
        }
        costs.decide_by_kinds(shares, || self.kinds.mean(row))
    }
}

impl Trees {
    /// Checked trees; the first is called number `first` in errors.
    fn new(schema: Schema, trees: &[Vec<ForestNode>], first: usize) -> Result<Self, ForestError> {
        let mut checked = Self::default();
        // Most leaves are of one class alone: equal shares are kept once, and stay in the cache.
        let mut numbers = BTreeMap::new();
        for (index, nodes) in trees.iter().enumerate() {
            let tree = first + index;
            let split = |node: usize| nodes[node].split(node);
            check_shape(schema, nodes.len(), split)
                .map_err(|problem| ForestError::Tree { tree, problem })?;
            for (node, content) in nodes.iter().enumerate() {
                if let ForestNode::Leaf(shares) = content {
                    let sum: u64 = shares.iter().map(|share| u64::from(*share)).sum();
                    if sum != u64::from(SHARE_UNIT) {
                        return Err(ForestError::Shares { tree, node });
                    }
                    checked.leaves += 1;
                }
            }
            for node in checked.flat.push(split) {
                checked.payloads.push(match nodes[node] {
                    ForestNode::Leaf(leaf) => *numbers.entry(leaf).or_insert_with(|| {
                        // Parts of a whole that fits.
                        checked.shares.push(leaf.map(|share| share as u16));
                        checked.shares.len() as u32 - 1
                    }),
                    ForestNode::Split(_) => 0,
                });
            }
        }
        Ok(checked)
    }

    fn count(&self) -> usize {
        self.flat.roots().len()
    }

    #[inline]
    fn add(&self, sums: &mut [u32; CLASS_COUNT], leaf: usize) {
        let shares = &self.shares[self.payloads[leaf] as usize];
        for (sum, share) in sums.iter_mut().zip(shares) {
            *sum += u32::from(*share);
        }
    }

    fn shares_of(&self, sums: &[u32; CLASS_COUNT]) -> [f32; CLASS_COUNT] {
        let whole = (self.count().max(1) as u32 * SHARE_UNIT) as f32;
        sums.map(|sum| sum as f32 / whole)
    }

    /// The mean of the leaves that a whole row reaches.
    fn mean(&self, row: &Row) -> [f32; CLASS_COUNT] {
        // Integers, so that the sum does not depend on the order of the trees.
        let mut sums = [0; CLASS_COUNT];
        let (lanes, rest) = self.flat.roots().as_chunks::<LANES>();
        for roots in lanes {
            for leaf in self.flat.walk_lanes(*roots, [row; LANES], |_, _| {}) {
                self.add(&mut sums, leaf);
            }
        }
        for root in rest {
            self.add(&mut sums, self.flat.walk(*root, row, |_, _, _| {}));
        }
        self.shares_of(&sums)
    }

    /// The same for as many whole rows, tree by tree: neighbours in a file tend to go the same way.
    fn means(&self, rows: [&Row; LANES]) -> [[f32; CLASS_COUNT]; LANES] {
        let mut sums = [[0; CLASS_COUNT]; LANES];
        for root in self.flat.roots() {
            let leaves = self.flat.walk_lanes([*root; LANES], rows, |_, _| {});
            for (sums, leaf) in sums.iter_mut().zip(leaves) {
                self.add(sums, leaf);
            }
        }
        sums.map(|sums| self.shares_of(&sums))
    }
}

impl ForestNode {
    /// The decision of the node of that index; `None` for a leaf.
    pub(crate) fn split(&self, index: usize) -> Option<Split> {
        match self {
            Self::Split([column, threshold, right]) => Some(Split {
                column: *column as usize,
                threshold: *threshold,
                left: index + 1,
                right: *right as usize,
            }),
            Self::Leaf(_) => None,
        }
    }
}

impl Classifier for Forest {
    fn schema(&self) -> Schema {
        self.schema
    }

    fn name(&self) -> &str {
        &self.name
    }

    fn predict(&self, features: &Features) -> Prediction {
        match with_baseline(self.schema, &self.baseline, features) {
            None => self.judge(features.raw()),
            Some(row) => self.judge(row.raw()),
        }
    }

    fn predict_batch(&self, features: &[Features], predictions: &mut [Prediction]) {
        let rows = features.len().min(predictions.len());
        let (features, rest) = features[..rows].as_chunks::<LANES>();
        let (predictions, rest_predictions) = predictions[..rows].as_chunks_mut::<LANES>();
        for (features, predictions) in features.iter().zip(predictions) {
            let whole = features
                .each_ref()
                .map(|row| with_baseline(self.schema, &self.baseline, row).unwrap_or(*row));
            let rows = whole.each_ref().map(Features::raw);
            let means = self.trees.means(rows);
            for ((prediction, row), shares) in predictions.iter_mut().zip(rows).zip(means) {
                *prediction = self.decide(&self.costs, row, shares);
            }
        }
        for (features, prediction) in rest.iter().zip(rest_predictions) {
            *prediction = self.predict(features);
        }
    }

    fn decide_by(
        &self,
        costs: &Costs,
        features: &Features,
        shares: [f32; CLASS_COUNT],
    ) -> Prediction {
        let row = with_baseline(self.schema, &self.baseline, features).unwrap_or(*features);
        self.decide(costs, row.raw(), shares)
    }

    fn explain(&self, features: &Features) -> Explanation {
        contributions(self, &self.baseline, features)
    }
}
