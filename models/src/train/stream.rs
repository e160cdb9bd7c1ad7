//! The rows of any data file, one at a time: what evaluation and inspection read through.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::Arc,
};

use super::{DataError, TEST_FILE, find, kdd, recorded};
use crate::{Class, Features, KDD41_COLUMNS, Schema, format::Source};

/// One row on its way through.
pub(super) struct StreamedRow {
    /// The columns of the schema asked for.
    pub(super) features: Features,
    /// What the row is; absent in a file without labels.
    pub(super) class: Option<Class>,
    /// The attack type; of a recording `scenario/class`; empty without a label.
    pub(super) group: Arc<str>,
}

/// Hands the rows of a file to `take`, in order, in the columns of `schema`: KDD's own, or
/// projected by [`kdd::to_live`]. A file whose name says `.csv` is a recording; a KDD file may
/// lack the label.
///
/// # Errors
///
/// If the file can't be read, or is a recording and `schema` is not [`Schema::Live`]; or
/// whatever `take` ends with.
pub(super) fn each_row<E: From<DataError>>(
    path: &Path,
    schema: Schema,
    mut take: impl FnMut(StreamedRow) -> Result<(), E>,
) -> Result<Source, E> {
    let mut names = Names::default();
    // The readers end with errors of their own; what `take` said waits here meanwhile.
    let mut failed = Ok(());
    let mut hand_over = |row: StreamedRow| {
        if failed.is_ok() {
            failed = take(row);
        }
    };
    let source = if natural_schema(path) == Schema::Live {
        if schema == Schema::Kdd41 {
            return Err(E::from(DataError::Header {
                path: path.to_owned(),
                column: "hot".to_owned(),
            }));
        }
        recorded::each(path, |row| {
            let group = names.of(&format!("{}/{}", row.scenario, row.class));
            hand_over(StreamedRow {
                features: row.features,
                class: Some(row.class),
                group,
            });
        })?
    } else {
        kdd::each(path, |record| {
            let (features, class, label) = if record.len() == KDD41_COLUMNS.len() {
                (kdd::columns(path, record)?, None, String::new())
            } else {
                let row = kdd::parse(path, record)?;
                (row.features, Some(row.class), row.label)
            };
            let features = match schema {
                Schema::Kdd41 => features,
                Schema::Live => kdd::to_live(&features),
            };
            hand_over(StreamedRow {
                features,
                class,
                group: names.of(&label),
            });
            Ok(())
        })?
    };
    failed.map(|()| source)
}

/// The schema that a file's own columns are of.
pub(super) fn natural_schema(path: &Path) -> Schema {
    let name = path.file_name().map(|name| name.to_string_lossy());
    if name.is_some_and(|name| name.contains(".csv")) {
        Schema::Live
    } else {
        Schema::Kdd41
    }
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

/// Names seen, each kept once.
#[derive(Default)]
struct Names(BTreeMap<String, Arc<str>>);

impl Names {
    fn of(&mut self, name: &str) -> Arc<str> {
        if let Some(known) = self.0.get(name) {
            return Arc::clone(known);
        }
        let known: Arc<str> = Arc::from(name);
        self.0.insert(name.to_owned(), Arc::clone(&known));
        known
    }
}
