//! The journal: every decision with its life and its reasons, in an SQLite file.
//!
//! A thread of its own writes; the pipeline only puts changes in a bounded queue. What does not fit is lost, and
//! counted. While the disk refuses, changes wait in the queue and the agent is degraded, not stopped. Whoever reads
//! ([`Reader`]) has a connection of its own: SQLite's write-ahead log lets readers and the writer work side by side.

mod explanation;
mod reader;
mod row;
mod schema;
mod status;
mod writer;

use std::{
    fs::{self, File, OpenOptions},
    io,
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
    sync::{
        Arc,
        mpsc::{SyncSender, sync_channel},
    },
    thread::JoinHandle,
};

use nix::fcntl::{Flock, FlockArg};

pub use reader::{Entry, Page, Reader};
pub use schema::VERSION;
pub use status::{Health, Status};

use self::writer::{Record, Writer};
use crate::{
    config::JournalConfig,
    decision::{Change, Decision},
};

/// Changes that may wait for the disk: as many as there can be verdicts, twice.
const QUEUE: usize = 32_768;

/// Why there is no journal, or nothing in it can be read.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// The file system.
    #[error("can't {action} {path}: {source}")]
    Io {
        /// What was tried.
        action: &'static str,
        /// On what.
        path: PathBuf,
        /// Its words.
        source: io::Error,
    },
    /// SQLite.
    #[error("the journal {path}: {source}")]
    Sqlite {
        /// The file.
        path: PathBuf,
        /// Its words.
        source: rusqlite::Error,
    },
    /// Another agent writes it.
    #[error("the journal {0} is in use by another agent; name another file with --journal")]
    InUse(PathBuf),
    /// Made by a later version.
    #[error(
        "the journal {path} is of version {version}, this agent knows up to {VERSION}: update the agent or move the file away"
    )]
    Newer {
        /// The file.
        path: PathBuf,
        /// Its version.
        version: i64,
    },
}

/// What earlier agents left.
#[derive(Debug, Default)]
pub struct Past {
    /// Decisions in force, as far as is written.
    pub active: Vec<Decision>,
    /// The highest number a decision had.
    pub last_id: u64,
}

/// The pipeline's end of the journal.
#[derive(Debug)]
pub struct Journal {
    records: Option<SyncSender<Record>>,
    status: Arc<Status>,
    writer: Option<JoinHandle<()>>,
    path: PathBuf,
    _lock: Flock<File>,
}

impl Journal {
    /// Opens the file, made if need be, and starts to write; gives what is in force by it.
    ///
    /// A file that can't be used for the moment (read-only, disk full, damaged) is no error: [`Journal::status`] says
    /// so, and it is tried again.
    ///
    /// # Errors
    ///
    /// A folder that is not there, or another agent that has the file.
    pub fn open(path: &Path, config: &JournalConfig) -> Result<(Self, Past), JournalError> {
        let lock = lock(path)?;
        let status = Arc::new(Status::default());
        let mut writer = Writer::new(path, config, Arc::clone(&status));
        let past = match writer.open().and_then(|()| Reader::open(path)?.past()) {
            Ok(past) => past,
            Err(error) => {
                tracing::error!(%error, "decisions can't be written down for now");
                status.fail(&error);
                status.fall_behind();
                Past::default()
            }
        };
        let (records, queue) = sync_channel(QUEUE);
        let thread = std::thread::Builder::new()
            .name("journal".to_owned())
            .spawn(move || writer.run(&queue))
            .map_err(|source| JournalError::Io {
                action: "start the thread that writes",
                path: path.to_owned(),
                source,
            })?;
        let journal = Self {
            records: Some(records),
            status,
            writer: Some(thread),
            path: path.to_owned(),
            _lock: lock,
        };
        Ok((journal, past))
    }

    /// Hands a change over; says whether it was taken. Never waits.
    pub fn record(&self, change: Change) -> bool {
        let taken = self.send(Record::Change(change));
        if !taken {
            self.status.lose(1);
        }
        taken
    }

    /// Whether something was lost, so that the journal should be told what is in force; see
    /// [`Journal::synchronise`].
    #[must_use]
    pub fn is_behind(&self) -> bool {
        self.status.is_behind()
    }

    /// Tells all that is in force; whatever else the journal has as active ended unseen.
    pub fn synchronise(&self, active: Vec<Arc<Decision>>) {
        // First, lest a loss of the same moment be forgotten.
        self.status.catch_up();
        if !self.send(Record::Active(active)) {
            self.status.fall_behind();
        }
    }

    /// How it is doing, for others to keep.
    #[must_use]
    pub const fn status(&self) -> &Arc<Status> {
        &self.status
    }

    /// The file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    fn send(&self, record: Record) -> bool {
        // Before the writer can have written it.
        self.status.take_in();
        let taken = self
            .records
            .as_ref()
            .is_some_and(|records| records.try_send(record).is_ok());
        if !taken {
            self.status.hand_back();
        }
        taken
    }
}

impl Drop for Journal {
    /// Waits for what was taken to be written, if the disk takes it at all.
    fn drop(&mut self) {
        self.status.close();
        drop(self.records.take());
        if let Some(writer) = self.writer.take() {
            let _ = writer.join();
        }
    }
}

/// One agent writes a journal; the lock goes with its process, however it ends.
fn lock(path: &Path) -> Result<Flock<File>, JournalError> {
    let name = sibling(path, ".lock");
    let fail = |source| JournalError::Io {
        action: "make",
        path: name.clone(),
        source,
    };
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(false).mode(0o600);
    let file = match options.open(&name) {
        // On a file system that takes no new files, the folder itself is locked.
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            let folder = path
                .parent()
                .filter(|folder| !folder.as_os_str().is_empty());
            File::open(folder.unwrap_or(Path::new("."))).map_err(fail)?
        }
        other => other.map_err(fail)?,
    };
    Flock::lock(file, FlockArg::LockExclusiveNonblock)
        .map_err(|_| JournalError::InUse(path.to_owned()))
}

/// A file beside the journal, with its name and a suffix.
pub(crate) fn sibling(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

/// Makes the file if need be, readable by its owner only; SQLite gives the files beside it the same rights.
fn make_private(path: &Path) -> io::Result<()> {
    let mut options = OpenOptions::new();
    match options.write(true).create_new(true).mode(0o600).open(path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => fs::metadata(path).map(drop),
        made => made.map(drop),
    }
}
