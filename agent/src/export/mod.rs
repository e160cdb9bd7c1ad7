//! What leaves the agent besides the API.

pub mod influx;
mod recorder;
pub(crate) mod row;
pub mod verdict_log;

pub use recorder::{Recorder, RecorderError};
