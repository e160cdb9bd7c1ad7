//! Damaged files of support vector machines and networks.

#![cfg(feature = "train")]
#![expect(clippy::unwrap_used, reason = "a failing unwrap is a failing test")]

mod linear;

use linear::{dataset, files};
use proptest::prelude::*;
use serde_json::{Value, json};
use tidegate_models::{Classifier as _, Features, Model, Schema};

/// The error of a model file after a change to its parameters.
fn broken(text: &str, change: impl FnOnce(&mut Value)) -> String {
    let mut file: Value = serde_json::from_str(text).unwrap();
    let kind = file["parameters"].as_object().unwrap();
    let kind = kind.keys().next().unwrap().clone();
    change(&mut file["parameters"][&kind]);
    let message = Model::from_json(&file.to_string()).unwrap_err().to_string();
    assert!(!message.contains('\n'), "one line: {message}");
    message
}

#[test]
fn wrong_parameters_are_refused_by_name() {
    let [svm, network] = files(&dataset(5));
    for text in [&svm, &network] {
        assert_eq!(
            broken(text, |p| {
                p["baseline"].as_array_mut().unwrap().pop();
            }),
            format!(
                "model: the baseline is no whole row of {} columns",
                tidegate_models::LIVE_COLUMNS.len()
            )
        );
        assert_eq!(
            broken(text, |p| p["encoding"] = json!([])),
            "model: the encoding has 0 inputs: must be 1 to 512"
        );
        assert!(
            broken(text, |p| p["x"] = json!(1)).contains("unknown field `x`"),
            "a field too many"
        );
        // What serde_json writes for NaN.
        assert!(broken(text, |p| p["encoding"][0] = json!(null)).starts_with("model: not a model"));
    }
    assert_eq!(
        broken(&svm, |p| {
            p["projection"][2].as_array_mut().unwrap().pop();
        }),
        "model: the projection's input 2: 39 numbers instead of 40"
    );
    assert_eq!(
        broken(&svm, |p| {
            p["projection"].as_array_mut().unwrap().pop();
        })
        .split(": ")
        .nth(1),
        Some("the projection's inputs")
    );
    assert_eq!(
        broken(&svm, |p| p["classes"].as_array_mut().unwrap().swap(0, 1)),
        "model: the classes must be in order, each once, and at least one"
    );
    assert_eq!(
        broken(&svm, |p| {
            p["classes"][1]["fourier"].as_array_mut().unwrap().pop();
        }),
        "model: class dos, fourier: 39 numbers instead of 40"
    );
    // Too great for an f32: it would be infinite.
    for number in [1e39, 3e38] {
        assert_eq!(
            broken(&svm, |p| p["classes"][0]["linear"][0] = json!(number)),
            "model: class normal: a weight is not finite, or too large"
        );
        assert_eq!(
            broken(&network, |p| p["layers"][1]["weights"][0][0] =
                json!(number)),
            "model: layer 1: a weight is not finite, or too large"
        );
    }
    assert!(
        broken(&network, |p| p["layers"][0]["biases"][0] = json!(null))
            .starts_with("model: not a model")
    );
    assert_eq!(
        broken(&network, |p| {
            p["layers"][1]["weights"].as_array_mut().unwrap().pop();
        }),
        "model: layer 1: its weights are not 16 rows of 8"
    );
    assert_eq!(
        broken(&network, |p| {
            p["classes"].as_array_mut().unwrap().pop();
        }),
        "model: layer 2: 5 outputs: must be 1 to 256, or one a class in the last"
    );
    assert_eq!(
        broken(&network, |p| p["layers"] = json!([])),
        "model: 0 layers: must be 1 to 8"
    );
}

#[test]
fn truncated_files_are_refused_with_their_place() {
    for text in files(&dataset(2)) {
        for end in (0..text.len() - 2).step_by(211) {
            let message = Model::from_json(&text[..end]).unwrap_err().to_string();
            // A number that ends before its digits do is none.
            let in_number = text[..end].ends_with(['-', '.', 'e']);
            assert!(
                message.starts_with("model: truncated: the text ends at line ") || in_number,
                "{end}: {message}"
            );
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    /// Whatever a line is replaced with, loading answers, and an accepted model's shares are
    /// numbers.
    #[test]
    fn damaged_text_never_panics(line in 0_usize..10_000, junk in "[\\[\\]{}\",:0-9a-z-]{0,12}") {
        static FILES: std::sync::LazyLock<[String; 2]> =
            std::sync::LazyLock::new(|| files(&dataset(3)));
        for text in FILES.iter() {
            let mut lines: Vec<&str> = text.lines().collect();
            let at = line % lines.len();
            lines[at] = &junk;
            if let Ok(model) = Model::from_json(&lines.join("\n")) {
                let shares = model.predict(&Features::missing(Schema::Live)).shares;
                prop_assert!(shares.iter().all(|share| share.is_finite()));
            }
        }
    }
}
