//! `POST /predict`: KDD features in, a class out.

use std::fmt::Write as _;

use axum::{
    body::Body,
    extract::State,
    http::StatusCode,
    response::{IntoResponse as _, Response},
};
use serde::Serialize;
use serde_json::Value;
use tidegate_models::{
    Class, Classifier as _, Contribution, Explanation, Flag, Model, Protocol, Service, Step,
    features_from_request,
};

use super::{Api, ApiCounters, body, json, problem::Failed};

/// Rows a request may have.
const MAX_ROWS: usize = 1_024;

#[derive(Serialize)]
struct Answer<'a> {
    prediction: &'static str,
    confidence: f32,
    status: &'static str,
    model: &'a str,
    path: Vec<String>,
}

pub(super) async fn predict(State(api): State<Api>, body: Body) -> Response {
    match body::read(body).await {
        Ok(bytes) => judge(&api, &bytes).unwrap_or_else(|error| {
            Failed {
                status: StatusCode::BAD_REQUEST,
                error,
            }
            .into_response()
        }),
        Err((status, error)) => Failed {
            status,
            error: error.to_owned(),
        }
        .into_response(),
    }
}

/// The answer to a body. Does not wait, so bodies are in memory as JSON one at a time.
fn judge(api: &Api, bytes: &[u8]) -> Result<Response, String> {
    let request: Value =
        serde_json::from_slice(bytes).map_err(|e| format!("the body is no JSON: {e}"))?;
    let model = &*api.models().predict;
    match request {
        Value::Array(rows) if rows.len() > MAX_ROWS => Err(format!(
            "{} rows; send at most {MAX_ROWS} at a time",
            rows.len()
        )),
        Value::Array(rows) => {
            let answers = rows
                .iter()
                .enumerate()
                .map(|(row, value)| {
                    answer(api, model, value).map_err(|e| format!("row {row}: {e}"))
                })
                .collect::<Result<Vec<_>, _>>()?;
            Ok(json(StatusCode::OK, &answers))
        }
        row => Ok(json(StatusCode::OK, &answer(api, model, &row)?)),
    }
}

fn answer<'a>(api: &Api, model: &'a Model, row: &Value) -> Result<Answer<'a>, String> {
    let Value::Object(row) = row else {
        return Err("expected a JSON object of features".to_owned());
    };
    let features = features_from_request(row).map_err(|e| e.to_string())?;
    let prediction = model.predict(&features);
    if let Some(counter) = api.counters().predictions.get(prediction.class.index()) {
        ApiCounters::count(counter);
    }
    Ok(Answer {
        prediction: prediction.class.name(),
        confidence: prediction.confidence.clamp(0.0, 1.0),
        status: "success",
        model: model.name(),
        path: explanation_lines(&model.explain(&features)),
    })
}

/// The most columns named where a model explains itself by contributions.
const CONTRIBUTIONS: usize = 10;

/// A model's reasons for people, a line each.
#[must_use]
pub fn explanation_lines(explanation: &Explanation) -> Vec<String> {
    match explanation {
        Explanation::Path(steps) => steps.iter().map(path_line).collect(),
        Explanation::Contributions(columns) => columns
            .iter()
            .take(CONTRIBUTIONS)
            .map(contribution_line)
            .collect(),
    }
}

/// What a column did, for people: `count = 511 (1 is harmless): +0.412`.
fn contribution_line(contribution: &Contribution) -> String {
    let named = |code| match code_name(contribution.column, code) {
        Some(name) => name.to_owned(),
        None => code.to_string(),
    };
    let value = match contribution.value {
        None => " missing".to_owned(),
        Some(code) => format!(" = {}", named(code)),
    };
    format!(
        "{}{value} ({} is harmless): {:+.3}",
        contribution.column,
        named(contribution.baseline),
        contribution.weight
    )
}

/// A step of a model's path for people: `flag = S0 (0) <= 3: dos 87007, probe 1123`.
fn path_line(step: &Step) -> String {
    let mut line = step.column.to_owned();
    // Writing to a String can't fail.
    let _ = match step.value {
        None => write!(line, " missing"),
        Some(code) => match code_name(step.column, code) {
            Some(name) => write!(line, " = {name} ({code})"),
            None => write!(line, " = {code}"),
        },
    };
    let sign = if step.went_left { "<=" } else { ">" };
    let _ = write!(line, " {sign} {}", step.threshold);
    let mut separator = ": ";
    for class in Class::ALL {
        let count = step.counts_after[class.index()];
        if count > 0 {
            let _ = write!(line, "{separator}{class} {count}");
            separator = ", ";
        }
    }
    line
}

/// The name behind a code in the columns that have names.
#[must_use]
pub fn code_name(column: &str, code: u32) -> Option<&'static str> {
    let code = usize::try_from(code).ok()?;
    match column {
        "protocol_type" => Protocol::ALL.get(code).map(|protocol| protocol.name()),
        "flag" => Flag::ALL.get(code).map(|flag| flag.name()),
        "service" => Service::names().get(code).copied(),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use tidegate_models::CLASS_COUNT;

    use super::*;

    #[test]
    fn steps_read_as_sentences() {
        let mut step = Step {
            column: "flag",
            threshold: 3,
            value: Some(0),
            went_left: true,
            counts: [1; CLASS_COUNT],
            counts_after: [0, 87, 3, 0, 0, 0],
        };
        assert_eq!(path_line(&step), "flag = S0 (0) <= 3: dos 87, probe 3");
        step.column = "count";
        step.value = Some(400);
        step.went_left = false;
        assert_eq!(path_line(&step), "count = 400 > 3: dos 87, probe 3");
        step.value = None;
        assert_eq!(path_line(&step), "count missing > 3: dos 87, probe 3");
    }
}
