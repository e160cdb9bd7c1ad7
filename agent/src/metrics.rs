//! Metrics in the Prometheus text format.
//!
//! Every label has few values: classes, reasons, interfaces, modes; never an address.

mod durable;

use std::{
    fmt::{Display, Write as _},
    sync::atomic::{AtomicU64, Ordering},
};

use tidegate_common::{control::Mode, stats::Counter};
use tidegate_models::Class;

use crate::{api::ApiCounters, config::mode_name, engine::Snapshot};

/// `Content-Type` of [`render`]'s text.
pub const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// All metrics; those of the dataplane only where there is one. `listening` is how many clients listen to decisions.
#[must_use]
pub fn render(snapshot: Option<&Snapshot>, api: &ApiCounters, listening: usize) -> String {
    let mut text = Text(String::with_capacity(8 << 10));
    text.family("tidegate_build_info", "gauge", "The version that runs.");
    let version = env!("CARGO_PKG_VERSION");
    text.sample("tidegate_build_info", &[("version", version)], 1);
    self::api(&mut text, api);
    if let Some(snapshot) = snapshot {
        streams(&mut text, api, listening);
        kernel(&mut text, snapshot);
        agent(&mut text, snapshot);
        durable::render(&mut text, snapshot);
        latency(&mut text, &snapshot.latency_log2_ns);
    }
    text.0
}

fn api(text: &mut Text, api: &ApiCounters) {
    let load = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
    let name = "tidegate_api_connections_total";
    text.family(
        name,
        "counter",
        "Connections to the API, by what became of them.",
    );
    text.sample(name, &[("result", "accepted")], load(&api.connections));
    text.sample(
        name,
        &[("result", "refused")],
        load(&api.connections_refused),
    );
    let name = "tidegate_api_responses_total";
    text.family(name, "counter", "Answers of the API, by class of status.");
    for (class, counter) in ["1xx", "2xx", "3xx", "4xx", "5xx"]
        .iter()
        .zip(&api.responses)
    {
        text.sample(name, &[("status", *class)], load(counter));
    }
    let name = "tidegate_api_predictions_total";
    text.family(name, "counter", "Rows judged by /predict, by class.");
    for (class, counter) in Class::ALL.iter().zip(&api.predictions) {
        text.sample(name, &[("class", class.name())], load(counter));
    }
}

fn streams(text: &mut Text, api: &ApiCounters, listening: usize) {
    let name = "tidegate_api_streams";
    text.family(name, "gauge", "Clients that listen to decisions.");
    text.sample(name, &[], listening);
    for (name, help, counter) in [
        (
            "tidegate_api_streams_refused_total",
            "Clients that could not listen because too many did.",
            &api.streams_refused,
        ),
        (
            "tidegate_api_stream_deltas_dropped_total",
            "Deltas that did not fit in a listening client's queue.",
            &api.stream_deltas_dropped,
        ),
    ] {
        text.family(name, "counter", help);
        text.sample(name, &[], counter.load(Ordering::Relaxed));
    }
}

