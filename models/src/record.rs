//! A connection as a live sensor sees it.

use crate::{
    FIRST_HOST_COLUMN, Features, Flag, HostColumns, LIVE_COLUMNS, MISSING, Protocol, Service,
};

/// One connection with its window columns: KDD's 28 header-visible columns, five extras, and the columns of its hosts.
///
/// All numbers are plain integers; rates are percent `0..=100`, rounded by [`percent`]; the
/// current connection is counted in its own windows.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct KddRecord {
    /// Length of the connection in whole seconds.
    pub duration: u32,
    /// Transport.
    pub protocol: Protocol,
    /// KDD service of the responder.
    pub service: Service,
    /// Bro's connection state; always SF for UDP and ICMP.
    pub flag: Flag,
    /// Payload bytes from the originator, saturating (ICMP: with the 8-byte header).
    pub src_bytes: u32,
    /// Payload bytes from the responder, saturating.
    pub dst_bytes: u32,
    /// 1 if both ends have the same address and port.
    pub land: u32,
    /// Fragments with overlapping or impossible offsets.
    pub wrong_fragment: u32,
    /// Segments with the URG flag.
    pub urgent: u32,
    /// Connections to the same host in the last 2 s, at most 511.
    pub count: u32,
    /// Connections to the same service (any host) in the last 2 s, at most 511.
    pub srv_count: u32,
    /// Percent of `count` with [`Flag::is_serror`].
    pub serror_rate: u32,
    /// Percent of `srv_count` with [`Flag::is_serror`].
    pub srv_serror_rate: u32,
    /// Percent of `count` with [`Flag::is_rerror`].
    pub rerror_rate: u32,
    /// Percent of `srv_count` with [`Flag::is_rerror`].
    pub srv_rerror_rate: u32,
    /// Percent of `count` to the same service.
    pub same_srv_rate: u32,
    /// Distinct services as percent of `count`; 0 when there is only one.
    pub diff_srv_rate: u32,
    /// Distinct hosts as percent of `srv_count`; 0 when there is only one.
    pub srv_diff_host_rate: u32,
    /// Connections to the same host among the last 255.
    pub dst_host_count: u32,
    /// Connections to the same service (any host) among the last 255.
    pub dst_host_srv_count: u32,
    /// Percent of `dst_host_count` to the same service.
    pub dst_host_same_srv_rate: u32,
    /// Distinct services as percent of `dst_host_count`; 0 when there is only one.
    pub dst_host_diff_srv_rate: u32,
    /// Connections from the same source port as percent of `dst_host_count`.
    pub dst_host_same_src_port_rate: u32,
    /// Distinct hosts as percent of `dst_host_srv_count`; 0 when there is only one.
    pub dst_host_srv_diff_host_rate: u32,
    /// Percent of `dst_host_count` with [`Flag::is_serror`].
    pub dst_host_serror_rate: u32,
    /// Percent of `dst_host_srv_count` with [`Flag::is_serror`].
    pub dst_host_srv_serror_rate: u32,
    /// Percent of `dst_host_count` with [`Flag::is_rerror`].
    pub dst_host_rerror_rate: u32,
    /// Percent of `dst_host_srv_count` with [`Flag::is_rerror`].
    pub dst_host_srv_rerror_rate: u32,
    /// Packets from the originator in this conversation.
    pub src_packets: u32,
    /// Packets from the responder in this conversation.
    pub dst_packets: u32,
    /// Originator packets per second over at most the last 2 s.
    pub packet_rate: u32,
    /// Connections to the same host in the last 0.1 s.
    pub count_100ms: u32,
    /// Connections by the same source in the last 2 s.
    pub src_count: u32,
    /// What the source and the destination do otherwise.
    pub hosts: HostColumns,
}

impl KddRecord {
    /// A record with these names and every number 0.
    pub fn new(protocol: Protocol, service: Service, flag: Flag) -> Self {
        Self {
            protocol,
            service,
            flag,
            ..Self::default()
        }
    }

