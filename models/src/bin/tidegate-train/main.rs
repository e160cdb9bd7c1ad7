//! The workbench: fits and evaluates models. Data on stdout, progress on stderr; exit codes 0
//! ok, 1 failure, 64 usage.

mod database;
mod evaluate;
mod export;
mod fit;
mod import;
mod inspect;
mod report;

use std::process::ExitCode;

use clap::{Args, Parser, Subcommand, ValueEnum};
use tidegate_models::train::OnBad;

/// sysexits' EX_USAGE.
const EXIT_USAGE: u8 = 64;

/// Fits and evaluates the models of tidegate.
#[derive(Parser)]
#[command(name = "tidegate-train", version)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Fit models and write their files and cards.
    Fit(fit::FitArgs),
    /// Judge a model on labelled rows.
    Evaluate(evaluate::EvaluateArgs),
    /// Write a model as ONNX, or rows and answers as NumPy arrays.
    Export(export::ExportArgs),
    /// Write the rows of data files to an InfluxDB, for fit --influx.
    Import(import::ImportArgs),
    /// Look at a data file: columns, classes, duplicates, what tells about the class.
    Inspect(inspect::InspectArgs),
    /// Measure all models and write a page about them; keep their cards up to date.
    Report(report::ReportArgs),
}

#[derive(Args)]
struct RowArgs {
    /// Count bad rows and go on, instead of ending with the first.
    #[arg(long)]
    skip_bad: bool,
}

impl RowArgs {
    const fn on_bad(&self) -> OnBad {
        if self.skip_bad {
            OnBad::Skip
        } else {
            OnBad::Stop
        }
    }
}

#[derive(Clone, Copy, ValueEnum)]
enum Output {
    Human,
    Json,
}

fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            // Nothing is left to report to if even this can't be printed.
            let _ = error.print();
            return if error.use_stderr() {
                ExitCode::from(EXIT_USAGE)
            } else {
                ExitCode::SUCCESS
            };
        }
    };
    let done = match &cli.command {
        Command::Fit(args) => fit::run(args),
        Command::Evaluate(args) => evaluate::run(args),
        Command::Export(args) => export::run(args),
        Command::Import(args) => import::run(args),
        Command::Inspect(args) => inspect::run(args),
        Command::Report(args) => report::run(args),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("tidegate-train: {error:#}");
            ExitCode::FAILURE
        }
    }
}
