//! Who has which address in the recorder's lab.
//!
//! 10.83.0.0/16 and fd83::/64 are on the link; 10.84.0.0/14 and fd84::/64 are forged;
//! in 10.96.0.0/13 and fd96::/64 is nobody; crowds of clients come from 10.108.0.0/14.

use std::fs;
use std::net::{Ipv4Addr, Ipv6Addr};

use anyhow::Result;

use super::scenarios::{Place, Scenario};
use super::{Owners, Plan, host};
use crate::host::Host;
use crate::lab::Lab;

/// Has a hardware address, and nobody behind it.
const DEAD: &str = "10.83.7.7";
pub(super) const DEAD_MAC: &str = "02:00:00:00:00:07";

/// Second octets of ranges of which every scenario has a /24.
pub(super) const FORGED: u8 = 84;
pub(super) const QUIET_TO_ATTACKS: u8 = 96;
pub(super) const QUIET_TO_OTHERS: u8 = 100;
pub(super) const CROWDS: u8 = 108;

/// Addresses of h1 (even) and h2 (10.83.4.N): a sweep needs somebody to find.
pub(super) const NEIGHBOURS: std::ops::RangeInclusive<u8> = 1..=60;

/// Ports on which a filtered address answers.
const UNFILTERED: [(&str, u16); 4] = [("tcp", 22), ("tcp", 80), ("tcp", 443), ("udp", 53)];

/// A number's place in ranges of 250, from 1 on.
fn split(number: u16) -> (u8, u8) {
    let [block, last] = [(number - 1) / 250, (number - 1) % 250 + 1];
    (block as u8, last as u8)
}

/// A scenario's addresses of a kind, 1 to 15: 10.83.K.N, and from 251 on 10.83.(K+16).N.
pub(super) fn numbered(kind: u8, number: u16) -> (Ipv4Addr, Ipv6Addr) {
    let (block, last) = split(number);
    (
        Ipv4Addr::new(10, 83, kind + 16 * block, last),
        Ipv6Addr::new(0xfd83, 0, 0, 0, 0, 0, kind.into(), number),
    )
}

/// A scenario's /24 of a range of networks.
pub(super) fn range(second: u8, number: u16) -> [u8; 3] {
    let (block, last) = split(number);
    [10, second + block, last]
}

pub(super) fn neighbour(last: u8) -> (Ipv4Addr, Ipv6Addr) {
    (
        Ipv4Addr::new(10, 83, 4, last),
        Ipv6Addr::new(0xfd83, 0, 0, 0, 0, 0, 4, last.into()),
    )
}

/// Lines for `ip -batch`, of h1, h2 and attacker.
#[derive(Default)]
struct Batches([String; 3]);

impl Batches {
    fn add(&mut self, lab: &Lab, place: Place, (ip, ip6): (Ipv4Addr, Ipv6Addr)) {
        let interface = &host(lab, place).interface;
        self.0[place as usize] += &format!(
            "address add {ip}/16 dev {interface}\naddress add {ip6}/64 dev {interface} nodad\n"
        );
    }
}

/// Where a scenario's traffic goes to.
fn other(from: Place) -> Place {
    match from {
        Place::H1 => Place::H2,
        Place::H2 | Place::Attacker => Place::H1,
    }
}

