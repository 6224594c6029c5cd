//! The bytes of a part on their way to a store: pieces, of which two are under way.

use super::{
    entry::{Aside, Part, Pending, VERSION},
    remote::path,
};
use crate::{Location, Root, Storage, WriteError, client};
use futures::{FutureExt, future::BoxFuture};
use object_store::{
    Error, MultipartUpload, ObjectStoreExt, PutPayload,
    multipart::{MultipartStore, PartId},
    path::Path,
};
use std::{collections::VecDeque, fmt, io, mem, sync::Arc};
use tokio::sync::oneshot;

/// Of one piece but the last. Stores take 5 MiB at least, and 10,000 pieces at most: a part has up to 78 GiB.
const PIECE_BYTES: usize = 8 << 20;
const UNDER_WAY_MAX: usize = 2;

type Sent = Result<Option<PartId>, Error>;

/// Where pieces go. An upload appears when it is completed, by whoever commits; a file when it is closed, aside.
enum To {
    Upload(Arc<dyn MultipartStore>, String),
    File(Box<dyn MultipartUpload>),
}

/// Writes what a store is to keep. Dropped unfinished, it takes it back.
///
/// Bounds: a piece that is filled, and two under way, of 8 MiB each.
pub(crate) struct Pieces {
    storage: Storage,
    root: Root,
    /// The part's final place, or the file's aside.
    at: Location,
    path: Path,
    /// Nothing once it is finished.
    to: Option<To>,
    piece: Vec<u8>,
    under_way: VecDeque<oneshot::Receiver<Sent>>,
    sent: usize,
    tags: Vec<String>,
}

impl Pieces {
    /// Begins with a part that will be at `target`, and is at `aside` until then, where it is a file.
    pub(crate) fn create(
        storage: &Storage,
        root: &Root,
        target: &Location,
        aside: &Location,
    ) -> Result<Pieces, WriteError> {
        let client = storage.connected(root)?;
        let (at, uploads) = match client.uploads {
            Some(uploads) => (target, Some(uploads)),
            None => (aside, None),
        };
        let place = path(at)?;
        let begin = place.clone();
        let begun = storage.wait(root, async move {
            match uploads {
                Some(uploads) => {
                    let id = uploads.create_multipart(&begin).await?;
                    Ok(To::Upload(uploads, id))
                }
                None => client.store.put_multipart(&begin).await.map(To::File),
            }
        })?;
        let to = begun.map_err(|error| WriteError::Store(at.clone(), client::explain(root, &error)))?;
        Ok(Pieces {
            storage: storage.clone(),
            root: root.clone(),
            at: at.clone(),
            path: place,
            to: Some(to),
            piece: Vec::new(),
            under_way: VecDeque::new(),
            sent: 0,
            tags: Vec::new(),
        })
    }

    fn send(&mut self) -> Result<(), WriteError> {
        while self.under_way.len() >= UNDER_WAY_MAX {
            self.wait_for_one()?;
        }
        let payload = PutPayload::from(mem::take(&mut self.piece));
        let piece: BoxFuture<'static, Sent> = match &mut self.to {
            Some(To::Upload(store, id)) => {
                let (store, id, path, number) = (Arc::clone(store), id.clone(), self.path.clone(), self.sent);
                async move { store.put_part(&path, &id, number, payload).await.map(Some) }.boxed()
            }
            Some(To::File(file)) => file.put_part(payload).map(|put| put.map(|()| None)).boxed(),
            None => return Ok(()),
        };
        self.sent += 1;
        let (done, is_done) = oneshot::channel();
        self.under_way.push_back(is_done);
        self.storage.spawn(&self.root, async move { drop(done.send(piece.await)) })?;
        Ok(())
    }

    fn wait_for_one(&mut self) -> Result<(), WriteError> {
        let Some(next) = self.under_way.pop_front() else { return Ok(()) };
        let sent = futures::executor::block_on(next)
            .map_err(|error| WriteError::Store(self.at.clone(), rsk_proto::Cause::of(&error)))?;
        let sent = sent.map_err(|error| self.fail(&error))?;
        self.tags.extend(sent.map(|id| id.content_id));
        Ok(())
    }

    fn fail(&self, error: &Error) -> WriteError {
        WriteError::Store(self.at.clone(), client::explain(&self.root, error))
    }

    /// Sends the rest. What was written is where `aside` says; a file's path is `file`.
    pub(crate) fn finish(mut self, file: &str) -> Result<Aside, WriteError> {
        let is_upload = matches!(self.to, Some(To::Upload(..)));
        // An upload has a piece at least.
        if !self.piece.is_empty() || (is_upload && self.sent == 0) {
            self.send()?;
        }
        while !self.under_way.is_empty() {
            self.wait_for_one()?;
        }
        match self.to.take() {
            Some(To::Upload(_, id)) => Ok(Aside::Upload { id, tags: mem::take(&mut self.tags) }),
            Some(To::File(mut upload)) => {
                let closed = self.storage.wait(&self.root, async move { upload.complete().await })?;
                closed.map_err(|error| self.fail(&error))?;
                Ok(Aside::File(file.to_owned()))
            }
            None => Ok(Aside::File(file.to_owned())),
        }
    }

    /// Writes down what waits, so that whoever finds it can end it.
    pub(crate) fn record(
        storage: &Storage,
        root: &Root,
        at: &Location,
        job: &str,
        part: &Part,
    ) -> Result<(), WriteError> {
        let pending = Pending { version: VERSION, job: job.to_owned(), part: part.clone() };
        let (store, place, payload) =
            (storage.client(root)?, path(at)?, PutPayload::from(pending.encode(at)?));
        let put = storage.wait(root, async move { store.put(&place, payload).await })?;
        put.map(|_| ()).map_err(|error| WriteError::Store(at.clone(), client::explain(root, &error)))
    }
}

impl io::Write for Pieces {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.piece.capacity() == 0 {
            self.piece.reserve_exact(bytes.len().clamp(1 << 10, PIECE_BYTES));
        }
        let taken = bytes.len().min(PIECE_BYTES - self.piece.len());
        self.piece.extend_from_slice(bytes.get(..taken).unwrap_or(bytes));
        if self.piece.len() >= PIECE_BYTES {
            self.send().map_err(io::Error::other)?;
        }
        Ok(taken)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Drop for Pieces {
    fn drop(&mut self) {
        let Some(to) = self.to.take() else { return };
        let path = self.path.clone();
        let under_way = mem::take(&mut self.under_way);
        let ended = self.storage.wait(&self.root, async move {
            // What comes after the end would stay.
            for piece in under_way {
                drop(piece.await);
            }
            match to {
                To::Upload(store, id) => store.abort_multipart(&path, &id).await,
                To::File(mut file) => file.abort().await,
            }
        });
        // The attempt has failed already; what it left goes with the job.
        if let Ok(Err(error)) = ended {
            tracing::debug!(%error, at = %self.at, "a part that was not finished is left to the job");
        }
    }
}

impl fmt::Debug for Pieces {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pieces").field("at", &self.at).field("sent", &self.sent).finish_non_exhaustive()
    }
}
