//! Many trees that answer with the mean of their leaves.

use crate::{
    CLASS_COUNT, Classifier, Costs, Explanation, Features, MAX_NODES, MISSING, Prediction, Schema,
    Split, TreeError,
    classifier::{contributions, with_baseline},
    flat::FlatTrees,
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

/// A checked forest.
#[derive(Clone, Debug)]
pub struct Forest {
    schema: Schema,
    name: String,
    costs: Costs,
    flat: FlatTrees,
    leaves: Vec<[u16; CLASS_COUNT]>,
    baseline: Vec<u32>,
}

impl Forest {
    /// Checks the parameters and prepares them for walking; `costs` decide.
    ///
    /// # Errors
    ///
    /// [`ForestError`] names the first tree and node that is wrong.
    pub fn new(
        schema: Schema,
        name: impl Into<String>,
        costs: Costs,
        parameters: &ForestParameters,
    ) -> Result<Self, ForestError> {
        let trees = &parameters.trees;
        if trees.is_empty() || trees.len() > MAX_TREES {
            return Err(ForestError::Trees(trees.len()));
        }
        let columns = schema.columns().len();
        if parameters.baseline.len() != columns || parameters.baseline.contains(&MISSING) {
            return Err(ForestError::Baseline { expected: columns });
        }
        let nodes = trees.iter().map(Vec::len).sum();
        if nodes > MAX_NODES {
            return Err(ForestError::TooManyNodes(nodes));
        }
        let mut flat = FlatTrees::default();
        let mut leaves = Vec::new();
        for (tree, nodes) in trees.iter().enumerate() {
            let split = |node: usize| nodes[node].split(node);
            check_shape(schema, nodes.len(), split)
                .map_err(|problem| ForestError::Tree { tree, problem })?;
            let mut payloads = Vec::with_capacity(nodes.len());
            for (node, content) in nodes.iter().enumerate() {
                payloads.push(leaves.len() as u32);
                if let ForestNode::Leaf(shares) = content {
                    let sum: u64 = shares.iter().map(|share| u64::from(*share)).sum();
                    if sum != u64::from(SHARE_UNIT) {
                        return Err(ForestError::Shares { tree, node });
                    }
                    // Parts of a whole that fits.
                    leaves.push(shares.map(|share| share as u16));
                }
            }
            flat.push(split, |node| payloads[node]);
        }
        Ok(Self {
            schema,
            name: name.into(),
            costs,
            flat,
            leaves,
            baseline: parameters.baseline.clone(),
        })
    }

    /// How many trees there are.
    pub fn trees(&self) -> usize {
        self.flat.trees()
    }

    /// How many leaves there are in all.
    pub fn leaves(&self) -> usize {
        self.leaves.len()
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
        let whole_row;
        let row = match with_baseline(self.schema, &self.baseline, features) {
            None => features.raw(),
            Some(row) => {
                whole_row = row;
                whole_row.raw()
            }
        };
        // Integers, so that the sum does not depend on the order of the trees.
        let mut sums = [0_u32; CLASS_COUNT];
        for tree in 0..self.flat.trees() {
            let leaf = &self.leaves[self.flat.walk(tree, row) as usize];
            for (sum, share) in sums.iter_mut().zip(leaf) {
                *sum += u32::from(*share);
            }
        }
        let whole = (self.flat.trees() as u32 * SHARE_UNIT) as f32;
        self.costs.decide(sums.map(|sum| sum as f32 / whole))
    }

    fn explain(&self, features: &Features) -> Explanation {
        contributions(self, &self.baseline, features)
    }
}
