//! The rows of a data file, one at a time.

use std::{fmt, iter, path::Path};

use csv::ByteRecord;
use serde::{Deserialize, Serialize};

use super::{
    DataError, LabelledRow, Layout,
    input::Input,
    kdd,
    layout::{BadRow, Groups, Plan, Unknown},
};
use crate::{Schema, format::Source};

/// How many skipped rows are remembered.
const REMEMBERED: usize = 3;

/// What to do about a bad row.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum OnBad {
    /// End with the error.
    #[default]
    Stop,
    /// Count it and go on. Only rows are skipped: a header that won't do, or a file that can't
    /// be read to its end, is an error all the same.
    Skip,
}

/// The rows that were skipped.
#[derive(Clone, Debug, Default, Eq, PartialEq, Serialize, Deserialize)]
pub struct Skipped {
    /// How many.
    pub count: u64,
    /// What was wrong with the first few.
    pub first: Vec<String>,
}

impl fmt::Display for Skipped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} bad rows skipped", self.count)?;
        for (index, error) in self.first.iter().enumerate() {
            write!(f, "{} {error}", if index == 0 { ":" } else { ";" })?;
        }
        if self.count > self.first.len() as u64 {
            write!(f, "; …")?;
        }
        Ok(())
    }
}

/// What a file came to.
#[derive(Clone, Debug, PartialEq)]
pub struct Summary {
    /// Its name, the rows given, and the SHA-256 of all its uncompressed bytes.
    pub source: Source,
    /// The rows not given.
    pub skipped: Skipped,
    /// Whether it is a recording from before the columns keyed by host, which were taken as 0.
    pub lacks_hosts: bool,
}

/// An open data file: KDD'99, NSL-KDD, a table with KDD's column names, or a recording; plain,
/// gzip or zstd. What it is shows in its content, whatever its name.
///
/// Iterating gives each row once, and nothing after the first error. No row is kept.
pub struct Rows {
    input: Input,
    schema: Schema,
    on_bad: OnBad,
    plan: Plan,
    groups: Groups,
    record: ByteRecord,
    /// Whether `record` is a row that has not been given.
    pending: bool,
    /// Whether the end, or an error, was reached.
    done: bool,
    /// Whether everything was read.
    complete: bool,
    rows: u64,
    skipped: Skipped,
}

impl Rows {
    /// Opens a file and looks what it is. Its rows are given in `schema`: KDD's are projected by
    /// [`kdd::to_live`] where [`Schema::Live`] is asked for.
    ///
    /// # Errors
    ///
    /// If the file can't be read, has no rows, is none of the kinds above, or is a recording and
    /// [`Schema::Kdd41`] is asked for.
    pub fn open(path: &Path, schema: Schema, on_bad: OnBad) -> Result<Self, DataError> {
        let mut input = Input::open(path)?;
        let mut record = ByteRecord::new();
        let mut skipped = Skipped::default();
        let plan = loop {
            if !input.next_record(&mut record)? {
                return Err(no_rows(&input, &skipped));
            }
            match Plan::of(&record) {
                Ok(plan) => break plan,
                Err(Unknown::Header(problem)) => {
                    return Err(DataError::Header {
                        path: path.to_owned(),
                        line: input.line(),
                        problem,
                    });
                }
                Err(Unknown::Row(bad)) => skipped.take(located(&input, bad), on_bad)?,
            }
        };
        if plan.layout == Layout::Recording && schema == Schema::Kdd41 {
            return Err(DataError::RecordingAsKdd41(path.to_owned()));
        }
        Ok(Self {
            input,
            schema,
            on_bad,
            pending: !plan.has_header,
            plan,
            groups: Groups::default(),
            record,
            done: false,
            complete: false,
            rows: 0,
            skipped,
        })
    }

    /// What the file is.
    pub const fn layout(&self) -> Layout {
        self.plan.layout
    }

