//! Pearson's correlation of every two columns.

use serde::{Deserialize, Serialize};

use crate::{MISSING, Schema};

/// From this |r| on, two columns say the same.
pub const CORRELATED: f64 = 0.98;

/// Columns without an order have no correlation.
const SYMBOLIC: [&str; 3] = ["protocol_type", "service", "flag"];

/// Correlation of the columns over all rows, each as often as it occurs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Correlations {
    /// The columns: those that have an order, change, and are never missing.
    pub columns: Vec<String>,
    /// Pearson's r of any two of them, `-1.0..=1.0`.
    pub matrix: Vec<Vec<f64>>,
    /// Pairs above [`CORRELATED`], the strongest first.
    pub pairs: Vec<CorrelatedPair>,
}

/// Two columns that say the same.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CorrelatedPair {
    /// One column.
    pub first: String,
    /// The other.
    pub second: String,
    /// Pearson's r.
    pub r: f64,
}

/// Sums and sums of products, in whole numbers: exact up to 10^7 rows of any value and far more
/// of real ones, so that no order of rows shows.
pub(super) struct Sums {
    schema: Schema,
    rows: u64,
    sums: Vec<u128>,
    products: Vec<u128>,
    missing: Vec<bool>,
    filled: Vec<usize>,
}

impl Sums {
    pub(super) fn new(schema: Schema) -> Self {
        let columns = schema.columns().len();
        Self {
            schema,
            rows: 0,
            sums: vec![0; columns],
            products: vec![0; columns * columns],
            missing: vec![false; columns],
            filled: Vec::with_capacity(columns),
        }
    }

    pub(super) fn add(&mut self, values: &[u32]) {
        self.rows += 1;
        // Most values are 0 and add nothing.
        self.filled.clear();
        for (column, value) in values.iter().enumerate() {
            match *value {
                MISSING => self.missing[column] = true,
                0 => {}
                _ => self.filled.push(column),
            }
        }
        for (rank, first) in self.filled.iter().enumerate() {
            let value = u128::from(values[*first]);
            self.sums[*first] += value;
            for second in &self.filled[rank..] {
                self.products[first * values.len() + second] += value * u128::from(values[*second]);
            }
        }
    }

    pub(super) fn correlations(&self) -> Correlations {
        let width = self.sums.len();
        // n Σxy − Σx Σy, as a float; only where it is divided does it lose anything.
        let covariance = |first: usize, second: usize| {
            let product = self.products[first.min(second) * width + first.max(second)];
            let together = u128::from(self.rows) * product;
            let apart = self.sums[first] * self.sums[second];
            if together >= apart {
                (together - apart) as f64
            } else {
                -((apart - together) as f64)
            }
        };
        let names = self.schema.columns();
        let columns: Vec<usize> = (0..width)
            .filter(|column| {
                !self.missing[*column]
                    && !SYMBOLIC.contains(&names[*column])
                    && covariance(*column, *column) > 0.0
            })
            .collect();
        let r = |first: usize, second: usize| {
            let spread = covariance(first, first).sqrt() * covariance(second, second).sqrt();
            (covariance(first, second) / spread).clamp(-1.0, 1.0)
        };
        let mut pairs: Vec<_> = columns
            .iter()
            .enumerate()
            .flat_map(|(rank, first)| {
                columns[rank + 1..]
                    .iter()
                    .map(move |second| (first, second))
            })
            .map(|(first, second)| CorrelatedPair {
                first: names[*first].to_owned(),
                second: names[*second].to_owned(),
                r: r(*first, *second),
            })
            .filter(|pair| pair.r.abs() > CORRELATED)
            .collect();
        // Stable: equals stay in column order.
        pairs.sort_by(|a, b| b.r.abs().total_cmp(&a.r.abs()));
        Correlations {
            matrix: columns
                .iter()
                .map(|first| columns.iter().map(|second| r(*first, *second)).collect())
                .collect(),
            columns: columns
                .iter()
                .map(|column| names[*column].to_owned())
                .collect(),
            pairs,
        }
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a failing unwrap is a failing test")]

    use proptest::prelude::*;

    use super::*;

    fn row(set: &[(&str, u32)]) -> Vec<u32> {
        let mut values = vec![0; Schema::Kdd41.columns().len()];
        for (name, value) in set {
            values[Schema::Kdd41.column(name).unwrap()] = *value;
        }
        values
    }

    #[test]
    fn constant_missing_and_symbolic_columns_are_left_out() {
        let mut sums = Sums::new(Schema::Kdd41);
        for value in [1, 2, 5] {
            sums.add(&row(&[
                ("count", value),
                ("srv_count", 3 * value + 1),
                ("hot", 10 - value),
                ("urgent", 4),
                ("service", value),
                ("land", if value == 2 { MISSING } else { value }),
            ]));
        }
        let found = sums.correlations();
        assert_eq!(found.columns, ["hot", "count", "srv_count"]);
        let strong: Vec<_> = found
            .pairs
            .iter()
            .map(|pair| (pair.first.as_str(), pair.second.as_str(), pair.r.round()))
            .collect();
        assert_eq!(
            strong,
            [
                ("hot", "count", -1.0),
                ("hot", "srv_count", -1.0),
                ("count", "srv_count", 1.0)
            ]
        );
    }

    proptest! {
        #[test]
        fn r_is_the_mean_product_of_standard_scores(
            values in proptest::collection::vec((0_u32..50, 0_u32..MISSING), 3..30),
        ) {
            let mut sums = Sums::new(Schema::Kdd41);
            for (x, y) in &values {
                sums.add(&row(&[("count", *x), ("src_bytes", *y)]));
            }
            let found = sums.correlations();
            let n = values.len() as f64;
            let (xs, ys): (Vec<f64>, Vec<f64>) =
                values.iter().map(|(x, y)| (f64::from(*x), f64::from(*y))).unzip();
            let score = |values: &[f64]| {
                let mean = values.iter().sum::<f64>() / n;
                let variance = values.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / n;
                values.iter().map(|x| (x - mean) / variance.sqrt()).collect::<Vec<_>>()
            };
            let expected: f64 =
                score(&xs).iter().zip(score(&ys)).map(|(x, y)| x * y).sum::<f64>() / n;
            if expected.is_finite() {
                prop_assert_eq!(&found.columns, &["src_bytes", "count"]);
                prop_assert!((found.matrix[0][1] - expected).abs() < 1e-9);
                prop_assert_eq!(found.matrix[0][1], found.matrix[1][0]);
                prop_assert!((found.matrix[0][0] - 1.0).abs() < 1e-12);
            } else {
                prop_assert!(found.columns.len() < 2);
            }
        }
    }
}
