//! A file's rows to the database.

use std::{
    path::Path,
    sync::mpsc::{Receiver, SyncSender, sync_channel},
    thread,
    time::Duration,
};

use tidegate_influx::{Answer, line::Lines};

use super::{
    BATCH, Database, InfluxError, Record,
    digest::RowDigest,
    point::{Shape, number},
    query::series,
    retry::Retry,
    server::check_name,
};
use crate::{
    FIRST_HOST_COLUMN, MISSING, Schema,
    format::Source,
    train::{DataError, OnBad, Rows, Skipped, input::is_test_file, stream::natural_schema},
};

/// Batches that are ready while one is sent.
const AHEAD: usize = 2;
/// Rows looked at between two signs of life.
const LOOK: u64 = 20_000;

/// The split that rows to fit are of.
pub(super) const TRAIN: &str = "train";
const TEST: &str = "test";

/// How to import a file.
#[derive(Clone, Debug, Default)]
pub struct ImportOptions {
    /// Name of the dataset; the file's, without compression suffix, if absent.
    pub dataset: Option<String>,
    /// `train`, `test`, or what you like; if absent `test` for the published test files and `train` for any other.
    pub split: Option<String>,
    /// What to do about bad rows.
    pub on_bad: OnBad,
}

/// How it goes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Event<'a> {
    /// So many rows were looked at; none is sent before all were.
    Checked(u64),
    /// An import that was interrupted goes on after so many rows.
    Resumed(u64),
    /// The first row is about to be sent.
    Begin,
    /// So many rows are stored.
    Stored {
        /// Those of earlier attempts included.
        rows: u64,
        /// Of so many.
        of: u64,
    },
    /// The server does not take rows now.
    Waiting {
        /// Its words, or what else is wrong.
        why: &'a str,
        /// How long until the next attempt.
        wait: Duration,
    },
}

/// An import that is finished.
#[derive(Clone, Debug, PartialEq)]
pub struct Imported {
    /// The file.
    pub source: Source,
    /// Its rows' tag of that name.
    pub dataset: String,
    /// Likewise.
    pub split: String,
    /// Rows that were sent; the others had been stored before.
    pub sent: u64,
    /// Bad rows that were left out.
    pub skipped: Skipped,
}