    /// The same rows, if the file is what is needed.
    ///
    /// # Errors
    ///
    /// If `accept` refuses the layout; `expected` says what it should be.
    pub fn only(
        self,
        accept: impl Fn(Layout) -> bool,
        expected: &'static str,
    ) -> Result<Self, DataError> {
        if accept(self.layout()) {
            return Ok(self);
        }
        Err(DataError::Layout {
            path: self.input.path().to_owned(),
            got: self.layout(),
            expected,
        })
    }

    /// The file's name, rows and digest, once the last row has been given.
    pub fn source(&self) -> Option<Source> {
        self.complete.then(|| self.input.source(self.rows))
    }

    /// The rows skipped so far.
    pub const fn skipped(&self) -> &Skipped {
        &self.skipped
    }

    /// Hands all rows to `take`, and gives what it made of them together with what the file came
    /// to. Rows that `take` leaves are read and dropped: the digest is always of the whole file.
    ///
    /// # Errors
    ///
    /// The first error of the rows; what `take` made of those before is dropped.
    pub fn process<T>(
        mut self,
        take: impl FnOnce(&mut dyn Iterator<Item = LabelledRow>) -> T,
    ) -> Result<(T, Summary), DataError> {
        let mut failed = None;
        let taken = take(&mut iter::from_fn(|| {
            self.next()?.map_err(|error| failed = Some(error)).ok()
        }));
        if let Some(error) = failed {
            return Err(error);
        }
        for row in &mut self {
            row?;
        }
        let summary = Summary {
            source: self.input.source(self.rows),
            skipped: self.skipped,
            lacks_hosts: self.plan.lacks_hosts,
        };
        Ok((taken, summary))
    }

    fn advance(&mut self) -> Result<Option<LabelledRow>, DataError> {
        loop {
            if !self.pending && !self.input.next_record(&mut self.record)? {
                if self.rows == 0 {
                    return Err(no_rows(&self.input, &self.skipped));
                }
                self.complete = true;
                return Ok(None);
            }
            self.pending = false;
            match self.plan.row(&self.record, &mut self.groups) {
                Ok(row) => {
                    self.rows += 1;
                    return Ok(Some(self.project(row)));
                }
                Err(bad) => self.skipped.take(located(&self.input, bad), self.on_bad)?,
            }
        }
    }

    fn project(&self, row: LabelledRow) -> LabelledRow {
        if row.features.schema() == self.schema {
            return row;
        }
        LabelledRow {
            features: kdd::to_live(&row.features),
            ..row
        }
    }
}

impl Iterator for Rows {
    type Item = Result<LabelledRow, DataError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.done {
            return None;
        }
        let next = self.advance().transpose();
        self.done = !matches!(next, Some(Ok(_)));
        next
    }
}

impl iter::FusedIterator for Rows {}

impl fmt::Debug for Rows {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Rows")
            .field("path", &self.input.path())
            .field("layout", &self.plan.layout)
            .field("rows", &self.rows)
            .finish_non_exhaustive()
    }
}

impl Skipped {
    fn take(&mut self, error: DataError, on_bad: OnBad) -> Result<(), DataError> {
        if on_bad == OnBad::Stop {
            return Err(error);
        }
        self.count += 1;
        if self.first.len() < REMEMBERED {
            self.first.push(error.to_string());
        }
        Ok(())
    }
}

fn no_rows(input: &Input, skipped: &Skipped) -> DataError {
    DataError::NoRows {
        path: input.path().to_owned(),
        skipped: (skipped.count > 0).then(|| skipped.to_string()),
    }
}

fn located(input: &Input, bad: BadRow) -> DataError {
    let (path, line) = (input.path().to_owned(), input.line());
    match bad {
        BadRow::Width { got, expected } => DataError::Width {
            path,
            line,
            got,
            expected,
        },
        BadRow::Value {
            column,
            problem,
            value,
        } => DataError::Value {
            path,
            line,
            column,
            problem,
            value,
        },
    }
}
