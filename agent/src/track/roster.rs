//! A slab of connections threaded onto lists by last activity: one list for each idle timeout, so that the next to
//! time out is always at an end, and so is the one to evict. Every operation is O(1).

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

#[derive(Debug)]
struct Slot<T> {
    value: T,
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
    slots: Vec<Slot<T>>,
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
            slots: Vec::new(),
            free: NIL,
            ends: [ends; Queue::ALL.len()],
            stamp: 0,
        }
    }

    /// Takes a slot for `value`, as the most recently active one.
    pub(super) fn insert(&mut self, queue: Queue, value: T) -> u32 {
        let index = match self.slots.get_mut(self.free as usize) {
            Some(slot) => {
                let index = self.free;
                self.free = slot.older;
                slot.value = value;
                slot.generation = slot.generation.wrapping_add(1);
                index
            }
            None => {
                let index = self.slots.len() as u32;
                self.slots.push(Slot {
                    value,
                    stamp: 0,
                    newer: NIL,
                    older: NIL,
                    generation: 1,
                    queue,
                });
                index
            }
        };
        self.link(index, queue);
        index
    }

    /// Makes a slot the most recently active one, in `queue` from now on.
    pub(super) fn touch(&mut self, index: u32, queue: Queue) {
        if self.get(index).is_some() {
            self.unlink(index);
            self.link(index, queue);
        }
    }

    /// Empties a slot.
    pub(super) fn remove(&mut self, index: u32) -> Option<T> {
        let value = *self.get(index)?;
        self.unlink(index);
        let slot = self.slots.get_mut(index as usize)?;
        slot.generation = slot.generation.wrapping_add(1);
        slot.older = self.free;
        self.free = index;
        Some(value)
    }

    pub(super) fn get(&self, index: u32) -> Option<&T> {
        let slot = self.slots.get(index as usize)?;
        (slot.generation & 1 == 1).then_some(&slot.value)
    }

    pub(super) fn get_mut(&mut self, index: u32) -> Option<&mut T> {
        let slot = self.slots.get_mut(index as usize)?;
        (slot.generation & 1 == 1).then_some(&mut slot.value)
    }

    /// Changes with the tenant of a slot.
    pub(super) fn generation(&self, index: u32) -> u32 {
        self.slots.get(index as usize).map_or(0, |s| s.generation)
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
            *head = self.slots.get(index as usize).map_or(NIL, |s| s.older);
            Some(index)
        })
    }

    fn stamp(&self, index: u32) -> u64 {
        self.slots.get(index as usize).map_or(0, |s| s.stamp)
    }

    fn link(&mut self, index: u32, queue: Queue) {
        self.stamp += 1;
        let newest = self.ends[queue as usize].newest;
        if let Some(slot) = self.slots.get_mut(index as usize) {
            slot.stamp = self.stamp;
            slot.queue = queue;
            slot.newer = NIL;
            slot.older = newest;
        }
        match self.slots.get_mut(newest as usize) {
            Some(second) => second.newer = index,
            None => self.ends[queue as usize].oldest = index,
        }
        self.ends[queue as usize].newest = index;
    }

    fn unlink(&mut self, index: u32) {
        let Some(slot) = self.slots.get(index as usize) else {
            return;
        };
        let (newer, older, ends) = (slot.newer, slot.older, slot.queue as usize);
        match self.slots.get_mut(newer as usize) {
            Some(slot) => slot.older = older,
            None => self.ends[ends].newest = older,
        }
        match self.slots.get_mut(older as usize) {
            Some(slot) => slot.newer = newer,
            None => self.ends[ends].oldest = newer,
        }
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
