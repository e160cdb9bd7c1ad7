//! What a replay came to.

use std::collections::BTreeMap;

use tidegate_common::stats::{Counter, Stats};
use tidegate_models::{CLASS_COUNT, Class, Flag};

use super::{Ended, WouldBe, decisions::WouldBes};
use crate::source::link::LinkType;

/// Counts over all captures of a replay.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Summary {
    /// Packets.
    pub packets: u64,
    /// Their length on the wire.
    pub bytes: u64,
    /// First packet, ns since 1970.
    pub start_ns: u64,
    /// From first to last packet, ns, without the time between captures whose clock goes back.
    pub duration_ns: u64,
    /// Steps back of the packet clock that were taken for another capture.
    pub clock_steps: u64,
    /// Packets not followed, by reason.
    pub unparsed: Vec<(Counter, u64)>,
    /// Packets not looked at, by link type.
    pub skipped: BTreeMap<LinkType, u64>,
    /// Flows begun.
    pub flows: u64,
    /// Events of flows.
    pub events: u64,
    /// Flows that made room for others; what came of them later is a connection of its own.
    pub evicted: u64,
    /// Connections that ended.
    pub connections: u64,
    /// Those by state.
    pub flags: [u64; Flag::ALL.len()],
    /// Those by class, as of their latest event or look.
    pub classes: [u64; CLASS_COUNT],
    /// Predictions on events and at looks, by class.
    pub predictions: [u64; CLASS_COUNT],
    /// What would have been decided: the first [`MAX_LISTED`](super::MAX_LISTED).
    pub decisions: Vec<WouldBe>,
    /// How many that were in all.
    pub decisions_made: u64,
    /// Decisions that found the table of verdicts full.
    pub decisions_refused: u64,
    /// Begin of the capture that is being read.
    begun_ns: Option<u64>,
    /// Length of those before it.
    before_ns: u64,
}

impl Summary {
    pub(super) fn skip(&mut self, link: u16) {
        *self.skipped.entry(LinkType::Other(link)).or_default() += 1;
    }

    /// A capture begins.
    pub(super) fn begin(&mut self, at_ns: u64) {
        match self.begun_ns {
            None => self.start_ns = at_ns,
            Some(_) => {
                self.before_ns = self.duration_ns;
                self.clock_steps += 1;
            }
        }
        self.begun_ns = Some(at_ns);
    }

    /// The capture has come as far as this.
    pub(super) fn end(&mut self, at_ns: u64) {
        let begun_ns = self.begun_ns.unwrap_or(at_ns);
        self.duration_ns = self
            .before_ns
            .saturating_add(at_ns.saturating_sub(begun_ns));
    }

    pub(super) fn connection(&mut self, ended: &Ended) {
        self.connections += 1;
        let flag = Flag::ALL.iter().position(|f| *f == ended.connection.flag);
        if let Some(count) = flag.and_then(|flag| self.flags.get_mut(flag)) {
            *count += 1;
        }
        self.classes[ended.class.index()] += 1;
    }

    /// With what is counted elsewhere.
    pub(super) fn with(
        &self,
        stats: &Stats,
        evicted: u64,
        predictions: [u64; CLASS_COUNT],
        would_be: &WouldBes,
    ) -> Self {
        const REASONS: [Counter; 6] = [
            Counter::UnparsedTruncated,
            Counter::UnparsedNotIp,
            Counter::UnparsedTooManyVlans,
            Counter::UnparsedBadHeader,
            Counter::UnparsedTooManyExtensions,
            Counter::UnparsedOtherTransport,
        ];
        let unparsed = REASONS.map(|reason| (reason, stats.value(reason)));
        Self {
            packets: stats.value(Counter::Packets),
            bytes: stats.value(Counter::Bytes),
            unparsed: unparsed.into_iter().filter(|(_, n)| *n > 0).collect(),
            flows: stats.value(Counter::FlowsNew),
            events: stats.value(Counter::Events),
            evicted,
            predictions,
            decisions: would_be.listed().to_vec(),
            decisions_made: would_be.made(),
            decisions_refused: would_be.refused(),
            ..self.clone()
        }
    }

    /// Connections of a class.
    #[must_use]
    pub const fn of_class(&self, class: Class) -> u64 {
        self.classes[class.index()]
    }
}
