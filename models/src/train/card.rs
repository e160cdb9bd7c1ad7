//! The model card: what a model is and how it did, in Markdown.

use std::fmt::Write as _;

use super::{
    fit::{Choice, Fitted},
    select::Trial,
    test_figures::with_test_note,
};
use crate::{Class, Classifier as _, Confusion, Model};

/// The card of a fitted model; `command` is the one that made it.
pub fn render(fitted: &Fitted, model: &Model, command: &str) -> String {
    let file = &fitted.file;
    let training = &file.training;
    let mut card = format!(
        "# {}\n\nKind: {}, over the columns of schema `{}`: {}.\n\nModel file SHA-256: `{}`\n\nMade by\n\n    {command}\n\n",
        model.name(),
        model.kind(),
        file.schema,
        model.size(),
        model.digest(),
    );
    let mut line = |text: String| {
        card.push_str(&text);
        card.push('\n');
    };
    line("## Training data\n".to_owned());
    line("| file | rows | SHA-256, uncompressed |\n|---|---|---|".to_owned());
    for source in &training.sources {
        line(format!(
            "| {} | {} | `{}` |",
            source.file, source.rows, source.sha256
        ));
    }
    line(format!(
        "\n{} rows, {} distinct. A row that occurs n times weighs sqrt(n). Digest of the weighted rows: `{}`.",
        training.rows, training.distinct_rows, training.digest
    ));
    if let Some(weight) = training.settings.get("recorded_weight") {
        line(format!(
            "Recordings carry {weight} of the total weight, the same for every scenario and class. Each of their rows stands `contexts` more times with the context columns of other recorded rows, and each normal one once more without any context (`train/context.rs` says which columns and why)."
        ));
    }
    line(format!(
        "\n## Parameters\n\n| setting | value |\n|---|---|\n| seed | {} |",
        training.seed
    ));
    for (name, value) in &training.settings {
        line(format!("| {name} | {value} |"));
    }
    line(chosen(&fitted.choice));
    line(
        "\n## Training figures\n\nOn the rows it was fitted on: an upper bound, not an estimate.\n"
            .to_owned(),
    );
    line(figures(&file.metrics.training));
    if let Some(validation) = &file.metrics.validation {
        let chose = match fitted.choice {
            Choice::Given | Choice::Tried(_) | Choice::Fixed(_) => "",
            Choice::Tree(_) | Choice::Forest(_) => " They chose the parameters, so they flatter.",
        };
        line(format!(
            "## Validation figures\n\nOn held-out training rows, attack types left out included.{chose}\n"
        ));
        line(figures(validation));
    }
    if let Choice::Fixed(trial) = &fitted.choice {
        line(by_scenario(trial));
    }
    with_test_note(&card)
}

