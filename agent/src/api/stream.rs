//! `GET /v1/decisions/stream`: server-sent events, the decisions in force first, then what becomes of them.
//!
//! | event | data |
//! |---|---|
//! | `state` | all decisions in force |
//! | `delta` | `{"new": […], "changed": […], "ended": […]}` since the event before |
//! | `lost` | `{"deltas": n}`: so many did not fit in the client's queue; a `state` follows |
//!
//! One task looks for a new snapshot while anybody listens, and writes each delta once for all. A client has a bounded
//! queue; whoever does not read misses deltas, which are counted, and starts over from the state. The pipeline knows
//! nothing of this: a look is a pointer load.

use std::{
    convert::Infallible,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll},
    time::Duration,
};

use axum::{
    body::{Body, Bytes, HttpBody},
    extract::State,
    http::{StatusCode, header},
    response::{IntoResponse as _, Response},
};
use hyper::body::Frame;
use jiff::Timestamp;
use serde::Serialize;
use tokio::{
    sync::mpsc::{self, error::TrySendError},
    time::{Instant, MissedTickBehavior, interval},
};

use super::{Api, ApiCounters, problem::Problem, view::DecisionBody};
use crate::{
    decision::{Decision, Phase},
    engine::Snapshot,
};

/// Clients that listen at a time.
pub const MOST_STREAMS: usize = 16;
/// Messages that wait for a client.
const QUEUE: usize = 16;
/// Beyond so many decisions, a delta is not worth telling: all are sent the state.
const MOST_CHANGES: usize = 256;
/// Between two looks; the pipeline publishes no oftener.
const LOOK: Duration = Duration::from_millis(100);
/// The same after a look at which all were sent the state, which may be long.
const REST: Duration = Duration::from_secs(1);
/// So often something is sent, so that one notices when the other is gone.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// Everybody who listens.
#[derive(Debug, Default)]
pub(super) struct Streams(Mutex<Shared>);

#[derive(Debug, Default)]
struct Shared {
    clients: Vec<Client>,
    /// Whether the task runs that looks for snapshots.
    watched: bool,
    /// The server stops.
    closed: bool,
}

#[derive(Debug)]
struct Client {
    queue: mpsc::Sender<Bytes>,
    /// What it has is not what was before the next delta: it is sent the state.
    behind: bool,
    /// Deltas it was not sent since the last state.
    missed: u64,
}

impl Streams {
    /// Listeners now.
    pub(super) fn clients(&self) -> usize {
        let clients = &self.shared().clients;
        clients.iter().filter(|c| !c.queue.is_closed()).count()
    }

    /// Ends all streams, and begins no more.
    pub(super) fn close(&self) {
        let mut shared = self.shared();
        shared.closed = true;
        shared.clients.clear();
    }

    /// A list is whole after every change of it, so a panic elsewhere does not spoil it.
    fn shared(&self) -> MutexGuard<'_, Shared> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

pub(super) async fn stream(State(api): State<Api>) -> Result<Response, Problem> {
    api.engine()?;
    let (queue, messages) = mpsc::channel(QUEUE);
    let watched = {
        let mut shared = api.streams().shared();
        shared.clients.retain(|client| !client.queue.is_closed());
        if shared.closed {
            return Err(refused("the server stops"));
        }
        if shared.clients.len() >= MOST_STREAMS {
            drop(shared);
            ApiCounters::count(&api.counters().streams_refused);
            return Err(refused(&format!(
                "{MOST_STREAMS} clients listen already; try again when one has left"
            )));
        }
        shared.clients.push(Client {
            queue,
            behind: true,
            missed: 0,
        });
        std::mem::replace(&mut shared.watched, true)
    };
    if !watched {
        tokio::spawn(watch(api));
    }
    let headers = [
        (header::CONTENT_TYPE, "text/event-stream"),
        (header::CACHE_CONTROL, "no-store"),
    ];
    Ok((headers, Body::new(Messages(messages))).into_response())
}

fn refused(detail: &str) -> Problem {
    Problem::new(StatusCode::SERVICE_UNAVAILABLE, detail)
}

/// Looks for snapshots and tells everybody, until nobody listens.
async fn watch(api: Api) {
    let Ok(mut before) = api.snapshot() else {
        return;
    };
    let mut told = greatest(&before);
    let mut looks = interval(LOOK);
    looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut spoke = Instant::now();
    loop {
        looks.tick().await;
        let Ok(now) = api.snapshot() else {
            return;
        };
        let delta = if Arc::ptr_eq(&before, &now) {
            Delta::default()
        } else {
            Delta::between(&before, &now, told)
        };
        told = told.max(greatest(&now));
        let silent = spoke.elapsed() >= KEEP_ALIVE;
        let message = match delta.len() {
            0 => silent.then(|| Bytes::from_static(b":\n\n")),
            1..=MOST_CHANGES => Some(event("delta", &delta.body())),
            _ => None,
        };
        if message.is_some() {
            spoke = Instant::now();
        }
        // Written once, for all who need it.
        let mut state = None;
        let mut shared = api.streams().shared();
        for client in &mut shared.clients {
            client.behind |= delta.len() > MOST_CHANGES;
            if !client.behind {
                client.tell(message.as_ref(), delta.len() > 0, api.counters());
            } else if client.is_read() {
                let state = state.get_or_insert_with(|| event("state", &bodies(&now.active)));
                client.catch_up(state);
            } else if delta.len() > 0 {
                client.miss(api.counters());
            }
        }
        shared.clients.retain(|client| !client.queue.is_closed());
        if shared.clients.is_empty() {
            shared.watched = false;
            return;
        }
        drop(shared);
        if delta.len() > MOST_CHANGES {
            looks.reset_after(REST);
        }
        before = now;
    }
}

impl Client {
    /// Passes a message on; `changed` says whether it matters if it does not get through.
    fn tell(&mut self, message: Option<&Bytes>, changed: bool, counters: &ApiCounters) {
        let Some(message) = message else {
            return;
        };
        if let Err(TrySendError::Full(_)) = self.queue.try_send(message.clone())
            && changed
        {
            self.miss(counters);
        }
    }

