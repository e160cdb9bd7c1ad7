//! From fitted parameters to a whole model file.

use std::collections::BTreeMap;

use super::{Dataset, random::mix};
use crate::{
    Class, Classifier, Confusion, MISSING, ModelProblem, OperatingPoint, REQUIRED_FEATURES,
    format::{
        FORMAT_VERSION, Golden, Metrics, ModelFile, Parameters, Preprocessing, Source, Training,
    },
    model::Body,
};

/// How many golden vectors a file gets.
const GOLDEN: u64 = 24;

/// Everything a model file says that the parameters and the rows don't.
#[derive(Clone, Debug)]
pub struct Assembly {
    /// The model's name.
    pub name: String,
    /// The files the rows came from.
    pub sources: Vec<Source>,
    /// Seed of the fit, and of the golden vectors.
    pub seed: u64,
    /// How it was trained, by name of the setting.
    pub settings: BTreeMap<String, String>,
    /// How it did on held-out rows, if that was tried.
    pub validation: Option<Confusion>,
    /// The ways to decide, the default first.
    pub decisions: Vec<OperatingPoint>,
}

/// Settings as a file has them: by name, as text.
pub(super) fn settings<const N: usize>(
    named: [(&'static str, &dyn ToString); N],
) -> BTreeMap<String, String> {
    named
        .map(|(name, value)| (name.to_owned(), value.to_string()))
        .into()
}

/// Makes the model file of what was fitted on `data`: counts its errors there, and asks it for
/// the golden vectors, both with the first way to decide.
///
/// # Errors
///
/// If there is no way to decide, or the parameters could not be loaded.
pub fn assemble(
    data: &Dataset,
    parameters: Parameters,
    assembly: Assembly,
) -> Result<ModelFile, ModelProblem> {
    let first = assembly.decisions.first().ok_or(ModelProblem::NoDecision)?;
    let body = Body::new(data.schema, &assembly.name, first.costs, &parameters)?;
    let mut training = Confusion::default();
    for row in &data.rows {
        let class = body.classifier().predict(&row.features).class;
        training.add(row.class, class, row.count);
    }
    Ok(ModelFile {
        format_version: FORMAT_VERSION,
        schema: data.schema,
        classes: Class::ALL.to_vec(),
        preprocessing: Preprocessing::of(data.schema),
        training: Training {
            digest: data.digest(),
            rows: assembly.sources.iter().map(|source| source.rows).sum(),
            distinct_rows: data.rows.len() as u64,
            sources: assembly.sources,
            seed: assembly.seed,
            settings: assembly.settings,
        },
        metrics: Metrics {
            training,
            validation: assembly.validation,
        },
        golden: golden(data, body.classifier(), assembly.seed),
        name: assembly.name,
        decisions: assembly.decisions,
        parameters,
    })
}

/// Rows of every class in turn; every fourth without the columns a `/predict` request may lack,
/// the last without any.
fn golden(data: &Dataset, classifier: &dyn Classifier, seed: u64) -> Vec<Golden> {
    let by_class = Class::ALL.map(|class| {
        data.rows
            .iter()
            .filter(|row| row.class == class)
            .collect::<Vec<_>>()
    });
    let filled: Vec<_> = by_class.iter().filter(|rows| !rows.is_empty()).collect();
    (0..GOLDEN)
        .map(|turn| {
            let rows = filled[turn as usize % filled.len()];
            let mut features = rows[(mix(seed ^ turn) % rows.len() as u64) as usize].features;
            for (column, name) in data.schema.columns().iter().enumerate() {
                if turn + 1 == GOLDEN || (turn % 4 == 3 && !REQUIRED_FEATURES.contains(name)) {
                    features.set(column, MISSING);
                }
            }
            Golden::new(&features, &classifier.predict(&features))
        })
        .collect()
}