/// How the settings were chosen.
fn chosen(choice: &Choice) -> String {
    let mut text = String::from("\n");
    // Writing to a String can't fail.
    match choice {
        Choice::Given => text.push_str("They were given, not chosen.\n"),
        Choice::Tried(of) => {
            let [normal, known, unseen] = of.parts;
            let _ = writeln!(
                text,
                "They were given. On training data only, by five-fold validation that leaves a fifth of the attack types out whole and a fifth of the other rows, the contest's cost is {:.4} on average: {normal:.4} for held-out normal rows, {known:.4} for rows of known attack types, {unseen:.4} for types left out (each the same).",
                of.score()
            );
        }
        Choice::Tree(candidates) => {
            text.push_str("Chosen on training data only, by five-fold validation that leaves a fifth of the attack types and of the recorded scenarios out whole and a fifth of the other rows. Cost is the contest's, averaged over held-out normal rows, rows of known attack types, and types and scenarios left out (each the same).\n\n| depth | leaf | balance | cost | normal | known types | unseen types |\n|---|---|---|---|---|---|---|\n");
            for candidate in candidates {
                let [normal, known, unseen] = candidate.parts;
                let _ = writeln!(
                    text,
                    "| {} | {} | {} | {:.4} | {normal:.4} | {known:.4} | {unseen:.4} |",
                    candidate.point.max_depth,
                    candidate.point.min_leaf,
                    candidate.point.balance,
                    candidate.score
                );
            }
        }
        Choice::Fixed(trial) => {
            text.push_str("Settings and costs are fixed, not chosen (docs/decisions/0022). Tried on training data only: scenarios and attack types are left out whole, an eighth at a time, with an eighth of all other rows. A score is the share of rows with the wrong class, left-out groups weighing half.\n\n| trees | point | score | false positives | of those, scenario not left out | left-out groups: cost | detected |\n|---|---|---|---|---|---|---|\n");
            for point in &trial.points {
                let outcome = &point.outcome;
                let _ = writeln!(
                    text,
                    "| {} | {} | {:.4} | {:.4} | {:.4} | {:.4} | {:.4} |",
                    trial.settings.forest.trees,
                    point.point.name,
                    point.score,
                    outcome.false_positive_rate,
                    outcome.familiar_false_positive_rate,
                    outcome.cost[2],
                    outcome.detection
                );
            }
        }
        Choice::Forest(trials) => {
            text.push_str("Chosen on training data only: attack types are left out whole, an eighth at a time, with an eighth of all other rows. The settings are those of the least sum of scores over the operating points; each point is the table of costs of least score among those that call no more held-out normal rows an attack than allowed. Scores are the aim's error, with the published shares of normal rows, known and unseen attack types in the test file as weights.\n\n| trees | content | balance | columns swapped | point | allowed | score | false positives | cost: normal | known types | unseen types | unseen types detected |\n|---|---|---|---|---|---|---|---|---|---|---|---|\n");
            for trial in trials {
                let (forest, unknown) = (&trial.settings.forest, &trial.settings.unknown);
                for point in &trial.points {
                    let outcome = &point.outcome;
                    let [normal, known, unseen] = outcome.cost;
                    let _ = writeln!(
                        text,
                        "| {} | {} | {} | {} to {} % | {} | {} | {:.4} | {:.4} | {normal:.4} | {known:.4} | {unseen:.4} | {:.4} |",
                        forest.trees,
                        forest.content,
                        forest.balance,
                        unknown.min_percent,
                        unknown.max_percent,
                        point.point.name,
                        point.goal.map_or(1.0, |goal| goal.alerts),
                        point.score,
                        outcome.false_positive_rate,
                        outcome.detection
                    );
                }
            }
        }
    }
    text
}

/// What is said of each recorded scenario that was left out.
fn by_scenario(trial: &Trial) -> String {
    let point = trial.points.first().map_or("", |point| &point.point.name);
    let mut text = format!(
        "## Validation figures by scenario\n\nRows of every recorded scenario by `{point}` of a forest from whose training the scenario was left out whole. Held-out recordings (`cargo xtask record --held`) are no part of it.\n\n| scenario | is | rows |"
    );
    // Writing to a String can't fail.
    for class in Class::KNOWN {
        let _ = write!(text, " {class} |");
    }
    text.push_str(" called an attack |\n|---|---|---|---|---|---|---|---|---|\n");
    for of in &trial.by_scenario {
        let _ = write!(text, "| {} | {} | {} |", of.scenario, of.class, of.rows());
        for class in Class::KNOWN {
            let _ = match of.called[class.index()] {
                0 => write!(text, " |"),
                rows => write!(text, " {rows} |"),
            };
        }
        let _ = writeln!(text, " {:.3} |", of.alarmed());
    }
    text
}

/// A confusion matrix with its figures, as Markdown tables.
pub fn figures(confusion: &Confusion) -> String {
    format!(
        "Accuracy {:.4}, contest cost {:.4}, false-positive rate {:.4}, detection rate {:.4}.\n\n{}",
        confusion.accuracy(),
        confusion.kdd_cost(),
        confusion.false_positive_rate(),
        confusion.detection_rate(),
        matrix(confusion)
    )
}

/// A confusion matrix with recall and precision.
pub(super) fn matrix(confusion: &Confusion) -> String {
    let mut text = "| actual ↓ predicted → |".to_owned();
    // Writing to a String can't fail.
    for class in Class::ALL {
        let _ = write!(text, " {class} |");
    }
    text.push_str(" recall | precision |\n|---|---|---|---|---|---|---|---|---|\n");
    for class in Class::KNOWN {
        let _ = write!(text, "| {class} |");
        for rows in confusion.0[class.index()] {
            let _ = write!(text, " {rows} |");
        }
        let _ = writeln!(
            text,
            " {:.4} | {:.4} |",
            confusion.recall(class),
            confusion.precision(class)
        );
    }
    text
}
