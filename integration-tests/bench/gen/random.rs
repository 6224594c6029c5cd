//! Random draws that are the same everywhere.

use std::collections::HashSet;

/// `SplitMix64`.
pub(crate) struct Random(pub u64);

impl Random {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// Uniform in `0..bound`.
    pub(crate) fn below(&mut self, bound: usize) -> usize {
        ((u128::from(self.next()) * bound as u128) >> 64) as usize
    }

    pub(crate) fn byte_below(&mut self, bound: u8) -> u8 {
        self.below(usize::from(bound)) as u8
    }

    /// Uniform in `0.0..1.0`.
    fn fraction(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1u64 << 53) as f64
    }
}

/// Ranks from 0, the chance of rank r in proportion to 1 / (r + 1)^exponent; O(1) a draw (Walker's alias table).
pub(crate) struct Zipf {
    keep: Vec<f64>,
    alias: Vec<usize>,
}

impl Zipf {
    pub(crate) fn new(ranks: usize, exponent: f64) -> Zipf {
        let weights: Vec<f64> = (1..=ranks).map(|rank| 1.0 / (rank as f64).powf(exponent)).collect();
        let total: f64 = weights.iter().sum();
        let mut share: Vec<f64> = weights.iter().map(|weight| weight * ranks as f64 / total).collect();
        let (mut small, mut large): (Vec<usize>, Vec<usize>) =
            (0..ranks).rev().partition(|rank| share[*rank] < 1.0);
        let (mut keep, mut alias) = (vec![1.0; ranks], vec![0; ranks]);
        while let (Some(&poor), Some(&rich)) = (small.last(), large.last()) {
            small.pop();
            keep[poor] = share[poor];
            alias[poor] = rich;
            share[rich] = share[rich] + share[poor] - 1.0;
            if share[rich] < 1.0 {
                large.pop();
                small.push(rich);
            }
        }
        Zipf { keep, alias }
    }

    pub(crate) fn draw(&self, random: &mut Random) -> usize {
        let rank = random.below(self.keep.len());
        if random.fraction() < self.keep[rank] { rank } else { self.alias[rank] }
    }
}

/// Different words of small letters; the first, which are drawn most, are the shortest.
pub(crate) fn vocabulary(size: usize, seed: u64) -> Vec<Vec<u8>> {
    let mut random = Random(seed);
    let mut seen = HashSet::with_capacity(size);
    let mut words = Vec::with_capacity(size);
    while words.len() < size {
        let (shortest, longest) = match words.len() {
            0..100 => (2, 4),
            100..10_000 => (3, 8),
            _ => (5, 12),
        };
        let letters = shortest + random.below(longest - shortest + 1);
        let word: Vec<u8> = (0..letters).map(|_| b'a' + random.byte_below(26)).collect();
        if seen.insert(word.clone()) {
            words.push(word);
        }
    }
    words
}
