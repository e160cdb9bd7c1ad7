//! A cached model answers as the model does, whatever came before.

#![expect(clippy::unwrap_used, reason = "a failing unwrap is a failing test")]

mod trained;

use std::sync::Arc;

use proptest::prelude::*;
use tidegate_models::{
    CachedModel, Classifier as _, Features, Model, SHIPPED_LIVE, Schema,
    format::{ForestNode, Golden, ModelFile, Parameters},
};

/// The shipped forest's golden rows, and all decisions of its trees: column and threshold.
fn shipped() -> (Vec<Features>, Vec<(usize, u32)>) {
    let file: ModelFile = serde_json::from_str(SHIPPED_LIVE).unwrap();
    let file = file.widen().unwrap();
    let rows = file.golden.iter().map(Golden::row);
    let rows = rows.map(|row| Features::from_values(Schema::Live, &row).unwrap());
    let Parameters::Forest(forest) = &file.parameters else {
        panic!("the shipped model is a forest");
    };
    let decisions = forest.trees.iter().flatten().filter_map(|node| match node {
        ForestNode::Split([column, threshold, _]) => Some((*column as usize, *threshold)),
        ForestNode::Leaf(_) => None,
    });
    (rows.collect(), decisions.collect())
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 16, ..ProptestConfig::default() })]

    /// Golden rows again and again, each time with a few values on either side of a threshold.
    #[test]
    fn near_thresholds(steps in prop::collection::vec((any::<u8>(), any::<[(u16, bool); 2]>(), 0..3usize), 2000)) {
        let (rows, decisions) = shipped();
        let model = Arc::new(Model::shipped(Schema::Live).unwrap());
        let mut cached = CachedModel::new(Arc::clone(&model));
        for (base, moves, changed) in steps {
            // Few, so that some come again.
            let mut row = rows[usize::from(base) % rows.len().min(4)];
            for (decision, above) in &moves[..changed] {
                let (column, threshold) = decisions[usize::from(*decision) % decisions.len()];
                row.set(column, threshold + u32::from(*above));
            }
            prop_assert_eq!(cached.predict(&row), model.predict(&row));
        }
        prop_assert!((1..2000).contains(&cached.hits()), "{} of 2000", cached.hits());
    }
}

#[test]
fn rows_that_are_not_whole_or_of_another_schema_are_in_no_cell() {
    let (rows, _) = shipped();
    let model = Arc::new(Model::shipped(Schema::Live).unwrap());
    let mut cached = CachedModel::new(Arc::clone(&model));
    for row in &rows {
        let mut same = || {
            let before = cached.hits();
            for _ in 0..100 {
                assert_eq!(cached.predict(row), model.predict(row));
            }
            let hits = cached.hits() - before;
            assert!(hits > 70, "{hits} of 100");
        };
        // Golden rows have missing values, some of them.
        if !row.values().contains(&tidegate_models::MISSING) {
            same();
        }
        let hits = cached.hits();
        for column in 0..row.values().len() {
            let mut lacking = *row;
            lacking.set(column, tidegate_models::MISSING);
            for _ in 0..20 {
                assert_eq!(cached.predict(&lacking), model.predict(&lacking));
            }
        }
        let other = Features::missing(Schema::Kdd41);
        assert_eq!(cached.predict(&other), model.predict(&other));
        assert_eq!(cached.hits(), hits);
    }
}

#[test]
fn every_trained_model_answers_the_same_through_it() {
    for (path, text) in trained::trained() {
        let file: ModelFile = serde_json::from_str(&text).unwrap();
        let file = file.widen().unwrap();
        let model = Arc::new(Model::from_json(&text).unwrap());
        let mut cached = CachedModel::new(Arc::clone(&model));
        for _ in 0..20 {
            for golden in &file.golden {
                let row = Features::from_values(file.schema, &golden.row()).unwrap();
                assert_eq!(cached.predict(&row), model.predict(&row), "{path:?}");
            }
        }
        let forest_of_kinds =
            matches!(&file.parameters, Parameters::Forest(forest) if !forest.kinds.is_empty());
        if model.kind() != "forest" || forest_of_kinds {
            assert_eq!(cached.hits(), 0, "{path:?}");
        }
    }
}
