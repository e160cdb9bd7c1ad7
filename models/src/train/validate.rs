//! Choice of parameters by leaving attack types out of the training data.

use std::cmp::Reverse;

use super::{
    Balance, CheckedParams, Dataset, Params, ParamsError, Row,
    cart::Trainer,
    prune::{cut_at, pruned},
    random::mix,
};
use crate::{Class, Classifier, Confusion, Costs, Tree};

/// In how many parts attack types, and rows, are left out.
pub(super) const FOLDS: u64 = 5;

/// The values to try, all with all.
#[derive(Clone, Debug)]
pub struct Grid {
    /// Most decisions on a path.
    pub depths: Vec<usize>,
    /// Fewest distinct rows in a leaf.
    pub leaves: Vec<u64>,
    /// How rare classes are favoured.
    pub balances: Vec<Balance>,
}

/// One combination.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Point {
    /// Most decisions on a path.
    pub max_depth: usize,
    /// Fewest distinct rows in a leaf.
    pub min_leaf: u64,
    /// How rare classes are favoured.
    pub balance: Balance,
}

/// A parameter set and how it did on held-out training rows.
#[derive(Clone, Debug)]
pub struct Candidate {
    /// The parameters.
    pub point: Point,
    /// Mean contest cost of held-out normal rows, rows of known attack types, and attack types
    /// left out whole (each type the same), weighted alike. Less is better.
    pub score: f64,
    /// Those three.
    pub parts: [f64; 3],
    /// All held-out rows, duplicates included.
    pub confusion: Confusion,
}

/// Tries every combination and gives them all, the best first; of equals the smaller tree.
///
/// Every fold leaves out a fifth of the attack types whole, and a fifth of the other rows.
/// `progress` hears of every candidate as it is known, not in the order of the grid: one tree,
/// grown to the greatest depth, is good for all depths.
///
/// # Errors
///
/// If a depth or leaf size is out of range, or a fold is left without rows.
pub fn choose(
    data: &Dataset,
    grid: &Grid,
    alpha: f64,
    seed: u64,
    mut progress: impl FnMut(&Candidate),
) -> Result<Vec<Candidate>, ParamsError> {
    for max_depth in &grid.depths {
        Params::default().max_depth(*max_depth).check()?;
    }
    let Some(deepest) = grid.depths.iter().copied().max() else {
        return Ok(Vec::new());
    };
    let folds = Folds::new(data, seed);
    let trainer = Trainer::new(data);
    let mut candidates = Vec::new();
    for min_leaf in grid.leaves.iter().copied() {
        for balance in grid.balances.iter().copied() {
            let params = Params::default()
                .max_depth(deepest)
                .min_leaf(min_leaf)
                .balance(balance)
                .alpha(alpha)
                .check()?;
            let tallies = folds.judge(&trainer, params, &grid.depths)?;
            for (max_depth, tally) in grid.depths.iter().copied().zip(tallies) {
                let candidate = tally.candidate(Point {
                    max_depth,
                    min_leaf,
                    balance,
                });
                progress(&candidate);
                candidates.push(candidate);
            }
        }
    }
    // Equal in score and size, they stay in the order of the balances.
    candidates.sort_by(|a, b| {
        let size = |point: Point| (point.max_depth, Reverse(point.min_leaf));
        a.score
            .total_cmp(&b.score)
            .then(size(a.point).cmp(&size(b.point)))
    });
    Ok(candidates)
}

/// What every fold leaves out.
struct Folds<'a> {
    data: &'a Dataset,
    of_group: Vec<Option<u64>>,
    seed: u64,
}

impl<'a> Folds<'a> {
    fn new(data: &'a Dataset, seed: u64) -> Self {
        Self {
            data,
            of_group: group_folds(data, FOLDS, seed),
            seed,
        }
    }

    fn is_unseen(&self, row: &Row, fold: u64) -> bool {
        self.of_group[row.group] == Some(fold)
    }

    fn is_held_out(&self, index: usize, row: &Row, fold: u64) -> bool {
        self.is_unseen(row, fold) || mix(self.seed ^ index as u64) % FOLDS == fold
    }

