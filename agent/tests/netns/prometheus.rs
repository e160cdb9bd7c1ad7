//! The metrics of an agent at work, as Prometheus reads them, and the dashboard made of them.

use std::{
    collections::BTreeSet,
    fs,
    io::Write as _,
    net::IpAddr,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use serde_json::Value;

use crate::{
    agent::{Agent, Home, Settings},
    influx::database,
    influxd::{DATABASE, binary, client, free_port},
    lab::{Lab, Place, eventually},
};

/// Every label there is. Their values are names of ours, interfaces, or bounds of a histogram.
const LABELS: [&str; 12] = [
    "class", "exported", "iface", "kind", "le", "mode", "model", "reason", "result", "status",
    "table", "version",
];

fn deployed(path: &str) -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    root.join("deploy").join(path)
}

/// `promtool check …`; what it has to say, which should be nothing that needs attention.
fn check(words: &[&str], input: &str) -> String {
    let mut child = Command::new(binary("promtool"))
        .arg("check")
        .args(words)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(input.as_bytes()).unwrap();
    drop(stdin);
    let output = child.wait_with_output().unwrap();
    let said = [output.stdout, output.stderr].concat();
    let said = String::from_utf8(said).unwrap();
    assert!(output.status.success(), "promtool check {words:?}: {said}");
    said
}

fn metrics(place: &Place) -> String {
    place.inside(|| {
        let url = "http://127.0.0.1:8080/metrics";
        let mut response = client().get(url).call().unwrap();
        response.body_mut().read_to_string().unwrap()
    })
}

/// Samples without their values.
fn series(text: &str) -> BTreeSet<String> {
    let samples = text.lines().filter(|line| !line.starts_with('#'));
    samples
        .map(|line| line.rsplit_once(' ').unwrap().0.to_owned())
        .collect()
}

/// Names and values of a sample's labels.
fn labels(series: &str) -> Vec<(&str, &str)> {
    let Some((_, rest)) = series.split_once('{') else {
        return Vec::new();
    };
    let pairs = rest.trim_end_matches('}').split("\",");
    pairs
        .map(|pair| pair.split_once("=\"").unwrap())
        .map(|(name, value)| (name, value.trim_end_matches('"')))
        .collect()
}

/// A Prometheus that scrapes the agent of a namespace, as the file in `deploy` says but oftener.
struct Prometheus {
    child: Child,
    place: Place,
    port: u16,
    _folder: tempfile::TempDir,
}

