//! What `/predict` accepts, refuses and answers.

#![expect(clippy::unwrap_used, reason = "a failing unwrap is a failing test")]

use serde_json::{Map, Value, json};
use tidegate_models::{
    Class, Classifier, Explanation, MISSING, Model, REQUIRED_FEATURES, RequestError, Schema,
    features_from_request,
};

/// An ordinary web request, as clients of the predecessor send it.
fn ordinary() -> Map<String, Value> {
    let text = r#"{"duration":0,"protocol_type":"tcp","flag":"SF","src_bytes":181,"dst_bytes":5450,"land":0,
        "wrong_fragment":0,"urgent":0,"hot":0,"num_failed_logins":0,"logged_in":1,"num_compromised":0,
        "root_shell":0,"su_attempted":0,"num_file_creations":0,"num_shells":0,"num_access_files":0,
        "is_guest_login":0,"count":8,"srv_count":8,"serror_rate":0.0,"rerror_rate":0.0,"same_srv_rate":1.0,
        "diff_srv_rate":0.0,"srv_diff_host_rate":0.0,"dst_host_count":9,"dst_host_srv_count":9,
        "dst_host_same_srv_rate":1.0,"dst_host_diff_srv_rate":0.0,"dst_host_same_src_port_rate":0.11,
        "dst_host_srv_diff_host_rate":0.0,"time":1617656527}"#;
    serde_json::from_str(text).unwrap()
}

fn with(name: &str, value: Value) -> Map<String, Value> {
    let mut request = ordinary();
    request.insert(name.to_owned(), value);
    request
}

fn refusal(request: &Map<String, Value>) -> String {
    features_from_request(request).unwrap_err().to_string()
}

#[test]
fn an_ordinary_request_is_normal() {
    let model = Model::shipped(Schema::Kdd41).unwrap();
    let features = features_from_request(&ordinary()).unwrap();
    let prediction = model.predict(&features);
    assert_eq!(prediction.class, Class::Normal);
    assert!(prediction.confidence > 0.9, "{prediction:?}");
}

#[test]
fn a_syn_flood_is_dos_and_its_path_says_why() {
    let mut request = ordinary();
    for (name, value) in [
        ("flag", json!("S0")),
        ("src_bytes", json!(0)),
        ("dst_bytes", json!(0)),
        ("logged_in", json!(0)),
        ("count", json!(250)),
        ("srv_count", json!(12)),
        ("serror_rate", json!(1.0)),
        ("srv_serror_rate", json!(1.0)),
        ("same_srv_rate", json!(0.05)),
        ("diff_srv_rate", json!(0.06)),
        ("dst_host_count", json!(255)),
        ("dst_host_srv_count", json!(12)),
        ("dst_host_same_srv_rate", json!(0.05)),
        ("dst_host_diff_srv_rate", json!(0.06)),
        ("dst_host_same_src_port_rate", json!(0)),
        ("dst_host_serror_rate", json!(1.0)),
        ("dst_host_srv_serror_rate", json!(1.0)),
        ("service", json!("private")),
    ] {
        request.insert(name.to_owned(), value);
    }
    let model = Model::shipped(Schema::Kdd41).unwrap();
    let features = features_from_request(&request).unwrap();
    assert_eq!(model.predict(&features).class, Class::Dos);
    let Explanation::Path(path) = model.explain(&features) else {
        panic!("the shipped model is no tree");
    };
    assert!(!path.is_empty());
    let last = path.last().unwrap();
    assert_eq!(
        last.counts_after.iter().max(),
        Some(&last.counts_after[Class::Dos.index()])
    );
}

#[test]
fn every_required_feature_is_required_and_named() {
    for name in REQUIRED_FEATURES {
        let mut request = ordinary();
        request.remove(name);
        assert_eq!(refusal(&request), format!("missing feature: {name}"));
    }
}

#[test]
fn values_become_the_columns_integers() {
    let mut request = with("service", json!("http"));
    request.insert("dst_host_same_src_port_rate".to_owned(), json!(0.115));
    request.insert("duration".to_owned(), json!(2.9));
    request.insert("src_bytes".to_owned(), json!(1e12));
    let features = features_from_request(&request).unwrap();
    assert_eq!(features.named("dst_host_same_src_port_rate"), Some(12));
    assert_eq!(features.named("duration"), Some(2));
    assert_eq!(features.named("src_bytes"), Some(MISSING - 1));
    assert_eq!(features.named("service"), Some(33));
    assert_eq!(features.named("same_srv_rate"), Some(100));
    assert_eq!(features.named("srv_serror_rate"), None);
}

#[test]
fn unknown_services_and_nulls_are_missing() {
    assert_eq!(
        features_from_request(&with("service", json!("quic")))
            .unwrap()
            .named("service"),
        None
    );
    assert_eq!(
        features_from_request(&with("num_root", Value::Null))
            .unwrap()
            .named("num_root"),
        None
    );
    assert_eq!(
        refusal(&with("service", json!(80))),
        "wrong type for service: expected a string, got a number"
    );
}

#[test]
fn bad_values_are_refused_by_name() {
    for (name, value, message) in [
        (
            "count",
            json!("8"),
            "wrong type for count: expected a number, got a string",
        ),
        (
            "count",
            Value::Null,
            "wrong type for count: expected a number, got null",
        ),
        (
            "land",
            json!(true),
            "wrong type for land: expected a number, got a boolean",
        ),
        (
            "flag",
            json!(3),
            "wrong type for flag: expected a string, got a number",
        ),
        (
            "serror_rate",
            json!(1.01),
            "serror_rate out of range: expected a rate from 0 to 1, got 1.01",
        ),
        (
            "serror_rate",
            json!(-0.1),
            "serror_rate out of range: expected a rate from 0 to 1, got -0.1",
        ),
        (
            "count",
            json!(-1),
            "count out of range: expected a finite number, 0 or above, got -1",
        ),
        (
            "logged_in",
            json!(2),
            "logged_in out of range: expected 0 or 1, got 2",
        ),
        (
            "protocol_type",
            json!("sctp"),
            "unknown value for protocol_type: \"sctp\"",
        ),
        ("flag", json!("sf"), "unknown value for flag: \"sf\""),
    ] {
        assert_eq!(refusal(&with(name, value)), message);
    }
}

#[test]
fn unknown_names_are_refused_with_a_suggestion() {
    assert_eq!(
        refusal(&with("src_byte", json!(1))),
        "unknown feature: src_byte (did you mean src_bytes?)"
    );
    assert_eq!(
        refusal(&with("Dst-Bytes", json!(1))),
        "unknown feature: Dst-Bytes (did you mean dst_bytes?)"
    );
    assert_eq!(
        features_from_request(&with("colour", json!(1))).unwrap_err(),
        RequestError::Unknown {
            name: "colour".to_owned(),
            suggestion: None
        }
    );
    assert!(refusal(&with(&"x".repeat(100_000), json!(1))).starts_with("unknown feature: x"));
}
