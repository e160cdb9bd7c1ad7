//! The search for a column's best boundary.

use std::ops::{AddAssign, Sub, SubAssign};

use crate::CLASS_COUNT;

/// The weight and the number of some rows in one integer, so that one addition sums both: the
/// number in the lower `bits`, the weight above.
pub(super) trait Sum:
    Copy + Default + PartialEq + AddAssign + Sub<Output = Self> + SubAssign
{
    fn of_row(weight: u64, bits: u32) -> Self;
    fn weight(self, bits: u32) -> u64;
    fn rows(self, bits: u32) -> u64;
}

macro_rules! sum {
    ($integer:ty) => {
        impl Sum for $integer {
            fn of_row(weight: u64, bits: u32) -> Self {
                Self::from(weight) << bits | 1
            }

            fn weight(self, bits: u32) -> u64 {
                (self >> bits) as u64
            }

            fn rows(self, bits: u32) -> u64 {
                (self & ((1 << bits) - 1)) as u64
            }
        }
    };
}

sum!(u64);
// For weights no real data has.
sum!(u128);

/// Sums by class.
pub(super) type Sums<S> = [S; CLASS_COUNT];

/// The best boundary so far.
pub(super) struct Best<S> {
    pub(super) column: usize,
    /// The last bin that goes left.
    pub(super) bin: u32,
    pub(super) threshold: u32,
    /// What goes left.
    pub(super) left: Sums<S>,
}

/// A node whose boundaries are tried.
pub(super) struct Search<S> {
    pub(super) best: Option<Best<S>>,
    sums: Sums<S>,
    bits: u32,
    min_leaf: u64,
    /// What a score must exceed.
    least: f64,
}

impl<S: Sum> Search<S> {
    pub(super) fn new(sums: &Sums<S>, bits: u32, min_leaf: u64) -> Self {
        Self {
            best: None,
            sums: *sums,
            bits,
            min_leaf,
            // A gain must exceed what rounding alone could make of none.
            least: purity(sums, bits) * (1.0 + 1e-12),
        }
    }

    /// Tries the boundary of every two neighbours of a column's occupied bins, which come in
    /// ascending order; whether there are two. Of equal scores the first one tried stays.
    pub(super) fn sweep(
        &mut self,
        column: usize,
        values: &[u32],
        occupied: impl Iterator<Item = (usize, Sums<S>)>,
    ) -> bool {
        let mut left = Sums::<S>::default();
        let mut before: Option<usize> = None;
        let mut boundary = false;
        for (bin, here) in occupied {
            if let Some(before) = before {
                boundary = true;
                if let Some(score) = self.score(&left).filter(|score| *score > self.least) {
                    let (low, high) = (values[before], values[bin]);
                    self.least = score;
                    self.best = Some(Best {
                        column,
                        bin: before as u32,
                        threshold: low + (high - low) / 2,
                        left,
                    });
                }
            }
            for (left, here) in left.iter_mut().zip(here) {
                *left += here;
            }
            before = Some(bin);
        }
        boundary
    }

    /// The purity of both sides; `None` if either has fewer than `min_leaf` rows.
    fn score(&self, left: &Sums<S>) -> Option<f64> {
        let right = without(&self.sums, left);
        let rows = |sums: &Sums<S>| sums.iter().map(|sum| sum.rows(self.bits)).sum::<u64>();
        (rows(left) >= self.min_leaf && rows(&right) >= self.min_leaf)
            .then(|| purity(left, self.bits) + purity(&right, self.bits))
    }
}

/// What a part leaves of a whole.
pub(super) fn without<S: Sum>(whole: &Sums<S>, part: &Sums<S>) -> Sums<S> {
    let mut rest = *whole;
    for (rest, part) in rest.iter_mut().zip(part) {
        *rest -= *part;
    }
    rest
}

/// Sum of squared class weights over the total: what Gini's impurity takes off the total.
pub(super) fn weighed(weights: &[u64; CLASS_COUNT]) -> f64 {
    let total: u64 = weights.iter().sum();
    let squares: f64 = weights
        .iter()
        .map(|weight| (*weight as f64) * (*weight as f64))
        .sum();
    if total == 0 {
        0.0
    } else {
        squares / total as f64
    }
}

fn purity<S: Sum>(sums: &Sums<S>, bits: u32) -> f64 {
    weighed(&sums.map(|sum| sum.weight(bits)))
}