    /// Grows a tree a fold and judges it, cut at every depth, on what the fold leaves out; the
    /// tallies by depth.
    fn judge(
        &self,
        trainer: &Trainer<'_>,
        params: CheckedParams,
        depths: &[usize],
    ) -> Result<Vec<Tally>, ParamsError> {
        let rows = &self.data.rows;
        let mut tallies = vec![Tally::new(self.data.groups.len()); depths.len()];
        for fold in 0..FOLDS {
            let (held_out, kept): (Vec<u32>, Vec<u32>) =
                (0..rows.len() as u32).partition(|index| {
                    let index = *index as usize;
                    self.is_held_out(index, &rows[index], fold)
                });
            let nodes = trainer.grow(kept, params.0)?;
            for (depth, tally) in depths.iter().zip(&mut tallies) {
                let nodes = pruned(&cut_at(&nodes, *depth), params.0.alpha);
                // The trainer's own nodes are a tree; were they not, no candidate could be
                // trusted.
                let Ok(tree) = Tree::new(self.data.schema, "candidate", Costs::ARGMAX, nodes)
                else {
                    continue;
                };
                for index in &held_out {
                    let row = &rows[*index as usize];
                    let unseen = self.is_unseen(row, fold);
                    tally.add(row, tree.predict(&row.features).class, unseen);
                }
            }
        }
        Ok(tallies)
    }
}

/// The fold that leaves each attack type, and each recorded scenario, out: those of a class
/// spread over the folds, so that every fold keeps something of every class. KDD's normal rows,
/// which are one group, and the only type of a class are never left out.
pub(super) fn group_folds(data: &Dataset, folds: u64, seed: u64) -> Vec<Option<u64>> {
    let mut class_of_group = vec![Class::Normal; data.groups.len()];
    for row in &data.rows {
        class_of_group[row.group] = row.class;
    }
    let mut fold_of_group = vec![None; data.groups.len()];
    for class in Class::ALL {
        let mut members: Vec<usize> = (0..fold_of_group.len())
            .filter(|group| class_of_group[*group] == class)
            .filter(|group| class.is_attack() || data.is_recorded(*group))
            .collect();
        if members.len() < 2 {
            continue;
        }
        members.sort_by_key(|group| mix(seed ^ (*group as u64) << 8));
        for (turn, group) in (0..).zip(members) {
            fold_of_group[group] = Some(turn % folds);
        }
    }
    fold_of_group
}

/// Cost and weight so far.
#[derive(Clone, Copy, Default)]
struct Mean {
    cost: f64,
    weight: f64,
}

impl Mean {
    fn add(&mut self, cost: u64, weight: u64) {
        self.cost += (cost * weight) as f64;
        self.weight += weight as f64;
    }

    fn value(&self) -> Option<f64> {
        (self.weight > 0.0).then(|| self.cost / self.weight)
    }
}

#[derive(Clone)]
pub(super) struct Tally {
    normal: Mean,
    known: Mean,
    unseen: Vec<Mean>,
    confusion: Confusion,
}

impl Tally {
    pub(super) fn new(groups: usize) -> Self {
        Self {
            normal: Mean::default(),
            known: Mean::default(),
            unseen: vec![Mean::default(); groups],
            confusion: Confusion::default(),
        }
    }

    pub(super) fn add(&mut self, row: &Row, predicted: Class, unseen: bool) {
        let mean = match row.class {
            _ if unseen => &mut self.unseen[row.group],
            Class::Normal => &mut self.normal,
            _ => &mut self.known,
        };
        mean.add(Confusion::cost_of(row.class, predicted), row.weight);
        self.confusion.add(row.class, predicted, row.count);
    }

    fn candidate(self, point: Point) -> Candidate {
        let (parts, confusion) = self.parts();
        Candidate {
            point,
            score: parts.iter().sum::<f64>() / 3.0,
            parts,
            confusion,
        }
    }

