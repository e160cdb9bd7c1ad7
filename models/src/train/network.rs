//! Fitting a small neural network by Adam.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{
    Balance, Dataset, FitSettingsError,
    assemble::settings,
    backprop::{Tally, Trainer},
    calibrate::calibrate,
    prepare::{Prepared, check},
    random::Random,
};
use crate::{
    format::NetworkParameters,
    network::{Dense, MAX_LAYERS, MAX_WIDTH},
};

/// How a network is fitted.
#[derive(Clone, Debug, PartialEq)]
pub struct NetworkSettings {
    /// Widths of the layers between the inputs and the classes, at most 7 of at most 256 each.
    pub hidden: Vec<usize>,
    /// Length of Adam's first steps; it falls by a straight line to a tenth at the last epoch.
    pub rate: f64,
    /// Rows a step.
    pub batch: usize,
    /// Share of every weight that is taken off it at a step, times the rate: decoupled weight
    /// decay (Loshchilov and Hutter, 2019).
    pub decay: f64,
    /// Passes over the rows at the most.
    pub epochs: usize,
    /// It stops after so many epochs without a lower loss on the held-out rows.
    pub patience: usize,
    /// How much rare classes are favoured.
    pub balance: Balance,
}

impl Default for NetworkSettings {
    fn default() -> Self {
        Self {
            hidden: vec![64, 32],
            rate: 1e-3,
            batch: 128,
            decay: 1e-2,
            epochs: 30,
            patience: 5,
            balance: Balance::Sqrt,
        }
    }
}

impl NetworkSettings {
    /// The settings by name, for the model file.
    pub fn settings(&self) -> BTreeMap<String, String> {
        let hidden: Vec<_> = self.hidden.iter().map(usize::to_string).collect();
        settings([
            ("hidden", &hidden.join("-")),
            ("rate", &self.rate),
            ("batch", &self.batch),
            ("decay", &self.decay),
            ("epochs", &self.epochs),
            ("patience", &self.patience),
            ("balance", &self.balance),
        ])
    }

    fn check(&self) -> Result<(), FitSettingsError> {
        let count = self.hidden.len();
        check(
            "hidden layers",
            count as f64,
            "at most 7",
            count < MAX_LAYERS,
        )?;
        for width in &self.hidden {
            let right = (1..=MAX_WIDTH).contains(width);
            check("hidden", *width as f64, "from 1 to 256", right)?;
        }
        let right = self.rate > 0.0 && self.rate <= 1.0;
        check("rate", self.rate, "above 0 and at most 1", right)?;
        check("batch", self.batch as f64, "at least 1", self.batch > 0)?;
        let right = (0.0..=1.0).contains(&self.decay);
        check("decay", self.decay, "from 0 to 1", right)?;
        check("epochs", self.epochs as f64, "at least 1", self.epochs > 0)?;
        check(
            "patience",
            self.patience as f64,
            "at least 1",
            self.patience > 0,
        )
    }
}

/// A point of the training curve, as `fit` writes and `report` reads it. Rows count by their
/// weight; losses are mean log-losses.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Epoch {
    /// From 1.
    pub epoch: usize,
    /// On the rows fitted, while they were: the weights moved meanwhile.
    pub loss: f64,
    /// Share of those rows that were right.
    pub accuracy: f64,
    /// On the held-out rows, after the epoch.
    pub held_out_loss: f64,
    /// Share of the held-out rows that were right.
    pub held_out_accuracy: f64,
}

/// Fits a network (Adam on the log-loss, minibatches in random order) and calibrates it.
///
/// A tenth of every class's rows is held out: the weights are those of the epoch that did best on
/// it, and it calibrates them. The curve ends where the fit stopped.
///
/// # Errors
///
/// Settings out of range, rows of one class only, rows with missing values, numbers that leave
/// their range.
pub fn fit(
    data: &Dataset,
    settings: &NetworkSettings,
    seed: u64,
) -> Result<(NetworkParameters, Vec<Epoch>), FitSettingsError> {
    settings.check()?;
    let prepared = Prepared::new(data, settings.balance, seed)?;
    let (held_out, mut fitted): (Vec<_>, Vec<_>) =
        prepared.rows.iter().partition(|row| row.held_out);
    let mut random = Random::new(seed);
    let mut trainer = Trainer::new(&prepared, settings, &mut random);
    let mut best = trainer.layers.clone();
    let mut best_epoch = 0;
    let mut curve: Vec<Epoch> = Vec::new();
    for epoch in 1..=settings.epochs {
        random.shuffle(&mut fitted);
        let done = (epoch - 1) as f64 / settings.epochs as f64;
        let rate = settings.rate * (1.0 - 0.9 * done);
        let mut tally = Tally::default();
        for batch in fitted.chunks(settings.batch) {
            for row in batch {
                trainer.learn(row, &mut tally);
            }
            trainer.step(rate, batch.len());
        }
        let mut held_out_tally = Tally::default();
        for row in &held_out {
            trainer.forward(&row.inputs);
            held_out_tally.add(trainer.outputs(), row);
        }
        curve.push(Epoch {
            epoch,
            loss: tally.loss(),
            accuracy: tally.accuracy(),
            held_out_loss: held_out_tally.loss(),
            held_out_accuracy: held_out_tally.accuracy(),
        });
        let loss = |epoch: usize| curve[epoch - 1].held_out_loss;
        if best_epoch == 0 || loss(epoch) < loss(best_epoch) {
            best_epoch = epoch;
            best.clone_from(&trainer.layers);
        } else if epoch >= best_epoch + settings.patience {
            break;
        }
    }
    trainer.layers = best;
    let scores: Vec<_> = held_out
        .iter()
        .map(|row| {
            trainer.forward(&row.inputs);
            (trainer.outputs().to_vec(), *row)
        })
        .collect();
    let calibration = calibrate(&scores, prepared.classes.len());
    trainer.scale(&calibration);
    let finite = |layer: &Dense| {
        let mut weights = layer.weights.iter().chain(&layer.biases);
        weights.all(|weight| weight.is_finite())
    };
    if !trainer.layers.iter().all(finite) {
        return Err(FitSettingsError::Diverged);
    }
    let parameters = NetworkParameters {
        layers: trainer.layers(),
        baseline: prepared.baseline,
        encoding: prepared.encodings,
        classes: prepared.classes,
    };
    Ok((parameters, curve))
}
