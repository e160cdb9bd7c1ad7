//! Reading data, fitting and evaluating; behind the feature `train`.
//!
//! Data flows [`kdd`]/[`recorded`] → [`Dataset`] → [`Params`] → [`fit`] → model file and card.

pub mod evaluate;
pub mod fit;
pub mod inspect;
pub mod kdd;
pub mod recorded;
pub mod report;

mod attacks;
mod card;
mod cart;
mod context;
mod dataset;
mod input;
mod params;
mod stream;
mod test_figures;
mod validate;

pub use attacks::class_of;
pub use card::{figures, render as render_card};
pub use dataset::{Dataset, Row};
pub use evaluate::{Evaluation, evaluate};
pub use input::{DataError, Input, find, is_test_file};
pub use params::{Balance, CheckedParams, Params, ParamsError};
pub use stream::data_file;
pub use test_figures::{MEASURES, Measure, Spread, with_seed_spread, with_test_figures};
pub use validate::{Candidate, Grid, Point, choose};

/// The contest's test file, opened by evaluations only.
pub const TEST_FILE: &str = "corrected";