/// Each scenario's source, the victim's addresses for those that need one, somebody for the
/// sweeps to find, and addresses that say nothing.
pub(crate) fn give_addresses(lab: &Lab, plan: &Plan) -> Result<Owners> {
    let mut owners = Owners::default();
    let mut batches = Batches::default();
    for scenario in plan.all() {
        owners.add(scenario);
        let source = (scenario.source(), scenario.source6());
        batches.add(lab, scenario.from, source);
        if let Some(peer) = scenario.peer() {
            batches.add(lab, other(scenario.from), peer);
            let interface = &host(lab, scenario.from).interface;
            batches.0[scenario.from as usize] += &format!(
                "route add {} dev {interface} src {}\nroute add {} dev {interface} src {}\n",
                peer.0, source.0, peer.1, source.1
            );
        }
        if let Some(crowd) = scenario.crowd() {
            // All of it is the host's own, without so many addresses.
            batches.0[scenario.from as usize] += &format!("route add local {crowd} dev lo\n");
            let there = other(scenario.from);
            let (via, interface) = (host(lab, scenario.from).ip, &host(lab, there).interface);
            batches.0[there as usize] += &format!("route add {crowd} via {via} dev {interface}\n");
        }
        if scenario.starts() {
            batches.0[scenario.from as usize] +=
                &format!("route add local {} dev lo\n", scenario.forged_network());
        }
        if let Some(filtered) = scenario.filtered() {
            let interface = &host(lab, other(scenario.from)).interface;
            batches.0[other(scenario.from) as usize] +=
                &format!("address add {filtered}/16 dev {interface}\n");
        }
    }
    for own in plan.attacks.iter().filter_map(Scenario::own) {
        batches.add(lab, Place::H1, own);
    }
    for last in NEIGHBOURS {
        let owner = if last % 2 == 0 { Place::H1 } else { Place::H2 };
        batches.add(lab, owner, neighbour(last));
    }
    for from in [Place::H1, Place::H2, Place::Attacker] {
        let file = lab.run.directory().join("addresses");
        fs::write(&file, &batches.0[from as usize])?;
        host(lab, from).run(&["ip", "-batch", &file.to_string_lossy()])?;
    }
    for host in [&lab.h1, &lab.h2, &lab.attacker] {
        let words = ["ip", "neigh", "add", DEAD, "lladdr", DEAD_MAC];
        host.run(&[&words[..], &["dev", &host.interface]].concat())?;
        host.run(&["ip", "route", "add", "10.96.0.0/13", "via", DEAD])?;
    }
    // h1 forwards nothing and says nothing about it.
    let quiet6 = ["ip", "route", "add", "fd96::/64", "via"];
    lab.attacker
        .run(&[&quiet6[..], &[&lab.h1.ip6.to_string()]].concat())?;
    // Answers to forged sources go where a router would be.
    for host in [&lab.h1, &lab.h2] {
        for (network, via) in [
            ("10.84.0.0/14", lab.attacker.ip.to_string()),
            ("fd84::/64", lab.attacker.ip6.to_string()),
        ] {
            host.run(&["ip", "route", "add", network, "via", &via])?;
        }
        filter(host)?;
    }
    Ok(owners)
}

/// What comes to a filtered address is dropped without a word, but for a few ports and echo
/// requests: a routing rule does it before the host's own table is asked.
fn filter(host: &Host) -> Result<()> {
    let rule = |words: &str| {
        let words: Vec<&str> = words.split(' ').collect();
        host.run(&words).map(drop)
    };
    rule("ip rule add pref 9 lookup local")?;
    for block in 0..3 {
        for kind in [10, 11] {
            let network = format!("10.83.{}.0/24", kind + 16 * block);
            for (protocol, port) in UNFILTERED {
                rule(&format!(
                    "ip rule add pref 5 iif {} to {network} ipproto {protocol} dport {port} lookup local",
                    host.interface
                ))?;
            }
            for protocol in ["tcp", "udp"] {
                rule(&format!(
                    "ip rule add pref 6 iif {} to {network} ipproto {protocol} blackhole",
                    host.interface
                ))?;
            }
        }
    }
    rule("ip rule del pref 0")
}

/// The tools that take no source address take the route's.
pub(crate) fn prefer(attacker: &Host, scenario: &Scenario) -> Result<()> {
    let (source, source6) = (
        scenario.source().to_string(),
        scenario.source6().to_string(),
    );
    let device = &attacker.interface;
    let gateway = ["via", DEAD];
    for (network, gateway, source) in [
        ("10.83.0.0/16", &[][..], &source),
        ("10.96.0.0/13", &gateway[..], &source),
        // Before the kernel's own, whose metric is 256.
        ("fd83::/64", &["metric", "1"][..], &source6),
    ] {
        let words = ["ip", "route", "replace", network];
        attacker.run(&[&words[..], gateway, &["dev", device, "src", source]].concat())?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_number_has_an_address_that_no_other_has() {
        assert_eq!(numbered(5, 1).0, Ipv4Addr::new(10, 83, 5, 1));
        assert_eq!(numbered(5, 250).0, Ipv4Addr::new(10, 83, 5, 250));
        assert_eq!(numbered(5, 251).0, Ipv4Addr::new(10, 83, 21, 1));
        assert_eq!(range(FORGED, 251), [10, 85, 1]);
        // The last number that a playing may give (`playing`).
        assert_eq!(range(QUIET_TO_ATTACKS, 508), [10, 98, 8]);
    }
}
