//! What is said of an event is remembered of its pair of hosts, its source and its service.

use std::time::Duration;

use tidegate_common::{address::Address, event::Milestone};
use tidegate_models::Class;

use super::{
    About, Evidence, Generations, Policy, Whom,
    distinct::DistinctHosts,
    evidence::{Agreement, Apart, History, Statement},
    offenders::Offender,
    proposal::Sweep,
};
use crate::{
    config::Reaction,
    track::{Connection, Observation, Occasion},
};

/// Protocol and responder's port.
type Service = (u8, u16);

/// Attacks on so many hosts within two seconds are a sweep: each connection is a piece of evidence on its source then,
/// since a sweep of a subnet may be over in a few ms.
const SWEPT: u32 = 16;

/// Probes of so many further ports of a host are another piece of evidence on the pair, however soon: a scan of a
/// few ports is over in one instant, and nobody else asks for many services of one host at once.
const PORTS_APIECE: u32 = 4;

/// Of the latest TCP connections of two hosts, so many that ended as normal ones: the others are no guesses yet.
const ACQUITTALS: usize = 2;

/// So many connections of two hosts at once are no client's that logs in several times side by side, to fetch files
/// with all of them.
const LOGINS_AT_ONCE: u32 = 7;

/// Guesses at so many hosts within a minute are told by how many these are.
const GUESSED_AT: u32 = 4;

/// How often in a row it was the same.
#[derive(Clone, Copy, Debug, Default)]
struct Streak<T> {
    latest: T,
    times: u32,
}

impl<T: PartialEq> Streak<T> {
    fn follow(&mut self, latest: T) {
        self.times = if latest == self.latest {
            self.times.saturating_add(1)
        } else {
            1
        };
        self.latest = latest;
    }
}

/// What is remembered of two hosts.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct PairEvidence {
    history: History,
    /// What TCP connections came to in the end.
    outcomes: History,
    /// Ports probed since the latest piece, a bit each: few enough that they seldom share one.
    ports: u64,
}

impl PairEvidence {
    const fn is_blank(&self) -> bool {
        self.history.newest_ns() == 0 && self.outcomes.newest_ns() == 0
    }

    /// So many connections have ended of which nothing bad was said, or it would be remembered.
    fn acquit(&mut self, connections: usize, at_ns: u64) {
        let ended_well = Statement {
            class: Class::Normal,
            proven: true,
            connection: 0,
            at_ns,
            worth: connections.min(ACQUITTALS),
            again: false,
        };
        if connections > 0 {
            self.outcomes.record(ended_well, Apart::ByConnection(0));
        }
    }

    /// Whether a statement ends a burst of probes that is worth a piece of its own.
    fn is_burst(&mut self, connection: &Connection, statement: Statement) -> bool {
        if statement.class != Class::Probe {
            return false;
        }
        self.ports |= 1 << (connection.responder_port % 64);
        self.ports.count_ones() > PORTS_APIECE
    }

    /// When a TCP connection was last heard of that had come to something, ns; 0 if none was.
    pub(super) const fn latest_outcome_ns(&self) -> u64 {
        self.outcomes.newest_ns()
    }

    /// What speaks for a class: events, or of guesses what TCP connections came to. A login is like a guess until it has
    /// come to something: where others just came to nothing of the kind, only that counts.
    fn agreement(&self, class: Class, needed: u32, of: usize) -> Agreement {
        let by_outcome = self.outcomes.agreement(class, of);
        let acquitted = self.outcomes.agreement(Class::Normal, of).agreeing >= ACQUITTALS;
        if class == Class::R2l && (acquitted || by_outcome.agreeing >= needed as usize) {
            by_outcome
        } else {
            self.history.agreement(class, of)
        }
    }
}

/// What is remembered of a source.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct SourceEvidence {
    history: History,
    /// Whom its attacks were on.
    service: Streak<Service>,
    destination: Streak<Address>,
    destinations: DistinctHosts,
}

/// What is remembered of a service, or of a host on any port.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct CrowdEvidence {
    history: History,
    sources: DistinctHosts,
    /// Which port the attacks were on.
    port: Streak<u16>,
}

impl Policy {
    pub(super) fn hear_pair(
        &mut self,
        observation: &Observation,
        statement: Statement,
    ) -> Option<Evidence> {
        let connection = &observation.connection;
        let key = (connection.originator, connection.responder);
        let evidence = remembered(&mut self.pairs, key, statement)?;
        let pardoned_ns = pardoned(&self.offenders, Whom::Source(key.0.into()));
        evidence.history.forget_before(pardoned_ns);
        evidence.outcomes.forget_before(pardoned_ns);
        if evidence.is_blank() {
            evidence.acquit(earlier(observation), statement.at_ns);
        }
        if is_end(observation) {
            evidence.outcomes.record(statement, Apart::ByConnection(0));
        }
        let interval = if evidence.is_burst(connection, statement) {
            0
        } else {
            ms(self.config.evidence_interval)
        };
        let too_early = is_first_guess(observation, statement.class);
        if !is_answer(observation)
            && !too_early
            && evidence.history.record(statement, Apart::ByTime(interval))
        {
            evidence.ports = 1 << (connection.responder_port % 64);
        }
        let of = self.config.of_events;
        let needed = self.config.agreeing_events;
        let agreement = evidence.agreement(statement.class, needed, of as usize);
        Some(Evidence::new(About::Pair, agreement, needed, of))
    }

