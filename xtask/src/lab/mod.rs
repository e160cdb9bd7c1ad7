//! The network the demo, the benches and the recorder run in: h1 and attacker
//! on switch s1, h2 on s2, a trunk between the two. Two ways of making it, one
//! thing to use.

pub(crate) mod leftovers;
mod mininet;
mod plain;
pub(crate) mod state;

use std::net::SocketAddr;
use std::path::PathBuf;

use anyhow::{Context, Result};
use clap::ValueEnum;
use serde::Deserialize;

use crate::host::Host;
use state::Run;

/// What makes the switches.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Switch {
    /// Open vSwitch, in a private instance; Linux bridges where it can't start
    Ovs,
    /// Linux bridges
    #[value(name = "linuxbridge")]
    LinuxBridge,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Mininet(Switch),
    /// Mininet with Open vSwitch, which asks the OpenFlow controller at this address.
    Controlled(SocketAddr),
    /// Network namespaces and Linux bridges by `ip`, no Mininet.
    Plain,
}

/// A port of s1, in the root namespace.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Port {
    pub(crate) name: String,
    pub(crate) role: Role,
}

#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Role {
    H1,
    Attacker,
    Trunk,
}

/// What stands, as `mininet/topology.py` prints it and `plain` fills it in.
#[derive(Debug, Deserialize)]
struct Standing {
    switch: String,
    hosts: Vec<Host>,
    ports: Vec<Port>,
    #[serde(default)]
    notes: Vec<String>,
}

#[expect(dead_code, reason = "held for what their drop undoes")]
enum Keeper {
    Mininet(mininet::Topology),
    Plain(plain::Topology),
}

/// A standing network. Dropping it takes it down.
pub(crate) struct Lab {
    pub(crate) h1: Host,
    pub(crate) h2: Host,
    pub(crate) attacker: Host,
    /// All of s1: a conversation's two directions enter s1 once each.
    pub(crate) ports: Vec<Port>,
    pub(crate) switch: String,
    // Dropped in this order: first the network, then the record of it.
    _keeper: Keeper,
    pub(crate) run: Run,
}

impl Lab {
    pub(crate) fn start(kind: Kind) -> Result<Self> {
        Self::start_in(Run::begin()?, kind)
    }

    /// In a run that has begun already: something of it had to be there before the network.
    pub(crate) fn start_in(mut run: Run, kind: Kind) -> Result<Self> {
        let mut by_mininet = |switch, controller| -> Result<(Standing, Keeper)> {
            let (standing, topology) = mininet::start(&mut run, switch, controller)?;
            Ok((standing, Keeper::Mininet(topology)))
        };
        let (standing, keeper) = match kind {
            Kind::Mininet(switch) => by_mininet(switch, None)?,
            Kind::Controlled(address) => by_mininet(Switch::Ovs, Some(address))?,
            Kind::Plain => {
                let (standing, topology) = plain::start(&mut run)?;
                (standing, Keeper::Plain(topology))
            }
        };
        for note in &standing.notes {
            eprintln!("  note: {note}");
        }
        let host = |name: &str| -> Result<Host> {
            let mut host = standing
                .hosts
                .iter()
                .find(|host| host.name == name)
                .cloned()
                .with_context(|| format!("the topology has no {name}"))?;
            host.marker = run.marker().to_owned();
            Ok(host)
        };
        Ok(Self {
            h1: host("h1")?,
            h2: host("h2")?,
            attacker: host("attacker")?,
            ports: standing.ports,
            switch: standing.switch,
            _keeper: keeper,
            run,
        })
    }

    /// Where Mininet's Open vSwitch keeps its sockets and pids.
    pub(crate) fn switch_folder(&self) -> PathBuf {
        mininet::switch_folder(&self.run)
    }

    pub(crate) fn port(&self, role: Role) -> Result<&str> {
        self.ports
            .iter()
            .find(|port| port.role == role)
            .map(|port| port.name.as_str())
            .with_context(|| format!("s1 has no port for {role:?}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_topologys_line_is_understood() {
        let line = r#"{"switch": "ovs-user", "hosts": [{"name": "h1", "ip": "10.83.0.1",
            "ip6": "fd83::1", "pid": 7319, "interface": "h1-eth0"}],
            "ports": [{"name": "s1xaa01-eth1", "role": "h1"},
                      {"name": "s1xaa01-eth3", "role": "trunk"}], "notes": ["x"]}"#;
        let standing: Standing = serde_json::from_str(line).expect("parsed");
        assert_eq!(standing.hosts[0].pid, 7319);
        assert_eq!(standing.ports[1].role, Role::Trunk);
    }

    #[test]
    fn an_unknown_role_is_refused() {
        assert!(serde_json::from_str::<Port>(r#"{"name": "x", "role": "uplink"}"#).is_err());
    }
}
