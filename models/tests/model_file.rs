//! Model files load whole or fail with one clear line.

#![expect(clippy::unwrap_used, reason = "a failing unwrap is a failing test")]

use std::fs;

use proptest::prelude::*;
use serde_json::{Value, json};
use tidegate_models::{
    Classifier, Features, LIVE_COLUMNS, Model, SHIPPED_KDD41, SHIPPED_LIVE, Schema,
    format::ModelFile,
};

fn shipped() -> Value {
    serde_json::from_str(SHIPPED_KDD41).unwrap()
}

/// The error of the shipped model after a change.
fn broken(change: impl FnOnce(&mut Value)) -> String {
    let mut file = shipped();
    change(&mut file);
    let message = Model::from_json(&file.to_string()).unwrap_err().to_string();
    assert!(!message.contains('\n'), "one line: {message}");
    message
}

#[test]
fn the_shipped_models_load_and_rewrite_to_the_same_bytes() {
    for (schema, name, text) in [
        (Schema::Kdd41, "kdd41-tree", SHIPPED_KDD41),
        (Schema::Live, "live-forest", SHIPPED_LIVE),
    ] {
        let model = Model::shipped(schema).unwrap();
        assert_eq!(model.schema(), schema);
        assert_eq!(model.name(), name);
        assert_eq!(model.digest().len(), 64);
        let file: ModelFile = serde_json::from_str(text).unwrap();
        assert_eq!(file.to_json().unwrap(), text);
    }
}

#[test]
fn truncated_anywhere_is_an_error_with_its_place() {
    let text = SHIPPED_KDD41;
    for end in (0..text.len() - 2).step_by(97) {
        assert!(text.is_char_boundary(end));
        let message = Model::from_json(&text[..end]).unwrap_err().to_string();
        assert!(
            message.starts_with("model: truncated: the text ends at line "),
            "{end}: {message}"
        );
    }
}

#[test]
fn a_missing_file_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("none.json");
    let message = Model::load(&path).unwrap_err().to_string();
    assert!(
        message.starts_with(&format!("{}: cannot be read: ", path.display())),
        "{message}"
    );
    fs::write(&path, "{").unwrap();
    let message = Model::load(&path).unwrap_err().to_string();
    assert!(
        message.starts_with(&format!("{}: truncated", path.display())),
        "{message}"
    );
    fs::write(&path, SHIPPED_KDD41).unwrap();
    assert_eq!(
        Model::load(&path).unwrap().digest(),
        Model::shipped(Schema::Kdd41).unwrap().digest()
    );
}

#[test]
fn a_file_too_large_for_a_model_is_not_read_whole() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("huge.json");
    // Sparse: it takes no room on the disk.
    fs::File::create(&path).unwrap().set_len(1 << 40).unwrap();
    let message = Model::load(&path).unwrap_err().to_string();
    assert_eq!(
        message,
        format!(
            "{}: larger than a model may be (67108864 bytes)",
            path.display()
        )
    );
}

#[test]
fn another_version_is_named_before_anything_else() {
    let message = broken(|file| {
        file["format_version"] = json!(7);
        file["from_the_future"] = json!(true);
    });
    assert_eq!(
        message,
        "model: unknown format version 7 (this build reads 2)"
    );
}

#[test]
fn unknown_fields_are_refused() {
    let message = broken(|file| file["nodse"] = json!([]));
    assert!(message.contains("unknown field `nodse`"), "{message}");
    let message = broken(|file| file["parameters"]["tree"][0]["x"] = json!(1));
    assert!(message.contains("unknown field `x`"), "{message}");
}

#[test]
fn broken_trees_are_refused_by_node() {
    assert_eq!(
        broken(|file| file["parameters"]["tree"] = json!([])),
        "model: the tree has no nodes"
    );
    assert_eq!(
        broken(|file| file["parameters"]["tree"][1]["l"] = json!(0)),
        "model: node 1: child 0 does not come after it"
    );
    assert_eq!(
        broken(|file| file["parameters"]["tree"][1]["r"] = json!(1)),
        "model: node 1: child 1 does not come after it"
    );
    assert!(
        broken(|file| file["parameters"]["tree"][0]["r"] = json!(1_000_000))
            .contains("child 1000000 does not exist")
    );
    assert_eq!(
        broken(|file| file["parameters"]["tree"][0]["c"] = json!(41)),
        "model: node 0: column 41 is out of range (the schema has 41)"
    );
    assert_eq!(
        broken(|file| file["parameters"]["tree"][0]["t"] = json!(u32::MAX - 1)),
        "model: node 0: its threshold lets every value pass"
    );
    assert_eq!(
        broken(|file| file["parameters"]["tree"][0]["n"][0] = json!(1)),
        "model: node 0: its class counts are not the sum of its children's"
    );
    assert_eq!(
        broken(|file| {
            file["parameters"]["tree"][0]
                .as_object_mut()
                .unwrap()
                .remove("l");
        }),
        "model: node 0: neither a whole decision (c, t, l, r) nor a leaf"
    );
    assert!(
        broken(|file| {
            let leaf = json!({"n": [1, 0, 0, 0, 0, 0], "w": [1, 0, 0, 0, 0, 0]});
            file["parameters"]["tree"]
                .as_array_mut()
                .unwrap()
                .push(leaf);
        })
        .ends_with(": 0 parents instead of one")
    );
}

