//! What people do with files: look, copy, remove.

use crate::{
    ClientError, InputFile, Location, LocationError, ReadError, Root, Scheme, Storage, client, reader::Reader,
};
use futures::{StreamExt, TryStreamExt, stream};
use object_store::{Error, MultipartUpload, ObjectStore, ObjectStoreExt, PutMode, PutOptions, path::Path};
use rsk_proto::Cause;
use std::{
    collections::BTreeSet,
    fs, io,
    io::{Read, Write},
    os::unix::fs::PermissionsExt,
    path::Path as LocalPath,
    sync::Arc,
    time::SystemTime,
};

/// One part of an upload; S3 takes 10,000 of them.
const PART_BYTES: usize = 16 << 20;
const COPY_BYTES: usize = 256 << 10;

/// A file or a folder.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Entry {
    /// Where it is.
    pub location: Location,
    /// A file's length; nothing for a folder.
    pub bytes: Option<u64>,
    /// When it was changed; stores do not know that of folders.
    pub changed: Option<SystemTime>,
}

/// What was asked for cannot be done.
#[derive(Debug, thiserror::Error)]
pub enum BrowseError {
    /// Nothing is there.
    #[error("there is nothing at {0:?}: check the path")]
    Missing(Location),
    /// It is there already.
    #[error("{0:?} exists already: remove it, or say --force")]
    Exists(Location),
    /// It is a folder.
    #[error("{0:?} is a folder: say --recursive to remove it and all in it")]
    Folder(Location),
    /// It is no path and no URI of a store.
    #[error(transparent)]
    Location(#[from] LocationError),
    /// The store cannot be asked.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// A file cannot be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// What is to be copied, or is copied to, fails.
    #[error("cannot copy {0:?}")]
    Copy(Location, #[source] io::Error),
    /// The file system, or the store, refused.
    #[error("cannot {0} {1:?}")]
    Refused(&'static str, Location, #[source] Cause),
}

impl Storage {
    /// What is in a folder, or the file itself. A store's folder is what its files' names say.
    ///
    /// Errors: nothing is there; it cannot be listed.
    ///
    /// ```
    /// use rsk_storage::{Location, Storage};
    /// let folder = tempfile::tempdir()?;
    /// std::fs::write(folder.path().join("a.txt"), "to be")?;
    /// let entries = Storage::default().entries(&Location::from(folder.path()))?;
    /// assert_eq!((entries.len(), entries[0].bytes), (1, Some(5)));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn entries(&self, at: &Location) -> Result<Vec<Entry>, BrowseError> {
        let mut entries = match at {
            Location::Local(path) => local_entries(path).map_err(|error| refused("list", at, &error))?,
            Location::Remote(root, path) => self.remote_entries(at, root, path)?,
        };
        entries.sort();
        Ok(entries)
    }

    /// All files at or below a place, with hidden ones.
    pub fn files_below(&self, at: &Location) -> Result<Vec<Entry>, BrowseError> {
        let mut files = Vec::new();
        let mut open = self.entries(at)?;
        while let Some(entry) = open.pop() {
            if entry.bytes.is_some() {
                files.push(entry);
            } else {
                open.append(&mut self.entries(&entry.location)?);
            }
        }
        files.sort();
        Ok(files)
    }

    /// Writes the bytes of a file; says how many.
    ///
    /// Errors: it is gone, or changes meanwhile; what it is written to fails.
    pub fn copy_out(&self, from: &Location, to: &mut impl Write) -> Result<u64, BrowseError> {
        let file: InputFile = self.find(from)?;
        let mut reader = self.open(&file, 0, 0..file.bytes)?;
        let mut buffer = vec![0; COPY_BYTES];
        let mut copied = 0;
        loop {
            let read = reader.read(&mut buffer).map_err(|error| Reader::fail(&reader, error))?;
            if read == 0 {
                return Ok(copied);
            }
            to.write_all(&buffer[..read]).map_err(|error| BrowseError::Copy(from.clone(), error))?;
            copied += read as u64;
        }
    }

    /// Makes a file of bytes: all of them are there, or nothing is. Says how many.
    ///
    /// Errors: something is there and `is_forced` is not said; what is read fails; the store refuses.
    ///
    /// ```
    /// use rsk_storage::{BrowseError, Location, Storage};
    /// let folder = tempfile::tempdir()?;
    /// let (storage, to) = (Storage::default(), Location::from(folder.path()).join("a/b.txt"));
    /// assert_eq!(storage.copy_in(&mut &b"to be"[..], &to, false)?, 5);
    /// assert!(matches!(storage.copy_in(&mut &b"or"[..], &to, false), Err(BrowseError::Exists(_))));
    /// let mut back = Vec::new();
    /// storage.copy_out(&to, &mut back)?;
    /// assert_eq!(back, b"to be");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn copy_in(&self, from: &mut impl Read, to: &Location, is_forced: bool) -> Result<u64, BrowseError> {
        writable("write", to)?;
        match to {
            Location::Local(path) => local_copy(from, path, is_forced).map_err(|error| match error.kind() {
                io::ErrorKind::AlreadyExists => BrowseError::Exists(to.clone()),
                _ => BrowseError::Copy(to.clone(), error),
            }),
            Location::Remote(root, path) => self.upload(from, to, root, path, is_forced),
        }
    }

    /// Removes a file, or with `is_recursive` a folder and all in it; says how many files.
    pub fn remove(&self, at: &Location, is_recursive: bool) -> Result<u64, BrowseError> {
        writable("remove", at)?;
        let entries = self.entries(at)?;
        let is_file = matches!(&entries[..], [entry] if entry.location == *at && entry.bytes.is_some());
        if !is_file && !is_recursive {
            return Err(BrowseError::Folder(at.clone()));
        }
        match at {
            Location::Local(path) => {
                let files = if is_file { 1 } else { self.files_below(at)?.len() as u64 };
                let removed = if is_file { fs::remove_file(path) } else { fs::remove_dir_all(path) };
                removed.map(|()| files).map_err(|error| refused("remove", at, &error))
            }
            Location::Remote(root, _) => {
                let files: Vec<Location> =
                    self.files_below(at)?.into_iter().map(|file| file.location).collect();
                let count = files.len() as u64;
                self.delete(at, root, &files)?;
                if root.scheme == Scheme::Hdfs && !is_file {
                    self.delete(at, root, &self.folders_below(at)?)?;
                }
                Ok(count)
            }
        }
    }

    /// The folder and those in it, the deepest first.
    fn folders_below(&self, at: &Location) -> Result<Vec<Location>, BrowseError> {
        let mut open = vec![at.clone()];
        let mut folders = BTreeSet::new();
        while let Some(folder) = open.pop() {
            let entries = self.entries(&folder)?.into_iter();
            open.extend(entries.filter(|entry| entry.bytes.is_none()).map(|entry| entry.location));
            folders.insert(folder);
        }
        Ok(folders.into_iter().rev().collect())
    }

    fn delete(&self, at: &Location, root: &Root, all: &[Location]) -> Result<(), BrowseError> {
        let store = self.client(root)?;
        let paths: Result<Vec<Path>, BrowseError> = all.iter().map(path_of).collect();
        let paths = stream::iter(paths?.into_iter().map(Ok)).boxed();
        let deleted =
            self.wait(root, async move { store.delete_stream(paths).try_collect::<Vec<_>>().await })?;
        deleted.map(drop).map_err(|error| explained("remove", at, root, &error))
    }

    fn remote_entries(&self, at: &Location, root: &Root, path: &str) -> Result<Vec<Entry>, BrowseError> {
        let store = self.client(root)?;
        let parsed = path_of(at)?;
        let is_root = path.is_empty();
        let asked = async move {
            match if is_root { None } else { Some(store.head(&parsed).await) } {
                Some(Ok(file)) => return Ok((vec![file], Vec::new())),
                Some(Err(Error::NotFound { .. })) | None => {}
                Some(Err(error)) => return Err(error),
            }
            let found = store.list_with_delimiter(Some(&parsed)).await?;
            Ok((found.objects, found.common_prefixes))
        };
        let (files, folders) = match self.wait(root, asked)? {
            Ok(found) => found,
            Err(Error::NotFound { source, .. }) if !client::is_root_missing(&*source) => {
                return Err(BrowseError::Missing(at.clone()));
            }
            Err(error) => return Err(explained("list", at, root, &error)),
        };
        if files.is_empty() && folders.is_empty() && root.scheme != Scheme::Hdfs && !is_root {
            return Err(BrowseError::Missing(at.clone()));
        }
        let location = |path: Path| Location::Remote(root.clone(), String::from(path).into());
        let files = files.into_iter().map(|file| Entry {
            location: location(file.location),
            bytes: Some(file.size),
            changed: Some(file.last_modified.into()),
        });
        let folders = folders.into_iter().map(|folder| Entry {
            location: location(folder),
            bytes: None,
            changed: None,
        });
        Ok(files.chain(folders).collect())
    }

    fn upload(
        &self,
        from: &mut impl Read,
        to: &Location,
        root: &Root,
        path: &str,
        is_forced: bool,
    ) -> Result<u64, BrowseError> {
        let store = self.client(root)?;
        let parsed = path_of(to)?;
        let fail = |error: &Error| match error {
            Error::AlreadyExists { .. } | Error::Precondition { .. } => BrowseError::Exists(to.clone()),
            error => explained("write", to, root, error),
        };
        let name = Location::Remote(root.clone(), path.into());
        let mut part = fill(from).map_err(|error| BrowseError::Copy(name.clone(), error))?;
        if part.len() < PART_BYTES {
            let bytes = part.len() as u64;
            let mode = if is_forced { PutMode::Overwrite } else { PutMode::Create };
            let put = async move { store.put_opts(&parsed, part.into(), PutOptions::from(mode)).await };
            return self.wait(root, put)?.map(|_| bytes).map_err(|error| fail(&error));
        }
        if !is_forced {
            let (store, parsed) = (Arc::clone(&store), parsed.clone());
            match self.wait(root, async move { store.head(&parsed).await })? {
                Ok(_) => return Err(BrowseError::Exists(to.clone())),
                Err(Error::NotFound { .. }) => {}
                Err(error) => return Err(fail(&error)),
            }
        }
        let started = self.wait(root, async move { store.put_multipart(&parsed).await })?;
        let mut upload = started.map_err(|error| fail(&error))?;
        let mut bytes = 0;
        let copied = loop {
            if part.is_empty() {
                break Ok(());
            }
            bytes += part.len() as u64;
            let put = upload.put_part(std::mem::take(&mut part).into());
            if let Err(error) = self.wait(root, put)? {
                break Err(fail(&error));
            }
            match fill(from) {
                Ok(next) => part = next,
                Err(error) => break Err(BrowseError::Copy(name.clone(), error)),
            }
        };
        self.finish(root, upload, copied, fail)?;
        Ok(bytes)
    }

    /// Completes an upload, or has the store forget it.
    fn finish(
        &self,
        root: &Root,
        mut upload: Box<dyn MultipartUpload>,
        copied: Result<(), BrowseError>,
        fail: impl Fn(&Error) -> BrowseError,
    ) -> Result<(), BrowseError> {
        if let Err(error) = copied {
            // The first error is told: what is left is found by rsk clean-output.
            drop(self.wait(root, async move { upload.abort().await })?);
            return Err(error);
        }
        self.wait(root, async move { upload.complete().await })?.map(drop).map_err(|error| fail(&error))
    }
}

/// Web servers are read, and nothing else.
fn writable(what: &'static str, at: &Location) -> Result<(), BrowseError> {
    match at {
        Location::Remote(root, _) if matches!(root.scheme, Scheme::Http | Scheme::Https) => {
            let why = Cause::new("web servers are only read: use the address of a store");
            Err(BrowseError::Refused(what, at.clone(), why))
        }
        _ => Ok(()),
    }
}

fn path_of(location: &Location) -> Result<Path, BrowseError> {
    let path = match location {
        Location::Remote(_, path) => path,
        Location::Local(_) => "",
    };
    Path::parse(path).map_err(|error| BrowseError::Refused("use", location.clone(), Cause::of(&error)))
}

fn refused(what: &'static str, at: &Location, error: &io::Error) -> BrowseError {
    match error.kind() {
        io::ErrorKind::NotFound => BrowseError::Missing(at.clone()),
        _ => BrowseError::Refused(what, at.clone(), Cause::of(error)),
    }
}

fn explained(what: &'static str, at: &Location, root: &Root, error: &Error) -> BrowseError {
    BrowseError::Refused(what, at.clone(), client::explain(root, error))
}

/// The next part: fewer bytes than a part has only at the end.
fn fill(from: &mut impl Read) -> io::Result<Vec<u8>> {
    let mut part = Vec::new();
    from.take(PART_BYTES as u64).read_to_end(&mut part)?;
    Ok(part)
}

fn local_entries(path: &LocalPath) -> io::Result<Vec<Entry>> {
    let entry = |path: &LocalPath| -> io::Result<Entry> {
        let there = fs::symlink_metadata(path)?;
        let bytes = (!there.is_dir()).then_some(there.len());
        Ok(Entry { location: path.into(), bytes, changed: there.modified().ok() })
    };
    if !fs::metadata(path)?.is_dir() {
        return Ok(vec![entry(path)?]);
    }
    fs::read_dir(path)?.map(|found| entry(&found?.path())).collect()
}

/// A file that will have a name in this folder, with the rights that any new file has.
fn aside_in(folder: &LocalPath) -> io::Result<tempfile::NamedTempFile> {
    let rights = fs::Permissions::from_mode(0o666);
    tempfile::Builder::new().permissions(rights).tempfile_in(folder)
}

/// Written beside its place, and put there.
fn local_copy(from: &mut impl Read, path: &LocalPath, is_forced: bool) -> io::Result<u64> {
    if !is_forced && path.exists() {
        return Err(io::ErrorKind::AlreadyExists.into());
    }
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(LocalPath::new("."));
    fs::create_dir_all(folder)?;
    let mut aside = aside_in(folder)?;
    let copied = io::copy(from, &mut aside)?;
    aside.as_file().sync_all()?;
    let kept = if is_forced { aside.persist(path) } else { aside.persist_noclobber(path) };
    kept.map_err(|error| error.error)?;
    Ok(copied)
}
