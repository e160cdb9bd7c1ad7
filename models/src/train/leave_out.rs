//! How any kind of model does on attack types it has not seen, with settings that are given.

use super::{
    Dataset,
    folds::{FOLDS, Folds, Tally},
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
    let folds = Folds::new(data, FOLDS, seed);
    let mut tally = Tally::new(data.groups.len());
    for fold in 0..FOLDS {
        let classifier = fit(&folds.kept(fold))?;
        for (_, row) in folds.held_out(fold) {
            let class = classifier.predict(&row.features).class;
            tally.add(row, class, folds.is_unseen(row, fold));
        }
    }
    let (parts, confusion) = tally.parts();
    Ok(LeaveOut { parts, confusion })
}
