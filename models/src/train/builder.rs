//! Streaming merge of equal rows.
//!
//! Memory grows with distinct rows only. A distinct row costs `size_of::<Row>()` (296 bytes on a
//! 64-bit machine) and a hash slot of 8 bytes at a load of 3/8 to 3/4, so at most 318 bytes while
//! rows stream in and 328 while the table doubles; sorting needs 16 bytes a row in place of the
//! table. Rows are moved to their place without a second copy.

use std::collections::BTreeMap;

use super::{Dataset, Row};
use crate::{Class, Features, Schema};

/// Thousandths of a row, the unit of weights. Integers, so that no sum depends on its order.
const UNIT: f64 = 1000.0;

/// An empty slot of the table.
const EMPTY: u64 = 0;

/// Slots of the first table; a power of two.
const FIRST_SLOTS: usize = 1 << 10;

/// Merges equal rows (same columns, class and group) as they come.
///
/// Rows are found by a fixed hash, but the finished order depends on nothing but the rows' values.
#[derive(Clone, Debug)]
pub struct DatasetBuilder {
    schema: Schema,
    /// Distinct rows in the order they came, weights not yet set, groups by first occurrence.
    rows: Vec<Row>,
    /// Open addressing: a row's 32-bit hash above its index plus one.
    slots: Vec<u64>,
    groups: BTreeMap<String, usize>,
    /// The group of the last row: rows of one attack come in long runs.
    last_group: (String, usize),
}

impl DatasetBuilder {
    /// A dataset without rows.
    pub fn new(schema: Schema) -> Self {
        Self {
            schema,
            rows: Vec::new(),
            slots: vec![EMPTY; FIRST_SLOTS],
            groups: BTreeMap::new(),
            last_group: (String::new(), usize::MAX),
        }
    }

    /// Adds a row of an attack type or scenario `group`. A row of another schema is left out.
    ///
    /// # Panics
    ///
    /// At 2³² − 1 distinct rows, which would take 1.2 TB.
    pub fn add(&mut self, features: &Features, class: Class, group: &str) {
        let group = self.group(group);
        if features.schema() != self.schema {
            return;
        }
        let hash = hash(features.values(), (group as u64) << 8 | class as u64);
        let mask = self.slots.len() - 1;
        let mut at = hash as usize & mask;
        while self.slots[at] != EMPTY {
            let slot = self.slots[at];
            if (slot >> 32) as u32 == hash {
                let row = &mut self.rows[slot as u32 as usize - 1];
                if row.class == class && row.group == group && row.features == *features {
                    row.count += 1;
                    return;
                }
            }
            at = (at + 1) & mask;
        }
        self.rows.push(Row {
            features: *features,
            class,
            group,
            count: 1,
            weight: 0,
        });
        assert!(
            self.rows.len() < u32::MAX as usize,
            "more distinct rows than 32 bits count"
        );
        self.slots[at] = u64::from(hash) << 32 | self.rows.len() as u64;
        if self.rows.len() * 4 > self.slots.len() * 3 {
            self.widen();
        }
    }

    /// Weighs and sorts the rows. A row that occurs n times weighs n^-0.5 an occurrence, so
    /// sqrt(n): 70 % of KDD's rows are duplicates and floods would otherwise outweigh everything
    /// else.
    pub fn finish(mut self) -> Dataset {
        self.slots = Vec::new();
        // Groups were numbered as the files named them; by name, they may decide the order of rows.
        let mut rank = vec![0; self.groups.len()];
        for (new, old) in self.groups.values().enumerate() {
            rank[*old] = new;
        }
        for row in &mut self.rows {
            row.group = rank[row.group];
            row.weight = ((row.count as f64).sqrt() * UNIT).round() as u64;
        }
        let mut order = sorted(&self.rows, self.schema);
        permute(&mut self.rows, &mut order);
        Dataset {
            schema: self.schema,
            rows: self.rows,
            groups: self.groups.into_keys().collect(),
        }
    }

    fn group(&mut self, name: &str) -> usize {
        if self.last_group.1 != usize::MAX && self.last_group.0 == name {
            return self.last_group.1;
        }
        let group = self.groups.get(name).copied().unwrap_or_else(|| {
            let next = self.groups.len();
            self.groups.insert(name.to_owned(), next);
            next
        });
        self.last_group = (name.to_owned(), group);
        group
    }

    /// Doubles the table. A slot holds its row's hash, so the rows are not read.
    fn widen(&mut self) {
        let mask = self.slots.len() * 2 - 1;
        let mut wider = vec![EMPTY; self.slots.len() * 2];
        for slot in self.slots.iter().filter(|slot| **slot != EMPTY) {
            let mut at = (slot >> 32) as usize & mask;
            while wider[at] != EMPTY {
                at = (at + 1) & mask;
            }
            wider[at] = *slot;
        }
        self.slots = wider;
    }
}

