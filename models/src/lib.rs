//! KDD schema, training, model files and inference of tidegate.
//!
//! * [`Class`], [`Protocol`], [`Flag`], [`Service`]: the vocabulary.
//! * [`Schema`], [`Features`], [`KddRecord`]: what a classifier is given. Every column is an
//!   unsigned integer (rates in percent), so that training, agent and kernel agree bit for bit.
//! * [`Classifier`], [`Prediction`], [`Explanation`]: what it answers.
//! * [`Costs`], [`OperatingPoint`]: how class shares become a verdict.
//! * [`Model`], [`Tree`], [`Forest`], [`Svm`], [`Network`], [`mod@format`]: model files and what is in them.
//! * [`CachedModel`]: a model that knows the rows that repeat themselves.
//! * [`features_from_request`]: the row behind a `/predict` request.
//! * [`Confusion`]: figures of merit.
//! * `train` (feature `train`): dataset readers, the trainers of all four kinds, evaluation,
//!   model cards, the report, ONNX export.
//!
//! ```
//! use tidegate_models::{Class, Classifier, Flag, KddRecord, Model, Protocol, Schema, Service};
//!
//! let model = Model::shipped(Schema::Live)?;
//! let syn = KddRecord {
//!     count: 250,
//!     srv_count: 12,
//!     serror_rate: 100,
//!     srv_serror_rate: 100,
//!     same_srv_rate: 5,
//!     diff_srv_rate: 6,
//!     dst_host_count: 255,
//!     dst_host_srv_count: 12,
//!     dst_host_same_srv_rate: 5,
//!     dst_host_diff_srv_rate: 6,
//!     dst_host_serror_rate: 100,
//!     dst_host_srv_serror_rate: 100,
//!     src_packets: 1,
//!     count_100ms: 13,
//!     src_count: 250,
//!     ..KddRecord::new(Protocol::Tcp, Service::PRIVATE, Flag::S0)
//! };
//! assert_eq!(model.predict(&syn.features()).class, Class::Dos);
//! # Ok::<(), tidegate_models::ModelError>(())
//! ```

pub mod format;
#[cfg(feature = "train")]
pub mod train;

mod cached_model;
mod classifier;
mod costs;
mod encoding;
mod flat;
mod forest;
mod host_columns;
mod linear;
mod metrics;
mod model;
mod model_error;
mod network;
mod predict_request;
mod record;
mod schema;
mod service;
mod svm;
mod tree;
mod vocabulary;
mod widen;

pub use cached_model::CachedModel;
pub use classifier::{Classifier, Contribution, Explanation, Prediction, Step};
pub use costs::{Costs, OperatingPoint};
pub use encoding::EncodingError;
pub use forest::{Forest, ForestError};
pub use host_columns::HostColumns;
pub use metrics::Confusion;
pub use model::{Model, SHIPPED_KDD41, SHIPPED_LIVE};
pub use model_error::{ModelError, ModelProblem};
pub use network::{Network, NetworkError};
pub use predict_request::{REQUIRED_FEATURES, RequestError, features_from_request};
pub use record::{KddRecord, percent};
pub use schema::{
    FIRST_HOST_COLUMN, Features, KDD41_COLUMNS, LIVE_COLUMNS, MAX_COLUMNS, MISSING, Schema,
};
pub(crate) use schema::{ROW_WIDTH, Row};
pub use service::Service;
pub use svm::{Svm, SvmError};
pub use tree::{MAX_DEPTH, MAX_NODES, Split, Tree, TreeError, TreeNode};
pub use vocabulary::{CLASS_COUNT, Class, Flag, KNOWN_COUNT, Protocol, UnknownName};
