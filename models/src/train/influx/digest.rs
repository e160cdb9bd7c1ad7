//! What rows are, in 32 bytes: whether they are the same does not depend on where they come from.

use sha2::{Digest as _, Sha256};

use crate::{model::hex, train::LabelledRow};

/// SHA-256 over rows in order: their columns in the schema of their file (`u32`, little endian), class, and group with
/// its length.
#[derive(Clone, Debug, Default)]
pub(super) struct RowDigest {
    state: Sha256,
    rows: u64,
}

impl RowDigest {
    pub(super) fn add(&mut self, row: &LabelledRow) {
        let mut bytes = [0; 4 * crate::MAX_COLUMNS];
        let values = row.features.values();
        for (bytes, value) in bytes.as_chunks_mut().0.iter_mut().zip(values) {
            *bytes = value.to_le_bytes();
        }
        self.state.update(&bytes[..4 * values.len()]);
        self.state.update([row.class as u8]);
        self.state.update((row.group.len() as u64).to_le_bytes());
        self.state.update(row.group.as_bytes());
        self.rows += 1;
    }

    pub(super) const fn rows(&self) -> u64 {
        self.rows
    }

    pub(super) fn finish(self) -> String {
        hex(&self.state.finalize())
    }
}
