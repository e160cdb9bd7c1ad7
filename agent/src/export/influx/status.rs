//! How the exporter is doing, for whoever shows it.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use arc_swap::ArcSwapOption;

/// Counters and trouble of the exporter, shared.
#[derive(Debug, Default)]
pub struct Status {
    stored: AtomicU64,
    refused: AtomicU64,
    lost: AtomicU64,
    retries: AtomicU64,
    behind: AtomicU64,
    trouble: ArcSwapOption<String>,
}

/// [`Status`] as of a moment.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Health {
    /// Points the server has stored; one that was sent twice counts twice.
    pub stored: u64,
    /// Points it will never store, put aside in a file.
    pub refused: u64,
    /// Points that were refused and could not be put aside.
    pub lost: u64,
    /// Requests that had to be repeated.
    pub retries: u64,
    /// Decisions that are still to be sent.
    pub behind: u64,
    /// Why nothing gets through now; `None` when all is well.
    pub trouble: Option<Arc<String>>,
}

impl Status {
    /// A copy.
    #[must_use]
    pub fn health(&self) -> Health {
        let load = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Health {
            stored: load(&self.stored),
            refused: load(&self.refused),
            lost: load(&self.lost),
            retries: load(&self.retries),
            behind: load(&self.behind),
            trouble: self.trouble.load_full(),
        }
    }

    pub(super) fn stored(&self, points: usize) {
        self.stored.fetch_add(points as u64, Ordering::Relaxed);
    }

    pub(super) fn succeed(&self) {
        self.trouble.store(None);
    }

    pub(super) fn refused(&self, points: usize) {
        self.refused.fetch_add(points as u64, Ordering::Relaxed);
    }

    pub(super) fn lost(&self, points: usize) {
        self.lost.fetch_add(points as u64, Ordering::Relaxed);
    }

    pub(super) fn retry(&self) {
        self.retries.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn behind(&self, decisions: u64) {
        self.behind.store(decisions, Ordering::Relaxed);
    }

    /// Says whether it is news.
    pub(super) fn fail(&self, why: String) -> bool {
        let before = self.trouble.swap(Some(Arc::new(why)));
        before.is_none()
    }
}
