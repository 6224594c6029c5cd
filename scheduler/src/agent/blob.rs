//! Programs and files as they came from the master: `blobs/HASH`, fetched once, checked, kept as long as there is room.

use rsk_proto::{
    BlobHash, BlobRequest, Cause, file_identity,
    rpc::{MasterClient, RpcError},
};
use sha2::{Digest, Sha256};
use std::{
    collections::BTreeMap,
    fs::{self, File, FileTimes, OpenOptions, Permissions},
    io::{self, Read, Write},
    os::unix::fs::{MetadataExt, PermissionsExt},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, SystemTime},
};
use tokio::sync::watch;

/// A master may be away for so long while a blob is fetched.
const MASTER_WITHIN: Duration = Duration::from_mins(1);
/// A master that sends nothing for so long is asked again.
const CHUNK_WITHIN: Duration = Duration::from_secs(30);
const ATTEMPTS_MAX: u32 = 5;
const AGAIN_AFTER: Duration = Duration::from_millis(500);

/// The master that the agent speaks with, if there is one now.
pub(crate) type Master = watch::Receiver<Option<MasterClient>>;

/// Why a blob cannot be had.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BlobError {
    #[error("no master was there to fetch it from for {} s", MASTER_WITHIN.as_secs())]
    NoMaster,
    #[error("the master sends it wrongly: {0}")]
    Wrong(String),
    #[error("cannot fetch it")]
    Rpc(#[from] RpcError),
    #[error("cannot use {path}")]
    File {
        path: PathBuf,
        #[source]
        cause: io::Error,
    },
}

/// The blobs of an agent.
#[derive(Debug)]
pub(crate) struct Blobs {
    folder: PathBuf,
    bytes_max: u64,
    /// One fetch a blob at a time. Blobs that are being used are not evicted.
    busy: Mutex<BTreeMap<BlobHash, Arc<tokio::sync::Mutex<()>>>>,
    /// Files whose hash was found right since the agent was started, and what they looked like.
    checked: Mutex<BTreeMap<BlobHash, Looks>>,
}

type Looks = (u64, u64, i64, i64);

fn looks(file: &fs::Metadata) -> Looks {
    (file.ino(), file.len(), file.mtime(), file.mtime_nsec())
}

fn fail(path: &Path) -> impl FnOnce(io::Error) -> BlobError {
    let path = path.to_owned();
    move |cause| BlobError::File { path, cause }
}

impl Blobs {
    pub(crate) fn new(folder: PathBuf, bytes_max: u64) -> Self {
        Blobs { folder, bytes_max, busy: Mutex::default(), checked: Mutex::default() }
    }

    /// Lays a blob down at `target`, and fetches it before if need be. The two share their bytes on the disk.
    pub(crate) async fn lay(&self, hash: BlobHash, target: &Path, master: &Master) -> Result<(), Cause> {
        let busy = self.busy.lock().unwrap_or_else(PoisonError::into_inner).entry(hash).or_default().clone();
        let laid = {
            let _alone = busy.lock().await;
            self.lay_alone(hash, target, master).await
        };
        drop(busy);
        self.busy
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .retain(|_, busy| Arc::strong_count(busy) > 1);
        self.evict();
        laid.map_err(|error| Cause::of(&error).within(format!("cannot have {hash}")))
    }

    async fn lay_alone(&self, hash: BlobHash, target: &Path, master: &Master) -> Result<(), BlobError> {
        let path = self.folder.join(hash.to_string());
        if !self.is_right(hash, &path).await.map_err(fail(&path))? {
            self.fetch(hash, &path, master.clone()).await?;
            let file = fs::metadata(&path).map_err(fail(&path))?;
            self.checked.lock().unwrap_or_else(PoisonError::into_inner).insert(hash, looks(&file));
        }
        let now = FileTimes::new().set_accessed(SystemTime::now());
        File::open(&path).and_then(|file| file.set_times(now)).map_err(fail(&path))?;
        match fs::hard_link(&path, target) {
            Ok(()) => Ok(()),
            // What is there may be a blob itself, whose bytes a copy would overwrite.
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Err(fail(target)(error)),
            Err(_) => fs::copy(&path, target).map(drop).map_err(fail(target)),
        }
    }

