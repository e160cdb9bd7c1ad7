//! From scores to honest shares: one factor for all scores and one offset a class.

use super::prepare::PreparedRow;

/// Steps of the descent.
const STEPS: usize = 400;

/// Length of the first step.
const RATE: f64 = 0.1;

/// How many rows' worth of evidence an offset other than 0 needs: a class without held-out rows
/// keeps its score.
const PRIOR: f64 = 1.0;

/// What scores are multiplied with, and what is added to each class's.
#[derive(Clone, Debug)]
pub(super) struct Calibration {
    pub(super) factor: f32,
    pub(super) offsets: Vec<f32>,
}

/// Minimises the weighted log-loss of softmax(factor · score + offset) over rows with their
/// scores: Platt scaling for several classes, or temperature scaling with offsets (Guo et al.,
/// On Calibration of Modern Neural Networks, 2017). By Adam on all rows, in f64, from 1 and 0.
pub(super) fn calibrate(scores: &[(Vec<f32>, &PreparedRow)], classes: usize) -> Calibration {
    // The factor's logarithm, so that it stays positive, and the offsets.
    let mut parameters = vec![0.0; 1 + classes];
    let (mut mean, mut square) = (vec![0.0; 1 + classes], vec![0.0; 1 + classes]);
    let (mut mean_left, mut square_left) = (1.0, 1.0);
    let total: f64 = scores.iter().map(|(_, row)| f64::from(row.weight)).sum();
    for step in 0..STEPS {
        if total == 0.0 {
            break;
        }
        let gradient = gradient(scores, &parameters, total);
        mean_left *= 0.9;
        square_left *= 0.999;
        let rate = RATE * (1.0 - step as f64 / STEPS as f64);
        for index in 0..parameters.len() {
            mean[index] = 0.9 * mean[index] + 0.1 * gradient[index];
            square[index] = 0.999 * square[index] + 0.001 * gradient[index] * gradient[index];
            let scale = libm::sqrt(square[index] / (1.0 - square_left)) + 1e-12;
            parameters[index] -= rate * mean[index] / (1.0 - mean_left) / scale;
        }
    }
    Calibration {
        factor: libm::exp(parameters[0]) as f32,
        offsets: parameters[1..]
            .iter()
            .map(|offset| *offset as f32)
            .collect(),
    }
}

fn gradient(scores: &[(Vec<f32>, &PreparedRow)], parameters: &[f64], total: f64) -> Vec<f64> {
    let factor = libm::exp(parameters[0]);
    let mut gradient = vec![0.0; parameters.len()];
    let mut shares = vec![0.0; parameters.len() - 1];
    for (scores, row) in scores {
        for (class, score) in scores.iter().enumerate() {
            shares[class] = factor * f64::from(*score) + parameters[1 + class];
        }
        let greatest = shares.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        for share in &mut shares {
            *share = libm::exp(*share - greatest);
        }
        let sum: f64 = shares.iter().sum();
        for (class, share) in shares.iter().enumerate() {
            let truth = if class == row.class { 1.0 } else { 0.0 };
            let error = f64::from(row.weight) * (share / sum - truth);
            gradient[0] += error * factor * f64::from(scores[class]);
            gradient[1 + class] += error;
        }
    }
    for (index, slope) in gradient.iter_mut().enumerate() {
        if index > 0 {
            *slope += PRIOR * parameters[index];
        }
        *slope /= total;
    }
    gradient
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a failing unwrap is a failing test")]

    use super::*;
    use crate::{
        Class, Features, Schema,
        train::{Balance, Dataset, prepare::Prepared},
    };

    #[test]
    fn overconfident_scores_are_cooled_to_the_share_that_is_right() {
        // Every score says its class is e^8 times as likely; three in four are right.
        let rows = (0..400).map(|i| {
            let mut values = [0; crate::LIVE_COLUMNS.len()];
            values[0] = i;
            let class = if i % 2 == 0 {
                Class::Normal
            } else {
                Class::Dos
            };
            let features = Features::from_values(Schema::Live, &values).unwrap();
            (features, class, class.to_string())
        });
        let data = Dataset::new(Schema::Live, rows);
        let prepared = Prepared::new(&data, Balance::None, 1).unwrap();
        let scores: Vec<_> = prepared
            .rows
            .iter()
            .enumerate()
            .map(|(index, row)| {
                let said = if index % 8 < 2 {
                    1 - row.class
                } else {
                    row.class
                };
                let score = |class| if class == said { 8.0 } else { 0.0 };
                (vec![score(0), score(1)], row)
            })
            .collect();
        let calibration = calibrate(&scores, 2);
        // ln 3 = 1.0986 between the two.
        assert!(
            (f64::from(calibration.factor) * 8.0 - 1.0986).abs() < 0.02,
            "{calibration:?}"
        );
        assert!(calibration.offsets.iter().all(|offset| offset.abs() < 0.02));
    }
}
