//! The tidegate agent: it loads the kernel programs, follows the flows they report, classifies them, and writes
//! verdicts back.
//!
//! Data moves one way, in the order of this list; [`pipeline`] is the only place that wires the parts.
//!
//! - [`dataplane`]: the kernel side
//! - [`decision`]: what was decided about whom, and why
//! - [`engine`]: how the API talks to the pipeline without making it wait
//! - [`run`]: wires the parts
//! - [`api`], [`metrics`], [`cli`]: the agent over HTTP and on the command line
//! - [`config`], [`error`], [`token`]: what the agent is told, how it ends, the secret that allows changes

pub mod api;
pub mod cli;
pub mod config;
pub mod dataplane;
pub mod decision;
pub mod engine;
pub mod error;
pub mod metrics;
pub mod run;
pub mod token;
