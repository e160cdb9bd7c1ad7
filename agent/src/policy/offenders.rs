//! What is remembered of those on whom verdicts stand or stood.

use std::time::Duration;

use crate::config::PolicyConfig;

/// A source, or a service under a limit.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Offender {
    /// Times it was blocked for something it can't deny.
    times: u32,
    /// Until when that is held against it.
    until_ns: u64,
    /// Evidence from before this moment was atoned for by a verdict that has ended.
    pub(super) pardoned_ns: u64,
    /// Verdicts that stand.
    standing: u32,
    /// Since when its conduct is watched: the latest verdict on it, or the latest attack by it.
    watched_ns: u64,
    /// Normal events since.
    normal: u32,
}

impl Offender {
    /// A verdict is about to stand; returns for how long. Twice as long each time, up to the cap, if the evidence
    /// can't be forged: nobody is to answer for what somebody else may have sent in his name.
    pub(super) fn sentence(
        &mut self,
        config: &PolicyConfig,
        ttl: Duration,
        forgeable: bool,
        now_ns: u64,
    ) -> Duration {
        let at_large = !self.is_under_verdict();
        self.stand(now_ns);
        if forgeable {
            return ttl;
        }
        if now_ns > self.until_ns {
            self.times = 0;
        }
        let cap = config.max_ttl.max(ttl);
        let factor = 1_u32 << self.times.min(30);
        let ttl = ttl.saturating_mul(factor).min(cap);
        // Several verdicts on one offence are one offence.
        self.times = self.times.saturating_add(u32::from(at_large));
        // Good conduct for as long as the cap makes a first offender again.
        let memory = ttl + config.max_ttl;
        self.until_ns = now_ns.saturating_add(memory.as_nanos() as u64);
        ttl
    }

    /// A verdict stands.
    pub(super) const fn stand(&mut self, now_ns: u64) {
        self.standing = self.standing.saturating_add(1);
        self.watched_ns = now_ns;
        self.normal = 0;
    }

    /// Whether one stands.
    pub(super) const fn is_under_verdict(&self) -> bool {
        self.standing > 0
    }

    /// A verdict has ended.
    pub(super) const fn pardon(&mut self, now_ns: u64) {
        self.standing = self.standing.saturating_sub(1);
        self.pardoned_ns = now_ns;
    }

    /// Something that was no normal traffic. From before its conduct is watched it is what that is about.
    pub(super) const fn misbehave(&mut self, at_ns: u64) {
        if at_ns >= self.watched_ns {
            self.normal = 0;
            self.watched_ns = at_ns;
        }
    }

    /// A normal event; once there are enough of them for long enough, how many and for how long.
    pub(super) fn behave(&mut self, config: &PolicyConfig, at_ns: u64) -> Option<(u32, Duration)> {
        if !self.is_under_verdict() {
            return None;
        }
        self.normal = self.normal.saturating_add(1);
        let over = Duration::from_nanos(at_ns.saturating_sub(self.watched_ns));
        let normal = self.normal;
        if normal < config.lift_events || over < config.lift_after {
            return None;
        }
        // If the verdict stays all the same, because its packets still come, it is looked at again after as long.
        self.misbehave(at_ns);
        Some((normal, over))
    }
}
