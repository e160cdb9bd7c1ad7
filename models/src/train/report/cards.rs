//! The model cards, kept up with the report.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use super::Report;
use crate::train::{with_seed_spread, with_test_figures};

/// A card that can't be read or written.
#[derive(Debug, thiserror::Error)]
#[error("{path}: {source}")]
pub struct CardError {
    /// The card.
    pub path: PathBuf,
    /// Why.
    pub source: io::Error,
}

/// Brings the test figures of the cards (`NAME.md` beside the models) up to date; gives those
/// that changed. A model without a card gets none. No times are in them: the same figures leave
/// the same bytes.
///
/// # Errors
///
/// The first card that can't be read or written.
pub fn update_cards(report: &Report, folder: &Path) -> Result<Vec<PathBuf>, CardError> {
    let mut changed = Vec::new();
    for model in &report.models {
        let path = folder.join(format!("{}.md", model.name));
        let failed = |source| CardError {
            path: path.clone(),
            source,
        };
        let old = match fs::read_to_string(&path) {
            Ok(old) => old,
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            Err(error) => return Err(failed(error)),
        };
        let mut card = old.clone();
        let results = report.tests.iter().flat_map(|test| &test.models);
        for result in results.filter(|result| result.model == model.name) {
            card = with_test_figures(&card, &result.points);
            if let Some(seeds) = &result.seeds {
                card = with_seed_spread(&card, &seeds.evaluations);
            }
        }
        if card != old {
            fs::write(&path, card).map_err(failed)?;
            changed.push(path);
        }
    }
    Ok(changed)
}
