//! What others reached on the same test files.

use serde::{Deserialize, Serialize};

/// A result to compare with.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Published {
    /// What and by whom.
    pub name: String,
    /// `published`, or `reference` for a run of a common library with the same data.
    pub origin: String,
    /// Contest cost.
    pub kdd_cost: Option<f64>,
    /// Share of normal rows called an attack.
    pub false_positive_rate: Option<f64>,
    /// Share of right classes.
    pub accuracy: Option<f64>,
    /// Share rightly told normal or attack.
    pub binary_accuracy: Option<f64>,
}

/// The results known for a test file.
pub(super) fn published(file: &str) -> Vec<Published> {
    let row = |name: &str, origin: &str| Published {
        name: name.to_owned(),
        origin: origin.to_owned(),
        kdd_cost: None,
        false_positive_rate: None,
        accuracy: None,
        binary_accuracy: None,
    };
    let scored = |name, origin, kdd_cost, accuracy| Published {
        kdd_cost: Some(kdd_cost),
        accuracy,
        ..row(name, origin)
    };
    let binary = |name, binary_accuracy| Published {
        binary_accuracy: Some(binary_accuracy),
        ..row(name, "published")
    };
    match file {
        "corrected" => vec![
            Published {
                false_positive_rate: Some(0.0055),
                ..scored(
                    "KDD'99 contest, winning entry",
                    "published",
                    0.2331,
                    Some(0.9271),
                )
            },
            scored("ESC-IDS, neuro-fuzzy", "published", 0.1579, None),
            scored("scikit-learn, MLP", "reference", 0.2284, Some(0.93)),
            scored("scikit-learn, decision tree", "reference", 0.2395, None),
            scored(
                "scikit-learn, RBF SVM, 20,000 rows",
                "reference",
                0.2351,
                None,
            ),
        ],
        "KDDTest+.txt" => vec![binary("NB tree, paper of NSL-KDD", 0.8202)],
        "KDDTest-21.txt" => vec![binary("NB tree, paper of NSL-KDD", 0.662)],
        _ => Vec::new(),
    }
}
