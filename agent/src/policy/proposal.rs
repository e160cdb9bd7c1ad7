//! What the policy wants done, and why.

use std::{
    fmt::{self, Write as _},
    net::IpAddr,
    time::Duration,
};

use tidegate_common::verdict::{Action, Scope};
use tidegate_models::Class;

use super::evidence::Agreement;
use crate::{
    config::{HumanDuration, PolicyConfig},
    decision::Target,
    track::Connection,
};

/// What the evidence is about.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum About {
    /// A source and a destination.
    Pair,
    /// A source, whomever it talks to.
    Source,
    /// A service that many sources turn to.
    Service,
    /// A host at many of whose ports many sources turn.
    Host,
}

impl About {
    /// All there are.
    pub const ALL: [Self; 4] = [Self::Pair, Self::Source, Self::Service, Self::Host];

    /// Its name in the API and the journal.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Pair => "pair",
            Self::Source => "source",
            Self::Service => "service",
            Self::Host => "host",
        }
    }
}

/// The evidence behind a proposal: k of n.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Evidence {
    /// What it is about.
    pub about: About,
    /// Pieces that agree on the class.
    pub agreeing: u32,
    /// Pieces that have to.
    pub needed: u32,
    /// Of the latest so many.
    pub of: u32,
    /// Agreeing pieces from connections with a completed handshake.
    pub proven: u32,
    /// From the oldest agreeing piece to the newest piece.
    pub over: Duration,
    /// Sources that take part, about, where the evidence is about a service or a host.
    pub sources: Option<u32>,
}

impl Evidence {
    pub(super) fn new(about: About, agreement: Agreement, needed: u32, of: u32) -> Self {
        Self {
            about,
            agreeing: agreement.agreeing as u32,
            needed,
            of,
            proven: agreement.proven as u32,
            over: agreement.over,
            sources: None,
        }
    }

    pub(super) const fn suffices(&self) -> bool {
        self.agreeing >= self.needed
    }

    /// Whether somebody else than the source could have made enough of it.
    #[must_use]
    pub const fn is_forgeable(&self) -> bool {
        self.proven < self.needed
    }
}

impl fmt::Display for Evidence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (pieces, subject) = match self.about {
            About::Pair => ("events", "between the two hosts"),
            About::Source => ("connections", "of the source"),
            About::Service => ("new conversations", "with the service"),
            About::Host => ("new conversations", "with the host, on many ports,"),
        };
        write!(
            f,
            "{} of the last {} {pieces} {subject} agree, over {} ({} needed)",
            self.agreeing,
            self.of,
            HumanDuration(self.over),
            self.needed
        )?;
        if let Some(sources) = self.sources {
            write!(f, "; about {sources} sources within two seconds")?;
        }
        Ok(())
    }
}

/// What the policy wants done.
#[derive(Clone, Debug, PartialEq)]
pub struct Proposal {
    /// Whose packets.
    pub target: Target,
    /// What happens to them.
    pub action: Action,
    /// Packets per second let through, for [`Action::RateLimit`].
    pub rate: Option<u32>,
    /// For how long after the last of them.
    pub ttl: Duration,
    /// What the classifier saw.
    pub class: Class,
    /// How sure it was, 0 to 1.
    pub confidence: f32,
    /// What speaks for it.
    pub evidence: Evidence,
}

impl Proposal {
    /// The rule it follows, a sentence or two for people.
    #[must_use]
    pub fn rule(&self) -> String {
        let why = match (self.evidence.about, self.evidence.is_forgeable()) {
            (About::Service, _) => {
                "too many sources to name, and they may be forged: new conversations with the \
                 service are limited, those that go on are not"
            }
            (About::Host, _) => {
                "too many sources and ports to name, and the sources may be forged: new \
                 conversations with the host are limited, those that go on are not"
            }
            (About::Pair, true) => "the source may be forged: narrow and short",
            (About::Source, true) => "the source may be forged: narrow and short, though it sweeps",
            (About::Pair, false) => "evidence on one pair of hosts: narrow and short",
            (About::Source, false) => "the source has completed handshakes: wide",
        };
        format!("{}; {why}", self.evidence)
    }

