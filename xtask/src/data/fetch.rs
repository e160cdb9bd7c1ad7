//! Fetching by curl, which knows about TLS, proxies, resuming and progress.

use std::fs;
use std::io::{ErrorKind, IsTerminal};
use std::path::Path;
use std::process::{Command, Output, Stdio};

use anyhow::{Context, Result, bail};

/// How often a connection may break before that is the end.
const ATTEMPTS: usize = 5;

/// curl's exit codes (curl(1), EXIT CODES) for a transfer that broke off: partial file, timeout,
/// empty reply, failures to send and receive.
const BROKE_OFF: [i32; 5] = [18, 28, 52, 55, 56];

/// curl could not resume: the server knows no ranges.
const NO_RANGES: i32 = 33;

/// Fetches into `part`, going on from what is there already.
pub(super) fn fetch(url: &str, part: &Path) -> Result<()> {
    let mut before = None;
    for _ in 0..ATTEMPTS {
        let resumed = size(part);
        let output = curl(url, part)?;
        if output.status.success() {
            return Ok(());
        }
        let http = String::from_utf8_lossy(&output.stdout).trim().to_owned();
        match output.status.code() {
            // What is there is no beginning of what the server has.
            Some(NO_RANGES) if resumed > 0 => fs::remove_file(part)?,
            Some(22) if http == "416" && resumed > 0 => fs::remove_file(part)?,
            // Only as long as something comes: a server that is down stays down.
            Some(code) if BROKE_OFF.contains(&code) && before != Some(size(part)) => {
                before = Some(size(part));
            }
            _ => bail!("{}", explain(url, &output, &http)),
        }
    }
    bail!("cannot fetch {url}: the connection broke {ATTEMPTS} times; run this again to go on")
}

fn size(path: &Path) -> u64 {
    fs::metadata(path).map_or(0, |metadata| metadata.len())
}

fn curl(url: &str, part: &Path) -> Result<Output> {
    let on_terminal = std::io::stderr().is_terminal();
    let mut command = Command::new("curl");
    command
        .args(["--fail", "--location", "--show-error"])
        .args(["--proto", "=http,https"])
        // A proxy's loopback is not ours.
        .args(["--noproxy", "localhost,127.0.0.1,::1"])
        .args(["--connect-timeout", "20"])
        // A server that says nothing for a minute will not go on.
        .args(["--speed-limit", "1", "--speed-time", "60"])
        .args(["--continue-at", "-"])
        .args(["--write-out", "%{http_code}"])
        .arg(if on_terminal {
            "--progress-bar"
        } else {
            "--silent"
        })
        .arg("--output")
        .arg(part)
        .arg("--url")
        .arg(url)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(if on_terminal {
            Stdio::inherit()
        } else {
            Stdio::piped()
        });
    let child = command.spawn().map_err(|error| {
        if error.kind() == ErrorKind::NotFound {
            anyhow::anyhow!("curl is not installed: apt-get install curl")
        } else {
            error.into()
        }
    })?;
    child.wait_with_output().context("cannot wait for curl")
}

fn explain(url: &str, output: &Output, http: &str) -> String {
    let words = String::from_utf8_lossy(&output.stderr);
    let words = match (words.trim(), http) {
        // On a terminal curl has said it already.
        ("", "" | "000") => format!("curl ended with {}", output.status),
        ("", http) => format!("the server answered {http}"),
        (words, _) => words.to_owned(),
    };
    format!(
        "cannot fetch {url}: {words}\n       get the files another way and say where they are: cargo xtask data --data DIR"
    )
}
