//! Everything at once: the server is frozen, killed, busy and easily full, and the agent is killed too.

use std::{
    collections::HashMap,
    env,
    path::Path,
    process::{Child, Command, Stdio},
    sync::Arc,
    thread,
    time::Duration,
};

use jiff::{SignedDuration, Timestamp};
use tidegate::{
    config::{InfluxApi, InfluxConfig, JournalConfig},
    decision::{Change, Decision, Phase},
    export::influx::{Exporter, Secret},
    journal::{Journal, Reader},
};

use crate::{
    adapter::{Adapter, TOKEN},
    influxd::{DATABASE, Influxd},
    support::{decision, eventually, made},
};

/// Where the agent's process finds the name of its journal.
const JOURNAL: &str = "OUTAGE_TEST_JOURNAL";
const DECISIONS: u64 = 200_000;
/// One in so many is written down twice: when it is made and when it ends.
const LIVES: u64 = 4;

/// The decision of this number, as it is in the end; the same in every process.
fn final_decision(begin: Timestamp, id: u64) -> Decision {
    let created_at = begin + SignedDuration::from_nanos(id as i64 * 1_500);
    Decision {
        created_at,
        until: created_at + SignedDuration::from_secs((id % 600) as i64),
        phase: Phase::Expired,
        packets_dropped: id * 3,
        bytes_dropped: id * 180,
        confidence: (id % 1_000) as f32 / 1_000.0,
        ..decision(id)
    }
}

/// The agent of the test below, in a process of its own so that it can be killed. It goes on where the journal ends.
/// No test by itself: without the variables the other one sets there is nothing to do.
#[test]
fn agent() {
    let Ok(path) = env::var(JOURNAL) else {
        return;
    };
    let [url, refused] = ["URL", "REFUSED"].map(|name| env::var(name).unwrap());
    let begin: Timestamp = env::var("BEGIN").unwrap().parse().unwrap();
    // Nothing is to be removed for want of room.
    let config = JournalConfig {
        max_bytes: 1 << 30,
        ..JournalConfig::default()
    };
    let (journal, past) = Journal::open(Path::new(&path), &config).unwrap();
    let config = InfluxConfig {
        api: InfluxApi::V2,
        bucket: DATABASE.to_owned(),
        org: "testers".to_owned(),
        host: "gate".to_owned(),
        refused_file: Some(refused.into()),
        timeout: Duration::from_secs(2),
        ..InfluxConfig::default()
    };
    let secret = Secret::load(Some(Path::new(&env::var("SECRET").unwrap()))).unwrap();
    let exporter = Exporter::start(Path::new(&path), &url, &config, secret).unwrap();
    let record = |change: Change| {
        eventually("there is room in the queue", || {
            journal.record(change.clone()).then_some(())
        });
    };
    for decision in past.active {
        record(Change::Ended(Arc::new(final_decision(begin, decision.id))));
    }
    for id in past.last_id + 1..=DECISIONS {
        let decision = final_decision(begin, id);
        if id % LIVES == 0 {
            record(made(&Decision {
                phase: Phase::Active,
                packets_dropped: 0,
                bytes_dropped: 0,
                ..decision.clone()
            }));
            record(Change::Ended(Arc::new(decision)));
        } else {
            record(made(&decision));
        }
    }
    // Refused for want of room, and offered again: that is not lost.
    eventually("all is written down", || {
        (journal.status().health().waiting == 0).then_some(())
    });
    let cursor_at_end = || {
        let reader = Reader::open(Path::new(&path)).unwrap();
        let cursor = reader
            .cursor(&format!("influx v2 {url} {DATABASE}"))
            .unwrap();
        (reader.behind(cursor).unwrap() == 0).then_some(())
    };
    eventually("all is sent", cursor_at_end);
    let health = exporter.status().health();
    assert_eq!((health.refused, health.lost), (0, 0), "{health:?}");
}

fn start_agent(folder: &Path, url: &str, begin: Timestamp) -> Child {
    Command::new(env::current_exe().unwrap())
        .args(["outage::agent", "--exact", "--nocapture"])
        .env(JOURNAL, folder.join("journal.db"))
        .env("REFUSED", folder.join("refused"))
        .env("SECRET", folder.join("secret"))
        .env("URL", url)
        .env("BEGIN", begin.to_string())
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .spawn()
        .unwrap()
}

