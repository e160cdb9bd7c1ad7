//! From what the classifier says about events to what is done about their sources.

mod generations;
mod protected;

use std::{net::IpAddr, time::Duration};

pub use generations::Generations;
pub use protected::Protected;
use tidegate_common::{
    event::Milestone,
    verdict::{Action, Scope},
};
use tidegate_models::{Class, Prediction};

use crate::{
    config::PolicyConfig,
    decision::Target,
    track::{Connection, Observation},
};

/// Pairs of source and destination whose latest predictions are remembered.
const EVIDENCE: usize = 65_536;
/// Sources whose earlier verdicts are remembered.
const OFFENDERS: usize = 65_536;
/// Evidence that anybody could forge blocks no longer than this at first.
const SPOOFABLE_TTL: Duration = Duration::from_secs(60);

/// What the policy wants done.
#[derive(Clone, Debug, PartialEq)]
pub struct Proposal {
    /// Whose packets.
    pub target: Target,
    /// What happens to them.
    pub action: Action,
    /// For how long after the last of them.
    pub ttl: Duration,
    /// What the classifier saw.
    pub class: Class,
    /// How sure it was, 0 to 1.
    pub confidence: f32,
}

impl Proposal {
    /// One line on why, where `connection` is what led to it.
    #[must_use]
    pub fn scenario(&self, connection: &Connection) -> String {
        let Target {
            source,
            destination,
            ..
        } = self.target;
        let (class, service) = (self.class, connection.service.name());
        match destination {
            Some(destination) => format!("{class} ({service}) by {source} on {destination}"),
            None => format!("{class} ({service}) by {source}"),
        }
    }
}

/// The latest predictions on one pair of hosts, four bits each, the latest lowest. 0 stands for normal, for an
/// attack of too little confidence, and for nothing yet.
type History = u64;

/// What is remembered of two hosts.
#[derive(Clone, Copy, Debug, Default)]
struct Evidence {
    history: History,
    /// The latest event that counted.
    latest_ns: u64,
}

/// What is remembered of a source that was blocked.
#[derive(Clone, Copy, Debug, Default)]
struct Offender {
    times: u32,
    until_ns: u64,
    /// Evidence from before this moment was atoned for by a verdict that has ended.
    pardoned_ns: u64,
}

/// Turns predictions into proposals.
#[derive(Debug)]
pub struct Policy {
    config: PolicyConfig,
    protected: Protected,
    evidence: Generations<(IpAddr, IpAddr), Evidence>,
    offenders: Generations<IpAddr, Offender>,
}

impl Policy {
    /// A policy without memories.
    #[must_use]
    pub fn new(config: PolicyConfig) -> Self {
        let protected = Protected::new(config.allowlist.clone());
        Self::protecting(config, protected)
    }

    /// A policy without memories that spares whom it is told to spare.
    #[must_use]
    pub fn protecting(config: PolicyConfig, protected: Protected) -> Self {
        Self {
            protected,
            config,
            evidence: Generations::new(EVIDENCE),
            offenders: Generations::new(OFFENDERS),
        }
    }

    /// Who is never blocked.
    #[must_use]
    pub const fn protected(&self) -> &Protected {
        &self.protected
    }

    /// Who is never blocked, to be brought up to date.
    pub const fn protected_mut(&mut self) -> &mut Protected {
        &mut self.protected
    }

