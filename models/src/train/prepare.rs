//! What the trainers of support vector machines and networks share: inputs, weights, held-out
//! rows.

use std::collections::BTreeMap;

use super::{Balance, Dataset, Row, dataset::weights_by_class, random::mix};
use crate::{
    Class, MISSING, Schema,
    encoding::{ColumnEncoding, Encoding, EncodingError, Inputs, MAX_INPUTS},
    format::{Codes, Standard, log2_plus_one},
};

/// One row in this many is held out to stop and to calibrate by.
const HELD_OUT: u64 = 10;

/// A fit of a support vector machine or a network that can't be done.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum FitSettingsError {
    /// Nothing to tell apart.
    #[error("the training rows are all of one class, or there are none")]
    OneClass,
    /// Nothing to tell by.
    #[error("no column varies in the training rows: there is nothing to tell classes apart by")]
    NoColumn,
    /// A setting that makes no sense.
    #[error("{name} {value}: must be {expected}")]
    Setting {
        /// Its name.
        name: &'static str,
        /// What it was set to.
        value: f64,
        /// What it must be.
        expected: &'static str,
    },
    /// A row with a missing value.
    #[error("a training row lacks a value in column {0}")]
    Missing(&'static str),
    /// Inputs that no model file may have.
    #[error(transparent)]
    Encoding(#[from] EncodingError),
    /// Numbers left the range of an f32.
    #[error("the fit diverged: try smaller steps or a smaller cost")]
    Diverged,
}

/// A setting if it is in range.
pub(super) fn check(
    name: &'static str,
    value: f64,
    expected: &'static str,
    right: bool,
) -> Result<(), FitSettingsError> {
    right.then_some(()).ok_or(FitSettingsError::Setting {
        name,
        value,
        expected,
    })
}

/// Rows as inputs, with what they weigh.
pub(super) struct Prepared {
    pub(super) baseline: Vec<u32>,
    pub(super) encodings: Vec<ColumnEncoding>,
    pub(super) encoding: Encoding,
    pub(super) rows: Vec<PreparedRow>,
    /// The classes there are rows of, in order.
    pub(super) classes: Vec<Class>,
}

/// A row for the trainers.
pub(super) struct PreparedRow {
    pub(super) inputs: Inputs,
    /// Index into [`Prepared::classes`].
    pub(super) class: usize,
    /// Its weight, 1 on average.
    pub(super) weight: f32,
    /// Its weight with the classes balanced, 1 on average.
    pub(super) balanced: f32,
    /// Whether it is kept back from the fit.
    pub(super) held_out: bool,
}

impl Prepared {
    pub(super) fn new(
        data: &Dataset,
        balance: Balance,
        seed: u64,
    ) -> Result<Self, FitSettingsError> {
        for row in &data.rows {
            let missing = row.features.values().iter().position(|v| *v == MISSING);
            if let Some(column) = missing {
                return Err(FitSettingsError::Missing(data.schema.columns()[column]));
            }
        }
        let by_class = weights_by_class(&data.rows);
        let present = |class: &Class| by_class[class.index()] > 0;
        let classes: Vec<Class> = Class::ALL.into_iter().filter(present).collect();
        if classes.len() < 2 {
            return Err(FitSettingsError::OneClass);
        }
        let total = data.weight() as f64;
        let factors = balance.factors(by_class);
        let balanced_total: f64 = by_class
            .iter()
            .zip(factors)
            .map(|(weight, factor)| *weight as f64 * factor)
            .sum();
        let encodings = encodings(data);
        if encodings.is_empty() {
            return Err(FitSettingsError::NoColumn);
        }
        let baseline = baseline(data);
        let encoding = Encoding::new(data.schema, &baseline, &encodings)?;
        let count = data.rows.len() as f64;
        let held_out = held_out(data, seed);
        let rows = data.rows.iter().zip(held_out).map(|(row, held_out)| {
            let weight = row.weight as f64 * count;
            PreparedRow {
                inputs: encoding.encode(&row.features),
                // Every row's class is there.
                class: classes.iter().position(|c| *c == row.class).unwrap_or(0),
                weight: (weight / total) as f32,
                balanced: (weight * factors[row.class.index()] / balanced_total) as f32,
                held_out,
            }
        });
        Ok(Self {
            rows: rows.collect(),
            baseline,
            encodings,
            encoding,
            classes,
        })
    }
}

/// About one row in ten, drawn class by class so that every class keeps nine in ten; of a class
/// of fewer rows, none.
fn held_out(data: &Dataset, seed: u64) -> Vec<bool> {
    let mut held_out = vec![false; data.rows.len()];
    for class in Class::ALL {
        let mut members: Vec<usize> = (0..data.rows.len())
            .filter(|row| data.rows[*row].class == class)
            .collect();
        members.sort_unstable_by_key(|row| (mix(seed ^ mix(*row as u64)), *row));
        for row in &members[..members.len() / HELD_OUT as usize] {
            held_out[*row] = true;
        }
    }
    held_out
}

/// Rates and switches as they are, all that counts through a logarithm, names one-hot: the codes
/// that occur. Columns of one value only tell nothing and are left out. Every distinct row counts
/// the same for mean and deviation, so that no flood sets the scale.
fn encodings(data: &Dataset) -> Vec<ColumnEncoding> {
    let columns = data.schema.columns().iter().enumerate();
    let mut room = MAX_INPUTS;
    columns
        .filter_map(|(index, name)| {
            let mut values: Vec<u32> = data.rows.iter().map(|r| r.features.value(index)).collect();
            let encoding = if is_named(name) {
                values.sort_unstable();
                values.dedup();
                (values.len() > 1).then(|| {
                    ColumnEncoding::OneHot(Codes {
                        column: (*name).to_owned(),
                        codes: values,
                    })
                })
            } else if Schema::is_percent(name) {
                standard(name, &values, |value| value as f32).map(ColumnEncoding::Linear)
            } else {
                standard(name, &values, log2_plus_one).map(ColumnEncoding::Log2)
            }?;
            room = room.checked_sub(encoding.inputs())?;
            Some(encoding)
        })
        .collect()
}

/// Whether a column's values are codes.
fn is_named(column: &str) -> bool {
    matches!(column, "protocol_type" | "service" | "flag")
}

fn standard(column: &str, values: &[u32], of: impl Fn(u32) -> f32) -> Option<Standard> {
    let count = values.len() as f64;
    let numbers = || values.iter().map(|value| f64::from(of(*value)));
    let mean = numbers().sum::<f64>() / count;
    let variance = numbers().map(|x| (x - mean) * (x - mean)).sum::<f64>() / count;
    (variance > 1e-12).then(|| Standard {
        column: column.to_owned(),
        mean: mean as f32,
        scale: (1.0 / variance.sqrt()) as f32,
    })
}

/// A harmless row: of every column the median of the normal rows by weight, of a named one the
/// most frequent code. Of all rows if none is normal.
pub(super) fn baseline(data: &Dataset) -> Vec<u32> {
    let any_normal = data.rows.iter().any(|row| row.class == Class::Normal);
    let harmless = |row: &&Row| row.class == Class::Normal || !any_normal;
    let columns = data.schema.columns().iter().enumerate();
    columns
        .map(|(index, name)| {
            let mut weights: BTreeMap<u32, u64> = BTreeMap::new();
            for row in data.rows.iter().filter(harmless) {
                *weights.entry(row.features.value(index)).or_default() += row.weight;
            }
            if is_named(name) {
                // The last maximum of the reversed order: ties go to the lowest code.
                let most = weights.iter().rev().max_by_key(|(_, weight)| **weight);
                return most.map_or(0, |(code, _)| *code);
            }
            let half = weights.values().sum::<u64>() / 2;
            let mut below = 0;
            let median = weights.iter().find(|(_, weight)| {
                below += **weight;
                below > half
            });
            median.map_or(0, |(value, _)| *value)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a failing unwrap is a failing test")]

    use super::*;
    use crate::{Features, Flag};

    fn data() -> Dataset {
        let rows = (0..200).map(|i| {
            let mut values = [0; crate::LIVE_COLUMNS.len()];
            values[0] = i;
            values[3] = if i < 150 { Flag::SF } else { Flag::S0 }.code();
            values[11] = i % 100;
            let class = if i < 150 { Class::Normal } else { Class::Dos };
            let features = Features::from_values(Schema::Live, &values).unwrap();
            (features, class, class.to_string())
        });
        Dataset::new(Schema::Live, rows)
    }

    #[test]
    fn inputs_are_standardised_and_columns_without_news_left_out() {
        let prepared = Prepared::new(&data(), Balance::None, 1).unwrap();
        let names: Vec<_> = prepared
            .encodings
            .iter()
            .map(ColumnEncoding::column)
            .collect();
        assert_eq!(names, ["duration", "flag", "serror_rate"]);
        assert_eq!(prepared.encoding.inputs(), 4);
        for input in [0, 3] {
            let of = |row: &PreparedRow| {
                let entries = row.inputs.entries().iter();
                entries.filter(|e| e.0 == input).map(|e| e.1).sum::<f32>()
            };
            let sum: f32 = prepared.rows.iter().map(of).sum();
            let squares: f32 = prepared.rows.iter().map(|row| of(row) * of(row)).sum();
            assert!(sum.abs() < 0.01 && (squares / 200.0 - 1.0).abs() < 0.01);
        }
        assert_eq!(prepared.baseline[0], 75);
        assert_eq!(prepared.baseline[3], Flag::SF.code());
    }

    #[test]
    fn a_tenth_of_every_class_is_held_out_and_balance_evens_the_classes() {
        let prepared = Prepared::new(&data(), Balance::Full, 1).unwrap();
        assert_eq!(prepared.classes, [Class::Normal, Class::Dos]);
        for (class, held_out) in [(0, 15), (1, 5)] {
            let of = || prepared.rows.iter().filter(|row| row.class == class);
            assert_eq!(of().filter(|row| row.held_out).count(), held_out);
            let balanced: f32 = of().map(|row| row.balanced).sum();
            assert!((balanced - 100.0).abs() < 0.01, "{balanced}");
        }
        let total: f32 = prepared.rows.iter().map(|row| row.weight).sum();
        assert!((total - 200.0).abs() < 0.01);
    }

    #[test]
    fn what_can_not_be_fitted_is_refused() {
        let one = data().filter(|_, row| row.class == Class::Dos);
        let error = Prepared::new(&one, Balance::None, 1).err();
        assert_eq!(error, Some(FitSettingsError::OneClass));
        let mut missing = data();
        missing.rows[7].features.set(9, MISSING);
        let error = Prepared::new(&missing, Balance::None, 1).err();
        assert_eq!(error, Some(FitSettingsError::Missing("count")));
    }
}
