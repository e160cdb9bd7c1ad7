//! How the rows of each attack type were called.

use serde::{Deserialize, Serialize};

use crate::train::Attack;
use crate::{
    CLASS_COUNT, Class,
    format::{Source, Training},
};

/// The rows of one attack type, or of one scenario of a recording.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AttackRow {
    /// The type; of a recording `scenario/class`.
    pub name: String,
    /// Its class.
    pub class: Class,
    /// Whether it occurs in the model's training data; absent if that can't be told.
    pub seen: Option<bool>,
    /// How many rows it has.
    pub rows: u64,
    /// The verdicts on them, by [`Class::index`].
    pub called: [u64; CLASS_COUNT],
    /// Share of its rows whose `nearest` is its class.
    pub recall: f64,
    /// Share of its rows called an attack of any class.
    pub called_attack: f64,
}

/// What [`AttackRow`] is made of, while rows come in.
#[derive(Clone, Debug, Default)]
pub(super) struct AttackTally {
    pub(super) class: Class,
    pub(super) seen: Option<bool>,
    pub(super) called: [u64; CLASS_COUNT],
    pub(super) right: u64,
}

impl AttackTally {
    pub(super) fn finish(self, name: &str, seen: Option<bool>) -> AttackRow {
        let rows: u64 = self.called.iter().sum();
        let share = |part: u64| {
            if rows == 0 {
                0.0
            } else {
                part as f64 / rows as f64
            }
        };
        AttackRow {
            name: name.to_owned(),
            class: self.class,
            seen,
            rows,
            recall: share(self.right),
            called_attack: share(rows - self.called[Class::Normal.index()]),
            called: self.called,
        }
    }
}

/// Whether an attack type is in the training data, as far as the names of its files tell.
pub(super) fn seen(training: &Training, name: &str) -> Option<bool> {
    let kdd = |file: &str| file.starts_with("kddcup.data") || file.starts_with("KDDTrain");
    let learnt_kdd = training.sources.iter().any(|source| kdd(&source.file));
    let is_type = !name.is_empty() && !name.contains('/');
    (is_type && learnt_kdd).then(|| Attack::from_name(name).is_some_and(Attack::in_training))
}

/// Whether this very file was trained on: then all that is in it was seen.
pub(super) fn trained_on(training: &Training, source: &Source) -> bool {
    let sources = &mut training.sources.iter();
    sources.any(|known| known.sha256 == source.sha256)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[test]
    fn seen_as_far_as_file_names_tell() {
        let training = |file: &str| Training {
            sources: vec![Source {
                file: file.to_owned(),
                rows: 1,
                sha256: "ab".to_owned(),
            }],
            digest: String::new(),
            rows: 1,
            distinct_rows: 1,
            seed: 1,
            settings: BTreeMap::new(),
        };
        for file in ["kddcup.data_10_percent", "kddcup.data", "KDDTrain+.txt"] {
            assert_eq!(seen(&training(file), "smurf"), Some(true));
            assert_eq!(seen(&training(file), "normal"), Some(true));
            assert_eq!(seen(&training(file), "mscan"), Some(false));
            assert_eq!(seen(&training(file), "flood/dos"), None);
            assert_eq!(seen(&training(file), ""), None);
        }
        assert_eq!(seen(&training("live.csv"), "smurf"), None);
        let source = |sha256: &str| Source {
            file: "renamed".to_owned(),
            rows: 1,
            sha256: sha256.to_owned(),
        };
        assert!(trained_on(&training("live.csv"), &source("ab")));
        assert!(!trained_on(&training("live.csv"), &source("cd")));
    }
}
