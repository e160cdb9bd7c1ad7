//! The tree trainer.

#![cfg(feature = "train")]
#![expect(clippy::unwrap_used, reason = "a failing unwrap is a failing test")]

use proptest::prelude::*;
use tidegate_models::{
    Class, Classifier, Costs, Features, LIVE_COLUMNS, Schema, Tree, TreeNode,
    train::{Balance, Dataset, Params, ParamsError, Row},
};

fn dataset(rows: &[(u32, u32, Class)]) -> Dataset {
    Dataset::new(
        Schema::Live,
        rows.iter().map(|(duration, bytes, class)| {
            let mut values = [0; LIVE_COLUMNS.len()];
            (values[0], values[4]) = (*duration, *bytes);
            (
                Features::from_values(Schema::Live, &values).unwrap(),
                *class,
                class.to_string(),
            )
        }),
    )
}

fn fit(params: Params, data: &Dataset) -> Vec<TreeNode> {
    params.check().unwrap().fit(data).unwrap()
}

fn training_errors(nodes: Vec<TreeNode>, data: &Dataset) -> u64 {
    let tree = Tree::new(data.schema, "test", Costs::ARGMAX, nodes).unwrap();
    let wrong = |class: Class, features| tree.predict(features).class != class;
    data.rows
        .iter()
        .filter(|row| wrong(row.class, &row.features))
        .map(|row| row.count)
        .sum()
}

#[test]
fn separable_rows_are_separated_by_one_split() {
    let rows: Vec<_> = (0..100)
        .map(|i| (i, 7, if i < 60 { Class::Normal } else { Class::Dos }))
        .collect();
    let data = dataset(&rows);
    let nodes = fit(Params::default().min_leaf(1), &data);
    assert_eq!(nodes.len(), 3);
    let split = nodes[0].split.unwrap();
    assert_eq!((split.column, split.threshold), (0, 59));
    assert_eq!(
        (nodes[1].counts, nodes[2].counts),
        ([60, 0, 0, 0, 0, 0], [0, 40, 0, 0, 0, 0])
    );
    assert_eq!(training_errors(nodes, &data), 0);
}

#[test]
fn ties_within_a_value_do_not_hide_a_split() {
    // Nearly all values are equal: a trainer that compares neighbours only finds no split here.
    let rows: Vec<_> = (0..400)
        .map(|i| match i % 4 {
            0 => (0, 5, Class::Normal),
            1 => (0, 5, Class::Normal),
            2 => (0, 6, Class::Probe),
            _ => (1, 5, Class::R2l),
        })
        .collect();
    let data = dataset(&rows);
    assert_eq!(data.rows.len(), 3);
    let nodes = fit(Params::default().min_leaf(1), &data);
    assert_eq!(nodes[0].counts, [200, 0, 100, 100, 0, 0]);
    assert_eq!(nodes[0].weights, [14142, 0, 10_000, 10_000, 0, 0]);
    assert_eq!(training_errors(nodes, &data), 0);
}

#[test]
fn equal_splits_go_to_the_first_column_and_rows_that_conflict_stay_together() {
    let both = dataset(&[(1, 1, Class::Normal), (2, 2, Class::Dos)]);
    let nodes = fit(Params::default().min_leaf(1), &both);
    assert_eq!(nodes[0].split.unwrap().column, 0);
    let conflict = dataset(&[
        (1, 1, Class::Normal),
        (1, 1, Class::Dos),
        (1, 1, Class::Dos),
    ]);
    let nodes = fit(Params::default().min_leaf(1), &conflict);
    assert_eq!((nodes.len(), nodes[0].counts), (1, [1, 2, 0, 0, 0, 0]));
}

