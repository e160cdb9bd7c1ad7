//! `tidegate serve`, started and stopped as a supervisor does.

use std::{
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::{SocketAddr, TcpListener, TcpStream},
    os::unix::fs::PermissionsExt as _,
    process::{Child, ChildStderr, Command, Stdio},
};

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use serde_json::Value;

use crate::{
    process::{run, tidegate},
    support::{Answer, syn_flood},
};

/// A running server; killed if a test fails before it is stopped.
struct Serving {
    child: Child,
    log: BufReader<ChildStderr>,
    address: SocketAddr,
}

impl Serving {
    fn start(command: &mut Command) -> Self {
        command
            .args(["--log-format", "json"])
            .stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut log = BufReader::new(child.stderr.take().unwrap());
        let mut line = String::new();
        log.read_line(&mut line).unwrap();
        let entry: Value = serde_json::from_str(&line).unwrap_or_else(|e| panic!("{e}: {line}"));
        assert_eq!(entry["message"], "listening");
        assert_eq!(entry["model"], "kdd41-tree");
        let address = entry["address"].as_str().unwrap().parse().unwrap();
        Self {
            child,
            log,
            address,
        }
    }

    fn port(&self) -> u16 {
        self.address.port()
    }

    fn send(&self, head: &str, body: &str) -> Answer {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port())).unwrap();
        let length = body.len();
        let text = format!(
            "{head} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n{body}"
        );
        stream.write_all(text.as_bytes()).unwrap();
        Answer::read(&mut stream)
    }

    /// Sends a signal; the exit code and the rest of the log.
    fn stop(mut self, signal: Signal) -> (Option<i32>, String) {
        let pid = Pid::from_raw(i32::try_from(self.child.id()).unwrap());
        kill(pid, signal).unwrap();
        let status = self.child.wait().unwrap();
        let mut log = String::new();
        self.log.read_to_string(&mut log).unwrap();
        (status.code(), log)
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn predicts_without_root_and_stops_on_signals() {
    let dir = tempfile::tempdir().unwrap();
    let token = dir.path().join("token");
    for signal in [Signal::SIGTERM, Signal::SIGINT] {
        let args = [
            "serve",
            "--api",
            "127.0.0.1:0",
            "--token-file",
            token.to_str().unwrap(),
        ];
        let serving = Serving::start(&mut tidegate(&args));
        let answer = serving.send("POST /predict", &Value::from(syn_flood()).to_string());
        assert_eq!(answer.json()["prediction"], "dos", "{answer:?}");
        serving.send("GET /v1/decisions", "").problem(503);
        let (code, log) = serving.stop(signal);
        assert_eq!(code, Some(0), "{log}");
        assert!(log.contains("stopping"), "{log}");
    }
    let mode = std::fs::metadata(&token).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}

#[test]
fn listens_on_port_unless_told_otherwise() {
    let dir = tempfile::tempdir().unwrap();
    let token = dir.path().join("token");
    let token = token.to_str().unwrap();
    let mut command = tidegate(&["serve", "--token-file", token]);
    let serving = Serving::start(command.env("PORT", "0"));
    assert!(serving.address.ip().is_unspecified());
    assert_ne!(serving.port(), 8080);
    assert_eq!(serving.send("GET /healthz", "").status, 200);
    drop(serving);
    let mut command = tidegate(&["serve", "--token-file", token, "--api", "127.0.0.1:0"]);
    let serving = Serving::start(command.env("PORT", "1"));
    assert!(serving.address.ip().is_loopback());
    let ran = run(tidegate(&["serve"]).env("PORT", "http"));
    assert!(ran.failed(64).contains("PORT"), "{ran:?}");
}

#[test]
fn health_finds_a_server_by_its_address_or_by_port() {
    let dir = tempfile::tempdir().unwrap();
    let token = dir.path().join("token");
    let args = ["serve", "--api", "127.0.0.1:0", "--token-file"];
    let serving = Serving::start(tidegate(&args).arg(token));
    let (address, port) = (serving.address.to_string(), serving.port().to_string());
    let by_address = run(&mut tidegate(&["health", "--api", &address]));
    assert_eq!(
        (by_address.code, by_address.stdout.as_str()),
        (0, "ready\n")
    );
    let by_port = run(tidegate(&["health", "-o", "json"]).env("PORT", &port));
    assert_eq!(by_port.json()["status"], "ready");
    let bad = run(tidegate(&["health"]).env("PORT", "http"));
    assert!(bad.failed(64).contains("http"), "{bad:?}");
    serving.stop(Signal::SIGTERM);
    let gone = run(tidegate(&["health"]).env("PORT", &port));
    assert!(gone.failed(69).contains(&port), "{gone:?}");
}

#[test]
fn a_port_in_use_is_named_with_what_to_do() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap();
    let ran = run(&mut tidegate(&["serve", "--api", &address.to_string()]));
    let line = ran.failed(69);
    assert!(
        line.contains(&format!("port {} is in use", address.port())),
        "{line}"
    );
    assert!(line.contains("--api"), "{line}");
}

#[test]
fn a_token_others_can_read_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let token = dir.path().join("token");
    std::fs::write(&token, "0123456789abcdef0123456789abcdef\n").unwrap();
    std::fs::set_permissions(&token, std::fs::Permissions::from_mode(0o644)).unwrap();
    let token = token.to_str().unwrap();
    let args = ["serve", "--api", "127.0.0.1:0", "--token-file", token];
    let ran = run(&mut tidegate(&args));
    assert!(
        ran.failed(77).contains(&format!("chmod 600 {token}")),
        "{ran:?}"
    );
}

#[test]
fn the_log_level_is_the_flags_before_rust_log() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let ran = run(tidegate(&["serve", "--api", &address]).env("RUST_LOG", "=nonsense="));
    assert!(ran.failed(64).contains("RUST_LOG"), "{ran:?}");
    let args = ["serve", "--api", &address, "--log-level", "warn"];
    let ran = run(tidegate(&args).env("RUST_LOG", "=nonsense="));
    assert!(ran.failed(69).contains("in use"), "{ran:?}");
}