/// Multiply and fold, four values a step; the constants are fractional digits of pi. The same on
/// every machine.
fn hash(values: &[u32], seed: u64) -> u32 {
    const KEYS: [u64; 2] = [0x243f_6a88_85a3_08d3, 0x1319_8a2e_0370_7344];
    let fold = |a: u64, b: u64| {
        let product = u128::from(a) * u128::from(b);
        product as u64 ^ (product >> 64) as u64
    };
    let pair = |low: u32, high: u32| u64::from(high) << 32 | u64::from(low);
    let (steps, rest) = values.as_chunks::<4>();
    let mut state = fold(seed ^ KEYS[0], KEYS[1]);
    for [a, b, c, d] in steps {
        state = fold(pair(*a, *b) ^ KEYS[0], pair(*c, *d) ^ state);
    }
    for value in rest {
        state = fold(u64::from(*value) ^ KEYS[0], state ^ KEYS[1]);
    }
    (fold(state, KEYS[0]) >> 32) as u32
}

/// A field of a row as a part of a sort key: the columns in order, then class and group.
struct Part {
    field: usize,
    /// The least value; keys hold what is above it.
    base: u32,
    bits: u32,
}

fn field(row: &Row, field: usize, columns: usize) -> u32 {
    match field.checked_sub(columns) {
        None => row.features.value(field),
        Some(0) => u32::from(row.class as u8),
        Some(_) => row.group as u32,
    }
}

/// Indices of the rows in the order of columns, class, group.
///
/// Fields are packed, first field highest, into as few 64-bit keys as their ranges need; rows are
/// sorted by the first key, and only those equal in it by the next.
fn sorted(rows: &[Row], schema: Schema) -> Vec<u32> {
    let columns = schema.columns().len();
    let mut keys: Vec<Vec<Part>> = Vec::new();
    let mut room = 0;
    let mut ranges = vec![(u32::MAX, 0); columns + 2];
    for row in rows {
        for (at, (low, high)) in ranges.iter_mut().enumerate() {
            let value = field(row, at, columns);
            (*low, *high) = ((*low).min(value), (*high).max(value));
        }
    }
    for (field, (low, high)) in ranges.into_iter().enumerate() {
        let bits = u32::BITS - high.saturating_sub(low).leading_zeros();
        if bits > room {
            keys.push(Vec::new());
            room = u64::BITS;
        }
        if let Some(key) = keys.last_mut().filter(|_| bits > 0) {
            key.push(Part {
                field,
                base: low,
                bits,
            });
            room -= bits;
        }
    }
    let mut keyed: Vec<(u64, u32)> = (0..rows.len() as u32).map(|row| (0, row)).collect();
    sort_by_keys(&mut keyed, rows, columns, &keys);
    keyed.into_iter().map(|(_, row)| row).collect()
}

fn sort_by_keys(keyed: &mut [(u64, u32)], rows: &[Row], columns: usize, keys: &[Vec<Part>]) {
    let Some((parts, rest)) = keys.split_first() else {
        return;
    };
    for (key, row) in &mut *keyed {
        *key = parts.iter().fold(0, |key, part| {
            let value = field(&rows[*row as usize], part.field, columns) - part.base;
            key << part.bits | u64::from(value)
        });
    }
    keyed.sort_unstable_by_key(|(key, _)| *key);
    for equal in keyed.chunk_by_mut(|a, b| a.0 == b.0) {
        if equal.len() > 1 {
            sort_by_keys(equal, rows, columns, rest);
        }
    }
}

/// Moves every row to where `order` names it, cycle by cycle and in place.
fn permute(rows: &mut [Row], order: &mut [u32]) {
    for start in 0..rows.len() {
        let mut at = start;
        loop {
            let from = std::mem::replace(&mut order[at], at as u32) as usize;
            if from == start || from == at {
                break;
            }
            rows.swap(at, from);
            at = from;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What the documentation promises a distinct row to cost.
    #[test]
    fn a_row_costs_296_bytes() {
        assert!(size_of::<Row>() <= 296, "{} bytes", size_of::<Row>());
    }

    #[test]
    fn rows_that_share_a_hash_stay_apart() {
        let row = |value| {
            let mut features = Features::missing(Schema::Live);
            features.set(0, value);
            features
        };
        // The table looks at 32 bits of hash, so 200,000 rows hold a few pairs that share them.
        let mut hashes: Vec<u32> = (0..200_000)
            .map(|value| hash(row(value).values(), 0))
            .collect();
        hashes.sort_unstable();
        hashes.dedup();
        assert!((199_900..200_000).contains(&hashes.len()));
        let mut builder = DatasetBuilder::new(Schema::Live);
        for value in (0..200_000).chain(0..200_000) {
            builder.add(&row(value), Class::Normal, "g");
        }
        let data = builder.finish();
        assert_eq!((data.rows.len(), data.count()), (200_000, 400_000));
        assert!(data.rows.iter().all(|row| row.count == 2));
    }
}