    /// What a process that runs from this file may believe of it. Nothing unless the file is the blob as it was checked.
    pub(crate) fn claim(&self, hash: BlobHash, file: &Path) -> Option<String> {
        let file = fs::metadata(file).ok()?;
        let known = self.checked.lock().unwrap_or_else(PoisonError::into_inner).get(&hash).copied();
        (known == Some(looks(&file))).then(|| format!("{}:{hash}", file_identity(&file)))
    }

    /// Whether the file is there and holds what it should: damaged ones are removed. Read once after each change.
    async fn is_right(&self, hash: BlobHash, path: &Path) -> io::Result<bool> {
        let file = match fs::metadata(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
            file => file?,
        };
        let known = self.checked.lock().unwrap_or_else(PoisonError::into_inner).get(&hash).copied();
        if known == Some(looks(&file)) {
            return Ok(true);
        }
        let opened = File::open(path)?;
        let found = tokio::task::spawn_blocking(move || sha256(opened)).await.map_err(io::Error::other)??;
        if found.finalize()[..] != hash.0 {
            tracing::warn!(blob = %hash, "a blob is damaged on the disk: it is fetched again");
            fs::remove_file(path)?;
            return Ok(false);
        }
        self.checked.lock().unwrap_or_else(PoisonError::into_inner).insert(hash, looks(&file));
        Ok(true)
    }

    async fn fetch(&self, hash: BlobHash, path: &Path, mut master: Master) -> Result<(), BlobError> {
        let part = path.with_extension("part");
        let mut attempt = 0;
        loop {
            attempt += 1;
            let client = client_of(&mut master).await?;
            let has = fs::metadata(&part).map_or(0, |part| part.len());
            match fetch_rest(hash, &part, &client).await {
                Ok(()) => break,
                Err(error @ BlobError::Wrong(_)) => {
                    fs::remove_file(&part).map_err(fail(&part))?;
                    // What was there before may have been the damage.
                    if has == 0 || attempt >= ATTEMPTS_MAX {
                        return Err(error);
                    }
                }
                Err(error @ (BlobError::File { .. } | BlobError::Rpc(RpcError::Refused { .. }))) => {
                    return Err(error);
                }
                Err(error) if attempt >= ATTEMPTS_MAX => return Err(error),
                Err(error) => {
                    tracing::warn!(error = %Cause::of(&error), blob = %hash, "a blob is asked for again");
                }
            }
            tokio::time::sleep(AGAIN_AFTER).await;
        }
        fs::set_permissions(&part, Permissions::from_mode(0o555)).map_err(fail(&part))?;
        fs::rename(&part, path).map_err(fail(path))
    }

    /// Removes what was not used for longest until the rest is within the bound. What cannot be removed stays.
    pub(crate) fn evict(&self) {
        let busy = self.busy.lock().unwrap_or_else(PoisonError::into_inner);
        let Ok(entries) = fs::read_dir(&self.folder) else { return };
        let files = entries.filter_map(|entry| {
            let entry = entry.ok()?;
            let hash: BlobHash = Path::new(&entry.file_name()).file_stem()?.to_str()?.parse().ok()?;
            let file = entry.metadata().ok()?;
            Some((file.accessed().ok()?, hash, file.len(), entry.path()))
        });
        let mut files: Vec<_> = files.collect();
        files.sort();
        self.checked
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .retain(|hash, _| files.iter().any(|(_, known, _, _)| known == hash));
        let mut sum: u64 = files.iter().map(|(_, _, bytes, _)| bytes).sum();
        for (_, hash, bytes, path) in files {
            if sum <= self.bytes_max {
                break;
            }
            if !busy.contains_key(&hash) && fs::remove_file(path).is_ok() {
                sum -= bytes;
            }
        }
    }
}

