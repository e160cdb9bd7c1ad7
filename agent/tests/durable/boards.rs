//! Grafana's dashboards of verdicts: every query they make, as Grafana makes it, of points the exporter wrote.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;
use tidegate::{
    config::{InfluxApi, InfluxConfig},
    decision::{Decision, Origin, Phase},
    export::influx::{Exporter, Secret},
};
use tidegate_common::verdict::Action;
use tidegate_models::Class;

use crate::{
    influxd::{DATABASE, Influxd, client},
    support::{decision, ended, eventually, made, open},
};

const HOST: &str = "gate (1)";

/// Panels, with the columns and the tags each of their queries must bring.
const PANELS: [(&str, &[(&str, &str)]); 16] = [
    ("Verdicts", &[("time count", "")]),
    ("Packets dropped", &[("time sum", "")]),
    ("Bytes dropped", &[("time sum", "")]),
    ("In force", &[("time count", "")]),
    ("Only simulated", &[("time count", "")]),
    ("Reaction, median", &[("time percentile", "")]),
    ("Verdicts by class", &[("time count", "class")]),
    ("Verdicts by action", &[("time count", "action")]),
    (
        "Packets dropped by the verdicts made then",
        &[("time sum", "class")],
    ),
    (
        "Reaction time",
        &[
            ("time percentile", ""),
            ("time percentile", ""),
            ("time max", ""),
        ],
    ),
    (
        "Top sources",
        &[("time src packets_dropped bytes_dropped id", "")],
    ),
    (
        "Heaviest verdicts",
        &[(
            "time packets_dropped src dst dst_port class action phase id",
            "",
        )],
    ),
    ("Confidence", &[("time mean", "class")]),
    (
        "Time in force",
        &[("time percentile", ""), ("time max", "")],
    ),
    ("Verdicts by interface", &[("time count", "host iface")]),
    (
        "Latest verdicts",
        &[(
            "time id class action src dst dst_port protocol confidence model phase packets_dropped duration_s host",
            "",
        )],
    ),
];

fn board(name: &str) -> Value {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let path = root.join("deploy/grafana/dashboards").join(name);
    serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap()
}

/// What Grafana puts in for its variables, with these agents chosen.
fn filled_in(query: &str, agents: &str) -> String {
    let now = Timestamp::now().as_millisecond();
    let time = format!("time >= {}ms and time <= {now}ms", now - 6 * 3_600_000);
    let query = query
        .replace("$timeFilter", &time)
        .replace("$__interval", "30s")
        .replace("${host:regex}", agents);
    // What is left is the end of a regular expression.
    assert!(!query.replace("$/", "").contains('$'), "{query}");
    query
}

/// All series of the answer.
fn ask(influxd: &Influxd, query: &str) -> Vec<Value> {
    let mut response = client()
        .post(format!("{}/query", influxd.url()))
        .query("db", DATABASE)
        .query("epoch", "ms")
        .send_form([("q", query)])
        .unwrap();
    let answer: Value = response.body_mut().read_json().unwrap();
    let result = &answer["results"][0];
    assert!(result.get("error").is_none(), "{query}: {answer}");
    let series = result["series"].as_array();
    series
        .unwrap_or_else(|| panic!("{query}: {answer}"))
        .clone()
}

fn words(columns: &Value) -> String {
    let words = columns.as_array().unwrap().iter();
    let words: Vec<_> = words.map(|word| word.as_str().unwrap()).collect();
    words.join(" ")
}

/// Of a series grouped by time: the sum of its second column.
fn sum(series: &Value) -> u64 {
    let rows = series["values"].as_array().unwrap().iter();
    rows.map(|row| row[1].as_u64().unwrap_or(0)).sum()
}

/// Thirty verdicts of the last half hour: of three classes and by hand; half are over.
fn verdicts() -> Vec<Decision> {
    let kind = |id: u64| match id % 4 {
        0 => (Some(Class::Dos), Action::Drop),
        1 => (Some(Class::Probe), Action::RateLimit),
        2 => (Some(Class::R2l), Action::Watch),
        _ => (None, Action::Drop),
    };
    let verdict = |id: u64| {
        let made_by = decision(id);
        let (class, action) = kind(id);
        let created_at = Timestamp::now() - SignedDuration::from_secs(1 + 60 * id as i64);
        Decision {
            class,
            action,
            origin: class.map_or(Origin::Manual, |_| Origin::Model),
            model: class.map_or_else(|| "".into(), |_| made_by.model.clone()),
            grounds: class.and(made_by.grounds.clone()),
            simulated: id == 30,
            created_at,
            until: created_at + SignedDuration::from_secs(600),
            ..made_by
        }
    };
    (1..=30).map(verdict).collect()
}

