//! A decision tree as a flat array of integer nodes.

use crate::{
    CLASS_COUNT, Classifier, Costs, Explanation, Features, MISSING, Prediction, Row, Schema, Step,
    flat::{FlatTrees, LANES},
};

/// The deepest tree that is accepted, in decisions from root to leaf. It bounds the walk of a
/// row and the stack of a row with missing values.
pub const MAX_DEPTH: usize = 64;

/// The most nodes that are accepted.
pub const MAX_NODES: usize = 1 << 20;

/// Class counts are smoothed as if every leaf had one row more, spread evenly over the classes
/// (a symmetric Dirichlet prior of total weight 1): a leaf of few rows is not certain. The
/// unknown class gets none where no row was ever of it.
const PRIOR_WEIGHT: f64 = 1.0;

/// Weights are in thousandths of a row.
pub(crate) const WEIGHT_UNIT: f64 = 1000.0;

/// The decision of an inner node.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Split {
    /// Column index in the schema.
    pub column: usize,
    /// Values up to and including it go left.
    pub threshold: u32,
    /// Index of the left child, above the node's own.
    pub left: usize,
    /// Index of the right child, above the node's own.
    pub right: usize,
}

/// A node with the training rows that reached it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct TreeNode {
    /// The decision; `None` for a leaf.
    pub split: Option<Split>,
    /// Training rows by class, duplicates included.
    pub counts: [u64; CLASS_COUNT],
    /// Training weight by class, in thousandths of a row.
    pub weights: [u64; CLASS_COUNT],
}

/// What makes a node array no tree. Nodes are counted from 0.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum TreeError {
    /// No nodes at all.
    #[error("the tree has no nodes")]
    Empty,
    /// More than [`MAX_NODES`].
    #[error("the tree has {0} nodes, more than {MAX_NODES}")]
    TooManyNodes(usize),
    /// A column the schema lacks.
    #[error("node {node}: column {column} is out of range (the schema has {columns})")]
    Column {
        /// The node.
        node: usize,
        /// Its column.
        column: usize,
        /// How many columns there are.
        columns: usize,
    },
    /// A threshold that everything passes.
    #[error("node {0}: its threshold lets every value pass")]
    Threshold(usize),
    /// A child that does not come after its parent: the walk might never end.
    #[error("node {node}: child {child} does not come after it")]
    ChildOrder {
        /// The node.
        node: usize,
        /// Its child.
        child: usize,
    },
    /// A child that does not exist.
    #[error("node {node}: child {child} does not exist (the tree has {nodes} nodes)")]
    ChildRange {
        /// The node.
        node: usize,
        /// Its child.
        child: usize,
        /// How many nodes there are.
        nodes: usize,
    },
    /// A node with no or several parents.
    #[error("node {node}: {parents} parents instead of one")]
    Parents {
        /// The node.
        node: usize,
        /// How many nodes name it as a child.
        parents: usize,
    },
    /// Deeper than [`MAX_DEPTH`].
    #[error("node {0}: deeper than {MAX_DEPTH} decisions")]
    Depth(usize),
    /// The children's counts or weights do not add up to the node's.
    #[error("node {0}: its class counts are not the sum of its children's")]
    Counts(usize),
    /// No training weight, so nothing to say.
    #[error("node {0}: no training rows reached it")]
    NoWeight(usize),
}

/// A checked decision tree.
#[derive(Clone, Debug)]
pub struct Tree {
    schema: Schema,
    name: String,
    costs: Costs,
    nodes: Vec<TreeNode>,
    flat: FlatTrees,
    /// By index in `flat`; only leaves' are given.
    predictions: Vec<Prediction>,
    /// Training weight by index in `flat`.
    totals: Vec<f64>,
    depth: usize,
}

