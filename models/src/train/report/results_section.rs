//! All models side by side, a table and drawings for every test file.

use super::{
    ModelResults, Published, Report, TestResults,
    charts::{
        Axis, Dot, Series, Whisker, dot_legend, dots, legend, lines, whiskers, whole_percent,
    },
    markup::{Table, bytes, escape, figure, folded, grouped, number_cell, percent, side_by_side},
};
use crate::{
    Class,
    train::{Evaluation, MEASURES, TEST_FILE},
};

/// The ROC curve is drawn a second time up to this false-positive rate.
const ZOOM: f64 = 0.05;

pub(super) fn results_section(report: &Report) -> String {
    let tests: String = report.tests.iter().map(|test| one(report, test)).collect();
    format!("<section id=\"results\"><h2>Results</h2>{tests}</section>\n")
}

fn one(report: &Report, test: &TestResults) -> String {
    let others = test.models.iter().any(|it| !it.of_its_collection);
    let note = if others {
        " Models marked † were trained on KDD'99, of which NSL-KDD is a sample with other frequencies: they are here for comparison."
    } else {
        ""
    };
    format!(
        "<h3>{}, {} rows</h3><p>The default decision of a model first, its others indented. Best figures of our models in bold; rows in italics are others' results.{note}</p>{}{}{}{}",
        escape(&test.source.file),
        grouped(test.source.rows),
        table(report, test),
        seeds_table(test),
        comparison(test),
        curves(test)
    )
}

/// How a model is called in a test's tables.
fn label(result: &ModelResults) -> String {
    if result.of_its_collection {
        result.model.clone()
    } else {
        format!("{} †", result.model)
    }
}

fn shown(key: &str, figure: f64) -> String {
    match key {
        "false_positive_rate" | "detection_rate" | "accuracy" | "binary_accuracy" => {
            percent(figure)
        }
        _ => format!("{figure:.4}"),
    }
}

fn table(report: &Report, test: &TestResults) -> String {
    let mut heads = vec!["model".to_owned(), "decision".to_owned()];
    heads.extend(MEASURES.iter().map(|measure| {
        let arrow = if measure.more_is_better { "↑" } else { "↓" };
        format!("#{} {arrow}", measure.name)
    }));
    heads.extend(["#µs a row ↓".to_owned(), "#file ↓".to_owned()]);
    let heads: Vec<_> = heads.iter().map(String::as_str).collect();
    let mut table = Table::new(&format!("Models on {}", test.source.file), &heads);
    let every = || test.models.iter().flat_map(|result| &result.points);
    let best = MEASURES.map(|measure| {
        let figures = every().filter_map(measure.of);
        if measure.more_is_better {
            figures.max_by(f64::total_cmp)
        } else {
            figures.min_by(f64::total_cmp)
        }
    });
    for result in &test.models {
        let model = report.models.iter().find(|it| it.name == result.model);
        for (index, point) in result.points.iter().enumerate() {
            let mut cells = vec![format!("<td>{}</td>", escape(&point.decision))];
            for (measure, best) in MEASURES.iter().zip(&best) {
                cells.push(figure_cell(measure.key, point, (measure.of)(point), *best));
            }
            cells.push(number_cell(&format!("{:.3}", point.microseconds_a_row)));
            cells.push(number_cell(
                &model.map_or("–".to_owned(), |it| bytes(it.bytes)),
            ));
            let class = if index == 0 { "" } else { "point" };
            table.row(class, &label(result), &cells);
        }
    }
    for row in &test.published {
        let mut cells = vec![format!("<td>{}</td>", escape(&row.origin))];
        for measure in &MEASURES {
            let figure = published_figure(row, measure.key);
            let text = figure.map_or("–".to_owned(), |figure| shown(measure.key, figure));
            cells.push(number_cell(&text));
        }
        cells.extend([number_cell("–"), number_cell("–")]);
        table.row("published", &row.name, &cells);
    }
    table.finish()
}

fn published_figure(row: &Published, key: &str) -> Option<f64> {
    match key {
        "kdd_cost" => row.kdd_cost,
        "false_positive_rate" => row.false_positive_rate,
        "accuracy" => row.accuracy,
        "binary_accuracy" => row.binary_accuracy,
        _ => None,
    }
}