    /// Weighs one prediction about a connection.
    ///
    /// Proposes a verdict when it is an attack, confident enough, and enough of the latest predictions on the same
    /// two hosts say so too. Only events that the originator's packets caused count: its answers are no new evidence.
    pub fn weigh(
        &mut self,
        observation: &Observation,
        prediction: &Prediction,
    ) -> Option<Proposal> {
        if !observation.from_originator {
            return None;
        }
        let connection = &observation.connection;
        let source = IpAddr::from(connection.originator);
        let destination = IpAddr::from(connection.responder);
        let class = prediction.class;
        let counts = class != Class::Normal && prediction.confidence >= self.config.confidence;
        let vote = if counts { class.index() as u64 } else { 0 };
        let pardoned_ns = self
            .offenders
            .get(&source)
            .map_or(0, |offender| offender.pardoned_ns);
        let evidence = self.evidence.entry((source, destination));
        if evidence.latest_ns < pardoned_ns {
            evidence.history = 0;
        }
        evidence.latest_ns = evidence.latest_ns.max(observation.at_ns);
        let history = &mut evidence.history;
        for _ in 0..votes(observation) {
            *history = *history << 4 | vote;
        }
        if vote == 0 {
            return None;
        }
        let agreeing = (0..self.config.of_events.min(16))
            .filter(|event| *history >> (4 * event) & 0xf == vote)
            .count();
        if agreeing < self.config.agreeing_events as usize
            || self.protected.reason(source).is_some()
        {
            return None;
        }
        // A completed handshake shows that the originator receives what is sent to its address.
        let forgeable = !connection.established;
        let scope = scope(class, forgeable);
        Some(Proposal {
            target: target(scope, connection, source, destination),
            action: Action::Drop,
            ttl: self.ttl(class, forgeable)?,
            class,
            confidence: prediction.confidence,
        })
    }

    /// Time for which a source is blocked that was blocked before: twice as long each time, up to the cap.
    ///
    /// To be called when a proposal became a new verdict.
    pub fn lengthen(&mut self, proposal: &mut Proposal, now_ns: u64) {
        let cap = self.config.max_ttl.max(proposal.ttl);
        let offender = self.offenders.entry(proposal.target.source);
        if now_ns > offender.until_ns {
            offender.times = 0;
        }
        let factor = 1_u32 << offender.times.min(30);
        proposal.ttl = proposal.ttl.saturating_mul(factor).min(cap);
        offender.times += 1;
        // Good conduct for as long as the cap makes a first offender again.
        let memory = proposal.ttl + self.config.max_ttl;
        offender.until_ns = now_ns.saturating_add(memory.as_nanos() as u64);
    }

    /// A verdict on the source has ended: what it did until now is not held against it again. Otherwise the first
    /// doubtful packet after a verdict would make the next one.
    pub fn pardon(&mut self, source: IpAddr, now_ns: u64) {
        self.offenders.entry(source).pardoned_ns = now_ns;
    }

    fn ttl(&self, class: Class, forgeable: bool) -> Option<Duration> {
        let ttl = self.config.ttl(class)?;
        Some(if forgeable {
            ttl.min(SPOOFABLE_TTL)
        } else {
            ttl
        })
    }
}

/// How often an event counts. In KDD's terms every ICMP message is a connection, and from the fourth on an event at a
/// doubled count speaks for two of them or more; two such events should not weigh less than two connections do.
fn votes(observation: &Observation) -> u32 {
    let connection = &observation.connection;
    let several = observation.milestone == Milestone::Count && connection.src_packets >= 4;
    if connection.is_icmp() && several {
        2
    } else {
        1
    }
}

/// A source that may be forged is blocked only towards the destination that suffers: whoever forges addresses must
/// not be able to cut others off from everything.
const fn scope(class: Class, forgeable: bool) -> Scope {
    match (class, forgeable) {
        (Class::Probe, false) => Scope::Source,
        (Class::R2l | Class::U2r, false) => Scope::SourceService,
        (Class::R2l | Class::U2r, true) => Scope::Tuple,
        _ => Scope::SourceDestination,
    }
}

fn target(scope: Scope, connection: &Connection, source: IpAddr, destination: IpAddr) -> Target {
    let to_one = matches!(scope, Scope::SourceDestination | Scope::Tuple);
    let to_port = matches!(scope, Scope::SourceService | Scope::Tuple);
    Target {
        scope,
        source,
        destination: to_one.then_some(destination),
        protocol: (scope != Scope::Source).then_some(connection.protocol),
        port: to_port.then_some(connection.responder_port),
    }
}

#[cfg(test)]
mod tests;