    /// One line on it, where `connection` is what led to it.
    #[must_use]
    pub fn scenario(&self, connection: &Connection) -> String {
        let service = connection.service.name();
        let mut line = format!("{} ({service})", self.class);
        // Writing to a String can't fail.
        let _ = match (self.target.source, self.evidence.sources) {
            (Some(source), _) => write!(line, " by {source}"),
            (None, Some(sources)) => write!(line, " by a crowd of about {sources}"),
            (None, None) => Ok(()),
        };
        if let Some(destination) = self.target.destination {
            let _ = write!(line, " on {destination}");
        }
        line
    }
}

/// The verdict on a source that has conducted itself well since may be lifted.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Lift {
    /// On whom: a source, or a destination where new conversations are limited.
    pub whom: Whom,
    /// Events of normal traffic since.
    pub normal_events: u32,
    /// Over this time, without one of an attack.
    pub over: Duration,
}

impl fmt::Display for Lift {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} events of normal traffic and none of an attack over {}",
            self.normal_events,
            HumanDuration(self.over)
        )
    }
}

/// Whom a verdict is about.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Whom {
    /// Everything by one source.
    Source(IpAddr),
    /// Whoever begins a conversation with a host over a protocol, on one port or on any.
    Crowd(IpAddr, u8, Option<u16>),
}

impl Whom {
    /// The crowd at a connection's service.
    pub(super) fn at_service(connection: &Connection) -> Self {
        let port = Some(connection.responder_port);
        Self::Crowd(connection.responder.into(), connection.protocol, port)
    }

    /// The crowd at all ports of its responder.
    pub(super) fn at_host(connection: &Connection) -> Self {
        Self::Crowd(connection.responder.into(), connection.protocol, None)
    }

    /// Whom a target is about.
    #[must_use]
    pub fn of(target: &Target) -> Option<Self> {
        match (target.source, target.destination) {
            (Some(source), _) => Some(Self::Source(source)),
            (None, Some(destination)) => {
                Some(Self::Crowd(destination, target.protocol?, target.port))
            }
            (None, None) => None,
        }
    }
}

/// What the policy has to say about an event.
#[derive(Clone, Debug, PartialEq)]
pub enum Advice {
    /// Put this in force.
    Impose(Proposal),
    /// Lift what stands.
    Lift(Lift),
}

/// How a source goes about it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Sweep {
    /// One service of many hosts.
    OneService,
    /// One host, or no pattern.
    Other,
}

/// The scope of a verdict: wide only on evidence that is wide and can't be forged. Whoever forges addresses must not
/// be able to cut others off from everything.
pub(super) const fn scope(class: Class, evidence: &Evidence, sweep: Sweep) -> Scope {
    match (evidence.about, class) {
        (About::Service, _) => Scope::Destination,
        (About::Host, _) => Scope::DestinationHost,
        (About::Pair, Class::R2l | Class::U2r | Class::Unknown) => Scope::Tuple,
        (About::Pair, _) => Scope::SourceDestination,
        (About::Source, Class::Probe | Class::U2r) if !evidence.is_forgeable() => Scope::Source,
        (About::Source, Class::R2l) if !evidence.is_forgeable() => Scope::SourceService,
        (About::Source, _) => match sweep {
            Sweep::OneService => Scope::SourceService,
            Sweep::Other => Scope::SourceDestination,
        },
    }
}

/// How long a first verdict lasts: as long as the class's rule says only on wide evidence that can't be forged.
pub(super) fn ttl(config: &PolicyConfig, rule: Duration, evidence: &Evidence) -> Duration {
    let wide = matches!(evidence.about, About::Source) && !evidence.is_forgeable();
    if wide {
        rule
    } else {
        rule.min(config.forgeable_ttl)
    }
}

pub(super) fn target(scope: Scope, connection: &Connection) -> Target {
    Target {
        scope,
        source: scope.has_source().then(|| connection.originator.into()),
        destination: scope.has_destination().then(|| connection.responder.into()),
        protocol: (scope != Scope::Source).then_some(connection.protocol),
        port: scope.has_port().then_some(connection.responder_port),
    }
}
