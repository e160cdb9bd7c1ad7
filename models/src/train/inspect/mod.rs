//! A look at a data file before anything is fitted: shape, columns, duplicates, what tells about
//! the class and what repeats another column. Rows are read once; some 60 bytes are kept of
//! every distinct one, to count duplicates.

mod columns;
mod correlation;
mod importance;

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    path::Path,
};

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

pub use columns::{Bar, ColumnSummary, Kind};
pub use correlation::{CORRELATED, CorrelatedPair, Correlations};
pub use importance::{Importance, Sample, importances};

use super::{
    DataError, OnBad,
    stream::{each_row, natural_schema},
};
use crate::{Class, Features, KNOWN_COUNT, Schema, format::Source};
use columns::ColumnTally;
use correlation::Sums;

/// What a file holds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Inspection {
    /// The file.
    pub source: Source,
    /// The schema its rows were read in.
    pub schema: Schema,
    /// Rows with a label.
    pub rows: u64,
    /// Rows that differ in a column, the class or the attack type.
    pub distinct_rows: u64,
    /// Share of rows that repeat an earlier one.
    pub duplicate_share: f64,
    /// Distinct rows of columns that occur with more than one class: no model can tell them
    /// apart.
    pub ambiguous_rows: u64,
    /// Rows by class.
    pub classes: BTreeMap<Class, u64>,
    /// Entropy of the class, in bits.
    pub class_entropy: f64,
    /// Rows by attack type (scenario), sorted by class, then the most frequent first.
    pub groups: Vec<GroupCount>,
    /// The columns, in order.
    pub columns: Vec<ColumnSummary>,
    /// Names of columns that never change.
    pub constant_columns: Vec<String>,
    /// Names of columns with missing values.
    pub columns_with_missing: Vec<String>,
    /// Linear correlation of the columns.
    pub correlations: Correlations,
}

/// How many rows an attack type has.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GroupCount {
    /// The attack type; of a recording `scenario/class`.
    pub name: String,
    /// Its class.
    pub class: Class,
    /// Its rows.
    pub rows: u64,
}

/// Looks at a labelled file, in `schema`, or in the one its columns are of.
///
/// # Errors
///
/// If the file can't be read.
pub fn inspect(path: &Path, schema: Option<Schema>) -> Result<Inspection, DataError> {
    let schema = match schema {
        Some(schema) => schema,
        None => natural_schema(path)?,
    };
    let mut columns: Vec<ColumnTally> = schema
        .columns()
        .iter()
        .map(|name| ColumnTally::new(name))
        .collect();
    let mut sums = Sums::new(schema);
    let mut groups = BTreeMap::new();
    let mut distinct = HashSet::new();
    // Bits of the classes that a row's columns occur with. Neither table is ever iterated in
    // an order that shows.
    let mut classes_of: HashMap<[u8; 16], u8> = HashMap::new();
    let mut classes = [0; KNOWN_COUNT];
    let read = each_row::<DataError>(path, schema, OnBad::Stop, |row| {
        // Neither a row without a label nor one of no known class tells anything here.
        let Some(class) = row.class.filter(|class| class.index() < KNOWN_COUNT) else {
            return Ok(());
        };
        classes[class.index()] += 1;
        let hash = digest(&row.features);
        *classes_of.entry(hash).or_default() |= 1 << class.index();
        let next = groups.len();
        let group = groups
            .entry((class, row.group))
            .or_insert((0_u64, next as u32));
        group.0 += 1;
        distinct.insert((hash, group.1));
        for (column, value) in columns.iter_mut().zip(row.features.values()) {
            column.add(*value, class);
        }
        sums.add(row.features.values());
        Ok(())
    })?;
    let rows = classes.iter().sum::<u64>();
    let distinct_rows = distinct.len() as u64;
    let ambiguous = classes_of.values().filter(|bits| bits.count_ones() > 1);
    let mut groups: Vec<_> = groups
        .into_iter()
        .map(|((class, name), (rows, _))| GroupCount {
            name: name.as_ref().to_owned(),
            class,
            rows,
        })
        .collect();
    groups.sort_by(|a, b| (a.class, b.rows, &a.name).cmp(&(b.class, a.rows, &b.name)));
    let columns: Vec<_> = columns.into_iter().map(ColumnTally::finish).collect();
    let names = |accept: fn(&ColumnSummary) -> bool| {
        let accepted = columns.iter().filter(|column| accept(column));
        accepted.map(|column| column.name.clone()).collect()
    };
    Ok(Inspection {
        source: read.source,
        schema,
        rows,
        distinct_rows,
        duplicate_share: if rows == 0 {
            0.0
        } else {
            (rows - distinct_rows) as f64 / rows as f64
        },
        ambiguous_rows: ambiguous.count() as u64,
        classes: Class::KNOWN.into_iter().zip(classes).collect(),
        class_entropy: columns::entropy(&classes),
        groups,
        constant_columns: names(|column| column.distinct_values == 1),
        columns_with_missing: names(|column| column.missing > 0),
        columns,
        correlations: sums.correlations(),
    })
}

/// Half of a SHA-256: equal rows in 10^9 distinct ones are a matter of 10^-20.
fn digest(features: &Features) -> [u8; 16] {
    let mut digest = Sha256::new();
    for value in features.values() {
        digest.update(value.to_le_bytes());
    }
    let whole = digest.finalize();
    let mut half = [0; 16];
    half.copy_from_slice(&whole[..16]);
    half
}
