//! A model at a time: what it gets right and wrong, what it looks at, how sure it is.

use super::{
    ModelResults, ModelSummary, Report, TestResults,
    charts::{Axis, Series, Whisker, bars, legend, lines, reliability, whiskers, whole_percent},
    markup::{
        Table, bar_cell, escape, figure, folded, grouped, number_cell, percent, side_by_side,
        text_cell,
    },
    tree_drawing,
};
use crate::{
    Class, Confusion,
    train::{Evaluation, evaluate::AttackRow, network::Epoch},
};

/// How many columns an importance chart shows.
const COLUMNS: usize = 15;

pub(super) fn model_section(report: &Report) -> String {
    let models = report.models.iter().enumerate();
    let models: String = models
        .map(|(index, model)| {
            let summary = format!("{}: {}, {}", model.name, model.kind, model.size);
            folded(index == 0, &summary, &one(report, model))
        })
        .collect();
    format!(
        "<section id=\"each\"><h2>Each model</h2><p>By its default decision. Open one to see where it errs.</p>{models}</section>\n"
    )
}

fn one(report: &Report, model: &ModelSummary) -> String {
    let mut text = String::new();
    for test in &report.tests {
        let results = test.models.iter();
        for result in results.filter(|result| result.model == model.name) {
            text += &on_test(test, result);
        }
    }
    let mut figures = Vec::new();
    if let Some((file, importances)) = &model.importances {
        let mut sorted: Vec<_> = importances.iter().filter(|it| it.loss > 0.0).collect();
        sorted.sort_by(|a, b| b.loss.total_cmp(&a.loss));
        let most = sorted.first().map_or(0.0, |first| first.loss);
        let rows: Vec<_> = sorted
            .iter()
            .take(COLUMNS)
            .map(|it| (it.column.clone(), it.loss, format!("{:.4}", it.loss)))
            .collect();
        let title = format!("Loss of mean recall when a column is shuffled, on {file}");
        figures.push(figure(&title, &bars(&title, most, &rows), ""));
    }
    figures.extend(training_curves(&model.epochs));
    if !figures.is_empty() {
        text += &format!(
            "<h4>What it looks at, how it learnt</h4>{}",
            side_by_side(&figures)
        );
    }
    if let Some(tree) = &model.tree {
        let title = "The top of the tree: training rows by class, yes upwards";
        let drawing = tree_drawing::drawing(title, model.schema, tree);
        text += "<h4>The tree</h4>";
        text += &class_legend();
        text += &figure(title, &drawing, "");
        let whole = escape(&tree_drawing::text(model.schema, tree));
        text += &folded(
            false,
            "The whole tree, with the training rows by class at every leaf",
            &format!("<pre>{whole}</pre>"),
        );
    }
    text
}

fn on_test(test: &TestResults, result: &ModelResults) -> String {
    let Some(point) = result.points.first() else {
        return String::new();
    };
    let calibration = &point.calibration;
    let title = format!(
        "Calibration: expected error {:.4}, Brier {:.4}, log loss {:.4}",
        calibration.expected_error, calibration.brier, calibration.log_loss
    );
    let reliable = figure(&title, &reliability(&title, calibration), "");
    format!(
        "<h4>{} by {}: cost {:.4}, false positives {}</h4>{}{}{}",
        escape(&test.source.file),
        escape(&point.decision),
        point.kdd_cost,
        percent(point.false_positive_rate),
        confusion_table(&point.confusion),
        side_by_side(&[recall_precision(point), reliable]),
        attacks(point)
    )
}

fn confusion_table(confusion: &Confusion) -> String {
    let mut heads = vec!["actual ↓ verdict →".to_owned()];
    heads.extend(Class::ALL.map(|class| format!("#{class}")));
    heads.push("#rows".to_owned());
    let heads: Vec<_> = heads.iter().map(String::as_str).collect();
    let mut table = Table::new(
        "Verdicts, shaded by their share of the actual class",
        &heads,
    );
    for class in Class::KNOWN {
        let row = confusion.0[class.index()];
        let total: u64 = row.iter().sum();
        let mut cells: Vec<_> = row
            .iter()
            .enumerate()
            .map(|(verdict, rows)| {
                let share = *rows as f64 / total.max(1) as f64;
                let wrong = if verdict == class.index() {
                    ""
                } else {
                    " wrong"
                };
                format!(
                    "<td class=\"heat{wrong}\" style=\"--v:{share:.3}\">{}</td>",
                    grouped(*rows)
                )
            })
            .collect();
        cells.push(number_cell(&grouped(total)));
        table.row("", class.name(), &cells);
    }
    table.finish()
}

