//! Programs and files on their way to a master, named by what is in them.

use super::bar::Bar;
use anyhow::{Context, Result, anyhow, bail};
use rsk_proto::{BLOB_CHUNK_BYTES_MAX, BlobChunk, BlobHash, rpc::MasterClient, to_usize};
use sha2::{Digest, Sha256};
use std::{fs::File, io::Read, os::unix::fs::FileExt, path::Path};

/// A connection that breaks is taken up where it broke so many times.
const ROUNDS_MAX: u32 = 5;

/// Brings what the master has not got of a file. Cost: the file is read once, and twice where the master lacks it.
pub(super) async fn upload(master: &MasterClient, path: &Path) -> Result<BlobHash> {
    let cannot = || format!("cannot read {}", path.display());
    let file = File::open(path).with_context(cannot)?;
    let length = file.metadata().with_context(cannot)?.len();
    let hash = hash(&file).with_context(cannot)?;
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let mut bar = Bar::new(format!("uploading {name}"), length);
    let mut outcome = Err(anyhow!("the master has not got all of it"));
    for _ in 0..ROUNDS_MAX {
        let mut ask = Some(BlobChunk { hash, length, offset: 0, bytes: Vec::new() });
        let status = master.put_blob(|| Ok::<_, anyhow::Error>(ask.take())).await?;
        if status.is_complete {
            return Ok(hash);
        }
        let mut offset = status.has;
        let sent = master
            .put_blob(|| {
                bar.at(offset);
                let chunk = chunk(&file, hash, length, offset).with_context(cannot)?;
                offset += chunk.as_ref().map_or(0, |chunk| chunk.bytes.len() as u64);
                Ok::<_, anyhow::Error>(chunk)
            })
            .await;
        match sent {
            Ok(status) if status.is_complete => return Ok(hash),
            Ok(_) => {}
            Err(error) => outcome = Err(error),
        }
        if file.metadata().with_context(cannot)?.len() != length {
            bail!("{} changes while it is read: wait until it is built", path.display());
        }
    }
    outcome.with_context(|| format!("cannot upload {}", path.display()))
}

fn hash(mut file: &File) -> Result<BlobHash> {
    let (mut sha, mut buffer) = (Sha256::new(), vec![0; 1 << 20]);
    loop {
        match file.read(&mut buffer)? {
            0 => return Ok(BlobHash(sha.finalize().into())),
            count => sha.update(&buffer[..count]),
        }
    }
}

fn chunk(file: &File, hash: BlobHash, length: u64, offset: u64) -> Result<Option<BlobChunk>> {
    let room = to_usize(length.saturating_sub(offset)).min(BLOB_CHUNK_BYTES_MAX);
    if room == 0 {
        return Ok(None);
    }
    let mut bytes = vec![0; room];
    file.read_exact_at(&mut bytes, offset)?;
    Ok(Some(BlobChunk { hash, length, offset, bytes }))
}