    pub(super) fn hear_source(
        &mut self,
        observation: &Observation,
        statement: Statement,
    ) -> Option<(Evidence, Sweep)> {
        let connection = &observation.connection;
        let evidence = remembered(&mut self.sources, connection.originator, statement)?;
        if statement.class != Class::Normal {
            let destination = connection.responder;
            evidence
                .destinations
                .add(&self.keys, destination, statement.at_ns);
        }
        let pardoned_ns = pardoned(&self.offenders, Whom::Source(connection.originator.into()));
        evidence.history.forget_before(pardoned_ns);
        // A connection that is a conversation of many messages is one all the same.
        let statement = Statement {
            worth: 1,
            ..statement
        };
        // What is said of many hosts at once is no single mistake.
        let interval = if evidence.destinations.size() >= SWEPT {
            0
        } else {
            ms(self.config.wide_evidence_interval)
        };
        let too_early = observation.record.hosts.src_hosts_60s < GUESSED_AT
            && is_first_guess(observation, statement.class);
        let fresh = !too_early
            && evidence
                .history
                .record(statement, Apart::ByConnection(interval));
        if fresh && statement.class != Class::Normal {
            evidence
                .service
                .follow((connection.protocol, connection.responder_port));
            evidence.destination.follow(connection.responder);
        }
        let of = self.config.wide_of_events;
        let agreement = evidence.history.agreement(statement.class, of as usize);
        let needed = self.config.wide_agreeing_events;
        let sweep = if evidence.service.times >= needed && evidence.destination.times < needed {
            Sweep::OneService
        } else {
            Sweep::Other
        };
        Some((Evidence::new(About::Source, agreement, needed, of), sweep))
    }

    /// What speaks for a limit on the crowd at a service or host. Only conversations whose originator may be anybody are
    /// heard: those that go on are not to be limited, so they neither accuse nor acquit.
    pub(super) fn hear_crowd(
        &mut self,
        observation: &Observation,
        statement: Statement,
        whom: Whom,
    ) -> Option<Evidence> {
        let floods = matches!(statement.class, Class::Dos | Class::Normal);
        if self.config.crowd_action == Reaction::None
            || !is_new(observation)
            || statement.proven
            || !floods
        {
            return None;
        }
        let about = match whom {
            Whom::Crowd(_, _, None) => About::Host,
            _ => About::Service,
        };
        let connection = &observation.connection;
        let evidence = remembered(&mut self.crowds, whom, statement)?;
        evidence
            .history
            .forget_before(pardoned(&self.offenders, whom));
        let interval = ms(self.config.wide_evidence_interval);
        let fresh = evidence.history.record(statement, Apart::ByTime(interval));
        if statement.class == Class::Normal {
            return None;
        }
        if fresh {
            evidence.port.follow(connection.responder_port);
        }
        evidence
            .sources
            .add(&self.keys, connection.originator, statement.at_ns);
        let of = self.config.wide_of_events;
        let needed = self.config.wide_agreeing_events;
        let sources = evidence.sources.size();
        // What is on one port is the service's.
        let too_narrow = about == About::Host && evidence.port.times >= needed;
        let agreement = if sources >= self.config.crowd_sources && !too_narrow {
            evidence.history.agreement(statement.class, of as usize)
        } else {
            Agreement::default()
        };
        Some(Evidence {
            sources: Some(sources),
            ..Evidence::new(about, agreement, needed, of)
        })
    }
}

/// Whether it ends a TCP connection, and so says what it came to.
pub(super) fn is_end(observation: &Observation) -> bool {
    observation.occasion == Occasion::Event(Milestone::Closed) && observation.connection.established
}

/// Whether the responder caused it.
pub(super) const fn is_answer(observation: &Observation) -> bool {
    !observation.from_originator && !observation.occasion.is_look()
}

/// Whether a limit on new conversations would meet this one: it begins, or nobody has answered so far.
pub(super) const fn is_new(observation: &Observation) -> bool {
    observation.first || observation.connection.dst_packets == 0
}

/// The memory of a key. Where there is none, only an attack makes one: nothing is the same as nothing but normal.
fn remembered<K: Copy + Eq + std::hash::Hash, V: Default>(
    memory: &mut Generations<K, V>,
    key: K,
    statement: Statement,
) -> Option<&mut V> {
    if statement.class == Class::Normal {
        memory.get_mut(&key)
    } else {
        Some(memory.entry(key))
    }
}

/// Connections that two hosts have begun and ended within a minute, at least: those that are open now may all be theirs.
/// As in KDD every UDP conversation and every ICMP message is one.
fn earlier(observation: &Observation) -> usize {
    let hosts = &observation.record.hosts;
    // This one, of which nothing may have been answered yet.
    let open = hosts.src_open.max(1);
    hosts.pair_conns_60s.saturating_sub(open) as usize
}

/// Whether a connection is called a guess that goes on and is among the first few of two hosts, of which none came to
/// what another did: all logins begin like this.
fn is_first_guess(observation: &Observation, class: Class) -> bool {
    let hosts = &observation.record.hosts;
    class == Class::R2l
        && !is_end(observation)
        && hosts.pair_conns_60s < LOGINS_AT_ONCE
        && hosts.pair_alike_rate_600s == 0
        && hosts.pair_same_answer_rate_600s == 0
}

/// When what a source did, or what was done to a service, was last atoned for, ns.
pub(super) fn pardoned(offenders: &Generations<Whom, Offender>, whom: Whom) -> u64 {
    offenders
        .get(&whom)
        .map_or(0, |offender| offender.pardoned_ns)
}

const fn ms(interval: Duration) -> u32 {
    interval.as_millis() as u32
}
