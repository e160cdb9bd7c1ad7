//! What a prediction costs: `cargo bench -p tidegate-models --features train --bench predict --
//! --data DIR [--model FILE]...`. Prints a JSON line a model, asserts nothing.
//!
//! The rows are those of the contest's test file, in its order; one core, medians of several
//! passes over all of them. Without `--model`, every model in `models/trained`.

use std::{
    env, fs,
    hint::black_box,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use anyhow::Context as _;
use serde_json::json;
use tidegate_models::{
    Classifier as _, Costs, Features, Model, Prediction, Schema,
    train::{OnBad, Rows, TEST_FILE, find, kdd},
};

const PASSES: usize = 9;

/// Rows a call of `predict_batch`: their predictions stay in the cache.
const BATCH: usize = 256;

fn main() -> anyhow::Result<()> {
    let mut data = env::var_os("TIDEGATE_DATA").map(PathBuf::from);
    let mut models = Vec::new();
    let mut words = env::args_os().skip(1);
    while let Some(word) = words.next() {
        let mut path = || words.next().map(PathBuf::from).context("a path is missing");
        match word.to_str() {
            Some("--data") => data = Some(path()?),
            Some("--model") => models.push(path()?),
            // What cargo adds.
            Some("--bench") => {}
            _ => anyhow::bail!("unknown argument {}", word.display()),
        }
    }
    let data = data.context("--data or TIDEGATE_DATA must name the folder with the KDD files")?;
    if models.is_empty() {
        models = trained()?;
    }
    let rows = Rows::open(&find(&data, TEST_FILE)?, Schema::Kdd41, OnBad::Stop)?;
    let kdd41 = rows
        .map(|row| row.map(|row| row.features))
        .collect::<Result<Vec<Features>, _>>()?;
    let live: Vec<Features> = kdd41.iter().map(kdd::to_live).collect();
    for path in models {
        let model = Model::load(&path)?;
        let rows = match model.schema() {
            Schema::Kdd41 => &kdd41,
            Schema::Live => &live,
        };
        let one = median(rows.len(), || one_by_one(&model, rows));
        let batch = median(rows.len(), || in_batches(&model, rows));
        let line = json!({
            "model": model.name(),
            "kind": model.kind(),
            "size": model.size(),
            "file": TEST_FILE,
            "rows": rows.len(),
            "passes": PASSES,
            "one_row_ns": one,
            "batch_row_ns": batch,
            "batch_rows_per_s": 1e9 / batch,
        });
        println!("{line}");
    }
    Ok(())
}

/// The shipped model files, by name.
fn trained() -> anyhow::Result<Vec<PathBuf>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("trained");
    let mut files = Vec::new();
    for entry in
        fs::read_dir(&folder).with_context(|| format!("cannot read {}", folder.display()))?
    {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        // Beside the networks lie their training curves.
        if name.ends_with(".json") && !name.ends_with(".curve.json") {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

fn one_by_one(model: &Model, rows: &[Features]) {
    for row in rows {
        black_box(model.predict(black_box(row)));
    }
}

fn in_batches(model: &Model, rows: &[Features]) {
    let mut predictions: Vec<Prediction> = vec![Costs::ARGMAX.decide([0.0; 6]); BATCH];
    for rows in rows.chunks(BATCH) {
        model.predict_batch(black_box(rows), &mut predictions);
        black_box(&predictions);
    }
}

/// Nanoseconds a row, the median of the passes; the first one only warms up.
fn median(rows: usize, pass: impl Fn()) -> f64 {
    pass();
    let mut times: Vec<Duration> = (0..PASSES)
        .map(|_| {
            let begin = Instant::now();
            pass();
            begin.elapsed()
        })
        .collect();
    times.sort();
    times[PASSES / 2].as_nanos() as f64 / rows as f64
}
