//! How any kind of model does on attack types it has not seen.

use super::{
    Dataset, Row,
    random::mix,
    validate::{FOLDS, Tally, group_folds},
};
use crate::{Classifier, Confusion};

/// How a way to fit did on held-out training rows.
#[derive(Clone, Copy, Debug)]
pub struct LeaveOut {
    /// Mean contest cost of held-out normal rows, of rows of known attack types, and of attack
    /// types left out whole (each type the same).
    pub parts: [f64; 3],
    /// All held-out rows, duplicates included.
    pub confusion: Confusion,
}

impl LeaveOut {
    /// The mean of the three. Less is better.
    pub fn score(&self) -> f64 {
        self.parts.iter().sum::<f64>() / 3.0
    }
}

/// Fits once a fold without a fifth of the attack types and a fifth of the other rows, the same
/// ones as [`super::choose`], and judges what was left out.
///
/// # Errors
///
/// What `fit` gives.
pub fn leave_out<E>(
    data: &Dataset,
    seed: u64,
    mut fit: impl FnMut(&Dataset) -> Result<Box<dyn Classifier>, E>,
) -> Result<LeaveOut, E> {
    let fold_of_group = group_folds(data, FOLDS, seed);
    let mut tally = Tally::new(data.groups.len());
    for fold in 0..FOLDS {
        let unseen = |row: &Row| fold_of_group[row.group] == Some(fold);
        let held_out = |index: usize| mix(seed ^ index as u64) % FOLDS == fold;
        let classifier = fit(&data.filter(|index, row| !unseen(row) && !held_out(index)))?;
        for (index, row) in data.rows.iter().enumerate() {
            if unseen(row) || held_out(index) {
                let class = classifier.predict(&row.features).class;
                tally.add(row, class, unseen(row));
            }
        }
    }
    let (parts, confusion) = tally.parts();
    Ok(LeaveOut { parts, confusion })
}
