//! Columns as small integers, for histograms.

use super::Dataset;

/// Rows that are read at once: their lines stay in the nearest cache while every column is
/// taken from them.
const BLOCK: usize = 64;

/// Values below it are looked up in a table; KDD has few distinct ones above.
const SMALL: u32 = 1 << 16;

/// A column as indices into its sorted distinct values: 1, 2 or 4 bytes a row.
pub(super) struct Column {
    /// The distinct values, ascending.
    pub(super) values: Vec<u32>,
    /// Every row's index into `values`.
    pub(super) bins: Bins,
}

/// Indices as narrow as their number allows.
pub(super) enum Bins {
    /// Up to 256 values.
    Narrow(Vec<u8>),
    /// Up to 65,536 values.
    Middle(Vec<u16>),
    /// More.
    Wide(Vec<u32>),
}

/// The columns of all rows, column by column.
pub(super) fn columns(data: &Dataset) -> Vec<Column> {
    let width = data.schema.columns().len();
    let mut distinct: Vec<Distinct> = (0..width).map(|_| Distinct::new()).collect();
    for block in data.rows.chunks(BLOCK) {
        for (column, distinct) in distinct.iter_mut().enumerate() {
            for row in block {
                distinct.see(row.features.value(column));
            }
        }
    }
    let rows = data.rows.len();
    let mut columns: Vec<(Column, Vec<u16>)> = distinct
        .into_iter()
        .map(|distinct| {
            let values = distinct.values();
            let bins = match values.len() {
                0..=0x100 => Bins::Narrow(Vec::with_capacity(rows)),
                0x101..=0x1_0000 => Bins::Middle(Vec::with_capacity(rows)),
                _ => Bins::Wide(Vec::with_capacity(rows)),
            };
            let table = table(&values);
            (Column { values, bins }, table)
        })
        .collect();
    for block in data.rows.chunks(BLOCK) {
        for (index, (column, table)) in columns.iter_mut().enumerate() {
            let values = &column.values;
            let bins = block
                .iter()
                .map(|row| bin_of(row.features.value(index), table, values));
            match &mut column.bins {
                Bins::Narrow(narrow) => narrow.extend(bins.map(|bin| bin as u8)),
                Bins::Middle(middle) => middle.extend(bins.map(|bin| bin as u16)),
                Bins::Wide(wide) => wide.extend(bins),
            }
        }
    }
    columns.into_iter().map(|(column, _)| column).collect()
}

fn bin_of(value: u32, table: &[u16], values: &[u32]) -> u32 {
    match table.get(value as usize) {
        Some(bin) => u32::from(*bin),
        None => values.partition_point(|known| *known < value) as u32,
    }
}

/// The bins of the values below [`SMALL`].
fn table(values: &[u32]) -> Vec<u16> {
    let small = values.partition_point(|value| *value < SMALL);
    let mut table = vec![
        0;
        small
            .checked_sub(1)
            .map_or(0, |last| values[last] as usize + 1)
    ];
    for (bin, value) in values[..small].iter().enumerate() {
        table[*value as usize] = bin as u16;
    }
    table
}

/// The distinct values of a column.
struct Distinct {
    /// A bit for every value below [`SMALL`] that occurs.
    small: Vec<u64>,
    /// The others, equal ones side by side seldom.
    large: Vec<u32>,
    /// How many of `large` were sorted and free of duplicates at last.
    settled: usize,
    last: Option<u32>,
}

impl Distinct {
    fn new() -> Self {
        Self {
            small: Vec::new(),
            large: Vec::new(),
            settled: 0,
            last: None,
        }
    }

    fn see(&mut self, value: u32) {
        if self.last == Some(value) {
            return;
        }
        self.last = Some(value);
        if value < SMALL {
            let word = value as usize / 64;
            if word >= self.small.len() {
                self.small.resize(word + 1, 0);
            }
            self.small[word] |= 1 << (value % 64);
        } else {
            self.large.push(value);
            // Merged when it has doubled, so that memory follows distinct values.
            if self.large.len() >= 2 * self.settled + 1024 {
                self.settle();
            }
        }
    }

    fn settle(&mut self) {
        self.large.sort_unstable();
        self.large.dedup();
        self.settled = self.large.len();
    }

    fn values(mut self) -> Vec<u32> {
        self.settle();
        let mut values = Vec::new();
        for (word, bits) in (0..).zip(&self.small) {
            values.extend(
                (0..64)
                    .filter(|bit| bits >> bit & 1 == 1)
                    .map(|bit| word * 64 + bit),
            );
        }
        values.extend(self.large);
        values
    }
}
