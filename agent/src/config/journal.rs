//! Section `[journal]`.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use serde::Serialize;

use super::human;

/// Name of the journal in the state directory.
const FILE: &str = "journal.db";

/// Where decisions are written down, and for how long they are kept.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct JournalConfig {
    /// The file; else `journal.db` in the state directory, if that exists.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file: Option<PathBuf>,
    /// Bytes in use beyond which the oldest decisions that ended are removed.
    pub max_bytes: u64,
    /// File that gets a line of JSON whenever a decision is made, extended or ends.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub log: Option<PathBuf>,
    /// Time after their end at which decisions are removed.
    #[serde(serialize_with = "human")]
    pub retention: Duration,
}

impl Default for JournalConfig {
    fn default() -> Self {
        Self {
            file: None,
            log: None,
            max_bytes: 268_435_456,
            retention: Duration::from_secs(30 * 86_400),
        }
    }
}

impl JournalConfig {
    /// The file to use; `None` where nothing is kept.
    #[must_use]
    pub fn path(&self, state_dir: &Path) -> Option<PathBuf> {
        let default = || state_dir.is_dir().then(|| state_dir.join(FILE));
        self.file.clone().or_else(default)
    }
}
