//! How fast the originator of a connection sends.

/// Age at which the newer checkpoint becomes the older one, ns.
const ROTATE_NS: u64 = 1_000_000_000;
/// The farthest back the rate looks while there are events to look at, ns.
const HORIZON_NS: u64 = 2_000_000_000;
/// Shorter times count as this long, ns: two packets in a row are no rate.
const SHORTEST_NS: u64 = 10_000_000;

#[derive(Clone, Copy, Debug)]
struct Checkpoint {
    at_ns: u64,
    packets: u64,
}

/// The `packet_rate` column.
///
/// Two checkpoints (time, originator packets by then), both the connection's first packet in the beginning. At an
/// event a second or more after the newer one, the newer becomes the older and the event the newer. The rate is
/// packets since a checkpoint over the time since it, at least 10 ms: since the older one, or since the newer one
/// if the older is more than 2 s back and the newer is not this very event. So the rate covers one to two seconds
/// of a long connection, all of a young one, and the time since the last event of one that was idle. A connection
/// of one packet has rate 0.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pace {
    older: Checkpoint,
    newer: Checkpoint,
}

impl Pace {
    pub(super) const fn new(first_ns: u64) -> Self {
        let first = Checkpoint {
            at_ns: first_ns,
            packets: 1,
        };
        Self {
            older: first,
            newer: first,
        }
    }

    /// Takes note of an event; returns originator packets per second.
    pub(super) fn observe(&mut self, now_ns: u64, packets: u64) -> u32 {
        let now_ns = now_ns.max(self.newer.at_ns);
        if now_ns - self.newer.at_ns >= ROTATE_NS {
            self.older = self.newer;
            self.newer = Checkpoint {
                at_ns: now_ns,
                packets,
            };
        }
        let idle = self.newer.at_ns == now_ns;
        let base = if idle || now_ns.saturating_sub(self.older.at_ns) <= HORIZON_NS {
            self.older
        } else {
            self.newer
        };
        let elapsed = now_ns.saturating_sub(base.at_ns).max(SHORTEST_NS);
        let sent = packets.saturating_sub(base.packets);
        per_second(sent, elapsed)
    }

    /// What [`Pace::observe`] said at the latest event, of which nothing is taken note again.
    pub(super) fn latest(mut self, now_ns: u64, packets: u64) -> u32 {
        self.observe(now_ns, packets)
    }
}

/// Rounded half up, saturating.
fn per_second(sent: u64, elapsed_ns: u64) -> u32 {
    const SECOND_NS: u64 = 1_000_000_000;
    // Sums below 2^64 need no 128 bits to divide.
    let rate = if sent < 1 << 33 {
        (sent * SECOND_NS + elapsed_ns / 2) / elapsed_ns
    } else {
        let scaled = u128::from(sent) * u128::from(SECOND_NS);
        let rate = (scaled + u128::from(elapsed_ns / 2)) / u128::from(elapsed_ns);
        u64::try_from(rate).unwrap_or(u64::MAX)
    };
    u32::try_from(rate).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: u64 = 1_000_000;

    #[test]
    fn burst_shows_its_rate_at_once() {
        let mut with_events = Pace::new(0);
        let mut rates = Vec::new();
        for packets in [1u64, 2, 4, 8, 16] {
            rates.push(with_events.observe((packets - 1) * MS, packets));
        }
        assert_eq!(rates, [0, 100, 300, 700, 1000]);
        assert_eq!(Pace::new(0).observe(15 * MS, 16), 1000, "no event between");
    }

    #[test]
    fn steady_rates_are_found_whatever_the_events() {
        for per_second in [1u64, 10, 100, 1000] {
            for event_every_ms in [1000u64, 1300, 1900] {
                let mut pace = Pace::new(0);
                for event in 1..20 {
                    let now_ms = event * event_every_ms / 1000 * 1000;
                    let rate = pace.observe(now_ms * MS, 1 + now_ms * per_second / 1000);
                    assert_eq!(u64::from(rate), per_second, "event {event}");
                }
            }
        }
    }

    #[test]
    fn the_past_is_forgotten() {
        let mut pace = Pace::new(0);
        pace.observe(1000 * MS, 10_001);
        assert_eq!(pace.observe(2000 * MS, 20_001), 10_000);
        // Ten seconds of silence, then a packet, then a burst of a hundred a second.
        assert_eq!(pace.observe(12_000 * MS, 20_002), 0);
        assert_eq!(pace.observe(12_500 * MS, 20_052), 100);
    }

    #[test]
    fn the_greatest_numbers_do_not_overflow() {
        assert_eq!(per_second((1 << 33) - 1, u64::MAX), 0);
        assert_eq!(per_second(1 << 33, 1 << 33), 1_000_000_000);
        assert_eq!(per_second((1 << 33) - 1, (1 << 33) - 1), 1_000_000_000);
        assert_eq!(per_second(u64::MAX, 1), u32::MAX);
        assert_eq!(per_second(3, 2_000_000_000), 2, "half up");
    }

    #[test]
    fn events_out_of_order_do_no_harm() {
        let mut pace = Pace::new(5000 * MS);
        pace.observe(6000 * MS, 101);
        assert_eq!(pace.observe(5500 * MS, 51), 50, "as of the newest event");
        assert_eq!(pace.observe(u64::MAX, u64::MAX), 1_000_000_000);
    }
}
