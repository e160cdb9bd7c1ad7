//! The page: one file, without scripts, readable anywhere.

use super::{
    Report,
    data_section::data_section,
    markup::{Table, bytes, escape, grouped, number_cell, percent, text_cell, words_cell},
    model_section::model_section,
    results_section::results_section,
};

use crate::train::{TEST_FILE, test_figures::USE_OF_TEST_FILES};

const STYLE: &str = include_str!("style.css");

/// What a reader should know before believing a number.
const GLOSSARY: [(&str, &str); 12] = [
    (
        "contest cost",
        "Mean cost of a row by the KDD'99 contest's table: 0 for a right class, 1 to 4 for a wrong one, most for an intrusion that passes as normal. Less is better. 7,593 rows of corrected equal normal rows in every column, so that no function of the columns gets below 0.043.",
    ),
    (
        "false-positive rate",
        "Share of normal rows called an attack: what an operator pays for everything else.",
    ),
    (
        "detection rate",
        "Share of attack rows called an attack, whichever.",
    ),
    (
        "accuracy, binary accuracy",
        "Share of rows with the right class of five; rightly told normal or attack.",
    ),
    (
        "macro-F1",
        "Mean over the classes of the harmonic mean of recall and precision: a rare class counts as much as a flood.",
    ),
    (
        "recall, precision",
        "Share of a class's rows that were found; share of a class's verdicts that were right.",
    ),
    (
        "unknown",
        "A verdict for an attack that resembles none of the training data. Contest figures score the nearest of the five classes instead.",
    ),
    (
        "decision",
        "A model gives shares of the classes; a decision (operating point) is a table of costs that makes a verdict of them. The first is the default.",
    ),
    (
        "ROC, AUC",
        "Detection rate against false-positive rate over all thresholds of the attack score (1 − share of normal); the area is the chance that an attack scores above a normal row.",
    ),
    (
        "calibration error",
        "Mean gap between confidence and the share of verdicts that are right, over ten bins of confidence. Rows of attack types that no training row shows are where confidence is undeserved.",
    ),
    (
        "intervals",
        "95 %, by drawing the test rows anew 1,000 times (Poisson bootstrap over the confusion matrix). They say how much another sample of the same traffic would change a figure, not how the model does on other traffic.",
    ),
    (
        "over seeds",
        "Mean ± sample standard deviation over models trained the same way from other seeds.",
    ),
];

/// The page, as XHTML that is HTML as well. The same report gives the same bytes.
pub fn render(report: &Report) -> String {
    let body = [
        header(report),
        "<main>".to_owned(),
        failures(report),
        headline(report),
        models_section(report),
        results_section(report),
        cost_section(report),
        model_section(report),
        data_section(report),
        glossary(),
        "</main>".to_owned(),
        footer(report),
    ];
    format!(
        "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"/><meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"/><title>tidegate: the models, measured</title><style>{STYLE}</style></head>\n<body>\n{}</body></html>\n",
        body.concat()
    )
}

fn header(report: &Report) -> String {
    let tests: Vec<_> = report
        .tests
        .iter()
        .map(|test| test.source.file.as_str())
        .collect();
    format!(
        "<header><h1>The models, measured</h1><p class=\"lead\">{} models on {}.</p><p>{USE_OF_TEST_FILES}</p><nav aria-label=\"Contents\"><ul><li><a href=\"#models\">Models</a></li><li><a href=\"#results\">Results</a></li><li><a href=\"#size\">Time and size</a></li><li><a href=\"#each\">Each model</a></li><li><a href=\"#data\">Training data</a></li><li><a href=\"#terms\">Terms</a></li></ul></nav></header>\n",
        report.models.len(),
        escape(&tests.join(", "))
    )
}

fn failures(report: &Report) -> String {
    let mut text = String::new();
    for failure in &report.failures {
        text += &format!(
            "<p class=\"notice\"><strong>{}</strong> could not be used: {}</p>\n",
            escape(&failure.file),
            escape(&failure.error)
        );
    }
    if !report.absent.is_empty() {
        text += &format!(
            "<p class=\"notice\">Not in the data folder, so left out: {}.</p>\n",
            escape(&report.absent.join(", "))
        );
    }
    text
}

