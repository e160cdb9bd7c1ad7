//! `/v1/decisions`: see, make and take back decisions.

use std::{net::IpAddr, str::FromStr, sync::Arc, time::Duration};

use axum::{
    body::Body,
    extract::{
        Path, Query, State,
        rejection::{PathRejection, QueryRejection},
    },
    http::{HeaderValue, StatusCode, header},
    response::Response,
};
use jiff::Timestamp;
use serde::Deserialize;
use tidegate_common::{
    packet::{ICMP, ICMPV6, TCP, UDP},
    verdict::{Action, Scope},
};

use super::{
    Api, body, history, json,
    problem::Problem,
    view::{DecisionBody, ExplainedBody},
};
use crate::{
    config::HumanDuration,
    decision::{Decision, Target},
    engine::{Command, NewDecision},
};

const LONGEST: Duration = Duration::from_secs(30 * 86_400);
const LONGEST_REASON: usize = 200;
const HIGHEST_RATE: u32 = 10_000_000;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ListQuery {
    /// Those that ended, too.
    #[serde(default)]
    all: bool,
    /// Only those on packets from or to this address.
    address: Option<IpAddr>,
    /// Those made within this time, ended or not, from the journal.
    since: Option<HumanDuration>,
}

pub(super) async fn list(
    State(api): State<Api>,
    query: Result<Query<ListQuery>, QueryRejection>,
) -> Result<Response, Problem> {
    let Query(query) = query.map_err(|e| Problem::bad_request(e.body_text()))?;
    let snapshot = api.snapshot()?;
    let written = match query.since {
        Some(age) => Some(history::since(&api, &snapshot, age.0).await?),
        None => None,
    };
    let ended: &[_] = if query.all { &snapshot.ended } else { &[] };
    let now = Timestamp::now();
    let asked = |decision: &&Arc<Decision>| {
        let target = &decision.target;
        let ends = [target.source, target.destination];
        query
            .address
            .is_none_or(|ip| ends.contains(&Some(ip.to_canonical())))
    };
    let decisions = match &written {
        Some(written) => written.iter().filter(asked).collect(),
        None => {
            let decisions = ended.iter().chain(&snapshot.active);
            let mut decisions: Vec<_> = decisions.filter(asked).collect();
            decisions.sort_by_key(|decision| decision.id);
            decisions
        }
    };
    let decisions: Vec<_> = decisions
        .into_iter()
        .map(|decision| DecisionBody::new(decision, now))
        .collect();
    Ok(json(StatusCode::OK, &decisions))
}

pub(super) async fn show(
    State(api): State<Api>,
    id: Result<Path<u64>, PathRejection>,
) -> Result<Response, Problem> {
    let snapshot = api.snapshot()?;
    let id = number(id)?;
    let decision = snapshot
        .active
        .iter()
        .chain(snapshot.ended.iter().rev())
        .find(|decision| decision.id == id);
    let decision = match decision {
        Some(decision) => Arc::clone(decision),
        None => {
            let written = history::find(&api, id).await?;
            Arc::new(written.ok_or_else(|| unknown(id))?)
        }
    };
    Ok(json(
        StatusCode::OK,
        &ExplainedBody::new(&decision, Timestamp::now()),
    ))
}

pub(super) async fn create(State(api): State<Api>, body: Body) -> Result<Response, Problem> {
    let engine = api.engine()?;
    let bytes = body::read(body)
        .await
        .map_err(|(status, detail)| Problem::new(status, detail))?;
    let request: DecisionRequest = serde_json::from_slice(&bytes)
        .map_err(|e| Problem::bad_request(format!("the body is no decision: {e}")))?;
    let new = request.check().map_err(Problem::bad_request)?;
    let decision = engine.ask(|answer| Command::Add(new, answer)).await??;
    tracing::info!(id = decision.id, target = %decision.target, "decision added through the API");
    let mut response = json(
        StatusCode::CREATED,
        &DecisionBody::new(&decision, Timestamp::now()),
    );
    if let Ok(location) = HeaderValue::try_from(format!("/v1/decisions/{}", decision.id)) {
        response.headers_mut().insert(header::LOCATION, location);
    }
    Ok(response)
}

