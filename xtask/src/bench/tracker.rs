//! `cargo xtask bench tracker`: what a connection takes in memory, and how many events a core takes from tracker to
//! classifier in a second.

use anyhow::Result;
use serde::Deserialize;

use super::{Row, figures};
use crate::build_cmd;

/// What the issue asks for.
const MOST_BYTES: f64 = 256.0;
/// The same, on one core.
const EVENTS: f64 = 3e6;

/// What `agent/benches/tracker.rs` prints: bytes, and events a second of CPU time, by the cached model and by the model
/// alone.
#[derive(Deserialize)]
struct Figures {
    bytes_per_connection: f64,
    web_100: [f64; 2],
    web_10000: [f64; 2],
}

pub(super) fn measure() -> Result<Vec<Row>> {
    let mut command = build_cmd::cargo();
    command.args([
        "bench", "-p", "tidegate", "--bench", "tracker", "--", "--json",
    ]);
    let figures: Figures = figures(&mut command)?;
    let row = |clients: &str, [cached, alone]: [f64; 2]| {
        let name = format!(
            "web requests of {clients} clients, tracker to classifier (beside: each judged anew)"
        );
        Row::more(name, cached, "events/s", EVENTS).beside(alone)
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
