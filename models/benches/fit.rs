//! CPU time and memory of a tree fit on the KDD 10 % file: from rows in memory, duplicates
//! included, to the fitted tree. `sklearn_fit.py` measures scikit-learn the same way.
//!
//! `cargo bench -p tidegate-models --features train --bench fit -- --data DIR --depth 12`
//! prints one line of JSON; times are medians over the runs.

use std::{path::PathBuf, sync::Arc, time::Duration};

use anyhow::Context as _;
use clap::Parser;
use nix::{
    sys::resource::{UsageWho, getrusage},
    time::{ClockId, clock_gettime},
};
use tidegate_models::{
    Class, Features, MAX_DEPTH, Schema, TreeNode,
    train::{DatasetBuilder, OnBad, Params, Rows, find, fit::TRAINING_FILE},
};

#[derive(Parser)]
struct Options {
    /// Folder with kddcup.data_10_percent (plain, .gz or .zst).
    #[arg(long)]
    data: PathBuf,
    /// Most decisions on a path; unlimited in scikit-learn's sense is 64 here.
    #[arg(long, default_value_t = MAX_DEPTH)]
    depth: usize,
    /// Fewest distinct rows in a leaf.
    #[arg(long, default_value_t = 1)]
    min_leaf: u64,
    /// How often to measure.
    #[arg(long, default_value_t = 5)]
    runs: usize,
    /// What cargo bench passes.
    #[arg(long, hide = true)]
    bench: bool,
}

struct Run {
    dedupe: f64,
    fit: f64,
    distinct: usize,
    nodes: Vec<TreeNode>,
}

fn main() -> anyhow::Result<()> {
    let options = Options::parse();
    let mut rows: Vec<(Features, Class, usize)> = Vec::new();
    let mut labels: Vec<Arc<str>> = Vec::new();
    let path = find(&options.data, TRAINING_FILE)?;
    for row in Rows::open(&path, Schema::Kdd41, OnBad::Stop)? {
        let row = row?;
        let known = labels.iter().position(|known| *known == row.group);
        let group = known.unwrap_or_else(|| {
            labels.push(row.group);
            labels.len() - 1
        });
        rows.push((row.features, row.class, group));
    }
    let runs = (0..options.runs)
        .map(|_| run(&rows, &labels, &options))
        .collect::<anyhow::Result<Vec<_>>>()?;
    let last = runs.last().context("--runs must be at least 1")?;
    let median = |seconds: fn(&Run) -> f64| {
        let mut all: Vec<f64> = runs.iter().map(seconds).collect();
        all.sort_by(f64::total_cmp);
        all[all.len() / 2]
    };
    let leaves = last.nodes.iter().filter(|node| node.split.is_none());
    println!(
        "{}",
        serde_json::json!({
            "trainer": "tidegate",
            "rows": rows.len(),
            "distinct_rows": last.distinct,
            "max_depth": options.depth,
            "min_leaf": options.min_leaf,
            "runs": options.runs,
            "dedupe_cpu_seconds": median(|run| run.dedupe),
            "fit_cpu_seconds": median(|run| run.fit),
            "cpu_seconds": median(|run| run.dedupe + run.fit),
            "nodes": last.nodes.len(),
            "leaves": leaves.count(),
            // Linux gives kibibytes. The rows, duplicates included, are part of it.
            "max_rss_bytes": getrusage(UsageWho::RUSAGE_SELF)?.max_rss() * 1024,
        })
    );
    Ok(())
}

fn run(
    rows: &[(Features, Class, usize)],
    labels: &[Arc<str>],
    options: &Options,
) -> anyhow::Result<Run> {
    let params = Params::default()
        .max_depth(options.depth)
        .min_leaf(options.min_leaf)
        .check()?;
    let start = cpu_time()?;
    let mut builder = DatasetBuilder::new(Schema::Kdd41);
    for (features, class, label) in rows {
        builder.add(features, *class, &labels[*label]);
    }
    let data = builder.finish();
    let merged = cpu_time()?;
    let nodes = params.fit(&data)?;
    let fitted = cpu_time()?;
    Ok(Run {
        dedupe: (merged - start).as_secs_f64(),
        fit: (fitted - merged).as_secs_f64(),
        distinct: data.rows.len(),
        nodes,
    })
}

/// CPU time of the process, all threads.
fn cpu_time() -> anyhow::Result<Duration> {
    Ok(clock_gettime(ClockId::CLOCK_PROCESS_CPUTIME_ID)?.into())
}
