//! What is kept of a connection between its events: no more than its key does not tell.

use tidegate_common::flow::{FlowKey, Side};
use tidegate_models::{Class, Flag, Service};

use super::{Connection, pace::Pace};
use crate::window::Place;

/// A connection that is followed, in 176 bytes: there may be a million of them.
///
/// Addresses, ports and protocol stand in the key, so only what becomes of them is added: who began, what the first
/// ICMP message was, the service.
#[derive(Clone, Copy, Debug)]
pub(super) struct Tracked {
    pub(super) key: FlowKey,
    pub(super) place: Place,
    pub(super) pace: Pace,
    /// Latest event, by its own time.
    pub(super) seen_ns: u64,
    /// Latest event, by the tracker's clock.
    pub(super) active_ns: u64,
    /// The event at which ICMP messages of the originator last entered the windows. All of them have by then.
    pub(super) entered_ns: u64,
    start_ns: u64,
    last_ns: u64,
    src_packets: u64,
    dst_packets: u64,
    src_bytes: u64,
    dst_bytes: u64,
    ifindex: u32,
    /// Of the latest prediction; means nothing without a class.
    confidence: f32,
    class: Option<Class>,
    service: Service,
    flag: Flag,
    /// The flow record counts no further than 255.
    wrong_fragment: u8,
    urgent: u8,
    /// Type of the originator's messages, for ICMP and ICMPv6.
    icmp_type: u8,
    facts: Facts,
}

/// Yes or no, a bit each.
#[derive(Clone, Copy, Debug)]
struct Facts(u8);

impl Facts {
    const BEGUN_BY_B: u8 = 1;
    const ESTABLISHED: u8 = 2;
    const CLOSED: u8 = 4;
    const ATTEMPT: u8 = 8;
    const LAND: u8 = 16;
    const BEGAN_WITH_ANSWER: u8 = 32;

    fn of(originator: Side, connection: &Connection) -> Self {
        let bit = |fact: bool, bit: u8| if fact { bit } else { 0 };
        Self(
            bit(originator == Side::B, Self::BEGUN_BY_B)
                | bit(connection.established, Self::ESTABLISHED)
                | bit(connection.closed, Self::CLOSED)
                | bit(connection.attempt, Self::ATTEMPT)
                | bit(connection.land, Self::LAND)
                | bit(connection.began_with_answer, Self::BEGAN_WITH_ANSWER),
        )
    }

    const fn has(self, bit: u8) -> bool {
        self.0 & bit != 0
    }

    const fn originator(self) -> Side {
        if self.has(Self::BEGUN_BY_B) {
            Side::B
        } else {
            Side::A
        }
    }
}

impl Tracked {
    /// A connection first heard of at an event at `now_ns`, when the tracker's clock is at `clock_ns`.
    pub(super) fn new(
        key: FlowKey,
        originator: Side,
        connection: &Connection,
        now_ns: u64,
        clock_ns: u64,
    ) -> Self {
        let mut tracked = Self {
            key,
            place: Place::default(),
            pace: Pace::new(connection.start_ns),
            seen_ns: now_ns,
            active_ns: clock_ns,
            entered_ns: now_ns,
            start_ns: connection.start_ns,
            last_ns: 0,
            src_packets: 0,
            dst_packets: 0,
            src_bytes: 0,
            dst_bytes: 0,
            ifindex: 0,
            confidence: 0.0,
            class: None,
            service: connection.service,
            flag: connection.flag,
            wrong_fragment: 0,
            urgent: 0,
            icmp_type: connection.icmp.map_or(0, |(icmp_type, _)| icmp_type),
            facts: Facts::of(originator, connection),
        };
        tracked.keep(connection);
        tracked
    }

    /// The connection, key and all.
    #[inline]
    pub(super) fn connection(&self) -> Connection {
        let (key, facts) = (&self.key, self.facts);
        let originator = facts.originator();
        let responder = originator.other();
        Connection {
            originator: key.address(originator),
            originator_port: key.port(originator),
            responder: key.address(responder),
            responder_port: key.port(responder),
            protocol: key.protocol,
            icmp: key.icmp().map(|(_, code)| (self.icmp_type, code)),
            service: self.service,
            flag: self.flag,
            established: facts.has(Facts::ESTABLISHED),
            closed: facts.has(Facts::CLOSED),
            attempt: facts.has(Facts::ATTEMPT),
            began_with_answer: facts.has(Facts::BEGAN_WITH_ANSWER),
            start_ns: self.start_ns,
            last_ns: self.last_ns,
            src_packets: self.src_packets,
            dst_packets: self.dst_packets,
            src_bytes: self.src_bytes,
            dst_bytes: self.dst_bytes,
            wrong_fragment: u32::from(self.wrong_fragment),
            urgent: u32::from(self.urgent),
            land: facts.has(Facts::LAND),
            ifindex: self.ifindex,
        }
    }

    /// Takes over what can have changed of the connection.
    #[inline]
    pub(super) fn keep(&mut self, connection: &Connection) {
        self.last_ns = connection.last_ns;
        self.src_packets = connection.src_packets;
        self.dst_packets = connection.dst_packets;
        self.src_bytes = connection.src_bytes;
        self.dst_bytes = connection.dst_bytes;
        self.ifindex = connection.ifindex;
        self.flag = connection.flag;
        self.wrong_fragment = connection.wrong_fragment.min(255) as u8;
        self.urgent = connection.urgent.min(255) as u8;
        self.facts = Facts::of(self.facts.originator(), connection);
    }

    /// First packet, ns.
    #[inline]
    pub(super) const fn start_ns(&self) -> u64 {
        self.start_ns
    }

    /// Whether this is a TCP connection that is over.
    #[inline]
    pub(super) const fn is_closed(&self) -> bool {
        self.facts.has(Facts::CLOSED)
    }

    /// Class and confidence, if it was classified.
    pub(super) fn prediction(&self) -> Option<(Class, f32)> {
        self.class.map(|class| (class, self.confidence))
    }

    pub(super) const fn predict(&mut self, class: Class, confidence: f32) {
        self.class = Some(class);
        self.confidence = confidence;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use tidegate_common::event::FlowEvent;

    use super::*;

    #[test]
    fn a_million_fit() {
        assert_eq!(size_of::<Tracked>(), 176);
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        /// Whatever event a connection is made of, and then updated by: what was kept is all of it.
        #[test]
        fn nothing_is_lost(bytes in any::<[u8; 256]>(), protocol in 0..5usize) {
            let [first, second] = [0, 128].map(|at| {
                let end = at + size_of::<FlowEvent>();
                let mut event = FlowEvent::from_bytes(&bytes[at..end]).unwrap_or_else(|| unreachable!());
                event.key.protocol = [1, 6, 17, 58, 132][protocol];
                event
            });
            let mut connection = Connection::new(&first);
            let originator = first.flow.originator();
            let mut tracked = Tracked::new(first.key, originator, &connection, 1, 2);
            prop_assert_eq!(tracked.connection(), connection);
            connection.update(&second, true);
            tracked.keep(&connection);
            prop_assert_eq!(tracked.connection(), connection);
            prop_assert_eq!(tracked.prediction(), None);
            tracked.predict(Class::Dos, 0.5);
            prop_assert_eq!(tracked.prediction(), Some((Class::Dos, 0.5)));
        }
    }
}
