//! `count_approx_distinct`: about how many different records there are, in a little memory.

use super::scan::scan;
use crate::{Error, Result, rdd::Rdd};
use rsk_executor::shuffle::hash_of;
use serde::{Deserialize, Serialize};
use std::hash::Hash;

/// The first bits of a hash choose a register, which keeps the longest run of zeros that the other bits began with.
///
/// Source: `HyperLogLog`, Flajolet et al., 2007, with 64-bit hashes as Heule et al. have it, 2013. The estimate is that
/// of Ertl, *New cardinality estimation algorithms*, 2017, which needs no table of corrections: few records are nearly
/// counted one by one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Sketch(Vec<u8>);

/// Registers for a relative standard error of 1.04 over the root of their number: 16 to 1 Mi.
const PRECISIONS: std::ops::RangeInclusive<u32> = 4..=20;

impl Sketch {
    fn new(precision: u32) -> Self {
        Sketch(vec![0; 1 << precision])
    }

    fn precision(&self) -> u32 {
        self.0.len().trailing_zeros()
    }

    #[inline]
    fn add(&mut self, hash: u64) {
        let precision = self.precision();
        let register = &mut self.0[rsk_proto::to_usize(hash >> (64 - precision))];
        // A bit behind the hash bounds the run.
        let run = ((hash << precision) | (1 << (precision - 1))).leading_zeros() + 1;
        *register = (*register).max(u8::try_from(run).unwrap_or(u8::MAX));
    }

    fn merge(&mut self, other: &Sketch) {
        self.0.iter_mut().zip(&other.0).for_each(|(own, its)| *own = (*own).max(*its));
    }

    fn estimate(&self) -> f64 {
        let highest = 65 - self.precision() as usize;
        let mut registers = vec![0u32; highest + 1];
        self.0.iter().for_each(|run| registers[usize::from(*run).min(highest)] += 1);
        let all = f64::from(u32::try_from(self.0.len()).unwrap_or(u32::MAX));
        let mut sum = all * tau(1.0 - f64::from(registers[highest]) / all);
        for count in registers[1..highest].iter().rev() {
            sum = 0.5 * (sum + f64::from(*count));
        }
        sum += all * sigma(f64::from(registers[0]) / all);
        all * all / (2.0 * std::f64::consts::LN_2 * sum)
    }
}

/// x + Σ x^(2^k) 2^(k-1) for k from 1, of the share of registers that nothing has reached.
fn sigma(share: f64) -> f64 {
    let (mut power, mut weight, mut sum) = (share, 1.0, share);
    loop {
        power *= power;
        let more = sum + power * weight;
        // At a share of 1 this ends at infinity: nothing was added, and the estimate is 0.
        if more <= sum {
            return sum;
        }
        (sum, weight) = (more, weight * 2.0);
    }
}

/// (1 - x - Σ (1 - x^(2^-k))² 2^-k) / 3 for k from 1, of the share of registers that are not full.
fn tau(share: f64) -> f64 {
    if share <= 0.0 || share >= 1.0 {
        return 0.0;
    }
    let (mut root, mut weight, mut sum) = (share, 1.0, 1.0 - share);
    loop {
        root = root.sqrt();
        weight *= 0.5;
        let less = sum - (1.0 - root).powi(2) * weight;
        if less >= sum {
            return sum / 3.0;
        }
        sum = less;
    }
}

/// The least precision with that error.
fn precision_of(relative_sd: f64) -> Result<u32> {
    let enough =
        |precision: &u32| relative_sd < 1.0 && 1.04 / f64::from(1u32 << precision).sqrt() <= relative_sd;
    PRECISIONS.into_iter().find(enough).ok_or_else(|| {
        let why = "from 0.0011 to below 1 is possible; count exactly with distinct().count()";
        Error::Argument(format!("a relative standard deviation of {relative_sd}: {why}"))
    })
}

pub(super) fn count_approx_distinct<R: Rdd<Item: Hash>>(rdd: &R, relative_sd: f64) -> Result<u64> {
    let precision = precision_of(relative_sd)?;
    let mut all = Sketch::new(precision);
    scan(
        rdd,
        precision,
        |precision| Sketch::new(*precision),
        |_, sketch, item| sketch.add(hash_of(&item)),
        |part: Sketch| all.merge(&part),
    )?;
    let estimate = all.estimate().round();
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a number of records fits")]
    Ok(estimate as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_asks_for_registers() {
        for (relative_sd, precision) in [(0.05, 9), (0.01, 14), (0.3, 4), (0.99, 4), (0.0011, 20)] {
            assert_eq!(precision_of(relative_sd).unwrap(), precision, "{relative_sd}");
        }
        for wrong in [0.0, -1.0, f64::NAN, 1e-5] {
            assert!(precision_of(wrong).unwrap_err().to_string().contains("0.0011"), "{wrong}");
        }
    }

    /// The error over many independent sketches, against what the precision promises, from no record to many.
    #[test]
    fn estimates_are_unbiased_and_within_their_error() {
        const PRECISION: u32 = 9;
        const TRIALS: u32 = 64;
        let promised = 1.04 / f64::from(1u32 << PRECISION).sqrt();
        for distinct in [1u32, 10, 100, 500, 1_000, 2_500, 10_000, 60_000] {
            let errors: Vec<f64> = (0..TRIALS)
                .map(|trial| {
                    let mut sketch = Sketch::new(PRECISION);
                    (0..distinct).for_each(|n| sketch.add(hash_of(&(trial, n))));
                    sketch.estimate() / f64::from(distinct) - 1.0
                })
                .collect();
            let mean = errors.iter().sum::<f64>() / f64::from(TRIALS);
            let spread = (errors.iter().map(|error| error * error).sum::<f64>() / f64::from(TRIALS)).sqrt();
            assert!(mean.abs() < 4.0 * promised / f64::from(TRIALS).sqrt(), "{distinct}: bias {mean}");
            assert!(spread < 1.3 * promised, "{distinct}: spread {spread}, promised {promised}");
        }
    }

    #[test]
    fn nothing_and_everything() {
        assert_eq!(Sketch::new(4).estimate().to_bits(), 0f64.to_bits());
        let full = Sketch(vec![61; 16]);
        assert!(full.estimate() > 1e18);
    }

    proptest::proptest! {
        #[test]
        fn sketches_merge_into_that_of_the_whole(hashes: Vec<u64>, at in 0usize..100) {
            let of = |hashes: &[u64]| {
                let mut sketch = Sketch::new(5);
                for hash in hashes {
                    sketch.add(*hash);
                }
                sketch
            };
            let (left, right) = hashes.split_at(at.min(hashes.len()));
            let mut merged = of(left);
            merged.merge(&of(right));
            proptest::prop_assert_eq!(merged, of(&hashes));
        }
    }
}
