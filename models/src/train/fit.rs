//! From data files to a model file.

use std::{collections::BTreeMap, path::PathBuf};

use super::{
    Assembly, Balance, Candidate, DataError, Dataset, DatasetBuilder, Grid, LabelledRow, Layout,
    OnBad, Params, ParamsError, Point, Rows, Summary, assemble, choose, context, find,
    is_test_file,
};
use crate::{
    Costs, ModelProblem, OperatingPoint, Schema, Tree, TreeError,
    format::{ModelFile, NodeLine, Parameters, Source},
};

/// The only KDD file that is fitted on.
pub const TRAINING_FILE: &str = "kddcup.data_10_percent";

/// Depths tried when none is given.
const DEPTHS: [usize; 4] = [8, 12, 16, 20];

/// Leaf sizes tried when none is given, in distinct rows.
const LEAVES: [u64; 4] = [2, 5, 10, 20];

/// What to fit.
#[derive(Clone, Debug)]
pub struct Request {
    /// The columns.
    pub schema: Schema,
    /// The model's name.
    pub name: String,
    /// The folder with [`TRAINING_FILE`].
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
    /// Seed of folds and golden vectors.
    pub seed: u64,
}

/// A fitted model and how its parameters were chosen.
#[derive(Clone, Debug)]
pub struct Fitted {
    /// The file to write.
    pub file: ModelFile,
    /// The parameter sets tried, the best first; empty if they were given.
    pub candidates: Vec<Candidate>,
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
}

/// Reads, chooses parameters where none are given, fits.
///
/// # Errors
///
/// As [`FitError`] says; test files are refused before anything is opened.
pub fn fit(request: &Request, progress: &mut dyn FnMut(&str)) -> Result<Fitted, FitError> {
    check(request)?;
    let (data, sources) = load(request, progress)?;
    let candidates = candidates(request, &data, progress)?;
    let best = candidates.first();
    let point = best.map_or_else(|| only_point(request), |best| best.point);
    let params = params(point, request.alpha).check()?;
    progress(&format!(
        "fitting {} distinct rows, depth {}, leaves of {}, balance {}",
        data.rows.len(),
        point.max_depth,
        point.min_leaf,
        point.balance
    ));
    let nodes = params.fit(&data)?;
    let tree = Tree::new(request.schema, request.name.as_str(), Costs::ARGMAX, nodes)?;
    progress(&format!(
        "{} nodes, {} leaves, depth {}",
        tree.nodes().len(),
        tree.leaves(),
        tree.depth()
    ));
    let parameters = Parameters::Tree(tree.nodes().iter().map(NodeLine::from).collect());
    let assembly = Assembly {
        name: request.name.clone(),
        sources,
        seed: request.seed,
        settings: settings(request, point),
        validation: best.map(|best| best.confusion),
        decisions: vec![OperatingPoint {
            name: "argmax".to_owned(),
            costs: Costs::ARGMAX,
        }],
    };
    let file = assemble(&data, parameters, assembly)?;
    Ok(Fitted { file, candidates })
}

/// The parameters by name, for the model file.
fn settings(request: &Request, point: Point) -> BTreeMap<String, String> {
    let mut settings = vec![
        ("criterion", "gini".to_owned()),
        ("max_depth", point.max_depth.to_string()),
        ("min_leaf", point.min_leaf.to_string()),
        ("balance", point.balance.to_string()),
        ("alpha", request.alpha.to_string()),
    ];
    if !request.recorded.is_empty() {
        settings.push(("recorded_weight", request.recorded_weight.to_string()));
        settings.push(("contexts", request.contexts.to_string()));
    }
    settings
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value))
        .collect()
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
    let path = find(&request.data, TRAINING_FILE)?;
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
