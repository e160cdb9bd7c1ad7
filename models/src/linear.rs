//! Sums of products in a fixed order: the same bits on every machine.
//!
//! Only additions and multiplications that IEEE 754 rounds exactly, none of them fused, and no
//! function of the platform's C library. Loops run over independent elements, or over sixteen
//! partial sums, so that the compiler can use vector instructions without changing the order.

use crate::{CLASS_COUNT, Class};

/// Partial sums of a [`dot`] product.
const LANES: usize = 16;

/// Scores must stay below this whatever the row: beyond it sums could leave an f32.
pub(crate) const MAX_SCORE: f64 = 1e30;

/// `Some` if there are classes, in order and each once.
pub(crate) fn check_classes(classes: &[Class]) -> Option<()> {
    (!classes.is_empty() && classes.is_sorted_by(|a, b| a < b)).then_some(())
}

/// Adds `factor` times a row to the sums; what is left of the longer slice is ignored.
pub(crate) fn add_scaled(sums: &mut [f32], factor: f32, row: &[f32]) {
    for (sum, value) in sums.iter_mut().zip(row) {
        *sum += factor * value;
    }
}

/// The dot product of two rows; what is left of the longer one is ignored.
pub(crate) fn dot(a: &[f32], b: &[f32]) -> f32 {
    let width = a.len().min(b.len());
    let (a, a_rest) = a[..width].as_chunks::<LANES>();
    let (b, b_rest) = b[..width].as_chunks::<LANES>();
    let mut sums = [0.0_f32; LANES];
    for (a, b) in a.iter().zip(b) {
        for lane in 0..LANES {
            sums[lane] += a[lane] * b[lane];
        }
    }
    for (sum, (a, b)) in sums.iter_mut().zip(a_rest.iter().zip(b_rest)) {
        *sum += a * b;
    }
    let mut width = LANES / 2;
    while width > 0 {
        for lane in 0..width {
            sums[lane] += sums[lane + width];
        }
        width /= 2;
    }
    sums[0]
}

/// Adding it moves the fraction of a number below 2^22 out of an f32: 1.5 · 2^23.
const TO_WHOLE: f32 = 12_582_912.0;

/// Taylor coefficients of sin(2πu) / u in powers of u²: (2π)^n / n! with alternating signs. For
/// |u| ≤ 1/4 what is cut off is below 6e-8.
const SINE: [f32; 6] = {
    let mut coefficients = [0.0; 6];
    let mut term = std::f64::consts::TAU;
    let mut index = 0;
    while index < 6 {
        coefficients[index] = term as f32;
        let n = 2.0 * index as f64 + 2.0;
        term *= -std::f64::consts::TAU * std::f64::consts::TAU / (n * (n + 1.0));
        index += 1;
    }
    coefficients
};

/// The cosine of an angle in turns, for angles up to ±2^22; to about 2e-7.
pub(crate) fn cos_turns(turns: f32) -> f32 {
    let rest = turns - ((turns + TO_WHOLE) - TO_WHOLE);
    // cos(x) = sin(π/2 − |x|)
    let u = 0.25 - rest.abs();
    let square = u * u;
    let [c1, c3, c5, c7, c9, c11] = SINE;
    u * (c1 + square * (c3 + square * (c5 + square * (c7 + square * (c9 + square * c11)))))
}

/// Turns finite scores into shares that sum to 1.
pub(crate) fn softmax(scores: &mut [f32]) {
    let greatest = scores.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let mut sum = 0.0;
    for score in scores.iter_mut() {
        *score = libm::expf(*score - greatest);
        sum += *score;
    }
    for score in scores {
        *score /= sum;
    }
}

/// Shares by class from the scores of those that a model knows; the others have none.
pub(crate) fn shares_of(classes: &[Class], scores: &mut [f32; CLASS_COUNT]) -> [f32; CLASS_COUNT] {
    let scores = &mut scores[..classes.len().min(CLASS_COUNT)];
    softmax(scores);
    let mut shares = [0.0; CLASS_COUNT];
    for (class, score) in classes.iter().zip(scores) {
        shares[class.index()] = *score;
    }
    shares
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cosine_is_one() {
        for step in -40_000..40_000 {
            let turns = step as f32 / 1037.0;
            let exact = (f64::from(turns) * std::f64::consts::TAU).cos();
            let error = (f64::from(cos_turns(turns)) - exact).abs();
            assert!(error < 4e-7, "{turns}: {error}");
        }
    }

    #[test]
    fn dot_products_of_any_length() {
        for length in [0, 1, 15, 16, 17, 40] {
            let a: Vec<f32> = (0..length).map(|i| i as f32).collect();
            let b: Vec<f32> = (0..length).map(|i| (i % 3) as f32).collect();
            let plain: f32 = a.iter().zip(&b).map(|(a, b)| a * b).sum();
            assert_eq!(dot(&a, &b), plain, "small integers: exact in any order");
            let mut sums = a.clone();
            add_scaled(&mut sums, 2.0, &b);
            assert!((0..length).all(|i| sums[i] == a[i] + 2.0 * b[i]));
        }
    }

    #[test]
    fn absent_classes_have_no_share_and_no_score_overflows() {
        let mut scores = [500.0, -500.0, 0.0, 0.0, 0.0, 0.0];
        let shares = shares_of(&[Class::Dos, Class::Unknown], &mut scores);
        assert_eq!(shares, [0.0, 1.0, 0.0, 0.0, 0.0, 0.0]);
    }
}
