//! HDFS as an [`ObjectStore`], over `hdfs-native`.
//!
//! A file appears whole or not: it is written beside its place, under a hidden name, and renamed. Its tag is its length
//! and when it was changed, so that one that was replaced is told from the one that was listed.
//!
//! Where the blocks of a file are is known to `hdfs-native` and not told: no host is preferred for a split of it.

mod back_off;
mod patience;
mod upload;

use super::ClientError;
use crate::{HdfsConfig, Root};
use back_off::BackOff;
use futures::{StreamExt, TryStreamExt, stream, stream::BoxStream};
use hdfs_native::{Client, ClientBuilder, HdfsError, WriteOptions, client::FileStatus, file::FileWriter};
use object_store::{
    CopyOptions, Error, GetOptions, GetResult, GetResultPayload, ListResult, MultipartUpload, ObjectMeta,
    ObjectStore, PutMode, PutMultipartOptions, PutOptions, PutPayload, PutResult, RenameOptions,
    RenameTargetMode, Result, path::Path,
};
use patience::patiently;
use std::{
    collections::BTreeMap,
    fmt,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};
use tokio::runtime::Handle;
use upload::Upload;

const STORE: &str = "HDFS";
/// A NameNode that does not answer is asked for about ten seconds, unless Hadoop's files say otherwise: tasks are tried again.
const PATIENCE: [(&str, &str); 2] =
    [("dfs.client.failover.max.attempts", "5"), ("dfs.client.failover.sleep.max.millis", "4000")];

/// One cluster of HDFS, with one or several of its name nodes.
#[derive(Debug)]
pub(crate) struct Hdfs {
    client: Client,
    root: String,
    back_off: Arc<BackOff>,
}

impl Hdfs {
    pub(super) fn new(
        root: &Root,
        config: &HdfsConfig,
        runtime: &Handle,
    ) -> std::result::Result<Self, ClientError> {
        if let Some(problem) = &config.problem {
            return Err(ClientError::Config(root.clone(), problem.clone()));
        }
        if root.authority.is_empty() && !config.properties.contains_key("fs.defaultFS") {
            let why = "the URI names no NameNode, and fs.defaultFS is not set: write hdfs://HOST:PORT/PATH, or set \
                       HADOOP_CONF_DIR to the folder of core-site.xml";
            return Err(ClientError::Config(root.clone(), why.to_owned()));
        }
        let own = config.properties.iter().map(|(name, value)| (name.clone(), value.reveal().to_owned()));
        let mut properties: BTreeMap<String, String> = own.collect();
        for (name, value) in PATIENCE {
            properties.entry(name.to_owned()).or_insert_with(|| value.to_owned());
        }
        let mut builder = ClientBuilder::new().with_config(properties).with_io_runtime(runtime.clone());
        // It would read the files of this host, too, if it were not told of a folder that has none.
        builder = builder.with_config_dir("/dev/null");
        if !root.authority.is_empty() {
            builder = builder.with_url(root.to_string());
        }
        for (value, set) in [
            (&config.user, ClientBuilder::with_user as fn(ClientBuilder, String) -> ClientBuilder),
            (&config.principal, ClientBuilder::with_kerberos_principal),
            (&config.keytab, ClientBuilder::with_kerberos_keytab),
            (&config.ccache, ClientBuilder::with_kerberos_cache),
        ] {
            if let Some(value) = value {
                builder = set(builder, value.clone());
            }
        }
        let client = builder.build().map_err(|error| ClientError::of(root, &error))?;
        Ok(Hdfs { client, root: root.to_string(), back_off: Arc::default() })
    }

    async fn look(&self, location: &Path) -> Result<FileStatus> {
        let path = absolute(location);
        patiently(|| self.client.get_file_info(&path)).await.map_err(|error| of(location, error))
    }

    /// Is it a folder, or a file?
    pub(crate) async fn is_folder(&self, location: &Path) -> Result<bool> {
        Ok(self.look(location).await?.isdir)
    }

    /// Makes a folder, and those above it.
    pub(crate) async fn make_folder(&self, location: &Path) -> Result<()> {
        let path = absolute(location);
        let made = patiently(|| self.client.mkdirs(&path, 0o755, true)).await;
        made.map_err(|error| of(location, error))
    }

    /// Removes a folder, in one step: all that is below it, too, or only if it is empty. `false` if it is not.
    pub(crate) async fn delete_folder(&self, location: &Path, is_deep: bool) -> Result<bool> {
        let path = absolute(location);
        match patiently(|| self.client.delete(&path, is_deep)).await {
            Err(HdfsError::RPCError(class, _) | HdfsError::FatalRPCError(class, _))
                if class.ends_with("PathIsNotEmptyDirectoryException") =>
            {
                Ok(false)
            }
            deleted => deleted.map(|_| true).map_err(|error| of(location, error)),
        }
    }

