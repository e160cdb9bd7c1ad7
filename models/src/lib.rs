//! KDD schema, training, model files and inference of tidegate.
//!
//! * [`Class`], [`Protocol`], [`Flag`], [`Service`]: the vocabulary.
//! * [`Schema`], [`Features`], [`KddRecord`]: what a classifier is given. Every column is an
//!   unsigned integer (rates in percent), so that training, agent and kernel agree bit for bit.
//! * [`Classifier`], [`Prediction`], [`Step`]: what it answers.

mod classifier;
mod record;
mod schema;
mod service;
mod vocabulary;

pub use classifier::{Classifier, Prediction, Step};
pub use record::{KddRecord, percent};
pub use schema::{Features, KDD41_COLUMNS, LIVE_COLUMNS, MAX_COLUMNS, MISSING, Schema};
pub use service::Service;
pub use vocabulary::{CLASS_COUNT, Class, Flag, Protocol, UnknownName};
