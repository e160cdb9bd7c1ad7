//! Whether a confidence means what it says.

use serde::{Deserialize, Serialize};

use crate::{CLASS_COUNT, Class, Prediction};

/// How many bins of equal width `0.0..=1.0` is cut into.
const BINS: usize = 10;

/// A share below this counts as this much in the log loss: one certain error must not outweigh
/// everything.
const LEAST_SHARE: f64 = 1e-6;

/// Rows whose confidence falls into one bin.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReliabilityBin {
    /// Lower end of the bin; it holds it.
    pub from: f64,
    /// Upper end; only the last bin holds it.
    pub to: f64,
    /// Rows in it.
    pub rows: u64,
    /// Mean confidence of these rows; 0 without any.
    pub confidence: f64,
    /// Share of them whose verdict was right; 0 without any.
    pub right: f64,
}

/// Calibration of a model on a file.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Calibration {
    /// The reliability diagram. A verdict is right if it is the row's class, or if it is
    /// [`Class::Unknown`] and the row's attack type is not in the training data.
    pub bins: Vec<ReliabilityBin>,
    /// Expected calibration error: the mean over rows of a bin's |confidence − share right|
    /// (Naeini, Cooper and Hauskrecht, "Obtaining well calibrated probabilities using Bayesian
    /// binning", 2015; Guo et al., "On calibration of modern neural networks", 2017).
    pub expected_error: f64,
    /// Mean squared distance of all shares from the actual class's 1 and the others' 0, summed
    /// over classes, `0.0..=2.0` (Brier, 1950).
    pub brier: f64,
    /// Mean −ln of the actual class's share, which counts as at least 1e-6.
    pub log_loss: f64,
}

#[derive(Clone, Debug, Default)]
pub(super) struct Reliability {
    rows: [u64; BINS],
    right: [u64; BINS],
    confidence: [f64; BINS],
    brier: f64,
    log_loss: f64,
}

impl Reliability {
    /// Counts a row; `seen` says whether its attack type occurs in the training data, if known.
    pub(super) fn add(&mut self, prediction: &Prediction, actual: Class, seen: Option<bool>) {
        let confidence = f64::from(prediction.confidence).clamp(0.0, 1.0);
        let bin = ((confidence * BINS as f64) as usize).min(BINS - 1);
        let right = match prediction.class {
            Class::Unknown => actual.is_attack() && seen == Some(false),
            class => class == actual,
        };
        self.rows[bin] += 1;
        self.right[bin] += u64::from(right);
        self.confidence[bin] += confidence;
        for class in 0..CLASS_COUNT {
            let truth = f64::from(u8::from(class == actual.index()));
            let distance = f64::from(prediction.shares[class]) - truth;
            self.brier += distance * distance;
        }
        let share = f64::from(prediction.shares[actual.index()]).clamp(LEAST_SHARE, 1.0);
        self.log_loss -= libm::log(share);
    }

    pub(super) fn calibration(&self) -> Calibration {
        let total = self.rows.iter().sum::<u64>();
        let mean = |sum: f64, rows: u64| if rows == 0 { 0.0 } else { sum / rows as f64 };
        let bins: Vec<_> = (0..BINS)
            .map(|bin| ReliabilityBin {
                from: bin as f64 / BINS as f64,
                to: (bin + 1) as f64 / BINS as f64,
                rows: self.rows[bin],
                confidence: mean(self.confidence[bin], self.rows[bin]),
                right: mean(self.right[bin] as f64, self.rows[bin]),
            })
            .collect();
        let gaps: f64 = bins
            .iter()
            .map(|bin| bin.rows as f64 * (bin.confidence - bin.right).abs())
            .sum();
        Calibration {
            expected_error: mean(gaps, total),
            brier: mean(self.brier, total),
            log_loss: mean(self.log_loss, total),
            bins,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Costs;

    fn said(shares: [f32; CLASS_COUNT]) -> Prediction {
        Costs::ARGMAX.decide(shares)
    }

    #[test]
    fn by_hand() {
        let mut reliability = Reliability::default();
        let sure = said([0.75, 0.25, 0.0, 0.0, 0.0, 0.0]);
        reliability.add(&sure, Class::Normal, Some(true));
        reliability.add(&sure, Class::Dos, Some(true));
        let whole = said([0.0, 1.0, 0.0, 0.0, 0.0, 0.0]);
        reliability.add(&whole, Class::Dos, None);
        reliability.add(&whole, Class::R2l, Some(false));
        let found = reliability.calibration();
        assert_eq!(found.bins.len(), 10);
        assert_eq!(
            found.bins[7],
            ReliabilityBin {
                from: 0.7,
                to: 0.8,
                rows: 2,
                confidence: 0.75,
                right: 0.5
            }
        );
        assert_eq!(found.bins[9].rows, 2);
        // (2 · |0.75 − 0.5| + 2 · |1 − 0.5|) / 4
        assert_eq!(found.expected_error, 0.375);
        // (0.25² + 0.25²) + (0.75² + 0.75²) + 0 + (1 + 1), over 4
        assert_eq!(found.brier, (0.125 + 1.125 + 0.0 + 2.0) / 4.0);
        let log_loss = (-(0.75_f64.ln()) - 0.25_f64.ln() - 1e-6_f64.ln()) / 4.0;
        assert!((found.log_loss - log_loss).abs() < 1e-12);
    }

    #[test]
    fn unknown_is_right_of_attacks_that_are() {
        let mut costs = Costs::ARGMAX;
        costs.0[Class::Unknown.index()] = [4000, 1000, 1000, 1000, 1000];
        let prediction = costs.decide([0.125, 0.0, 0.0, 0.0, 0.0, 0.875]);
        assert_eq!(prediction.class, Class::Unknown);
        let right = |actual, seen| {
            let mut reliability = Reliability::default();
            reliability.add(&prediction, actual, seen);
            reliability.calibration().bins[8].right
        };
        assert_eq!(right(Class::Dos, Some(false)), 1.0);
        assert_eq!(right(Class::Dos, Some(true)), 0.0);
        assert_eq!(right(Class::Dos, None), 0.0);
        assert_eq!(right(Class::Normal, Some(false)), 0.0);
    }

    #[test]
    fn nothing_seen_is_no_error() {
        let nothing = Reliability::default().calibration();
        assert_eq!(
            (nothing.expected_error, nothing.brier, nothing.log_loss),
            (0.0, 0.0, 0.0)
        );
    }
}
