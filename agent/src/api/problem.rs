//! Errors as clients see them: RFC 9457 problems, and `/predict`'s own shape.

use axum::{
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde_json::json;

use crate::engine::{Refused, Unreachable};

/// Longest detail sent back; a client may have put a megabyte into a name.
const LONGEST_DETAIL: usize = 400;

/// An `application/problem+json` answer.
#[derive(Debug)]
pub(super) struct Problem {
    status: StatusCode,
    detail: String,
}

impl Problem {
    pub(super) fn new(status: StatusCode, detail: impl AsRef<str>) -> Self {
        Self {
            status,
            detail: shortened(detail.as_ref()),
        }
    }

    pub(super) fn bad_request(detail: impl AsRef<str>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, detail)
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let body = json!({
            "type": "about:blank",
            "title": self.status.canonical_reason().unwrap_or("error"),
            "status": self.status.as_u16(),
            "detail": self.detail,
        });
        with_headers(self.status, "application/problem+json", &body)
    }
}

impl From<Unreachable> for Problem {
    fn from(error: Unreachable) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, error.to_string())
    }
}

impl From<Refused> for Problem {
    fn from(error: Refused) -> Self {
        let status = match error {
            Refused::Protected(..) => StatusCode::CONFLICT,
            Refused::NotAdded(..) => StatusCode::NOT_FOUND,
            Refused::TableFull(_) | Refused::SourceFull(..) | Refused::AllowlistFull(_) => {
                StatusCode::INSUFFICIENT_STORAGE
            }
            Refused::Kernel(_) => StatusCode::INTERNAL_SERVER_ERROR,
        };
        Self::new(status, error.to_string())
    }
}

/// An error in the shape `/predict` promises.
#[derive(Debug)]
pub(super) struct Failed {
    pub(super) status: StatusCode,
    pub(super) error: String,
}

impl IntoResponse for Failed {
    fn into_response(self) -> Response {
        let body = json!({ "error": shortened(&self.error), "status": "failed" });
        with_headers(self.status, "application/json", &body)
    }
}

/// An error in the shape of the path it happened on.
pub(super) fn refusal(path: &str, status: StatusCode, detail: &str) -> Response {
    if path == "/predict" {
        Failed {
            status,
            error: detail.to_owned(),
        }
        .into_response()
    } else {
        Problem::new(status, detail).into_response()
    }
}

fn with_headers(
    status: StatusCode,
    content_type: &'static str,
    body: &serde_json::Value,
) -> Response {
    let mut response = (status, body.to_string()).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    match status {
        StatusCode::UNAUTHORIZED => {
            headers.insert(
                header::WWW_AUTHENTICATE,
                HeaderValue::from_static("Bearer realm=\"tidegate\""),
            );
        }
        StatusCode::SERVICE_UNAVAILABLE => {
            headers.insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
        }
        _ => {}
    }
    response
}

fn shortened(text: &str) -> String {
    match text.char_indices().nth(LONGEST_DETAIL) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}
