//! The window of the last 2 s, with the last 0.1 s inside it.

use std::collections::VecDeque;

use tidegate_common::address::Address;
use tidegate_models::{Flag, KddRecord, percent};

use super::{
    Entry, HashKeys, RECENT_NS, SHORT_NS, Weights,
    hashed::{Hashes, Key as _},
    tally::{Multiset, Tally},
};

/// KDD's cap of `count` and `srv_count`.
const COUNT_CAP: u32 = 511;
/// Cap of `src_count`.
const SOURCE_CAP: u32 = 65_535;

#[derive(Debug)]
struct Timed {
    entry: Entry,
    at_ns: u64,
    weight: u32,
    /// Of the short horizon.
    short: u32,
}

/// Entries in the order of their times, numbered from 1; a number below `first` has left.
#[derive(Debug)]
pub(super) struct Recent {
    entries: VecDeque<Timed>,
    capacity: usize,
    /// Number of the front entry.
    first: u64,
    /// Number of the first entry inside the short horizon.
    first_short: u64,
    tally: Tally,
    sources: Multiset<Address>,
    hosts_short: Multiset<Address>,
    keys: HashKeys,
    dropped: u64,
}

impl Recent {
    pub(super) fn new(capacity: usize, keys: HashKeys) -> Self {
        Self {
            entries: VecDeque::new(),
            capacity,
            first: 1,
            first_short: 1,
            tally: Tally::new(keys),
            sources: Multiset::new(keys),
            hosts_short: Multiset::new(keys),
            keys,
            dropped: 0,
        }
    }

    /// Adds an entry; returns its number. A time before the newest entry's becomes that one's, to keep the order.
    pub(super) fn push(
        &mut self,
        entry: &Entry,
        hashes: &Hashes,
        at_ns: u64,
        weights: Weights,
    ) -> u64 {
        if self.entries.len() >= self.capacity {
            self.pop();
            self.dropped += 1;
        }
        let at_ns = self.entries.back().map_or(at_ns, |b| b.at_ns.max(at_ns));
        self.tally.add(entry, hashes, weights.recent);
        self.sources
            .add(hashes.source, entry.source, weights.recent);
        self.hosts_short.add(hashes.host, entry.host, weights.short);
        self.entries.push_back(Timed {
            entry: *entry,
            at_ns,
            weight: weights.recent,
            short: weights.short,
        });
        self.first + self.entries.len() as u64 - 1
    }

    pub(super) fn expire(&mut self, now_ns: u64) {
        let old = |timed: &Timed, horizon_ns| timed.at_ns.saturating_add(horizon_ns) <= now_ns;
        while self.entries.front().is_some_and(|t| old(t, RECENT_NS)) {
            self.pop();
        }
        while let Some(timed) = self.at(self.first_short)
            && old(timed, SHORT_NS)
        {
            let (host, short) = (timed.entry.host, timed.short);
            self.hosts_short.remove(host.hash(&self.keys), host, short);
            self.first_short += 1;
        }
    }

    fn pop(&mut self) {
        let Some(timed) = self.entries.pop_front() else {
            return;
        };
        let hashes = Hashes::of(&timed.entry, &self.keys);
        self.tally.remove(&timed.entry, &hashes, timed.weight);
        self.sources
            .remove(hashes.source, timed.entry.source, timed.weight);
        if self.first_short == self.first {
            self.hosts_short
                .remove(hashes.host, timed.entry.host, timed.short);
            self.first_short += 1;
        }
        self.first += 1;
    }

    fn at(&self, number: u64) -> Option<&Timed> {
        self.entries.get(self.index(number)?)
    }

    fn index(&self, number: u64) -> Option<usize> {
        usize::try_from(number.checked_sub(self.first)?).ok()
    }

    pub(super) fn change(&mut self, number: u64, flag: Flag) {
        let Some(index) = self.index(number) else {
            return;
        };
        if let Some(timed) = self.entries.get_mut(index) {
            let hashes = Hashes::of(&timed.entry, &self.keys);
            self.tally.change(&timed.entry, &hashes, timed.weight, flag);
            timed.entry.flag = flag;
        }
    }

    pub(super) fn judge(
        &self,
        subject: &Entry,
        hashes: &Hashes,
        number: u64,
        record: &mut KddRecord,
    ) {
        let outside = number < self.first;
        let outside_short = number < self.first_short;
        let view = self.tally.view(subject, hashes, !outside);
        record.count = view.host.total.min(COUNT_CAP);
        record.srv_count = view.service.total.min(COUNT_CAP);
        record.serror_rate = view.host.serror_rate();
        record.srv_serror_rate = view.service.serror_rate();
        record.rerror_rate = view.host.rerror_rate();
        record.srv_rerror_rate = view.service.rerror_rate();
        record.same_srv_rate = percent(view.both, view.host.total);
        record.diff_srv_rate = view.host.distinct_rate();
        record.srv_diff_host_rate = view.service.distinct_rate();
        let short = self.hosts_short.count(hashes.host, subject.host);
        record.count_100ms = short + u32::from(outside_short);
        let sources = self.sources.count(hashes.source, subject.source) + u32::from(outside);
        record.src_count = sources.min(SOURCE_CAP);
    }

    pub(super) const fn dropped(&self) -> u64 {
        self.dropped
    }

    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    pub(super) fn clear(&mut self) {
        self.first += self.entries.len() as u64;
        self.first_short = self.first;
        self.entries.clear();
        self.tally.clear();
        self.sources.clear();
        self.hosts_short.clear();
    }

    #[cfg(test)]
    pub(super) fn operations(&self) -> u64 {
        self.tally.operations.get()
    }
}
