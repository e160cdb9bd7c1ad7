//! `tidegate run`: starts every part, waits for a signal, and leaves the machine as it was.

use std::{
    os::fd::AsFd as _,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
};

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use signal_hook::{
    consts::{SIGINT, SIGTERM},
    iterator::Signals,
};

use crate::{
    api::{self, Api, Kept, Limits, Models, Server},
    cli::Ready,
    config::{Config, Placement},
    dataplane::{Dataplane, DataplaneError, Options, PinsError},
    error::{AppError, ErrorKind},
    export::{
        Recorder,
        influx::{self, Exporter, Secret},
        verdict_log::{self, VerdictLog},
    },
    journal::{Journal, JournalError, Past, Reader},
    notify::ServiceManager,
    pipeline::Pipeline,
    token::Token,
};

/// Runs until SIGINT or SIGTERM.
///
/// # Errors
///
/// One line that says what to do; nothing is left attached.
pub fn run(config: &Config) -> Result<(), AppError> {
    config.require_interfaces()?;
    let ready = config.once_ready_fd.map(open_ready).transpose()?;
    // What can fail without touching the network comes first.
    let manager = service_manager();
    let models = Models::load(config.model.as_deref())?;
    let live = models
        .live
        .clone()
        .ok_or_else(|| AppError::config("no model for live traffic"))?;
    let kept = Kept::in_directory(&config.state_dir);
    let added = kept.as_ref().map_or(Ok(Vec::new()), Kept::load)?;
    let secret = Secret::load(config.influx.secret_file.as_deref())?;
    let journal = config.journal.path(&config.state_dir);
    if config.influx.url.is_some() && journal.is_none() {
        return Err(AppError::config(
            "what goes to an InfluxDB comes from the journal: name one with --journal",
        ));
    }
    if config.journal.log.is_some() && journal.is_none() {
        return Err(AppError::config(
            "what goes to journal.log comes from the journal: name one with --journal",
        ));
    }
    let listener = api::bind(config.api.listen)?;
    let token = Token::for_server(&config.token_file)?;
    let mut signals = Signals::new([SIGINT, SIGTERM])
        .map_err(|error| AppError::failure(format_args!("can't watch for signals: {error}")))?;

    let mut dataplane = Dataplane::open(&options(config))?;
    let stop = Arc::new(AtomicBool::new(false));
    let kernel_log = kernel_log(&mut dataplane, Arc::clone(&stop))?;
    for attachment in &dataplane.attachments {
        tracing::info!(
            interface = attachment.name,
            xdp = attachment.xdp,
            egress = attachment.egress,
            "attached"
        );
    }
    let recorder = match &config.record {
        Some(path) => {
            let names = dataplane.attachments.iter();
            let names = names.map(|a| (a.index, a.name.clone())).collect();
            Some(Recorder::create(path, names).map_err(AppError::failure)?)
        }
        None => None,
    };
    let journal = match journal {
        Some(path) => open_journal(&path, config)?,
        None => {
            tracing::info!("decisions are not written down: no --journal and no state directory");
            None
        }
    };
    let reader = journal
        .as_ref()
        .map(|(journal, _)| journal.path().to_owned());
    let (mut pipeline, engine) = Pipeline::new(dataplane, live, recorder, journal, added, config)?;
    let exporter = start_exporter(config, reader.as_deref(), secret)?;
    if let Some(exporter) = &exporter {
        pipeline.watch_exporter(Arc::clone(exporter.status()));
    }
    let verdict_log = match (&config.journal.log, reader.as_deref()) {
        (Some(path), Some(journal)) => {
            Some(VerdictLog::start(journal, path).map_err(AppError::config)?)
        }
        (None, Some(journal)) => {
            forget(journal, verdict_log::KIND);
            None
        }
        _ => None,
    };
    if let Some(log) = &verdict_log {
        pipeline.watch_verdict_log(Arc::clone(log.trouble()));
    }
    if let Some(manager) = &manager {
        pipeline.report_to(manager);
    }
    let server = Server::start(
        listener,
        Api::with_dataplane(engine, models, token, kept, reader),
        Limits::default(),
    )?;
    let pipeline = {
        let stop = Arc::clone(&stop);
        let ending = EndSignals(signals.handle());
        spawn("pipeline", move || {
            // Dropped at the thread's end, by panic too: `run` must not go on without a pipeline.
            let _ending = ending;
            pipeline.run(&stop)
        })?
    };
    tracing::info!(api = %server.address(), mode = ?config.mode, "ready");
    if let Some(Err(error)) = ready.map(Ready::notify) {
        // Whoever waited has gone. The network still wants its protection.
        tracing::warn!(%error, "nobody reads the file descriptor that was to be told");
    }
    tell(manager.as_ref(), ServiceManager::ready);

    let signal = signals.forever().next();
    tracing::info!(?signal, "stopping");
    tell(manager.as_ref(), ServiceManager::stopping);
    server.stop();
    stop.store(true, Ordering::Relaxed);
    let ended = pipeline.join();
    let _ = kernel_log.join();
    // After the pipeline, whose last words are for it too.
    drop(exporter);
    drop(verdict_log);
    match ended {
        Ok(dataplane) => dataplane.close().map_err(AppError::from),
        Err(_) => Err(AppError::failure(
            "the pipeline ended by a bug; the programs stay attached and verdicts run out by themselves; `tidegate detach` removes them",
        )),
    }
}

