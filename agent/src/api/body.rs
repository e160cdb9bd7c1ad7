//! Reading a request's body, never more of it than allowed and not for longer than allowed.

use std::{future::poll_fn, pin::Pin, time::Duration};

use axum::{body::Body, http::StatusCode};
use hyper::body::Body as _;

/// Largest body that is read.
pub(super) const BODY_LIMIT: usize = 1 << 20;
/// How much of a larger one is read and thrown away. A client that is still sending does not see an answer: the
/// kernel resets a connection that is closed with unread data.
const DRAIN_LIMIT: usize = 16 << 20;
const BODY_TIMEOUT: Duration = Duration::from_secs(8);

/// The whole body, or the status and words to refuse it with.
pub(super) async fn read(body: Body) -> Result<Vec<u8>, (StatusCode, &'static str)> {
    tokio::time::timeout(BODY_TIMEOUT, collect(body))
        .await
        .map_err(|_| (StatusCode::REQUEST_TIMEOUT, "the body came too slowly"))?
}

async fn collect(mut body: Body) -> Result<Vec<u8>, (StatusCode, &'static str)> {
    let mut bytes = Vec::new();
    let mut seen = 0_usize;
    while let Some(frame) = poll_fn(|cx| Pin::new(&mut body).poll_frame(cx)).await {
        let frame = frame.map_err(|_| (StatusCode::BAD_REQUEST, "the body ended early"))?;
        let Ok(data) = frame.into_data() else {
            continue;
        };
        seen = seen.saturating_add(data.len());
        if seen <= BODY_LIMIT {
            bytes.extend_from_slice(&data);
        } else {
            bytes = Vec::new();
        }
        if seen > DRAIN_LIMIT {
            break;
        }
    }
    if seen > BODY_LIMIT {
        return Err((
            StatusCode::PAYLOAD_TOO_LARGE,
            "the body is larger than 1 MiB",
        ));
    }
    Ok(bytes)
}
