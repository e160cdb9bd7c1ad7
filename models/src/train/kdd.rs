//! Reader of KDD'99 and NSL-KDD files, and their projection to the live schema.

use std::path::Path;

use csv::{ReaderBuilder, StringRecord};

use super::{DataError, Input, class_of};
use crate::{
    Class, Features, Flag, KDD41_COLUMNS, LIVE_COLUMNS, MISSING, Protocol, Schema, Service,
    format::Source,
};

/// One row of a KDD file.
#[derive(Clone, Debug, PartialEq)]
pub struct KddRow {
    /// The 41 columns.
    pub features: Features,
    /// The class of `label`.
    pub class: Class,
    /// The attack type, without the trailing dot.
    pub label: String,
}

/// Reads a file (plain, `.gz`, `.zst`): 41 columns and the label, or NSL-KDD's 43 with the
/// difficulty, which is ignored.
///
/// # Errors
///
/// The first bad row, with file, line, column and value.
pub fn read(path: &Path) -> Result<(Vec<KddRow>, Source), DataError> {
    let mut rows = Vec::new();
    let source = each(path, |record| {
        rows.push(parse(path, record)?);
        Ok(())
    })?;
    Ok((rows, source))
}

/// Hands every record of a file to `take`.
pub(super) fn each(
    path: &Path,
    mut take: impl FnMut(&StringRecord) -> Result<(), DataError>,
) -> Result<Source, DataError> {
    let mut input = Input::open(path)?;
    let mut rows = 0;
    {
        let mut reader = ReaderBuilder::new()
            .has_headers(false)
            .flexible(true)
            .from_reader(&mut input);
        let mut record = StringRecord::new();
        let failed = |source| DataError::Csv {
            path: path.to_owned(),
            source,
        };
        while reader.read_record(&mut record).map_err(failed)? {
            take(&record)?;
            rows += 1;
        }
    }
    Ok(input.source(rows))
}

pub(super) fn parse(path: &Path, record: &StringRecord) -> Result<KddRow, DataError> {
    let line = record.position().map_or(0, csv::Position::line);
    if !matches!(record.len(), 42 | 43) {
        return Err(DataError::Width {
            path: path.to_owned(),
            line,
            got: record.len(),
            expected: "42 or 43",
        });
    }
    let bad = |column: &str, problem, value: &str| DataError::Value {
        path: path.to_owned(),
        line,
        column: column.to_owned(),
        problem,
        value: value.to_owned(),
    };
    let features = columns(path, record)?;
    let text = &record[41];
    let label = text.strip_suffix('.').unwrap_or(text).to_owned();
    let class = class_of(&label).ok_or_else(|| bad("label", "unknown attack type", text))?;
    Ok(KddRow {
        features,
        class,
        label,
    })
}

/// The first 41 columns of a record.
pub(super) fn columns(path: &Path, record: &StringRecord) -> Result<Features, DataError> {
    let mut features = Features::missing(Schema::Kdd41);
    for (index, (column, text)) in KDD41_COLUMNS.iter().copied().zip(record).enumerate() {
        let value = column_value(column, text).map_err(|problem| DataError::Value {
            path: path.to_owned(),
            line: record.position().map_or(0, csv::Position::line),
            column: column.to_owned(),
            problem,
            value: text.to_owned(),
        })?;
        features.set(index, value);
    }
    Ok(features)
}

/// The integer of a column from KDD's text.
fn column_value(column: &str, text: &str) -> Result<u32, &'static str> {
    match column {
        "protocol_type" => text
            .parse()
            .map(Protocol::code)
            .map_err(|_| "unknown protocol"),
        "service" => Service::from_name(text)
            .map(Service::code)
            .ok_or("unknown service"),
        "flag" => text.parse().map(Flag::code).map_err(|_| "unknown flag"),
        rate if Schema::is_percent(rate) => text
            .parse::<f64>()
            .ok()
            .filter(|rate| (0.0..=1.0).contains(rate))
            .map(|rate| (rate * 100.0).round() as u32)
            .ok_or("not a rate from 0 to 1"),
        _ => text
            .parse::<u64>()
            .map(|number| {
                u32::try_from(number)
                    .unwrap_or(MISSING - 1)
                    .min(MISSING - 1)
            })
            .map_err(|_| "not a whole number, 0 or above"),
    }
}

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
pub fn to_live(row: &Features) -> Features {
    let mut live = Features::missing(Schema::Live);
    for (column, name) in LIVE_COLUMNS.iter().enumerate() {
        live.set(column, row.named(name).unwrap_or(MISSING));
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
    for (column, extra) in (28..).zip(extras) {
        live.set(column, extra);
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
