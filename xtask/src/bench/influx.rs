//! `cargo xtask bench influx`: training rows to a real InfluxDB and back.

use std::path::Path;

use anyhow::{Context, Result};
use serde::Deserialize;

use super::{Row, figures};
use crate::{build_cmd, data};

/// What the issue asks for, of two cores that the server has a part of.
const IMPORT: f64 = 10_000.0;
const READ: f64 = 40_000.0;

/// What `models/benches/influx.rs` prints: rows a second.
#[derive(Deserialize)]
struct Figures {
    import: f64,
    read: f64,
}

pub(super) fn measure(folder: Option<&Path>) -> Result<Vec<Row>> {
    let folder = folder.map_or_else(data::folder, |folder| Ok(folder.to_owned()))?;
    let folder = folder
        .canonicalize()
        .context("no folder with the KDD files")?;
    let mut command = build_cmd::cargo();
    command.args(["bench", "-p", "tidegate-models", "--features", "train"]);
    command
        .args(["--bench", "influx", "--", "--data"])
        .arg(folder);
    let figures: Figures = figures(&mut command)?;
    let row = |name: &str, rate, target| Row::more(name, rate, "rows/s", target);
    Ok(vec![
        row("training rows to an InfluxDB", figures.import, IMPORT),
        row("training rows from it", figures.read, READ),
    ])
}
