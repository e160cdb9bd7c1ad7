//! The one place that wires source, tracker, classifier, policy and enforcement, in one thread.
//!
//! The thread waits for the kernel's events, the API's commands or the next tick, whichever comes first. It never
//! waits for anything else: no disk, no network, no lock that somebody slow may hold.

mod allowlist;
mod commands;
mod durable;
mod latency;
mod publish;
mod pulse;
mod wake;

use std::{
    os::fd::AsFd as _,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
        mpsc::{Receiver, sync_channel},
    },
    time::Duration,
};

use arc_swap::ArcSwap;
use jiff::Timestamp;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use tidegate_common::{
    control::{Control, Mode},
    event::FlowEvent,
    stats::Stats,
};
use tidegate_models::{Classifier as _, Model};

use self::{latency::Latency, wake::Waker};
use crate::{
    api::explanation_lines,
    config::{Cidr, Config, OnAgentLoss},
    dataplane::{Dataplane, DataplaneError, monotonic_ns},
    decision::{Culprit, Decision, Grounds, Origin},
    detect::{Detector, Judged},
    enforce::{Enforcer, Order},
    engine::{COMMAND_QUEUE, Command, EngineHandle, InterfaceView, Refused, Snapshot},
    export::{Recorder, influx, verdict_log},
    journal::{Journal, Past},
    notify::Pulse,
    policy::{Advice, Lift, Policy, Proposal},
    track::{Observation, TrackerLimits},
};

/// Heartbeat, sweep of the verdicts, timers of the tracker.
const TICK_NS: u64 = 100_000_000;
/// A snapshot is published at least this often, for its counters.
const PUBLISH_NS: u64 = 1_000_000_000;
/// The machine's addresses and routes are looked at again this often.
const REFRESH_NS: u64 = 60_000_000_000;
/// Events handled before commands and the tick get their turn.
const BATCH: usize = 1024;
/// Looks taken meanwhile, at most: events never wait for more of them than this, about a millisecond's worth.
const LOOKS: usize = 1024;

/// The running engine.
pub struct Pipeline {
    dataplane: Dataplane,
    detector: Detector,
    enforcer: Enforcer,
    recorder: Option<Recorder>,
    journal: Option<Journal>,
    /// Changes the journal had lost when this was published last.
    journal_lost: u64,
    /// How the exporter is, which works on its own.
    influx: Option<Arc<influx::Status>>,
    verdict_log: Option<Arc<verdict_log::Trouble>>,
    /// Points the exporter had lost when this was published last.
    influx_lost: u64,
    commands: Receiver<Command>,
    waker: Arc<Waker>,
    published: Arc<ArcSwap<Snapshot>>,
    control: Control,
    mode: Mode,
    started_at: Timestamp,
    interfaces: Vec<InterfaceView>,
    latency: Latency,
    records_lost: u64,
    stats: Stats,
    /// What the latest tick found wrong.
    degraded: Vec<String>,
    /// For the service manager, if there is one.
    pulse: Option<Pulse>,
    /// Something to publish.
    changed: bool,
    published_ns: u64,
    refreshed_ns: u64,
    /// All looks that were due by then have been taken.
    looked_ns: u64,
}

