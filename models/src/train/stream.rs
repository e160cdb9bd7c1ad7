//! The rows of any data file, one at a time: what evaluation and inspection read through.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use csv::ByteRecord;

use super::{
    DataError, LabelledRow, OnBad, Rows, Skipped, Summary, TEST_FILE,
    columns::{Column, Rates},
    find,
    input::Input,
    kdd,
};
use crate::{Class, Features, KDD41_COLUMNS, Schema};

/// One row on its way through.
pub(super) struct StreamedRow {
    /// The columns of the schema asked for.
    pub(super) features: Features,
    /// What the row is; absent in a file without labels.
    pub(super) class: Option<Class>,
    /// The attack type; of a recording `scenario/class`; empty without a label.
    pub(super) group: Arc<str>,
}

/// Hands the rows of a file to `take`, in order, in the columns of `schema`. Any file that
/// [`Rows`] reads will do, and so will KDD's 41 columns without a label.
///
/// # Errors
///
/// If the file can't be read, or whatever `take` ends with.
pub(super) fn each_row<E: From<DataError>>(
    path: &Path,
    schema: Schema,
    on_bad: OnBad,
    mut take: impl FnMut(StreamedRow) -> Result<(), E>,
) -> Result<Summary, E> {
    if is_unlabelled(path)? {
        return each_unlabelled(path, schema, take);
    }
    let rows = Rows::open(path, schema, on_bad)?;
    let (taken, summary) = rows.process(|rows| {
        for LabelledRow {
            features,
            class,
            group,
            ..
        } in rows
        {
            take(StreamedRow {
                features,
                class: Some(class),
                group,
            })?;
        }
        Ok(())
    })?;
    taken.map(|()| summary)
}

/// Whether the first row is KDD's 41 columns and nothing else. A header has names in it.
fn is_unlabelled(path: &Path) -> Result<bool, DataError> {
    let mut first = ByteRecord::new();
    let found = Input::open(path)?.next_record(&mut first)?;
    let is_header = first
        .iter()
        .any(|field| field == KDD41_COLUMNS[0].as_bytes());
    Ok(found && first.len() == KDD41_COLUMNS.len() && !is_header)
}

fn each_unlabelled<E: From<DataError>>(
    path: &Path,
    schema: Schema,
    mut take: impl FnMut(StreamedRow) -> Result<(), E>,
) -> Result<Summary, E> {
    let mut input = Input::open(path)?;
    let columns = KDD41_COLUMNS.map(|name| (name, Column::new(name, Rates::Fractions)));
    let group: Arc<str> = Arc::from("");
    let mut record = ByteRecord::new();
    let mut rows = 0;
    while input.next_record(&mut record)? {
        let line = input.line();
        if record.len() != columns.len() {
            let width = DataError::Width {
                path: path.to_owned(),
                line,
                got: record.len(),
                expected: columns.len().to_string(),
            };
            return Err(width.into());
        }
        let mut features = Features::missing(Schema::Kdd41);
        for (index, ((name, column), text)) in columns.iter().zip(&record).enumerate() {
            let value = column.parse(text).map_err(|problem| DataError::Value {
                path: path.to_owned(),
                line,
                column: name,
                problem,
                value: String::from_utf8_lossy(text).into_owned(),
            })?;
            features.set(index, value);
        }
        if schema == Schema::Live {
            features = kdd::to_live(&features);
        }
        rows += 1;
        take(StreamedRow {
            features,
            class: None,
            group: Arc::clone(&group),
        })?;
    }
    Ok(Summary {
        source: input.source(rows),
        skipped: Skipped::default(),
        lacks_hosts: false,
    })
}

/// The schema that a file's own columns are of.
///
/// # Errors
///
/// If the file can't be read.
pub(super) fn natural_schema(path: &Path) -> Result<Schema, DataError> {
    let rows = Rows::open(path, Schema::Live, OnBad::Skip)?;
    Ok(rows.layout().schema())
}

/// The file itself, or in a folder the contest's test file.
///
/// # Errors
///
/// If the folder lacks it.
pub fn data_file(path: &Path) -> Result<PathBuf, DataError> {
    if path.is_dir() {
        find(path, TEST_FILE)
    } else {
        Ok(path.to_owned())
    }
}
