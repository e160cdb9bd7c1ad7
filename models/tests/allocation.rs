//! A prediction allocates nothing.

#![expect(clippy::unwrap_used, reason = "a failing unwrap is a failing test")]

mod trained;

use std::sync::Arc;

use allocation_counter::measure;
use tidegate_models::{CachedModel, Classifier, Costs, Features, Model, Schema, format::ModelFile};

fn no_allocation(classifier: &dyn Classifier, rows: &[Features]) {
    let mut predictions = vec![Costs::ARGMAX.decide([0.0; 6]); rows.len()];
    let one_by_one = measure(|| {
        for (row, prediction) in rows.iter().zip(&mut predictions) {
            *prediction = classifier.predict(row);
        }
    });
    let together = measure(|| classifier.predict_batch(rows, &mut predictions));
    assert_eq!(
        (one_by_one.count_total, together.count_total),
        (0, 0),
        "{}",
        classifier.name()
    );
}

#[test]
fn no_shipped_model_allocates_to_predict() {
    let mut models = 0;
    for (_, text) in trained::trained() {
        let model = Model::from_json(&text).unwrap();
        let file: ModelFile = serde_json::from_str(&text).unwrap();
        let file = file.widen().unwrap();
        // Whole rows, rows with missing values, and one of another schema.
        let mut rows: Vec<_> = file
            .golden
            .iter()
            .map(|golden| Features::from_values(file.schema, &golden.row()).unwrap())
            .collect();
        rows.extend(Schema::ALL.map(Features::missing));
        no_allocation(&model, &rows);
        let mut cached = CachedModel::new(Arc::new(model));
        let again = measure(|| {
            // Often enough that predictions are kept.
            for row in rows.iter().cycle().take(20 * rows.len()) {
                cached.predict(row);
            }
        });
        assert_eq!(again.count_total, 0);
        models += 1;
    }
    assert!(models >= 2, "{models} models");
}

/// Whichever kinds are shipped.
#[cfg(feature = "train")]
#[test]
fn no_machine_or_network_allocates_to_predict() {
    use tidegate_models::{
        Class, LIVE_COLUMNS, Network, Svm,
        train::{
            Dataset,
            network::{self, NetworkSettings},
            svm::{self, SvmSettings},
        },
    };

    let rows = (0..100).map(|i| {
        let mut values = [0; LIVE_COLUMNS.len()];
        values[4] = i;
        let class = if i < 50 { Class::Normal } else { Class::Dos };
        let features = Features::from_values(Schema::Live, &values).unwrap();
        (features, class, class.to_string())
    });
    let data = Dataset::new(Schema::Live, rows);
    let svm = svm::fit(&data, &SvmSettings::default(), 1).unwrap();
    let svm = Svm::new(data.schema, "svm", Costs::ARGMAX, &svm).unwrap();
    let (network, _) = network::fit(&data, &NetworkSettings::default(), 1).unwrap();
    let network = Network::new(data.schema, "network", Costs::ARGMAX, &network).unwrap();
    let mut rows = Schema::ALL.map(Features::missing).to_vec();
    rows.extend(data.rows.iter().map(|row| row.features));
    no_allocation(&svm, &rows);
    no_allocation(&network, &rows);
}

#[test]
fn the_counter_counts() {
    let counted = measure(|| drop(std::hint::black_box(vec![1_u8; 100])));
    assert_eq!(counted.count_total, 1);
}
