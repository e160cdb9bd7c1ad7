//! Judging models on labelled rows, which are read once and not kept: 0 bytes a row.

mod attacks;
mod bootstrap;
mod calibration;
mod curves;
mod judge;

use std::{collections::BTreeMap, io, path::Path};

use serde::{Deserialize, Serialize};

pub use attacks::AttackRow;
pub use bootstrap::{Interval, Intervals, RESAMPLES, intervals};
pub use calibration::{Calibration, ReliabilityBin};
pub use curves::Curves;

use super::{DataError, OnBad, Skipped, Summary, stream::each_row};
use crate::{
    Class, Confusion, Features, MISSING, Model, OperatingPoint, Prediction, REQUIRED_FEATURES,
    Schema, format::Source,
};
use judge::{BATCH, Judge};

/// How a model did on a file.
///
/// Figures are of [`Prediction::nearest`], which is what the contest and every published result
/// score; only `confusion`, `attacks` and `calibration` are of the verdict, which may be
/// [`Class::Unknown`]. False-positive rate, detection rate and binary accuracy are the same of
/// either. Shares are `0.0..=1.0`, and 0 where there is nothing to take them of.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Evaluation {
    /// The model's name.
    pub model: String,
    /// SHA-256 of the model file, in hex.
    pub model_digest: String,
    /// The way to decide, by name.
    pub decision: String,
    /// The file judged.
    pub source: Source,
    /// Rows that were not judged because they are bad.
    pub skipped: Skipped,
    /// Whether the file is a recording from before the columns keyed by host, which were taken as 0.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub lacks_hosts: bool,
    /// Whether the columns a `/predict` request may lack were blanked.
    pub request_columns: bool,
    /// Rows by actual class and verdict, in the order of [`Class::ALL`].
    pub confusion: Confusion,
    /// Rows by actual class and [`Prediction::nearest`]: the contest's matrix.
    pub contest_confusion: Confusion,
    /// Share of right classes.
    pub accuracy: f64,
    /// Mean F1 of the classes.
    pub macro_f1: f64,
    /// Share rightly told normal or attack.
    pub binary_accuracy: f64,
    /// Mean contest cost a row.
    pub kdd_cost: f64,
    /// Share of normal rows called an attack.
    pub false_positive_rate: f64,
    /// Share of attack rows called an attack.
    pub detection_rate: f64,
    /// Recall by class.
    pub recall: BTreeMap<Class, f64>,
    /// Precision by class.
    pub precision: BTreeMap<Class, f64>,
    /// 95 % intervals of these figures.
    pub intervals: Intervals,
    /// Attack types (scenarios of a recording), sorted by class and name.
    pub attacks: Vec<AttackRow>,
    /// ROC and precision-recall of the attack score; the same whatever the decision.
    pub curves: Curves,
    /// Whether the confidence means what it says.
    pub calibration: Calibration,
    /// Time a row, in batches of 1024, on the machine at hand.
    pub microseconds_a_row: f64,
}

/// What to judge.
#[derive(Clone, Debug)]
pub struct Subject<'a> {
    /// The model.
    pub model: &'a Model,
    /// The ways to decide to judge, an evaluation each.
    pub points: &'a [OperatingPoint],
}

/// How to judge.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// Blank the columns a `/predict` request may lack.
    pub request_columns: bool,
    /// Seed of the intervals' resampling.
    pub seed: u64,
    /// What to do about a bad row.
    pub on_bad: OnBad,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            request_columns: false,
            seed: 1,
            on_bad: OnBad::Stop,
        }
    }
}

/// An evaluation that failed.
#[derive(Debug, thiserror::Error)]
pub enum EvaluateError {
    /// The file can't be used.
    #[error(transparent)]
    Data(#[from] DataError),
    /// The predictions can't be written.
    #[error("cannot write predictions: {0}")]
    Predictions(#[source] io::Error),
}

/// Judges a model, by its first way to decide, on a file of any kind that
/// [`Rows`](super::Rows) reads.
///
/// # Errors
///
/// If the file can't be read, or is a recording and the model is not of
/// [`Schema::Live`].
pub fn evaluate(
    model: &Model,
    path: &Path,
    request_columns: bool,
    on_bad: OnBad,
) -> Result<Evaluation, EvaluateError> {
    let options = Options {
        request_columns,
        on_bad,
        ..Options::default()
    };
    let subject = Subject {
        model,
        points: &model.decisions()[..1],
    };
    let evaluations = evaluate_points(&[subject], path, options, &mut |_| Ok(()))?;
    let mut evaluations = evaluations.into_iter().flatten();
    Ok(evaluations.next().expect("one point gives one evaluation"))
}

/// Judges any number of models, each by any number of its ways to decide. The file is read once
/// for every schema among the models. Gives the evaluations by subject and point; rows without a
/// label count in none.
///
/// `each` sees every prediction of the first subject by its first point, in the file's order.
///
/// # Errors
///
/// As [`evaluate`], or what `each` ends with.
pub fn evaluate_points(
    subjects: &[Subject<'_>],
    path: &Path,
    options: Options,
    each: &mut dyn FnMut(&Prediction) -> io::Result<()>,
) -> Result<Vec<Vec<Evaluation>>, EvaluateError> {
    let mut judges: Vec<_> = subjects.iter().cloned().map(Judge::new).collect();
    let mut read = Summary {
        source: Source {
            file: String::new(),
            rows: 0,
            sha256: String::new(),
        },
        skipped: Skipped::default(),
        lacks_hosts: false,
    };
    for schema in Schema::ALL {
        if judges.iter().all(|judge| judge.schema() != schema) {
            continue;
        }
        let mut features: Vec<Features> = Vec::with_capacity(BATCH);
        let mut labels = Vec::with_capacity(BATCH);
        let mut judge_batch = |features: &mut Vec<Features>, labels: &mut Vec<_>| {
            for (index, judge) in judges.iter_mut().enumerate() {
                if judge.schema() == schema {
                    let predictions = judge.add(features, labels);
                    if index == 0 {
                        predictions
                            .iter()
                            .try_for_each(&mut *each)
                            .map_err(EvaluateError::Predictions)?;
                    }
                }
            }
            features.clear();
            labels.clear();
            Ok::<(), EvaluateError>(())
        };
        read = each_row(path, schema, options.on_bad, |mut row| {
            if options.request_columns {
                blank(&mut row.features);
            }
            features.push(row.features);
            labels.push((row.class, row.group));
            if features.len() < BATCH {
                return Ok(());
            }
            judge_batch(&mut features, &mut labels)
        })?;
        judge_batch(&mut features, &mut labels)?;
    }
    let finished = judges.into_iter().map(|judge| judge.finish(&read, options));
    Ok(finished.collect())
}

/// Leaves only what every `/predict` request has.
fn blank(features: &mut Features) {
    for (column, name) in features.schema().columns().iter().enumerate() {
        if !REQUIRED_FEATURES.contains(name) {
            features.set(column, MISSING);
        }
    }
}
