//! What user space tells the kernel to do with packets.

use crate::{
    address::Address,
    packet::{Fragment, Packet},
};

/// Verdicts that may stand at a time; also the number of counter slots.
pub const MAX_VERDICTS: u32 = 16_384;
/// Entries of the allowlist.
pub const MAX_ALLOWLIST: u32 = 16_384;

/// Which packets a verdict covers.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
#[repr(u8)]
pub enum Scope {
    /// All of a source.
    Source = 0,
    /// Those of a source to one destination over one protocol.
    SourceDestination = 1,
    /// Those of a source to one port of one protocol, wherever they go.
    SourceService = 2,
    /// Those of a source to one port of one destination over one protocol.
    Tuple = 3,
    /// Those of anybody to one port of one destination over one protocol, unless they belong to a conversation that
    /// the destination takes part in ([`crate::flow::FlowRecord::spares`]).
    Destination = 4,
    /// Those of anybody to any port of one destination over one protocol, unless they are spared as above.
    DestinationHost = 5,
}

impl Scope {
    /// All scopes, in the order in which the kernel looks them up.
    pub const ALL: [Self; 6] = [
        Self::Source,
        Self::SourceDestination,
        Self::SourceService,
        Self::Tuple,
        Self::Destination,
        Self::DestinationHost,
    ];

    /// Whether the source counts.
    #[inline(always)]
    #[must_use]
    pub const fn has_source(self) -> bool {
        !matches!(self, Self::Destination | Self::DestinationHost)
    }

    /// Whether the destination counts.
    #[inline(always)]
    #[must_use]
    pub const fn has_destination(self) -> bool {
        matches!(
            self,
            Self::SourceDestination | Self::Tuple | Self::Destination | Self::DestinationHost
        )
    }

    /// Whether the port counts.
    #[inline(always)]
    #[must_use]
    pub const fn has_port(self) -> bool {
        matches!(self, Self::SourceService | Self::Tuple | Self::Destination)
    }

    /// The bit that says in [`crate::control::Control::scopes`] that verdicts of this scope exist.
    #[must_use]
    pub const fn bit(self) -> u32 {
        1 << self as u32
    }
}

/// Key of the verdict map. Fields outside the scope are zero.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, Ord, PartialEq, PartialOrd)]
#[repr(C)]
pub struct VerdictKey {
    /// Whose packets; [`Address::ANY`] outside the scope.
    pub source: Address,
    /// To whom; [`Address::ANY`] outside the scope.
    pub destination: Address,
    /// Destination port in host order; 0 for ICMP.
    pub port: u16,
    /// IP protocol number.
    pub protocol: u8,
    /// A [`Scope`] as a number.
    pub scope: u8,
    /// Always zero.
    pub zero: [u8; 4],
}

impl VerdictKey {
    /// The key that a verdict on this packet would have in this scope.
    #[inline(always)]
    #[must_use]
    pub const fn new(
        scope: Scope,
        source: Address,
        destination: Address,
        protocol: u8,
        port: u16,
    ) -> Self {
        Self {
            source: match scope {
                Scope::Destination | Scope::DestinationHost => Address::ANY,
                _ => source,
            },
            destination: match scope {
                Scope::Source | Scope::SourceService => Address::ANY,
                _ => destination,
            },
            port: match scope {
                Scope::Source | Scope::SourceDestination | Scope::DestinationHost => 0,
                _ => port,
            },
            protocol: match scope {
                Scope::Source => 0,
                _ => protocol,
            },
            scope: scope as u8,
            zero: [0; 4],
        }
    }

    /// The key under which a packet is looked up in a scope; `None` when it lacks what the scope asks for.
    ///
    /// A packet without a readable transport header still has a source, a destination and a protocol; only a
    /// readable one has a port. A later fragment has none either, and 0 stands for it: it is covered by the first two
    /// scopes and, apart from the datagrams that begin with another port, by [`Scope::Destination`].
    #[inline(always)]
    #[must_use]
    pub fn of(packet: &Packet, scope: Scope) -> Option<Self> {
        let by_port = scope.has_port() || !scope.has_source();
        let without_port = packet.defect.is_some()
            || packet.fragment == Fragment::Later && !matches!(scope, Scope::Destination);
        if by_port && without_port {
            return None;
        }
        Some(Self::new(
            scope,
            packet.source,
            packet.destination,
            packet.protocol,
            packet.destination_port,
        ))
    }

