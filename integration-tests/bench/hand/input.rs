//! Halves of a text file.

use crate::Result;
use std::{
    fs::File,
    io::{BufRead, BufReader, Seek, SeekFrom},
    path::Path,
};

/// Calls `see` with each line, without its end, that starts in one half of the file: the first (0) or the second (1).
pub(crate) fn each_line_of_half(
    path: &Path,
    half: u64,
    mut see: impl FnMut(&[u8]) -> Result<()>,
) -> Result<()> {
    let mut file = BufReader::with_capacity(1 << 18, File::open(path)?);
    let bytes = file.get_ref().metadata()?.len();
    let (mut at, end) = (half * (bytes / 2), if half == 0 { bytes / 2 } else { bytes });
    let mut line = Vec::new();
    if at > 0 {
        // From one byte before: when that byte ends a line, nothing of the next is skipped.
        file.seek(SeekFrom::Start(at - 1))?;
        at += file.read_until(b'\n', &mut line)? as u64 - 1;
    }
    while at < end {
        line.clear();
        let read = file.read_until(b'\n', &mut line)?;
        if read == 0 {
            break;
        }
        at += read as u64;
        see(line.strip_suffix(b"\n").unwrap_or(&line))?;
    }
    Ok(())
}
