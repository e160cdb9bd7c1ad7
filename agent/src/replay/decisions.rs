//! What would have been decided, had the traffic been live and the mode enforce.
//!
//! Nothing is dropped, so an attack goes on as it would in monitor mode: proposals on a target that a decision covers
//! prolong it, as packets that meet a verdict do.

use std::collections::HashMap;

use crate::{
    decision::Target,
    policy::{Lift, Policy, Proposal, Whom},
    track::Connection,
};

/// Decisions that are kept to be shown; more are counted.
pub const MAX_LISTED: usize = 1_000;
/// Decisions in force at a time: as many as the kernel's map of verdicts holds.
const MAX_STANDING: usize = tidegate_common::verdict::MAX_VERDICTS as usize;

/// A decision that would have been made.
#[derive(Clone, Debug, PartialEq)]
pub struct WouldBe {
    /// When, ns since 1970.
    pub at_ns: u64,
    /// First packet of the connection that led to it.
    pub first_packet_ns: u64,
    /// Whose packets, what happens to them and for how long, and why.
    pub proposal: Proposal,
    /// One line on the reason.
    pub scenario: String,
}

/// All of them.
#[derive(Debug, Default)]
pub(super) struct WouldBes {
    listed: Vec<WouldBe>,
    made: u64,
    refused: u64,
    /// Targets of decisions in force, and until when.
    standing: HashMap<Target, u64>,
}

impl WouldBes {
    /// Makes a proposal a decision, unless one stands already.
    pub(super) fn propose(
        &mut self,
        mut proposal: Proposal,
        connection: &Connection,
        policy: &mut Policy,
        now_ns: u64,
    ) {
        let until_ns = |proposal: &Proposal| {
            now_ns.saturating_add(u64::try_from(proposal.ttl.as_nanos()).unwrap_or(u64::MAX))
        };
        if let Some(standing_ns) = self.standing.get_mut(&proposal.target) {
            *standing_ns = (*standing_ns).max(until_ns(&proposal));
            return;
        }
        if self.standing.len() >= MAX_STANDING {
            self.refused += 1;
            return;
        }
        policy.lengthen(&mut proposal, now_ns);
        self.standing.insert(proposal.target, until_ns(&proposal));
        self.made += 1;
        if self.listed.len() < MAX_LISTED {
            self.listed.push(WouldBe {
                at_ns: now_ns,
                first_packet_ns: connection.start_ns,
                scenario: proposal.scenario(connection),
                proposal,
            });
        }
    }

    /// Ends what has run out.
    pub(super) fn release(&mut self, policy: &mut Policy, now_ns: u64) {
        self.standing.retain(|target, until_ns| {
            let stands = *until_ns > now_ns;
            if !stands {
                policy.pardon(target, *until_ns);
            }
            stands
        });
    }

    /// Ends what stands on somebody who has conducted himself well since.
    pub(super) fn lift(&mut self, lift: &Lift, policy: &mut Policy, now_ns: u64) {
        self.standing.retain(|target, _| {
            let stands = Whom::of(target) != Some(lift.whom);
            if !stands {
                policy.pardon(target, now_ns);
            }
            stands
        });
    }

    /// Another capture begins: what stands has no end in its time.
    pub(super) fn forget_standing(&mut self) {
        self.standing.clear();
    }

    /// The first [`MAX_LISTED`], in the order in which they were made.
    pub(super) fn listed(&self) -> &[WouldBe] {
        &self.listed
    }

    /// How many were made.
    pub(super) const fn made(&self) -> u64 {
        self.made
    }

    /// How many found the table full.
    pub(super) const fn refused(&self) -> u64 {
        self.refused
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a failing unwrap is a failing test")]

    use std::time::Duration;

    use tidegate_common::{
        packet::tcp_flags::SYN,
        verdict::{Action, Scope},
    };
    use tidegate_models::Class;

    use super::*;
    use crate::{
        config::Config,
        policy::{About, Evidence, Protected, Whom},
        track::{
            Tracker, TrackerLimits,
            testing::{FlowTable, tcp},
        },
    };

    const SECOND: u64 = 1_000_000_000;

    fn connection() -> Connection {
        let [attacker, victim] =
            ["203.0.113.9:4000", "198.51.100.1:80"].map(|text| text.parse().unwrap());
        let event = FlowTable::default().packet(&tcp(attacker, victim, SYN, 0), SECOND);
        let mut tracker = Tracker::new(TrackerLimits::default());
        tracker.observe(&event.unwrap()).connection
    }

    fn proposal(connection: &Connection) -> Proposal {
        Proposal {
            target: Target {
                scope: Scope::Source,
                source: Some(connection.originator.into()),
                destination: None,
                protocol: None,
                port: None,
            },
            action: Action::Drop,
            rate: None,
            ttl: Duration::from_secs(300),
            class: Class::Probe,
            confidence: 0.9,
            evidence: Evidence {
                about: About::Source,
                agreeing: 6,
                needed: 6,
                of: 8,
                proven: 6,
                over: Duration::from_secs(1),
                sources: None,
            },
        }
    }

    #[test]
    fn what_stands_is_prolonged_and_what_was_lifted_is_decided_anew() {
        let (connection, mut would_be) = (connection(), WouldBes::default());
        let mut policy = Policy::protecting(Config::default().policy, Protected::only(Vec::new()));
        let propose = |would_be: &mut WouldBes, policy: &mut Policy, at_ns| {
            would_be.propose(proposal(&connection), &connection, policy, at_ns);
            would_be.made()
        };
        assert_eq!(propose(&mut would_be, &mut policy, SECOND), 1);
        assert_eq!(propose(&mut would_be, &mut policy, 2 * SECOND), 1);

        let lift = |text: &str| Lift {
            whom: Whom::Source(text.parse().unwrap()),
            normal_events: 20,
            over: Duration::from_secs(10),
        };
        would_be.lift(&lift("203.0.113.10"), &mut policy, 3 * SECOND);
        assert_eq!(propose(&mut would_be, &mut policy, 4 * SECOND), 1);
        would_be.lift(&lift("203.0.113.9"), &mut policy, 5 * SECOND);
        assert_eq!(propose(&mut would_be, &mut policy, 6 * SECOND), 2);
    }
}
