//! Random numbers from a seed: the same on every machine.

/// SplitMix64 (Steele, Lea and Flood, "Fast splittable pseudorandom number generators", 2014).
#[derive(Clone, Debug)]
pub(in crate::train) struct Random(u64);

impl Random {
    pub(in crate::train) const fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(in crate::train) const fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// Uniform in `0..bound`, and 0 for a bound of 0. The bias is below bound / 2^64.
    pub(in crate::train) fn below(&mut self, bound: usize) -> usize {
        ((u128::from(self.bits()) * bound as u128) >> 64) as usize
    }

    /// Uniform in `0.0..1.0`, never 0.
    fn open(&mut self) -> f64 {
        ((self.bits() >> 12) as f64 + 0.5) / (1_u64 << 52) as f64
    }

    /// A Poisson variate of that mean: by multiplication below 10 (Knuth, TAOCP 2, 3.4.1), by
    /// transformed rejection above (Hörmann, "The transformed rejection method for generating
    /// Poisson random variables", 1993, algorithm PTRS).
    pub(in crate::train) fn poisson(&mut self, mean: f64) -> u64 {
        if mean <= 0.0 {
            return 0;
        }
        if mean < 10.0 {
            let limit = libm::exp(-mean);
            let mut product = self.open();
            let mut events = 0;
            while product > limit {
                product *= self.open();
                events += 1;
            }
            return events;
        }
        let b = 0.931 + 2.53 * mean.sqrt();
        let a = -0.059 + 0.02483 * b;
        let inverse_alpha = 1.1239 + 1.1328 / (b - 3.4);
        let quick = 0.9277 - 3.6224 / (b - 2.0);
        let log_mean = libm::log(mean);
        loop {
            let u = self.open() - 0.5;
            let v = self.open();
            let us = 0.5 - u.abs();
            let k = ((2.0 * a / us + b) * u + mean + 0.43).floor();
            if us >= 0.07 && v <= quick {
                return k as u64;
            }
            if k < 0.0 || (us < 0.013 && v > us) {
                continue;
            }
            let left = libm::log(v) + libm::log(inverse_alpha) - libm::log(a / (us * us) + b);
            if left <= k * log_mean - mean - libm::lgamma(k + 1.0) {
                return k as u64;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn poisson_has_its_mean_and_variance() {
        let mut random = Random::new(7);
        for mean in [0.3, 4.0, 9.9, 10.0, 37.0, 12_345.0] {
            let draws = 20_000;
            let (mut sum, mut squares) = (0.0, 0.0);
            for _ in 0..draws {
                let deviation = random.poisson(mean) as f64 - mean;
                sum += deviation;
                squares += deviation * deviation;
            }
            let draws = f64::from(draws);
            // Five standard errors of either estimate.
            assert!((sum / draws).abs() < 5.0 * (mean / draws).sqrt(), "{mean}");
            let error = 5.0 * ((mean + 2.0 * mean * mean) / draws).sqrt();
            assert!((squares / draws - mean).abs() < error, "{mean}");
        }
        assert_eq!(random.poisson(0.0), 0);
    }

    #[test]
    fn bounds_hold_and_seeds_repeat() {
        let (mut one, mut two) = (Random::new(3), Random::new(3));
        let mut seen = [false; 7];
        for _ in 0..200 {
            let draw = one.below(7);
            assert_eq!(draw, two.below(7));
            seen[draw] = true;
        }
        assert_eq!(seen, [true; 7]);
        assert_eq!(one.below(0), 0);
    }
}
