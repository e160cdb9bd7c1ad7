//! Reading data, fitting and evaluating; behind the feature `train`.
//!
//! Data flows [`Rows`] → [`Dataset`] → [`mod@fit`] → [`assemble()`] → model file and card, and then
//! model and test rows → [`mod@evaluate`] → [`report`] and the cards' test figures.
//!
//! * Reading: `input` opens and hashes files, `layout` tells what they are, `rows` reads labelled
//!   rows of every kind (`kdd` and `columns` convert them), `stream` rows without labels too;
//!   `attacks` and `names` know the published names. [`influx`] has the same rows in a database.
//! * Rows to fit: `builder` merges equal ones into a `dataset`, `context` varies recorded ones,
//!   [`unknown`] makes rows up, `prepare` encodes them for machines and networks.
//! * Trainers: `cart` (over `bins`, `grower`, `split` and `prune`) grows a tree, [`forest`] (over
//!   `extra_tree`) a forest, [`svm`] (over `descent`) and [`network`] (over `backprop`) are
//!   calibrated by `calibrate`. `params` has a tree's parameters and the balance of all.
//! * Choosing, on training rows only: `folds` says what is left out; `validate` chooses a tree's
//!   parameters, [`select`] a forest's settings and operating points (among `cost_tables`, by
//!   `held_out` rows), `leave_out` tries what is given, `live_forest` what is
//!   fixed for live traffic, `by_scenario` says how each one left out fares. `training_set` has the goals, [`recipes`]
//!   the shipped models.
//! * [`mod@fit`] and `learn` bring these together; `assemble` makes the file, `card` its card,
//!   `test_figures` the part of it that [`report`] or an evaluation adds.
//! * Looking: [`inspect`] at data, [`mod@evaluate`] and [`report`] at models, [`onnx`] and [`npy`]
//!   for other programs to look.

pub mod evaluate;
pub mod fit;
pub mod forest;
pub mod influx;
pub mod inspect;
pub mod kdd;
#[cfg(feature = "linfa")]
pub mod linfa;
pub mod network;
pub mod npy;
pub mod onnx;
pub mod recipes;
pub mod report;
pub mod select;
pub mod svm;
pub mod unknown;

mod assemble;
mod attacks;
mod backprop;
mod bins;
mod builder;
mod by_scenario;
mod calibrate;
mod card;
mod cart;
mod columns;
mod context;
mod cost_tables;
mod dataset;
mod descent;
mod error;
mod extra_tree;
mod folds;
mod grower;
mod held_out;
mod input;
mod layout;
mod learn;
mod leave_out;
mod live_forest;
mod names;
mod parallel;
mod params;
mod prepare;
mod prune;
mod random;
mod rows;
mod split;
mod stream;
mod test_figures;
mod training_set;
mod validate;

pub use assemble::{Assembly, assemble};
pub use attacks::Attack;
pub use builder::DatasetBuilder;
pub use by_scenario::OfScenario;
pub use card::{figures, render as render_card};
pub use dataset::{Dataset, Row};
pub use error::DataError;
pub use evaluate::{Evaluation, evaluate};
pub use forest::ForestParams;
pub use input::{find, is_test_file};
pub use layout::{LabelledRow, Layout};
pub use leave_out::{LeaveOut, leave_out};
pub use names::{Kind, Names, read_names};
pub use params::{Balance, CheckedParams, Params, ParamsError};
pub use prepare::FitSettingsError;
pub use rows::{OnBad, Rows, Skipped, Summary};
pub use stream::data_file;
pub use test_figures::{
    MEASURES, Measure, Spread, with_seed_spread, with_test_figures, without_test_figures,
};
pub use training_set::TrainingSet;
pub use validate::{Candidate, Grid, Point, choose};

/// The contest's test file, opened by evaluations only.
pub const TEST_FILE: &str = "corrected";
