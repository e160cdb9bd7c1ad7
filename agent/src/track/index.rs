//! Where the connection of a key is: the part of a hash map that is not the keys, which stand beside the values.

use std::hash::BuildHasher as _;

use hashbrown::HashTable;
use tidegate_common::flow::FlowKey;

use crate::window::HashKeys;

/// A slot, with as much of its key's hash as makes it unlikely to look there in vain, and growing no reason to look
/// there at all.
#[derive(Clone, Copy, Debug)]
struct Entry {
    tag: u32,
    slot: u32,
}

/// The hash of a key, as the index wants it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Tag(u32);

impl Tag {
    /// What stands for the tag in the table, which looks at the lowest and the highest bits.
    #[inline]
    const fn hash(self) -> u64 {
        // 2^64 divided by the golden ratio (Knuth, The Art of Computer Programming 3, section 6.4).
        (self.0 as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15)
    }
}

/// Slots by the keys of their connections. Nine bytes each, of which an eighth to nine sixteenths are free.
#[derive(Debug)]
pub(super) struct Index {
    table: HashTable<Entry>,
    keys: HashKeys,
}

impl Index {
    pub(super) const fn new(keys: HashKeys) -> Self {
        Self {
            table: HashTable::new(),
            keys,
        }
    }

    #[inline]
    pub(super) fn tag(&self, key: &FlowKey) -> Tag {
        Tag(self.keys.hash_one(key) as u32)
    }

    /// The slot with this tag that `is_it`.
    #[inline]
    pub(super) fn find(&self, tag: Tag, is_it: impl Fn(u32) -> bool) -> Option<u32> {
        let found = self
            .table
            .find(tag.hash(), |entry| entry.tag == tag.0 && is_it(entry.slot));
        found.map(|entry| entry.slot)
    }

    /// Adds a slot that is not there yet.
    #[inline]
    pub(super) fn insert(&mut self, tag: Tag, slot: u32) {
        let entry = Entry { tag: tag.0, slot };
        let hash = |entry: &Entry| Tag(entry.tag).hash();
        self.table.insert_unique(tag.hash(), entry, hash);
    }

    #[inline]
    pub(super) fn remove(&mut self, tag: Tag, slot: u32) {
        let found = self
            .table
            .find_entry(tag.hash(), |entry| entry.slot == slot);
        if let Ok(entry) = found {
            entry.remove();
        }
    }

    pub(super) fn len(&self) -> usize {
        self.table.len()
    }
}
