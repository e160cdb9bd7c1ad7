//! The growth of one tree.

use std::{iter, mem, ops::Range};

use super::{
    Params,
    bins::Bins,
    cart::Trainer,
    split::{Best, Search, Sum, Sums, without},
};
use crate::{CLASS_COUNT, MAX_COLUMNS, Split, TreeNode};

/// The set of columns is 64 bits.
const _: () = assert!(MAX_COLUMNS <= 64);

/// Columns of more values have no part in kept histograms: their bins would outnumber the rows
/// of most nodes.
const KEPT_VALUES: usize = 1024;

/// A histogram is kept for nodes with this many additions a bin; below, it would cost more to
/// clear and subtract than to fill.
const ADDITIONS_PER_BIN: usize = 4;

/// Grows a tree of some rows; `S` sums their weights.
pub(super) struct Grower<'a, S> {
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
    /// A bit for every bin of `histogram` that is not zero.
    occupied: Vec<u64>,
    /// Where the columns' bins are in a kept histogram; a column that has no part is as wide as
    /// nothing.
    kept: Vec<Range<usize>>,
    nodes: Vec<TreeNode>,
}

/// A node to grow from.
struct Seed<S> {
    rows: Range<usize>,
    depth: usize,
    sums: Sums<S>,
    /// The columns that may differ, a bit each.
    open: u64,
    /// The bins of the columns that have a part, if it is known already.
    kept: Option<Vec<Sums<S>>>,
}

impl<'a, S: Sum> Grower<'a, S> {
    pub(super) fn new(
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
        let mut end = 0;
        let kept = widths.clone().map(|width| {
            let start = end;
            end += if width > KEPT_VALUES { 0 } else { width };
            start..end
        });
        let widest = widths.clone().max().unwrap_or(0);
        Self {
            trainer,
            params,
            right: vec![0; rows.len()],
            order: rows,
            units,
            bits,
            histogram: vec![Sums::default(); widest],
            occupied: vec![0; widest.div_ceil(64)],
            kept: kept.collect(),
            nodes: Vec::new(),
        }
    }

    /// All nodes, the root first, every left child right after its parent.
    pub(super) fn tree(mut self) -> Vec<TreeNode> {
        let mut sums = Sums::default();
        for row in &self.order {
            let row = *row as usize;
            sums[usize::from(self.trainer.classes[row])] += self.units[row];
        }
        self.grow(Seed {
            rows: 0..self.order.len(),
            depth: 0,
            sums,
            open: u64::MAX >> (64 - self.trainer.columns.len()),
            kept: None,
        });
        self.nodes
    }

    /// Grows a subtree; gives its index.
    fn grow(&mut self, mut seed: Seed<S>) -> usize {
        let index = self.nodes.len();
        self.nodes.push(TreeNode {
            split: None,
            counts: [0; CLASS_COUNT],
            weights: [0; CLASS_COUNT],
        });
        let best = if self.is_leaf(&seed) {
            None
        } else {
            self.best_split(&mut seed)
        };
        let Some(best) = best else {
            self.close(index, seed.rows);
            return index;
        };
        let (column, threshold) = (best.column, best.threshold);
        let [left, right] = self.children(seed, best);
        let left = self.grow(left);
        let right = self.grow(right);
        for child in [left, right] {
            let TreeNode {
                counts, weights, ..
            } = self.nodes[child];
            self.add(index, &counts, &weights);
        }
        self.nodes[index].split = Some(Split {
            column,
            threshold,
            left,
            right,
        });
        index
    }

