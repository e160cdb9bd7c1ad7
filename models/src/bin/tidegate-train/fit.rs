//! `tidegate-train fit`.

mod all;
mod outputs;

use std::path::{Path, PathBuf};

use anyhow::{Context as _, ensure};
use clap::Args;
use tidegate_models::{
    Schema,
    train::{
        Balance, TrainingSet,
        fit::{BackEnd, ModelKind, Request, fit},
        influx::Database,
        recipes,
    },
};

use crate::{RowArgs, database::DatabaseArgs};
use outputs::{files, write};

#[derive(Args)]
pub(crate) struct FitArgs {
    /// Fit every shipped model, with its seeds, into the folder given by --output.
    #[arg(long, conflicts_with_all = ["schema", "back_end", "max_depth", "min_leaf", "balance"])]
    all: bool,
    /// With --all, write nothing but compare with the files in --output, byte for byte (the
    /// cards up to their test figures); fails if any is not the same. First seeds only.
    #[arg(long, requires = "all", conflicts_with_all = ["schema", "seeds"])]
    check: bool,
    /// With --all, only models whose name contains this; may be repeated.
    #[arg(long, value_name = "NAME", requires = "all", conflicts_with = "schema")]
    only: Vec<String>,
    /// With --all, how many seeds to fit of what depends on one; those after the first go into
    /// OUTPUT/seeds.
    #[arg(
        long,
        value_name = "N",
        default_value_t = 5,
        requires = "all",
        conflicts_with = "schema"
    )]
    seeds: u64,
    /// Kind of model: tree, svm, network or forest.
    #[arg(long, default_value = "tree")]
    kind: ModelKind,
    /// What grows a tree: own, or linfa, where it is built in. linfa needs --max-depth and
    /// --min-leaf, balances nothing, and may give another tree each time.
    #[arg(long, default_value = "own")]
    back_end: BackEnd,
    /// What to learn from: kdd99 or nsl-kdd.
    #[arg(long, default_value = "kdd99")]
    training_set: TrainingSet,
    /// Columns: kdd41 or live.
    #[arg(long, required_unless_present = "all")]
    schema: Option<Schema>,
    /// Folder with the training file (plain, .gz or .zst).
    #[arg(long, value_name = "DIR", required_unless_present = "influx")]
    data: Option<PathBuf>,
    /// InfluxDB with the training rows, instead of --data. Datasets are called as the files that
    /// were imported, without folder and compression suffix; so are those of --recorded.
    #[arg(
        long,
        value_name = "URL",
        conflicts_with = "data",
        requires = "database"
    )]
    influx: Option<String>,
    #[command(flatten)]
    database: DatabaseArgs,
    /// Recording to learn from besides (schema live); may be repeated.
    #[arg(long, value_name = "FILE")]
    recorded: Vec<PathBuf>,
    #[command(flatten)]
    rows: RowArgs,
    /// The recordings' share of the total weight.
    #[arg(long, value_name = "SHARE", default_value_t = Request::RECORDED_WEIGHT)]
    recorded_weight: f64,
    /// Copies of each recorded row in the context of other recorded rows.
    #[arg(long, value_name = "N", default_value_t = Request::CONTEXTS)]
    contexts: u32,
    /// Most decisions on a tree's path; chosen by validation if absent.
    #[arg(long, value_name = "N")]
    max_depth: Option<usize>,
    /// Fewest distinct rows in a tree's leaf; chosen by validation if absent.
    #[arg(long, value_name = "N")]
    min_leaf: Option<u64>,
    /// How rare classes are favoured in a tree (none, sqrt, full); chosen by validation if
    /// absent.
    #[arg(long)]
    balance: Option<Balance>,
    /// What a tree's leaf must save, as a share of the root's impurity; 0 prunes nothing.
    #[arg(long, default_value_t = 0.0)]
    alpha: f64,
    /// Seed of everything random.
    #[arg(long, default_value_t = recipes::SEED)]
    seed: u64,
    /// Model file to write, the card goes beside it as .md; with --all a folder.
    #[arg(short, long, value_name = "PATH", default_value = "models/trained")]
    output: PathBuf,
}

impl FitArgs {
    /// Where the rows come from, if not from files.
    fn database(&self) -> anyhow::Result<Option<Database>> {
        let url = self.influx.as_deref();
        url.map(|url| self.database.open(url)).transpose()
    }
}

pub(crate) fn run(args: &FitArgs) -> anyhow::Result<()> {
    let Some(schema) = args.schema else {
        return all::run(args);
    };
    ensure!(
        !args.output.is_dir(),
        "--output {}: a folder; name a file, such as {}/mine.json",
        args.output.display(),
        args.output.display()
    );
    let stem = args
        .output
        .file_stem()
        .context("the output has no file name")?;
    let request = Request {
        kind: args.kind,
        back_end: args.back_end,
        training_set: args.training_set,
        schema,
        name: stem.to_string_lossy().into_owned(),
        data: args.data.clone().unwrap_or_default(),
        recorded: args.recorded.clone(),
        database: args.database()?,
        on_bad: args.rows.on_bad(),
        recorded_weight: args.recorded_weight,
        contexts: args.contexts,
        max_depth: args.max_depth,
        min_leaf: args.min_leaf,
        balance: args.balance,
        alpha: args.alpha,
        seed: args.seed,
        validate: true,
        chosen: None,
    };
    let fitted = fit(&request, &mut |line| eprintln!("{line}"))?;
    let command = command_line(args, schema);
    write(&files(&fitted, &args.output, Some(&command))?)
}

/// The command for the card, with folders left out: they differ from machine to machine.
fn command_line(args: &FitArgs, schema: Schema) -> String {
    let name = |path: &Path| {
        path.file_name()
            .map(|name| name.to_string_lossy().into_owned())
            .unwrap_or_default()
    };
    let rows = match args.influx {
        Some(_) => "--influx URL --db NAME",
        None => "--data DIR",
    };
    let mut command = format!(
        "tidegate-train fit --kind {} --training-set {} --schema {schema} {rows}",
        args.kind.name(),
        args.training_set.name()
    );
    if args.back_end != BackEnd::Own {
        command.push_str(&format!(" --back-end {}", args.back_end.name()));
    }
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
