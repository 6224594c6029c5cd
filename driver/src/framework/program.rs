//! This program, brought to the master once: agents fetch it from there.

use crate::{Error, image};
use rsk_proto::{BLOB_CHUNK_BYTES_MAX, BlobChunk, BlobHash, rpc::MasterClient};
use std::{os::unix::fs::FileExt, sync::Arc};

/// Brings what the master has not got of this program's file.
///
/// Cost: the file is hashed once a process; a master that has it is asked once.
pub(super) async fn upload(master: &MasterClient) -> Result<BlobHash, Error> {
    let fail = |source| Error::Program { source };
    let file = Arc::new(image::open().map_err(fail)?);
    let (hash, length) = (BlobHash::from(image::hash().map_err(fail)?), file.metadata().map_err(fail)?.len());
    let chunk = move |offset, bytes| BlobChunk { hash, length, offset, bytes };
    let mut ask = Some(chunk(0, Vec::new()));
    let has = master.put_blob(|| Ok::<_, Error>(ask.take())).await?;
    if has.is_complete {
        return Ok(hash);
    }
    let mut offset = has.has;
    master
        .put_blob(|| {
            let room = rsk_proto::to_usize(length.saturating_sub(offset)).min(BLOB_CHUNK_BYTES_MAX);
            if room == 0 {
                return Ok(None);
            }
            let mut bytes = vec![0; room];
            file.read_exact_at(&mut bytes, offset).map_err(fail)?;
            let chunk = chunk(offset, bytes);
            offset += room as u64;
            Ok::<_, Error>(Some(chunk))
        })
        .await?;
    Ok(hash)
}
