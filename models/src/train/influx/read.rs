//! Rows from the database, in the order of the file they came from.

use std::{iter, path::PathBuf};

use csv::ByteRecord;

use super::{
    Database, InfluxError, Record,
    digest::RowDigest,
    import::TRAIN,
    point::{LABEL, SCENARIO},
    query::{name, series},
};
use crate::{
    FIRST_HOST_COLUMN, LIVE_COLUMNS, REQUIRED_FEATURES, Schema,
    format::Source,
    train::{
        Attack, DataError, LabelledRow, Layout, Skipped, Summary,
        columns::{Column, Rates},
        input::Input,
        kdd,
        layout::{Groups, Plan},
    },
};

/// What the server puts before the columns asked for.
const BEFORE: [&str; 3] = ["name", "tags", "time"];

/// The rows of one dataset: their schema and number are known, and they begin to come.
pub struct StoredRows {
    dataset: String,
    schema: Schema,
    plan: Plan,
    input: Input,
    header: ByteRecord,
    expected: u64,
    record: Option<Record>,
}

impl StoredRows {
    /// Asks for the rows of split `train`, to be given in `schema`.
    ///
    /// # Errors
    ///
    /// What the server says; no such dataset, an import that was not finished, a column that is missing or of another
    /// type; a recording where [`Schema::Kdd41`] is asked for.
    pub fn open(database: &Database, dataset: &str, schema: Schema) -> Result<Self, InfluxError> {
        let fields = fields(database)?;
        let record = Record::read(database, dataset, TRAIN)?;
        if let Some(record) = record.as_ref().filter(|record| !record.complete) {
            return Err(InfluxError::Unfinished {
                dataset: dataset.to_owned(),
                file: record.source.file.clone(),
            });
        }
        let columns = columns(database, &fields, record.as_ref())?;
        let own = columns.schema;
        if own == Schema::Live && schema == Schema::Kdd41 {
            return Err(DataError::RecordingAsKdd41(PathBuf::from(dataset)).into());
        }
        let counts = database.count(dataset, TRAIN)?;
        let expected = counts.iter().map(|(_, rows)| rows).sum();
        if expected == 0 {
            return Err(InfluxError::NoRows {
                measurement: database.settings().measurement.clone(),
                dataset: dataset.to_owned(),
                split: TRAIN.to_owned(),
            });
        }
        let labels = counts.iter().map(|(label, _)| label.as_str());
        let asked = columns.asked(labels);
        let select = asked.iter().map(|(stored, called)| {
            if stored == called {
                name(stored)
            } else {
                format!("{} AS {}", name(stored), name(called))
            }
        });
        let select: Vec<_> = select.collect();
        let query = format!(
            "SELECT {} FROM {} ORDER BY time",
            select.join(", "),
            database.rows_of(dataset, TRAIN)
        );
        let mut input = Input::new(&PathBuf::from(dataset), Box::new(database.stream(&query)?));
        let mut header = ByteRecord::new();
        input.next_record(&mut header)?;
        let names = BEFORE
            .iter()
            .copied()
            .chain(asked.iter().map(|(_, called)| *called));
        if !header.iter().eq(names.map(str::as_bytes)) {
            let line = header.iter().map(String::from_utf8_lossy);
            let line = line.collect::<Vec<_>>().join(",");
            return Err(database.not_understood(format!("a table with the header {line}")));
        }
        let plan = Plan::of_stored(&header).map_err(|problem| database.not_understood(problem))?;
        Ok(Self {
            dataset: dataset.to_owned(),
            schema,
            plan,
            input,
            header,
            expected,
            record,
        })
    }

    /// What they are.
    pub const fn layout(&self) -> Layout {
        self.plan.layout
    }

    /// The same rows, if they are what is needed; see [`Rows::only`](crate::train::Rows::only).
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
            path: PathBuf::from(self.dataset),
            got: self.plan.layout,
            expected,
        })
    }

    /// Hands all rows to `take`, and gives what it made of them together with what they came to: the file they were
    /// imported from, if that is noted, else the dataset with a digest of its rows.
    ///
    /// # Errors
    ///
    /// A row that can't be one, an answer that breaks off, more or fewer rows than were counted, or others than were
    /// imported; what `take` made is dropped then.
    pub fn process<T>(
        mut self,
        take: impl FnOnce(&mut dyn Iterator<Item = LabelledRow>) -> T,
    ) -> Result<(T, Summary), InfluxError> {
        let mut failed = None;
        let mut state = State::default();
        let mut next = || {
            if failed.is_some() {
                return None;
            }
            self.next(&mut state)
                .map_err(|error| failed = Some(error))
                .ok()?
        };
        let taken = take(&mut iter::from_fn(&mut next));
        while next().is_some() {}
        if let Some(error) = failed {
            return Err(error);
        }
        let rows = state.digest.rows();
        if rows != self.expected {
            return Err(InfluxError::Count {
                dataset: self.dataset,
                expected: self.expected,
                got: rows,
            });
        }
        let digest = state.digest.finish();
        let source = match self.record {
            None => Source {
                file: self.dataset,
                rows,
                sha256: digest,
            },
            Some(record) if record.source.rows == rows && record.digest == digest => record.source,
            Some(record) => {
                return Err(InfluxError::Changed {
                    dataset: self.dataset,
                    file: record.source.file,
                });
            }
        };
        let summary = Summary {
            source,
            skipped: Skipped::default(),
            lacks_hosts: self.plan.lacks_hosts,
        };
        Ok((taken, summary))
    }

    fn next(&mut self, state: &mut State) -> Result<Option<LabelledRow>, InfluxError> {
        loop {
            let more = self.input.next_record(&mut state.line);
            if !more.map_err(|error| self.broken(state, error.to_string()))? {
                return Ok(None);
            }
            // A server may repeat it with every part of the answer.
            if state.line != self.header {
                break;
            }
        }
        if state.line.len() == 1 {
            // What 1.x writes in place of a row: "error", and then why.
            let words = String::from_utf8_lossy(&state.line[0]).into_owned();
            return Err(self.broken(state, words));
        }
        let bad = |problem: String| InfluxError::Row {
            dataset: self.dataset.clone(),
            row: state.digest.rows() + 1,
            time: String::from_utf8_lossy(state.line.get(2).unwrap_or_default()).into_owned(),
            problem,
        };
        let row = self.plan.row(&state.line, &mut state.groups);
        let row = row.map_err(|row| bad(row.to_string()))?;
        let time = state
            .line
            .get(2)
            .and_then(|time| str::from_utf8(time).ok()?.parse().ok());
        let time: i64 = time.ok_or_else(|| bad("not a time".to_owned()))?;
        if state.time.is_some_and(|before| before > time) {
            return Err(bad("older than the row before".to_owned()));
        }
        state.time = Some(time);
        state.digest.add(&row);
        if row.features.schema() == self.schema {
            return Ok(Some(row));
        }
        Ok(Some(LabelledRow {
            features: kdd::to_live(&row.features),
            ..row
        }))
    }

    fn broken(&self, state: &State, why: String) -> InfluxError {
        InfluxError::Broken {
            dataset: self.dataset.clone(),
            expected: self.expected,
            got: state.digest.rows(),
            why,
        }
    }
}

