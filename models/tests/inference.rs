//! The quick walks against the definition, bit by bit.

#![expect(clippy::unwrap_used, reason = "a failing unwrap is a failing test")]

mod definition;
mod trained;

use proptest::prelude::*;
use tidegate_models::{
    CLASS_COUNT, Classifier, Costs, Features, Forest, LIVE_COLUMNS, MISSING, Model, Prediction,
    Schema, Split, Tree, TreeNode,
    format::{ForestNode, ForestParameters, ModelFile, SHARE_UNIT},
};

use definition::Definition;

const COLUMNS: usize = LIVE_COLUMNS.len();

/// Weights of a leaf, by class, in thousandths of a row.
type Weights = [u64; CLASS_COUNT];

/// A tree as one would draw it; a leaf holds anything.
#[derive(Clone, Debug)]
enum Nested<L> {
    Leaf(L),
    Split(usize, u32, Box<Self>, Box<Self>),
}

impl Nested<Weights> {
    fn weights(&self) -> Weights {
        match self {
            Self::Leaf(weights) => *weights,
            Self::Split(_, _, left, right) => {
                let (left, right) = (left.weights(), right.weights());
                std::array::from_fn(|class| left[class] + right[class])
            }
        }
    }

    /// Left before right, as the trainer writes them, or the other way round: both are trees.
    fn flatten(&self, left_first: bool, nodes: &mut Vec<TreeNode>) -> usize {
        let index = nodes.len();
        let weights = self.weights();
        nodes.push(TreeNode {
            split: None,
            counts: weights,
            weights,
        });
        if let Self::Split(column, threshold, left, right) = self {
            let (left, right) = if left_first {
                let left = left.flatten(left_first, nodes);
                (left, right.flatten(left_first, nodes))
            } else {
                let right = right.flatten(left_first, nodes);
                (left.flatten(left_first, nodes), right)
            };
            nodes[index].split = Some(Split {
                column: *column,
                threshold: *threshold,
                left,
                right,
            });
        }
        index
    }
}

impl Nested<[u32; CLASS_COUNT]> {
    fn flatten(&self, nodes: &mut Vec<ForestNode>) {
        match self {
            Self::Leaf(shares) => nodes.push(ForestNode::Leaf(*shares)),
            Self::Split(column, threshold, left, right) => {
                let index = nodes.len();
                nodes.push(ForestNode::Leaf([0; CLASS_COUNT]));
                left.flatten(nodes);
                let end = nodes.len() as u32;
                nodes[index] = ForestNode::Split([*column as u32, *threshold, end]);
                right.flatten(nodes);
            }
        }
    }
}

/// Thresholds and values that meet, small ones and the greatest.
fn number() -> impl Strategy<Value = u32> {
    prop_oneof![8 => 0_u32..12, 1 => MISSING - 4..MISSING - 1, 1 => 0..MISSING - 1]
}

fn nested<L>(leaf: L) -> impl Strategy<Value = Nested<L::Value>>
where
    L: Strategy + 'static,
    L::Value: Clone + 'static,
{
    leaf.prop_map(Nested::Leaf)
        .prop_recursive(10, 160, 2, |side| {
            (0..COLUMNS, number(), side.clone(), side).prop_map(
                |(column, threshold, left, right)| {
                    Nested::Split(column, threshold, Box::new(left), Box::new(right))
                },
            )
        })
}

fn tree() -> impl Strategy<Value = Nested<Weights>> {
    let weights = (1_u64..9_000, prop::array::uniform6(0_u64..9_000));
    nested(weights.prop_map(|(first, mut weights)| {
        weights[0] = first;
        weights
    }))
}

fn forest(fewest: usize) -> impl Strategy<Value = Vec<Nested<[u32; CLASS_COUNT]>>> {
    let shares = (0..CLASS_COUNT, 0..CLASS_COUNT, 0..=SHARE_UNIT).prop_map(|(one, two, part)| {
        let mut shares = [0; CLASS_COUNT];
        shares[one] += part;
        shares[two] += SHARE_UNIT - part;
        shares
    });
    prop::collection::vec(nested(shares), fewest..fewest + 19)
}

