//! Programs and files, in a folder of the master, each named by the SHA-256 of what is in it.
//!
//! A blob that is not whole yet has `.part` behind its name, and goes on where it ended. It gets its name when all is
//! there, on the disk, and its hash was right. The time of a file's last change is that of its last use, so that a master
//! that was started again knows it; `keep` says which are deleted.

mod keep;

pub use keep::KeepBlobs;
use keep::Kept;

use rsk_proto::{
    BLOB_CHUNK_BYTES_MAX, BlobChunk, BlobHash, BlobRequest, BlobStatus, Refusal, Time, rpc::Receiver,
};
use sha2::{Digest, Sha256};
use std::{
    collections::BTreeSet,
    fs, io,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::SystemTime,
};
use tokio::{
    fs::File,
    io::{AsyncReadExt, AsyncSeekExt, AsyncWriteExt},
    sync::mpsc,
};
use tokio_stream::wrappers::ReceiverStream;

/// A longer program or file is refused.
const BLOB_BYTES_MAX: u64 = 16 << 30;
const HASH_BUFFER_BYTES: usize = 1 << 20;

/// The blobs of a master.
#[derive(Debug, Clone)]
pub(super) struct Blobs {
    folder: PathBuf,
    /// Those that are being brought. Whoever says that a blob is there, or deletes one, holds this meanwhile.
    coming: Arc<Mutex<BTreeSet<BlobHash>>>,
    rules: KeepBlobs,
}

/// One blob is brought by one peer at a time.
struct Coming {
    hash: BlobHash,
    all: Arc<Mutex<BTreeSet<BlobHash>>>,
}

impl Drop for Coming {
    fn drop(&mut self) {
        self.all.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.hash);
    }
}

/// Which blob a file is, and whether all of it.
/// The extension of what is being deleted.
const GONE: &str = "gone";

fn named(path: &Path) -> Option<(BlobHash, bool)> {
    let hash = path.file_stem()?.to_str()?.parse().ok()?;
    match path.extension().map(|part| part == "part") {
        None => Some((hash, true)),
        Some(true) => Some((hash, false)),
        Some(false) => None,
    }
}

fn missing(hash: BlobHash) -> Refusal {
    Refusal::Unknown(format!("blob {hash}: submit the program again"))
}

/// Notes that a file is used now.
fn touch(path: &Path) -> io::Result<()> {
    fs::File::options().append(true).open(path)?.set_modified(SystemTime::now())
}

fn failed(path: &Path, error: &io::Error) -> Refusal {
    let is_full = matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded);
    let remedy = if is_full { ": make room there" } else { "" };
    Refusal::NotReady(format!("{} of the master: {error}{remedy}", path.display()))
}

impl Blobs {
    pub(super) fn open(work_dir: &Path, rules: KeepBlobs) -> io::Result<Self> {
        let folder = work_dir.join("blobs");
        fs::create_dir_all(&folder)?;
        for entry in fs::read_dir(&folder)? {
            let path = entry?.path();
            if path.extension().is_some_and(|extension| extension == GONE) {
                fs::remove_file(path)?;
            }
        }
        Ok(Blobs { folder, coming: Arc::default(), rules })
    }

    pub(super) fn rules(&self) -> KeepBlobs {
        self.rules
    }

    fn lock(&self) -> MutexGuard<'_, BTreeSet<BlobHash>> {
        self.coming.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn path(&self, hash: BlobHash) -> PathBuf {
        self.folder.join(hash.to_string())
    }

    /// What is there of a blob, which counts as a use of it: who hears that it is there will find it there.
    fn status(&self, hash: BlobHash) -> BlobStatus {
        let whole = self.path(hash);
        let _held = self.lock();
        let length = |path: &Path| Some((touch(path).ok()?, fs::metadata(path).ok()?.len()).1);
        if let Some(has) = length(&whole) {
            return BlobStatus { hash, has, is_complete: true };
        }
        let has = length(&whole.with_extension("part")).unwrap_or(0);
        BlobStatus { hash, has, is_complete: false }
    }

