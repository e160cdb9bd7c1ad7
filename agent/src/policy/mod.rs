//! From what the classifier says about events to what is done about their sources.
//!
//! Evidence is kept about three things, and each answers with another kind of verdict:
//!
//! - a pair of hosts: k of the latest n pieces, a piece being what happens within `evidence_interval`. It makes
//!   narrow and short verdicts, soon.
//! - a source: k of its latest n connections, begun `wide_evidence_interval` apart. Whoever sweeps many hosts or ports
//!   shows here; only here a verdict can become wide and long, and only if completed handshakes show that the source
//!   is who it says.
//! - a service, or a host on many ports: k of the latest n new conversations with it, and a crowd of sources behind
//!   them. A flood from forged sources has no source to block: new conversations with the service are limited, those
//!   that go on are not.
//!
//! Nobody who is [`Protected`] is ever proposed or gives evidence. Memory is bounded: what was not seen for longest
//! is forgotten.

mod distinct;
mod evidence;
mod generations;
mod hearing;
mod offenders;
mod proposal;
mod protected;

use std::{net::IpAddr, time::Duration};

use tidegate_common::{address::Address, event::Milestone, packet::TCP, verdict::Action};
use tidegate_models::{Class, Flag, Prediction};

pub use evidence::{MEMORY, MOST_PIECES};
pub use generations::Generations;
pub use proposal::{About, Advice, Evidence, Lift, Proposal, Whom};
pub use protected::{Protected, Protection};

use self::{
    evidence::Statement,
    hearing::{CrowdEvidence, PairEvidence, SourceEvidence, is_answer, is_end, is_new},
    offenders::Offender,
    proposal::{Sweep, scope, target, ttl},
};
use crate::{
    config::{ClassRule, PolicyConfig},
    decision::Target,
    track::{Connection, Observation, Occasion},
    window::HashKeys,
};

/// Pairs of hosts about which there is evidence.
const PAIRS: usize = 32_768;
/// Sources about which there is evidence.
const SOURCES: usize = 32_768;
/// Services and hosts about which there is evidence of a crowd.
const CROWDS: usize = 8_192;
/// Sources and services whose earlier verdicts are remembered.
const OFFENDERS: usize = 65_536;
/// What nobody acknowledged is sent again after so long at the latest (`TCP_RTO_MAX` of Linux).
const SENT_AGAIN_WITHIN: Duration = Duration::from_mins(2);

