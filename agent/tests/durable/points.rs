//! What an InfluxDB has of a decision.

use std::{fs, path::Path, sync::Arc, time::Duration};

use jiff::SignedDuration;
use tidegate::{
    config::{InfluxApi, InfluxConfig},
    decision::{Culprit, Decision, Grounds, Phase},
    export::influx::{Exporter, Secret, line::Lines, point},
    journal::Reader,
};

use crate::{
    adapter::{Adapter, TOKEN},
    influxd::{DATABASE, Influxd, client},
    support::{decision, ended, eventually, made, open},
};

/// Names that mean something to line protocol, shells and terminals.
const HOSTILE: [&str; 8] = [
    "plain",
    "two words, a=b",
    "say \"hi\" 'there'",
    "back\\slash",
    "Gr\u{fc}\u{df}e \u{1f980}",
    "# no comment",
    "100% \t$HOME `id`",
    "1700000000i",
];

fn config(api: InfluxApi) -> InfluxConfig {
    InfluxConfig {
        api,
        bucket: DATABASE.to_owned(),
        org: "testers".to_owned(),
        host: "gate 1,x=y".to_owned(),
        ..InfluxConfig::default()
    }
}

fn secret(folder: &Path, text: &str) -> Secret {
    let path = folder.join("secret");
    fs::write(&path, text).unwrap();
    Secret::load(Some(&path)).unwrap()
}

#[test]
fn a_decision_is_one_point_that_follows_its_life() {
    let influxd = Influxd::start(&[]);
    influxd.create_database();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal.db");
    let (journal, _) = open(&path);
    let config = config(InfluxApi::V1);
    let exporter = Exporter::start(&path, &influxd.url(), &config, Secret::default()).unwrap();
    let decision = Decision {
        model: "a \"model\", \\ =\n2".into(),
        ..decision(7)
    };
    let stored = |points| {
        eventually("the points are stored", || {
            (exporter.status().health().stored == points).then_some(())
        });
    };
    journal.record(made(&decision));
    stored(1);
    let point = |influxd: &Influxd| {
        let series = influxd.query("SELECT * FROM tidegate_verdicts");
        assert_eq!(series["values"].as_array().unwrap().len(), 1, "{series}");
        let columns = series["columns"].as_array().unwrap().iter();
        let names = columns.map(|name| name.as_str().unwrap().to_owned());
        let values = series["values"][0].as_array().unwrap().iter().cloned();
        names.zip(values).collect::<serde_json::Map<_, _>>()
    };
    let first = point(&influxd);
    let at = i64::try_from(decision.created_at.as_nanosecond()).unwrap();
    assert_eq!(
        serde_json::Value::from(first.clone()),
        serde_json::json!({
            "time": at, "action": "rate-limit", "class": "dos", "host": "gate 1,x=y", "iface": "eth0",
            "src": "10.0.0.7", "src_port": 40_000, "dst": "192.0.2.1", "dst_port": 80, "protocol": "tcp",
            "confidence": 0.875, "model": "a \"model\", \\ =\n2", "duration_s": 300, "packets_dropped": 0,
            "bytes_dropped": 0, "id": 7, "phase": "active", "simulated": false,
        })
    );
    journal.record(ended(&decision, Phase::Lifted, 9));
    stored(2);
    let second = point(&influxd);
    assert_eq!(second["time"], at);
    assert_eq!(
        (&second["packets_dropped"], &second["bytes_dropped"]),
        (&9.into(), &540.into())
    );
    assert_eq!(second["phase"], "lifted");
    assert!(second["duration_s"].as_f64().unwrap() < 300.0);

    // What is a tag can be grouped by and not counted; the other way round for fields.
    let by_class = influxd.query("SELECT COUNT(\"id\") FROM tidegate_verdicts GROUP BY \"class\"");
    assert_eq!(by_class["tags"]["class"], "dos");
    assert_eq!(by_class["values"][0][1], 1);
}

