//! Pi by the darts of `examples/pi.rs`: the same generator, the same seeds, the same loop.

use crate::{Result, both};
use std::sync::atomic::{AtomicU64, Ordering};

/// `SplitMix64`, as in the example.
struct Darts(u64);

impl Darts {
    fn coordinate(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) >> 11) as f64 / (1u64 << 53) as f64
    }
}

fn inside(seed: u64, throws: u64) -> u64 {
    let mut darts = Darts(seed);
    (0..throws).filter(|_| darts.coordinate().powi(2) + darts.coordinate().powi(2) < 1.0).count() as u64
}

pub(crate) fn pi(partitions: u64, samples: u64) -> Result<f64> {
    let throws = samples / partitions;
    let next = AtomicU64::new(0);
    let seeds = || {
        std::iter::from_fn(|| Some(next.fetch_add(1, Ordering::Relaxed)).filter(|seed| *seed < partitions))
    };
    let share = || Ok(seeds().map(|seed| inside(seed, throws)).sum::<u64>());
    let (first, second) = both(share, share)?;
    Ok(4.0 * (first + second) as f64 / (throws * partitions) as f64)
}
