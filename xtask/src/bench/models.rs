//! `cargo xtask bench models`: the models beside scikit-learn, LightGBM and XGBoost, in one run
//! on the same rows, one thread each.
//!
//! What can't be measured is said on stderr, and its row has no value and is not ok.

mod rows;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Row, kib};
use crate::build_cmd::cargo;
use crate::process::{self, Running};
use crate::{data, paths, python, table};

/// KDD files by the name of their array; the NSL-KDD ones may be missing.
const FILES: [(&str, &str); 5] = [
    ("kddcup.data_10_percent", "training"),
    ("corrected", "corrected"),
    ("KDDTrain+.txt", "nsl-training"),
    ("KDDTest+.txt", "KDDTest+"),
    ("KDDTest-21.txt", "KDDTest-21"),
];

/// A fit is a matter of seconds; one that is not has no peak worth waiting for.
const FIT_LIMIT: Duration = Duration::from_secs(600);

/// Figures of merit of one way to decide, as `tidegate-train evaluate` names them.
#[derive(Clone, Copy, Debug, Deserialize, Serialize)]
struct Figures {
    kdd_cost: f64,
    false_positive_rate: f64,
    accuracy: f64,
    binary_accuracy: Option<f64>,
    macro_f1: Option<f64>,
}

/// Somebody's figures on a test file.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Judged {
    file: String,
    model: String,
    /// `rival` for other programs' models.
    kind: String,
    schema: String,
    decision: String,
    #[serde(flatten)]
    figures: Figures,
}

/// What `xtask/python/bench_models.py` prints.
#[derive(Default, Deserialize)]
struct Rivals {
    /// By depth.
    fit_cpu_seconds: BTreeMap<String, f64>,
    speed: BTreeMap<String, Speed>,
    /// By test file and rival.
    figures: BTreeMap<String, BTreeMap<String, Figures>>,
}

#[derive(Clone, Copy, Deserialize)]
struct Speed {
    one_row_ns: f64,
    batch_rows_per_s: f64,
}

/// What `models/benches/predict.rs` prints of a model.
#[derive(Deserialize)]
struct Predicted {
    model: String,
    kind: String,
    #[serde(flatten)]
    speed: Speed,
}

/// What `models/benches/fit.rs` prints: CPU time of merging equal rows and fitting.
#[derive(Deserialize)]
struct Fitted {
    cpu_seconds: f64,
}

/// A model in models/trained.
struct Shipped {
    path: PathBuf,
    name: String,
    kind: String,
    schema: String,
    decisions: Vec<String>,
    /// Trained on KDDTrain+, so judged on its test files.
    nsl: bool,
}

/// All that was measured.
#[derive(Default)]
struct Measured {
    rivals: Rivals,
    predicted: Vec<Predicted>,
    /// By depth, as in [`Rivals::fit_cpu_seconds`].
    fitted: BTreeMap<String, Fitted>,
    fit_peak_gb: Option<f64>,
    judged: Vec<Judged>,
}

pub(super) fn measure(data: Option<&Path>) -> Result<(Vec<Row>, Vec<Judged>)> {
    let data = match data {
        Some(data) => fs::canonicalize(data).with_context(|| data.display().to_string())?,
        None => data::folder().context("--data names no folder")?,
    };
    let work = paths::target().join("bench-models");
    fs::create_dir_all(&work)?;
    let mut build = cargo();
    build.args([
        "build",
        "--release",
        "-p",
        "tidegate-models",
        "--features",
        "train",
    ]);
    if !build.stdout(Stdio::null()).status()?.success() {
        bail!("`{}` failed", process::line(&build));
    }
    let mut measured = Measured {
        rivals: noted("other programs", rivals(&data, &work)).unwrap_or_default(),
        predicted: noted("predictions", predicted(&data)).unwrap_or_default(),
        fit_peak_gb: noted("a fit's memory", fit_peak_gb(&data, &work)),
        ..Measured::default()
    };
    // 64 decisions are the most a tree of ours may have.
    for (name, depth) in [("depth 12", "12"), ("unlimited", "64")] {
        let fitted = noted("the fit", bench("fit", &["--depth", depth], &data));
        if let Some(fitted) = fitted.and_then(|mut lines| lines.pop()) {
            measured.fitted.insert(name.to_owned(), fitted);
        }
    }
    for (file, by_name) in &measured.rivals.figures {
        for (name, figures) in by_name {
            measured.judged.push(Judged {
                file: file.clone(),
                model: name.clone(),
                kind: "rival".to_owned(),
                schema: "kdd41".to_owned(),
                decision: "most likely".to_owned(),
                figures: *figures,
            });
        }
    }
    for model in shipped()? {
        measured.judged.extend(judge(&model, &data));
    }
    let rows = rows::of(&measured);
    Ok((rows, measured.judged))
}

