//! Counts words: a hash map a thread, merged.

use crate::{Result, both, input::each_line_of_half};
use std::{
    collections::HashMap,
    fs::File,
    hash::{BuildHasherDefault, Hasher},
    io::{BufWriter, Write},
    path::Path,
};

type Counts = HashMap<Box<[u8]>, u64, BuildHasherDefault<WordHasher>>;

/// A quick hash of a few bytes, in the manner of rustc's own.
#[derive(Default)]
struct WordHasher(u64);

impl WordHasher {
    fn mix(&mut self, word: u64) {
        self.0 = (self.0.rotate_left(5) ^ word).wrapping_mul(0x517c_c1b7_2722_0a95);
    }
}

impl Hasher for WordHasher {
    fn write(&mut self, bytes: &[u8]) {
        for chunk in bytes.chunks(8) {
            let mut word = [0; 8];
            word[..chunk.len()].copy_from_slice(chunk);
            self.mix(u64::from_le_bytes(word));
        }
    }

    fn write_usize(&mut self, length: usize) {
        self.mix(length as u64);
    }

    fn finish(&self) -> u64 {
        self.0 ^ (self.0 >> 32)
    }
}

/// Writes `word TAB count` lines to two part files in `output`.
pub(crate) fn count(input: &Path, output: &Path) -> Result<()> {
    let (mut counts, others) = both(|| count_half(input, 0), || count_half(input, 1))?;
    for (word, count) in others {
        *counts.entry(word).or_default() += count;
    }
    std::fs::create_dir(output)?;
    let counts: Vec<(&[u8], u64)> = counts.iter().map(|(word, count)| (&word[..], *count)).collect();
    let (front, back) = counts.split_at(counts.len() / 2);
    both(|| write(&output.join("part-0"), front), || write(&output.join("part-1"), back))?;
    Ok(())
}

fn count_half(input: &Path, half: u64) -> Result<Counts> {
    let mut counts = Counts::default();
    each_line_of_half(input, half, |line| {
        for word in line.split(|byte| *byte == b' ').filter(|word| !word.is_empty()) {
            match counts.get_mut(word) {
                Some(count) => *count += 1,
                None => drop(counts.insert(word.into(), 1)),
            }
        }
        Ok(())
    })?;
    Ok(counts)
}

fn write(path: &Path, counts: &[(&[u8], u64)]) -> Result<()> {
    let mut to = BufWriter::with_capacity(1 << 18, File::create(path)?);
    for (word, count) in counts {
        to.write_all(word)?;
        writeln!(to, "\t{count}")?;
    }
    to.flush()?;
    Ok(())
}