    fn miss(&mut self, counters: &ApiCounters) {
        self.behind = true;
        self.missed += 1;
        ApiCounters::count(&counters.stream_deltas_dropped);
    }

    /// Whether nothing waits for it. A state is long: never more than one waits.
    fn is_read(&self) -> bool {
        self.queue.capacity() == QUEUE
    }

    /// Puts a client for whom nothing waits in the picture, whatever it has missed.
    fn catch_up(&mut self, state: &Bytes) {
        let lost = serde_json::json!({ "deltas": self.missed });
        let lost = (self.missed > 0).then(|| event("lost", &lost));
        for message in lost.into_iter().chain([state.clone()]) {
            // There is room for both; who has left is taken off the list.
            let _ = self.queue.try_send(message);
        }
        (self.behind, self.missed) = (false, 0);
    }
}

/// What became of decisions from one snapshot to the next.
#[derive(Debug, Default)]
struct Delta {
    new: Vec<Arc<Decision>>,
    changed: Vec<Arc<Decision>>,
    ended: Vec<Arc<Decision>>,
}

#[derive(Serialize)]
struct DeltaBody {
    new: Vec<DecisionBody>,
    changed: Vec<DecisionBody>,
    ended: Vec<DecisionBody>,
}

impl Delta {
    /// `told` is the greatest number of a decision before. Counters that go up are no change.
    fn between(before: &Snapshot, now: &Snapshot, told: u64) -> Self {
        let mut delta = Self::default();
        // Both in order of their numbers.
        let mut known = before.active.iter().peekable();
        let mut gone = Vec::new();
        for decision in &now.active {
            while let Some(earlier) = known.next_if(|earlier| earlier.id < decision.id) {
                gone.push(earlier);
            }
            match known.next_if(|earlier| earlier.id == decision.id) {
                None => delta.new.push(Arc::clone(decision)),
                Some(earlier) if terms(earlier) != terms(decision) => {
                    delta.changed.push(Arc::clone(decision));
                }
                Some(_) => {}
            }
        }
        gone.extend(known);
        for earlier in gone {
            let ended = now.ended.iter().rev().find(|ended| ended.id == earlier.id);
            delta.ended.push(ended.map_or_else(
                // So many have ended since that this one is not listed any more.
                || {
                    Arc::new(Decision {
                        phase: Phase::Expired,
                        ..Decision::clone(earlier)
                    })
                },
                Arc::clone,
            ));
        }
        // Made and over since the last look.
        let brief = now.ended.iter().filter(|ended| ended.id > told);
        delta.ended.extend(brief.cloned());
        delta
    }

    const fn len(&self) -> usize {
        self.new.len() + self.changed.len() + self.ended.len()
    }

    fn body(&self) -> DeltaBody {
        DeltaBody {
            new: bodies(&self.new),
            changed: bodies(&self.changed),
            ended: bodies(&self.ended),
        }
    }
}

/// What a decision says, apart from how often it did.
fn terms(decision: &Decision) -> impl PartialEq + use<> {
    (decision.until, decision.action, decision.simulated)
}

fn greatest(snapshot: &Snapshot) -> u64 {
    let all = snapshot.active.iter().chain(&snapshot.ended);
    all.map(|decision| decision.id).max().unwrap_or(0)
}

fn bodies(decisions: &[Arc<Decision>]) -> Vec<DecisionBody> {
    let now = Timestamp::now();
    let bodies = decisions.iter().map(|d| DecisionBody::new(d, now));
    bodies.collect()
}

/// JSON has no line ends of its own, so one `data` line holds it.
fn event(name: &str, data: &impl Serialize) -> Bytes {
    let data = serde_json::to_string(data).unwrap_or_default();
    format!("event: {name}\ndata: {data}\n\n").into()
}

/// The queue, as the body of an answer.
struct Messages(mpsc::Receiver<Bytes>);

impl HttpBody for Messages {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let message = self.0.poll_recv(context);
        message.map(|message| Some(Ok(Frame::data(message?))))
    }
}