    /// Its scope; `None` for a number this version does not know.
    #[must_use]
    pub const fn scope(&self) -> Option<Scope> {
        Some(match self.scope {
            0 => Scope::Source,
            1 => Scope::SourceDestination,
            2 => Scope::SourceService,
            3 => Scope::Tuple,
            4 => Scope::Destination,
            5 => Scope::DestinationHost,
            _ => return None,
        })
    }
}

/// What to do with a packet that a verdict covers.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[repr(u8)]
pub enum Action {
    /// Drop it.
    Drop = 1,
    /// Drop what exceeds a rate.
    RateLimit = 2,
    /// Count it and let it pass.
    Watch = 3,
}

/// Value of the verdict map.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[repr(C)]
pub struct Verdict {
    /// From this moment on it is as if it were not there (ns, `CLOCK_MONOTONIC`).
    pub expires_ns: u64,
    /// Time per packet of the allowed rate (ns); for [`Action::RateLimit`].
    pub interval_ns: u64,
    /// How far ahead of that rate a burst may run (ns); for [`Action::RateLimit`].
    pub burst_ns: u64,
    /// When the next packet is due at the allowed rate; kept by the kernel (GCRA, ITU-T I.371).
    pub due_ns: u64,
    /// When it was made (ns); for a restarted agent.
    pub created_ns: u64,
    /// For how long it holds after the last packet it hit (ns); for a restarted agent.
    pub ttl_ns: u64,
    /// First packet of the flow that led to it (ns); for the reaction time.
    pub first_packet_ns: u64,
    /// The agent's number for it.
    pub id: u64,
    /// Slot of its counters.
    pub slot: u32,
    /// An [`Action`] as a number; anything else passes.
    pub action: u8,
    /// Class code of the prediction behind it.
    pub class: u8,
    /// Confidence of that prediction in percent.
    pub confidence: u8,
    /// 1 when a person or program asked for it through the API.
    pub manual: u8,
}

impl Verdict {
    /// What to do; `None` for a number this version does not know.
    #[inline(always)]
    #[must_use]
    pub const fn action(&self) -> Option<Action> {
        Some(match self.action {
            1 => Action::Drop,
            2 => Action::RateLimit,
            3 => Action::Watch,
            _ => return None,
        })
    }

    /// The generic cell rate algorithm, virtual scheduling form: may one more packet pass now?
    ///
    /// Returns the new `due_ns` when it may.
    #[inline(always)]
    #[must_use]
    pub const fn admit(&self, due_ns: u64, now_ns: u64) -> Option<u64> {
        let due_ns = if due_ns > now_ns { due_ns } else { now_ns };
        if due_ns - now_ns > self.burst_ns {
            None
        } else {
            Some(due_ns + self.interval_ns)
        }
    }
}

/// What a verdict has hit, per CPU.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[repr(C)]
pub struct VerdictCounters {
    /// Packets dropped, or in monitor mode and under [`Action::Watch`] those that would have been or were seen.
    pub packets: u64,
    /// Their frame bytes.
    pub bytes: u64,
    /// The first of them (ns); 0 while there is none.
    pub first_ns: u64,
    /// The latest of them (ns).
    pub last_ns: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rate_limit_lets_the_rate_and_the_burst_pass() {
        // 10 packets/s, bursts of 3 beyond the first.
        let verdict = Verdict {
            interval_ns: 100,
            burst_ns: 300,
            ..Verdict::default()
        };
        let mut due = 0;
        let mut passed = 0;
        for now in 1_000..2_000 {
            if let Some(next) = verdict.admit(due, now) {
                due = next;
                passed += 1;
            }
        }
        assert_eq!(passed, 4 + 9);
    }

    #[test]
    fn keys_outside_the_scope_are_blank() {
        let (a, b) = (
            Address::from_v4([10, 0, 0, 1]),
            Address::from_v4([10, 0, 0, 2]),
        );
        let key = VerdictKey::new(Scope::Source, a, b, 6, 80);
        assert_eq!(
            (key.destination, key.protocol, key.port),
            (Address::ANY, 0, 0)
        );
        let key = VerdictKey::new(Scope::SourceService, a, b, 6, 80);
        assert_eq!(
            (key.destination, key.protocol, key.port),
            (Address::ANY, 6, 80)
        );
        let key = VerdictKey::new(Scope::Destination, a, b, 6, 80);
        assert_eq!(
            (key.source, key.destination, key.port),
            (Address::ANY, b, 80)
        );
        let key = VerdictKey::new(Scope::DestinationHost, a, b, 6, 80);
        assert_eq!(
            (key.source, key.destination, key.protocol, key.port),
            (Address::ANY, b, 6, 0)
        );
    }
}
