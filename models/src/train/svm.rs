//! Fitting a support vector machine on all rows, by dual coordinate descent.

use std::collections::BTreeMap;

use super::{
    Balance, Dataset, FitSettingsError,
    calibrate::{Calibration, calibrate},
    prepare::{Prepared, Random, check},
};
use crate::{
    encoding::Inputs,
    format::{SvmClass, SvmParameters},
    linear::{add_scaled, dot},
    svm::{Fourier, MAX_FOURIER},
};

/// How a support vector machine is fitted.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SvmSettings {
    /// How many random Fourier features, at most 1024; 0 leaves a linear machine.
    pub random_features: usize,
    /// γ of the Gaussian kernel exp(−γ |x − x′|²) that they stand for, on standardised inputs.
    pub gamma: f64,
    /// How much the inputs themselves count beside the random features: the kernel gets
    /// `linear`² · x · x′ besides. 0 leaves them out.
    pub linear: f64,
    /// What an error of a row of mean weight costs beside the norm of the weights.
    pub cost: f64,
    /// How much rare classes are favoured.
    pub balance: Balance,
    /// When to stop: how far apart the projected gradients may still be.
    pub tolerance: f64,
    /// When to stop at the latest: passes over the rows.
    pub passes: usize,
}

impl Default for SvmSettings {
    fn default() -> Self {
        Self {
            random_features: 512,
            gamma: 0.02,
            linear: 0.1,
            cost: 10.0,
            balance: Balance::None,
            tolerance: 0.1,
            passes: 30,
        }
    }
}

impl SvmSettings {
    /// The settings by name, for the model file.
    pub fn settings(&self) -> BTreeMap<String, String> {
        [
            ("random_features", self.random_features.to_string()),
            ("gamma", self.gamma.to_string()),
            ("linear", self.linear.to_string()),
            ("cost", self.cost.to_string()),
            ("balance", self.balance.to_string()),
            ("tolerance", self.tolerance.to_string()),
            ("passes", self.passes.to_string()),
        ]
        .map(|(name, value)| (name.to_owned(), value))
        .into()
    }

    fn check(&self) -> Result<(), FitSettingsError> {
        let random = self.random_features;
        check(
            "random_features",
            random as f64,
            "at most 1024",
            random <= MAX_FOURIER,
        )?;
        let positive = |value: f64| value > 0.0 && value <= 1e6;
        let what = "above 0 and at most 1000000";
        check("gamma", self.gamma, what, positive(self.gamma))?;
        check("cost", self.cost, what, positive(self.cost))?;
        check("tolerance", self.tolerance, what, positive(self.tolerance))?;
        let nothing = random == 0 && self.linear == 0.0;
        let linear = (0.0..=1e3).contains(&self.linear) && !nothing;
        let what = "from 0 to 1000, and not 0 without random features";
        check("linear", self.linear, what, linear)?;
        check("passes", self.passes as f64, "at least 1", self.passes > 0)
    }
}

/// Fits one machine a class against the rest, and calibrates them together.
///
/// The machines (squared hinge loss) are solved by the dual coordinate descent of Hsieh et al., A
/// Dual Coordinate Descent Method for Large-scale Linear SVM, 2008, the one of LIBLINEAR: first
/// without a tenth of the rows, on which the calibration is fitted; then, from there, with it.
/// A row's weight, and its class's by the balance, scale what an error on it costs.
///
/// It needs 4 bytes a row and random feature: 300 MB for 145,000 rows with 512.
///
/// # Errors
///
/// Settings out of range, rows of one class only, rows with missing values.
pub fn fit(
    data: &Dataset,
    settings: &SvmSettings,
    seed: u64,
) -> Result<SvmParameters, FitSettingsError> {
    settings.check()?;
    let prepared = Prepared::new(data, settings.balance, seed)?;
    let mut random = Random::new(seed);
    let (phases, projection) = draw(settings, prepared.encoding.inputs(), &mut random);
    let fourier = Fourier::new(&phases, &projection);
    let mut solver = Solver::new(&prepared, &fourier, settings);
    let fitted = |held_out| {
        let rows = prepared.rows.iter().enumerate();
        let rows = rows.filter(move |(_, row)| !row.held_out || held_out);
        rows.map(|(index, _)| index).collect::<Vec<_>>()
    };
    solver.solve(fitted(false), &mut random);
    let held_out: Vec<_> = prepared
        .rows
        .iter()
        .enumerate()
        .filter(|(_, row)| row.held_out)
        .map(|(index, row)| (solver.scores(index), row))
        .collect();
    let calibration = calibrate(&held_out, prepared.classes.len());
    solver.solve(fitted(true), &mut random);
    let classes = solver.classes(&calibration);
    let finite = |class: &SvmClass| {
        let mut weights = class.linear.iter().chain(&class.fourier);
        class.bias.is_finite() && weights.all(|weight| weight.is_finite())
    };
    if !classes.iter().all(finite) {
        return Err(FitSettingsError::Diverged);
    }
    Ok(SvmParameters {
        phases,
        projection,
        classes,
        encoding: prepared.encodings,
        baseline: prepared.baseline,
    })
}

