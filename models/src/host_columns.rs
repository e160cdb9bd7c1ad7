//! The columns keyed by host.

/// What the source and the destination of a connection do or suffer otherwise, over several horizons.
///
/// `src_*` is about the originator's address in that role, `dst_*` about the responder's, `pair_*` about connections
/// from this originator to this service (protocol and port) of this responder. Unlike KDD's windows, they depend on no
/// other traffic. A connection has *failed* if it was refused, ended without payload, or was not answered within one to
/// two seconds; it is *decided* when it has failed or was answered. `docs/FEATURES.md` has the definitions, horizons
/// and errors.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct HostColumns {
    /// Packets the source sent as an originator in the last 2 s.
    pub src_packets_2s: u32,
    /// Connections the source began in the last 60 s.
    pub src_conns_60s: u32,
    /// The same over 600 s.
    pub src_conns_600s: u32,
    /// Connections of the source, begun in this or the last whole second, that nobody has answered yet.
    pub src_waiting: u32,
    /// Percent of the source's connections decided in the last 2 s that failed.
    pub src_failed_rate_2s: u32,
    /// The same over 60 s.
    pub src_failed_rate_60s: u32,
    /// The same over 600 s.
    pub src_failed_rate_600s: u32,
    /// Distinct services (protocol and port) the source asked for in the last 60 s, about.
    pub src_ports_60s: u32,
    /// The same over 600 s.
    pub src_ports_600s: u32,
    /// Distinct hosts the source asked in the last 60 s, about.
    pub src_hosts_60s: u32,
    /// The same over 600 s.
    pub src_hosts_600s: u32,
    /// TCP connections of the source that are established and not closed now.
    pub src_open: u32,
    /// Payload bytes of the source's connections both ways in the last 60 s over `src_open`; 0 if none is open.
    pub src_bytes_per_open: u32,
    /// Packets originators sent to the destination in the last 0.1 s.
    pub dst_packets_100ms: u32,
    /// The same over 2 s.
    pub dst_packets_2s: u32,
    /// Mean payload of those packets, bytes.
    pub dst_packet_bytes_2s: u32,
    /// Connections to the destination, begun in this or the last whole second, that it has not answered yet.
    pub dst_waiting: u32,
    /// Percent of the destination's connections decided in the last 60 s that failed.
    pub dst_failed_rate_60s: u32,
    /// Distinct originators that asked the destination in the last 2 s, about.
    pub dst_sources_2s: u32,
    /// The same over 60 s.
    pub dst_sources_60s: u32,
    /// Distinct services the destination was asked for in the last 60 s, about.
    pub dst_ports_60s: u32,
    /// TCP connections to the destination that are established and not closed now.
    pub dst_open: u32,
    /// Packets to the destination in the last 2 s that look like replies nobody asked for.
    pub dst_unsolicited_2s: u32,
    /// Later fragments of datagrams to the destination in the last 2 s.
    pub dst_fragments_2s: u32,
    /// Packets the source sent to this service of the destination in the last 2 s.
    pub pair_packets_2s: u32,
    /// Connections the source began to this service of the destination in the last 60 s.
    pub pair_conns_60s: u32,
    /// The same over 600 s.
    pub pair_conns_600s: u32,
    /// Percent of the pair's TCP connections ended in the last 600 s that carried about as much each way as the one that ended before.
    pub pair_alike_rate_600s: u32,
    /// Percent of the same that were answered with exactly as many bytes, and asked with up to 64 more or fewer.
    pub pair_same_answer_rate_600s: u32,
}

/// Connections of a minute or more, at most: some seconds of a busy client. A recording lasts seconds and traffic hours,
/// so beyond it models know floods only (docs/decisions/0035).
const CONNECTIONS_TOLD: u32 = 400;

const fn at_most_told(connections: u32) -> u32 {
    if connections < CONNECTIONS_TOLD {
        connections
    } else {
        CONNECTIONS_TOLD
    }
}

impl HostColumns {
    /// The values in the order of [`LIVE_COLUMNS`](crate::LIVE_COLUMNS), from
    /// [`FIRST_HOST_COLUMN`](crate::FIRST_HOST_COLUMN) on; connections of 60 and 600 s are 400 at most there.
    pub const fn values(&self) -> [u32; 29] {
        [
            self.src_packets_2s,
            at_most_told(self.src_conns_60s),
            at_most_told(self.src_conns_600s),
            self.src_waiting,
            self.src_failed_rate_2s,
            self.src_failed_rate_60s,
            self.src_failed_rate_600s,
            self.src_ports_60s,
            self.src_ports_600s,
            self.src_hosts_60s,
            self.src_hosts_600s,
            self.src_open,
            self.src_bytes_per_open,
            self.dst_packets_100ms,
            self.dst_packets_2s,
            self.dst_packet_bytes_2s,
            self.dst_waiting,
            self.dst_failed_rate_60s,
            self.dst_sources_2s,
            self.dst_sources_60s,
            self.dst_ports_60s,
            self.dst_open,
            self.dst_unsolicited_2s,
            self.dst_fragments_2s,
            self.pair_packets_2s,
            at_most_told(self.pair_conns_60s),
            at_most_told(self.pair_conns_600s),
            self.pair_alike_rate_600s,
            self.pair_same_answer_rate_600s,
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{FIRST_HOST_COLUMN, KddRecord, LIVE_COLUMNS};

    #[test]
    fn after_hours_a_client_looks_as_after_seconds() {
        let lasting = |connections| HostColumns {
            src_conns_60s: connections,
            src_conns_600s: connections,
            pair_conns_60s: connections,
            pair_conns_600s: connections,
            ..HostColumns::default()
        };
        let few = lasting(CONNECTIONS_TOLD - 1).values();
        let enough = lasting(CONNECTIONS_TOLD).values();
        assert_ne!(few, enough);
        assert_eq!(enough, lasting(1_000_000).values());
    }

    #[test]
    fn every_value_stands_under_its_name() {
        let hosts = HostColumns {
            src_packets_2s: 1,
            src_conns_60s: 2,
            src_conns_600s: 3,
            src_waiting: 4,
            src_failed_rate_2s: 5,
            src_failed_rate_60s: 6,
            src_failed_rate_600s: 7,
            src_ports_60s: 8,
            src_ports_600s: 9,
            src_hosts_60s: 10,
            src_hosts_600s: 11,
            src_open: 12,
            src_bytes_per_open: 13,
            dst_packets_100ms: 14,
            dst_packets_2s: 15,
            dst_packet_bytes_2s: 16,
            dst_waiting: 17,
            dst_failed_rate_60s: 18,
            dst_sources_2s: 19,
            dst_sources_60s: 20,
            dst_ports_60s: 21,
            dst_open: 22,
            dst_unsolicited_2s: 23,
            dst_fragments_2s: 24,
            pair_packets_2s: 25,
            pair_conns_60s: 26,
            pair_conns_600s: 27,
            pair_alike_rate_600s: 28,
            pair_same_answer_rate_600s: 29,
        };
        let record = KddRecord {
            hosts,
            ..KddRecord::default()
        };
        let row = record.features();
        let debug = format!("{hosts:?}");
        for (name, value) in LIVE_COLUMNS[FIRST_HOST_COLUMN..].iter().zip(1..) {
            assert_eq!(row.named(name), Some(value), "{name}");
            assert!(debug.contains(&format!("{name}: {value}")), "{name}");
        }
    }
}
