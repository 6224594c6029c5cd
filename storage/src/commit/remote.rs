//! Object stores and HDFS.

use super::{
    SaveMode,
    core::{Abilities, Thing},
    entry::{Aside, Part},
    store::{CommitStore, Held, Listed, OpenUpload},
};
use crate::{
    Location, Root, Storage, WriteError,
    client::{self, Connected, Hdfs},
};
use futures::{StreamExt, TryStreamExt, stream};
use md5::{Digest, Md5};
use object_store::{
    Error, ObjectMeta, ObjectStore, ObjectStoreExt, PutMode, PutOptions, PutPayload, RenameOptions,
    RenameTargetMode, multipart::PartId, path::Path,
};
use std::{fmt, sync::Arc};

/// A store that is reached over the network.
pub(super) struct Remote {
    storage: Storage,
    root: Root,
    client: Connected,
}

impl Remote {
    pub(super) fn new(storage: &Storage, root: &Root) -> Result<Remote, WriteError> {
        Ok(Remote { storage: storage.clone(), root: root.clone(), client: storage.connected(root)? })
    }

    fn store(&self) -> Arc<dyn ObjectStore> {
        Arc::clone(&self.client.store)
    }

    fn fail(&self, at: &Location, error: &Error) -> WriteError {
        WriteError::Store(at.clone(), client::explain(&self.root, error))
    }

    fn wait<T: Send + 'static>(
        &self,
        at: &Location,
        work: impl Future<Output = Result<T, Error>> + Send + 'static,
    ) -> Result<Result<T, Error>, WriteError> {
        self.storage
            .wait(&self.root, work)
            .map_err(WriteError::from)
            .map(|answer| answer.inspect_err(|error| tracing::debug!(%error, %at, "a store answers")))
    }

    /// What is at a place; nothing where nothing is.
    fn head(&self, at: &Location) -> Result<Option<ObjectMeta>, WriteError> {
        let (store, path) = (self.store(), path(at)?);
        let found = self.wait(at, async move { store.head(&path).await })?;
        unless_missing(found).map_err(|error| self.fail(at, &error))
    }

    /// Is the part there, as it was written?
    fn is_there(&self, at: &Location, part: &Part) -> Result<bool, WriteError> {
        let Some(found) = self.head(at)? else { return Ok(false) };
        let is_tag = match (&found.e_tag, &part.aside) {
            (Some(tag), Some(Aside::Upload { tags, .. })) => is_tag_of(tag, tags),
            _ => true,
        };
        Ok(found.size == part.bytes && is_tag)
    }
}

pub(super) fn path(at: &Location) -> Result<Path, WriteError> {
    match at {
        Location::Remote(_, path) => {
            Path::parse(path).map_err(|error| WriteError::Store(at.clone(), rsk_proto::Cause::of(&error)))
        }
        Location::Local(_) => Err(WriteError::ReadOnly(at.clone())),
    }
}

