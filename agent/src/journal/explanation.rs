//! Why a decision was made, as JSON.

use std::{collections::BTreeMap, net::IpAddr, sync::Arc, time::Duration};

use serde::{Deserialize, Serialize};
use tidegate_models::{Features, MISSING, Schema};

use crate::{
    decision::{Culprit, Decision, Grounds},
    policy::{About, Evidence},
};

#[derive(Deserialize, Serialize)]
struct Explanation {
    path: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    grounds: Option<GroundsText>,
}

#[derive(Deserialize, Serialize)]
struct GroundsText {
    rule: String,
    interface: String,
    src: IpAddr,
    src_port: u16,
    dst: IpAddr,
    dst_port: u16,
    protocol: u8,
    about: String,
    agreeing: u32,
    needed: u32,
    of: u32,
    proven: u32,
    over_ns: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    sources: Option<u32>,
    schema: String,
    /// Columns the schema had; later versions append.
    columns: usize,
    /// By name, without those that are 0; `null` is missing.
    features: BTreeMap<String, Option<u32>>,
}

/// The path and the grounds of a decision.
pub(super) fn write(decision: &Decision) -> Result<String, serde_json::Error> {
    serde_json::to_string(&Explanation {
        path: decision.path.to_vec(),
        grounds: decision.grounds.as_deref().map(GroundsText::from),
    })
}

/// What [`write`] wrote, by this version or an earlier one. Grounds of a schema that is gone are left out.
pub(super) fn read(text: &str) -> Result<(Vec<String>, Option<Grounds>), serde_json::Error> {
    let explanation: Explanation = serde_json::from_str(text)?;
    let grounds = explanation.grounds.and_then(GroundsText::grounds);
    Ok((explanation.path, grounds))
}

impl From<&Grounds> for GroundsText {
    fn from(grounds: &Grounds) -> Self {
        let Grounds {
            culprit,
            features,
            evidence,
            rule,
        } = grounds;
        let schema = features.schema();
        let told = schema.columns().iter().zip(features.values());
        Self {
            rule: rule.clone(),
            interface: culprit.interface.to_string(),
            src: culprit.originator,
            src_port: culprit.originator_port,
            dst: culprit.responder,
            dst_port: culprit.responder_port,
            protocol: culprit.protocol,
            about: evidence.about.name().to_owned(),
            agreeing: evidence.agreeing,
            needed: evidence.needed,
            of: evidence.of,
            proven: evidence.proven,
            over_ns: evidence.over.as_nanos() as u64,
            sources: evidence.sources,
            schema: schema.name().to_owned(),
            columns: schema.columns().len(),
            features: told
                .filter(|(_, value)| **value != 0)
                .map(|(name, value)| ((*name).to_owned(), (*value != MISSING).then_some(*value)))
                .collect(),
        }
    }
}

impl GroundsText {
    fn grounds(self) -> Option<Grounds> {
        let schema = Schema::ALL
            .into_iter()
            .find(|schema| schema.name() == self.schema)?;
        let about = About::ALL
            .into_iter()
            .find(|about| about.name() == self.about)?;
        let mut features = Features::missing(schema);
        for (index, name) in schema.columns().iter().enumerate().take(self.columns) {
            let value = match self.features.get(*name) {
                Some(value) => value.unwrap_or(MISSING),
                None => 0,
            };
            features.set(index, value);
        }
        Some(Grounds {
            culprit: Culprit {
                interface: Arc::from(self.interface),
                originator: self.src,
                originator_port: self.src_port,
                responder: self.dst,
                responder_port: self.dst_port,
                protocol: self.protocol,
            },
            features,
            evidence: Evidence {
                about,
                agreeing: self.agreeing,
                needed: self.needed,
                of: self.of,
                proven: self.proven,
                over: Duration::from_nanos(self.over_ns),
                sources: self.sources,
            },
            rule: self.rule,
        })
    }
}