impl Tree {
    /// Checks the nodes (the root first) and prepares them for walking; `costs` decide.
    ///
    /// # Errors
    ///
    /// [`TreeError`] names the first node that is wrong.
    pub fn new(
        schema: Schema,
        name: impl Into<String>,
        costs: Costs,
        nodes: Vec<TreeNode>,
    ) -> Result<Self, TreeError> {
        let depth = check(schema, &nodes)?;
        let mut flat = FlatTrees::default();
        let order = flat.push(|node| nodes[node].split);
        let with_unknown = nodes[0].weights[CLASS_COUNT - 1] > 0;
        let weights = || order.iter().map(|node| &nodes[*node].weights);
        let predictions = weights()
            .map(|weights| costs.decide(smoothed(weights, with_unknown)))
            .collect();
        let totals = weights().map(|weights| total(weights) as f64).collect();
        Ok(Self {
            schema,
            name: name.into(),
            costs,
            nodes,
            flat,
            predictions,
            totals,
            depth,
        })
    }

    /// The nodes, the root first.
    pub fn nodes(&self) -> &[TreeNode] {
        &self.nodes
    }

    /// How many leaves there are.
    pub fn leaves(&self) -> usize {
        self.nodes
            .iter()
            .filter(|node| node.split.is_none())
            .count()
    }

    /// Decisions from the root to the deepest leaf.
    pub fn depth(&self) -> usize {
        self.depth
    }

    /// C4.5's way with missing values: down both sides, each with its share of the training
    /// weight. At most one open right side per level waits on the stack.
    fn blend(&self, row: &Row) -> Prediction {
        let mut waiting = [(0_usize, 0.0_f64); MAX_DEPTH + 1];
        let mut open = 0;
        let mut sums = [0.0_f64; CLASS_COUNT];
        let (mut at, mut part) = (0, 1.0);
        loop {
            if let Some((column, left)) = self.flat.split(at) {
                let value = row[column];
                if value != MISSING {
                    at = self.flat.next(at, value);
                } else {
                    let left_part = part * (self.totals[left] / self.totals[at]);
                    if open < waiting.len() {
                        waiting[open] = (left + 1, part - left_part);
                        open += 1;
                    }
                    (at, part) = (left, left_part);
                }
                continue;
            }
            for (sum, share) in sums.iter_mut().zip(self.predictions[at].shares) {
                *sum += part * f64::from(share);
            }
            if open == 0 {
                return self.costs.decide(sums.map(|sum| sum as f32));
            }
            open -= 1;
            (at, part) = waiting[open];
        }
    }
}

impl Classifier for Tree {
    fn schema(&self) -> Schema {
        self.schema
    }

    fn name(&self) -> &str {
        &self.name
    }

    fn predict(&self, features: &Features) -> Prediction {
        if features.schema() != self.schema {
            return self.blend(Features::missing(self.schema).raw());
        }
        let row = features.raw();
        let mut greatest = 0;
        let leaf = self
            .flat
            .walk(0, row, |_, _, value| greatest = value.max(greatest));
        // A missing value that no decision asked for makes no difference.
        if greatest == MISSING {
            return self.blend(row);
        }
        self.predictions[leaf]
    }

    fn predict_batch(&self, features: &[Features], predictions: &mut [Prediction]) {
        let rows = features.len().min(predictions.len());
        let (features, rest) = features[..rows].as_chunks::<LANES>();
        let (predictions, rest_predictions) = predictions[..rows].as_chunks_mut::<LANES>();
        for (features, predictions) in features.iter().zip(predictions) {
            let rows = features.each_ref().map(Features::raw);
            let mut greatest = [0; LANES];
            let leaves = self.flat.walk_lanes([0; LANES], rows, |lane, value| {
                greatest[lane] = value.max(greatest[lane]);
            });
            let arrivals = leaves.into_iter().zip(greatest);
            for ((features, prediction), (leaf, greatest)) in
                features.iter().zip(predictions).zip(arrivals)
            {
                *prediction = if features.schema() == self.schema && greatest != MISSING {
                    self.predictions[leaf]
                } else {
                    self.predict(features)
                };
            }
        }
        for (features, prediction) in rest.iter().zip(rest_predictions) {
            *prediction = self.predict(features);
        }
    }