fn figure_cell(key: &str, point: &Evaluation, figure: Option<f64>, best: Option<f64>) -> String {
    let Some(figure) = figure else {
        return number_cell("–");
    };
    let class = if Some(figure) == best { "n best" } else { "n" };
    let measure = MEASURES.iter().find(|measure| measure.key == key);
    let interval = measure.and_then(|measure| (measure.interval)(point));
    let interval = interval.map_or(String::new(), |it| {
        let (low, high) = (shown(key, it.low), shown(key, it.high));
        format!("<small>{}–{high}</small>", low.trim_end_matches(" %"))
    });
    format!(
        "<td class=\"{class}\">{}{interval}</td>",
        shown(key, figure)
    )
}

fn seeds_table(test: &TestResults) -> String {
    let mut heads = vec!["model".to_owned(), "#seeds".to_owned()];
    heads.extend(MEASURES.iter().map(|measure| format!("#{}", measure.name)));
    let heads: Vec<_> = heads.iter().map(String::as_str).collect();
    let mut table = Table::new("Over seeds: mean ± standard deviation", &heads);
    let mut any = false;
    for result in &test.models {
        let Some(seeds) = &result.seeds else { continue };
        any = true;
        let mut cells = vec![number_cell(&seeds.models.to_string())];
        for measure in &MEASURES {
            let text = seeds.spreads.get(measure.key).map_or("–".to_owned(), |it| {
                let mean = shown(measure.key, it.mean);
                format!(
                    "{} ± {}",
                    mean.trim_end_matches(" %"),
                    shown(measure.key, it.deviation)
                )
            });
            cells.push(number_cell(&text));
        }
        table.row("", &label(result), &cells);
    }
    if any { table.finish() } else { String::new() }
}

/// Cost against false alarms where cost is what counts, binary accuracy elsewhere.
fn comparison(test: &TestResults) -> String {
    if test.source.file == TEST_FILE {
        let mut points: Vec<Dot> = test
            .models
            .iter()
            .flat_map(|result| result.points.iter().map(move |point| (result, point)))
            .map(|(result, point)| Dot {
                name: format!("{}, {}", label(result), point.decision),
                at: [point.false_positive_rate, point.kdd_cost],
                ours: true,
            })
            .collect();
        points.extend(test.published.iter().filter_map(|row| {
            Some(Dot {
                name: row.name.clone(),
                at: [row.false_positive_rate?, row.kdd_cost?],
                ours: false,
            })
        }));
        let most = |of: fn(&Dot) -> f64| points.iter().map(of).fold(0.0, f64::max);
        let least = points.iter().map(|it| it.at[1]).fold(f64::MAX, f64::min);
        let round_up = |value: f64, step: f64| ((value / step).floor() + 1.0) * step;
        let x = Axis {
            label: "false-positive rate",
            from: 0.0,
            to: round_up(most(|it| it.at[0]), 0.01),
            parts: 5,
            format: |share| format!("{:.1} %", share * 100.0),
        };
        let y = Axis {
            label: "contest cost",
            from: (least / 0.05).floor() * 0.05,
            to: round_up(most(|it| it.at[1]), 0.05),
            parts: 5,
            format: |cost| format!("{cost:.2}"),
        };
        let title = "Cost against false positives: lower left is better";
        return side_by_side(&[
            figure(title, &dots(title, &x, &y, &points), &dot_legend(&points)),
            ranked(
                test,
                "Contest cost, with 95 % intervals",
                "kdd_cost",
                (0.0, f64::MAX),
            ),
        ]);
    }
    let title = "Binary accuracy, with 95 % intervals";
    side_by_side(&[ranked(test, title, "binary_accuracy", (0.0, 1.0))])
}

