//! The binary, as a user or a script runs it.

#![expect(clippy::unwrap_used, reason = "a failing unwrap is a failing test")]

mod client;
mod configuration;
mod machine;
mod process;
mod serve;
#[path = "../api/support/mod.rs"]
#[expect(dead_code, reason = "the API's tests use all of it")]
mod support;
