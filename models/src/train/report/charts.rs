//! Drawings as SVG, coloured by the page's style sheet so that they follow light and dark. What
//! a colour says is said by a number, a name or a dash as well.

use std::fmt::Write as _;

use super::markup::{escape, percent};
use crate::train::evaluate::{Calibration, Interval};

/// How many line colours there are; after them come the same with dashes.
const COLOURS: usize = 8;

/// A plot's size and the room for labels, in pixels of its own.
const PLOT: Frame = Frame {
    width: 460.0,
    height: 320.0,
    left: 56.0,
    right: 16.0,
    top: 12.0,
    bottom: 46.0,
};

/// The height of a row of bars or dots.
const ROW: f64 = 20.0;

struct Frame {
    width: f64,
    height: f64,
    left: f64,
    right: f64,
    top: f64,
    bottom: f64,
}

/// An axis and its marks.
pub(super) struct Axis<'a> {
    pub(super) label: &'a str,
    pub(super) from: f64,
    pub(super) to: f64,
    /// How many equal parts are marked.
    pub(super) parts: u32,
    pub(super) format: fn(f64) -> String,
}

/// A line with a name.
pub(super) struct Series {
    pub(super) name: String,
    pub(super) points: Vec<[f64; 2]>,
}

/// A dot, numbered in the order of the list.
pub(super) struct Dot {
    pub(super) name: String,
    pub(super) at: [f64; 2],
    pub(super) ours: bool,
}

/// A figure with what it may be.
pub(super) struct Whisker {
    pub(super) name: String,
    pub(super) value: f64,
    pub(super) interval: Option<Interval>,
    pub(super) text: String,
}

impl Axis<'_> {
    fn share(&self, value: f64) -> f64 {
        if self.to > self.from {
            ((value - self.from) / (self.to - self.from)).clamp(0.0, 1.0)
        } else {
            0.0
        }
    }

    fn marks(&self) -> impl Iterator<Item = f64> {
        let (from, step) = (
            self.from,
            (self.to - self.from) / f64::from(self.parts.max(1)),
        );
        (0..=self.parts).map(move |mark| from + step * f64::from(mark))
    }
}

impl Frame {
    fn x(&self, share: f64) -> f64 {
        self.left + share * (self.width - self.left - self.right)
    }

    fn y(&self, share: f64) -> f64 {
        self.height - self.bottom - share * (self.height - self.top - self.bottom)
    }
}

pub(super) fn whole_percent(share: f64) -> String {
    format!("{:.0} %", share * 100.0)
}

/// The opening tag of a drawing that says what it is.
pub(super) fn open_svg(title: &str, width: f64, height: f64) -> String {
    let title = escape(title);
    format!(
        "<svg role=\"img\" aria-label=\"{title}\" viewBox=\"0 0 {width:.0} {height:.0}\" width=\"{width:.0}\" height=\"{height:.0}\">"
    )
}

fn axes(title: &str, x: &Axis<'_>, y: &Axis<'_>) -> String {
    let frame = &PLOT;
    let mut svg = open_svg(title, frame.width, frame.height);
    let (low, high) = (frame.y(0.0), frame.y(1.0));
    let (left, right) = (frame.x(0.0), frame.x(1.0));
    for mark in x.marks() {
        let at = frame.x(x.share(mark));
        // Writing to a String can't fail, here and below.
        let _ = write!(
            svg,
            "<line class=\"grid\" x1=\"{at:.1}\" x2=\"{at:.1}\" y1=\"{low:.1}\" y2=\"{high:.1}\"/><text x=\"{at:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{}</text>",
            low + 16.0,
            escape(&(x.format)(mark))
        );
    }
    for mark in y.marks() {
        let at = frame.y(y.share(mark));
        let _ = write!(
            svg,
            "<line class=\"grid\" x1=\"{left:.1}\" x2=\"{right:.1}\" y1=\"{at:.1}\" y2=\"{at:.1}\"/><text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\">{}</text>",
            left - 6.0,
            at + 4.0,
            escape(&(y.format)(mark))
        );
    }
    let middle = (low + high) / 2.0;
    let _ = write!(
        svg,
        "<text class=\"label\" x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{}</text><text class=\"label\" x=\"12\" y=\"{middle:.1}\" text-anchor=\"middle\" transform=\"rotate(-90 12 {middle:.1})\">{}</text>",
        (left + right) / 2.0,
        frame.height - 8.0,
        escape(x.label),
        escape(y.label)
    );
    svg
}

