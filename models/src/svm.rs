//! A support vector machine whose kernel is spelt out as random Fourier features.

use serde::{Deserialize, Serialize};

use crate::{
    CLASS_COUNT, Class, Classifier, Costs, Explanation, Features, Prediction, Schema,
    classifier::contributions,
    encoding::{ColumnEncoding, Encoding, EncodingError, Inputs, LIMIT},
    linear::{MAX_SCORE, add_scaled, check_classes, cos_turns, dot, shares_of},
};

/// The most random Fourier features that are accepted.
pub(crate) const MAX_FOURIER: usize = 1024;

/// A projection's weight of 1 is this part of a turn.
const TURN: f32 = 16_384.0;

/// A phase of 1 is this part of a turn.
const PHASE: f32 = 65_536.0;

/// A support vector machine, one against the rest, on the encoded row x and its random Fourier
/// features. The score of a class is
///
/// `bias + linear · x + Σⱼ fourierⱼ · cos(2π (phaseⱼ + Σᵢ projectionᵢⱼ xᵢ))`
///
/// and the shares are the softmax of the scores: calibration is part of the weights.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SvmParameters {
    /// A harmless row, in column order: stands in for missing values, and what explanations
    /// compare with.
    pub baseline: Vec<u32>,
    /// From columns to inputs, in column order.
    pub encoding: Vec<ColumnEncoding>,
    /// One a random feature, in 1/65536 of a turn.
    pub phases: Vec<u16>,
    /// By input, then by random feature, in 1/16384 of a turn: integers, for they are random
    /// anyway and so take a fraction of the room.
    pub projection: Vec<Vec<i16>>,
    /// The classes that were in the training data, in the order of [`Class::ALL`]. All others
    /// have a share of 0.
    pub classes: Vec<SvmClass>,
}

/// What tells one class from the rest.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SvmClass {
    /// The class.
    pub class: Class,
    /// The score of nothing.
    pub bias: f32,
    /// One weight an input.
    pub linear: Vec<f32>,
    /// One weight a random feature.
    pub fourier: Vec<f32>,
}

/// What makes parameters no support vector machine.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum SvmError {
    /// The inputs.
    #[error(transparent)]
    Encoding(#[from] EncodingError),
    /// More than 1024.
    #[error("{0} random features, more than {MAX_FOURIER}")]
    Fourier(usize),
    /// A row or column of numbers of another length.
    #[error("{what}: {got} numbers instead of {expected}")]
    Width {
        /// Which.
        what: String,
        /// How many there are.
        got: usize,
        /// How many there must be.
        expected: usize,
    },
    /// None, or not in order.
    #[error("the classes must be in order, each once, and at least one")]
    Classes,
    /// A weight that is no number, or so large that a score would be none.
    #[error("class {0}: a weight is not finite, or too large")]
    Weights(Class),
}

/// Random Fourier features: their inner product is near exp(−γ |x − x′|²) if the projection was
/// drawn from N(0, 2γ). Rahimi and Recht, Random Features for Large-Scale Kernel Machines, 2007.
#[derive(Clone, Debug)]
pub(crate) struct Fourier {
    /// In turns.
    phases: Vec<f32>,
    /// In turns, by input, then by feature.
    projection: Vec<f32>,
}

impl Fourier {
    /// `projection` holds as many rows as there are inputs, each as long as `phases`.
    pub(crate) fn new(phases: &[u16], projection: &[Vec<i16>]) -> Self {
        Self {
            phases: phases.iter().map(|x| f32::from(*x) / PHASE).collect(),
            projection: projection
                .iter()
                .flatten()
                .map(|weight| f32::from(*weight) / TURN)
                .collect(),
        }
    }

    /// How many features there are.
    pub(crate) fn width(&self) -> usize {
        self.phases.len()
    }

    /// Computes them, cosines from −1 to 1; `features` must hold [`Fourier::width`] numbers.
    pub(crate) fn expand(&self, inputs: &Inputs, features: &mut [f32]) {
        let width = self.width();
        features.copy_from_slice(&self.phases);
        for (input, value) in inputs.entries() {
            let from = usize::from(*input) * width;
            add_scaled(features, *value, &self.projection[from..from + width]);
        }
        // At most 41 inputs up to 8 with weights up to 2 turns: within the cosine's range.
        for feature in features {
            *feature = cos_turns(*feature);
        }
    }
}

