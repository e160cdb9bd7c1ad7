//! Reader of `kddcup.names`: the contest's own list of attack types and columns.
//!
//! The format is C4.5's: the classes separated by commas and ended by a dot, then a line
//! `name: kind.` a column.

use std::path::Path;

use super::{Attack, DataError, input::Input};
use crate::KDD41_COLUMNS;

/// What values a column has.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Kind {
    /// Numbers, whose order means something.
    Continuous,
    /// Names, or numbers that stand for names.
    Symbolic,
}

impl Kind {
    /// The kind of a column of [`KDD41_COLUMNS`].
    ///
    /// `root_shell` is 0 or 1 and `su_attempted` 0 to 2, and KDD calls both continuous.
    pub fn of(column: &str) -> Self {
        match column {
            "protocol_type" | "service" | "flag" | "land" | "logged_in" | "is_host_login"
            | "is_guest_login" => Self::Symbolic,
            _ => Self::Continuous,
        }
    }

    /// The contest's word.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Continuous => "continuous",
            Self::Symbolic => "symbolic",
        }
    }
}

/// The content of `kddcup.names`.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Names {
    /// The attack types, and `normal`, in the file's order.
    pub attacks: Vec<Attack>,
    /// The columns, which are those of [`KDD41_COLUMNS`], with their kinds.
    pub columns: Vec<(&'static str, Kind)>,
}

/// Reads the file (plain, gzip or zstd) and checks it against [`KDD41_COLUMNS`].
///
/// # Errors
///
/// The first line that is not what it should be: an unknown attack type, a column in the wrong
/// place, of the wrong kind, missing or too many.
pub fn read_names(path: &Path) -> Result<Names, DataError> {
    let mut input = Input::open(path)?;
    let mut attacks = Vec::new();
    let mut columns = Vec::new();
    while let Some(line) = input.next_line()? {
        let line = String::from_utf8_lossy(line);
        let done = if attacks.is_empty() {
            read_attacks(&line).map(|read| attacks = read)
        } else {
            read_column(&line, columns.len()).map(|read| columns.push(read))
        };
        done.map_err(|problem| wrong(&input, problem))?;
    }
    if attacks.is_empty() {
        return Err(wrong(&input, "no attack types".to_owned()));
    }
    if let Some(lacking) = KDD41_COLUMNS.get(columns.len()) {
        let problem = format!("the list ends before column {lacking}");
        return Err(wrong(&input, problem));
    }
    Ok(Names { attacks, columns })
}

fn wrong(input: &Input, problem: String) -> DataError {
    DataError::Names {
        path: input.path().to_owned(),
        line: input.line().max(1),
        problem,
    }
}

fn read_attacks(line: &str) -> Result<Vec<Attack>, String> {
    let list = line
        .trim()
        .strip_suffix('.')
        .ok_or("the attack types don't end in a dot")?;
    list.split(',')
        .map(|name| name.trim().parse().map_err(|error| format!("{error}")))
        .collect()
}

fn read_column(line: &str, index: usize) -> Result<(&'static str, Kind), String> {
    let expected = KDD41_COLUMNS
        .get(index)
        .ok_or_else(|| format!("more than {} columns: {line:?}", KDD41_COLUMNS.len()))?;
    let (name, kind) = line
        .trim()
        .strip_suffix('.')
        .and_then(|line| line.split_once(':'))
        .ok_or_else(|| format!("not of the form `name: kind.`: {line:?}"))?;
    let (name, kind) = (name.trim(), kind.trim());
    if name != *expected {
        return Err(format!("column {name:?} where {expected} belongs"));
    }
    let known = Kind::of(expected);
    if kind != known.name() {
        let known = known.name();
        return Err(format!("column {name} is {known}, not {kind:?}"));
    }
    Ok((expected, known))
}
