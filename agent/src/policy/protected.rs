//! Who is never blocked: the allowlist, this machine, and its way out.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt, fs,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
};

use nix::ifaddrs::getifaddrs;

use crate::config::Cidr;

/// Why a source is never blocked.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Protection {
    /// The configuration lists a network it is in.
    Configured(Cidr),
    /// So does the allowlist of the run time.
    Added(Cidr),
    /// It is this machine's.
    Own,
    /// It is the default gateway's.
    Gateway,
}

impl fmt::Display for Protection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Configured(network) | Self::Added(network) => {
                write!(f, "allowlisted by {network}")
            }
            Self::Own => f.write_str("an address of this machine"),
            Self::Gateway => f.write_str("the default gateway"),
        }
    }
}

/// Networks and addresses that no verdict may name as a source.
#[derive(Clone, Debug, Default)]
pub struct Protected {
    configured: Networks,
    added: Networks,
    own: BTreeSet<IpAddr>,
    gateways: BTreeSet<IpAddr>,
}

impl Protected {
    /// The allowlist of the configuration, plus this machine's addresses and default gateways as they are now.
    ///
    /// What can't be read is logged and left out; the allowlist always counts.
    #[must_use]
    pub fn new(configured: impl IntoIterator<Item = Cidr>) -> Self {
        let mut protected = Self::only(configured);
        protected.refresh();
        protected
    }

    /// The allowlist alone: for traffic that this machine had no part in.
    #[must_use]
    pub fn only(configured: impl IntoIterator<Item = Cidr>) -> Self {
        Self {
            configured: configured.into_iter().collect(),
            ..Self::default()
        }
    }

    /// Looks at the machine's addresses and routes again.
    pub fn refresh(&mut self) {
        self.own = own_addresses();
        self.gateways = gateways();
    }

    /// Why a source is never blocked, if so. Costs a look-up for each length of prefix there is.
    #[must_use]
    pub fn reason(&self, source: IpAddr) -> Option<Protection> {
        let source = source.to_canonical();
        let configured = self.configured.holding(source).map(Protection::Configured);
        configured
            .or_else(|| self.added.holding(source).map(Protection::Added))
            .or_else(|| self.own.contains(&source).then_some(Protection::Own))
            .or_else(|| {
                self.gateways
                    .contains(&source)
                    .then_some(Protection::Gateway)
            })
    }

    /// Adds a network at run time; says whether it is new.
    pub fn add(&mut self, network: Cidr) -> bool {
        self.added.insert(network)
    }

    /// Takes back what was added at run time; says whether it was there.
    pub fn remove(&mut self, network: Cidr) -> bool {
        self.added.remove(network)
    }

    /// What was added at run time, in order.
    #[must_use]
    pub fn added(&self) -> Vec<Cidr> {
        self.added.all.iter().copied().collect()
    }

    /// Everything protected with the reason, in order of the reasons.
    pub fn entries(&self) -> impl Iterator<Item = (Cidr, Protection)> + '_ {
        let configured = self.configured.all.iter();
        let configured = configured.map(|&network| (network, Protection::Configured(network)));
        let added = self.added.all.iter();
        let added = added.map(|&network| (network, Protection::Added(network)));
        let own = self.own.iter().map(|&ip| (Cidr::from(ip), Protection::Own));
        let gateways = self.gateways.iter();
        let gateways = gateways.map(|&ip| (Cidr::from(ip), Protection::Gateway));
        configured.chain(added).chain(own).chain(gateways)
    }

    /// Everything protected, as networks, for the kernel's allowlist.
    pub fn networks(&self) -> impl Iterator<Item = Cidr> + '_ {
        self.entries().map(|(network, _)| network)
    }
}

/// Networks that find an address without looking at each.
#[derive(Clone, Debug, Default)]
struct Networks {
    all: BTreeSet<Cidr>,
    /// How many there are of each length of prefix; IPv4 comes before IPv6.
    lengths: BTreeMap<(bool, u8), usize>,
}

impl Networks {
    fn insert(&mut self, network: Cidr) -> bool {
        let new = self.all.insert(network);
        if new {
            *self.lengths.entry(length(network)).or_default() += 1;
        }
        new
    }

    fn remove(&mut self, network: Cidr) -> bool {
        let known = self.all.remove(&network);
        if known && let Some(count) = self.lengths.get_mut(&length(network)) {
            *count -= 1;
            if *count == 0 {
                self.lengths.remove(&length(network));
            }
        }
        known
    }

    /// The widest network that holds an address.
    fn holding(&self, address: IpAddr) -> Option<Cidr> {
        let lengths = self.lengths.keys();
        lengths
            .filter(|(v6, _)| *v6 == address.is_ipv6())
            .filter_map(|(_, prefix)| Cidr::around(address, *prefix))
            .find(|network| self.all.contains(network))
    }
}

impl FromIterator<Cidr> for Networks {
    fn from_iter<T: IntoIterator<Item = Cidr>>(networks: T) -> Self {
        let mut all = Self::default();
        for network in networks {
            all.insert(network);
        }
        all
    }
}

const fn length(network: Cidr) -> (bool, u8) {
    (network.network().is_ipv6(), network.prefix())
}

fn own_addresses() -> BTreeSet<IpAddr> {
    let addresses = match getifaddrs() {
        Ok(addresses) => addresses,
        Err(error) => {
            tracing::warn!(%error, "can't list this machine's addresses; they are not protected");
            return BTreeSet::new();
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

fn gateways() -> BTreeSet<IpAddr> {
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
    use proptest::prelude::*;

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
        let protected = Protected::new(["10.9.0.0/16".parse().unwrap()]);
        let reason = |ip: &str| protected.reason(ip.parse().unwrap());
        assert!(
            reason("10.9.3.4")
                .unwrap()
                .to_string()
                .contains("10.9.0.0/16")
        );
        assert_eq!(reason("127.0.0.1"), Some(Protection::Own));
        assert_eq!(reason("203.0.113.77"), None);
    }

    #[test]
    fn networks_come_and_go_at_run_time() {
        let mut protected = Protected::new([]);
        let reason = |protected: &Protected, ip: &str| protected.reason(ip.parse().unwrap());
        let networks = ["203.0.113.0/24", "203.0.113.64/26", "2001:db8::/32"];
        for network in networks.map(|network| network.parse().unwrap()) {
            assert!(protected.add(network));
            assert!(!protected.add(network), "twice");
        }
        assert_eq!(protected.added().len(), 3);
        assert!(reason(&protected, "203.0.113.77").is_some());
        assert!(reason(&protected, "2001:db8::9").is_some());
        assert!(protected.remove("203.0.113.0/24".parse().unwrap()));
        assert!(!protected.remove("203.0.113.0/24".parse().unwrap()));
        assert!(reason(&protected, "203.0.113.77").is_some(), "by the other");
        assert_eq!(reason(&protected, "203.0.113.1"), None);
    }

    proptest! {
        #[test]
        fn the_lookup_finds_what_a_plain_search_finds(
            networks in proptest::collection::vec((any::<u32>(), 0..=8_u8), 0..20),
            address in any::<u32>(),
        ) {
            let networks: Vec<Cidr> = networks
                .into_iter()
                .map(|(ip, prefix)| Cidr::around(Ipv4Addr::from(ip).into(), prefix).unwrap())
                .collect();
            let address = IpAddr::from(Ipv4Addr::from(address));
            let found: Networks = networks.iter().copied().collect();
            prop_assert_eq!(
                found.holding(address).is_some(),
                networks.iter().any(|network| network.contains(address))
            );
        }
    }
}
