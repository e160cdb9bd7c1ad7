//! What is noted of an import, beside its rows.

use serde_json::Value;
use tidegate_influx::line::Lines;

use super::{
    BASE_NS, Database, InfluxError,
    query::{name, series, text},
};
use crate::{Schema, format::Source};

/// What the measurement of the notes is called, after that of the rows.
const SUFFIX: &str = "_files";

/// An import: one point, overwritten when it is finished.
#[derive(Clone, Debug, PartialEq)]
pub struct Record {
    /// The file: name, rows, SHA-256.
    pub source: Source,
    /// SHA-256 of the rows as a trainer sees them.
    pub digest: String,
    /// Schema of the file's own columns.
    pub schema: Schema,
    /// Those of them that the file has.
    pub columns: Vec<String>,
    /// Whether all rows are stored.
    pub complete: bool,
}

impl Record {
    /// As a point.
    pub(super) fn lines(&self, database: &Database, dataset: &str, split: &str) -> Lines {
        let mut lines = Lines::default();
        lines
            .point(&measurement(database))
            .tag("dataset", dataset)
            .tag("split", split)
            .text("file", &self.source.file)
            .integer("rows", self.source.rows)
            .text("sha256", &self.source.sha256)
            .text("digest", &self.digest)
            .text("schema", &self.schema.to_string())
            .text("columns", &self.columns.join(","))
            .boolean("complete", self.complete)
            .at(BASE_NS);
        lines
    }

    /// The note of a dataset, if there is one.
    pub(super) fn read(
        database: &Database,
        dataset: &str,
        split: &str,
    ) -> Result<Option<Self>, InfluxError> {
        let query = format!(
            "SELECT \"file\", \"rows\", \"sha256\", \"digest\", \"schema\", \"columns\", \"complete\" FROM {} \
             WHERE \"dataset\" = {} AND \"split\" = {}",
            name(&measurement(database)),
            text(dataset),
            text(split)
        );
        let answer = database.ask(&query)?;
        let found = series(&answer).map_err(|words| database.refused(words))?;
        let Some((series, row)) = found
            .first()
            .and_then(|found| Some((*found, found.rows().last()?)))
        else {
            return Ok(None);
        };
        let word = |column| {
            series
                .value(row, column)
                .and_then(Value::as_str)
                .map(str::to_owned)
        };
        let note = || {
            Some(Self {
                source: Source {
                    file: word("file")?,
                    rows: series.value(row, "rows")?.as_u64()?,
                    sha256: word("sha256")?,
                },
                digest: word("digest")?,
                schema: word("schema")?.parse().ok()?,
                columns: word("columns")?.split(',').map(str::to_owned).collect(),
                complete: series.value(row, "complete")?.as_bool()?,
            })
        };
        let unknown =
            || database.not_understood(format!("the note of dataset {dataset} is incomplete"));
        note().map(Some).ok_or_else(unknown)
    }
}

fn measurement(database: &Database) -> String {
    format!("{}{SUFFIX}", database.settings().measurement)
}
