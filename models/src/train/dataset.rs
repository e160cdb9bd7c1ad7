//! Weighted distinct rows, ready to fit.

use std::collections::BTreeMap;

use sha2::{Digest as _, Sha256};

use super::DatasetBuilder;
use crate::{CLASS_COUNT, Class, Features, Schema, model::hex};

/// A distinct row.
#[derive(Clone, Debug)]
pub struct Row {
    /// Its columns.
    pub features: Features,
    /// Its class.
    pub class: Class,
    /// Attack type or scenario, an index into [`Dataset::groups`].
    pub group: usize,
    /// How many equal rows there were.
    pub count: u64,
    /// Its weight in thousandths of a row.
    pub weight: u64,
}

/// Rows of one schema, equal ones merged, in an order that depends on nothing but their values.
#[derive(Clone, Debug)]
pub struct Dataset {
    /// The schema of all rows.
    pub schema: Schema,
    /// The rows.
    pub rows: Vec<Row>,
    /// Names of attack types and scenarios.
    pub groups: Vec<String>,
}

impl Row {
    /// Its weight with its class's factor, see [`super::Balance::factors`]; at least 1.
    pub(super) fn balanced(&self, factors: &[f64; CLASS_COUNT]) -> u64 {
        ((self.weight as f64 * factors[self.class.index()]).round() as u64).max(1)
    }
}

/// What rows weigh together, by [`Class::index`].
pub(super) fn weights_by_class<'a>(rows: impl IntoIterator<Item = &'a Row>) -> [u64; CLASS_COUNT] {
    let mut weights = [0; CLASS_COUNT];
    for row in rows {
        weights[row.class.index()] += row.weight;
    }
    weights
}

impl Dataset {
    /// Merges equal rows, see [`DatasetBuilder`].
    pub fn new(schema: Schema, rows: impl IntoIterator<Item = (Features, Class, String)>) -> Self {
        let mut builder = DatasetBuilder::new(schema);
        for (features, class, group) in rows {
            builder.add(&features, class, &group);
        }
        builder.finish()
    }

    /// Adds recorded traffic so that it carries `share` of the total weight, the same for every
    /// scenario; within a scenario rows keep their relative weights. A share of 0, or no
    /// recorded rows, adds nothing.
    ///
    /// `share` must be in `0.0..1.0`; it is clamped into it.
    #[must_use]
    pub fn with_recorded(mut self, recorded: Self, share: f64) -> Self {
        let share = share.clamp(0.0, 0.99);
        if recorded.rows.is_empty() || share == 0.0 || recorded.schema != self.schema {
            return self;
        }
        let mut per_scenario: BTreeMap<usize, u64> = BTreeMap::new();
        for row in &recorded.rows {
            *per_scenario.entry(row.group).or_default() += row.weight;
        }
        let target = share / (1.0 - share) * self.weight() as f64 / per_scenario.len() as f64;
        let offset = self.groups.len();
        self.rows.extend(recorded.rows.into_iter().map(|row| {
            let scaled = row.weight as f64 * target / per_scenario[&row.group] as f64;
            Row {
                group: row.group + offset,
                weight: (scaled.round() as u64).max(1),
                ..row
            }
        }));
        self.groups.extend(recorded.groups);
        self
    }

    /// Whether a group is a recorded scenario; their names hold a slash, attack types' none.
    pub fn is_recorded(&self, group: usize) -> bool {
        self.groups[group].contains('/')
    }

    /// All rows, duplicates included.
    pub fn count(&self) -> u64 {
        self.rows.iter().map(|row| row.count).sum()
    }

    /// The total weight, in thousandths of a row.
    pub fn weight(&self) -> u64 {
        self.rows.iter().map(|row| row.weight).sum()
    }

    /// The rows a test on their index and themselves accepts.
    #[must_use]
    pub fn filter(&self, accept: impl Fn(usize, &Row) -> bool) -> Self {
        let rows = self
            .rows
            .iter()
            .enumerate()
            .filter(|(index, row)| accept(*index, row));
        Self {
            schema: self.schema,
            rows: rows.map(|(_, row)| row.clone()).collect(),
            groups: self.groups.clone(),
        }
    }

    /// SHA-256 over schema, rows, classes, counts and weights in order, in hex.
    pub fn digest(&self) -> String {
        let mut digest = Sha256::new();
        digest.update(self.schema.name());
        let mut bytes = Vec::new();
        for row in &self.rows {
            bytes.clear();
            for value in row.features.values() {
                bytes.extend(value.to_le_bytes());
            }
            bytes.push(row.class as u8);
            bytes.extend(row.count.to_le_bytes());
            bytes.extend(row.weight.to_le_bytes());
            digest.update(&bytes);
        }
        hex(&digest.finalize())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::MISSING;

    fn row(value: u32, class: Class, group: &str) -> (Features, Class, String) {
        let mut features = Features::from_values(Schema::Live, &[0; crate::LIVE_COLUMNS.len()])
            .unwrap_or(Features::missing(Schema::Live));
        assert_ne!(features.value(0), MISSING);
        features.set(0, value);
        (features, class, group.to_owned())
    }

    #[test]
    fn equal_rows_merge_and_weigh_their_root() {
        let rows = [row(2, Class::Dos, "b"), row(1, Class::Normal, "a")];
        let many = rows
            .iter()
            .cycle()
            .take(8)
            .cloned()
            .chain([row(2, Class::Dos, "a")]);
        let data = Dataset::new(Schema::Live, many);
        let seen: Vec<_> = data
            .rows
            .iter()
            .map(|row| (row.features.value(0), row.count, row.weight, row.group))
            .collect();
        assert_eq!(seen, [(1, 4, 2000, 0), (2, 1, 1000, 0), (2, 4, 2000, 1)]);
        assert_eq!(data.groups, ["a", "b"]);
        assert_eq!(data.count(), 9);
    }

    #[test]
    fn order_of_reading_does_not_matter() {
        let rows = [
            row(2, Class::Dos, "b"),
            row(1, Class::Normal, "a"),
            row(1, Class::Dos, "b"),
        ];
        let forward = Dataset::new(Schema::Live, rows.clone());
        let backward = Dataset::new(Schema::Live, rows.into_iter().rev());
        assert_eq!(forward.digest(), backward.digest());
        let without_one = forward.filter(|index, _| index > 0);
        assert_ne!(forward.digest(), without_one.digest());
    }

    #[test]
    fn recorded_rows_carry_their_share_spread_over_scenarios() {
        let kdd = Dataset::new(
            Schema::Live,
            (0..100).map(|value| row(value, Class::Normal, "kdd")),
        );
        let recorded = (0..10)
            .map(|value| row(value, Class::Dos, "flood"))
            .chain([row(7, Class::Probe, "scan")]);
        let recorded = Dataset::new(Schema::Live, recorded);
        let data = kdd.clone().with_recorded(recorded.clone(), 0.5);
        let weight = |name: &str| -> u64 {
            data.rows
                .iter()
                .filter(|row| data.groups[row.group] == name)
                .map(|row| row.weight)
                .sum()
        };
        assert_eq!(
            [weight("kdd"), weight("flood"), weight("scan")],
            [100_000, 50_000, 50_000]
        );
        assert_eq!(
            kdd.clone().with_recorded(recorded, 0.0).digest(),
            kdd.digest()
        );
    }
}
