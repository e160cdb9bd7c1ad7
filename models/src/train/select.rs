//! How a forest with an unknown class comes to its operating points: by attack types that are
//! left out of the training data, never by test data.
//!
//! Attack types are spread over eight folds. Each fold's types are left out whole, with an
//! equal part of all other rows; made-up unknown rows come from what is left. So every row is
//! judged once by a forest that has not seen it, and every attack type once by one that has
//! never heard of it.

use std::{collections::BTreeMap, fmt};

use super::{
    Balance, Dataset, ForestParams, ParamsError,
    assemble::settings,
    by_scenario::{OfScenario, by_scenario},
    cost_tables::cost_tables,
    folds::Folds,
    forest,
    held_out::{HeldOut, false_positive_rate, outcome},
    parallel::in_parallel,
    random::mix,
    unknown::{UnknownParams, with_unknown},
};
use crate::{Classifier as _, Confusion, Costs, Forest, ForestError, OperatingPoint, Schema};

/// In how many parts attack types, and rows, are left out.
const FOLDS: u64 = 8;

/// What to grow.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ForestSettings {
    /// The trees.
    pub forest: ForestParams,
    /// The made-up rows.
    pub unknown: UnknownParams,
}

impl ForestSettings {
    /// The settings that are tried, with half the trees: that is enough to compare.
    pub fn tried(schema: Schema) -> Vec<Self> {
        // Only one of the schemas has content columns.
        let contents: &[bool] = match schema {
            Schema::Kdd41 => &[true, false],
            Schema::Live => &[true],
        };
        let mut all = Vec::new();
        for (content, balance) in contents
            .iter()
            .flat_map(|content| [Balance::Sqrt, Balance::Full].map(|balance| (*content, balance)))
        {
            for (min_percent, max_percent) in [(3, 40), (5, 60)] {
                all.push(Self {
                    forest: ForestParams {
                        trees: 16,
                        balance,
                        content,
                        ..ForestParams::default()
                    },
                    unknown: UnknownParams {
                        content,
                        min_percent,
                        max_percent,
                        ..UnknownParams::default()
                    },
                });
            }
        }
        all
    }

    /// The same with all trees.
    #[must_use]
    pub fn whole(mut self) -> Self {
        self.forest.trees = ForestParams::default().trees;
        self
    }

    /// Their names and values, for the model file.
    pub fn settings(&self) -> BTreeMap<String, String> {
        let (forest, unknown) = (&self.forest, &self.unknown);
        settings([
            ("trees", &forest.trees),
            ("leaves", &forest.leaves),
            ("columns", &forest.columns),
            ("min_leaf", &forest.min_leaf),
            ("sample_percent", &forest.sample_percent),
            ("balance", &forest.balance),
            ("content", &forest.content),
            ("kinds", &forest.kinds),
            ("unknown_rows_percent", &unknown.rows_percent),
            ("unknown_min_percent", &unknown.min_percent),
            ("unknown_max_percent", &unknown.max_percent),
            ("unknown_weight_percent", &unknown.weight_percent),
        ])
    }
}

/// What a mean over all rows is made of: shares of normal rows, rows of known attack types, and
/// rows of attack types not in the training data.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Mix {
    /// Normal rows.
    pub normal: f64,
    /// Attacks of known types.
    pub known: f64,
    /// Attacks of types never seen.
    pub unseen: f64,
}

impl Mix {
    fn of(&self, parts: [f64; 3]) -> f64 {
        self.normal * parts[0] + self.known * parts[1] + self.unseen * parts[2]
    }
}

/// What an operating point is for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Aim {
    /// Least cost by the contest's matrix.
    Cost,
    /// Most rows with the right class.
    Accuracy,
    /// Most rows of unseen attack types called an attack.
    Detection,
}

/// An operating point to look for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Goal {
    /// Its name.
    pub name: &'static str,
    /// What it is for.
    pub aim: Aim,
    /// The most held-out normal rows that may be called an attack, as a share.
    pub alerts: f64,
}

