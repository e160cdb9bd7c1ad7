//! Commands that ask a running agent.

use std::{
    io::{BufRead as _, BufReader},
    net::TcpListener,
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
    process::Stdio,
};

use serde_json::{Value, json};
use tidegate_common::stats::Counter;

use crate::{
    process::{Ran, run, tidegate},
    support::{Fixture, TOKEN, condemned},
};

struct Agent {
    fixture: Fixture,
    dir: tempfile::TempDir,
}

impl Agent {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        write_token(&dir.path().join("token"), TOKEN);
        Self {
            fixture: Fixture::new(),
            dir,
        }
    }

    fn token_file(&self) -> PathBuf {
        self.dir.path().join("token")
    }

    fn run(&self, args: &[&str]) -> Ran {
        self.run_with(args, &self.token_file())
    }

    fn run_with(&self, args: &[&str], token_file: &Path) -> Ran {
        let mut command = tidegate(args);
        command
            .env("TIDEGATE_API", self.fixture.address.to_string())
            .env("TIDEGATE_TOKEN_FILE", token_file);
        run(&mut command)
    }

    fn json(&self, args: &[&str]) -> Value {
        let ran = self.run(&[&["-o", "json"], args].concat());
        assert_eq!(ran.code, 0, "{ran:?}");
        ran.json()
    }
}

fn write_token(path: &Path, token: &str) {
    use std::io::Write as _;
    let mut file = std::fs::OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(path)
        .unwrap();
    writeln!(file, "{token}").unwrap();
}

#[test]
fn decisions_are_added_listed_and_deleted() {
    let agent = Agent::new();
    assert_eq!(agent.run(&["decisions", "list"]).stdout, "no decisions\n");
    let added = agent.json(&[
        "decisions",
        "add",
        "--source",
        "10.0.0.3",
        "--protocol",
        "tcp",
        "--port",
        "22",
        "--type",
        "rate-limit",
        "--rate",
        "5",
        "--duration",
        "1h30m",
        "--reason",
        "too eager",
    ]);
    assert_eq!(added["scope"], "source-service");
    assert_eq!(added["type"], "rate-limit");
    assert_eq!(added["scenario"], "too eager");
    assert!(added["duration"].as_str().unwrap().starts_with("1h29m59."));
    agent.json(&[
        "decisions",
        "add",
        "--source",
        "2001:db8::7",
        "--duration",
        "1m",
    ]);

    let table = agent.run(&["decisions", "list"]).stdout;
    let lines: Vec<_> = table.lines().collect();
    assert!(lines[0].starts_with("ID  ORIGIN"), "{table}");
    assert!(lines[1].contains("10.0.0.3 > *:22 tcp"), "{table}");
    assert!(lines[1].ends_with("too eager"), "{table}");
    assert!(lines[2].contains("2001:db8::7"), "{table}");
    let jsonl = agent.run(&["decisions", "list", "-o", "jsonl"]).stdout;
    let ids: Vec<_> = jsonl
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap()["id"].clone())
        .collect();
    assert_eq!(ids, [1, 2]);

    let deleted = agent.json(&["decisions", "delete", "1"]);
    assert_eq!(deleted[0]["phase"], "deleted");
    agent.run(&["decisions", "delete", "1"]).failed(1);
    assert_eq!(agent.json(&["decisions", "delete", "--all"])[0]["id"], 2);
    assert_eq!(agent.json(&["decisions", "list"]), json!([]));
    assert_eq!(
        agent
            .json(&["decisions", "list", "--all"])
            .as_array()
            .unwrap()
            .len(),
        2
    );
}

#[test]
fn what_the_agent_refuses_is_told_with_its_code() {
    let agent = Agent::new();
    let add = |source: &str, more: &[&str]| {
        agent.run(
            &[
                &["decisions", "add", "--source", source, "--duration", "1m"],
                more,
            ]
            .concat(),
        )
    };
    assert!(add("192.0.2.1", &[]).failed(1).contains("gateway"));
    assert!(
        add("10.0.0.1", &["--protocol", "warp"])
            .failed(64)
            .contains("protocol")
    );
    assert!(
        add("10.0.0.1", &["--reason", "\u{1b}[2J"])
            .failed(64)
            .contains("reason")
    );
}

