//! Decisions: what was decided about whom, until when, and why.

use std::{fmt, net::IpAddr, sync::Arc, time::Duration};

use jiff::Timestamp;
use tidegate_common::{
    packet::{ICMP, ICMPV6, TCP, UDP},
    verdict::{Action, Scope},
};
use tidegate_models::{Class, Features};

use crate::policy::Evidence;

/// Who made a decision.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Origin {
    /// The classifier.
    Model,
    /// A person or program, through the API or the command line.
    Manual,
}

/// Where a decision stands in its life.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Phase {
    /// In force.
    Active,
    /// Its time ran out.
    Expired,
    /// Somebody took it back.
    Deleted,
    /// Its reason was gone before its time was: good conduct, or the allowlist.
    Lifted,
}

/// Whose packets a decision covers. Fields outside the scope are `None`.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct Target {
    /// How much of the rest counts.
    pub scope: Scope,
    /// Sender.
    pub source: Option<IpAddr>,
    /// Receiver.
    pub destination: Option<IpAddr>,
    /// IP protocol number.
    pub protocol: Option<u8>,
    /// Destination port.
    pub port: Option<u16>,
}

impl Target {
    /// The target of another scope that covers this one; `None` if that scope covers less.
    #[must_use]
    pub fn widened(&self, scope: Scope) -> Option<Self> {
        let narrower = (scope.has_source() && self.source.is_none())
            || (scope.has_destination() && self.destination.is_none())
            || (scope.has_port() && self.port.is_none())
            || (scope != Scope::Source && self.protocol.is_none())
            // Spares what goes on.
            || !scope.has_source();
        (!narrower).then(|| Self {
            scope,
            source: self.source.filter(|_| scope.has_source()),
            destination: self.destination.filter(|_| scope.has_destination()),
            protocol: self.protocol.filter(|_| scope != Scope::Source),
            port: self.port.filter(|_| scope.has_port()),
        })
    }
}

/// A connection that led to a decision.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Culprit {
    /// Name of the interface on which its last packet was seen.
    pub interface: Arc<str>,
    /// Originator.
    pub originator: IpAddr,
    /// Its port; 0 for ICMP.
    pub originator_port: u16,
    /// Responder.
    pub responder: IpAddr,
    /// Its port; 0 for ICMP.
    pub responder_port: u16,
    /// IP protocol number.
    pub protocol: u8,
}

/// What a decision of the classifier rests on.
#[derive(Clone, Debug, PartialEq)]
pub struct Grounds {
    /// The connection whose event tipped the balance.
    pub culprit: Culprit,
    /// The columns of the event that tipped the balance.
    pub features: Features,
    /// The pieces of evidence that agreed.
    pub evidence: Evidence,
    /// The rule of the policy that was followed, for people.
    pub rule: String,
}

/// One decision, from its making to its end.
#[derive(Clone, Debug)]
pub struct Decision {
    /// Number, unique on this machine until its maps are removed.
    pub id: u64,
    /// Who made it.
    pub origin: Origin,
    /// Whose packets it covers.
    pub target: Target,
    /// What happens to them.
    pub action: Action,
    /// Packets per second let through, for [`Action::RateLimit`].
    pub rate: Option<u32>,
    /// For how long after the last of them.
    pub ttl: Duration,
    /// What the classifier saw; `None` when a person decided.
    pub class: Option<Class>,
    /// Confidence of the classifier, 0 to 1; 1 when a person decided.
    pub confidence: f32,
    /// Name of the model, or empty.
    pub model: Arc<str>,
    /// One line on the reason.
    pub scenario: Arc<str>,
    /// The model's path to its answer, one line a step.
    pub path: Arc<[String]>,
    /// What it rests on; `None` when a person decided or an earlier agent did.
    pub grounds: Option<Arc<Grounds>>,
    /// Under monitor mode, now or when it ended: counts, does not drop.
    pub simulated: bool,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it ends, or ended.
    pub until: Timestamp,
    /// Where it stands.
    pub phase: Phase,
    /// Why it was lifted, if it was.
    pub ended: Option<Arc<str>>,
    /// Packets it dropped (would have dropped, when simulated).
    pub packets_dropped: u64,
    /// Their frame bytes.
    pub bytes_dropped: u64,
    /// First packet of the flow that led to it (ns, `CLOCK_MONOTONIC`).
    pub first_packet_ns: Option<u64>,
    /// First packet it dropped (ns, `CLOCK_MONOTONIC`).
    pub first_drop_ns: Option<u64>,
}

