//! An exact, deterministic decision-tree trainer.
//!
//! Every boundary between two values that occur in a node is considered, on every column. Weights
//! are integers, so sums do not depend on their order; equal scores go to the first column and
//! the lowest threshold. The same rows give the same tree, on any machine.
//!
//! A node costs one addition a row and column, and a step for every value that occurs: columns
//! are indices into their distinct values, rows a range of one array that is partitioned in place,
//! and a column that is constant in a node is left alone below it. Beside the dataset a row costs
//! 1, 2 or 4 bytes a column and 17 bytes.

use std::{
    mem,
    ops::{AddAssign, Range, Sub},
};

use super::{
    Balance, CheckedParams, Dataset, Params, ParamsError,
    bins::{Bins, Column, columns},
    prune::pruned,
};
use crate::{CLASS_COUNT, MAX_COLUMNS, Split, TreeNode};

/// The set of columns is 64 bits.
const _: () = assert!(MAX_COLUMNS <= 64);

impl CheckedParams {
    /// Grows and prunes a tree; its nodes, the root first, every left child right after its
    /// parent.
    ///
    /// # Errors
    ///
    /// [`ParamsError::NoRows`] for an empty dataset, [`ParamsError::OneClass`] if all rows are of
    /// one class: there is nothing to tell apart.
    pub fn fit(&self, data: &Dataset) -> Result<Vec<TreeNode>, ParamsError> {
        let first = data.rows.first().ok_or(ParamsError::NoRows)?.class;
        if data.rows.iter().all(|row| row.class == first) {
            return Err(ParamsError::OneClass(first));
        }
        let rows = (0..data.rows.len() as u32).collect();
        let nodes = Trainer::new(data).grow(rows, self.0)?;
        Ok(pruned(&nodes, self.0.alpha))
    }
}

/// A dataset prepared for any number of fits, each on some of its rows.
pub(super) struct Trainer<'a> {
    data: &'a Dataset,
    columns: Vec<Column>,
    classes: Vec<u8>,
}

impl<'a> Trainer<'a> {
    pub(super) fn new(data: &'a Dataset) -> Self {
        Self {
            data,
            columns: columns(data),
            classes: data.rows.iter().map(|row| row.class as u8).collect(),
        }
    }

    /// Grows a tree of these rows, each named once, as if the dataset had no others; a single
    /// leaf if they are of one class. It is not pruned.
    ///
    /// # Errors
    ///
    /// [`ParamsError::NoRows`].
    pub(super) fn grow(
        &self,
        rows: Vec<u32>,
        params: Params,
    ) -> Result<Vec<TreeNode>, ParamsError> {
        if rows.is_empty() {
            return Err(ParamsError::NoRows);
        }
        let factors = self.factors(&rows, params.balance);
        let weight = |row: u32| {
            let row = &self.data.rows[row as usize];
            ((row.weight as f64 * factors[row.class.index()]).round() as u64).max(1)
        };
        let total: u128 = rows.iter().map(|row| u128::from(weight(*row))).sum();
        let bits = usize::BITS - rows.len().leading_zeros();
        Ok(if total >> (u64::BITS - bits) == 0 {
            Grower::<u64>::new(self, params, rows, bits, weight).tree()
        } else {
            Grower::<u128>::new(self, params, rows, u64::BITS, weight).tree()
        })
    }

    /// What balances the classes of these rows, by class.
    fn factors(&self, rows: &[u32], balance: Balance) -> [f64; CLASS_COUNT] {
        let mut classes = [0; CLASS_COUNT];
        for row in rows {
            let row = &self.data.rows[*row as usize];
            classes[row.class.index()] += row.weight;
        }
        let present = classes.iter().filter(|weight| **weight > 0).count().max(1);
        let mean = classes.iter().sum::<u64>() as f64 / present as f64;
        classes.map(|class| balance.factor(class, mean))
    }
}

/// The weight and the number of some rows in one integer, so that one addition sums both: the
/// number in the lower `bits`, the weight above.
trait Sum: Copy + Default + PartialEq + AddAssign + Sub<Output = Self> {
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
type Sums<S> = [S; CLASS_COUNT];

struct Best<S> {
    score: f64,
    column: usize,
    /// The last bin that goes left.
    bin: u32,
    threshold: u32,
    left: Sums<S>,
}

struct Grower<'a, S> {
    trainer: &'a Trainer<'a>,
    params: Params,
    /// Rows of the tree; a node's are a range, in ascending order.
    order: Vec<u32>,
    /// Room to partition a range.
    right: Vec<u32>,
    /// What each row of the dataset adds when a split is chosen: its weight, balanced over the
    /// classes.
    units: Vec<S>,
    bits: u32,
    /// By bin of the column at hand; all zero between columns.
    histogram: Vec<Sums<S>>,
    /// A bit for every bin that is not zero.
    occupied: Vec<u64>,
    nodes: Vec<TreeNode>,
}

