//! One column: its range, its values by class, and what it tells about the class.

use std::collections::HashSet;

use serde::{Deserialize, Serialize};

use crate::{Class, Flag, KNOWN_COUNT, MISSING, Protocol, Schema, Service};

/// Bins of a counted column: one for 0, then four for every doubling.
const COUNT_BINS: usize = 1 + 32 * 4;

/// Bins of a rate: one for every percent.
const PERCENT_BINS: usize = 101;

/// What the values of a column are.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// Codes of names, without an order.
    Symbolic,
    /// Percent, `0..=100`.
    Rate,
    /// A whole number: a count, bytes, seconds, or 0 and 1.
    Count,
}

/// Values from `from` to `to` and the rows that have them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Bar {
    /// The value, the range of values, or the name.
    pub label: String,
    /// Rows by class, in the order of [`Class::KNOWN`].
    pub rows: [u64; KNOWN_COUNT],
}

/// A column of a file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ColumnSummary {
    /// Its name.
    pub name: String,
    /// What its values are.
    pub kind: Kind,
    /// The least value; absent if all are missing.
    pub least: Option<u32>,
    /// The greatest value.
    pub greatest: Option<u32>,
    /// The mean of what is not missing; of codes it means nothing and is absent.
    pub mean: Option<f64>,
    /// Rows with a 0.
    pub zeros: u64,
    /// Rows without a value.
    pub missing: u64,
    /// Distinct values.
    pub distinct_values: u64,
    /// Mutual information with the class, in bits: I(X; C) = Σ p(x, c) log2(p(x, c) / (p(x) p(c)))
    /// (Cover and Thomas, "Elements of information theory", 2006, 2.28), over names, single
    /// percents, and quarters of a doubling for counts. At most the entropy of the class.
    pub mutual_information: f64,
    /// The values by class: names, steps of 10 percent, or doublings. Empty bars at either end
    /// are left out, and of names all that do not occur.
    pub histogram: Vec<Bar>,
}

/// What [`ColumnSummary`] is made of, while rows come in.
pub(super) struct ColumnTally {
    name: &'static str,
    kind: Kind,
    bins: Vec<[u64; KNOWN_COUNT]>,
    missing: [u64; KNOWN_COUNT],
    values: HashSet<u32>,
    range: Option<(u32, u32)>,
    sum: u128,
    zeros: u64,
}

impl ColumnTally {
    pub(super) fn new(name: &'static str) -> Self {
        let (kind, bins) = match name {
            "protocol_type" => (Kind::Symbolic, Protocol::ALL.len()),
            "service" => (Kind::Symbolic, Service::names().len()),
            "flag" => (Kind::Symbolic, Flag::ALL.len()),
            rate if Schema::is_percent(rate) => (Kind::Rate, PERCENT_BINS),
            _ => (Kind::Count, COUNT_BINS),
        };
        Self {
            name,
            kind,
            bins: vec![[0; KNOWN_COUNT]; bins],
            missing: [0; KNOWN_COUNT],
            values: HashSet::new(),
            range: None,
            sum: 0,
            zeros: 0,
        }
    }

    pub(super) fn add(&mut self, value: u32, class: Class) {
        if value == MISSING {
            self.missing[class.index()] += 1;
            return;
        }
        let bin = match self.kind {
            Kind::Symbolic | Kind::Rate => value as usize,
            Kind::Count => count_bin(value),
        };
        let last = self.bins.len() - 1;
        self.bins[bin.min(last)][class.index()] += 1;
        self.values.insert(value);
        let (least, greatest) = self.range.unwrap_or((value, value));
        self.range = Some((least.min(value), greatest.max(value)));
        self.sum += u128::from(value);
        self.zeros += u64::from(value == 0);
    }

    pub(super) fn finish(self) -> ColumnSummary {
        let present: u64 = self.bins.iter().flatten().sum();
        let mean = present > 0 && self.kind != Kind::Symbolic;
        let missing = (self.missing != [0; KNOWN_COUNT]).then_some(self.missing);
        let joint: Vec<_> = self.bins.iter().copied().chain(missing).collect();
        ColumnSummary {
            name: self.name.to_owned(),
            kind: self.kind,
            least: self.range.map(|range| range.0),
            greatest: self.range.map(|range| range.1),
            mean: mean.then(|| self.sum as f64 / present as f64),
            zeros: self.zeros,
            missing: self.missing.iter().sum(),
            distinct_values: self.values.len() as u64,
            mutual_information: mutual_information(&joint),
            histogram: self.histogram(),
        }
    }

    fn histogram(&self) -> Vec<Bar> {
        let named = |names: &[&str]| {
            let bars = names.iter().zip(&self.bins).map(|(name, rows)| Bar {
                label: (*name).to_owned(),
                rows: *rows,
            });
            bars.filter(|bar| bar.rows != [0; KNOWN_COUNT]).collect()
        };
        match (self.kind, self.name) {
            (Kind::Symbolic, "protocol_type") => named(&Protocol::ALL.map(Protocol::name)),
            (Kind::Symbolic, "flag") => named(&Flag::ALL.map(Flag::name)),
            (Kind::Symbolic, _) => named(Service::names()),
            (Kind::Rate, _) => merged(&self.bins, 10, |step| match step {
                0 => "0".to_owned(),
                10 => "91–100".to_owned(),
                step => format!("{}–{}", step * 10 - 9, step * 10),
            }),
            (Kind::Count, _) => merged(&self.bins, 4, |step| match step {
                0 => "0".to_owned(),
                1 => "1".to_owned(),
                step => format!("{}–{}", 1_u64 << (step - 1), (1_u64 << step) - 1),
            }),
        }
    }
}

