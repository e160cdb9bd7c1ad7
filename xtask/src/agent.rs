//! The agent as a child, and its HTTP API as far as it is needed here.

use std::env;
use std::fs::{self, File};
use std::io::{BufRead, BufReader};
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::os::fd::AsRawFd;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use nix::sys::signal::Signal;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::lab::Lab;
use crate::lab::state::MARKER;
use crate::paths;
use crate::process::Running;

/// Loading programs, restoring state, proving that the counters move.
const PATIENCE: Duration = Duration::from_secs(20);

pub(crate) struct Options<'a> {
    pub(crate) mode: &'a str,
    /// How long a verdict lasts, as the config writes it.
    pub(crate) ttl: &'a str,
    pub(crate) api: SocketAddr,
    pub(crate) record: Option<&'a Path>,
    /// Instead of the shipped one.
    pub(crate) model: Option<&'a Path>,
}

pub(crate) struct Agent {
    running: Running,
    log: PathBuf,
    pub(crate) api: Api,
}

/// The only place that knows the agent's configuration keys.
fn config(options: &Options<'_>) -> String {
    let keys = ["dos_ttl", "probe_ttl", "r2l_ttl", "u2r_ttl", "max_ttl"];
    // Repeats double a verdict's time: in a demo nobody waits for that.
    let lines = keys.map(|key| format!("{key} = \"{}\"\n", options.ttl));
    format!("[policy]\n{}", lines.concat())
}

/// The program, without what is set around us: every flag has a variable.
pub(crate) fn binary() -> Command {
    let mut command = Command::new(paths::agent());
    for (name, _) in env::vars_os() {
        if name.to_string_lossy().starts_with("TIDEGATE_") {
            command.env_remove(name);
        }
    }
    command
}

/// A loopback address nobody listens on.
pub(crate) fn free_address() -> Result<SocketAddr> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?)
}

impl Agent {
    /// Starts the agent on all of s1's ports and waits until it is ready.
    pub(crate) fn start(lab: &mut Lab, options: &Options<'_>) -> Result<Self> {
        Self::start_with(lab, options, "")
    }

    /// The same with further sections of its configuration.
    pub(crate) fn start_with(lab: &mut Lab, options: &Options<'_>, sections: &str) -> Result<Self> {
        // A fresh folder for each start: nothing is inherited but by intention.
        let number = (0..)
            .find(|number| !lab.run.directory().join(format!("agent{number}")).exists())
            .context("no folder")?;
        let folder = lab.run.directory().join(format!("agent{number}"));
        fs::create_dir(&folder)?;
        let config_file = folder.join("tidegate.toml");
        fs::write(&config_file, config(options) + sections)?;
        let log = paths::target().join("xtask/agent.log");
        fs::create_dir_all(paths::target().join("xtask"))?;

        // Not close-on-exec, so the child inherits the number; our copy is
        // closed right after.
        let (reader, writer) = nix::unistd::pipe()?;
        let mut command = binary();
        command.arg("run");
        for port in &lab.ports {
            command.args(["-i", &port.name]);
        }
        command
            .arg("--config")
            .arg(&config_file)
            .args(["--mode", options.mode, "--placement", "transit"])
            .args(["--api", &options.api.to_string()])
            .arg("--bpf-root")
            .arg(lab.run.bpf_root().join(format!("agent{number}")))
            .arg("--token-file")
            .arg(folder.join("token"))
            .args(["--once-ready-fd", &writer.as_raw_fd().to_string()]);
        if let Some(file) = options.record {
            command.arg("--record").arg(file);
        }
        if let Some(file) = options.model {
            command.arg("--model").arg(file);
        }
        command
            .env(MARKER, lab.run.marker())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(File::create(&log)?);
        let running = Running::start(&mut command)?;
        drop(writer);
        lab.run.started(running.pid())?;
        let mut agent = Self {
            running,
            log,
            api: Api::new(options.api, folder.join("token")),
        };
        let (sender, receiver) = mpsc::channel();
        thread::spawn(move || {
            let mut line = String::new();
            let read = BufReader::new(File::from(reader)).read_line(&mut line);
            let _ = sender.send(read.is_ok() && !line.is_empty());
        });
        if !matches!(receiver.recv_timeout(PATIENCE), Ok(true)) {
            bail!(
                "the agent did not get ready; its last words:\n{}",
                agent.last_words()
            );
        }
        if agent.running.has_ended() {
            bail!("the agent ended; its last words:\n{}", agent.last_words());
        }
        Ok(agent)
    }

    pub(crate) fn pid(&self) -> u32 {
        self.running.pid()
    }

    pub(crate) fn has_ended(&mut self) -> bool {
        self.running.has_ended()
    }

    /// Whether it detached and exited with 0 when asked to.
    pub(crate) fn stop(mut self) -> bool {
        self.running
            .stop(Signal::SIGTERM, Duration::from_secs(10))
            .is_some_and(|status| status.success())
    }

    pub(crate) fn last_words(&self) -> String {
        let text = fs::read_to_string(&self.log).unwrap_or_default();
        let lines: Vec<&str> = text.lines().collect();
        lines[lines.len().saturating_sub(15)..].join("\n")
    }
}

