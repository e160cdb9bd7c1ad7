//! Sums over the entries of one window, by host, by service, and by both.

use std::{
    collections::{HashMap, hash_map},
    hash::Hash,
};

use tidegate_common::address::Address;
use tidegate_models::{Flag, percent};

use super::{Entry, HashKeys, ServiceId};

/// How often each key occurs.
#[derive(Debug)]
pub(super) struct Multiset<K>(HashMap<K, u32, HashKeys>);

impl<K: Eq + Hash> Multiset<K> {
    pub(super) fn new(keys: HashKeys) -> Self {
        Self(HashMap::with_hasher(keys))
    }

    /// Adds `weight` of `key`; says whether the key is new.
    pub(super) fn add(&mut self, key: K, weight: u32) -> bool {
        let count = self.0.entry(key).or_default();
        let new = *count == 0;
        *count += weight;
        new
    }

    /// Takes `weight` of `key` away; says whether none is left.
    pub(super) fn remove(&mut self, key: K, weight: u32) -> bool {
        let hash_map::Entry::Occupied(mut occupied) = self.0.entry(key) else {
            return false;
        };
        let count = occupied.get_mut();
        *count = count.saturating_sub(weight);
        let gone = *count == 0;
        if gone {
            occupied.remove();
        }
        gone
    }

    pub(super) fn count(&self, key: &K) -> u32 {
        self.0.get(key).copied().unwrap_or(0)
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

/// The sums of one window.
#[derive(Debug)]
pub(super) struct Tally {
    hosts: HashMap<Address, Sums, HashKeys>,
    services: HashMap<ServiceId, Sums, HashKeys>,
    both: Multiset<(Address, ServiceId)>,
    /// Operations so far; each touches a fixed number of hash entries.
    #[cfg(test)]
    pub(super) operations: std::cell::Cell<u64>,
}

impl Tally {
    pub(super) fn new(keys: HashKeys) -> Self {
        Self {
            hosts: HashMap::with_hasher(keys),
            services: HashMap::with_hasher(keys),
            both: Multiset::new(keys),
            #[cfg(test)]
            operations: std::cell::Cell::default(),
        }
    }

    pub(super) fn add(&mut self, entry: &Entry, weight: u32) {
        #[cfg(test)]
        self.operations.update(|operations| operations + 1);
        let new = self.both.add((entry.host, entry.service), weight);
        let host = self.hosts.entry(entry.host).or_default();
        host.add(entry.flag, weight, new);
        let service = self.services.entry(entry.service).or_default();
        service.add(entry.flag, weight, new);
    }

    pub(super) fn remove(&mut self, entry: &Entry, weight: u32) {
        #[cfg(test)]
        self.operations.update(|operations| operations + 1);
        let gone = self.both.remove((entry.host, entry.service), weight);
        remove_from(&mut self.hosts, entry.host, entry.flag, weight, gone);
        remove_from(&mut self.services, entry.service, entry.flag, weight, gone);
    }

    pub(super) fn change(&mut self, entry: &Entry, weight: u32, flag: Flag) {
        #[cfg(test)]
        self.operations.update(|operations| operations + 1);
        let sums = [
            self.hosts.get_mut(&entry.host),
            self.services.get_mut(&entry.service),
        ];
        for sums in sums.into_iter().flatten() {
            sums.remove_errors(entry.flag, weight);
            sums.add_errors(flag, weight);
        }
    }

    /// The sums that concern `subject`; with `inside` false, as if it had an entry of weight 1.
    pub(super) fn view(&self, subject: &Entry, inside: bool) -> View {
        #[cfg(test)]
        self.operations.update(|operations| operations + 1);
        let mut host = self.hosts.get(&subject.host).copied().unwrap_or_default();
        let service = self.services.get(&subject.service);
        let mut service = service.copied().unwrap_or_default();
        let mut both = self.both.count(&(subject.host, subject.service));
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

fn remove_from<K: Eq + Hash>(
    map: &mut HashMap<K, Sums, HashKeys>,
    key: K,
    flag: Flag,
    weight: u32,
    gone: bool,
) {
    if let hash_map::Entry::Occupied(mut occupied) = map.entry(key) {
        let sums = occupied.get_mut();
        sums.remove(flag, weight, gone);
        if sums.total == 0 {
            occupied.remove();
        }
    }
}
