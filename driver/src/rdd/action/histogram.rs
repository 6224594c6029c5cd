//! `histogram`: how many numbers lie in each of some buckets.

use super::{number::Number, scan::scan, stats::Stats};
use crate::{Error, Result, rdd::Rdd};

/// Counts by bucket. Bucket `i` reaches from `bounds[i]` up to `bounds[i + 1]` without that bound; the last bucket holds
/// its upper bound too.
#[derive(Debug, Clone, PartialEq)]
pub struct Histogram {
    /// The buckets' bounds: one more than there are buckets.
    pub bounds: Vec<f64>,
    /// How many numbers each bucket holds.
    pub counts: Vec<u64>,
}

/// The bucket of a number; nothing for NaN and for what lies outside.
fn bucket_of(bounds: &[f64], x: f64) -> Option<usize> {
    let not_beyond = bounds.partition_point(|bound| *bound <= x);
    if not_beyond == bounds.len() && bounds.last() == Some(&x) {
        return bounds.len().checked_sub(2);
    }
    not_beyond.checked_sub(1).filter(|bucket| bucket + 1 < bounds.len())
}

/// Bounds of `buckets` equal buckets; fewer where numbers lie too close for so many.
fn even(stats: &Stats, buckets: usize) -> Result<Vec<f64>> {
    if buckets == 0 || u32::try_from(buckets).is_err() {
        return Err(Error::Argument(format!("{buckets} buckets: from 1 to 2^32 - 1 are possible")));
    }
    let (min, max) = (stats.min(), stats.max());
    if stats.count() == 0 {
        return Err(Error::Empty("histogram"));
    }
    if !min.is_finite() || !max.is_finite() {
        let why = "NaN or infinite numbers do not fit into equal buckets: filter them out, or give bounds";
        return Err(Error::Argument(why.to_owned()));
    }
    let step = 1.0 / f64::from(u32::try_from(buckets).unwrap_or(u32::MAX));
    let inner = (1..u32::try_from(buckets).unwrap_or(u32::MAX)).map(|i| {
        let share = f64::from(i) * step;
        (min * (1.0 - share) + max * share).clamp(min, max)
    });
    let mut bounds: Vec<_> = std::iter::once(min).chain(inner).chain([max]).collect();
    bounds.dedup_by(|bound, before| *bound <= *before);
    if bounds.len() == 1 {
        bounds.push(max);
    }
    Ok(bounds)
}

pub(super) fn histogram<R: Rdd<Item: Number>>(rdd: &R, stats: &Stats, buckets: usize) -> Result<Histogram> {
    count(rdd, even(stats, buckets)?)
}

pub(super) fn histogram_by<R: Rdd<Item: Number>>(rdd: &R, bounds: Vec<f64>) -> Result<Histogram> {
    if bounds.len() < 2 || !bounds.is_sorted_by(|a, b| a < b) {
        return Err(Error::Argument(format!(
            "bounds {bounds:?}: at least two are needed, each above the last"
        )));
    }
    count(rdd, bounds)
}

fn count<R: Rdd<Item: Number>>(rdd: &R, bounds: Vec<f64>) -> Result<Histogram> {
    let mut counts = vec![0u64; bounds.len() - 1];
    scan(
        rdd,
        bounds.clone(),
        |bounds| vec![0u64; bounds.len() - 1],
        |bounds, counts, x| {
            if let Some(bucket) = bucket_of(bounds, x.to_f64()) {
                counts[bucket] += 1;
            }
        },
        |part| counts.iter_mut().zip(part).for_each(|(count, more)| *count += more),
    )?;
    Ok(Histogram { bounds, counts })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bound_belongs_to_the_bucket_above_and_the_last_to_the_last() {
        let bounds = [0.0, 1.0, 5.0];
        for (x, bucket) in [(0.0, Some(0)), (0.9, Some(0)), (1.0, Some(1)), (5.0, Some(1)), (5.1, None)] {
            assert_eq!(bucket_of(&bounds, x), bucket, "{x}");
        }
        assert_eq!(bucket_of(&bounds, -0.1), None);
        assert_eq!(bucket_of(&bounds, f64::NAN), None);
        assert_eq!(bucket_of(&[f64::NEG_INFINITY, 0.0, f64::INFINITY], f64::INFINITY), Some(1));
        assert_eq!(bucket_of(&[3.0, 3.0], 3.0), Some(0));
    }

    #[test]
    fn even_buckets_of_numbers_far_apart_and_too_close() {
        let of = |a, b| {
            let mut stats = Stats::default();
            stats.add(a);
            stats.add(b);
            stats
        };
        assert_eq!(even(&of(0.0, 10.0), 4).unwrap(), [0.0, 2.5, 5.0, 7.5, 10.0]);
        assert_eq!(even(&of(3.0, 3.0), 4).unwrap(), [3.0, 3.0]);
        assert_eq!(even(&of(1.0, 1f64.next_up()), 10).unwrap(), [1.0, 1f64.next_up()]);
        assert!(even(&of(f64::MIN, f64::MAX), 3).unwrap().iter().all(|bound| bound.is_finite()));
        for (a, b, n) in [(1.0, 2.0, 0), (f64::NAN, 1.0, 2), (f64::NEG_INFINITY, 1.0, 2)] {
            assert!(matches!(even(&of(a, b), n), Err(Error::Argument(_))));
        }
        assert!(matches!(even(&Stats::default(), 2), Err(Error::Empty(_))));
    }
}