/// How a way to decide did on held-out training rows.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Outcome {
    /// Share of normal rows (duplicates included) called an attack.
    pub false_positive_rate: f64,
    /// Of those whose scenario was not left out with them.
    pub familiar_false_positive_rate: f64,
    /// Mean contest cost of normal rows, of rows of known attack types, and of unseen types
    /// (each type the same).
    pub cost: [f64; 3],
    /// Share of rows of the same three with the right class.
    pub right: [f64; 3],
    /// Share of rows of unseen types called an attack (each type the same).
    pub detection: f64,
    /// All held-out rows, duplicates included, by verdict.
    pub confusion: Confusion,
}

/// An operating point that was found, and how it did.
#[derive(Clone, Debug, PartialEq)]
pub struct Chosen {
    /// The point.
    pub point: OperatingPoint,
    /// The goal, unless the point was given.
    pub goal: Option<Goal>,
    /// Held-out rows at that point.
    pub outcome: Outcome,
    /// What was minimised.
    pub score: f64,
}

/// Settings that were tried, and the operating points found with them.
#[derive(Clone, Debug)]
pub struct Trial {
    /// The settings.
    pub settings: ForestSettings,
    /// The points, in the order of the goals.
    pub points: Vec<Chosen>,
    /// What the first point says of scenarios left out; of settings that are given only.
    pub by_scenario: Vec<OfScenario>,
}

impl fmt::Display for Trial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "validation: {} trees, content {}, balance {}, {} to {} % of columns swapped:",
            self.settings.forest.trees,
            self.settings.forest.content,
            self.settings.forest.balance,
            self.settings.unknown.min_percent,
            self.settings.unknown.max_percent
        )?;
        for point in &self.points {
            write!(
                f,
                " {} {:.4} (false positives {:.4}, unseen cost {:.3}, detected {:.3})",
                point.point.name,
                point.score,
                point.outcome.false_positive_rate,
                point.outcome.cost[2],
                point.outcome.detection
            )?;
        }
        Ok(())
    }
}

