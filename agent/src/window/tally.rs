//! Sums over the entries of one window, by host, by service, and by both.

use tidegate_common::address::Address;
use tidegate_models::{Flag, percent};

use super::{
    Entry, HashKeys, ServiceId,
    hashed::{Hashes, Key, Map},
};

/// How often each key occurs.
#[derive(Debug)]
pub(super) struct Multiset<K>(Map<K, u32>);

impl<K: Key> Multiset<K> {
    pub(super) const fn new(keys: HashKeys) -> Self {
        Self(Map::new(keys))
    }

    /// Adds `weight` of `key`; says whether the key is new.
    #[inline]
    pub(super) fn add(&mut self, hash: u64, key: K, weight: u32) -> bool {
        let count = self.0.find_or_insert(hash, key);
        let new = *count == 0;
        *count += weight;
        new
    }

    /// Takes `weight` of `key` away; says whether none is left.
    #[inline]
    pub(super) fn remove(&mut self, hash: u64, key: K, weight: u32) -> bool {
        self.0.change_or_remove(hash, key, |count| {
            *count = count.saturating_sub(weight);
            *count == 0
        })
    }

    #[inline]
    pub(super) fn count(&self, hash: u64, key: K) -> u32 {
        self.0.find(hash, key).copied().unwrap_or(0)
    }

    pub(super) fn clear(&mut self) {
        self.0.clear();
    }
}

/// Sums over the connections of one host, or to one service.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(super) struct Sums {
    pub(super) total: u32,
    serror: u32,
    rerror: u32,
    /// Services of the host, or hosts of the service.
    distinct: u32,
}

impl Sums {
    fn add(&mut self, flag: Flag, weight: u32, new: bool) {
        self.total += weight;
        self.distinct += u32::from(new);
        self.add_errors(flag, weight);
    }

    fn remove(&mut self, flag: Flag, weight: u32, gone: bool) {
        self.total = self.total.saturating_sub(weight);
        self.distinct = self.distinct.saturating_sub(u32::from(gone));
        self.remove_errors(flag, weight);
    }

    fn add_errors(&mut self, flag: Flag, weight: u32) {
        self.serror += if flag.is_serror() { weight } else { 0 };
        self.rerror += if flag.is_rerror() { weight } else { 0 };
    }

    fn remove_errors(&mut self, flag: Flag, weight: u32) {
        let serror = if flag.is_serror() { weight } else { 0 };
        let rerror = if flag.is_rerror() { weight } else { 0 };
        self.serror = self.serror.saturating_sub(serror);
        self.rerror = self.rerror.saturating_sub(rerror);
    }

    /// Percent of connections with a SYN error.
    pub(super) const fn serror_rate(&self) -> u32 {
        percent(self.serror, self.total)
    }

    /// Percent of connections refused or aborted.
    pub(super) const fn rerror_rate(&self) -> u32 {
        percent(self.rerror, self.total)
    }

    /// Distinct services (or hosts) as percent of the connections; 0 when there is only one.
    pub(super) const fn distinct_rate(&self) -> u32 {
        if self.distinct > 1 {
            percent(self.distinct, self.total)
        } else {
            0
        }
    }
}

/// What a window says about one connection's host and service.
#[derive(Clone, Copy, Debug)]
pub(super) struct View {
    pub(super) host: Sums,
    pub(super) service: Sums,
    /// Connections to the same host and service.
    pub(super) both: u32,
}

/// The sums of one window. Callers bring the hashes of the entry.
#[derive(Debug)]
pub(super) struct Tally {
    hosts: Map<Address, Sums>,
    services: Map<ServiceId, Sums>,
    both: Multiset<(Address, ServiceId)>,
    /// Operations so far; each touches a fixed number of hash entries.
    #[cfg(test)]
    pub(super) operations: std::cell::Cell<u64>,
}

impl Tally {
    pub(super) fn new(keys: HashKeys) -> Self {
        Self {
            hosts: Map::new(keys),
            services: Map::new(keys),
            both: Multiset::new(keys),
            #[cfg(test)]
            operations: std::cell::Cell::default(),
        }
    }

    pub(super) fn add(&mut self, entry: &Entry, hashes: &Hashes, weight: u32) {
        #[cfg(test)]
        self.operations.update(|operations| operations + 1);
        let both = (entry.host, entry.service);
        let new = self.both.add(hashes.both, both, weight);
        let host = self.hosts.find_or_insert(hashes.host, entry.host);
        host.add(entry.flag, weight, new);
        let service = self.services.find_or_insert(hashes.service, entry.service);
        service.add(entry.flag, weight, new);
    }

    pub(super) fn remove(&mut self, entry: &Entry, hashes: &Hashes, weight: u32) {
        #[cfg(test)]
        self.operations.update(|operations| operations + 1);
        let both = (entry.host, entry.service);
        let gone = self.both.remove(hashes.both, both, weight);
        let remove = |sums: &mut Sums| {
            sums.remove(entry.flag, weight, gone);
            sums.total == 0
        };
        self.hosts.change_or_remove(hashes.host, entry.host, remove);
        self.services
            .change_or_remove(hashes.service, entry.service, remove);
    }

    pub(super) fn change(&mut self, entry: &Entry, hashes: &Hashes, weight: u32, flag: Flag) {
        #[cfg(test)]
        self.operations.update(|operations| operations + 1);
        let sums = [
            self.hosts.find_mut(hashes.host, entry.host),
            self.services.find_mut(hashes.service, entry.service),
        ];
        for sums in sums.into_iter().flatten() {
            sums.remove_errors(entry.flag, weight);
            sums.add_errors(flag, weight);
        }
    }

    /// The sums that concern `subject`; with `inside` false, as if it had an entry of weight 1.
    #[inline]
    pub(super) fn view(&self, subject: &Entry, hashes: &Hashes, inside: bool) -> View {
        #[cfg(test)]
        self.operations.update(|operations| operations + 1);
        let host = self.hosts.find(hashes.host, subject.host);
        let mut host = host.copied().unwrap_or_default();
        let service = self.services.find(hashes.service, subject.service);
        let mut service = service.copied().unwrap_or_default();
        let both = (subject.host, subject.service);
        let mut both = self.both.count(hashes.both, both);
        if !inside {
            let new = both == 0;
            host.add(subject.flag, 1, new);
            service.add(subject.flag, 1, new);
            both += 1;
        }
        View {
            host,
            service,
            both,
        }
    }

    pub(super) fn clear(&mut self) {
        self.hosts.clear();
        self.services.clear();
        self.both.clear();
    }
}
