//! Trying again, for as long as there is patience.

use std::{
    thread,
    time::{Duration, Instant},
};

use tidegate_influx::Backoff;

/// Failures since the last success.
#[derive(Debug)]
pub(super) struct Retry {
    backoff: Backoff,
    patience: Duration,
    since: Option<Instant>,
}

impl Retry {
    pub(super) const fn new(patience: Duration) -> Self {
        Self {
            backoff: Backoff::new(),
            patience,
            since: None,
        }
    }

    pub(super) const fn succeed(&mut self) {
        self.backoff.reset();
        self.since = None;
    }

    /// Waits, what the server asks for at least; `tell` is told how long. `false`, without waiting, where patience
    /// would be at an end by then.
    pub(super) fn wait(&mut self, asked: Option<Duration>, tell: impl FnOnce(Duration)) -> bool {
        let since = *self.since.get_or_insert_with(Instant::now);
        let wait = self.backoff.next(asked);
        if since.elapsed() + wait > self.patience {
            return false;
        }
        tell(wait);
        thread::sleep(wait);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patience_ends_and_begins_anew_with_a_success() {
        let mut retry = Retry::new(Duration::from_millis(600));
        assert!(!retry.wait(Some(Duration::from_secs(60)), |_| panic!("waits")));
        retry.succeed();
        let mut told = 0;
        while retry.wait(None, |_| told += 1) {}
        assert!((1..=3).contains(&told), "{told}");
        retry.succeed();
        assert!(retry.wait(None, |_| ()));
    }
}
