//! The configuration file: what it says, and in which line it is wrong.

mod influx;
mod journal;
mod policy;

use std::{
    fmt::Display,
    net::SocketAddr,
    ops::{Range, RangeInclusive},
    path::PathBuf,
    str::FromStr,
    time::Duration,
};

use serde::Deserialize;
use toml::Spanned;

use self::{
    influx::{InfluxSection, influx},
    journal::{JournalSection, journal},
    policy::{PolicySection, policy},
};
use super::{
    ApiConfig, Config, DataplaneConfig, HumanDuration, bpf_root, interface_name, listen_address,
    start_mode,
};
use crate::error::AppError;

/// Values are read loosely and judged below, so that an error can name the field and its range.
type Value<T> = Option<Spanned<T>>;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    interfaces: Option<Vec<Spanned<String>>>,
    mode: Value<String>,
    placement: Value<String>,
    xdp_mode: Value<String>,
    bpf_root: Value<String>,
    token_file: Value<String>,
    state_dir: Value<String>,
    model: Value<String>,
    #[serde(default)]
    api: ApiSection,
    #[serde(default)]
    dataplane: DataplaneSection,
    #[serde(default)]
    policy: PolicySection,
    #[serde(default)]
    journal: JournalSection,
    #[serde(default)]
    influx: InfluxSection,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct ApiSection {
    listen: Value<String>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct DataplaneSection {
    flow_table_size: Value<i64>,
    new_flows_per_second: Value<i64>,
    on_agent_loss: Value<String>,
    agent_timeout: Value<String>,
    ring_buffer_bytes: Value<i64>,
}

const SECOND: Duration = Duration::from_secs(1);
const HOUR: Duration = Duration::from_secs(3_600);

pub(super) fn parse(name: &str, text: &str) -> Result<Config, AppError> {
    let source = Source { name, text };
    let file: File = toml::from_str(text).map_err(|e| source.unreadable(&e))?;
    let default = Config::default();
    Ok(Config {
        interfaces: source.interfaces(file.interfaces)?,
        mode: source.word("mode", file.mode, start_mode, default.mode)?,
        placement: source.word("placement", file.placement, str::parse, default.placement)?,
        xdp_mode: source.word("xdp_mode", file.xdp_mode, str::parse, default.xdp_mode)?,
        bpf_root: source.word("bpf_root", file.bpf_root, bpf_root, default.bpf_root)?,
        token_file: source.word("token_file", file.token_file, path, default.token_file)?,
        state_dir: source.word("state_dir", file.state_dir, path, default.state_dir)?,
        model: source.word("model", file.model, |text| path(text).map(Some), None)?,
        record: None,
        once_ready_fd: None,
        api: ApiConfig {
            listen: source.word::<SocketAddr, _>(
                "api.listen",
                file.api.listen,
                listen_address,
                default.api.listen,
            )?,
        },
        dataplane: dataplane(source, file.dataplane, default.dataplane)?,
        policy: policy(source, file.policy, default.policy)?,
        journal: journal(source, file.journal, default.journal)?,
        influx: influx(source, file.influx, default.influx)?,
    })
}

fn dataplane(
    source: Source<'_>,
    file: DataplaneSection,
    default: DataplaneConfig,
) -> Result<DataplaneConfig, AppError> {
    let number = |field: &str, value, default, range| {
        source.number(&format!("dataplane.{field}"), value, default, range)
    };
    let ring = file.ring_buffer_bytes.as_ref().map(Spanned::span);
    let config = DataplaneConfig {
        flow_table_size: number(
            "flow_table_size",
            file.flow_table_size,
            default.flow_table_size,
            1_024..=16_777_216,
        )?,
        new_flows_per_second: number(
            "new_flows_per_second",
            file.new_flows_per_second,
            default.new_flows_per_second,
            1..=10_000_000,
        )?,
        on_agent_loss: source.word(
            "dataplane.on_agent_loss",
            file.on_agent_loss,
            str::parse,
            default.on_agent_loss,
        )?,
        agent_timeout: source.duration(
            "dataplane.agent_timeout",
            file.agent_timeout,
            default.agent_timeout,
            SECOND..=HOUR,
        )?,
        ring_buffer_bytes: number(
            "ring_buffer_bytes",
            file.ring_buffer_bytes,
            default.ring_buffer_bytes,
            65_536..=1_073_741_824,
        )?,
    };
    // The kernel takes nothing else.
    if !config.ring_buffer_bytes.is_power_of_two() {
        return Err(source.wrong(
            ring.unwrap_or_default(),
            format_args!(
                "dataplane.ring_buffer_bytes must be a power of two, unlike {}; the next one is {}",
                config.ring_buffer_bytes,
                config.ring_buffer_bytes.next_power_of_two()
            ),
        ));
    }
    Ok(config)
}

fn path(text: &str) -> Result<PathBuf, &'static str> {
    if text.is_empty() {
        return Err("must not be empty");
    }
    Ok(text.into())
}

/// The file, for errors that point into it.
#[derive(Clone, Copy)]
struct Source<'a> {
    name: &'a str,
    text: &'a str,
}

