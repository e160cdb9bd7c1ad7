//! The random numbers of all trainers and of the report: the same on every machine.

/// SplitMix64 (Steele, Lea and Flood, 2014): a counter and a finaliser.
#[derive(Clone, Debug)]
pub(super) struct Random(u64);

/// The counter's step: 2^64 over the golden ratio, odd.
const STEP: u64 = 0x9e37_79b9_7f4a_7c15;

impl Random {
    /// A stream of its own for every seed.
    pub(super) const fn new(seed: u64) -> Self {
        Self(mix(seed))
    }

    pub(super) const fn next(&mut self) -> u64 {
        let value = mix(self.0);
        self.0 = self.0.wrapping_add(STEP);
        value
    }

    /// A number below `end`; 0 for an `end` of 0. The bias of multiply-and-shift is below
    /// `end` / 2^64.
    pub(super) const fn below(&mut self, end: usize) -> usize {
        ((self.next() as u128 * end as u128) >> 64) as usize
    }

    /// 32 bits.
    pub(super) const fn bits(&mut self) -> u32 {
        (self.next() >> 32) as u32
    }

    /// `0.0..1.0`, in steps of 2^-53.
    pub(super) fn uniform(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// Standard normal, by Box and Muller.
    pub(super) fn normal(&mut self) -> f64 {
        let (radius, angle) = (1.0 - self.uniform(), self.uniform());
        libm::sqrt(-2.0 * libm::log(radius)) * libm::cos(std::f64::consts::TAU * angle)
    }

    /// Fisher and Yates's shuffle.
    pub(super) fn shuffle<T>(&mut self, items: &mut [T]) {
        for last in (1..items.len()).rev() {
            let other = (u64::from(self.bits()) * (last as u64 + 1)) >> 32;
            items.swap(last, other as usize);
        }
    }

    /// Uniform in `0.0..1.0`, never 0.
    fn open(&mut self) -> f64 {
        ((self.next() >> 12) as f64 + 0.5) / (1_u64 << 52) as f64
    }

    /// A Poisson variate of that mean: by multiplication below 10 (Knuth, TAOCP 2, 3.4.1), by
    /// transformed rejection above (Hörmann, "The transformed rejection method for generating
    /// Poisson random variables", 1993, algorithm PTRS).
    pub(super) fn poisson(&mut self, mean: f64) -> u64 {
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

/// SplitMix64's finaliser: a fixed hash.
pub(super) const fn mix(seed: u64) -> u64 {
    let mut z = seed.wrapping_add(STEP);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_below_an_end_fill_its_range() {
        let mut random = Random::new(1);
        let mut seen = [0_u32; 10];
        for _ in 0..10_000 {
            seen[random.below(10)] += 1;
        }
        assert!(seen.iter().all(|n| (800..1200).contains(n)), "{seen:?}");
        let (mut one, mut other) = (Random::new(1), Random::new(2));
        assert_ne!(one.next(), other.next());
        assert_eq!(one.below(0), 0);
    }

    #[test]
    fn normal_numbers_are_spread_and_repeatable_and_shuffles_keep_all() {
        let draw = |seed| {
            let mut random = Random::new(seed);
            (0..10_000).map(|_| random.normal()).collect::<Vec<_>>()
        };
        let numbers = draw(3);
        let mean = numbers.iter().sum::<f64>() / 1e4;
        let variance = numbers.iter().map(|x| x * x).sum::<f64>() / 1e4;
        assert!(mean.abs() < 0.05 && (variance - 1.0).abs() < 0.05);
        assert_eq!(numbers, draw(3));
        assert_ne!(numbers, draw(4));
        let mut items: Vec<_> = (0..100).collect();
        Random::new(1).shuffle(&mut items);
        assert_ne!(items, (0..100).collect::<Vec<_>>());
        items.sort_unstable();
        assert_eq!(items, (0..100).collect::<Vec<_>>());
    }

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
}
