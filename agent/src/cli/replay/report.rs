//! What a replay came to, for people and for programs.

use std::{fmt::Write as _, net::IpAddr, time::Duration};

use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Map, Value};
use tidegate_common::stats::Counter;
use tidegate_models::{Class, Flag};

use crate::{
    cli::output::{harmless, table},
    decision::{action_name, protocol_name, scope_name},
    replay::{Summary, WouldBe},
};

/// A summary, and what went into it.
pub(super) struct Report<'a> {
    pub(super) files: &'a [String],
    /// File and what is wrong with it.
    pub(super) damaged: &'a [(String, String)],
    pub(super) model: &'a str,
    pub(super) summary: &'a Summary,
    pub(super) elapsed: Duration,
}

#[derive(Serialize)]
pub(super) struct Body<'a> {
    files: &'a [String],
    damaged: Vec<DamagedBody<'a>>,
    model: &'a str,
    packets: u64,
    bytes: u64,
    start_ns: u64,
    duration_s: f64,
    clock_steps: u64,
    unparsed: Map<String, Value>,
    skipped_link_types: Map<String, Value>,
    flows: u64,
    evicted: u64,
    events: u64,
    connections: u64,
    flags: Map<String, Value>,
    classes: Map<String, Value>,
    predictions: Map<String, Value>,
    decisions: Vec<DecisionBody<'a>>,
    decisions_made: u64,
    decisions_refused: u64,
    elapsed_s: f64,
    packets_per_second: f64,
}

#[derive(Serialize)]
struct DamagedBody<'a> {
    file: &'a str,
    error: &'a str,
}

#[derive(Serialize)]
struct DecisionBody<'a> {
    at_ns: u64,
    /// From the first packet of the connection that led to it.
    after_s: f64,
    scope: &'static str,
    source: Option<IpAddr>,
    destination: Option<IpAddr>,
    protocol: Option<String>,
    port: Option<u16>,
    action: &'static str,
    ttl_s: f64,
    class: &'static str,
    confidence: f32,
    scenario: &'a str,
}

impl<'a> From<&'a WouldBe> for DecisionBody<'a> {
    fn from(decision: &'a WouldBe) -> Self {
        let proposal = &decision.proposal;
        let target = &proposal.target;
        Self {
            at_ns: decision.at_ns,
            after_s: after_s(decision),
            scope: scope_name(target.scope),
            source: target.source,
            destination: target.destination,
            protocol: target.protocol.map(protocol_name),
            port: target.port,
            action: action_name(proposal.action),
            ttl_s: proposal.ttl.as_secs_f64(),
            class: proposal.class.name(),
            confidence: proposal.confidence,
            scenario: &decision.scenario,
        }
    }
}

fn after_s(decision: &WouldBe) -> f64 {
    decision.at_ns.saturating_sub(decision.first_packet_ns) as f64 / 1e9
}

