//! A model that need not look twice at rows it can't tell apart.

use std::sync::Arc;

use crate::{
    Classifier as _, Features, Forest, MAX_COLUMNS, MISSING, Model, Prediction, ROW_WIDTH, Row,
    Schema,
};

/// How many predictions are kept: 36 KB.
const ENTRIES: usize = 64;
/// Every so many rows that an entry does not answer for, the row takes its place. To find a row's cell costs four times
/// what a prediction does: traffic of which no two rows are alike pays at most a third more, with the look-up in vain.
const REPLACE_EVERY: u32 = 16;
/// The columns that choose the entry: events of a service at the same stage of their connections are likely alike.
const KEY: [&str; 4] = ["service", "flag", "src_packets", "dst_packets"];

/// A model with its latest predictions on rows of 64 kinds.
///
/// A forest only asks on which side of its thresholds a row's values are. So a prediction holds for every row in the
/// same cell: between the same neighbouring thresholds of all decisions on its way. Much traffic repeats itself, and a
/// flood most of all: then most rows are in a cell that is known, and cost a fifteenth. The answers are those of
/// [`Model`], always: a row with a missing value is in no cell, and models without cells (all but forests without trees
/// of kinds) are simply asked.
#[derive(Clone, Debug)]
pub struct CachedModel {
    model: Arc<Model>,
    key: [usize; KEY.len()],
    /// Empty for a model without cells.
    entries: Box<[Entry]>,
    hits: u64,
}

#[derive(Clone, Debug, Default)]
struct Entry {
    known: Option<(Cell, Prediction)>,
    /// Rows it did not answer for.
    misses: u32,
}

impl CachedModel {
    /// The model, of which nothing is known yet.
    #[must_use]
    pub fn new(model: Arc<Model>) -> Self {
        let has_cells = model.forest().is_some_and(Forest::has_cells);
        let entries = if has_cells { ENTRIES } else { 0 };
        // A column that the schema lacks is missing in every row.
        let column = |name| model.schema().column(name).unwrap_or(MAX_COLUMNS);
        Self {
            key: KEY.map(column),
            model,
            entries: vec![Entry::default(); entries].into_boxed_slice(),
            hits: 0,
        }
    }

    /// The model itself.
    #[must_use]
    pub fn model(&self) -> &Model {
        &self.model
    }

    /// As [`Model`]'s `predict`.
    #[inline]
    pub fn predict(&mut self, features: &Features) -> Prediction {
        if self.entries.is_empty() || features.schema() != self.model.schema() {
            return self.model.predict(features);
        }
        let place = self.place(features);
        let entry = &mut self.entries[place];
        if let Some((cell, prediction)) = &entry.known
            && cell.contains(features)
        {
            self.hits += 1;
            return *prediction;
        }
        entry.misses = entry.misses.wrapping_add(1);
        if entry.misses.is_multiple_of(REPLACE_EVERY)
            && let Some(forest) = self.model.forest()
            && let Some((prediction, cell)) = forest.predict_cell(features)
        {
            entry.known = Some((cell, prediction));
            return prediction;
        }
        self.model.predict(features)
    }

    /// Rows that were in a known cell.
    #[must_use]
    pub const fn hits(&self) -> u64 {
        self.hits
    }

    /// The entry that answers for a row, if any does.
    fn place(&self, features: &Features) -> usize {
        let [service, flag, sent, answered] = self.key.map(|column| features.value(column));
        let magnitude = |packets: u32| u32::BITS - packets.leading_zeros();
        let key = service ^ flag << 8 ^ magnitude(sent) << 12 ^ magnitude(answered) << 18;
        // 2^32 divided by the golden ratio (Knuth, The Art of Computer Programming 3, section 6.4).
        let hash = key.wrapping_mul(0x9e37_79b1);
        (hash >> (u32::BITS - ENTRIES.ilog2())) as usize
    }
}

/// Rows that no decision on the way of one of them tells apart: a range of values for each column.
#[derive(Clone, Debug)]
pub(crate) struct Cell {
    least: Row,
    /// The greatest value less the least.
    span: Row,
}

impl Cell {
    #[inline]
    fn contains(&self, features: &Features) -> bool {
        let ranges = self.least.iter().zip(&self.span);
        // All columns without a branch, which takes a few wide instructions.
        let mut outside = false;
        for (value, (least, span)) in features.raw().iter().zip(ranges) {
            outside |= value.wrapping_sub(*least) > *span;
        }
        !outside
    }
}

/// A cell that is still being narrowed: least and greatest value of each column.
#[derive(Clone, Debug)]
pub(crate) struct Bounds {
    least: Row,
    greatest: Row,
}

impl Bounds {
    /// All rows of a schema without a missing value.
    pub(crate) fn of(schema: Schema) -> Self {
        let mut greatest = [MISSING; ROW_WIDTH];
        greatest[..schema.columns().len()].fill(MISSING - 1);
        Self {
            least: [0; ROW_WIDTH],
            greatest,
        }
    }

    /// Leaves those that a decision sends the way of `value`.
    #[inline]
    pub(crate) fn narrow(&mut self, column: usize, threshold: u32, value: u32) {
        if value > threshold {
            self.least[column] = self.least[column].max(threshold + 1);
        } else {
            self.greatest[column] = self.greatest[column].min(threshold);
        }
    }

    pub(crate) fn cell(&self) -> Cell {
        let mut span = self.greatest;
        for (span, least) in span.iter_mut().zip(&self.least) {
            *span -= least;
        }
        Cell {
            least: self.least,
            span,
        }
    }
}
