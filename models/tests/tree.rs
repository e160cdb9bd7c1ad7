//! The flat walk against a naive one, and rows with missing values.

#![expect(clippy::unwrap_used, reason = "a failing unwrap is a failing test")]

use proptest::prelude::*;
use tidegate_models::{
    CLASS_COUNT, Class, Classifier, Costs, Explanation, Features, KNOWN_COUNT, LIVE_COLUMNS,
    MISSING, Model, Prediction, Schema, Split, Step, Tree, TreeNode,
};

type Counts = [u64; CLASS_COUNT];

/// A tree as one would draw it.
#[derive(Clone, Debug)]
enum Nested {
    Leaf(Counts),
    Split(usize, u32, Box<Self>, Box<Self>),
}

impl Nested {
    fn counts(&self) -> Counts {
        match self {
            Self::Leaf(counts) => *counts,
            Self::Split(_, _, left, right) => {
                let (left, right) = (left.counts(), right.counts());
                std::array::from_fn(|class| left[class] + right[class])
            }
        }
    }

    fn flatten(&self, nodes: &mut Vec<TreeNode>) -> usize {
        let index = nodes.len();
        let counts = self.counts();
        nodes.push(TreeNode {
            split: None,
            counts,
            weights: counts.map(|rows| rows * 1000),
        });
        if let Self::Split(column, threshold, left, right) = self {
            let left = left.flatten(nodes);
            let right = right.flatten(nodes);
            nodes[index].split = Some(Split {
                column: *column,
                threshold: *threshold,
                left,
                right,
            });
        }
        index
    }

    fn tree(&self) -> Tree {
        let mut nodes = Vec::new();
        self.flatten(&mut nodes);
        Tree::new(Schema::Live, "nested", Costs::ARGMAX, nodes).unwrap()
    }

    /// Shares by the definition: smoothed leaf shares, blended by weight where a value is missing.
    fn shares(&self, row: &Features) -> [f64; CLASS_COUNT] {
        match self {
            Self::Leaf(counts) => {
                let total: u64 = counts.iter().sum();
                let mut shares = counts.map(|rows| (rows as f64 + 0.2) / (total as f64 + 1.0));
                // No row here is of the unknown class, so it has no share of the prior.
                shares[Class::Unknown.index()] = 0.0;
                shares
            }
            Self::Split(column, threshold, left, right) => match row.value(*column) {
                MISSING => {
                    let weight = |side: &Self| side.counts().iter().sum::<u64>() as f64;
                    let part = weight(left) / (weight(left) + weight(right));
                    let (left, right) = (left.shares(row), right.shares(row));
                    std::array::from_fn(|class| part * left[class] + (1.0 - part) * right[class])
                }
                value if value <= *threshold => left.shares(row),
                _ => right.shares(row),
            },
        }
    }
}

/// A leaf with rows of the known classes.
fn leaf_of(counts: [u64; KNOWN_COUNT]) -> Nested {
    let mut all = [0; CLASS_COUNT];
    all[..KNOWN_COUNT].copy_from_slice(&counts);
    Nested::Leaf(all)
}

fn path(explanation: Explanation) -> Vec<Step> {
    match explanation {
        Explanation::Path(steps) => steps,
        Explanation::Contributions(_) => panic!("a tree explains itself by its path"),
    }
}

fn nested() -> impl Strategy<Value = Nested> {
    let leaf = prop::array::uniform5(0_u64..50).prop_map(|mut counts| {
        counts[0] += 1;
        leaf_of(counts)
    });
    leaf.prop_recursive(8, 128, 2, |side| {
        (0_usize..LIVE_COLUMNS.len(), 0_u32..20, side.clone(), side).prop_map(
            |(column, threshold, left, right)| {
                Nested::Split(column, threshold, Box::new(left), Box::new(right))
            },
        )
    })
}

fn values(missing: bool) -> impl Strategy<Value = Vec<u32>> {
    let value = if missing {
        prop_oneof![3 => 0_u32..22, 1 => Just(MISSING)].boxed()
    } else {
        (0_u32..22).boxed()
    };
    prop::collection::vec(value, LIVE_COLUMNS.len())
}

fn assert_same(prediction: &Prediction, expected: &[f64; CLASS_COUNT]) {
    for (share, expected) in prediction.shares.iter().zip(expected) {
        assert!(
            (f64::from(*share) - expected).abs() < 1e-6,
            "{prediction:?} instead of {expected:?}"
        );
    }
    let sum: f32 = prediction.shares.iter().sum();
    assert!((sum - 1.0).abs() < 1e-5);
    assert!(
        (prediction.shares[prediction.class.index()] - prediction.confidence).abs() < f32::EPSILON
    );
}

proptest! {
    #[test]
    fn predicts_as_the_nested_tree(tree in nested(), row in values(false)) {
        let row = Features::from_values(Schema::Live, &row).unwrap();
        assert_same(&tree.tree().predict(&row), &tree.shares(&row));
    }

    #[test]
    fn blends_missing_values_as_the_nested_tree(tree in nested(), row in values(true)) {
        let row = Features::from_values(Schema::Live, &row).unwrap();
        assert_same(&tree.tree().predict(&row), &tree.shares(&row));
    }

    #[test]
    fn the_explanation_leads_to_the_leaf_that_answered(tree in nested(), row in values(false)) {
        let row = Features::from_values(Schema::Live, &row).unwrap();
        let flat = tree.tree();
        let steps = path(flat.explain(&row));
        for pair in steps.windows(2) {
            prop_assert_eq!(pair[0].counts_after, pair[1].counts);
        }
        for step in &steps {
            prop_assert_eq!(step.went_left, step.value.unwrap() <= step.threshold);
            prop_assert_eq!(step.value, row.named(step.column));
        }
        let counts = steps.last().map_or(tree.counts(), |step| step.counts_after);
        assert_same(&flat.predict(&row), &Nested::Leaf(counts).shares(&row));
    }
}

#[test]
fn a_missing_value_is_blended_by_training_weight() {
    let tree = Nested::Split(
        0,
        10,
        Box::new(leaf_of([29, 0, 0, 0, 0])),
        Box::new(leaf_of([0, 9, 0, 0, 0])),
    )
    .tree();
    let prediction = tree.predict(&Features::missing(Schema::Live));
    assert_eq!(prediction.class, Class::Normal);
    // 29/38 of (29.2/30) and 9/38 of (0.2/10).
    assert!(
        (prediction.confidence - 0.747_544).abs() < 1e-5,
        "{prediction:?}"
    );
    let path = path(tree.explain(&Features::missing(Schema::Live)));
    assert_eq!((path[0].value, path[0].went_left), (None, true));
}

#[test]
fn a_row_of_another_schema_is_all_missing() {
    let model = Model::shipped(Schema::Live).unwrap();
    let other = Features::from_values(Schema::Kdd41, &[0; 41]).unwrap();
    assert_eq!(
        model.predict(&other),
        model.predict(&Features::missing(Schema::Live))
    );
}

#[test]
fn the_deepest_tree_blends_within_its_stack() {
    let mut tree = leaf_of([1, 1, 1, 1, 1]);
    for level in 0..64 {
        tree = Nested::Split(
            level % LIVE_COLUMNS.len(),
            5,
            Box::new(tree),
            Box::new(leaf_of([0, 1, 0, 0, 0])),
        );
    }
    let flat = tree.tree();
    assert_eq!(flat.depth(), 64);
    let row = Features::missing(Schema::Live);
    assert_same(&flat.predict(&row), &tree.shares(&row));
}
