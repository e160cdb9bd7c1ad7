//! How the API and the command line talk to the pipeline without ever making it wait.
//!
//! Reading is a pointer load of the latest [`Snapshot`]. A change is a [`Command`] in a bounded queue; when the
//! queue is full the caller is told so, the pipeline is not slowed.

use std::{
    net::IpAddr,
    sync::{
        Arc,
        mpsc::{SyncSender, TrySendError},
    },
    time::Duration,
};

use arc_swap::ArcSwap;
use jiff::Timestamp;
use tidegate_common::{control::Mode, stats::Stats, verdict::Action};
use tidegate_models::{CLASS_COUNT, Class, Model};
use tokio::sync::oneshot;

use crate::{
    config::Cidr,
    decision::{Decision, Target},
    export::influx,
    journal,
    policy::Protection,
};

/// Commands that may wait at a time.
pub const COMMAND_QUEUE: usize = 256;

/// What a person or program asks for.
#[derive(Clone, Debug)]
pub struct NewDecision {
    /// Whose packets.
    pub target: Target,
    /// What happens to them.
    pub action: Action,
    /// For how long.
    pub duration: Duration,
    /// Packets per second let through, for [`Action::RateLimit`].
    pub rate: Option<u32>,
    /// Why, in the asker's words.
    pub reason: String,
}

/// An order to the pipeline, with the place for its answer.
#[derive(Debug)]
pub enum Command {
    /// Put a verdict in force.
    Add(NewDecision, oneshot::Sender<Result<Arc<Decision>, Refused>>),
    /// Take one back; answers whether it was in force.
    Delete(u64, oneshot::Sender<Option<Arc<Decision>>>),
    /// Connections followed.
    Flows(FlowQuery, oneshot::Sender<Vec<FlowView>>),
    /// Never block a network; answers what was added at run time by now.
    Allow(Cidr, oneshot::Sender<Result<Allowed, Refused>>),
    /// Take that back.
    Disallow(Cidr, oneshot::Sender<Result<Allowed, Refused>>),
    /// Judge live traffic by another model.
    SetModel(Arc<Model>, oneshot::Sender<()>),
    /// Enforce, monitor or bypass.
    SetMode(Mode, oneshot::Sender<Result<(), Refused>>),
}

/// Which connections are asked for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct FlowQuery {
    /// At most so many.
    pub limit: usize,
    /// Only those from or to this address.
    pub address: Option<IpAddr>,
    /// Those with the most packets, else the most recently active ones.
    pub by_packets: bool,
}

/// The allowlist was changed.
#[derive(Clone, Debug)]
pub struct Allowed {
    /// All networks added at run time, in order.
    pub added: Vec<Cidr>,
    /// Decisions lifted by the change.
    pub lifted: Vec<Arc<Decision>>,
}

