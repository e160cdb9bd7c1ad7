//! From folders to figures.

use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
};

use super::{
    Failure, ModelResults, ModelSummary, Report, Request, SeedResults, TestResults,
    published::published,
};
use crate::{
    Classifier as _, Model,
    train::{
        DataError, Evaluation, MEASURES, Spread, TEST_FILE,
        evaluate::{Curves, EvaluateError, Options, Subject, evaluate_points},
        find,
        inspect::{Sample, importances, inspect},
        network::Epoch,
    },
};

/// NSL-KDD's test file.
const NSL_TEST: &str = "KDDTest+.txt";

/// Its rows that some of 21 learners of its authors got wrong.
const NSL_HARD: &str = "KDDTest-21.txt";

/// What the training files of NSL-KDD begin with.
const NSL_TRAINING: &str = "KDDTrain";

/// Rows of a class that importances are measured on.
const SAMPLE: usize = 2000;

/// A report that could not be made at all.
#[derive(Debug, thiserror::Error)]
pub enum ReportError {
    /// The folder of models can't be read.
    #[error("{path}: {source}")]
    Models {
        /// The folder.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// No model to report on.
    #[error("{0}: no model loads: {1}")]
    NoModels(PathBuf, String),
    /// No file to judge on.
    #[error("{0}: none of {TEST_FILE}, {NSL_TEST} and {NSL_HARD}, plain, .gz or .zst")]
    NoTests(PathBuf),
    /// A data file is there and can't be used.
    #[error(transparent)]
    Data(#[from] DataError),
    /// A model can't be judged.
    #[error(transparent)]
    Evaluate(#[from] EvaluateError),
}

/// A model that loaded.
struct Loaded {
    stem: String,
    path: PathBuf,
    model: Model,
}

/// Judges all models, looks at their training files. A model that does not load is among the
/// failures, and the others are reported all the same.
///
/// # Errors
///
/// As [`ReportError`] says.
pub fn collect(request: &Request, progress: &mut dyn FnMut(&str)) -> Result<Report, ReportError> {
    let mut failures = Vec::new();
    let models = load(&request.models, &mut failures).map_err(|source| ReportError::Models {
        path: request.models.clone(),
        source,
    })?;
    if models.is_empty() {
        let why = failures
            .first()
            .map_or("no .json files".to_owned(), |first: &Failure| {
                first.error.clone()
            });
        return Err(ReportError::NoModels(request.models.clone(), why));
    }
    // No such folder, no seeds.
    let seeds = load(&request.models.join("seeds"), &mut failures).unwrap_or_default();
    let mut absent = Vec::new();
    let mut tests = Vec::new();
    for file in [TEST_FILE, NSL_TEST, NSL_HARD] {
        let Some(path) = found(&request.data, file, &mut absent) else {
            continue;
        };
        progress(&format!("judging on {file}"));
        tests.extend(judge(file, &path, &models, &seeds, request.seed)?);
    }
    if tests.is_empty() {
        return Err(ReportError::NoTests(request.data.clone()));
    }
    let mut training_files = Vec::new();
    let mut samples = BTreeMap::new();
    let mut summaries = Vec::new();
    for Loaded { stem, path, model } in &models {
        let file = training_file(model);
        let data = file.and_then(|file| Some((file, found(&request.data, file, &mut absent)?)));
        let mut measured = None;
        if let Some((file, path)) = data {
            progress(&format!("{stem}: importances on {file}"));
            if !samples.keys().any(|(known, _)| known == file) {
                training_files.push(inspect(&path, None)?);
            }
            let key = (file.to_owned(), model.schema().name());
            if !samples.contains_key(&key) {
                let sample = Sample::draw(&path, model.schema(), SAMPLE, request.seed)?;
                samples.insert(key.clone(), sample);
            }
            measured = samples
                .get(&key)
                .map(|sample| (file.to_owned(), importances(model, sample, request.seed)));
        }
        summaries.push(ModelSummary {
            name: stem.clone(),
            kind: model.kind().to_owned(),
            size: model.size(),
            bytes: fs::metadata(path).map_or(0, |metadata| metadata.len()),
            digest: model.digest().to_owned(),
            schema: model.schema(),
            decisions: model.decisions().iter().map(|it| it.name.clone()).collect(),
            training: model.training().clone(),
            epochs: epochs(path, &mut failures),
            importances: measured,
            tree: model.tree().cloned(),
        });
    }
    absent.sort();
    absent.dedup();
    Ok(Report {
        models: summaries,
        failures,
        tests,
        training_files,
        absent,
    })
}

fn found(folder: &Path, file: &str, absent: &mut Vec<String>) -> Option<PathBuf> {
    let found = find(folder, file);
    if found.is_err() {
        absent.push(file.to_owned());
    }
    found.ok()
}

/// The models of a folder, by file name.
fn load(folder: &Path, failures: &mut Vec<Failure>) -> io::Result<Vec<Loaded>> {
    let mut paths = fs::read_dir(folder)?
        .map(|entry| Ok(entry?.path()))
        .collect::<io::Result<Vec<_>>>()?;
    paths.sort();
    let mut loaded = Vec::new();
    for path in paths {
        let name = path
            .file_name()
            .map(|name| name.to_string_lossy().into_owned());
        let name = name.unwrap_or_default();
        let Some(stem) = name.strip_suffix(".json") else {
            continue;
        };
        if stem.ends_with(".curve") {
            continue;
        }
        match Model::load(&path) {
            Ok(model) => loaded.push(Loaded {
                stem: stem.to_owned(),
                model,
                path,
            }),
            Err(error) => failures.push(Failure {
                file: name,
                error: error.problem.to_string(),
            }),
        }
    }
    Ok(loaded)
}

/// The KDD file among a model's training files.
fn training_file(model: &Model) -> Option<&str> {
    let files = model.training().sources.iter().map(|it| it.file.as_str());
    files
        .into_iter()
        .find(|file| file.starts_with("kddcup.data") || file.starts_with(NSL_TRAINING))
}

fn is_nsl(model: &Model) -> bool {
    training_file(model).is_some_and(|file| file.starts_with(NSL_TRAINING))
}

/// Whether a model is judged on a file, and then whether the file is of its collection.
fn judged_on(model: &Model, file: &str) -> Option<bool> {
    match (file, is_nsl(model)) {
        (TEST_FILE, false) | (NSL_TEST | NSL_HARD, true) => Some(true),
        (NSL_TEST, false) => Some(false),
        _ => None,
    }
}

fn judge(
    file: &str,
    path: &Path,
    models: &[Loaded],
    seeds: &[Loaded],
    seed: u64,
) -> Result<Option<TestResults>, ReportError> {
    let mut results: Vec<ModelResults> = Vec::new();
    let mut subjects = Vec::new();
    let mut of_model = Vec::new();
    // A model is one of its seeds, unless the folder of seeds has it as well.
    let mut itself_counts = Vec::new();
    for loaded in models {
        let model = &loaded.model;
        let Some(of_its_collection) = judged_on(model, file) else {
            continue;
        };
        let points = model.decisions();
        subjects.push(Subject { model, points });
        let mine: Vec<_> = seeds
            .iter()
            .filter(|other| is_seed_of(&other.stem, &loaded.stem))
            .collect();
        let own_seed = model.training().seed;
        itself_counts.push(
            mine.iter()
                .all(|other| other.model.training().seed != own_seed),
        );
        let before = subjects.len();
        subjects.extend(mine.into_iter().map(|other| Subject {
            model: &other.model,
            points: &other.model.decisions()[..1],
        }));
        of_model.push(subjects.len() - before);
        results.push(ModelResults {
            model: loaded.stem.clone(),
            of_its_collection,
            points: Vec::new(),
            seeds: None,
        });
    }
    let options = Options {
        seed,
        ..Options::default()
    };
    let found = evaluate_points(&subjects, path, options, &mut |_| Ok(()))?;
    let mut found = found.into_iter();
    for ((result, seeds), itself) in results.iter_mut().zip(of_model).zip(itself_counts) {
        result.points = found.next().unwrap_or_default();
        for point in result.points.iter_mut().skip(1) {
            point.curves.roc = Vec::new();
            point.curves.precision_recall = Vec::new();
        }
        let others: Vec<_> = found.by_ref().take(seeds).flatten().collect();
        result.seeds = (!others.is_empty()).then(|| {
            let itself = result.points.first().filter(|_| itself).cloned();
            spreads(itself.into_iter().chain(others).collect())
        });
    }
    let source = results
        .iter()
        .find_map(|result| Some(result.points.first()?.source.clone()));
    Ok(source.map(|source| TestResults {
        source,
        models: results,
        published: published(file),
    }))
}

/// Whether a file of the folder of seeds is a model from another seed: `NAME-7` of `NAME`.
fn is_seed_of(stem: &str, name: &str) -> bool {
    stem.rsplit_once('-')
        .is_some_and(|(of, seed)| of == name && seed.parse::<u64>().is_ok())
}

fn spreads(evaluations: Vec<Evaluation>) -> SeedResults {
    let spreads = MEASURES.iter().filter_map(|measure| {
        let figures: Vec<f64> = evaluations.iter().filter_map(measure.of).collect();
        Some((measure.key.to_owned(), Spread::of(&figures)?))
    });
    SeedResults {
        models: evaluations.len(),
        spreads: spreads.collect(),
        evaluations: evaluations
            .into_iter()
            .map(|evaluation| Evaluation {
                curves: Curves {
                    roc: Vec::new(),
                    precision_recall: Vec::new(),
                    ..evaluation.curves
                },
                ..evaluation
            })
            .collect(),
    }
}

/// What `NAME.curve.json` beside a model says; nothing if there is none.
fn epochs(model: &Path, failures: &mut Vec<Failure>) -> Vec<Epoch> {
    let path = model.with_extension("curve.json");
    let Ok(text) = fs::read_to_string(&path) else {
        return Vec::new();
    };
    serde_json::from_str(&text).unwrap_or_else(|error| {
        failures.push(Failure {
            file: path
                .file_name()
                .map(|name| name.to_string_lossy().into_owned())
                .unwrap_or_default(),
            error: format!("not a training curve: {error}"),
        });
        Vec::new()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seeds_are_numbers_after_the_name() {
        assert!(is_seed_of("kdd41-tree-3", "kdd41-tree"));
        assert!(!is_seed_of("kdd41-tree-3", "kdd41"));
        assert!(!is_seed_of("kdd41-tree", "kdd41"));
        assert!(!is_seed_of("kdd41-tree-x", "kdd41-tree"));
    }
}
