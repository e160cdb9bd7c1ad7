//! What can be wrong with an InfluxDB, or with what is in it.

use std::time::Duration;

use crate::train::DataError;

/// Rows that can't be written or read. Texts name the server by its address; no secret is in any of them.
#[derive(Debug, thiserror::Error)]
pub enum InfluxError {
    /// The file to import, or the schema asked for.
    #[error(transparent)]
    Data(#[from] DataError),
    /// A setting makes no sense.
    #[error("{name}: {problem}")]
    Setting {
        /// The flag.
        name: &'static str,
        /// What is wrong with it.
        problem: String,
    },
    /// No connection, no answer in time, 429 or 5xx, for too long.
    #[error("{server}: nothing for {} s but: {why}", .patience.as_secs())]
    Unavailable {
        /// The server.
        server: String,
        /// How long it was tried.
        patience: Duration,
        /// The last failure.
        why: String,
    },
    /// The server says no, in its words.
    #[error("{server}: {words}{}", .hint.map(|hint| format!(" ({hint})")).unwrap_or_default())]
    Refused {
        /// The server.
        server: String,
        /// Status and the server's words.
        words: String,
        /// What to do about it, where it is known.
        hint: Option<&'static str>,
    },
    /// An answer that is not what InfluxQL answers.
    #[error("{server}: not understood: {problem}")]
    Answer {
        /// The server.
        server: String,
        /// What it is like.
        problem: String,
    },
    /// The database knows no such measurement.
    #[error("{database} has no fields of {measurement}: nothing was imported there")]
    NoMeasurement {
        /// The database.
        database: String,
        /// The measurement.
        measurement: String,
    },
    /// A column is missing in all rows of the measurement.
    #[error("{measurement}: no column {column}")]
    NoColumn {
        /// The measurement.
        measurement: String,
        /// The column.
        column: &'static str,
    },
    /// A column of another type than its values can be.
    #[error("{measurement}: column {column} is of type {kind}, not {expected}")]
    ColumnType {
        /// The measurement.
        measurement: String,
        /// The column.
        column: &'static str,
        /// The type it has.
        kind: String,
        /// The type it should have.
        expected: &'static str,
    },
    /// None of the rows is of that dataset.
    #[error("{measurement}: no rows with dataset = {dataset:?} and split = {split:?}")]
    NoRows {
        /// The measurement.
        measurement: String,
        /// The dataset.
        dataset: String,
        /// The split.
        split: String,
    },
    /// A row that can't be one.
    #[error("{dataset}, row {row} (time {time}): {problem}")]
    Row {
        /// The dataset.
        dataset: String,
        /// The row, from 1, in the order of time.
        row: u64,
        /// Its time as the server writes it.
        time: String,
        /// What is wrong.
        problem: String,
    },
    /// The answer broke off.
    #[error("{dataset}: the answer broke off after {got} of {expected} rows: {why}")]
    Broken {
        /// The dataset.
        dataset: String,
        /// Rows by COUNT.
        expected: u64,
        /// Rows that came.
        got: u64,
        /// How.
        why: String,
    },
    /// The rows that came are not as many as the server counted.
    #[error("{dataset}: {got} rows came, where the server counts {expected}")]
    Count {
        /// The dataset.
        dataset: String,
        /// Rows by COUNT, or of the file.
        expected: u64,
        /// Rows that came, or are there.
        got: u64,
    },
    /// More or fewer rows are stored than were sent.
    #[error(
        "{dataset}: {stored} rows are stored after an import of {rows}: others were there before, or were removed \
         (a retention policy?); to start over: {cleanup}"
    )]
    Stored {
        /// The dataset.
        dataset: String,
        /// Rows by COUNT.
        stored: u64,
        /// Rows of the file.
        rows: u64,
        /// InfluxQL that removes the dataset.
        cleanup: String,
    },
    /// An import was interrupted.
    #[error(
        "{dataset}: the import of {file} was not finished; the same import again goes on from there"
    )]
    Unfinished {
        /// The dataset.
        dataset: String,
        /// The file.
        file: String,
    },
    /// The rows are not those of the file they were imported from.
    #[error("{dataset}: not the rows that were imported from {file}: import it again")]
    Changed {
        /// The dataset.
        dataset: String,
        /// The file.
        file: String,
    },
    /// A dataset of that name came from another file.
    #[error(
        "{dataset} has {stored} rows of another file, {file}: choose another --dataset, or remove them first: {cleanup}"
    )]
    Taken {
        /// The dataset.
        dataset: String,
        /// Rows by COUNT.
        stored: u64,
        /// The file they came from.
        file: String,
        /// InfluxQL that removes them.
        cleanup: String,
    },
    /// The file became another while it was imported.
    #[error("{0}: changed while it was imported")]
    FileChanged(String),
}
