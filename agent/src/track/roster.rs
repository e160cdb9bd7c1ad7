//! A slab of connections threaded onto lists by last activity: one list for each idle timeout, so that the next to
//! time out is always at an end, and so is the one to evict. Every operation is O(1).

use std::ops::{Index, IndexMut};

/// No slot.
const NIL: u32 = u32::MAX;

/// The lists, by how long their members may be idle.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Queue {
    /// Closed TCP connections.
    Closed,
    /// SYNs without an answer.
    Attempts,
    /// UDP and ICMP.
    Datagrams,
    /// Other TCP connections.
    Streams,
}

impl Queue {
    pub(super) const ALL: [Self; 4] =
        [Self::Closed, Self::Attempts, Self::Datagrams, Self::Streams];
}

/// What threads a slot onto the lists. Apart from the values: moving to the front touches its neighbours' links, and
/// those are nowhere near.
#[derive(Clone, Copy, Debug)]
struct Links {
    /// Goes up with every activity in the whole roster.
    stamp: u64,
    newer: u32,
    /// In a free slot: the next free one.
    older: u32,
    /// Odd while in use; tells a slot's tenants apart.
    generation: u32,
    queue: Queue,
}

#[derive(Clone, Copy, Debug)]
struct Ends {
    newest: u32,
    oldest: u32,
}

#[derive(Debug)]
pub(super) struct Roster<T> {
    values: Slab<T>,
    links: Slab<Links>,
    free: u32,
    ends: [Ends; Queue::ALL.len()],
    stamp: u64,
}

impl<T: Copy> Roster<T> {
    pub(super) const fn new() -> Self {
        let ends = Ends {
            newest: NIL,
            oldest: NIL,
        };
        Self {
            values: Slab::new(),
            links: Slab::new(),
            free: NIL,
            ends: [ends; Queue::ALL.len()],
            stamp: 0,
        }
    }

    /// Takes a slot for `value`, as the most recently active one.
    pub(super) fn insert(&mut self, queue: Queue, value: T) -> u32 {
        let index = self.free;
        let index = match (self.links.get_mut(index), self.values.get_mut(index)) {
            (Some(links), Some(kept)) => {
                self.free = links.older;
                links.generation = links.generation.wrapping_add(1);
                *kept = value;
                index
            }
            _ => {
                self.values.push(value);
                self.links.push(Links {
                    stamp: 0,
                    newer: NIL,
                    older: NIL,
                    generation: 1,
                    queue,
                })
            }
        };
        self.link(index, queue);
        index
    }

    /// Makes a slot the most recently active one, in `queue` from now on.
    #[inline]
    pub(super) fn touch(&mut self, index: u32, queue: Queue) {
        if !self.is_used(index) {
            return;
        }
        if self.ends[queue as usize].newest == index {
            // Of its list it is already.
            self.stamp += 1;
            if let Some(links) = self.links.get_mut(index) {
                links.stamp = self.stamp;
            }
        } else {
            self.unlink(index);
            self.link(index, queue);
        }
    }

    /// Empties a slot.
    pub(super) fn remove(&mut self, index: u32) -> Option<T> {
        let value = *self.get(index)?;
        self.unlink(index);
        let links = self.links.get_mut(index)?;
        links.generation = links.generation.wrapping_add(1);
        links.older = self.free;
        self.free = index;
        Some(value)
    }

    #[inline]
    pub(super) fn get(&self, index: u32) -> Option<&T> {
        self.is_used(index).then(|| self.values.get(index))?
    }

    #[inline]
    pub(super) fn get_mut(&mut self, index: u32) -> Option<&mut T> {
        self.is_used(index).then(|| self.values.get_mut(index))?
    }

    #[inline]
    fn is_used(&self, index: u32) -> bool {
        self.generation(index) & 1 == 1
    }

    /// Changes with the tenant of a slot.
    #[inline]
    pub(super) fn generation(&self, index: u32) -> u32 {
        self.links.get(index).map_or(0, |links| links.generation)
    }

    /// The slot that has been inactive the longest in `queue`.
    pub(super) fn oldest_in(&self, queue: Queue) -> Option<u32> {
        let oldest = self.ends[queue as usize].oldest;
        (oldest != NIL).then_some(oldest)
    }

    /// The slot that has been inactive the longest of all.
    pub(super) fn oldest(&self) -> Option<u32> {
        let oldest = Queue::ALL.into_iter().filter_map(|q| self.oldest_in(q));
        oldest.min_by_key(|index| self.stamp(*index))
    }