    /// A file that is written beside its place.
    async fn begin(&self, location: &Path) -> Result<(String, FileWriter)> {
        let aside = aside(location);
        let options = WriteOptions::default().overwrite(true).create_parent(true);
        self.back_off.wait().await;
        let file = patiently(|| self.client.create(&aside, options.clone())).await;
        Ok((aside, file.map_err(|error| of(location, error))?))
    }

    /// Writes a file beside its place, and puts it there.
    async fn write(&self, location: &Path, payload: PutPayload, is_new: bool) -> Result<()> {
        let fail = |error| of(location, error);
        let (aside, mut file) = self.begin(location).await?;
        let written = async {
            for bytes in payload {
                Box::pin(file.write_bytes(bytes)).await?;
            }
            Box::pin(file.close()).await
        };
        if let Err(error) = Box::pin(written).await {
            self.back_off.failed();
            self.discard(&aside).await;
            return Err(fail(error));
        }
        self.back_off.went_well();
        self.publish(&aside, location, is_new).await
    }

    /// Renames what was written, and removes it where that fails.
    async fn publish(&self, aside: &str, location: &Path, is_new: bool) -> Result<()> {
        let target = absolute(location);
        let renamed = patiently(|| self.client.rename(aside, &target, !is_new)).await;
        if let Err(error) = renamed {
            self.discard(aside).await;
            return Err(of(location, error));
        }
        Ok(())
    }

    /// Removes what nobody will want. What cannot be removed is hidden, and named after what it was to be.
    async fn discard(&self, aside: &str) {
        if let Err(error) = self.client.delete(aside, false).await {
            tracing::warn!(%error, aside, "cannot remove a file that was not finished");
        }
    }
}

/// A hidden name beside `location`, another each time.
fn aside(location: &Path) -> String {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let (folder, name) = match location.as_ref().rsplit_once('/') {
        Some((folder, name)) => (format!("/{folder}/"), name),
        None => ("/".to_owned(), location.as_ref()),
    };
    let now = std::time::UNIX_EPOCH.elapsed().map_or(0, |since| since.as_nanos());
    let (process, n) = (std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
    format!("{folder}._rsk_{name}.{now:x}-{process:x}-{n:x}")
}

fn absolute(location: &Path) -> String {
    format!("/{location}")
}

/// What a file is known by: another one in its place has another.
fn tag(status: &FileStatus) -> String {
    format!("{}-{}", status.length, status.modification_time)
}

fn meta(status: &FileStatus) -> Result<ObjectMeta> {
    let millis = i64::try_from(status.modification_time).unwrap_or(i64::MAX);
    Ok(ObjectMeta {
        location: Path::parse(&status.path)?,
        last_modified: chrono::DateTime::from_timestamp_millis(millis).unwrap_or_default(),
        size: status.length as u64,
        e_tag: Some(tag(status)),
        version: None,
    })
}

/// An error of HDFS, in the store's kinds.
fn of(location: &Path, error: HdfsError) -> Error {
    let path = absolute(location);
    let is = |class: &str, name: &str| class.rsplit(['.', '$']).next() == Some(name);
    match error {
        HdfsError::FileNotFound(_) | HdfsError::BlocksNotFound(_) => {
            Error::NotFound { path, source: Box::new(error) }
        }
        HdfsError::AlreadyExists(_) => Error::AlreadyExists { path, source: Box::new(error) },
        HdfsError::RPCError(ref class, _) | HdfsError::FatalRPCError(ref class, _) => {
            if is(class, "FileNotFoundException") || is(class, "PathNotFoundException") {
                Error::NotFound { path, source: Box::new(error) }
            } else if is(class, "FileAlreadyExistsException") || is(class, "PathExistsException") {
                Error::AlreadyExists { path, source: Box::new(error) }
            } else if is(class, "AccessControlException") {
                Error::PermissionDenied { path, source: Box::new(error) }
            } else {
                generic(error)
            }
        }
        error => generic(error),
    }
}

fn generic(error: impl std::error::Error + Send + Sync + 'static) -> Error {
    Error::Generic { store: STORE, source: Box::new(error) }
}

impl fmt::Display for Hdfs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.root)
    }
}

