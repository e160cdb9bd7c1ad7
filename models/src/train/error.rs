//! What can be wrong with a data file.

use std::{io, path::PathBuf};

use super::Layout;

/// A data file that can't be used, and where it is wrong.
#[derive(Debug, thiserror::Error)]
pub enum DataError {
    /// The file can't be opened.
    #[error("{path}: {error}")]
    Io {
        /// The file.
        path: PathBuf,
        /// Why. Part of the message, and so not its source, which would be printed twice.
        error: io::Error,
    },
    /// The file can't be read to its end: most often a compressed one that was cut off.
    #[error("{path}: unreadable after line {line}, is the file complete? {error}")]
    Broken {
        /// The file.
        path: PathBuf,
        /// The last line that could be read, from 1; 0 if none could.
        line: u64,
        /// Why.
        error: io::Error,
    },
    /// No such file in the folder, compressed or not.
    #[error("{folder}: no {name} (also looked for {name}.gz and {name}.zst)")]
    NotFound {
        /// The folder.
        folder: PathBuf,
        /// The name without compression suffix.
        name: String,
    },
    /// Test data offered to a fit.
    #[error("{0}: test data, never used to fit")]
    TestData(PathBuf),
    /// A file without any row.
    #[error("{path}: no rows{}", .skipped.as_ref().map(|first| format!("; {first}")).unwrap_or_default())]
    NoRows {
        /// The file.
        path: PathBuf,
        /// What was skipped, if anything was.
        skipped: Option<String>,
    },
    /// A row with too few or too many columns.
    #[error("{path}:{line}: {got} columns instead of {expected}")]
    Width {
        /// The file.
        path: PathBuf,
        /// Line, from 1.
        line: u64,
        /// Columns found.
        got: usize,
        /// Columns expected.
        expected: String,
    },
    /// A value that does not fit its column.
    #[error("{path}:{line}: column {column}: {problem}: {value:?}")]
    Value {
        /// The file.
        path: PathBuf,
        /// Line, from 1.
        line: u64,
        /// The column's name.
        column: &'static str,
        /// What is wrong.
        problem: &'static str,
        /// The value.
        value: String,
    },
    /// A header without a needed column, or with one twice.
    #[error("{path}:{line}: the header has {problem}")]
    Header {
        /// The file.
        path: PathBuf,
        /// Line, from 1.
        line: u64,
        /// What it has or lacks.
        problem: String,
    },
    /// A recording, which lacks the content columns, where all of KDD's are asked for.
    #[error(
        "{0}: a recording has live columns only: schema kdd41 needs the content columns (hot to is_guest_login) too"
    )]
    RecordingAsKdd41(PathBuf),
    /// A file of another kind than is needed here.
    #[error("{path}: {got}, where {expected} is needed")]
    Layout {
        /// The file.
        path: PathBuf,
        /// What it is.
        got: Layout,
        /// What it should be.
        expected: &'static str,
    },
    /// A list of names that does not describe KDD's columns.
    #[error("{path}:{line}: {problem}")]
    Names {
        /// The file.
        path: PathBuf,
        /// Line, from 1.
        line: u64,
        /// What is wrong.
        problem: String,
    },
}
