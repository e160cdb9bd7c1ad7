//! Connections that nobody has answered yet.

/// Connections begun in the current second and the one before, that wait for an answer. Older ones have failed.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Waiting {
    second: u32,
    /// Begun in `second`, and in the one before.
    counts: [u32; 2],
}

impl Waiting {
    pub(super) fn new(second: u32) -> Self {
        Self {
            second,
            ..Self::default()
        }
    }

    /// Moves on to a later second. Gives how many ran out of time, by the second at whose beginning they did.
    #[inline]
    pub(super) fn advance(&mut self, second: u32) -> [(u32, u32); 2] {
        let ahead = second.wrapping_sub(self.second).cast_signed();
        if ahead <= 0 {
            return [(second, 0); 2];
        }
        let [newer, older] = self.counts;
        let first = (self.second.wrapping_add(1), older);
        let (counts, last) = if ahead == 1 {
            ([0, newer], 0)
        } else {
            ([0, 0], newer)
        };
        let last = (self.second.wrapping_add(2), last);
        self.counts = counts;
        self.second = second;
        [first, last]
    }

    /// `count` that began in `second` wait. Gives those that have waited for too long already.
    #[inline]
    pub(super) fn add(&mut self, second: u32, count: u32) -> u32 {
        match self.of(second) {
            Some(waiting) => {
                *waiting = waiting.saturating_add(count);
                0
            }
            None => count,
        }
    }

    /// `count` that began in `second` wait no longer. Gives how many of them did until now.
    #[inline]
    pub(super) fn take(&mut self, second: u32, count: u32) -> u32 {
        self.of(second).map_or(0, |waiting| {
            let taken = count.min(*waiting);
            *waiting -= taken;
            taken
        })
    }

    /// `count` wait no longer, the oldest first. Gives how many of them did until now.
    #[inline]
    pub(super) fn take_oldest(&mut self, count: u32) -> u32 {
        let older = count.min(self.counts[1]);
        self.counts[1] -= older;
        let newer = (count - older).min(self.counts[0]);
        self.counts[0] -= newer;
        older + newer
    }

    /// All that wait.
    #[inline]
    pub(super) const fn total(&self) -> u32 {
        self.counts[0].saturating_add(self.counts[1])
    }

    /// The count of a second, a later one being the current one.
    fn of(&mut self, second: u32) -> Option<&mut u32> {
        let age = self.second.wrapping_sub(second).cast_signed().max(0);
        self.counts.get_mut(age.cast_unsigned() as usize)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn they_fail_as_the_second_after_the_next_begins() {
        let mut waiting = Waiting::new(10);
        assert_eq!(waiting.add(10, 5), 0);
        assert_eq!(waiting.advance(11), [(11, 0), (12, 0)]);
        assert_eq!(waiting.add(11, 3), 0);
        assert_eq!(waiting.add(9, 2), 2, "too old");
        assert_eq!((waiting.take(10, 1), waiting.take(9, 1)), (1, 0));
        assert_eq!(waiting.total(), 7);
        assert_eq!(waiting.advance(12), [(12, 4), (13, 0)]);
        assert_eq!(waiting.advance(20), [(13, 3), (14, 0)]);
        assert_eq!(waiting.total(), 0);
        waiting.add(20, 6);
        assert_eq!(waiting.advance(30), [(21, 0), (22, 6)]);
    }

    #[test]
    fn going_back_changes_nothing() {
        let mut waiting = Waiting::new(10);
        waiting.add(10, 5);
        assert_eq!(waiting.advance(3), [(3, 0); 2]);
        assert_eq!(waiting.add(99, u32::MAX), 0, "from the future: as of now");
        assert_eq!(waiting.total(), u32::MAX);
        assert_eq!(waiting.take(10, 7), 7);
        waiting.advance(11);
        waiting.add(11, 3);
        assert_eq!(waiting.take_oldest(u32::MAX - 7), u32::MAX - 7);
        assert_eq!((waiting.take_oldest(2), waiting.take_oldest(2)), (2, 1));
    }
}