impl Pipeline {
    /// Takes over the verdicts that stand in the kernel, gives the first orders, and opens the queue for commands.
    /// `added` is what earlier agents were told at run time to protect; with the journal comes what they had written
    /// down as in force.
    ///
    /// # Errors
    ///
    /// When the kernel's maps can't be read or written.
    pub fn new(
        mut dataplane: Dataplane,
        model: Arc<Model>,
        recorder: Option<Recorder>,
        journal: Option<(Journal, Past)>,
        added: Vec<Cidr>,
        config: &Config,
    ) -> Result<(Self, EngineHandle), DataplaneError> {
        let now_ns = monotonic_ns();
        let mut policy = Policy::new(config.policy.clone());
        for network in added {
            policy.protected_mut().add(network);
        }
        let monitor = config.mode == Mode::Monitor;
        let mut enforcer = Enforcer::adopt(
            &mut dataplane.tables,
            config.policy.hold_rate,
            monitor,
            now_ns,
        )?;
        let journal = durable::restore(&mut enforcer, &mut dataplane, journal, now_ns)?;
        enforcer.release_protected(&mut dataplane.tables, policy.protected());
        for decision in enforcer.active() {
            policy.adopt(&decision.target, now_ns);
        }
        let timeout = match config.dataplane.on_agent_loss {
            OnAgentLoss::Open => config.dataplane.agent_timeout,
            OnAgentLoss::Closed => Duration::ZERO,
        };
        let allowlist_len = allowlist::synchronise(&mut dataplane.tables, policy.protected())?;
        let control = Control {
            mode: config.mode as u32,
            scopes: enforcer.scopes(),
            heartbeat_ns: now_ns,
            heartbeat_timeout_ns: timeout.as_nanos() as u64,
            new_flow_budget: config.dataplane.new_flows_per_second,
            allowlist_len,
        };
        dataplane.tables.set_control(control)?;
        let attachments = dataplane.attachments.iter();
        let interfaces = attachments
            .map(|attachment| InterfaceView {
                name: attachment.name.clone(),
                index: attachment.index,
                xdp: attachment.xdp,
                egress: attachment.egress,
                events: 0,
            })
            .collect();
        let waker = Arc::new(Waker::new().map_err(|error| DataplaneError::Kernel {
            action: "make an event descriptor".to_owned(),
            reason: error.to_string(),
        })?);
        let (sender, commands) = sync_channel(COMMAND_QUEUE);
        let stats = dataplane.tables.stats()?;
        let limits = TrackerLimits {
            max_connections: config.dataplane.flow_table_size as usize,
        };
        let mut pipeline = Self {
            dataplane,
            detector: Detector::new(model, policy, limits),
            enforcer,
            recorder,
            journal,
            journal_lost: 0,
            influx: None,
            verdict_log: None,
            influx_lost: 0,
            commands,
            waker: Arc::clone(&waker),
            published: Arc::new(ArcSwap::from_pointee(Snapshot::empty(config.mode))),
            control,
            mode: config.mode,
            started_at: Timestamp::now(),
            interfaces,
            latency: Latency::default(),
            records_lost: 0,
            stats,
            degraded: Vec::new(),
            pulse: None,
            changed: true,
            published_ns: 0,
            refreshed_ns: now_ns,
            looked_ns: now_ns,
        };
        pipeline.publish(now_ns);
        let handle = EngineHandle::new(sender, Arc::clone(&pipeline.published), waker);
        Ok((pipeline, handle))
    }

    /// Works until told to stop; gives the kernel side back, still attached.
    #[must_use]
    pub fn run(mut self, stop: &AtomicBool) -> Dataplane {
        self.dataplane.keep();
        let mut next_tick_ns = monotonic_ns();
        while !stop.load(Ordering::Relaxed) {
            let more = self.drain_events();
            while let Ok(command) = self.commands.try_recv() {
                self.obey(command);
            }
            let now_ns = monotonic_ns();
            if now_ns >= next_tick_ns {
                self.tick(now_ns);
                next_tick_ns = now_ns + TICK_NS;
            }
            self.write_down();
            if !more {
                self.wait(next_tick_ns.saturating_sub(now_ns));
            }
        }
        self.write_down_the_last();
        self.dataplane
    }

    fn wait(&self, at_most_ns: u64) {
        let mut fds = [
            PollFd::new(self.dataplane.events.as_fd(), PollFlags::POLLIN),
            PollFd::new(self.waker.as_fd(), PollFlags::POLLIN),
        ];
        // Rounded up, not to spin through the last millisecond.
        let ms = u16::try_from(at_most_ns.div_ceil(1_000_000)).unwrap_or(u16::MAX);
        // An interrupted or failed wait only means that the loop looks around once more.
        let _ = poll(&mut fds, PollTimeout::from(ms));
        self.waker.clear();
    }

    /// Handles what the kernel has sent, and the looks that are due, in the order of time; says whether there may be
    /// more.
    fn drain_events(&mut self) -> bool {
        let began_ns = monotonic_ns();
        let mut looks = LOOKS;
        for _ in 0..BATCH {
            let Some(item) = self.dataplane.events.next() else {
                // What was sent before is known by now.
                self.look(began_ns, &mut looks);
                return looks == 0;
            };
            let event = FlowEvent::from_bytes(&item);
            drop(item);
            if let Some(event) = event {
                self.look(event.now_ns, &mut looks);
                self.judge(&event);
            }
        }
        true
    }

    fn look(&mut self, now_ns: u64, budget: &mut usize) {
        while let Some(judged) = self.detector.look(now_ns, budget) {
            self.conclude(judged);
        }
        if *budget > 0 {
            self.looked_ns = self.looked_ns.max(now_ns);
        }
    }

    fn judge(&mut self, event: &FlowEvent) {
        let judged = self.detector.judge(event);
        if let Some(interface) = self
            .interfaces
            .iter_mut()
            .find(|i| i.index == event.ifindex)
        {
            interface.events += 1;
        }
        self.conclude(judged);
        self.latency
            .add(monotonic_ns().saturating_sub(event.now_ns));
    }

    fn conclude(&mut self, judged: Judged) {
        let Judged {
            observation,
            features,
            prediction,
            advice,
        } = judged;
        let (at_ns, connection) = (observation.at_ns, &observation.connection);
        if let Some(recorder) = &self.recorder
            && !recorder.record(at_ns, connection, features, prediction)
        {
            self.records_lost += 1;
        }
        match advice {
            Some(Advice::Impose(proposal)) => self.act(proposal, &observation),
            Some(Advice::Lift(lift)) => self.lift(&lift),
            None => {}
        }
    }