/// Turns predictions into advice.
#[derive(Debug)]
pub struct Policy {
    config: PolicyConfig,
    protected: Protected,
    pairs: Generations<(Address, Address), PairEvidence>,
    sources: Generations<Address, SourceEvidence>,
    crowds: Generations<Whom, CrowdEvidence>,
    offenders: Generations<Whom, Offender>,
    keys: HashKeys,
    /// Time of the first event, ns of the packet clock.
    listening_since_ns: Option<u64>,
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
        Self::with_keys(config, protected, HashKeys::random())
    }

    /// As [`Policy::protecting`], with keys of the hash by which a crowd is counted. The estimates are the same in
    /// every run with the same keys; fixed keys let senders choose addresses that collide.
    #[must_use]
    pub fn with_keys(config: PolicyConfig, protected: Protected, keys: HashKeys) -> Self {
        Self {
            protected,
            config,
            pairs: Generations::new(PAIRS),
            sources: Generations::new(SOURCES),
            crowds: Generations::new(CROWDS),
            offenders: Generations::new(OFFENDERS),
            keys,
            listening_since_ns: None,
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
    /// Only events that the originator's packets caused count: the answers are no new evidence, but for the one that
    /// ends a TCP connection and so says what it came to. Normal traffic of somebody about whom nothing is known costs a
    /// few failed look-ups.
    ///
    /// Guesses are told by what their connections came to, where some have come to anything: a login is like one until
    /// then.
    ///
    /// Of looks only attacks count. That nothing more was seen of a connection that nobody answered is no good conduct,
    /// and takes nothing back that was said when there was something to see. The rest of a conversation whose beginning
    /// nobody saw is no probe: who sends data or resets without a SYN mostly sends them again.
    ///
    /// Of an attack by answers that nobody asked for, their sender is accused, not who was sent them.
    pub fn weigh(&mut self, observation: &Observation, prediction: &Prediction) -> Option<Advice> {
        let by_answers =
            prediction.class != Class::Normal && is_answer_to_nothing(&observation.connection);
        if by_answers && prediction.class != Class::Dos {
            return None;
        }
        let turned = by_answers.then(|| turned(observation));
        let observation = turned.as_ref().unwrap_or(observation);
        let listening_since_ns = *self.listening_since_ns.get_or_insert(observation.at_ns);
        let look = observation.occasion.is_look();
        let answer = is_answer(observation);
        let connection = &observation.connection;
        if answer && (!is_end(observation) || self.was_cut_off(connection)) {
            return None;
        }
        let source = IpAddr::from(connection.originator);
        let rule = self.config.rule(prediction.class);
        let rule = rule.filter(|rule| prediction.confidence >= rule.confidence);
        let attack = rule.is_some();
        if attack && self.protected.reason(source).is_some() {
            return None;
        }
        if look && (!attack || self.is_pardoned(connection)) {
            return None;
        }
        if attack
            && prediction.class != Class::Dos
            && self.may_be_remainder(connection, listening_since_ns)
        {
            return None;
        }
        let statement = Statement {
            class: if attack {
                prediction.class
            } else {
                Class::Normal
            },
            proven: is_proven(connection),
            connection: mark(connection),
            at_ns: observation.at_ns,
            worth: worth(observation),
            again: look,
        };
        let by_pair = self.hear_pair(observation, statement);
        let by_source = self.hear_source(observation, statement);
        let by_pair = by_pair.filter(Evidence::suffices);
        let by_source = by_source.filter(|(evidence, _)| evidence.suffices());
        if answer && statement.class != Class::R2l {
            return None;
        }
        let crowds = [Whom::at_service(connection), Whom::at_host(connection)];
        let by_crowd = crowds.map(|whom| {
            let evidence = self.hear_crowd(observation, statement, whom);
            evidence.filter(Evidence::suffices)
        });
        let Some(rule) = rule else {
            return self.watch_conduct(observation, prediction);
        };
        self.misbehave(observation);
        // The widest that has enough speaking for it. A crowd is limited at once, and then named one by one.
        let unlimited = by_crowd
            .into_iter()
            .zip(crowds)
            .find_map(|(evidence, whom)| evidence.filter(|_| !self.is_under_verdict(whom)));
        let narrow = unlimited
            .or(by_pair)
            .or_else(|| by_crowd.into_iter().flatten().next())
            .map(|evidence| (evidence, Sweep::Other));
        let (evidence, sweep) = by_source.or(narrow)?;
        Some(Advice::Impose(
            self.proposal(rule, connection, prediction, evidence, sweep)?,
        ))
    }

    /// What is to be done on evidence that suffices; `None` where nothing is done about crowds.
    fn proposal(
        &self,
        rule: ClassRule,
        connection: &Connection,
        prediction: &Prediction,
        evidence: Evidence,
        sweep: Sweep,
    ) -> Option<Proposal> {
        let class = prediction.class;
        let scope = scope(class, &evidence, sweep);
        let (action, rate) = match evidence.about {
            About::Service | About::Host => {
                (self.config.crowd_action.action()?, self.config.crowd_rate)
            }
            About::Pair | About::Source => (rule.action, self.config.limit_rate),
        };
        Some(Proposal {
            target: target(scope, connection),
            action,
            rate: (action == Action::RateLimit).then_some(rate),
            ttl: ttl(&self.config, rule.ttl, &evidence),
            class,
            confidence: prediction.confidence,
            evidence,
        })
    }

    /// How long the verdict that a proposal becomes is to last: twice as long for each time its source was blocked
    /// before, up to the cap.
    ///
    /// To be called when a proposal becomes a new verdict, and once for each.
    pub fn lengthen(&mut self, proposal: &mut Proposal, now_ns: u64) {
        let Some(whom) = Whom::of(&proposal.target) else {
            return;
        };
        let forgeable = proposal.evidence.is_forgeable() || proposal.target.source.is_none();
        proposal.ttl =
            self.offenders
                .entry(whom)
                .sentence(&self.config, proposal.ttl, forgeable, now_ns);
    }

    /// A verdict stands that no proposal made: an earlier agent's, or a person's.
    pub fn adopt(&mut self, target: &Target, now_ns: u64) {
        if let Some(whom) = Whom::of(target) {
            self.offenders.entry(whom).stand(now_ns);
        }
    }

    /// A verdict has ended: what was done until now is not held against anybody again. Otherwise the first doubtful
    /// packet after a verdict would make the next one.
    pub fn pardon(&mut self, target: &Target, now_ns: u64) {
        if let Some(whom) = Whom::of(target) {
            self.offenders.entry(whom).pardon(now_ns);
        }
    }

    /// Things about which anything is remembered.
    #[must_use]
    pub fn memories(&self) -> usize {
        self.pairs.len() + self.sources.len() + self.crowds.len() + self.offenders.len()
    }

    /// Whether somebody under a verdict has shown by now that it was wrong, or is over.
    fn watch_conduct(&mut self, event: &Observation, prediction: &Prediction) -> Option<Advice> {
        if prediction.class != Class::Normal || self.offenders.is_empty() {
            return None;
        }
        for whom in concerned(event) {
            if let Some(offender) = self.offenders.get_mut(&whom)
                && let Some((normal_events, over)) = offender.behave(&self.config, event.at_ns)
            {
                return Some(Advice::Lift(Lift {
                    whom,
                    normal_events,
                    over,
                }));
            }
        }
        None
    }

    fn misbehave(&mut self, event: &Observation) {
        // What a look says is about packets that came before.
        let at_ns = if event.occasion.is_look() {
            event.connection.last_ns
        } else {
            event.at_ns
        };
        for whom in concerned(event) {
            if let Some(offender) = self.offenders.get_mut(&whom) {
                offender.misbehave(at_ns);
            }
        }
    }

    fn is_under_verdict(&self, whom: Whom) -> bool {
        let offender = self.offenders.get(&whom);
        offender.is_some_and(Offender::is_under_verdict)
    }

    /// Whether it looks like the rest of a TCP conversation whose beginning may have come before we listened, or whose
    /// answers a verdict keeps back, this one or one that has just ended: then a FIN alone is sent again, too. So it is
    /// to somebody suspected who has lately hung up on its sender.
    fn may_be_remainder(&self, connection: &Connection, listening_since_ns: u64) -> bool {
        // A FIN alone is SH.
        if connection.protocol != TCP || !matches!(connection.flag, Flag::OTH | Flag::SH) {
            return false;
        }
        let lately = |ns: u64| connection.start_ns < ns + SENT_AGAIN_WITHIN.as_nanos() as u64;
        let responder = Whom::Source(connection.responder.into());
        let offender = self.offenders.get(&responder);
        let suspected = self
            .pairs
            .get(&(connection.responder, connection.originator));
        offender.is_some_and(|offender| offender.is_under_verdict() || lately(offender.pardoned_ns))
            || suspected.is_some_and(|pair| lately(pair.latest_outcome_ns()))
            || lately(listening_since_ns)
                && connection.flag == Flag::OTH
                && says_something(connection)
    }

    /// Whether a verdict kept its originator's packets back while it lasted: that its responder gives up is nobody's
    /// fault then.
    fn was_cut_off(&self, connection: &Connection) -> bool {
        let offender = self
            .offenders
            .get(&Whom::Source(connection.originator.into()));
        offender.is_some_and(|offender| {
            offender.is_under_verdict() || connection.start_ns < offender.pardoned_ns
        })
    }

    /// Whether what a connection's originator sent was atoned for since.
    fn is_pardoned(&self, connection: &Connection) -> bool {
        let whom = Whom::Source(connection.originator.into());
        connection.last_ns < hearing::pardoned(&self.offenders, whom)
    }
}

/// Whose conduct an event tells about: its source's, and if it begins a conversation, that of the crowd at the
/// service and its host.
fn concerned(event: &Observation) -> impl Iterator<Item = Whom> + use<> {
    let connection = &event.connection;
    let new = is_new(event);
    let crowd = [Whom::at_service(connection), Whom::at_host(connection)];
    let source = Whom::Source(connection.originator.into());
    let crowd = crowd.into_iter().filter(move |_| new);
    std::iter::once(source).chain(crowd)
}

/// A completed handshake shows that the originator receives what is sent to its address, unless the responder then
/// resets: so it answers an acknowledgement that was guessed (RFC 9293, 3.10.7.4).
fn is_proven(connection: &Connection) -> bool {
    connection.established && connection.flag != Flag::RSTR
}

/// Whether it carries data, or a reset that was not asked for. Scans without a SYN carry neither.
fn says_something(connection: &Connection) -> bool {
    let reset = connection.closed && connection.dst_packets == 0;
    connection.src_bytes > 0 || reset
}

/// Whether all that is known of a connection is a SYN+ACK, or several, and perhaps the resets they got: the originator
/// never wanted it.
const fn is_answer_to_nothing(connection: &Connection) -> bool {
    connection.began_with_answer && !connection.established && connection.src_bytes == 0
}

/// The same with originator and responder exchanged.
const fn turned(observation: &Observation) -> Observation {
    let connection = observation.connection;
    Observation {
        connection: Connection {
            originator: connection.responder,
            originator_port: connection.responder_port,
            responder: connection.originator,
            responder_port: connection.originator_port,
            src_packets: connection.dst_packets,
            dst_packets: connection.src_packets,
            src_bytes: connection.dst_bytes,
            dst_bytes: connection.src_bytes,
            ..connection
        },
        from_originator: !observation.from_originator,
        ..*observation
    }
}

/// Tells a connection from its neighbours.
const fn mark(connection: &Connection) -> u32 {
    let ports = (connection.originator_port as u32) << 16 | connection.responder_port as u32;
    ports ^ connection.start_ns as u32
}

/// ICMP messages that were many: an event at a doubled count of so many, at [`FLOOD_RATE`] or more, is worth three.
const MANY_MESSAGES: u64 = 256;
/// Packets per second.
const FLOOD_RATE: u32 = 1_000;

/// Pieces an event is worth. In KDD's terms every ICMP message is a connection, and an event at a doubled count speaks
/// for half of them: from the fourth on it should not weigh less than two connections do. Of hundreds in an instant it
/// is enough, since at full speed the next event comes after as many packets again.
fn worth(observation: &Observation) -> usize {
    let connection = &observation.connection;
    let doubled = observation.occasion == Occasion::Event(Milestone::Count);
    if !doubled || !connection.is_icmp() {
        return 1;
    }
    match connection.src_packets {
        MANY_MESSAGES.. if observation.record.packet_rate >= FLOOD_RATE => 3,
        4.. => 2,
        _ => 1,
    }
}

#[cfg(test)]
mod tests;