fn sha256(mut from: impl Read) -> io::Result<Sha256> {
    let mut hasher = Sha256::new();
    let mut buffer = vec![0; 1 << 18];
    loop {
        match from.read(&mut buffer)? {
            0 => return Ok(hasher),
            bytes => hasher.update(&buffer[..bytes]),
        }
    }
}

async fn client_of(master: &mut Master) -> Result<MasterClient, BlobError> {
    let client = tokio::time::timeout(MASTER_WITHIN, master.wait_for(Option::is_some)).await;
    let client = client.ok().and_then(|client| client.ok()?.clone());
    client.ok_or(BlobError::NoMaster)
}

/// Goes on where the file ends.
async fn fetch_rest(hash: BlobHash, part: &Path, master: &MasterClient) -> Result<(), BlobError> {
    let mut file = OpenOptions::new().read(true).append(true).create(true).open(part).map_err(fail(part))?;
    let mut offset = file.metadata().map_err(fail(part))?.len();
    let had = file.try_clone().map_err(fail(part))?;
    let hashed = tokio::task::spawn_blocking(move || sha256(had)).await.map_err(io::Error::other);
    let mut hasher = hashed.and_then(|hashed| hashed).map_err(fail(part))?;
    let mut length = None;
    let mut chunks = master.get_blob(BlobRequest { hash, offset }).await?;
    loop {
        let chunk = tokio::time::timeout(CHUNK_WITHIN, chunks.receive()).await;
        let Ok(chunk) = chunk else {
            return Err(BlobError::Rpc(RpcError::Closed(master.address().to_owned())));
        };
        let Some(chunk) = chunk? else { break };
        if chunk.hash != hash || chunk.offset != offset || length.is_some_and(|length| length != chunk.length)
        {
            return Err(BlobError::Wrong(format!(
                "a chunk at {} of {} where {offset} follows",
                chunk.offset, chunk.hash
            )));
        }
        length = Some(chunk.length);
        hasher.update(&chunk.bytes);
        file.write_all(&chunk.bytes).map_err(fail(part))?;
        offset += chunk.bytes.len() as u64;
    }
    match length {
        // The stream ended before the blob did: there is more to be had.
        Some(length) if offset < length => {
            return Err(BlobError::Rpc(RpcError::Closed(master.address().to_owned())));
        }
        Some(length) if offset > length => {
            return Err(BlobError::Wrong(format!("{offset} bytes of {length}")));
        }
        _ => {}
    }
    let found = hasher.finalize();
    if found[..] != hash.0 {
        let found = BlobHash(found.into());
        return Err(BlobError::Wrong(format!("its {offset} bytes have the hash {found}")));
    }
    // Not forced to the disk: the next start of the agent reads it through before it is used.
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_file_that_was_checked_is_vouched_for() {
        let folder = tempfile::tempdir().unwrap();
        let blobs = Blobs::new(folder.path().to_owned(), 1 << 20);
        let (path, linked, copied) =
            (folder.path().join("blob"), folder.path().join("linked"), folder.path().join("copied"));
        let hash = BlobHash([7; 32]);
        fs::write(&path, "bytes").unwrap();
        assert_eq!(blobs.claim(hash, &path), None, "nobody has checked it");
        blobs.checked.lock().unwrap().insert(hash, looks(&fs::metadata(&path).unwrap()));
        fs::hard_link(&path, &linked).unwrap();
        fs::copy(&path, &copied).unwrap();
        let claim = blobs.claim(hash, &linked).unwrap();
        assert_eq!(claim, format!("{}:{hash}", file_identity(&fs::metadata(&path).unwrap())));
        assert_eq!(blobs.claim(hash, &copied), None);
        assert_eq!(blobs.claim(BlobHash([8; 32]), &linked), None);
        File::options().append(true).open(&path).unwrap().write_all(b"more").unwrap();
        assert_eq!(blobs.claim(hash, &linked), None, "it has changed since");
    }
}
