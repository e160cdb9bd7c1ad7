//! Smaller trees out of a grown one.

use super::split::weighed;
use crate::{Split, TreeNode};

/// The tree that the same rows give at a lower depth: growing looks at the depth only to stop.
pub(super) fn cut_at(nodes: &[TreeNode], max_depth: usize) -> Vec<TreeNode> {
    let mut depths = vec![0; nodes.len()];
    let mut cut = vec![false; nodes.len()];
    for (index, node) in nodes.iter().enumerate() {
        cut[index] = depths[index] >= max_depth;
        if let Some(split) = node.split {
            depths[split.left] = depths[index] + 1;
            depths[split.right] = depths[index] + 1;
        }
    }
    kept(nodes, &cut)
}

/// Cost-complexity pruning at a given penalty, then the nodes that are left, renumbered.
pub(super) fn pruned(nodes: &[TreeNode], alpha: f64) -> Vec<TreeNode> {
    let impurity =
        |node: &TreeNode| node.weights.iter().sum::<u64>() as f64 - weighed(&node.weights);
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
    kept(nodes, &cut)
}

/// The nodes that are left when those in `cut` are leaves.
fn kept(nodes: &[TreeNode], cut: &[bool]) -> Vec<TreeNode> {
    let mut kept = Vec::new();
    if !nodes.is_empty() {
        copy(nodes, cut, 0, &mut kept);
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