    /// Slots from the most recently active one on.
    pub(super) fn newest_first(&self) -> impl Iterator<Item = u32> + '_ {
        let mut heads = self.ends.map(|ends| ends.newest);
        std::iter::from_fn(move || {
            let head = heads.iter_mut().filter(|head| **head != NIL);
            let head = head.max_by_key(|head| self.stamp(**head))?;
            let index = *head;
            *head = self.links.get(index).map_or(NIL, |links| links.older);
            Some(index)
        })
    }

    fn stamp(&self, index: u32) -> u64 {
        self.links.get(index).map_or(0, |links| links.stamp)
    }

    fn link(&mut self, index: u32, queue: Queue) {
        self.stamp += 1;
        let newest = self.ends[queue as usize].newest;
        if let Some(links) = self.links.get_mut(index) {
            links.stamp = self.stamp;
            links.queue = queue;
            links.newer = NIL;
            links.older = newest;
        }
        match self.links.get_mut(newest) {
            Some(second) => second.newer = index,
            None => self.ends[queue as usize].oldest = index,
        }
        self.ends[queue as usize].newest = index;
    }

    fn unlink(&mut self, index: u32) {
        let Some(&Links {
            newer,
            older,
            queue,
            ..
        }) = self.links.get(index)
        else {
            return;
        };
        match self.links.get_mut(newer) {
            Some(links) => links.older = older,
            None => self.ends[queue as usize].newest = older,
        }
        match self.links.get_mut(older) {
            Some(links) => links.newer = newer,
            None => self.ends[queue as usize].oldest = newer,
        }
    }
}

/// A slot in use, as all are that the roster has given out and not been told to empty.
impl<T> Index<u32> for Roster<T> {
    type Output = T;

    #[inline]
    fn index(&self, slot: u32) -> &T {
        &self.values.chunks[(slot >> CHUNK_BITS) as usize][slot as usize % CHUNK]
    }
}

impl<T> IndexMut<u32> for Roster<T> {
    #[inline]
    fn index_mut(&mut self, slot: u32) -> &mut T {
        &mut self.values.chunks[(slot >> CHUNK_BITS) as usize][slot as usize % CHUNK]
    }
}

/// Values in chunks: growing moves none of them, and takes no more than one chunk too many.
#[derive(Debug)]
struct Slab<T> {
    chunks: Vec<Vec<T>>,
}

/// Values in a chunk.
const CHUNK: usize = 1 << CHUNK_BITS;
const CHUNK_BITS: u32 = 10;

impl<T> Slab<T> {
    const fn new() -> Self {
        Self { chunks: Vec::new() }
    }

    /// Adds a value at the end; returns where that is.
    fn push(&mut self, value: T) -> u32 {
        if self.chunks.last().is_none_or(|chunk| chunk.len() == CHUNK) {
            self.chunks.push(Vec::with_capacity(CHUNK));
        }
        let before = (self.chunks.len() - 1) * CHUNK;
        self.chunks.last_mut().map_or(NIL, |chunk| {
            chunk.push(value);
            (before + chunk.len() - 1) as u32
        })
    }

    #[inline]
    fn get(&self, index: u32) -> Option<&T> {
        let chunk = self.chunks.get((index >> CHUNK_BITS) as usize)?;
        chunk.get(index as usize % CHUNK)
    }

    #[inline]
    fn get_mut(&mut self, index: u32) -> Option<&mut T> {
        let chunk = self.chunks.get_mut((index >> CHUNK_BITS) as usize)?;
        chunk.get_mut(index as usize % CHUNK)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #![proptest_config(ProptestConfig { cases: 500, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn order_is_that_of_a_plain_list(
            steps in proptest::collection::vec((0..4u8, any::<usize>(), 0..3usize), 1..200),
        ) {
            let mut roster = Roster::new();
            // Newest first: slot, value, queue.
            let mut plain: VecDeque<(u32, usize, Queue)> = VecDeque::new();
            for (step, (kind, which, queue)) in steps.into_iter().enumerate() {
                let queue = Queue::ALL[queue];
                let which = which.checked_rem(plain.len()).unwrap_or(0);
                match kind {
                    0 | 1 => plain.push_front((roster.insert(queue, step), step, queue)),
                    2 => {
                        if let Some((slot, value, _)) = plain.remove(which) {
                            roster.touch(slot, queue);
                            plain.push_front((slot, value, queue));
                        }
                    }
                    _ => {
                        if let Some((slot, value, _)) = plain.remove(which) {
                            prop_assert_eq!(roster.remove(slot), Some(value));
                            prop_assert_eq!(roster.get(slot), None);
                            prop_assert_eq!(roster.remove(slot), None);
                        }
                    }
                }
                let slots: Vec<u32> = plain.iter().map(|p| p.0).collect();
                prop_assert_eq!(roster.newest_first().collect::<Vec<_>>(), slots);
                prop_assert_eq!(roster.oldest(), plain.back().map(|p| p.0));
                for queue in Queue::ALL {
                    let oldest = plain.iter().rev().find(|p| p.2 == queue);
                    prop_assert_eq!(roster.oldest_in(queue), oldest.map(|p| p.0));
                }
                for (slot, value, _) in &plain {
                    prop_assert_eq!(roster.get(*slot), Some(value));
                }
            }
        }
    }

    #[test]
    fn freed_slots_are_used_again_under_another_generation() {
        let mut roster = Roster::new();
        let first = roster.insert(Queue::Streams, 'a');
        let generation = roster.generation(first);
        roster.remove(first);
        let second = roster.insert(Queue::Closed, 'b');
        assert_eq!(first, second);
        assert_ne!(roster.generation(second), generation);
    }
}
