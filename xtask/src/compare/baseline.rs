//! The controller baseline: `mininet/baseline/controller.py` and the model server it asks.

use std::fs::{self, File};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use serde::Deserialize;

use crate::agent;
use crate::lab::Lab;
use crate::lab::state::{MARKER, Run};
use crate::process::{self, Running};
use crate::{interrupt, paths};

/// Importing os-ken alone takes a busy machine half of that.
const PATIENCE: Duration = Duration::from_secs(60);
/// The cookie of the controller's drop entries, as `controller.py` sets it.
const DROP_COOKIE: &str = "cookie=0xd0/-1";

pub(super) struct Baseline {
    controller: Running,
    model: Running,
    /// Where switches find the controller.
    pub(super) address: SocketAddr,
    said: PathBuf,
    log: PathBuf,
}

/// A line the controller prints.
#[derive(Debug, Deserialize)]
#[serde(tag = "event", rename_all = "lowercase")]
pub(super) enum Said {
    /// A drop entry is in force.
    Drop {
        source: String,
        class: String,
        /// Since the conversation's first packet was handed to the controller.
        after_ms: f64,
    },
    Error {
        what: String,
    },
}

impl Baseline {
    /// Starts both in `run` and waits until they listen. `hold` is how long a drop entry outlives
    /// its flood, `interval` the time between two looks at the statistics, in seconds.
    pub(super) fn start(run: &mut Run, interval: f64, hold: u32) -> Result<Self> {
        let folder = run.directory();
        let (predict, address) = (agent::free_address()?, agent::free_address()?);
        let log = paths::target().join("xtask/baseline.log");
        fs::create_dir_all(paths::target().join("xtask"))?;
        let log_file = File::create(&log)?;
        let said = folder.join("controller.jsonl");

        let model = Running::start(
            agent::binary()
                .args(["serve", "--api", &predict.to_string()])
                .env(MARKER, run.marker())
                .stdin(Stdio::null())
                .stdout(Stdio::null())
                .stderr(log_file.try_clone()?),
        )?;
        run.started(model.pid())?;
        let controller = Running::start(
            Command::new("osken-manager")
                .args(["--ofp-listen-host", &address.ip().to_string()])
                .args(["--ofp-tcp-listen-port", &address.port().to_string()])
                .arg(paths::root().join("mininet/baseline/controller.py"))
                .env("TG_BASELINE_PREDICT", predict.to_string())
                .env("TG_BASELINE_INTERVAL", interval.to_string())
                .env("TG_BASELINE_HOLD", hold.to_string())
                // Not beside the sources.
                .env("PYTHONPYCACHEPREFIX", paths::target().join("xtask/python"))
                .env(MARKER, run.marker())
                .stdin(Stdio::null())
                .stdout(File::create(&said)?)
                .stderr(log_file),
        )?;
        run.started(controller.pid())?;
        let mut baseline = Self {
            controller,
            model,
            address,
            said,
            log,
        };
        baseline.await_listening(&[predict, address])?;
        Ok(baseline)
    }

    fn await_listening(&mut self, addresses: &[SocketAddr]) -> Result<()> {
        let deadline = Instant::now() + PATIENCE;
        for address in addresses {
            while TcpStream::connect(address).is_err() {
                interrupt::check()?;
                if self.has_ended() || Instant::now() > deadline {
                    bail!("the baseline did not get ready: {}", self.last_words());
                }
                sleep(Duration::from_millis(50));
            }
        }
        Ok(())
    }

    /// The controller and the model server.
    pub(super) fn pids(&self) -> [u32; 2] {
        [self.controller.pid(), self.model.pid()]
    }

    fn has_ended(&mut self) -> bool {
        self.controller.has_ended() || self.model.has_ended()
    }

    fn last_words(&self) -> String {
        let text = fs::read_to_string(&self.log).unwrap_or_default();
        let lines: Vec<&str> = text.lines().collect();
        lines[lines.len().saturating_sub(15)..].join("\n")
    }

    /// Everything the controller has said. Fails if it complained: then it was not at its best.
    pub(super) fn said(&mut self) -> Result<Vec<Said>> {
        if self.has_ended() {
            bail!("the baseline ended: {}", self.last_words());
        }
        let said = parse(&fs::read_to_string(&self.said)?)?;
        for line in &said {
            if let Said::Error { what } = line {
                bail!("the controller failed: {what}");
            }
        }
        Ok(said)
    }
}

fn parse(text: &str) -> Result<Vec<Said>> {
    text.lines()
        .map(|line| serde_json::from_str(line).with_context(|| format!("controller: {line}")))
        .collect()
}

/// Packets that met a drop entry, by the switches' own count.
pub(super) fn dropped(lab: &Lab) -> Result<u64> {
    let folder = lab.switch_folder();
    let mut sum = 0;
    for switch in bridges(&folder)? {
        let text = process::run(
            Command::new("ovs-ofctl")
                .args(["--protocols=OpenFlow13", "--timeout=5", "dump-flows"])
                .arg(format!("unix:{}", folder.join(switch).display()))
                .arg(DROP_COOKIE),
        )?;
        sum += packets(&text);
    }
    Ok(sum)
}

/// The management sockets of the bridges.
fn bridges(folder: &Path) -> Result<Vec<String>> {
    let mut names: Vec<String> = fs::read_dir(folder)?
        .flatten()
        .filter_map(|entry| entry.file_name().into_string().ok())
        .filter(|name| name.ends_with(".mgmt"))
        .collect();
    names.sort();
    Ok(names)
}

/// The sum of all `n_packets=` in `ovs-ofctl dump-flows`.
fn packets(dump: &str) -> u64 {
    dump.split("n_packets=")
        .skip(1)
        .filter_map(|rest| rest.split(',').next()?.parse::<u64>().ok())
        .sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counters_of_entries_add_up() {
        let dump = "OFPST_FLOW reply (OF1.3) (xid=0x2):\n cookie=0xd0, duration=3.1s, table=0, \
            n_packets=2871, n_bytes=120582, idle_timeout=5, priority=100,icmp actions=drop\n \
            cookie=0xd0, duration=1.0s, table=0, n_packets=4, n_bytes=168, priority=100 actions=drop\n";
        assert_eq!(packets(dump), 2875);
        assert_eq!(packets("OFPST_FLOW reply (OF1.3) (xid=0x2):\n"), 0);
    }

    #[test]
    fn the_controllers_lines_are_understood() {
        let said = parse(
            "{\"event\": \"drop\", \"source\": \"10.83.0.66\", \"destination\": \"10.83.0.1\", \
             \"class\": \"dos\", \"confidence\": 1.0, \"after_ms\": 1034.5, \"row\": {}}\n\
             {\"event\": \"error\", \"what\": \"no\"}\n",
        )
        .expect("parsed");
        assert!(matches!(&said[0], Said::Drop { class, after_ms, .. }
            if class == "dos" && (*after_ms - 1034.5).abs() < 1e-9));
        assert!(matches!(&said[1], Said::Error { what } if what == "no"));
        assert!(parse("no json\n").is_err());
    }
}
