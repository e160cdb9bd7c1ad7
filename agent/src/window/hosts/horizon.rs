//! Sliding sums over a horizon, from two buckets.

/// Horizons: 0.1 s, 2 s, 60 s and 600 s, ns.
pub(super) const HORIZONS_NS: [u64; 4] =
    [100_000_000, 2_000_000_000, 60_000_000_000, 600_000_000_000];
/// A second, ns.
pub(super) const SECOND_NS: u64 = 1_000_000_000;

/// Index of a horizon.
pub(super) const SHORT: usize = 0;
pub(super) const RECENT: usize = 1;
pub(super) const MINUTE: usize = 2;
pub(super) const LONG: usize = 3;

/// The whole of a bucket, in the units of [`Moment::shares`].
pub(super) const WHOLE: u32 = 1 << 16;

/// A time, as the buckets see it.
///
/// The buckets of a horizon are as long as the horizon and lie side by side from time 0 on, the same for every host.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Moment {
    /// Numbers of the buckets it is in, modulo 2³². Those of 0.1 s come around after 13 years.
    pub(super) epochs: [u32; 4],
    /// How much of each bucket before is still inside the horizon, in 1/65,536, rounded down.
    pub(super) shares: [u32; 4],
    /// Whole seconds, modulo 2³².
    pub(super) second: u32,
}

impl Moment {
    #[inline]
    pub(super) fn at(now_ns: u64) -> Self {
        let mut moment = Self {
            second: (now_ns / SECOND_NS) as u32,
            ..Self::default()
        };
        // The divisors are constants after unrolling: no division is left.
        for (horizon, length_ns) in HORIZONS_NS.into_iter().enumerate() {
            let epoch = now_ns / length_ns;
            let left_ns = length_ns - (now_ns - epoch * length_ns);
            moment.epochs[horizon] = epoch as u32;
            moment.shares[horizon] = ((left_ns << 16) / length_ns) as u32;
        }
        moment
    }
}

/// The bucket of now and the one before.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Buckets<T> {
    epoch: u32,
    current: T,
    previous: T,
}

impl<T: Copy + Default> Buckets<T> {
    pub(super) fn new(epoch: u32) -> Self {
        Self {
            epoch,
            ..Self::default()
        }
    }

    /// Moves on to an epoch if it is a later one. Says by how many, or, negative, how many earlier it is.
    #[inline]
    pub(super) fn advance(&mut self, epoch: u32) -> i32 {
        let ahead = epoch.wrapping_sub(self.epoch).cast_signed();
        if ahead > 0 {
            self.previous = if ahead == 1 {
                self.current
            } else {
                T::default()
            };
            self.current = T::default();
            self.epoch = epoch;
        }
        ahead
    }

    /// The bucket of an epoch, moving on if it is a later one; `None` for one that is past both.
    #[inline]
    pub(super) fn of(&mut self, epoch: u32) -> Option<&mut T> {
        match self.advance(epoch) {
            0.. => Some(&mut self.current),
            -1 => Some(&mut self.previous),
            _ => None,
        }
    }

    /// What a sum over the horizon is at a moment, in 1/65,536: all of the current bucket, and of the one before the
    /// part that is still inside, as if it were spread evenly.
    ///
    /// Right for an even rate; else the true sum is between `current` and `current + previous`. To one who looks late,
    /// from before the current bucket, that one has just begun.
    #[inline]
    pub(super) fn sum(&self, epoch: u32, share: u32, part: impl Fn(&T) -> u32) -> u64 {
        let share = self.share(epoch, share);
        let current = u64::from(part(&self.current)) << 16;
        current + u64::from(part(&self.previous)) * u64::from(share)
    }

    /// The share of the bucket before, for one who looks from an epoch.
    #[inline]
    pub(super) const fn share(&self, epoch: u32, share: u32) -> u32 {
        if epoch == self.epoch { share } else { WHOLE }
    }

