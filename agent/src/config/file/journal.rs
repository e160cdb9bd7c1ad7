//! Section `[journal]` of the file.

use std::time::Duration;

use serde::Deserialize;

use super::{HOUR, Source, Value, path};
use crate::{config::JournalConfig, error::AppError};

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct JournalSection {
    file: Value<String>,
    log: Value<String>,
    max_bytes: Value<i64>,
    retention: Value<String>,
}

pub(super) fn journal(
    source: Source<'_>,
    file: JournalSection,
    default: JournalConfig,
) -> Result<JournalConfig, AppError> {
    // Less would not hold what can be in force at a time.
    let sizes = 67_108_864..=1_099_511_627_776;
    Ok(JournalConfig {
        file: source.word(
            "journal.file",
            file.file,
            |text| path(text).map(Some),
            default.file,
        )?,
        log: source.word(
            "journal.log",
            file.log,
            |text| path(text).map(Some),
            default.log,
        )?,
        max_bytes: source
            .within(
                "journal.max_bytes",
                file.max_bytes,
                default.max_bytes.cast_signed(),
                sizes,
            )?
            .cast_unsigned(),
        retention: source.duration(
            "journal.retention",
            file.retention,
            default.retention,
            HOUR..=Duration::from_secs(3_650 * 86_400),
        )?,
    })
}