pub(super) async fn delete(
    State(api): State<Api>,
    id: Result<Path<u64>, PathRejection>,
) -> Result<Response, Problem> {
    let engine = api.engine()?;
    let id = number(id)?;
    let decision = engine
        .ask(|answer| Command::Delete(id, answer))
        .await?
        .ok_or_else(|| unknown(id))?;
    tracing::info!(id, target = %decision.target, "decision deleted through the API");
    Ok(json(
        StatusCode::OK,
        &DecisionBody::new(&decision, Timestamp::now()),
    ))
}

fn number(id: Result<Path<u64>, PathRejection>) -> Result<u64, Problem> {
    id.map(|Path(id)| id)
        .map_err(|_| Problem::bad_request("the id of a decision is a number"))
}

fn unknown(id: u64) -> Problem {
    Problem::new(StatusCode::NOT_FOUND, format!("no decision {id}"))
}

/// Body of `POST /v1/decisions`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct DecisionRequest {
    source: IpAddr,
    destination: Option<IpAddr>,
    protocol: Option<String>,
    port: Option<u16>,
    #[serde(rename = "type")]
    action: Option<String>,
    rate: Option<u32>,
    duration: HumanDuration,
    reason: Option<String>,
}

impl DecisionRequest {
    fn check(self) -> Result<NewDecision, String> {
        let target = self.target()?;
        let action = match self.action.as_deref() {
            None => Action::Drop,
            Some(name) => parse_action(name)?,
        };
        match (action, self.rate) {
            (Action::RateLimit, Some(1..=HIGHEST_RATE)) | (Action::Drop | Action::Watch, None) => {}
            (Action::RateLimit, _) => {
                return Err(format!(
                    "rate must be from 1 to {HIGHEST_RATE} packets per second for rate-limit"
                ));
            }
            _ => return Err("rate is for type rate-limit only".to_owned()),
        }
        let duration = self.duration.0;
        if !(Duration::from_secs(1)..=LONGEST).contains(&duration) {
            return Err(format!(
                "duration must be from 1s to {}, not {}",
                HumanDuration(LONGEST),
                self.duration
            ));
        }
        let reason = self.reason.unwrap_or_else(|| "manual".to_owned());
        // It is shown on terminals: no control characters.
        if reason.chars().count() > LONGEST_REASON || reason.contains(char::is_control) {
            return Err(format!(
                "reason must be one line of at most {LONGEST_REASON} characters"
            ));
        }
        Ok(NewDecision {
            target,
            action,
            duration,
            rate: self.rate,
            reason,
        })
    }

    /// The scope follows from what is given.
    fn target(&self) -> Result<Target, String> {
        let source = self.source.to_canonical();
        let destination = self.destination.map(|ip| ip.to_canonical());
        let protocol = self.protocol.as_deref().map(parse_protocol).transpose()?;
        if source.is_unspecified() || source.is_multicast() {
            return Err(format!(
                "source must be the address of one machine, not {source}"
            ));
        }
        if destination.is_some_and(|ip| ip.is_ipv4() != source.is_ipv4()) {
            return Err("source and destination must be of one IP version".to_owned());
        }
        if self.port.is_some() && !matches!(protocol, Some(TCP | UDP)) {
            return Err("port needs protocol tcp or udp".to_owned());
        }
        let scope = match (destination, protocol, self.port) {
            (None, None, None) => Scope::Source,
            (Some(_), Some(_), None) => Scope::SourceDestination,
            (None, Some(_), Some(_)) => Scope::SourceService,
            (Some(_), Some(_), Some(_)) => Scope::Tuple,
            (Some(_), None, _) => return Err("destination needs protocol".to_owned()),
            (None, Some(_), None) => {
                return Err("protocol needs destination, port or both".to_owned());
            }
            (None, None, Some(_)) => return Err("port needs protocol tcp or udp".to_owned()),
        };
        Ok(Target {
            scope,
            source: Some(source),
            destination,
            protocol,
            port: self.port,
        })
    }
}

