//! Fitting a support vector machine on all rows, by dual coordinate descent.

use std::collections::BTreeMap;

use super::{
    Balance, Dataset, FitSettingsError,
    assemble::settings,
    calibrate::calibrate,
    descent::Solver,
    prepare::{Prepared, check},
    random::Random,
};
use crate::{
    format::{SvmClass, SvmParameters},
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
            gamma: 0.005,
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
        settings([
            ("random_features", &self.random_features),
            ("gamma", &self.gamma),
            ("linear", &self.linear),
            ("cost", &self.cost),
            ("balance", &self.balance),
            ("tolerance", &self.tolerance),
            ("passes", &self.passes),
        ])
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
/// Dual Coordinate Descent Method for Large-scale Linear SVM, 2008, the one of LIBLINEAR.
/// A tenth of every class's rows is held out and calibrates them. The machines are not fitted
/// again with it: few passes leave scores that another start would not repeat, and a calibration
/// holds for its own scores only.
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
    let rows = prepared.rows.iter().enumerate();
    let fitted = rows.filter(|(_, row)| !row.held_out);
    solver.solve(fitted.map(|(index, _)| index).collect(), &mut random);
    let held_out: Vec<_> = prepared
        .rows
        .iter()
        .enumerate()
        .filter(|(_, row)| row.held_out)
        .map(|(index, row)| (solver.scores(index), row))
        .collect();
    let calibration = calibrate(&held_out, prepared.classes.len());
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
pub(super) fn draw(
    settings: &SvmSettings,
    inputs: usize,
    random: &mut Random,
) -> (Vec<u16>, Vec<Vec<i16>>) {
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
