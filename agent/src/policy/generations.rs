//! A map that forgets: bounded memory under any number of keys.

use std::{collections::HashMap, hash::Hash, mem};

use crate::window::HashKeys;

/// Keeps at least the `capacity / 2` most recently used keys and never more than `capacity`.
///
/// Two halves: when the young one is full it becomes the old one, and what the old one held is forgotten. A key found
/// in the old half moves to the young one. O(1) amortised. The hash is keyed, because what is remembered comes from the
/// network and could otherwise be made to collide.
#[derive(Debug)]
pub struct Generations<K, V> {
    young: HashMap<K, V, HashKeys>,
    old: HashMap<K, V, HashKeys>,
    half: usize,
}

impl<K: Eq + Hash, V: Default> Generations<K, V> {
    /// An empty one.
    #[must_use]
    pub fn new(capacity: usize) -> Self {
        let keys = HashKeys::random();
        Self {
            young: HashMap::with_hasher(keys),
            old: HashMap::with_hasher(keys),
            half: (capacity / 2).max(1),
        }
    }

    /// The value of a key, made when there is none.
    pub fn entry(&mut self, key: K) -> &mut V {
        let known = self.old.remove(&key);
        if known.is_none() && !self.young.contains_key(&key) && self.young.len() >= self.half {
            // Its memory is used again: what is held does not grow and shrink with the traffic.
            mem::swap(&mut self.young, &mut self.old);
            self.young.clear();
        }
        self.young
            .entry(key)
            .or_insert_with(|| known.unwrap_or_default())
    }

    /// The value of a key, if there is one; does not count as use.
    #[must_use]
    pub fn get(&self, key: &K) -> Option<&V> {
        if self.is_empty() {
            return None;
        }
        self.young.get(key).or_else(|| self.old.get(key))
    }

    /// The value of a key, if there is one, to be changed; does not count as use.
    pub fn get_mut(&mut self, key: &K) -> Option<&mut V> {
        if self.is_empty() {
            return None;
        }
        self.young.get_mut(key).or_else(|| self.old.get_mut(key))
    }

    /// Keys held.
    #[must_use]
    pub fn len(&self) -> usize {
        self.young.len() + self.old.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn remembers_the_recent_and_stays_bounded() {
        let mut map = Generations::<u32, u32>::new(100);
        for key in 0..100_000 {
            *map.entry(key) += 1;
            *map.entry(7) += 1;
            assert!(map.len() <= 101);
        }
        assert_eq!(*map.entry(99_999), 1);
        // Used all the time, so never forgotten.
        assert_eq!(*map.entry(7), 100_001);
        assert_eq!(*map.entry(3), 0);
    }
}