/// Phases and projection of the random features, in the file's units.
fn draw(settings: &SvmSettings, inputs: usize, random: &mut Random) -> (Vec<u16>, Vec<Vec<i16>>) {
    let width = settings.random_features;
    let phases = (0..width).map(|_| (random.bits() >> 16) as u16).collect();
    let deviation = libm::sqrt(2.0 * settings.gamma) / std::f64::consts::TAU * 16_384.0;
    let mut row = || {
        (0..width)
            // A cast to an integer saturates.
            .map(|_| libm::rint(random.normal() * deviation) as i16)
            .collect()
    };
    (phases, (0..inputs).map(|_| row()).collect())
}

/// The weights that tell a class from the rest.
struct Machine {
    bias: f32,
    linear: Vec<f32>,
    fourier: Vec<f32>,
    /// The dual variables, one a row.
    alphas: Vec<f32>,
}

/// What is the same for all classes, and the machines.
struct Solver<'a> {
    prepared: &'a Prepared,
    /// Cosines, row by row.
    features: Vec<f32>,
    width: usize,
    /// The inputs are multiplied with it.
    linear: f32,
    /// The cosines are multiplied with it: sqrt(2 / width).
    amplitude: f32,
    /// |x|² of every row.
    norms: Vec<f32>,
    cost: f32,
    tolerance: f32,
    passes: usize,
    machines: Vec<Machine>,
}

impl<'a> Solver<'a> {
    fn new(prepared: &'a Prepared, fourier: &Fourier, settings: &SvmSettings) -> Self {
        let width = fourier.width();
        let count = prepared.rows.len();
        let mut features = vec![0.0; count * width];
        let linear = settings.linear as f32;
        let amplitude = libm::sqrt(2.0 / width.max(1) as f64) as f32;
        let mut norms = Vec::with_capacity(count);
        for (index, row) in prepared.rows.iter().enumerate() {
            let features = &mut features[index * width..][..width];
            fourier.expand(&row.inputs, features);
            for feature in features.iter_mut() {
                *feature *= amplitude;
            }
            let inputs = row.inputs.entries().iter();
            let inputs: f32 = inputs.map(|(_, value)| value * value).sum();
            norms.push(1.0 + linear * linear * inputs + dot(features, features));
        }
        let machines = prepared.classes.iter().map(|_| Machine {
            bias: 0.0,
            linear: vec![0.0; prepared.encoding.inputs()],
            fourier: vec![0.0; width],
            alphas: vec![0.0; count],
        });
        Self {
            machines: machines.collect(),
            prepared,
            features,
            width,
            linear,
            amplitude,
            norms,
            cost: settings.cost as f32,
            tolerance: settings.tolerance as f32,
            passes: settings.passes,
        }
    }

    fn row(&self, row: usize) -> (&'a Inputs, &[f32]) {
        let features = &self.features[row * self.width..][..self.width];
        (&self.prepared.rows[row].inputs, features)
    }

