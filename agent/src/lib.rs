//! The tidegate agent: it loads the kernel programs, follows the flows they report, classifies them, and writes
//! verdicts back.
//!
//! Data moves one way, in the order of this list; [`pipeline`] and [`replay`] are the only places that wire them.
//!
//! - [`dataplane`]: the kernel side: programs, attachments, maps, events
//! - [`source`]: the same events from captures
//! - [`track`]: flow events → connections with a state, a service and a packet rate
//! - [`window`]: connections → what the last 2 s and the last 255 connections say about each
//! - [`policy`]: predictions → what is to be done about whom
//! - [`detect`]: the three above and the classifier, as one
//! - [`enforce`]: what is to be done → verdicts in the kernel, and back out
//! - [`journal`]: decisions, durable
//! - [`export`]: what leaves the agent besides the API
//! - [`pipeline`]: the parts above, wired
//! - [`replay`]: the same for captures: no kernel, nothing enforced
//! - [`decision`]: what was decided about whom, and why
//! - [`engine`]: how the API talks to the pipeline without making it wait
//! - [`run`]: start and end of it all
//! - [`api`], [`metrics`], [`cli`]: the agent over HTTP and on the command line
//! - [`config`], [`error`], [`token`]: what the agent is told, how it ends, the secret that allows changes
//! - [`notify`]: what the service manager hears of it

pub mod api;
pub mod cli;
pub mod config;
pub mod dataplane;
pub mod decision;
pub mod detect;
pub mod enforce;
pub mod engine;
pub mod error;
pub mod export;
pub mod journal;
pub mod metrics;
pub mod notify;
pub mod pipeline;
pub mod policy;
pub mod replay;
pub mod run;
pub mod source;
pub mod token;
pub mod track;
pub mod window;
