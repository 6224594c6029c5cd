//! `stats`: count, mean, variance and bounds of numbers, in one pass.

use super::number::Compensated;
use serde::{Deserialize, Serialize};
use std::fmt;

/// What is to be known of some numbers without keeping them. It is also a state for `aggregate` and its kin: start from
/// the default, [`add`](Stats::add) numbers, [`merge`](Stats::merge) states.
///
/// Of no numbers the count and the sum are 0 and all else is NaN. One NaN among the numbers makes all NaN but the count.
///
/// Source: Welford, *Technometrics* 4, 1962, for the variance; Chan et al., 1979, for merging.
///
/// ```
/// let mut stats = rsk::rdd::action::Stats::default();
/// [1.0, 2.0, 3.0, 4.0].into_iter().for_each(|x| stats.add(x));
/// assert_eq!((stats.count(), stats.sum(), stats.min(), stats.max()), (4, 10.0, 1.0, 4.0));
/// assert_eq!((stats.mean(), stats.variance(), stats.stdev()), (2.5, 1.25, 1.25f64.sqrt()));
/// assert_eq!(stats.sample_variance(), 5.0 / 3.0);
/// let more = stats;
/// stats.merge(&more);
/// assert_eq!((stats.count(), stats.mean()), (8, 2.5));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct Stats {
    count: u64,
    sum: Compensated,
    mean: f64,
    /// The squared distances from the mean, summed.
    squares: f64,
    min: f64,
    max: f64,
}

impl Stats {
    /// Adds a number.
    #[inline]
    pub fn add(&mut self, x: f64) {
        self.count += 1;
        if self.count == 1 {
            (self.min, self.max) = (x, x);
        } else {
            (self.min, self.max) = (lesser(self.min, x), greater(self.max, x));
        }
        self.sum.add(x);
        let distance = x - self.mean;
        self.mean += distance / as_f64(self.count);
        self.squares += distance * (x - self.mean);
    }

    /// Adds the numbers of another.
    pub fn merge(&mut self, other: &Stats) {
        if self.count == 0 || other.count == 0 {
            *self = if self.count == 0 { *other } else { *self };
            return;
        }
        let (own, its) = (as_f64(self.count), as_f64(other.count));
        let distance = other.mean - self.mean;
        self.count += other.count;
        self.sum.merge(other.sum);
        self.mean += distance * (its / (own + its));
        self.squares += other.squares + distance * distance * (own * its / (own + its));
        (self.min, self.max) = (lesser(self.min, other.min), greater(self.max, other.max));
    }

    /// How many there are.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// Their sum.
    pub fn sum(&self) -> f64 {
        self.sum.get()
    }

    /// Their mean.
    pub fn mean(&self) -> f64 {
        let mean = self.sum.get() / as_f64(self.count);
        // The sum may be beyond all numbers where the mean is not.
        if mean.is_infinite() && self.mean.is_finite() { self.mean } else { mean }
    }

    /// The mean of their squared distances from the mean.
    pub fn variance(&self) -> f64 {
        self.squares / as_f64(self.count)
    }

    /// The variance of what they are a sample of; NaN where there are fewer than two.
    pub fn sample_variance(&self) -> f64 {
        if self.count < 2 { f64::NAN } else { self.squares / as_f64(self.count - 1) }
    }

    /// The root of the variance.
    pub fn stdev(&self) -> f64 {
        self.variance().sqrt()
    }

    /// The root of the sample's variance.
    pub fn sample_stdev(&self) -> f64 {
        self.sample_variance().sqrt()
    }

    /// The least.
    pub fn min(&self) -> f64 {
        if self.count == 0 { f64::NAN } else { self.min }
    }

    /// The greatest.
    pub fn max(&self) -> f64 {
        if self.count == 0 { f64::NAN } else { self.max }
    }
}

impl fmt::Display for Stats {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Stats { count, .. } = self;
        let (mean, stdev, min, max) = (self.mean(), self.stdev(), self.min(), self.max());
        write!(f, "count {count}, mean {mean}, stdev {stdev}, min {min}, max {max}")
    }
}

/// The lesser number; NaN if one is.
fn lesser(a: f64, b: f64) -> f64 {
    if b < a || b.is_nan() { b } else { a }
}

/// The greater number; NaN if one is.
fn greater(a: f64, b: f64) -> f64 {
    if b > a || b.is_nan() { b } else { a }
}

#[expect(clippy::cast_precision_loss, reason = "a mean is rounded anyway")]
pub(super) fn as_f64(count: u64) -> f64 {
    count as f64
}

#[cfg(test)]
mod tests {
    use super::Stats;

    fn of(numbers: &[f64]) -> Stats {
        let mut stats = Stats::default();
        for x in numbers {
            stats.add(*x);
        }
        stats
    }

    proptest::proptest! {
        #[test]
        fn parts_merged_are_the_whole(numbers in proptest::collection::vec(-1e6..1e6f64, 1..80), at in 0usize..80) {
            let (left, right) = numbers.split_at(at.min(numbers.len()));
            let mut merged = of(left);
            merged.merge(&of(right));
            let whole = of(&numbers);
            let n = f64::from(u32::try_from(numbers.len()).unwrap());
            let mean = numbers.iter().sum::<f64>() / n;
            let variance = numbers.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / n;
            for stats in [merged, whole] {
                assert_eq!((stats.count(), stats.min(), stats.max()), (whole.count(), whole.min(), whole.max()));
                assert!((stats.mean() - mean).abs() < 1e-6, "{stats}");
                assert!((stats.variance() - variance).abs() <= 1e-9 * variance.max(1.0), "{stats}");
            }
        }
    }

    #[test]
    fn a_variance_far_from_zero_is_not_cancelled_away() {
        let stats = of(&[1e9 + 4.0, 1e9 + 7.0, 1e9 + 13.0, 1e9 + 16.0]);
        assert_eq!((stats.variance(), stats.sample_variance()), (22.5, 30.0));
    }

    #[test]
    fn no_numbers_one_number_and_nan() {
        let none = Stats::default();
        assert_eq!((none.count(), none.sum()), (0, 0.0));
        assert!([none.mean(), none.variance(), none.min(), none.max()].iter().all(|x| x.is_nan()));
        let one = of(&[3.0]);
        assert_eq!((one.mean(), one.variance(), one.min(), one.max()), (3.0, 0.0, 3.0, 3.0));
        assert!(one.sample_variance().is_nan());
        for numbers in [[f64::NAN, 1.0, 2.0], [1.0, f64::NAN, 2.0], [1.0, 2.0, f64::NAN]] {
            let stats = of(&numbers);
            let all = [stats.sum(), stats.mean(), stats.variance(), stats.min(), stats.max()];
            assert!(all.iter().all(|x| x.is_nan()), "{stats}");
        }
        assert_eq!(of(&[f64::MAX, f64::MAX]).mean().to_bits(), f64::MAX.to_bits());
    }
}