    fn scores(&self, row: usize) -> Vec<f32> {
        let (inputs, features) = self.row(row);
        let score = |machine: &Machine| machine.score(inputs, features, self.linear);
        self.machines.iter().map(score).collect()
    }

    /// The machines as they go into a file: scaled so that the calibrated scores come out of
    /// inputs and cosines as they are.
    fn classes(&self, calibration: &Calibration) -> Vec<SvmClass> {
        let factor = calibration.factor;
        let scaled = |weights: &[f32], factor: f32| -> Vec<f32> {
            weights.iter().map(|weight| weight * factor).collect()
        };
        let machines = self.machines.iter().zip(&calibration.offsets);
        let classes = self.prepared.classes.iter().zip(machines);
        classes
            .map(|(class, (machine, offset))| SvmClass {
                class: *class,
                bias: machine.bias * factor + offset,
                linear: scaled(&machine.linear, factor * self.linear),
                fourier: scaled(&machine.fourier, factor * self.amplitude),
            })
            .collect()
    }

    /// Descends over these rows until nothing moves or the passes are used up. All classes go
    /// through the rows together, so that a row's features are fetched once a pass.
    fn solve(&mut self, rows: Vec<usize>, random: &mut Random) {
        let all = (1_u8 << self.machines.len()) - 1;
        let mut order = rows.clone();
        // By row, a bit for every class that still looks at it.
        let mut active = vec![all; self.prepared.rows.len()];
        let mut shrink_above = vec![f32::INFINITY; self.machines.len()];
        // Classes whose last pass was over all rows.
        let mut whole = all;
        let mut open = all;
        for _ in 0..self.passes {
            random.shuffle(&mut order);
            let mut range = vec![(f32::NEG_INFINITY, f32::INFINITY); self.machines.len()];
            for row in &order {
                let looking = active[*row] & open;
                for class in (0..self.machines.len()).filter(|class| looking >> class & 1 == 1) {
                    match self.visit(*row, class, shrink_above[class]) {
                        None => active[*row] &= !(1 << class),
                        Some(slope) => {
                            let (most, least) = &mut range[class];
                            *most = most.max(slope);
                            *least = least.min(slope);
                        }
                    }
                }
            }
            let mut again = 0_u8;
            for (class, (most, least)) in range.into_iter().enumerate() {
                let bit = 1 << class;
                if open & bit == 0 {
                    continue;
                }
                if most - least > self.tolerance {
                    shrink_above[class] = if most > 0.0 { most } else { f32::INFINITY };
                    whole &= !bit;
                } else if whole & bit != 0 {
                    open &= !bit;
                } else {
                    // Solved for the rows that were left: now look at all of them again.
                    again |= bit;
                    shrink_above[class] = f32::INFINITY;
                }
            }
            if open == 0 {
                return;
            }
            if again == 0 {
                order.retain(|row| active[*row] & open != 0);
            } else {
                whole |= again;
                for row in &rows {
                    active[*row] |= again;
                }
                order.clone_from(&rows);
            }
        }
    }

    /// One step on one dual variable. The projected gradient, or `None` if the row is so far on
    /// the right side that it need not be looked at until the end.
    fn visit(&mut self, row: usize, class: usize, shrink_above: f32) -> Option<f32> {
        let content = &self.prepared.rows[row];
        let side = if content.class == class { 1.0 } else { -1.0 };
        let features = &self.features[row * self.width..][..self.width];
        let machine = &mut self.machines[class];
        let alpha = machine.alphas[row];
        // The squared hinge's diagonal: 1 / (2 C).
        let diagonal = 0.5 / (self.cost * content.balanced);
        let score = machine.score(&content.inputs, features, self.linear);
        let slope = side * score - 1.0 + alpha * diagonal;
        if alpha == 0.0 && slope >= 0.0 {
            return (slope <= shrink_above).then_some(0.0);
        }
        if slope.abs() > 1e-7 {
            let next = (alpha - slope / (self.norms[row] + diagonal)).max(0.0);
            let step = (next - alpha) * side;
            machine.alphas[row] = next;
            machine.bias += step;
            for (input, value) in content.inputs.entries() {
                machine.linear[usize::from(*input)] += step * self.linear * value;
            }
            add_scaled(&mut machine.fourier, step, features);
        }
        Some(slope)
    }
}

