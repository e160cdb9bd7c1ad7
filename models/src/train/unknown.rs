//! Made-up rows for the unknown class.
//!
//! A real row with some of its columns taken from another real row is mostly like nothing that
//! was ever seen: it marks where the training data says nothing.

use std::collections::BTreeSet;

use super::{Dataset, Row, forest::columns_of, random::Random};
use crate::Class;

/// How unknown rows are made.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct UnknownParams {
    /// Made-up rows for a hundred real distinct ones.
    pub rows_percent: usize,
    /// Whether KDD's content columns are swapped too.
    pub content: bool,
    /// The fewest columns to swap, in percent of those that may be.
    pub min_percent: usize,
    /// The most.
    pub max_percent: usize,
    /// Their total weight, in percent of the real rows'.
    pub weight_percent: u64,
}

impl Default for UnknownParams {
    fn default() -> Self {
        Self {
            rows_percent: 100,
            content: true,
            min_percent: 3,
            max_percent: 40,
            weight_percent: 100,
        }
    }
}

/// Adds made-up rows of [`Class::Unknown`], in a group of that name. Those equal to a real row
/// are left out, so some fewer than asked for may come.
#[must_use]
pub fn with_unknown(mut data: Dataset, params: &UnknownParams, seed: u64) -> Dataset {
    let real = data.rows.len();
    let wanted = real * params.rows_percent / 100;
    if wanted == 0 {
        return data;
    }
    let known: BTreeSet<&[u32]> = data.rows.iter().map(|row| row.features.values()).collect();
    let columns = columns_of(&data, params.content);
    let mut random = Random::new(seed);
    let mut made = Vec::with_capacity(wanted);
    let group = data.groups.len();
    for _ in 0..wanted {
        let mut features = data.rows[random.below(real)].features;
        let other = &data.rows[random.below(real)].features;
        let percent =
            params.min_percent + random.below(params.max_percent - params.min_percent + 1);
        let mut left = columns.clone();
        for _ in 0..(columns.len() * percent).div_ceil(100) {
            let column = left.swap_remove(random.below(left.len()));
            features.set(column, other.value(column));
        }
        if !known.contains(features.values()) {
            made.push(features);
        }
    }
    let weight = data.weight() * params.weight_percent / 100 / (made.len() as u64).max(1);
    data.groups.push(Class::Unknown.name().to_owned());
    data.rows.extend(made.into_iter().map(|features| Row {
        features,
        class: Class::Unknown,
        group,
        count: 0,
        weight: weight.max(1),
    }));
    data
}
