//! The test figures of a model card: a section for every file judged, replaced where it stands.
//! No times: they differ from run to run, and a card must not.

use std::fmt::Write as _;

use serde::{Deserialize, Serialize};

use super::{Evaluation, card::matrix, evaluate::Interval};

/// Where a card's test figures start; each file judged is a section after it.
const TEST_HEADING: &str = "## Test figures";

/// What the test files were used for, and what not.
pub(super) const USE_OF_TEST_FILES: &str = "The trainer used no row of a test file to fit or to choose anything. It used published class counts of the test files: as the weights of normal rows, known and unseen attack types, when a forest's operating points were chosen on training rows. And this is no blind test: while the trainer was written, its authors saw test figures of earlier candidates several times, and settled how operating points are chosen in sight of them (docs/decisions/0013).";

/// What stands above a card's test figures.
fn test_note() -> String {
    format!("Added by `tidegate-train report`, or `evaluate … --card`. {USE_OF_TEST_FILES}")
}

/// A card with the note above its test figures added, or brought up to date.
pub(super) fn with_test_note(card: &str) -> String {
    with_section(card, TEST_HEADING, &test_note())
}

/// A figure that models are compared by.
#[derive(Clone, Copy, Debug)]
pub struct Measure {
    /// Its name in tables.
    pub name: &'static str,
    /// Its name in JSON.
    pub key: &'static str,
    /// Whether more of it is better.
    pub more_is_better: bool,
    /// The figure; absent where the file has nothing to take it of.
    pub of: fn(&Evaluation) -> Option<f64>,
    /// Its 95 % interval, where one is made.
    pub interval: fn(&Evaluation) -> Option<Interval>,
}

/// The figures that models are compared by, the false-positive rate beside the cost.
pub const MEASURES: [Measure; 8] = [
    Measure {
        name: "contest cost",
        key: "kdd_cost",
        more_is_better: false,
        of: |found| Some(found.kdd_cost),
        interval: |found| Some(found.intervals.kdd_cost),
    },
    Measure {
        name: "false-positive rate",
        key: "false_positive_rate",
        more_is_better: false,
        of: |found| {
            let defined = found.intervals.false_positive_rate.is_some();
            defined.then_some(found.false_positive_rate)
        },
        interval: |found| found.intervals.false_positive_rate,
    },
    Measure {
        name: "accuracy",
        key: "accuracy",
        more_is_better: true,
        of: |found| Some(found.accuracy),
        interval: |found| Some(found.intervals.accuracy),
    },
    Measure {
        name: "macro-F1",
        key: "macro_f1",
        more_is_better: true,
        of: |found| Some(found.macro_f1),
        interval: |found| Some(found.intervals.macro_f1),
    },
    Measure {
        name: "binary accuracy",
        key: "binary_accuracy",
        more_is_better: true,
        of: |found| Some(found.binary_accuracy),
        interval: |found| Some(found.intervals.binary_accuracy),
    },
    Measure {
        name: "detection rate",
        key: "detection_rate",
        more_is_better: true,
        of: |found| {
            let defined = found.intervals.detection_rate.is_some();
            defined.then_some(found.detection_rate)
        },
        interval: |found| found.intervals.detection_rate,
    },
    Measure {
        name: "ROC AUC",
        key: "roc_auc",
        more_is_better: true,
        of: |found| found.curves.roc_auc,
        interval: |_| None,
    },
    Measure {
        name: "calibration error",
        key: "expected_calibration_error",
        more_is_better: false,
        of: |found| Some(found.calibration.expected_error),
        interval: |_| None,
    },
];

/// Mean and spread of a figure over models that differ by their seed alone.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Spread {
    /// The mean.
    pub mean: f64,
    /// The sample standard deviation (of n − 1); 0 for a single model.
    pub deviation: f64,
    /// The least.
    pub least: f64,
    /// The greatest.
    pub greatest: f64,
}

impl Spread {
    /// Of these figures; `None` without any.
    pub fn of(figures: &[f64]) -> Option<Self> {
        let n = figures.len() as f64;
        let mean = figures.iter().sum::<f64>() / n;
        let squares: f64 = figures.iter().map(|x| (x - mean) * (x - mean)).sum();
        Some(Self {
            mean,
            deviation: if figures.len() > 1 {
                (squares / (n - 1.0)).sqrt()
            } else {
                0.0
            },
            least: figures.iter().copied().min_by(f64::total_cmp)?,
            greatest: figures.iter().copied().max_by(f64::total_cmp)?,
        })
    }
}

/// A card up to the test figures that were added to it: what a fit writes, whatever was judged
/// since.
pub fn without_test_figures(card: &str) -> &str {
    let heading = format!("\n{TEST_HEADING}\n");
    card.find(&heading).map_or(card, |end| &card[..end])
}