fn style_of(index: usize) -> String {
    let dash = if index / COLOURS % 2 == 1 {
        " dashed"
    } else {
        ""
    };
    format!("s{}{dash}", index % COLOURS)
}

/// Lines over two axes; what lies beyond the right end is cut off there. `diagonal` draws the
/// line of y = x.
pub(super) fn lines(
    title: &str,
    x: &Axis<'_>,
    y: &Axis<'_>,
    series: &[Series],
    diagonal: bool,
) -> String {
    let mut svg = axes(title, x, y);
    let at = |point: [f64; 2]| (PLOT.x(x.share(point[0])), PLOT.y(y.share(point[1])));
    if diagonal {
        let (from, to) = (at([x.from, x.from]), at([x.to, x.to]));
        let _ = write!(
            svg,
            "<line class=\"diagonal\" x1=\"{:.1}\" y1=\"{:.1}\" x2=\"{:.1}\" y2=\"{:.1}\"/>",
            from.0, from.1, to.0, to.1
        );
    }
    for (index, series) in series.iter().enumerate() {
        let mut path = String::new();
        for point in cut_off(&series.points, x.to) {
            let (x, y) = at(point);
            let _ = write!(path, "{x:.1},{y:.1} ");
        }
        let _ = write!(
            svg,
            "<polyline class=\"series {}\" points=\"{}\"><title>{}</title></polyline>",
            style_of(index),
            path.trim_end(),
            escape(&series.name)
        );
    }
    svg + "</svg>"
}

/// The points up to an x, and where the line passes it.
fn cut_off(points: &[[f64; 2]], end: f64) -> Vec<[f64; 2]> {
    let inside = points.partition_point(|point| point[0] <= end);
    let mut kept = points[..inside].to_vec();
    if let (Some(last), Some(next)) = (kept.last().copied(), points.get(inside)) {
        let part = (end - last[0]) / (next[0] - last[0]);
        kept.push([end, last[1] + part * (next[1] - last[1])]);
    }
    kept
}

/// The names of lines with their strokes.
pub(super) fn legend(names: &[String]) -> String {
    let mut text = "<ul class=\"legend\">".to_owned();
    for (index, name) in names.iter().enumerate() {
        let _ = write!(
            text,
            "<li><svg width=\"26\" height=\"10\" aria-hidden=\"true\"><line class=\"series {}\" x1=\"1\" x2=\"25\" y1=\"5\" y2=\"5\"/></svg>{}</li>",
            style_of(index),
            escape(name)
        );
    }
    text + "</ul>"
}

/// Numbered dots over two axes.
pub(super) fn dots(title: &str, x: &Axis<'_>, y: &Axis<'_>, dots: &[Dot]) -> String {
    let mut svg = axes(title, x, y);
    for (index, dot) in dots.iter().enumerate() {
        let (cx, cy) = (PLOT.x(x.share(dot.at[0])), PLOT.y(y.share(dot.at[1])));
        let class = if dot.ours { "dot ours" } else { "dot" };
        let _ = write!(
            svg,
            "<g class=\"{class}\"><title>{}: {}, {}</title><circle cx=\"{cx:.1}\" cy=\"{cy:.1}\" r=\"9\"/><text x=\"{cx:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{}</text></g>",
            escape(&dot.name),
            escape(&(x.format)(dot.at[0])),
            escape(&(y.format)(dot.at[1])),
            cy + 4.0,
            index + 1
        );
    }
    svg + "</svg>"
}

/// The names of numbered dots.
pub(super) fn dot_legend(dots: &[Dot]) -> String {
    let names: String = dots
        .iter()
        .map(|dot| format!("<li>{}</li>", escape(&dot.name)))
        .collect();
    format!("<ol class=\"legend\">{names}</ol>")
}

/// A row for every figure: its name, a dot, and a line from end to end of its interval.
pub(super) fn whiskers(title: &str, from: f64, to: f64, rows: &[Whisker]) -> String {
    let (left, right, width) = (190.0, 64.0, 560.0);
    let height = ROW * rows.len() as f64 + 8.0;
    let x = |value: f64| {
        let share = ((value - from) / (to - from)).clamp(0.0, 1.0);
        left + share * (width - left - right)
    };
    let mut svg = open_svg(title, width, height);
    for (index, row) in rows.iter().enumerate() {
        let y = 4.0 + ROW * (index as f64 + 0.5);
        let _ = write!(
            svg,
            "<text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\">{}</text><line class=\"grid\" x1=\"{left:.1}\" x2=\"{:.1}\" y1=\"{y:.1}\" y2=\"{y:.1}\"/>",
            left - 10.0,
            y + 4.0,
            escape(&row.name),
            width - right
        );
        if let Some(Interval { low, high }) = row.interval {
            let _ = write!(
                svg,
                "<line class=\"whisker\" x1=\"{:.1}\" x2=\"{:.1}\" y1=\"{y:.1}\" y2=\"{y:.1}\"/>",
                x(low),
                x(high)
            );
        }
        let _ = write!(
            svg,
            "<circle class=\"{}\" cx=\"{:.1}\" cy=\"{y:.1}\" r=\"4\"/><text x=\"{:.1}\" y=\"{:.1}\">{}</text>",
            if row.interval.is_some() {
                "point"
            } else {
                "point theirs"
            },
            x(row.value),
            width - right + 8.0,
            y + 4.0,
            escape(&row.text)
        );
    }
    svg + "</svg>"
}

