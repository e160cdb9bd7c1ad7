//! Where the rows of a fit come from.

use std::path::Path;

use super::{FitError, Request};
use crate::train::{
    DataError, LabelledRow, Layout, Rows, Summary, find, influx::StoredRows, input::without_suffix,
};

/// The rows of one file, or of the dataset of its name.
pub(super) enum Origin {
    File(Rows),
    Database(StoredRows),
}

impl Origin {
    /// The training set's.
    pub(super) fn training_file(request: &Request) -> Result<Self, FitError> {
        let name = request.training_set.file();
        match &request.database {
            Some(_) => Self::open(request, Path::new(name)),
            None => Self::open(request, &find(&request.data, name)?),
        }
    }

    /// A recording's.
    pub(super) fn recording(request: &Request, path: &Path) -> Result<Self, FitError> {
        Self::open(request, path)
    }

    fn open(request: &Request, path: &Path) -> Result<Self, FitError> {
        let Some(database) = &request.database else {
            let rows = Rows::open(path, request.schema, request.on_bad)?;
            return Ok(Self::File(rows));
        };
        let rows = StoredRows::open(database, &without_suffix(path), request.schema)?;
        Ok(Self::Database(rows))
    }

    pub(super) fn only(
        self,
        accept: impl Fn(Layout) -> bool,
        expected: &'static str,
    ) -> Result<Self, DataError> {
        Ok(match self {
            Self::File(rows) => Self::File(rows.only(accept, expected)?),
            Self::Database(rows) => Self::Database(rows.only(accept, expected)?),
        })
    }

    pub(super) fn process<T>(
        self,
        take: impl FnOnce(&mut dyn Iterator<Item = LabelledRow>) -> T,
    ) -> Result<(T, Summary), FitError> {
        Ok(match self {
            Self::File(rows) => rows.process(take)?,
            Self::Database(rows) => rows.process(take)?,
        })
    }
}
