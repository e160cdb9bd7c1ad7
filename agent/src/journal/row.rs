//! Decisions as rows, and back.

use std::{net::IpAddr, sync::Arc, time::Duration};

use jiff::Timestamp;
use rusqlite::{Error, Row, types::Type};
use tidegate_common::verdict::{Action, Scope};

use super::explanation;
use crate::decision::{Decision, Origin, Phase, Target, action_name, phase_name, scope_name};

/// The columns [`decision`] reads, in its order.
pub(super) const COLUMNS: &str = "id, created_ns, until_ns, ttl_ns, phase, ended_why, origin, scope, source, \
     destination, protocol, port, action, rate, class, confidence, model, scenario, simulated, packets_dropped, \
     bytes_dropped, first_packet_mono_ns, first_drop_mono_ns, explanation";

/// A new row; `?1` to `?3` are its change, its point and what [`COLUMNS`] lists after them.
pub(super) const INSERT: &str = "INSERT INTO decisions (change, point_ns, id, created_ns, until_ns, ttl_ns, phase, \
     ended_why, origin, scope, source, destination, protocol, port, action, rate, class, confidence, model, scenario, \
     simulated, packets_dropped, bytes_dropped, first_packet_mono_ns, first_drop_mono_ns, explanation) \
     VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21, ?22, \
     ?23, ?24, ?25, ?26)";

/// What changes in the life of a row.
pub(super) const UPDATE: &str = "UPDATE decisions SET change = ?1, until_ns = ?4, phase = ?5, ended_why = ?6, \
     simulated = ?7, packets_dropped = ?8, bytes_dropped = ?9, first_drop_mono_ns = ?10, \
     extensions = extensions + ?11, extended_ns = coalesce(?12, extended_ns) WHERE id = ?2 AND created_ns = ?3";

/// Nanoseconds since 1970; years that don't fit are the last one that does.
pub(super) fn ns(time: Timestamp) -> i64 {
    i64::try_from(time.as_nanosecond()).unwrap_or(if time > Timestamp::UNIX_EPOCH {
        i64::MAX
    } else {
        i64::MIN
    })
}

/// SQLite's integers have a sign.
pub(super) fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

pub(super) const fn origin_name(origin: Origin) -> &'static str {
    match origin {
        Origin::Model => "model",
        Origin::Manual => "manual",
    }
}

/// A row of [`COLUMNS`].
pub(super) fn decision(row: &Row<'_>) -> rusqlite::Result<Decision> {
    let (path, grounds) = explanation::read(&row.get::<_, String>(23)?)
        .map_err(|error| Error::FromSqlConversionFailure(23, Type::Text, Box::new(error)))?;
    let class = match row.get::<_, Option<String>>(14)? {
        Some(name) => Some(parsed(14, &name)?),
        None => None,
    };
    let ended: Option<String> = row.get(5)?;
    Ok(Decision {
        id: unsigned(row, 0)?,
        origin: word(row, 6, [Origin::Model, Origin::Manual], origin_name)?,
        target: Target {
            scope: word(row, 7, Scope::ALL, scope_name)?,
            source: address(row, 8)?,
            destination: address(row, 9)?,
            protocol: row.get(10)?,
            port: row.get(11)?,
        },
        action: word(
            row,
            12,
            [Action::Drop, Action::RateLimit, Action::Watch],
            action_name,
        )?,
        rate: row.get(13)?,
        ttl: Duration::from_nanos(unsigned(row, 3)?),
        class,
        confidence: row.get(15)?,
        model: text(row, 16)?,
        scenario: text(row, 17)?,
        path: path.into(),
        grounds: grounds.map(Arc::new),
        simulated: row.get(18)?,
        created_at: time(row, 1)?,
        until: time(row, 2)?,
        phase: word(
            row,
            4,
            [Phase::Active, Phase::Expired, Phase::Deleted, Phase::Lifted],
            phase_name,
        )?,
        ended: ended.map(Arc::from),
        packets_dropped: unsigned(row, 19)?,
        bytes_dropped: unsigned(row, 20)?,
        first_packet_ns: row.get::<_, Option<i64>>(21)?.map(i64::cast_unsigned),
        first_drop_ns: row.get::<_, Option<i64>>(22)?.map(i64::cast_unsigned),
    })
}

fn text(row: &Row<'_>, column: usize) -> rusqlite::Result<Arc<str>> {
    row.get::<_, String>(column).map(Arc::from)
}

fn unsigned(row: &Row<'_>, column: usize) -> rusqlite::Result<u64> {
    let number: i64 = row.get(column)?;
    u64::try_from(number).map_err(|_| Error::IntegralValueOutOfRange(column, number))
}

fn time(row: &Row<'_>, column: usize) -> rusqlite::Result<Timestamp> {
    let ns: i64 = row.get(column)?;
    Timestamp::from_nanosecond(i128::from(ns))
        .map_err(|_| Error::IntegralValueOutOfRange(column, ns))
}

fn address(row: &Row<'_>, column: usize) -> rusqlite::Result<Option<IpAddr>> {
    let text: Option<String> = row.get(column)?;
    text.map(|text| parsed(column, &text)).transpose()
}

fn parsed<T>(column: usize, text: &str) -> rusqlite::Result<T>
where
    T: std::str::FromStr<Err: std::error::Error + Send + Sync + 'static>,
{
    text.parse()
        .map_err(|error| Error::FromSqlConversionFailure(column, Type::Text, Box::new(error)))
}

/// The one of a few values that has this name.
fn word<T: Copy, const N: usize>(
    row: &Row<'_>,
    column: usize,
    values: [T; N],
    name: impl Fn(T) -> &'static str,
) -> rusqlite::Result<T> {
    let found: String = row.get(column)?;
    let value = values.into_iter().find(|value| name(*value) == found);
    value.ok_or_else(|| {
        let error = format!("unknown word {found:?}");
        Error::FromSqlConversionFailure(column, Type::Text, error.into())
    })
}
