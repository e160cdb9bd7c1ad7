//! Section `[influx]` of the file.

use std::time::Duration;

use serde::Deserialize;
use tidegate_influx::server_url;

use super::{Source, Value, path};
use crate::{config::InfluxConfig, error::AppError};

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct InfluxSection {
    url: Value<String>,
    api: Value<String>,
    bucket: Value<String>,
    org: Value<String>,
    user: Value<String>,
    secret_file: Value<String>,
    ca_file: Value<String>,
    host: Value<String>,
    refused_file: Value<String>,
    connect_timeout: Value<String>,
    timeout: Value<String>,
}

pub(super) fn influx(
    source: Source<'_>,
    file: InfluxSection,
    default: InfluxConfig,
) -> Result<InfluxConfig, AppError> {
    let text =
        |field: &str, value, default| source.word(&format!("influx.{field}"), value, name, default);
    let file_at = |field: &str, value, default| {
        let optional = |text: &str| path(text).map(Some);
        source.word(&format!("influx.{field}"), value, optional, default)
    };
    let patience = |field: &str, value, default| {
        let range = Duration::from_millis(100)..=Duration::from_secs(600);
        source.duration(&format!("influx.{field}"), value, default, range)
    };
    Ok(InfluxConfig {
        url: source.word(
            "influx.url",
            file.url,
            |text| server_url(text).map(Some),
            default.url,
        )?,
        api: source.word("influx.api", file.api, str::parse, default.api)?,
        bucket: text("bucket", file.bucket, default.bucket)?,
        org: text("org", file.org, default.org)?,
        user: text("user", file.user, default.user)?,
        secret_file: file_at("secret_file", file.secret_file, default.secret_file)?,
        ca_file: file_at("ca_file", file.ca_file, default.ca_file)?,
        host: text("host", file.host, default.host)?,
        refused_file: file_at("refused_file", file.refused_file, default.refused_file)?,
        connect_timeout: patience(
            "connect_timeout",
            file.connect_timeout,
            default.connect_timeout,
        )?,
        timeout: patience("timeout", file.timeout, default.timeout)?,
    })
}

fn name(text: &str) -> Result<String, &'static str> {
    if text.is_empty() || text.contains(char::is_control) {
        return Err("must be one line, and not empty");
    }
    Ok(text.to_owned())
}
