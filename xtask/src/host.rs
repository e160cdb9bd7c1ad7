//! A host of the lab: a network namespace, entered through a process in it.

use std::fs::File;
use std::net::{Ipv4Addr, Ipv6Addr};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result};
use serde::Deserialize;

use crate::counters::{self, Pinged};
use crate::lab::state::MARKER;
use crate::process::{self, Running};

#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Host {
    pub(crate) name: String,
    pub(crate) ip: Ipv4Addr,
    pub(crate) ip6: Ipv6Addr,
    /// A process that lives in the namespace as long as the lab stands.
    pub(crate) pid: u32,
    pub(crate) interface: String,
    /// Set by the lab: every process started here carries it in its environment.
    #[serde(default)]
    pub(crate) marker: String,
}

impl Host {
    /// `program` inside this host. Entering with `nsenter --net` keeps the
    /// file systems as they are (`ip netns exec` would mount a fresh /sys).
    pub(crate) fn command(&self, program: &str) -> Command {
        let mut command = Command::new("nsenter");
        command
            .arg(format!("--net=/proc/{}/ns/net", self.pid))
            .args(["--", program])
            .env(MARKER, &self.marker)
            .stdin(Stdio::null());
        command
    }

    /// Like [`Host::command`], and ended by `timeout` even if xtask is not there any more.
    pub(crate) fn bounded(&self, limit: Duration, program: &str) -> Command {
        let mut command = self.command("timeout");
        // In the foreground, a signal to `timeout` is passed on to the child only.
        command
            .args(["--foreground", "--kill-after=1"])
            .arg(limit.as_secs_f64().to_string())
            .arg(program);
        command
    }

    pub(crate) fn run(&self, words: &[&str]) -> Result<String> {
        let (program, arguments) = words.split_first().context("empty command")?;
        process::run(self.command(program).args(arguments))
    }

    /// Starts `words` in the background, bounded in time, its output discarded.
    pub(crate) fn spawn(&self, limit: Duration, words: &[&str]) -> Result<Running> {
        let (program, arguments) = words.split_first().context("empty command")?;
        Running::start(
            self.bounded(limit, program)
                .args(arguments)
                .stdout(Stdio::null())
                .stderr(Stdio::null()),
        )
    }

    /// Like [`Host::spawn`], with the standard error in the file `said`, and in its folder: some
    /// programs leave files where they are started (hydra does when it is cut short).
    pub(crate) fn spawn_noting(
        &self,
        limit: Duration,
        words: &[&str],
        said: &Path,
    ) -> Result<Running> {
        let (program, arguments) = words.split_first().context("empty command")?;
        let folder = said.parent().context("no folder to run in")?;
        Running::start(
            self.bounded(limit, program)
                .args(arguments)
                .current_dir(folder)
                .stdout(Stdio::null())
                .stderr(File::create(said)?),
        )
    }

    /// `count` pings to `to`, one every `interval`, in the background.
    pub(crate) fn start_ping(&self, to: &str, count: u32, interval: Duration) -> Result<Pinging> {
        let limit = interval * count + Duration::from_secs(5);
        let running = Running::start(
            self.bounded(limit, "ping")
                .args(["-n", "-W", "1", "-i"])
                .arg(interval.as_secs_f64().to_string())
                .arg("-c")
                .arg(count.to_string())
                .arg(to)
                .stdout(Stdio::piped())
                .stderr(Stdio::null()),
        )?;
        Ok(Pinging { running, limit })
    }

    pub(crate) fn ping(&self, to: &str, count: u32, interval: Duration) -> Result<Pinged> {
        self.start_ping(to, count, interval)?.finish()
    }

    /// The interface's hardware address.
    pub(crate) fn mac(&self) -> Result<String> {
        // Not out of /sys, which shows the namespace it was mounted in.
        let line = self.run(&["ip", "-brief", "link", "show", "dev", &self.interface])?;
        line.split_whitespace()
            .nth(2)
            .map(str::to_owned)
            .with_context(|| format!("{} has no hardware address", self.name))
    }

    pub(crate) fn sent_packets(&self) -> Result<u64> {
        counters::sent_packets(self.pid, &self.interface)
    }

    pub(crate) fn icmp(&self, name: &str) -> Result<u64> {
        counters::icmp(self.pid, name)
    }
}

/// A `ping` under way.
pub(crate) struct Pinging {
    running: Running,
    limit: Duration,
}

impl Pinging {
    /// Lets it come to its end.
    pub(crate) fn finish(self) -> Result<Pinged> {
        let text = self
            .running
            .output_within(self.limit + Duration::from_secs(2))?;
        Pinged::parse(&text).context("ping printed no summary")
    }
}
