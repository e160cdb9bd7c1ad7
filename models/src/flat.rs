//! Trees as one array of 8-byte nodes: what is walked for every row.

use crate::{MAX_COLUMNS, Split};

/// In place of a column, marks a leaf.
const LEAF: u32 = 0xff;

/// A node. The left child is the next node.
#[derive(Clone, Copy, Debug)]
struct Node {
    /// Values up to and including it go left; in a leaf its payload.
    threshold: u32,
    /// The right child's index over the column, which has the low 8 bits.
    link: u32,
}

/// Any number of trees.
#[derive(Clone, Debug, Default)]
pub(crate) struct FlatTrees {
    nodes: Vec<Node>,
    roots: Vec<u32>,
}

impl FlatTrees {
    /// Adds a tree of checked nodes, the root first. `split` gives a node's decision, `payload`
    /// what [`FlatTrees::walk`] answers at a leaf.
    pub(crate) fn push(
        &mut self,
        split: impl Fn(usize) -> Option<Split>,
        payload: impl Fn(usize) -> u32,
    ) {
        self.roots.push(self.nodes.len() as u32);
        // Nodes still to lay out, each with the flat index of the parent it is the right child of.
        let mut waiting = vec![(0_usize, None::<usize>)];
        while let Some((index, parent)) = waiting.pop() {
            let at = self.nodes.len();
            if let Some(parent) = parent {
                self.nodes[parent].link |= (at as u32) << 8;
            }
            match split(index) {
                Some(split) => {
                    self.nodes.push(Node {
                        threshold: split.threshold,
                        link: split.column as u32,
                    });
                    waiting.push((split.right, Some(at)));
                    waiting.push((split.left, None));
                }
                None => self.nodes.push(Node {
                    threshold: payload(index),
                    link: LEAF,
                }),
            }
        }
    }

    /// The payload of the leaf that a row reaches in one tree, counted from 0. Missing values
    /// are the greatest there are.
    #[inline]
    pub(crate) fn walk(&self, tree: usize, row: &[u32; MAX_COLUMNS]) -> u32 {
        let mut at = self.roots[tree] as usize;
        loop {
            let node = self.nodes[at];
            let column = node.link & 0xff;
            if column == LEAF {
                return node.threshold;
            }
            let right = row[column as usize] > node.threshold;
            at = if right {
                (node.link >> 8) as usize
            } else {
                at + 1
            };
        }
    }

    /// How many trees there are.
    pub(crate) fn trees(&self) -> usize {
        self.roots.len()
    }
}