/// Writes the rows of any labelled file. It is read twice: no row is sent of a file with a bad one, and an import that
/// was interrupted goes on only if the file is still the same.
///
/// # Errors
///
/// The file's, before anything is sent; the server's, after [`Settings::patience`](super::Settings::patience) where it
/// may pass. What is stored stays.
pub fn import(
    database: &Database,
    path: &Path,
    options: &ImportOptions,
    tell: &mut dyn FnMut(Event<'_>),
) -> Result<Imported, InfluxError> {
    let schema = natural_schema(path)?;
    let survey = Survey::of(path, schema, options.on_bad, tell)?;
    let split = options.split.clone().unwrap_or_else(|| {
        let split = if is_test_file(path) { TEST } else { TRAIN };
        split.to_owned()
    });
    let dataset = options.dataset.clone();
    let dataset = dataset.unwrap_or_else(|| survey.record.source.file.clone());
    check_name("--dataset", &dataset)?;
    check_name("--split", &split)?;
    let mut record = survey.record;
    let done = resume_after(database, &dataset, &split, &record)?;
    if done > 0 {
        tell(Event::Resumed(done));
    }
    let mut sender = Sender {
        database,
        retry: database.retry(),
        most: BATCH,
        tell,
    };
    sender.send(&record.lines(database, &dataset, &split))?;
    let measurement = &database.settings().measurement;
    let shape = Shape::new(measurement, &dataset, &split, schema, survey.lacks_hosts);
    let reader = Reader {
        path,
        schema,
        on_bad: options.on_bad,
        shape,
        skip: done,
    };
    let all = record.source.rows;
    (sender.tell)(Event::Begin);
    let again = send_all(reader, &mut sender, done, all)?;
    if again != record.source {
        return Err(InfluxError::FileChanged(path.display().to_string()));
    }
    let stored: u64 = database
        .count(&dataset, &split)?
        .iter()
        .map(|(_, rows)| rows)
        .sum();
    if stored != all {
        let cleanup = database.cleanup(&dataset, &split);
        return Err(InfluxError::Stored {
            dataset,
            stored,
            rows: all,
            cleanup,
        });
    }
    record.complete = true;
    sender.send(&record.lines(database, &dataset, &split))?;
    Ok(Imported {
        source: record.source,
        dataset,
        split,
        sent: all - done,
        skipped: survey.skipped,
    })
}

/// What a file is, found by reading it.
struct Survey {
    record: Record,
    skipped: Skipped,
    lacks_hosts: bool,
}

impl Survey {
    fn of(
        path: &Path,
        schema: Schema,
        on_bad: OnBad,
        tell: &mut dyn FnMut(Event<'_>),
    ) -> Result<Self, DataError> {
        let mut digest = RowDigest::default();
        let mut present = vec![false; schema.columns().len()];
        let ((), summary) = Rows::open(path, schema, on_bad)?.process(|rows| {
            for row in rows {
                digest.add(&row);
                for (present, value) in present.iter_mut().zip(row.features.values()) {
                    *present |= *value != MISSING;
                }
                if digest.rows().is_multiple_of(LOOK) {
                    tell(Event::Checked(digest.rows()));
                }
            }
        })?;
        if schema == Schema::Live && summary.lacks_hosts {
            present[FIRST_HOST_COLUMN..].fill(false);
        }
        let columns = schema.columns().iter().zip(present);
        let columns = columns.filter(|(_, present)| *present);
        Ok(Self {
            record: Record {
                source: summary.source,
                digest: digest.finish(),
                schema,
                columns: columns.map(|(name, _)| (*name).to_owned()).collect(),
                complete: false,
            },
            skipped: summary.skipped,
            lacks_hosts: summary.lacks_hosts,
        })
    }
}

/// How many rows need not be sent again: those before the last batch that an interrupted import of the same file sent,
/// since batches are sent one after another.
fn resume_after(
    database: &Database,
    dataset: &str,
    split: &str,
    new: &Record,
) -> Result<u64, InfluxError> {
    let Some(old) = Record::read(database, dataset, split)? else {
        return Ok(0);
    };
    let same = old.digest == new.digest && old.source == new.source;
    if same && old.complete {
        return Ok(0);
    }
    let rows = database.rows_of(dataset, split);
    if same {
        let last = format!("SELECT \"duration\" FROM {rows} ORDER BY time DESC LIMIT 1");
        let answer = database.ask(&last)?;
        let found = series(&answer).map_err(|words| database.refused(words))?;
        let last = found.first().and_then(|series| {
            let row = series.rows().first()?;
            number(series.value(row, "time")?.as_i64()?)
        });
        let before = last.map_or(0, |last| (last + 1).saturating_sub(BATCH as u64));
        return Ok(before.min(new.source.rows));
    }
    let stored = database.count(dataset, split)?;
    if stored.is_empty() {
        return Ok(0);
    }
    Err(InfluxError::Taken {
        dataset: dataset.to_owned(),
        stored: stored.iter().map(|(_, rows)| rows).sum(),
        file: old.source.file,
        cleanup: database.cleanup(dataset, split),
    })
}

/// Reads and encodes in a thread of its own while batches are sent, one after another; what the file came to.
fn send_all(
    reader: Reader<'_>,
    sender: &mut Sender<'_>,
    done: u64,
    all: u64,
) -> Result<Source, InfluxError> {
    thread::scope(|scope| {
        let (ready, batches) = sync_channel(AHEAD);
        let reading = scope.spawn(move || reader.read(&ready));
        let sent = sender.send_batches(batches, done, all);
        // A reader that panics is a bug, and its message is on stderr.
        let read = reading
            .join()
            .unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        sent?;
        Ok(read?)
    })
}

struct Reader<'a> {
    path: &'a Path,
    schema: Schema,
    on_bad: OnBad,
    shape: Shape<'a>,
    skip: u64,
}

impl Reader<'_> {
    /// Stops where nobody takes batches any more.
    fn read(self, ready: &SyncSender<Lines>) -> Result<Source, DataError> {
        let rows = Rows::open(self.path, self.schema, self.on_bad)?;
        let ((), summary) = rows.process(|rows| {
            let mut lines = Lines::default();
            for (number, row) in (0..).zip(rows) {
                if number < self.skip {
                    continue;
                }
                self.shape.add(&mut lines, &row, number);
                if lines.len() == BATCH && ready.send(std::mem::take(&mut lines)).is_err() {
                    return;
                }
            }
            if !lines.is_empty() {
                // The sender says why it is gone.
                let _ = ready.send(lines);
            }
        })?;
        Ok(summary.source)
    }
}

struct Sender<'a> {
    database: &'a Database,
    retry: Retry,
    /// Points the server takes in one request, as far as is known.
    most: usize,
    tell: &'a mut dyn FnMut(Event<'_>),
}

impl Sender<'_> {
    fn send_batches(
        &mut self,
        batches: Receiver<Lines>,
        done: u64,
        all: u64,
    ) -> Result<(), InfluxError> {
        let mut rows = done;
        for lines in batches {
            self.send(&lines)?;
            rows += lines.len() as u64;
            (self.tell)(Event::Stored { rows, of: all });
        }
        Ok(())
    }

    /// Returns once every point is stored.
    fn send(&mut self, lines: &Lines) -> Result<(), InfluxError> {
        // The last is the next.
        let mut left = vec![(0, lines.len())];
        while let Some((from, to)) = left.pop() {
            let points = to - from;
            if points > self.most {
                let middle = from + points / 2;
                left.extend([(middle, to), (from, middle)]);
                continue;
            }
            match self.database.write(lines.text(from, to)) {
                Answer::Stored => self.retry.succeed(),
                Answer::Later(why, asked) => {
                    left.push((from, to));
                    let tell = &mut self.tell;
                    let waited = self
                        .retry
                        .wait(asked, |wait| tell(Event::Waiting { why: &why, wait }));
                    if !waited {
                        return Err(self.database.unavailable(why));
                    }
                }
                Answer::TooLarge(_) | Answer::Cut(_) if points > 1 => {
                    self.most = points.div_ceil(2);
                    left.push((from, to));
                }
                Answer::NotUs(words)
                | Answer::TooLarge(words)
                | Answer::Cut(words)
                | Answer::Refused(words) => {
                    return Err(self.database.refused(words));
                }
            }
        }
        Ok(())
    }
}
