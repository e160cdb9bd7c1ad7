//! Decisions to an InfluxDB, in a thread of its own.
//!
//! The exporter reads the journal behind a cursor that moves only when the server has stored what came before it, so
//! an outage, of the server or the agent, loses nothing; points overwrite themselves, so what is sent twice is there
//! once. Nothing waits for it.

pub mod point;
mod refused;
mod status;
mod transport;

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    thread::JoinHandle,
    time::{Duration, Instant},
};

use tokio::{sync::oneshot, time};

pub use status::{Health, Status};
pub use tidegate_influx::{Answer, Secret, line};
pub use transport::TransportError;

use tidegate_influx::{Backoff, line::Lines};

use self::{refused::Refused, transport::Transport};
use crate::{
    config::InfluxConfig,
    journal::{JournalError, Reader, sibling},
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

/// The running exporter.
#[derive(Debug)]
pub struct Exporter {
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
    status: Arc<Status>,
}

impl Exporter {
    /// Starts to send what the journal has, from where the last exporter to the same server and bucket stopped.
    ///
    /// # Errors
    ///
    /// A URL or an HTTP client that can't be, or no thread. That the server does not answer is no error.
    pub fn start(
        journal: &Path,
        url: &str,
        config: &InfluxConfig,
        secret: Secret,
    ) -> Result<Self, TransportError> {
        let failed = |error: std::io::Error| TransportError::Client(error.to_string());
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(failed)?;
        let status = Arc::new(Status::default());
        let refused = config.refused_file.clone();
        let mut work = Work {
            transport: Transport::new(url, config, secret)?,
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
        };
        let (stop, stopped) = oneshot::channel();
        let run = move || {
            runtime.block_on(async {
                tokio::select! {
                    _ = stopped => {}
                    () = work.forever() => {}
                }
                let _ = time::timeout(LAST, work.rest()).await;
            });
            // A name that is still being looked up is not waited for.
            runtime.shutdown_background();
        };
        let thread = std::thread::Builder::new()
            .name("influx".to_owned())
            .spawn(run)
            .map_err(failed)?;
        Ok(Self {
            stop: Some(stop),
            thread: Some(thread),
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
    /// Gives the last points a moment to go.
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
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
    transport: Transport,
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
}

impl Work {
    async fn forever(&mut self) {
        loop {
            match self.step().await {
                Ok(true) => {}
                Ok(false) => time::sleep(EVERY).await,
                Err(error) => self.pause(error.to_string(), None).await,
            }
        }
    }

    /// All there is now.
    async fn rest(&mut self) {
        while matches!(self.step().await, Ok(true)) {}
    }

    /// Sends one batch; says whether there may be more.
    async fn step(&mut self) -> Result<bool, JournalError> {
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
        let Some(last) = page.last else {
            self.succeed();
            return Ok(false);
        };
        let mut lines = Lines::default();
        for entry in &page.entries {
            point::add(&mut lines, entry, &self.host);
        }
        self.deliver(&lines).await;
        self.succeed();
        self.cursor = last;
        if let Some(reader) = &self.reader
            && let Err(error) = reader.set_cursor(&self.name, last)
        {
            // The points are stored; after a restart they will be sent once more.
            tracing::warn!(%error, "how far the exporter has come can't be noted");
        }
        if page.rows < BATCH {
            self.counted = None;
        }
        Ok(page.rows == BATCH)
    }

    /// Returns once every point is stored, or put aside for good.
    async fn deliver(&mut self, lines: &Lines) {
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
            match self.transport.send(body.to_owned(), self.again).await {
                Answer::Stored => {
                    self.succeed();
                    self.status.stored(points);
                }
                Answer::Later(why, wait) => {
                    left.push((from, to));
                    self.pause(why, wait).await;
                }
                Answer::NotUs(why) => {
                    left.push((from, to));
                    self.pause(why, None).await;
                }
                Answer::TooLarge(_) if points > 1 => {
                    self.most = points.div_ceil(2);
                    left.extend(halves(from, to));
                }
                Answer::Refused(_) if points > 1 && search > 0 => {
                    search -= 1;
                    left.extend(halves(from, to));
                }
                Answer::TooLarge(words) | Answer::Refused(words) => {
                    self.put_aside(&words, body, points);
                }
            }
        }
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

    async fn pause(&mut self, why: String, wait: Option<Duration>) {
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
        time::sleep(wait).await;
    }
}

/// Both halves, in the order in which they are popped.
const fn halves(from: usize, to: usize) -> [(usize, usize); 2] {
    let middle = from + (to - from) / 2;
    [(middle, to), (from, middle)]
}
