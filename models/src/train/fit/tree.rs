//! Trees: their parameters chosen, and grown.

use std::collections::BTreeMap;

use super::{BackEnd, Choice, FitError, Learnt, ModelKind, Request};
#[cfg(feature = "linfa")]
use crate::train::learn::tried_out;
use crate::{
    Costs, Tree, TreeNode,
    format::{NodeLine, Parameters},
    train::{
        Balance, Candidate, Dataset, Grid, Params, ParamsError, Point,
        assemble::settings as named_settings, choose, learn::argmax,
    },
};

/// Depths tried when none is given.
const DEPTHS: [usize; 4] = [8, 12, 16, 20];

/// Leaf sizes tried when none is given, in distinct rows.
const LEAVES: [u64; 4] = [2, 5, 10, 20];

pub(super) fn learn(
    request: &Request,
    data: &Dataset,
    progress: &mut dyn FnMut(&str),
) -> Result<Learnt, FitError> {
    if request.back_end == BackEnd::Linfa {
        return learn_with_linfa(request, data);
    }
    let candidates = candidates(request, data, progress)?;
    let best = candidates.first();
    let point = best.map_or_else(|| only_point(request), |best| best.point);
    let nodes = params(point, request.alpha).check()?.fit(data)?;
    let choice = if candidates.is_empty() {
        Choice::Given
    } else {
        Choice::Tree(candidates)
    };
    learnt(request, nodes, settings(request, point), choice)
}

fn learnt(
    request: &Request,
    nodes: Vec<TreeNode>,
    settings: BTreeMap<String, String>,
    choice: Choice,
) -> Result<Learnt, FitError> {
    let tree = Tree::new(request.schema, request.name.as_str(), Costs::ARGMAX, nodes)?;
    Ok(Learnt {
        parameters: Parameters::Tree(tree.nodes().iter().map(NodeLine::from).collect()),
        settings,
        decisions: argmax(),
        choice,
        curve: Vec::new(),
    })
}

#[cfg(not(feature = "linfa"))]
fn learn_with_linfa(_: &Request, _: &Dataset) -> Result<Learnt, FitError> {
    // `check` has said so before.
    Err(FitError::NoLinfa)
}

#[cfg(feature = "linfa")]
fn learn_with_linfa(request: &Request, data: &Dataset) -> Result<Learnt, FitError> {
    let Point {
        max_depth,
        min_leaf,
        ..
    } = only_point(request);
    let grow = |data: &Dataset| crate::train::linfa::fit_tree(data, max_depth, min_leaf);
    let choice = tried_out(request, data, |data| {
        let tree = Tree::new(data.schema, "candidate", Costs::ARGMAX, grow(data)?)?;
        Ok(Box::new(tree))
    })?;
    let mut settings = settings(request, only_point(request));
    // linfa has none of these.
    for own in ["balance", "alpha", "recorded_weight"] {
        settings.remove(own);
    }
    settings.insert("back_end".to_owned(), request.back_end.name().to_owned());
    learnt(request, grow(data)?, settings, choice)
}

/// Parameters that make no sense, before minutes of work.
pub(super) fn check(request: &Request) -> Result<(), FitError> {
    params(only_point(request), request.alpha).check()?;
    if request.back_end == BackEnd::Own {
        return Ok(());
    }
    let refused = |why| Err(FitError::Linfa(why));
    if request.kind != ModelKind::Tree {
        return refused("it grows trees only");
    }
    if request.max_depth.is_none() || request.min_leaf.is_none() {
        return refused("max-depth and min-leaf must be given");
    }
    if !matches!(request.balance, None | Some(Balance::None)) || request.alpha > 0.0 {
        return refused("it knows neither balance nor alpha");
    }
    if cfg!(feature = "linfa") {
        Ok(())
    } else {
        Err(FitError::NoLinfa)
    }
}

/// The parameters by name, for the model file.
fn settings(request: &Request, point: Point) -> BTreeMap<String, String> {
    let mut named = named_settings([
        ("criterion", &"gini" as &dyn ToString),
        ("max_depth", &point.max_depth),
        ("min_leaf", &point.min_leaf),
        ("balance", &point.balance),
        ("alpha", &request.alpha),
    ]);
    if !request.recorded.is_empty() {
        named.extend(named_settings([
            ("recorded_weight", &request.recorded_weight as &dyn ToString),
            ("contexts", &request.contexts),
        ]));
    }
    named
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
