//! What an event adds to what is known of its hosts.

use tidegate_common::address::Address;

use super::{
    super::ServiceId,
    horizon::{HORIZONS_NS, RECENT, recent_part},
};

/// What happened between two events of a connection, the later one included.
///
/// Counts saturate; `Default` is an event with nothing new.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Activity {
    /// Time of the event, ns of the packet clock.
    pub at_ns: u64,
    /// How long the packets took to come: since the event before, or the first packet, ns.
    pub over_ns: u64,
    /// When the connection began, ns.
    pub start_ns: u64,
    /// Connections that began: 1 for a new one, the originator's messages for ICMP.
    pub begun: u32,
    /// How many of them wait for an answer.
    pub waits: u32,
    /// How many wait no longer, whatever the answer.
    pub settled: u32,
    /// Which of the waiting ones they are.
    pub settles: Settles,
    /// Whether they were refused. Who had waited in vain has failed already, and fails once.
    pub refused: bool,
    /// Connections that were answered.
    pub answered: u32,
    /// Connections that failed without having waited.
    pub failed: u32,
    /// Packets from the originator.
    pub packets: u64,
    /// Payload bytes from the originator.
    pub bytes: u64,
    /// Payload bytes from the responder.
    pub reply_bytes: u64,
    /// Whether the originator's packets look like replies nobody asked for.
    pub unsolicited: bool,
    /// Whether the originator's packets are later fragments.
    pub fragments: bool,
    /// Change of the number of open TCP connections.
    pub opened: i32,
    /// If a TCP connection ended: its payload bytes each way.
    pub ended: Option<[u64; 2]>,
}

impl Activity {
    /// The packets that came within a horizon.
    #[inline]
    pub(super) fn recent_packets(&self, horizon: usize) -> u32 {
        recent_part(self.packets, self.over_ns, HORIZONS_NS[horizon])
    }

    /// The originator's payload that came within 2 s.
    #[inline]
    pub(super) fn recent_bytes(&self) -> u32 {
        recent_part(self.bytes, self.over_ns, HORIZONS_NS[RECENT])
    }
}

/// Which of the waiting connections are settled.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Settles {
    /// The one that began at `start_ns`.
    #[default]
    Own,
    /// The oldest: an ICMP answer does not tell which question it is to.
    Oldest,
}

/// Whom it is about.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Subject {
    /// Originator.
    pub source: Address,
    /// Responder.
    pub destination: Address,
    /// What is asked for.
    pub service: ServiceId,
}
