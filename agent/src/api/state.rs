//! What the agent is doing, and how it is.

use axum::{
    Json,
    body::Body,
    extract::{Query, State, rejection::QueryRejection},
    http::{StatusCode, header},
    response::{IntoResponse as _, Response},
};
use serde::{Deserialize, Serialize};
use serde_json::json;
use tidegate_common::control::Mode;
use tidegate_models::Classifier as _;

use super::{
    Api, body, json,
    problem::Problem,
    view::{FlowBody, StatsBody},
};
use crate::{config::mode_name, engine::Command, metrics};

const MOST_FLOWS: usize = 10_000;

pub(super) async fn stats(State(api): State<Api>) -> Result<Response, Problem> {
    let snapshot = api.snapshot()?;
    Ok(json(StatusCode::OK, &StatsBody::from(&*snapshot)))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct FlowsQuery {
    #[serde(default = "FlowsQuery::default_limit")]
    limit: usize,
}

impl FlowsQuery {
    const fn default_limit() -> usize {
        100
    }
}

pub(super) async fn flows(
    State(api): State<Api>,
    query: Result<Query<FlowsQuery>, QueryRejection>,
) -> Result<Response, Problem> {
    let engine = api.engine()?;
    let Query(FlowsQuery { limit }) = query.map_err(|e| Problem::bad_request(e.body_text()))?;
    if !(1..=MOST_FLOWS).contains(&limit) {
        return Err(Problem::bad_request(format!(
            "limit must be from 1 to {MOST_FLOWS}"
        )));
    }
    let flows = engine.ask(|answer| Command::Flows(limit, answer)).await?;
    let flows: Vec<_> = flows.iter().take(limit).map(FlowBody::from).collect();
    Ok(json(StatusCode::OK, &flows))
}

#[derive(Serialize)]
struct ModelBody<'a> {
    name: &'a str,
    schema: &'static str,
    kind: &'static str,
    sha256: &'a str,
    training_rows: u64,
}

pub(super) async fn models(State(api): State<Api>) -> Response {
    let models: Vec<_> = api
        .models()
        .iter()
        .map(|model| ModelBody {
            name: model.name(),
            schema: model.schema().name(),
            kind: model.kind(),
            sha256: model.digest(),
            training_rows: model.training().rows,
        })
        .collect();
    json(StatusCode::OK, &models)
}

pub(super) async fn mode(State(api): State<Api>) -> Result<Response, Problem> {
    let snapshot = api.snapshot()?;
    Ok(Json(json!({ "mode": mode_name(snapshot.mode) })).into_response())
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ModeRequest {
    mode: ModeName,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
enum ModeName {
    Enforce,
    Monitor,
    Bypass,
}

pub(super) async fn set_mode(State(api): State<Api>, body: Body) -> Result<Response, Problem> {
    let engine = api.engine()?;
    let bytes = body::read(body)
        .await
        .map_err(|(status, detail)| Problem::new(status, detail))?;
    let request: ModeRequest = serde_json::from_slice(&bytes)
        .map_err(|e| Problem::bad_request(format!("expected {{\"mode\": \"monitor\"}}: {e}")))?;
    let mode = match request.mode {
        ModeName::Enforce => Mode::Enforce,
        ModeName::Monitor => Mode::Monitor,
        ModeName::Bypass => Mode::Bypass,
    };
    engine
        .ask(|answer| Command::SetMode(mode, answer))
        .await??;
    tracing::info!(mode = mode_name(mode), "mode set through the API");
    Ok(Json(json!({ "mode": mode_name(mode) })).into_response())
}

/// The process lives; nothing more.
pub(super) async fn healthz() -> Response {
    Json(json!({ "status": "ok" })).into_response()
}

/// Whether it does its work. A degraded agent works, so it is ready, and says what is wrong.
pub(super) async fn readyz(State(api): State<Api>) -> Response {
    // A server without a dataplane has nothing to wait for: its model is loaded.
    let Ok(snapshot) = api.snapshot() else {
        return Json(json!({ "status": "ready", "degraded": [] })).into_response();
    };
    if snapshot.interfaces.is_empty() {
        let body = json!({
            "type": "about:blank",
            "title": "Service Unavailable",
            "status": 503,
            "detail": "the dataplane is not attached to any interface",
            "degraded": snapshot.degraded,
        });
        let problem = [(header::CONTENT_TYPE, "application/problem+json")];
        return (StatusCode::SERVICE_UNAVAILABLE, problem, body.to_string()).into_response();
    }
    Json(json!({ "status": "ready", "degraded": snapshot.degraded })).into_response()
}

pub(super) async fn metrics(State(api): State<Api>) -> Response {
    let snapshot = api.snapshot().ok();
    let text = metrics::render(snapshot.as_deref(), api.counters());
    let content_type = [(header::CONTENT_TYPE, metrics::CONTENT_TYPE)];
    (content_type, text).into_response()
}
