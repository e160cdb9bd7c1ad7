//! Intervals by resampling a confusion matrix.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{Class, Confusion, train::random::Random};

/// How often the matrix is drawn anew.
pub const RESAMPLES: usize = 1000;

/// How much of the resamples an interval holds.
const COVERAGE: f64 = 0.95;

/// Where a figure lies with 95 % confidence.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Interval {
    /// Lower end.
    pub low: f64,
    /// Upper end.
    pub high: f64,
}

/// Intervals of the figures of a confusion matrix.
///
/// A Poisson bootstrap (Chamandy et al., "Estimating uncertainty for massive data streams",
/// Google, 2012): every cell is drawn from a Poisson distribution with its count as the mean,
/// [`RESAMPLES`] times, and the interval is that of the 2.5th to the 97.5th percentile (Efron's
/// percentile interval), widened to the figure itself where that lies outside. It tells how much
/// another test set of the same kind would change a figure, not how another network would.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Intervals {
    /// Of the share of right classes.
    pub accuracy: Interval,
    /// Of the contest's cost.
    pub kdd_cost: Interval,
    /// Of the mean F1.
    pub macro_f1: Interval,
    /// Of the share rightly told normal or attack.
    pub binary_accuracy: Interval,
    /// Of the share of normal rows called an attack; absent without normal rows.
    pub false_positive_rate: Option<Interval>,
    /// Of the share of attack rows called an attack; absent without attacks.
    pub detection_rate: Option<Interval>,
    /// Of the recall by class; classes without rows are absent.
    pub recall: BTreeMap<Class, Interval>,
    /// Of the precision by class; classes never predicted are absent.
    pub precision: BTreeMap<Class, Interval>,
}

/// The intervals of a matrix; the same seed gives the same.
pub fn intervals(confusion: &Confusion, seed: u64) -> Intervals {
    let mut random = Random::new(seed);
    let draws: Vec<Confusion> = (0..RESAMPLES)
        .map(|_| {
            let cells = confusion.0;
            Confusion(cells.map(|row| row.map(|count| random.poisson(count as f64))))
        })
        .collect();
    let rows = |draw: &Confusion, actual: usize| draw.0[actual].iter().sum::<u64>();
    let of = |figure: &dyn Fn(&Confusion) -> f64, defined: &dyn Fn(&Confusion) -> bool| {
        let point = defined(confusion).then(|| figure(confusion))?;
        let values = draws.iter().filter(|draw| defined(draw)).map(figure);
        Some(interval(point, values.collect()))
    };
    let total = |figure: &dyn Fn(&Confusion) -> f64| {
        let nothing = Interval {
            low: 0.0,
            high: 0.0,
        };
        of(figure, &|draw| draw.total() > 0).unwrap_or(nothing)
    };
    let by_class = |figure: &dyn Fn(&Confusion, Class) -> f64,
                    defined: &dyn Fn(&Confusion, usize) -> bool| {
        let classes = Class::KNOWN.into_iter().filter_map(|class| {
            let interval = of(&|draw| figure(draw, class), &|draw| {
                defined(draw, class.index())
            });
            Some((class, interval?))
        });
        classes.collect::<BTreeMap<_, _>>()
    };
    Intervals {
        accuracy: total(&Confusion::accuracy),
        kdd_cost: total(&Confusion::kdd_cost),
        macro_f1: total(&Confusion::macro_f1),
        binary_accuracy: total(&Confusion::binary_accuracy),
        false_positive_rate: of(&Confusion::false_positive_rate, &|draw| rows(draw, 0) > 0),
        detection_rate: of(&Confusion::detection_rate, &|draw| {
            (1..draw.0.len()).any(|actual| rows(draw, actual) > 0)
        }),
        recall: by_class(&Confusion::recall, &|draw, class| rows(draw, class) > 0),
        precision: by_class(&Confusion::precision, &|draw, class| {
            draw.0.iter().any(|row| row[class] > 0)
        }),
    }
}

fn interval(point: f64, mut values: Vec<f64>) -> Interval {
    values.sort_by(f64::total_cmp);
    let at = |quantile: f64| {
        let last = values.len().saturating_sub(1);
        let index = (quantile * last as f64).round() as usize;
        values.get(index).copied().unwrap_or(point)
    };
    let tail = (1.0 - COVERAGE) / 2.0;
    Interval {
        low: at(tail).min(point),
        high: at(1.0 - tail).max(point),
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a failing unwrap is a failing test")]

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_share_gets_about_its_normal_interval() {
        let mut confusion = Confusion::default();
        confusion.add(Class::Normal, Class::Normal, 900);
        confusion.add(Class::Normal, Class::Dos, 100);
        let found = intervals(&confusion, 1);
        let rate = found.false_positive_rate.unwrap();
        // 0.1 ± 1.96 sqrt(0.1 · 0.9 / 1000) = 0.1 ± 0.0186
        assert!((rate.low - 0.0814).abs() < 0.003, "{rate:?}");
        assert!((rate.high - 0.1186).abs() < 0.003, "{rate:?}");
        assert_eq!(found.detection_rate, None);
        assert!(!found.recall.contains_key(&Class::Dos));
        assert_eq!(
            found.precision.keys().copied().collect::<Vec<_>>(),
            [Class::Normal, Class::Dos]
        );
        let sure = found.precision[&Class::Normal];
        assert_eq!((sure.low, sure.high), (1.0, 1.0));
        assert_ne!(intervals(&confusion, 2), found, "another seed, other draws");
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]

        #[test]
        fn intervals_hold_their_figure_and_repeat(
            cells in proptest::array::uniform5(proptest::array::uniform6(0_u64..400)),
            seed: u64,
        ) {
            let confusion = Confusion(cells);
            let found = intervals(&confusion, seed);
            prop_assert_eq!(&found, &intervals(&confusion, seed));
            let holds = |interval: Interval, figure: f64| {
                interval.low <= figure && figure <= interval.high && interval.low >= 0.0
            };
            prop_assert!(holds(found.accuracy, confusion.accuracy()));
            prop_assert!(holds(found.kdd_cost, confusion.kdd_cost()));
            prop_assert!(holds(found.macro_f1, confusion.macro_f1()));
            for (class, interval) in &found.recall {
                prop_assert!(holds(*interval, confusion.recall(*class)));
                prop_assert!(interval.high <= 1.0);
            }
            for (class, interval) in &found.precision {
                prop_assert!(holds(*interval, confusion.precision(*class)));
            }
        }
    }
}
