//! The shipped models: what `fit --all` makes.

use std::path::{Path, PathBuf};

use super::{
    Balance, OnBad, TrainingSet,
    fit::{BackEnd, ModelKind, Request},
};
use crate::Schema;

/// The seed of the shipped models, but for `live-forest`.
pub const SEED: u64 = 1;
/// Of eight, chosen by made-up captures, with captures of others in sight (docs/decisions/0040).
const LIVE_FOREST_SEED: u64 = 26;

/// What makes every shipped model, from a folder with the training files and the recordings.
pub fn shipped(data: &Path, recorded: &[PathBuf]) -> Vec<Request> {
    let request = |name: &str, kind, training_set, schema, recorded: &[PathBuf]| Request {
        kind,
        back_end: BackEnd::Own,
        training_set,
        schema,
        name: name.to_owned(),
        data: data.to_owned(),
        recorded: recorded.to_vec(),
        database: None,
        on_bad: OnBad::Stop,
        recorded_weight: Request::RECORDED_WEIGHT,
        contexts: Request::CONTEXTS,
        max_depth: None,
        min_leaf: None,
        balance: None,
        alpha: 0.0,
        seed: SEED,
        validate: true,
        chosen: None,
    };
    let (kdd99, nsl_kdd) = (TrainingSet::Kdd99, TrainingSet::NslKdd);
    // As validation chose; to try all settings anew takes six minutes (docs/decisions/0032).
    let mut all = vec![Request {
        max_depth: Some(16),
        min_leaf: Some(2),
        balance: Some(Balance::Sqrt),
        ..request("live-tree", ModelKind::Tree, kdd99, Schema::Live, recorded)
    }];
    all.push(Request {
        recorded_weight: 0.9,
        contexts: 0,
        seed: LIVE_FOREST_SEED,
        ..request(
            "live-forest",
            ModelKind::Forest,
            kdd99,
            Schema::Live,
            recorded,
        )
    });
    for (prefix, training_set) in [("kdd41", kdd99), ("nsl", nsl_kdd)] {
        for kind in ModelKind::ALL {
            let name = format!("{prefix}-{}", kind.name());
            all.push(request(&name, kind, training_set, Schema::Kdd41, &[]));
        }
    }
    // KDD rows alone: to compare with the literature, not to watch traffic with.
    all.push(request(
        "live-kdd-forest",
        ModelKind::Forest,
        kdd99,
        Schema::Live,
        &[],
    ));
    all
}
