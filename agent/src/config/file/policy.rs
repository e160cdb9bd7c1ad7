//! Its section `[policy]`.

use std::{str::FromStr as _, time::Duration};

use serde::Deserialize;
use toml::Spanned;

use super::{HOUR, SECOND, Source, Value};
use crate::{
    config::{Cidr, PolicyConfig},
    error::AppError,
};

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PolicySection {
    confidence: Value<f64>,
    agreeing_events: Value<i64>,
    of_events: Value<i64>,
    evidence_interval: Value<String>,
    wide_agreeing_events: Value<i64>,
    wide_of_events: Value<i64>,
    wide_evidence_interval: Value<String>,
    hold_rate: Value<i64>,
    lift_after: Value<String>,
    lift_events: Value<i64>,
    max_ttl: Value<String>,
    forgeable_ttl: Value<String>,
    limit_rate: Value<i64>,
    crowd_action: Value<String>,
    crowd_sources: Value<i64>,
    crowd_rate: Value<i64>,
    dos_action: Value<String>,
    dos_ttl: Value<String>,
    dos_confidence: Value<f64>,
    probe_action: Value<String>,
    probe_ttl: Value<String>,
    probe_confidence: Value<f64>,
    r2l_action: Value<String>,
    r2l_ttl: Value<String>,
    r2l_confidence: Value<f64>,
    u2r_action: Value<String>,
    u2r_ttl: Value<String>,
    u2r_confidence: Value<f64>,
    unknown_action: Value<String>,
    unknown_ttl: Value<String>,
    unknown_confidence: Value<f64>,
    allowlist: Option<Vec<Spanned<String>>>,
}

const MILLISECOND: Duration = Duration::from_millis(1);
const LONGEST_TTL: Duration = Duration::from_secs(30 * 86_400);
const MOST_EVENTS: u32 = crate::policy::MOST_PIECES as u32;
/// Highest rate a limit can have, in packets a second.
const HIGHEST_RATE: u32 = 10_000_000;

pub(super) fn policy(
    source: Source<'_>,
    file: PolicySection,
    default: PolicyConfig,
) -> Result<PolicyConfig, AppError> {
    let number = |field: &str, value, default, range| {
        source.number(&format!("policy.{field}"), value, default, range)
    };
    let time = |field: &str, value, default, range| {
        source.duration(&format!("policy.{field}"), value, default, range)
    };
    let share = |field: &str, value: Value<f64>| {
        let given = value.is_some();
        let share = source.within(&format!("policy.{field}"), value, 0.0, 0.0..=1.0)?;
        Ok::<_, AppError>(given.then_some(share as f32))
    };
    let reaction = |field: &str, value, default| {
        source.word(&format!("policy.{field}"), value, str::parse, default)
    };
    let events = |field: &str, agreeing, of, default: (u32, u32)| {
        let of_field = field.replace("agreeing", "of");
        let of = number(&of_field, of, default.1, 1..=MOST_EVENTS)?;
        let agreeing = number(field, agreeing, default.0.min(of), 1..=of)?;
        Ok::<_, AppError>((agreeing, of))
    };
    let (agreeing_events, of_events) = events(
        "agreeing_events",
        file.agreeing_events,
        file.of_events,
        (default.agreeing_events, default.of_events),
    )?;
    let (wide_agreeing_events, wide_of_events) = events(
        "wide_agreeing_events",
        file.wide_agreeing_events,
        file.wide_of_events,
        (default.wide_agreeing_events, default.wide_of_events),
    )?;
    let max_ttl = time(
        "max_ttl",
        file.max_ttl,
        default.max_ttl,
        SECOND..=LONGEST_TTL,
    )?;
    // A default never outlasts a shorter max_ttl; a value that was written down is refused.
    let ttl = |field: &str, value, default: Duration| {
        time(field, value, default.min(max_ttl), SECOND..=max_ttl)
    };
    // One piece of evidence must not take longer than the memory for all of them.
    let interval = |field: &str, value, default| time(field, value, default, MILLISECOND..=SECOND);
    Ok(PolicyConfig {
        confidence: share("confidence", file.confidence)?.unwrap_or(default.confidence),
        agreeing_events,
        of_events,
        evidence_interval: interval(
            "evidence_interval",
            file.evidence_interval,
            default.evidence_interval,
        )?,
        wide_agreeing_events,
        wide_of_events,
        wide_evidence_interval: interval(
            "wide_evidence_interval",
            file.wide_evidence_interval,
            default.wide_evidence_interval,
        )?,
        hold_rate: number(
            "hold_rate",
            file.hold_rate,
            default.hold_rate,
            1..=1_000_000,
        )?,
        lift_after: time(
            "lift_after",
            file.lift_after,
            default.lift_after,
            SECOND..=HOUR,
        )?,
        lift_events: number(
            "lift_events",
            file.lift_events,
            default.lift_events,
            1..=1_000_000,
        )?,
        max_ttl,
        forgeable_ttl: ttl("forgeable_ttl", file.forgeable_ttl, default.forgeable_ttl)?,
        limit_rate: number(
            "limit_rate",
            file.limit_rate,
            default.limit_rate,
            1..=HIGHEST_RATE,
        )?,
        crowd_action: reaction("crowd_action", file.crowd_action, default.crowd_action)?,
        crowd_sources: number(
            "crowd_sources",
            file.crowd_sources,
            default.crowd_sources,
            8..=128,
        )?,
        crowd_rate: number(
            "crowd_rate",
            file.crowd_rate,
            default.crowd_rate,
            1..=HIGHEST_RATE,
        )?,
        dos_action: reaction("dos_action", file.dos_action, default.dos_action)?,
        dos_ttl: ttl("dos_ttl", file.dos_ttl, default.dos_ttl)?,
        dos_confidence: share("dos_confidence", file.dos_confidence)?,
        probe_action: reaction("probe_action", file.probe_action, default.probe_action)?,
        probe_ttl: ttl("probe_ttl", file.probe_ttl, default.probe_ttl)?,
        probe_confidence: share("probe_confidence", file.probe_confidence)?,
        r2l_action: reaction("r2l_action", file.r2l_action, default.r2l_action)?,
        r2l_ttl: ttl("r2l_ttl", file.r2l_ttl, default.r2l_ttl)?,
        r2l_confidence: share("r2l_confidence", file.r2l_confidence)?,
        u2r_action: reaction("u2r_action", file.u2r_action, default.u2r_action)?,
        u2r_ttl: ttl("u2r_ttl", file.u2r_ttl, default.u2r_ttl)?,
        u2r_confidence: share("u2r_confidence", file.u2r_confidence)?,
        unknown_action: reaction(
            "unknown_action",
            file.unknown_action,
            default.unknown_action,
        )?,
        unknown_ttl: ttl("unknown_ttl", file.unknown_ttl, default.unknown_ttl)?,
        unknown_confidence: share("unknown_confidence", file.unknown_confidence)?,
        allowlist: file
            .allowlist
            .unwrap_or_default()
            .into_iter()
            .map(|range| source.parsed("policy.allowlist", &range, Cidr::from_str))
            .collect::<Result<_, _>>()?,
    })
}