impl<'a, S: Sum> Grower<'a, S> {
    fn new(
        trainer: &'a Trainer<'a>,
        params: Params,
        rows: Vec<u32>,
        bits: u32,
        weight: impl Fn(u32) -> u64,
    ) -> Self {
        let mut units = vec![S::default(); trainer.classes.len()];
        for row in &rows {
            units[*row as usize] = S::of_row(weight(*row), bits);
        }
        let widths = trainer.columns.iter().map(|column| column.values.len());
        let widest = widths.max().unwrap_or(0);
        Self {
            trainer,
            params,
            right: vec![0; rows.len()],
            order: rows,
            units,
            bits,
            histogram: vec![Sums::default(); widest],
            occupied: vec![0; widest.div_ceil(64)],
            nodes: Vec::new(),
        }
    }

    fn tree(mut self) -> Vec<TreeNode> {
        let mut sums = Sums::default();
        for row in &self.order {
            let row = *row as usize;
            sums[usize::from(self.trainer.classes[row])] += self.units[row];
        }
        let all = u64::MAX >> (64 - self.trainer.columns.len());
        self.grow(0..self.order.len(), 0, &sums, all);
        self.nodes
    }

    /// Grows the subtree of these rows; gives its index. `open` are the columns that may differ.
    fn grow(&mut self, rows: Range<usize>, depth: usize, sums: &Sums<S>, mut open: u64) -> usize {
        let index = self.nodes.len();
        self.nodes.push(TreeNode {
            split: None,
            counts: [0; CLASS_COUNT],
            weights: [0; CLASS_COUNT],
        });
        let pure = sums.iter().filter(|sum| **sum != S::default()).count() <= 1;
        let few = (rows.len() as u64) < self.params.min_leaf.saturating_mul(2);
        let best = if pure || few || depth == self.params.max_depth {
            None
        } else {
            self.best_split(rows.clone(), sums, &mut open)
        };
        let Some(best) = best else {
            self.close(index, rows);
            return index;
        };
        let middle = rows.start + self.partition(rows.clone(), &best);
        let mut rest = *sums;
        for (rest, left) in rest.iter_mut().zip(best.left) {
            *rest = *rest - left;
        }
        let left = self.grow(rows.start..middle, depth + 1, &best.left, open);
        let right = self.grow(middle..rows.end, depth + 1, &rest, open);
        for child in [left, right] {
            let TreeNode {
                counts, weights, ..
            } = self.nodes[child];
            self.add(index, &counts, &weights);
        }
        self.nodes[index].split = Some(Split {
            column: best.column,
            threshold: best.threshold,
            left,
            right,
        });
        index
    }

    /// Makes a leaf of these rows.
    fn close(&mut self, leaf: usize, rows: Range<usize>) {
        let mut counts = [0; CLASS_COUNT];
        let mut weights = [0; CLASS_COUNT];
        for row in &self.order[rows] {
            let row = &self.trainer.data.rows[*row as usize];
            counts[row.class.index()] += row.count;
            weights[row.class.index()] += row.weight;
        }
        self.add(leaf, &counts, &weights);
    }

    fn add(&mut self, node: usize, counts: &[u64; CLASS_COUNT], weights: &[u64; CLASS_COUNT]) {
        let node = &mut self.nodes[node];
        for class in 0..CLASS_COUNT {
            node.counts[class] += counts[class];
            node.weights[class] += weights[class];
        }
    }

    /// The split of the highest score; takes the columns that are constant out of `open`.
    fn best_split(
        &mut self,
        rows: Range<usize>,
        sums: &Sums<S>,
        open: &mut u64,
    ) -> Option<Best<S>> {
        // A gain must exceed what rounding alone could make of none.
        let none = purity(sums, self.bits) * (1.0 + 1e-12);
        let mut best: Option<Best<S>> = None;
        let mut left = *open;
        while left != 0 {
            let column = left.trailing_zeros() as usize;
            left &= left - 1;
            match &self.trainer.columns[column].bins {
                Bins::Narrow(bins) => self.fill(bins, rows.clone()),
                Bins::Middle(bins) => self.fill(bins, rows.clone()),
                Bins::Wide(bins) => self.fill(bins, rows.clone()),
            }
            if !self.sweep(column, sums, none, &mut best) {
                *open &= !(1 << column);
            }
        }
        best
    }

