//! The workbench: fits and evaluates models. Data on stdout, progress on stderr; exit codes 0
//! ok, 1 failure, 64 usage.

mod export;
mod fit;

use std::{fs, path::PathBuf, process::ExitCode};

use anyhow::Context as _;
use clap::{Args, Parser, Subcommand, ValueEnum};
use tidegate_models::{
    Model,
    train::{self, OnBad, evaluate, figures, find, with_test_figures},
};

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
    Evaluate(EvaluateArgs),
    /// Write a model as ONNX, or rows and answers as NumPy arrays.
    Export(export::ExportArgs),
}

#[derive(Args)]
struct EvaluateArgs {
    /// Model file.
    model: PathBuf,
    /// Folder with the KDD files; judges on the contest's test file, corrected.
    #[arg(
        long,
        value_name = "DIR",
        required_unless_present = "file",
        conflicts_with = "file"
    )]
    data: Option<PathBuf>,
    /// File to judge on: KDD'99, NSL-KDD, a table with KDD's column names, or a recording.
    #[arg(long, value_name = "FILE")]
    file: Option<PathBuf>,
    #[command(flatten)]
    rows: RowArgs,
    /// Blank the columns a /predict request may lack.
    #[arg(long)]
    request_columns: bool,
    /// Add the figures to this model card.
    #[arg(long, value_name = "FILE")]
    card: Option<PathBuf>,
    /// Output format.
    #[arg(short, long, value_enum, default_value_t = Output::Human)]
    output: Output,
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
        Command::Evaluate(args) => run_evaluate(args),
        Command::Export(args) => export::run(args),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("tidegate-train: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run_evaluate(args: &EvaluateArgs) -> anyhow::Result<()> {
    let model = Model::load(&args.model)?;
    let file = match (&args.file, &args.data) {
        (Some(file), _) => file.clone(),
        (None, Some(folder)) => find(folder, train::TEST_FILE)?,
        (None, None) => anyhow::bail!("nothing to judge on"),
    };
    let on_bad = args.rows.on_bad();
    let evaluation = evaluate(&model, &file, args.request_columns, on_bad)?;
    if evaluation.skipped.count > 0 {
        eprintln!("{}: {}", evaluation.source.file, evaluation.skipped);
    }
    if let Some(path) = &args.card {
        let card =
            fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
        let card = with_test_figures(&card, &evaluation);
        fs::write(path, card).with_context(|| format!("cannot write {}", path.display()))?;
    }
    match args.output {
        Output::Json => println!("{}", serde_json::to_string(&evaluation)?),
        Output::Human => {
            println!(
                "{} on {} ({} rows)\n",
                evaluation.model, evaluation.source.file, evaluation.source.rows
            );
            print!("{}", figures(&evaluation.confusion));
        }
    }
    Ok(())
}