/// Why nothing could be chosen.
#[derive(Debug, thiserror::Error)]
pub enum SelectError {
    /// The data can't be fitted.
    #[error(transparent)]
    Params(#[from] ParamsError),
    /// A bug in the trainer.
    #[error("the fitted forest is wrong: {0}")]
    Forest(#[from] ForestError),
    /// Every way to decide calls too many normal rows an attack.
    #[error("no way to decide keeps false positives of held-out normal rows within {0}")]
    Alerts(f64),
}

/// Tries settings; gives all, the least sum of the goals' scores first, and before them that
/// one with all its trees.
///
/// # Errors
///
/// If the data can't be fitted, or no way to decide meets a goal.
pub fn choose_forest(
    data: &Dataset,
    settings: &[ForestSettings],
    goals: &[Goal],
    mix: Mix,
    seed: u64,
    mut progress: impl FnMut(&Trial),
) -> Result<Vec<Trial>, SelectError> {
    let mut trials = Vec::with_capacity(settings.len());
    for settings in settings {
        let trial = tried(data, settings, goals, mix, seed)?;
        progress(&trial);
        trials.push(trial);
    }
    let score = |trial: &Trial| trial.points.iter().map(|point| point.score).sum::<f64>();
    trials.sort_by(|a, b| score(a).total_cmp(&score(b)));
    // Shares scatter less with all trees: the points must be those of the forest to come.
    if let Some(best) = trials.first() {
        let whole = tried(data, &best.settings.whole(), goals, mix, seed)?;
        progress(&whole);
        trials.insert(0, whole);
    }
    Ok(trials)
}

fn tried(
    data: &Dataset,
    settings: &ForestSettings,
    goals: &[Goal],
    mix: Mix,
    seed: u64,
) -> Result<Trial, SelectError> {
    let held_out = held_out(data, settings, seed)?;
    let tables = cost_tables();
    let outcomes = in_parallel(tables.len(), |family| {
        let of_goal = |goal: &Goal| dearest(data, &held_out, &tables[family], goal.alerts);
        goals.iter().map(of_goal).collect::<Vec<_>>()
    });
    let points = (0..)
        .zip(goals)
        .map(|(index, goal)| best(outcomes.iter().filter_map(|of| of[index]), *goal, mix))
        .collect::<Result<Vec<_>, _>>()?;
    Ok(Trial {
        settings: *settings,
        points,
        by_scenario: Vec::new(),
    })
}

/// How settings do on held-out rows by ways to decide that are given: each one's score is the
/// share of rows with the wrong class, known and left-out groups weighing the same.
pub(super) fn judged(
    data: &Dataset,
    settings: &ForestSettings,
    points: &[OperatingPoint],
    seed: u64,
) -> Result<Trial, SelectError> {
    let held_out = held_out(data, settings, seed)?;
    let first = points.first().map(|point| &point.costs);
    let by_scenario = first.map(|costs| by_scenario(data, &held_out, costs));
    let points = points.iter().map(|point| {
        let outcome = outcome(data, &held_out, &point.costs);
        let [_, known, unseen] = outcome.right;
        Chosen {
            point: point.clone(),
            goal: None,
            score: 1.0 - (known + unseen) / 2.0,
            outcome,
        }
    });
    Ok(Trial {
        settings: *settings,
        points: points.collect(),
        by_scenario: by_scenario.unwrap_or_default(),
    })
}

fn held_out(
    data: &Dataset,
    settings: &ForestSettings,
    seed: u64,
) -> Result<Vec<HeldOut>, SelectError> {
    let folds = Folds::new(data, FOLDS, seed);
    let folds = in_parallel(FOLDS as usize, |fold| {
        let fold = fold as u64;
        let mut judged = Vec::new();
        let kept = folds.kept(fold);
        let kept = with_unknown(kept, &settings.unknown, mix(seed ^ fold));
        let parameters = forest::fit(&kept, &settings.forest, seed)?;
        let forest = Forest::new(data.schema, "candidate", Costs::ARGMAX, &parameters)?;
        for (index, row) in folds.held_out(fold) {
            judged.push(HeldOut {
                row: index,
                unseen: folds.is_unseen(row, fold),
                shares: forest.predict(&row.features).shares,
                kinds: forest.kinds(&row.features),
            });
        }
        Ok(judged)
    });
    let folds: Result<Vec<Vec<HeldOut>>, SelectError> = folds.into_iter().collect();
    Ok(folds?.into_iter().flatten().collect())
}

/// Of a family's tables, by what it costs to miss an unknown attack, the last that keeps within
/// the alerts; `None` if the first does not. The dearer a miss, the more rows are called attacks,
/// so it can be searched for by halving.
fn dearest(
    data: &Dataset,
    held_out: &[HeldOut],
    family: &[Costs],
    alerts: f64,
) -> Option<(Costs, Outcome)> {
    let within = |costs: &Costs| false_positive_rate(data, held_out, costs) <= alerts;
    let costs = family[..family.partition_point(within)].last()?;
    Some((*costs, outcome(data, held_out, costs)))
}

/// The best table of costs for a goal, among every family's dearest within its false positives:
/// what is allowed is spent (Neyman and Pearson), since attacks to come are harder to tell than
/// the types that were left out. Of these the one of least score.
fn best(
    outcomes: impl Iterator<Item = (Costs, Outcome)>,
    goal: Goal,
    mix: Mix,
) -> Result<Chosen, SelectError> {
    let mut best: Option<Chosen> = None;
    for (costs, outcome) in outcomes {
        let score = match goal.aim {
            Aim::Cost => mix.of(outcome.cost),
            Aim::Accuracy => mix.of(outcome.right.map(|right| 1.0 - right)),
            Aim::Detection => 1.0 - outcome.detection,
        };
        if best.as_ref().is_none_or(|best| score < best.score) {
            let name = goal.name.to_owned();
            best = Some(Chosen {
                point: OperatingPoint { name, costs },
                goal: Some(goal),
                outcome,
                score,
            });
        }
    }
    best.ok_or(SelectError::Alerts(goal.alerts))
}
