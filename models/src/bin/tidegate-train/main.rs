//! The workbench: fits and evaluates models. Data on stdout, progress on stderr; exit codes 0
//! ok, 1 failure, 64 usage.

mod evaluate;
mod inspect;
mod report;

use std::{
    fs,
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::Context as _;
use clap::{Args, Parser, Subcommand, ValueEnum};
use tidegate_models::{
    Model, Schema,
    train::{Balance, OnBad, fit, render_card},
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
    /// Fit a decision tree and write its model file and card.
    Fit(FitArgs),
    /// Judge a model on labelled rows.
    Evaluate(evaluate::EvaluateArgs),
    /// Look at a data file: columns, classes, duplicates, what tells about the class.
    Inspect(inspect::InspectArgs),
    /// Measure all models and write a page about them; keep their cards up to date.
    Report(report::ReportArgs),
}

#[derive(Args)]
struct FitArgs {
    /// Columns: kdd41 or live.
    #[arg(long)]
    schema: Schema,
    /// Folder with kddcup.data_10_percent (plain, .gz or .zst).
    #[arg(long, value_name = "DIR")]
    data: PathBuf,
    /// Recording to learn from besides (schema live); may be repeated.
    #[arg(long, value_name = "FILE")]
    recorded: Vec<PathBuf>,
    #[command(flatten)]
    rows: RowArgs,
    /// The recordings' share of the total weight.
    #[arg(long, value_name = "SHARE", default_value_t = 0.5)]
    recorded_weight: f64,
    /// Copies of each recorded row in the context of other recorded rows.
    #[arg(long, value_name = "N", default_value_t = 3)]
    contexts: u32,
    /// Most decisions on a path; chosen by validation if absent.
    #[arg(long, value_name = "N")]
    max_depth: Option<usize>,
    /// Fewest distinct rows in a leaf; chosen by validation if absent.
    #[arg(long, value_name = "N")]
    min_leaf: Option<u64>,
    /// How rare classes are favoured (none, sqrt, full); chosen by validation if absent.
    #[arg(long)]
    balance: Option<Balance>,
    /// What a leaf must save, as a share of the root's impurity; 0 prunes nothing.
    #[arg(long, default_value_t = 0.0)]
    alpha: f64,
    /// Seed of validation folds and golden vectors.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Model file to write; the card goes beside it as .md.
    #[arg(short, long, value_name = "FILE")]
    output: PathBuf,
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
        Command::Fit(args) => run_fit(args),
        Command::Evaluate(args) => evaluate::run(args),
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

fn run_fit(args: &FitArgs) -> anyhow::Result<()> {
    let stem = args
        .output
        .file_stem()
        .context("the output has no file name")?;
    let request = fit::Request {
        schema: args.schema,
        name: stem.to_string_lossy().into_owned(),
        data: args.data.clone(),
        recorded: args.recorded.clone(),
        on_bad: args.rows.on_bad(),
        recorded_weight: args.recorded_weight,
        contexts: args.contexts,
        max_depth: args.max_depth,
        min_leaf: args.min_leaf,
        balance: args.balance,
        alpha: args.alpha,
        seed: args.seed,
    };
    let fitted = fit::fit(&request, &mut |line| eprintln!("{line}"))?;
    let text = fitted.file.to_json()?;
    // What can't be loaded is not written.
    let model = Model::from_json(&text)?;
    let card = render_card(&fitted, &model, &command_line(args));
    let card_path = args.output.with_extension("md");
    for (path, text) in [(&args.output, &text), (&card_path, &card)] {
        fs::write(path, text).with_context(|| format!("cannot write {}", path.display()))?;
    }
    eprintln!(
        "wrote {} ({} bytes) and {}",
        args.output.display(),
        text.len(),
        card_path.display()
    );
    Ok(())
}

/// The command for the card, with folders left out: they differ from machine to machine.
fn command_line(args: &FitArgs) -> String {
    let name = |path: &Path| {
        path.file_name()
            .map(|name| name.to_string_lossy().into_owned())
            .unwrap_or_default()
    };
    let mut command = format!("tidegate-train fit --schema {} --data DIR", args.schema);
    for path in &args.recorded {
        command.push_str(&format!(" --recorded {}", name(path)));
    }
    if !args.recorded.is_empty() {
        command.push_str(&format!(
            " --recorded-weight {} --contexts {}",
            args.recorded_weight, args.contexts
        ));
    }
    if args.rows.skip_bad {
        command.push_str(" --skip-bad");
    }
    if let Some(depth) = args.max_depth {
        command.push_str(&format!(" --max-depth {depth}"));
    }
    if let Some(leaf) = args.min_leaf {
        command.push_str(&format!(" --min-leaf {leaf}"));
    }
    if let Some(balance) = args.balance {
        command.push_str(&format!(" --balance {balance}"));
    }
    command.push_str(&format!(
        " --alpha {} --seed {} -o {}",
        args.alpha,
        args.seed,
        name(&args.output)
    ));
    command
}
