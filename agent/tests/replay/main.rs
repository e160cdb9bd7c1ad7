//! Captures, made here byte by byte, through the reader, the engine and the command.

#![expect(clippy::unwrap_used, reason = "a failing unwrap is a failing test")]

mod command;
mod damage;
mod engine;
mod files;
mod formats;
mod links;
mod looks;
mod pcapng;
mod random;
