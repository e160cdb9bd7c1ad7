//! How long a client goes on is nothing that the shipped live models judge it by (docs/decisions/0035).

#![expect(clippy::unwrap_used, reason = "a failing unwrap is a failing test")]

mod trained;

use tidegate_models::{
    Classifier as _, Features, MISSING, Model, Schema,
    format::{ForestNode, ModelFile, Parameters},
};

/// What grows, with a value that some seconds of a busy client reach.
const GROWS: [(&str, u32); 6] = [
    ("src_conns_60s", 400),
    ("src_conns_600s", 400),
    ("pair_conns_60s", 400),
    ("pair_conns_600s", 400),
    ("src_packets", 2000),
    ("dst_packets", 2000),
];

#[test]
fn after_hours_a_client_is_judged_as_after_seconds() {
    let mut judged = 0;
    for (path, text) in trained::trained() {
        let file: ModelFile = serde_json::from_str(&text).unwrap();
        if !["live-forest", "live-tree"].contains(&file.name.as_str()) {
            continue;
        }
        let model = Model::from_json(&text).unwrap();
        for golden in &file.widen().unwrap().golden {
            let mut seconds = Features::from_values(Schema::Live, &golden.row()).unwrap();
            let mut hours = seconds;
            for (name, value) in GROWS {
                let column = Schema::Live.column(name).unwrap();
                seconds.set(column, value);
                hours.set(column, MISSING - 1);
            }
            assert_eq!(model.predict(&seconds), model.predict(&hours), "{path:?}");
            judged += 1;
        }
    }
    assert!(judged >= 16, "{judged}");
}

#[test]
fn no_tree_of_the_forest_asks_for_more() {
    let (_, text) = trained::trained()
        .into_iter()
        .find(|(path, _)| path.ends_with("live-forest.json"))
        .unwrap();
    let file: ModelFile = serde_json::from_str(&text).unwrap();
    let Parameters::Forest(forest) = &file.widen().unwrap().parameters else {
        panic!("a forest");
    };
    let mut asked = 0;
    for node in forest.trees.iter().flatten() {
        let ForestNode::Split([column, threshold, _]) = node else {
            continue;
        };
        for (name, most) in GROWS {
            if Schema::Live.column(name) == Some(*column as usize) {
                assert!(*threshold < most, "{name} > {threshold}");
                asked += 1;
            }
        }
    }
    assert!(asked > 0, "the columns are used");
}
