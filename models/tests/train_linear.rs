//! Support vector machines and networks: fitted, written, loaded, asked.

#![cfg(feature = "train")]
#![expect(clippy::unwrap_used, reason = "a failing unwrap is a failing test")]

mod linear;

use linear::{assembled, dataset, files, network_file, network_settings, svm_file, svm_settings};
use proptest::prelude::*;
use serde_json::Value;
use tidegate_models::{
    Class, Classifier, Explanation, Features, MISSING, Model, Schema,
    format::{ColumnEncoding, ModelFile, Parameters, log2_plus_one},
    train::{
        Balance, Dataset,
        network::{self, NetworkSettings},
        svm::{self, SvmSettings},
    },
};

#[test]
fn two_five_or_six_classes_are_learnt_and_absent_ones_have_no_share() {
    for classes in [2, 5, 6] {
        let data = dataset(classes);
        for text in files(&data) {
            let model = Model::from_json(&text).unwrap();
            let mut right = 0;
            for row in &data.rows {
                let prediction = model.predict(&row.features);
                let sum: f32 = prediction.shares.iter().sum();
                assert!((sum - 1.0).abs() < 1e-5);
                assert_eq!(&prediction.shares[classes..], &[0.0; 6][classes..]);
                // By share: the verdict of ARGMAX is never the unknown class.
                let of = |class: &usize| prediction.shares[*class];
                let greatest = (0..6).max_by(|a, b| of(a).total_cmp(&of(b)));
                right += usize::from(greatest == Some(row.class.index()));
            }
            let rows = data.rows.len();
            let kind = model.kind();
            assert!(right * 20 > rows * 19, "{kind}: {right} of {rows} right");
        }
    }
}

#[test]
fn the_same_seed_gives_the_same_bytes_and_files_rewrite_to_them() {
    let data = dataset(5);
    assert_eq!(svm_file(&data, 3), svm_file(&data, 3));
    assert_eq!(network_file(&data, 3), network_file(&data, 3));
    assert_ne!(svm_file(&data, 3), svm_file(&data, 4));
    assert_ne!(network_file(&data, 3), network_file(&data, 4));
    for (text, kind) in files(&data).into_iter().zip(["svm", "network"]) {
        let file: ModelFile = serde_json::from_str(&text).unwrap();
        assert_eq!(file.to_json().unwrap(), text);
        assert_eq!(file.parameters.kind(), kind);
        let model = Model::from_json(&text).unwrap();
        assert_eq!(model.kind(), kind);
        assert!(model.tree().is_none());
    }
}

/// The inputs of a row as the format's documentation says, in f64.
fn inputs(encodings: &[ColumnEncoding], row: &Features) -> Vec<f64> {
    let mut inputs = Vec::new();
    for encoding in encodings {
        let value = row.named(encoding.column()).unwrap();
        match encoding {
            ColumnEncoding::Log2(s) => {
                let x = (f64::from(log2_plus_one(value)) - f64::from(s.mean)) * f64::from(s.scale);
                inputs.push(x.clamp(-8.0, 8.0));
            }
            ColumnEncoding::Linear(s) => {
                let x = (f64::from(value) - f64::from(s.mean)) * f64::from(s.scale);
                inputs.push(x.clamp(-8.0, 8.0));
            }
            ColumnEncoding::OneHot(codes) => {
                let hot = |code: &u32| if *code == value { 1.0 } else { 0.0 };
                inputs.extend(codes.codes.iter().map(hot));
            }
        }
    }
    inputs
}

fn shares(classes: &[Class], scores: &[f64]) -> [f64; 6] {
    let mut shares = [0.0; 6];
    let sum: f64 = scores.iter().map(|score| score.exp()).sum();
    for (class, score) in classes.iter().zip(scores) {
        shares[class.index()] = score.exp() / sum;
    }
    shares
}

fn weighted(weights: &[f32], values: &[f64]) -> f64 {
    assert_eq!(weights.len(), values.len());
    let pairs = weights.iter().zip(values);
    pairs
        .map(|(weight, value)| f64::from(*weight) * value)
        .sum()
}

#[test]
fn shares_are_what_the_documented_formulas_give() {
    let data = dataset(5);
    for text in files(&data) {
        let model = Model::from_json(&text).unwrap();
        let file: ModelFile = serde_json::from_str(&text).unwrap();
        for row in &data.rows {
            let expected = match &file.parameters {
                Parameters::Svm(svm) => {
                    let x = inputs(&svm.encoding, &row.features);
                    let turns = |feature: usize| {
                        let rows = svm.projection.iter().zip(&x);
                        let sum: f64 = rows.map(|(row, x)| f64::from(row[feature]) * x).sum();
                        f64::from(svm.phases[feature]) / 65_536.0 + sum / 16_384.0
                    };
                    let cosines: Vec<f64> = (0..svm.phases.len())
                        .map(|feature| (std::f64::consts::TAU * turns(feature)).cos())
                        .collect();
                    let classes: Vec<Class> = svm.classes.iter().map(|of| of.class).collect();
                    let scores = svm.classes.iter().map(|of| {
                        f64::from(of.bias)
                            + weighted(&of.linear, &x)
                            + weighted(&of.fourier, &cosines)
                    });
                    shares(&classes, &scores.collect::<Vec<_>>())
                }
                Parameters::Network(network) => {
                    let mut values = inputs(&network.encoding, &row.features);
                    for (index, layer) in network.layers.iter().enumerate() {
                        let output = |output: usize| {
                            let column: Vec<f32> =
                                layer.weights.iter().map(|row| row[output]).collect();
                            f64::from(layer.biases[output]) + weighted(&column, &values)
                        };
                        let mut next: Vec<f64> = (0..layer.biases.len()).map(output).collect();
                        if index + 1 < network.layers.len() {
                            next.iter_mut().for_each(|value| *value = value.max(0.0));
                        }
                        values = next;
                    }
                    shares(&network.classes, &values)
                }
                _ => panic!("neither"),
            };
            let got = model.predict(&row.features).shares;
            for (got, expected) in got.iter().zip(expected) {
                assert!((f64::from(*got) - expected).abs() < 1e-4);
            }
        }
    }
}