fn open_journal(path: &Path, config: &Config) -> Result<Option<(Journal, Past)>, AppError> {
    match Journal::open(path, &config.journal) {
        Ok(opened) => Ok(Some(opened)),
        // Nobody asked for this very file.
        Err(error @ JournalError::InUse(_)) if config.journal.file.is_none() => {
            tracing::warn!(%error, "decisions are not written down");
            Ok(None)
        }
        Err(error @ JournalError::InUse(_)) => Err(AppError::unavailable(error)),
        Err(error) => Err(AppError::config(error)),
    }
}

/// Where there is a journal to send from; an agent that could not have it does without both.
fn start_exporter(
    config: &Config,
    journal: Option<&Path>,
    secret: Secret,
) -> Result<Option<Exporter>, AppError> {
    let Some(journal) = journal else {
        return Ok(None);
    };
    let Some(url) = &config.influx.url else {
        forget(journal, influx::KIND);
        return Ok(None);
    };
    let exporter = Exporter::start(journal, url, &config.influx, secret);
    exporter.map(Some).map_err(AppError::config)
}

/// An exporter of earlier starts that is configured no more: else all that the journal removes would count as lost to it.
fn forget(journal: &Path, kind: &str) {
    let forgotten = Reader::open(journal).and_then(|reader| reader.forget(kind));
    if let Err(error) = forgotten {
        tracing::debug!(%error, kind, "where an exporter had come to is not forgotten");
    }
}

/// The service manager that started us, if one did.
fn service_manager() -> Option<ServiceManager> {
    ServiceManager::from_environment().unwrap_or_else(|error| {
        tracing::warn!(%error, "the service manager can't be reached");
        None
    })
}

fn tell(
    manager: Option<&ServiceManager>,
    what: impl FnOnce(&ServiceManager) -> std::io::Result<()>,
) {
    if let Some(Err(error)) = manager.map(what) {
        tracing::warn!(%error, "the service manager does not listen");
    }
}

fn open_ready(fd: i32) -> Result<Ready, AppError> {
    Ready::open(fd).map_err(|error| {
        AppError::usage(format_args!(
            "--once-ready-fd {fd} is not open for writing: {error}"
        ))
    })
}

fn options(config: &Config) -> Options {
    Options {
        bpf_root: config.bpf_root.clone(),
        interfaces: config.interfaces.clone(),
        xdp: config.xdp_mode,
        egress: config.placement == Placement::Host,
        flow_table_size: config.dataplane.flow_table_size,
        ring_buffer_bytes: config.dataplane.ring_buffer_bytes,
        log_level: kernel_log_level(),
    }
}

/// The programs' own messages, as far as anybody would see them.
fn kernel_log_level() -> u8 {
    match tracing::level_filters::LevelFilter::current().into_level() {
        None => 0,
        Some(tracing::Level::ERROR) => 1,
        Some(tracing::Level::WARN) => 2,
        Some(tracing::Level::INFO) => 3,
        Some(_) => 4,
    }
}

/// Passes on what the kernel programs log.
fn kernel_log(
    dataplane: &mut Dataplane,
    stop: Arc<AtomicBool>,
) -> Result<JoinHandle<()>, AppError> {
    let logger = dataplane.take_logger();
    spawn("kernel-log", move || {
        let Some(mut logger) = logger else {
            return;
        };
        while !stop.load(Ordering::Relaxed) {
            let mut fds = [PollFd::new(logger.as_fd(), PollFlags::POLLIN)];
            // Twice a second is soon enough to notice the end.
            if poll(&mut fds, PollTimeout::from(500_u16)).is_ok_and(|ready| ready > 0) {
                logger.flush();
            }
        }
    })
}

/// Ends the wait for signals when it is dropped.
struct EndSignals(signal_hook::iterator::Handle);

impl Drop for EndSignals {
    fn drop(&mut self) {
        self.0.close();
    }
}

fn spawn<T: Send + 'static>(
    name: &str,
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<JoinHandle<T>, AppError> {
    thread::Builder::new()
        .name(name.to_owned())
        .spawn(work)
        .map_err(|error| AppError::failure(format_args!("can't start the {name} thread: {error}")))
}

impl From<DataplaneError> for AppError {
    fn from(error: DataplaneError) -> Self {
        let kind = match &error {
            DataplaneError::Permission { .. } => ErrorKind::Permission,
            DataplaneError::Pins(pins) => return pins_error(pins),
            _ => ErrorKind::Unavailable,
        };
        Self::new(kind, error)
    }
}

impl From<PinsError> for AppError {
    fn from(error: PinsError) -> Self {
        pins_error(&error)
    }
}

fn pins_error(error: &PinsError) -> AppError {
    let kind = match error {
        PinsError::Mount { source, .. } | PinsError::Io { source, .. }
            if source.kind() == std::io::ErrorKind::PermissionDenied =>
        {
            ErrorKind::Permission
        }
        PinsError::InUse(_) => ErrorKind::Unavailable,
        _ => ErrorKind::Failure,
    };
    AppError::new(kind, error)
}
