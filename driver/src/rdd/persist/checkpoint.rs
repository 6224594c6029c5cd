//! `checkpoint`: partitions as files, which cut the lineage.

use crate::{
    Context, Result,
    rdd::{
        Home, Partitioning, Rdd,
        action::{self, SaveObjects},
        source::no_parent,
    },
};
use parking_lot::Mutex;
use rsk_executor::TaskContext;
use rsk_proto::{CodecError, Data, Decoder, Encoder, OrRaise, PartitionId, RddId};
use rsk_storage::{Location, SaveMode, WriteError, read_object_part};
use std::{
    fs,
    marker::PhantomData,
    path::{Path, PathBuf},
    sync::Arc,
};

/// Records between two looks at whether the task is to stop.
const LOOK_EVERY: u32 = 4096;

/// The node of [`checkpoint`](super::Persist::checkpoint): records of files that were written before. It has no parents.
pub struct Checkpointed<T> {
    home: Home,
    partitions: usize,
    partitioning: Option<Partitioning>,
    files: Arc<Files>,
    of: PhantomData<fn() -> T>,
}

/// The folder of one checkpoint.
struct Files {
    folder: PathBuf,
    /// They go when this is dropped.
    is_temporary: bool,
}

impl Files {
    /// Where a part was published.
    fn part(&self, partition: PartitionId) -> PathBuf {
        self.folder.join(format!("part-{:05}", partition.0))
    }
}

impl Drop for Files {
    fn drop(&mut self) {
        if self.is_temporary
            && let Err(error) = fs::remove_dir_all(&self.folder)
            // The context went first, and its work directory with it.
            && error.kind() != std::io::ErrorKind::NotFound
        {
            tracing::warn!(%error, path = %self.folder.display(), "cannot remove a checkpoint");
        }
    }
}

impl<T: Data> Checkpointed<T> {
    /// Writes all partitions, or leaves nothing.
    pub(super) fn write<R: Rdd<Item = T>>(rdd: &R) -> Result<Self> {
        let context = rdd.context();
        let (parent, is_temporary) = context.checkpoints().parent(context)?;
        let folder = parent.join(RddId(context.next_id()).to_string());
        action::save(rdd, &folder, SaveMode::Error, SaveObjects)?;
        Ok(Checkpointed {
            home: Home::of(context),
            partitions: rdd.partitions(),
            partitioning: rdd.partitioning(),
            files: Arc::new(Files { folder, is_temporary }),
            of: PhantomData,
        })
    }

    /// Where its files are.
    ///
    /// ```
    /// use rsk::prelude::*;
    /// let kept = rsk::Context::new("local")?.range(0..4, 2).checkpoint()?;
    /// assert!(kept.folder().join("part-00001").exists());
    /// # Ok::<(), rsk::Error>(())
    /// ```
    pub fn folder(&self) -> &Path {
        &self.files.folder
    }
}

impl<T: Data> Rdd for Checkpointed<T> {
    type Item = T;

    no_parent!();

    fn partitions(&self) -> usize {
        self.partitions
    }

    fn partitioning(&self) -> Option<Partitioning> {
        self.partitioning.clone()
    }

    fn compute(&self, partition: PartitionId, task: &TaskContext) -> impl Iterator<Item = T> + 'static {
        let storage = task.executor().storage();
        let file = storage.find(&Location::Local(self.files.part(partition))).or_raise();
        let task = task.clone();
        let mut until_look = LOOK_EVERY;
        read_object_part(storage, &file).or_raise().map(move |record| {
            until_look -= 1;
            if until_look == 0 {
                until_look = LOOK_EVERY;
                task.check_killed();
            }
            record.or_raise()
        })
    }

    fn encode(&self, _: PartitionId, to: &mut Encoder) {
        to.put(&self.files.folder);
    }

    fn decode(from: &mut Decoder<'_>) -> Result<Self, CodecError> {
        let files = Arc::new(Files { folder: from.get()?, is_temporary: false });
        Ok(Checkpointed { home: Home::default(), partitions: 1, partitioning: None, files, of: PhantomData })
    }
}

