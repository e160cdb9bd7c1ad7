//! What is known of decisions after the agent that made them.

use std::{fs, path::Path, process::Command};

use nix::sys::signal::Signal;
use serde_json::Value;

use crate::{
    agent::{Agent, Home, Settings},
    lab::{Lab, eventually},
};

const PATIENT: &str = "[dataplane]\nagent_timeout = \"5m\"";

fn listed(agent: &Agent, words: &str) -> Vec<Value> {
    let ran = agent.decide(words);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    serde_json::from_str(&ran.stdout).unwrap()
}

#[test]
fn decisions_come_back_after_a_restart_and_all_can_be_listed() {
    let lab = Lab::new();
    let [blocked, victim, _] = &lab.hosts;
    let home = Home::new();
    let settings = Settings::default();
    let mut agent = Agent::start(&lab.switch, &home, &settings);
    let id = agent.add(&format!(
        "--source {} --duration 10m --reason rude",
        blocked.ip()
    ));
    let limit = "--source 10.77.9.1 --duration 10m --type rate-limit --rate 9";
    let limit = agent.add(limit);
    let deleted = agent.add("--source 10.77.9.2 --duration 10m");
    agent.decide(&format!("delete {deleted}"));
    assert_eq!(blocked.ping(victim.ip(), 2), 0);
    let counted = |agent: &Agent| agent.decision(id)["packets_dropped"].as_u64().unwrap();
    eventually("the drops are counted", || {
        (counted(&agent) > 0).then_some(())
    });
    agent.signal(Signal::SIGTERM);
    assert_eq!(agent.ended(), Some(0));
    assert!(!lab.is_watched());
    assert_eq!(blocked.ping(victim.ip(), 1), 1);

    let agent = Agent::start(&lab.switch, &home, &settings);
    assert_eq!(blocked.ping(victim.ip(), 2), 0);
    let ids = |decisions: &[Value]| -> Vec<u64> {
        let ids = decisions.iter().map(|decision| decision["id"].as_u64());
        ids.map(Option::unwrap).collect()
    };
    assert_eq!(ids(&agent.decisions()), [id, limit]);
    let restored = agent.decision(id);
    assert_eq!(restored["scenario"], "rude");
    assert_eq!(restored["origin"], "manual");
    // What the first agent counted is not forgotten.
    eventually("it goes on counting", || {
        (counted(&agent) >= 4).then_some(())
    });
    let history = listed(&agent, "list --since 1h");
    assert_eq!(ids(&history), [id, limit, deleted]);
    assert_eq!(history[2]["phase"], "deleted");
    assert!(listed(&agent, "list --since 1ms").is_empty());
    // The one in memory no longer, and yet explained.
    let explained = agent.get(&format!("/v1/decisions/{deleted}"));
    assert_eq!(explained["phase"], "deleted");
    assert!(agent.add("--source 10.77.9.3 --duration 1m") > deleted);
}

#[test]
fn after_a_crash_a_decision_still_says_why() {
    let lab = Lab::new();
    let [attacker, victim, _] = &lab.hosts;
    let home = Home::new();
    let settings = Settings {
        config: PATIENT,
        ..Settings::default()
    };
    let agent = Agent::start(&lab.switch, &home, &settings);
    attacker.flood(victim.ip(), 1_000, 1_500).finish();
    let id = eventually("the flood is dropped", || {
        let decision = agent.decisions().into_iter().next()?;
        (decision["packets_dropped"].as_u64()? > 100).then(|| decision["id"].as_u64())?
    });
    let explained = |agent: &Agent| agent.get(&format!("/v1/decisions/{id}"));
    let before = explained(&agent);
    assert!(before["grounds"]["features"].is_array(), "{before}");
    eventually("it is written down", || {
        let journal = &agent.get("/v1/stats")["journal"];
        (journal["written"].as_u64()? > 0 && journal["waiting"] == 0).then_some(())
    });
    agent.crash();

    let agent = Agent::start(&lab.switch, &home, &settings);
    let after = explained(&agent);
    for field in [
        "grounds",
        "path",
        "model",
        "scenario",
        "created_at",
        "class",
    ] {
        assert_eq!(after[field], before[field], "{field}");
    }
    assert_eq!(after["phase"], "active");
}