    fn explain(&self, features: &Features) -> Explanation {
        let known = features.schema() == self.schema;
        let row = if known {
            *features
        } else {
            Features::missing(self.schema)
        };
        let mut steps = Vec::with_capacity(self.depth);
        let mut at = 0;
        while let Some(split) = self.nodes[at].split {
            let value = row.value(split.column);
            let known = value != MISSING;
            let went_left = if known {
                value <= split.threshold
            } else {
                total(&self.nodes[split.left].weights) >= total(&self.nodes[split.right].weights)
            };
            let next = if went_left { split.left } else { split.right };
            steps.push(Step {
                column: self.schema.columns()[split.column],
                threshold: split.threshold,
                value: known.then_some(value),
                went_left,
                counts: self.nodes[at].counts,
                counts_after: self.nodes[next].counts,
            });
            at = next;
        }
        Explanation::Path(steps)
    }
}

/// The smoothed class shares of a leaf.
pub(crate) fn smoothed(weights: &[u64; CLASS_COUNT], with_unknown: bool) -> [f32; CLASS_COUNT] {
    let classes = CLASS_COUNT - usize::from(!with_unknown);
    let rows = total(weights) as f64 / WEIGHT_UNIT;
    let mut shares = [0.0; CLASS_COUNT];
    for (share, weight) in shares.iter_mut().zip(weights).take(classes) {
        let prior = PRIOR_WEIGHT / classes as f64;
        *share = ((*weight as f64 / WEIGHT_UNIT + prior) / (rows + PRIOR_WEIGHT)) as f32;
    }
    shares
}

/// Saturating, since a file may hold anything.
pub(crate) fn total(weights: &[u64; CLASS_COUNT]) -> u64 {
    weights
        .iter()
        .fold(0, |sum, weight| sum.saturating_add(*weight))
}

/// Checks that the nodes are a tree with sound counts; gives its depth.
fn check(schema: Schema, nodes: &[TreeNode]) -> Result<usize, TreeError> {
    let depth = check_shape(schema, nodes.len(), |node| nodes[node].split)?;
    for (index, node) in nodes.iter().enumerate() {
        if total(&node.weights) == 0 {
            return Err(TreeError::NoWeight(index));
        }
        let Some(split) = node.split else { continue };
        let (left, right) = (&nodes[split.left], &nodes[split.right]);
        if !adds_up(&left.counts, &right.counts, &node.counts)
            || !adds_up(&left.weights, &right.weights, &node.weights)
        {
            return Err(TreeError::Counts(index));
        }
    }
    Ok(depth)
}

/// Checks that the decisions of so many nodes make a tree; gives its depth.
pub(crate) fn check_shape(
    schema: Schema,
    nodes: usize,
    split: impl Fn(usize) -> Option<Split>,
) -> Result<usize, TreeError> {
    if nodes == 0 {
        return Err(TreeError::Empty);
    }
    if nodes > MAX_NODES {
        return Err(TreeError::TooManyNodes(nodes));
    }
    let columns = schema.columns().len();
    let mut parents = vec![0_usize; nodes];
    let mut depths = vec![0_usize; nodes];
    // Children come after their parents, so one pass in order knows a node's depth before it
    // reaches the node.
    for index in 0..nodes {
        if index > 0 && parents[index] != 1 {
            return Err(TreeError::Parents {
                node: index,
                parents: parents[index],
            });
        }
        let Some(split) = split(index) else { continue };
        if split.column >= columns {
            return Err(TreeError::Column {
                node: index,
                column: split.column,
                columns,
            });
        }
        if split.threshold >= MISSING - 1 {
            return Err(TreeError::Threshold(index));
        }
        for child in [split.left, split.right] {
            if child <= index {
                return Err(TreeError::ChildOrder { node: index, child });
            }
            if child >= nodes {
                return Err(TreeError::ChildRange {
                    node: index,
                    child,
                    nodes,
                });
            }
            parents[child] += 1;
            depths[child] = depths[index] + 1;
            if depths[child] > MAX_DEPTH {
                return Err(TreeError::Depth(child));
            }
        }
    }
    Ok(depths.into_iter().max().unwrap_or(0))
}

fn adds_up(
    left: &[u64; CLASS_COUNT],
    right: &[u64; CLASS_COUNT],
    sum: &[u64; CLASS_COUNT],
) -> bool {
    left.iter()
        .zip(right)
        .zip(sum)
        .all(|((left, right), sum)| left.checked_add(*right) == Some(*sum))
}
