//! Who is never blocked: the allowlist, this machine, and its way out.

use std::{
    fs,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
};

use nix::ifaddrs::getifaddrs;

use crate::config::Cidr;

/// Networks and addresses that no verdict may name as a source.
#[derive(Clone, Debug, Default)]
pub struct Protected {
    allowlist: Vec<Cidr>,
    own: Vec<IpAddr>,
    gateways: Vec<IpAddr>,
}

impl Protected {
    /// The allowlist, plus this machine's addresses and default gateways as they are now.
    ///
    /// What can't be read is logged and left out; the allowlist always counts.
    #[must_use]
    pub fn new(allowlist: Vec<Cidr>) -> Self {
        Self {
            allowlist,
            own: own_addresses(),
            gateways: gateways(),
        }
    }

    /// The allowlist alone: for traffic that this machine had no part in.
    #[must_use]
    pub const fn only(allowlist: Vec<Cidr>) -> Self {
        Self {
            allowlist,
            own: Vec::new(),
            gateways: Vec::new(),
        }
    }

    /// Looks at the machine's addresses and routes again.
    pub fn refresh(&mut self) {
        self.own = own_addresses();
        self.gateways = gateways();
    }

    /// Why a source is never blocked, if so.
    #[must_use]
    pub fn reason(&self, source: IpAddr) -> Option<String> {
        if let Some(network) = self.allowlist.iter().find(|cidr| cidr.contains(source)) {
            return Some(format!("allowlisted by {network}"));
        }
        if self.own.contains(&source) {
            return Some("an address of this machine".to_owned());
        }
        if self.gateways.contains(&source) {
            return Some("the default gateway".to_owned());
        }
        None
    }

    /// Everything protected, as networks, for the kernel's allowlist.
    pub fn networks(&self) -> impl Iterator<Item = Cidr> + '_ {
        let hosts = self.own.iter().chain(&self.gateways);
        self.allowlist
            .iter()
            .copied()
            .chain(hosts.map(|&address| Cidr::from(address)))
    }
}

fn own_addresses() -> Vec<IpAddr> {
    let addresses = match getifaddrs() {
        Ok(addresses) => addresses,
        Err(error) => {
            tracing::warn!(%error, "can't list this machine's addresses; they are not protected");
            return Vec::new();
        }
    };
    addresses
        .filter_map(|interface| {
            let address = interface.address?;
            if let Some(v4) = address.as_sockaddr_in() {
                return Some(IpAddr::V4(v4.ip()));
            }
            address.as_sockaddr_in6().map(|v6| IpAddr::V6(v6.ip()))
        })
        .collect()
}

fn gateways() -> Vec<IpAddr> {
    let read = |path: &str| fs::read_to_string(path).unwrap_or_default();
    let v4 = gateways_v4(&read("/proc/net/route"));
    let v6 = gateways_v6(&read("/proc/net/ipv6_route"));
    v4.into_iter().chain(v6).collect()
}

/// `/proc/net/route`: interface, destination, gateway, … in little-endian hex (proc_pid_net(5)).
fn gateways_v4(table: &str) -> Vec<IpAddr> {
    let rows = table.lines().skip(1);
    rows.filter_map(|row| {
        let mut fields = row.split_whitespace().skip(1);
        let (destination, gateway) = (fields.next()?, fields.next()?);
        let gateway = u32::from_str_radix(gateway, 16).ok()?;
        (destination == "00000000" && gateway != 0)
            .then(|| IpAddr::V4(Ipv4Addr::from(gateway.to_le_bytes())))
    })
    .collect()
}

/// `/proc/net/ipv6_route`: destination, prefix, source, prefix, next hop, … in hex.
fn gateways_v6(table: &str) -> Vec<IpAddr> {
    table
        .lines()
        .filter_map(|row| {
            let fields: Vec<_> = row.split_whitespace().collect();
            let (&destination, &prefix, &hop) = (fields.first()?, fields.get(1)?, fields.get(4)?);
            let hop = u128::from_str_radix(hop, 16).ok()?;
            let default = prefix == "00" && destination.bytes().all(|digit| digit == b'0');
            (default && hop != 0).then(|| IpAddr::V6(Ipv6Addr::from_bits(hop)))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may fail by panic")]
    use super::*;

    #[test]
    fn default_gateways_are_read_from_the_routing_tables() {
        let v4 = "Iface Destination Gateway Flags RefCnt Use Metric Mask MTU Window IRTT\n\
                  eth0 00000000 0101A8C0 0003 0 0 0 00000000 0 0 0\n\
                  eth0 0001A8C0 00000000 0001 0 0 0 00FFFFFF 0 0 0\n";
        assert_eq!(gateways_v4(v4), ["192.168.1.1".parse::<IpAddr>().unwrap()]);
        let zeros = "0".repeat(32);
        let v6 = format!(
            "{zeros} 00 {zeros} 00 fe800000000000000000000000000001 00000400 0 0 00000003 eth0\n\
             {zeros} 00 {zeros} 00 {zeros} ffffffff 1 0 00200200 lo\n"
        );
        assert_eq!(gateways_v6(&v6), ["fe80::1".parse::<IpAddr>().unwrap()]);
    }

    #[test]
    fn loopback_and_allowlist_are_protected_strangers_are_not() {
        let protected = Protected::new(vec!["10.9.0.0/16".parse().unwrap()]);
        let reason = |ip: &str| protected.reason(ip.parse().unwrap());
        assert!(reason("10.9.3.4").unwrap().contains("10.9.0.0/16"));
        assert!(reason("127.0.0.1").is_some());
        assert_eq!(reason("203.0.113.77"), None);
    }
}