impl Machine {
    fn score(&self, inputs: &Inputs, features: &[f32], linear: f32) -> f32 {
        let mut sum = 0.0;
        for (input, value) in inputs.entries() {
            sum += self.linear[usize::from(*input)] * value;
        }
        self.bias + linear * sum + dot(&self.fourier, features)
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a failing unwrap is a failing test")]

    use super::*;
    use crate::{Class, Classifier as _, Costs, Features, Schema, Svm, linear::softmax};

    fn data() -> Dataset {
        let rows = (0..400_u32).map(|i| {
            let mut values = [0; 33];
            (values[0], values[4]) = (i % 20, i / 20);
            // A disc: no line separates it.
            let away = (i % 20).abs_diff(10).pow(2) + (i / 20).abs_diff(10).pow(2);
            let class = if away < 30 { Class::Dos } else { Class::Normal };
            let features = Features::from_values(Schema::Live, &values).unwrap();
            (features, class, class.to_string())
        });
        Dataset::new(Schema::Live, rows)
    }

    fn settings() -> SvmSettings {
        SvmSettings {
            random_features: 128,
            gamma: 0.5,
            linear: 0.5,
            cost: 100.0,
            tolerance: 0.01,
            passes: 3000,
            ..SvmSettings::default()
        }
    }

    #[test]
    fn the_file_answers_as_the_solver_does() {
        let (data, settings) = (data(), settings());
        let prepared = Prepared::new(&data, Balance::None, 1).unwrap();
        let mut random = Random::new(1);
        let (phases, projection) = draw(&settings, prepared.encoding.inputs(), &mut random);
        let fourier = Fourier::new(&phases, &projection);
        let mut solver = Solver::new(&prepared, &fourier, &settings);
        solver.solve((0..data.rows.len()).collect(), &mut random);
        let calibration = Calibration {
            factor: 1.7,
            offsets: vec![0.3, -0.2],
        };
        let parameters = SvmParameters {
            classes: solver.classes(&calibration),
            phases,
            projection,
            encoding: prepared.encodings.clone(),
            baseline: prepared.baseline.clone(),
        };
        let svm = Svm::new(Schema::Live, "test", Costs::ARGMAX, &parameters).unwrap();
        for (index, row) in data.rows.iter().enumerate() {
            let mut shares = solver.scores(index);
            for (score, offset) in shares.iter_mut().zip(&calibration.offsets) {
                *score = 1.7 * *score + offset;
            }
            softmax(&mut shares);
            let got = svm.predict(&row.features).shares;
            assert!((got[0] - shares[0]).abs() < 1e-4, "{got:?} {shares:?}");
        }
    }

    /// What the solver is for: w is the sum of the rows by their dual variables, and no dual
    /// variable can be moved for the better.
    #[test]
    fn the_solution_is_one() {
        let (data, settings) = (data(), settings());
        let prepared = Prepared::new(&data, Balance::None, 1).unwrap();
        let mut random = Random::new(1);
        let (phases, projection) = draw(&settings, prepared.encoding.inputs(), &mut random);
        let fourier = Fourier::new(&phases, &projection);
        let mut solver = Solver::new(&prepared, &fourier, &settings);
        solver.solve((0..data.rows.len()).collect(), &mut random);
        for class in 0..2 {
            let mut bias = 0.0;
            for (index, row) in prepared.rows.iter().enumerate() {
                let side = if row.class == class { 1.0 } else { -1.0 };
                let alpha = solver.machines[class].alphas[index];
                bias += side * alpha;
                let diagonal = 0.5 / (solver.cost * row.balanced);
                let slope = side * solver.scores(index)[class] - 1.0 + alpha * diagonal;
                assert!(
                    slope > -0.11 && (alpha == 0.0 || slope < 0.11),
                    "{slope} at {alpha}"
                );
            }
            assert!((bias - solver.machines[class].bias).abs() < 0.01);
        }
    }
}
