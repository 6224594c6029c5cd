//! The files of a store.

use super::{InputFile, ListError, Stamp, by_log, glob, is_hidden};
use crate::{Location, Root, Scheme, Storage, client, commit::OWN_FOLDER};
use futures::TryStreamExt;
use object_store::{Error, ListResult, ObjectMeta, ObjectStore, ObjectStoreExt, path::Path};
use std::{collections::BTreeSet, sync::Arc};

/// What `path`, as it was typed, means in the store.
pub(super) fn list(
    storage: &Storage,
    typed: &str,
    root: &Root,
    path: &str,
) -> Result<Vec<InputFile>, ListError> {
    let asked = Asked { storage, typed, root, store: storage.client(root)? };
    let missing = || ListError::Missing(typed.to_owned());
    if let Some(file) = asked.look(path)? {
        return Ok(vec![file]);
    }
    let is_pattern = glob::is_pattern(path);
    if matches!(root.scheme, Scheme::Http | Scheme::Https) {
        return Err(if is_pattern { ListError::Unlisted(typed.to_owned()) } else { missing() });
    }
    let mut files =
        if is_pattern { asked.matching(path)? } else { asked.folder(path)?.ok_or_else(missing)? };
    if is_pattern && files.is_empty() {
        return Err(missing());
    }
    if is_pattern {
        files.sort();
        files.dedup_by(|a, b| a.location == b.location);
    }
    Ok(files)
}

struct Asked<'a> {
    storage: &'a Storage,
    typed: &'a str,
    root: &'a Root,
    store: Arc<dyn ObjectStore>,
}

impl Asked<'_> {
    fn wait<T, F>(
        &self,
        path: &str,
        ask: impl FnOnce(Arc<dyn ObjectStore>, Path) -> F,
    ) -> Result<Option<T>, ListError>
    where
        T: Send + 'static,
        F: Future<Output = Result<T, Error>> + Send + 'static,
    {
        let fail = |error: &Error| {
            let location = Location::Remote(self.root.clone(), path.into());
            ListError::Store(location, client::explain(self.root, error))
        };
        let parsed = Path::parse(path).map_err(|error| fail(&error.into()))?;
        let answer = self.storage.wait(self.root, ask(Arc::clone(&self.store), parsed))?;
        match answer {
            Ok(found) => Ok(Some(found)),
            Err(Error::NotFound { source, .. }) if !client::is_root_missing(&*source) => Ok(None),
            Err(error) => Err(fail(&error)),
        }
    }

    /// The file at `path`, if one is there.
    fn look(&self, path: &str) -> Result<Option<InputFile>, ListError> {
        if path.is_empty() {
            return Ok(None);
        }
        let found = self.wait(path, |store, path| async move {
            match store.head(&path).await {
                // The answer to this question has no words; to one for a list it has.
                Err(refused @ (Error::PermissionDenied { .. } | Error::Unauthenticated { .. })) => {
                    store.list_with_delimiter(Some(&path)).await.and(Err(refused))
                }
                found => found,
            }
        })?;
        Ok(found.map(|meta| self.file(meta)))
    }

    /// The files of a folder, if there is one.
    fn folder(&self, path: &str) -> Result<Option<Vec<InputFile>>, ListError> {
        let found =
            self.wait(path, |store, path| async move { store.list_with_delimiter(Some(&path)).await })?;
        let Some(ListResult { common_prefixes, objects }) = found else { return Ok(None) };
        // A folder is where something is: HDFS has others, and says when there is none.
        if objects.is_empty() && common_prefixes.is_empty() && self.root.scheme != Scheme::Hdfs {
            return Ok(None);
        }
        let is_logged = common_prefixes.iter().any(|folder| folder.filename() == Some(OWN_FOLDER));
        if is_logged {
            let out = Location::Remote(self.root.clone(), path.into());
            if let Some(logged) = by_log(self.storage, &out)? {
                return Ok(Some(logged));
            }
            // What jobs left that did not commit is no output.
            if objects.is_empty() && common_prefixes.len() == 1 && self.root.scheme != Scheme::Hdfs {
                return Ok(None);
            }
        }
        let files = objects.into_iter().map(|meta| self.file(meta));
        let mut files: Vec<_> = files.filter(|file| !is_hidden(file.location.name())).collect();
        files.sort();
        Ok(Some(files))
    }

    /// The files that a pattern means.
    fn matching(&self, pattern: &str) -> Result<Vec<InputFile>, ListError> {
        let mut files = Vec::new();
        for glob in glob::Glob::all(pattern).map_err(|error| error.of(self.typed))? {
            let glob = Arc::new(glob);
            let asked = Arc::clone(&glob);
            let found = self.wait(&glob.base(), |store, path| async move {
                let mut outputs = BTreeSet::new();
                let is_meant = |meta: &ObjectMeta| {
                    let path = meta.location.as_ref();
                    if let Some(folder) = logged(path).filter(|folder| asked.names(folder)) {
                        outputs.insert(folder.to_owned());
                    }
                    std::future::ready(asked.means(path))
                };
                let found: Vec<ObjectMeta> =
                    store.list(Some(&path)).try_filter(is_meant).try_collect().await?;
                Ok((found, outputs))
            })?;
            let (mut found, outputs) = found.unwrap_or_default();
            // A folder that the pattern names is read by its log, as when its name is typed.
            for folder in outputs {
                let out = Location::Remote(self.root.clone(), (&*folder).into());
                if let Some(listed) = by_log(self.storage, &out)? {
                    found.retain(|meta| {
                        !is_in(meta.location.as_ref(), &folder) || glob.names(meta.location.as_ref())
                    });
                    files.extend(listed);
                }
            }
            files.extend(found.into_iter().map(|meta| self.file(meta)));
        }
        Ok(files)
    }

    fn file(&self, meta: ObjectMeta) -> InputFile {
        InputFile {
            location: Location::Remote(self.root.clone(), String::from(meta.location).into()),
            bytes: meta.size,
            stamp: Stamp::of_tag(meta.e_tag),
        }
    }
}

/// The output whose log has an entry at `path`.
fn logged(path: &str) -> Option<&str> {
    let (folder, _) = path.rsplit_once('/')?;
    folder.strip_suffix("/log")?.strip_suffix(OWN_FOLDER)?.strip_suffix('/')
}

fn is_in(path: &str, folder: &str) -> bool {
    path.rsplit_once('/').is_some_and(|(parent, _)| parent == folder)
}