/// Why the pipeline did not do what was asked.
#[derive(Clone, Debug, thiserror::Error)]
pub enum Refused {
    /// The source must never be blocked.
    #[error("{0} is never blocked: {1}")]
    Protected(IpAddr, String),
    /// The verdict table is full.
    #[error("the verdict table is full ({0} verdicts); delete some first")]
    TableFull(u32),
    /// One source has as many verdicts as one may have.
    #[error("{0} has {1} verdicts already, the most one source may have")]
    SourceFull(IpAddr, u32),
    /// The allowlist is full.
    #[error("the allowlist is full ({0} networks); remove some first")]
    AllowlistFull(u32),
    /// Not an entry that can be removed at run time.
    #[error("{0} was not added at run time, so it can't be removed: {1}")]
    NotAdded(Cidr, &'static str),
    /// The kernel refused.
    #[error("the kernel refused: {0}")]
    Kernel(String),
}

/// Why a command did not reach the pipeline.
#[derive(Clone, Copy, Debug, thiserror::Error)]
pub enum Unreachable {
    /// Too many commands wait already.
    #[error("too many requests wait for the dataplane; try again")]
    Busy,
    /// The pipeline has ended.
    #[error("the dataplane has stopped")]
    Stopped,
}

/// One connection, as the API shows it.
#[derive(Clone, Debug)]
pub struct FlowView {
    /// Originator.
    pub src: IpAddr,
    /// Its port; 0 for ICMP.
    pub src_port: u16,
    /// Responder.
    pub dst: IpAddr,
    /// Its port; 0 for ICMP.
    pub dst_port: u16,
    /// IP protocol number.
    pub protocol: u8,
    /// KDD service.
    pub service: &'static str,
    /// KDD flag.
    pub flag: &'static str,
    /// From the first packet to the latest, in seconds.
    pub duration_s: f64,
    /// Since the first packet, in seconds.
    pub age_s: f64,
    /// Since the latest packet known of, in seconds.
    pub idle_s: f64,
    /// Packets each way.
    pub src_packets: u64,
    /// Packets from the responder.
    pub dst_packets: u64,
    /// Payload bytes from the originator.
    pub src_bytes: u64,
    /// Payload bytes from the responder.
    pub dst_bytes: u64,
    /// Latest class, if it was classified.
    pub class: Option<Class>,
    /// Its confidence, 0 to 1.
    pub confidence: f32,
}

/// How the programs are attached to an interface.
#[derive(Clone, Debug)]
pub struct InterfaceView {
    /// Name.
    pub name: String,
    /// Index.
    pub index: u32,
    /// `native` or `generic`.
    pub xdp: &'static str,
    /// Whether egress is watched too (host placement).
    pub egress: bool,
    /// Events it has caused.
    pub events: u64,
}

/// Everything the API shows, as of one moment.
#[derive(Clone, Debug)]
pub struct Snapshot {
    /// When.
    pub at: Timestamp,
    /// When the agent started.
    pub started_at: Timestamp,
    /// Enforce, monitor or bypass.
    pub mode: Mode,
    /// Interfaces watched.
    pub interfaces: Vec<InterfaceView>,
    /// Kernel counters, summed over the CPUs.
    pub stats: Stats,
    /// Decisions in force, in order of their numbers.
    pub active: Vec<Arc<Decision>>,
    /// The latest that ended, oldest first; bounded.
    pub ended: Vec<Arc<Decision>>,
    /// Classifications so far, of events and at looks, by class code.
    pub predictions: [u64; CLASS_COUNT],
    /// Connections followed now.
    pub connections: usize,
    /// Connections forgotten early because the table was full.
    pub connections_evicted: u64,
    /// Hosts forgotten early because their table was full: sources, destinations, pairs.
    pub hosts_evicted: [u64; 3],
    /// Entries dropped early because the 2 s window was full.
    pub window_dropped: u64,
    /// Connections judged again without a packet: a second time, and a last time.
    pub looks: [u64; 2],
    /// Those that were not judged a second time because too many were to be.
    pub looks_missed: u64,
    /// Name of the model that judges.
    pub model: Arc<str>,
    /// From an event's packet to the end of its classification, in ns: how many took less than 2^(i+1) ns.
    pub latency_log2_ns: [u64; 40],
    /// Verdicts that could not be written: table full or refused by the kernel.
    pub verdicts_failed: u64,
    /// Records the recorder could not take.
    pub records_lost: u64,
    /// Who is never blocked, and why.
    pub allowlist: Arc<[(Cidr, Protection)]>,
    /// How the journal is doing; `None` where there is none.
    pub journal: Option<journal::Health>,
    /// How the exporter to an InfluxDB is doing; `None` where there is none.
    pub influx: Option<influx::Health>,
    /// What does not work as it should; empty when all is well.
    pub degraded: Vec<String>,
}

impl Snapshot {
    /// Before anything happened.
    #[must_use]
    pub fn empty(mode: Mode) -> Self {
        Self {
            at: Timestamp::now(),
            started_at: Timestamp::now(),
            mode,
            interfaces: Vec::new(),
            stats: Stats::default(),
            active: Vec::new(),
            ended: Vec::new(),
            predictions: [0; CLASS_COUNT],
            connections: 0,
            connections_evicted: 0,
            hosts_evicted: [0; 3],
            window_dropped: 0,
            looks: [0; 2],
            looks_missed: 0,
            model: "".into(),
            latency_log2_ns: [0; 40],
            verdicts_failed: 0,
            records_lost: 0,
            allowlist: Arc::new([]),
            journal: None,
            influx: None,
            degraded: Vec::new(),
        }
    }
}

/// The API's end of the pipeline.
#[derive(Clone, Debug)]
pub struct EngineHandle {
    commands: SyncSender<Command>,
    snapshot: Arc<ArcSwap<Snapshot>>,
    waker: Arc<dyn Wake>,
}

/// Gets the pipeline to look at its commands.
pub trait Wake: Send + Sync + std::fmt::Debug {
    /// Does so; never blocks.
    fn wake(&self);
}

impl EngineHandle {
    /// Connects to a pipeline.
    #[must_use]
    pub fn new(
        commands: SyncSender<Command>,
        snapshot: Arc<ArcSwap<Snapshot>>,
        waker: Arc<dyn Wake>,
    ) -> Self {
        Self {
            commands,
            snapshot,
            waker,
        }
    }

    /// The latest published state.
    #[must_use]
    pub fn snapshot(&self) -> Arc<Snapshot> {
        self.snapshot.load_full()
    }

    /// Puts a command in the queue and waits for its answer.
    ///
    /// # Errors
    ///
    /// Says so when the queue is full or the pipeline has ended.
    pub async fn ask<T>(
        &self,
        command: impl FnOnce(oneshot::Sender<T>) -> Command,
    ) -> Result<T, Unreachable> {
        let (sender, receiver) = oneshot::channel();
        self.commands
            .try_send(command(sender))
            .map_err(|e| match e {
                TrySendError::Full(_) => Unreachable::Busy,
                TrySendError::Disconnected(_) => Unreachable::Stopped,
            })?;
        self.waker.wake();
        receiver.await.map_err(|_| Unreachable::Stopped)
    }
}