/// One of `/v1/decisions`, as far as the demo and the benches look at it.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Decision {
    pub(crate) id: serde_json::Value,
    pub(crate) value: Option<String>,
    pub(crate) source: Option<String>,
    pub(crate) destination: Option<String>,
    pub(crate) scope: String,
    pub(crate) class: String,
    /// As RFC 3339 has it, in UTC.
    pub(crate) created_at: String,
    pub(crate) duration: Option<String>,
    pub(crate) packets_dropped: u64,
    pub(crate) reaction_ms: Option<f64>,
}

impl Decision {
    /// Whether it was made against this address.
    pub(crate) fn is_against(&self, address: &str) -> bool {
        self.source.as_deref() == Some(address)
            || self
                .value
                .as_deref()
                .is_some_and(|value| value.split(['/', ' ', ',']).next() == Some(address))
    }
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Flow {
    pub(crate) src: String,
    pub(crate) dst: String,
    pub(crate) class: Option<String>,
}

pub(crate) struct Api {
    client: ureq::Agent,
    token: PathBuf,
    pub(crate) address: SocketAddr,
}

impl Api {
    fn new(address: SocketAddr, token: PathBuf) -> Self {
        let client = ureq::Agent::config_builder()
            .timeout_global(Some(Duration::from_secs(2)))
            .build()
            .new_agent();
        Self {
            client,
            token,
            address,
        }
    }

    fn read<T: DeserializeOwned>(&self, path: &str) -> Result<T> {
        let url = format!("http://{}{path}", self.address);
        let mut response = self.client.get(&url).call().with_context(|| url.clone())?;
        response.body_mut().read_json().with_context(|| url.clone())
    }

    pub(crate) fn active_decisions(&self) -> Result<Vec<Decision>> {
        self.read("/v1/decisions")
    }

    /// Expired ones too.
    pub(crate) fn all_decisions(&self) -> Result<Vec<Decision>> {
        self.read("/v1/decisions?all=true")
    }

    /// Takes a decision back; one that has ended meanwhile is as good.
    pub(crate) fn delete(&self, decision: &Decision) -> Result<()> {
        let token = fs::read_to_string(&self.token).context("the agent's token")?;
        let url = format!("http://{}/v1/decisions/{}", self.address, decision.id);
        let answer = self
            .client
            .delete(&url)
            .header("Authorization", format!("Bearer {}", token.trim()))
            .call();
        match answer {
            Ok(_) | Err(ureq::Error::StatusCode(404)) => Ok(()),
            Err(error) => Err(error).context(url),
        }
    }

    pub(crate) fn flows(&self) -> Result<Vec<Flow>> {
        self.read("/v1/flows")
    }
}

/// Durations as Go and CrowdSec write them: `4m59.5s`, `300ms`.
pub(crate) fn parse_duration(text: &str) -> Option<Duration> {
    let mut rest = text.trim();
    let mut seconds = 0.0;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let number: f64 = rest[..digits].parse().ok()?;
        rest = &rest[digits..];
        let unit = rest
            .find(|c: char| c.is_ascii_digit())
            .unwrap_or(rest.len());
        seconds += number
            * match &rest[..unit] {
                "h" => 3600.0,
                "m" => 60.0,
                "s" => 1.0,
                "ms" => 1e-3,
                "us" | "µs" => 1e-6,
                "ns" => 1e-9,
                _ => return None,
            };
        rest = &rest[unit..];
    }
    (!text.trim().is_empty()).then(|| Duration::from_secs_f64(seconds))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_as_crowdsec_writes_them() {
        let seconds = |text| parse_duration(text).map(|duration| duration.as_secs_f64());
        assert_eq!(seconds("5s"), Some(5.0));
        assert_eq!(seconds("4m59.5s"), Some(299.5));
        assert_eq!(seconds("1h0m0s"), Some(3600.0));
        assert_eq!(seconds("250ms"), Some(0.25));
        assert_eq!(seconds(""), None);
        assert_eq!(seconds("5"), None);
        assert_eq!(seconds("5 days"), None);
    }

    #[test]
    fn a_decision_with_unknown_and_missing_fields() {
        let decision: Decision = serde_json::from_str(
            r#"{"id": 7, "value": "10.83.0.66/32", "class": "dos", "simulated": false,
                "packets_dropped": 41, "reaction_ms": 3.5}"#,
        )
        .expect("parsed");
        assert!(decision.is_against("10.83.0.66"));
        assert!(!decision.is_against("10.83.0.6"));
        assert_eq!(decision.reaction_ms, Some(3.5));
    }

    #[test]
    fn a_repeated_verdict_lasts_no_longer() {
        let options = Options {
            mode: "enforce",
            ttl: "5s",
            api: free_address().expect("address"),
            record: None,
            model: None,
        };
        let text = config(&options);
        assert!(text.starts_with("[policy]\ndos_ttl = \"5s\"\n"), "{text}");
        assert!(text.ends_with("max_ttl = \"5s\"\n"), "{text}");
    }
}
