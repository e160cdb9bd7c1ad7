//! How connections came out, and when.

use super::{
    Activity, Settles,
    horizon::{Moment, SECOND_NS},
    waiting::Waiting,
};

/// Connections whose outcome became known.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Decisions {
    pub(super) failed: u32,
    pub(super) answered: u32,
}

impl Decisions {
    pub(super) const fn failed(failed: u32) -> Self {
        Self {
            failed,
            answered: 0,
        }
    }

    #[inline]
    pub(super) const fn any(self) -> bool {
        self.failed | self.answered != 0
    }

    pub(super) fn add(&mut self, more: Self) {
        add(&mut self.failed, more.failed);
        add(&mut self.answered, more.answered);
    }

    /// Percent that failed, from sums of both; 0 if nothing is decided.
    #[inline]
    pub(super) const fn rate(failed: u64, answered: u64) -> u32 {
        // Mostly all came out the same way: no division then.
        if failed == 0 {
            0
        } else if answered == 0 {
            100
        } else {
            percent(failed, failed + answered)
        }
    }
}

/// `part` of `whole` in percent, rounded half up, at most 100; 0 if `whole` is 0. Sums have at most 49 bits.
pub(super) const fn percent(part: u64, whole: u64) -> u32 {
    if whole == 0 {
        return 0;
    }
    let percent = (100 * part + whole / 2) / whole;
    if percent > 100 { 100 } else { percent as u32 }
}

/// Adds without wrapping.
#[inline]
pub(super) const fn add(sum: &mut u32, more: u32) {
    *sum = sum.saturating_add(more);
}

/// Moves the clock of those who wait to the moment `now` at `now_ns`; gives who failed by it, and when.
#[inline]
pub(super) fn advance(
    waiting: &mut Waiting,
    now_ns: u64,
    now: &Moment,
) -> [Option<(Moment, u32)>; 2] {
    let overdue = waiting.advance(now.second);
    if overdue.iter().all(|(_, count)| *count == 0) {
        return [None; 2];
    }
    overdue.map(|(second, count)| {
        let ago = u64::from(now.second.wrapping_sub(second));
        let at_ns = (now_ns / SECOND_NS).saturating_sub(ago) * SECOND_NS;
        (count > 0).then(|| (Moment::at(at_ns), count))
    })
}

/// Takes note of who began to wait and who waits no longer; gives what is decided by the event.
#[inline]
pub(super) fn settle(waiting: &mut Waiting, activity: &Activity) -> Decisions {
    let mut failed = activity.failed;
    let started = (activity.start_ns / SECOND_NS) as u32;
    if activity.waits > 0 {
        add(&mut failed, waiting.add(started, activity.waits));
    }
    if activity.settled > 0 {
        let taken = match activity.settles {
            Settles::Own => waiting.take(started, activity.settled),
            Settles::Oldest => waiting.take_oldest(activity.settled),
        };
        add(&mut failed, if activity.refused { taken } else { 0 });
    }
    Decisions {
        failed,
        answered: activity.answered,
    }
}
