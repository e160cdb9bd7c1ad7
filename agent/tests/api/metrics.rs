//! The Prometheus text, read as a scraper reads it.

use std::collections::{BTreeMap, BTreeSet};

use crate::support::{Fixture, syn_flood};

/// Samples by name with labels; panics on what a scraper would refuse.
fn parse(text: &str) -> BTreeMap<String, f64> {
    let (mut help, mut kinds) = (BTreeSet::new(), BTreeMap::new());
    let mut samples = BTreeMap::new();
    let mut units = 0;
    for line in text.lines() {
        if let Some(rest) = line.strip_prefix("# HELP ") {
            let (name, words) = rest.split_once(' ').unwrap();
            assert!(!words.is_empty());
            assert!(help.insert(name.to_owned()), "{name} has HELP twice");
            continue;
        }
        if let Some(rest) = line.strip_prefix("# TYPE ") {
            let (name, kind) = rest.split_once(' ').unwrap();
            assert!(["counter", "gauge", "histogram"].contains(&kind), "{kind}");
            assert!(kinds.insert(name.to_owned(), kind.to_owned()).is_none());
            continue;
        }
        if let Some(rest) = line.strip_prefix("# UNIT ") {
            let (name, unit) = rest.split_once(' ').unwrap();
            assert!(kinds.contains_key(name), "{name} has UNIT before TYPE");
            let base = name.strip_suffix("_total").unwrap_or(name);
            assert!(base.ends_with(&format!("_{unit}")), "{line}");
            units += 1;
            continue;
        }
        let (series, value) = line.rsplit_once(' ').unwrap();
        let name = series.split('{').next().unwrap();
        let family = ["_bucket", "_sum", "_count"]
            .iter()
            .find_map(|end| {
                name.strip_suffix(end)
                    .filter(|base| kinds.get(*base).is_some_and(|k| k == "histogram"))
            })
            .unwrap_or(name);
        assert!(help.contains(family), "{family} has no HELP");
        assert!(kinds.contains_key(family), "{family} has no TYPE");
        assert!(family.starts_with("tidegate_"), "{family}");
        assert_eq!(
            kinds[family] == "counter",
            family.ends_with("_total"),
            "{family}"
        );
        let value: f64 = value.parse().unwrap();
        assert!(
            samples.insert(series.to_owned(), value).is_none(),
            "{series} is there twice"
        );
    }
    assert_eq!(help.len(), kinds.len());
    assert!(units > 0);
    samples
}

#[test]
fn every_family_is_described_and_shows_the_snapshot() {
    let fixture = Fixture::new();
    let answer = fixture.get("/metrics");
    assert!(
        answer
            .head
            .contains("content-type: text/plain; version=0.0.4"),
        "{answer:?}"
    );
    let samples = parse(&answer.body);
    for (series, value) in [
        ("tidegate_ingress_packets_total", 1_234.0),
        ("tidegate_verdict_packets_total{result=\"dropped\"}", 34.0),
        ("tidegate_events_total{result=\"lost\"}", 1.0),
        ("tidegate_unparsed_packets_total{reason=\"not_ip\"}", 0.0),
        ("tidegate_predictions_total{class=\"dos\"}", 4.0),
        ("tidegate_interface_events_total{iface=\"eth0\"}", 77.0),
        ("tidegate_mode_info{mode=\"enforce\"}", 1.0),
        ("tidegate_mode_info{mode=\"monitor\"}", 0.0),
        ("tidegate_connections", 9.0),
        ("tidegate_hosts_evicted_total{table=\"sources\"}", 21.0),
        ("tidegate_hosts_evicted_total{table=\"pairs\"}", 23.0),
        ("tidegate_window_entries_dropped_total", 0.0),
        ("tidegate_looks_total{kind=\"second\"}", 23.0),
        ("tidegate_looks_total{kind=\"last\"}", 24.0),
        ("tidegate_looks_missed_total", 25.0),
        ("tidegate_classification_latency_seconds_count", 100.0),
        (
            "tidegate_classification_latency_seconds_bucket{le=\"+Inf\"}",
            100.0,
        ),
        (
            "tidegate_classification_latency_seconds_bucket{le=\"0.000065536\"}",
            98.0,
        ),
    ] {
        assert_eq!(samples.get(series), Some(&value), "{series}");
    }
}

#[test]
fn the_api_counts_itself() {
    let fixture = Fixture::predict_only();
    fixture.predict(serde_json::Value::from(syn_flood()).to_string());
    fixture.get("/nothing").problem(404);
    fixture.get("/v1/stats").problem(503);
    let samples = parse(&fixture.get("/metrics").body);
    assert_eq!(
        samples["tidegate_api_predictions_total{class=\"dos\"}"],
        1.0
    );
    assert_eq!(samples["tidegate_api_responses_total{status=\"2xx\"}"], 1.0);
    assert_eq!(samples["tidegate_api_responses_total{status=\"4xx\"}"], 1.0);
    assert_eq!(samples["tidegate_api_responses_total{status=\"5xx\"}"], 1.0);
    assert_eq!(
        samples["tidegate_api_connections_total{result=\"accepted\"}"],
        4.0
    );
    assert!(!samples.contains_key("tidegate_ingress_packets_total"));
}