/// Figures of merit, a line each.
pub(super) fn table(judged: &[Judged]) -> String {
    let share = |share: Option<f64>| share.map_or("–".to_owned(), |share| format!("{share:.4}"));
    let cells: Vec<Vec<String>> = judged
        .iter()
        .map(|one| {
            let figures = &one.figures;
            let mut cells = vec![one.file.clone(), one.model.clone(), one.decision.clone()];
            cells.extend([
                share(Some(figures.kdd_cost)),
                share(Some(figures.false_positive_rate)),
                share(Some(figures.accuracy)),
                share(figures.binary_accuracy),
                share(figures.macro_f1),
            ]);
            cells
        })
        .collect();
    let header = [
        "file", "model", "decision", "cost", "FPR", "accuracy", "binary", "macro F1",
    ];
    table::render(&header, &cells)
}

/// Says what went wrong, and goes on without.
fn noted<T>(what: &str, result: Result<T>) -> Option<T> {
    result
        .map_err(|error| eprintln!("not measured: {what}: {error:#}"))
        .ok()
}

fn workbench(words: &[&str]) -> Command {
    let mut command = Command::new(paths::target().join("release/tidegate-train"));
    command.args(words);
    command
}

/// Plain, `.gz` or `.zst`.
fn find(data: &Path, name: &str) -> Option<PathBuf> {
    ["", ".gz", ".zst"]
        .map(|suffix| data.join(format!("{name}{suffix}")))
        .into_iter()
        .find(|path| path.is_file())
}

fn rivals(data: &Path, work: &Path) -> Result<Rivals> {
    let python = python::with_packages("bench", "xtask/python/requirements.txt")?;
    for (file, array) in FILES {
        let array = work.join(format!("{array}.npy"));
        // One of another run may be of other files.
        let _ = fs::remove_file(&array);
        if let Some(path) = find(data, file) {
            let mut export = workbench(&["export", "--rows", "kdd41", "--file"]);
            process::run(export.arg(path).arg("-o").arg(array))?;
        }
    }
    let mut script = Command::new(python);
    script
        .arg(paths::root().join("xtask/python/bench_models.py"))
        .arg(work)
        .stdin(Stdio::null())
        // Minutes: its progress is to be seen.
        .stderr(Stdio::inherit());
    let output = script.output()?;
    if !output.status.success() {
        bail!("`{}` failed", process::line(&script));
    }
    Ok(serde_json::from_slice(&output.stdout)?)
}

fn predicted(data: &Path) -> Result<Vec<Predicted>> {
    bench("predict", &[], data)
}

/// The JSON lines of a bench of the models.
fn bench<T: for<'de> Deserialize<'de>>(name: &str, words: &[&str], data: &Path) -> Result<Vec<T>> {
    let mut command = cargo();
    command
        .args([
            "bench",
            "--quiet",
            "-p",
            "tidegate-models",
            "--features",
            "train",
        ])
        .args(["--bench", name, "--", "--data"])
        .arg(data)
        .args(words);
    let text = process::run(&mut command)?;
    text.lines()
        .map(|line| serde_json::from_str(line).with_context(|| format!("bench {name}: {line}")))
        .collect()
}

/// The most memory that a fit of a tree on the 10 % file has at any time.
fn fit_peak_gb(data: &Path, work: &Path) -> Result<f64> {
    let mut fit = workbench(&["fit", "--schema", "kdd41", "--max-depth", "12"]);
    fit.args(["--min-leaf", "2", "--balance", "sqrt", "--data"])
        .arg(data)
        .arg("-o")
        .arg(work.join("tree.json"))
        .stdin(Stdio::null())
        .stdout(Stdio::null());
    let mut running = Running::start(&mut fit)?;
    let status = format!("/proc/{}/status", running.pid());
    let began = std::time::Instant::now();
    let mut peak = None;
    loop {
        // The kernel keeps the peak: only one in the last moment could go unseen.
        let text = fs::read_to_string(&status).unwrap_or_default();
        peak = kib(&text, "VmHWM:").or(peak);
        if let Some(status) = running.wait_within(Duration::from_millis(5))? {
            if !status.success() {
                bail!("`{}` failed", process::line(&fit));
            }
            break;
        }
        if began.elapsed() > FIT_LIMIT {
            bail!("`{}` takes too long", process::line(&fit));
        }
    }
    let kib = u32::try_from(peak.context("no VmHWM")?)?;
    Ok(f64::from(kib) * 1024.0 / 1e9)
}

