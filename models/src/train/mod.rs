//! Reading data, fitting and evaluating; behind the feature `train`.
//!
//! Data flows [`kdd`]/[`recorded`] → [`Dataset`] → [`Params`] → [`fit`] → model file and card.

pub mod fit;
pub mod forest;
pub mod kdd;
pub mod recorded;
pub mod unknown;

mod attacks;
mod bins;
mod builder;
mod card;
mod cart;
mod context;
mod dataset;
mod evaluate;
mod extra_tree;
mod grower;
mod input;
mod params;
mod prune;
mod random;
mod split;
mod validate;

pub use attacks::class_of;
pub use builder::DatasetBuilder;
pub use card::{figures, render as render_card, with_test_figures};
pub use dataset::{Dataset, Row};
pub use evaluate::{Evaluation, evaluate};
pub use forest::ForestParams;
pub use input::{DataError, Input, find, is_test_file};
pub use params::{Balance, CheckedParams, Params, ParamsError};
pub use validate::{Candidate, Grid, Point, choose};

/// The contest's test file, opened by evaluations only.
pub const TEST_FILE: &str = "corrected";
