//! Dual coordinate descent: the solver behind the support vector machine.

use super::{calibrate::Calibration, prepare::Prepared, random::Random, svm::SvmSettings};
use crate::{
    encoding::Inputs,
    format::SvmClass,
    linear::{add_scaled, dot},
    svm::Fourier,
};

/// The weights that tell a class from the rest.
pub(super) struct Machine {
    bias: f32,
    linear: Vec<f32>,
    fourier: Vec<f32>,
    /// The dual variables, one a row.
    alphas: Vec<f32>,
}

/// What is the same for all classes, and the machines.
pub(super) struct Solver<'a> {
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
    pub(super) fn new(prepared: &'a Prepared, fourier: &Fourier, settings: &SvmSettings) -> Self {
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

    pub(super) fn scores(&self, row: usize) -> Vec<f32> {
        let (inputs, features) = self.row(row);
        let score = |machine: &Machine| machine.score(inputs, features, self.linear);
        self.machines.iter().map(score).collect()
    }

    /// The machines as they go into a file: scaled so that the calibrated scores come out of
    /// inputs and cosines as they are.
    pub(super) fn classes(&self, calibration: &Calibration) -> Vec<SvmClass> {
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
    pub(super) fn solve(&mut self, rows: Vec<usize>, random: &mut Random) {
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
    use crate::{
        Class, Classifier as _, Costs, Features, Schema, Svm,
        format::SvmParameters,
        linear::softmax,
        train::{Balance, Dataset, svm::draw},
    };

    fn data() -> Dataset {
        let rows = (0..400_u32).map(|i| {
            let mut values = [0; crate::LIVE_COLUMNS.len()];
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
