//! Per-CPU statistics: where every packet went, and why.

use crate::packet::Unparsed;

/// One counter.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[repr(u32)]
pub enum Counter {
    /// Packets seen on ingress.
    Packets,
    /// Their frame bytes.
    Bytes,
    /// Packets seen on egress (host placement).
    EgressPackets,
    /// Packets passed on ingress.
    Passed,
    /// Packets dropped by a drop verdict.
    Dropped,
    /// Packets dropped by a rate-limit verdict.
    RateLimited,
    /// Packets that a verdict would have dropped, in monitor mode.
    WouldDrop,
    /// Packets that a watch verdict covered.
    Watched,
    /// Packets passed in spite of a verdict, because their source is allowlisted.
    Allowlisted,
    /// Packets that met a verdict past its expiry.
    ExpiredVerdict,
    /// Packets passed in spite of a verdict, because the agent is gone.
    AgentLost,
    /// Packets passed unseen in bypass mode.
    Bypassed,
    /// Ended inside a header.
    UnparsedTruncated,
    /// Neither IPv4 nor IPv6.
    UnparsedNotIp,
    /// A third VLAN tag.
    UnparsedTooManyVlans,
    /// A contradictory header.
    UnparsedBadHeader,
    /// Too many IPv6 extension headers.
    UnparsedTooManyExtensions,
    /// Another transport protocol.
    UnparsedOtherTransport,
    /// Flows inserted.
    FlowsNew,
    /// Packets of new flows beyond the budget.
    FlowsOverBudget,
    /// Flows the table refused.
    FlowsRefused,
    /// Events handed to user space.
    Events,
    /// Events lost because the ring buffer was full.
    EventsLost,
}

/// Number of counters.
pub const COUNTERS: usize = Counter::ALL.len();

impl Counter {
    /// All of them, in the order of their numbers.
    pub const ALL: [Self; 23] = [
        Self::Packets,
        Self::Bytes,
        Self::EgressPackets,
        Self::Passed,
        Self::Dropped,
        Self::RateLimited,
        Self::WouldDrop,
        Self::Watched,
        Self::Allowlisted,
        Self::ExpiredVerdict,
        Self::AgentLost,
        Self::Bypassed,
        Self::UnparsedTruncated,
        Self::UnparsedNotIp,
        Self::UnparsedTooManyVlans,
        Self::UnparsedBadHeader,
        Self::UnparsedTooManyExtensions,
        Self::UnparsedOtherTransport,
        Self::FlowsNew,
        Self::FlowsOverBudget,
        Self::FlowsRefused,
        Self::Events,
        Self::EventsLost,
    ];

    /// The counter of packets that can't be read for this reason.
    #[inline(always)]
    #[must_use]
    pub const fn unparsed(reason: Unparsed) -> Self {
        match reason {
            Unparsed::Truncated => Self::UnparsedTruncated,
            Unparsed::NotIp => Self::UnparsedNotIp,
            Unparsed::TooManyVlans => Self::UnparsedTooManyVlans,
            Unparsed::BadHeader => Self::UnparsedBadHeader,
            Unparsed::TooManyExtensions => Self::UnparsedTooManyExtensions,
            Unparsed::OtherTransport => Self::UnparsedOtherTransport,
        }
    }

    /// Its name in the API and in metrics.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Packets => "packets",
            Self::Bytes => "bytes",
            Self::EgressPackets => "egress_packets",
            Self::Passed => "passed",
            Self::Dropped => "dropped",
            Self::RateLimited => "rate_limited",
            Self::WouldDrop => "would_drop",
            Self::Watched => "watched",
            Self::Allowlisted => "allowlisted",
            Self::ExpiredVerdict => "expired_verdict",
            Self::AgentLost => "agent_lost",
            Self::Bypassed => "bypassed",
            Self::UnparsedTruncated => "unparsed_truncated",
            Self::UnparsedNotIp => "unparsed_not_ip",
            Self::UnparsedTooManyVlans => "unparsed_too_many_vlans",
            Self::UnparsedBadHeader => "unparsed_bad_header",
            Self::UnparsedTooManyExtensions => "unparsed_too_many_extensions",
            Self::UnparsedOtherTransport => "unparsed_other_transport",
            Self::FlowsNew => "flows_new",
            Self::FlowsOverBudget => "flows_over_budget",
            Self::FlowsRefused => "flows_refused",
            Self::Events => "events",
            Self::EventsLost => "events_lost",
        }
    }
}

/// Value of the one-entry per-CPU statistics map.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[repr(C)]
pub struct Stats {
    counters: [u64; COUNTERS],
}

impl Default for Stats {
    fn default() -> Self {
        Self {
            counters: [0; COUNTERS],
        }
    }
}

impl Stats {
    /// Adds to a counter.
    #[inline(always)]
    pub const fn add(&mut self, counter: Counter, n: u64) {
        let value = &mut self.counters[counter as usize];
        *value = value.wrapping_add(n);
    }

    /// Value of a counter.
    #[must_use]
    pub const fn value(&self, counter: Counter) -> u64 {
        self.counters[counter as usize]
    }

    /// Adds another CPU's counters.
    pub fn merge(&mut self, other: &Self) {
        for counter in Counter::ALL {
            self.add(counter, other.value(counter));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counters_stand_in_the_order_of_their_numbers() {
        for (position, counter) in Counter::ALL.iter().enumerate() {
            assert_eq!(*counter as usize, position);
        }
    }

    #[test]
    fn merging_adds() {
        let (mut a, mut b) = (Stats::default(), Stats::default());
        a.add(Counter::Dropped, 2);
        b.add(Counter::Dropped, 3);
        a.merge(&b);
        assert_eq!(a.value(Counter::Dropped), 5);
        assert_eq!(a.value(Counter::Passed), 0);
    }
}
