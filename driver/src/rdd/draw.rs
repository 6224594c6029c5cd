//! Random draws that a re-run repeats: the generator of each partition, and what it is asked. All that is random in an
//! operator or an action comes from here.
//!
//! The generator is xoshiro256++ from the `rand_xoshiro` crate: named after its algorithm, it gives the same numbers in
//! each release, where `rand`'s standard generators and distributions may change. So a seed means the same sample on
//! every machine and after every upgrade.

use rand_xoshiro::{
    Xoshiro256PlusPlus,
    rand_core::{Rng, SeedableRng},
};
use rsk_proto::PartitionId;
use serde::{Deserialize, Serialize};

/// One more than the greatest draw: 53 bits, as many as a `f64` holds exactly.
const DRAWS: f64 = 9_007_199_254_740_992.0;

/// The longest piece of a Poisson mean that is drawn at once: e to its negative is still far from zero.
const MEAN_MAX: f64 = 16.0;

/// The draws of one partition.
#[derive(Debug, Clone)]
pub(crate) struct Draws(Xoshiro256PlusPlus);

impl Draws {
    pub(crate) fn of(seed: u64, partition: PartitionId) -> Self {
        // The seed is mixed before the partition comes in: neighbouring seeds share no partition's draws.
        let mixed = Xoshiro256PlusPlus::seed_from_u64(seed).next_u64();
        Draws(Xoshiro256PlusPlus::seed_from_u64(mixed ^ u64::from(partition.0)))
    }

    /// What the driver draws beside its partitions: no partition has this number.
    pub(crate) fn of_driver(seed: u64) -> Self {
        Draws::of(seed, PartitionId(u32::MAX))
    }

    /// All 64 bits.
    #[inline]
    pub(crate) fn bits(&mut self) -> u64 {
        self.0.next_u64()
    }

    /// A number below `end`; 0 where there is none.
    #[inline]
    pub(crate) fn below(&mut self, end: u64) -> u64 {
        let wide = u128::from(self.bits()) * u128::from(end);
        u64::try_from(wide >> 64).unwrap_or(0)
    }

    /// One of the 2⁵³ numbers from 0.
    #[inline]
    fn number(&mut self) -> u64 {
        self.bits() >> 11
    }

    /// Uniform in [0, 1).
    #[inline]
    #[expect(clippy::cast_precision_loss, reason = "53 bits fit")]
    pub(crate) fn fraction(&mut self) -> f64 {
        self.number() as f64 / DRAWS
    }
}

/// A range of draws: records whose draw lies in it are in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Cell {
    from: u64,
    to: u64,
}

impl Cell {
    /// The draws between two fractions of one.
    pub(crate) fn between(from: f64, to: f64) -> Self {
        Cell { from: bound(from), to: bound(to) }
    }

    #[inline]
    pub(crate) fn has_next(self, draws: &mut Draws) -> bool {
        (self.from..self.to).contains(&draws.number())
    }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 0 and 2^53")]
fn bound(fraction: f64) -> u64 {
    (fraction.clamp(0.0, 1.0) * DRAWS).round() as u64
}

/// How often each record is in a sample with replacement: Poisson's distribution.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(crate) struct Poisson {
    /// The mean is the sum of so many equal pieces,
    pieces: u32,
    /// each of which never happens with this probability. It travels, so that one machine's `exp` serves all.
    never: f64,
}

impl Poisson {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "saturates")]
    pub(crate) fn of(mean: f64) -> Self {
        let pieces = (mean / MEAN_MAX).ceil().max(1.0) as u32;
        Poisson { pieces, never: (-mean / f64::from(pieces)).exp() }
    }

    /// How often the next record is in. Source: Knuth, The Art of Computer Programming, volume 2, 3.4.1 F.
    pub(crate) fn next(self, draws: &mut Draws) -> usize {
        let mut times = 0;
        for _ in 0..self.pieces {
            let mut product = draws.fraction();
            while product > self.never {
                times += 1;
                product *= draws.fraction();
            }
        }
        times
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn draws_are_the_same_in_every_release() {
        let mut draws = Draws::of(42, PartitionId(3));
        let first: Vec<_> = (0..3).map(|_| draws.number()).collect();
        assert_eq!(
            first,
            [3_050_598_963_356_440, 142_357_019_808_351, 5_728_003_625_821_769],
            "a seed written down in somebody's notebook must go on meaning the same"
        );
    }

    #[test]
    fn partitions_and_the_driver_draw_differently_and_each_the_same_again() {
        let first = |seed, partition| Draws::of(seed, PartitionId(partition)).bits();
        assert_eq!(first(7, 1), first(7, 1));
        assert_ne!(first(7, 1), first(7, 2));
        assert_ne!(first(7, 1), first(8, 1));
        assert!((0..100).all(|partition| first(7, partition) != Draws::of_driver(7).bits()));
    }

    #[test]
    fn numbers_stay_in_their_range_and_fill_it() {
        let mut draws = Draws::of(1, PartitionId(0));
        let mut seen = [0; 10];
        for _ in 0..10_000 {
            seen[rsk_proto::to_usize(draws.below(10))] += 1;
            assert!((0.0..1.0).contains(&draws.fraction()));
        }
        assert!(seen.iter().all(|count| (800..1200).contains(count)), "{seen:?}");
        assert_eq!(draws.below(0), 0);
    }

    #[test]
    fn poisson_has_its_mean_and_its_variance() {
        for mean in [0.0, 0.1, 1.0, 3.5, 100.0] {
            let mut draws = Draws::of(7, PartitionId(0));
            let poisson = Poisson::of(mean);
            let n = 20_000;
            let times: Vec<_> =
                (0..n).map(|_| f64::from(u32::try_from(poisson.next(&mut draws)).unwrap())).collect();
            let average = times.iter().sum::<f64>() / f64::from(n);
            let variance = times.iter().map(|x| (x - average).powi(2)).sum::<f64>() / f64::from(n);
            assert!((average - mean).abs() <= 5.0 * (mean / f64::from(n)).sqrt(), "{mean}: {average}");
            assert!((variance - mean).abs() <= 0.06 * mean, "{mean}: {variance}");
        }
    }

    #[test]
    fn cells_with_a_common_bound_share_no_draw_and_leave_none() {
        let cells = [Cell::between(0.0, 0.3), Cell::between(0.3, 0.3), Cell::between(0.3, 1.0)];
        let mut draws = Draws::of(1, PartitionId(0));
        for _ in 0..1000 {
            let here = draws.clone();
            assert_eq!(cells.iter().filter(|cell| cell.has_next(&mut here.clone())).count(), 1);
            draws.number();
        }
    }
}
