//! `cargo xtask bench replay`: how many packets of a capture a core reads in a second.

use std::fs::File;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail};
use nix::sys::resource::{UsageWho, getrusage};
use serde::Deserialize;

use super::{Row, figures};
use crate::{build_cmd, paths, process};

/// What the issue asks for, on one core from the page cache.
const TARGET: f64 = 2e6;
/// RustiFlow's figure, on a bigger machine.
const RUSTIFLOW: f64 = 0.48e6;
const RUNS: usize = 5;

/// What `agent/benches/replay.rs` prints: packets, and packets a second of CPU time.
#[derive(Deserialize)]
struct Figures {
    packets: f64,
    read: f64,
    flow_table: f64,
    engine: f64,
}

/// CPU time is measured, so that other work on the machine counts as little as can be.
pub(super) fn measure() -> Result<Vec<Row>> {
    let folder = tempfile::tempdir().context("no temporary directory")?;
    let capture = folder.path().join("mixed.pcap");
    let figures = bench(&capture)?;
    build()?;
    let mut command_s = f64::INFINITY;
    for _ in 0..RUNS {
        command_s = command_s.min(replay(&capture)?);
    }
    let row = |name: &str, rate| Row::more(name, rate, "packets/s", TARGET).beside(RUSTIFLOW);
    Ok(vec![
        Row::more(
            "replay, packets only read",
            figures.read,
            "packets/s",
            TARGET,
        ),
        row("replay, parser and flow table", figures.flow_table),
        row("replay, whole engine", figures.engine),
        row("tidegate replay -o jsonl", figures.packets / command_s),
    ])
}

/// Makes the capture as well.
fn bench(capture: &Path) -> Result<Figures> {
    let mut command = build_cmd::cargo();
    command
        .args([
            "bench", "-p", "tidegate", "--bench", "replay", "--", "--json",
        ])
        .arg("--capture")
        .arg(capture);
    figures(&mut command)
}

/// The agent alone.
fn build() -> Result<()> {
    let mut command = build_cmd::cargo();
    command.args(["build", "--release", "-p", "tidegate", "--bin", "tidegate"]);
    if !command.status().context("cannot start cargo")?.success() {
        bail!("`{}` failed", process::line(&command));
    }
    Ok(())
}

/// CPU seconds of the command itself, start and output included.
fn replay(capture: &Path) -> Result<f64> {
    let before = children_cpu_s()?;
    let mut command = Command::new(paths::agent());
    command.arg("replay").arg(capture).args(["-o", "jsonl"]);
    command.stdout(File::create("/dev/null")?);
    if !command.status().context("cannot start tidegate")?.success() {
        bail!("`{}` failed", process::line(&command));
    }
    Ok(children_cpu_s()? - before)
}

fn children_cpu_s() -> Result<f64> {
    let usage = getrusage(UsageWho::RUSAGE_CHILDREN)?;
    let times = [usage.user_time(), usage.system_time()];
    // Microseconds of at most a few hours: exact in a double.
    Ok(times
        .map(|t| t.tv_sec() as f64 + t.tv_usec() as f64 / 1e6)
        .iter()
        .sum())
}
