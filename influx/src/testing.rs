//! A real InfluxDB 1.x of a test's own.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a failing unwrap is a failing test"
)]

mod https;

use std::{
    net::{Ipv4Addr, TcpListener},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use serde_json::Value;
use tempfile::TempDir;

pub use https::{Https, certificate};

/// Longer than it takes to be ready.
const PATIENCE: Duration = Duration::from_secs(60);

/// The database of all tests.
pub const DATABASE: &str = "gate";

/// A running influxd; goes with this, and so does what it stored.
#[derive(Debug)]
pub struct Influxd {
    child: Child,
    folder: TempDir,
    port: u16,
    settings: Vec<(&'static str, String)>,
    /// User and password of queries, if any.
    pub login: Option<(&'static str, &'static str)>,
}

impl Influxd {
    /// With a database; `settings` are its `INFLUXDB_…` variables.
    pub fn start(settings: &[(&'static str, &str)]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let settings = settings
            .iter()
            .map(|(name, value)| (*name, (*value).to_owned()));
        let settings: Vec<_> = settings.collect();
        let port = free_port();
        let child = launch(folder.path(), port, &settings);
        let server = Self {
            child,
            folder,
            port,
            settings,
            login: None,
        };
        server.wait_until_ready();
        server
    }

    /// Where it listens on loopback.
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// Its address.
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Makes [`DATABASE`].
    pub fn create_database(&self) {
        self.query(&format!("CREATE DATABASE {DATABASE}"));
    }

    /// Stops it in the middle of whatever it does; connections stay open and nobody answers.
    pub fn freeze(&self) {
        self.signal(Signal::SIGSTOP);
    }

    /// Lets it go on.
    pub fn thaw(&self) {
        self.signal(Signal::SIGCONT);
    }

    /// Kills it as a crash would, and starts it again.
    pub fn crash_and_restart(&mut self, down: Duration) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
        thread::sleep(down);
        self.child = launch(self.folder.path(), self.port, &self.settings);
        self.wait_until_ready();
    }

    /// CPU time it has used.
    pub fn cpu(&self) -> Option<Duration> {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.child.id())).ok()?;
        // Fields 14 and 15 of proc(5), counted from 3 after the name in brackets; USER_HZ is 100.
        let (_, rest) = stat.rsplit_once(')')?;
        let mut fields = rest.split_whitespace().skip(11);
        let mut ticks = || fields.next()?.parse::<u64>().ok();
        Some(Duration::from_millis(10 * (ticks()? + ticks()?)))
    }

    /// InfluxQL; the answer's first series, null where there is none.
    pub fn query(&self, query: &str) -> Value {
        self.all(query).into_iter().next().unwrap_or_default()
    }

    /// InfluxQL; all series of the answer.
    pub fn all(&self, query: &str) -> Vec<Value> {
        let answer: Value = serde_json::from_str(&self.ask(query, "application/json")).unwrap();
        let result = &answer["results"][0];
        assert!(result.get("error").is_none(), "{query}: {answer}");
        result["series"].as_array().cloned().unwrap_or_default()
    }

    /// InfluxQL; the answer as CSV, without its header, which is given first.
    pub fn table(&self, query: &str) -> (Vec<String>, Vec<Vec<String>>) {
        let text = self.ask(query, "application/csv");
        let mut rows = text
            .lines()
            .map(|line| line.split(',').map(str::to_owned).collect());
        (rows.next().unwrap_or_default(), rows.collect())
    }

    fn ask(&self, query: &str, accept: &str) -> String {
        let client = client();
        let mut request = client
            .post(format!("{}/query", self.url()))
            .query("db", DATABASE)
            .query("epoch", "ns")
            .header("accept", accept);
        if let Some((user, password)) = self.login {
            request = request.query("u", user).query("p", password);
        }
        let mut response = request.send_form([("q", query)]).unwrap();
        let text = response
            .body_mut()
            .with_config()
            .limit(1 << 30)
            .read_to_string()
            .unwrap();
        assert!(response.status().is_success(), "{query}: {text}");
        text
    }

    fn wait_until_ready(&self) {
        let url = format!("{}/ping", self.url());
        let deadline = Instant::now() + PATIENCE;
        while client().get(&url).call().is_err() {
            assert!(Instant::now() < deadline, "influxd is not ready");
            thread::sleep(Duration::from_millis(20));
        }
    }

    fn signal(&self, signal: Signal) {
        kill(Pid::from_raw(self.child.id().cast_signed()), signal).unwrap();
    }
}

impl Drop for Influxd {
    fn drop(&mut self) {
        // SIGKILL ends a stopped process too.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// An HTTP client that waits a minute and takes every status.
pub fn client() -> ureq::Agent {
    ureq::Agent::config_builder()
        .timeout_global(Some(Duration::from_secs(60)))
        .http_status_as_error(false)
        .proxy(None)
        .build()
        .new_agent()
}

/// A port that nobody listens on.
pub fn free_port() -> u16 {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    listener.local_addr().unwrap().port()
}

fn launch(folder: &Path, port: u16, settings: &[(&'static str, String)]) -> Child {
    let log = std::fs::File::options()
        .create(true)
        .append(true)
        .open(folder.join("log"))
        .unwrap();
    Command::new(binary("influxd"))
        .env_clear()
        .env("INFLUXDB_REPORTING_DISABLED", "true")
        .env("INFLUXDB_META_DIR", folder.join("meta"))
        .env("INFLUXDB_DATA_DIR", folder.join("data"))
        .env("INFLUXDB_DATA_WAL_DIR", folder.join("wal"))
        .env(
            "INFLUXDB_BIND_ADDRESS",
            format!("127.0.0.1:{}", free_port()),
        )
        .env("INFLUXDB_HTTP_BIND_ADDRESS", format!("127.0.0.1:{port}"))
        .env("INFLUXDB_HTTP_LOG_ENABLED", "false")
        .env("INFLUXDB_MONITOR_STORE_ENABLED", "false")
        .envs(settings.iter().map(|(name, value)| (*name, value.as_str())))
        .stdin(Stdio::null())
        .stdout(log.try_clone().unwrap())
        .stderr(log)
        .spawn()
        .unwrap()
}

/// Installed, or unpacked by `cargo xtask doctor`.
pub fn binary(name: &str) -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    [Path::new("/"), &root.join("target/tools/debian")]
        .into_iter()
        .map(|folder| folder.join("usr/bin").join(name))
        .find(|path| path.exists())
        .unwrap_or_else(|| panic!("no {name}: run cargo xtask doctor --fix --tests"))
}
