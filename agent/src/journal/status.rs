//! How the journal is doing, for whoever shows it.

use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicU64, Ordering},
};

use arc_swap::ArcSwapOption;

/// Counters and trouble of the writer, shared.
#[derive(Debug, Default)]
pub struct Status {
    taken: AtomicU64,
    written: AtomicU64,
    lost: AtomicU64,
    pruned: AtomicU64,
    pruned_unexported: AtomicU64,
    behind: AtomicBool,
    /// Nothing more will come, and nobody waits for a disk that refuses.
    closing: AtomicBool,
    trouble: ArcSwapOption<String>,
}

/// [`Status`] as of a moment.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Health {
    /// Changes written.
    pub written: u64,
    /// Changes that could not be written: the queue was full, or the agent ended while the disk refused.
    pub lost: u64,
    /// Changes that wait for the disk.
    pub waiting: u64,
    /// Decisions removed for their age or for the size of the file.
    pub pruned: u64,
    /// Those of them that the exporter had not sent yet.
    pub pruned_unexported: u64,
    /// Why nothing can be written now; `None` when all is well.
    pub trouble: Option<Arc<String>>,
}

impl Status {
    /// A copy.
    #[must_use]
    pub fn health(&self) -> Health {
        let load = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let written = load(&self.written);
        Health {
            written,
            lost: load(&self.lost),
            waiting: load(&self.taken).saturating_sub(written),
            pruned: load(&self.pruned),
            pruned_unexported: load(&self.pruned_unexported),
            trouble: self.trouble.load_full(),
        }
    }

    pub(super) fn take_in(&self) {
        self.taken.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn hand_back(&self) {
        self.taken.fetch_sub(1, Ordering::Relaxed);
    }

    pub(super) fn wrote(&self, changes: u64) {
        self.written.fetch_add(changes, Ordering::Relaxed);
        self.trouble.store(None);
    }

    /// Changes that were never taken in.
    pub(super) fn lose(&self, changes: u64) {
        self.lost.fetch_add(changes, Ordering::Relaxed);
        self.behind.store(true, Ordering::Relaxed);
    }

    /// Changes that were taken in and can't be written.
    pub(super) fn give_up(&self, changes: u64) {
        self.taken.fetch_sub(changes, Ordering::Relaxed);
        self.lose(changes);
    }

    pub(super) fn pruned(&self, decisions: u64, unexported: u64) {
        self.pruned.fetch_add(decisions, Ordering::Relaxed);
        self.pruned_unexported
            .fetch_add(unexported, Ordering::Relaxed);
    }

    pub(super) fn fail(&self, error: &super::JournalError) {
        self.trouble.store(Some(Arc::new(error.to_string())));
    }

    pub(super) fn fall_behind(&self) {
        self.behind.store(true, Ordering::Relaxed);
    }

    /// Worth catching up only once writing works again.
    pub(super) fn is_behind(&self) -> bool {
        self.behind.load(Ordering::Relaxed) && self.trouble.load().is_none()
    }

    pub(super) fn close(&self) {
        self.closing.store(true, Ordering::Relaxed);
    }

    pub(super) fn is_closing(&self) -> bool {
        self.closing.load(Ordering::Relaxed)
    }

    pub(super) fn catch_up(&self) {
        self.behind.store(false, Ordering::Relaxed);
    }
}
