//! What the API's answers hold, for the server that writes them and the client that reads them.

use std::{collections::BTreeMap, net::IpAddr, time::Duration};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use tidegate_common::stats::Counter;
use tidegate_models::{Class, Classifier as _, MISSING, Model};

use super::code_name;
use crate::{
    config::{Cidr, HumanDuration, mode_name},
    decision::{
        Decision, Grounds, Origin, Phase, action_name, phase_name, protocol_name, scope_name,
    },
    engine::{FlowView, InterfaceView, Snapshot},
    policy::{About, Protection},
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
            about: match evidence.about {
                About::Pair => "pair",
                About::Source => "source",
                About::Service => "service",
            }
            .to_owned(),
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

/// An entry of `GET /v1/allowlist`.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct AllowlistBody {
    /// Whose packets are never dropped.
    pub network: String,
    /// `config`, `runtime`, `own` or `gateway`.
    pub origin: String,
}

impl From<&(Cidr, Protection)> for AllowlistBody {
    fn from((network, protection): &(Cidr, Protection)) -> Self {
        Self {
            network: network.to_string(),
            origin: match protection {
                Protection::Configured(_) => "config",
                Protection::Added(_) => "runtime",
                Protection::Own => "own",
                Protection::Gateway => "gateway",
            }
            .to_owned(),
        }
    }
}

/// What a change of the allowlist did.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct AllowlistChangeBody {
    /// Added or removed.
    pub network: String,
    /// Whether the next agent will know of it.
    pub kept: bool,
    /// Decisions that were lifted.
    pub lifted: Vec<u64>,
}

/// A model of `GET /v1/models`.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[expect(missing_docs, reason = "the fields are those of Model")]
pub struct ModelBody {
    pub name: String,
    pub schema: String,
    pub kind: String,
    pub sha256: String,
    pub training_rows: u64,
}

impl From<&Model> for ModelBody {
    fn from(model: &Model) -> Self {
        Self {
            name: model.name().to_owned(),
            schema: model.schema().name().to_owned(),
            kind: model.kind().to_owned(),
            sha256: model.digest().to_owned(),
            training_rows: model.training().rows,
        }
    }
}

/// `GET /v1/stats`.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[expect(missing_docs, reason = "the fields are those of Snapshot")]
pub struct StatsBody {
    pub version: String,
    pub at: String,
    pub started_at: String,
    pub uptime_s: f64,
    pub mode: String,
    pub model: String,
    pub interfaces: Vec<InterfaceBody>,
    pub counters: BTreeMap<String, u64>,
    pub predictions: BTreeMap<String, u64>,
    pub decisions_active: usize,
    pub connections: usize,
    pub connections_evicted: u64,
    pub hosts_evicted: HostsEvictedBody,
    pub window_dropped: u64,
    pub verdicts_failed: u64,
    pub records_lost: u64,
    pub latency_ns: LatencyBody,
    pub degraded: Vec<String>,
}

/// Hosts forgotten early because their table was full.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct HostsEvictedBody {
    /// Originators.
    pub sources: u64,
    /// Responders.
    pub destinations: u64,
    /// An originator at a service of a responder.
    pub pairs: u64,
}

impl From<[u64; 3]> for HostsEvictedBody {
    fn from([sources, destinations, pairs]: [u64; 3]) -> Self {
        Self {
            sources,
            destinations,
            pairs,
        }
    }
}

/// An interface that is watched.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[expect(missing_docs, reason = "the fields are those of InterfaceView")]
pub struct InterfaceBody {
    pub name: String,
    pub index: u32,
    pub xdp: String,
    pub egress: bool,
    pub events: u64,
}

/// From an event's packet to the end of its classification.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct LatencyBody {
    /// How many were timed.
    pub count: u64,
    /// At least half took no longer; exact to a power of two. `None` while there is none.
    pub p50: Option<u64>,
    /// At least 99 of 100 took no longer.
    pub p99: Option<u64>,
}

impl LatencyBody {
    fn new(histogram: &[u64; 40]) -> Self {
        Self {
            count: histogram
                .iter()
                .fold(0, |sum, n| u64::saturating_add(sum, *n)),
            p50: quantile(histogram, 50),
            p99: quantile(histogram, 99),
        }
    }
}

