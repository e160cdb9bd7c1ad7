//! `tidegate-train report`: everything about the models on one page.

use std::{fs, path::PathBuf};

use anyhow::Context as _;
use clap::Args;
use tidegate_models::train::report::{Request, collect, render, update_cards};

#[derive(Args)]
pub(super) struct ReportArgs {
    /// Folder with the KDD'99 and NSL-KDD files, plain, .gz or .zst.
    #[arg(long, value_name = "DIR")]
    data: PathBuf,
    /// Folder with the models; those of other seeds are in seeds/NAME-SEED.json.
    #[arg(long, value_name = "DIR", default_value = "models/trained")]
    models: PathBuf,
    /// Seed of intervals, samples and shuffles.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Page to write.
    #[arg(short, long, value_name = "FILE", default_value = "report.html")]
    output: PathBuf,
    /// Write the same numbers as JSON.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Leave the model cards as they are.
    #[arg(long)]
    keep_cards: bool,
}

pub(super) fn run(args: &ReportArgs) -> anyhow::Result<()> {
    let request = Request {
        data: args.data.clone(),
        models: args.models.clone(),
        seed: args.seed,
    };
    let report = collect(&request, &mut |line| eprintln!("{line}"))?;
    let write = |path: &PathBuf, text: &str| {
        fs::write(path, text).with_context(|| format!("cannot write {}", path.display()))?;
        eprintln!("wrote {} ({} bytes)", path.display(), text.len());
        anyhow::Ok(())
    };
    write(&args.output, &render(&report))?;
    if let Some(path) = &args.json {
        write(path, &(serde_json::to_string(&report)? + "\n"))?;
    }
    if !args.keep_cards {
        for path in update_cards(&report, &args.models)? {
            eprintln!("updated {}", path.display());
        }
    }
    for failure in &report.failures {
        eprintln!("{}: {}", failure.file, failure.error);
    }
    anyhow::ensure!(
        report.failures.is_empty(),
        "{} files could not be used; the report says which",
        report.failures.len()
    );
    Ok(())
}
