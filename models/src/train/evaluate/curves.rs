//! How well a score tells attacks from normal rows, whatever the threshold.

use serde::{Deserialize, Serialize};

/// Steps a score is rounded to: 1/65535, below what an f32 sum of shares is good for.
const STEPS: usize = u16::MAX as usize;

/// The least move along either axis between two points of a curve that is kept.
const MOVE: f64 = 1.0 / 250.0;

/// The same along the false-positive rate below [`FINE_BELOW`], where gates are operated.
const FINE_MOVE: f64 = 1.0 / 2500.0;

/// See [`FINE_MOVE`].
const FINE_BELOW: f64 = 0.1;

/// Rows by rounded score, so that no row needs to be kept: 1 MiB whatever the file's length.
#[derive(Clone, Debug)]
pub(super) struct Scores {
    /// Normal rows and attacks by score.
    bins: Vec<[u64; 2]>,
}

/// ROC and precision-recall curves of the attack score (1 − share of normal).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Curves {
    /// Area under the ROC curve: the chance that an attack scores above a normal row, ties half
    /// (Mann-Whitney). Absent if either is lacking.
    pub roc_auc: Option<f64>,
    /// Average precision, the area under the precision-recall curve as a step function:
    /// the sum of precision × gain in recall. Absent if either is lacking.
    pub average_precision: Option<f64>,
    /// False-positive rate and detection rate, from (0, 0) to (1, 1), thinned.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub roc: Vec<[f64; 2]>,
    /// Recall and precision of attacks, thinned.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub precision_recall: Vec<[f64; 2]>,
}

impl Scores {
    pub(super) fn new() -> Self {
        Self {
            bins: vec![[0; 2]; STEPS + 1],
        }
    }

    /// Counts a row; `normal` is the share of normal it was given.
    pub(super) fn add(&mut self, normal: f32, is_attack: bool) {
        let score = (1.0 - f64::from(normal)).clamp(0.0, 1.0);
        let bin = (score * STEPS as f64).round() as usize;
        self.bins[bin][usize::from(is_attack)] += 1;
    }

    pub(super) fn curves(&self) -> Curves {
        let [normals, attacks] = self.bins.iter().fold([0, 0], |[normals, attacks], bin| {
            [normals + bin[0], attacks + bin[1]]
        });
        if normals == 0 || attacks == 0 {
            return Curves::default();
        }
        // Twice the number of pairs an attack wins, ties half: whole numbers, so exact.
        let mut twice_won = 0_u128;
        let mut average_precision = 0.0;
        let (mut false_alarms, mut found) = (0_u64, 0_u64);
        let mut roc = Thinned::starting_at([0.0, 0.0]);
        let mut precision_recall = Thinned::default();
        for [normal, attack] in self.bins.iter().rev().filter(|bin| **bin != [0, 0]) {
            twice_won += u128::from(*normal) * u128::from(2 * found + attack);
            false_alarms += normal;
            found += attack;
            let recall = found as f64 / attacks as f64;
            let precision = found as f64 / (found + false_alarms) as f64;
            average_precision += precision * *attack as f64 / attacks as f64;
            roc.push([false_alarms as f64 / normals as f64, recall]);
            precision_recall.push([recall, precision]);
        }
        let pairs = 2.0 * normals as f64 * attacks as f64;
        Curves {
            roc_auc: Some(twice_won as f64 / pairs),
            average_precision: Some(average_precision),
            roc: roc.finish(),
            precision_recall: precision_recall.finish(),
        }
    }
}

/// A curve without the points that nobody could see.
#[derive(Default)]
struct Thinned {
    kept: Vec<[f64; 2]>,
    last: Option<[f64; 2]>,
}

impl Thinned {
    fn starting_at(point: [f64; 2]) -> Self {
        Self {
            kept: vec![point],
            last: None,
        }
    }

    fn push(&mut self, point: [f64; 2]) {
        let step = if point[0] < FINE_BELOW {
            FINE_MOVE
        } else {
            MOVE
        };
        let far = self.kept.last().is_none_or(|kept| {
            (point[0] - kept[0]).abs() >= step || (point[1] - kept[1]).abs() >= MOVE
        });
        if far {
            // A long straight piece starts where it starts, not at the last point kept.
            let jump = self.kept.last().is_some_and(|kept| {
                (point[0] - kept[0]).abs() >= 4.0 * MOVE || (point[1] - kept[1]).abs() >= 4.0 * MOVE
            });
            if jump {
                self.kept.extend(self.last.take());
            }
            self.kept.push(point);
            self.last = None;
        } else {
            self.last = Some(point);
        }
    }

    fn finish(mut self) -> Vec<[f64; 2]> {
        self.kept.extend(self.last);
        self.kept
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a failing unwrap is a failing test")]

    use proptest::prelude::*;

    use super::*;

    fn scores(rows: &[(f32, bool)]) -> Scores {
        let mut scores = Scores::new();
        for (normal, is_attack) in rows {
            scores.add(*normal, *is_attack);
        }
        scores
    }

    #[test]
    fn curves_by_hand() {
        // Attack scores 1, 1/2, 0 of normal, attack, attack, normal …
        let curves = scores(&[(0.0, true), (0.5, false), (0.5, true), (1.0, false)]).curves();
        assert_eq!(curves.roc, [[0.0, 0.0], [0.0, 0.5], [0.5, 1.0], [1.0, 1.0]]);
        assert_eq!(
            curves.precision_recall,
            [[0.5, 1.0], [1.0, 2.0 / 3.0], [1.0, 0.5]]
        );
        // Pairs won 3, tied 1, of 4.
        assert_eq!(curves.roc_auc, Some(3.5 / 4.0));
        assert_eq!(curves.average_precision, Some(0.5 + 0.5 * 2.0 / 3.0));
    }

    #[test]
    fn one_kind_alone_has_no_curve() {
        assert_eq!(scores(&[(0.3, true)]).curves(), Curves::default());
        assert_eq!(scores(&[(0.3, false)]).curves(), Curves::default());
        assert_eq!(Scores::new().curves(), Curves::default());
    }

    proptest! {
        #[test]
        fn the_area_is_the_share_of_pairs_won(
            rows in proptest::collection::vec((0_u16..40, any::<bool>()), 1..80),
        ) {
            let rows: Vec<(f32, bool)> =
                rows.iter().map(|(score, attack)| (f32::from(*score) / 39.0, *attack)).collect();
            let curves = scores(&rows).curves();
            let of = |attack| rows.iter().filter(move |row| row.1 == attack).map(|row| row.0);
            let (mut won, mut pairs) = (0.0, 0.0);
            for attack in of(true) {
                for normal in of(false) {
                    pairs += 1.0;
                    won += if attack < normal { 1.0 } else if attack == normal { 0.5 } else { 0.0 };
                }
            }
            prop_assert_eq!(curves.roc_auc.is_some(), pairs > 0.0);
            if pairs > 0.0 {
                prop_assert!((curves.roc_auc.unwrap() - won / pairs).abs() < 1e-12);
                // So few points are never thinned: the trapezoids must agree as well.
                let area: f64 = curves
                    .roc
                    .windows(2)
                    .map(|pair| (pair[1][0] - pair[0][0]) * (pair[0][1] + pair[1][1]) / 2.0)
                    .sum();
                prop_assert!((area - won / pairs).abs() < 1e-9, "{area}");
                prop_assert_eq!(curves.roc.last(), Some(&[1.0, 1.0]));
            }
        }
    }
}
