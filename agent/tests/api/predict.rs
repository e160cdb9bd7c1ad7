//! `POST /predict`.

use proptest::prelude::*;
use serde_json::{Value, json};

use crate::support::{Fixture, syn_flood, web_request};

#[test]
fn a_row_is_judged_and_explained() {
    let fixture = Fixture::new();
    let answer = fixture.predict(json!(syn_flood()).to_string());
    assert_eq!(answer.status, 200, "{answer:?}");
    let answer = answer.json();
    assert_eq!(answer["prediction"], "dos");
    assert_eq!(answer["status"], "success");
    assert_eq!(answer["model"], "kdd41-tree");
    let confidence = answer["confidence"].as_f64().unwrap();
    assert!((0.5..=1.0).contains(&confidence), "{confidence}");
    let path = answer["path"].as_array().unwrap();
    assert_eq!(path[0], {
        let first = path[0].as_str().unwrap();
        assert!(first.starts_with("count = 250 > "), "{first}");
        first
    });
    let answer = fixture.predict(json!(web_request()).to_string()).json();
    assert_eq!(answer["prediction"], "normal");
}

#[test]
fn service_time_and_missing_optional_features_are_accepted() {
    let fixture = Fixture::predict_only();
    let mut row = web_request();
    row.insert("service".to_owned(), json!("http"));
    row.insert("time".to_owned(), json!(1_617_656_527));
    row.insert("num_root".to_owned(), Value::Null);
    let answer = fixture.predict(json!(row).to_string());
    assert_eq!(answer.status, 200, "{answer:?}");
}

#[test]
fn a_missing_required_feature_is_named() {
    let fixture = Fixture::predict_only();
    for feature in ["flag", "count", "dst_host_srv_diff_host_rate"] {
        let mut row = web_request();
        row.remove(feature);
        let error = fixture.predict(json!(row).to_string()).failed(400);
        assert_eq!(error, format!("missing feature: {feature}"));
    }
}

#[test]
fn what_is_no_row_is_refused_in_the_promised_shape() {
    let fixture = Fixture::predict_only();
    let nan = json!(web_request()).to_string().replace("181", "NaN");
    let huge = json!(web_request()).to_string().replace("181", "1e999");
    let text = json!(web_request()).to_string().replace("181", "\"many\"");
    let deep = "[".repeat(5_000);
    let long = format!("{{\"{}\":1}}", "x".repeat(5_000));
    for (body, word) in [
        ("", "no JSON"),
        ("hello", "no JSON"),
        ("{\"duration\":", "no JSON"),
        (nan.as_str(), "no JSON"),
        (huge.as_str(), "no JSON"),
        (deep.as_str(), "no JSON"),
        ("7", "JSON object"),
        ("null", "JSON object"),
        ("\"row\"", "JSON object"),
        (text.as_str(), "src_bytes"),
        (long.as_str(), "unknown feature"),
    ] {
        let error = fixture.predict(body).failed(400);
        assert!(error.contains(word), "{body:.60}: {error}");
        assert!(error.len() < 2_000, "the error repeats the request");
    }
    let error = fixture.predict([0xff, 0xfe, 0x00]).failed(400);
    assert!(error.contains("no JSON"), "{error}");
}

#[test]
fn an_array_gives_an_array() {
    let fixture = Fixture::predict_only();
    let rows = json!([web_request(), syn_flood()]);
    let answers = fixture.predict(rows.to_string()).json();
    let classes: Vec<_> = answers
        .as_array()
        .unwrap()
        .iter()
        .map(|answer| answer["prediction"].as_str().unwrap())
        .collect();
    assert_eq!(classes, ["normal", "dos"]);
    assert_eq!(fixture.predict("[]").json(), json!([]));
    let error = fixture
        .predict(json!([web_request(), {}]).to_string())
        .failed(400);
    assert_eq!(error, "row 1: missing feature: duration");
    let many = json!(vec![1; 1_025]).to_string();
    let error = fixture.predict(many).failed(400);
    assert!(error.contains("at most 1024"), "{error}");
}

#[test]
fn more_than_a_mebibyte_is_refused() {
    let fixture = Fixture::predict_only();
    let mut row = json!(web_request()).to_string();
    // White space is JSON: exactly the limit is fine.
    row.push_str(&" ".repeat((1 << 20) - row.len()));
    assert_eq!(fixture.predict(&row).status, 200);
    row.push(' ');
    let error = fixture.predict(&row).failed(413);
    assert!(error.contains("1 MiB"), "{error}");
    // The client sees the answer even if it sends all of a larger one first.
    let error = fixture.predict(" ".repeat(5 << 20)).failed(413);
    assert!(error.contains("1 MiB"), "{error}");
}

#[test]
fn other_methods_are_refused_in_the_same_shape() {
    let fixture = Fixture::predict_only();
    let answer = fixture.get("/predict");
    answer.failed(405);
    assert!(answer.head.contains("allow: post"), "{answer:?}");
}

#[test]
fn random_bodies_never_break_the_server() {
    let fixture = Fixture::predict_only();
    let mut runner = proptest::test_runner::TestRunner::new(ProptestConfig {
        cases: 200,
        failure_persistence: None,
        ..ProptestConfig::default()
    });
    let names: Vec<_> = web_request().keys().cloned().collect();
    let value = prop_oneof![
        any::<f64>().prop_map(|x| json!(x)),
        any::<i64>().prop_map(|x| json!(x)),
        ".*".prop_map(|x| json!(x)),
        Just(Value::Null),
        Just(json!([])),
    ];
    let strategy = (proptest::sample::select(names), value);
    runner
        .run(&strategy, |(name, value)| {
            let mut row = web_request();
            row.insert(name, value);
            let answer = fixture.predict(json!(row).to_string());
            match answer.status {
                200 => prop_assert!(answer.json()["prediction"].is_string()),
                _ => prop_assert!(!answer.failed(400).is_empty()),
            }
            Ok(())
        })
        .unwrap();
}
