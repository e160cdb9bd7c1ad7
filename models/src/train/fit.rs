//! From data files to a model file.

mod kind;
mod origin;
mod tree;

pub use kind::{BackEnd, ModelKind};

use std::path::PathBuf;

use self::origin::Origin;
use super::{
    Assembly, Balance, Candidate, DataError, Dataset, DatasetBuilder, FitSettingsError,
    LabelledRow, Layout, LeaveOut, OnBad, ParamsError, Summary, assemble, context,
    influx::{Database, InfluxError},
    is_test_file,
    learn::{Learnt, learn_forest, learn_network, learn_svm},
    network::Epoch,
    select::{SelectError, Trial},
    training_set::TrainingSet,
};
use crate::{
    Confusion, FIRST_HOST_COLUMN, LIVE_COLUMNS, ModelProblem, Schema, TreeError,
    format::{ModelFile, Source},
};

/// KDD'99's training file.
pub const TRAINING_FILE: &str = TrainingSet::Kdd99.file();

/// What to fit.
#[derive(Clone, Debug)]
pub struct Request {
    /// The kind of model.
    pub kind: ModelKind,
    /// Who grows a tree; only [`BackEnd::Own`] makes anything else.
    pub back_end: BackEnd,
    /// What it learns from.
    pub training_set: TrainingSet,
    /// The columns.
    pub schema: Schema,
    /// The model's name.
    pub name: String,
    /// The folder with the training set's file.
    pub data: PathBuf,
    /// Recordings; only for [`Schema::Live`].
    pub recorded: Vec<PathBuf>,
    /// Where the rows come from instead: datasets there are called as the files, without folder and compression
    /// suffix.
    pub database: Option<Database>,
    /// What to do about bad rows.
    pub on_bad: OnBad,
    /// The recordings' share of the total weight, `0.0..1.0`.
    pub recorded_weight: f64,
    /// Copies of each recorded row in the context of others.
    pub contexts: u32,
    /// Depth; chosen by validation if absent.
    pub max_depth: Option<usize>,
    /// Leaf size; chosen by validation if absent.
    pub min_leaf: Option<u64>,
    /// How rare classes are favoured; chosen by validation if absent.
    pub balance: Option<Balance>,
    /// Cost-complexity penalty, see [`super::Params::alpha`].
    pub alpha: f64,
    /// Seed of everything random.
    pub seed: u64,
    /// Whether to try the settings on attack types left out, where nothing has to be chosen.
    pub validate: bool,
    /// A forest's settings and operating points, chosen earlier; chosen by validation if absent.
    pub chosen: Option<Trial>,
}

impl Request {
    /// The recordings' share unless told otherwise.
    pub const RECORDED_WEIGHT: f64 = 0.5;

    /// Copies of recorded rows unless told otherwise.
    pub const CONTEXTS: u32 = 3;
}

/// A fitted model and how its parameters were chosen.
#[derive(Clone, Debug)]
pub struct Fitted {
    /// The file to write.
    pub file: ModelFile,
    /// How its settings were chosen.
    pub choice: Choice,
    /// How a network learnt, epoch by epoch.
    pub curve: Vec<Epoch>,
}

/// How settings were chosen: on training data only.
#[derive(Clone, Debug)]
pub enum Choice {
    /// They were given, and not tried.
    Given,
    /// Given, and tried on attack types left out.
    Tried(Box<LeaveOut>),
    /// Fixed by the trainer, with its operating points, and tried: a forest for live traffic.
    Fixed(Box<Trial>),
    /// The best of a tree's parameters, that one first.
    Tree(Vec<Candidate>),
    /// The best of a forest's settings, that one first, with its operating points.
    Forest(Vec<Trial>),
}