#[test]
fn a_full_disk_does_not_stop_enforcement() {
    let lab = Lab::new();
    let [blocked, victim, _] = &lab.hosts;
    let home = Home::new();
    let disk = Disk::new(&home);
    let journal = format!("{}/journal.db", disk.0);
    let settings = Settings {
        flags: &["--placement", "transit", "--journal", &journal],
        ..Settings::default()
    };
    let agent = Agent::start(&lab.switch, &home, &settings);
    agent.add("--source 10.77.9.1 --duration 10m");
    let filled = Command::new("dd")
        .args(["if=/dev/zero", "bs=4096"])
        .arg(format!("of={}/ballast", disk.0))
        .output()
        .unwrap();
    assert!(!filled.status.success());
    // More than the pages at hand can hold.
    for n in 0..60 {
        agent.add(&format!(
            "--source 10.77.8.{n} --duration 10m --reason {}",
            "x".repeat(200)
        ));
    }
    agent.add(&format!("--source {} --duration 10m", blocked.ip()));
    assert_eq!(blocked.ping(victim.ip(), 2), 0);
    let degraded = degraded(&agent);
    assert!(degraded.contains("full"), "{degraded}");
    let status = agent.tell("status -o human").stdout;
    assert!(
        status.contains("waiting") && status.contains("degraded: "),
        "{status}"
    );

    fs::remove_file(format!("{}/ballast", disk.0)).unwrap();
    eventually("all is well again", || {
        let stats = agent.get("/v1/stats");
        let well = stats["degraded"].as_array()?.is_empty();
        (well && stats["journal"]["waiting"] == 0 && stats["journal"]["lost"] == 0).then_some(())
    });
    assert_eq!(listed(&agent, "list --since 1h").len(), 62);
}

/// Why decisions can't be written down.
fn degraded(agent: &Agent) -> String {
    eventually("the agent says what is wrong", || {
        let ready = agent.get("/readyz");
        let mut reasons = ready["degraded"].as_array()?.iter();
        let reason = reasons.find_map(|reason| {
            let reason = reason.as_str()?;
            reason.contains("written down").then_some(reason)
        });
        reason.map(str::to_owned)
    })
}

#[test]
fn a_read_only_disk_does_not_stop_enforcement() {
    let lab = Lab::new();
    let [blocked, victim, _] = &lab.hosts;
    let home = Home::new();
    let disk = Disk::new(&home);
    disk.remount("ro");
    let journal = format!("{}/journal.db", disk.0);
    let settings = Settings {
        flags: &["--placement", "transit", "--journal", &journal],
        ..Settings::default()
    };
    let agent = Agent::start(&lab.switch, &home, &settings);
    let id = agent.add(&format!("--source {} --duration 10m", blocked.ip()));
    assert_eq!(blocked.ping(victim.ip(), 2), 0);
    let degraded = degraded(&agent);
    assert!(degraded.contains("Read-only"), "{degraded}");
    let status = agent.tell("status -o human").stdout;
    assert!(status.contains("0 changes written, "), "{status}");

    disk.remount("rw");
    eventually("all is well again", || {
        let stats = agent.get("/v1/stats");
        let well = stats["degraded"].as_array()?.is_empty();
        (well && stats["journal"]["lost"] == 0).then_some(())
    });
    let history = listed(&agent, "list --since 1h");
    assert_eq!(history.len(), 1);
    assert_eq!(history[0]["id"], id);
}

/// A small file system of its own.
struct Disk(String);

impl Disk {
    fn new(home: &Home) -> Self {
        let path = home.path("disk");
        fs::create_dir(&path).unwrap();
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", "size=1m", "tmpfs"])
            .arg(&path)
            .status();
        assert!(mounted.unwrap().success());
        Self(path.to_str().unwrap().to_owned())
    }

    /// `ro` or `rw`.
    fn remount(&self, how: &str) {
        let mut command = Command::new("mount");
        let mounted = command.args(["-o", &format!("remount,{how}"), &self.0]);
        assert!(mounted.status().unwrap().success());
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _ = Command::new("umount").args(["-l", &self.0]).status();
    }
}

#[test]
fn a_log_of_verdicts_is_written_as_they_live_and_says_when_it_cant_be() {
    let lab = Lab::new();
    let home = Home::new();
    let path = home.path("verdicts.jsonl");
    let config = format!("[journal]\nlog = \"{}\"", path.display());
    let settings = Settings {
        config: &config,
        ..Settings::default()
    };
    let agent = Agent::start(&lab.switch, &home, &settings);
    let lines = |path: &Path| -> Vec<Value> {
        let text = fs::read_to_string(path).unwrap_or_default();
        let lines = text.lines().map(|line| serde_json::from_str(line).unwrap());
        lines.collect()
    };
    let first = agent.add("--source 10.77.9.1 --duration 10m --reason rude");
    eventually("its line is there", || {
        let lines = lines(&path);
        (lines.len() == 1 && lines[0]["id"] == first && lines[0]["scenario"] == "rude")
            .then_some(())
    });
    // Nothing can be appended to a folder.
    let old = home.path("verdicts.1");
    fs::rename(&path, &old).unwrap();
    fs::create_dir(&path).unwrap();
    agent.decide(&format!("delete {first}"));
    eventually("the agent says what is wrong", || {
        let ready = agent.get("/readyz");
        let mut reasons = ready["degraded"].as_array()?.iter();
        reasons
            .any(|reason| {
                reason
                    .as_str()
                    .unwrap()
                    .starts_with("can't write verdicts to")
            })
            .then_some(())
    });
    fs::remove_dir(&path).unwrap();
    eventually("its end is there", || {
        let lines = lines(&path);
        (lines.len() == 1 && lines[0]["id"] == first && lines[0]["phase"] == "deleted")
            .then_some(())
    });
    assert_eq!(lines(&old).len(), 1);
}
