//! A prediction allocates nothing.

#![expect(clippy::unwrap_used, reason = "a failing unwrap is a failing test")]

mod trained;

use allocation_counter::measure;
use tidegate_models::{Classifier as _, Costs, Features, Model, Schema, format::ModelFile};

#[test]
fn no_shipped_model_allocates_to_predict() {
    let mut models = 0;
    for (name, text) in trained::trained() {
        let model = Model::from_json(&text).unwrap();
        let file: ModelFile = serde_json::from_str(&text).unwrap();
        // Whole rows, rows with missing values, and one of another schema.
        let mut rows: Vec<_> = file
            .golden
            .iter()
            .map(|golden| Features::from_values(file.schema, &golden.row()).unwrap())
            .collect();
        rows.extend(Schema::ALL.map(Features::missing));
        let mut predictions = vec![Costs::ARGMAX.decide([0.0; 6]); rows.len()];
        let one_by_one = measure(|| {
            for (row, prediction) in rows.iter().zip(&mut predictions) {
                *prediction = model.predict(row);
            }
        });
        let together = measure(|| model.predict_batch(&rows, &mut predictions));
        assert_eq!(
            (one_by_one.count_total, together.count_total),
            (0, 0),
            "{name}"
        );
        models += 1;
    }
    assert!(models >= 2, "{models} models");
}

#[test]
fn the_counter_counts() {
    let counted = measure(|| drop(std::hint::black_box(vec![1_u8; 100])));
    assert_eq!(counted.count_total, 1);
}