    fn is_leaf(&self, seed: &Seed<S>) -> bool {
        let present = seed.sums.iter().filter(|sum| **sum != S::default());
        present.count() <= 1
            || seed.depth == self.params.max_depth
            || (seed.rows.len() as u64) < self.params.min_leaf.saturating_mul(2)
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

    /// The split of the highest score; takes the columns that are constant out of the open ones.
    fn best_split(&mut self, seed: &mut Seed<S>) -> Option<Best<S>> {
        if seed.kept.is_none() && self.is_large(seed.rows.len(), seed.open) {
            seed.kept = Some(self.kept_histogram(seed.rows.clone(), seed.open));
        }
        let trainer = self.trainer;
        let mut search = Search::new(&seed.sums, self.bits, self.params.min_leaf);
        for column in bits(seed.open) {
            let values = &trainer.columns[column].values;
            let part = self.kept[column].clone();
            let differs = match &seed.kept {
                Some(kept) if !part.is_empty() => {
                    let bins = kept[part].iter().copied().enumerate();
                    let occupied = bins.filter(|(_, sums)| *sums != Sums::default());
                    search.sweep(column, values, occupied)
                }
                _ => {
                    let rows = &self.order[seed.rows.clone()];
                    let (histogram, occupied) = (&mut self.histogram, &mut self.occupied);
                    let add = |bin: usize, class: usize, unit| {
                        let sum = &mut histogram[bin][class];
                        if *sum == S::default() {
                            occupied[bin / 64] |= 1 << (bin % 64);
                        }
                        *sum += unit;
                    };
                    fill(trainer, column, rows, &self.units, add);
                    let words = self.occupied[..values.len().div_ceil(64)].iter_mut();
                    let occupied = words.enumerate().flat_map(|(word, occupied)| {
                        bits(mem::take(occupied)).map(move |bit| word * 64 + bit)
                    });
                    let histogram = &mut self.histogram;
                    let bins = occupied.map(|bin| (bin, mem::take(&mut histogram[bin])));
                    search.sweep(column, values, bins)
                }
            };
            if !differs {
                seed.open &= !(1 << column);
            }
        }
        search.best
    }

    /// Whether keeping a histogram of so many rows pays.
    fn is_large(&self, rows: usize, open: u64) -> bool {
        let columns = bits(open).filter(|column| !self.kept[*column].is_empty());
        rows * columns.count() >= ADDITIONS_PER_BIN * self.kept_bins()
    }

    fn kept_bins(&self) -> usize {
        self.kept.last().map_or(0, |last| last.end)
    }

    /// The bins of all open columns that have a part.
    fn kept_histogram(&self, rows: Range<usize>, open: u64) -> Vec<Sums<S>> {
        let mut kept = vec![Sums::default(); self.kept_bins()];
        for column in bits(open) {
            let part = self.kept[column].clone();
            if !part.is_empty() {
                let bins = &mut kept[part];
                let add = |bin: usize, class: usize, unit| bins[bin][class] += unit;
                let rows = &self.order[rows.clone()];
                fill(self.trainer, column, rows, &self.units, add);
            }
        }
        kept
    }

    /// Parts the rows. The histogram of the larger child is what the smaller one's leaves of the
    /// parent's.
    fn children(&mut self, seed: Seed<S>, best: Best<S>) -> [Seed<S>; 2] {
        let rows = seed.rows.clone();
        let middle = rows.start + self.partition(rows.clone(), &best);
        let child = |rows, sums| Seed {
            rows,
            depth: seed.depth + 1,
            sums,
            open: seed.open,
            kept: None,
        };
        let mut children = [
            child(rows.start..middle, best.left),
            child(middle..rows.end, without(&seed.sums, &best.left)),
        ];
        let [left, right] = &mut children;
        let (smaller, larger) = if left.rows.len() < right.rows.len() {
            (left, right)
        } else {
            (right, left)
        };
        if let Some(mut kept) = seed.kept
            && !self.is_leaf(larger)
            && self.is_large(larger.rows.len() - smaller.rows.len(), seed.open)
        {
            let part = self.kept_histogram(smaller.rows.clone(), seed.open);
            for column in bits(seed.open) {
                let columns = self.kept[column].clone();
                for (whole, part) in kept[columns.clone()].iter_mut().zip(&part[columns]) {
                    *whole = without(whole, part);
                }
            }
            larger.kept = Some(kept);
            if self.is_large(smaller.rows.len(), seed.open) && !self.is_leaf(smaller) {
                smaller.kept = Some(part);
            }
        }
        children
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

/// The bits set, ascending.
fn bits(mut word: u64) -> impl Iterator<Item = usize> {
    iter::from_fn(move || {
        (word != 0).then(|| {
            let bit = word.trailing_zeros() as usize;
            word &= word - 1;
            bit
        })
    })
}

/// Gives `add` the bin, the class and the unit of these rows.
fn fill<S: Copy>(
    trainer: &Trainer<'_>,
    column: usize,
    rows: &[u32],
    units: &[S],
    add: impl FnMut(usize, usize, S),
) {
    fn each<B: Copy + Into<u32>, S: Copy>(
        (bins, classes, units): (&[B], &[u8], &[S]),
        rows: &[u32],
        mut add: impl FnMut(usize, usize, S),
    ) {
        for row in rows {
            let row = *row as usize;
            let bin = bins[row].into() as usize;
            add(bin, usize::from(classes[row]), units[row]);
        }
    }
    let classes = &trainer.classes[..];
    match &trainer.columns[column].bins {
        Bins::Narrow(bins) => each((bins, classes, units), rows, add),
        Bins::Middle(bins) => each((bins, classes, units), rows, add),
        Bins::Wide(bins) => each((bins, classes, units), rows, add),
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
