//! Decisions as points.
//!
//! A decision is one point for all its life: its time is that of its making (made unique by the journal) and its tags
//! never change, so what is sent again, or later, overwrites it.

use tidegate_influx::line::Lines;
use tidegate_models::Class;

use crate::{
    decision::{Decision, action_name, phase_name, protocol_name},
    journal::Entry,
};

/// The measurement, as InfluxDB calls a table.
pub const MEASUREMENT: &str = "tidegate_verdicts";

/// Adds the point of a decision; `host` is the tag of that name.
pub fn add(lines: &mut Lines, entry: &Entry, host: &str) {
    let decision = &entry.decision;
    let culprit = decision.grounds.as_deref().map(|grounds| &grounds.culprit);
    let target = &decision.target;
    // Whoever tipped the balance in a crowd is not the one condemned.
    let source = culprit.filter(|_| target.source.is_some());
    let destination = target.destination.or(culprit.map(|c| c.responder));
    let protocol = target.protocol.or(culprit.map(|c| c.protocol));
    let port = target.port.or(culprit.map(|c| c.responder_port));
    let mut point = lines
        .point(MEASUREMENT)
        .tag("action", action_name(decision.action))
        .tag("class", decision.class.map_or("", Class::name))
        .tag("host", host)
        .tag("iface", culprit.map_or("", |c| &c.interface))
        .text_if("src", target.source.map(|ip| ip.to_string()).as_deref())
        .text_if("dst", destination.map(|ip| ip.to_string()).as_deref())
        .text_if("protocol", protocol.map(protocol_name).as_deref())
        .float("confidence", decimal(decision.confidence))
        .text("model", &decision.model)
        .float("duration_s", duration_s(decision))
        .integer("packets_dropped", decision.packets_dropped)
        .integer("bytes_dropped", decision.bytes_dropped)
        .integer("id", decision.id)
        .text("phase", phase_name(decision.phase))
        .boolean("simulated", decision.simulated);
    if let Some(culprit) = source {
        point = point.integer("src_port", u64::from(culprit.originator_port));
    }
    if let Some(port) = port {
        point = point.integer("dst_port", u64::from(port));
    }
    if let Some(reaction_ms) = decision.reaction_ms() {
        point = point.float("reaction_ms", reaction_ms);
    }
    point.at(entry.point_ns);
}

/// From its making to its end, or to the end that is foreseen (s).
pub(in crate::export) fn duration_s(decision: &Decision) -> f64 {
    let ns = decision.until.as_nanosecond() - decision.created_at.as_nanosecond();
    ns as f64 / 1e9
}

/// Without the digits that only a binary fraction has.
fn decimal(confidence: f32) -> f64 {
    (f64::from(confidence) * 1e6).round() / 1e6
}