/// Upper end of the bucket that holds the p-th percentile of a histogram by powers of two.
fn quantile(histogram: &[u64; 40], percent: u128) -> Option<u64> {
    let total: u128 = histogram.iter().map(|n| u128::from(*n)).sum();
    if total == 0 {
        return None;
    }
    let rank = (total * percent).div_ceil(100);
    let mut below = 0_u128;
    for (bucket, n) in histogram.iter().enumerate() {
        below += u128::from(*n);
        if below >= rank {
            return Some(1 << (bucket + 1));
        }
    }
    None
}

impl From<&InterfaceView> for InterfaceBody {
    fn from(interface: &InterfaceView) -> Self {
        Self {
            name: interface.name.clone(),
            index: interface.index,
            xdp: interface.xdp.to_owned(),
            egress: interface.egress,
            events: interface.events,
        }
    }
}

impl From<&Snapshot> for StatsBody {
    fn from(snapshot: &Snapshot) -> Self {
        let uptime = snapshot.at.duration_since(snapshot.started_at);
        Self {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            at: snapshot.at.to_string(),
            started_at: snapshot.started_at.to_string(),
            uptime_s: uptime.as_millis_f64() / 1e3,
            mode: mode_name(snapshot.mode).to_owned(),
            model: snapshot.model.to_string(),
            interfaces: snapshot
                .interfaces
                .iter()
                .map(InterfaceBody::from)
                .collect(),
            counters: Counter::ALL
                .iter()
                .map(|counter| (counter.name().to_owned(), snapshot.stats.value(*counter)))
                .collect(),
            predictions: Class::ALL
                .iter()
                .zip(snapshot.predictions)
                .map(|(class, n)| (class.name().to_owned(), n))
                .collect(),
            decisions_active: snapshot.active.len(),
            connections: snapshot.connections,
            connections_evicted: snapshot.connections_evicted,
            hosts_evicted: HostsEvictedBody::from(snapshot.hosts_evicted),
            window_dropped: snapshot.window_dropped,
            verdicts_failed: snapshot.verdicts_failed,
            records_lost: snapshot.records_lost,
            latency_ns: LatencyBody::new(&snapshot.latency_log2_ns),
            degraded: snapshot.degraded.clone(),
        }
    }
}

/// One connection of `GET /v1/flows`, with the names `replay` uses.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[expect(missing_docs, reason = "the fields are those of FlowView")]
pub struct FlowBody {
    pub src: IpAddr,
    pub src_port: u16,
    pub dst: IpAddr,
    pub dst_port: u16,
    pub protocol: String,
    pub service: String,
    pub flag: String,
    pub duration_s: f64,
    pub age_s: f64,
    pub idle_s: f64,
    pub src_bytes: u64,
    pub dst_bytes: u64,
    pub src_packets: u64,
    pub dst_packets: u64,
    pub class: Option<String>,
    pub confidence: f32,
}

impl From<&FlowView> for FlowBody {
    fn from(flow: &FlowView) -> Self {
        Self {
            src: flow.src,
            src_port: flow.src_port,
            dst: flow.dst,
            dst_port: flow.dst_port,
            protocol: protocol_name(flow.protocol),
            service: flow.service.to_owned(),
            flag: flow.flag.to_owned(),
            duration_s: flow.duration_s,
            age_s: flow.age_s,
            idle_s: flow.idle_s,
            src_bytes: flow.src_bytes,
            dst_bytes: flow.dst_bytes,
            src_packets: flow.src_packets,
            dst_packets: flow.dst_packets,
            class: flow.class.map(|class| class.name().to_owned()),
            confidence: flow.confidence,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_the_upper_ends_of_their_buckets() {
        let mut histogram = [0; 40];
        assert_eq!(quantile(&histogram, 50), None);
        histogram[9] = 50;
        histogram[12] = 49;
        histogram[39] = 1;
        assert_eq!(quantile(&histogram, 50), Some(1 << 10));
        assert_eq!(quantile(&histogram, 51), Some(1 << 13));
        assert_eq!(quantile(&histogram, 99), Some(1 << 13));
        assert_eq!(quantile(&histogram, 100), Some(1 << 40));
        histogram = [u64::MAX; 40];
        assert_eq!(quantile(&histogram, 50), Some(1 << 20));
    }
}
