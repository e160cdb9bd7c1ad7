//! The HTTP API, over real connections.

#![expect(clippy::unwrap_used, reason = "a failing unwrap is a failing test")]

mod dataplane;
mod limits;
mod metrics;
mod predict;
mod stream;
mod support;