/// A fit that failed.
#[derive(Debug, thiserror::Error)]
pub enum FitError {
    /// A data file can't be used.
    #[error(transparent)]
    Data(#[from] DataError),
    /// Too few rows to leave some out.
    #[error(
        "without the fifth of the rows that is left out for a trial only one class is left: too few rows of the others"
    )]
    LeftOneClass,
    /// linfa was asked for, and is not built in.
    #[error("back end linfa: this build is without it; build with `--features linfa`")]
    NoLinfa,
    /// linfa can't do what was asked for.
    #[error("back end linfa: {0}")]
    Linfa(&'static str),
    /// linfa can't fit the rows.
    #[cfg(feature = "linfa")]
    #[error(transparent)]
    LinfaFit(#[from] super::linfa::LinfaError),
    /// Rows can't be had from a database.
    #[error(transparent)]
    Influx(#[from] InfluxError),
    /// A parameter makes no sense.
    #[error(transparent)]
    Params(#[from] ParamsError),
    /// The recordings' share is none.
    #[error("recorded-weight {0}: must be at least 0 and below 1")]
    RecordedWeight(f64),
    /// Recordings lack the content columns.
    #[error("recordings have live columns only: they can't be used for schema kdd41")]
    RecordedSchema,
    /// A bug in the trainer.
    #[error("the fitted tree is wrong: {0}")]
    Tree(#[from] TreeError),
    /// Likewise.
    #[error("the fitted model is wrong: {0}")]
    Model(#[from] ModelProblem),
    /// Settings of a support vector machine or a network that make no sense.
    #[error(transparent)]
    Settings(#[from] FitSettingsError),
    /// A forest's operating points can't be chosen.
    #[error(transparent)]
    Select(#[from] SelectError),
}

/// Reads, chooses parameters where none are given, fits.
///
/// # Errors
///
/// As [`FitError`] says; test files are refused before anything is opened.
pub fn fit(request: &Request, progress: &mut dyn FnMut(&str)) -> Result<Fitted, FitError> {
    check(request)?;
    let (data, sources) = load(request, progress)?;
    progress(&format!(
        "{}: {} distinct rows",
        request.name,
        data.rows.len()
    ));
    check_classes(&data)?;
    let Learnt {
        parameters,
        settings,
        decisions,
        choice,
        curve,
    } = match request.kind {
        ModelKind::Tree => tree::learn(request, &data, progress)?,
        ModelKind::Svm => learn_svm(request, &data)?,
        ModelKind::Network => learn_network(request, &data)?,
        ModelKind::Forest => learn_forest(request, &data, progress)?,
    };
    let assembly = Assembly {
        name: request.name.clone(),
        sources,
        seed: request.seed,
        settings,
        validation: match &choice {
            Choice::Given => None,
            Choice::Tried(of) => Some(of.confusion),
            Choice::Tree(candidates) => candidates.first().map(|best| best.confusion),
            Choice::Fixed(trial) => first_point(trial),
            Choice::Forest(trials) => trials.first().and_then(first_point),
        },
        decisions,
    };
    Ok(Fitted {
        file: assemble(&data, parameters, assembly)?,
        choice,
        curve,
    })
}

/// Held-out rows at the default point.
fn first_point(trial: &Trial) -> Option<Confusion> {
    let point = trial.points.first()?;
    Some(point.outcome.confusion)
}

fn check(request: &Request) -> Result<(), FitError> {
    let test = request.recorded.iter().find(|path| is_test_file(path));
    if let Some(path) = test {
        return Err(DataError::TestData(path.clone()).into());
    }
    if !(0.0..1.0).contains(&request.recorded_weight) {
        return Err(FitError::RecordedWeight(request.recorded_weight));
    }
    if request.schema != Schema::Live && !request.recorded.is_empty() {
        return Err(FitError::RecordedSchema);
    }
    tree::check(request)
}

/// One class would be fitted, and never doubted.
fn check_classes(data: &Dataset) -> Result<(), ParamsError> {
    let first = data.rows.first().ok_or(ParamsError::NoRows)?.class;
    let one = data.rows.iter().all(|row| row.class == first);
    if one {
        return Err(ParamsError::OneClass(first));
    }
    Ok(())
}

fn load(
    request: &Request,
    progress: &mut dyn FnMut(&str),
) -> Result<(Dataset, Vec<Source>), FitError> {
    let mut sources = Vec::new();
    let mut note = |read: Summary| {
        progress(&format!("{}: {} rows", read.source.file, read.source.rows));
        if read.skipped.count > 0 {
            progress(&format!("{}: {}", read.source.file, read.skipped));
        }
        if read.lacks_hosts {
            progress(&format!(
                "{}: recorded without the columns keyed by host ({} to {}): taken as 0",
                read.source.file,
                LIVE_COLUMNS[FIRST_HOST_COLUMN],
                LIVE_COLUMNS[LIVE_COLUMNS.len() - 1],
            ));
        }
        sources.push(read.source);
    };
    let (data, read) = Origin::training_file(request)?
        .only(
            |layout| layout != Layout::Recording,
            "a file with KDD's columns",
        )?
        .process(|rows| {
            let mut data = DatasetBuilder::new(request.schema);
            for row in rows {
                data.add(&row.features, row.class, &row.group);
            }
            data.finish()
        })?;
    note(read);
    let mut recordings = Vec::new();
    for path in &request.recorded {
        let ((), read) = Origin::recording(request, path)?
            .only(|layout| layout == Layout::Recording, "a recording")?
            .process(|rows| recordings.extend(rows.map(LabelledRow::into_parts)))?;
        note(read);
    }
    let recordings = context::with_variations(recordings, request.contexts, request.seed);
    let recorded = Dataset::new(request.schema, recordings);
    Ok((
        data.with_recorded(recorded, request.recorded_weight),
        sources,
    ))
}
