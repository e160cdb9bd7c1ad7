//! KDD schema, training, model files and inference of tidegate.
//!
//! * [`Class`], [`Protocol`], [`Flag`], [`Service`]: the vocabulary.
//! * [`Schema`], [`Features`], [`KddRecord`]: what a classifier is given. Every column is an
//!   unsigned integer (rates in percent), so that training, agent and kernel agree bit for bit.
//! * [`Classifier`], [`Prediction`], [`Step`]: what it answers.
//! * [`Model`], [`Tree`], [`format`]: model files and what is in them.
//! * [`features_from_request`]: the row behind a `/predict` request.
//! * [`Confusion`]: figures of merit.
//! * `train` (feature `train`): dataset readers, the trainer, evaluation, model cards.

pub mod format;
#[cfg(feature = "train")]
pub mod train;

mod classifier;
mod metrics;
mod model;
mod predict_request;
mod record;
mod schema;
mod service;
mod tree;
mod vocabulary;

pub use classifier::{Classifier, Prediction, Step};
pub use metrics::Confusion;
pub use model::{Model, ModelError, ModelProblem, SHIPPED_KDD41, SHIPPED_LIVE};
pub use predict_request::{REQUIRED_FEATURES, RequestError, features_from_request};
pub use record::{KddRecord, percent};
pub use schema::{Features, KDD41_COLUMNS, LIVE_COLUMNS, MAX_COLUMNS, MISSING, Schema};
pub use service::Service;
pub use tree::{MAX_DEPTH, MAX_NODES, Split, Tree, TreeError, TreeNode};
pub use vocabulary::{CLASS_COUNT, Class, Flag, Protocol, UnknownName};
