//! A small neural network: dense layers with rectifiers between them.

use serde::{Deserialize, Serialize};

use crate::{
    CLASS_COUNT, Class, Classifier, Costs, Explanation, Features, Prediction, Schema,
    classifier::contributions,
    encoding::{ColumnEncoding, Encoding, EncodingError, Inputs, LIMIT},
    linear::{MAX_SCORE, add_scaled, check_classes, shares_of},
};

/// The most outputs a layer may have.
pub(crate) const MAX_WIDTH: usize = 256;

/// The most layers that are accepted.
pub(crate) const MAX_LAYERS: usize = 8;

/// Dense layers on the encoded row. All but the last are followed by max(0, ·); the shares are
/// the softmax of the last one's outputs: calibration is part of its weights.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NetworkParameters {
    /// A harmless row, in column order: stands in for missing values, and what explanations
    /// compare with.
    pub baseline: Vec<u32>,
    /// From columns to inputs, in column order.
    pub encoding: Vec<ColumnEncoding>,
    /// The classes of the last layer's outputs: those that were in the training data, in the
    /// order of [`Class::ALL`]. All others have a share of 0.
    pub classes: Vec<Class>,
    /// The layers, the one on the inputs first.
    pub layers: Vec<Layer>,
}

/// A dense layer: `outputⱼ = biasⱼ + Σᵢ inputᵢ weightᵢⱼ`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Layer {
    /// One an output.
    pub biases: Vec<f32>,
    /// By input, then by output.
    pub weights: Vec<Vec<f32>>,
}

/// What makes parameters no network. Layers are counted from 0.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum NetworkError {
    /// The inputs.
    #[error(transparent)]
    Encoding(#[from] EncodingError),
    /// None, or more than 8.
    #[error("{0} layers: must be 1 to {MAX_LAYERS}")]
    Layers(usize),
    /// Outputs that are none, too many, or not as many as there are classes.
    #[error(
        "layer {layer}: {outputs} outputs: must be 1 to {MAX_WIDTH}, or one a class in the last"
    )]
    Outputs {
        /// The layer.
        layer: usize,
        /// How many it has.
        outputs: usize,
    },
    /// Weights that don't fit what comes before or after them.
    #[error("layer {layer}: its weights are not {inputs} rows of {outputs}")]
    Shape {
        /// The layer.
        layer: usize,
        /// How many inputs reach it.
        inputs: usize,
        /// How many outputs it has.
        outputs: usize,
    },
    /// None, or not in order.
    #[error("the classes must be in order, each once, and at least one")]
    Classes,
    /// A weight that is no number, or so large that a score would be none.
    #[error("layer {0}: a weight is not finite, or too large")]
    Weights(usize),
}

/// A layer laid out for walking.
#[derive(Clone, Debug)]
pub(crate) struct Dense {
    pub(crate) biases: Vec<f32>,
    /// By input, then by output.
    pub(crate) weights: Vec<f32>,
}

impl Dense {
    /// How many outputs it has.
    pub(crate) fn outputs(&self) -> usize {
        self.biases.len()
    }

    /// The weights of an input.
    pub(crate) fn row(&self, input: usize) -> &[f32] {
        &self.weights[input * self.outputs()..][..self.outputs()]
    }

    /// Its outputs for a row's inputs.
    pub(crate) fn forward_inputs(&self, inputs: &Inputs, outputs: &mut [f32]) {
        outputs.copy_from_slice(&self.biases);
        for (input, value) in inputs.entries() {
            add_scaled(outputs, *value, self.row(usize::from(*input)));
        }
    }

    /// Its outputs for what the layer before it gave.
    pub(crate) fn forward(&self, inputs: &[f32], outputs: &mut [f32]) {
        outputs.copy_from_slice(&self.biases);
        for (input, value) in inputs.iter().enumerate() {
            if *value != 0.0 {
                add_scaled(outputs, *value, self.row(input));
            }
        }
    }
}

/// The rectifier: what is below 0 becomes 0.
pub(crate) fn rectify(values: &mut [f32]) {
    for value in values {
        *value = value.max(0.0);
    }
}

