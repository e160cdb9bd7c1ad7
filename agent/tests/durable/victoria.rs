//! A server that knows `/api/v2/write` by itself: VictoriaMetrics, which keeps tags and numbers.

use std::{
    process::{Child, Command, Stdio},
    sync::Arc,
};

use serde_json::Value;
use tempfile::TempDir;
use tidegate::{
    config::InfluxConfig,
    decision::{Change, Decision, Phase},
    export::influx::{Exporter, Secret},
};

use crate::{
    influxd::{binary, client, free_port},
    support::{decision, eventually, open},
};

struct Victoria {
    child: Child,
    url: String,
    _folder: TempDir,
}

impl Victoria {
    fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let address = format!("127.0.0.1:{}", free_port());
        let child = Command::new(binary("victoria-metrics"))
            .arg(format!("-storageDataPath={}", folder.path().display()))
            .arg(format!("-httpListenAddr={address}"))
            // It takes most of the machine's memory otherwise.
            .arg("-memory.allowedBytes=64MB")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let server = Self {
            child,
            url: format!("http://{address}"),
            _folder: folder,
        };
        eventually("the server is ready", || server.get("/health"));
        server
    }

    fn get(&self, path: &str) -> Option<String> {
        let mut answer = client().get(format!("{}{path}", self.url)).call().ok()?;
        answer.status().is_success().then_some(())?;
        answer.body_mut().read_to_string().ok()
    }
}

impl Drop for Victoria {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn the_v2_endpoint_of_another_server_takes_the_points() {
    let server = Victoria::start();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal.db");
    let (journal, _) = open(&path);
    for id in 1..=20 {
        journal.record(Change::Made(Arc::new(Decision {
            phase: Phase::Expired,
            packets_dropped: id * 7,
            ..decision(id)
        })));
    }
    let config = InfluxConfig {
        host: "gate".to_owned(),
        ..InfluxConfig::default()
    };
    let exporter = Exporter::start(&path, &server.url, &config, Secret::default()).unwrap();
    eventually("the points are stored", || {
        (exporter.status().health().stored == 20).then_some(())
    });
    let series: Value = eventually("the points can be read", || {
        server.get("/internal/force_flush")?;
        let found = server.get("/api/v1/export?match[]=tidegate_verdicts_packets_dropped")?;
        serde_json::from_str(found.trim()).ok()
    });
    let metric = &series["metric"];
    let tags = ["host", "iface", "class", "action"].map(|name| metric[name].as_str().unwrap());
    assert_eq!(tags, ["gate", "eth0", "dos", "rate-limit"]);
    let values = series["values"].as_array().unwrap().iter();
    let sum: f64 = values.map(|value| value.as_f64().unwrap()).sum();
    assert_eq!(sum, f64::from((1..=20).sum::<u32>() * 7));
}
