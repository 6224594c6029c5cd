//! Pi by throwing darts: `pi [MASTER] [PARTITIONS] [SAMPLES]`.
//!
//! The value handed to `with` is the number of darts a partition throws; the closure itself carries nothing.

use rsk::prelude::*;

const USAGE: &str = "[PARTITIONS] [SAMPLES]\nPi by throwing SAMPLES darts.";

/// A small generator (`SplitMix64`), seeded by the partition: the same darts in each run.
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

fn main() -> rsk::Result<()> {
    rsk::App::usage(USAGE).run(|ctx| {
        let partitions = rsk::arg(0, 8usize)?.max(1);
        let each = (rsk::arg(1, 10_000_000u64)? / partitions as u64).max(1);
        let inside: u64 = ctx
            .range(0..partitions as u64, partitions)
            .with(each)
            .map(|each, seed| {
                let mut darts = Darts(seed);
                (0..*each).filter(|_| darts.coordinate().powi(2) + darts.coordinate().powi(2) < 1.0).count()
                    as u64
            })
            .reduce(|a, b| a + b)?;
        println!("pi is roughly {}", 4.0 * inside as f64 / (each * partitions as u64) as f64);
        Ok(())
    })
}
