//! The examples of rsk are the files beside this one; `cargo run --release --example pi` runs one.

use std::{fs, io};

/// A text of this repository, for an example that is given none.
#[must_use]
pub fn data(name: &str) -> String {
    format!("{}/data/{name}", env!("CARGO_MANIFEST_DIR"))
}

/// Where an example writes: its own argument `index`, or a folder under the system's temporary one, in place of what the
/// last run left there.
///
/// # Errors
/// What is there cannot be removed.
pub fn output(index: usize, name: &str) -> rsk::Result<String> {
    if let Some(typed) = rsk::args().get(index) {
        return Ok(typed.clone());
    }
    let folder = std::env::temp_dir().join("examples-of-rsk").join(name);
    match fs::remove_dir_all(&folder) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error.into()),
        _ => Ok(folder.display().to_string()),
    }
}

/// A line of numbers between spaces, of one at least.
///
/// # Errors
/// Another line, named, so that input is never dropped in silence.
pub fn numbers(line: &str) -> Result<Vec<f64>, String> {
    let numbers = line.split_ascii_whitespace().map(|word| word.parse().ok()).collect::<Option<Vec<f64>>>();
    numbers.filter(|numbers| !numbers.is_empty()).ok_or_else(|| format!("line {line:?} is not numbers"))
}

/// A line `from to` of a graph: two whole numbers.
///
/// # Errors
/// Another line, named.
pub fn edge(line: &str) -> Result<(u32, u32), String> {
    let mut words = line.split_ascii_whitespace().map(str::parse);
    match (words.next(), words.next(), words.next()) {
        (Some(Ok(from)), Some(Ok(to)), None) => Ok((from, to)),
        _ => Err(format!("line {line:?} is not two whole numbers")),
    }
}
