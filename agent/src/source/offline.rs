//! The kernel's flow table in user space: packets in, the kernel's events out.
//!
//! The steps are [`tidegate_common::observe`], the same code as the kernel programs'. Two things differ by intent:
//!
//! - there is no budget of new flows, which protects a live table from a spoofed flood: a capture is told in full;
//! - a record that makes room, or is begun anew, is handed over with its final counters. The kernel has no such
//!   event, and a live agent does without.
//!
//! Like the kernel's, the table is bounded and lets go of what was not used lately (the clock algorithm: a hand goes
//! round and takes the first record not used since it came by). Which one that is does not depend on the hash.

use std::hash::BuildHasher as _;

use foldhash::quality::RandomState;
use hashbrown::HashTable;
use tidegate_common::{
    event::FlowEvent,
    flow::{FlowKey, FlowRecord, FlowSnapshot},
    observe::{self, Host},
    packet::Packet,
    stats::{Counter, Stats},
};

/// Packets that [`FlowTable::warm`] takes at a time.
pub const TOGETHER: usize = 32;

/// Two cache lines: the one that a look-up compares, and the record.
#[derive(Debug)]
#[repr(C, align(64))]
struct Slot {
    key: FlowKey,
    /// Used since the hand came by.
    used: bool,
    record: Line,
}

#[derive(Debug)]
#[repr(align(64))]
struct Line(FlowRecord);

const _: () = assert!(size_of::<Slot>() == 128, "two cache lines");

/// A bounded flow table.
#[derive(Debug)]
pub struct FlowTable {
    tables: Tables,
    stats: Stats,
    event: Option<FlowEvent>,
    retired: Option<(FlowKey, FlowSnapshot)>,
}

/// A place in the slots, with as much of its key's hash as makes it unlikely to look there in vain.
#[derive(Clone, Copy, Debug)]
struct Entry {
    tag: u32,
    place: u32,
}

impl Entry {
    /// What stands for the tag in the index, which looks at the lowest and the highest bits.
    #[inline]
    const fn hash(tag: u32) -> u64 {
        // 2^64 divided by the golden ratio (Knuth, The Art of Computer Programming 3, section 6.4).
        (tag as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15)
    }
}

#[derive(Debug)]
struct Tables {
    /// Where keys are, by their hash: seeded at random, since addresses and ports come from attackers.
    index: HashTable<Entry>,
    hasher: RandomState,
    slots: Vec<Slot>,
    limit: usize,
    hand: usize,
    evicted: u64,
}

impl FlowTable {
    /// An empty table of at most `limit` flows (at least 1).
    #[must_use]
    pub fn new(limit: u32) -> Self {
        Self {
            tables: Tables {
                index: HashTable::new(),
                hasher: RandomState::default(),
                slots: Vec::new(),
                limit: limit.max(1) as usize,
                hand: 0,
                evicted: 0,
            },
            stats: Stats::default(),
            event: None,
            retired: None,
        }
    }

    /// Counts a packet whose headers could be read; the event it causes, if any. `now_ns` is the packet clock's.
    #[inline]
    pub fn observe(&mut self, packet: &Packet, now_ns: u64, ifindex: u32) -> Option<FlowEvent> {
        observe::observe(self, packet, now_ns, ifindex);
        self.event.take()
    }

    /// Brings the records of the next packets, at most [`TOGETHER`], into the cache. A look-up waits for memory most
    /// of its time; this lets all of them wait at once, since none depends on what another finds.
    #[inline]
    pub fn warm<'a>(&self, packets: impl IntoIterator<Item = &'a Packet>) {
        let mut places = [None; TOGETHER];
        for (place, packet) in places.iter_mut().zip(packets) {
            let tag = self.tables.tag(&FlowKey::of(packet).0);
            let found = self.tables.index.find(Entry::hash(tag), |e| e.tag == tag);
            *place = found.map(|entry| entry.place);
        }
        let slots = places.into_iter().flatten();
        let slots = slots.filter_map(|place| self.tables.slots.get(place as usize));
        // One word of each cache line.
        let touched = slots.map(|slot| slot.record.0.snapshot().last_ns ^ u64::from(slot.used));
        std::hint::black_box(touched.fold(0, |all, one| all ^ one));
    }

    /// The flow that the latest packet pushed out or replaced, with its final counters. To be asked for before the
    /// packet's event is passed on.
    pub const fn retired(&mut self) -> Option<(FlowKey, FlowSnapshot)> {
        self.retired.take()
    }

    /// The counters under a key.
    #[must_use]
    pub fn snapshot(&self, key: &FlowKey) -> Option<FlowSnapshot> {
        let slot = self.tables.find(key)?;
        Some(self.tables.slots.get(slot)?.record.0.snapshot())
    }

    /// Forgets all flows.
    pub fn clear(&mut self) {
        self.tables.index.clear();
        self.tables.slots.clear();
        self.tables.hand = 0;
    }

    /// Flows held.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.tables.slots.len()
    }

    /// Whether there is none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Flows that made room for others.
    #[must_use]
    pub const fn evicted(&self) -> u64 {
        self.tables.evicted
    }

    /// Counters of flows and events, as the kernel keeps them.
    #[must_use]
    pub const fn stats(&self) -> &Stats {
        &self.stats
    }
}