    /// Mean costs of normal rows, known types and unseen types; all rows.
    pub(super) fn parts(self) -> ([f64; 3], Confusion) {
        let unseen: Vec<f64> = self.unseen.iter().filter_map(Mean::value).collect();
        let unseen_mean = if unseen.is_empty() {
            0.0
        } else {
            unseen.iter().sum::<f64>() / unseen.len() as f64
        };
        let parts = [
            self.normal.value().unwrap_or(0.0),
            self.known.value().unwrap_or(0.0),
            unseen_mean,
        ];
        (parts, self.confusion)
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a failing unwrap is a failing test")]

    use super::*;
    use crate::{Features, Schema};

    /// A few attack types, some alike; what they look like is not quite what they are.
    fn data() -> Dataset {
        let rows = (0..3000_u64).map(|i| {
            let draw = mix(i);
            let (class, group) = match draw % 9 {
                0..4 => (Class::Normal, "normal"),
                4 => (Class::Dos, "neptune"),
                5 => (Class::Dos, "smurf"),
                6 => (Class::Dos, "pod"),
                7 => (Class::Probe, "satan"),
                _ => (Class::Probe, "nmap"),
            };
            let mut values = [0; 33];
            for (column, value) in (0..).zip(&mut values[..5]) {
                let noise = mix(draw ^ column) % 9;
                *value = (noise * (draw % 9) / (column + 1)) as u32;
            }
            let features = Features::from_values(Schema::Live, &values).unwrap();
            (features, class, group.to_owned())
        });
        Dataset::new(Schema::Live, rows)
    }

    #[test]
    fn a_tree_for_all_depths_and_folds_in_place_judge_as_a_fit_each_would() {
        let data = data();
        let grid = Grid {
            depths: vec![5, 1, 3, 20],
            leaves: vec![2, 9],
            balances: vec![Balance::None, Balance::Full],
        };
        for alpha in [0.0, 0.002] {
            let chosen = choose(&data, &grid, alpha, 3, |_| {}).unwrap();
            assert_eq!(chosen.len(), 16);
            assert!(chosen.is_sorted_by(|a, b| a.score <= b.score));
            for candidate in &chosen {
                let params = Params::default()
                    .max_depth(candidate.point.max_depth)
                    .min_leaf(candidate.point.min_leaf)
                    .balance(candidate.point.balance)
                    .alpha(alpha)
                    .check()
                    .unwrap();
                let plain = plain(&data, params, 3).candidate(candidate.point);
                assert_eq!(candidate.score.to_bits(), plain.score.to_bits());
                assert_eq!(candidate.confusion, plain.confusion);
            }
            let scores = chosen.iter().map(|candidate| candidate.score.to_bits());
            let mut scores: Vec<u64> = scores.collect();
            scores.dedup();
            assert!(scores.len() > 4, "the candidates differ");
        }
    }

    /// A fit of every fold's own rows, to the depth itself.
    fn plain(data: &Dataset, params: CheckedParams, seed: u64) -> Tally {
        let folds = Folds::new(data, seed);
        let mut tally = Tally::new(data.groups.len());
        for fold in 0..FOLDS {
            let kept = data.filter(|index, row| !folds.is_held_out(index, row, fold));
            let nodes = params.fit(&kept).unwrap();
            let tree = Tree::new(data.schema, "plain", Costs::ARGMAX, nodes).unwrap();
            for (index, row) in data.rows.iter().enumerate() {
                if folds.is_held_out(index, row, fold) {
                    let predicted = tree.predict(&row.features).class;
                    tally.add(row, predicted, folds.is_unseen(row, fold));
                }
            }
        }
        tally
    }

    #[test]
    fn a_depth_that_makes_no_sense_is_refused_before_any_fit() {
        let grid = Grid {
            depths: vec![8, 65],
            leaves: vec![2],
            balances: vec![Balance::None],
        };
        let mut tried = 0;
        let error = choose(&data(), &grid, 0.0, 1, |_| tried += 1).unwrap_err();
        assert_eq!((error, tried), (ParamsError::MaxDepth(65), 0));
    }
}
