//! What validation leaves out: attack types whole, and a part of all other rows.

use super::{Dataset, Row, random::mix};
use crate::{Class, Confusion};

/// In how many parts attack types and rows are left out to choose a tree, or to try a machine or
/// a network.
pub(super) const FOLDS: u64 = 5;

/// What every fold leaves out: each attack type once whole, and each row once by itself.
pub(super) struct Folds<'a> {
    data: &'a Dataset,
    count: u64,
    of_group: Vec<Option<u64>>,
    seed: u64,
}

impl<'a> Folds<'a> {
    pub(super) fn new(data: &'a Dataset, count: u64, seed: u64) -> Self {
        Self {
            data,
            count,
            of_group: group_folds(data, count, seed),
            seed,
        }
    }

    /// Whether the row's attack type is left out whole.
    pub(super) fn is_unseen(&self, row: &Row, fold: u64) -> bool {
        self.of_group[row.group] == Some(fold)
    }

    /// Whether the row of that index is left out, alone or with its type.
    pub(super) fn is_held_out(&self, index: usize, row: &Row, fold: u64) -> bool {
        self.is_unseen(row, fold) || mix(self.seed ^ index as u64) % self.count == fold
    }

    /// The rows to fit on.
    pub(super) fn kept(&self, fold: u64) -> Dataset {
        let data = self.data;
        data.filter(|index, row| !self.is_held_out(index, row, fold))
    }

    /// The rows to judge, with their indices.
    pub(super) fn held_out(&self, fold: u64) -> impl Iterator<Item = (usize, &'a Row)> {
        let rows = self.data.rows.iter().enumerate();
        rows.filter(move |(index, row)| self.is_held_out(*index, row, fold))
    }
}

/// The fold that leaves each attack type, and each recorded scenario, out: those of a class
/// spread over the folds, so that every fold keeps something of every class. KDD's normal rows,
/// which are one group, and the only type of a class are never left out.
fn group_folds(data: &Dataset, folds: u64, seed: u64) -> Vec<Option<u64>> {
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

/// What a model of one verdict a row did on held-out rows.
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
