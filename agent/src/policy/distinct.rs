//! How many different hosts there are, about.

use std::hash::BuildHasher as _;

use tidegate_common::address::Address;

use crate::window::HashKeys;

const SECOND_NS: u64 = 1_000_000_000;
const BITS: f64 = 64.0;

/// Counts the hosts of this second and the one before by linear counting (Whang, Vander-Zanden and Taylor 1990,
/// <https://doi.org/10.1145/78922.78925>): each sets the bit it hashes to, and the number of bits still clear says
/// how many there were. With 64 bits about right up to some 150 sources; beyond, "many".
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct DistinctHosts {
    since_ns: u64,
    now: u64,
    before: u64,
}

impl DistinctHosts {
    /// Adds a host. The hash is keyed: sources are chosen by whoever forges them.
    pub(super) fn add(&mut self, keys: &HashKeys, host: Address, at_ns: u64) {
        match at_ns.saturating_sub(self.since_ns) / SECOND_NS {
            0 => {}
            seconds => {
                self.before = if seconds == 1 { self.now } else { 0 };
                self.now = 0;
                self.since_ns = at_ns;
            }
        }
        self.now |= 1 << (keys.hash_one(host) % 64);
    }

    /// Hosts, about.
    pub(super) fn size(&self) -> u32 {
        let clear = f64::from((self.now | self.before).count_zeros());
        (-BITS * (clear.max(0.5) / BITS).ln()).round() as u32
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counted(hosts: u32) -> DistinctHosts {
        let keys = HashKeys::random();
        let mut count = DistinctHosts::default();
        for n in 0..10 * hosts {
            let host = Address::from_v4((n % hosts).to_be_bytes());
            count.add(&keys, host, 5 * SECOND_NS);
        }
        count
    }

    #[test]
    fn it_counts_about_right() {
        assert_eq!(DistinctHosts::default().size(), 0);
        assert_eq!(counted(1).size(), 1);
        // Ten times the standard error of 64 bits at this load would be off by more.
        assert!((10..=60).contains(&counted(32).size()));
        assert!(counted(10_000).size() > 100);
    }

    #[test]
    fn it_forgets_within_two_seconds() {
        let mut count = counted(1_000);
        let keys = HashKeys::random();
        count.add(&keys, Address::from_v4([10, 0, 0, 1]), 8 * SECOND_NS);
        assert_eq!(count.size(), 1);
    }
}
