//! The lab without Mininet: unnamed namespaces, veth pairs and two Linux bridges.

use std::fs;
use std::process::{ChildStdin, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use super::state::{MARKER, Run};
use super::{Port, Role, Standing};
use crate::host::Host;
use crate::process::{self, Running};

/// As in `mininet/topology.py`.
const HOSTS: [(&str, &str, &str); 3] = [
    ("h1", "10.83.0.1", "fd83::1"),
    ("h2", "10.83.0.2", "fd83::2"),
    ("attacker", "10.83.0.66", "fd83::66"),
];
const INSIDE: &str = "eth0";

pub(super) struct Topology {
    links: Vec<String>,
    holders: Vec<Holder>,
}

/// A process that holds a namespace. It reads our end of a pipe, so that it,
/// the namespace and the veths in it go when xtask goes, however it goes.
struct Holder {
    child: Running,
    stdin: Option<ChildStdin>,
}

pub(super) fn start(run: &mut Run) -> Result<(Standing, Topology)> {
    let tag = run.tag().to_owned();
    let name = |what: &str| format!("tg{tag}-{what}");
    let (s1, s2) = (name("s1"), name("s2"));
    let (trunk1, trunk2) = (name("t1"), name("t2"));
    let links = ["s1", "s2", "t1", "h1", "h2", "attacker"]
        .map(name)
        .to_vec();
    run.will_make(links.clone())?;
    let mut topology = Topology {
        links,
        holders: Vec::new(),
    };
    for bridge in [&s1, &s2] {
        ip(&[
            "link",
            "add",
            bridge,
            "type",
            "bridge",
            "mcast_snooping",
            "0",
        ])?;
        quiet(bridge)?;
        ip(&["link", "set", bridge, "up"])?;
    }
    ip(&[
        "link", "add", &trunk1, "type", "veth", "peer", "name", &trunk2,
    ])?;
    plug(&trunk1, &s1)?;
    plug(&trunk2, &s2)?;

    let mut hosts = Vec::new();
    let mut ports = Vec::new();
    for (host, ip4, ip6) in HOSTS {
        let holder = Holder::start(run)?;
        let pid = holder.child.pid();
        topology.holders.push(holder);
        let port = name(host);
        let namespace = pid.to_string();
        ip(&[
            "link", "add", &port, "type", "veth", "peer", "name", INSIDE, "netns", &namespace,
        ])?;
        plug(&port, if host == "h2" { &s2 } else { &s1 })?;
        let host = Host {
            name: host.to_owned(),
            ip: ip4.parse()?,
            ip6: ip6.parse()?,
            pid,
            interface: INSIDE.to_owned(),
            marker: run.marker().to_owned(),
        };
        configure(&host)?;
        match host.name.as_str() {
            "h1" => ports.push(Port {
                name: port,
                role: Role::H1,
            }),
            "attacker" => ports.push(Port {
                name: port,
                role: Role::Attacker,
            }),
            _ => {}
        }
        hosts.push(host);
    }
    ports.push(Port {
        name: trunk1,
        role: Role::Trunk,
    });
    reachable(&hosts)?;
    let standing = Standing {
        switch: "linuxbridge (no Mininet)".to_owned(),
        hosts,
        ports,
        notes: Vec::new(),
    };
    Ok((standing, topology))
}

fn ip(words: &[&str]) -> Result<()> {
    process::run(Command::new("ip").args(words)).map(drop)
}

/// A port of ours in the root namespace speaks no IPv6 of its own.
fn quiet(link: &str) -> Result<()> {
    ip(&["link", "set", link, "addrgenmode", "none"])
}

fn plug(port: &str, bridge: &str) -> Result<()> {
    quiet(port)?;
    // A sensor must see packets of the wire's size, whatever its XDP mode.
    process::run(Command::new("ethtool").args(["-K", port]).args(OFFLOADS))?;
    ip(&["link", "set", port, "master", bridge, "up"])
}

const OFFLOADS: [&str; 10] = [
    "tx", "off", "rx", "off", "tso", "off", "gso", "off", "gro", "off",
];

fn configure(host: &Host) -> Result<()> {
    host.run(&["ip", "link", "set", "lo", "up"])?;
    host.run(&[
        "ip",
        "address",
        "add",
        &format!("{}/16", host.ip),
        "dev",
        INSIDE,
    ])?;
    let ip6 = format!("{}/64", host.ip6);
    host.run(&["ip", "address", "add", &ip6, "dev", INSIDE, "nodad"])?;
    process::run(host.command("ethtool").args(["-K", INSIDE]).args(OFFLOADS))?;
    host.run(&["ip", "link", "set", INSIDE, "up"]).map(drop)
}

fn reachable(hosts: &[Host]) -> Result<()> {
    let [h1, h2, _] = hosts else {
        bail!("three hosts expected")
    };
    for to in [h2.ip.to_string(), h2.ip6.to_string()] {
        let deadline = Instant::now() + Duration::from_secs(5);
        while h1.ping(&to, 1, Duration::from_millis(200))?.received == 0 {
            if Instant::now() > deadline {
                bail!("h1 does not reach {to}");
            }
        }
    }
    Ok(())
}

impl Holder {
    fn start(run: &mut Run) -> Result<Self> {
        let mut child = Running::start(
            Command::new("unshare")
                .args(["--net", "cat"])
                .env(MARKER, run.marker())
                .stdin(Stdio::piped())
                .stdout(Stdio::null()),
        )?;
        run.started(child.pid())?;
        let stdin = child.child().stdin.take();
        let own = fs::read_link("/proc/self/ns/net")?;
        let theirs = format!("/proc/{}/ns/net", child.pid());
        let deadline = Instant::now() + Duration::from_secs(2);
        while fs::read_link(&theirs).context("the namespace's holder ended")? == own {
            if Instant::now() > deadline {
                bail!("no new network namespace (unshare)");
            }
            sleep(Duration::from_millis(2));
        }
        Ok(Self { child, stdin })
    }
}

impl Drop for Topology {
    fn drop(&mut self) {
        for holder in &mut self.holders {
            drop(holder.stdin.take());
            let _ = holder.child.wait_within(Duration::from_secs(2));
        }
        for link in &self.links {
            // The hosts' ports went with their namespaces.
            let _ = ip(&["link", "delete", link]);
        }
    }
}
