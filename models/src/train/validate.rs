//! Choice of a tree's parameters by leaving attack types out of the training data.

use std::cmp::Reverse;

use super::{
    Balance, CheckedParams, Dataset, Params, ParamsError,
    cart::Trainer,
    folds::{FOLDS, Folds, Tally},
    prune::{cut_at, pruned},
};
use crate::{Classifier, Confusion, Costs, Tree};

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
    let folds = Folds::new(data, FOLDS, seed);
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
            let tallies = judge(data, &folds, &trainer, params, &grid.depths)?;
            for (max_depth, tally) in grid.depths.iter().copied().zip(tallies) {
                let point = Point {
                    max_depth,
                    min_leaf,
                    balance,
                };
                let candidate = candidate(tally, point);
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

/// Grows a tree a fold and judges it, cut at every depth, on what the fold leaves out; the
/// tallies by depth.
fn judge(
    data: &Dataset,
    folds: &Folds<'_>,
    trainer: &Trainer<'_>,
    params: CheckedParams,
    depths: &[usize],
) -> Result<Vec<Tally>, ParamsError> {
    let rows = &data.rows;
    let mut tallies = vec![Tally::new(data.groups.len()); depths.len()];
    for fold in 0..FOLDS {
        let (held_out, kept): (Vec<u32>, Vec<u32>) = (0..rows.len() as u32).partition(|index| {
            let index = *index as usize;
            folds.is_held_out(index, &rows[index], fold)
        });
        let nodes = trainer.grow(kept, params.0)?;
        for (depth, tally) in depths.iter().zip(&mut tallies) {
            let nodes = pruned(&cut_at(&nodes, *depth), params.0.alpha);
            // The trainer's own nodes are a tree; were they not, no candidate could be
            // trusted.
            let Ok(tree) = Tree::new(data.schema, "candidate", Costs::ARGMAX, nodes) else {
                continue;
            };
            for index in &held_out {
                let row = &rows[*index as usize];
                let unseen = folds.is_unseen(row, fold);
                tally.add(row, tree.predict(&row.features).class, unseen);
            }
        }
    }
    Ok(tallies)
}

fn candidate(tally: Tally, point: Point) -> Candidate {
    let (parts, confusion) = tally.parts();
    Candidate {
        point,
        score: parts.iter().sum::<f64>() / 3.0,
        parts,
        confusion,
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a failing unwrap is a failing test")]

    use super::*;
    use crate::{Class, Features, Schema, train::random::mix};

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
            let mut values = [0; crate::LIVE_COLUMNS.len()];
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
                let plain = super::candidate(plain(&data, params, 3), candidate.point);
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
        let folds = Folds::new(data, FOLDS, seed);
        let mut tally = Tally::new(data.groups.len());
        for fold in 0..FOLDS {
            let nodes = params.fit(&folds.kept(fold)).unwrap();
            let tree = Tree::new(data.schema, "plain", Costs::ARGMAX, nodes).unwrap();
            for (_, row) in folds.held_out(fold) {
                let predicted = tree.predict(&row.features).class;
                tally.add(row, predicted, folds.is_unseen(row, fold));
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