#[test]
fn missing_values_and_foreign_rows_are_the_baseline_and_explanations_name_columns() {
    let data = dataset(5);
    for text in files(&data) {
        let model = Model::from_json(&text).unwrap();
        let file: Value = serde_json::from_str(&text).unwrap();
        let baseline: Vec<u32> =
            serde_json::from_value(file["parameters"][model.kind()]["baseline"].clone()).unwrap();
        let harmless = Features::from_values(Schema::Live, &baseline).unwrap();
        let expected = model.predict(&harmless);
        assert_eq!(expected.class, Class::Normal);
        assert_eq!(model.predict(&Features::missing(Schema::Live)), expected);
        assert_eq!(model.predict(&Features::missing(Schema::Kdd41)), expected);
        let dos = data.rows.iter().find(|row| row.class == Class::Dos);
        let mut dos = dos.unwrap().features;
        dos.set(0, MISSING);
        let Explanation::Contributions(found) = model.explain(&dos) else {
            panic!("no contributions");
        };
        let greatest = found[0];
        assert!(["flag", "src_bytes", "serror_rate"].contains(&greatest.column));
        assert!(greatest.weight > 0.01, "{found:?}");
        assert!(model.predict(&Features::missing(Schema::Live)).shares[0] > 0.5);
    }
}

/// Two classes that nothing tells apart, one of which weighs four times as much.
#[test]
fn weights_and_calibration_show_in_the_shares() {
    let rows = (0..1000_u32).flat_map(|i| {
        let mut values = [0; tidegate_models::LIVE_COLUMNS.len()];
        values[4] = i;
        let features = Features::from_values(Schema::Live, &values).unwrap();
        let normal = (0..16).map(move |_| (features, Class::Normal, "normal".to_owned()));
        normal.chain([(features, Class::R2l, "spy".to_owned())])
    });
    let data = Dataset::new(Schema::Live, rows);
    assert_eq!(data.weight(), 1000 * 4000 + 1000 * 1000);
    for balance in [Balance::None, Balance::Full] {
        let svm = SvmSettings {
            balance,
            ..svm_settings()
        };
        let network = NetworkSettings {
            balance,
            ..network_settings()
        };
        let svm = svm::fit(&data, &svm, 1).unwrap();
        let (network, _) = network::fit(&data, &network, 1).unwrap();
        for parameters in [Parameters::Svm(svm), Parameters::Network(network)] {
            let kind = parameters.kind();
            let text = assembled(&data, parameters).to_json().unwrap();
            let model = Model::from_json(&text).unwrap();
            for value in [100, 500, 900] {
                let mut row = data.rows[0].features;
                row.set(4, value);
                let share = model.predict(&row).shares[Class::Normal.index()];
                assert!(
                    (share - 0.8).abs() < 0.1,
                    "{kind}, balance {balance}, {value}: {share}"
                );
            }
        }
    }
}

#[test]
fn settings_that_make_no_sense_are_refused() {
    let data = dataset(2);
    let svm = |change: fn(&mut SvmSettings)| {
        let mut settings = svm_settings();
        change(&mut settings);
        svm::fit(&data, &settings, 1).unwrap_err().to_string()
    };
    assert_eq!(
        svm(|s| s.random_features = 2000),
        "random_features 2000: must be at most 1024"
    );
    assert_eq!(
        svm(|s| s.gamma = f64::NAN),
        "gamma NaN: must be above 0 and at most 1000000"
    );
    assert!(svm(|s| s.cost = -1.0).starts_with("cost -1: "));
    assert!(svm(|s| (s.random_features, s.linear) = (0, 0.0)).starts_with("linear 0: "));
    let network = |change: fn(&mut NetworkSettings)| {
        let mut settings = network_settings();
        change(&mut settings);
        network::fit(&data, &settings, 1).unwrap_err().to_string()
    };
    assert_eq!(
        network(|s| s.hidden = vec![16, 257]),
        "hidden 257: must be from 1 to 256"
    );
    assert_eq!(
        network(|s| s.hidden = vec![4; 8]),
        "hidden layers 8: must be at most 7"
    );
    assert_eq!(network(|s| s.batch = 0), "batch 0: must be at least 1");
    let one = data.filter(|_, row| row.class == Class::Dos);
    assert_eq!(
        svm::fit(&one, &svm_settings(), 1).unwrap_err().to_string(),
        "the training rows are all of one class, or there are none"
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    /// Any row of any values gets shares that sum to 1.
    #[test]
    fn any_row_is_answered(values in prop::collection::vec(any::<u32>(), tidegate_models::LIVE_COLUMNS.len())) {
        static MODELS: std::sync::LazyLock<[Model; 2]> = std::sync::LazyLock::new(|| {
            files(&dataset(3)).map(|text| Model::from_json(&text).unwrap())
        });
        let row = Features::from_values(Schema::Live, &values).unwrap();
        for model in MODELS.iter() {
            let sum: f32 = model.predict(&row).shares.iter().sum();
            prop_assert!((sum - 1.0).abs() < 1e-5);
        }
    }
}