/// A checked network.
#[derive(Clone, Debug)]
pub struct Network {
    name: String,
    costs: Costs,
    encoding: Encoding,
    classes: Vec<Class>,
    layers: Vec<Dense>,
}

impl Network {
    /// Checks the parameters; `costs` decide.
    ///
    /// # Errors
    ///
    /// [`NetworkError`] names the first thing that is wrong.
    pub fn new(
        schema: Schema,
        name: impl Into<String>,
        costs: Costs,
        parameters: &NetworkParameters,
    ) -> Result<Self, NetworkError> {
        let encoding = Encoding::new(schema, &parameters.baseline, &parameters.encoding)?;
        check_classes(&parameters.classes).ok_or(NetworkError::Classes)?;
        let count = parameters.layers.len();
        if !(1..=MAX_LAYERS).contains(&count) {
            return Err(NetworkError::Layers(count));
        }
        let mut inputs = encoding.inputs();
        let mut greatest = f64::from(LIMIT);
        let mut layers = Vec::with_capacity(count);
        for (index, layer) in parameters.layers.iter().enumerate() {
            let outputs = layer.biases.len();
            let last = index + 1 == count;
            if !(1..=MAX_WIDTH).contains(&outputs) || (last && outputs != parameters.classes.len())
            {
                return Err(NetworkError::Outputs {
                    layer: index,
                    outputs,
                });
            }
            if layer.weights.len() != inputs || layer.weights.iter().any(|row| row.len() != outputs)
            {
                return Err(NetworkError::Shape {
                    layer: index,
                    inputs,
                    outputs,
                });
            }
            greatest = greatest_output(layer, greatest);
            // Not a number is in no range.
            if !(0.0..MAX_SCORE).contains(&greatest) {
                return Err(NetworkError::Weights(index));
            }
            layers.push(Dense {
                biases: layer.biases.clone(),
                weights: layer.weights.concat(),
            });
            inputs = outputs;
        }
        Ok(Self {
            name: name.into(),
            costs,
            encoding,
            classes: parameters.classes.clone(),
            layers,
        })
    }

    /// The width of everything from the inputs to the classes.
    pub fn widths(&self) -> Vec<usize> {
        let outputs = self.layers.iter().map(Dense::outputs);
        [self.encoding.inputs()]
            .into_iter()
            .chain(outputs)
            .collect()
    }
}

/// What no output of a layer exceeds if no input exceeds `greatest`; not a number if a weight is
/// none.
fn greatest_output(layer: &Layer, greatest: f64) -> f64 {
    let mut bounds: Vec<f64> = layer.biases.iter().map(|b| f64::from(b.abs())).collect();
    for row in &layer.weights {
        for (bound, weight) in bounds.iter_mut().zip(row) {
            *bound += greatest * f64::from(weight.abs());
        }
    }
    // f64::max would drop what is not a number.
    let larger = |a: f64, b: f64| if a > b || a.is_nan() { a } else { b };
    bounds.into_iter().fold(0.0, larger)
}

impl Classifier for Network {
    fn schema(&self) -> Schema {
        self.encoding.schema()
    }

    fn name(&self) -> &str {
        &self.name
    }

    fn predict(&self, features: &Features) -> Prediction {
        let inputs = self.encoding.encode(features);
        let (mut now, mut next) = ([0.0; MAX_WIDTH], [0.0; MAX_WIDTH]);
        let mut width = 0;
        for (index, layer) in self.layers.iter().enumerate() {
            let outputs = &mut next[..layer.outputs()];
            if index == 0 {
                layer.forward_inputs(&inputs, outputs);
            } else {
                rectify(&mut now[..width]);
                layer.forward(&now[..width], outputs);
            }
            width = layer.outputs();
            std::mem::swap(&mut now, &mut next);
        }
        let mut scores = [0.0; CLASS_COUNT];
        for (score, output) in scores.iter_mut().zip(&now[..width]) {
            *score = *output;
        }
        self.costs.decide(shares_of(&self.classes, &mut scores))
    }

    fn explain(&self, features: &Features) -> Explanation {
        contributions(self, self.encoding.baseline(), features)
    }
}
