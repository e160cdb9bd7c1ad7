//! Small data for support vector machines and networks, and the files of both.

use tidegate_models::{
    Class, Costs, Features, Flag, LIVE_COLUMNS, OperatingPoint, Schema,
    format::{ModelFile, Parameters},
    train::{
        Assembly, Dataset, assemble,
        network::{self, NetworkSettings},
        svm::{self, SvmSettings},
    },
};

/// Rows of the first `classes` classes, each its own corner of bytes, count, flag and rate.
pub(crate) fn dataset(classes: usize) -> Dataset {
    let rows = (0..60 * classes as u32).map(|i| {
        let class = Class::ALL[i as usize % classes];
        let mut values = [0; LIVE_COLUMNS.len()];
        values[2] = 10 + i % 3;
        values[3] = Flag::ALL[i as usize % classes % 2].code();
        values[4] = (1 << (2 * class.index())) + i / 7;
        values[9] = 1 + i % 11;
        values[11] = [0, 100, 50][class.index() % 3];
        let features = Features::from_values(Schema::Live, &values).unwrap();
        (features, class, class.to_string())
    });
    Dataset::new(Schema::Live, rows)
}

pub(crate) fn svm_settings() -> SvmSettings {
    SvmSettings {
        random_features: 40,
        ..SvmSettings::default()
    }
}

pub(crate) fn network_settings() -> NetworkSettings {
    NetworkSettings {
        hidden: vec![16, 8],
        batch: 8,
        rate: 0.01,
        ..NetworkSettings::default()
    }
}

pub(crate) fn assembled(data: &Dataset, parameters: Parameters) -> ModelFile {
    let assembly = Assembly {
        name: "test".to_owned(),
        sources: Vec::new(),
        seed: 5,
        settings: svm_settings().settings(),
        validation: None,
        decisions: vec![OperatingPoint {
            name: "argmax".to_owned(),
            costs: Costs::ARGMAX,
        }],
    };
    assemble(data, parameters, assembly).unwrap()
}

pub(crate) fn svm_file(data: &Dataset, seed: u64) -> String {
    let parameters = svm::fit(data, &svm_settings(), seed).unwrap();
    assembled(data, Parameters::Svm(parameters))
        .to_json()
        .unwrap()
}

pub(crate) fn network_file(data: &Dataset, seed: u64) -> String {
    let (parameters, curve) = network::fit(data, &network_settings(), seed).unwrap();
    assert!(!curve.is_empty() && curve[0].epoch == 1);
    assembled(data, Parameters::Network(parameters))
        .to_json()
        .unwrap()
}

pub(crate) fn files(data: &Dataset) -> [String; 2] {
    [svm_file(data, 1), network_file(data, 1)]
}