#[test]
fn what_the_encoder_writes_influxd_reads_back() {
    let influxd = Influxd::start(&[]);
    influxd.create_database();
    let mut lines = Lines::default();
    for (index, text) in HOSTILE.iter().enumerate() {
        lines
            .point("m \u{e9},=")
            .tag("tag", text)
            .text("text", &format!("{text}\n\"\\"))
            .float("none", f64::NAN)
            .at(index as i64 + 1);
    }
    let url = format!("{}/write?precision=ns&db={DATABASE}", influxd.url());
    let sent = client()
        .post(url)
        .send(lines.text(0, HOSTILE.len()))
        .unwrap();
    assert_eq!(sent.status(), 204);
    let series = influxd.query("SELECT \"tag\", \"text\" FROM \"m \u{e9},=\"");
    for (index, text) in HOSTILE.iter().enumerate() {
        let row = &series["values"][index];
        assert_eq!(row[0], index + 1);
        // Control characters become spaces in tags.
        assert_eq!(row[1], text.replace('\t', " "));
        assert_eq!(row[2], format!("{text}\n\"\\"));
    }
}

#[test]
fn what_is_sent_is_what_influxdb2_would_send() {
    let influxd = Influxd::start(&[]);
    influxd.create_database();
    let adapter = Adapter::start(influxd.port());
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal.db");
    let (journal, _) = open(&path);
    for (id, text) in (1..).zip(HOSTILE) {
        let decision = decision(id);
        let grounds = decision.grounds.clone().unwrap();
        let grounds = Grounds {
            culprit: Culprit {
                interface: text.into(),
                ..grounds.culprit.clone()
            },
            ..Grounds::clone(&grounds)
        };
        journal.record(made(&Decision {
            model: text.into(),
            grounds: Some(Arc::new(grounds)),
            ..decision
        }));
    }
    eventually("all are written down", || {
        (journal.status().health().written == HOSTILE.len() as u64).then_some(())
    });
    let secret = secret(folder.path(), TOKEN);
    let exporter = Exporter::start(&path, &adapter.url(), &config(InfluxApi::V2), secret).unwrap();
    eventually("the points are stored", || {
        (exporter.status().health().stored == HOSTILE.len() as u64).then_some(())
    });
    drop(exporter);
    // The crate that most programs use, with the same lines.
    let reader = Reader::open(&path).unwrap();
    let mut lines = Lines::default();
    for entry in &reader.changed_after(0, HOSTILE.len()).unwrap().entries {
        point::add(&mut lines, entry, "gate 1,x=y");
    }
    let theirs = influxdb2::Client::new(adapter.url(), "testers", TOKEN);
    let lines = lines.text(0, HOSTILE.len()).to_owned();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime
        .block_on(theirs.write_line_protocol("testers", DATABASE, lines))
        .unwrap();
    let seen = adapter.seen();
    let [ours, theirs] = &seen[..] else {
        panic!("{seen:?}");
    };
    assert_eq!(ours.target, theirs.target);
    assert_eq!(ours.digest, theirs.digest);

    let series = influxd.query("SELECT \"model\", \"iface\", \"id\" FROM tidegate_verdicts");
    assert_eq!(series["values"].as_array().unwrap().len(), HOSTILE.len());
    for (index, text) in HOSTILE.iter().enumerate() {
        let row = &series["values"][index];
        assert_eq!(row[1], *text);
        assert_eq!(row[2], text.replace('\t', " "));
    }
}

#[test]
fn a_wrong_password_makes_the_points_wait_and_is_not_told() {
    let mut influxd = Influxd::start(&[("INFLUXDB_HTTP_AUTH_ENABLED", "true")]);
    influxd.query("CREATE USER gate WITH PASSWORD 'right' WITH ALL PRIVILEGES");
    influxd.login = Some(("gate", "right"));
    influxd.create_database();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal.db");
    let (journal, _) = open(&path);
    journal.record(made(&decision(1)));
    let config = InfluxConfig {
        user: "gate".to_owned(),
        ..config(InfluxApi::V1)
    };
    let wrong = secret(folder.path(), "wr0ng-s3cret");
    let exporter = Exporter::start(&path, &influxd.url(), &config, wrong).unwrap();
    let trouble = eventually("the server's words show", || {
        exporter.status().health().trouble
    });
    assert!(
        trouble.contains("401") && trouble.contains("authorization"),
        "{trouble}"
    );
    assert!(!trouble.contains("wr0ng"), "{trouble}");
    drop(exporter);

    let right = secret(folder.path(), "right");
    let exporter = Exporter::start(&path, &influxd.url(), &config, right).unwrap();
    eventually("the point is stored", || {
        (exporter.status().health().stored == 1).then_some(())
    });
    assert!(!folder.path().join("journal.db.refused").exists());
}