/// The least cost and the best binary accuracy, each with the false alarms it takes.
fn headline(report: &Report) -> String {
    let mut cards = String::new();
    for test in &report.tests {
        let models = test.models.iter().filter(|it| it.of_its_collection);
        let points = models.filter_map(|it| Some((&it.model, it.points.first()?)));
        let by_cost = test.source.file == TEST_FILE;
        let best = if by_cost {
            points.min_by(|a, b| a.1.kdd_cost.total_cmp(&b.1.kdd_cost))
        } else {
            points.max_by(|a, b| a.1.binary_accuracy.total_cmp(&b.1.binary_accuracy))
        };
        let Some((model, best)) = best else { continue };
        let (figure, what) = if by_cost {
            (format!("{:.4}", best.kdd_cost), "least cost")
        } else {
            (percent(best.binary_accuracy), "best binary accuracy")
        };
        cards += &format!(
            "<div><span>{what} by default on {}</span><b>{figure}</b><span>{}, at {} false positives; {} of attacks called</span></div>",
            escape(&test.source.file),
            escape(model),
            percent(best.false_positive_rate),
            percent(best.detection_rate)
        );
    }
    format!("<div class=\"cards\">{cards}</div>\n")
}

fn models_section(report: &Report) -> String {
    let mut table = Table::new(
        "What was trained on what",
        &[
            "model",
            "kind",
            "columns",
            "trained on",
            "#rows",
            "#distinct",
            "seed",
            "size",
            "settings",
        ],
    );
    for model in &report.models {
        let training = &model.training;
        let files: Vec<_> = training.sources.iter().map(|it| it.file.as_str()).collect();
        let settings: Vec<_> = training
            .settings
            .iter()
            .map(|(name, value)| format!("{name} {value}"))
            .collect();
        table.row(
            "",
            &model.name,
            &[
                text_cell(&model.kind),
                text_cell(&format!(
                    "{} ({})",
                    model.schema,
                    model.schema.columns().len()
                )),
                words_cell(&files.join(", ")),
                number_cell(&grouped(training.rows)),
                number_cell(&grouped(training.distinct_rows)),
                text_cell(&training.seed.to_string()),
                text_cell(&model.size),
                words_cell(&settings.join(", ")),
            ],
        );
    }
    format!(
        "<section id=\"models\"><h2>Models</h2><p>Equal rows are merged before training and weigh less than their number; recordings are the project's own traffic. Files are named as published; digests are in the model cards.</p>{}</section>\n",
        table.finish()
    )
}

fn cost_section(report: &Report) -> String {
    let mut table = Table::new(
        "What a model costs to run",
        &[
            "model",
            "#file",
            "size",
            "#µs a row",
            "#rows a second, one core",
        ],
    );
    for model in &report.models {
        let points = report
            .tests
            .iter()
            .flat_map(|test| &test.models)
            .filter(|result| result.model == model.name)
            .filter_map(|result| result.points.first());
        // The longest file, since its mean is the steadiest.
        let time = points
            .max_by_key(|point| point.source.rows)
            .map(|point| point.microseconds_a_row);
        let time = time.filter(|time| *time > 0.0);
        table.row(
            "",
            &model.name,
            &[
                number_cell(&bytes(model.bytes)),
                text_cell(&model.size),
                number_cell(&time.map_or("–".to_owned(), |time| format!("{time:.3}"))),
                number_cell(&time.map_or("–".to_owned(), |time| grouped((1e6 / time) as u64))),
            ],
        );
    }
    format!(
        "<section id=\"size\"><h2>Time and size</h2><p>Measured while the test rows were judged, in batches of 1,024 on one core of the machine that made this page, explanations not included.</p>{}</section>\n",
        table.finish()
    )
}

fn glossary() -> String {
    let terms: String = GLOSSARY
        .iter()
        .map(|(term, meaning)| format!("<dt>{}</dt><dd>{}</dd>", escape(term), escape(meaning)))
        .collect();
    format!("<section id=\"terms\"><h2>Terms</h2><dl>{terms}</dl></section>\n")
}

fn footer(report: &Report) -> String {
    let digests: String = report
        .models
        .iter()
        .map(|model| {
            format!(
                "<li>{} <code>{}</code></li>",
                escape(&model.name),
                escape(&model.digest)
            )
        })
        .collect();
    format!(
        "<footer><p>Made by <code>tidegate-train report</code>. SHA-256 of the model files:</p><ul>{digests}</ul></footer>\n"
    )
}
