//! Waiting between attempts: longer each time, and never the same, so that many agents do not come back at once.

use std::{
    hash::{BuildHasher as _, RandomState},
    time::Duration,
};

const FIRST: Duration = Duration::from_millis(250);
const LONGEST: Duration = Duration::from_secs(30);

/// Attempts that failed since the last that did not.
#[derive(Clone, Copy, Debug, Default)]
pub struct Backoff {
    failures: u32,
}

impl Backoff {
    /// No failure yet.
    #[must_use]
    pub const fn new() -> Self {
        Self { failures: 0 }
    }

    /// After a success.
    pub const fn reset(&mut self) {
        self.failures = 0;
    }

    /// After a failure: how long to wait. What the server asks for is the least.
    pub fn next(&mut self, asked: Option<Duration>) -> Duration {
        let most = FIRST
            .saturating_mul(1 << self.failures.min(20))
            .min(LONGEST);
        self.failures = self.failures.saturating_add(1);
        // From half of it to all of it.
        let own = most / 2 + most.mul_f64(random() / 2.0);
        match asked {
            Some(asked) => asked + FIRST.mul_f64(random()),
            None => own,
        }
    }
}

/// From 0 to 1; every [`RandomState`] has keys of its own.
fn random() -> f64 {
    let bits = RandomState::new().hash_one(());
    (bits >> 11) as f64 / (1_u64 << 53) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_to_a_limit_and_differ() {
        let mut backoff = Backoff::default();
        let waits: Vec<_> = (0..40).map(|_| backoff.next(None)).collect();
        assert!(waits[0] >= FIRST / 2 && waits[0] <= FIRST);
        assert!(waits[3] >= FIRST * 4 && waits[3] <= FIRST * 8);
        assert!(waits[39] >= LONGEST / 2 && waits[39] <= LONGEST);
        let mut late = waits[20..].to_vec();
        late.sort_unstable();
        late.dedup();
        assert!(late.len() > 10, "{late:?}");
        backoff.reset();
        assert!(backoff.next(None) <= FIRST);
    }

    #[test]
    fn what_the_server_asks_for_is_the_least() {
        let asked = Duration::from_secs(60);
        let wait = Backoff::default().next(Some(asked));
        assert!(wait >= asked && wait <= asked + FIRST);
    }
}
