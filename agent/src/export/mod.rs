//! What leaves the agent besides the API.

mod recorder;

pub use recorder::{Recorder, RecorderError};