    /// A sum over both buckets.
    #[inline]
    pub(super) fn both(&self, part: impl Fn(&T) -> u32) -> u64 {
        u64::from(part(&self.current)) + u64::from(part(&self.previous))
    }
}

/// A sum as a number, rounded half up.
#[inline]
pub(super) const fn rounded(sum: u64) -> u32 {
    let whole = (sum + (1 << 15)) >> 16;
    if whole > u32::MAX as u64 {
        u32::MAX
    } else {
        whole as u32
    }
}

/// What of `count`, spread evenly over `over_ns`, falls into the last `horizon_ns`; rounded half up, at least 1 of 1.
#[inline]
pub(super) fn recent_part(count: u64, over_ns: u64, horizon_ns: u64) -> u32 {
    let part = if over_ns <= horizon_ns || count <= 1 {
        count
    } else {
        let scaled = u128::from(count) * u128::from(horizon_ns) + u128::from(over_ns / 2);
        // 64 bits are enough for all but absurd counts, and divide faster.
        match u64::try_from(scaled) {
            Ok(scaled) => scaled / over_ns,
            Err(_) => (scaled / u128::from(over_ns)) as u64,
        }
    };
    u32::try_from(part).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: u64 = 1_000_000;

    #[test]
    fn an_even_rate_is_found_at_any_phase() {
        let mut buckets: Buckets<u32> = Buckets::new(Moment::at(0).epochs[RECENT]);
        for ms in 0..20_000u64 {
            let now = Moment::at(ms * MS);
            *buckets.of(now.epochs[RECENT]).unwrap_or(&mut 0) += 1;
            let sum = buckets.sum(now.epochs[RECENT], now.shares[RECENT], |n| *n);
            if ms >= 2000 {
                assert!((2000..=2001).contains(&rounded(sum)), "{ms}: {sum}");
            }
        }
    }

    #[test]
    fn late_counts_go_where_they_belong_and_older_ones_nowhere() {
        let mut buckets: Buckets<u32> = Buckets::new(10);
        *buckets.of(11).unwrap_or(&mut 0) += 1;
        *buckets.of(10).unwrap_or(&mut 0) += 10;
        assert!(buckets.of(9).is_none());
        let sum = |buckets: &Buckets<u32>, epoch, share| rounded(buckets.sum(epoch, share, |n| *n));
        assert_eq!(sum(&buckets, 11, WHOLE / 2), 6);
        assert_eq!(sum(&buckets, 11, WHOLE / 16), 2, "1.6, rounded");
        assert_eq!(sum(&buckets, 10, WHOLE / 2), 11, "looking back");
        assert_eq!(buckets.of(13).copied(), Some(0));
        assert_eq!(sum(&buckets, 13, WHOLE), 0, "a whole bucket was silent");
        let mut wrapping: Buckets<u32> = Buckets::new(u32::MAX);
        *wrapping.of(u32::MAX).unwrap_or(&mut 0) += 8;
        assert_eq!(wrapping.of(0).copied(), Some(0));
        assert_eq!(sum(&wrapping, 0, WHOLE), 8);
    }

    #[test]
    fn packets_are_spread_over_the_time_they_took() {
        assert_eq!(recent_part(100, 50, 100), 100);
        assert_eq!(recent_part(100, 1000, 100), 10);
        assert_eq!(recent_part(1, 1000, 100), 1);
        assert_eq!(recent_part(15, 1000, 100), 2);
        assert_eq!(recent_part(u64::MAX, u64::MAX, 1000), 1000);
        assert_eq!(recent_part(u64::MAX, 1, 1000), u32::MAX);
    }

    #[test]
    fn shares_run_from_all_to_nothing() {
        let share = |ns| Moment::at(ns).shares[RECENT];
        assert_eq!(share(0), WHOLE);
        assert_eq!(share(1_000_000_000), WHOLE / 2);
        assert_eq!(share(1_999_999_999), 0);
        assert_eq!(share(2_000_000_000), WHOLE);
        Moment::at(u64::MAX);
    }
}
