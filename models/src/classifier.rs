//! The interface of every model.

use crate::{CLASS_COUNT, Class, Features, Schema};

/// What a classifier says about one row.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Prediction {
    /// The most likely class.
    pub class: Class,
    /// Calibrated share of `class`, `0.0..=1.0`.
    pub confidence: f32,
    /// Share of every class, by [`Class::index`]; they sum to 1.
    pub shares: [f32; CLASS_COUNT],
}

impl Prediction {
    /// The prediction with these shares; ties go to the class of the lower code, so to normal
    /// first.
    pub fn from_shares(shares: [f32; CLASS_COUNT]) -> Self {
        let mut class = Class::Normal;
        for candidate in Class::ALL {
            if shares[candidate.index()] > shares[class.index()] {
                class = candidate;
            }
        }
        Self {
            class,
            confidence: shares[class.index()],
            shares,
        }
    }
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

/// A trained model, whatever its kind.
pub trait Classifier: Send + Sync {
    /// The columns it expects.
    fn schema(&self) -> Schema;

    /// Its name, for people and labels.
    fn name(&self) -> &str;

    /// Judges a row of [`Classifier::schema`]; does not allocate, never panics. A row of another
    /// schema is judged as if every column were missing.
    fn predict(&self, features: &Features) -> Prediction;

    /// Why: the decisions from the root down.
    fn explain(&self, features: &Features) -> Vec<Step>;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ties_go_to_the_lower_class() {
        assert_eq!(
            Prediction::from_shares([0.4, 0.4, 0.2, 0.0, 0.0]).class,
            Class::Normal
        );
        let prediction = Prediction::from_shares([0.1, 0.2, 0.35, 0.35, 0.0]);
        assert_eq!(prediction.class, Class::Probe);
        assert!((prediction.confidence - 0.35).abs() < f32::EPSILON);
    }
}
