//! The lab by Mininet: `mininet/topology.py` as a child, which undoes
//! everything it made when its standard input ends.

use std::io::{BufRead, BufReader, Read};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{ChildStdin, Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, bail};

use super::leftovers::OVS_TAP;
use super::state::{MARKER, Run};
use super::{Standing, Switch};
use crate::paths;
use crate::process::Running;

/// Building, with both switches to try and pings to prove them.
const PATIENCE: Duration = Duration::from_secs(40);

pub(super) struct Topology {
    child: Running,
    stdin: Option<ChildStdin>,
}

/// With a controller's address, switches that ask it about every packet they know nothing of.
pub(super) fn start(
    run: &mut Run,
    switch: Switch,
    controller: Option<SocketAddr>,
) -> Result<(Standing, Topology)> {
    let tag = run.tag().to_owned();
    // Planned names are written down before they exist.
    run.will_make(
        [1, 2, 3]
            .map(|port| format!("s1x{tag}-eth{port}"))
            .into_iter()
            .chain([1, 2].map(|port| format!("s2x{tag}-eth{port}")))
            .chain([format!("s1x{tag}"), format!("s2x{tag}")]),
    )?;
    if switch == Switch::Ovs && !Path::new("/sys/class/net").join(OVS_TAP).exists() {
        run.will_make([OVS_TAP.to_owned()])?;
    }
    // The system's Python: the one the mininet package is made for.
    let mut command = Command::new("/usr/bin/python3");
    command.arg(paths::root().join("mininet/topology.py"));
    if let Some(controller) = controller {
        command.args(["--controller", &controller.to_string()]);
    }
    let mut child = Running::start(
        command
            .args(["--tag", &tag, "--switch"])
            .arg(match switch {
                Switch::Ovs => "ovs",
                Switch::LinuxBridge => "linuxbridge",
            })
            .arg("--directory")
            .arg(switch_folder(run))
            .env(MARKER, run.marker())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped()),
    )?;
    run.started(child.pid())?;
    let stdin = child.child().stdin.take();
    let stdout = child.child().stdout.take().context("no stdout")?;
    let stderr = child.child().stderr.take().context("no stderr")?;
    let mut topology = Topology { child, stdin };

    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        let mut line = String::new();
        let _ = BufReader::new(stdout).read_line(&mut line);
        let _ = sender.send(line);
    });
    let complaints = thread::spawn(move || {
        let mut text = String::new();
        let _ = BufReader::new(stderr).read_to_string(&mut text);
        text
    });
    let line = receiver.recv_timeout(PATIENCE).unwrap_or_default();
    if line.is_empty() {
        topology.end();
        let words = complaints.join().unwrap_or_default();
        bail!("the Mininet topology does not stand: {}", words.trim());
    }
    let standing = serde_json::from_str(&line).context("mininet/topology.py's line")?;
    Ok((standing, topology))
}

/// Where the private Open vSwitch keeps its sockets and pids.
pub(super) fn switch_folder(run: &Run) -> PathBuf {
    run.directory().join("ovs")
}

impl Topology {
    /// Closing its input is the request to tidy up; two OVS daemons take a moment.
    fn end(&mut self) {
        drop(self.stdin.take());
        if !matches!(self.child.wait_within(Duration::from_secs(15)), Ok(Some(_))) {
            self.child
                .stop(nix::sys::signal::Signal::SIGTERM, Duration::from_secs(5));
        }
    }
}

impl Drop for Topology {
    fn drop(&mut self) {
        self.end();
    }
}