    /// The row of [`Schema::Live`](crate::Schema::Live). Values saturate below [`MISSING`].
    pub fn features(&self) -> Features {
        let values = [
            self.duration,
            self.protocol.code(),
            self.service.code(),
            self.flag.code(),
            self.src_bytes,
            self.dst_bytes,
            self.land,
            self.wrong_fragment,
            self.urgent,
            self.count,
            self.srv_count,
            self.serror_rate,
            self.srv_serror_rate,
            self.rerror_rate,
            self.srv_rerror_rate,
            self.same_srv_rate,
            self.diff_srv_rate,
            self.srv_diff_host_rate,
            self.dst_host_count,
            self.dst_host_srv_count,
            self.dst_host_same_srv_rate,
            self.dst_host_diff_srv_rate,
            self.dst_host_same_src_port_rate,
            self.dst_host_srv_diff_host_rate,
            self.dst_host_serror_rate,
            self.dst_host_srv_serror_rate,
            self.dst_host_rerror_rate,
            self.dst_host_srv_rerror_rate,
            self.src_packets,
            self.dst_packets,
            self.packet_rate,
            self.count_100ms,
            self.src_count,
        ];
        // Whole slices, so that all columns are limited with a few wide instructions.
        let mut row = [0; LIVE_COLUMNS.len()];
        row[..FIRST_HOST_COLUMN].copy_from_slice(&values);
        row[FIRST_HOST_COLUMN..].copy_from_slice(&self.hosts.values());
        Features::live(row.map(|value| value.min(MISSING - 1)))
    }
}

/// `count` of `total` in percent, rounded half up as KDD did; 0 when `total` is 0, at most 100.
pub const fn percent(count: u32, total: u32) -> u32 {
    // Mostly all or none: no division then. Dividing 64 bits takes twice as long as 32.
    if count == 0 || total == 0 {
        0
    } else if count >= total {
        100
    } else if total < 1 << 25 {
        (100 * count + total / 2) / total
    } else {
        ((100 * count as u64 + total as u64 / 2) / total as u64) as u32
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Schema;

    #[test]
    fn percent_rounds_as_kdd_did() {
        assert_eq!(percent(0, 0), 0);
        assert_eq!(percent(1, 3), 33);
        assert_eq!(percent(2, 3), 67);
        assert_eq!(percent(1, 8), 13);
        assert_eq!(percent(1, 200), 1);
        assert_eq!(percent(1, 201), 0);
        assert_eq!(percent(u32::MAX, u32::MAX), 100);
        assert_eq!(percent(5, 3), 100);
        let rounded = |count: u32, total: u32| {
            let (count, total) = (u64::from(count), u64::from(total));
            (100 * count + total / 2) / total
        };
        for total in [1, 2, 7, 255, 511, (1 << 25) - 1, 1 << 25, u32::MAX] {
            for count in [0, 1, 2, total / 200, total / 3, total / 2, total - 1, total] {
                let count = count.min(total);
                let expected = rounded(count, total);
                assert_eq!(
                    u64::from(percent(count, total)),
                    expected,
                    "{count}/{total}"
                );
            }
        }
    }

    #[test]
    fn features_follow_the_column_names() {
        let record = KddRecord {
            src_bytes: u32::MAX,
            count: 3,
            dst_host_srv_rerror_rate: 28,
            src_packets: 29,
            src_count: 33,
            ..KddRecord::new(Protocol::Icmp, Service::from_icmp(8, 0), Flag::OTH)
        };
        let row = record.features();
        assert_eq!(row.schema(), Schema::Live);
        assert_eq!(row.named("protocol_type"), Some(2));
        assert_eq!(row.named("service"), Some(0));
        assert_eq!(row.named("flag"), Some(10));
        assert_eq!(
            row.named("src_bytes"),
            Some(MISSING - 1),
            "saturates below the sentinel"
        );
        assert_eq!(row.named("count"), Some(3));
        assert_eq!(row.named("dst_host_srv_rerror_rate"), Some(28));
        assert_eq!(row.named("src_packets"), Some(29));
        assert_eq!(row.named("src_count"), Some(33));
    }
}
