//! The HTTP API.
//!
//! It has a thread and a small runtime of its own, reads published snapshots and puts commands in a bounded
//! queue: nothing a client does can make the pipeline wait.

mod allowlist;
mod auth;
mod body;
mod decisions;
mod history;
mod kept;
mod models;
mod predict;
mod problem;
mod server;
mod state;
mod stream;
pub mod view;

use std::{
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use arc_swap::ArcSwapOption;
use axum::{
    Json, Router,
    extract::{Request, State},
    http::{Method, StatusCode, header},
    middleware::{self, Next},
    response::{IntoResponse as _, Response},
    routing::{MethodRouter, get, post, put},
};
use tidegate_models::{CLASS_COUNT, Model};

pub use kept::Kept;
pub use models::Models;
pub use predict::{code_name, explanation_lines};
pub use server::{Limits, Server, bind};
pub use stream::MOST_STREAMS;

use crate::{
    engine::{EngineHandle, Snapshot},
    token::Token,
};
use allowlist::Keeper;
use problem::{Problem, refusal};
use stream::Streams;

/// What the handlers share.
#[derive(Clone, Debug)]
pub struct Api(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    engine: Option<EngineHandle>,
    models: Models,
    /// The model that judges live traffic, which may have been changed since the start.
    live: ArcSwapOption<Model>,
    token: Option<Token>,
    keeper: Keeper,
    streams: Streams,
    /// The file of the journal, if there is one.
    journal: Option<PathBuf>,
    counters: ApiCounters,
}

/// What the API has done so far.
#[derive(Debug, Default)]
#[expect(missing_docs, reason = "the names say it")]
pub struct ApiCounters {
    pub connections: AtomicU64,
    pub connections_refused: AtomicU64,
    /// Requests for a stream of decisions.
    pub streams_refused: AtomicU64,
    /// What did not fit in the queues of clients that listen.
    pub stream_deltas_dropped: AtomicU64,
    /// By the first digit of the status, 1 to 5.
    pub responses: [AtomicU64; 5],
    /// Rows judged by `/predict`, by class.
    pub predictions: [AtomicU64; CLASS_COUNT],
}

impl ApiCounters {
    pub(crate) fn count(counter: &AtomicU64) {
        counter.fetch_add(1, Ordering::Relaxed);
    }
}

impl Api {
    /// The API of a running agent; `kept` is where additions to the allowlist outlive it, `journal` the file of its
    /// decisions.
    #[must_use]
    pub fn with_dataplane(
        engine: EngineHandle,
        models: Models,
        token: Token,
        kept: Option<Kept>,
        journal: Option<PathBuf>,
    ) -> Self {
        Self::new(Some(engine), models, Some(token), kept, journal)
    }

    /// `/predict` only; what needs a dataplane answers 503. Without a token only loopback is answered.
    #[must_use]
    pub fn predict_only(models: Models, token: Option<Token>) -> Self {
        Self::new(None, models, token, None, None)
    }

    fn new(
        engine: Option<EngineHandle>,
        models: Models,
        token: Option<Token>,
        kept: Option<Kept>,
        journal: Option<PathBuf>,
    ) -> Self {
        Self(Arc::new(Shared {
            engine,
            live: ArcSwapOption::new(models.live.clone()),
            models,
            token,
            keeper: Keeper::new(kept),
            streams: Streams::default(),
            journal,
            counters: ApiCounters::default(),
        }))
    }

    fn engine(&self) -> Result<&EngineHandle, Problem> {
        self.0.engine.as_ref().ok_or_else(|| {
            Problem::new(
                StatusCode::SERVICE_UNAVAILABLE,
                "this server has no dataplane; start one with tidegate run",
            )
        })
    }

    fn snapshot(&self) -> Result<Arc<Snapshot>, Problem> {
        self.engine().map(EngineHandle::snapshot)
    }

    fn models(&self) -> &Models {
        &self.0.models
    }

    fn live(&self) -> &ArcSwapOption<Model> {
        &self.0.live
    }

    fn keeper(&self) -> &Keeper {
        &self.0.keeper
    }

    fn streams(&self) -> &Streams {
        &self.0.streams
    }

    /// Clients that listen to decisions now.
    #[must_use]
    pub fn stream_clients(&self) -> usize {
        self.streams().clients()
    }

    fn journal(&self) -> Option<&PathBuf> {
        self.0.journal.as_ref()
    }

    fn token(&self) -> Option<&Token> {
        self.0.token.as_ref()
    }

    fn counters(&self) -> &ApiCounters {
        &self.0.counters
    }
}

/// Every path; `openapi.json` describes the same ones.
fn routes() -> Vec<(&'static str, MethodRouter<Api>)> {
    vec![
        ("/predict", post(predict::predict)),
        (
            "/v1/decisions",
            get(decisions::list).post(decisions::create),
        ),
        ("/v1/decisions/stream", get(stream::stream)),
        (
            "/v1/decisions/{id}",
            get(decisions::show).delete(decisions::delete),
        ),
        (
            "/v1/allowlist",
            get(allowlist::list)
                .post(allowlist::add)
                .delete(allowlist::remove),
        ),
        ("/v1/flows", get(state::flows)),
        ("/v1/stats", get(state::stats)),
        ("/v1/models", get(state::models)),
        ("/v1/model", put(state::set_model)),
        ("/v1/mode", get(state::mode).put(state::set_mode)),
        ("/healthz", get(state::healthz)),
        ("/readyz", get(state::readyz)),
        ("/metrics", get(state::metrics)),
        ("/openapi.json", get(openapi)),
    ]
}

/// The service behind the server.
fn router(api: &Api, limits: Limits) -> Router {
    routes()
        .into_iter()
        .fold(Router::new(), |router, (path, handlers)| {
            router.route(path, handlers)
        })
        .fallback(|| async {
            Problem::new(StatusCode::NOT_FOUND, "no such path; see /openapi.json")
        })
        .method_not_allowed_fallback(async |method: Method, request: Request| {
            let detail = format!("{method} is not possible here");
            refusal(
                request.uri().path(),
                StatusCode::METHOD_NOT_ALLOWED,
                &detail,
            )
        })
        // The last one added is the first one asked.
        .layer(middleware::from_fn_with_state(api.clone(), auth::require))
        .layer(middleware::from_fn_with_state(limits, time_out))
        .layer(middleware::from_fn_with_state(api.clone(), count))
        .with_state(api.clone())
}

/// Gives up on requests that take too long, so that none holds its connection for ever.
async fn time_out(State(limits): State<Limits>, request: Request, next: Next) -> Response {
    let path = request.uri().path().to_owned();
    match tokio::time::timeout(limits.request, next.run(request)).await {
        Ok(response) => response,
        Err(_) => refusal(
            &path,
            StatusCode::GATEWAY_TIMEOUT,
            "the request took too long; try again",
        ),
    }
}

async fn count(State(api): State<Api>, request: Request, next: Next) -> Response {
    let response = next.run(request).await;
    let class = usize::from(response.status().as_u16() / 100).saturating_sub(1);
    if let Some(counter) = api.counters().responses.get(class) {
        ApiCounters::count(counter);
    }
    response
}

async fn openapi() -> Response {
    let json = [(header::CONTENT_TYPE, "application/json")];
    (json, include_str!("openapi.json")).into_response()
}

fn json<T: serde::Serialize>(status: StatusCode, body: &T) -> Response {
    (status, Json(body)).into_response()
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a failing unwrap is a failing test")]

    use super::*;

    #[test]
    fn openapi_describes_the_paths_and_methods_there_are() {
        let document: serde_json::Value =
            serde_json::from_str(include_str!("openapi.json")).unwrap();
        let described = document["paths"].as_object().unwrap();
        let mut paths: Vec<_> = routes().iter().map(|(path, _)| *path).collect();
        paths.sort_unstable();
        assert_eq!(described.keys().collect::<Vec<_>>(), paths);
        for (path, handlers) in routes() {
            // MethodRouter tells its methods in its Debug form only.
            let shown = format!("{handlers:?}");
            for method in ["get", "post", "put", "delete"] {
                let has = !shown.contains(&format!("{method}: None"));
                assert_eq!(
                    described[path].get(method).is_some(),
                    has,
                    "{method} {path}: {shown}"
                );
            }
        }
    }
}