#[test]
fn points_that_are_refused_are_put_aside_with_the_servers_words_and_the_others_go() {
    let influxd = Influxd::start(&[]);
    influxd.create_database();
    // So nobody can store a number there.
    let url = format!("{}/write?db={DATABASE}", influxd.url());
    let taken = "tidegate_verdicts src_port=\"text\" 1";
    assert_eq!(client().post(url).send(taken).unwrap().status(), 204);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal.db");
    let (journal, _) = open(&path);
    for id in 1..=100 {
        let grounds = if id == 42 { decision(id).grounds } else { None };
        // The one in a shard with the field of the other kind.
        let created_at = if id == 42 {
            jiff::Timestamp::from_nanosecond(2).unwrap()
        } else {
            decision(id).created_at + SignedDuration::from_nanos(id as i64)
        };
        journal.record(made(&Decision {
            grounds,
            created_at,
            ..decision(id)
        }));
    }
    let config = config(InfluxApi::V1);
    let exporter = Exporter::start(&path, &influxd.url(), &config, Secret::default()).unwrap();
    eventually("all are dealt with", || {
        let health = exporter.status().health();
        (health.refused == 1 && health.stored == 99).then_some(())
    });
    let refused = fs::read_to_string(folder.path().join("journal.db.refused")).unwrap();
    let lines: Vec<_> = refused.lines().collect();
    assert_eq!(lines.len(), 2, "{refused}");
    assert!(
        lines[0].starts_with("# ") && lines[0].contains("field type conflict"),
        "{refused}"
    );
    assert!(lines[1].contains(",id=42i,"), "{refused}");
    let count = influxd.query("SELECT COUNT(\"id\") FROM tidegate_verdicts WHERE time > 1d");
    assert_eq!(count["values"][0][1], 99);
}

#[test]
fn a_busy_server_is_asked_again_when_it_says_and_small_requests_where_big_ones_do_not_fit() {
    let influxd = Influxd::start(&[("INFLUXDB_HTTP_MAX_BODY_SIZE", "20000")]);
    influxd.create_database();
    let adapter = Adapter::start(influxd.port());
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal.db");
    let (journal, _) = open(&path);
    for id in 1..=1_000 {
        journal.record(made(&decision(id)));
    }
    eventually("all are written down", || {
        (journal.status().health().written == 1_000).then_some(())
    });
    adapter.be_busy(3, "2");
    let secret = secret(folder.path(), TOKEN);
    let exporter = Exporter::start(&path, &adapter.url(), &config(InfluxApi::V2), secret).unwrap();
    eventually("all are stored", || {
        (exporter.status().health().stored == 1_000).then_some(())
    });
    let seen = adapter.seen();
    // Each of the three answers was waited for as it asked, the first as well.
    for pair in seen[..4].windows(2) {
        assert!(
            pair[1].at - pair[0].at >= Duration::from_secs(2),
            "{seen:?}"
        );
    }
    let (big, small): (Vec<usize>, Vec<usize>) = seen
        .iter()
        .skip(4)
        .map(|request| request.bytes)
        .partition(|bytes| *bytes > 20_000);
    // Once it is known what fits, nothing else is tried.
    assert!(big.len() < 10 && small.len() >= 10, "{seen:?}");
    let count = influxd.query("SELECT COUNT(\"id\") FROM tidegate_verdicts");
    assert_eq!(count["values"][0][1], 1_000);
    assert_eq!(exporter.status().health().refused, 0);
    assert!(exporter.status().health().trouble.is_none());
}

#[test]
fn another_bucket_gets_everything_anew_and_the_same_one_nothing_twice() {
    let influxd = Influxd::start(&[]);
    influxd.create_database();
    influxd.query("CREATE DATABASE other");
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal.db");
    let (journal, _) = open(&path);
    journal.record(made(&decision(1)));
    let export = |bucket: &str, stored| {
        let config = InfluxConfig {
            bucket: bucket.to_owned(),
            ..config(InfluxApi::V1)
        };
        let exporter = Exporter::start(&path, &influxd.url(), &config, Secret::default()).unwrap();
        eventually("the points are stored", || {
            (exporter.status().health().stored == stored).then_some(())
        });
    };
    export(DATABASE, 1);
    journal.record(made(&decision(2)));
    export(DATABASE, 1);
    export("other", 2);
}
