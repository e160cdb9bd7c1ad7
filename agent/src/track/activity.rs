//! What an event says about the hosts of its connection.

use tidegate_common::{
    event::FlowEvent,
    flow::FlowKey,
    packet::{ICMP, ICMPV6, UDP},
};
use tidegate_models::{Flag, Protocol};

use super::Connection;
use crate::window::hosts::{Activity, Settles, Subject};

/// From here on the ports of UDP services that are abused to amplify, below the ports that Linux gives to clients (CISA
/// alert TA14-017A and its like): SQL Server's browser, L2TP, SSDP, Apple remote desktop, STUN, WS-Discovery, SIP,
/// Sentinel, mDNS, CoAP, Ubiquiti's discovery, memcached, VxWorks' debugger, Steam, Quake, Lantronix.
const AMPLIFIERS: [u16; 16] = [
    1434, 1701, 1900, 3283, 3478, 3702, 5060, 5093, 5353, 5683, 10_001, 11_211, 17_185, 27_015,
    27_960, 30_718,
];
/// The first port that a client may have by privilege: Linux gives those of NFS ports from here to 1023
/// (`sunrpc.min_resvport`). Below are services.
const FIRST_OF_CLIENTS: u16 = 665;
/// Services that speak to another one unasked: DHCP (both ways), SNMP's traps, IKE behind a NAT, DHCPv6 (both ways).
const PEERS: [(u16, u16); 7] = [
    (67, 68),
    (68, 67),
    (161, 162),
    (500, 4500),
    (4500, 500),
    (546, 547),
    (547, 546),
];

/// How a TCP connection or a UDP conversation has come out so far.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Outcome {
    /// No answer, or only half a handshake.
    Waiting,
    /// The handshake is complete, and nothing was said.
    Established,
    /// TCP: established and payload was sent, or of one whose start was not seen, both sides sent payload. UDP: the
    /// responder sent a datagram.
    Answered,
    /// TCP: refused, or ended before it was answered.
    Failed,
}

impl Outcome {
    fn of(connection: &Connection) -> Self {
        let Connection {
            src_bytes,
            dst_bytes,
            ..
        } = *connection;
        if connection.kdd_protocol() != Protocol::Tcp {
            return if connection.dst_packets > 0 {
                Self::Answered
            } else {
                Self::Waiting
            };
        }
        let refused = matches!(
            connection.flag,
            Flag::S0 | Flag::REJ | Flag::RSTOS0 | Flag::SH
        );
        let talked = if connection.established {
            src_bytes > 0 || dst_bytes > 0
        } else {
            src_bytes > 0 && dst_bytes > 0
        };
        if talked && !refused {
            Self::Answered
        } else if connection.closed {
            Self::Failed
        } else if connection.established {
            Self::Established
        } else {
            Self::Waiting
        }
    }
}

/// Whom a connection is about.
pub(super) fn subject(connection: &Connection) -> Subject {
    let entry = connection.entry();
    Subject {
        source: entry.source,
        destination: entry.host,
        service: entry.service,
    }
}

/// What happened between `before`, the connection as of the event before (`None` if it was not known), and `now`.
/// `over_ns` is how long that took.
pub(super) fn between(
    before: Option<&Connection>,
    now: &Connection,
    event: &FlowEvent,
    over_ns: u64,
) -> Activity {
    let since = |count: fn(&Connection) -> u64| count(now).saturating_sub(before.map_or(0, count));
    let packets = since(|c| c.src_packets);
    let fragments = is_later_fragment(&event.key);
    let activity = Activity {
        at_ns: event.now_ns,
        over_ns,
        start_ns: now.start_ns.min(event.now_ns),
        packets,
        bytes: since(|c| c.src_bytes),
        reply_bytes: since(|c| c.dst_bytes),
        unsolicited: !fragments && is_unsolicited(now),
        fragments,
        opened: i32::from(is_open(now)) - i32::from(before.is_some_and(is_open)),
        ..Activity::default()
    };
    if now.is_icmp() {
        let answers = saturated(since(|c| c.dst_packets));
        let begun = saturated(packets);
        return match asks(now) && !fragments {
            true => Activity {
                begun,
                waits: begun,
                // Questions heard of together began now, not when the first one did.
                start_ns: event.now_ns,
                settled: answers,
                settles: Settles::Oldest,
                answered: answers,
                ..activity
            },
            false => Activity { begun, ..activity },
        };
    }
    let (was, is) = (before.map(Outcome::of), Outcome::of(now));
    let becomes = |outcome| u32::from(is == outcome && was != Some(outcome));
    let waited = was == Some(Outcome::Waiting);
    let ended = now.kdd_protocol() == Protocol::Tcp
        && now.closed
        && !before.is_some_and(|before| before.closed);
    Activity {
        begun: u32::from(was.is_none()),
        waits: u32::from(was.is_none() && is == Outcome::Waiting),
        settled: u32::from(waited && is != Outcome::Waiting),
        refused: is == Outcome::Failed,
        answered: becomes(Outcome::Answered),
        failed: if waited { 0 } else { becomes(Outcome::Failed) },
        ended: ended.then_some([now.src_bytes, now.dst_bytes]),
        ..activity
    }
}

/// Whether this is a TCP connection that is established and not over.
pub(super) fn is_open(connection: &Connection) -> bool {
    connection.established && !connection.closed
}

/// Whether a connection has come to nothing so far: no answer, half a handshake, a refusal, a handshake and nothing
/// said. Of ICMP a single message too, answered or not: a sweep of hosts that are there is a sweep.
pub(super) fn is_unanswered(connection: &Connection) -> bool {
    match Outcome::of(connection) {
        Outcome::Waiting | Outcome::Failed => true,
        Outcome::Answered => connection.is_icmp() && connection.src_packets <= 1,
        Outcome::Established => false,
    }
}

/// Whether an ICMP message wants an answer: echo, timestamp, information, address mask.
fn asks(connection: &Connection) -> bool {
    matches!(
        (connection.protocol, connection.icmp),
        (ICMP, Some((8 | 13 | 15 | 17, _))) | (ICMPV6, Some((128, _)))
    )
}

/// Later fragments have no ports: their key has zeros where others have something.
const fn is_later_fragment(key: &FlowKey) -> bool {
    key.a_port == 0 && key.b_port == 0
}

/// Whether the originator seems to answer what the responder never asked: an echo reply, or a datagram from a UDP
/// service to a port that is not one of its peers'.
fn is_unsolicited(connection: &Connection) -> bool {
    let (from, to) = (connection.originator_port, connection.responder_port);
    let is_service = (1..FIRST_OF_CLIENTS).contains(&from) || AMPLIFIERS.contains(&from);
    match (connection.protocol, connection.icmp) {
        (ICMP, Some((0, _))) | (ICMPV6, Some((129, _))) => true,
        (UDP, _) => {
            connection.dst_packets == 0 && is_service && from != to && !PEERS.contains(&(from, to))
        }
        _ => false,
    }
}

fn saturated(count: u64) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}