impl Host for FlowTable {
    #[inline]
    fn flow(&mut self, key: &FlowKey) -> Option<&FlowRecord> {
        let place = self.tables.find(key)?;
        let slot = self.tables.slots.get_mut(place)?;
        slot.used = true;
        Some(&slot.record.0)
    }

    #[inline]
    fn admits(&mut self, _: &Packet, _: u64) -> bool {
        true
    }

    fn insert(&mut self, key: &FlowKey, record: &FlowRecord) -> bool {
        self.retired = self
            .tables
            .insert(*key, FlowRecord::from(record.snapshot()));
        true
    }

    #[inline]
    fn emit(&mut self, event: FlowEvent) {
        self.event = Some(event);
        self.stats.add(Counter::Events, 1);
    }

    #[inline]
    fn count(&mut self, counter: Counter) {
        self.stats.add(counter, 1);
    }
}

impl Tables {
    #[inline]
    fn tag(&self, key: &FlowKey) -> u32 {
        (self.hasher.hash_one(key) >> 32) as u32
    }

    #[inline]
    fn find(&self, key: &FlowKey) -> Option<usize> {
        let tag = self.tag(key);
        let found = self.index.find(Entry::hash(tag), |entry| {
            let slot = self.slots.get(entry.place as usize);
            entry.tag == tag && slot.is_some_and(|slot| slot.key == *key)
        });
        found.map(|entry| entry.place as usize)
    }

    /// Puts a record under a key; what it replaces, or what had to go for it.
    fn insert(&mut self, key: FlowKey, record: FlowRecord) -> Option<(FlowKey, FlowSnapshot)> {
        let slot = Slot {
            key,
            used: false,
            record: Line(record),
        };
        if let Some(place) = self.find(&key) {
            return self.replace(place, slot);
        }
        let (place, retired) = if self.slots.len() < self.limit {
            self.slots.push(slot);
            (self.slots.len() - 1, None)
        } else {
            let place = self.victim();
            self.forget(place);
            self.evicted += 1;
            (place, self.replace(place, slot))
        };
        let entry = Entry {
            tag: self.tag(&key),
            // At most u32::MAX slots, by the type of the limit given.
            place: place as u32,
        };
        self.index
            .insert_unique(Entry::hash(entry.tag), entry, |e| Entry::hash(e.tag));
        retired
    }

    fn replace(&mut self, place: usize, slot: Slot) -> Option<(FlowKey, FlowSnapshot)> {
        let old = std::mem::replace(self.slots.get_mut(place)?, slot);
        Some((old.key, old.record.0.snapshot()))
    }

    /// Takes a slot out of the index.
    fn forget(&mut self, place: usize) {
        let Some(slot) = self.slots.get(place) else {
            return;
        };
        let tag = self.tag(&slot.key);
        let here = |entry: &Entry| entry.place as usize == place;
        let found = self.index.find_entry(Entry::hash(tag), here);
        if let Ok(entry) = found {
            entry.remove();
        }
    }

    /// The first slot from the hand on that was not used since the hand came by.
    fn victim(&mut self) -> usize {
        loop {
            let place = self.hand;
            self.hand = (self.hand + 1) % self.slots.len().max(1);
            match self.slots.get_mut(place) {
                Some(slot) if slot.used => slot.used = false,
                _ => return place,
            }
        }
    }
}
