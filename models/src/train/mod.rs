//! Reading data, fitting and evaluating; behind the feature `train`.
//!
//! Data flows [`Rows`] → [`Dataset`] → [`Params`] → [`mod@fit`] → model file and card.

pub mod evaluate;
pub mod fit;
pub mod forest;
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
mod input;
mod layout;
mod learn;
mod leave_out;
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
pub use test_figures::{MEASURES, Measure, Spread, with_seed_spread, with_test_figures};
pub use training_set::TrainingSet;
pub use validate::{Candidate, Grid, Point, choose};

/// The contest's test file, opened by evaluations only.
pub const TEST_FILE: &str = "corrected";
