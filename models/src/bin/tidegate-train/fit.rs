//! `tidegate-train fit`.

use std::{
    fs,
    path::{Path, PathBuf},
    time::Instant,
};

use anyhow::{Context as _, ensure};
use clap::Args;
use tidegate_models::{
    Model, Schema,
    train::{
        Balance, TrainingSet,
        fit::{Choice, Fitted, ModelKind, Request, fit},
        recipes, render_card,
        select::Trial,
    },
};

use crate::RowArgs;

/// Where the shipped models' recordings are, from the checkout's top.
const RECORDINGS: [&str; 2] = [
    "models/recorded/live.csv.zst",
    "models/recorded/live-more.csv.zst",
];

#[derive(Args)]
pub(crate) struct FitArgs {
    /// Fit every shipped model, with its seeds, into the folder given by --output.
    #[arg(long, conflicts_with_all = ["schema", "max_depth", "min_leaf", "balance"])]
    all: bool,
    /// With --all, only models whose name contains this; may be repeated.
    #[arg(long, value_name = "NAME", requires = "all")]
    only: Vec<String>,
    /// With --all, how many seeds to fit of what depends on one; those after the first go into
    /// OUTPUT/seeds.
    #[arg(long, value_name = "N", default_value_t = 5, requires = "all")]
    seeds: u64,
    /// Kind of model: tree, svm, network or forest.
    #[arg(long, default_value = "tree")]
    kind: ModelKind,
    /// What to learn from: kdd99 or nsl-kdd.
    #[arg(long, default_value = "kdd99")]
    training_set: TrainingSet,
    /// Columns: kdd41 or live.
    #[arg(long, required_unless_present = "all")]
    schema: Option<Schema>,
    /// Folder with the training file (plain, .gz or .zst).
    #[arg(long, value_name = "DIR")]
    data: PathBuf,
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

pub(crate) fn run(args: &FitArgs) -> anyhow::Result<()> {
    let Some(schema) = args.schema else {
        return run_all(args);
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
        training_set: args.training_set,
        schema,
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
        validate: true,
        chosen: None,
    };
    let fitted = fit(&request, &mut |line| eprintln!("{line}"))?;
    write(&fitted, &args.output, Some(&command_line(args, schema)))
}

fn run_all(args: &FitArgs) -> anyhow::Result<()> {
    let recorded = if args.recorded.is_empty() {
        RECORDINGS.map(PathBuf::from).to_vec()
    } else {
        args.recorded.clone()
    };
    let seeds_folder = args.output.join("seeds");
    fs::create_dir_all(&seeds_folder)
        .with_context(|| format!("cannot make {}", seeds_folder.display()))?;
    let wanted = |name: &str| args.only.is_empty() || args.only.iter().any(|n| name.contains(n));
    let start = Instant::now();
    for mut request in recipes::shipped(&args.data, &recorded) {
        if !wanted(&request.name) {
            continue;
        }
        let fitted = fit(&request, &mut |line| eprintln!("{line}"))?;
        let name = request.name.clone();
        let path = args.output.join(format!("{name}.json"));
        write(&fitted, &path, Some("tidegate-train fit --all --data DIR"))?;
        // A tree takes nothing from chance: every seed gives the same.
        if request.kind != ModelKind::Tree {
            request.validate = false;
            request.chosen = chosen(&fitted.choice);
            for seed in recipes::SEED + 1..recipes::SEED + args.seeds {
                request.seed = seed;
                let fitted = fit(&request, &mut |_| ())?;
                write(
                    &fitted,
                    &seeds_folder.join(format!("{name}-{seed}.json")),
                    None,
                )?;
            }
        }
        eprintln!("{:.0} s", start.elapsed().as_secs_f64());
    }
    Ok(())
}

/// What the first seed chose, for the others.
fn chosen(choice: &Choice) -> Option<Trial> {
    match choice {
        Choice::Forest(trials) => trials.first().cloned(),
        _ => None,
    }
}

/// Writes the model file and what goes beside it; the card needs the command that made it.
fn write(fitted: &Fitted, path: &Path, command: Option<&str>) -> anyhow::Result<()> {
    let text = fitted.file.to_json()?;
    // What can't be loaded is not written.
    let model = Model::from_json(&text)?;
    let mut files = vec![(path.to_owned(), text)];
    if let Some(command) = command {
        files.push((
            path.with_extension("md"),
            render_card(fitted, &model, command),
        ));
        if !fitted.curve.is_empty() {
            let curve = serde_json::to_string(&fitted.curve)?;
            files.push((path.with_extension("curve.json"), format!("{curve}\n")));
        }
    }
    for (path, text) in files {
        fs::write(&path, &text).with_context(|| format!("cannot write {}", path.display()))?;
        eprintln!("wrote {} ({} bytes)", path.display(), text.len());
    }
    Ok(())
}

/// The command for the card, with folders left out: they differ from machine to machine.
fn command_line(args: &FitArgs, schema: Schema) -> String {
    let name = |path: &Path| {
        path.file_name()
            .map(|name| name.to_string_lossy().into_owned())
            .unwrap_or_default()
    };
    let mut command = format!(
        "tidegate-train fit --kind {} --training-set {} --schema {schema} --data DIR",
        args.kind.name(),
        args.training_set.name()
    );
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
