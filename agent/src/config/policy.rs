//! Section `[policy]`.

use std::time::Duration;

use serde::Serialize;
use tidegate_common::verdict::Action;
use tidegate_models::Class;

use super::{Cidr, choice, human};

/// Section `[policy]`.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct PolicyConfig {
    /// Confidence below which a prediction does not count.
    pub confidence: f32,
    /// Narrow verdicts: of the latest `of_events` pieces of evidence on two hosts, so many must agree.
    pub agreeing_events: u32,
    /// How many pieces of evidence on two hosts are looked at.
    pub of_events: u32,
    /// What happens within this time is one piece of evidence on two hosts.
    #[serde(serialize_with = "human")]
    pub evidence_interval: Duration,
    /// Wide verdicts: of the latest `wide_of_events` connections of a source, so many must agree.
    pub wide_agreeing_events: u32,
    /// How many connections of a source are looked at.
    pub wide_of_events: u32,
    /// Connections of a source that begin within this time are one piece of evidence.
    #[serde(serialize_with = "human")]
    pub wide_evidence_interval: Duration,
    /// Packets a second of a blocked source that keep its verdict alive.
    pub hold_rate: u32,
    /// Good conduct for so long under a verdict lifts it.
    #[serde(serialize_with = "human")]
    pub lift_after: Duration,
    /// Events of normal traffic that good conduct has to show.
    pub lift_events: u32,
    /// Longest time a verdict of the classifier lasts, repeats included.
    #[serde(serialize_with = "human")]
    pub max_ttl: Duration,
    /// Longest time a verdict lasts for which anybody could have forged the evidence.
    #[serde(serialize_with = "human")]
    pub forgeable_ttl: Duration,
    /// Packets a second let through by the reaction `rate-limit`.
    pub limit_rate: u32,
    /// What is done about a flood from forged sources.
    pub crowd_action: Reaction,
    /// Sources within a second or two that make a crowd.
    pub crowd_sources: u32,
    /// Packets a second of new conversations let through to the destination of such a flood.
    pub crowd_rate: u32,
    /// What is done about denial of service.
    pub dos_action: Reaction,
    /// First verdict on it.
    #[serde(serialize_with = "human")]
    pub dos_ttl: Duration,
    /// Confidence it takes, where that is another one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dos_confidence: Option<f32>,
    /// What is done about reconnaissance.
    pub probe_action: Reaction,
    /// First verdict on it.
    #[serde(serialize_with = "human")]
    pub probe_ttl: Duration,
    /// Confidence it takes, where that is another one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub probe_confidence: Option<f32>,
    /// What is done about remote-to-local.
    pub r2l_action: Reaction,
    /// First verdict on it.
    #[serde(serialize_with = "human")]
    pub r2l_ttl: Duration,
    /// Confidence it takes, where that is another one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub r2l_confidence: Option<f32>,
    /// What is done about user-to-root.
    pub u2r_action: Reaction,
    /// First verdict on it.
    #[serde(serialize_with = "human")]
    pub u2r_ttl: Duration,
    /// Confidence it takes, where that is another one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub u2r_confidence: Option<f32>,
    /// What is done about what resembles nothing known.
    pub unknown_action: Reaction,
    /// First verdict on it.
    #[serde(serialize_with = "human")]
    pub unknown_ttl: Duration,
    /// Confidence it takes, where that is another one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unknown_confidence: Option<f32>,
    /// Sources that are never blocked.
    pub allowlist: Vec<Cidr>,
}

/// What the policy says about one class.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ClassRule {
    /// What happens to its packets.
    pub action: Action,
    /// For how long at first.
    pub ttl: Duration,
    /// From which confidence on.
    pub confidence: f32,
}

impl PolicyConfig {
    /// The rule for a class; `None` when nothing is done about it. Normal traffic never has one.
    #[must_use]
    pub fn rule(&self, class: Class) -> Option<ClassRule> {
        let (reaction, ttl, confidence) = match class {
            Class::Normal => return None,
            Class::Dos => (self.dos_action, self.dos_ttl, self.dos_confidence),
            Class::Probe => (self.probe_action, self.probe_ttl, self.probe_confidence),
            Class::R2l => (self.r2l_action, self.r2l_ttl, self.r2l_confidence),
            Class::U2r => (self.u2r_action, self.u2r_ttl, self.u2r_confidence),
            Class::Unknown => (
                self.unknown_action,
                self.unknown_ttl,
                self.unknown_confidence,
            ),
        };
        Some(ClassRule {
            action: reaction.action()?,
            ttl,
            confidence: confidence.unwrap_or(self.confidence),
        })
    }
}

impl Default for PolicyConfig {
    fn default() -> Self {
        Self {
            confidence: 0.5,
            agreeing_events: 3,
            of_events: 4,
            evidence_interval: Duration::from_millis(2),
            wide_agreeing_events: 6,
            wide_of_events: 8,
            wide_evidence_interval: Duration::from_millis(20),
            hold_rate: 5,
            lift_after: Duration::from_secs(10),
            lift_events: 10,
            max_ttl: Duration::from_secs(3_600),
            forgeable_ttl: Duration::from_secs(60),
            limit_rate: 20,
            crowd_action: Reaction::RateLimit,
            crowd_sources: 32,
            crowd_rate: 200,
            dos_action: Reaction::Drop,
            dos_ttl: Duration::from_secs(60),
            dos_confidence: None,
            probe_action: Reaction::Drop,
            probe_ttl: Duration::from_secs(300),
            probe_confidence: None,
            r2l_action: Reaction::Drop,
            r2l_ttl: Duration::from_secs(600),
            r2l_confidence: None,
            u2r_action: Reaction::Drop,
            u2r_ttl: Duration::from_secs(600),
            u2r_confidence: None,
            unknown_action: Reaction::None,
            unknown_ttl: Duration::from_secs(60),
            unknown_confidence: None,
            allowlist: Vec::new(),
        }
    }
}

choice! {
    /// What is done about traffic of a class.
    Reaction {
        /// Its packets are dropped.
        Drop = "drop",
        /// What exceeds a rate is dropped.
        RateLimit = "rate-limit",
        /// Its packets are counted.
        Watch = "watch",
        /// Nothing.
        None = "none",
    }
}

impl Reaction {
    /// What the kernel is told; `None` for nothing.
    #[must_use]
    pub const fn action(self) -> Option<Action> {
        match self {
            Self::Drop => Some(Action::Drop),
            Self::RateLimit => Some(Action::RateLimit),
            Self::Watch => Some(Action::Watch),
            Self::None => None,
        }
    }
}
