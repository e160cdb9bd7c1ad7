//! Where the connections of a replay go: stdout, and the file of rows.

use std::{
    fs::File,
    io::{self, BufWriter, Write},
    net::IpAddr,
    path::Path,
};

use serde::Serialize;

use super::{Stop, report::Report};
use crate::{
    cli::output::Format,
    decision::protocol_name,
    error::{AppError, ErrorKind},
    export::row,
    replay::Ended,
};

const BUFFER: usize = 64 * 1024;

/// Both of them.
pub(super) struct Writers {
    format: Format,
    stdout: BufWriter<io::Stdout>,
    rows: Option<Rows>,
    /// Connections on stdout so far.
    written: u64,
    /// One of them, put together in one piece.
    line: Vec<u8>,
}

struct Rows {
    file: BufWriter<File>,
    name: String,
}

/// One connection: the fields that DESIGN.md promises, in that order.
#[derive(Serialize)]
struct Line {
    src: IpAddr,
    src_port: u16,
    dst: IpAddr,
    dst_port: u16,
    protocol: String,
    start_ns: u64,
    duration_s: f64,
    src_bytes: u64,
    dst_bytes: u64,
    src_packets: u64,
    dst_packets: u64,
    flag: &'static str,
    service: &'static str,
    class: &'static str,
    confidence: f32,
}

impl From<&Ended> for Line {
    fn from(ended: &Ended) -> Self {
        let connection = &ended.connection;
        Self {
            src: connection.originator.into(),
            src_port: connection.originator_port,
            dst: connection.responder.into(),
            dst_port: connection.responder_port,
            protocol: protocol_name(connection.protocol),
            start_ns: connection.start_ns,
            duration_s: connection.last_ns.saturating_sub(connection.start_ns) as f64 / 1e9,
            src_bytes: connection.src_bytes,
            dst_bytes: connection.dst_bytes,
            src_packets: connection.src_packets,
            dst_packets: connection.dst_packets,
            flag: connection.flag.name(),
            service: connection.service.name(),
            class: ended.class.name(),
            confidence: ended.confidence,
        }
    }
}

impl Writers {
    pub(super) fn new(format: Format, features: Option<&Path>) -> Result<Self, AppError> {
        let rows = features.map(Rows::create).transpose()?;
        Ok(Self {
            format,
            stdout: BufWriter::with_capacity(BUFFER, io::stdout()),
            rows,
            written: 0,
            line: Vec::new(),
        })
    }

    /// One connection is over.
    pub(super) fn connection(&mut self, ended: &Ended) -> Result<(), Stop> {
        if let Some(rows) = &mut self.rows {
            rows.write(ended)?;
        }
        let (before, after): (&[u8], &[u8]) = match (self.format, self.written) {
            (Format::Human, _) => return Ok(()),
            (Format::Jsonl, _) => (b"", b"\n"),
            (Format::Json, 0) => (b"{\"connections\":[\n", b""),
            (Format::Json, _) => (b",\n", b""),
        };
        self.written += 1;
        self.line.clear();
        self.line.extend_from_slice(before);
        serde_json::to_writer(&mut self.line, &Line::from(ended)).map_err(AppError::failure)?;
        self.line.extend_from_slice(after);
        let line = std::mem::take(&mut self.line);
        let printed = self.print(|out| out.write_all(&line));
        // Its memory is used again.
        self.line = line;
        printed
    }

    /// Everything so far is out.
    pub(super) fn flush(&mut self) -> Result<(), Stop> {
        if let Some(rows) = &mut self.rows {
            rows.file.flush().map_err(|e| rows.failed(&e))?;
        }
        self.print(Write::flush)
    }

    /// What it came to.
    pub(super) fn finish(mut self, report: &Report<'_>) -> Result<(), Stop> {
        let summary = report.body();
        let none = self.written == 0;
        let format = self.format;
        self.print(|out| {
            match format {
                Format::Human => return out.write_all(report.human().as_bytes()),
                Format::Jsonl => out.write_all(b"{\"summary\":")?,
                Format::Json if none => out.write_all(b"{\"connections\":[],\"summary\":")?,
                Format::Json => out.write_all(b"\n],\"summary\":")?,
            }
            serde_json::to_writer(&mut *out, &summary)?;
            out.write_all(b"}\n")
        })?;
        self.flush()
    }

    fn print(
        &mut self,
        write: impl FnOnce(&mut BufWriter<io::Stdout>) -> io::Result<()>,
    ) -> Result<(), Stop> {
        write(&mut self.stdout).map_err(|error| match error.kind() {
            // `tidegate … | head` is no failure.
            io::ErrorKind::BrokenPipe => Stop::NobodyReads,
            _ => Stop::Failed(AppError::failure(format_args!(
                "cannot write to stdout: {error}"
            ))),
        })
    }
}

impl Rows {
    fn create(path: &Path) -> Result<Self, AppError> {
        let name = path.display().to_string();
        let file = File::create(path).map_err(|e| AppError::io(ErrorKind::Failure, &name, &e))?;
        let mut file = BufWriter::with_capacity(BUFFER, file);
        row::write_header(&mut file).map_err(|e| AppError::io(ErrorKind::Failure, &name, &e))?;
        Ok(Self { file, name })
    }

    fn write(&mut self, ended: &Ended) -> Result<(), Stop> {
        let connection = &ended.connection;
        row::write(
            &mut self.file,
            connection.last_ns,
            connection.ifindex,
            connection,
            &ended.record.features(),
            ended.class,
            ended.confidence,
        )
        .map_err(|e| self.failed(&e))
    }

    fn failed(&self, error: &io::Error) -> Stop {
        Stop::Failed(AppError::io(ErrorKind::Failure, &self.name, error))
    }
}