/// A checked support vector machine.
#[derive(Clone, Debug)]
pub struct Svm {
    name: String,
    costs: Costs,
    encoding: Encoding,
    fourier: Fourier,
    classes: Vec<Class>,
    weights: Vec<Weights>,
}

#[derive(Clone, Debug)]
struct Weights {
    bias: f32,
    linear: Vec<f32>,
    fourier: Vec<f32>,
}

impl Svm {
    /// Checks the parameters; `costs` decide.
    ///
    /// # Errors
    ///
    /// [`SvmError`] names the first thing that is wrong.
    pub fn new(
        schema: Schema,
        name: impl Into<String>,
        costs: Costs,
        parameters: &SvmParameters,
    ) -> Result<Self, SvmError> {
        let encoding = Encoding::new(schema, &parameters.baseline, &parameters.encoding)?;
        let (inputs, fourier) = (encoding.inputs(), parameters.phases.len());
        if fourier > MAX_FOURIER {
            return Err(SvmError::Fourier(fourier));
        }
        let width = |what: &dyn Fn() -> String, got, expected| {
            let error = || SvmError::Width {
                what: what(),
                got,
                expected,
            };
            (got == expected).then_some(()).ok_or_else(error)
        };
        let what = || "the projection's inputs".to_owned();
        width(&what, parameters.projection.len(), inputs)?;
        for (input, row) in parameters.projection.iter().enumerate() {
            let what = || format!("the projection's input {input}");
            width(&what, row.len(), fourier)?;
        }
        let classes: Vec<Class> = parameters.classes.iter().map(|class| class.class).collect();
        check_classes(&classes).ok_or(SvmError::Classes)?;
        for of in &parameters.classes {
            let what = || format!("class {}, linear", of.class);
            width(&what, of.linear.len(), inputs)?;
            let what = || format!("class {}, fourier", of.class);
            width(&what, of.fourier.len(), fourier)?;
            let size = |weights: &[f32]| weights.iter().map(|w| f64::from(w.abs())).sum::<f64>();
            let greatest =
                f64::from(of.bias.abs()) + f64::from(LIMIT) * size(&of.linear) + size(&of.fourier);
            // Not a number is in no range.
            if !(0.0..MAX_SCORE).contains(&greatest) {
                return Err(SvmError::Weights(of.class));
            }
        }
        let weights = parameters.classes.iter().map(|of| Weights {
            bias: of.bias,
            linear: of.linear.clone(),
            fourier: of.fourier.clone(),
        });
        Ok(Self {
            name: name.into(),
            costs,
            encoding,
            fourier: Fourier::new(&parameters.phases, &parameters.projection),
            classes,
            weights: weights.collect(),
        })
    }

    /// How many inputs a row becomes.
    pub fn inputs(&self) -> usize {
        self.encoding.inputs()
    }

    /// How many random features they become.
    pub fn random_features(&self) -> usize {
        self.fourier.width()
    }
}

impl Classifier for Svm {
    fn schema(&self) -> Schema {
        self.encoding.schema()
    }

    fn name(&self) -> &str {
        &self.name
    }

    fn predict(&self, features: &Features) -> Prediction {
        let inputs = self.encoding.encode(features);
        let mut room = [0.0; MAX_FOURIER];
        let fourier = &mut room[..self.fourier.width()];
        self.fourier.expand(&inputs, fourier);
        let mut scores = [0.0; CLASS_COUNT];
        for (score, weights) in scores.iter_mut().zip(&self.weights) {
            *score = weights.bias + dot(&weights.fourier, fourier);
            for (input, value) in inputs.entries() {
                *score += weights.linear[usize::from(*input)] * value;
            }
        }
        self.costs.decide(shares_of(&self.classes, &mut scores))
    }

    fn explain(&self, features: &Features) -> Explanation {
        contributions(self, self.encoding.baseline(), features)
    }
}