    /// Uses blobs that somebody is about to need.
    ///
    /// Errors: one is not there.
    pub(super) fn need(&self, hashes: impl IntoIterator<Item = BlobHash>) -> Result<(), Refusal> {
        match hashes.into_iter().find(|hash| !self.status(*hash).is_complete) {
            Some(hash) => Err(missing(hash)),
            None => Ok(()),
        }
    }

    fn begin(&self, hash: BlobHash) -> Result<Coming, Refusal> {
        let is_first = self.lock().insert(hash);
        let taken = || Refusal::NotReady(format!("{hash} is being brought by somebody else"));
        if is_first { Ok(Coming { hash, all: self.coming.clone() }) } else { Err(taken()) }
    }

    /// Deletes what is not kept any more. `needed`, asked for before: what lives needs.
    pub(super) fn collect(&self, needed: &BTreeSet<BlobHash>) -> io::Result<()> {
        let asked_at = SystemTime::now();
        for hash in needed {
            // What an application has brought elsewhere is not here.
            drop(touch(&self.path(*hash)));
        }
        let all = self.all()?;
        // Files know the time since 1970, and so does the rule.
        let since = |time: SystemTime| Time(time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default());
        let coming = self.lock().clone();
        let kept = all.iter().map(|(path, file)| {
            let (hash, is_whole) = named(path)?;
            let used = since(file.modified().ok()?);
            Some(Kept { used, hash, is_whole, bytes: file.len(), is_coming: coming.contains(&hash) })
        });
        let kept = kept.flatten().collect();
        for (hash, is_whole) in self.rules.pick_old(kept, needed, since(asked_at)) {
            let path = if is_whole { self.path(hash) } else { self.path(hash).with_extension("part") };
            let held = self.lock();
            // It may have been used, or asked for, since the list was made.
            let used = fs::metadata(&path).and_then(|file| file.modified());
            if held.contains(&hash) || used.is_ok_and(|used| used >= asked_at) {
                continue;
            }
            // To delete a large file may take long, and whoever asks for a blob waits for the lock.
            let gone = path.with_extension(GONE);
            let renamed = fs::rename(&path, &gone);
            drop(held);
            match renamed.and_then(|()| fs::remove_file(&gone)) {
                Ok(()) => tracing::info!(blob = %hash, is_whole, "a blob that nothing needs is deleted"),
                // An upload has been finished meanwhile.
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => tracing::warn!(%error, path = %path.display(), "cannot delete a blob"),
            }
        }
        Ok(())
    }

    fn all(&self) -> io::Result<Vec<(PathBuf, fs::Metadata)>> {
        let mut all = Vec::new();
        for entry in fs::read_dir(&self.folder)? {
            let path = entry?.path();
            match fs::metadata(&path) {
                // An upload has been finished meanwhile.
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                file => all.push((path, file?)),
            }
        }
        Ok(all)
    }

    /// Takes a blob, or the rest of one.
    pub(super) async fn put(&self, mut from: Receiver<BlobChunk>) -> Result<BlobStatus, Refusal> {
        let empty = || Refusal::Invalid("a blob without a chunk".to_owned());
        let mut chunk = from.receive().await?.ok_or_else(empty)?;
        let (hash, length) = (chunk.hash, chunk.length);
        let status = self.status(hash);
        if status.is_complete || (chunk.bytes.is_empty() && length > 0) {
            return Ok(status);
        }
        if length > BLOB_BYTES_MAX {
            return Err(Refusal::Invalid(format!(
                "{hash} has {length} bytes, and {BLOB_BYTES_MAX} are the most"
            )));
        }
        let _coming = self.begin(hash)?;
        let part = self.path(hash).with_extension("part");
        let mut has = self.status(hash).has;
        let open = File::options().create(true).append(true).open(&part).await;
        let mut file = open.map_err(|error| failed(&part, &error))?;
        loop {
            if chunk.hash != hash || chunk.offset != has || chunk.bytes.len() > BLOB_CHUNK_BYTES_MAX {
                return Err(Refusal::Invalid(format!(
                    "a chunk at {}, and {has} bytes of {hash} are there",
                    chunk.offset
                )));
            }
            file.write_all(&chunk.bytes).await.map_err(|error| failed(&part, &error))?;
            has += chunk.bytes.len() as u64;
            if has >= length {
                break;
            }
            let Some(next) = from.receive().await? else {
                file.flush().await.map_err(|error| failed(&part, &error))?;
                return Ok(BlobStatus { hash, has, is_complete: false });
            };
            chunk = next;
        }
        // A write that failed after it was taken is said by the flush alone.
        file.flush().await.map_err(|error| failed(&part, &error))?;
        file.sync_all().await.map_err(|error| failed(&part, &error))?;
        self.finish(hash, length, part).await
    }