impl Source<'_> {
    fn wrong(&self, span: Range<usize>, message: impl Display) -> AppError {
        let before = self.text.get(..span.start).unwrap_or(self.text);
        let line = before.bytes().filter(|b| *b == b'\n').count() + 1;
        AppError::config(format_args!("{}:{line}: {message}", self.name))
    }

    /// What the TOML parser or a type mismatch says.
    fn unreadable(&self, error: &toml::de::Error) -> AppError {
        let span = error.span().unwrap_or_default();
        let message = error.message();
        if let Some((unknown, known)) = unknown_field(message) {
            let advice = match nearest(unknown, &known) {
                Some(near) => format!("did you mean {near}?"),
                None => format!("known here: {}", known.join(", ")),
            };
            return self.wrong(span, format_args!("unknown key {unknown}; {advice}"));
        }
        // A type mismatch does not say where; the line does.
        let line_start = self.text.get(..span.start).map_or(0, |before| {
            before.rfind('\n').map_or(0, |newline| newline + 1)
        });
        let key = self
            .text
            .get(line_start..span.start)
            .and_then(|line| line.split_once('='))
            .map(|(key, _)| format!("{}: ", key.trim()))
            .unwrap_or_default();
        self.wrong(span, format_args!("{key}{message}"))
    }

    fn parsed<T, E: Display>(
        &self,
        field: &str,
        value: &Spanned<String>,
        parse: impl FnOnce(&str) -> Result<T, E>,
    ) -> Result<T, AppError> {
        parse(value.get_ref()).map_err(|e| self.wrong(value.span(), format_args!("{field}: {e}")))
    }

    fn word<T, E: Display>(
        &self,
        field: &str,
        value: Value<String>,
        parse: impl FnOnce(&str) -> Result<T, E>,
        default: T,
    ) -> Result<T, AppError> {
        value.map_or(Ok(default), |value| self.parsed(field, &value, parse))
    }

    fn within<T: PartialOrd + Display + Copy>(
        &self,
        field: &str,
        value: Value<T>,
        default: T,
        range: RangeInclusive<T>,
    ) -> Result<T, AppError> {
        let Some(value) = value else {
            return Ok(default);
        };
        if range.contains(value.get_ref()) {
            return Ok(*value.get_ref());
        }
        let (low, high) = range.into_inner();
        Err(self.wrong(
            value.span(),
            format_args!(
                "{field} must be from {low} to {high}, not {}",
                value.get_ref()
            ),
        ))
    }

    fn number(
        &self,
        field: &str,
        value: Value<i64>,
        default: u32,
        range: RangeInclusive<u32>,
    ) -> Result<u32, AppError> {
        let range = i64::from(*range.start())..=i64::from(*range.end());
        let span = value.as_ref().map(Spanned::span).unwrap_or_default();
        let number = self.within(field, value, i64::from(default), range)?;
        u32::try_from(number).map_err(|e| self.wrong(span, format_args!("{field}: {e}")))
    }

    fn duration(
        &self,
        field: &str,
        value: Value<String>,
        default: Duration,
        range: RangeInclusive<Duration>,
    ) -> Result<Duration, AppError> {
        let Some(value) = value else {
            return Ok(default);
        };
        let span = value.span();
        let duration = self.parsed(field, &value, HumanDuration::from_str)?;
        let range = HumanDuration(*range.start())..=HumanDuration(*range.end());
        self.within(
            field,
            Some(Spanned::new(span, duration)),
            HumanDuration(default),
            range,
        )
        .map(|duration| duration.0)
    }

    fn interfaces(&self, names: Option<Vec<Spanned<String>>>) -> Result<Vec<String>, AppError> {
        let mut interfaces = Vec::new();
        for name in names.unwrap_or_default() {
            let interface = self.parsed("interfaces", &name, interface_name)?;
            if interfaces.contains(&interface) {
                let message = format_args!("interfaces: {interface} is there twice");
                return Err(self.wrong(name.span(), message));
            }
            interfaces.push(interface);
        }
        Ok(interfaces)
    }
}

/// Takes serde's message on an unknown field apart: the field, and those it knows.
fn unknown_field(message: &str) -> Option<(&str, Vec<&str>)> {
    let rest = message.strip_prefix("unknown field `")?;
    let (unknown, rest) = rest.split_once('`')?;
    Some((unknown, rest.split('`').skip(1).step_by(2).collect()))
}

/// The known word nearest to one, at most a third of whose letters differ.
fn nearest<'a>(word: &str, known: &[&'a str]) -> Option<&'a str> {
    if word.len() > 64 {
        return None;
    }
    let word = word.to_ascii_lowercase().replace('-', "_");
    known
        .iter()
        .map(|candidate| (strsim::levenshtein(&word, candidate), *candidate))
        .min()
        .filter(|(distance, candidate)| distance * 3 <= candidate.len().max(3))
        .map(|(_, candidate)| candidate)
}

#[cfg(test)]
#[path = "file_tests.rs"]
mod tests;
