//! How many different sources there are, about.

use std::hash::BuildHasher as _;

use tidegate_common::address::Address;

use crate::window::HashKeys;

const SECOND_NS: u64 = 1_000_000_000;
const BITS: f64 = 64.0;

/// Counts the sources of this second and the one before by linear counting (Whang, Vander-Zanden and Taylor 1990,
/// <https://doi.org/10.1145/78922.78925>): each sets the bit it hashes to, and the number of bits still clear says
/// how many there were. With 64 bits about right up to some 150 sources; beyond, "many".
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Crowd {
    since_ns: u64,
    now: u64,
    before: u64,
}

impl Crowd {
    /// Adds a source. The hash is keyed: the sources are chosen by whoever forges them.
    pub(super) fn add(&mut self, keys: &HashKeys, source: Address, at_ns: u64) {
        match at_ns.saturating_sub(self.since_ns) / SECOND_NS {
            0 => {}
            seconds => {
                self.before = if seconds == 1 { self.now } else { 0 };
                self.now = 0;
                self.since_ns = at_ns;
            }
        }
        self.now |= 1 << (keys.hash_one(source) % 64);
    }

    /// Sources, about.
    pub(super) fn size(&self) -> u32 {
        let clear = f64::from((self.now | self.before).count_zeros());
        (-BITS * (clear.max(0.5) / BITS).ln()).round() as u32
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn crowd(sources: u32) -> Crowd {
        let keys = HashKeys::random();
        let mut crowd = Crowd::default();
        for n in 0..10 * sources {
            let source = Address::from_v4((n % sources).to_be_bytes());
            crowd.add(&keys, source, 5 * SECOND_NS);
        }
        crowd
    }

    #[test]
    fn it_counts_about_right() {
        assert_eq!(Crowd::default().size(), 0);
        assert_eq!(crowd(1).size(), 1);
        // Ten times the standard error of 64 bits at this load would be off by more.
        assert!((10..=60).contains(&crowd(32).size()));
        assert!(crowd(10_000).size() > 100);
    }

    #[test]
    fn it_forgets_within_two_seconds() {
        let mut crowd = crowd(1_000);
        let keys = HashKeys::random();
        crowd.add(&keys, Address::from_v4([10, 0, 0, 1]), 8 * SECOND_NS);
        assert_eq!(crowd.size(), 1);
    }
}