impl Report<'_> {
    /// For programs.
    pub(super) fn body(&self) -> Body<'_> {
        let summary = self.summary;
        let damaged = self.damaged.iter();
        Body {
            files: self.files,
            damaged: damaged
                .map(|(file, error)| DamagedBody { file, error })
                .collect(),
            model: self.model,
            packets: summary.packets,
            bytes: summary.bytes,
            start_ns: summary.start_ns,
            duration_s: summary.duration_ns as f64 / 1e9,
            clock_steps: summary.clock_steps,
            unparsed: map(summary.unparsed.iter().map(|(c, n)| (reason(*c), *n))),
            skipped_link_types: map(summary.skipped.iter().map(|(l, n)| (l.to_string(), *n))),
            flows: summary.flows,
            evicted: summary.evicted,
            events: summary.events,
            connections: summary.connections,
            flags: map(flags(summary)),
            classes: map(classes(&summary.classes)),
            predictions: map(classes(&summary.predictions)),
            decisions: summary.decisions.iter().map(DecisionBody::from).collect(),
            decisions_made: summary.decisions_made,
            decisions_refused: summary.decisions_refused,
            elapsed_s: self.elapsed.as_secs_f64(),
            packets_per_second: self.packets_per_second(),
        }
    }

    /// For people.
    pub(super) fn human(&self) -> String {
        let summary = self.summary;
        let mut text = String::new();
        let mut line = |name: &str, value: String| {
            let _ = writeln!(text, "{name:<12} {}", harmless(&value));
        };
        line(
            "packets",
            format!(
                "{} in {:.3} s of capture, {} bytes ({:.2} M packets/s read)",
                summary.packets,
                summary.duration_ns as f64 / 1e9,
                summary.bytes,
                self.packets_per_second() / 1e6
            ),
        );
        let unread = summary.unparsed.iter().map(|(c, n)| (reason(*c), *n));
        let skipped = summary.skipped.iter().map(|(l, n)| (l.to_string(), *n));
        let left_out = counts(unread.chain(skipped));
        if !left_out.is_empty() {
            line("left out", left_out);
        }
        line(
            "connections",
            format!("{}: {}", summary.connections, counts(flags(summary))),
        );
        if summary.evicted > 0 {
            line(
                "evicted",
                format!("{} flows: the table is too small", summary.evicted),
            );
        }
        if summary.clock_steps > 0 {
            line(
                "clock",
                format!(
                    "went back {} times by more than a minute",
                    summary.clock_steps
                ),
            );
        }
        line(
            "classes",
            format!("{} (by {})", counts(classes(&summary.classes)), self.model),
        );
        line("decisions", summary.decisions_made.to_string());
        for (file, error) in self.damaged {
            line("damaged", format!("{file}: {error}"));
        }
        if !summary.decisions.is_empty() {
            text.push('\n');
            text.push_str(&decisions(summary));
        }
        text
    }

    fn packets_per_second(&self) -> f64 {
        self.summary.packets as f64 / self.elapsed.as_secs_f64().max(1e-9)
    }
}

fn decisions(summary: &Summary) -> String {
    let rows: Vec<_> = summary
        .decisions
        .iter()
        .map(|decision| {
            let proposal = &decision.proposal;
            let at = i64::try_from(decision.at_ns / 1000).unwrap_or(i64::MAX);
            [
                Timestamp::from_microsecond(at).map_or_else(|_| String::new(), |t| t.to_string()),
                format!("{:.3} s", after_s(decision)),
                proposal.target.to_string(),
                proposal.class.name().to_owned(),
                format!("{:.2}", proposal.confidence),
                format!("{} s", proposal.ttl.as_secs()),
                decision.scenario.clone(),
            ]
        })
        .collect();
    let head = [
        "TIME",
        "AFTER",
        "TARGET",
        "CLASS",
        "CONFIDENCE",
        "TTL",
        "SCENARIO",
    ];
    let mut text = table(head, &rows);
    let more = summary.decisions_made.saturating_sub(rows.len() as u64);
    if more > 0 {
        let _ = writeln!(text, "and {more} more");
    }
    text
}

/// The reason without what all of them begin with.
fn reason(counter: Counter) -> String {
    let name = counter.name();
    name.strip_prefix("unparsed_").unwrap_or(name).to_owned()
}

fn flags(summary: &Summary) -> impl Iterator<Item = (String, u64)> {
    let named = Flag::ALL.into_iter().zip(summary.flags);
    named.map(|(flag, n)| (flag.name().to_owned(), n))
}

fn classes(counts: &[u64]) -> impl Iterator<Item = (String, u64)> {
    let named = Class::ALL.into_iter().zip(counts);
    named.map(|(class, n)| (class.name().to_owned(), *n))
}

/// Counts that are not 0, by name.
fn map(counts: impl Iterator<Item = (String, u64)>) -> Map<String, Value> {
    let counts = counts.filter(|(_, n)| *n > 0);
    counts.map(|(name, n)| (name, n.into())).collect()
}

fn counts(counts: impl Iterator<Item = (String, u64)>) -> String {
    let counts: Vec<_> = counts
        .filter(|(_, n)| *n > 0)
        .map(|(name, n)| format!("{n} {name}"))
        .collect();
    counts.join(", ")
}