/// A bar for every share of `most`, with its text after it.
pub(super) fn bars(title: &str, most: f64, rows: &[(String, f64, String)]) -> String {
    let (left, right, width) = (210.0, 64.0, 560.0);
    let mut svg = open_svg(title, width, ROW * rows.len() as f64 + 4.0);
    for (index, (name, value, text)) in rows.iter().enumerate() {
        let y = 2.0 + ROW * index as f64;
        let share = if most > 0.0 {
            (value / most).clamp(0.0, 1.0)
        } else {
            0.0
        };
        let length = (share * (width - left - right)).max(0.5);
        let _ = write!(
            svg,
            "<text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\">{}</text><rect class=\"bar\" x=\"{left:.1}\" y=\"{:.1}\" width=\"{length:.1}\" height=\"{:.1}\" rx=\"2\"/><text x=\"{:.1}\" y=\"{:.1}\">{}</text>",
            left - 8.0,
            y + 14.0,
            escape(name),
            y + 3.0,
            ROW - 6.0,
            left + length + 6.0,
            y + 14.0,
            escape(text)
        );
    }
    svg + "</svg>"
}

/// The share of right verdicts by confidence, the bars' darkness by how many rows there are.
pub(super) fn reliability(title: &str, calibration: &Calibration) -> String {
    let axis = |label| Axis {
        label,
        from: 0.0,
        to: 1.0,
        parts: 5,
        format: whole_percent,
    };
    let mut svg = axes(title, &axis("confidence"), &axis("share of verdicts right"));
    let most = calibration.bins.iter().map(|bin| bin.rows).max();
    let most = most.unwrap_or(0).max(1) as f64;
    for bin in calibration.bins.iter().filter(|bin| bin.rows > 0) {
        let (left, right) = (PLOT.x(bin.from), PLOT.x(bin.to));
        let (top, bottom) = (PLOT.y(bin.right), PLOT.y(0.0));
        // Square root, so that a bin of a hundredth of the rows is still seen.
        let shade = 0.2 + 0.8 * (bin.rows as f64 / most).sqrt();
        let _ = write!(
            svg,
            "<g><title>{} rows, confidence {}, right {}</title><rect class=\"bar\" x=\"{:.1}\" y=\"{top:.1}\" width=\"{:.1}\" height=\"{:.1}\" opacity=\"{shade:.2}\"/><circle class=\"point\" cx=\"{:.1}\" cy=\"{top:.1}\" r=\"3.5\"/></g>",
            bin.rows,
            percent(bin.confidence),
            percent(bin.right),
            left + 1.0,
            right - left - 2.0,
            (bottom - top).max(0.5),
            PLOT.x(bin.confidence)
        );
    }
    let _ = write!(
        svg,
        "<line class=\"diagonal\" x1=\"{:.1}\" y1=\"{:.1}\" x2=\"{:.1}\" y2=\"{:.1}\"/></svg>",
        PLOT.x(0.0),
        PLOT.y(0.0),
        PLOT.x(1.0),
        PLOT.y(1.0)
    );
    svg
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_end_where_the_axis_does() {
        let points = [[0.0, 0.0], [0.125, 0.5], [0.375, 1.0], [1.0, 1.0]];
        assert_eq!(
            cut_off(&points, 0.25),
            [[0.0, 0.0], [0.125, 0.5], [0.25, 0.75]]
        );
        assert_eq!(cut_off(&points, 1.0), points);
        assert_eq!(cut_off(&[], 1.0), [[0.0; 2]; 0]);
    }

    #[test]
    fn dashes_tell_the_ninth_line_from_the_first() {
        assert_eq!(style_of(0), "s0");
        assert_eq!(style_of(8), "s0 dashed");
    }
}
