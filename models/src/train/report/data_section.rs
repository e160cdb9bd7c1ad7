//! The training files, looked at.

use std::fmt::Write as _;

use super::{
    Report,
    charts::{bars, open_svg},
    markup::{
        Table, escape, figure, folded, grouped, number_cell, percent, side_by_side, text_cell,
    },
    model_section::class_legend,
};
use crate::{
    Class, KNOWN_COUNT,
    train::inspect::{CORRELATED, ColumnSummary, Correlations, Inspection},
};

/// Correlations below this are left blank.
const FAINT: f64 = 0.05;

pub(super) fn data_section(report: &Report) -> String {
    let files: String = report.training_files.iter().map(one).collect();
    let files = if files.is_empty() {
        "<p>None of the models' training files is in the data folder.</p>".to_owned()
    } else {
        files
    };
    format!("<section id=\"data\"><h2>Training data</h2>{files}</section>\n")
}

fn one(found: &Inspection) -> String {
    let list = |names: &[String]| match names {
        [] => "none".to_owned(),
        names => format!("<code>{}</code>", escape(&names.join(", "))),
    };
    let facts = format!(
        "<p>{} rows of {} columns; {} are distinct, so {} repeat another. Combinations of values that occur with more than one class, so that no model can be right about all of them: {}. Constant columns: {}. Columns with missing values: {}.</p>",
        grouped(found.rows),
        found.columns.len(),
        grouped(found.distinct_rows),
        percent(found.duplicate_share),
        grouped(found.ambiguous_rows),
        list(&found.constant_columns),
        list(&found.columns_with_missing)
    );
    let mut informative: Vec<_> = found.columns.iter().collect();
    informative.sort_by(|a, b| b.mutual_information.total_cmp(&a.mutual_information));
    let rows: Vec<_> = informative
        .iter()
        .take(20)
        .map(|column| {
            let bits = column.mutual_information;
            (column.name.clone(), bits, format!("{bits:.3}"))
        })
        .collect();
    let title = format!(
        "Mutual information with the class, in bits of {:.3}",
        found.class_entropy
    );
    let strips: String = found.columns.iter().map(strip).collect();
    let correlation = "Correlation of the columns: blue together, red against each other";
    let pieces = [
        facts,
        side_by_side(&[
            classes(found),
            figure(&title, &bars(&title, found.class_entropy, &rows), ""),
        ]),
        folded(false, "Attack types", &groups(found)),
        folded(
            false,
            "Columns: type, range, mean, missing",
            &columns(found),
        ),
        folded(
            false,
            "How the values of every column lie, by class",
            &format!(
                "<p>A row a class, from normal down to u2r; across, the values: names, steps of 10 %, or doublings. The darker, the more of the class's rows.</p>{}<div class=\"strips\">{strips}</div>",
                class_legend()
            ),
        ),
        folded(
            false,
            "Columns that say the same",
            &format!(
                "{}{}",
                pairs(&found.correlations),
                figure(correlation, &heat(correlation, &found.correlations), "")
            ),
        ),
    ];
    format!("<h3>{}</h3>{}", escape(&found.source.file), pieces.concat())
}

fn classes(found: &Inspection) -> String {
    let mut table = Table::new("Rows by class", &["class", "#rows", "#share"]);
    for (class, rows) in &found.classes {
        let share = *rows as f64 / found.rows.max(1) as f64;
        table.row(
            "",
            class.name(),
            &[number_cell(&grouped(*rows)), number_cell(&percent(share))],
        );
    }
    table.finish()
}

fn groups(found: &Inspection) -> String {
    let mut table = Table::new("Rows by attack type", &["attack type", "class", "#rows"]);
    for group in &found.groups {
        table.row(
            "",
            &group.name,
            &[
                text_cell(group.class.name()),
                number_cell(&grouped(group.rows)),
            ],
        );
    }
    table.finish()
}

