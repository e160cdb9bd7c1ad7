//! Reading data, fitting and evaluating; behind the feature `train`.
//!
//! Data flows [`kdd`]/[`recorded`] → [`Dataset`] → [`Params`] → [`fit`] → model file and card.

pub mod fit;
pub mod kdd;
#[cfg(feature = "linfa")]
pub mod linfa;
pub mod network;
pub mod recorded;
pub mod svm;

mod assemble;
mod attacks;
mod backprop;
mod calibrate;
mod card;
mod cart;
mod context;
mod dataset;
mod descent;
mod evaluate;
mod input;
mod leave_out;
mod params;
mod prepare;
mod validate;

pub use assemble::{Assembly, assemble};
pub use attacks::class_of;
pub use card::{figures, render as render_card, with_test_figures};
pub use dataset::{Dataset, Row};
pub use evaluate::{Evaluation, evaluate};
pub use input::{DataError, Input, find, is_test_file};
pub use leave_out::{LeaveOut, leave_out};
pub use params::{Balance, CheckedParams, Params, ParamsError};
pub use prepare::FitSettingsError;
pub use validate::{Candidate, Grid, Point, choose};

/// The contest's test file, opened by evaluations only.
pub const TEST_FILE: &str = "corrected";
