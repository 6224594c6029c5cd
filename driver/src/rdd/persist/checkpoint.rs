//! `checkpoint`: partitions as files, which cut the lineage.

use crate::{
    Context, Result,
    rdd::{
        Dependency, Determinism, Partitioning, Rdd,
        action::{self, SaveObjects},
        source::ObjectFile,
    },
};
use parking_lot::Mutex;
use rsk_executor::TaskContext;
use rsk_proto::{CodecError, Data, Decoder, Encoder, PartitionId, RddId};
use rsk_storage::{InputFile, Location, SaveMode, Scheme, WriteError, unique_name};
use std::{fs, io::ErrorKind, path::Path, sync::Arc};

/// The node of [`checkpoint`](super::Persist::checkpoint): records of files that were written before. It has no parents.
pub struct Checkpointed<T: Data> {
    files: ObjectFile<T>,
    partitioning: Option<Partitioning>,
    folder: Arc<Folder>,
}

/// The folder of one checkpoint.
struct Folder {
    at: Location,
    /// They go when this is dropped.
    is_temporary: bool,
}

impl Drop for Folder {
    fn drop(&mut self) {
        if self.is_temporary
            && let Some(path) = self.at.local()
            && let Err(error) = fs::remove_dir_all(path)
            // The context went first, and its work directory with it.
            && error.kind() != ErrorKind::NotFound
        {
            tracing::warn!(%error, path = %path.display(), "cannot remove a checkpoint");
        }
    }
}

impl<T: Data> Checkpointed<T> {
    /// Writes all partitions, or leaves nothing.
    pub(super) fn write<R: Rdd<Item = T>>(rdd: &R) -> Result<Self> {
        let context = rdd.context();
        let (parent, is_temporary) = context.checkpoints().parent(context)?;
        let at = parent.join(&RddId(context.next_id()).to_string());
        let mut files = Vec::new();
        action::save_at(rdd, &at, SaveMode::Error, SaveObjects, |part| {
            files.push(InputFile::new(at.join(part.name()), part.bytes()));
        })?;
        Ok(Checkpointed {
            files: ObjectFile::of_files(context, files),
            partitioning: rdd.partitioning(),
            folder: Arc::new(Folder { at, is_temporary }),
        })
    }

    /// Where its files are.
    ///
    /// ```
    /// use rsk::prelude::*;
    /// let kept = rsk::Context::new("local")?.range(0..4, 2).checkpoint()?;
    /// assert!(kept.folder().local().unwrap().join("part-00001").exists());
    /// # Ok::<(), rsk::Error>(())
    /// ```
    pub fn folder(&self) -> &Location {
        &self.folder.at
    }
}

impl<T: Data> Rdd for Checkpointed<T> {
    type Item = T;

    fn context(&self) -> &Context {
        self.files.context()
    }

    fn dependencies(&self, _: &mut Vec<Dependency>) {}

    fn determinism(&self) -> Determinism {
        self.files.determinism()
    }

    fn partitions(&self) -> usize {
        self.files.partitions()
    }

    fn partitioning(&self) -> Option<Partitioning> {
        self.partitioning.clone()
    }

    fn compute(&self, partition: PartitionId, task: &TaskContext) -> impl Iterator<Item = T> + 'static {
        self.files.compute(partition, task)
    }

    fn encode(&self, partition: PartitionId, to: &mut Encoder) {
        self.files.encode(partition, to);
        to.put(&self.folder.at);
    }

    fn decode(from: &mut Decoder<'_>) -> Result<Self, CodecError> {
        let files = ObjectFile::decode(from)?;
        let folder = Arc::new(Folder { at: from.get()?, is_temporary: false });
        Ok(Checkpointed { files, partitioning: None, folder })
    }
}

impl<T: Data> Clone for Checkpointed<T> {
    fn clone(&self) -> Self {
        Checkpointed {
            files: self.files.clone(),
            partitioning: self.partitioning.clone(),
            folder: Arc::clone(&self.folder),
        }
    }
}

impl<T: Data> std::fmt::Debug for Checkpointed<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Checkpointed({:?}, {} partitions)", self.folder.at, self.files.partitions())
    }
}

/// Where a context's checkpoints go: into a folder of its own under what the user typed, so that two programs with one folder
/// do not meet; or into the work directory, whence they go with their handles.
#[derive(Debug, Default)]
pub(crate) struct CheckpointDir(Mutex<Option<Location>>);

impl CheckpointDir {
    /// The folder for checkpoints, and whether they go with their handles.
    fn parent(&self, context: &Context) -> Result<(Location, bool)> {
        if let Some(own) = &*self.0.lock() {
            return Ok((own.clone(), false));
        }
        let own = context.backend().executor().work_dir().path().join("checkpoint");
        fs::create_dir_all(&own).map_err(|error| WriteError::Folder(own.clone().into(), error))?;
        Ok((own.into(), true))
    }

    fn set(&self, typed: Location) -> Result<()> {
        match &typed {
            Location::Local(path) => {
                if !path.ancestors().find(|path| path.exists()).is_some_and(Path::is_dir) {
                    return Err(WriteError::Folder(typed, ErrorKind::NotADirectory.into()).into());
                }
            }
            Location::Remote(root, _) if matches!(root.scheme, Scheme::Http | Scheme::Https) => {
                return Err(WriteError::ReadOnly(typed).into());
            }
            Location::Remote(..) => {}
        }
        *self.0.lock() = Some(typed.join(&format!("application-{}", unique_name())));
        Ok(())
    }
}

impl Context {
    /// Where checkpoints go from now on: into a folder of this context's own under `path`, a folder that all executors reach or
    /// a URI such as `hdfs://host/checkpoints`. They stay there when the program ends. `--conf checkpoint_dir=DIR` does the
    /// same from the start. The folders are made with the first checkpoint.
    ///
    /// Errors: a file is in its way; nothing can be written there.
    ///
    /// ```
    /// use rsk::prelude::*;
    /// let folder = std::env::temp_dir().join(format!("rsk-doc-checkpoint-{}", std::process::id()));
    /// let ctx = rsk::Context::new("local")?;
    /// ctx.set_checkpoint_dir(&folder)?;
    /// let kept = ctx.range(0..4, 2).checkpoint()?;
    /// assert!(kept.folder().local().unwrap().starts_with(&folder));
    /// assert!(ctx.set_checkpoint_dir("https://host/checkpoints").is_err());
    /// # std::fs::remove_dir_all(&folder).unwrap();
    /// # Ok::<(), rsk::Error>(())
    /// ```
    pub fn set_checkpoint_dir(&self, path: impl AsRef<Path>) -> Result<()> {
        let typed = match self.output(path.as_ref())? {
            Location::Local(path) => {
                let absolute = std::path::absolute(&path);
                absolute.map_err(|error| WriteError::Folder(path.into(), error))?.into()
            }
            typed @ Location::Remote(..) => typed,
        };
        self.checkpoints().set(typed)
    }
}