fn columns(found: &Inspection) -> String {
    let mut table = Table::new(
        "Columns",
        &[
            "column",
            "type",
            "#least",
            "#greatest",
            "#mean",
            "#zeros",
            "#values",
            "#missing",
            "#bits",
        ],
    );
    let number =
        |value: Option<u32>| value.map_or("–".to_owned(), |value| grouped(u64::from(value)));
    for column in &found.columns {
        table.row(
            "",
            &column.name,
            &[
                text_cell(&format!("{:?}", column.kind).to_lowercase()),
                number_cell(&number(column.least)),
                number_cell(&number(column.greatest)),
                number_cell(
                    &column
                        .mean
                        .map_or("–".to_owned(), |mean| format!("{mean:.2}")),
                ),
                number_cell(&percent(column.zeros as f64 / found.rows.max(1) as f64)),
                number_cell(&grouped(column.distinct_values)),
                number_cell(&grouped(column.missing)),
                number_cell(&format!("{:.3}", column.mutual_information)),
            ],
        );
    }
    table.finish()
}

fn pairs(found: &Correlations) -> String {
    let mut table = Table::new(
        &format!("Pairs of |r| > {CORRELATED}"),
        &["column", "column", "#r"],
    );
    for pair in &found.pairs {
        let cells = [
            text_cell(&pair.second),
            number_cell(&format!("{:.4}", pair.r)),
        ];
        table.row("", &pair.first, &cells);
    }
    table.finish()
}

/// A column's values: a row a class, a cell a bar of its histogram, as dark as its share of the
/// class's rows.
fn strip(column: &ColumnSummary) -> String {
    let (width, row) = (224.0, 11.0);
    let mut totals = [0; KNOWN_COUNT];
    for bar in &column.histogram {
        for (total, rows) in totals.iter_mut().zip(bar.rows) {
            *total += rows;
        }
    }
    let height = row * KNOWN_COUNT as f64;
    let title = format!("Values of {} by class", column.name);
    let mut svg = open_svg(&title, width, height + 16.0);
    let cell = width / column.histogram.len().max(1) as f64;
    for (index, bar) in column.histogram.iter().enumerate() {
        for class in Class::KNOWN {
            let rows = bar.rows[class.index()];
            if rows == 0 {
                continue;
            }
            let share = rows as f64 / totals[class.index()] as f64;
            // Square root: a hundredth of the rows is to be seen as well.
            let shade = 0.12 + 0.88 * share.sqrt();
            // Writing to a String can't fail, here and below.
            let _ = write!(
                svg,
                "<rect class=\"c{}\" x=\"{:.1}\" y=\"{:.1}\" width=\"{:.1}\" height=\"{:.1}\" opacity=\"{shade:.2}\"><title>{class}, {}: {}</title></rect>",
                class.index(),
                cell * index as f64,
                row * class.index() as f64,
                (cell - 0.6).max(0.6),
                row - 1.0,
                escape(&bar.label),
                percent(share)
            );
        }
    }
    if let [first, .., last] = column.histogram.as_slice() {
        let _ = write!(
            svg,
            "<text x=\"0\" y=\"{y:.1}\">{}</text><text x=\"{width}\" y=\"{y:.1}\" text-anchor=\"end\">{}</text>",
            escape(&first.label),
            escape(&last.label),
            y = height + 12.0
        );
    } else if let [only] = column.histogram.as_slice() {
        let _ = write!(
            svg,
            "<text x=\"0\" y=\"{:.1}\">only {}</text>",
            height + 12.0,
            escape(&only.label)
        );
    }
    figure(&column.name, &(svg + "</svg>"), "")
}

/// The correlation matrix.
fn heat(title: &str, found: &Correlations) -> String {
    let (cell, left) = (15.0, 200.0);
    let size = cell * found.columns.len() as f64;
    let mut svg = open_svg(title, left + size + 4.0, size + 22.0);
    for (row, (name, values)) in found.columns.iter().zip(&found.matrix).enumerate() {
        let y = cell * row as f64;
        let _ = write!(
            svg,
            "<text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\">{} {}</text><text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{}</text>",
            left - 6.0,
            y + 11.0,
            escape(name),
            row + 1,
            left + y + cell / 2.0,
            size + 14.0,
            row + 1
        );
        for (column, r) in values.iter().enumerate().filter(|(_, r)| r.abs() >= FAINT) {
            let class = if *r > 0.0 { "plus" } else { "minus" };
            let _ = write!(
                svg,
                "<rect class=\"{class}\" x=\"{:.0}\" y=\"{y:.0}\" width=\"14\" height=\"14\" opacity=\"{:.2}\"><title>{r:.2}</title></rect>",
                left + cell * column as f64,
                r.abs()
            );
        }
    }
    svg + "</svg>"
}