    /// Checks what has come, and gives it its name.
    async fn finish(&self, hash: BlobHash, length: u64, part: PathBuf) -> Result<BlobStatus, Refusal> {
        let whole = self.path(hash);
        let checked = tokio::task::spawn_blocking(move || -> io::Result<bool> {
            let is_right = fs::metadata(&part)?.len() == length && hash_of(&part)? == hash;
            if is_right {
                fs::rename(&part, &whole)?;
                touch(&whole)?;
            } else {
                fs::remove_file(&part)?;
            }
            Ok(is_right)
        });
        match checked.await {
            Ok(Ok(true)) => Ok(BlobStatus { hash, has: length, is_complete: true }),
            Ok(Ok(false)) => Err(Refusal::Invalid(format!("what came is not {hash}, and is deleted"))),
            Ok(Err(error)) => Err(failed(&self.folder, &error)),
            Err(_) => Err(Refusal::NotReady("the master is stopping".to_owned())),
        }
    }

    /// Reads a blob from an offset on.
    pub(super) async fn get(
        &self,
        request: BlobRequest,
    ) -> Result<ReceiverStream<Result<BlobChunk, Refusal>>, Refusal> {
        let (hash, path) = (request.hash, self.path(request.hash));
        if !self.status(hash).is_complete {
            return Err(missing(hash));
        }
        let mut file = File::open(&path).await.map_err(|_| missing(hash))?;
        let length = file.metadata().await.map_err(|error| failed(&path, &error))?.len();
        let mut offset = request.offset;
        if offset > length {
            return Err(Refusal::Invalid(format!("{hash} has {length} bytes, and not {offset}")));
        }
        file.seek(io::SeekFrom::Start(offset)).await.map_err(|error| failed(&path, &error))?;
        let (to, chunks) = mpsc::channel(4);
        tokio::spawn(async move {
            loop {
                let mut bytes = Vec::with_capacity(BLOB_CHUNK_BYTES_MAX);
                let read = (&mut file).take(BLOB_CHUNK_BYTES_MAX as u64).read_to_end(&mut bytes).await;
                let read = read.map_err(|error| failed(&path, &error));
                let is_last = !matches!(read, Ok(count) if offset + (count as u64) < length && count > 0);
                let chunk = read.map(|count| {
                    let chunk = BlobChunk { hash, length, offset, bytes };
                    offset += count as u64;
                    chunk
                });
                if to.send(chunk).await.is_err() || is_last {
                    return;
                }
            }
        });
        Ok(ReceiverStream::new(chunks))
    }
}

fn hash_of(path: &Path) -> io::Result<BlobHash> {
    let mut file = std::fs::File::open(path)?;
    let mut sha = Sha256::new();
    let mut buffer = vec![0; HASH_BUFFER_BYTES];
    loop {
        match io::Read::read(&mut file, &mut buffer)? {
            0 => return Ok(BlobHash(sha.finalize().into())),
            count => sha.update(&buffer[..count]),
        }
    }
}
