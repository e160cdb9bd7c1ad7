//! `tidegate status`.

use std::{fmt::Write as _, time::Duration};

use tidegate_models::Class;

use super::{
    args::ClientArgs,
    client::Client,
    output::{Output, harmless, table},
};
use crate::{api::view::StatsBody, config::HumanDuration, error::AppError};

pub(super) fn status(args: &ClientArgs, out: &mut Output) -> Result<(), AppError> {
    let stats: StatsBody = Client::new(args).get("/v1/stats")?;
    out.object(&stats, || human(&stats))
}

fn human(stats: &StatsBody) -> String {
    let uptime = Duration::try_from_secs_f64(stats.uptime_s.floor()).unwrap_or_default();
    let mut text = format!(
        "tidegate {}  mode {}  model {}  up {}\n\n",
        stats.version,
        stats.mode,
        stats.model,
        HumanDuration(uptime)
    );
    let interfaces: Vec<_> = stats
        .interfaces
        .iter()
        .map(|interface| {
            [
                interface.name.clone(),
                interface.xdp.clone(),
                if interface.egress { "watched" } else { "-" }.to_owned(),
                interface.events.to_string(),
            ]
        })
        .collect();
    if interfaces.is_empty() {
        text.push_str("not attached to any interface\n");
    } else {
        text.push_str(&table(
            ["INTERFACE", "XDP", "EGRESS", "EVENTS"],
            &interfaces,
        ));
    }
    // Writing to a String can't fail.
    let _ = writeln!(
        text,
        "\n{} decisions in force, {} connections followed",
        stats.decisions_active, stats.connections
    );
    let evicted = &stats.hosts_evicted;
    let early = [
        ("connections", stats.connections_evicted),
        ("sources", evicted.sources),
        ("destinations", evicted.destinations),
        ("pairs", evicted.pairs),
        ("window entries", stats.window_dropped),
    ];
    let early = early.iter().filter(|(_, n)| *n > 0);
    let early: Vec<_> = early.map(|(what, n)| format!("{n} {what}")).collect();
    if !early.is_empty() {
        let _ = writeln!(
            text,
            "forgotten early for lack of room: {}",
            early.join(", ")
        );
    }
    let predictions: Vec<_> = Class::ALL
        .iter()
        .map(|class| class.name())
        .map(|class| format!("{class} {}", stats.predictions.get(class).unwrap_or(&0)))
        .collect();
    let _ = writeln!(text, "classified: {}", predictions.join(", "));
    if let (Some(p50), Some(p99)) = (stats.latency_ns.p50, stats.latency_ns.p99) {
        let _ = writeln!(
            text,
            "latency: half within {}, 99 of 100 within {}",
            micros(p50),
            micros(p99)
        );
    }
    if let Some(journal) = &stats.journal {
        let _ = writeln!(
            text,
            "journal: {} changes written, {} waiting, {} lost",
            journal.written, journal.waiting, journal.lost
        );
    }
    if let Some(influx) = &stats.influx {
        let _ = writeln!(
            text,
            "influx: {} points stored, {} to be sent, {} refused, {} lost",
            influx.stored, influx.behind, influx.refused, influx.lost
        );
    }
    let counters: Vec<_> = stats
        .counters
        .iter()
        .filter(|(_, n)| **n > 0)
        .map(|(name, n)| [name.clone(), n.to_string()])
        .collect();
    if !counters.is_empty() {
        text.push('\n');
        text.push_str(&table(["COUNTER", "VALUE"], &counters));
    }
    for reason in &stats.degraded {
        let _ = writeln!(text, "\ndegraded: {}", harmless(reason));
    }
    text
}

fn micros(ns: u64) -> String {
    format!("{:.0} µs", ns as f64 / 1e3)
}
