//! Everything about the models of a folder on one page, and as JSON.

mod cards;
mod charts;
mod collect;
mod data_section;
mod markup;
mod model_section;
mod page;
mod published;
mod results_section;
mod tree_drawing;

use std::{collections::BTreeMap, path::PathBuf};

use serde::{Deserialize, Serialize};

pub use cards::{CardError, update_cards};
pub use collect::{ReportError, collect};
pub use page::render;
pub use published::Published;

use super::{
    Evaluation, Spread,
    inspect::{Importance, Inspection},
    network::Epoch,
};
use crate::{
    Schema, Tree,
    format::{Source, Training},
};

/// What to report on.
#[derive(Clone, Debug)]
pub struct Request {
    /// The folder with the KDD and NSL-KDD files.
    pub data: PathBuf,
    /// The folder with the models; the same from other seeds are in `seeds/NAME-SEED.json`.
    pub models: PathBuf,
    /// Seed of intervals, samples and shuffles.
    pub seed: u64,
}

/// All that is on the page.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Report {
    /// The models, by name.
    pub models: Vec<ModelSummary>,
    /// Files that should have been models, and why they are not.
    pub failures: Vec<Failure>,
    /// The test files, and how the models did on them.
    pub tests: Vec<TestResults>,
    /// The training files that models name and the folder has.
    pub training_files: Vec<Inspection>,
    /// Data files that were looked for and are not there.
    pub absent: Vec<String>,
}

/// A model and what it was made of.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ModelSummary {
    /// Its file's name, without `.json`.
    pub name: String,
    /// What it is.
    pub kind: String,
    /// How big it is, in its own terms.
    pub size: String,
    /// How big its file is.
    pub bytes: u64,
    /// SHA-256 of the file, in hex.
    pub digest: String,
    /// Its columns.
    pub schema: Schema,
    /// Names of its ways to decide, the default first.
    pub decisions: Vec<String>,
    /// What it was trained on, and how.
    pub training: Training,
    /// How the loss fell while it was trained, if that was recorded.
    pub epochs: Vec<Epoch>,
    /// The file and what the model loses there when a column is shuffled; absent without the
    /// file.
    pub importances: Option<(String, Vec<Importance>)>,
    /// For the drawing.
    #[serde(skip)]
    pub tree: Option<Tree>,
}

/// A file that could not be used.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Failure {
    /// Its name.
    pub file: String,
    /// Why.
    pub error: String,
}

/// A test file and how the models did on it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct TestResults {
    /// The file.
    pub source: Source,
    /// The models judged, each with its ways to decide, the default first.
    pub models: Vec<ModelResults>,
    /// What others reached.
    pub published: Vec<Published>,
}

/// How a model did on a test file.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ModelResults {
    /// Its file's name, without `.json`.
    pub model: String,
    /// Whether the file is the test set of the collection it was trained on.
    pub of_its_collection: bool,
    /// Its ways to decide, the default first. Only that has curves, since they are the same.
    pub points: Vec<Evaluation>,
    /// The model together with the same from other seeds, if there are any: how many, and mean and spread of each
    /// [`Measure`](super::Measure) by its key.
    pub seeds: Option<SeedResults>,
}

/// How much of a result is owed to the seed.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct SeedResults {
    /// How many models.
    pub models: usize,
    /// Mean and spread by default decision, by [`Measure::key`](super::Measure::key).
    pub spreads: BTreeMap<String, Spread>,
    /// The evaluations, for the cards.
    #[serde(skip)]
    pub evaluations: Vec<Evaluation>,
}
