//! Models by definition: recursive, slow, and right to the last bit.

use tidegate_models::{
    CLASS_COUNT, Class, Costs, Features, MISSING, Prediction, Schema, TreeNode,
    format::{ForestNode, ForestParameters, ModelFile, Parameters, SHARE_UNIT},
};

/// The decision of a node (column, threshold, left, right), or `None` for a leaf.
type Decision = Option<(usize, u32, usize, usize)>;

/// A tree or a forest as its file says, with the first way to decide.
pub(crate) struct Definition {
    schema: Schema,
    costs: Costs,
    body: Body,
}

enum Body {
    Tree(Vec<TreeNode>),
    Forest(ForestParameters),
}

impl Definition {
    /// `None` for another kind of model.
    pub(crate) fn new(file: &ModelFile) -> Option<Self> {
        let body = if let Parameters::Tree(nodes) = &file.parameters {
            Body::Tree(nodes.iter().map(|line| line.node().unwrap()).collect())
        } else if let Parameters::Forest(forest) = &file.parameters {
            Body::Forest(forest.clone())
        } else {
            return None;
        };
        Some(Self {
            schema: file.schema,
            costs: file.decisions[0].costs,
            body,
        })
    }

    /// The answer by definition.
    pub(crate) fn predict(&self, row: &Features) -> Prediction {
        let row = if row.schema() == self.schema {
            *row
        } else {
            Features::missing(self.schema)
        };
        match &self.body {
            Body::Tree(nodes) => {
                let decision = |at: usize| {
                    let split = nodes[at].split?;
                    Some((split.column, split.threshold, split.left, split.right))
                };
                predict_tree(&self.costs, decision, |at| nodes[at].weights, &row)
            }
            Body::Forest(forest) => predict_forest(&self.costs, forest, &row),
        }
    }
}

/// A tree's answer: the smoothed shares of the leaf, or where a value is missing of both sides'
/// leaves by training weight, from the left to the right.
pub(crate) fn predict_tree(
    costs: &Costs,
    decision: impl Fn(usize) -> Decision,
    weights: impl Fn(usize) -> [u64; CLASS_COUNT],
    row: &Features,
) -> Prediction {
    struct Walk<D, W> {
        decision: D,
        weights: W,
        classes: usize,
        sums: [f64; CLASS_COUNT],
    }

    impl<D: Fn(usize) -> Decision, W: Fn(usize) -> [u64; CLASS_COUNT]> Walk<D, W> {
        fn total(&self, at: usize) -> f64 {
            (self.weights)(at).iter().sum::<u64>() as f64
        }

        fn go(&mut self, at: usize, part: f64, row: &Features) {
            let Some((column, threshold, left, right)) = (self.decision)(at) else {
                for class in 0..self.classes {
                    self.sums[class] += part * f64::from(self.share(at, class));
                }
                return;
            };
            match row.value(column) {
                MISSING => {
                    let left_part = part * (self.total(left) / self.total(at));
                    self.go(left, left_part, row);
                    self.go(right, part - left_part, row);
                }
                value if value <= threshold => self.go(left, part, row),
                _ => self.go(right, part, row),
            }
        }

        /// One row more, spread over the classes.
        fn share(&self, at: usize, class: usize) -> f32 {
            let weight = (self.weights)(at)[class] as f64 / 1000.0;
            let rows = self.total(at) / 1000.0;
            ((weight + 1.0 / self.classes as f64) / (rows + 1.0)) as f32
        }
    }

    let has_unknown = weights(0)[Class::Unknown.index()] > 0;
    let mut walk = Walk {
        decision,
        weights,
        classes: if has_unknown {
            CLASS_COUNT
        } else {
            CLASS_COUNT - 1
        },
        sums: [0.0; CLASS_COUNT],
    };
    walk.go(0, 1.0, row);
    costs.decide(walk.sums.map(|sum| sum as f32))
}

/// A forest's answer: the mean of the leaves, the baseline's values in place of missing ones.
pub(crate) fn predict_forest(
    costs: &Costs,
    forest: &ForestParameters,
    row: &Features,
) -> Prediction {
    let mut row = *row;
    for (column, value) in forest.baseline.iter().enumerate() {
        if row.value(column) == MISSING {
            row.set(column, *value);
        }
    }
    fn leaf(nodes: &[ForestNode], at: usize, row: &Features) -> [u32; CLASS_COUNT] {
        match nodes[at] {
            ForestNode::Leaf(shares) => shares,
            ForestNode::Split([column, threshold, right]) => {
                let goes_left = row.value(column as usize) <= threshold;
                leaf(nodes, if goes_left { at + 1 } else { right as usize }, row)
            }
        }
    }
    let mean = |trees: &[Vec<ForestNode>]| {
        let mut sums = [0_u32; CLASS_COUNT];
        for tree in trees {
            for (sum, share) in sums.iter_mut().zip(leaf(tree, 0, &row)) {
                *sum += share;
            }
        }
        let whole = (trees.len() as u32 * SHARE_UNIT) as f32;
        sums.map(|sum| sum as f32 / whole)
    };
    if forest.kinds.is_empty() {
        costs.decide(mean(&forest.trees))
    } else {
        costs.decide_by_kinds(mean(&forest.trees), || mean(&forest.kinds))
    }
}