#[test]
fn a_change_without_the_right_token_exits_77() {
    let agent = Agent::new();
    let add = [
        "decisions",
        "add",
        "--source",
        "10.0.0.3",
        "--duration",
        "1m",
    ];
    let missing = agent.dir.path().join("none");
    let ran = agent.run_with(&add, &missing);
    assert!(ran.failed(69).contains("token file"), "{ran:?}");
    let wrong = agent.dir.path().join("wrong");
    write_token(&wrong, &"w".repeat(32));
    let ran = agent.run_with(&add, &wrong);
    assert!(ran.failed(77).contains("token"), "{ran:?}");
    // The token may also come as a variable.
    let mut command = tidegate(&add);
    command
        .env("TIDEGATE_API", agent.fixture.address.to_string())
        .env("TIDEGATE_TOKEN", TOKEN);
    assert_eq!(run(&mut command).code, 0);
    // Reading needs none.
    assert_eq!(agent.run_with(&["decisions", "list"], &missing).code, 0);
}

#[test]
fn status_shows_what_the_agent_does() {
    let agent = Agent::new();
    agent
        .fixture
        .change(|snapshot| snapshot.degraded.push("generic\u{7} XDP".to_owned()));
    assert_eq!(agent.json(&["status"])["counters"]["packets"], 1_234);
    let text = agent.run(&["status"]).stdout;
    for part in [
        "mode enforce",
        "model live-forest",
        "up 1m30s",
        "eth0",
        "native",
        "dos 4",
        "packets",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
    assert!(text.contains("degraded: generic\u{fffd} XDP"), "{text}");
}

#[test]
fn without_an_agent_commands_exit_69_with_advice() {
    // A port nobody listens on.
    let address = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .to_string();
    for args in [
        &["status"][..],
        &["decisions", "list"],
        &["decisions", "delete", "--all"],
        &[
            "decisions",
            "add",
            "--source",
            "10.0.0.3",
            "--duration",
            "1m",
        ],
    ] {
        let args = [args, &["--api", &address, "--token-file", "/nowhere/token"]].concat();
        let ran = run(&mut tidegate(&args));
        let line = ran.failed(69);
        assert!(
            line.contains(&address) && line.contains("tidegate run"),
            "{line}"
        );
    }
}

#[test]
fn the_allowlist_is_listed_changed_and_asked() {
    let agent = Agent::new();
    let text = agent.run(&["allowlist", "list"]).stdout;
    assert!(text.starts_with("NETWORK"), "{text}");
    assert!(
        text.contains("192.0.2.0/30    listed in the configuration"),
        "{text}"
    );
    let added = agent.run(&["allowlist", "add", "10.0.0.0/29"]).stdout;
    assert!(
        added.starts_with("10.0.0.0/29 is never blocked\nkept in"),
        "{added}"
    );
    let check = |ip: &str| agent.run(&["allowlist", "check", ip]);
    assert_eq!(
        check("10.0.0.1").stdout,
        "10.0.0.1 is never blocked: 10.0.0.0/29 (added at run time)\n"
    );
    let stranger = check("10.0.0.9");
    assert_eq!(stranger.code, 1);
    assert_eq!(stranger.stdout, "10.0.0.9 is not protected\n");
    assert_eq!(
        agent.json(&["allowlist", "remove", "10.0.0.0/29"])["kept"],
        true
    );
    let again = agent.run(&["allowlist", "remove", "10.0.0.0/29"]);
    assert!(
        again.failed(1).contains("not added at run time"),
        "{again:?}"
    );
    let typo = agent.run(&["allowlist", "add", "10.0.0.1/29"]);
    assert_eq!(typo.code, 64);
    assert!(typo.stderr.contains("did you mean 10.0.0.0/29"), "{typo:?}");
}

#[test]
fn flows_are_listed_by_address_and_size() {
    let agent = Agent::new();
    let text = agent.run(&["flows", "list", "-n", "2"]).stdout;
    let lines: Vec<_> = text.lines().collect();
    assert_eq!(lines.len(), 3, "{text}");
    assert!(lines[0].starts_with("FROM"), "{text}");
    for part in [
        "10.0.0.1:40000",
        "10.0.0.2:80",
        "http",
        "2.5s",
        "5/6",
        "100/2000",
        "normal",
        "99%",
    ] {
        assert!(lines[1].contains(part), "{part}: {text}");
    }
    let most = agent.json(&["flows", "list", "--sort", "packets", "--limit", "1"]);
    assert_eq!(most[0]["src_packets"], 7);
    let none = agent.run(&["flows", "list", "--address", "10.0.0.3"]);
    assert_eq!(none.stdout, "no connections\n");
    assert_eq!(agent.run(&["flows", "list", "-n", "1001"]).code, 64);
}

#[test]
fn top_shows_sources_flows_and_decisions() {
    let agent = Agent::new();
    let add = [
        "decisions",
        "add",
        "--source",
        "10.0.0.1",
        "--duration",
        "1m",
        "--reason",
        "eager",
    ];
    agent.json(&add);
    let text = agent.run(&["top", "--once"]).stdout;
    let lines: Vec<_> = text.lines().collect();
    assert!(
        lines[0].starts_with("mode enforce  model live-forest"),
        "{text}"
    );
    assert!(lines[1].starts_with("- packets/s"), "{text}");
    assert!(lines[3].starts_with("SOURCE"), "{text}");
    let source: Vec<_> = lines[4].split_whitespace().collect();
    // Three connections of 5, 6 and 7 packets.
    assert_eq!(
        source,
        ["10.0.0.1", "3", "-", "18", "300", "normal", "drop"]
    );
    assert!(lines[6].starts_with("FROM"), "{text}");
    assert!(lines.last().unwrap().ends_with("eager"), "{text}");
    assert!(!text.contains('\u{1b}'), "no terminal: {text:?}");

    let look = agent.json(&["top", "--once", "-n", "1"]);
    assert_eq!(look["packets_per_s"], Value::Null);
    assert_eq!(look["flows"].as_array().unwrap().len(), 1);
    assert_eq!(look["flows"][0]["src_packets"], 7);
    assert_eq!(look["sources"][0]["connections"], 3);
    assert_eq!(look["decisions"][0]["id"], 1);
    assert_eq!(agent.run(&["top", "-n", "0"]).code, 64);
}

#[test]
fn top_goes_on_until_nobody_reads() {
    let agent = Agent::new();
    let mut command = tidegate(&["top", "--interval", "1", "-o", "jsonl"]);
    command
        .env("TIDEGATE_API", agent.fixture.address.to_string())
        .env("TIDEGATE_TOKEN_FILE", agent.token_file())
        .stdout(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut next = || serde_json::from_str::<Value>(&lines.next().unwrap().unwrap()).unwrap();
    assert_eq!(next()["dropped_per_s"], Value::Null);
    agent.fixture.change(|snapshot| {
        snapshot.at += jiff::SignedDuration::from_secs(4);
        snapshot.stats.add(Counter::Dropped, 100);
        snapshot.stats.add(Counter::RateLimited, 20);
    });
    let look = next();
    assert_eq!(look["dropped_per_s"], 30.0);
    assert_eq!(look["packets_per_s"], 0.0);
    assert_eq!(look["sources"][0]["packets_per_s"], 0.0);
    drop(lines);
    assert!(child.wait().unwrap().success());
}

#[test]
fn decisions_and_addresses_are_explained() {
    let agent = Agent::new();
    agent
        .fixture
        .change(|snapshot| snapshot.active.push(condemned(7)));
    let text = agent.run(&["explain", "7"]).stdout;
    for part in [
        "rate-limit * > 10.0.0.2:80 tcp",
        "dos, 97.0 % sure, by live-forest",
        "evidence  a rule",
        "count = 300 > 100: dos 900",
        "service                      private",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
    assert_eq!(agent.json(&["explain", "7"])["grounds"]["agreeing"], 6);
    let text = agent.run(&["explain", "10.0.0.2"]).stdout;
    for part in [
        "10.0.0.2 is not protected",
        "* > 10.0.0.2:80 tcp",
        "10.0.0.1:40000",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
    let known = agent.json(&["explain", "192.0.2.1"]);
    assert_eq!(known["protected_by"][0]["origin"], "config");
    assert_eq!(known["decisions"], json!([]));
    agent.json(&[
        "decisions",
        "add",
        "--source",
        "10.0.0.5",
        "--duration",
        "1m",
    ]);
    assert!(
        agent
            .run(&["explain", "1"])
            .stdout
            .contains("Made by a person.")
    );
    assert!(
        agent
            .run(&["explain", "8"])
            .failed(1)
            .contains("no decision 8")
    );
    assert_eq!(agent.run(&["explain", "nobody"]).code, 64);
}

#[test]
fn the_running_agent_takes_another_model() {
    let agent = Agent::new();
    let used = agent.run(&["models", "use", "live-forest"]);
    assert_eq!(
        used.stdout,
        "live-forest judges live traffic, until the agent ends\n"
    );
    let file = agent.dir.path().join("no-model.json");
    std::fs::write(&file, "{}").unwrap();
    let ran = agent.run(&["models", "use", file.to_str().unwrap()]);
    assert!(ran.failed(64).contains("no-model.json"), "{ran:?}");
}
