//! Counters and states.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use tidegate_common::stats::Counter;
use tidegate_models::Class;

use crate::{
    config::mode_name,
    engine::{InterfaceView, Snapshot},
    export::influx,
    journal,
};

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
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub journal: Option<JournalBody>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub influx: Option<InfluxBody>,
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

/// How the journal is doing.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[expect(missing_docs, reason = "the fields are those of journal::Health")]
pub struct JournalBody {
    pub written: u64,
    pub waiting: u64,
    pub lost: u64,
    pub pruned: u64,
    pub pruned_unexported: u64,
    pub trouble: Option<String>,
}

impl From<&journal::Health> for JournalBody {
    fn from(health: &journal::Health) -> Self {
        Self {
            written: health.written,
            waiting: health.waiting,
            lost: health.lost,
            pruned: health.pruned,
            pruned_unexported: health.pruned_unexported,
            trouble: health.trouble.as_deref().cloned(),
        }
    }
}

/// How the exporter to an InfluxDB is doing.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[expect(missing_docs, reason = "the fields are those of influx::Health")]
pub struct InfluxBody {
    pub stored: u64,
    pub behind: u64,
    pub refused: u64,
    pub lost: u64,
    pub retries: u64,
    pub trouble: Option<String>,
}

impl From<&influx::Health> for InfluxBody {
    fn from(health: &influx::Health) -> Self {
        Self {
            stored: health.stored,
            behind: health.behind,
            refused: health.refused,
            lost: health.lost,
            retries: health.retries,
            trouble: health.trouble.as_deref().cloned(),
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
            journal: snapshot.journal.as_ref().map(JournalBody::from),
            influx: snapshot.influx.as_ref().map(InfluxBody::from),
            degraded: snapshot.degraded.clone(),
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
