//! Sorts records of 100 bytes by the first ten: keys and places are sorted, each half by a thread, then merged.

use crate::{Result, both};
use std::{
    fs::File,
    io::{BufWriter, Write},
    os::unix::fs::FileExt,
    path::Path,
};

const RECORD: usize = 100;

/// The key, as numbers that compare like its bytes, and the record's number in the file.
type Place = (u64, u16, u32);

/// Writes the records in order to two part files in `output`.
pub(crate) fn sort(input: &Path, output: &Path) -> Result<()> {
    let file = File::open(input)?;
    let bytes = usize::try_from(file.metadata()?.len())?;
    if !bytes.is_multiple_of(RECORD) {
        return Err("the input is not whole records of 100 bytes".into());
    }
    let middle = bytes / RECORD / 2 * RECORD;
    let mut data = vec![0; bytes];
    let (front, back) = data.split_at_mut(middle);
    let (first, second) = both(|| places(&file, front, 0), || places(&file, back, middle))?;

    // Both parts hold about half of the records: the splitter is the middle key of one half.
    let splitter = first.get(first.len() / 2).copied().unwrap_or_default();
    let cut = |places: &[Place]| places.partition_point(|place| *place < splitter);
    let (low_first, high_first) = first.split_at(cut(&first));
    let (low_second, high_second) = second.split_at(cut(&second));
    std::fs::create_dir(output)?;
    both(
        || merge(&data, low_first, low_second, &output.join("part-0")),
        || merge(&data, high_first, high_second, &output.join("part-1")),
    )?;
    Ok(())
}

/// Reads one half into `half` and sorts its places.
fn places(file: &File, half: &mut [u8], offset: usize) -> Result<Vec<Place>> {
    file.read_exact_at(half, offset as u64)?;
    let first = u32::try_from(offset / RECORD)?;
    let place = |(record, number): (&[u8], u32)| {
        let (mut head, mut tail) = ([0; 8], [0; 2]);
        head.copy_from_slice(&record[..8]);
        tail.copy_from_slice(&record[8..10]);
        (u64::from_be_bytes(head), u16::from_be_bytes(tail), number)
    };
    let mut places: Vec<Place> = half.chunks_exact(RECORD).zip(first..).map(place).collect();
    places.sort_unstable();
    Ok(places)
}

fn merge(data: &[u8], left: &[Place], right: &[Place], path: &Path) -> Result<()> {
    let mut to = BufWriter::with_capacity(1 << 18, File::create(path)?);
    let (mut left, mut right) = (left.iter().peekable(), right.iter().peekable());
    while let Some(place) = match (left.peek(), right.peek()) {
        (Some(l), Some(r)) if l <= r => left.next(),
        (Some(_), None) => left.next(),
        _ => right.next(),
    } {
        let start = place.2 as usize * RECORD;
        to.write_all(&data[start..start + RECORD])?;
    }
    to.flush()?;
    Ok(())
}
