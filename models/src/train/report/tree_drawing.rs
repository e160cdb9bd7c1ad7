//! A decision tree as a picture of its top and a text of all of it.

use std::fmt::Write as _;

use super::{
    charts::open_svg,
    markup::{escape, grouped},
};
use crate::{CLASS_COUNT, Class, Flag, Protocol, Schema, Service, Tree, TreeNode};

/// Decisions below the root's that are drawn.
const LEVELS: usize = 4;

/// A node's box and what is kept free around it, in pixels.
const BOX: (f64, f64) = (212.0, 34.0);
const GAP: (f64, f64) = (16.0, 8.0);

/// A node with its place: its level, and the middle of its box in rows of leaves.
struct Placed {
    node: usize,
    level: usize,
    row: f64,
    parent: Option<usize>,
}

/// The top of a tree, left to right; every box says what is asked and shows the training rows by
/// class. The upper way out of a box is that of yes.
pub(super) fn drawing(title: &str, schema: Schema, tree: &Tree) -> String {
    let nodes = tree.nodes();
    let mut placed = Vec::new();
    let mut rows = 0.0;
    place(nodes, 0, 0, None, &mut rows, &mut placed);
    let levels = placed.iter().map(|it| it.level).max().unwrap_or(0) + 1;
    let width = levels as f64 * (BOX.0 + GAP.0);
    let height = rows * (BOX.1 + GAP.1) + GAP.1;
    let corner = |it: &Placed| {
        (
            2.0 + it.level as f64 * (BOX.0 + GAP.0),
            GAP.1 + it.row * (BOX.1 + GAP.1),
        )
    };
    let mut svg = open_svg(title, width, height);
    for it in &placed {
        let Some(parent) = it.parent else { continue };
        let ((x, y), (px, py)) = (corner(it), corner(&placed[parent]));
        let (from, to) = ((px + BOX.0, py + BOX.1 / 2.0), (x, y + BOX.1 / 2.0));
        let bend = (from.0 + to.0) / 2.0;
        // Writing to a String can't fail, here and below.
        let _ = write!(
            svg,
            "<path class=\"edge\" d=\"M{:.1} {:.1}C{bend:.1} {:.1} {bend:.1} {:.1} {:.1} {:.1}\"/>",
            from.0, from.1, from.1, to.1, to.0, to.1
        );
    }
    for it in &placed {
        let (x, y) = corner(it);
        draw_box(&mut svg, schema, &nodes[it.node], it.level, x, y);
    }
    svg + "</svg>"
}

/// Places a node and what is drawn below it; gives its index among the placed.
fn place(
    nodes: &[TreeNode],
    node: usize,
    level: usize,
    parent: Option<usize>,
    rows: &mut f64,
    placed: &mut Vec<Placed>,
) -> usize {
    let index = placed.len();
    placed.push(Placed {
        node,
        level,
        row: *rows,
        parent,
    });
    match nodes[node].split.filter(|_| level < LEVELS) {
        Some(split) => {
            let left = place(nodes, split.left, level + 1, Some(index), rows, placed);
            let right = place(nodes, split.right, level + 1, Some(index), rows, placed);
            placed[index].row = (placed[left].row + placed[right].row) / 2.0;
        }
        None => *rows += 1.0,
    }
    index
}

fn draw_box(svg: &mut String, schema: Schema, node: &TreeNode, level: usize, x: f64, y: f64) {
    let total: u64 = node.counts.iter().fold(0, |sum, n| sum.saturating_add(*n));
    let question = match node.split {
        Some(split) => question(schema, split.column, split.threshold),
        None => verdict(node).to_string(),
    };
    let more = node.split.is_some() && level == LEVELS;
    let class = if node.split.is_some() {
        "node"
    } else {
        "node leaf"
    };
    let counts: Vec<String> = Class::ALL
        .into_iter()
        .zip(node.counts)
        .filter(|(_, count)| *count > 0)
        .map(|(class, count)| format!("{class} {}", grouped(count)))
        .collect();
    let _ = write!(
        svg,
        "<g class=\"{class}\"><title>{}: {}</title><rect x=\"{x:.1}\" y=\"{y:.1}\" width=\"{:.1}\" height=\"{:.1}\" rx=\"5\"/><text x=\"{:.1}\" y=\"{:.1}\">{}{}</text><text class=\"small\" x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\">{}</text>",
        escape(&question),
        escape(&counts.join(", ")),
        BOX.0,
        BOX.1,
        x + 7.0,
        y + 14.0,
        escape(&question),
        if more { " …" } else { "" },
        x + BOX.0 - 7.0,
        y + 29.0,
        grouped(total)
    );
    let whole = BOX.0 - 14.0 - 58.0;
    let mut left = x + 7.0;
    for (class, count) in node.counts.iter().enumerate() {
        let part = whole * *count as f64 / (total.max(1)) as f64;
        if part > 0.0 {
            let _ = write!(
                svg,
                "<rect class=\"c{class}\" x=\"{left:.2}\" y=\"{:.1}\" width=\"{part:.2}\" height=\"7\"/>",
                y + 21.5
            );
            left += part;
        }
    }
    svg.push_str("</g>");
}

/// What a decision asks. The codes of names are in alphabetical order, so a threshold on them
/// stands between two names.
fn question(schema: Schema, column: usize, threshold: u32) -> String {
    let name = schema.columns().get(column).copied().unwrap_or("?");
    let code = threshold as usize;
    let last = match name {
        "protocol_type" => Protocol::ALL.get(code).copied().map(Protocol::name),
        "flag" => Flag::ALL.get(code).copied().map(Flag::name),
        "service" => Service::names().get(code).copied(),
        _ => None,
    };
    match last {
        Some(last) => format!("{name} ≤ {last}"),
        None if Schema::is_percent(name) => format!("{name} ≤ {threshold} %"),
        None => format!("{name} ≤ {threshold}"),
    }
}

/// The class of the greatest weight, of equals the first.
fn verdict(node: &TreeNode) -> Class {
    let mut best = Class::Normal;
    for class in Class::ALL {
        if node.weights[class.index()] > node.weights[best.index()] {
            best = class;
        }
    }
    best
}

/// The whole tree, a node a line, indented by level.
pub(super) fn text(schema: Schema, tree: &Tree) -> String {
    let nodes = tree.nodes();
    let mut text = String::new();
    let mut waiting = vec![(0, 0, "")];
    while let Some((index, level, answer)) = waiting.pop() {
        let node = &nodes[index];
        let _ = write!(text, "{}{answer}", "  ".repeat(level));
        match node.split {
            Some(split) => {
                let asked = question(schema, split.column, split.threshold);
                let _ = writeln!(text, "{asked}?");
                waiting.push((split.right, level + 1, "no: "));
                waiting.push((split.left, level + 1, "yes: "));
            }
            None => {
                let counts: [u64; CLASS_COUNT] = node.counts;
                let _ = writeln!(text, "{} {counts:?}", verdict(node));
            }
        }
    }
    text
}