/// The first bin alone and then so many in one, without the empty ones at the end.
fn merged(bins: &[[u64; KNOWN_COUNT]], width: usize, label: impl Fn(usize) -> String) -> Vec<Bar> {
    let (zero, rest) = bins.split_at(1);
    let steps = zero.chunks(1).chain(rest.chunks(width));
    let mut bars: Vec<_> = steps
        .enumerate()
        .map(|(step, bins)| {
            let mut rows = [0; KNOWN_COUNT];
            for bin in bins {
                for (sum, count) in rows.iter_mut().zip(bin) {
                    *sum += count;
                }
            }
            Bar {
                label: label(step),
                rows,
            }
        })
        .collect();
    while bars.last().is_some_and(|bar| bar.rows == [0; KNOWN_COUNT]) {
        bars.pop();
    }
    bars
}

/// 0 for 0, then four bins for every doubling: by the position of the highest bit and the two
/// after it.
fn count_bin(value: u32) -> usize {
    if value == 0 {
        return 0;
    }
    let octave = value.ilog2();
    let quarter = ((u64::from(value) << 2) >> octave) & 3;
    1 + octave as usize * 4 + quarter as usize
}

/// Entropy of counts, in bits.
pub(super) fn entropy(counts: &[u64]) -> f64 {
    let total = counts.iter().sum::<u64>() as f64;
    let terms = counts.iter().filter(|count| **count > 0).map(|count| {
        let share = *count as f64 / total;
        -share * libm::log2(share)
    });
    terms.sum()
}

/// I(X; C) = H(C) − H(C | X), which is the formula of [`ColumnSummary::mutual_information`].
fn mutual_information(joint: &[[u64; KNOWN_COUNT]]) -> f64 {
    let mut classes = [0; KNOWN_COUNT];
    for bin in joint {
        for (sum, count) in classes.iter_mut().zip(bin) {
            *sum += count;
        }
    }
    let total = classes.iter().sum::<u64>() as f64;
    if total == 0.0 {
        return 0.0;
    }
    let left: f64 = joint
        .iter()
        .map(|bin| bin.iter().sum::<u64>() as f64 / total * entropy(bin))
        .sum();
    // Rounding may leave a little less than nothing.
    (entropy(&classes) - left).max(0.0)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn bins_double_and_quarter() {
        let bins: Vec<_> = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, u32::MAX - 1]
            .map(count_bin)
            .to_vec();
        assert_eq!(bins, [0, 1, 5, 7, 9, 10, 11, 12, 13, 13, 14, 128]);
    }

    #[test]
    fn a_count_column_by_hand() {
        let mut tally = ColumnTally::new("src_bytes");
        for (value, class) in [
            (0, Class::Normal),
            (0, Class::Dos),
            (5, Class::Normal),
            (MISSING, Class::Probe),
        ] {
            tally.add(value, class);
        }
        let found = tally.finish();
        assert_eq!((found.least, found.greatest), (Some(0), Some(5)));
        assert_eq!(found.mean, Some(5.0 / 3.0));
        assert_eq!(
            (found.zeros, found.missing, found.distinct_values),
            (2, 1, 2)
        );
        let bars: Vec<_> = found
            .histogram
            .iter()
            .map(|bar| (bar.label.as_str(), bar.rows))
            .collect();
        assert_eq!(
            bars,
            [
                ("0", [1, 1, 0, 0, 0]),
                ("1", [0; 5]),
                ("2–3", [0; 5]),
                ("4–7", [1, 0, 0, 0, 0])
            ]
        );
        // H(C) = 1.5 bits; only the two zeros (half of all rows) leave a bit open.
        assert_eq!(found.mutual_information, 1.0);
    }

    #[test]
    fn rates_and_names_have_bars_of_their_own() {
        let mut rate = ColumnTally::new("serror_rate");
        for value in [0, 1, 10, 11, 100] {
            rate.add(value, Class::Dos);
        }
        let bars = rate.finish().histogram;
        let filled: Vec<_> = bars
            .iter()
            .filter(|bar| bar.rows[1] > 0)
            .map(|bar| (bar.label.as_str(), bar.rows[1]))
            .collect();
        assert_eq!(filled, [("0", 1), ("1–10", 2), ("11–20", 1), ("91–100", 1)]);
        let mut flag = ColumnTally::new("flag");
        flag.add(Flag::REJ.code(), Class::Probe);
        let found = flag.finish();
        assert_eq!((found.mean, found.histogram.len()), (None, 1));
        assert_eq!(found.histogram[0].label, "REJ");
    }

    proptest! {
        #[test]
        fn mutual_information_is_the_textbooks(
            joint in proptest::collection::vec(proptest::array::uniform5(0_u64..50), 1..12),
        ) {
            let total = joint.iter().flatten().sum::<u64>() as f64;
            let of_class = |class: usize| joint.iter().map(|bin| bin[class]).sum::<u64>() as f64;
            let mut expected = 0.0;
            for bin in &joint {
                let of_bin = bin.iter().sum::<u64>() as f64;
                for (class, count) in bin.iter().enumerate().filter(|(_, count)| **count > 0) {
                    let p = *count as f64 / total;
                    expected += p * (p / (of_bin / total * of_class(class) / total)).log2();
                }
            }
            let found = mutual_information(&joint);
            prop_assert!((found - expected).abs() < 1e-9, "{} {}", found, expected);
        }
    }
}
