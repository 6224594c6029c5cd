//! From listed files to partitions: which bytes each task reads.

use crate::{Codec, InputFile};
use rsk_proto::to_usize;
use serde::{Deserialize, Serialize};

/// How text is read.
///
/// ```
/// use rsk_storage::{InvalidUtf8, TextOptions};
/// let lossy = TextOptions { invalid_utf8: InvalidUtf8::Lossy, ..TextOptions::default() };
/// assert_eq!((lossy.packed, lossy.block_bytes), (false, 32 << 20));
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TextOptions {
    /// What bytes that are not UTF-8 do.
    pub invalid_utf8: InvalidUtf8,
    /// Do small files share a partition, up to a block of bytes?
    pub packed: bool,
    /// At least so many partitions, where there are bytes enough.
    pub splits_min: u64,
    /// A partition a block: at most so many bytes of one file.
    pub block_bytes: u64,
    /// A longer line, or file read whole, is an error; lines up to 256 KiB never are.
    pub record_bytes_max: u64,
}

impl Default for TextOptions {
    fn default() -> Self {
        TextOptions {
            invalid_utf8: InvalidUtf8::Fail,
            packed: false,
            splits_min: 1,
            block_bytes: 32 << 20,
            record_bytes_max: 256 << 20,
        }
    }
}

/// What bytes that are not UTF-8 do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum InvalidUtf8 {
    /// They are an error that says in which line they are.
    Fail,
    /// They are read as U+FFFD, as `String::from_utf8_lossy` does.
    Lossy,
}

/// A byte range of one file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Split {
    /// The file.
    pub file: InputFile,
    /// The first byte.
    pub start: u64,
    /// One beyond the last. Of a compressed file that is one split, its length.
    pub end: u64,
}

/// What one task reads, in order: one split, or several small files.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct TextPartition {
    /// Its splits.
    pub splits: Vec<Split>,
}

/// Cuts files into partitions: one a block, more if `splits_min` asks for it, never fewer.
///
/// Shape: in the order of the files; the splits of one file are of equal length, within a byte. A compressed file is one
/// split, but bzip2's, which are cut as others are. An empty file is an empty partition. With `packed`, whole neighbours share a partition while they fit.
///
/// ```
/// use rsk_storage::{InputFile, TextOptions, plan};
/// let file = |bytes| InputFile::new("a.txt", bytes);
/// let options = TextOptions { block_bytes: 100, ..TextOptions::default() };
/// assert_eq!(plan(&[file(250), file(0), file(10)], &options).len(), 5);
/// let packed = TextOptions { packed: true, ..options };
/// assert_eq!(plan(&[file(250), file(0), file(10)], &packed).len(), 4);
/// ```
pub fn plan(files: &[InputFile], options: &TextOptions) -> Vec<TextPartition> {
    plan_where(files, options, |file| {
        Codec::of_name(file.location.name().as_ref()).is_none_or(Codec::can_split)
    })
}

/// [`plan`], where only some files can be cut.
pub(crate) fn plan_where(
    files: &[InputFile],
    options: &TextOptions,
    can_cut: impl Fn(&InputFile) -> bool,
) -> Vec<TextPartition> {
    let is_whole = |file: &&InputFile| file.bytes == 0 || !can_cut(file);
    let whole = files.iter().filter(is_whole).count() as u64;
    let cuttable: u64 = files.iter().filter(|file| !is_whole(file)).map(|file| file.bytes).sum();
    let pieces_min =
        if options.packed { options.splits_min } else { options.splits_min.saturating_sub(whole) };
    let pieces = |file: &InputFile| {
        let share = u128::from(file.bytes) * u128::from(pieces_min);
        let share = share.div_ceil(u128::from(cuttable.max(1))).min(u128::from(file.bytes));
        let blocks = file.bytes.div_ceil(options.block_bytes.max(1));
        if is_whole(&file) { 1 } else { u64::try_from(share).unwrap_or(u64::MAX).max(blocks).max(1) }
    };
    let total: u64 = files.iter().map(|file| file.bytes).sum();
    let together_max = options.block_bytes.min(total / options.splits_min.max(1)).max(1);
    let mut partitions: Vec<TextPartition> = Vec::new();
    let mut open = None;
    for file in files {
        let pieces = pieces(file);
        let at = |n: u64| to_u64(u128::from(file.bytes) * u128::from(n) / u128::from(pieces));
        if let Some(bytes) = open.filter(|bytes| pieces == 1 && bytes + file.bytes <= together_max) {
            if let Some(last) = partitions.last_mut() {
                last.splits.push(Split { file: file.clone(), start: 0, end: file.bytes });
            }
            open = Some(bytes + file.bytes);
            continue;
        }
        let splits = (0..pieces).map(|n| Split { file: file.clone(), start: at(n), end: at(n + 1) });
        partitions.extend(splits.map(|split| TextPartition { splits: vec![split] }));
        open = (options.packed && pieces == 1).then_some(file.bytes);
    }
    partitions
}

fn to_u64(n: u128) -> u64 {
    u64::try_from(n).unwrap_or(u64::MAX)
}

/// What one file costs beside its bytes, when files are dealt out.
const FILE_BYTES: u64 = 4 << 10;

/// Deals whole files out into `partitions_min` partitions of about equal bytes, or one each where they are fewer.
///
/// Shape: in the order of the files; no partition is empty.
///
/// ```
/// use rsk_storage::{InputFile, plan_whole};
/// let files: Vec<_> = (0..10).map(|n| InputFile::new(&*n.to_string(), 100)).collect();
/// assert_eq!(plan_whole(&files, 2).iter().map(Vec::len).collect::<Vec<_>>(), [5, 5]);
/// assert_eq!(plan_whole(&files, 20).len(), 10);
/// ```
pub fn plan_whole(files: &[InputFile], partitions_min: u64) -> Vec<Vec<InputFile>> {
    let mut partitions_left = to_usize(partitions_min).clamp(1, files.len().max(1));
    let mut bytes_left: u64 = files.iter().map(|file| file.bytes + FILE_BYTES).sum();
    let mut partitions = Vec::new();
    let (mut open, mut bytes) = (Vec::new(), 0);
    for (at, file) in files.iter().enumerate() {
        open.push(file.clone());
        bytes += file.bytes + FILE_BYTES;
        let files_left = files.len() - at - 1;
        let fair = bytes_left / partitions_left as u64;
        if partitions_left > 1 && (bytes >= fair || files_left < partitions_left) || files_left == 0 {
            partitions.push(std::mem::take(&mut open));
            bytes_left -= std::mem::take(&mut bytes);
            partitions_left = (partitions_left - 1).max(1);
        }
    }
    partitions
}

#[cfg(test)]
mod tests;
