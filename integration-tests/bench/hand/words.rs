//! Counts words: hash maps a thread, merged.

use crate::{Result, both, input::each_line_of_half};
use std::{
    collections::HashMap,
    fs::File,
    hash::{BuildHasherDefault, Hasher},
    io::{BufWriter, Write},
    path::Path,
};

type Map<K> = HashMap<K, u64, BuildHasherDefault<WordHasher>>;

/// Nearly all words are short: a short word is its own bytes and its length in one number, so that no pointer is followed.
#[derive(Default)]
struct Counts {
    short: Map<u128>,
    long: Map<Box<[u8]>>,
}

impl Counts {
    fn add(&mut self, word: &[u8]) {
        if let Some(packed) = pack(word) {
            *self.short.entry(packed).or_default() += 1;
        } else if let Some(count) = self.long.get_mut(word) {
            *count += 1;
        } else {
            self.long.insert(word.into(), 1);
        }
    }

    fn merge(&mut self, other: Counts) {
        for (word, count) in other.short {
            *self.short.entry(word).or_default() += count;
        }
        for (word, count) in other.long {
            *self.long.entry(word).or_default() += count;
        }
    }
}

/// Up to 15 bytes, and their number in the last; `None` for longer words.
fn pack(word: &[u8]) -> Option<u128> {
    let mut bytes = [0; 16];
    bytes[..15].get_mut(..word.len())?.copy_from_slice(word);
    bytes[15] = u8::try_from(word.len()).ok()?;
    Some(u128::from_le_bytes(bytes))
}

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

    fn write_u128(&mut self, packed: u128) {
        self.mix(packed as u64);
        self.mix((packed >> 64) as u64);
    }

    fn finish(&self) -> u64 {
        self.0 ^ (self.0 >> 32)
    }
}

/// Writes `word TAB count` lines to two part files in `output`.
pub(crate) fn count(input: &Path, output: &Path) -> Result<()> {
    let (mut counts, others) = both(|| count_half(input, 0), || count_half(input, 1))?;
    counts.merge(others);
    std::fs::create_dir(output)?;
    let short = || {
        let mut to = part(output, 0)?;
        for (packed, count) in &counts.short {
            let bytes = packed.to_le_bytes();
            line(&mut to, &bytes[..usize::from(bytes[15])], *count)?;
        }
        Ok(to.flush()?)
    };
    let long = || {
        let mut to = part(output, 1)?;
        for (word, count) in &counts.long {
            line(&mut to, word, *count)?;
        }
        Ok(to.flush()?)
    };
    both(short, long)?;
    Ok(())
}

fn count_half(input: &Path, half: u64) -> Result<Counts> {
    let mut counts = Counts::default();
    each_line_of_half(input, half, |line| {
        for word in line.split(|byte| *byte == b' ').filter(|word| !word.is_empty()) {
            counts.add(word);
        }
        Ok(())
    })?;
    Ok(counts)
}

fn part(output: &Path, part: u32) -> Result<BufWriter<File>> {
    Ok(BufWriter::with_capacity(1 << 18, File::create(output.join(format!("part-{part}")))?))
}

fn line(to: &mut impl Write, word: &[u8], count: u64) -> Result<()> {
    to.write_all(word)?;
    writeln!(to, "\t{count}")?;
    Ok(())
}
