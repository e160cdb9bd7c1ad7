//! `--record`: every judged event as a CSV row, for training.

use std::{
    fs::File,
    io::{self, BufWriter, Write},
    path::{Path, PathBuf},
    sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel},
    thread::JoinHandle,
    time::Duration,
};

use tidegate_models::{Features, Prediction};

use super::row;
use crate::track::Connection;

/// Rows that may wait for the disk; what comes on top is lost, and counted by the caller.
const QUEUE: usize = 65_536;
/// Rows reach the file at least this often.
const FLUSH_EVERY: Duration = Duration::from_millis(500);

/// Why nothing can be recorded.
#[derive(Debug, thiserror::Error)]
#[error("can't record to {path}: {source}")]
pub struct RecorderError {
    path: PathBuf,
    source: io::Error,
}

/// One judged event.
#[derive(Debug)]
struct Row {
    now_ns: u64,
    iface: u32,
    connection: Connection,
    features: Features,
    prediction: Prediction,
}

/// Writes rows to a file in a thread of its own.
#[derive(Debug)]
pub struct Recorder {
    rows: Option<SyncSender<Row>>,
    writer: Option<JoinHandle<()>>,
}

impl Recorder {
    /// Creates the file and writes its header.
    ///
    /// `interfaces` gives names to indices.
    ///
    /// # Errors
    ///
    /// When the file can't be written.
    pub fn create(path: &Path, interfaces: Vec<(u32, String)>) -> Result<Self, RecorderError> {
        let fail = |source| RecorderError {
            path: path.to_owned(),
            source,
        };
        let mut file = BufWriter::new(File::create(path).map_err(fail)?);
        row::write_header(&mut file)
            .and_then(|()| file.flush())
            .map_err(fail)?;
        let (rows, queue) = sync_channel(QUEUE);
        let writer = std::thread::Builder::new()
            .name("recorder".to_owned())
            .spawn(move || write(&queue, file, &interfaces))
            .map_err(fail)?;
        Ok(Self {
            rows: Some(rows),
            writer: Some(writer),
        })
    }

    /// Hands a row over; says whether it was taken. Never waits.
    #[must_use]
    pub fn record(
        &self,
        now_ns: u64,
        connection: &Connection,
        features: Features,
        prediction: Prediction,
    ) -> bool {
        let row = Row {
            now_ns,
            iface: connection.ifindex,
            connection: *connection,
            features,
            prediction,
        };
        self.rows
            .as_ref()
            .is_some_and(|rows| rows.try_send(row).is_ok())
    }
}

impl Drop for Recorder {
    /// Waits for the rows that were taken to be written.
    fn drop(&mut self) {
        drop(self.rows.take());
        if let Some(writer) = self.writer.take() {
            let _ = writer.join();
        }
    }
}

fn write(queue: &Receiver<Row>, mut file: BufWriter<File>, interfaces: &[(u32, String)]) {
    let mut healthy = true;
    loop {
        let result = match queue.recv_timeout(FLUSH_EVERY) {
            Ok(row) => write_row(&mut file, &row, interfaces),
            Err(RecvTimeoutError::Timeout) => file.flush(),
            Err(RecvTimeoutError::Disconnected) => {
                if let Err(error) = file.flush() {
                    tracing::error!(%error, "the recording is incomplete");
                }
                return;
            }
        };
        match result {
            Ok(()) => healthy = true,
            Err(error) if healthy => {
                healthy = false;
                tracing::error!(%error, "rows of the recording are being lost");
            }
            Err(_) => {}
        }
    }
}

fn write_row(out: &mut impl Write, row: &Row, interfaces: &[(u32, String)]) -> io::Result<()> {
    let name = interfaces.iter().find(|(index, _)| *index == row.iface);
    let name = name.map_or("", |(_, name)| name.as_str());
    row::write(
        out,
        row.now_ns,
        name,
        &row.connection,
        &row.features,
        row.prediction.class,
        row.prediction.confidence,
    )
}
