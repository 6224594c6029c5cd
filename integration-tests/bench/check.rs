//! Says what an output holds, so that peers can be compared: `words FOLDER`, `sorted INPUT FOLDER`.
//!
//! Reads the files `part-*` in the order of their names. A digest is a sum over the lines, whatever their order.

use std::{
    error::Error,
    fs::File,
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

fn main() -> Result<()> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    match args[..] {
        ["words", folder] => words(folder.as_ref()),
        ["sorted", input, folder] => sorted(input.as_ref(), folder.as_ref()),
        _ => Err("words FOLDER | sorted INPUT FOLDER".into()),
    }
}

/// Lines `word TAB count`.
fn words(folder: &Path) -> Result<()> {
    let (mut distinct, mut total, mut digest) = (0u64, 0u64, 0u64);
    each_line(&parts(folder)?, |line| {
        let tab = line.iter().rposition(|byte| *byte == b'\t').ok_or("a line has no tab")?;
        distinct += 1;
        total += std::str::from_utf8(&line[tab + 1..])?.parse::<u64>()?;
        digest = digest.wrapping_add(hash(line));
        Ok(())
    })?;
    println!("{distinct} words, {total} in all, digest {digest:016x}");
    Ok(())
}

/// The lines of `input`, in the order of their first ten bytes.
fn sorted(input: &Path, folder: &Path) -> Result<()> {
    let (mut lines, mut digest, mut last) = (0u64, 0u64, Vec::new());
    each_line(&parts(folder)?, |line| {
        let key = line.get(..10).ok_or("a line is shorter than its key")?;
        if key < last.as_slice() {
            return Err(format!("line {lines} of the output is less than the one before").into());
        }
        last.clear();
        last.extend_from_slice(key);
        lines += 1;
        digest = digest.wrapping_add(hash(line));
        Ok(())
    })?;
    let mut expected = 0u64;
    each_line(&[input.to_owned()], |line| {
        expected = expected.wrapping_add(hash(line));
        Ok(())
    })?;
    if digest != expected {
        return Err(format!("the {lines} lines of the output are not those of {}", input.display()).into());
    }
    println!("{lines} lines in order, digest {digest:016x}");
    Ok(())
}

fn each_line(files: &[PathBuf], mut see: impl FnMut(&[u8]) -> Result<()>) -> Result<()> {
    let mut line = Vec::new();
    for path in files {
        let mut file = BufReader::with_capacity(1 << 20, File::open(path)?);
        let named = |error: Box<dyn Error>| format!("{}: {error}", path.display());
        while file.read_until(b'\n', &mut line)? > 0 {
            see(line.strip_suffix(b"\n").unwrap_or(&line)).map_err(named)?;
            line.clear();
        }
    }
    Ok(())
}

fn parts(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut parts = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_name().to_string_lossy().starts_with("part-") {
            parts.push(entry.path());
        }
    }
    parts.sort();
    Ok(parts)
}

/// Mixes eight bytes at a time; the length is mixed in last, so that padding does not collide.
fn hash(line: &[u8]) -> u64 {
    let mix = |hash: u64, word: u64| {
        let product = u128::from(hash ^ word ^ 0x9e37_79b9_7f4a_7c15) * 0xd6e8_feb8_6659_fd93_u128;
        (product as u64) ^ ((product >> 64) as u64).rotate_left(29)
    };
    let folded = line.chunks(8).fold(0, |hash, chunk| {
        let mut word = [0; 8];
        word[..chunk.len()].copy_from_slice(chunk);
        mix(hash, u64::from_le_bytes(word))
    });
    mix(mix(folded, line.len() as u64), 1)
}