    fn fill<B: Copy + Into<u32>>(&mut self, bins: &[B], rows: Range<usize>) {
        let classes = &self.trainer.classes[..];
        let units = &self.units[..];
        for row in &self.order[rows] {
            let row = *row as usize;
            let bin = bins[row].into() as usize;
            let sum = &mut self.histogram[bin][usize::from(classes[row])];
            if *sum == S::default() {
                self.occupied[bin / 64] |= 1 << (bin % 64);
            }
            *sum += units[row];
        }
    }

    /// Tries every boundary between two occupied bins, in ascending order, and clears the
    /// histogram behind itself; whether there was a boundary.
    fn sweep(
        &mut self,
        column: usize,
        sums: &Sums<S>,
        none: f64,
        best: &mut Option<Best<S>>,
    ) -> bool {
        let values = &self.trainer.columns[column].values;
        let mut left = Sums::<S>::default();
        let mut before: Option<usize> = None;
        let mut boundary = false;
        for (word, bits) in self.occupied[..values.len().div_ceil(64)]
            .iter_mut()
            .enumerate()
        {
            let mut bits = mem::take(bits);
            while bits != 0 {
                let bin = word * 64 + bits.trailing_zeros() as usize;
                bits &= bits - 1;
                if let Some(before) = before {
                    boundary = true;
                    let least = best.as_ref().map_or(none, |best| best.score);
                    let score = score(&left, sums, self.bits, self.params.min_leaf);
                    if let Some(score) = score.filter(|score| *score > least) {
                        let (low, high) = (values[before], values[bin]);
                        *best = Some(Best {
                            score,
                            column,
                            bin: before as u32,
                            threshold: low + (high - low) / 2,
                            left,
                        });
                    }
                }
                for (left, here) in left.iter_mut().zip(mem::take(&mut self.histogram[bin])) {
                    *left += here;
                }
                before = Some(bin);
            }
        }
        boundary
    }

    /// Moves the rows that go left before the others, either in their order; how many they are.
    fn partition(&mut self, rows: Range<usize>, best: &Best<S>) -> usize {
        let (rows, right) = (&mut self.order[rows], &mut self.right);
        match &self.trainer.columns[best.column].bins {
            Bins::Narrow(bins) => partition(rows, right, bins, best.bin),
            Bins::Middle(bins) => partition(rows, right, bins, best.bin),
            Bins::Wide(bins) => partition(rows, right, bins, best.bin),
        }
    }
}

fn partition<B: Copy + Into<u32>>(
    rows: &mut [u32],
    right: &mut [u32],
    bins: &[B],
    last: u32,
) -> usize {
    let mut lefts = 0;
    for at in 0..rows.len() {
        let row = rows[at];
        let goes_left = bins[row as usize].into() <= last;
        // Both are written and one counts: a branch here would be a coin toss.
        rows[lefts] = row;
        right[at - lefts] = row;
        lefts += usize::from(goes_left);
    }
    let rights = rows.len() - lefts;
    rows[lefts..].copy_from_slice(&right[..rights]);
    lefts
}

/// Sum of squared class weights over the total: what Gini's impurity takes off the total.
fn purity<S: Sum>(sums: &Sums<S>, bits: u32) -> f64 {
    weighed(&sums.map(|sum| sum.weight(bits)))
}

/// As [`purity`], of class weights.
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

/// The purity of both sides; `None` if either has fewer than `min_leaf` rows.
fn score<S: Sum>(left: &Sums<S>, sums: &Sums<S>, bits: u32, min_leaf: u64) -> Option<f64> {
    let mut right = *sums;
    let (mut left_rows, mut right_rows) = (0, 0);
    for (right, left) in right.iter_mut().zip(left) {
        *right = *right - *left;
        left_rows += left.rows(bits);
        right_rows += right.rows(bits);
    }
    (left_rows >= min_leaf && right_rows >= min_leaf)
        .then(|| purity(left, bits) + purity(&right, bits))
}
