//! Judging a model on labelled rows.

use std::{collections::BTreeMap, path::Path};

use serde::Serialize;

use super::{DataError, kdd, recorded};
use crate::{
    Class, Classifier as _, Confusion, Features, MISSING, Model, REQUIRED_FEATURES, Schema,
    format::Source,
};

/// How a model did on a file.
#[derive(Clone, Debug, Serialize)]
pub struct Evaluation {
    /// The model's name.
    pub model: String,
    /// SHA-256 of the model file, in hex.
    pub model_digest: String,
    /// The file judged.
    pub source: Source,
    /// Whether the columns a `/predict` request may lack were blanked.
    pub request_columns: bool,
    /// Rows by actual and predicted class, in the order of [`Class::ALL`].
    pub confusion: Confusion,
    /// Share of right classes.
    pub accuracy: f64,
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
}

/// Judges a KDD file, or a recording if its name says `.csv`.
///
/// # Errors
///
/// If the file can't be read, or is a recording and the model is not of [`Schema::Live`].
pub fn evaluate(
    model: &Model,
    path: &Path,
    request_columns: bool,
) -> Result<Evaluation, DataError> {
    let name = path
        .file_name()
        .map(|name| name.to_string_lossy().into_owned())
        .unwrap_or_default();
    let mut confusion = Confusion::default();
    let mut judge = |mut features: Features, class: Class| {
        if request_columns {
            for (column, name) in model.schema().columns().iter().enumerate() {
                if !REQUIRED_FEATURES.contains(name) {
                    features.set(column, MISSING);
                }
            }
        }
        confusion.add(class, model.predict(&features).class, 1);
    };
    let source = if name.contains(".csv") {
        let (rows, source) = recorded::read(path)?;
        for row in rows {
            judge(row.features, row.class);
        }
        source
    } else {
        let (rows, source) = kdd::read(path)?;
        for row in rows {
            let features = match model.schema() {
                Schema::Kdd41 => row.features,
                Schema::Live => kdd::to_live(&row.features),
            };
            judge(features, row.class);
        }
        source
    };
    Ok(Evaluation {
        model: model.name().to_owned(),
        model_digest: model.digest().to_owned(),
        source,
        request_columns,
        confusion,
        accuracy: confusion.accuracy(),
        kdd_cost: confusion.kdd_cost(),
        false_positive_rate: confusion.false_positive_rate(),
        detection_rate: confusion.detection_rate(),
        recall: Class::KNOWN
            .into_iter()
            .map(|class| (class, confusion.recall(class)))
            .collect(),
        precision: Class::KNOWN
            .into_iter()
            .map(|class| (class, confusion.precision(class)))
            .collect(),
    })
}