/// What is known after the rows so far.
#[derive(Default)]
struct State {
    line: ByteRecord,
    groups: Groups,
    digest: RowDigest,
    time: Option<i64>,
}

/// The columns to read.
struct Columns {
    schema: Schema,
    names: Vec<&'static str>,
}

impl Columns {
    /// Names as stored, and as a table or a recording calls them.
    fn asked<'a>(
        &self,
        mut labels: impl Iterator<Item = &'a str>,
    ) -> Vec<(&'static str, &'static str)> {
        let mut asked: Vec<_> = self.names.iter().map(|name| (*name, *name)).collect();
        match self.schema {
            Schema::Live => asked.extend([(LABEL, LABEL), (SCENARIO, SCENARIO)]),
            Schema::Kdd41 if labels.all(|label| Attack::from_name(label).is_some()) => {
                asked.push((LABEL, "target"));
            }
            Schema::Kdd41 => asked.push((LABEL, "Attack Type")),
        }
        asked
    }
}

type Fields = Vec<(String, String)>;

/// Names and types of the measurement's fields.
fn fields(database: &Database) -> Result<Fields, InfluxError> {
    let settings = database.settings();
    let query = format!("SHOW FIELD KEYS FROM {}", name(&settings.measurement));
    let answer = database.ask(&query)?;
    let found = series(&answer).map_err(|words| database.refused(words))?;
    let Some(series) = found.first() else {
        return Err(InfluxError::NoMeasurement {
            database: settings.access.database.clone(),
            measurement: settings.measurement.clone(),
        });
    };
    let word = |row, column| Some(series.value(row, column)?.as_str()?.to_owned());
    let fields = series
        .rows()
        .iter()
        .filter_map(|row| Some((word(row, "fieldKey")?, word(row, "fieldType")?)));
    Ok(fields.collect())
}

/// Those the note names, or all that are columns; checks that none is missing and each can be what it should.
fn columns(
    database: &Database,
    fields: &Fields,
    record: Option<&Record>,
) -> Result<Columns, InfluxError> {
    let measurement = || database.settings().measurement.clone();
    let kind = |column: &str| fields.iter().find(|(name, _)| name == column);
    let schema = match record {
        Some(record) => record.schema,
        None if kind(LIVE_COLUMNS[FIRST_HOST_COLUMN - 1]).is_some() => Schema::Live,
        None => Schema::Kdd41,
    };
    let noted = |column: &&str| match record {
        Some(record) => record.columns.iter().any(|noted| noted == column),
        None => kind(column).is_some(),
    };
    let all = schema.columns();
    let lacks_hosts = schema == Schema::Live && !all[FIRST_HOST_COLUMN..].iter().any(noted);
    let needed: &[&'static str] = match schema {
        Schema::Live if lacks_hosts => &all[..FIRST_HOST_COLUMN],
        Schema::Live => all,
        Schema::Kdd41 => &REQUIRED_FEATURES,
    };
    let names: Vec<_> = all
        .iter()
        .copied()
        .filter(|column| needed.contains(column) || noted(column))
        .collect();
    for column in &names {
        let Some((_, kind)) = kind(column) else {
            return Err(InfluxError::NoColumn {
                measurement: measurement(),
                column,
            });
        };
        let (fits, expected) = match Column::new(column, Rates::Fractions) {
            Column::Protocol | Column::Service | Column::Flag => (kind == "string", "string"),
            Column::Number => (
                kind == "integer" || kind == "unsigned" || kind == "float",
                "integer",
            ),
            Column::Fraction | Column::Percent => (kind == "float" || kind == "integer", "float"),
        };
        if !fits {
            return Err(InfluxError::ColumnType {
                measurement: measurement(),
                column,
                kind: kind.clone(),
                expected,
            });
        }
    }
    Ok(Columns { schema, names })
}
