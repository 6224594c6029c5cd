//! This program and its files, brought to the master once: agents fetch them from there.

use crate::{Error, image};
use rsk_proto::{BLOB_CHUNK_BYTES_MAX, BlobChunk, BlobHash, rpc::MasterClient};
use sha2::{Digest, Sha256};
use std::{
    collections::BTreeMap,
    fs::File,
    io::{self, Read},
    os::unix::fs::FileExt,
    path::PathBuf,
    sync::Arc,
};

/// A file that executors are started with. Held open: it may be replaced meanwhile.
#[derive(Debug, Clone)]
pub(super) struct Brought {
    pub(super) hash: BlobHash,
    length: u64,
    file: Arc<File>,
}

impl Brought {
    /// This program. Cost: it is hashed once a process.
    pub(super) fn program() -> Result<Brought, Error> {
        let fail = |source| Error::Program { source };
        let file = image::open().map_err(fail)?;
        let (hash, length) =
            (BlobHash::from(image::hash().map_err(fail)?), file.metadata().map_err(fail)?.len());
        Ok(Brought { hash, length, file: Arc::new(file) })
    }

    /// A user's files. Cost: each is read once.
    pub(super) fn files(files: &BTreeMap<String, PathBuf>) -> Result<BTreeMap<String, Brought>, Error> {
        let open = |path: &PathBuf| -> io::Result<Brought> {
            let mut file = File::open(path)?;
            let (mut sha, mut buffer, mut length) = (Sha256::new(), vec![0; 1 << 18], 0);
            loop {
                match file.read(&mut buffer)? {
                    0 => break,
                    count => {
                        sha.update(&buffer[..count]);
                        length += count as u64;
                    }
                }
            }
            Ok(Brought { hash: BlobHash(sha.finalize().into()), length, file: Arc::new(file) })
        };
        let open = |(name, path): (&String, &PathBuf)| {
            let brought = open(path).map_err(|source| Error::File { name: name.clone(), source })?;
            Ok((name.clone(), brought))
        };
        files.iter().map(open).collect()
    }

    /// Brings what the master has not got of it, and says whether that was anything. Cost: a master that has it is asked
    /// once. An empty file is there when it has been asked for.
    pub(super) async fn bring(&self, master: &MasterClient) -> Result<bool, Error> {
        let (hash, length) = (self.hash, self.length);
        let chunk = move |offset, bytes| BlobChunk { hash, length, offset, bytes };
        let mut ask = Some(chunk(0, Vec::new()));
        let has = master.put_blob(|| Ok::<_, Error>(ask.take())).await?;
        if has.is_complete {
            return Ok(false);
        }
        let mut offset = has.has;
        master
            .put_blob(|| {
                let room = rsk_proto::to_usize(length.saturating_sub(offset)).min(BLOB_CHUNK_BYTES_MAX);
                if room == 0 {
                    return Ok(None);
                }
                let mut bytes = vec![0; room];
                self.file.read_exact_at(&mut bytes, offset).map_err(|source| Error::Program { source })?;
                let chunk = chunk(offset, bytes);
                offset += room as u64;
                Ok::<_, Error>(Some(chunk))
            })
            .await?;
        Ok(true)
    }
}