#[test]
fn a_chain_deeper_than_the_limit_is_refused() {
    let message = broken(|file| {
        let nodes: Vec<Value> = (0..70_u64)
            .flat_map(|level| {
                let (at, rows) = (2 * level, 71 - level);
                [
                    json!({"c": 0, "t": level, "l": at + 1, "r": at + 2, "n": [rows, 0, 0, 0, 0, 0], "w": [rows, 0, 0, 0, 0, 0]}),
                    json!({"n": [1, 0, 0, 0, 0, 0], "w": [1, 0, 0, 0, 0, 0]}),
                ]
            })
            .chain([json!({"n": [1, 0, 0, 0, 0, 0], "w": [1, 0, 0, 0, 0, 0]})])
            .collect();
        file["parameters"]["tree"] = Value::Array(nodes);
    });
    assert_eq!(message, "model: node 129: deeper than 64 decisions");
}

#[test]
fn golden_vectors_are_run() {
    let message = broken(|file| {
        let class = if file["golden"][3]["class"] == "dos" {
            "probe"
        } else {
            "dos"
        };
        file["golden"][3]["class"] = json!(class);
    });
    assert!(
        message.starts_with("model: golden vector 3: mismatch, expected "),
        "{message}"
    );
    let message = broken(|file| {
        let ppm = file["golden"][5]["confidence_ppm"].as_u64().unwrap();
        file["golden"][5]["confidence_ppm"] = json!(ppm - 1);
    });
    assert!(
        message.starts_with("model: golden vector 5: mismatch"),
        "{message}"
    );
    let message = broken(|file| {
        file["golden"][0]["values"].as_array_mut().unwrap().pop();
    });
    assert_eq!(message, "model: golden vector 0: 40 values instead of 41");
    let message = broken(|file| file["golden"].as_array_mut().unwrap().truncate(15));
    assert_eq!(message, "model: 15 golden vectors, fewer than 16");
}

#[test]
fn another_vocabulary_is_refused() {
    assert_eq!(
        broken(|file| file["classes"].as_array_mut().unwrap().swap(0, 1)),
        "model: its classes are not those of this build"
    );
    assert_eq!(
        broken(|file| file["preprocessing"]["service"]
            .as_array_mut()
            .unwrap()
            .swap(0, 1)),
        "model: its service names are not those of this build"
    );
    assert_eq!(
        broken(|file| file["schema"] = json!("live")),
        "model: its columns are not those of this build"
    );
}

/// A model that asks no column keyed by host.
const KDD_COLUMNS_ONLY: &str = include_str!("../trained/live-kdd-forest.json");

/// That model as it was before these columns were appended, and the error after a change.
fn narrow(change: impl FnOnce(&mut Value)) -> Result<Model, String> {
    let mut file: Value = serde_json::from_str(KDD_COLUMNS_ONLY).unwrap();
    file["parameters"]["forest"]["baseline"]
        .as_array_mut()
        .unwrap()
        .truncate(33);
    file["preprocessing"]["columns"]
        .as_array_mut()
        .unwrap()
        .truncate(33);
    for golden in file["golden"].as_array_mut().unwrap() {
        golden["values"].as_array_mut().unwrap().truncate(33);
    }
    change(&mut file);
    Model::from_json(&file.to_string()).map_err(|error| error.to_string())
}

#[test]
fn a_file_of_fewer_columns_answers_as_before() {
    let model = narrow(|_| ()).unwrap();
    let file: ModelFile = serde_json::from_str(KDD_COLUMNS_ONLY).unwrap();
    for golden in &file.golden {
        let mut row = golden.row();
        row.resize(LIVE_COLUMNS.len(), 77);
        let row = Features::from_values(Schema::Live, &row).unwrap();
        assert_eq!(model.predict(&row).class, golden.class);
    }
    let columns = |width: usize| {
        narrow(|file| {
            file["preprocessing"]["columns"]
                .as_array_mut()
                .unwrap()
                .truncate(width);
        })
    };
    assert_eq!(
        columns(32).unwrap_err(),
        "model: its columns are not those of this build"
    );
    let error = narrow(|file| file["preprocessing"]["columns"][32] = json!("other"));
    assert_eq!(
        error.unwrap_err(),
        "model: its columns are not those of this build"
    );
    let error = narrow(|file| file["parameters"]["forest"]["trees"][0][0][0] = json!(33));
    assert_eq!(
        error.unwrap_err(),
        "model: it asks column src_packets_2s, which is not among its own 33"
    );
    let error = narrow(|file| {
        file["golden"][3]["values"]
            .as_array_mut()
            .unwrap()
            .push(json!(1));
    });
    assert_eq!(
        error.unwrap_err(),
        "model: golden vector 3: 34 values instead of 33"
    );
}

proptest! {
    /// Whatever a line is replaced with, loading answers, and an accepted model can be asked.
    #[test]
    fn damaged_text_never_panics(line in 0_usize..400, junk in "[\\[\\]{}\",:0-9a-z-]{0,12}") {
        let mut lines: Vec<&str> = SHIPPED_KDD41.lines().collect();
        let at = line % lines.len();
        lines[at] = &junk;
        if let Ok(model) = Model::from_json(&lines.join("\n")) {
            model.predict(&Features::missing(Schema::Kdd41));
        }
    }
}
