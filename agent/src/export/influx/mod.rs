//! Decisions to an InfluxDB, in a thread of its own.
//!
//! The exporter reads the journal behind a cursor that moves only when the server has stored what came before it, so
//! an outage, of the server or the agent, loses nothing; points overwrite themselves, so what is sent twice is there
//! once. Nothing waits for it.

pub mod point;
mod refused;
mod status;
mod stop;

use std::{
    io,
    path::{Path, PathBuf},
    sync::{
        Arc,
        mpsc::{self, Receiver, Sender},
    },
    time::{Duration, Instant},
};

pub use status::{Health, Status};
pub use tidegate_influx::{Secret, line};

use tidegate_influx::{Access, AccessError, Answer, Api, Backoff, Server, line::Lines};

use self::{
    refused::Refused,
    stop::{Stop, Stopped},
};
use crate::{
    config::{InfluxApi, InfluxConfig},
    journal::{JournalError, Page, Reader, sibling},
};

/// First word of the names of its cursors in the journal.
pub(crate) const KIND: &str = "influx";

/// Points in a request.
const BATCH: usize = 5_000;
/// A smaller batch goes after this.
const EVERY: Duration = Duration::from_secs(1);
/// How long the end of the agent may wait for the last points; the rest go with the next start.
const LAST: Duration = Duration::from_secs(2);
/// Requests spent on finding the points of a batch that the server refuses; then the others go with them.
const SEARCH: u32 = 64;

/// Why there is no exporter.
#[derive(Debug, thiserror::Error)]
pub enum ExporterError {
    /// `https`, and no TLS.
    #[error("influx.url: {0}")]
    Url(AccessError),
    /// Nobody who could say who the server is.
    #[error("influx.ca_file: {0}")]
    Certificates(AccessError),
    /// No thread.
    #[error("can't start a thread: {0}")]
    Thread(#[from] io::Error),
}

/// The running exporter.
#[derive(Debug)]
pub struct Exporter {
    stop: Option<Sender<()>>,
    /// Hung up on when the thread has ended.
    ended: Receiver<()>,
    status: Arc<Status>,
}

impl Exporter {
    /// Starts to send what the journal has, from where the last exporter to the same server and bucket stopped.
    ///
    /// # Errors
    ///
    /// Certificates that can't be read, or no thread. That the server does not answer is no error.
    pub fn start(
        journal: &Path,
        url: &str,
        config: &InfluxConfig,
        secret: Secret,
    ) -> Result<Self, ExporterError> {
        let status = Arc::new(Status::default());
        let refused = config.refused_file.clone();
        let (stop, stopped) = mpsc::channel();
        let mut work = Work {
            server: server(url, config, secret)?,
            journal: journal.to_owned(),
            reader: None,
            cursor: 0,
            name: format!("{KIND} {} {url} {}", config.api.name(), config.bucket),
            host: host(config),
            refused: Refused::at(refused.unwrap_or_else(|| sibling(journal, ".refused"))),
            backoff: Backoff::default(),
            again: false,
            most: BATCH,
            counted: None,
            status: Arc::clone(&status),
            stop: Stop::new(stopped, LAST),
        };
        let (ending, ended) = mpsc::channel();
        let run = move || {
            let Stopped = work.run();
            drop(ending);
        };
        std::thread::Builder::new()
            .name("influx".to_owned())
            .spawn(run)?;
        Ok(Self {
            stop: Some(stop),
            ended,
            status,
        })
    }

    /// How it is doing, for others to keep.
    #[must_use]
    pub const fn status(&self) -> &Arc<Status> {
        &self.status
    }
}

impl Drop for Exporter {
    /// Gives the last points a moment to go. A request that a server sits on is left behind: the thread ends with it.
    fn drop(&mut self) {
        drop(self.stop.take());
        let _ = self.ended.recv_timeout(LAST);
    }
}

fn server(url: &str, config: &InfluxConfig, secret: Secret) -> Result<Server, ExporterError> {
    let access = Access {
        url: url.to_owned(),
        api: match config.api {
            InfluxApi::V1 => Api::V1,
            InfluxApi::V2 => Api::V2,
        },
        database: config.bucket.clone(),
        org: config.org.clone(),
        user: config.user.clone(),
        ca_file: config.ca_file.clone(),
        connect_timeout: config.connect_timeout,
        timeout: config.timeout,
        user_agent: concat!("tidegate/", env!("CARGO_PKG_VERSION")),
    };
    Server::new(access, secret).map_err(|error| match error {
        AccessError::NoTls => ExporterError::Url(error),
        AccessError::Certificates { .. } => ExporterError::Certificates(error),
    })
}

fn host(config: &InfluxConfig) -> String {
    if config.host.is_empty() {
        let name = nix::unistd::gethostname().unwrap_or_default();
        name.to_string_lossy().into_owned()
    } else {
        config.host.clone()
    }
}

/// What the thread has.
struct Work {
    server: Server,
    journal: PathBuf,
    reader: Option<Reader>,
    /// Changes up to here are stored.
    cursor: i64,
    /// Name of the cursor.
    name: String,
    host: String,
    refused: Refused,
    backoff: Backoff,
    /// The request before this one did not succeed.
    again: bool,
    /// Points the server takes in one request, as far as is known.
    most: usize,
    /// When it was counted last how much is still to be sent.
    counted: Option<Instant>,
    status: Arc<Status>,
    stop: Stop,
}

impl Work {
    /// Until it is told to stop, and then all there is, as far as the time goes.
    fn run(&mut self) -> Stopped {
        loop {
            if let Err(stopped) = self.step() {
                return stopped;
            }
        }
    }

