//! When the exporter's thread ends.

use std::{
    sync::mpsc::{Receiver, RecvTimeoutError},
    thread,
    time::{Duration, Instant},
};

/// It is time to end.
#[derive(Debug)]
pub(super) struct Stopped;

/// Waits that the end of the agent cuts short, and the time that is then left for the last points.
#[derive(Debug)]
pub(super) struct Stop {
    /// Hung up on by whoever wants the end.
    told: Receiver<()>,
    grace: Duration,
    deadline: Option<Instant>,
}

impl Stop {
    pub(super) const fn new(told: Receiver<()>, grace: Duration) -> Self {
        Self {
            told,
            grace,
            deadline: None,
        }
    }

    /// Before there is more to do: waits so long, or until the end is wanted.
    pub(super) fn wait(&mut self, wait: Duration) -> Result<(), Stopped> {
        let Some(deadline) = self.deadline else {
            if self.told.recv_timeout(wait) != Err(RecvTimeoutError::Timeout) {
                self.deadline = Some(Instant::now() + self.grace);
            }
            return Ok(());
        };
        if Instant::now() + wait > deadline {
            return Err(Stopped);
        }
        thread::sleep(wait);
        Ok(())
    }

    /// With nothing left to do.
    pub(super) fn idle(&mut self, wait: Duration) -> Result<(), Stopped> {
        if self.deadline.is_some() {
            return Err(Stopped);
        }
        self.wait(wait)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    #[test]
    fn whoever_is_told_does_the_rest_and_then_ends() {
        let (teller, told) = mpsc::channel();
        let mut stop = Stop::new(told, Duration::from_secs(600));
        assert!(stop.wait(Duration::ZERO).is_ok());
        assert!(stop.idle(Duration::ZERO).is_ok());
        drop(teller);
        // Longer than any test: the news is waited for no longer than it takes.
        assert!(stop.idle(Duration::from_secs(86_400)).is_ok());
        assert!(stop.wait(Duration::from_millis(1)).is_ok());
        assert!(stop.wait(Duration::from_secs(86_400)).is_err());
        assert!(stop.idle(Duration::ZERO).is_err());
    }
}
