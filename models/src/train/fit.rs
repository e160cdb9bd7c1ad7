//! From data files to a model file.

use std::{collections::BTreeMap, path::PathBuf};

use super::{
    Assembly, Balance, Candidate, DataError, Dataset, DatasetBuilder, FitSettingsError, Grid,
    LabelledRow, Layout, LeaveOut, OnBad, Params, ParamsError, Point, Rows, Summary, assemble,
    assemble::settings,
    choose, context, find, is_test_file,
    learn::{Learnt, argmax, learn_forest, learn_network, learn_svm},
    network::Epoch,
    select::{SelectError, Trial},
    training_set::TrainingSet,
};
use crate::{
    Costs, ModelProblem, Schema, Tree, TreeError, UnknownName,
    format::{ModelFile, NodeLine, Parameters, Source},
};

/// KDD'99's training file.
pub const TRAINING_FILE: &str = TrainingSet::Kdd99.file();

/// Depths tried when none is given.
const DEPTHS: [usize; 4] = [8, 12, 16, 20];

/// Leaf sizes tried when none is given, in distinct rows.
const LEAVES: [u64; 4] = [2, 5, 10, 20];

/// What kind of model to fit.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum ModelKind {
    /// One decision tree.
    Tree,
    /// A support vector machine.
    Svm,
    /// A neural network.
    Network,
    /// Many trees, with an unknown class.
    Forest,
}

impl ModelKind {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Tree, Self::Svm, Self::Network, Self::Forest];

    /// The lower-case name, as in model files.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Tree => "tree",
            Self::Svm => "svm",
            Self::Network => "network",
            Self::Forest => "forest",
        }
    }
}

impl std::str::FromStr for ModelKind {
    type Err = UnknownName;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|kind| kind.name() == name)
            .ok_or_else(|| UnknownName {
                kind: "kind of model",
                name: name.to_owned(),
            })
    }
}

/// What to fit.
#[derive(Clone, Debug)]
pub struct Request {
    /// The kind of model.
    pub kind: ModelKind,
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
    /// Cost-complexity penalty, see [`Params::alpha`].
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
    let Learnt {
        parameters,
        settings,
        decisions,
        choice,
        curve,
    } = match request.kind {
        ModelKind::Tree => learn_tree(request, &data, progress)?,
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
            Choice::Forest(trials) => trials
                .first()
                .and_then(|best| best.points.first())
                .map(|point| point.outcome.confusion),
        },
        decisions,
    };
    Ok(Fitted {
        file: assemble(&data, parameters, assembly)?,
        choice,
        curve,
    })
}

fn learn_tree(
    request: &Request,
    data: &Dataset,
    progress: &mut dyn FnMut(&str),
) -> Result<Learnt, FitError> {
    let candidates = candidates(request, data, progress)?;
    let best = candidates.first();
    let point = best.map_or_else(|| only_point(request), |best| best.point);
    let nodes = params(point, request.alpha).check()?.fit(data)?;
    let tree = Tree::new(request.schema, request.name.as_str(), Costs::ARGMAX, nodes)?;
    Ok(Learnt {
        parameters: Parameters::Tree(tree.nodes().iter().map(NodeLine::from).collect()),
        settings: tree_settings(request, point),
        decisions: argmax(),
        choice: if candidates.is_empty() {
            Choice::Given
        } else {
            Choice::Tree(candidates)
        },
        curve: Vec::new(),
    })
}

/// A tree's parameters by name, for the model file.
fn tree_settings(request: &Request, point: Point) -> BTreeMap<String, String> {
    let mut named = settings([
        ("criterion", &"gini"),
        ("max_depth", &point.max_depth),
        ("min_leaf", &point.min_leaf),
        ("balance", &point.balance),
        ("alpha", &request.alpha),
    ]);
    if !request.recorded.is_empty() {
        named.extend(settings([
            ("recorded_weight", &request.recorded_weight as &dyn ToString),
            ("contexts", &request.contexts),
        ]));
    }
    named
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
    // Depth and leaf size before minutes of work, too.
    params(only_point(request), request.alpha).check()?;
    Ok(())
}

/// The parameters given, and the first of the grid where none is.
fn only_point(request: &Request) -> Point {
    Point {
        max_depth: request.max_depth.unwrap_or(DEPTHS[0]),
        min_leaf: request.min_leaf.unwrap_or(LEAVES[0]),
        balance: request.balance.unwrap_or_default(),
    }
}

fn params(point: Point, alpha: f64) -> Params {
    Params::default()
        .max_depth(point.max_depth)
        .min_leaf(point.min_leaf)
        .balance(point.balance)
        .alpha(alpha)
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
        sources.push(read.source);
    };
    let path = find(&request.data, request.training_set.file())?;
    let (data, read) = Rows::open(&path, request.schema, request.on_bad)?
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
        let ((), read) = Rows::open(path, request.schema, request.on_bad)?
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

fn candidates(
    request: &Request,
    data: &Dataset,
    progress: &mut dyn FnMut(&str),
) -> Result<Vec<Candidate>, ParamsError> {
    let grid = Grid {
        depths: one_or(request.max_depth, &DEPTHS),
        leaves: one_or(request.min_leaf, &LEAVES),
        balances: one_or(request.balance, &Balance::ALL),
    };
    if grid.depths.len() * grid.leaves.len() * grid.balances.len() == 1 {
        return Ok(Vec::new());
    }
    choose(data, &grid, request.alpha, request.seed, |candidate| {
        let [normal, known, unseen] = candidate.parts;
        let Point {
            max_depth,
            min_leaf,
            balance,
        } = candidate.point;
        progress(&format!(
            "validation: depth {max_depth}, leaves of {min_leaf}, balance {balance}: cost {:.4} (normal {normal:.4}, known {known:.4}, unseen {unseen:.4})",
            candidate.score
        ));
    })
}

fn one_or<T: Copy>(given: Option<T>, tried: &[T]) -> Vec<T> {
    given.map_or_else(|| tried.to_vec(), |one| vec![one])
}
