//! Choice of parameters by leaving attack types out of the training data.

use std::cmp::Reverse;

use super::{Balance, CheckedParams, Dataset, Params, ParamsError, Row};
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

impl Grid {
    /// Every combination.
    fn points(&self) -> impl Iterator<Item = Point> {
        self.depths.iter().flat_map(move |max_depth| {
            self.leaves.iter().flat_map(move |min_leaf| {
                self.balances.iter().map(move |balance| Point {
                    max_depth: *max_depth,
                    min_leaf: *min_leaf,
                    balance: *balance,
                })
            })
        })
    }
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
    let fold_of_group = group_folds(data, seed);
    let mut candidates = Vec::new();
    for point in grid.points() {
        let params = Params::default()
            .max_depth(point.max_depth)
            .min_leaf(point.min_leaf)
            .balance(point.balance)
            .alpha(alpha)
            .check()?;
        let mut tally = Tally::new(data.groups.len());
        for fold in 0..FOLDS {
            try_fold(data, params, &fold_of_group, fold, seed, &mut tally)?;
        }
        let candidate = tally.candidate(point);
        progress(&candidate);
        candidates.push(candidate);
    }
    candidates.sort_by(|a, b| {
        let size = |point: Point| (point.max_depth, Reverse(point.min_leaf));
        a.score
            .total_cmp(&b.score)
            .then(size(a.point).cmp(&size(b.point)))
    });
    Ok(candidates)
}

fn try_fold(
    data: &Dataset,
    params: CheckedParams,
    fold_of_group: &[Option<u64>],
    fold: u64,
    seed: u64,
    tally: &mut Tally,
) -> Result<(), ParamsError> {
    let unseen = |row: &Row| fold_of_group[row.group] == Some(fold);
    let held_out = |index: usize| mix(seed ^ index as u64) % FOLDS == fold;
    let nodes = params.fit(&data.filter(|index, row| !unseen(row) && !held_out(index)))?;
    // The trainer's own nodes are a tree; were they not, no candidate could be trusted.
    let Ok(tree) = Tree::new(data.schema, "candidate", Costs::ARGMAX, nodes) else {
        return Ok(());
    };
    for (index, row) in data.rows.iter().enumerate() {
        if unseen(row) || held_out(index) {
            tally.add(row, tree.predict(&row.features).class, unseen(row));
        }
    }
    Ok(())
}

/// The fold that leaves each attack type, and each recorded scenario, out: those of a class
/// spread over the folds, so that every fold keeps something of every class. KDD's normal rows,
/// which are one group, and the only type of a class are never left out.
pub(super) fn group_folds(data: &Dataset, seed: u64) -> Vec<Option<u64>> {
    let mut class_of_group = vec![Class::Normal; data.groups.len()];
    for row in &data.rows {
        class_of_group[row.group] = row.class;
    }
    let mut folds = vec![None; data.groups.len()];
    for class in Class::ALL {
        let mut members: Vec<usize> = (0..folds.len())
            .filter(|group| class_of_group[*group] == class)
            .filter(|group| class.is_attack() || data.is_recorded(*group))
            .collect();
        if members.len() < 2 {
            continue;
        }
        members.sort_by_key(|group| mix(seed ^ (*group as u64) << 8));
        for (turn, group) in (0..).zip(members) {
            folds[group] = Some(turn % FOLDS);
        }
    }
    folds
}

/// SplitMix64's finaliser: a fixed hash, the same on every machine.
pub(super) fn mix(seed: u64) -> u64 {
    let mut z = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
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