fn recall_precision(point: &Evaluation) -> String {
    let rows: Vec<_> = Class::KNOWN
        .into_iter()
        .flat_map(|class| {
            let row = |what: &str, value: Option<&f64>, interval| {
                let interval: Option<_> = interval;
                interval.map(|interval| Whisker {
                    name: format!("{class} {what}"),
                    value: value.copied().unwrap_or(0.0),
                    interval: Some(interval),
                    text: percent(value.copied().unwrap_or(0.0)),
                })
            };
            let intervals = &point.intervals;
            let recall = intervals.recall.get(&class).copied();
            let precision = intervals.precision.get(&class).copied();
            [
                row("recall", point.recall.get(&class), recall),
                row("precision", point.precision.get(&class), precision),
            ]
        })
        .flatten()
        .collect();
    let title = "Recall and precision of a class, with 95 % intervals";
    figure(title, &whiskers(title, 0.0, 1.0, &rows), "")
}

fn attacks(point: &Evaluation) -> String {
    let part = |seen: Option<bool>, caption: &str| {
        let rows = point.attacks.iter();
        let mut rows: Vec<_> = rows
            .filter(|row| row.class.is_attack() && row.seen == seen)
            .collect();
        rows.sort_by(|a, b| (a.class, b.rows, &a.name).cmp(&(b.class, a.rows, &b.name)));
        if rows.is_empty() {
            return String::new();
        }
        attack_table(caption, &rows)
    };
    let tables = [
        part(Some(false), "Attack types not seen in training"),
        part(Some(true), "Attack types seen in training"),
        part(None, "Attack types of which that can't be told"),
    ];
    folded(true, "By attack type", &tables.concat())
}

fn attack_table(caption: &str, rows: &[&AttackRow]) -> String {
    let mut heads = vec![
        "attack type".to_owned(),
        "class".to_owned(),
        "#rows".to_owned(),
        "#called an attack".to_owned(),
        "#right class".to_owned(),
    ];
    heads.extend(Class::ALL.map(|class| format!("#{class}")));
    let heads: Vec<_> = heads.iter().map(String::as_str).collect();
    let mut table = Table::new(caption, &heads);
    for row in rows {
        let mut cells = vec![
            text_cell(row.class.name()),
            number_cell(&grouped(row.rows)),
            bar_cell(&percent(row.called_attack), row.called_attack),
            bar_cell(&percent(row.recall), row.recall),
        ];
        cells.extend(row.called.iter().map(|rows| number_cell(&grouped(*rows))));
        table.row("", &row.name, &cells);
    }
    table.finish()
}

/// The colours of the classes.
pub(super) fn class_legend() -> String {
    let names: String = Class::ALL
        .into_iter()
        .map(|class| {
            format!(
                "<li><span class=\"swatch c{}\"></span>{class}</li>",
                class.index()
            )
        })
        .collect();
    format!("<ul class=\"legend\">{names}</ul>")
}

fn training_curves(epochs: &[Epoch]) -> Vec<String> {
    let last = epochs.iter().map(|it| it.epoch).max().unwrap_or(0);
    if epochs.len() < 2 {
        return Vec::new();
    }
    let x = Axis {
        label: "epoch",
        from: 1.0,
        to: last as f64,
        parts: (last - 1).clamp(1, 5) as u32,
        format: |epoch| format!("{epoch:.0}"),
    };
    let chart = |caption: &str, y: &dyn Fn(f64, f64) -> Axis<'static>, parts: [Of; 2]| {
        let series: Vec<_> = ["fitted", "held out"]
            .into_iter()
            .zip(parts)
            .map(|(name, of)| Series {
                name: name.to_owned(),
                points: epochs
                    .iter()
                    .map(|epoch| [epoch.epoch as f64, of(epoch)])
                    .collect(),
            })
            .collect();
        let values = || series.iter().flat_map(|it| &it.points).map(|it| it[1]);
        values().next()?;
        let y = y(
            values().fold(f64::MAX, f64::min),
            values().fold(0.0, f64::max),
        );
        let names: Vec<_> = series.iter().map(|it| it.name.clone()).collect();
        let svg = lines(caption, &x, &y, &series, false);
        Some(figure(caption, &svg, &legend(&names)))
    };
    let loss = |_, most| Axis {
        label: "loss",
        from: 0.0,
        to: most,
        parts: 4,
        format: |loss| format!("{loss:.3}"),
    };
    let accuracy = |least: f64, _| Axis {
        label: "accuracy",
        from: (least * 20.0).floor() / 20.0,
        to: 1.0,
        parts: 5,
        format: whole_percent,
    };
    [
        chart(
            "Loss by epoch",
            &loss,
            [|it| it.loss, |it| it.held_out_loss],
        ),
        chart(
            "Accuracy by epoch",
            &accuracy,
            [|it| it.accuracy, |it| it.held_out_accuracy],
        ),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// A figure of an epoch.
type Of = fn(&Epoch) -> f64;
