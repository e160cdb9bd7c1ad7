//! What the API's answers hold, for the server that writes them and the client that reads them.

mod decision;
mod stats;

use std::net::IpAddr;

use serde::{Deserialize, Serialize};
use tidegate_models::{Classifier as _, Model};

pub use self::{
    decision::{DecisionBody, ExplainedBody, FeatureBody, GroundsBody},
    stats::{HostsEvictedBody, InfluxBody, InterfaceBody, JournalBody, LatencyBody, StatsBody},
};
use crate::{config::Cidr, decision::protocol_name, engine::FlowView, policy::Protection};

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