impl Prometheus {
    fn start(place: &Place) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let config = folder.path().join("prometheus.yml");
        let text = fs::read_to_string(deployed("prometheus/prometheus.yml")).unwrap();
        let often = text.replace("scrape_interval: 15s", "scrape_interval: 1s");
        assert_ne!(text, often);
        fs::write(&config, often).unwrap();
        let alerts = "alerts.yml";
        fs::copy(
            deployed("prometheus").join(alerts),
            folder.path().join(alerts),
        )
        .unwrap();
        let port = place.inside(free_port);
        let log = fs::File::create(folder.path().join("log")).unwrap();
        let child = place
            .command(binary("prometheus").to_str().unwrap())
            .arg(format!("--config.file={}", config.display()))
            .arg(format!("--storage.tsdb.path={}", folder.path().display()))
            .arg(format!("--web.listen-address=127.0.0.1:{port}"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .unwrap();
        Self {
            child,
            place: place.clone(),
            port,
            _folder: folder,
        }
    }

    /// The series an expression comes to now; `None` while there is no server.
    fn query(&self, expression: &str) -> Option<Vec<Value>> {
        let url = format!("http://127.0.0.1:{}/api/v1/query", self.port);
        let answer: Value = self.place.inside(|| {
            let mut response = client().post(url).send_form([("query", expression)]).ok()?;
            response.body_mut().read_json().ok()
        })?;
        if answer["status"] != "success" {
            // Not ready yet, or an expression that is wrong: the latter does not pass.
            assert_ne!(answer["errorType"], "bad_data", "{expression}: {answer}");
            return None;
        }
        Some(answer["data"]["result"].as_array().unwrap().clone())
    }
}

impl Drop for Prometheus {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Title, expression and legend of every query of the dashboard, for all agents.
fn expressions() -> Vec<(String, String, String)> {
    let path = deployed("grafana/dashboards/tidegate-dataplane.json");
    let board: Value = serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap();
    let mut expressions = Vec::new();
    for panel in board["panels"].as_array().unwrap() {
        for target in panel["targets"].as_array().into_iter().flatten() {
            let expression = target["expr"].as_str().unwrap();
            let expression = expression
                .replace("$__rate_interval", "10s")
                .replace("$instance", ".*");
            assert!(!expression.contains('$'), "{expression}");
            let text = |value: &Value| value.as_str().unwrap().to_owned();
            expressions.push((
                text(&panel["title"]),
                expression,
                text(&target["legendFormat"]),
            ));
        }
    }
    assert!(expressions.len() > 40);
    expressions
}

#[test]
fn prometheus_reads_the_metrics_and_every_expression_of_the_dashboard_has_an_answer() {
    let said = check(
        &[
            "config",
            deployed("prometheus/prometheus.yml").to_str().unwrap(),
        ],
        "",
    );
    assert!(said.contains("SUCCESS"), "{said}");
    let lab = Lab::new();
    let [attacker, victim, blocked] = &lab.hosts;
    let inside = &lab.switch;
    let influxd = database(inside);
    let home = Home::new();
    let config = format!(
        "[influx]\nurl = \"{}\"\napi = \"v1\"\nbucket = \"{DATABASE}\"",
        influxd.url()
    );
    let settings = Settings {
        config: &config,
        ..Settings::default()
    };
    let agent = Agent::start(inside, &home, &settings);
    let before = eventually("the exporter shows", || {
        let before = series(&metrics(inside));
        before
            .contains("tidegate_influx_retries_total")
            .then_some(before)
    });
    let prometheus = Prometheus::start(inside);

    attacker.flood(victim.ip(), 1_000, 1_500).finish();
    agent.add(&format!("--source {} --duration 10m", blocked.ip()));
    eventually("the decisions are in the InfluxDB", || {
        let stats = agent.get("/v1/stats");
        (stats["influx"]["behind"] == 0 && stats["influx"]["stored"].as_u64()? >= 2).then_some(())
    });
    let text = metrics(inside);
    // It says nothing if it has nothing to complain of.
    assert_eq!(check(&["metrics"], &text), "");
    let after = series(&text);
    assert_eq!(after, before, "traffic and decisions made new series");
    for one in &after {
        for (name, value) in labels(one) {
            assert!(LABELS.contains(&name), "{one}");
            assert!(value.parse::<IpAddr>().is_err(), "{one}");
        }
    }

    for (title, expression, legend) in expressions() {
        let found = eventually(&format!("{title} shows {expression}"), || {
            let found = prometheus.query(&expression)?;
            (!found.is_empty()).then_some(found)
        });
        for label in legend.split("{{").skip(1) {
            let (label, _) = label.split_once("}}").unwrap();
            let has = |one: &Value| one["metric"].get(label).is_some();
            assert!(found.iter().all(has), "{title}: no {label}: {found:?}");
        }
    }
    // Of alerts, that their metrics and labels are there: `or` joins several, and a comparison hides what is well.
    let alerts = fs::read_to_string(deployed("prometheus/alerts.yml")).unwrap();
    let words = alerts.split([' ', '\n', '(', ')', '[']);
    let named: BTreeSet<&str> = words.filter(|word| word.starts_with("tidegate_")).collect();
    assert!(named.len() >= 7, "{named:?}");
    for name in named {
        let found = prometheus.query(name).unwrap();
        assert!(!found.is_empty(), "alerts.yml: nothing is called {name}");
    }
    let number = |expression: &str| -> f64 {
        let found = prometheus.query(expression).unwrap();
        found[0]["value"][1].as_str().unwrap().parse().unwrap()
    };
    eventually("the drops were scraped", || {
        (number("sum(tidegate_verdict_packets_total{result=\"dropped\"})") > 100.0).then_some(())
    });
    assert!(number("sum(tidegate_influx_points_total{result=\"stored\"})") >= 2.0);
}
