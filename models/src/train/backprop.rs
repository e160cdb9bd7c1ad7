//! What a network learns from a row: gradients, and Adam's steps against them.

use super::{
    calibrate::Calibration,
    network::NetworkSettings,
    prepare::{Prepared, PreparedRow},
    random::Random,
};
use crate::{
    encoding::Inputs,
    format::Layer,
    linear::{add_scaled, dot, softmax},
    network::{Dense, MAX_WIDTH, rectify},
};

/// Losses and right answers so far.
#[derive(Default)]
pub(super) struct Tally {
    loss: f64,
    right: f64,
    weight: f64,
}

impl Tally {
    /// Counts a row; gives the shares of its classes.
    pub(super) fn add(&mut self, scores: &[f32], row: &PreparedRow) -> [f32; MAX_WIDTH] {
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

    pub(super) fn loss(&self) -> f64 {
        if self.weight > 0.0 {
            self.loss / self.weight
        } else {
            0.0
        }
    }

    pub(super) fn accuracy(&self) -> f64 {
        if self.weight > 0.0 {
            self.right / self.weight
        } else {
            0.0
        }
    }
}

/// Layers with all that Adam remembers of them.
pub(super) struct Trainer {
    pub(super) layers: Vec<Dense>,
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
    pub(super) fn new(
        prepared: &Prepared,
        settings: &NetworkSettings,
        random: &mut Random,
    ) -> Self {
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

    pub(super) fn forward(&mut self, inputs: &Inputs) {
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
    pub(super) fn outputs(&self) -> &[f32] {
        self.outputs.last().map_or(&[], Vec::as_slice)
    }

    /// Makes the calibration part of the last layer.
    pub(super) fn scale(&mut self, calibration: &Calibration) {
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
    pub(super) fn layers(&self) -> Vec<Layer> {
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
    pub(super) fn learn(&mut self, row: &PreparedRow, tally: &mut Tally) {
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
    pub(super) fn step(&mut self, rate: f64, batch: usize) {
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
    use crate::{
        Class, Classifier as _, Costs, Features, Network, Schema,
        format::NetworkParameters,
        train::{Balance, Dataset},
    };

    fn prepared() -> (Dataset, Prepared) {
        let rows = (0..60).map(|i| {
            let mut values = [0; crate::LIVE_COLUMNS.len()];
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
