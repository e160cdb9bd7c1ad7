//! A bounded table that forgets who has been idle the longest, strangers first.

/// Entries that share a set.
const WAYS: usize = 8;
/// The most entries of a table: their numbers have 16 bits.
pub(super) const MAX_ENTRIES: usize = 1 << 16;
/// Bits of a time that are not kept: 17 ms are told apart, two years pass until the rest comes around.
const TICK_SHIFT: u32 = 24;
/// After so many ticks an entry has nothing left in any horizon (two buckets of 600 s).
const FORGOTTEN_TICKS: u32 = (1_200_000_000_000u64 >> TICK_SHIFT) as u32;

/// What a table holds.
pub(super) trait Entry {
    /// The hash of its key. It stands for the key: that two share one is as likely as guessing the keys of the hash.
    fn hash(&self) -> u64;
}

/// Eight entries with the same part of the hash. One cache line.
#[derive(Clone, Copy, Debug, Default)]
#[repr(align(64))]
struct Set {
    /// Latest use of each, in ticks.
    used: [u32; WAYS],
    /// Where each is in `entries`.
    places: [u16; WAYS],
    /// Another part of each one's hash.
    tags: [u8; WAYS],
    /// How many are taken.
    taken: u8,
    /// A bit for each that is no stranger.
    known: u8,
}

/// Where an entry is.
#[derive(Clone, Copy, Debug)]
pub(super) struct Found {
    place: u16,
    way: u8,
    set: u32,
}

/// Entries in sets of eight: a look-up touches one cache line besides the entry, and finding who must go is no more
/// than that.
///
/// In a set that is full, the newcomer replaces the first there is of: one with nothing left to tell; the stranger idle
/// the longest; the one idle the longest. Which set a key belongs to depends on the keys of the hash, so nobody can aim
/// at another's set. Entries are made as they are needed; memory only grows up to the bound.
#[derive(Debug)]
pub(super) struct Table<E> {
    sets: Box<[Set]>,
    entries: Vec<E>,
    evicted: u64,
}

impl<E: Entry> Table<E> {
    /// An empty table of at most `capacity` entries, a power of two from 8 to 65,536.
    pub(super) fn new(capacity: usize) -> Self {
        let capacity = capacity.clamp(WAYS, MAX_ENTRIES).next_power_of_two();
        Self {
            sets: vec![Set::default(); capacity / WAYS].into_boxed_slice(),
            entries: Vec::new(),
            evicted: 0,
        }
    }

    /// The entry of a hash, used at `now_ns`; made by `new` if there is none.
    #[inline]
    pub(super) fn find_or_insert(
        &mut self,
        hash: u64,
        now_ns: u64,
        new: impl FnOnce() -> E,
    ) -> Found {
        let (tick, tag) = ((now_ns >> TICK_SHIFT) as u32, tag(hash));
        let index = hash as usize & (self.sets.len() - 1);
        let set = &mut self.sets[index];
        for way in 0..usize::from(set.taken) {
            let place = set.places[way];
            if set.tags[way] == tag && self.entries[usize::from(place)].hash() == hash {
                // A late event makes nobody older.
                if tick.wrapping_sub(set.used[way]).cast_signed() > 0 {
                    set.used[way] = tick;
                }
                return found(place, way, index);
            }
        }
        let way = usize::from(set.taken);
        let way = if way < WAYS {
            set.places[way] = self.entries.len() as u16;
            set.taken += 1;
            self.entries.push(new());
            way
        } else {
            let (way, alive) = set.victim(tick);
            self.evicted += u64::from(alive);
            self.entries[usize::from(set.places[way])] = new();
            way
        };
        set.tags[way] = tag;
        set.used[way] = tick;
        set.known &= !(1 << way);
        found(set.places[way], way, index)
    }

    /// The entry of a hash, if there is one; does not use it.
    pub(super) fn get(&self, hash: u64) -> Option<&E> {
        self.entries.get(self.place(hash)?)
    }

    /// As [`Table::get`], to be changed.
    pub(super) fn find(&mut self, hash: u64) -> Option<&mut E> {
        let place = self.place(hash)?;
        self.entries.get_mut(place)
    }

    fn place(&self, hash: u64) -> Option<usize> {
        let set = &self.sets[hash as usize & (self.sets.len() - 1)];
        (0..usize::from(set.taken))
            .filter(|way| set.tags[*way] == tag(hash))
            .map(|way| usize::from(set.places[way]))
            .find(|place| self.entries[*place].hash() == hash)
    }

    #[inline]
    pub(super) fn entry(&mut self, found: Found) -> &mut E {
        &mut self.entries[usize::from(found.place)]
    }

    /// From now on it is no stranger.
    #[inline]
    pub(super) fn know(&mut self, found: Found) {
        self.sets[found.set as usize].known |= 1 << found.way;
    }

    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    /// Entries forgotten while they had something to tell.
    pub(super) const fn evicted(&self) -> u64 {
        self.evicted
    }

    pub(super) fn clear(&mut self) {
        self.sets.fill(Set::default());
        self.entries.clear();
    }
}

impl Set {
    /// Who must go, and whether it had anything left to tell.
    fn victim(&self, tick: u32) -> (usize, bool) {
        let (mut victim, mut greatest) = (0, 0);
        for (way, used) in self.used.iter().enumerate() {
            let idle = tick.wrapping_sub(*used).cast_signed().max(0) as u64;
            let rank = if idle > u64::from(FORGOTTEN_TICKS) {
                2
            } else {
                u64::from(self.known >> way & 1 == 0)
            };
            // One, so that the first way is found even if all were used just now.
            let order = (rank << 32 | idle) + 1;
            if order > greatest {
                (victim, greatest) = (way, order);
            }
        }
        (victim, (greatest - 1) >> 32 < 2)
    }
}

