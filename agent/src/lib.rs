//! The tidegate agent: it loads the kernel programs, follows the flows they report, classifies them, and writes
//! verdicts back.
//!
//! Data moves one way, in the order of this list; [`pipeline`] is the only place that wires the parts.
//!
//! - [`track`]: flow events → connections with a state, a service and a packet rate
//! - [`window`]: connections → what the last 2 s and the last 255 connections say about each
//! - [`decision`]: what was decided about whom, and why
//! - [`engine`]: how the API talks to the pipeline without making it wait

pub mod decision;
pub mod engine;
pub mod track;
pub mod window;
