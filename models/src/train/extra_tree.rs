//! One extremely randomised tree.

use std::{array, cmp::Ordering, collections::BinaryHeap, ops::Range};

use super::{
    Dataset, ForestParams,
    bins::{Bins, Column, columns},
    dataset::weights_by_class,
    forest::columns_of,
    random::Random,
};
use crate::{
    CLASS_COUNT, MAX_DEPTH,
    format::{ForestNode, SHARE_UNIT},
};

type Weights = [u64; CLASS_COUNT];

/// Rows whose values are looked at before it is asked whether that is enough.
const BLOCK: usize = 256;

/// The rows by column, values as indices into the sorted distinct ones.
pub(super) struct Table {
    columns: Vec<Column>,
    /// Indices of the columns that may be asked.
    in_use: Vec<usize>,
    classes: Vec<u8>,
    /// Row weights with the classes balanced.
    weights: Vec<u64>,
}

impl Table {
    pub(super) fn new(data: &Dataset, params: &ForestParams) -> Self {
        let factors = params.balance.factors(weights_by_class(&data.rows));
        let weights = data.rows.iter().map(|row| row.balanced(&factors));
        Self {
            columns: columns(data),
            in_use: columns_of(data, params.content),
            classes: data.rows.iter().map(|row| row.class as u8).collect(),
            weights: weights.collect(),
        }
    }

    /// These rows alone, in their order: what a tree asks of them lies closer together.
    fn only(&self, rows: &[u32]) -> Self {
        let columns = self.columns.iter().map(|column| Column {
            values: column.values.clone(),
            bins: match &column.bins {
                Bins::Narrow(bins) => Bins::Narrow(pick(bins, rows)),
                Bins::Middle(bins) => Bins::Middle(pick(bins, rows)),
                Bins::Wide(bins) => Bins::Wide(pick(bins, rows)),
            },
        });
        Self {
            columns: columns.collect(),
            in_use: self.in_use.clone(),
            classes: pick(&self.classes, rows),
            weights: pick(&self.weights, rows),
        }
    }

    fn sum(&self, rows: &[u32]) -> Weights {
        let mut sum = Weights::default();
        for row in rows {
            let row = *row as usize;
            sum[usize::from(self.classes[row])] += self.weights[row];
        }
        sum
    }

    /// Where each class's rows end, of rows in the order of classes.
    fn runs(&self, rows: &[u32]) -> [usize; CLASS_COUNT] {
        array::from_fn(|class| {
            rows.partition_point(|row| usize::from(self.classes[*row as usize]) <= class)
        })
    }
}

fn pick<T: Copy>(of: &[T], rows: &[u32]) -> Vec<T> {
    rows.iter().map(|row| of[*row as usize]).collect()
}

/// A leaf that could be split, and how.
struct Candidate {
    gain: f64,
    node: usize,
    /// Its rows, as a range of the tree's array.
    rows: Range<usize>,
    column: usize,
    bin: u32,
}