/// A step in a decision's life, with the decision as of then.
#[derive(Clone, Debug)]
pub enum Change {
    /// It was put in force.
    Made(Arc<Decision>),
    /// It ends later than was said.
    Extended(Arc<Decision>),
    /// Its mode or its counters changed, or it was taken over from an earlier agent.
    Updated(Arc<Decision>),
    /// It is over; its phase says how.
    Ended(Arc<Decision>),
}

impl Change {
    /// The decision.
    #[must_use]
    pub const fn decision(&self) -> &Arc<Decision> {
        match self {
            Self::Made(decision)
            | Self::Extended(decision)
            | Self::Updated(decision)
            | Self::Ended(decision) => decision,
        }
    }
}

impl Decision {
    /// From the flow's first packet to the first one dropped, in ms.
    #[must_use]
    pub fn reaction_ms(&self) -> Option<f64> {
        let elapsed = self.first_drop_ns?.checked_sub(self.first_packet_ns?)?;
        Some(elapsed as f64 / 1e6)
    }
}

impl fmt::Display for Target {
    /// `10.0.0.3`, `10.0.0.3 > 10.0.0.1 icmp`, `10.0.0.3 > *:22 tcp`, `10.0.0.3 > 10.0.0.1:22 tcp` or
    /// `* > 10.0.0.1:22 tcp`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.source {
            Some(source) => write!(f, "{source}")?,
            None => f.write_str("*")?,
        }
        let Some(protocol) = self.protocol else {
            return Ok(());
        };
        f.write_str(" > ")?;
        // Only TCP and UDP have ports; elsewhere the field is 0.
        let port = self.port.filter(|_| matches!(protocol, TCP | UDP));
        match (self.destination, port) {
            (Some(IpAddr::V6(destination)), Some(port)) => write!(f, "[{destination}]:{port}")?,
            (Some(destination), Some(port)) => write!(f, "{destination}:{port}")?,
            (Some(destination), None) => write!(f, "{destination}")?,
            (None, Some(port)) => write!(f, "*:{port}")?,
            (None, None) => f.write_str("*")?,
        }
        write!(f, " {}", protocol_name(protocol))
    }
}

/// Name of a scope in the API and on the command line.
#[must_use]
pub const fn scope_name(scope: Scope) -> &'static str {
    match scope {
        Scope::Source => "source",
        Scope::SourceDestination => "source-destination",
        Scope::SourceService => "source-service",
        Scope::Tuple => "tuple",
        Scope::Destination => "destination",
        Scope::DestinationHost => "destination-host",
    }
}

/// Name of a phase in the API and on the command line.
#[must_use]
pub const fn phase_name(phase: Phase) -> &'static str {
    match phase {
        Phase::Active => "active",
        Phase::Expired => "expired",
        Phase::Deleted => "deleted",
        Phase::Lifted => "lifted",
    }
}

/// Name of an action in the API and on the command line.
#[must_use]
pub const fn action_name(action: Action) -> &'static str {
    match action {
        Action::Drop => "drop",
        Action::RateLimit => "rate-limit",
        Action::Watch => "watch",
    }
}

/// `tcp`, `udp`, `icmp`, `icmpv6`, or the number.
#[must_use]
pub fn protocol_name(protocol: u8) -> String {
    match protocol {
        TCP => "tcp".to_owned(),
        UDP => "udp".to_owned(),
        ICMP => "icmp".to_owned(),
        ICMPV6 => "icmpv6".to_owned(),
        other => other.to_string(),
    }
}
