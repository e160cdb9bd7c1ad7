//! What the agent is doing, and how it is.

use std::{net::IpAddr, sync::Arc};

use axum::{
    Json,
    body::Body,
    extract::{Query, State, rejection::QueryRejection},
    http::{StatusCode, header},
    response::{IntoResponse as _, Response},
};
use serde::Deserialize;
use serde_json::json;
use tidegate_common::control::Mode;
use tidegate_models::Classifier as _;

use super::{
    Api, body, json,
    models::for_live,
    problem::Problem,
    view::{FlowBody, ModelBody, StatsBody},
};
use crate::{
    config::mode_name,
    engine::{Command, FlowQuery},
    metrics,
};

/// Flows in one answer; copying them makes classification wait.
const MOST_FLOWS: usize = 1_000;

pub(super) async fn stats(State(api): State<Api>) -> Result<Response, Problem> {
    let snapshot = api.snapshot()?;
    Ok(json(StatusCode::OK, &StatsBody::from(&*snapshot)))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct FlowsQuery {
    #[serde(default = "FlowsQuery::default_limit")]
    limit: usize,
    /// Only those from or to this address.
    address: Option<IpAddr>,
    #[serde(default)]
    sort: FlowOrder,
}

#[derive(Clone, Copy, Default, Deserialize, Eq, PartialEq)]
#[serde(rename_all = "lowercase")]
enum FlowOrder {
    /// The most recently active first.
    #[default]
    Recent,
    /// Those with the most packets first.
    Packets,
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
    let Query(query) = query.map_err(|e| Problem::bad_request(e.body_text()))?;
    if !(1..=MOST_FLOWS).contains(&query.limit) {
        return Err(Problem::bad_request(format!(
            "limit must be from 1 to {MOST_FLOWS}"
        )));
    }
    let query = FlowQuery {
        limit: query.limit,
        address: query.address.map(|ip| ip.to_canonical()),
        by_packets: query.sort == FlowOrder::Packets,
    };
    let flows = engine.ask(|answer| Command::Flows(query, answer)).await?;
    let flows: Vec<_> = flows.iter().map(FlowBody::from).collect();
    Ok(json(StatusCode::OK, &flows))
}

pub(super) async fn models(State(api): State<Api>) -> Response {
    let live = api.live().load_full();
    let models = std::iter::once(&api.models().predict).chain(&live);
    let models: Vec<_> = models.map(|model| ModelBody::from(&**model)).collect();
    json(StatusCode::OK, &models)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ModelRequest {
    model: String,
}

/// Judges live traffic by another model from now on.
pub(super) async fn set_model(State(api): State<Api>, body: Body) -> Result<Response, Problem> {
    let engine = api.engine()?;
    let bytes = body::read(body)
        .await
        .map_err(|(status, detail)| Problem::new(status, detail))?;
    let request: ModelRequest = serde_json::from_slice(&bytes).map_err(|e| {
        Problem::bad_request(format!("expected {{\"model\": \"live-forest\"}}: {e}"))
    })?;
    // A big forest takes a while to read and to try out; other requests go on meanwhile.
    let loaded = tokio::task::spawn_blocking(move || for_live(&request.model)).await;
    let model = loaded
        .map_err(|e| Problem::new(StatusCode::INTERNAL_SERVER_ERROR, e.to_string()))?
        .map_err(|e| Problem::bad_request(e.to_string()))?;
    engine
        .ask(|answer| Command::SetModel(Arc::clone(&model), answer))
        .await?;
    tracing::info!(
        model = model.name(),
        sha256 = model.digest(),
        "model set through the API"
    );
    api.live().store(Some(Arc::clone(&model)));
    Ok(json(StatusCode::OK, &ModelBody::from(&*model)))
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
    let listening = api.stream_clients();
    let text = metrics::render(snapshot.as_deref(), api.counters(), listening);
    let content_type = [(header::CONTENT_TYPE, metrics::CONTENT_TYPE)];
    (content_type, text).into_response()
}