/// A row; some of its values may be missing, and it may be of another schema.
fn row() -> impl Strategy<Value = Features> {
    let value = || prop_oneof![20 => number(), 1 => Just(MISSING - 1)];
    let gap = prop_oneof![19 => value(), 1 => Just(MISSING)];
    let row = |schema: Schema, values: &[u32]| Features::from_values(schema, values).unwrap();
    prop_oneof![
        4 => prop::collection::vec(value(), COLUMNS).prop_map(move |v| row(Schema::Live, &v)),
        2 => prop::collection::vec(gap, COLUMNS).prop_map(move |v| row(Schema::Live, &v)),
        1 => prop::collection::vec(value(), 41).prop_map(move |v| row(Schema::Kdd41, &v)),
    ]
}

fn rows() -> impl Strategy<Value = Vec<Features>> {
    prop::collection::vec(row(), 0..40)
}

fn costs() -> impl Strategy<Value = Costs> {
    prop::array::uniform6(prop::array::uniform5(0_u32..4_000)).prop_map(Costs)
}

/// One by one and together, the classifier must answer as the definition does.
fn check(
    classifier: &dyn Classifier,
    rows: &[Features],
    definition: impl Fn(&Features) -> Prediction,
) {
    let expected: Vec<_> = rows.iter().map(definition).collect();
    let one_by_one: Vec<_> = rows.iter().map(|row| classifier.predict(row)).collect();
    assert_eq!(one_by_one, expected);
    // One more than there are rows: it must stay as it is.
    let untouched = Costs::ARGMAX.decide([0.125; CLASS_COUNT]);
    let mut together = vec![untouched; rows.len() + 1];
    classifier.predict_batch(rows, &mut together);
    assert_eq!(together.pop(), Some(untouched));
    assert_eq!(together, expected);
}

fn of_schema(row: &Features) -> Features {
    match row.schema() {
        Schema::Live => *row,
        Schema::Kdd41 => Features::missing(Schema::Live),
    }
}

proptest! {
    #[test]
    fn a_tree_answers_as_defined(
        nested in tree(),
        costs in costs(),
        rows in rows(),
        left_first in any::<bool>(),
    ) {
        let mut nodes = Vec::new();
        nested.flatten(left_first, &mut nodes);
        let tree = Tree::new(Schema::Live, "tree", costs, nodes.clone()).unwrap();
        check(&tree, &rows, |row| {
            let decision = |at: usize| {
                let split: Split = nodes[at].split?;
                Some((split.column, split.threshold, split.left, split.right))
            };
            definition::predict_tree(&costs, decision, |at| nodes[at].weights, &of_schema(row))
        });
    }

    #[test]
    fn a_forest_answers_as_defined(
        trees in forest(1),
        kinds in forest(0),
        costs in costs(),
        rows in rows(),
    ) {
        let nodes = |nested: &Nested<[u32; CLASS_COUNT]>| {
            let mut nodes = Vec::new();
            nested.flatten(&mut nodes);
            nodes
        };
        let parameters = ForestParameters {
            baseline: (0..COLUMNS as u32).collect(),
            trees: trees.iter().map(nodes).collect(),
            kinds: kinds.iter().map(nodes).collect(),
        };
        let forest = Forest::new(Schema::Live, "forest", costs, &parameters).unwrap();
        check(&forest, &rows, |row| {
            definition::predict_forest(&costs, &parameters, &of_schema(row))
        });
    }
}

#[test]
fn shipped_models_answer_their_golden_rows_as_defined() {
    let mut models = 0;
    for (name, text) in trained::trained() {
        let file: ModelFile = serde_json::from_str(&text).unwrap();
        let file = file.widen().unwrap();
        let rows: Vec<_> = file
            .golden
            .iter()
            .map(|golden| Features::from_values(file.schema, &golden.row()).unwrap())
            .collect();
        println!("{name}: {} rows", rows.len());
        let model = Model::from_json(&text).unwrap();
        if let Some(definition) = Definition::new(&file) {
            check(&model, &rows, |row| definition.predict(row));
            models += 1;
        }
    }
    assert!(models >= 2, "{models} models");
}
