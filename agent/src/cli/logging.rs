//! The log: lines for people or JSON objects, on stderr.

use tracing_appender::non_blocking::{NonBlockingBuilder, WorkerGuard};
use tracing_subscriber::EnvFilter;

use super::args::{LogArgs, LogFormat, LogLevel};
use crate::error::AppError;

/// Lines that may wait for whoever reads stderr. More are dropped: a log that nobody reads must not make the
/// pipeline wait.
const QUEUE: usize = 8192;

/// Starts to log. Records of the `log` crate come along. Lines still waiting are written when the guard is dropped.
pub(super) fn init(args: &LogArgs) -> Result<WorkerGuard, AppError> {
    let filter = match args.log_level {
        Some(level) => EnvFilter::new(level_name(level)),
        None => match std::env::var("RUST_LOG") {
            Ok(directives) if !directives.is_empty() => EnvFilter::try_new(&directives)
                .map_err(|e| AppError::usage(format_args!("RUST_LOG: {e}")))?,
            _ => EnvFilter::new("info"),
        },
    };
    let (stderr, guard) = NonBlockingBuilder::default()
        .buffered_lines_limit(QUEUE)
        .lossy(true)
        .thread_name("log")
        .finish(std::io::stderr());
    let subscriber = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(stderr)
        .with_ansi(false);
    match args.log_format {
        LogFormat::Human => subscriber.try_init(),
        LogFormat::Json => subscriber.json().flatten_event(true).try_init(),
    }
    .map_err(|e| AppError::failure(format_args!("cannot start the log: {e}")))?;
    Ok(guard)
}

const fn level_name(level: LogLevel) -> &'static str {
    match level {
        LogLevel::Off => "off",
        LogLevel::Error => "error",
        LogLevel::Warn => "warn",
        LogLevel::Info => "info",
        LogLevel::Debug => "debug",
        LogLevel::Trace => "trace",
    }
}
