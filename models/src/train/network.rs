//! Fitting a small neural network by Adam.

use std::collections::BTreeMap;

use serde::Serialize;

use super::{
    Balance, Dataset, FitSettingsError,
    calibrate::{Calibration, calibrate},
    prepare::{Prepared, PreparedRow, Random, check},
};
use crate::{
    encoding::Inputs,
    format::{Layer, NetworkParameters},
    linear::{add_scaled, dot, softmax},
    network::{Dense, MAX_LAYERS, MAX_WIDTH, rectify},
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
            balance: Balance::None,
        }
    }
}

impl NetworkSettings {
    /// The settings by name, for the model file.
    pub fn settings(&self) -> BTreeMap<String, String> {
        let hidden: Vec<_> = self.hidden.iter().map(usize::to_string).collect();
        [
            ("hidden", hidden.join("-")),
            ("rate", self.rate.to_string()),
            ("batch", self.batch.to_string()),
            ("decay", self.decay.to_string()),
            ("epochs", self.epochs.to_string()),
            ("patience", self.patience.to_string()),
            ("balance", self.balance.to_string()),
        ]
        .map(|(name, value)| (name.to_owned(), value))
        .into()
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

/// A point of the training curve. Rows count by their weight; losses are mean log-losses.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
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

/// Losses and right answers so far.
#[derive(Default)]
struct Tally {
    loss: f64,
    right: f64,
    weight: f64,
}

impl Tally {
    /// Counts a row; gives the shares of its classes.
    fn add(&mut self, scores: &[f32], row: &PreparedRow) -> [f32; MAX_WIDTH] {
        let mut shares = [0.0; MAX_WIDTH];
        let shares_of = &mut shares[..scores.len()];
        shares_of.copy_from_slice(scores);
        softmax(shares_of);
        let weight = f64::from(row.weight);
        let truth = shares_of[row.class];
        let others = shares_of
            .iter()
            .enumerate()
            .filter(|(class, _)| *class != row.class);
        let right = others.fold(true, |right, (_, share)| right && *share < truth);
        self.loss -= weight * libm::log(f64::from(truth.max(1e-30)));
        self.right += if right { weight } else { 0.0 };
        self.weight += weight;
        shares
    }

    fn loss(&self) -> f64 {
        if self.weight > 0.0 {
            self.loss / self.weight
        } else {
            0.0
        }
    }

    fn accuracy(&self) -> f64 {
        if self.weight > 0.0 {
            self.right / self.weight
        } else {
            0.0
        }
    }
}

/// Layers with all that Adam remembers of them.
struct Trainer {
    layers: Vec<Dense>,
    gradients: Vec<Dense>,
    means: Vec<Dense>,
    squares: Vec<Dense>,
    /// What every layer gave for the last row, rectified except for the last.
    outputs: Vec<Vec<f32>>,
    /// 0.9 and 0.999 to the power of the steps so far.
    left: (f64, f64),
    decay: f64,
}

impl Trainer {
    fn new(prepared: &Prepared, settings: &NetworkSettings, random: &mut Random) -> Self {
        let mut inputs = prepared.encoding.inputs();
        let widths = settings
            .hidden
            .iter()
            .copied()
            .chain([prepared.classes.len()]);
        let layers: Vec<Dense> = widths
            .map(|outputs| {
                // He et al., Delving Deep into Rectifiers, 2015; for the inputs as if half were 0.
                let bound = libm::sqrt(6.0 / inputs as f64);
                let mut weight = || ((2.0 * random.uniform() - 1.0) * bound) as f32;
                let weights = (0..inputs * outputs).map(|_| weight()).collect();
                inputs = outputs;
                Dense {
                    biases: vec![0.0; outputs],
                    weights,
                }
            })
            .collect();
        let zeros: Vec<Dense> = layers
            .iter()
            .map(|layer| Dense {
                biases: vec![0.0; layer.biases.len()],
                weights: vec![0.0; layer.weights.len()],
            })
            .collect();
        Self {
            outputs: layers.iter().map(|layer| layer.biases.clone()).collect(),
            gradients: zeros.clone(),
            means: zeros.clone(),
            squares: zeros,
            layers,
            left: (1.0, 1.0),
            decay: settings.decay,
        }
    }

    fn forward(&mut self, inputs: &Inputs) {
        for index in 0..self.layers.len() {
            let (before, from) = self.outputs.split_at_mut(index);
            match before.last() {
                None => self.layers[index].forward_inputs(inputs, &mut from[0]),
                Some(before) => self.layers[index].forward(before, &mut from[0]),
            }
            if index + 1 < self.layers.len() {
                rectify(&mut from[0]);
            }
        }
    }

    /// The scores of the last row.
    fn outputs(&self) -> &[f32] {
        self.outputs.last().map_or(&[], Vec::as_slice)
    }

    /// Makes the calibration part of the last layer.
    fn scale(&mut self, calibration: &Calibration) {
        if let Some(last) = self.layers.last_mut() {
            for weight in &mut last.weights {
                *weight *= calibration.factor;
            }
            for (bias, offset) in last.biases.iter_mut().zip(&calibration.offsets) {
                *bias = *bias * calibration.factor + offset;
            }
        }
    }

    /// The layers as they go into a file.
    fn layers(&self) -> Vec<Layer> {
        let rows = |layer: &Dense| {
            let rows = layer.weights.chunks(layer.outputs());
            rows.map(<[f32]>::to_vec).collect()
        };
        let layers = self.layers.iter().map(|layer| Layer {
            biases: layer.biases.clone(),
            weights: rows(layer),
        });
        layers.collect()
    }

    /// Adds a row's gradient.
    fn learn(&mut self, row: &PreparedRow, tally: &mut Tally) {
        self.forward(&row.inputs);
        let mut slopes = tally.add(self.outputs(), row);
        slopes[row.class] -= 1.0;
        for slope in &mut slopes[..self.outputs().len()] {
            *slope *= row.balanced;
        }
        for index in (0..self.layers.len()).rev() {
            let (layer, gradient) = (&self.layers[index], &mut self.gradients[index]);
            let width = layer.outputs();
            let here = &slopes[..width];
            add_scaled(&mut gradient.biases, 1.0, here);
            if index == 0 {
                for (input, value) in row.inputs.entries() {
                    let from = usize::from(*input) * width;
                    add_scaled(&mut gradient.weights[from..from + width], *value, here);
                }
                break;
            }
            let before = &self.outputs[index - 1];
            let mut next = [0.0; MAX_WIDTH];
            for (input, value) in before.iter().enumerate().filter(|(_, value)| **value > 0.0) {
                let from = input * width;
                add_scaled(&mut gradient.weights[from..from + width], *value, here);
                next[input] = dot(layer.row(input), here);
            }
            slopes = next;
        }
    }

    /// Moves the weights against the gradient of a batch and forgets it.
    fn step(&mut self, rate: f64, batch: usize) {
        self.left = (self.left.0 * 0.9, self.left.1 * 0.999);
        let adam = Adam {
            share: 1.0 / batch as f32,
            step: (rate / (1.0 - self.left.0)) as f32,
            square: (1.0 / (1.0 - self.left.1)) as f32,
            keep: (1.0 - rate * self.decay) as f32,
        };
        for index in 0..self.layers.len() {
            let (layer, gradient) = (&mut self.layers[index], &mut self.gradients[index]);
            let (means, squares) = (&mut self.means[index], &mut self.squares[index]);
            adam.step(
                &mut layer.weights,
                &mut gradient.weights,
                &mut means.weights,
                &mut squares.weights,
            );
            let adam = Adam { keep: 1.0, ..adam };
            adam.step(
                &mut layer.biases,
                &mut gradient.biases,
                &mut means.biases,
                &mut squares.biases,
            );
        }
    }
}

/// One step of Adam (Kingma and Ba, 2015).
#[derive(Clone, Copy)]
struct Adam {
    /// A row's share of the batch.
    share: f32,
    /// Length, with the mean's bias taken out.
    step: f32,
    /// What takes the squares' bias out.
    square: f32,
    /// What decay leaves of a weight.
    keep: f32,
}

impl Adam {
    fn step(
        self,
        weights: &mut [f32],
        gradient: &mut [f32],
        means: &mut [f32],
        squares: &mut [f32],
    ) {
        let moments = means.iter_mut().zip(squares);
        for ((weight, slope), (mean, square)) in weights.iter_mut().zip(gradient).zip(moments) {
            let now = *slope * self.share;
            *slope = 0.0;
            *mean = 0.9 * *mean + 0.1 * now;
            *square = 0.999 * *square + 0.001 * now * now;
            let scale = (*square * self.square).sqrt() + 1e-8;
            *weight = *weight * self.keep - self.step * *mean / scale;
        }
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a failing unwrap is a failing test")]

    use super::*;
    use crate::{Class, Classifier as _, Costs, Features, Network, Schema};

    fn prepared() -> (Dataset, Prepared) {
        let rows = (0..60).map(|i| {
            let mut values = [0; 33];
            (values[0], values[4], values[11]) = (i, i * 7 % 60, i % 3 * 50);
            let class = Class::ALL[i as usize * 7 % 60 / 20];
            let features = Features::from_values(Schema::Live, &values).unwrap();
            (features, class, class.to_string())
        });
        let data = Dataset::new(Schema::Live, rows);
        let prepared = Prepared::new(&data, Balance::Sqrt, 1).unwrap();
        (data, prepared)
    }

    fn settings() -> NetworkSettings {
        NetworkSettings {
            hidden: vec![9, 5],
            ..NetworkSettings::default()
        }
    }

    #[test]
    fn the_file_answers_as_the_trainer_does() {
        let (data, prepared) = prepared();
        let mut trainer = Trainer::new(&prepared, &settings(), &mut Random::new(1));
        let mut tally = Tally::default();
        for row in &prepared.rows {
            trainer.learn(row, &mut tally);
        }
        trainer.step(0.01, 60);
        trainer.scale(&Calibration {
            factor: 0.8,
            offsets: vec![0.1, 0.2, -0.3],
        });
        let parameters = NetworkParameters {
            layers: trainer.layers(),
            baseline: prepared.baseline.clone(),
            encoding: prepared.encodings.clone(),
            classes: prepared.classes.clone(),
        };
        let network = Network::new(Schema::Live, "test", Costs::ARGMAX, &parameters).unwrap();
        for (row, prepared) in data.rows.iter().zip(&prepared.rows) {
            trainer.forward(&prepared.inputs);
            let mut shares = trainer.outputs().to_vec();
            softmax(&mut shares);
            assert_eq!(
                network.predict(&row.features).shares[..3],
                shares,
                "to the bit"
            );
        }
    }

    /// Every gradient against the loss's difference quotient.
    #[test]
    fn gradients_are_slopes() {
        let (_, prepared) = prepared();
        let mut trainer = Trainer::new(&prepared, &settings(), &mut Random::new(2));
        let row = &prepared.rows[17];
        trainer.learn(row, &mut Tally::default());
        let gradients = trainer.gradients.clone();
        let loss = |trainer: &mut Trainer| {
            trainer.forward(&row.inputs);
            let mut tally = Tally::default();
            tally.add(trainer.outputs(), row);
            tally.loss() * f64::from(row.balanced)
        };
        let mut seen = 0;
        for (index, gradient) in gradients.iter().enumerate() {
            for (at, slope) in gradient.weights.iter().enumerate() {
                let before = trainer.layers[index].weights[at];
                let mut at_offset = |offset: f32| {
                    trainer.layers[index].weights[at] = before + offset;
                    loss(&mut trainer)
                };
                let quotient = (at_offset(0.002) - at_offset(-0.002)) / 0.004;
                trainer.layers[index].weights[at] = before;
                assert!(
                    (quotient - f64::from(*slope)).abs() < 0.01 + 0.02 * quotient.abs(),
                    "layer {index}, weight {at}: {slope}, measured {quotient}"
                );
                seen += usize::from(slope.abs() > 0.05);
            }
        }
        assert!(seen > 20, "only {seen} of them are not nearly 0");
    }
}
