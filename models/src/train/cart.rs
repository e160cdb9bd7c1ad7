//! An exact, deterministic decision-tree trainer.
//!
//! Every boundary between two values that occur in a node is considered, on every column. Weights
//! are integers, so sums do not depend on their order; equal scores go to the first column and
//! the lowest threshold. The same rows give the same tree, on any machine.

use super::{Balance, CheckedParams, Dataset, Params, ParamsError};
use crate::{CLASS_COUNT, Split, TreeNode};

impl CheckedParams {
    /// Grows and prunes a tree; its nodes, the root first, every left child right after its
    /// parent.
    ///
    /// # Errors
    ///
    /// [`ParamsError::NoRows`] for an empty dataset.
    pub fn fit(&self, data: &Dataset) -> Result<Vec<TreeNode>, ParamsError> {
        if data.rows.is_empty() {
            return Err(ParamsError::NoRows);
        }
        let mut grower = Grower::new(data, self.0);
        let all = (0..data.rows.len()).collect();
        grower.grow(all, 0);
        Ok(pruned(&grower.nodes, self.0.alpha))
    }
}

/// A column as indices into its sorted distinct values.
struct Column {
    values: Vec<u32>,
    bins: Vec<u32>,
}

/// What the rows of one bin weigh.
#[derive(Clone, Copy, Default)]
struct Bin {
    weights: [u64; CLASS_COUNT],
    rows: u64,
}

impl Bin {
    fn add(&mut self, other: &Self) {
        for (sum, weight) in self.weights.iter_mut().zip(other.weights) {
            *sum += weight;
        }
        self.rows += other.rows;
    }

    fn without(&self, other: &Self) -> Self {
        let mut rest = *self;
        for (weight, less) in rest.weights.iter_mut().zip(other.weights) {
            *weight -= less;
        }
        rest.rows -= other.rows;
        rest
    }

    /// Sum of squared class weights over the total: what Gini's impurity takes off the total.
    fn purity(&self) -> f64 {
        let total: u64 = self.weights.iter().sum();
        let squares: f64 = self
            .weights
            .iter()
            .map(|weight| (*weight as f64) * (*weight as f64))
            .sum();
        if total == 0 {
            0.0
        } else {
            squares / total as f64
        }
    }
}

struct Best {
    score: f64,
    column: usize,
    bin: u32,
    threshold: u32,
}

struct Grower<'a> {
    data: &'a Dataset,
    params: Params,
    columns: Vec<Column>,
    /// What each row weighs when a split is chosen: its weight, balanced over the classes.
    weights: Vec<u64>,
    nodes: Vec<TreeNode>,
    histogram: Vec<Bin>,
}

impl<'a> Grower<'a> {
    fn new(data: &'a Dataset, params: Params) -> Self {
        let columns: Vec<Column> = (0..data.schema.columns().len())
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
        let widest = columns
            .iter()
            .map(|column| column.values.len())
            .max()
            .unwrap_or(0);
        Self {
            data,
            params,
            columns,
            weights: balanced(data, params.balance),
            nodes: Vec::new(),
            histogram: vec![Bin::default(); widest],
        }
    }

    /// Grows the subtree of these rows; gives its index.
    fn grow(&mut self, rows: Vec<usize>, depth: usize) -> usize {
        let index = self.nodes.len();
        let mut sum = Bin::default();
        let mut counts = [0; CLASS_COUNT];
        let mut weights = [0; CLASS_COUNT];
        for row in &rows {
            sum.add(&self.bin_of(*row));
            let row = &self.data.rows[*row];
            counts[row.class.index()] += row.count;
            weights[row.class.index()] += row.weight;
        }
        self.nodes.push(TreeNode {
            split: None,
            counts,
            weights,
        });
        let pure = sum.weights.iter().filter(|weight| **weight > 0).count() <= 1;
        if pure || depth == self.params.max_depth || sum.rows < 2 * self.params.min_leaf {
            return index;
        }
        let Some(best) = self.best_split(&rows, &sum) else {
            return index;
        };
        let bins = &self.columns[best.column].bins;
        let (left, right) = rows.into_iter().partition(|row| bins[*row] <= best.bin);
        let left = self.grow(left, depth + 1);
        let right = self.grow(right, depth + 1);
        self.nodes[index].split = Some(Split {
            column: best.column,
            threshold: best.threshold,
            left,
            right,
        });
        index
    }

    fn bin_of(&self, row: usize) -> Bin {
        let mut bin = Bin {
            rows: 1,
            ..Bin::default()
        };
        bin.weights[self.data.rows[row].class.index()] = self.weights[row];
        bin
    }