fn unless_missing<T>(done: Result<T, Error>) -> Result<Option<T>, Error> {
    match done {
        Ok(found) => Ok(Some(found)),
        Err(Error::NotFound { source, .. }) if !client::is_root_missing(&*source) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Can it be the tag of an object that was put together of pieces with these? Where tags are made otherwise, it can.
fn is_tag_of(tag: &str, pieces: &[String]) -> bool {
    let Some((hash, count)) = tag.trim_matches('"').rsplit_once('-') else { return true };
    let pieces: Option<Vec<[u8; 16]>> = pieces.iter().map(|piece| bytes(piece.trim_matches('"'))).collect();
    let (Some(pieces), Some(hash)) = (pieces, bytes(hash)) else { return true };
    let mut all = Md5::new();
    pieces.iter().for_each(|piece| all.update(piece));
    count.parse() == Ok(pieces.len()) && all.finalize()[..] == hash
}

/// Sixteen bytes in hexadecimal digits.
fn bytes(digits: &str) -> Option<[u8; 16]> {
    let mut bytes = [0; 16];
    if digits.len() != 2 * bytes.len() {
        return None;
    }
    for (byte, at) in bytes.iter_mut().zip((0..).step_by(2)) {
        *byte = u8::from_str_radix(digits.get(at..at + 2)?, 16).ok()?;
    }
    Some(bytes)
}

impl CommitStore for Remote {
    fn abilities(&self, _: &Location, _: SaveMode) -> Result<Abilities, WriteError> {
        Ok(Abilities { moves: self.client.hdfs.is_some(), exchanges: false })
    }

    fn look(&self, at: &Location) -> Result<Thing, WriteError> {
        let place = path(at)?;
        if let Some(hdfs) = &self.client.hdfs {
            let hdfs = Arc::clone(hdfs);
            let found = self.wait(at, async move { hdfs.is_folder(&place).await })?;
            return match unless_missing(found).map_err(|error| self.fail(at, &error))? {
                None => Ok(Thing::Nothing),
                Some(true) => Ok(Thing::Folder),
                Some(false) => Ok(Thing::Other),
            };
        }
        if !place.as_ref().is_empty() && self.head(at)?.is_some() {
            return Ok(Thing::Other);
        }
        let store = self.store();
        let first = self.wait(at, async move { store.list(Some(&place)).next().await.transpose() })?;
        let first = first.map_err(|error| self.fail(at, &error))?;
        Ok(if first.is_some() { Thing::Folder } else { Thing::Nothing })
    }

    fn list(&self, folder: &Location) -> Result<Vec<Listed>, WriteError> {
        let (store, place) = (self.store(), path(folder)?);
        let prefix = if place.as_ref().is_empty() { String::new() } else { format!("{place}/") };
        let found = self.wait(folder, async move {
            let found: Vec<ObjectMeta> = store.list(Some(&place)).try_collect().await?;
            Ok(found)
        })?;
        let found = unless_missing(found).map_err(|error| self.fail(folder, &error))?.unwrap_or_default();
        let below = found.into_iter().filter_map(|meta| {
            let path = meta.location.as_ref().strip_prefix(&prefix)?.to_owned();
            Some(Listed { path, bytes: meta.size, tag: meta.e_tag })
        });
        Ok(below.collect())
    }

    fn beside(&self, folder: &Location, start: &str) -> Result<Vec<String>, WriteError> {
        // Only where folders take names are there any beside.
        if self.client.hdfs.is_none() {
            return Ok(Vec::new());
        }
        let (store, place) = (self.store(), path(folder)?);
        let found = self.wait(folder, async move { store.list_with_delimiter(Some(&place)).await })?;
        let Some(found) = unless_missing(found).map_err(|error| self.fail(folder, &error))? else {
            return Ok(Vec::new());
        };
        let files = found.objects.into_iter().map(|meta| meta.location);
        let names = found.common_prefixes.into_iter().chain(files);
        let names = names.filter_map(|path| path.filename().map(str::to_owned));
        Ok(names.filter(|name| name.starts_with(start)).collect())
    }

    fn read(&self, at: &Location) -> Result<Option<Vec<u8>>, WriteError> {
        let (store, place) = (self.store(), path(at)?);
        let read = self.wait(at, async move { store.get(&place).await?.bytes().await })?;
        let read = unless_missing(read).map_err(|error| self.fail(at, &error))?;
        Ok(read.map(|bytes| bytes.to_vec()))
    }

    fn put_new(&self, at: &Location, bytes: &[u8]) -> Result<bool, WriteError> {
        let (store, place, payload) = (self.store(), path(at)?, PutPayload::from(bytes.to_vec()));
        let options = PutOptions { mode: PutMode::Create, ..PutOptions::default() };
        let put = self.wait(at, async move { store.put_opts(&place, payload, options).await })?;
        match put {
            Ok(_) => Ok(true),
            // An answer that was lost is asked for again, and then it is there: ours, which nobody else would write.
            Err(Error::AlreadyExists { .. } | Error::Precondition { .. }) => {
                Ok(self.read(at)?.as_deref() == Some(bytes))
            }
            Err(error) => Err(self.fail(at, &error)),
        }
    }

    fn put(&self, at: &Location, bytes: &[u8]) -> Result<(), WriteError> {
        let (store, place, payload) = (self.store(), path(at)?, PutPayload::from(bytes.to_vec()));
        let put = self.wait(at, async move { store.put(&place, payload).await })?;
        put.map(|_| ()).map_err(|error| self.fail(at, &error))
    }

    fn make_folder(&self, at: &Location) -> Result<(), WriteError> {
        let Some(hdfs) = &self.client.hdfs else { return Ok(()) };
        let (hdfs, place): (Arc<Hdfs>, _) = (Arc::clone(hdfs), path(at)?);
        let made = self.wait(at, async move { hdfs.make_folder(&place).await })?;
        made.map_err(|error| self.fail(at, &error))
    }

    fn delete(&self, file: &Location) -> Result<(), WriteError> {
        let (store, place) = (self.store(), path(file)?);
        let deleted = self.wait(file, async move { store.delete(&place).await })?;
        unless_missing(deleted).map(|_| ()).map_err(|error| self.fail(file, &error))
    }

    fn delete_folder(&self, folder: &Location) -> Result<(), WriteError> {
        let place = path(folder)?;
        let deleted = if let Some(hdfs) = &self.client.hdfs {
            let hdfs = Arc::clone(hdfs);
            self.wait(folder, async move { hdfs.delete_folder(&place, true).await.map(|_| ()) })?
        } else {
            let store = self.store();
            self.wait(folder, async move {
                // Not while it is listed: what is deleted would shift what comes next.
                let found: Vec<ObjectMeta> = store.list(Some(&place)).try_collect().await?;
                let found = stream::iter(found.into_iter().map(|meta| Ok(meta.location))).boxed();
                let deleted = store.delete_stream(found);
                deleted
                    .map(|deleted| unless_missing(deleted).map(|_| ()))
                    .try_for_each(|()| std::future::ready(Ok(())))
                    .await
            })?
        };
        unless_missing(deleted).map(|_| ()).map_err(|error| self.fail(folder, &error))
    }

    fn delete_empty(&self, folder: &Location) -> Result<bool, WriteError> {
        let Some(hdfs) = &self.client.hdfs else { return Ok(true) };
        let (hdfs, place) = (Arc::clone(hdfs), path(folder)?);
        let deleted = self.wait(folder, async move { hdfs.delete_folder(&place, false).await })?;
        let deleted = unless_missing(deleted).map_err(|error| self.fail(folder, &error))?;
        Ok(deleted.unwrap_or(true))
    }

    fn publish(&self, base: &Location, part: &Part) -> Result<(), WriteError> {
        let at = base.join(&part.name);
        let (store, target) = (self.store(), path(&at)?);
        let published = match (&part.aside, &self.client.uploads) {
            (None, _) => return Ok(()),
            (Some(Aside::File(aside)), _) => {
                let aside = path(&base.join(aside))?;
                let options =
                    RenameOptions { target_mode: RenameTargetMode::Create, ..RenameOptions::default() };
                self.wait(&at, async move { store.rename_opts(&aside, &target, options).await })?
            }
            (Some(Aside::Upload { id, tags }), Some(uploads)) => {
                let (uploads, id) = (Arc::clone(uploads), id.clone());
                let tags = tags.iter().map(|tag| PartId { content_id: tag.clone() }).collect();
                self.wait(
                    &at,
                    async move { uploads.complete_multipart(&target, &id, tags).await.map(|_| ()) },
                )?
            }
            (Some(Aside::Upload { .. }), None) => return Err(WriteError::ReadOnly(at)),
        };
        match published {
            Ok(()) => Ok(()),
            // Somebody else was faster, or an answer was lost or not understood.
            Err(error) if self.is_there(&at, part).unwrap_or(false) => {
                tracing::debug!(%error, %at, "it is published all the same");
                Ok(())
            }
            Err(error) => Err(self.fail(&at, &error)),
        }
    }

    fn sync(&self, _: &Location, _: &[Location]) -> Result<(), WriteError> {
        Ok(())
    }

    fn move_new(&self, from: &Location, to: &Location) -> Result<bool, WriteError> {
        let (store, source, target) = (self.store(), path(from)?, path(to)?);
        let options = RenameOptions { target_mode: RenameTargetMode::Create, ..RenameOptions::default() };
        match self.wait(to, async move { store.rename_opts(&source, &target, options).await })? {
            Ok(()) => Ok(true),
            Err(Error::AlreadyExists { .. }) => Ok(false),
            Err(Error::NotFound { .. }) => Err(WriteError::Gone(to.clone())),
            Err(error) => Err(self.fail(to, &error)),
        }
    }

    fn exchange(&self, _: &Location, other: &Location) -> Result<(), WriteError> {
        Err(WriteError::ReadOnly(other.clone()))
    }

    fn uploads(&self, folder: &Location) -> Result<Vec<OpenUpload>, WriteError> {
        let Some(listing) = self.client.listing.clone() else { return Ok(Vec::new()) };
        let place = path(folder)?;
        let prefix = if place.as_ref().is_empty() { String::new() } else { format!("{place}/") };
        let asked = prefix.clone();
        let found = self.storage.wait(&self.root, async move { listing.list(&asked).await })?;
        let found = found.map_err(|cause| WriteError::Store(folder.clone(), cause))?;
        let below = found
            .into_iter()
            .filter_map(|(key, id)| Some(OpenUpload { path: key.strip_prefix(&prefix)?.to_owned(), id }));
        Ok(below.collect())
    }

    fn abort(&self, at: &Location, id: &str) -> Result<(), WriteError> {
        let Some(uploads) = self.client.uploads.clone() else { return Ok(()) };
        let (place, id) = (path(at)?, id.to_owned());
        let aborted = self.wait(at, async move { uploads.abort_multipart(&place, &id).await })?;
        unless_missing(aborted).map(|_| ()).map_err(|error| self.fail(at, &error))
    }

    fn hold(&self, _: &Location, _: Thing) -> Result<Option<Held>, WriteError> {
        Ok(Some(Box::new(())))
    }
}

impl fmt::Debug for Remote {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.root)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_is_told_from_that_of_another_upload() {
        // Of the pieces "a" and "b".
        let pieces =
            ["0cc175b9c0f1b6a831c399e269772661", "\"92eb5ffee6ae2fec3ad71c777531578f\""].map(str::to_owned);
        let mut all = Md5::new();
        pieces.iter().for_each(|piece| all.update(bytes(piece.trim_matches('"')).unwrap()));
        let hash = u128::from_be_bytes(all.finalize().into());
        let hash = format!("{hash:032x}");
        assert!(is_tag_of(&format!("\"{hash}-2\""), &pieces));
        assert!(!is_tag_of(&format!("{hash}-3"), &pieces));
        assert!(!is_tag_of(&format!("\"{hash}-2\""), &pieces[..1]));
        assert!(!is_tag_of("0cc175b9c0f1b6a831c399e269772661-2", &pieces));
        assert!(is_tag_of("an-odd-tag", &pieces) && is_tag_of("\"odd\"", &pieces), "it cannot be known");
    }
}
