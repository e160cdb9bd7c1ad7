//! What every kind of model but the tree learns from a dataset: its parameters, and how they
//! came about.

use std::collections::BTreeMap;

use super::{
    Dataset, FitSettingsError,
    fit::{Choice, FitError, Request},
    forest, leave_out, live_forest,
    network::{self, Epoch, NetworkSettings},
    select::{ForestSettings, choose_forest},
    svm::{self, SvmSettings},
    unknown::with_unknown,
};
use crate::{Classifier, Costs, ModelProblem, Network, OperatingPoint, Svm, format::Parameters};

/// What a trainer comes back with.
pub(super) struct Learnt {
    pub(super) parameters: Parameters,
    pub(super) settings: BTreeMap<String, String>,
    /// The ways to decide, the default first.
    pub(super) decisions: Vec<OperatingPoint>,
    pub(super) choice: Choice,
    /// Of a network only.
    pub(super) curve: Vec<Epoch>,
}

/// The only way to decide of a model without an unknown class.
pub(super) fn argmax() -> Vec<OperatingPoint> {
    vec![OperatingPoint {
        name: "argmax".to_owned(),
        costs: Costs::ARGMAX,
    }]
}

pub(super) fn learn_svm(request: &Request, data: &Dataset) -> Result<Learnt, FitError> {
    let settings = SvmSettings::default();
    let tried = |data: &Dataset| {
        let parameters = svm::fit(data, &settings, request.seed)?;
        let svm = Svm::new(data.schema, "candidate", Costs::ARGMAX, &parameters)
            .map_err(ModelProblem::from)?;
        Ok::<_, FitError>(Box::new(svm) as Box<dyn Classifier>)
    };
    Ok(Learnt {
        choice: tried_out(request, data, tried)?,
        parameters: Parameters::Svm(svm::fit(data, &settings, request.seed)?),
        settings: settings.settings(),
        decisions: argmax(),
        curve: Vec::new(),
    })
}

pub(super) fn learn_network(request: &Request, data: &Dataset) -> Result<Learnt, FitError> {
    let settings = NetworkSettings::default();
    let tried = |data: &Dataset| {
        let (parameters, _) = network::fit(data, &settings, request.seed)?;
        let network = Network::new(data.schema, "candidate", Costs::ARGMAX, &parameters)
            .map_err(ModelProblem::from)?;
        Ok::<_, FitError>(Box::new(network) as Box<dyn Classifier>)
    };
    let choice = tried_out(request, data, tried)?;
    let (parameters, curve) = network::fit(data, &settings, request.seed)?;
    Ok(Learnt {
        choice,
        parameters: Parameters::Network(parameters),
        settings: settings.settings(),
        decisions: argmax(),
        curve,
    })
}

/// How the settings do on attack types left out, if that is wanted.
pub(super) fn tried_out(
    request: &Request,
    data: &Dataset,
    fit: impl FnMut(&Dataset) -> Result<Box<dyn Classifier>, FitError>,
) -> Result<Choice, FitError> {
    Ok(if request.validate {
        let tried = leave_out(data, request.seed, fit).map_err(|error| match error {
            // All rows together have more: that was checked.
            FitError::Settings(FitSettingsError::OneClass) => FitError::LeftOneClass,
            error => error,
        });
        Choice::Tried(Box::new(tried?))
    } else {
        Choice::Given
    })
}

pub(super) fn learn_forest(
    request: &Request,
    data: &Dataset,
    progress: &mut dyn FnMut(&str),
) -> Result<Learnt, FitError> {
    let is_live = !request.recorded.is_empty();
    let seen = is_live.then(|| live_forest::seen(data));
    let data = seen.as_ref().unwrap_or(data);
    let (trial, choice) = match &request.chosen {
        Some(trial) => (trial.clone(), Choice::Given),
        None if is_live => {
            let trial = live_forest::tried(data, request.seed)?;
            progress(&trial.to_string());
            (trial.clone(), Choice::Fixed(Box::new(trial)))
        }
        None => {
            let trials = choose_forest(
                data,
                &ForestSettings::tried(request.schema),
                &request.training_set.goals(),
                request.training_set.mix(),
                request.seed,
                |trial| progress(&trial.to_string()),
            )?;
            (trials[0].clone(), Choice::Forest(trials))
        }
    };
    let settings = if is_live {
        trial.settings
    } else {
        trial.settings.whole()
    };
    let with_unknown = with_unknown(data.clone(), &settings.unknown, request.seed);
    Ok(Learnt {
        parameters: Parameters::Forest(forest::fit(&with_unknown, &settings.forest, request.seed)?),
        settings: settings.settings(),
        decisions: trial
            .points
            .into_iter()
            .map(|chosen| chosen.point)
            .collect(),
        choice,
        curve: Vec::new(),
    })
}
