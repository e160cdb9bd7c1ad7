//! A keyed hash for tables and sketches whose keys come from the network.

use std::hash::{BuildHasher, Hasher, RandomState};

/// The keys of a hash: who does not know them can't choose addresses and ports that collide.
///
/// Folded multiplication (the 128-bit product's halves combined, as in wyhash and ahash): a word costs a
/// multiplication, a fifth of SipHash's time. It is no cryptographic hash, and need not be: nobody outside sees a hash,
/// or how long one look-up took.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct HashKeys {
    seed: u64,
    factor: u64,
    last: u64,
}

impl HashKeys {
    /// Keys from the operating system's randomness: for live traffic.
    #[must_use]
    pub fn random() -> Self {
        let entropy = RandomState::new();
        let word = |number: u64| entropy.hash_one(number);
        Self::of(word(0), word(1), word(2))
    }

    /// Keys that are the same for the same `seed`: sketches then give the same estimates in every run.
    #[must_use]
    pub const fn fixed(seed: u64) -> Self {
        Self::of(
            scrambled(seed),
            scrambled(seed ^ 1 << 62),
            scrambled(seed ^ 1 << 63),
        )
    }

    /// The hash of two things: of one, its hash.
    #[inline]
    #[must_use]
    pub const fn combined(&self, hash: u64, other: u64) -> u64 {
        folded(hash ^ self.last, folded(other ^ self.seed, self.factor))
    }

    const fn of(seed: u64, factor: u64, last: u64) -> Self {
        Self {
            seed,
            factor: factor | 1,
            last: last | 1,
        }
    }
}

impl BuildHasher for HashKeys {
    type Hasher = KeyedHasher;

    fn build_hasher(&self) -> KeyedHasher {
        KeyedHasher {
            state: self.seed,
            keys: *self,
        }
    }
}

/// The hash of one key.
#[derive(Clone, Copy, Debug)]
pub struct KeyedHasher {
    state: u64,
    keys: HashKeys,
}

impl Hasher for KeyedHasher {
    #[inline]
    fn write_u64(&mut self, word: u64) {
        self.state = folded(self.state ^ word, self.keys.factor);
    }

    #[inline]
    fn write_u32(&mut self, word: u32) {
        self.write_u64(u64::from(word));
    }

    #[inline]
    fn write_u16(&mut self, word: u16) {
        self.write_u64(u64::from(word));
    }

    #[inline]
    fn write_u8(&mut self, word: u8) {
        self.write_u64(u64::from(word));
    }

    #[inline]
    fn write_usize(&mut self, word: usize) {
        self.write_u64(word as u64);
    }

    #[inline]
    fn write(&mut self, bytes: &[u8]) {
        for chunk in bytes.chunks(8) {
            let mut word = [0; 8];
            word[..chunk.len()].copy_from_slice(chunk);
            self.write_u64(u64::from_le_bytes(word));
        }
    }

    #[inline]
    fn finish(&self) -> u64 {
        // The state's own bits choose the rotation: hash tables look at both ends of the word.
        folded(self.state, self.keys.last).rotate_left((self.state & 63) as u32)
    }
}

#[inline]
const fn folded(a: u64, b: u64) -> u64 {
    let product = a as u128 * b as u128;
    (product >> 64) as u64 ^ product as u64
}

/// The finaliser of SplitMix64 (Steele, Lea and Flood 2014).
const fn scrambled(seed: u64) -> u64 {
    let z = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_decide() {
        let [one, same, other] = [3, 3, 4].map(HashKeys::fixed);
        assert_eq!(one.hash_one((7u64, 9u16)), same.hash_one((7u64, 9u16)));
        assert_ne!(one.hash_one((7u64, 9u16)), other.hash_one((7u64, 9u16)));
        assert_ne!(HashKeys::random(), HashKeys::random());
        let bytes = |text: &str| one.hash_one(text);
        assert_ne!(bytes("ninebytes"), bytes("ninebyte\0"));
    }

    #[test]
    fn neighbours_are_spread_over_all_bits_that_tables_use() {
        for seed in 0..20 {
            let keys = HashKeys::fixed(seed);
            spread(seed, |address| {
                keys.hash_one((0u64, 0xffff_0a00_0000 + address))
            });
            let host = keys.hash_one(7u64);
            spread(seed, |port| keys.combined(host, port));
            spread(seed, |host| keys.combined(keys.hash_one(host), 80));
        }
    }

    fn spread(seed: u64, hash: impl Fn(u64) -> u64) {
        // 64 of each: the bits of a table's sets, of its tags, of a sketch.
        for (shift, bits) in [(0, 10), (40, 8), (57, 7)] {
            let places = 1 << bits;
            let mut found = vec![0u32; places];
            for number in 0..64 * places as u64 {
                found[(hash(number) >> shift) as usize & (places - 1)] += 1;
            }
            // Eight standard deviations of a binomial distribution.
            assert!(
                found.iter().all(|count| (1..=128).contains(count)),
                "{seed} {shift}: {:?} to {:?}",
                found.iter().min(),
                found.iter().max()
            );
        }
    }
}
