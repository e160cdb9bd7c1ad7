//! From class shares to a verdict: the one of least expected cost.

use serde::{Deserialize, Serialize};

use crate::{CLASS_COUNT, Class, KNOWN_COUNT, Prediction};

/// What a verdict costs: rows by what is true (in the order of [`Class::ALL`]), columns by what
/// is said (in the order of [`Class::KNOWN`]), in thousandths. Equal costs of all errors make
/// the verdict the class of the greatest share.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Costs(pub [[u32; KNOWN_COUNT]; CLASS_COUNT]);

impl Costs {
    /// The class of the greatest share. A model that has learnt [`Class::Unknown`] needs to be
    /// told what its rows cost; here they cost as much whatever is said.
    pub const ARGMAX: Self = {
        let mut costs = [[1000; KNOWN_COUNT]; CLASS_COUNT];
        let mut class = 0;
        while class < KNOWN_COUNT {
            costs[class][class] = 0;
            class += 1;
        }
        Self(costs)
    };

    /// The verdict on these shares; of equal costs the class of the lower code, so normal first.
    ///
    /// A row that had best be called an attack is [`Class::Unknown`] where no known attack's
    /// share is as great as the unknown's.
    pub fn decide(&self, shares: [f32; CLASS_COUNT]) -> Prediction {
        let mut expected = self.expected(&shares);
        let unknown = shares[Class::Unknown.index()];
        for (sum, cost) in expected.iter_mut().zip(&self.0[Class::Unknown.index()]) {
            *sum += unknown * *cost as f32;
        }
        verdict(shares, &expected)
    }

    /// As [`Costs::decide`], but to call an unknown attack one of the known ones costs what it
    /// costs for the attacks it resembles: `kinds` gives their shares (that of normal is 0),
    /// and is asked only if it matters. What it costs to call it normal is in the table.
    pub fn decide_by_kinds(
        &self,
        shares: [f32; CLASS_COUNT],
        kinds: impl FnOnce() -> [f32; CLASS_COUNT],
    ) -> Prediction {
        let mut expected = self.expected(&shares);
        let unknown = shares[Class::Unknown.index()];
        expected[0] += unknown * self.0[Class::Unknown.index()][0] as f32;
        let cheapest_attack = expected[1..].iter().copied().fold(f32::INFINITY, f32::min);
        // Kinds only add to what attacks cost.
        if unknown > 0.0 && cheapest_attack < expected[0] {
            let resembles = self.expected(&kinds());
            for (sum, cost) in expected.iter_mut().zip(resembles).skip(1) {
                *sum += unknown * cost;
            }
        }
        verdict(shares, &expected)
    }

    /// What every verdict costs for the known classes' shares.
    fn expected(&self, shares: &[f32; CLASS_COUNT]) -> [f32; KNOWN_COUNT] {
        let mut expected = [0.0; KNOWN_COUNT];
        for (share, costs) in shares.iter().zip(&self.0).take(KNOWN_COUNT) {
            for (sum, cost) in expected.iter_mut().zip(costs) {
                *sum += share * *cost as f32;
            }
        }
        expected
    }
}

/// The class of least expected cost.
fn verdict(shares: [f32; CLASS_COUNT], expected: &[f32; KNOWN_COUNT]) -> Prediction {
    let mut nearest = Class::Normal;
    for candidate in Class::KNOWN {
        if expected[candidate.index()] < expected[nearest.index()] {
            nearest = candidate;
        }
    }
    let unknown = shares[Class::Unknown.index()];
    let known_attacks = &shares[Class::Dos.index()..KNOWN_COUNT];
    let class = if nearest.is_attack() && known_attacks.iter().all(|share| *share < unknown) {
        Class::Unknown
    } else {
        nearest
    };
    Prediction {
        class,
        nearest,
        confidence: shares[class.index()],
        shares,
    }
}

/// A way to decide that a model offers, by name.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OperatingPoint {
    /// Its name, such as `cost` or `low-fpr`.
    pub name: String,
    /// What errors cost there.
    pub costs: Costs,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_costs_take_the_greatest_share() {
        let decide = |shares| Costs::ARGMAX.decide(shares);
        assert_eq!(
            decide([0.4, 0.4, 0.2, 0.0, 0.0, 0.0]).class,
            Class::Normal,
            "ties go to the lower class"
        );
        let prediction = decide([0.1, 0.2, 0.35, 0.35, 0.0, 0.0]);
        assert_eq!(prediction.class, Class::Probe);
        assert!((prediction.confidence - 0.35).abs() < f32::EPSILON);
    }

    #[test]
    fn a_dear_miss_makes_an_attack_of_a_small_share() {
        let mut costs = Costs::ARGMAX;
        costs.0[Class::R2l.index()] = [4000, 2000, 2000, 0, 2000];
        let shares = [0.75, 0.0, 0.0, 0.25, 0.0, 0.0];
        assert_eq!(Costs::ARGMAX.decide(shares).class, Class::Normal);
        assert_eq!(costs.decide(shares).class, Class::R2l);
    }

    #[test]
    fn what_resembles_nothing_is_unknown_and_scored_as_the_cheapest() {
        let mut costs = Costs::ARGMAX;
        costs.0[Class::Unknown.index()] = [4000, 2000, 1000, 2000, 2000];
        let prediction = costs.decide([0.6, 0.0, 0.1, 0.0, 0.0, 0.3]);
        assert_eq!(
            (prediction.class, prediction.nearest),
            (Class::Unknown, Class::Probe)
        );
        assert!((prediction.confidence - 0.3).abs() < f32::EPSILON);
        let prediction = costs.decide([0.3, 0.35, 0.0, 0.0, 0.05, 0.3]);
        assert_eq!(
            (prediction.class, prediction.nearest),
            (Class::Dos, Class::Dos)
        );
        let resembles_dos = || [0.0, 0.9, 0.1, 0.0, 0.0, 0.0];
        let prediction = costs.decide_by_kinds([0.6, 0.0, 0.1, 0.0, 0.0, 0.3], resembles_dos);
        assert_eq!(
            (prediction.class, prediction.nearest),
            (Class::Unknown, Class::Dos)
        );
        let harmless = costs.decide_by_kinds([0.95, 0.0, 0.0, 0.0, 0.0, 0.05], || {
            panic!("not asked where it can't matter")
        });
        assert_eq!(harmless.class, Class::Normal);
        let harmless = costs.decide([0.95, 0.0, 0.0, 0.0, 0.0, 0.05]);
        assert_eq!(
            harmless.class,
            Class::Normal,
            "however little else there is"
        );
    }
}