fn parse_action(name: &str) -> Result<Action, String> {
    match name {
        "drop" => Ok(Action::Drop),
        "rate-limit" => Ok(Action::RateLimit),
        "watch" => Ok(Action::Watch),
        _ => Err(format!(
            "type must be drop, rate-limit or watch, not {name:?}"
        )),
    }
}

fn parse_protocol(name: &str) -> Result<u8, String> {
    match name {
        "tcp" => Ok(TCP),
        "udp" => Ok(UDP),
        "icmp" => Ok(ICMP),
        "icmpv6" => Ok(ICMPV6),
        _ => u8::from_str(name).map_err(|_| {
            format!("protocol must be tcp, udp, icmp, icmpv6 or a number up to 255, not {name:?}")
        }),
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a failing unwrap is a failing test")]

    use super::*;

    fn check(text: &str) -> Result<NewDecision, String> {
        serde_json::from_str::<DecisionRequest>(text)
            .map_err(|e| e.to_string())?
            .check()
    }

    #[test]
    fn the_scope_follows_from_the_fields() {
        for (fields, scope) in [
            ("", Scope::Source),
            (
                r#","destination":"10.0.0.2","protocol":"icmp""#,
                Scope::SourceDestination,
            ),
            (r#","protocol":"tcp","port":22"#, Scope::SourceService),
            (
                r#","destination":"10.0.0.2","protocol":"udp","port":53"#,
                Scope::Tuple,
            ),
        ] {
            let new = check(&format!(
                r#"{{"source":"10.0.0.1","duration":"10m"{fields}}}"#
            ))
            .unwrap();
            assert_eq!(new.target.scope, scope);
            assert_eq!(new.action, Action::Drop);
            assert_eq!(new.duration, Duration::from_secs(600));
        }
    }

    #[test]
    fn what_makes_no_sense_is_refused_by_name() {
        for (fields, word) in [
            (r#""duration":"10m""#, "source"),
            (r#""source":"10.0.0.1""#, "duration"),
            (
                r#""source":"10.0.0.1","duration":"10m","port":22"#,
                "protocol",
            ),
            (
                r#""source":"10.0.0.1","duration":"10m","protocol":"tcp""#,
                "destination",
            ),
            (
                r#""source":"10.0.0.1","duration":"10m","destination":"10.0.0.2""#,
                "protocol",
            ),
            (
                r#""source":"10.0.0.1","duration":"10m","destination":"::1","protocol":"tcp""#,
                "IP version",
            ),
            (
                r#""source":"10.0.0.1","duration":"10m","protocol":"icmp","port":1"#,
                "port",
            ),
            (
                r#""source":"10.0.0.1","duration":"10m","type":"rate-limit""#,
                "rate",
            ),
            (
                r#""source":"10.0.0.1","duration":"10m","type":"rate-limit","rate":0"#,
                "rate",
            ),
            (r#""source":"10.0.0.1","duration":"10m","rate":5"#, "rate"),
            (
                r#""source":"10.0.0.1","duration":"10m","type":"nuke""#,
                "type",
            ),
            (r#""source":"10.0.0.1","duration":"500ms""#, "duration"),
            (r#""source":"10.0.0.1","duration":"31d""#, "duration"),
            (r#""source":"0.0.0.0","duration":"10m""#, "source"),
            (r#""source":"224.0.0.1","duration":"10m""#, "source"),
            (
                r#""source":"10.0.0.1","duration":"10m","reason":"a\u001b[2J""#,
                "reason",
            ),
            (
                r#""source":"10.0.0.1","duration":"10m","colour":1"#,
                "colour",
            ),
            (r#""source":"10.0.0.1/8","duration":"10m""#, "IP"),
        ] {
            let error = check(&format!("{{{fields}}}")).unwrap_err();
            assert!(error.contains(word), "{fields}: {error}");
        }
    }

    #[test]
    fn a_mapped_source_is_ipv4() {
        let new = check(r#"{"source":"::ffff:10.0.0.1","duration":"1s"}"#).unwrap();
        assert_eq!(new.target.source, Some("10.0.0.1".parse().unwrap()));
    }
}