fn shipped() -> Result<Vec<Shipped>> {
    let folder = paths::root().join("models/trained");
    let mut files: Vec<PathBuf> = fs::read_dir(&folder)
        .with_context(|| folder.display().to_string())?
        .map(|entry| Ok(entry?.path()))
        .collect::<Result<_>>()?;
    files.retain(|path| {
        let name = path.to_string_lossy();
        // A network's loss by epoch is beside it.
        name.ends_with(".json") && !name.ends_with(".curve.json")
    });
    files.sort();
    files
        .into_iter()
        .map(|path| {
            let named = || path.display().to_string();
            let text = fs::read_to_string(&path).with_context(named)?;
            let file: Value = serde_json::from_str(&text).with_context(named)?;
            parse_shipped(&path, &file).with_context(named)
        })
        .collect()
}

fn parse_shipped(path: &Path, file: &Value) -> Option<Shipped> {
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let sources = file["training"]["sources"].as_array()?;
    Some(Shipped {
        path: path.to_owned(),
        name: text(&file["name"])?,
        kind: file["parameters"].as_object()?.keys().next()?.clone(),
        schema: text(&file["schema"])?,
        decisions: file["decisions"]
            .as_array()?
            .iter()
            .map(|decision| text(&decision["name"]))
            .collect::<Option<_>>()?,
        nsl: sources
            .iter()
            .filter_map(|source| source["file"].as_str())
            .any(|name| name.starts_with("KDDTrain+")),
    })
}

/// The model on the test files of its training data, each way it decides.
fn judge(model: &Shipped, data: &Path) -> Vec<Judged> {
    let files = if model.nsl { &FILES[3..] } else { &FILES[1..2] };
    let mut judged = Vec::new();
    for (file, name) in files {
        for decision in &model.decisions {
            let what = format!("{} by {decision} on {name}", model.name);
            let found = noted(&what, evaluate(model, decision, data, file));
            judged.extend(found.map(|figures| Judged {
                file: (*name).to_owned(),
                model: model.name.clone(),
                kind: model.kind.clone(),
                schema: model.schema.clone(),
                decision: decision.clone(),
                figures,
            }));
        }
    }
    judged
}

fn evaluate(model: &Shipped, decision: &str, data: &Path, file: &str) -> Result<Figures> {
    let path = find(data, file).with_context(|| format!("no {file}"))?;
    let mut command = workbench(&["evaluate", "-o", "json", "--decision", decision, "--model"]);
    let text = process::run(command.arg(&model.path).arg("--data").arg(path))?;
    Ok(serde_json::from_str(&text)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shipped_models_are_told_by_kind_and_training_data() {
        let models = shipped().expect("models/trained");
        let live = models.iter().find(|model| model.name == "live-tree");
        let live = live.expect("live-tree");
        assert_eq!((live.kind.as_str(), live.schema.as_str()), ("tree", "live"));
        assert!(!live.nsl && !live.decisions.is_empty());
        let file = serde_json::json!({
            "name": "n", "schema": "kdd41", "parameters": {"forest": {}},
            "decisions": [{"name": "cost"}, {"name": "low-fpr"}],
            "training": {"sources": [{"file": "KDDTrain+.txt"}]},
        });
        let nsl = parse_shipped(Path::new("n.json"), &file).expect("whole");
        assert!(nsl.nsl && nsl.kind == "forest" && nsl.decisions == ["cost", "low-fpr"]);
        assert!(parse_shipped(Path::new("n.json"), &serde_json::json!({})).is_none());
    }

    #[test]
    fn printed_figures_are_read_whatever_else_there_is() {
        let text = r#"{"model":"m","accuracy":0.9,"kdd_cost":0.2,"false_positive_rate":0.01}"#;
        let figures: Figures = serde_json::from_str(text).expect("read");
        assert!(figures.macro_f1.is_none() && figures.kdd_cost > 0.19);
        let line =
            r#"{"model":"m","kind":"tree","one_row_ns":13.5,"batch_rows_per_s":9e7,"rows":1}"#;
        let predicted: Predicted = serde_json::from_str(line).expect("read");
        assert!(predicted.speed.one_row_ns > 13.0 && predicted.kind == "tree");
    }
}