#[inline]
const fn tag(hash: u64) -> u8 {
    (hash >> 40) as u8
}

#[inline]
const fn found(place: u16, way: usize, set: usize) -> Found {
    Found {
        place,
        way: way as u8,
        set: set as u32,
    }
}

#[cfg(test)]
mod tests {
    use std::{collections::HashMap, hash::BuildHasher as _};

    use proptest::prelude::*;

    use super::{super::super::keyed::HashKeys, *};

    const SECOND: u64 = 1_000_000_000;

    #[derive(Debug)]
    struct Counted {
        hash: u64,
        uses: u32,
    }

    impl Entry for Counted {
        fn hash(&self) -> u64 {
            self.hash
        }
    }

    struct Lab {
        table: Table<Counted>,
        hashes: HashKeys,
    }

    impl Lab {
        fn new(capacity: usize) -> Self {
            Self {
                table: Table::new(capacity),
                hashes: HashKeys::fixed(7),
            }
        }

        /// Uses a key; how often that was done since it was made.
        fn see(&mut self, key: u32, now_ns: u64, known: bool) -> u32 {
            let hash = self.hashes.hash_one(key);
            let new = || Counted { hash, uses: 0 };
            let found = self.table.find_or_insert(hash, now_ns, new);
            if known {
                self.table.know(found);
            }
            let entry = self.table.entry(found);
            entry.uses += 1;
            entry.uses
        }

        fn uses(&mut self, key: u32) -> Option<u32> {
            let hash = self.hashes.hash_one(key);
            self.table.find(hash).map(|entry| entry.uses)
        }
    }

    #[test]
    fn a_set_is_one_cache_line() {
        assert_eq!((size_of::<Set>(), align_of::<Set>()), (64, 64));
    }

    #[test]
    fn a_flood_of_strangers_takes_no_place_of_those_known() {
        let mut lab = Lab::new(1024);
        // Half full of hosts with a history: few sets have more than eight.
        for key in 0..512 {
            lab.see(key, SECOND, true);
        }
        let evicted = lab.table.evicted();
        for key in 0..1_000_000u32 {
            lab.see(
                1_000_000 + key,
                2 * SECOND + u64::from(key) * 100_000,
                false,
            );
        }
        assert_eq!(lab.table.len(), 1024, "the bound");
        assert!(lab.table.evicted() > evicted + 990_000, "and counted");
        let kept = (0..512).filter(|key| lab.uses(*key).is_some()).count();
        // A set of eight known ones or more loses the oldest to the first stranger: 2 to 3 % of them at half load.
        assert!(kept >= 490, "{kept}");
    }

    #[test]
    fn the_idle_make_room_and_the_forgotten_first() {
        let mut lab = Lab::new(8);
        for key in 0..8 {
            lab.see(key, u64::from(key) * SECOND, true);
        }
        lab.see(0, 10 * SECOND, true);
        lab.see(8, 11 * SECOND, true);
        assert_eq!(
            (lab.uses(1), lab.uses(0)),
            (None, Some(2)),
            "idle the longest"
        );
        assert_eq!(lab.table.evicted(), 1);
        lab.see(0, 1500 * SECOND, false);
        lab.see(9, 1500 * SECOND, false);
        assert_eq!(lab.table.evicted(), 1, "who had nothing to tell is no loss");
        assert_eq!((lab.uses(0), lab.uses(2)), (Some(3), None));
    }

    #[test]
    fn clearing_forgets_all() {
        let mut lab = Lab::new(64);
        lab.see(1, SECOND, true);
        lab.table.clear();
        assert_eq!((lab.table.len(), lab.uses(1)), (0, None));
        assert_eq!(lab.see(1, 0, false), 1);
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        /// One set against a list.
        #[test]
        fn sets_agree_with_a_list(steps in prop::collection::vec((0..20u32, 0..400u64, any::<bool>()), 1..200)) {
            let mut lab = Lab::new(8);
            // By key: latest use, whether known, uses.
            let mut list: HashMap<u32, (u64, bool, u32)> = HashMap::new();
            let mut now_ns = 0;
            for (key, seconds, known) in steps {
                now_ns += seconds * SECOND;
                if !list.contains_key(&key) && list.len() == 8 {
                    let order = |(used, known, _): &(u64, bool, u32)| {
                        let idle = (now_ns >> TICK_SHIFT) - (used >> TICK_SHIFT);
                        let forgotten = idle > u64::from(FORGOTTEN_TICKS);
                        (forgotten, forgotten || !known, idle)
                    };
                    let greatest = list.values().map(order).max().unwrap_or_default();
                    let candidates: Vec<u32> =
                        list.iter().filter(|(_, it)| order(it) == greatest).map(|(key, _)| *key).collect();
                    let gone = |lab: &mut Lab, key| lab.uses(key).is_none();
                    let uses = lab.see(key, now_ns, known);
                    prop_assert_eq!(uses, 1);
                    let left: Vec<u32> =
                        candidates.into_iter().filter(|key| gone(&mut lab, *key)).collect();
                    prop_assert_eq!(left.len(), 1, "one of those in line");
                    list.remove(&left[0]);
                    list.insert(key, (now_ns, known, 1));
                } else {
                    let entry = list.entry(key).or_insert((now_ns, false, 0));
                    *entry = (now_ns, entry.1 || known, entry.2 + 1);
                    prop_assert_eq!(lab.see(key, now_ns, known), entry.2);
                }
                prop_assert_eq!(lab.table.len(), list.len());
            }
        }
    }
}
