//! How long classification takes, as a histogram of powers of two.

/// From an event's packet to the end of its classification.
#[derive(Clone, Copy, Debug)]
pub(super) struct Latency {
    log2_ns: [u64; 40],
}

impl Default for Latency {
    fn default() -> Self {
        Self { log2_ns: [0; 40] }
    }
}

impl Latency {
    pub(super) const fn add(&mut self, ns: u64) {
        let bucket = ns.checked_ilog2();
        let bucket = match bucket {
            Some(bucket) if bucket < 39 => bucket as usize,
            Some(_) => 39,
            None => 0,
        };
        self.log2_ns[bucket] += 1;
    }

    /// Bucket `i` counts what took from 2^i to less than 2^(i+1) ns; the last one has no end.
    pub(super) const fn log2_ns(&self) -> [u64; 40] {
        self.log2_ns
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buckets_are_powers_of_two() {
        let mut latency = Latency::default();
        for ns in [0, 1, 2, 3, 1023, 1024, u64::MAX] {
            latency.add(ns);
        }
        let buckets = latency.log2_ns();
        assert_eq!((buckets[0], buckets[1]), (2, 2));
        assert_eq!((buckets[9], buckets[10], buckets[39]), (1, 1, 1));
    }
}
