//! KDD rows seen as a live sensor would see them.

use std::sync::LazyLock;

use crate::{FIRST_HOST_COLUMN, Features, Flag, LIVE_COLUMNS, Protocol, Schema};

/// Where the live columns that KDD has, the first 28, are in a KDD row.
static SHARED: LazyLock<Vec<usize>> = LazyLock::new(|| {
    let columns = LIVE_COLUMNS.iter();
    columns
        .filter_map(|name| Schema::Kdd41.column(name))
        .collect()
});

/// The most payload a TCP segment of a 1500-byte Ethernet carries with timestamps.
const SEGMENT_BYTES: u32 = 1448;

/// Up to this many packets a connection shorter than a second has no rate worth the name.
const FEW_PACKETS: u32 = 10;

/// The live row nearest to a KDD row.
///
/// 28 columns are KDD's own. The five extras are not in the data and are imputed:
///
/// * ICMP: a KDD row is one message of a conversation, so `src_packets` is `count` (the messages
///   of the last 2 s), `packet_rate` half of it (0 for a single message), `dst_packets` 0.
/// * TCP and UDP: packets are payload over 1448 bytes, rounded up, plus the control
///   segments the flag implies for TCP, at least one from the originator; `packet_rate` is
///   `src_packets` over `duration`. Within one second it is half of `src_packets` (a rate over
///   the 2 s window), 0 up to 10 packets.
/// * `count_100ms` is a twentieth of `count` (0.1 s of 2 s at an even pace), at least 1.
/// * `src_count` is `count`: KDD's floods and scans come from one source.
///
/// The columns keyed by host are 0 in every row: the data names no addresses. A tree has nothing to gain from them.
pub fn to_live(row: &Features) -> Features {
    let mut live = Features::missing(Schema::Live);
    for (column, position) in SHARED.iter().enumerate() {
        live.set(column, row.value(*position));
    }
    let value = |name| row.named(name).unwrap_or(0);
    let count = value("count");
    let (src_packets, dst_packets, packet_rate) = if value("protocol_type") == Protocol::Icmp.code()
    {
        (count.max(1), 0, if count > 1 { count / 2 } else { 0 })
    } else {
        let (src_control, dst_control) = if value("protocol_type") == Protocol::Tcp.code() {
            control_segments(value("flag"))
        } else {
            (0, 0)
        };
        let src = (src_control + value("src_bytes").div_ceil(SEGMENT_BYTES)).max(1);
        let dst = dst_control + value("dst_bytes").div_ceil(SEGMENT_BYTES);
        let rate = match value("duration") {
            0 if src <= FEW_PACKETS => 0,
            0 => src / 2,
            seconds => src / seconds,
        };
        (src, dst, rate)
    };
    let count_100ms = ((count + 10) / 20).max(1);
    let extras = [
        src_packets,
        dst_packets,
        packet_rate,
        count_100ms,
        count.max(1),
    ];
    for (column, extra) in (SHARED.len()..).zip(extras) {
        live.set(column, extra);
    }
    for column in FIRST_HOST_COLUMN..LIVE_COLUMNS.len() {
        live.set(column, 0);
    }
    live
}

/// Segments without payload (SYN, ACK, FIN, RST) each way that a flag implies.
fn control_segments(flag: u32) -> (u32, u32) {
    let flag = Flag::ALL.into_iter().find(|known| known.code() == flag);
    match flag.unwrap_or(Flag::OTH) {
        Flag::S0 => (1, 0),
        Flag::S1 => (2, 1),
        Flag::S2 | Flag::S3 => (3, 2),
        Flag::SF => (4, 3),
        Flag::REJ => (1, 1),
        Flag::RSTO => (3, 1),
        Flag::RSTR => (2, 2),
        Flag::RSTOS0 | Flag::SH => (2, 0),
        Flag::OTH => (0, 0),
    }
}
