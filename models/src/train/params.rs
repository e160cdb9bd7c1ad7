//! Parameters of the tree trainer, and how all trainers balance classes.

use std::{fmt, str::FromStr};

use crate::{CLASS_COUNT, Class, MAX_DEPTH, UnknownName};

/// How much rare classes are favoured in a fit. In a tree it chooses the splits, and the weights
/// a leaf answers with stay as they are; a support vector machine and a network are calibrated
/// on rows that are not balanced; so their confidence stays honest. A forest's shares are the
/// balanced ones, of which its costs make verdicts. Only operations that IEEE 754 rounds exactly,
/// so that every machine fits the same.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Balance {
    /// Not at all.
    #[default]
    None,
    /// By the square root of what [`Balance::Full`] does.
    Sqrt,
    /// All classes weigh the same.
    Full,
}

impl Balance {
    /// All of them, from least to most.
    pub const ALL: [Self; 3] = [Self::None, Self::Sqrt, Self::Full];

    /// The lower-case name, as in model files.
    pub const fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Sqrt => "sqrt",
            Self::Full => "full",
        }
    }

    /// What the rows of each class are multiplied with, for classes of these weights.
    pub(super) fn factors(self, classes: [u64; CLASS_COUNT]) -> [f64; CLASS_COUNT] {
        let present = classes.iter().filter(|weight| **weight > 0).count().max(1);
        let mean = classes.iter().sum::<u64>() as f64 / present as f64;
        classes.map(|class| {
            let full = if class == 0 { 1.0 } else { mean / class as f64 };
            match self {
                Self::None => 1.0,
                Self::Sqrt => full.sqrt(),
                Self::Full => full,
            }
        })
    }
}

impl fmt::Display for Balance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for Balance {
    type Err = UnknownName;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|balance| balance.name() == name)
            .ok_or_else(|| UnknownName {
                kind: "balance",
                name: name.to_owned(),
            })
    }
}

/// Parameters of a tree's fit, not yet checked.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Params {
    pub(super) max_depth: usize,
    pub(super) min_leaf: u64,
    pub(super) alpha: f64,
    pub(super) balance: Balance,
}

impl Default for Params {
    fn default() -> Self {
        Self {
            max_depth: 14,
            min_leaf: 2,
            alpha: 0.0,
            balance: Balance::None,
        }
    }
}

/// A parameter that makes no sense.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
pub enum ParamsError {
    /// A depth that could not be loaded.
    #[error("max-depth {0}: must be from 1 to {MAX_DEPTH}")]
    MaxDepth(usize),
    /// Empty leaves.
    #[error("min-leaf 0: must be at least 1")]
    MinLeaf,
    /// A penalty that is none.
    #[error("alpha {0}: must be from 0 to 1")]
    Alpha(f64),
    /// Nothing to learn from.
    #[error("no training rows")]
    NoRows,
    /// Nothing to tell apart.
    #[error("all training rows are of class {0}: there is nothing to tell apart")]
    OneClass(Class),
}

impl Params {
    /// Most decisions on a path, `1..=`[`MAX_DEPTH`].
    #[must_use]
    pub fn max_depth(mut self, max_depth: usize) -> Self {
        self.max_depth = max_depth;
        self
    }

    /// Fewest distinct rows in a leaf, at least 1.
    #[must_use]
    pub fn min_leaf(mut self, min_leaf: u64) -> Self {
        self.min_leaf = min_leaf;
        self
    }

    /// Cost-complexity pruning: what a leaf must save, as a share of the root's impurity,
    /// `0.0..=1.0`; 0 prunes nothing.
    #[must_use]
    pub fn alpha(mut self, alpha: f64) -> Self {
        self.alpha = alpha;
        self
    }

    /// How much rare classes are favoured.
    #[must_use]
    pub fn balance(mut self, balance: Balance) -> Self {
        self.balance = balance;
        self
    }

    /// Checks the parameters.
    ///
    /// # Errors
    ///
    /// The first that is out of range.
    pub fn check(self) -> Result<CheckedParams, ParamsError> {
        if !(1..=MAX_DEPTH).contains(&self.max_depth) {
            return Err(ParamsError::MaxDepth(self.max_depth));
        }
        if self.min_leaf == 0 {
            return Err(ParamsError::MinLeaf);
        }
        if !(0.0..=1.0).contains(&self.alpha) {
            return Err(ParamsError::Alpha(self.alpha));
        }
        Ok(CheckedParams(self))
    }
}

/// Parameters that can be fitted with.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CheckedParams(pub(super) Params);
