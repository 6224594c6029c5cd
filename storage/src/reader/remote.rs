//! The bytes of a file of a store: ranged requests, of which the next is under way while one is read.

use crate::{InputFile, Location, ReadError, Root, Stamp, Storage, client};
use bytes::Bytes;
use futures::{FutureExt, StreamExt, stream};
use object_store::{GetOptions, GetRange, ObjectMeta, ObjectStore, ObjectStoreExt, path::Path};
use rsk_proto::Cause;
use std::{ops::Range, sync::Arc};
use tokio::sync::mpsc;

/// One request. Its answer is taken whole, however slow the reader is: a server waits for nobody.
const REQUEST_BYTES: u64 = 4 << 20;
/// Requests that are under way, or whose answers wait.
const REQUESTS: usize = 2;
/// Answers that wait for the reader beside those.
const PIECES: usize = 1;
/// What is asked for where it is not known what will be wanted.
const BEYOND_BYTES: u64 = 256 << 10;

/// What is known of the file at `path`.
pub(super) fn find(
    storage: &Storage,
    location: &Location,
    root: &Root,
    path: &str,
) -> Result<InputFile, ReadError> {
    let client = |error| ReadError::Client(location.clone(), error);
    let store = storage.client(root).map_err(client)?;
    let parsed = parse(location, path)?;
    let found = storage.wait(root, async move { store.head(&parsed).await }).map_err(client)?;
    let found = found.map_err(|error| ReadError::Store(location.clone(), client::explain(root, &error)))?;
    Ok(InputFile { location: location.clone(), bytes: found.size, stamp: Stamp::of_tag(found.e_tag) })
}

fn parse(location: &Location, path: &str) -> Result<Path, ReadError> {
    Path::parse(path).map_err(|error| ReadError::Store(location.clone(), Cause::of(&error)))
}

#[derive(Debug)]
pub(super) struct Remote {
    storage: Storage,
    root: Root,
    store: Arc<dyn ObjectStore>,
    path: Path,
    location: Location,
    /// The file's, where the store knows one.
    tag: Option<String>,
    bytes: u64,
    /// What is read all, and in order.
    wanted: Range<u64>,
    open: Option<Open>,
}

/// What was asked for, and is read from the front.
#[derive(Debug)]
struct Open {
    pieces: mpsc::Receiver<Result<Bytes, object_store::Error>>,
    piece: Bytes,
    /// Where `piece` begins.
    at: u64,
    end: u64,
}

impl Remote {
    pub(super) fn open(
        storage: &Storage,
        root: &Root,
        path: &str,
        file: &InputFile,
        at: u64,
        wanted: Range<u64>,
    ) -> Result<Self, ReadError> {
        let location = file.location.clone();
        let store = storage.client(root).map_err(|error| ReadError::Client(location.clone(), error))?;
        let path = parse(&location, path)?;
        let mut remote = Remote {
            storage: storage.clone(),
            root: root.clone(),
            store,
            path,
            location,
            tag: file.stamp.tag().map(str::to_owned),
            bytes: file.bytes,
            wanted,
            open: None,
        };
        if remote.wanted.contains(&at) {
            remote.ask(at)?;
        }
        Ok(remote)
    }

    /// Reads at `at`: some bytes, at least one.
    pub(super) fn read(&mut self, at: u64, to: &mut [u8]) -> Result<usize, ReadError> {
        loop {
            // Little is passed over rather than asked for anew.
            let open = match &mut self.open {
                Some(open) if open.at <= at && at < open.end && at - open.at <= BEYOND_BYTES => open,
                _ => {
                    self.ask(at)?;
                    continue;
                }
            };
            let behind = rsk_proto::to_usize(at - open.at).min(open.piece.len());
            open.piece = open.piece.slice(behind..);
            open.at += behind as u64;
            if open.at == at && !open.piece.is_empty() {
                let read = open.piece.len().min(to.len());
                to[..read].copy_from_slice(&open.piece[..read]);
                open.piece = open.piece.slice(read..);
                open.at += read as u64;
                return Ok(read);
            }
            match futures::executor::block_on(open.pieces.recv()) {
                Some(Ok(piece)) => open.piece = piece,
                Some(Err(error)) => return Err(self.explain(&error)),
                None => {
                    let bytes = open.at;
                    return Err(ReadError::Shrunk { path: self.location.clone(), listed: self.bytes, bytes });
                }
            }
        }
    }

    /// Asks for what begins at `at`.
    fn ask(&mut self, at: u64) -> Result<(), ReadError> {
        let is_wanted = self.wanted.contains(&at);
        let end = if is_wanted { self.wanted.end } else { at.saturating_add(BEYOND_BYTES) }.min(self.bytes);
        let (to, pieces) = mpsc::channel(PIECES);
        let (store, path, tag) = (Arc::clone(&self.store), self.path.clone(), self.tag.clone());
        let bytes = self.bytes;
        let starts = (at..end).step_by(rsk_proto::to_usize(REQUEST_BYTES));
        let ranges: Vec<Range<u64>> = starts.map(|start| start..(start + REQUEST_BYTES).min(end)).collect();
        let work = async move {
            // A task each: it goes on while an answer before it is read.
            let get = |range: Range<u64>| {
                let range = Some(GetRange::Bounded(range));
                let options = GetOptions { if_match: tag.clone(), range, ..GetOptions::default() };
                let (store, path) = (Arc::clone(&store), path.clone());
                let asked = async move {
                    let answer = store.get_opts(&path, options).await?;
                    check(&path, bytes, &answer.meta)?;
                    answer.bytes().await
                };
                tokio::spawn(asked).map(flat)
            };
            let mut answers = stream::iter(ranges).map(get).buffered(REQUESTS);
            while let Some(piece) = answers.next().await {
                // Nobody wants it any more.
                if to.send(piece).await.is_err() {
                    return;
                }
            }
        };
        let asked = self.storage.spawn(&self.root, work);
        asked.map_err(|error| ReadError::Client(self.location.clone(), error))?;
        self.open = Some(Open { pieces, piece: Bytes::new(), at, end });
        Ok(())
    }

    fn explain(&self, error: &object_store::Error) -> ReadError {
        match error {
            object_store::Error::Precondition { .. } => ReadError::Replaced(self.location.clone()),
            error => ReadError::Store(self.location.clone(), client::explain(&self.root, error)),
        }
    }
}

/// Is what was answered from the file that was listed? Not every server minds the tag that it is asked for, nor has one.
fn check(path: &Path, bytes: u64, found: &ObjectMeta) -> object_store::Result<()> {
    if found.size == bytes {
        return Ok(());
    }
    let why = format!("it has {} bytes, and had {bytes} when it was listed", found.size);
    Err(object_store::Error::Precondition { path: path.to_string(), source: why.into() })
}

fn flat<T>(joined: Result<object_store::Result<T>, tokio::task::JoinError>) -> object_store::Result<T> {
    joined.unwrap_or_else(|error| Err(error.into()))
}
