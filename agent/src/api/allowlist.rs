//! `/v1/allowlist`: who is never blocked, and changes of that at run time.

use std::net::IpAddr;

use axum::{
    body::Body,
    extract::{Query, State, rejection::QueryRejection},
    http::StatusCode,
    response::Response,
};
use serde::Deserialize;

use super::{
    Api, Kept, body, json,
    problem::Problem,
    view::{AllowlistBody, AllowlistChangeBody},
};
use crate::{
    config::Cidr,
    engine::{Allowed, Command},
};

/// Where additions are kept; `None` where there is no such place. Locked from before a change until it is written, so
/// that the last one written is the last one made.
pub(super) type Keeper = tokio::sync::Mutex<Option<Kept>>;

/// Writes all additions; says whether they are kept. What is in force stays so if they can't be.
fn keep(kept: Option<&Kept>, added: &[Cidr]) -> bool {
    let Some(kept) = kept else {
        return false;
    };
    match kept.store(added) {
        Ok(()) => true,
        Err(error) => {
            let path = kept.path().display();
            tracing::error!(%path, %error, "the allowlist is in force but can't be kept");
            false
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ListQuery {
    /// Only what protects this address.
    address: Option<IpAddr>,
}

pub(super) async fn list(
    State(api): State<Api>,
    query: Result<Query<ListQuery>, QueryRejection>,
) -> Result<Response, Problem> {
    let snapshot = api.snapshot()?;
    let Query(query) = query.map_err(|e| Problem::bad_request(e.body_text()))?;
    let entries: Vec<_> = snapshot
        .allowlist
        .iter()
        .filter(|(network, _)| query.address.is_none_or(|ip| network.contains(ip)))
        .map(AllowlistBody::from)
        .collect();
    Ok(json(StatusCode::OK, &entries))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ChangeRequest {
    network: String,
}

impl ChangeRequest {
    fn network(&self) -> Result<Cidr, Problem> {
        self.network
            .parse()
            .map_err(|error| Problem::bad_request(format!("network: {error}")))
    }
}

pub(super) async fn add(State(api): State<Api>, body: Body) -> Result<Response, Problem> {
    let engine = api.engine()?;
    let bytes = body::read(body)
        .await
        .map_err(|(status, detail)| Problem::new(status, detail))?;
    let request: ChangeRequest = serde_json::from_slice(&bytes).map_err(|e| {
        Problem::bad_request(format!("expected {{\"network\": \"192.0.2.0/24\"}}: {e}"))
    })?;
    let network = request.network()?;
    let kept = api.keeper().lock().await;
    let allowed = engine
        .ask(|answer| Command::Allow(network, answer))
        .await??;
    tracing::info!(%network, lifted = allowed.lifted.len(), "allowlisted through the API");
    Ok(json(
        StatusCode::CREATED,
        &changed(kept.as_ref(), network, &allowed),
    ))
}

pub(super) async fn remove(
    State(api): State<Api>,
    query: Result<Query<ChangeRequest>, QueryRejection>,
) -> Result<Response, Problem> {
    let engine = api.engine()?;
    let Query(request) = query.map_err(|e| Problem::bad_request(e.body_text()))?;
    let network = request.network()?;
    let kept = api.keeper().lock().await;
    let allowed = engine
        .ask(|answer| Command::Disallow(network, answer))
        .await??;
    tracing::info!(%network, "no longer allowlisted, through the API");
    Ok(json(
        StatusCode::OK,
        &changed(kept.as_ref(), network, &allowed),
    ))
}

fn changed(kept: Option<&Kept>, network: Cidr, allowed: &Allowed) -> AllowlistChangeBody {
    AllowlistChangeBody {
        network: network.to_string(),
        kept: keep(kept, &allowed.added),
        lifted: allowed.lifted.iter().map(|decision| decision.id).collect(),
    }
}
