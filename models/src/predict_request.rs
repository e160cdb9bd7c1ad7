//! The body of `POST /predict`: a flat JSON object of KDD feature names.

use serde_json::{Map, Value};

use crate::{Features, Flag, MISSING, Protocol, Schema, Service};

/// The features a request must have.
pub const REQUIRED_FEATURES: [&str; 31] = [
    "duration",
    "protocol_type",
    "flag",
    "src_bytes",
    "dst_bytes",
    "land",
    "wrong_fragment",
    "urgent",
    "hot",
    "num_failed_logins",
    "logged_in",
    "num_compromised",
    "root_shell",
    "su_attempted",
    "num_file_creations",
    "num_shells",
    "num_access_files",
    "is_guest_login",
    "count",
    "srv_count",
    "serror_rate",
    "rerror_rate",
    "same_srv_rate",
    "diff_srv_rate",
    "srv_diff_host_rate",
    "dst_host_count",
    "dst_host_srv_count",
    "dst_host_same_srv_rate",
    "dst_host_diff_srv_rate",
    "dst_host_same_src_port_rate",
    "dst_host_srv_diff_host_rate",
];

/// Accepted and ignored: when the connection was seen.
const TIME: &str = "time";

/// Columns that are 0 or 1.
const BINARY: [&str; 5] = [
    "land",
    "logged_in",
    "root_shell",
    "is_host_login",
    "is_guest_login",
];

/// Why a request can't be judged. The text is fit for the client.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum RequestError {
    /// A required feature is absent.
    #[error("missing feature: {0}")]
    Missing(&'static str),
    /// A value of the wrong JSON type.
    #[error("wrong type for {field}: expected {expected}, got {got}")]
    Type {
        /// The feature.
        field: &'static str,
        /// The JSON type it should have.
        expected: &'static str,
        /// The JSON type it has.
        got: &'static str,
    },
    /// A number no such feature can have.
    #[error("{field} out of range: expected {expected}, got {got}")]
    Range {
        /// The feature.
        field: &'static str,
        /// The range.
        expected: &'static str,
        /// The number.
        got: f64,
    },
    /// A protocol or flag KDD does not know.
    #[error("unknown value for {field}: {value:?}")]
    Category {
        /// The feature.
        field: &'static str,
        /// The value.
        value: String,
    },
    /// A name that is no feature.
    #[error("unknown feature: {name}{}", .suggestion.map(|known| format!(" (did you mean {known}?)")).unwrap_or_default())]
    Unknown {
        /// The name.
        name: String,
        /// The feature whose name is nearest, if one is near.
        suggestion: Option<&'static str>,
    },
}

/// The row of [`Schema::Kdd41`] a request describes.
///
/// Rates are fractions in `0..=1` and become percent; counts lose a fractional part and saturate;
/// optional features that are absent or `null`, and a `service` KDD does not know, are
/// [`MISSING`]; `time` is ignored.
///
/// # Errors
///
/// The first of: an unknown name, a missing required feature, a value of the wrong type or range.
pub fn features_from_request(request: &Map<String, Value>) -> Result<Features, RequestError> {
    for name in request.keys() {
        if name != TIME && Schema::Kdd41.column(name).is_none() {
            return Err(RequestError::Unknown {
                name: name.clone(),
                suggestion: nearest(name),
            });
        }
    }
    let mut features = Features::missing(Schema::Kdd41);
    for (column, field) in Schema::Kdd41.columns().iter().copied().enumerate() {
        let required = REQUIRED_FEATURES.contains(&field);
        let value = match request.get(field) {
            None if required => return Err(RequestError::Missing(field)),
            None => continue,
            Some(Value::Null) if !required => continue,
            Some(value) => value,
        };
        features.set(column, column_value(field, value)?);
    }
    Ok(features)
}

fn column_value(field: &'static str, value: &Value) -> Result<u32, RequestError> {
    match field {
        "protocol_type" => {
            let name = text(field, value)?;
            name.parse()
                .map(Protocol::code)
                .map_err(|_| category(field, name))
        }
        "flag" => {
            let name = text(field, value)?;
            name.parse()
                .map(Flag::code)
                .map_err(|_| category(field, name))
        }
        "service" => Ok(Service::from_name(text(field, value)?).map_or(MISSING, Service::code)),
        _ => number(field, value),
    }
}

fn number(field: &'static str, value: &Value) -> Result<u32, RequestError> {
    let wrong = || RequestError::Type {
        field,
        expected: "a number",
        got: type_name(value),
    };
    let got = value.as_f64().ok_or_else(wrong)?;
    let range = |expected| RequestError::Range {
        field,
        expected,
        got,
    };
    if Schema::is_percent(field) {
        if !(0.0..=1.0).contains(&got) {
            return Err(range("a rate from 0 to 1"));
        }
        return Ok((got * 100.0).round() as u32);
    }
    if BINARY.contains(&field) && got != 0.0 && got != 1.0 {
        return Err(range("0 or 1"));
    }
    if !got.is_finite() || got < 0.0 {
        return Err(range("a finite number, 0 or above"));
    }
    // A float beyond u32 saturates in the cast.
    Ok((got as u32).min(MISSING - 1))
}

fn text<'a>(field: &'static str, value: &'a Value) -> Result<&'a str, RequestError> {
    value.as_str().ok_or(RequestError::Type {
        field,
        expected: "a string",
        got: type_name(value),
    })
}

fn category(field: &'static str, value: &str) -> RequestError {
    RequestError::Category {
        field,
        value: value.to_owned(),
    }
}

fn type_name(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "an array",
        Value::Object(_) => "an object",
    }
}

/// The feature with the nearest name, at most a third of whose letters differ.
fn nearest(name: &str) -> Option<&'static str> {
    // No feature name is longer than 28 letters; do not compare what a client could make huge.
    if name.len() > 64 {
        return None;
    }
    let name = name.to_ascii_lowercase().replace('-', "_");
    Schema::Kdd41
        .columns()
        .iter()
        .copied()
        .map(|known| (strsim::levenshtein(&name, known), known))
        .min()
        .filter(|(distance, known)| distance * 3 <= known.len())
        .map(|(_, known)| known)
}
