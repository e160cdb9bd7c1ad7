//! Decisions that have left the memory of the pipeline: what the journal says.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use axum::http::StatusCode;
use jiff::{SignedDuration, Timestamp};

use super::{Api, problem::Problem};
use crate::{
    decision::{Decision, Phase},
    engine::Snapshot,
    journal::{JournalError, Reader},
};

/// Decisions in one answer.
const MOST: u32 = 20_000;

/// Decisions made within the last `age`, at most the latest [`MOST`], in the order in which they were made; those in
/// memory as they are now.
pub(super) async fn since(
    api: &Api,
    snapshot: &Snapshot,
    age: Duration,
) -> Result<Vec<Arc<Decision>>, Problem> {
    let from = SignedDuration::try_from(age)
        .ok()
        .and_then(|age| Timestamp::now().checked_sub(age).ok())
        .unwrap_or(Timestamp::MIN);
    let written = read(api, move |reader| reader.since(from, MOST)).await?;
    let fresh = snapshot.ended.iter().chain(&snapshot.active).cloned();
    let fresh = fresh.filter(|decision| decision.created_at >= from);
    // Another agent's numbers may be the same, its times are not.
    let decisions: BTreeMap<_, _> = written
        .into_iter()
        .map(Arc::new)
        .chain(fresh)
        .map(|decision| ((decision.created_at, decision.id), decision))
        .collect();
    Ok(decisions.into_values().collect())
}

/// A decision by its number, if the journal has it.
pub(super) async fn find(api: &Api, id: u64) -> Result<Option<Decision>, Problem> {
    if api.journal().is_none() {
        return Ok(None);
    }
    let found = read(api, move |reader| reader.find(id)).await?;
    Ok(found.map(|mut decision| {
        // The pipeline does not know it any more, so it is over.
        if decision.phase == Phase::Active {
            decision.phase = Phase::Expired;
        }
        decision
    }))
}

/// Other requests go on while the disk is read.
async fn read<T: Send + 'static>(
    api: &Api,
    ask: impl FnOnce(&Reader) -> Result<T, JournalError> + Send + 'static,
) -> Result<T, Problem> {
    let unavailable = |detail: String| Problem::new(StatusCode::SERVICE_UNAVAILABLE, detail);
    let path = api.journal().cloned().ok_or_else(|| {
        unavailable("no journal is kept; start the agent with --journal FILE".to_owned())
    })?;
    tokio::task::spawn_blocking(move || ask(&Reader::open(&path)?))
        .await
        .map_err(|error| unavailable(error.to_string()))?
        .map_err(|error| unavailable(error.to_string()))
}
