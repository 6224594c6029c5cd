//! Numbers that look random and are the same each time: a partition computed again draws the same.

/// Sebastiano Vigna's `SplitMix64`: one addition and two multiplications a number.
#[derive(Debug, Clone)]
pub(crate) struct Random(u64);

impl Random {
    /// The numbers of one partition, of a seed that all partitions share.
    pub(crate) fn new(seed: u64, partition: u32) -> Self {
        let mut random = Random(seed);
        Random(random.next() ^ (u64::from(partition) << 32 | u64::from(partition)))
    }

    /// All 64 bits.
    #[inline]
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `end`.
    #[inline]
    pub(crate) fn below(&mut self, end: u64) -> u64 {
        let wide = u128::from(self.next()) * u128::from(end);
        u64::try_from(wide >> 64).unwrap_or(0)
    }

    /// A number from 0 to 1, without 1.
    #[inline]
    #[expect(clippy::cast_precision_loss, reason = "53 bits are what fits")]
    pub(crate) fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1u64 << 53) as f64
    }
}

#[cfg(test)]
mod tests {
    use super::Random;

    #[test]
    fn partitions_draw_differently_and_each_the_same_again() {
        let draw = |seed, partition| {
            let mut random = Random::new(seed, partition);
            (0..4).map(|_| random.next()).collect::<Vec<_>>()
        };
        assert_eq!(draw(7, 1), draw(7, 1));
        assert_ne!(draw(7, 1), draw(7, 2));
        assert_ne!(draw(7, 1), draw(8, 1));
    }

    #[test]
    fn numbers_stay_in_their_range_and_fill_it() {
        let mut random = Random::new(1, 0);
        let mut seen = [0; 10];
        for _ in 0..10_000 {
            seen[rsk_proto::to_usize(random.below(10))] += 1;
            assert!((0.0..1.0).contains(&random.unit()));
        }
        assert!(seen.iter().all(|count| (800..1200).contains(count)), "{seen:?}");
    }
}
