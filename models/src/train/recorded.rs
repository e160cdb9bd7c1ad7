//! Reader of the project's own recordings: live rows with a label and a scenario.

use std::path::Path;

use csv::{ReaderBuilder, StringRecord};

use super::{DataError, Input};
use crate::{
    Class, Features, Flag, LIVE_COLUMNS, MISSING, Protocol, Schema, Service, format::Source,
};

/// One recorded connection.
#[derive(Clone, Debug, PartialEq)]
pub struct RecordedRow {
    /// The 33 columns of [`Schema::Live`].
    pub features: Features,
    /// What the scenario made.
    pub class: Class,
    /// The scenario's name.
    pub scenario: String,
}

/// Reads a recording (plain, `.gz`, `.zst`): a header with the live column names, `label` (a
/// class) and `scenario`, in any order; further columns are ignored. Numbers are integers, rates
/// in percent.
///
/// # Errors
///
/// A missing column or the first bad row, with file, line, column and value.
pub fn read(path: &Path) -> Result<(Vec<RecordedRow>, Source), DataError> {
    let mut rows = Vec::new();
    let source = each(path, |row| rows.push(row))?;
    Ok((rows, source))
}

/// Hands every row of a recording to `take`.
pub(super) fn each(path: &Path, mut take: impl FnMut(RecordedRow)) -> Result<Source, DataError> {
    let mut input = Input::open(path)?;
    let mut rows = 0;
    {
        let failed = |source| DataError::Csv {
            path: path.to_owned(),
            source,
        };
        let mut reader = ReaderBuilder::new().from_reader(&mut input);
        let header = reader.headers().map_err(failed)?.clone();
        let position = |column: &str| {
            header
                .iter()
                .position(|name| name == column)
                .ok_or_else(|| DataError::Header {
                    path: path.to_owned(),
                    column: column.to_owned(),
                })
        };
        let columns = LIVE_COLUMNS
            .iter()
            .map(|column| position(column))
            .collect::<Result<Vec<_>, _>>()?;
        let (label, scenario) = (position("label")?, position("scenario")?);
        let mut record = StringRecord::new();
        while reader.read_record(&mut record).map_err(failed)? {
            take(parse(path, &record, &columns, label, scenario)?);
            rows += 1;
        }
    }
    Ok(input.source(rows))
}

fn parse(
    path: &Path,
    record: &StringRecord,
    columns: &[usize],
    label: usize,
    scenario: usize,
) -> Result<RecordedRow, DataError> {
    let bad = |column: &str, problem, value: &str| DataError::Value {
        path: path.to_owned(),
        line: record.position().map_or(0, csv::Position::line),
        column: column.to_owned(),
        problem,
        value: value.to_owned(),
    };
    let mut features = Features::missing(Schema::Live);
    for (index, (column, position)) in LIVE_COLUMNS.iter().zip(columns).enumerate() {
        let text = &record[*position];
        let value = column_value(column, text).map_err(|problem| bad(column, problem, text))?;
        features.set(index, value);
    }
    let class = record[label]
        .parse()
        .map_err(|_| bad("label", "unknown class", &record[label]))?;
    Ok(RecordedRow {
        features,
        class,
        scenario: record[scenario].to_owned(),
    })
}

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
        _ => {
            let number = text
                .parse::<u64>()
                .map_err(|_| "not a whole number, 0 or above")?;
            if Schema::is_percent(column) && number > 100 {
                return Err("not a percentage");
            }
            Ok(u32::try_from(number)
                .unwrap_or(MISSING - 1)
                .min(MISSING - 1))
        }
    }
}
