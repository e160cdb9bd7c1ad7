//! `cargo xtask bench tracker`: what a connection takes in memory, and how many events a core takes from tracker to
//! classifier in a second.

use std::process::Stdio;

use anyhow::{Context, Result, bail};
use serde::Deserialize;

use super::Row;
use crate::{build_cmd, process};

/// What the issue asks for.
const MOST_BYTES: f64 = 256.0;
/// The same, on one core.
const EVENTS: f64 = 3e6;

/// What `agent/benches/tracker.rs` prints: bytes, and events a second of CPU time.
#[derive(Deserialize)]
struct Figures {
    bytes_per_connection: f64,
    web_100: f64,
    web_10000: f64,
}

pub(super) fn measure() -> Result<Vec<Row>> {
    let mut command = build_cmd::cargo();
    command.args([
        "bench", "-p", "tidegate", "--bench", "tracker", "--", "--json",
    ]);
    command.stderr(Stdio::inherit());
    let output = command.output().context("cannot start cargo")?;
    if !output.status.success() {
        bail!("`{}` failed", process::line(&command));
    }
    let figures: Figures =
        serde_json::from_slice(&output.stdout).context("the bench printed no figures")?;
    let row = |clients: &str, rate| {
        let name = format!("web requests of {clients} clients, tracker to classifier");
        Row::more(name, rate, "events/s", EVENTS)
    };
    Ok(vec![
        Row::less(
            "a tracked connection",
            figures.bytes_per_connection,
            "bytes",
            MOST_BYTES,
        ),
        row("100", figures.web_100),
        row("10,000", figures.web_10000),
    ])
}