/// How many decisions the journal has come to.
fn written(path: &Path) -> Option<u64> {
    let reader = Reader::open(path).ok()?;
    Some(reader.past().ok()?.last_id)
}

fn stored(influxd: &Influxd) -> u64 {
    let count = influxd.query("SELECT COUNT(\"id\") FROM tidegate_verdicts");
    count["values"][0][1].as_u64().unwrap_or(0)
}

#[test]
fn no_verdict_is_lost_or_there_twice_whatever_fails() {
    let begin = Timestamp::now();
    let mut influxd = Influxd::start(&[("INFLUXDB_HTTP_MAX_BODY_SIZE", "600000")]);
    influxd.create_database();
    let adapter = Adapter::start(influxd.port());
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal.db");
    std::fs::write(folder.path().join("secret"), TOKEN).unwrap();
    let mut agent = start_agent(folder.path(), &adapter.url(), begin);
    let reach = |decisions| {
        eventually("decisions are written down", || {
            (written(&path)? >= decisions).then_some(())
        });
    };
    let sent = |influxd: &Influxd, decisions| {
        eventually("points are stored", || {
            (stored(influxd) >= decisions).then_some(())
        });
    };

    reach(20_000);
    sent(&influxd, 10_000);
    influxd.freeze();
    thread::sleep(Duration::from_secs(5));
    influxd.thaw();
    sent(&influxd, 30_000);
    influxd.crash_and_restart(Duration::from_secs(1));
    sent(&influxd, 60_000);
    adapter.be_busy(3, "1");
    eventually("the busy server was asked", || {
        (adapter.busy() == 0).then_some(())
    });
    sent(&influxd, 90_000);
    // With a batch on its way, for which nobody has said that it is stored.
    influxd.freeze();
    thread::sleep(Duration::from_secs(3));
    agent.kill().unwrap();
    assert_eq!(agent.wait().unwrap().code(), None);
    influxd.thaw();
    let interrupted = stored(&influxd);
    assert!(interrupted < DECISIONS, "killed too late to show anything");
    let mut agent = start_agent(folder.path(), &adapter.url(), begin);
    assert!(agent.wait().unwrap().success());
    assert!(adapter.too_large() > 0, "no request was too large");

    let refused = std::fs::read_to_string(folder.path().join("refused"));
    assert!(refused.is_err(), "{:.2000}", refused.unwrap());
    assert_eq!(stored(&influxd), DECISIONS);
    let columns = "\"id\", \"src\", \"dst\", src_port, dst_port, protocol, confidence, model, duration_s, \
         packets_dropped, bytes_dropped, phase, host, iface, class, action";
    let (header, rows) = influxd.table(&format!("SELECT {columns} FROM tidegate_verdicts"));
    assert_eq!(rows.len() as u64, DECISIONS);
    let place: HashMap<_, _> = header.iter().map(String::as_str).zip(0..).collect();
    let mut seen = vec![false; DECISIONS as usize + 1];
    for row in rows {
        let text = |column: &str| row[place[column]].as_str();
        let number = |column: &str| text(column).parse::<f64>().unwrap();
        let id: u64 = text("id").parse().unwrap();
        assert!(
            !std::mem::replace(&mut seen[id as usize], true),
            "{id} is there twice"
        );
        let decision = final_decision(begin, id);
        assert_eq!(
            text("time"),
            decision.created_at.as_nanosecond().to_string()
        );
        assert_eq!(text("src"), decision.target.source.unwrap().to_string());
        assert_eq!(
            text("packets_dropped"),
            decision.packets_dropped.to_string()
        );
        assert_eq!(text("bytes_dropped"), decision.bytes_dropped.to_string());
        assert_eq!(number("duration_s"), (id % 600) as f64);
        assert_eq!(number("confidence"), (id % 1_000) as f64 / 1_000.0);
        let same_for_all = ["dst", "src_port", "dst_port", "protocol", "model", "phase"].map(text);
        assert_eq!(
            same_for_all,
            ["192.0.2.1", "40000", "80", "tcp", "live-forest", "expired"]
        );
        let tags = ["host", "iface", "class", "action"].map(text);
        assert_eq!(tags, ["gate", "eth0", "dos", "rate-limit"]);
    }
}