#[async_trait::async_trait]
impl ObjectStore for Hdfs {
    async fn put_opts(&self, location: &Path, payload: PutPayload, options: PutOptions) -> Result<PutResult> {
        let is_new = match options.mode {
            PutMode::Overwrite => false,
            PutMode::Create => true,
            PutMode::Update(_) => {
                let (operation, implementer) = ("an update by tag".to_owned(), STORE.to_owned());
                return Err(Error::NotImplemented { operation, implementer });
            }
        };
        Box::pin(self.write(location, payload, is_new)).await?;
        Ok(PutResult { e_tag: None, version: None })
    }

    async fn put_multipart_opts(
        &self,
        location: &Path,
        _: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        let (aside, file) = self.begin(location).await?;
        let back_off = Arc::clone(&self.back_off);
        Ok(Box::new(Upload::start(self.client.clone(), back_off, file, aside, location.clone())))
    }

    async fn get_opts(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
        let path = absolute(location);
        let reader = if options.head {
            None
        } else {
            let reader = patiently(|| self.client.read(&path)).await;
            Some(reader.map_err(|error| of(location, error))?)
        };
        // Looked at after the blocks are known: they are of this file, or of one before it, whose tag is another.
        let status = self.look(location).await?;
        if status.isdir {
            return Err(Error::NotFound {
                path: path.clone(),
                source: Box::new(HdfsError::IsADirectoryError(path)),
            });
        }
        let meta = meta(&status)?;
        options.check_preconditions(&meta)?;
        let size = reader.as_ref().map_or(meta.size, |reader| reader.file_length() as u64);
        let range = match &options.range {
            Some(range) => range.as_range(size).map_err(generic)?,
            None => 0..size,
        };
        let payload = match reader {
            None => stream::empty().boxed(),
            Some(reader) => {
                let (from, bytes) =
                    (rsk_proto::to_usize(range.start), rsk_proto::to_usize(range.end - range.start));
                let location = location.clone();
                // The reader stays with its stream.
                let read = reader.read_range_stream(from, bytes);
                read.map_err(move |error| of(&location, error)).boxed()
            }
        };
        let payload = GetResultPayload::Stream(payload);
        Ok(GetResult { payload, meta, range, attributes: object_store::Attributes::default() })
    }

    fn delete_stream(&self, locations: BoxStream<'static, Result<Path>>) -> BoxStream<'static, Result<Path>> {
        let client = self.client.clone();
        locations
            .and_then(move |location| {
                let client = client.clone();
                async move {
                    let path = absolute(&location);
                    match patiently(|| client.delete(&path, false)).await {
                        Ok(true) => Ok(location),
                        Ok(false) => Err(of(&location, HdfsError::FileNotFound(path))),
                        Err(error) => Err(of(&location, error)),
                    }
                }
            })
            .boxed()
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        let location = prefix.cloned().unwrap_or_default();
        let listed = self.client.list_status_iter(&absolute(&location), true).into_stream();
        let files = listed.filter_map(move |status| {
            let found = match status {
                Ok(status) if status.isdir => None,
                Ok(status) => Some(meta(&status)),
                // Nothing is below what is not there.
                Err(HdfsError::FileNotFound(_)) => None,
                Err(error) => Some(Err(of(&location, error))),
            };
            std::future::ready(found)
        });
        files.boxed()
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        let location = prefix.cloned().unwrap_or_default();
        let path = absolute(&location);
        let mut found = ListResult { common_prefixes: Vec::new(), objects: Vec::new() };
        match patiently(|| self.client.list_status(&path, false)).await {
            Ok(all) => {
                for status in all {
                    // Asked for the contents of a file, HDFS answers with the file.
                    match Path::parse(&status.path)? {
                        it if it == location => {}
                        it if status.isdir => found.common_prefixes.push(it),
                        _ => found.objects.push(meta(&status)?),
                    }
                }
            }
            // Folders are things of their own here: one that is not there is not an empty one.
            Err(error) => return Err(of(&location, error)),
        }
        Ok(found)
    }

    async fn copy_opts(&self, _: &Path, _: &Path, _: CopyOptions) -> Result<()> {
        Err(Error::NotImplemented { operation: "copy".to_owned(), implementer: STORE.to_owned() })
    }

    async fn rename_opts(&self, from: &Path, to: &Path, options: RenameOptions) -> Result<()> {
        let is_new = matches!(options.target_mode, RenameTargetMode::Create);
        let (source, target) = (absolute(from), absolute(to));
        if let Some((folder, _)) = target.rsplit_once('/').filter(|(folder, _)| !folder.is_empty()) {
            let made = patiently(|| self.client.mkdirs(folder, 0o755, true)).await;
            made.map_err(|error| of(to, error))?;
        }
        let renamed = patiently(|| self.client.rename(&source, &target, !is_new)).await;
        renamed.map_err(|error| of(to, error))
    }
}
