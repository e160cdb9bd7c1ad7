//! Why a model could not be loaded.

use std::io;

use crate::{
    Class, ForestError, NetworkError, SvmError, TreeError,
    format::{FORMAT_VERSION, MIN_GOLDEN},
    model::MAX_BYTES,
};

/// A model that could not be loaded: where it came from and what is wrong with it.
#[derive(Debug, thiserror::Error)]
#[error("{origin}: {problem}")]
pub struct ModelError {
    /// The path, or `model` for text.
    pub origin: String,
    /// What is wrong. Part of the message, and so not its source, which would be printed twice.
    pub problem: ModelProblem,
}

/// What can be wrong with a model file.
#[derive(Debug, thiserror::Error)]
pub enum ModelProblem {
    /// The file can't be read.
    #[error("cannot be read: {0}")]
    Read(io::Error),
    /// The file is larger than any model.
    #[error("larger than a model may be ({MAX_BYTES} bytes)")]
    TooLarge,
    /// The text ends early.
    #[error("truncated: the text ends at line {line}, column {column}")]
    Truncated {
        /// Line, from 1.
        line: usize,
        /// Column, from 1.
        column: usize,
    },
    /// No JSON, or not a model's JSON.
    #[error("not a model: {0}")]
    Json(serde_json::Error),
    /// Another format version.
    #[error("unknown format version {0} (this build reads {FORMAT_VERSION})")]
    Version(u64),
    /// Classes, columns or name tables other than this build's.
    #[error("its {0} are not those of this build")]
    Vocabulary(&'static str),
    /// A file with fewer columns than this build has, asking one it does not declare.
    #[error("it asks column {0}, which is not among its own {1}")]
    Undeclared(String, usize),
    /// A file with fewer columns than this build has, whose baseline has another number.
    #[error("the baseline has {got} values, the file {expected} columns")]
    BaselineWidth {
        /// How many values it has.
        got: usize,
        /// How many columns the file declares.
        expected: usize,
    },
    /// A node with some but not all parts of a decision.
    #[error("node {0}: neither a whole decision (c, t, l, r) nor a leaf")]
    Node(usize),
    /// The nodes are no tree.
    #[error(transparent)]
    Tree(#[from] TreeError),
    /// The trees are no forest.
    #[error(transparent)]
    Forest(#[from] ForestError),
    /// The weights are no support vector machine.
    #[error(transparent)]
    Svm(#[from] SvmError),
    /// The layers are no network.
    #[error(transparent)]
    Network(#[from] NetworkError),
    /// No way to decide.
    #[error("no decisions: at least one is needed")]
    NoDecision,
    /// A way to decide that the file lacks.
    #[error("no decision is called {0:?}; it has {1}")]
    UnknownDecision(String, String),
    /// Too few golden vectors to trust the file.
    #[error("{0} golden vectors, fewer than {MIN_GOLDEN}")]
    FewGolden(usize),
    /// A golden vector of another width.
    #[error("golden vector {index}: {got} values instead of {expected}")]
    GoldenWidth {
        /// Which, from 0.
        index: usize,
        /// How many values it has.
        got: usize,
        /// How many columns the file has.
        expected: usize,
    },
    /// The model does not give the answer its trainer got.
    #[error(
        "golden vector {index}: mismatch, expected {expected} ({expected_ppm} ppm), got {got} ({got_ppm} ppm)"
    )]
    Golden {
        /// Which, from 0.
        index: usize,
        /// The trainer's answer.
        expected: Class,
        /// The trainer's confidence in millionths.
        expected_ppm: u32,
        /// This build's answer.
        got: Class,
        /// This build's confidence in millionths.
        got_ppm: u32,
    },
}
