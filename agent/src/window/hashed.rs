//! A hash map whose callers bring the hash: an event looks one host and one service up in many maps.

use std::hash::BuildHasher as _;

use hashbrown::{HashTable, hash_table};
use tidegate_common::address::Address;

use super::{Entry, HashKeys, ServiceId};

/// The hashes of an entry's parts.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Hashes {
    pub(super) host: u64,
    pub(super) service: u64,
    pub(super) source: u64,
    /// Of host and service.
    pub(super) both: u64,
    /// Of host and source port.
    pub(super) port: u64,
}

impl Hashes {
    #[inline]
    pub(super) fn of(entry: &Entry, keys: &HashKeys) -> Self {
        let host = keys.hash_one(entry.host);
        let service = keys.hash_one(entry.service);
        Self {
            host,
            service,
            source: keys.hash_one(entry.source),
            both: keys.combined(host, service),
            port: keys.combined(host, u64::from(entry.source_port)),
        }
    }
}

/// What can be looked up, and its hash: the one that [`Hashes`] has.
pub(super) trait Key: Copy + Eq {
    fn hash(self, keys: &HashKeys) -> u64;
}

impl Key for Address {
    fn hash(self, keys: &HashKeys) -> u64 {
        keys.hash_one(self)
    }
}

impl Key for ServiceId {
    fn hash(self, keys: &HashKeys) -> u64 {
        keys.hash_one(self)
    }
}

impl Key for (Address, ServiceId) {
    fn hash(self, keys: &HashKeys) -> u64 {
        keys.combined(keys.hash_one(self.0), keys.hash_one(self.1))
    }
}

impl Key for (Address, u16) {
    fn hash(self, keys: &HashKeys) -> u64 {
        keys.combined(keys.hash_one(self.0), u64::from(self.1))
    }
}

/// A map from keys to values.
#[derive(Debug)]
pub(super) struct Map<K, V> {
    table: HashTable<(K, V)>,
    keys: HashKeys,
}

impl<K: Key, V: Default> Map<K, V> {
    pub(super) const fn new(keys: HashKeys) -> Self {
        Self {
            table: HashTable::new(),
            keys,
        }
    }

    #[inline]
    pub(super) fn find(&self, hash: u64, key: K) -> Option<&V> {
        let found = self.table.find(hash, |(other, _)| *other == key);
        found.map(|(_, value)| value)
    }

    #[inline]
    pub(super) fn find_mut(&mut self, hash: u64, key: K) -> Option<&mut V> {
        let found = self.table.find_mut(hash, |(other, _)| *other == key);
        found.map(|(_, value)| value)
    }

    /// The value of a key; the default one if there was none.
    #[inline]
    pub(super) fn find_or_insert(&mut self, hash: u64, key: K) -> &mut V {
        let rehash = |(other, _): &(K, V)| other.hash(&self.keys);
        let entry = self.table.entry(hash, |(other, _)| *other == key, rehash);
        &mut entry.or_insert_with(|| (key, V::default())).into_mut().1
    }

    /// Changes the value of a key, if there is one, and removes it if `change` says so; what that says.
    #[inline]
    pub(super) fn change_or_remove(
        &mut self,
        hash: u64,
        key: K,
        change: impl FnOnce(&mut V) -> bool,
    ) -> bool {
        let rehash = |(other, _): &(K, V)| other.hash(&self.keys);
        match self.table.entry(hash, |(other, _)| *other == key, rehash) {
            hash_table::Entry::Occupied(mut occupied) => {
                let over = change(&mut occupied.get_mut().1);
                if over {
                    occupied.remove();
                }
                over
            }
            hash_table::Entry::Vacant(_) => false,
        }
    }

    pub(super) fn clear(&mut self) {
        self.table.clear();
    }
}

#[cfg(test)]
mod tests {
    use tidegate_models::{Flag, Protocol, Service};

    use super::*;

    #[test]
    fn keys_have_the_hashes_of_their_entry() {
        let keys = HashKeys::fixed(1);
        let entry = Entry {
            host: Address::from_v4([10, 0, 0, 1]),
            service: ServiceId::new(Protocol::Tcp, 80, Service::OTHER),
            source: Address::from_v4([10, 0, 0, 2]),
            source_port: 40_000,
            flag: Flag::SF,
        };
        let hashes = Hashes::of(&entry, &keys);
        assert_eq!(entry.host.hash(&keys), hashes.host);
        assert_eq!(entry.service.hash(&keys), hashes.service);
        assert_eq!(entry.source.hash(&keys), hashes.source);
        assert_eq!((entry.host, entry.service).hash(&keys), hashes.both);
        assert_eq!((entry.host, entry.source_port).hash(&keys), hashes.port);
    }

    #[test]
    fn growing_loses_nothing() {
        let keys = HashKeys::random();
        let mut map = Map::<(Address, u16), u32>::new(keys);
        let key = |n: u32| (Address::from_v4(n.to_be_bytes()), n as u16);
        for n in 0..10_000 {
            *map.find_or_insert(key(n).hash(&keys), key(n)) += n;
        }
        for n in 0..10_000 {
            assert_eq!(map.find(key(n).hash(&keys), key(n)), Some(&n));
            let odd = n % 2 == 1;
            let removed = map.change_or_remove(key(n).hash(&keys), key(n), |value| {
                *value += 1;
                odd
            });
            assert_eq!(removed, odd);
            let left = (!odd).then_some(n + 1);
            assert_eq!(map.find_mut(key(n).hash(&keys), key(n)).copied(), left);
        }
    }
}
