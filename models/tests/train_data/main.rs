//! The readers of data files.

#![cfg(feature = "train")]
#![expect(clippy::unwrap_used, reason = "a failing unwrap is a failing test")]

mod damage;
mod files;
mod headers;
mod names;
mod readers;
#[path = "../workbench/mod.rs"]
mod workbench;
