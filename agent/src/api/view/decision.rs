//! Decisions, and what they rest on.

use std::{net::IpAddr, time::Duration};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use tidegate_models::MISSING;

use crate::{
    api::code_name,
    config::HumanDuration,
    decision::{
        Decision, Grounds, Origin, Phase, action_name, phase_name, protocol_name, scope_name,
    },
};

/// A decision; the first eight fields are named as in CrowdSec's LAPI.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[expect(missing_docs, reason = "the fields are those of Decision")]
pub struct DecisionBody {
    pub id: u64,
    /// `tidegate` or `manual`.
    pub origin: String,
    pub scope: String,
    pub value: String,
    #[serde(rename = "type")]
    pub action: String,
    /// What remains of it, as Go writes durations.
    pub duration: String,
    pub scenario: String,
    pub simulated: bool,
    pub class: Option<String>,
    pub confidence: f32,
    pub model: String,
    pub path: Vec<String>,
    pub created_at: String,
    pub until: String,
    /// `active`, `expired`, `deleted` or `lifted`.
    pub phase: String,
    /// Why it was lifted, if it was.
    pub ended: Option<String>,
    pub packets_dropped: u64,
    pub bytes_dropped: u64,
    pub source: Option<IpAddr>,
    pub destination: Option<IpAddr>,
    pub protocol: Option<String>,
    pub port: Option<u16>,
    pub first_packet_ns: Option<u64>,
    pub first_drop_ns: Option<u64>,
    pub reaction_ms: Option<f64>,
}

impl DecisionBody {
    /// A decision as of a moment.
    #[must_use]
    pub fn new(decision: &Decision, now: Timestamp) -> Self {
        let remaining = match decision.phase {
            Phase::Active => {
                Duration::try_from(decision.until.duration_since(now)).unwrap_or_default()
            }
            Phase::Expired | Phase::Deleted | Phase::Lifted => Duration::ZERO,
        };
        Self {
            id: decision.id,
            origin: match decision.origin {
                Origin::Model => "tidegate",
                Origin::Manual => "manual",
            }
            .to_owned(),
            scope: scope_name(decision.target.scope).to_owned(),
            value: decision.target.to_string(),
            action: action_name(decision.action).to_owned(),
            duration: HumanDuration(remaining).to_string(),
            scenario: decision.scenario.to_string(),
            simulated: decision.simulated,
            class: decision.class.map(|class| class.name().to_owned()),
            confidence: decision.confidence,
            model: decision.model.to_string(),
            path: decision.path.to_vec(),
            created_at: decision.created_at.to_string(),
            until: decision.until.to_string(),
            phase: phase_name(decision.phase).to_owned(),
            ended: decision.ended.as_deref().map(ToOwned::to_owned),
            packets_dropped: decision.packets_dropped,
            bytes_dropped: decision.bytes_dropped,
            source: decision.target.source,
            destination: decision.target.destination,
            protocol: decision.target.protocol.map(protocol_name),
            port: decision.target.port,
            first_packet_ns: decision.first_packet_ns,
            first_drop_ns: decision.first_drop_ns,
            reaction_ms: decision.reaction_ms(),
        }
    }
}

/// A decision with all it rests on, of `GET /v1/decisions/{id}`.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct ExplainedBody {
    /// As in the list.
    #[serde(flatten)]
    pub decision: DecisionBody,
    /// What speaks for it; `None` when a person decided, or an agent that is gone.
    pub grounds: Option<GroundsBody>,
}

impl ExplainedBody {
    /// A decision as of a moment.
    #[must_use]
    pub fn new(decision: &Decision, now: Timestamp) -> Self {
        Self {
            decision: DecisionBody::new(decision, now),
            grounds: decision.grounds.as_deref().map(GroundsBody::from),
        }
    }
}

/// What a decision of the classifier rests on.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct GroundsBody {
    /// The rule of the policy, a sentence for people.
    pub rule: String,
    /// `pair`, `source` or `service`.
    pub about: String,
    /// Pieces of evidence that agree, of how many, and how many have to.
    pub agreeing: u32,
    /// Pieces looked at.
    pub of: u32,
    /// Pieces that have to agree.
    pub needed: u32,
    /// Agreeing pieces from connections with a completed handshake.
    pub proven: u32,
    /// From the oldest agreeing piece to the newest piece, in seconds.
    pub over_s: f64,
    /// Sources that took part, about.
    pub sources: Option<u32>,
    /// The columns of the event that tipped the balance, in the model's order.
    pub features: Vec<FeatureBody>,
}

/// One column.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct FeatureBody {
    /// Its name.
    pub column: String,
    /// Its value; `None` if missing.
    pub value: Option<u32>,
    /// What the value stands for, where it is a code.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

impl From<&Grounds> for GroundsBody {
    fn from(grounds: &Grounds) -> Self {
        let evidence = &grounds.evidence;
        let columns = grounds.features.schema().columns();
        let features = columns.iter().zip(grounds.features.values());
        Self {
            rule: grounds.rule.clone(),
            about: evidence.about.name().to_owned(),
            agreeing: evidence.agreeing,
            of: evidence.of,
            needed: evidence.needed,
            proven: evidence.proven,
            over_s: evidence.over.as_secs_f64(),
            sources: evidence.sources,
            features: features
                .map(|(column, value)| FeatureBody {
                    column: (*column).to_owned(),
                    value: (*value != MISSING).then_some(*value),
                    name: code_name(column, *value).map(ToOwned::to_owned),
                })
                .collect(),
        }
    }
}
