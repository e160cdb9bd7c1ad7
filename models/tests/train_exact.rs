//! The fast trainer gives what the plain one gives.

#![cfg(feature = "train")]
#![expect(clippy::unwrap_used, reason = "a failing unwrap is a failing test")]

mod reference;

use proptest::prelude::*;
use reference::{Reference, merged};
use tidegate_models::{
    CLASS_COUNT, Class, Features, LIVE_COLUMNS, MISSING, Schema, TreeNode,
    train::{Balance, Dataset, DatasetBuilder, OnBad, Params, ParamsError, Rows, find, fit},
};

type Labelled = (Features, Class, String);

/// A row with these values in the first columns, and nothing known of column 7.
fn labelled(values: &[u32], class: Class, group: &str) -> Labelled {
    let mut features = Features::from_values(Schema::Live, &[3; LIVE_COLUMNS.len()]).unwrap();
    for (column, value) in values.iter().enumerate() {
        features.set(column, *value);
    }
    features.set(7, MISSING);
    (features, class, group.to_owned())
}

/// Few values, many values, values above 16 bits, and now and then none; or few only, for which
/// histograms are kept and subtracted.
fn rows() -> impl Strategy<Value = Vec<Labelled>> {
    let missing = prop_oneof![9 => 0_u32..300, 1 => Just(MISSING)];
    let row = (
        (0_u32..4, 0_u32..40, 0_u32..100_000, missing, 0_u32..2),
        (0..CLASS_COUNT, 0_usize..3, 1_usize..4),
    );
    (prop::collection::vec(row, 1..500), any::<bool>()).prop_map(|(rows, few)| {
        let rows = rows
            .into_iter()
            .flat_map(|(values, (class, group, times))| {
                let mut values = [values.0, values.1, values.2, values.3, values.4];
                if few {
                    values[2] %= 20;
                    values[3] %= 10;
                }
                // Half of the classes follow from the columns, so that there is something to learn.
                let class = if values[4] == 0 {
                    class
                } else {
                    values[0] as usize
                };
                let row = labelled(&values, Class::ALL[class], ["b", "c", "a"][group]);
                std::iter::repeat_n(row, times)
            });
        rows.collect()
    })
}

fn parameters() -> impl Strategy<Value = Reference> {
    let balance = prop::sample::select(&Balance::ALL[..]);
    let alpha = prop_oneof![2 => Just(0.0), 1 => 0.0..0.05];
    (1_usize..=64, 1_u64..8, balance, alpha).prop_map(|(max_depth, min_leaf, balance, alpha)| {
        Reference {
            max_depth,
            min_leaf,
            balance,
            alpha,
        }
    })
}

fn fast(params: Reference, data: &Dataset) -> Result<Vec<TreeNode>, ParamsError> {
    Params::default()
        .max_depth(params.max_depth)
        .min_leaf(params.min_leaf)
        .balance(params.balance)
        .alpha(params.alpha)
        .check()
        .unwrap()
        .fit(data)
}

fn comparable(data: &Dataset) -> Vec<(&[u32], Class, usize, u64, u64)> {
    data.rows
        .iter()
        .map(|row| {
            let values = row.features.values();
            (values, row.class, row.group, row.count, row.weight)
        })
        .collect()
}

fn one_class(data: &Dataset) -> Option<Class> {
    let first = data.rows[0].class;
    data.rows
        .iter()
        .all(|row| row.class == first)
        .then_some(first)
}

proptest! {
    /// Streaming through a hash table gives what a sorted map gives, whatever the order.
    #[test]
    fn rows_merge_as_in_a_sorted_map(rows in rows()) {
        let (fast, plain) = (Dataset::new(Schema::Live, rows.clone()), merged(Schema::Live, rows.clone()));
        prop_assert_eq!(comparable(&fast), comparable(&plain));
        prop_assert_eq!(&fast.groups, &plain.groups);
        prop_assert_eq!(fast.digest(), plain.digest());
        let backwards = Dataset::new(Schema::Live, rows.into_iter().rev());
        prop_assert_eq!(comparable(&backwards), comparable(&plain));
    }

    /// The same nodes, or word of the only class. Weights beyond what fits beside a row count in
    /// 64 bits, too.
    #[test]
    fn trees_are_those_of_the_plain_trainer(rows in rows(), params in parameters(), heavy: bool) {
        let mut data = Dataset::new(Schema::Live, rows);
        if heavy {
            for row in &mut data.rows {
                row.weight <<= 40;
            }
        }
        let nodes = fast(params, &data);
        if let Some(class) = one_class(&data) {
            prop_assert_eq!(nodes, Err(ParamsError::OneClass(class)));
            return Ok(());
        }
        let nodes = nodes.unwrap();
        prop_assert!(nodes.iter().filter_map(|node| node.split).all(|split| split.column != 7));
        prop_assert_eq!(nodes, params.fit(&data));
    }
}

