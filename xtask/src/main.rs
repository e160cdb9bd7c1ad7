//! `cargo xtask …`: set-up, demo, tests and benches of tidegate.

mod agent;
mod bench;
mod build_cmd;
mod compare;
mod counters;
mod daemons;
mod data;
mod demo;
#[cfg(test)]
mod deploy_tests;
mod doctor;
mod floods;
mod host;
mod hygiene;
mod interrupt;
mod lab;
mod measure;
mod onnx;
mod package;
mod paths;
mod picture;
mod privilege;
mod process;
#[cfg(test)]
mod promises;
mod python;
mod record;
mod report;
mod table;
mod test_cmd;

use std::process::ExitCode;

use anyhow::Result;
use clap::{Parser, Subcommand};

#[derive(Parser)]
#[command(
    name = "cargo xtask",
    about = "Set-up, demo, tests and benches of tidegate"
)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Look for everything a build, the demo and the tests need
    Doctor(doctor::Args),
    /// Build target/release/tidegate and target/release/tidegate-train
    Build,
    /// Make a static binary for images, and target/debian/tidegate_*.deb around it
    Package(package::Args),
    /// The whole thing: set up, build, topology, agent, demo; then serve until Ctrl-C
    #[command(alias = "demo")]
    Run(demo::Args),
    /// Every check there is, with one line of totals at the end
    Test(test_cmd::Args),
    /// What dependencies may be, whether they are used, spelling, shell scripts
    Hygiene,
    /// Compare ONNX exports with the models in ONNX Runtime
    Onnx,
    /// Measure one promise: reaction, idle, live, models
    Bench(bench::Args),
    /// Tidegate beside a controller of the usual kind: same network, same floods, one table
    Compare(compare::Args),
    /// Put KDD'99 and NSL-KDD into a folder: fetched or copied, and checked
    Data(data::Args),
    /// Record labelled traffic through the real pipeline
    Record(record::Args),
    /// The benign side of `bench live`, inside a host
    #[command(hide = true)]
    Load(bench::live::load::Args),
    /// Remove what a killed run left behind
    Clean,
}

fn main() -> ExitCode {
    let outcome = dispatch(Cli::parse().command);
    match outcome {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("xtask: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// `Ok(false)`: everything ran, and something did not hold.
fn dispatch(command: Command) -> Result<bool> {
    match command {
        Command::Doctor(args) => doctor::command(&args),
        Command::Build => build_cmd::build().map(|_| true),
        Command::Package(args) => package::command(&args),
        Command::Run(args) => demo::command(&args),
        Command::Test(args) => test_cmd::command(&args),
        Command::Hygiene => hygiene::command(),
        Command::Onnx => onnx::command(),
        Command::Bench(args) => bench::command(&args),
        Command::Compare(args) => compare::command(&args),
        Command::Data(args) => data::command(&args),
        Command::Record(args) => record::command(&args),
        Command::Load(args) => bench::live::load::command(&args),
        Command::Clean => clean(),
    }
}

fn clean() -> Result<bool> {
    if privilege::become_root()? {
        return Ok(true);
    }
    let removed = lab::leftovers::clean_leftovers()?;
    if removed == 0 {
        println!("nothing to remove");
    }
    Ok(true)
}
