//! The log: lines for people or JSON objects, on stderr.

use std::fmt::Display;

use tracing::{level_filters::LevelFilter, subscriber::set_global_default};
use tracing_appender::non_blocking::{NonBlockingBuilder, WorkerGuard};
use tracing_log::{AsLog as _, LogTracer};
use tracing_subscriber::EnvFilter;

use super::args::{LogArgs, LogFormat, LogLevel};
use crate::error::AppError;

/// Lines that may wait for whoever reads stderr. More are dropped: a log that nobody reads must not make the
/// pipeline wait.
const QUEUE: usize = 8192;

/// Whose records are never shown: it dumps every request, secrets and all.
const DUMPS: &str = "ureq_proto";

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
    let failed = |e: &dyn Display| AppError::failure(format_args!("cannot start the log: {e}"));
    match args.log_format {
        LogFormat::Human => set_global_default(subscriber.finish()),
        LogFormat::Json => set_global_default(subscriber.json().flatten_event(true).finish()),
    }
    .map_err(|e| failed(&e))?;
    LogTracer::builder()
        .ignore_crate(DUMPS)
        .with_max_level(LevelFilter::current().as_log())
        .init()
        .map_err(|e| failed(&e))?;
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
