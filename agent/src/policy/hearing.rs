//! What is said of an event is remembered of its pair of hosts, its source and its service.

use std::time::Duration;

use tidegate_common::address::Address;
use tidegate_models::Class;

use super::{
    About, Evidence, Generations, Policy, Whom,
    crowd::Crowd,
    evidence::{Agreement, Apart, History, Statement},
    offenders::Offender,
    proposal::Sweep,
};
use crate::{
    config::Reaction,
    track::{Connection, Observation},
};

/// Protocol and responder's port.
pub(super) type Service = (u8, u16);

/// What is remembered of a source.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct SourceEvidence {
    history: History,
    /// The service of the latest attack, and how many pieces in a row were about it.
    service: Service,
    same_service: u32,
    /// The same of its destination.
    destination: Address,
    same_destination: u32,
}

/// What is remembered of a service.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct ServiceEvidence {
    history: History,
    crowd: Crowd,
}

impl Policy {
    pub(super) fn hear_pair(
        &mut self,
        connection: &Connection,
        statement: Statement,
    ) -> Option<Evidence> {
        let key = (connection.originator, connection.responder);
        let history = remembered(&mut self.pairs, key, statement)?;
        let pardoned_ns = pardoned(&self.offenders, Whom::Source(key.0.into()));
        history.forget_before(pardoned_ns);
        history.record(statement, Apart::ByTime(ms(self.config.evidence_interval)));
        let of = self.config.of_events;
        let agreement = history.agreement(statement.class, of as usize);
        let needed = self.config.agreeing_events;
        Some(Evidence::new(About::Pair, agreement, needed, of))
    }

    pub(super) fn hear_source(
        &mut self,
        connection: &Connection,
        statement: Statement,
    ) -> Option<(Evidence, Sweep)> {
        let evidence = remembered(&mut self.sources, connection.originator, statement)?;
        let pardoned_ns = pardoned(&self.offenders, Whom::Source(connection.originator.into()));
        evidence.history.forget_before(pardoned_ns);
        // A connection that is a conversation of many messages is one all the same.
        let statement = Statement {
            worth: 1,
            ..statement
        };
        let interval = ms(self.config.wide_evidence_interval);
        let fresh = evidence
            .history
            .record(statement, Apart::ByConnection(interval));
        if fresh && statement.class != Class::Normal {
            evidence.follow(connection);
        }
        let of = self.config.wide_of_events;
        let agreement = evidence.history.agreement(statement.class, of as usize);
        let needed = self.config.wide_agreeing_events;
        let sweep = if evidence.same_service >= needed && evidence.same_destination < needed {
            Sweep::OneService
        } else {
            Sweep::Other
        };
        Some((Evidence::new(About::Source, agreement, needed, of), sweep))
    }

    /// Only new conversations whose originator may be anybody are heard: those that go on are not to be limited, so
    /// they neither accuse nor acquit.
    pub(super) fn hear_service(
        &mut self,
        observation: &Observation,
        statement: Statement,
    ) -> Option<Evidence> {
        let connection = &observation.connection;
        let floods = matches!(statement.class, Class::Dos | Class::Normal);
        if self.config.crowd_action == Reaction::None
            || !observation.first
            || statement.proven
            || !floods
        {
            return None;
        }
        let service = (connection.protocol, connection.responder_port);
        let key = (connection.responder, service);
        let evidence = remembered(&mut self.services, key, statement)?;
        let whom = Whom::Service(connection.responder.into(), service.0, service.1);
        evidence
            .history
            .forget_before(pardoned(&self.offenders, whom));
        let interval = ms(self.config.wide_evidence_interval);
        evidence.history.record(statement, Apart::ByTime(interval));
        if statement.class == Class::Normal {
            return None;
        }
        evidence
            .crowd
            .add(&self.keys, connection.originator, statement.at_ns);
        let of = self.config.wide_of_events;
        let sources = evidence.crowd.size();
        let agreement = if sources >= self.config.crowd_sources {
            evidence.history.agreement(statement.class, of as usize)
        } else {
            Agreement::default()
        };
        let needed = self.config.wide_agreeing_events;
        Some(Evidence {
            sources: Some(sources),
            ..Evidence::new(About::Service, agreement, needed, of)
        })
    }
}

impl SourceEvidence {
    /// Remembers whom an attack was on.
    fn follow(&mut self, connection: &Connection) {
        let service = (connection.protocol, connection.responder_port);
        let again = |same: bool, times: u32| if same { times.saturating_add(1) } else { 1 };
        self.same_service = again(service == self.service, self.same_service);
        self.same_destination = again(
            connection.responder == self.destination,
            self.same_destination,
        );
        self.service = service;
        self.destination = connection.responder;
    }
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

fn pardoned(offenders: &Generations<Whom, Offender>, whom: Whom) -> u64 {
    offenders
        .get(&whom)
        .map_or(0, |offender| offender.pardoned_ns)
}

const fn ms(interval: Duration) -> u32 {
    interval.as_millis() as u32
}