/// Where a kernel counter goes: a family, and a label if it shares it.
type Place = (&'static str, Option<(&'static str, &'static str)>);

/// Families of kernel counters, in order, with their help.
const KERNEL: [(&str, &str); 8] = [
    ("tidegate_ingress_packets_total", "Packets seen on ingress."),
    (
        "tidegate_ingress_bytes_total",
        "Frame bytes seen on ingress.",
    ),
    ("tidegate_egress_packets_total", "Packets seen on egress."),
    (
        "tidegate_verdict_packets_total",
        "Packets on ingress, by what became of them and why.",
    ),
    (
        "tidegate_unparsed_packets_total",
        "Packets passed because they can't be read, by reason.",
    ),
    ("tidegate_flows_total", "Flows inserted in the flow table."),
    (
        "tidegate_uncounted_flow_packets_total",
        "Packets of new flows that were not inserted, by reason.",
    ),
    (
        "tidegate_events_total",
        "Flow events of the kernel programs, by what became of them.",
    ),
];

/// Matches every counter, so that a new one can't be forgotten.
const fn place(counter: Counter) -> Place {
    let [
        packets,
        bytes,
        egress,
        verdicts,
        unparsed,
        flows,
        uncounted,
        events,
    ] = KERNEL;
    match counter {
        Counter::Packets => (packets.0, None),
        Counter::Bytes => (bytes.0, None),
        Counter::EgressPackets => (egress.0, None),
        Counter::Passed => (verdicts.0, Some(("result", "passed"))),
        Counter::Dropped => (verdicts.0, Some(("result", "dropped"))),
        Counter::RateLimited => (verdicts.0, Some(("result", "rate_limited"))),
        Counter::WouldDrop => (verdicts.0, Some(("result", "would_drop"))),
        Counter::Watched => (verdicts.0, Some(("result", "watched"))),
        Counter::Allowlisted => (verdicts.0, Some(("result", "allowlisted"))),
        Counter::ExpiredVerdict => (verdicts.0, Some(("result", "expired_verdict"))),
        Counter::AgentLost => (verdicts.0, Some(("result", "agent_lost"))),
        Counter::Bypassed => (verdicts.0, Some(("result", "bypassed"))),
        Counter::UnparsedTruncated => (unparsed.0, Some(("reason", "truncated"))),
        Counter::UnparsedNotIp => (unparsed.0, Some(("reason", "not_ip"))),
        Counter::UnparsedTooManyVlans => (unparsed.0, Some(("reason", "too_many_vlans"))),
        Counter::UnparsedBadHeader => (unparsed.0, Some(("reason", "bad_header"))),
        Counter::UnparsedTooManyExtensions => (unparsed.0, Some(("reason", "too_many_extensions"))),
        Counter::UnparsedOtherTransport => (unparsed.0, Some(("reason", "other_transport"))),
        Counter::FlowsNew => (flows.0, None),
        Counter::FlowsOverBudget => (uncounted.0, Some(("reason", "over_budget"))),
        Counter::FlowsRefused => (uncounted.0, Some(("reason", "refused"))),
        Counter::Events => (events.0, Some(("result", "delivered"))),
        Counter::EventsLost => (events.0, Some(("result", "lost"))),
    }
}

fn kernel(text: &mut Text, snapshot: &Snapshot) {
    for (name, help) in KERNEL {
        text.family(name, "counter", help);
        for counter in Counter::ALL {
            let (family, label) = place(counter);
            if family == name {
                text.sample(name, label.as_slice(), snapshot.stats.value(counter));
            }
        }
    }
}

fn agent(text: &mut Text, snapshot: &Snapshot) {
    let name = "tidegate_predictions_total";
    text.family(
        name,
        "counter",
        "Classifications of live traffic, by class.",
    );
    for (class, n) in Class::ALL.iter().zip(snapshot.predictions) {
        text.sample(name, &[("class", class.name())], n);
    }
    let name = "tidegate_interface_events_total";
    text.family(name, "counter", "Flow events, by interface.");
    for interface in &snapshot.interfaces {
        text.sample(name, &[("iface", &interface.name)], interface.events);
    }
    let name = "tidegate_hosts_evicted_total";
    text.family(
        name,
        "counter",
        "Hosts forgotten early because their table was full, by table.",
    );
    let tables = ["sources", "destinations", "pairs"];
    for (table, n) in tables.into_iter().zip(snapshot.hosts_evicted) {
        text.sample(name, &[("table", table)], n);
    }
    let name = "tidegate_looks_total";
    text.family(
        name,
        "counter",
        "Connections judged again without a packet, by kind.",
    );
    for (kind, n) in ["second", "last"].into_iter().zip(snapshot.looks) {
        text.sample(name, &[("kind", kind)], n);
    }
    let name = "tidegate_mode_info";
    text.family(name, "gauge", "1 for the mode in force.");
    for mode in [Mode::Enforce, Mode::Monitor, Mode::Bypass] {
        let is = u8::from(mode == snapshot.mode);
        text.sample(name, &[("mode", mode_name(mode))], is);
    }
    let name = "tidegate_model_info";
    text.family(name, "gauge", "The model that judges.");
    text.sample(name, &[("model", &snapshot.model)], 1);
    for (name, kind, help, value) in [
        (
            "tidegate_connections_evicted_total",
            "counter",
            "Connections forgotten early because the table was full.",
            snapshot.connections_evicted,
        ),
        (
            "tidegate_window_entries_dropped_total",
            "counter",
            "Connections that left the 2 s window early because it was full.",
            snapshot.window_dropped,
        ),
        (
            "tidegate_looks_missed_total",
            "counter",
            "Connections not judged a second time because too many were to be.",
            snapshot.looks_missed,
        ),
        (
            "tidegate_verdicts_failed_total",
            "counter",
            "Verdicts that could not be written.",
            snapshot.verdicts_failed,
        ),
        (
            "tidegate_records_lost_total",
            "counter",
            "Records the recorder could not take.",
            snapshot.records_lost,
        ),
        (
            "tidegate_connections",
            "gauge",
            "Connections followed now.",
            snapshot.connections as u64,
        ),
        (
            "tidegate_decisions_active",
            "gauge",
            "Decisions in force.",
            snapshot.active.len() as u64,
        ),
        (
            "tidegate_degraded_reasons",
            "gauge",
            "Things that do not work as they should.",
            snapshot.degraded.len() as u64,
        ),
    ] {
        text.family(name, kind, help);
        text.sample(name, &[], value);
    }
    let name = "tidegate_start_time_seconds";
    text.family(name, "gauge", "When the agent started, in Unix time.");
    text.sample(name, &[], snapshot.started_at.as_millisecond() as f64 / 1e3);
}

/// The snapshot has no sum of the times, so this is a histogram of its buckets with the sum estimated from their
/// upper ends.
fn latency(text: &mut Text, histogram: &[u64; 40]) {
    let name = "tidegate_classification_latency_seconds";
    text.family(
        name,
        "histogram",
        "From an event's packet to the end of its classification; the sum is an upper bound.",
    );
    let (mut below, mut sum) = (0_u64, 0.0);
    for (bucket, n) in histogram.iter().enumerate() {
        let end = (1_u64 << (bucket + 1)) as f64 / 1e9;
        below = below.saturating_add(*n);
        sum += *n as f64 * end;
        // From 1 µs to 17 s in steps of four: enough to see, few enough to keep.
        if bucket % 2 == 1 && (9..=33).contains(&bucket) {
            let le = end.to_string();
            text.sample(&format!("{name}_bucket"), &[("le", &le)], below);
        }
    }
    text.sample(&format!("{name}_bucket"), &[("le", "+Inf")], below);
    text.sample(&format!("{name}_sum"), &[], sum);
    text.sample(&format!("{name}_count"), &[], below);
}

/// What a family's name may say it is measured in, or counts.
const UNITS: [&str; 14] = [
    "bytes",
    "changes",
    "connections",
    "decisions",
    "events",
    "flows",
    "packets",
    "points",
    "predictions",
    "reasons",
    "responses",
    "retries",
    "seconds",
    "streams",
];

/// The unit is the last word of a name, before `_total`.
fn unit(name: &str) -> Option<&str> {
    let base = name.strip_suffix("_total").unwrap_or(name);
    let (_, last) = base.rsplit_once('_')?;
    UNITS.contains(&last).then_some(last)
}

/// The text so far. Writing to a String can't fail.
struct Text(String);

impl Text {
    /// `UNIT` is OpenMetrics' and a comment to whoever reads the older format.
    fn family(&mut self, name: &str, kind: &str, help: &str) {
        let _ = write!(self.0, "# HELP {name} {help}\n# TYPE {name} {kind}\n");
        if let Some(unit) = unit(name) {
            let _ = writeln!(self.0, "# UNIT {name} {unit}");
        }
    }

    fn sample(&mut self, name: &str, labels: &[(&str, &str)], value: impl Display) {
        self.0.push_str(name);
        for (position, (label, value)) in labels.iter().enumerate() {
            let open = if position == 0 { '{' } else { ',' };
            let value = value
                .replace('\\', "\\\\")
                .replace('"', "\\\"")
                .replace('\n', "\\n");
            let _ = write!(self.0, "{open}{label}=\"{value}\"");
        }
        if !labels.is_empty() {
            self.0.push('}');
        }
        let _ = writeln!(self.0, " {value}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kernel_counter_has_a_family_with_help() {
        for counter in Counter::ALL {
            let (family, _) = place(counter);
            assert!(KERNEL.iter().any(|(name, _)| *name == family), "{family}");
        }
        let mut places = Counter::ALL.map(place).to_vec();
        places.sort_unstable();
        places.dedup();
        assert_eq!(places.len(), Counter::ALL.len());
    }

    #[test]
    fn units_are_in_the_names() {
        assert_eq!(unit("tidegate_ingress_bytes_total"), Some("bytes"));
        assert_eq!(unit("tidegate_start_time_seconds"), Some("seconds"));
        assert_eq!(unit("tidegate_mode_info"), None);
        assert_eq!(unit("bytes"), None);
    }

    #[test]
    fn label_values_are_escaped() {
        let mut text = Text(String::new());
        text.sample("x", &[("iface", "a\"b\\c\nd"), ("l", "v")], 1);
        assert_eq!(text.0, "x{iface=\"a\\\"b\\\\c\\nd\",l=\"v\"} 1\n");
    }
}
