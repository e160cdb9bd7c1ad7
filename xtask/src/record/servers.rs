//! Real servers on h1 and h2, each host's in namespaces of their own (network,
//! mounts, processes), with their own users, data and logs. `servers/start.sh`
//! starts them; when it ends, and it ends with us, none of them is left.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use crate::host::Host;
use crate::lab::Lab;
use crate::process::{self, Running};
use crate::{daemons, interrupt, paths};

/// The TCP ports on which somebody listens, on all of a host's addresses, IPv4
/// and IPv6. Besides, over UDP: 53, 123 and 5004, which sends back what it gets.
pub(crate) const PORTS: [u16; 15] = [
    21, 22, 23, 25, 53, 80, 110, 443, 873, 5201, 5202, 5203, 5204, 5432, 6379,
];

/// Keys, a database and a hundred files are made anew for each run.
const PATIENCE: Duration = Duration::from_secs(90);

/// What differs between two servers of a kind.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) struct Manners {
    /// How long they let wait after a wrong password; each as it comes if absent.
    delay: Option<Duration>,
    /// Bytes more that FTP greets with, and that every answer of the web server's has.
    talk: usize,
}

impl Manners {
    /// Those of a playing: the first one has the servers as they come.
    pub(crate) fn of(playing: u32) -> Self {
        let (delay_ms, talk) = match playing {
            0 | 1 => return Self::default(),
            other => [(700, 40), (1_500, 90), (4_000, 20), (200, 60)][other as usize % 4],
        };
        Self {
            delay: Some(Duration::from_millis(delay_ms)),
            talk,
        }
    }
}

/// Dropping it ends them.
pub(crate) struct Servers {
    _running: Vec<Running>,
    folders: Vec<PathBuf>,
}

/// A private key that the user `clerk` may log in with; the password of `clerk`,
/// and of `postgres` in the database, is `lantern`.
pub(crate) fn key(lab: &Lab) -> PathBuf {
    lab.run.directory().join("key")
}

impl Servers {
    /// Starts them on h1 and h2 and waits until all of them listen.
    pub(crate) fn start(lab: &mut Lab, manners: Manners) -> Result<Self> {
        let directory = lab.run.directory();
        let key = key(lab);
        process::run(
            Command::new("ssh-keygen")
                .args(["-q", "-t", "ed25519", "-N", "", "-f"])
                .arg(&key),
        )?;
        fs::create_dir_all(daemons::folder())?;
        let mut servers = Self {
            _running: Vec::new(),
            folders: Vec::new(),
        };
        for host in [lab.h1.clone(), lab.h2.clone()] {
            let folder = directory.join(format!("servers-{}", host.name));
            fs::create_dir(&folder)?;
            let running = start_on(&host, &folder, &key, manners)?;
            lab.run.started(running.pid())?;
            servers._running.push(running);
            servers.folders.push(folder);
        }
        for (host, folder) in [&lab.h1, &lab.h2].into_iter().zip(&servers.folders) {
            until_listening(host, folder)?;
        }
        Ok(servers)
    }

    /// Fails where a server ended by itself.
    pub(crate) fn check(&self) -> Result<()> {
        self.folders.iter().try_for_each(|folder| check(folder))
    }
}

fn start_on(host: &Host, folder: &Path, key: &Path, manners: Manners) -> Result<Running> {
    let configuration = paths::root().join("xtask/src/record/servers");
    let log = fs::File::create(folder.join("start.log"))?;
    Running::start(
        host.command("unshare")
            .args(["--mount", "--pid", "--fork", "--kill-child", "--mount-proc"])
            .arg("/bin/sh")
            .arg(configuration.join("start.sh"))
            .arg(&configuration)
            .arg(folder)
            .arg(daemons::folder())
            .arg(key.with_extension("pub"))
            .arg(paths::root().join("mininet/traffic.py"))
            .arg(manners.talk.to_string())
            .args(manners.delay.map(|delay| delay.as_micros().to_string()))
            // It reads our end of a pipe: it ends when we do, however we do.
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(log),
    )
}

fn until_listening(host: &Host, folder: &Path) -> Result<()> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        check(folder)?;
        let sockets = host.run(&["ss", "-Hltn"])?;
        let missing: Vec<u16> = PORTS
            .into_iter()
            .filter(|port| !is_bound(&sockets, *port))
            .collect();
        if missing.is_empty() {
            return Ok(());
        }
        if Instant::now() > deadline {
            let words = fs::read_to_string(folder.join("start.log")).unwrap_or_default();
            bail!(
                "nobody listens on {missing:?} of {}: {}",
                host.name,
                words.trim()
            );
        }
        interrupt::pause(Duration::from_millis(200))?;
    }
}

/// Whether the port is among the local addresses of `ss -Hltn`.
fn is_bound(sockets: &str, port: u16) -> bool {
    let ending = format!(":{port}");
    sockets
        .lines()
        .filter_map(|line| line.split_whitespace().nth(3))
        .any(|local| local.ends_with(&ending))
}

fn check(folder: &Path) -> Result<()> {
    let ended = fs::read_to_string(folder.join("ended")).unwrap_or_default();
    let Some(first) = ended.lines().next() else {
        return Ok(());
    };
    let name = first.split(' ').next().context("a server without a name")?;
    let log = fs::read_to_string(folder.join("log").join(name)).unwrap_or_default();
    let lines: Vec<&str> = log.lines().collect();
    let last = lines[lines.len().saturating_sub(8)..].join("\n");
    bail!("the server {first} ended by itself; its last words:\n{last}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_is_the_whole_number() {
        let sockets = "LISTEN 0 511 [::]:80 [::]:*\nLISTEN 0 5 10.83.0.1:5432 0.0.0.0:*\n";
        assert!(is_bound(sockets, 80) && is_bound(sockets, 5432));
        assert!(!is_bound(sockets, 0) && !is_bound(sockets, 32) && !is_bound(sockets, 22));
    }

    #[test]
    fn a_server_that_ended_is_named_with_its_words() {
        let folder = std::env::temp_dir().join(format!("tg-servers-{}", std::process::id()));
        fs::create_dir_all(folder.join("log")).expect("folder");
        assert!(check(&folder).is_ok());
        fs::write(folder.join("ended"), "nginx (1)\n").expect("ended");
        fs::write(folder.join("log/nginx"), "bind() failed\n").expect("log");
        let error = check(&folder).expect_err("ended").to_string();
        assert!(
            error.contains("nginx (1)") && error.contains("bind() failed"),
            "{error}"
        );
        fs::remove_dir_all(folder).expect("tidy");
    }
}