    fn best_split(&mut self, rows: &[usize], sum: &Bin) -> Option<Best> {
        // A gain must exceed what rounding alone could make of none.
        let none = sum.purity() * (1.0 + 1e-12);
        let mut best: Option<Best> = None;
        for column in 0..self.columns.len() {
            for (bin, part) in
                self.occupied(column, rows)
                    .windows(2)
                    .scan(Bin::default(), |left, pair| {
                        left.add(&pair[0].1);
                        Some(((pair[0].0, pair[1].0), *left))
                    })
            {
                let rest = sum.without(&part);
                if part.rows < self.params.min_leaf || rest.rows < self.params.min_leaf {
                    continue;
                }
                let score = part.purity() + rest.purity();
                if score > best.as_ref().map_or(none, |best| best.score) {
                    let values = &self.columns[column].values;
                    let (low, high) = (values[bin.0 as usize], values[bin.1 as usize]);
                    best = Some(Best {
                        score,
                        column,
                        bin: bin.0,
                        threshold: low + (high - low) / 2,
                    });
                }
            }
        }
        best
    }

    /// The bins of a column that these rows occupy, in ascending order.
    fn occupied(&mut self, column: usize, rows: &[usize]) -> Vec<(u32, Bin)> {
        let width = self.columns[column].values.len();
        // A histogram costs its width, a sort n log n; both give the same answer.
        if width <= rows.len() * 8 {
            self.histogram[..width].fill(Bin::default());
            for row in rows {
                let bin = &mut self.histogram[self.columns[column].bins[*row] as usize];
                bin.weights[self.data.rows[*row].class.index()] += self.weights[*row];
                bin.rows += 1;
            }
            let bins = self.histogram[..width].iter().enumerate();
            return bins
                .filter(|(_, bin)| bin.rows > 0)
                .map(|(index, bin)| (index as u32, *bin))
                .collect();
        }
        let mut sorted: Vec<(u32, Bin)> = rows
            .iter()
            .map(|row| (self.columns[column].bins[*row], self.bin_of(*row)))
            .collect();
        sorted.sort_unstable_by_key(|(bin, _)| *bin);
        sorted.dedup_by(|next, kept| {
            let same = next.0 == kept.0;
            if same {
                kept.1.add(&next.1);
            }
            same
        });
        sorted
    }
}

/// Row weights with the classes balanced, at least 1 each.
pub(super) fn balanced(data: &Dataset, balance: Balance) -> Vec<u64> {
    let mut classes = [0; CLASS_COUNT];
    for row in &data.rows {
        classes[row.class.index()] += row.weight;
    }
    let present = classes.iter().filter(|weight| **weight > 0).count().max(1);
    let mean = data.weight() as f64 / present as f64;
    let factors = classes.map(|class| balance.factor(class, mean));
    data.rows
        .iter()
        .map(|row| ((row.weight as f64 * factors[row.class.index()]).round() as u64).max(1))
        .collect()
}

/// Cost-complexity pruning at a given penalty, then the nodes that are left, renumbered.
fn pruned(nodes: &[TreeNode], alpha: f64) -> Vec<TreeNode> {
    let impurity = |node: &TreeNode| {
        let bin = Bin {
            weights: node.weights,
            rows: 0,
        };
        bin.weights.iter().sum::<u64>() as f64 - bin.purity()
    };
    let penalty = alpha * nodes.first().map_or(0.0, impurity);
    let mut below = vec![(0.0, 0_u32); nodes.len()];
    let mut cut = vec![false; nodes.len()];
    // Children come after their parents: backwards, a subtree is known before its root.
    for (index, node) in nodes.iter().enumerate().rev() {
        let own = impurity(node);
        let Some(split) = node.split else {
            below[index] = (own, 1);
            continue;
        };
        let (left, right) = (below[split.left], below[split.right]);
        let (risk, leaves) = (left.0 + right.0, left.1 + right.1);
        cut[index] = alpha > 0.0 && own - risk <= penalty * f64::from(leaves - 1);
        below[index] = if cut[index] { (own, 1) } else { (risk, leaves) };
    }
    let mut kept = Vec::new();
    if !nodes.is_empty() {
        copy(nodes, &cut, 0, &mut kept);
    }
    kept
}

fn copy(nodes: &[TreeNode], cut: &[bool], from: usize, kept: &mut Vec<TreeNode>) -> usize {
    let index = kept.len();
    kept.push(TreeNode {
        split: None,
        ..nodes[from]
    });
    if let Some(split) = nodes[from].split.filter(|_| !cut[from]) {
        let left = copy(nodes, cut, split.left, kept);
        let right = copy(nodes, cut, split.right, kept);
        kept[index].split = Some(Split {
            left,
            right,
            ..split
        });
    }
    index
}
