//! Trees as one array of 8-byte nodes: what is walked for every row.

use crate::{ROW_WIDTH, Row, Split};

/// How many walks go side by side: while one waits for its node, the others go on.
pub(crate) const LANES: usize = 8;

/// The threshold of a leaf. No value is above it, so a walk that has arrived stays.
const LEAF: u32 = u32::MAX;

/// A node. The right child is the one after the left.
#[derive(Clone, Copy, Debug)]
struct Node {
    /// Values up to and including it go left.
    threshold: u32,
    /// The left child's index, a leaf's own, over the column, which has the low 8 bits.
    link: u32,
}

impl Node {
    const fn leaf(at: usize) -> Self {
        Self {
            threshold: LEAF,
            link: (at as u32) << 8,
        }
    }

    #[inline]
    const fn column(self) -> usize {
        self.link as usize % ROW_WIDTH
    }

    #[inline]
    const fn left(self) -> usize {
        (self.link >> 8) as usize
    }

    /// Without a branch: which way a row goes is a toss for the processor.
    #[inline]
    const fn next(self, value: u32) -> usize {
        self.left() + (value > self.threshold) as usize
    }
}

/// Any number of trees.
#[derive(Clone, Debug, Default)]
pub(crate) struct FlatTrees {
    nodes: Vec<Node>,
    roots: Vec<usize>,
}

impl FlatTrees {
    /// Adds a tree of checked nodes, the root first; `split` gives a node's decision. Tells which
    /// node each new one is, by index from the tree's root on; none twice but the root.
    pub(crate) fn push(&mut self, split: impl Fn(usize) -> Option<Split>) -> Vec<usize> {
        let root = self.nodes.len();
        self.roots.push(root);
        // Siblings at an even index share a cache line: the root is its own sibling.
        let mut order = vec![0, 0];
        self.nodes.extend([Node::leaf(root), Node::leaf(root + 1)]);
        // Nodes whose children have no place yet.
        let mut waiting = vec![root];
        while let Some(at) = waiting.pop() {
            let Some(split) = split(order[at - root]) else {
                continue;
            };
            let left = self.nodes.len();
            self.nodes[at] = Node {
                threshold: split.threshold,
                link: (left as u32) << 8 | split.column as u32,
            };
            self.nodes.extend([Node::leaf(left), Node::leaf(left + 1)]);
            order.extend([split.left, split.right]);
            waiting.extend([left + 1, left]);
        }
        order
    }

    /// Indices of the roots, tree by tree.
    pub(crate) fn roots(&self) -> &[usize] {
        &self.roots
    }

    /// The column tested and the left child of a node, the right one being next to it; `None` for
    /// a leaf.
    pub(crate) fn split(&self, at: usize) -> Option<(usize, usize)> {
        let node = self.nodes[at];
        (node.threshold != LEAF).then(|| (node.column(), node.left()))
    }

    /// Where a value leads from a node.
    pub(crate) fn next(&self, at: usize, value: u32) -> usize {
        self.nodes[at].next(value)
    }

    /// Walks a row from a root to its leaf; `see` is shown each column asked, the threshold and the value. Missing values
    /// are the greatest there are.
    #[inline]
    pub(crate) fn walk(
        &self,
        root: usize,
        row: &Row,
        mut see: impl FnMut(usize, u32, u32),
    ) -> usize {
        let mut at = root;
        loop {
            let node = self.nodes[at];
            if node.threshold == LEAF {
                return at;
            }
            let value = row[node.column()];
            see(node.column(), node.threshold, value);
            at = node.next(value);
        }
    }

    /// Walks side by side, each from its root with its row, to their leaves.
    ///
    /// `see` is shown the values that are looked at, each with its lane: those of decisions, and some of column 0.
    #[inline]
    pub(crate) fn walk_lanes(
        &self,
        roots: [usize; LANES],
        rows: [&Row; LANES],
        mut see: impl FnMut(usize, u32),
    ) -> [usize; LANES] {
        let mut lanes = roots;
        loop {
            // Two steps a turn: whether all have arrived is asked half as often.
            self.step(&mut lanes, &rows, &mut see);
            if self.step(&mut lanes, &rows, &mut see) {
                return lanes;
            }
        }
    }

    /// A step of each; says whether all had arrived before.
    #[inline]
    fn step(
        &self,
        lanes: &mut [usize; LANES],
        rows: &[&Row; LANES],
        see: &mut impl FnMut(usize, u32),
    ) -> bool {
        // All bits stay set only if all thresholds are a leaf's.
        let mut common = LEAF;
        for lane in 0..LANES {
            let node = self.nodes[lanes[lane]];
            let value = rows[lane][node.column()];
            see(lane, value);
            common &= node.threshold;
            lanes[lane] = node.next(value);
        }
        common == LEAF
    }
}
