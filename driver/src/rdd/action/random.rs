//! Numbers drawn from a seed: the same in each run, on each machine.

use rsk_executor::shuffle::hash_of;
use rsk_proto::PartitionId;

/// A stream of numbers that look random.
///
/// Source: `SplitMix64`; Steele, Lea and Flood, *Fast splittable pseudorandom number generators*, OOPSLA 2014.
pub(super) struct Draws(u64);

impl Draws {
    /// The stream of the driver itself.
    pub(super) fn of_driver(seed: u64) -> Self {
        Draws(hash_of(&(seed, u32::MAX, true)))
    }

    /// The stream of one partition.
    pub(super) fn of_partition(seed: u64, partition: PartitionId) -> Self {
        Draws(hash_of(&(seed, partition, false)))
    }

    #[inline]
    pub(super) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `bound`.
    pub(super) fn below(&mut self, bound: u64) -> u64 {
        u64::try_from((u128::from(self.next()) * u128::from(bound)) >> 64).unwrap_or(0)
    }

    /// A number above 0 and at most 1.
    #[expect(clippy::cast_precision_loss, reason = "53 bits fit")]
    pub(super) fn unit(&mut self) -> f64 {
        ((self.next() >> 11) + 1) as f64 / (1u64 << 53) as f64
    }
}
