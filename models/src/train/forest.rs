//! A trainer of bounded forests of extremely randomised trees.
//!
//! Geurts, Ernst and Wehenkel, "Extremely randomized trees" (2006): every node draws some
//! columns and one threshold each, and takes the best. Thresholds are drawn among the distinct
//! values of the training data, since KDD's byte counts span nine decades. A tree grows where it
//! gains most until it has its leaves, so the forest's size is known beforehand.
//!
//! Weights are integers and every tree has its own random stream: the same rows and seed give
//! the same forest, on any machine and any number of threads.

use std::{
    cmp::Ordering,
    collections::BinaryHeap,
    num::NonZeroUsize,
    sync::atomic::{AtomicUsize, Ordering::Relaxed},
    thread,
};

use super::{Balance, Dataset, ParamsError, cart::balanced, random::Random};
use crate::{
    CLASS_COUNT, Class, MAX_DEPTH,
    format::{ForestNode, ForestParameters, SHARE_UNIT},
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
}

impl Default for ForestParams {
    fn default() -> Self {
        Self {
            trees: 32,
            leaves: 1024,
            columns: 8,
            min_leaf: 2,
            sample_percent: 100,
            balance: Balance::Sqrt,
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
    let table = Table::new(data, params.balance);
    let mut trees: Vec<Vec<ForestNode>> = vec![Vec::new(); params.trees];
    let next = AtomicUsize::new(0);
    let threads = thread::available_parallelism().map_or(1, NonZeroUsize::get);
    let (table, next) = (&table, &next);
    let grown: Vec<(usize, Vec<ForestNode>)> = thread::scope(|scope| {
        let workers: Vec<_> = (0..threads.min(params.trees))
            .map(|_| {
                scope.spawn(move || {
                    let mut grown = Vec::new();
                    loop {
                        let tree = next.fetch_add(1, Relaxed);
                        if tree >= params.trees {
                            return grown;
                        }
                        let stream = seed.wrapping_mul(1 << 20).wrapping_add(tree as u64);
                        grown.push((tree, grow(table, params, Random::new(stream))));
                    }
                })
            })
            .collect();
        workers
            .into_iter()
            .flat_map(|worker| {
                // A panic in a worker is a bug: pass it on.
                worker
                    .join()
                    .unwrap_or_else(|panic| std::panic::resume_unwind(panic))
            })
            .collect()
    });
    for (tree, nodes) in grown {
        trees[tree] = nodes;
    }
    Ok(ForestParameters {
        baseline: baseline(data),
        trees,
    })
}

/// The most usual value of every column among normal rows (among all rows without any), counted
/// by weight: the lowest of several.
pub(super) fn baseline(data: &Dataset) -> Vec<u32> {
    let any_normal = data.rows.iter().any(|row| row.class == Class::Normal);
    (0..data.schema.columns().len())
        .map(|column| {
            let mut weights = std::collections::BTreeMap::<u32, u64>::new();
            for row in &data.rows {
                if row.class == Class::Normal || !any_normal {
                    *weights.entry(row.features.value(column)).or_default() += row.weight;
                }
            }
            let best = weights
                .iter()
                .max_by_key(|(value, weight)| (**weight, std::cmp::Reverse(**value)));
            best.map_or(0, |(value, _)| *value).min(crate::MISSING - 1)
        })
        .collect()
}

type Weights = [u64; CLASS_COUNT];

/// The rows by column, values as indices into the sorted distinct ones.
struct Table {
    columns: Vec<Column>,
    classes: Vec<u8>,
    weights: Vec<u64>,
}

struct Column {
    values: Vec<u32>,
    bins: Vec<u32>,
}

impl Table {
    fn new(data: &Dataset, balance: Balance) -> Self {
        let columns = (0..data.schema.columns().len())
            .map(|column| {
                let raw = || data.rows.iter().map(|row| row.features.value(column));
                let mut values: Vec<u32> = raw().collect();
                values.sort_unstable();
                values.dedup();
                let bins = raw()
                    .map(|value| values.partition_point(|known| *known < value) as u32)
                    .collect();
                Column { values, bins }
            })
            .collect();
        Self {
            columns,
            classes: data.rows.iter().map(|row| row.class as u8).collect(),
            weights: balanced(data, balance),
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
}

/// A leaf that could be split, and how.
struct Candidate {
    gain: f64,
    node: usize,
    /// Its rows, as a range of the tree's array.
    rows: std::ops::Range<usize>,
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
    split: Option<(usize, u32, usize, usize)>,
}

fn grow(table: &Table, params: &ForestParams, mut random: Random) -> Vec<ForestNode> {
    let mut rows: Vec<u32> = (0..table.classes.len() as u32)
        .filter(|_| random.next() % 100 < params.sample_percent)
        .collect();
    let mut nodes = vec![Node {
        weights: table.sum(&rows),
        depth: 0,
        split: None,
    }];
    let mut open = BinaryHeap::new();
    let all = 0..rows.len();
    open.extend(draw(table, params, &nodes, 0, all, &rows, &mut random));
    let mut leaves = 1;
    while leaves < params.leaves {
        let Some(best) = open.pop() else { break };
        let bins = &table.columns[best.column].bins;
        let part = &mut rows[best.rows.clone()];
        // Stable, so that the order of rows depends on nothing but the splits.
        let (mut left, right): (Vec<u32>, Vec<u32>) =
            part.iter().partition(|row| bins[**row as usize] <= best.bin);
        let middle = best.rows.start + left.len();
        left.extend(right);
        part.copy_from_slice(&left);
        let children = [best.rows.start..middle, middle..best.rows.end];
        let first = nodes.len();
        let values = &table.columns[best.column].values;
        let (low, high) = (values[best.bin as usize], values[best.bin as usize + 1]);
        nodes[best.node].split = Some((best.column, low + (high - low) / 2, first, first + 1));
        for range in &children {
            nodes.push(Node {
                weights: table.sum(&rows[range.clone()]),
                depth: nodes[best.node].depth + 1,
                split: None,
            });
        }
        for (child, range) in children.into_iter().enumerate() {
            let node = first + child;
            open.extend(draw(table, params, &nodes, node, range, &rows, &mut random));
        }
        leaves += 1;
    }
    flatten(&nodes)
}

/// The best of the columns and thresholds drawn for a node; `None` if there is nothing to gain.
fn draw(
    table: &Table,
    params: &ForestParams,
    nodes: &[Node],
    node: usize,
    range: std::ops::Range<usize>,
    rows: &[u32],
    random: &mut Random,
) -> Option<Candidate> {
    let sum = &nodes[node].weights;
    let part = &rows[range.clone()];
    if nodes[node].depth == MAX_DEPTH
        || part.len() < 2 * params.min_leaf
        || sum.iter().filter(|weight| **weight > 0).count() < 2 {
        return None;
    }
    let mut order: Vec<usize> = (0..table.columns.len()).collect();
    let mut best: Option<Candidate> = None;
    let mut drawn = 0;
    for turn in 0..order.len() {
        if drawn == params.columns {
            break;
        }
        let pick = turn + random.below(order.len() - turn);
        order.swap(turn, pick);
        let column = order[turn];
        let bins = &table.columns[column].bins;
        let (mut low, mut high) = (u32::MAX, 0);
        for row in part {
            let bin = bins[*row as usize];
            low = low.min(bin);
            high = high.max(bin);
        }
        if low == high {
            // A constant column does not count as drawn.
            continue;
        }
        drawn += 1;
        let bin = low + random.below((high - low) as usize) as u32;
        let mut left = Weights::default();
        let mut left_rows = 0;
        for row in part {
            let row = *row as usize;
            let goes = bins[row] <= bin;
            left_rows += usize::from(goes);
            left[usize::from(table.classes[row])] += if goes { table.weights[row] } else { 0 };
        }
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
    best
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
    let mut shares = weights.map(|weight| {
        (u128::from(weight) * u128::from(SHARE_UNIT) / total.max(1)) as u32
    });
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
