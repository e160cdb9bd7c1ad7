//! Decisions as JSON lines in a file, for whoever follows files: a line whenever one is made, extended or ends.
//!
//! A thread of its own reads the journal behind a cursor, as the exporter to an InfluxDB does: nothing waits for the
//! disk of this file, and what it can't take now is written later. The file is opened anew for each batch, so whoever
//! rotates it just renames it. After a crash of the agent some lines may be there twice; they are the same.

use std::{
    fs::{File, OpenOptions},
    io::{self, Read as _, Seek as _, SeekFrom, Write as _},
    path::{Path, PathBuf},
    sync::{
        Arc,
        mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel},
    },
    thread::JoinHandle,
    time::Duration,
};

use arc_swap::ArcSwapOption;
use jiff::Timestamp;
use serde::Serialize;

use super::influx::point::duration_s;
use crate::{
    api::view::DecisionBody,
    journal::{Entry, JournalError, Reader},
};

/// First word of the names of its cursors in the journal.
pub(crate) const KIND: &str = "log";

/// Lines written at a time.
const BATCH: usize = 1_000;
/// Between two looks at the journal.
const EVERY: Duration = Duration::from_secs(1);
/// After a failure.
const RETRY: Duration = Duration::from_secs(5);

/// Why nothing can be written.
#[derive(Debug, thiserror::Error)]
pub enum VerdictLogError {
    /// The file.
    #[error("can't write verdicts to {path}: {source}")]
    Io {
        /// Its name.
        path: PathBuf,
        /// The system's words.
        source: io::Error,
    },
    /// Where they come from.
    #[error(transparent)]
    Journal(#[from] JournalError),
}

/// Why verdicts are not written now; `None` when all is well.
pub type Trouble = ArcSwapOption<String>;

/// The thread that writes.
#[derive(Debug)]
pub struct VerdictLog {
    stop: Option<SyncSender<()>>,
    thread: Option<JoinHandle<()>>,
    trouble: Arc<Trouble>,
}

impl VerdictLog {
    /// Starts to write what the journal has, from where the last log of that name stopped.
    ///
    /// # Errors
    ///
    /// When the file can't be written at the start, or there is no thread.
    pub fn start(journal: &Path, path: &Path) -> Result<Self, VerdictLogError> {
        let fail = |source| VerdictLogError::Io {
            path: path.to_owned(),
            source,
        };
        open(path).map_err(fail)?;
        let trouble = Arc::new(Trouble::default());
        let work = Work {
            journal: journal.to_owned(),
            path: path.to_owned(),
            cursor: format!("{KIND} {}", path.display()),
            trouble: Arc::clone(&trouble),
        };
        let (stop, stopped) = sync_channel(0);
        let thread = std::thread::Builder::new()
            .name("verdict-log".to_owned())
            .spawn(move || work.run(&stopped))
            .map_err(fail)?;
        Ok(Self {
            stop: Some(stop),
            thread: Some(thread),
            trouble,
        })
    }

    /// What is wrong now, for others to look at.
    #[must_use]
    pub const fn trouble(&self) -> &Arc<Trouble> {
        &self.trouble
    }
}

impl Drop for VerdictLog {
    /// Waits for what the journal has so far.
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// What the thread has.
struct Work {
    journal: PathBuf,
    path: PathBuf,
    /// Name of the cursor.
    cursor: String,
    trouble: Arc<Trouble>,
}

impl Work {
    fn run(&self, stopped: &Receiver<()>) {
        let mut pause = Duration::ZERO;
        loop {
            let ending = stopped.recv_timeout(pause) == Err(RecvTimeoutError::Disconnected);
            pause = match self.follow() {
                Ok(()) => {
                    self.trouble.store(None);
                    EVERY
                }
                Err(error) => {
                    let why = Some(Arc::new(error.to_string()));
                    if self.trouble.swap(why).is_none() {
                        tracing::warn!(%error, "verdicts wait in the journal");
                    }
                    RETRY
                }
            };
            if ending {
                return;
            }
        }
    }

    /// Writes all there is now.
    fn follow(&self) -> Result<(), VerdictLogError> {
        let reader = Reader::open(&self.journal)?;
        let mut cursor = reader.cursor(&self.cursor)?;
        loop {
            let page = reader.changed_after(cursor, BATCH)?;
            let Some(last) = page.last else {
                return Ok(());
            };
            let now = Timestamp::now();
            let lines: String = page.entries.iter().map(|entry| line(entry, now)).collect();
            append(&self.path, lines.as_bytes()).map_err(|source| VerdictLogError::Io {
                path: self.path.clone(),
                source,
            })?;
            reader.set_cursor(&self.cursor, last)?;
            cursor = last;
        }
    }
}

/// One line.
#[derive(Serialize)]
struct Line<'a> {
    /// When it was written.
    logged_at: String,
    /// Time of the decision's point in a time series: its making, or the next free ns; the same in all its lines.
    point_at: String,
    /// Where the packet came in that tipped the balance.
    #[serde(skip_serializing_if = "Option::is_none")]
    iface: Option<&'a str>,
    duration_s: f64,
    #[serde(flatten)]
    decision: DecisionBody,
}

fn line(entry: &Entry, now: Timestamp) -> String {
    let decision = &entry.decision;
    let point_at = Timestamp::from_nanosecond(entry.point_ns.into());
    let line = Line {
        logged_at: now.to_string(),
        point_at: point_at.unwrap_or(decision.created_at).to_string(),
        iface: decision.grounds.as_deref().map(|g| &*g.culprit.interface),
        duration_s: duration_s(decision),
        decision: DecisionBody::new(decision, now),
    };
    // Of text and numbers there is always JSON.
    let mut text = serde_json::to_string(&line).unwrap_or_default();
    text.push('\n');
    text
}

fn open(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.create(true).read(true).append(true).open(path)
}

/// All of the text or nothing: what a full disk took of it is taken back. A line that a crash cut off stays one.
fn append(path: &Path, text: &[u8]) -> io::Result<()> {
    let mut file = open(path)?;
    let before = file.seek(SeekFrom::End(0))?;
    let mut last = *b"\n";
    if before > 0 {
        file.seek(SeekFrom::End(-1))?;
        file.read_exact(&mut last)?;
    }
    let end: &[u8] = if last == *b"\n" { b"" } else { b"\n" };
    let written = file.write_all(end).and_then(|()| file.write_all(text));
    if written.is_err() {
        let _ = file.set_len(before);
    }
    written
}