/// A row for every decision of every model and every other result, by one of the measures.
fn ranked(test: &TestResults, title: &str, key: &str, bounds: (f64, f64)) -> String {
    let Some(measure) = MEASURES.iter().find(|measure| measure.key == key) else {
        return String::new();
    };
    let ours = test
        .models
        .iter()
        .flat_map(|result| result.points.iter().map(move |point| (result, point)));
    let mut rows: Vec<Whisker> = ours
        .filter_map(|(result, point)| {
            let value = (measure.of)(point)?;
            Some(Whisker {
                name: format!("{}, {}", label(result), point.decision),
                value,
                interval: (measure.interval)(point),
                text: shown(key, value),
            })
        })
        .collect();
    rows.extend(test.published.iter().filter_map(|row| {
        let value = published_figure(row, key)?;
        Some(Whisker {
            name: row.name.clone(),
            value,
            interval: None,
            text: shown(key, value),
        })
    }));
    // A tenth of room at either end.
    let least = rows.iter().map(|row| row.value).fold(f64::MAX, f64::min);
    let most = rows.iter().map(|row| row.value).fold(0.0, f64::max);
    let room = (most - least).max(0.02) / 10.0;
    let (from, to) = ((least - room).max(bounds.0), (most + room).min(bounds.1));
    figure(title, &whiskers(title, from, to, &rows), "")
}

fn curves(test: &TestResults) -> String {
    let series = |points: fn(&Evaluation) -> &[[f64; 2]],
                  area: fn(&Evaluation) -> Option<f64>,
                  what: &str|
     -> Vec<Series> {
        let results = test.models.iter();
        results
            .filter_map(|result| {
                let point = result.points.first()?;
                Some(Series {
                    name: format!("{} ({what} {:.4})", label(result), area(point)?),
                    points: points(point).to_vec(),
                })
            })
            .collect()
    };
    let roc = series(|it| &it.curves.roc, |it| it.curves.roc_auc, "AUC");
    if roc.is_empty() {
        return String::new();
    }
    let by_recall = series(
        |it| &it.curves.precision_recall,
        |it| it.curves.average_precision,
        "average precision",
    );
    let axis = |label, to, parts| Axis {
        label,
        from: 0.0,
        to,
        parts,
        format: whole_percent,
    };
    let names =
        |series: &[Series]| -> Vec<_> { series.iter().map(|series| series.name.clone()).collect() };
    let roc_legend = legend(&names(&roc));
    let (detection, alarms) = ("detection rate", "false-positive rate");
    let whole = lines(
        "ROC",
        &axis(alarms, 1.0, 5),
        &axis(detection, 1.0, 5),
        &roc,
        true,
    );
    let zoom = lines(
        "ROC where gates are operated",
        &axis(alarms, ZOOM, 5),
        &axis(detection, 1.0, 5),
        &roc,
        false,
    );
    let precision_recall = lines(
        "Precision and recall of attacks",
        &axis("recall", 1.0, 5),
        &axis("precision", 1.0, 5),
        &by_recall,
        false,
    );
    side_by_side(&[
        figure("ROC where gates are operated", &zoom, &roc_legend),
        figure("ROC", &whole, &roc_legend),
        figure(
            "Precision and recall of attacks",
            &precision_recall,
            &legend(&names(&by_recall)),
        ),
        folded_unseen(test),
    ])
}

/// Share of rows called an attack, of attack types in training and not in it.
fn folded_unseen(test: &TestResults) -> String {
    let mut table = Table::new(
        "Attack rows called an attack, by default",
        &["model", "#types seen", "#types not seen"],
    );
    for result in &test.models {
        let Some(point) = result.points.first() else {
            continue;
        };
        let share = |seen: bool| {
            let rows = point.attacks.iter();
            let rows = rows.filter(|row| row.class.is_attack() && row.seen == Some(seen));
            let (called, all) = rows.fold((0, 0), |(called, all), row| {
                let passed = row.called[Class::Normal.index()];
                (called + row.rows - passed, all + row.rows)
            });
            if all == 0 {
                "–".to_owned()
            } else {
                percent(called as f64 / all as f64)
            }
        };
        table.row(
            "",
            &label(result),
            &[number_cell(&share(true)), number_cell(&share(false))],
        );
    }
    folded(
        true,
        "Attack types seen in training and not",
        &table.finish(),
    )
}