#[test]
fn depth_leaf_size_and_pruning_bound_the_tree() {
    let rows: Vec<_> = (0..64)
        .map(|i| {
            (
                i,
                0,
                if i % 2 == 0 {
                    Class::Normal
                } else {
                    Class::Dos
                },
            )
        })
        .collect();
    let data = dataset(&rows);
    let depth = |nodes| {
        Tree::new(Schema::Live, "test", Costs::ARGMAX, nodes)
            .unwrap()
            .depth()
    };
    assert!(depth(fit(Params::default().max_depth(3).min_leaf(1), &data)) <= 3);
    let nodes = fit(Params::default().max_depth(20).min_leaf(10), &data);
    assert!(
        nodes
            .iter()
            .all(|node| node.counts.iter().sum::<u64>() >= 10)
    );
    assert_eq!(
        fit(
            Params::default().max_depth(20).min_leaf(1).alpha(1.0),
            &data
        )
        .len(),
        1
    );
    let full = fit(Params::default().max_depth(64).min_leaf(1), &data).len();
    let some = fit(
        Params::default().max_depth(64).min_leaf(1).alpha(0.02),
        &data,
    )
    .len();
    assert!(some < full, "{some} of {full}");
}

#[test]
fn parameters_are_checked() {
    assert_eq!(
        Params::default().max_depth(0).check().unwrap_err(),
        ParamsError::MaxDepth(0)
    );
    assert_eq!(
        Params::default().max_depth(65).check().unwrap_err(),
        ParamsError::MaxDepth(65)
    );
    assert_eq!(
        Params::default().min_leaf(0).check().unwrap_err(),
        ParamsError::MinLeaf
    );
    assert!(matches!(
        Params::default().alpha(f64::NAN).check(),
        Err(ParamsError::Alpha(_))
    ));
    assert_eq!(
        Params::default()
            .check()
            .unwrap()
            .fit(&dataset(&[]))
            .unwrap_err(),
        ParamsError::NoRows
    );
}

fn row() -> impl Strategy<Value = (u32, u32, Class)> {
    (0_u32..12, 0_u32..3000, 0_usize..5)
        .prop_map(|(duration, bytes, class)| (duration, bytes, Class::ALL[class]))
}

proptest! {
    /// An unbounded tree errs only where equal columns have several classes, its counts add up
    /// ([`Tree::new`] checks) to the rows given, and the order of rows does not matter.
    #[test]
    fn unbounded_trees_are_exact(rows in prop::collection::vec(row(), 1..200)) {
        let data = dataset(&rows);
        prop_assume!(rows.iter().any(|row| row.2 != rows[0].2));
        let nodes = fit(Params::default().max_depth(64).min_leaf(1), &data);
        prop_assert_eq!(nodes[0].counts.iter().sum::<u64>(), rows.len() as u64);
        let backwards: Vec<_> = rows.iter().rev().copied().collect();
        prop_assert_eq!(&fit(Params::default().max_depth(64).min_leaf(1), &dataset(&backwards)), &nodes);
        let tree = Tree::new(Schema::Live, "test", Costs::ARGMAX, nodes).unwrap();
        for row in &data.rows {
            let same = |other: &&Row| other.features == row.features;
            let alone = data.rows.iter().filter(same).count() == 1;
            if alone {
                prop_assert_eq!(tree.predict(&row.features).class, row.class);
            }
        }
    }
}

#[test]
fn balance_shapes_the_tree_and_leaves_the_weights() {
    // One split only: the many normal rows part by bytes, the two intrusions by duration.
    let mut rows: Vec<_> = (0..1000)
        .map(|i| (0, i, if i < 900 { Class::Normal } else { Class::Dos }))
        .collect();
    rows.extend([(9, 950, Class::U2r), (9, 951, Class::U2r)]);
    let data = dataset(&rows);
    let root = |balance| {
        fit(
            Params::default().max_depth(1).min_leaf(1).balance(balance),
            &data,
        )
    };
    let (none, full) = (root(Balance::None), root(Balance::Full));
    assert_eq!(none[0].split.unwrap().column, 4);
    assert_eq!(full[0].split.unwrap().column, 0);
    assert_eq!(none[0].weights, full[0].weights);
    assert_eq!(full[2].weights, [0, 0, 0, 0, 2000, 0]);
}
