//! The slow and plain way to merge rows and to grow a tree: what the trainer must agree with,
//! row for row and node for node.

use std::collections::BTreeMap;

use tidegate_models::{
    CLASS_COUNT, Class, Features, Schema, Split, TreeNode,
    train::{Balance, Dataset, Row},
};

/// Merges rows through a sorted map.
pub(crate) fn merged(
    schema: Schema,
    rows: impl IntoIterator<Item = (Features, Class, String)>,
) -> Dataset {
    let mut counts: BTreeMap<(Vec<u32>, Class, String), u64> = BTreeMap::new();
    for (features, class, group) in rows {
        *counts
            .entry((features.values().to_vec(), class, group))
            .or_default() += 1;
    }
    let mut groups: Vec<String> = counts.keys().map(|(.., group)| group.clone()).collect();
    groups.sort();
    groups.dedup();
    let rows = counts.into_iter().map(|((values, class, group), count)| {
        let features = Features::from_values(schema, &values).unwrap();
        Row {
            features,
            class,
            group: groups.binary_search(&group).unwrap(),
            count,
            weight: ((count as f64).sqrt() * 1000.0).round() as u64,
        }
    });
    let rows = rows.collect();
    Dataset {
        schema,
        rows,
        groups,
    }
}

/// Parameters of the plain trainer.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reference {
    pub(crate) max_depth: usize,
    pub(crate) min_leaf: u64,
    pub(crate) balance: Balance,
    pub(crate) alpha: f64,
}

type Weights = [u64; CLASS_COUNT];

impl Reference {
    /// Grows and prunes a tree.
    pub(crate) fn fit(&self, data: &Dataset) -> Vec<TreeNode> {
        let weights = balanced(data, self.balance);
        let mut nodes = Vec::new();
        self.grow(
            data,
            &weights,
            (0..data.rows.len()).collect(),
            0,
            &mut nodes,
        );
        pruned(&nodes, self.alpha)
    }

    fn grow(
        &self,
        data: &Dataset,
        balanced: &[u64],
        rows: Vec<usize>,
        depth: usize,
        nodes: &mut Vec<TreeNode>,
    ) -> usize {
        let index = nodes.len();
        let (mut counts, mut weights) = ([0; CLASS_COUNT], [0; CLASS_COUNT]);
        for row in rows.iter().map(|row| &data.rows[*row]) {
            counts[row.class.index()] += row.count;
            weights[row.class.index()] += row.weight;
        }
        nodes.push(TreeNode {
            split: None,
            counts,
            weights,
        });
        let classes = weights.iter().filter(|weight| **weight > 0).count();
        if classes <= 1 || depth == self.max_depth || (rows.len() as u64) < 2 * self.min_leaf {
            return index;
        }
        let Some((column, threshold)) = self.best_split(data, balanced, &rows) else {
            return index;
        };
        let (left, right) = rows
            .into_iter()
            .partition(|row| data.rows[*row].features.value(column) <= threshold);
        let left = self.grow(data, balanced, left, depth + 1, nodes);
        let right = self.grow(data, balanced, right, depth + 1, nodes);
        nodes[index].split = Some(Split {
            column,
            threshold,
            left,
            right,
        });
        index
    }

    fn best_split(&self, data: &Dataset, balanced: &[u64], rows: &[usize]) -> Option<(usize, u32)> {
        let mut all = [0; CLASS_COUNT];
        for row in rows {
            all[data.rows[*row].class.index()] += balanced[*row];
        }
        let mut best_score = purity(&all) * (1.0 + 1e-12);
        let mut best = None;
        for column in 0..data.schema.columns().len() {
            let value = |row: &usize| (data.rows[*row].features.value(column), *row);
            let mut sorted: Vec<(u32, usize)> = rows.iter().map(value).collect();
            sorted.sort_unstable();
            let mut left = [0; CLASS_COUNT];
            for (at, pair) in (1..).zip(sorted.windows(2)) {
                let [(low, row), (high, _)] = [pair[0], pair[1]];
                left[data.rows[row].class.index()] += balanced[row];
                let fewest = at.min(rows.len() - at) as u64;
                if low == high || fewest < self.min_leaf {
                    continue;
                }
                let right = std::array::from_fn(|class| all[class] - left[class]);
                let score = purity(&left) + purity(&right);
                if score > best_score {
                    best_score = score;
                    best = Some((column, low + (high - low) / 2));
                }
            }
        }
        best
    }
}

fn purity(weights: &Weights) -> f64 {
    let total: u64 = weights.iter().sum();
    let squares: f64 = weights.iter().map(|weight| (*weight as f64).powi(2)).sum();
    if total == 0 {
        0.0
    } else {
        squares / total as f64
    }
}

fn balanced(data: &Dataset, balance: Balance) -> Vec<u64> {
    let mut classes = [0; CLASS_COUNT];
    for row in &data.rows {
        classes[row.class.index()] += row.weight;
    }
    let present = classes.iter().filter(|weight| **weight > 0).count();
    let mean = data.weight() as f64 / present as f64;
    let factor = |class: Class| {
        let full = mean / classes[class.index()] as f64;
        match balance {
            Balance::None => 1.0,
            Balance::Sqrt => full.sqrt(),
            Balance::Full => full,
        }
    };
    data.rows
        .iter()
        .map(|row| ((row.weight as f64 * factor(row.class)).round() as u64).max(1))
        .collect()
}

/// Cost-complexity pruning: a subtree's risk and leaves against its root's own risk.
fn pruned(nodes: &[TreeNode], alpha: f64) -> Vec<TreeNode> {
    let mut kept = Vec::new();
    let penalty = alpha * risk(&nodes[0]);
    copy(nodes, 0, penalty, &mut kept);
    kept
}

fn risk(node: &TreeNode) -> f64 {
    node.weights.iter().sum::<u64>() as f64 - purity(&node.weights)
}

/// Risk and leaves below a node, after the cuts below it.
fn below(nodes: &[TreeNode], at: usize, penalty: f64) -> (f64, u32) {
    let Some(split) = nodes[at].split else {
        return (risk(&nodes[at]), 1);
    };
    let (left, right) = (
        below(nodes, split.left, penalty),
        below(nodes, split.right, penalty),
    );
    let (sum, leaves) = (left.0 + right.0, left.1 + right.1);
    let own = risk(&nodes[at]);
    if penalty > 0.0 && own - sum <= penalty * f64::from(leaves - 1) {
        (own, 1)
    } else {
        (sum, leaves)
    }
}

fn copy(nodes: &[TreeNode], from: usize, penalty: f64, kept: &mut Vec<TreeNode>) -> usize {
    let index = kept.len();
    kept.push(TreeNode {
        split: None,
        ..nodes[from]
    });
    if let Some(split) = nodes[from]
        .split
        .filter(|_| below(nodes, from, penalty).1 > 1)
    {
        let left = copy(nodes, split.left, penalty, kept);
        let right = copy(nodes, split.right, penalty, kept);
        kept[index].split = Some(Split {
            left,
            right,
            ..split
        });
    }
    index
}
