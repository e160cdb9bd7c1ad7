//! What can be fitted, and by whom.

use std::str::FromStr;

use crate::UnknownName;

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

impl FromStr for ModelKind {
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

/// Who grows a tree.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum BackEnd {
    /// This crate's trainer: exact, and the same every time.
    #[default]
    Own,
    /// linfa-trees, as a second opinion; only in builds with the feature `linfa`.
    Linfa,
}

impl BackEnd {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Own, Self::Linfa];

    /// The lower-case name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Own => "own",
            Self::Linfa => "linfa",
        }
    }
}

impl FromStr for BackEnd {
    type Err = UnknownName;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|back_end| back_end.name() == name)
            .ok_or_else(|| UnknownName {
                kind: "back end",
                name: name.to_owned(),
            })
    }
}
