//! What a [`Tracker`](super::Tracker) says.

use tidegate_common::{event::Milestone, flow::FlowKey};
use tidegate_models::{Class, KddRecord};

use super::Connection;

/// A connection followed by a [`Tracker`](super::Tracker); never stands for another one.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct ConnectionId {
    pub(super) slot: u32,
    pub(super) generation: u32,
}

impl ConnectionId {
    /// Where the tracker keeps the connection: below the most it has followed at a time, and free for another
    /// connection once this one has ended.
    #[must_use]
    pub const fn slot(self) -> usize {
        self.slot as usize
    }
}

/// Why a connection is judged.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Occasion {
    /// An event, and why it was sent; [`Milestone::Tick`] for a reason this version does not know.
    Event(Milestone),
    /// No packet: a while after its first event it has come to nothing.
    SecondLook,
    /// No packet: it is about to be let go.
    LastLook,
}

impl Occasion {
    /// Whether no packet is behind it.
    #[must_use]
    pub const fn is_look(self) -> bool {
        matches!(self, Self::SecondLook | Self::LastLook)
    }
}

/// One event, understood, or one look.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Observation {
    /// For [`Tracker::set_prediction`](super::Tracker::set_prediction).
    pub id: ConnectionId,
    /// The connection as of the event; at a look, as of its latest one.
    pub connection: Connection,
    /// Its columns: its own and `packet_rate` as of that event, those of windows and hosts as of `at_ns`.
    pub record: KddRecord,
    /// Why it is judged.
    pub occasion: Occasion,
    /// Whether the originator sent the packet that caused the event; at a look nobody did.
    pub from_originator: bool,
    /// Whether the tracker had not heard of the connection before.
    pub first: bool,
    /// Time of the event or look, ns of the packet clock.
    pub at_ns: u64,
}

/// A connection with its latest prediction.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Followed {
    /// For [`Tracker::set_prediction`](super::Tracker::set_prediction).
    pub id: ConnectionId,
    /// Its key in the flow table; see [`Connection::catch_up`].
    pub key: FlowKey,
    /// The connection as of its latest event.
    pub connection: Connection,
    /// Class and confidence (0 to 1), if it was classified.
    pub prediction: Option<(Class, f32)>,
}
