//! A block on disk.

use super::section::{SECTION_BYTES, SectionReader, SectionWriter};
use rsk_proto::{BlockId, Cause, TaskError};
use std::{
    fs::{self, File},
    io::{self, BufReader, BufWriter},
    path::{Path, PathBuf},
};

/// A block on its way to disk, beside its place: removed unless it is finished.
pub(crate) struct BlockFile {
    to: SectionWriter,
    aside: PathBuf,
    is_finished: bool,
}

impl BlockFile {
    /// What will be at `path`.
    pub(crate) fn create(id: BlockId, path: &Path) -> Result<BlockFile, TaskError> {
        let aside = path.with_extension("part");
        let file = File::create(&aside).map_err(|error| TaskError::io(&aside, "create", &error))?;
        let file = BufWriter::with_capacity(SECTION_BYTES, file);
        let named = aside.clone();
        let to = SectionWriter::new(id, file, move |error| TaskError::io(&named, "write", error));
        to.map(|to| BlockFile { to, aside, is_finished: false })
    }

    /// What its records are written to.
    pub(crate) fn sections(&mut self) -> &mut SectionWriter {
        &mut self.to
    }

    /// Publishes the block; answers its length.
    pub(crate) fn finish(mut self, path: &Path) -> Result<u64, TaskError> {
        let bytes = self.to.end()?;
        fs::rename(&self.aside, path).map_err(|error| TaskError::io(path, "publish", &error))?;
        self.is_finished = true;
        Ok(bytes)
    }
}

impl Drop for BlockFile {
    fn drop(&mut self) {
        if !self.is_finished {
            remove(&self.aside);
        }
    }
}

/// Removes a file that may be gone already.
pub(crate) fn remove(path: &Path) {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            tracing::warn!(%error, path = %path.display(), "cannot remove a block");
        }
        _ => {}
    }
}

/// Opens a block of `bytes` bytes.
pub(crate) fn open(id: BlockId, path: &Path, bytes: u64) -> Result<SectionReader<BufReader<File>>, Cause> {
    let file = File::open(path).map_err(|error| Cause::of(&error))?;
    let length = file.metadata().map_err(|error| Cause::of(&error))?.len();
    if length != bytes {
        return Err(Cause::new(format!("it has {length} bytes, but {bytes} were written")));
    }
    SectionReader::new(id, BufReader::with_capacity(SECTION_BYTES, file), bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rsk_proto::{BlockEpoch, FrameReader, PartitionId, RddId};

    const ID: BlockId = BlockId { rdd: RddId(4), partition: PartitionId(7), epoch: BlockEpoch::FIRST };

    fn write(path: &Path, records: &[(u32, String)]) -> u64 {
        let mut writer = BlockFile::create(ID, path).unwrap();
        for record in records {
            writer.sections().write(record).unwrap();
        }
        writer.finish(path).unwrap()
    }

    fn read(id: BlockId, path: &Path, bytes: u64) -> Result<Vec<(u32, String)>, Cause> {
        let mut reader = open(id, path, bytes)?;
        let mut records = Vec::new();
        while let Some(section) = reader.next()? {
            for record in FrameReader::new(section) {
                records.push(record?);
            }
        }
        Ok(records)
    }

    #[test]
    fn any_flipped_bit_and_any_cut_is_seen() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("block");
        let records: Vec<_> = (0..20).map(|n| (n, format!("record {n}"))).collect();
        let bytes = write(&path, &records);
        let whole = fs::read(&path).unwrap();
        assert_eq!(read(ID, &path, bytes).unwrap(), records);
        assert!(read(BlockId { partition: PartitionId(8), ..ID }, &path, bytes).is_err());
        assert!(read(BlockId { epoch: BlockEpoch(1), ..ID }, &path, bytes).is_err());
        for bit in 0..whole.len() * 8 {
            let mut flipped = whole.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            fs::write(&path, flipped).unwrap();
            assert!(read(ID, &path, bytes).is_err(), "bit {bit}");
        }
        for end in 0..whole.len() {
            fs::write(&path, &whole[..end]).unwrap();
            assert!(read(ID, &path, bytes).is_err(), "cut at {end}");
            assert!(read(ID, &path, end as u64).is_err(), "cut at {end}, and the length with it");
        }
    }

    #[test]
    fn what_is_not_finished_leaves_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("block");
        let mut writer = BlockFile::create(ID, &path).unwrap();
        (0..50_000u64).for_each(|n| writer.sections().write(&n).unwrap());
        drop(writer);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }
}