impl PartialEq for Candidate {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Candidate {}

impl PartialOrd for Candidate {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Candidate {
    /// The greatest gain first, of equals the older node.
    fn cmp(&self, other: &Self) -> Ordering {
        self.gain
            .total_cmp(&other.gain)
            .then(other.node.cmp(&self.node))
    }
}

/// A node while its tree grows.
struct Node {
    weights: Weights,
    depth: usize,
    /// A bit for every column known to have one value here, and so below.
    constant: u64,
    split: Option<(usize, u32, usize, usize)>,
}

pub(super) fn grow(table: &Table, params: &ForestParams, mut random: Random) -> Vec<ForestNode> {
    let mut rows: Vec<u32> = (0..table.classes.len() as u32)
        .filter(|_| random.next() % 100 < params.sample_percent)
        .collect();
    // Class by class, and partitioning is stable: the rows of a node are runs of one class each.
    rows.sort_by_key(|row| table.classes[*row as usize]);
    let table = &table.only(&rows);
    let mut rows: Vec<u32> = (0..rows.len() as u32).collect();
    let mut nodes = vec![Node {
        weights: table.sum(&rows),
        depth: 0,
        constant: 0,
        split: None,
    }];
    let mut open = BinaryHeap::new();
    let all = 0..rows.len();
    open.extend(draw(table, params, &mut nodes, 0, all, &rows, &mut random));
    let mut leaves = 1;
    while leaves < params.leaves {
        let Some(best) = open.pop() else { break };
        let part = &mut rows[best.rows.clone()];
        let left = match &table.columns[best.column].bins {
            Bins::Narrow(bins) => partition(bins, part, best.bin),
            Bins::Middle(bins) => partition(bins, part, best.bin),
            Bins::Wide(bins) => partition(bins, part, best.bin),
        };
        let middle = best.rows.start + left;
        let children = [best.rows.start..middle, middle..best.rows.end];
        let first = nodes.len();
        let values = &table.columns[best.column].values;
        let (low, high) = (values[best.bin as usize], values[best.bin as usize + 1]);
        nodes[best.node].split = Some((best.column, low + (high - low) / 2, first, first + 1));
        for range in &children {
            nodes.push(Node {
                weights: table.sum(&rows[range.clone()]),
                depth: nodes[best.node].depth + 1,
                constant: nodes[best.node].constant,
                split: None,
            });
        }
        for (child, range) in children.into_iter().enumerate() {
            let node = first + child;
            open.extend(draw(
                table,
                params,
                &mut nodes,
                node,
                range,
                &rows,
                &mut random,
            ));
        }
        leaves += 1;
    }
    flatten(&nodes)
}

/// The best of the columns and thresholds drawn for a node; `None` if there is nothing to gain.
fn draw(
    table: &Table,
    params: &ForestParams,
    nodes: &mut [Node],
    node: usize,
    range: Range<usize>,
    rows: &[u32],
    random: &mut Random,
) -> Option<Candidate> {
    let sum = &nodes[node].weights;
    let mut constant = nodes[node].constant;
    let part = &rows[range.clone()];
    if nodes[node].depth == MAX_DEPTH
        || part.len() < 2 * params.min_leaf
        || sum.iter().filter(|weight| **weight > 0).count() < 2
    {
        return None;
    }
    let runs = table.runs(part);
    let mut order = table.in_use.clone();
    let mut best: Option<Candidate> = None;
    let mut drawn = 0;
    for turn in 0..order.len() {
        if drawn == params.columns {
            break;
        }
        let pick = turn + random.below(order.len() - turn);
        order.swap(turn, pick);
        let column = order[turn];
        // A constant column does not count as drawn.
        if constant >> column & 1 == 1 {
            continue;
        }
        let bins = &table.columns[column].bins;
        let last = table.columns[column].values.len() as u32 - 1;
        let (low, high) = match bins {
            Bins::Narrow(bins) => span(bins, part, last),
            Bins::Middle(bins) => span(bins, part, last),
            Bins::Wide(bins) => span(bins, part, last),
        };
        if low == high {
            constant |= 1 << column;
            continue;
        }
        drawn += 1;
        let bin = low + random.below((high - low) as usize) as u32;
        let (left, left_rows) = match bins {
            Bins::Narrow(bins) => left_of(table, bins, part, &runs, bin),
            Bins::Middle(bins) => left_of(table, bins, part, &runs, bin),
            Bins::Wide(bins) => left_of(table, bins, part, &runs, bin),
        };
        if left_rows < params.min_leaf || part.len() - left_rows < params.min_leaf {
            continue;
        }
        let mut right = *sum;
        for (rest, gone) in right.iter_mut().zip(left) {
            *rest -= gone;
        }
        let gain = purity(&left) + purity(&right) - purity(sum);
        if gain > best.as_ref().map_or(1e-6, |best| best.gain) {
            best = Some(Candidate {
                gain,
                node,
                rows: range.clone(),
                column,
                bin,
            });
        }
    }
    nodes[node].constant = constant;
    best
}

/// The lowest and the highest bin of these rows, of the bins 0 to `last`.
fn span<T: Copy + Into<u32>>(bins: &[T], rows: &[u32], last: u32) -> (u32, u32) {
    let (mut low, mut high) = (u32::MAX, 0);
    for block in rows.chunks(BLOCK) {
        for row in block {
            let bin = bins[*row as usize].into();
            (low, high) = (low.min(bin), high.max(bin));
        }
        if (low, high) == (0, last) {
            break;
        }
    }
    (low, high)
}

/// Weights and number of the rows up to and including a bin; `runs` are the classes' ends.
fn left_of<T: Copy + Into<u32>>(
    table: &Table,
    bins: &[T],
    rows: &[u32],
    runs: &[usize; CLASS_COUNT],
    bin: u32,
) -> (Weights, usize) {
    let (mut left, mut count) = (Weights::default(), 0);
    let mut start = 0;
    for (left, end) in left.iter_mut().zip(runs) {
        for row in &rows[start..*end] {
            let row = *row as usize;
            let goes = bins[row].into() <= bin;
            count += usize::from(goes);
            *left += if goes { table.weights[row] } else { 0 };
        }
        start = *end;
    }
    (left, count)
}

/// Moves the rows up to and including a bin to the front; gives their number. Stable, so that
/// the order of rows depends on nothing but the splits.
fn partition<T: Copy + Into<u32>>(bins: &[T], rows: &mut [u32], bin: u32) -> usize {
    let (mut left, right): (Vec<u32>, Vec<u32>) = rows
        .iter()
        .partition(|row| bins[**row as usize].into() <= bin);
    let middle = left.len();
    left.extend(right);
    rows.copy_from_slice(&left);
    middle
}

/// Sum of squared class weights over the total: what Gini's impurity takes off the total.
fn purity(weights: &Weights) -> f64 {
    let total: u64 = weights.iter().sum();
    if total == 0 {
        return 0.0;
    }
    let squares: f64 = weights
        .iter()
        .map(|weight| *weight as f64 * *weight as f64)
        .sum();
    squares / total as f64
}

/// The nodes in the order of a walk that goes left first.
fn flatten(nodes: &[Node]) -> Vec<ForestNode> {
    let mut flat = Vec::with_capacity(nodes.len());
    let mut waiting = vec![(0, None)];
    while let Some((node, parent)) = waiting.pop() {
        let at = flat.len() as u32;
        if let Some(parent) = parent
            && let Some(ForestNode::Split([.., right])) = flat.get_mut::<usize>(parent)
        {
            *right = at;
        }
        let node: &Node = &nodes[node];
        match node.split {
            Some((column, threshold, left, right)) => {
                flat.push(ForestNode::Split([column as u32, threshold, 0]));
                waiting.push((right, Some(at as usize)));
                waiting.push((left, None));
            }
            None => flat.push(ForestNode::Leaf(shares(&node.weights))),
        }
    }
    flat
}

/// Class shares in parts of [`SHARE_UNIT`]; what rounding down loses goes to the largest.
fn shares(weights: &Weights) -> [u32; CLASS_COUNT] {
    let total: u128 = weights.iter().map(|weight| u128::from(*weight)).sum();
    let mut shares =
        weights.map(|weight| (u128::from(weight) * u128::from(SHARE_UNIT) / total.max(1)) as u32);
    let lost = SHARE_UNIT - shares.iter().sum::<u32>();
    let mut largest = 0;
    for class in 1..CLASS_COUNT {
        if weights[class] > weights[largest] {
            largest = class;
        }
    }
    shares[largest] += lost;
    shares
}