#[test]
fn every_query_of_the_verdicts_dashboard_is_answered_from_real_points() {
    let influxd = Influxd::start(&[]);
    influxd.create_database();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal.db");
    let (journal, _) = open(&path);
    for verdict in &verdicts() {
        journal.record(made(verdict));
        if verdict.id <= 15 {
            journal.record(ended(verdict, Phase::Expired, verdict.id));
        }
    }
    eventually("all is written down", || {
        (journal.status().health().written == 45).then_some(())
    });
    let config = InfluxConfig {
        api: InfluxApi::V1,
        bucket: DATABASE.to_owned(),
        host: HOST.to_owned(),
        ..InfluxConfig::default()
    };
    let exporter = Exporter::start(&path, &influxd.url(), &config, Secret::default()).unwrap();
    eventually("the points are stored", || {
        (exporter.status().health().stored == 30).then_some(())
    });

    let board = board("tidegate-verdicts.json");
    let mut answers: BTreeMap<String, Vec<Vec<Value>>> = BTreeMap::new();
    for panel in board["panels"].as_array().unwrap() {
        let title = panel["title"].as_str().unwrap();
        let known = PANELS.iter().find(|(name, _)| *name == title);
        let (_, expected) = known.unwrap_or_else(|| panic!("{title} is not known here"));
        let targets = panel["targets"].as_array().unwrap();
        assert_eq!(targets.len(), expected.len(), "{title}");
        for (target, (columns, tags)) in targets.iter().zip(*expected) {
            assert_eq!(target["rawQuery"], true, "{title}");
            let query = target["query"].as_str().unwrap();
            let everybody = ask(&influxd, &filled_in(query, ".*"));
            let series = ask(&influxd, &filled_in(query, r"(gate \(1\)|other)"));
            assert_eq!(series.len(), everybody.len(), "{title}");
            for one in &series {
                assert_eq!(words(&one["columns"]), *columns, "{title}");
                let found = one["tags"].as_object();
                let found: Vec<&str> = found.into_iter().flatten().map(|(k, _)| &**k).collect();
                assert_eq!(found.join(" "), *tags, "{title}");
                let mut rows = one["values"].as_array().unwrap().iter();
                assert!(
                    rows.any(|row| row.as_array().unwrap().iter().skip(1).all(|v| !v.is_null())),
                    "{title}: {one}"
                );
            }
            // A legend names tags by which the answer is grouped.
            let alias = target["alias"].as_str().unwrap_or_default();
            for tag in alias.split("$tag_").skip(1) {
                assert!(tags.split(' ').any(|known| tag.trim() == known), "{alias}");
            }
            let answers = answers.entry(title.to_owned()).or_default();
            answers.push(series);
        }
    }
    let shown: BTreeSet<&str> = answers.keys().map(String::as_str).collect();
    assert_eq!(shown, PANELS.iter().map(|(name, _)| *name).collect());

    let one = |title: &str| answers[title][0][0]["values"][0][1].as_u64().unwrap();
    let packets = (1..=15).sum::<u64>();
    assert_eq!(one("Verdicts"), 30);
    assert_eq!(one("Packets dropped"), packets);
    assert_eq!(one("Bytes dropped"), packets * 60);
    assert_eq!(one("In force"), 15);
    assert_eq!(one("Only simulated"), 1);
    // 1,000 ns, in ms.
    let median = answers["Reaction, median"][0][0]["values"][0][1].as_f64();
    assert!((median.unwrap() - 0.001).abs() < 1e-12);
    let by = |title: &str, tag: &str| -> BTreeMap<String, u64> {
        let series = answers[title][0].iter();
        let name = |one: &Value| one["tags"][tag].as_str().unwrap().to_owned();
        series.map(|one| (name(one), sum(one))).collect()
    };
    let classes = [("", 7), ("dos", 7), ("probe", 8), ("r2l", 8)];
    let classes = classes.map(|(class, n)| (class.to_owned(), n)).into();
    assert_eq!(by("Verdicts by class", "class"), classes);
    let actions = [("drop", 14), ("rate-limit", 8), ("watch", 8)];
    let actions = actions.map(|(action, n)| (action.to_owned(), n)).into();
    assert_eq!(by("Verdicts by action", "action"), actions);
    let heaviest = &answers["Heaviest verdicts"][0][0]["values"];
    let most = heaviest.as_array().unwrap().iter();
    assert_eq!(most.map(|row| row[1].as_u64().unwrap()).max(), Some(15));
    let sources = answers["Top sources"][0][0]["values"].as_array().unwrap();
    let sources: BTreeSet<_> = sources.iter().map(|row| row[1].as_str().unwrap()).collect();
    assert_eq!(sources.len(), 30);
    assert!(sources.contains("10.0.0.7"));

    let variables = board["templating"]["list"].as_array().unwrap().iter();
    let queries: Vec<_> = variables.filter(|v| v["type"] == "query").collect();
    assert_eq!(queries.len(), 1);
    let agents = ask(&influxd, queries[0]["query"].as_str().unwrap());
    assert_eq!(agents[0]["values"], serde_json::json!([["host", HOST]]));
}

#[test]
fn panels_have_places_of_their_own_and_data_sources_that_can_be_chosen() {
    for (name, kind) in [
        ("tidegate-verdicts.json", "influxdb"),
        ("tidegate-dataplane.json", "prometheus"),
    ] {
        let board = board(name);
        assert_eq!(name, format!("{}.json", board["uid"].as_str().unwrap()));
        let variables = board["templating"]["list"].as_array().unwrap();
        assert_eq!(variables[0]["type"], "datasource");
        assert_eq!(
            (&variables[0]["name"], &variables[0]["query"]),
            (&kind.into(), &kind.into())
        );
        let source = serde_json::json!({ "type": kind, "uid": format!("${{{kind}}}") });
        let (mut ids, mut cells) = (BTreeSet::new(), BTreeSet::new());
        for panel in board["panels"].as_array().unwrap() {
            let title = &panel["title"];
            assert!(ids.insert(panel["id"].as_u64().unwrap()), "{title}");
            let place = |key| panel["gridPos"][key].as_u64().unwrap();
            let (x, y, w, h) = (place("x"), place("y"), place("w"), place("h"));
            assert!(w > 0 && h > 0 && x + w <= 24, "{title}");
            for cell in (y..y + h).flat_map(|y| (x..x + w).map(move |x| (x, y))) {
                assert!(cells.insert(cell), "{title} lies on another panel");
            }
            if panel["type"] == "row" {
                continue;
            }
            assert_eq!(panel["datasource"], source, "{title}");
            for target in panel["targets"].as_array().unwrap() {
                assert_eq!(target["datasource"], source, "{title}");
            }
        }
    }
}