impl<T> Clone for Checkpointed<T> {
    fn clone(&self) -> Self {
        Checkpointed {
            home: self.home.clone(),
            partitioning: self.partitioning.clone(),
            files: Arc::clone(&self.files),
            ..*self
        }
    }
}

impl<T> std::fmt::Debug for Checkpointed<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Checkpointed({:?}, {} partitions)", self.files.folder, self.partitions)
    }
}

/// Where a context's checkpoints go.
#[derive(Debug, Default)]
pub(crate) struct CheckpointDir(Mutex<Place>);

#[derive(Debug, Default)]
enum Place {
    /// The work directory, whence they go with their handles.
    #[default]
    WorkDir,
    /// What the user typed; the first checkpoint makes it.
    Typed(PathBuf),
    /// This context's own folder under what was typed.
    Own(PathBuf),
}

impl CheckpointDir {
    /// The folder for checkpoints, and whether they go with their handles.
    fn parent(&self, context: &Context) -> Result<(PathBuf, bool)> {
        let mut place = self.0.lock();
        match &*place {
            Place::WorkDir => {
                let own = context.backend().executor().work_dir().path().join("checkpoint");
                fs::create_dir_all(&own).map_err(|error| WriteError::Folder(own.clone().into(), error))?;
                Ok((own, true))
            }
            Place::Typed(typed) => {
                let own = own_folder(typed)?;
                *place = Place::Own(own.clone());
                Ok((own, false))
            }
            Place::Own(own) => Ok((own.clone(), false)),
        }
    }

    fn set(&self, typed: &Path) -> Result<()> {
        let fail = |error| WriteError::Folder(typed.into(), error);
        let typed = std::path::absolute(typed).map_err(fail)?;
        if !typed.ancestors().find(|path| path.exists()).is_some_and(Path::is_dir) {
            return Err(fail(std::io::ErrorKind::NotADirectory.into()).into());
        }
        *self.0.lock() = Place::Typed(typed);
        Ok(())
    }
}

/// Makes a folder of one context's own, so that two programs with one folder do not meet.
fn own_folder(typed: &Path) -> Result<PathBuf> {
    let fail = |path: &Path, error| WriteError::Folder(path.into(), error);
    fs::create_dir_all(typed).map_err(|error| fail(typed, error))?;
    let typed = typed.canonicalize().map_err(|error| fail(typed, error))?;
    let mut number = 0u64;
    loop {
        let own = typed.join(format!("application-{number}"));
        match fs::create_dir(&own) {
            Ok(()) => return Ok(own),
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => number += 1,
            Err(error) => return Err(fail(&own, error).into()),
        }
    }
}

impl Context {
    /// Where checkpoints go from now on: into a folder of this context's own under `path`, which all executors must
    /// reach. They stay there when the program ends. `--conf checkpoint_dir=DIR` does the same from the start. The folders are
    /// made with the first checkpoint.
    ///
    /// Errors: a file is in its way.
    ///
    /// ```
    /// use rsk::prelude::*;
    /// let folder = std::env::temp_dir().join(format!("rsk-doc-checkpoint-{}", std::process::id()));
    /// let ctx = rsk::Context::new("local")?;
    /// ctx.set_checkpoint_dir(&folder)?;
    /// let kept = ctx.range(0..4, 2).checkpoint()?;
    /// assert!(kept.folder().starts_with(folder.canonicalize().unwrap()));
    /// # std::fs::remove_dir_all(&folder).unwrap();
    /// # Ok::<(), rsk::Error>(())
    /// ```
    pub fn set_checkpoint_dir(&self, path: impl AsRef<Path>) -> Result<()> {
        self.checkpoints().set(path.as_ref())
    }
}
