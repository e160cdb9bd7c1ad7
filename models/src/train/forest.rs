//! A trainer of bounded forests of extremely randomised trees.
//!
//! Geurts, Ernst and Wehenkel, "Extremely randomized trees" (2006): every node draws some
//! columns and one threshold each, and takes the best. Thresholds are drawn among the distinct
//! values of the training data, since KDD's byte counts span nine decades. A tree grows where it
//! gains most until it has its leaves, so the forest's size is known beforehand.
//!
//! Weights are integers and every tree has its own random stream: the same rows and seed give
//! the same forest, on any machine and any number of threads.

use std::{cmp::Reverse, collections::BTreeMap};

use super::{
    Balance, Dataset, ParamsError,
    extra_tree::{Table, grow},
    parallel::in_parallel,
    random::Random,
};
use crate::{
    Class, MISSING, Schema,
    format::{ForestNode, ForestParameters},
};

/// Parameters of a forest.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ForestParams {
    /// How many trees.
    pub trees: usize,
    /// The most leaves of one.
    pub leaves: usize,
    /// How many columns a node draws.
    pub columns: usize,
    /// The fewest distinct rows in a leaf.
    pub min_leaf: usize,
    /// Of how many rows in a hundred a tree is grown.
    pub sample_percent: u64,
    /// How rare classes are favoured, in splits and in the leaves' shares.
    pub balance: Balance,
    /// Whether KDD's content columns (see [`columns_in_use`]) may be asked.
    pub content: bool,
    /// How many trees tell what an unknown attack resembles. They see attacks only, with all
    /// classes weighing the same, and are small: there is little to tell.
    pub kinds: usize,
}

/// The most leaves of a tree of kinds.
const KIND_LEAVES: usize = 256;

impl Default for ForestParams {
    fn default() -> Self {
        Self {
            trees: 64,
            leaves: 1024,
            columns: 8,
            min_leaf: 2,
            sample_percent: 50,
            balance: Balance::Full,
            content: true,
            kinds: 16,
        }
    }
}

/// Fits a forest.
///
/// # Errors
///
/// [`ParamsError::NoRows`] for an empty dataset.
pub fn fit(
    data: &Dataset,
    params: &ForestParams,
    seed: u64,
) -> Result<ForestParameters, ParamsError> {
    if data.rows.is_empty() {
        return Err(ParamsError::NoRows);
    }
    let attacks = data.filter(|_, row| row.class.is_attack() && row.class != Class::Unknown);
    let kinds = ForestParams {
        trees: params.kinds,
        leaves: KIND_LEAVES,
        min_leaf: 1,
        sample_percent: 100,
        balance: Balance::Full,
        ..*params
    };
    Ok(ForestParameters {
        baseline: baseline(data),
        trees: trees(data, params, seed),
        kinds: trees(&attacks, &kinds, !seed),
    })
}

/// Grows the trees, on as many threads as there are processors; none without rows.
fn trees(data: &Dataset, params: &ForestParams, seed: u64) -> Vec<Vec<ForestNode>> {
    if data.rows.is_empty() {
        return Vec::new();
    }
    let table = Table::new(data, params);
    in_parallel(params.trees, |tree| {
        let stream = seed.wrapping_mul(1 << 20).wrapping_add(tree as u64);
        grow(&table, params, Random::new(stream))
    })
}

/// The columns a forest may ask: all, or all but KDD's 13 content columns `hot` to
/// `is_guest_login`, which only a host can know.
pub fn columns_in_use(schema: Schema, content: bool) -> Vec<usize> {
    let is_content =
        |name: &str| Schema::Kdd41.column(name).is_some() && Schema::Live.column(name).is_none();
    let columns = schema.columns().iter().enumerate();
    columns
        .filter(|(_, name)| content || !is_content(name))
        .map(|(column, _)| column)
        .collect()
}

/// Those of [`columns_in_use`] that are worth asking of these rows: as if the schema ended before the last ones that are
/// the same in every row. KDD rows lack the columns keyed by host.
pub(super) fn columns_of(data: &Dataset, content: bool) -> Vec<usize> {
    let mut columns = columns_in_use(data.schema, content);
    let is_constant = |column: usize| {
        let mut values = data.rows.iter().map(|row| row.features.value(column));
        let first = values.next();
        values.all(|value| Some(value) == first)
    };
    while columns.pop_if(|last| is_constant(*last)).is_some() {}
    columns
}

/// The most usual value of every column among normal rows (among all rows without any), counted
/// by weight: the lowest of several.
fn baseline(data: &Dataset) -> Vec<u32> {
    let any_normal = data.rows.iter().any(|row| row.class == Class::Normal);
    (0..data.schema.columns().len())
        .map(|column| {
            let mut weights = BTreeMap::<u32, u64>::new();
            for row in &data.rows {
                if row.class == Class::Normal || !any_normal {
                    *weights.entry(row.features.value(column)).or_default() += row.weight;
                }
            }
            let best = weights
                .iter()
                .max_by_key(|(value, weight)| (**weight, Reverse(**value)));
            best.map_or(0, |(value, _)| *value).min(MISSING - 1)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{FIRST_HOST_COLUMN, Features, LIVE_COLUMNS};

    #[test]
    fn columns_kdd_rows_lack_are_not_asked() {
        let rows = |varying: usize| {
            let rows = (0..10).map(move |value| {
                let mut features = Features::missing(Schema::Live);
                for column in 0..LIVE_COLUMNS.len() {
                    features.set(column, if column == varying { value } else { 0 });
                }
                (features, Class::Normal, "group".to_owned())
            });
            Dataset::new(Schema::Live, rows)
        };
        let last_of_kdd = FIRST_HOST_COLUMN - 1;
        let all: Vec<usize> = (0..FIRST_HOST_COLUMN).collect();
        assert_eq!(
            columns_of(&rows(last_of_kdd), true),
            all,
            "constant ones before it stay"
        );
        assert_eq!(
            columns_of(&rows(LIVE_COLUMNS.len() - 1), true).len(),
            LIVE_COLUMNS.len()
        );
    }
}
