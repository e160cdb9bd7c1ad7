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