/// The card with the section of one file added, or replaced if the same file was judged before:
/// the evaluations of one model by its ways to decide, the default first. None change nothing.
/// The note above the sections is brought up to date.
pub fn with_test_figures(card: &str, points: &[Evaluation]) -> String {
    let Some(first) = points.first() else {
        return card.to_owned();
    };
    let mut body = format!(
        "{} rows, SHA-256 `{}`. In brackets: 95 % intervals by resampling the test rows.\n\n",
        first.source.rows, first.source.sha256
    );
    // Writing to a String can't fail.
    body.push_str("| decision |");
    for measure in &MEASURES {
        let _ = write!(body, " {} |", measure.name);
    }
    body.push_str("\n|---|");
    body.push_str(&"---|".repeat(MEASURES.len()));
    body.push('\n');
    for point in points {
        let _ = write!(body, "| {} |", point.decision);
        for measure in &MEASURES {
            match ((measure.of)(point), (measure.interval)(point)) {
                (Some(figure), Some(Interval { low, high })) => {
                    let _ = write!(body, " {figure:.4} [{low:.4}, {high:.4}] |");
                }
                (Some(figure), None) => {
                    let _ = write!(body, " {figure:.4} |");
                }
                (None, _) => body.push_str(" – |"),
            }
        }
        body.push('\n');
    }
    let _ = write!(
        body,
        "\nVerdicts by `{}`:\n\n{}",
        first.decision,
        matrix(&first.confusion)
    );
    for (seen, what) in [(true, "seen"), (false, "not seen")] {
        let types = || {
            let attacks = first.attacks.iter();
            attacks.filter(move |row| row.class.is_attack() && row.seen == Some(seen))
        };
        let rows: u64 = types().map(|row| row.rows).sum();
        let missed: u64 = types().map(|row| row.called[0]).sum();
        if rows > 0 {
            let _ = write!(
                body,
                "\n{} attack types {what} in training, {rows} rows: {:.4} called an attack.",
                types().count(),
                (rows - missed) as f64 / rows as f64
            );
        }
    }
    let card = with_test_note(card);
    with_section(&card, &file_heading(first), body.trim_end())
}

/// The card with the section on how much a file's figures owe to the seed, added or replaced.
/// No figures change nothing.
pub fn with_seed_spread(card: &str, seeds: &[Evaluation]) -> String {
    let Some(first) = seeds.first() else {
        return card.to_owned();
    };
    let mut body = format!(
        "By `{}`, over {} models that differ by their seed alone: mean ± sample standard deviation.\n\n| figure | mean | ± | least | greatest |\n|---|---|---|---|---|",
        first.decision,
        seeds.len()
    );
    for measure in &MEASURES {
        let figures: Vec<f64> = seeds.iter().filter_map(measure.of).collect();
        if let Some(spread) = Spread::of(&figures) {
            let _ = write!(
                body,
                "\n| {} | {:.4} | {:.4} | {:.4} | {:.4} |",
                measure.name, spread.mean, spread.deviation, spread.least, spread.greatest
            );
        }
    }
    with_section(card, &format!("{}, over seeds", file_heading(first)), &body)
}

fn file_heading(evaluation: &Evaluation) -> String {
    let columns = if evaluation.request_columns {
        ", columns of a /predict request only"
    } else {
        ""
    };
    format!("### {}{columns}", evaluation.source.file)
}

/// A Markdown text with the section of that heading replaced where it stands, or added at the
/// end. A section goes up to the next heading.
fn with_section(card: &str, heading: &str, body: &str) -> String {
    let section = format!("{heading}\n\n{body}\n");
    let mut text = String::new();
    let mut skipping = false;
    let mut placed = false;
    for line in card.lines() {
        if line.starts_with('#') {
            let mine = line == heading;
            if mine && !placed {
                text.push_str(&section);
                placed = true;
            } else if skipping && !mine {
                text.push('\n');
            }
            skipping = mine;
        }
        if !skipping {
            text.push_str(line);
            text.push('\n');
        }
    }
    if placed {
        return text;
    }
    if heading != TEST_HEADING && !card.lines().any(|line| line == TEST_HEADING) {
        let _ = write!(text, "\n{TEST_HEADING}\n");
    }
    format!("{}\n\n{section}", text.trim_end())
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a failing unwrap is a failing test")]

    use super::*;

    #[test]
    fn sections_are_replaced_where_they_stand() {
        let card = "# model\n\nText.\n\n## Test figures\n\nNote.\n";
        let one = with_section(card, "### a", "first");
        assert_eq!(one, format!("{card}\n### a\n\nfirst\n"));
        let two = with_section(&one, "### b", "second");
        assert_eq!(two, format!("{card}\n### a\n\nfirst\n\n### b\n\nsecond\n"));
        let again = with_section(&two, "### a", "changed");
        assert_eq!(
            again,
            format!("{card}\n### a\n\nchanged\n\n### b\n\nsecond\n")
        );
        assert_eq!(with_section(&again, "### a", "changed"), again);
        assert_eq!(with_section(&again, "### b", "second"), again);
        let bare = with_section("# model\n", "### a", "x");
        assert_eq!(bare, "# model\n\n## Test figures\n\n### a\n\nx\n");
    }

    #[test]
    fn spread_by_hand() {
        assert_eq!(Spread::of(&[]), None);
        let one = Spread::of(&[0.5]).unwrap();
        assert_eq!((one.mean, one.deviation), (0.5, 0.0));
        let three = Spread::of(&[1.0, 2.0, 6.0]).unwrap();
        // Deviations −2, −1, 3: 14 / 2 = 7.
        assert_eq!((three.mean, three.deviation), (3.0, 7.0_f64.sqrt()));
        assert_eq!((three.least, three.greatest), (1.0, 6.0));
    }
}
