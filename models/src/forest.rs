//! Many trees that answer with the mean of their leaves.

use crate::{
    CLASS_COUNT, Classifier, Costs, Explanation, Features, MAX_COLUMNS, MAX_NODES, MISSING,
    Prediction, Schema, Split, TreeError,
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

/// Trees whose leaves are averaged.
#[derive(Clone, Debug, Default)]
struct Trees {
    flat: FlatTrees,
    leaves: Vec<[u16; CLASS_COUNT]>,
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
            return Err(ForestError::Trees(count));
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
        self.trees.flat.trees() + self.kinds.flat.trees()
    }

    /// How many leaves there are in all.
    pub fn leaves(&self) -> usize {
        self.trees.leaves.len() + self.kinds.leaves.len()
    }

    /// What attacks a row resembles if it is an attack, by [`Class::index`](crate::Class::index);
    /// all 0 without trees of kinds.
    pub fn kinds(&self, features: &Features) -> [f32; CLASS_COUNT] {
        let row = with_baseline(self.schema, &self.baseline, features).unwrap_or(*features);
        self.kinds.mean(row.raw())
    }
}

impl Trees {
    /// Checked trees; the first is called number `first` in errors.
    fn new(schema: Schema, trees: &[Vec<ForestNode>], first: usize) -> Result<Self, ForestError> {
        let mut checked = Self::default();
        for (index, nodes) in trees.iter().enumerate() {
            let tree = first + index;
            let split = |node: usize| nodes[node].split(node);
            check_shape(schema, nodes.len(), split)
                .map_err(|problem| ForestError::Tree { tree, problem })?;
            let mut payloads = Vec::with_capacity(nodes.len());
            for (node, content) in nodes.iter().enumerate() {
                payloads.push(checked.leaves.len() as u32);
                if let ForestNode::Leaf(shares) = content {
                    let sum: u64 = shares.iter().map(|share| u64::from(*share)).sum();
                    if sum != u64::from(SHARE_UNIT) {
                        return Err(ForestError::Shares { tree, node });
                    }
                    // Parts of a whole that fits.
                    checked.leaves.push(shares.map(|share| share as u16));
                }
            }
            checked.flat.push(split, |node| payloads[node]);
        }
        Ok(checked)
    }

    /// The mean of the leaves that a whole row reaches.
    fn mean(&self, row: &[u32; MAX_COLUMNS]) -> [f32; CLASS_COUNT] {
        // Integers, so that the sum does not depend on the order of the trees.
        let mut sums = [0_u32; CLASS_COUNT];
        for tree in 0..self.flat.trees() {
            let leaf = &self.leaves[self.flat.walk(tree, row) as usize];
            for (sum, share) in sums.iter_mut().zip(leaf) {
                *sum += u32::from(*share);
            }
        }
        let whole = (self.flat.trees().max(1) as u32 * SHARE_UNIT) as f32;
        sums.map(|sum| sum as f32 / whole)
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
        let shares = self.trees.mean(row);
        if self.kinds.flat.trees() == 0 {
            return self.costs.decide(shares);
        }
        self.costs.decide_by_kinds(shares, || self.kinds.mean(row))
    }

    fn explain(&self, features: &Features) -> Explanation {
        contributions(self, &self.baseline, features)
    }
}
