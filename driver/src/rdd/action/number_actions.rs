//! Actions on numbers.

use super::{
    histogram::{self, Histogram},
    number::{Number, Total},
    scan::scan,
    stats::{self, Stats},
};
use crate::{Error, Result, rdd::Rdd};

/// What brings an answer about numbers to the driver. Each runs a job and waits for it.
///
/// Cost: where none is said, one pass over the numbers without a shuffle of its own, and a few numbers a partition that
/// travel to the driver.
///
/// NaN comes through: one makes the sum, the mean and all [`Stats`] but the count NaN. In a histogram it lies in no bucket.
pub trait NumberActions<N: Number>: Rdd<Item = N> {
    /// The sum: a `u64` of unsigned integers, an `i64` of signed ones, an `f64` of others; 0 where there is no record.
    ///
    /// Integers are summed exactly. Of floating-point numbers the rounding errors are summed aside, so that they do not
    /// grow with the number of records.
    ///
    /// Errors: [`Error::Overflow`] when an integer sum is beyond its type.
    ///
    /// ```
    /// use rsk::prelude::*;
    /// let ctx = rsk::Context::new("local[2]")?;
    /// assert_eq!(ctx.range(0..101, 4).sum()?, 5050);
    /// assert_eq!(ctx.parallelize(vec![250u8, 250], 2)?.sum()?, 500);
    /// assert_eq!(ctx.parallelize(vec![1e100f64, 1.0, -1e100], 2)?.sum()?, 1.0);
    /// # Ok::<(), rsk::Error>(())
    /// ```
    fn sum(&self) -> Result<N::Sum> {
        let (total, _) = total(self)?;
        total.sum().ok_or_else(|| Error::Overflow(std::any::type_name::<N::Sum>()))
    }

    /// The mean. That of integers is exact but for its last rounding.
    ///
    /// Errors: [`Error::Empty`] when there is no record.
    ///
    /// ```
    /// use rsk::prelude::*;
    /// let ctx = rsk::Context::new("local[2]")?;
    /// assert_eq!(ctx.range(0..101, 4).mean()?, 50.0);
    /// assert!(ctx.range(0..0, 4).mean().is_err());
    /// # Ok::<(), rsk::Error>(())
    /// ```
    fn mean(&self) -> Result<f64> {
        let (total, count) = total(self)?;
        if count == 0 { Err(Error::Empty("mean")) } else { Ok(total.to_f64() / stats::as_f64(count)) }
    }

    /// Count, sum, mean, variance, least and greatest in one pass.
    ///
    /// ```
    /// use rsk::prelude::*;
    /// let ctx = rsk::Context::new("local[2]")?;
    /// let stats = ctx.range(1..5, 3).stats()?;
    /// assert_eq!((stats.count(), stats.mean(), stats.variance()), (4, 2.5, 1.25));
    /// assert_eq!(ctx.range(0..0, 3).stats()?.count(), 0);
    /// # Ok::<(), rsk::Error>(())
    /// ```
    fn stats(&self) -> Result<Stats> {
        let mut all = Stats::default();
        scan(
            self,
            (),
            |()| Stats::default(),
            |(), stats, number| stats.add(number.to_f64()),
            |part: Stats| all.merge(&part),
        )?;
        Ok(all)
    }

    /// How many numbers lie in each of `buckets` equal buckets between the least and the greatest; in fewer buckets where
    /// numbers lie too close for so many.
    ///
    /// Cost: two jobs, the first for the bounds.
    ///
    /// Errors: [`Error::Empty`] when there is no record,
    /// [`Error::Argument`] when there is NaN or an infinity.
    ///
    /// ```
    /// use rsk::prelude::*;
    /// let ctx = rsk::Context::new("local[2]")?;
    /// let histogram = ctx.range(0..51, 3).histogram(2)?;
    /// assert_eq!((histogram.bounds, histogram.counts), (vec![0.0, 25.0, 50.0], vec![25, 26]));
    /// # Ok::<(), rsk::Error>(())
    /// ```
    fn histogram(&self, buckets: usize) -> Result<Histogram> {
        histogram::histogram(self, &self.stats()?, buckets)
    }

    /// How many numbers lie between each bound and the next. A number on a bound belongs to the bucket above it, one on
    /// the last bound to the last bucket; what lies outside, and NaN, is not counted.
    ///
    /// Errors: [`Error::Argument`] for fewer than two bounds, or bounds that do not rise.
    ///
    /// ```
    /// use rsk::prelude::*;
    /// let ctx = rsk::Context::new("local[2]")?;
    /// let histogram = ctx.range(0..51, 3).histogram_by(vec![0.0, 10.0, 50.0])?;
    /// assert_eq!(histogram.counts, [10, 41]);
    /// assert!(ctx.range(0..51, 3).histogram_by(vec![1.0, 1.0]).is_err());
    /// # Ok::<(), rsk::Error>(())
    /// ```
    fn histogram_by(&self, bounds: Vec<f64>) -> Result<Histogram> {
        histogram::histogram_by(self, bounds)
    }
}

impl<N: Number, R: Rdd<Item = N>> NumberActions<N> for R {}

/// What an RDD's numbers add up to, and how many they are.
fn total<N: Number>(rdd: &impl Rdd<Item = N>) -> Result<(N::Total, u64)> {
    let mut all = (N::Total::default(), 0);
    scan(
        rdd,
        (),
        |()| (N::Total::default(), 0u64),
        |(), (total, count), number| {
            total.add(number);
            *count += 1;
        },
        |(total, count)| {
            all.0.merge(total);
            all.1 += count;
        },
    )?;
    Ok(all)
}
