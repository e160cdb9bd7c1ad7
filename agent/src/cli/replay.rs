//! `tidegate replay`: captures through the engine.

mod report;
mod status;
mod writers;

use std::{
    fs::File,
    io,
    path::{Path, PathBuf},
    process::ExitCode,
    sync::Arc,
    time::Instant,
};

use tidegate_models::{Classifier as _, Model, Schema};

use self::{report::Report, status::StatusLine, writers::Writers};
use super::output::Format;
use crate::{
    config::{Config, Overrides},
    error::{AppError, ErrorKind},
    replay::Replay,
    source::capture::{Capture, CaptureError},
};

/// Packets between two looks at the clock.
const STEP: usize = 16_384;
/// The name of stdin.
const STDIN: &str = "-";

/// Flags of `replay`.
#[derive(clap::Args, Debug)]
pub(super) struct Args {
    /// Captures (pcap or pcapng; plain, gzip or zstd), read one after another as one stretch of time; - is stdin.
    #[arg(value_name = "FILE", required = true)]
    files: Vec<PathBuf>,
    /// Model file of schema live; the shipped model if not given.
    #[arg(long, value_name = "FILE", env = "TIDEGATE_MODEL")]
    model: Option<PathBuf>,
    /// Write a row for each connection, with KDD's column names (CSV).
    #[arg(long, value_name = "FILE", env = "TIDEGATE_FEATURES")]
    features: Option<PathBuf>,
    /// Configuration file (TOML): its policy decides, its flow table bounds.
    #[arg(long, value_name = "FILE", env = "TIDEGATE_CONFIG")]
    config: Option<PathBuf>,
}

/// Why a replay stops before the end of its captures.
enum Stop {
    /// Nobody reads stdout any more: no failure.
    NobodyReads,
    Failed(AppError),
}

impl From<AppError> for Stop {
    fn from(error: AppError) -> Self {
        Self::Failed(error)
    }
}

pub(super) fn replay(args: &Args, format: Format) -> Result<ExitCode, AppError> {
    let overrides = Overrides {
        model: args.model.clone(),
        ..Overrides::default()
    };
    let config = Config::resolve(args.config.as_deref(), overrides)?;
    let model = live_model(config.model.as_deref())?;
    // A name that is wrong is said before hours have gone into the others.
    args.files.iter().try_for_each(|path| readable(path))?;
    let mut replay = Replay::new(
        Arc::clone(&model),
        &config.policy,
        config.dataplane.flow_table_size,
    );
    let mut writers = Writers::new(format, args.features.as_deref())?;
    let started = Instant::now();
    let mut damaged = Vec::new();
    let mut read = || -> Result<(), Stop> {
        for path in &args.files {
            if let Err(error) = read_file(path, &mut replay, &mut writers)? {
                damaged.push((name(path), error.to_string()));
            }
        }
        replay.finish(&mut |ended| writers.connection(ended))?;
        writers.flush()
    };
    match read() {
        Ok(()) => {}
        Err(Stop::NobodyReads) => return Ok(ExitCode::SUCCESS),
        Err(Stop::Failed(error)) => return Err(error),
    }
    let files: Vec<_> = args.files.iter().map(|path| name(path)).collect();
    let report = Report {
        files: &files,
        damaged: &damaged,
        model: model.name(),
        summary: &replay.summary(),
        elapsed: started.elapsed(),
    };
    match writers.finish(&report) {
        Ok(()) | Err(Stop::NobodyReads) => {}
        Err(Stop::Failed(error)) => return Err(error),
    }
    let [first, rest @ ..] = &damaged[..] else {
        return Ok(ExitCode::SUCCESS);
    };
    let mut message = format!("{}: {}", first.0, first.1);
    for (file, error) in rest {
        message.push_str(&format!("; {file}: {error}"));
    }
    Err(AppError::failure(message))
}

/// Reads one capture to its end or its damage, which is the inner error.
fn read_file(
    path: &Path,
    replay: &mut Replay,
    writers: &mut Writers,
) -> Result<Result<(), CaptureError>, Stop> {
    let capture = if path.as_os_str() == STDIN {
        Capture::read(io::stdin(), None)
    } else {
        Capture::open(path)
    };
    let mut capture = match capture {
        Ok(capture) => capture,
        Err(error) => return Ok(Err(error)),
    };
    let mut status = StatusLine::new(name(path));
    loop {
        for _ in 0..STEP {
            match capture.next() {
                Ok(Some(packet)) => {
                    replay.packet(&packet, &mut |ended| writers.connection(ended))?;
                }
                Ok(None) => return Ok(Ok(())),
                Err(error) => return Ok(Err(error)),
            }
        }
        status.show(STEP as u64, capture.progress());
    }
}

fn live_model(path: Option<&Path>) -> Result<Arc<Model>, AppError> {
    let model = match path {
        Some(path) => Model::load(path),
        None => Model::shipped(Schema::Live),
    };
    let model = model.map_err(AppError::config)?;
    if model.schema() != Schema::Live {
        return Err(AppError::config(format_args!(
            "{} is a model of schema {}; captures need one of schema {}",
            model.name(),
            model.schema(),
            Schema::Live
        )));
    }
    Ok(Arc::new(model))
}

fn readable(path: &Path) -> Result<(), AppError> {
    if path.as_os_str() == STDIN {
        return Ok(());
    }
    let opened = File::open(path).and_then(|file| file.metadata());
    match opened {
        Ok(meta) if meta.is_dir() => Err(AppError::usage(format_args!(
            "{}: a folder, not a capture",
            path.display()
        ))),
        Ok(_) => Ok(()),
        Err(error) => Err(AppError::io(ErrorKind::Usage, path.display(), &error)),
    }
}

fn name(path: &Path) -> String {
    if path.as_os_str() == STDIN {
        return "stdin".to_owned();
    }
    path.display().to_string()
}
