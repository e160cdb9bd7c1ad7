//! When a connection is another one, and when it is over.

use tidegate_common::{
    event::{FlowEvent, Milestone},
    flow::{ATTEMPT_NS, CLOSED_LINGER_NS, EVENT_EVERY_NS, idle_timeout_ns},
    packet::{TCP, UDP},
};
use tidegate_models::Protocol;

use super::{Connection, roster::Queue, tracked::Tracked};

/// Whether `event` is about a new connection under the key of `tracked`. One with an earlier first packet is not:
/// it was overtaken on its way.
pub(super) fn replaces(tracked: &Tracked, event: &FlowEvent) -> bool {
    let start_ns = tracked.start_ns();
    let new = event.milestone() == Some(Milestone::New);
    // A coarse packet clock can give both connections the same first packet time.
    event.flow.first_ns > start_ns
        || (event.flow.first_ns == start_ns && new && tracked.is_closed())
}

/// Whether a TCP connection not heard of before is one that was let go after its end: it has been in the windows.
pub(super) fn is_afterthought(connection: &Connection, event: &FlowEvent) -> bool {
    connection.closed && !matches!(event.milestone(), Some(Milestone::New | Milestone::Closed))
}

pub(super) fn queue(connection: &Connection) -> Queue {
    match connection.kdd_protocol() {
        Protocol::Tcp if connection.closed => Queue::Closed,
        Protocol::Tcp if connection.attempt => Queue::Attempts,
        Protocol::Tcp => Queue::Streams,
        Protocol::Udp | Protocol::Icmp => Queue::Datagrams,
    }
}

/// How long after its latest event a connection can have no further one. Its latest packet came at most
/// [`EVENT_EVERY_NS`] after that event, and one that comes this much later opens a new conversation.
pub(super) const fn timeout_ns(queue: Queue) -> u64 {
    EVENT_EVERY_NS
        + match queue {
            Queue::Closed => CLOSED_LINGER_NS,
            Queue::Attempts => ATTEMPT_NS,
            Queue::Datagrams => idle_timeout_ns(UDP),
            Queue::Streams => idle_timeout_ns(TCP),
        }
}
