//! The interface of every model.

use crate::{CLASS_COUNT, Class, Costs, Features, MISSING, Schema};

/// What a classifier says about one row.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Prediction {
    /// The verdict.
    pub class: Class,
    /// The verdict among the classes of data sets: `class`, or what costs least where that is
    /// [`Class::Unknown`]. The contest's score is taken of this.
    pub nearest: Class,
    /// Calibrated share of `class`, `0.0..=1.0`.
    pub confidence: f32,
    /// Share of every class, by [`Class::index`]; they sum to 1.
    pub shares: [f32; CLASS_COUNT],
}

/// One decision on the way from a tree's root to the leaf that answered.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Step {
    /// The column tested.
    pub column: &'static str,
    /// Values up to and including it go left.
    pub threshold: u32,
    /// The row's value; `None` if missing (the path then shows the heavier side).
    pub value: Option<u32>,
    /// Which way the row went.
    pub went_left: bool,
    /// Training rows at the node tested, by [`Class::index`].
    pub counts: [u64; CLASS_COUNT],
    /// Training rows at the node the step leads to; those of the leaf in the last step.
    pub counts_after: [u64; CLASS_COUNT],
}

/// What one column did for a verdict.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Contribution {
    /// The column.
    pub column: &'static str,
    /// The row's value; `None` if missing.
    pub value: Option<u32>,
    /// The value it was compared with: a harmless row's.
    pub baseline: u32,
    /// How much of the verdict's share goes away with the baseline in place of the value,
    /// `-1.0..=1.0`.
    pub weight: f32,
}

/// Why a model said what it said.
#[derive(Clone, Debug, PartialEq)]
pub enum Explanation {
    /// A tree's decisions from the root down.
    Path(Vec<Step>),
    /// The columns that mattered, the one that mattered most first. Columns that did nothing are
    /// left out.
    Contributions(Vec<Contribution>),
}

/// A trained model, whatever its kind.
pub trait Classifier: Send + Sync {
    /// The columns it expects.
    fn schema(&self) -> Schema;

    /// Its name, for people and labels.
    fn name(&self) -> &str;

    /// Judges a row of [`Classifier::schema`]; does not allocate, never panics. A row of another
    /// schema is judged as if every column were missing.
    fn predict(&self, features: &Features) -> Prediction;

    /// Judges rows into as many predictions; what is left of the longer slice stays untouched.
    fn predict_batch(&self, features: &[Features], predictions: &mut [Prediction]) {
        for (features, prediction) in features.iter().zip(predictions) {
            *prediction = self.predict(features);
        }
    }

    /// The verdict on a row of these shares by other costs than the classifier's own.
    fn decide_by(
        &self,
        costs: &Costs,
        _features: &Features,
        shares: [f32; CLASS_COUNT],
    ) -> Prediction {
        costs.decide(shares)
    }

    /// Why: what led to [`Classifier::predict`]'s answer.
    fn explain(&self, features: &Features) -> Explanation;
}

/// The row with the baseline's values where its own are missing, or in place of all columns of
/// another schema; `None` if it is whole as it is.
pub(crate) fn with_baseline(
    schema: Schema,
    baseline: &[u32],
    features: &Features,
) -> Option<Features> {
    let mut row = if features.schema() == schema {
        if !features.values().contains(&MISSING) {
            return None;
        }
        *features
    } else {
        Features::missing(schema)
    };
    for (column, value) in baseline.iter().enumerate() {
        if row.value(column) == MISSING {
            row.set(column, *value);
        }
    }
    Some(row)
}

/// Contributions by replacement: each column in turn takes its value from `baseline`, and what
/// the verdict's share loses by that is the column's.
pub(crate) fn contributions(
    classifier: &dyn Classifier,
    baseline: &[u32],
    features: &Features,
) -> Explanation {
    let prediction = classifier.predict(features);
    let share = |features: &Features| classifier.predict(features).shares[prediction.class.index()];
    let full = share(features);
    let columns = classifier.schema().columns().iter();
    let mut found: Vec<Contribution> = columns
        .zip(baseline)
        .enumerate()
        .filter(|(column, (_, baseline))| features.value(*column) != **baseline)
        .map(|(column, (name, baseline))| {
            let mut without = *features;
            without.set(column, *baseline);
            Contribution {
                column: name,
                value: features.named(name),
                baseline: *baseline,
                weight: full - share(&without),
            }
        })
        .filter(|contribution| contribution.weight != 0.0)
        .collect();
    // Stable: equals stay in column order.
    found.sort_by(|a, b| b.weight.abs().total_cmp(&a.weight.abs()));
    Explanation::Contributions(found)
}
