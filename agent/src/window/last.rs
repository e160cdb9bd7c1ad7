//! The window of the last 255 connections.

use std::collections::VecDeque;

use tidegate_common::address::Address;
use tidegate_models::{Flag, KddRecord, percent};

use super::{
    Entry, HashKeys, LAST_CONNECTIONS,
    hashed::Hashes,
    tally::{Multiset, Tally},
};

/// Entries in the order they came, numbered from 1; a number below `first` has left.
#[derive(Debug)]
pub(super) struct Last {
    entries: VecDeque<(Entry, u32)>,
    /// Number of the front entry.
    first: u64,
    /// Weight of all entries, at most 255.
    total: u32,
    tally: Tally,
    ports: Multiset<(Address, u16)>,
    keys: HashKeys,
}

impl Last {
    pub(super) fn new(keys: HashKeys) -> Self {
        Self {
            entries: VecDeque::with_capacity(LAST_CONNECTIONS as usize),
            first: 1,
            total: 0,
            tally: Tally::new(keys),
            ports: Multiset::new(keys),
            keys,
        }
    }

    /// Adds `weight` connections of one kind; returns their number. As many of the oldest leave as must.
    pub(super) fn push(&mut self, entry: &Entry, hashes: &Hashes, weight: u32) -> u64 {
        let weight = weight.clamp(1, LAST_CONNECTIONS);
        self.shrink(LAST_CONNECTIONS - weight);
        self.tally.add(entry, hashes, weight);
        let port = (entry.host, entry.source_port);
        self.ports.add(hashes.port, port, weight);
        self.total += weight;
        self.entries.push_back((*entry, weight));
        self.first + self.entries.len() as u64 - 1
    }

    /// Lets the oldest connections go until `room` are left; of an entry that stands for several, as many as must.
    fn shrink(&mut self, room: u32) {
        while self.total > room {
            let Some((entry, weight)) = self.entries.front_mut() else {
                return;
            };
            let leaving = (self.total - room).min(*weight);
            let hashes = Hashes::of(entry, &self.keys);
            self.tally.remove(entry, &hashes, leaving);
            let port = (entry.host, entry.source_port);
            self.ports.remove(hashes.port, port, leaving);
            self.total -= leaving;
            *weight -= leaving;
            if *weight == 0 {
                self.entries.pop_front();
                self.first += 1;
            }
        }
    }

    pub(super) fn change(&mut self, number: u64, flag: Flag) {
        let index = number.checked_sub(self.first);
        let Some(index) = index.and_then(|index| usize::try_from(index).ok()) else {
            return;
        };
        if let Some((entry, weight)) = self.entries.get_mut(index) {
            let hashes = Hashes::of(entry, &self.keys);
            self.tally.change(entry, &hashes, *weight, flag);
            entry.flag = flag;
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
        let view = self.tally.view(subject, hashes, !outside);
        let port = (subject.host, subject.source_port);
        let port = self.ports.count(hashes.port, port) + u32::from(outside);
        // A subject that has left makes 256: the cap holds, the rates are over all of them.
        record.dst_host_count = view.host.total.min(LAST_CONNECTIONS);
        record.dst_host_srv_count = view.service.total.min(LAST_CONNECTIONS);
        record.dst_host_same_srv_rate = percent(view.both, view.host.total);
        record.dst_host_diff_srv_rate = view.host.distinct_rate();
        record.dst_host_same_src_port_rate = percent(port, view.host.total);
        record.dst_host_srv_diff_host_rate = view.service.distinct_rate();
        record.dst_host_serror_rate = view.host.serror_rate();
        record.dst_host_srv_serror_rate = view.service.serror_rate();
        record.dst_host_rerror_rate = view.host.rerror_rate();
        record.dst_host_srv_rerror_rate = view.service.rerror_rate();
    }

    pub(super) fn clear(&mut self) {
        self.first += self.entries.len() as u64;
        self.total = 0;
        self.entries.clear();
        self.tally.clear();
        self.ports.clear();
    }

    #[cfg(test)]
    pub(super) fn operations(&self) -> u64 {
        self.tally.operations.get()
    }
}