/// More distinct values in a column, and more rows, than 16 bits count.
#[test]
fn a_wide_column_is_split_as_by_the_plain_trainer() {
    let rows = (0..70_000_u32).map(|i| {
        let scattered = i.wrapping_mul(2_654_435_769);
        let class = match (scattered >> 28, i % 50) {
            (_, 0) => Class::R2l,
            (0 | 5 | 6 | 12, _) => Class::Normal,
            _ => Class::Dos,
        };
        labelled(&[i % 7, i / 1000, scattered], class, "g")
    });
    let data = Dataset::new(Schema::Live, rows.clone());
    assert_eq!(data.rows.len(), 70_000);
    assert_eq!(comparable(&data), comparable(&merged(Schema::Live, rows)));
    let params = Reference {
        max_depth: 6,
        min_leaf: 1,
        balance: Balance::Sqrt,
        alpha: 0.0,
    };
    let nodes = fast(params, &data).unwrap();
    let mut splits = nodes.iter().filter_map(|node| node.split);
    assert_eq!(splits.next().map(|split| split.column), Some(2));
    assert_eq!(nodes, params.fit(&data));
}

#[test]
fn rows_without_a_known_column_are_one_leaf() {
    let rows = [Class::Normal, Class::Dos, Class::Dos]
        .map(|class| (Features::missing(Schema::Live), class, "g".to_owned()));
    let data = Dataset::new(Schema::Live, rows);
    let params = Params::default().min_leaf(1).check().unwrap();
    let nodes = params.fit(&data).unwrap();
    assert_eq!(nodes.len(), 1);
    assert_eq!(nodes[0].counts[..2], [1, 2]);
}

#[test]
fn one_class_is_an_error_that_names_it() {
    let rows = (0..9).map(|i| labelled(&[i], Class::Probe, "g"));
    let data = Dataset::new(Schema::Live, rows);
    let error = Params::default().check().unwrap().fit(&data).unwrap_err();
    assert_eq!(
        error.to_string(),
        "all training rows are of class probe: there is nothing to tell apart"
    );
}

#[test]
fn a_row_of_another_schema_is_left_out() {
    let mut builder = DatasetBuilder::new(Schema::Kdd41);
    builder.add(&Features::missing(Schema::Live), Class::Normal, "g");
    builder.add(&Features::missing(Schema::Kdd41), Class::Normal, "g");
    assert_eq!(builder.finish().count(), 1);
}

/// The KDD 10 % file, where it is at hand.
#[test]
fn the_kdd_tree_is_that_of_the_plain_trainer() {
    let Some(folder) = std::env::var_os("TIDEGATE_DATA") else {
        println!("skipped: TIDEGATE_DATA does not name a folder with the KDD files");
        return;
    };
    let path = find(folder.as_ref(), fit::TRAINING_FILE).unwrap();
    let mut builder = DatasetBuilder::new(Schema::Kdd41);
    let mut rows = Vec::new();
    for row in Rows::open(&path, Schema::Kdd41, OnBad::Stop).unwrap() {
        let (features, class, label) = row.unwrap().into_parts();
        builder.add(&features, class, &label);
        rows.push((features, class, label));
    }
    let data = builder.finish();
    assert_eq!((data.count(), data.rows.len()), (494_021, 145_586));
    assert_eq!(comparable(&data), comparable(&merged(Schema::Kdd41, rows)));
    for (max_depth, min_leaf, balance, alpha) in
        [(12, 2, Balance::Sqrt, 0.0), (64, 1, Balance::Full, 1e-6)]
    {
        let params = Reference {
            max_depth,
            min_leaf,
            balance,
            alpha,
        };
        assert_eq!(
            fast(params, &data).unwrap(),
            params.fit(&data),
            "{params:?}"
        );
    }
}
