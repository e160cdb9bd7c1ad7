//! What the kernel tells user space.

use crate::flow::{FlowKey, FlowSnapshot, Side};

/// Why an event was sent.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[repr(u8)]
pub enum Milestone {
    /// First packet of a conversation.
    New = 1,
    /// The TCP handshake is complete.
    Established = 2,
    /// Both sides said goodbye, or one hung up.
    Closed = 3,
    /// The sender's packet count doubled, or grew by 1024.
    Count = 4,
    /// A second or more passed since the flow's last event.
    Tick = 5,
}

/// A flow at a milestone. The same from the live kernel and from a capture file.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[repr(C)]
pub struct FlowEvent {
    /// Which conversation.
    pub key: FlowKey,
    /// Its counters, the packet that caused the event included.
    pub flow: FlowSnapshot,
    /// When, in ns of the packet clock (`CLOCK_MONOTONIC` when live).
    pub now_ns: u64,
    /// Interface that received the packet.
    pub ifindex: u32,
    /// A [`Milestone`] as a number; see [`FlowEvent::milestone`].
    pub milestone: u8,
    /// A [`Side`] as a number; see [`FlowEvent::sender`].
    pub sender: u8,
    /// Always zero.
    pub zero: [u8; 2],
}

impl FlowEvent {
    /// Puts an event together.
    #[inline(always)]
    #[must_use]
    pub const fn new(
        key: FlowKey,
        flow: FlowSnapshot,
        now_ns: u64,
        ifindex: u32,
        milestone: Milestone,
        sender: Side,
    ) -> Self {
        Self {
            key,
            flow,
            now_ns,
            ifindex,
            milestone: milestone as u8,
            sender: sender as u8,
            zero: [0; 2],
        }
    }

    /// Reads an event from the bytes of a ring buffer entry; `None` if their number is wrong.
    #[must_use]
    #[expect(unsafe_code, reason = "bytes from the ring buffer")]
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        if bytes.len() != size_of::<Self>() {
            return None;
        }
        // SAFETY: the length was checked, every bit pattern is a valid `FlowEvent` (integers only), and the read
        // does not ask for alignment.
        Some(unsafe { bytes.as_ptr().cast::<Self>().read_unaligned() })
    }

    /// Why it was sent; `None` for a number this version does not know.
    #[must_use]
    pub const fn milestone(&self) -> Option<Milestone> {
        Some(match self.milestone {
            1 => Milestone::New,
            2 => Milestone::Established,
            3 => Milestone::Closed,
            4 => Milestone::Count,
            5 => Milestone::Tick,
            _ => return None,
        })
    }

    /// Who sent the packet that caused the event.
    #[must_use]
    pub const fn sender(&self) -> Side {
        if self.sender == 0 { Side::A } else { Side::B }
    }

    /// Whether the originator of the conversation sent that packet.
    #[must_use]
    pub fn from_originator(&self) -> bool {
        self.sender() == self.flow.originator()
    }
}