    fn act(&mut self, mut proposal: Proposal, observation: &Observation) {
        // Events sent before the verdict took hold still arrive.
        if self.enforcer.covering(&proposal.target).is_some() || self.mode == Mode::Bypass {
            return;
        }
        let forgeable = proposal.evidence.is_forgeable();
        if let Err(error) = self.enforcer.check_room(&proposal.target, forgeable) {
            tracing::debug!(target = %proposal.target, %error, "no verdict");
            return;
        }
        let now_ns = monotonic_ns();
        self.detector.policy_mut().lengthen(&mut proposal, now_ns);
        let connection = &observation.connection;
        let model = self.detector.model();
        let features = observation.record.features();
        let explanation = model.explain(&features);
        let mut interfaces = self.interfaces.iter();
        let interface = interfaces.find(|i| i.index == connection.ifindex);
        let grounds = Grounds {
            culprit: Culprit {
                interface: interface.map_or("", |i| i.name.as_str()).into(),
                originator: connection.originator.into(),
                originator_port: connection.originator_port,
                responder: connection.responder.into(),
                responder_port: connection.responder_port,
                protocol: connection.protocol,
            },
            features,
            evidence: proposal.evidence,
            rule: proposal.rule(),
        };
        let order = Order {
            scenario: proposal.scenario(connection).into(),
            target: proposal.target,
            action: proposal.action,
            ttl: proposal.ttl,
            rate: proposal.rate,
            origin: Origin::Model,
            class: Some(proposal.class),
            confidence: proposal.confidence,
            model: model.name().into(),
            path: explanation_lines(&explanation).into(),
            grounds: Some(Arc::new(grounds)),
            first_packet_ns: Some(connection.start_ns),
        };
        match self.impose(order, now_ns) {
            Ok(decision) => tracing::info!(
                id = decision.id,
                class = proposal.class.name(),
                target = %decision.target,
                ttl_s = proposal.ttl.as_secs_f64(),
                confidence = proposal.confidence,
                "verdict"
            ),
            Err(error) => tracing::warn!(target = %proposal.target, %error, "no verdict"),
        }
    }

    fn lift(&mut self, lift: &Lift) {
        let now_ns = monotonic_ns();
        let tables = &mut self.dataplane.tables;
        for decision in self.enforcer.acquit(tables, lift, now_ns) {
            self.changed = true;
            tracing::info!(id = decision.id, target = %decision.target, why = %lift, "verdict lifted");
        }
        self.forgive(now_ns);
        self.set_scopes();
    }

    /// What verdicts that have ended atoned for is not held against anybody again.
    fn forgive(&mut self, now_ns: u64) {
        for target in self.enforcer.released() {
            self.detector.policy_mut().pardon(&target, now_ns);
            // Nor do its columns remember it for ten minutes, if packets were indeed kept back.
            if let (Some(source), Mode::Enforce) = (target.source, self.mode) {
                self.detector.tracker_mut().forget_source(source.into());
            }
        }
    }

    fn impose(&mut self, order: Order, now_ns: u64) -> Result<Arc<Decision>, Refused> {
        let decision = self
            .enforcer
            .impose(&mut self.dataplane.tables, order, now_ns)?;
        self.changed = true;
        self.set_scopes();
        Ok(decision)
    }

    /// Lookups in scopes without verdicts are saved.
    fn set_scopes(&mut self) {
        let scopes = self.enforcer.scopes();
        if scopes != self.control.scopes {
            self.control.scopes = scopes;
            self.write_control();
        }
    }

    /// Says whether the kernel took it.
    fn write_control(&mut self) -> bool {
        let written = self.dataplane.tables.set_control(self.control);
        if let Err(error) = &written {
            tracing::error!(%error, "the kernel takes no orders");
        }
        written.is_ok()
    }

    fn tick(&mut self, now_ns: u64) {
        self.control.heartbeat_ns = now_ns;
        // Nobody is let go before the look that is due to him.
        self.detector.tracker_mut().advance(self.looked_ns);
        self.changed |= self.enforcer.sweep(&mut self.dataplane.tables, now_ns);
        self.forgive(now_ns);
        self.control.scopes = self.enforcer.scopes();
        if now_ns.saturating_sub(self.refreshed_ns) >= REFRESH_NS {
            self.refreshed_ns = now_ns;
            self.detector.policy_mut().protected_mut().refresh();
            let protected = self.detector.policy().protected();
            match allowlist::synchronise(&mut self.dataplane.tables, protected) {
                Ok(len) => self.control.allowlist_len = len,
                Err(error) => tracing::warn!(%error, "the kernel's allowlist is out of date"),
            }
        }
        let obeyed = self.write_control();
        if self.changed || now_ns.saturating_sub(self.published_ns) >= PUBLISH_NS {
            self.publish(now_ns);
        }
        self.beat(now_ns, obeyed);
    }
}
