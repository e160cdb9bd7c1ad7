//! What leaves the agent besides the API.

mod recorder;
pub(crate) mod row;

pub use recorder::{Recorder, RecorderError};