    /// Sends one batch, and waits for more unless it was full.
    fn step(&mut self) -> Result<(), Stopped> {
        let page = match self.read() {
            Ok(page) => page,
            Err(error) => return self.pause(error.to_string(), None),
        };
        let Some(last) = page.last else {
            self.succeed();
            return self.stop.idle(EVERY);
        };
        let mut lines = Lines::default();
        for entry in &page.entries {
            point::add(&mut lines, entry, &self.host);
        }
        self.deliver(&lines)?;
        self.succeed();
        self.cursor = last;
        if let Some(reader) = &self.reader
            && let Err(error) = reader.set_cursor(&self.name, last)
        {
            // The points are stored; after a restart they will be sent once more.
            tracing::warn!(%error, "how far the exporter has come can't be noted");
        }
        if page.rows == BATCH {
            return self.stop.wait(Duration::ZERO);
        }
        self.counted = None;
        self.stop.idle(EVERY)
    }

    /// The next batch.
    fn read(&mut self) -> Result<Page, JournalError> {
        let reader = match self.reader.take() {
            Some(reader) => reader,
            None => {
                let reader = Reader::open(&self.journal)?;
                self.cursor = self.cursor.max(reader.cursor(&self.name)?);
                reader
            }
        };
        let page = reader.changed_after(self.cursor, BATCH)?;
        if self.counted.is_none_or(|then| then.elapsed() >= EVERY) {
            self.status.behind(reader.behind(self.cursor)?);
            self.counted = Some(Instant::now());
        }
        self.reader = Some(reader);
        Ok(page)
    }

    /// Returns once every point is stored, or put aside for good.
    fn deliver(&mut self, lines: &Lines) -> Result<(), Stopped> {
        let mut search = SEARCH;
        // The last is the next.
        let mut left = vec![(0, lines.len())];
        while let Some((from, to)) = left.pop() {
            let points = to - from;
            if points > self.most {
                left.extend(halves(from, to));
                continue;
            }
            let body = lines.text(from, to);
            match self.server.write(body) {
                Answer::Stored => {
                    self.succeed();
                    self.status.stored(points);
                }
                Answer::Later(why, wait) => {
                    left.push((from, to));
                    self.pause(why, wait)?;
                }
                Answer::NotUs(why) => {
                    left.push((from, to));
                    self.pause(why, None)?;
                }
                // Once may be a server that crashed.
                Answer::Cut(why) if !self.again => {
                    left.push((from, to));
                    self.pause(why, None)?;
                }
                Answer::TooLarge(_) | Answer::Cut(_) if points > 1 => {
                    self.most = points.div_ceil(2);
                    left.extend(halves(from, to));
                }
                Answer::Refused(_) if points > 1 && search > 0 => {
                    search -= 1;
                    left.extend(halves(from, to));
                }
                Answer::TooLarge(words) | Answer::Cut(words) | Answer::Refused(words) => {
                    self.put_aside(&words, body, points);
                }
            }
        }
        Ok(())
    }

    fn succeed(&mut self) {
        self.again = false;
        self.backoff.reset();
        self.status.succeed();
    }

    fn put_aside(&self, words: &str, body: &str, points: usize) {
        let path = self.refused.path().display();
        match self.refused.add(words, body) {
            Ok(()) => {
                self.status.refused(points);
                tracing::warn!(points, words, file = %path, "the InfluxDB refuses points for good");
            }
            Err(error) => {
                self.status.lost(points);
                tracing::error!(points, words, file = %path, %error, "points that were refused are lost");
            }
        }
    }

    fn pause(&mut self, why: String, wait: Option<Duration>) -> Result<(), Stopped> {
        self.again = true;
        self.status.retry();
        if let Some(reader) = &self.reader
            && let Ok(behind) = reader.behind(self.cursor)
        {
            self.status.behind(behind);
        }
        let wait = self.backoff.next(wait);
        let wait_s = wait.as_secs_f64();
        if self.status.fail(why.clone()) {
            tracing::warn!(why, wait_s, "decisions wait for the InfluxDB");
        } else {
            tracing::debug!(why, wait_s, "decisions wait for the InfluxDB");
        }
        self.stop.wait(wait)
    }
}

/// Both halves, in the order in which they are popped.
const fn halves(from: usize, to: usize) -> [(usize, usize); 2] {
    let middle = from + (to - from) / 2;
    [(middle, to), (from, middle)]
}
