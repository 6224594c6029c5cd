//! Connect, make source RDDs, run a job; nothing else.

use crate::{
    Config, Error,
    accumulator::AccumulatorTable,
    dispatch::Dispatch,
    job::with_properties,
    local::Backend,
    master::Master,
    rdd::{
        persist::CheckpointDir,
        source::{Parallelize, Range},
    },
    track::{BlockTable, MapOutputTable},
    value::ValueRegistry,
};
use rsk_executor::{ExecutorConfig, TaskContext, WorkDir, shuffle::folder};
use rsk_proto::{Data, ShuffleId};
use rsk_storage::{CommitLog, InputFile, Location, SaveMode, WriteError};
use std::{
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

/// A connection to the slots that run tasks: where RDDs begin, and what jobs run on. A cheap clone; the slots end with
/// the last clone and the last RDD. One process may have several, which share nothing.
///
/// ```
/// use rsk::prelude::*;
/// let ctx = rsk::Context::new("local[2]")?;
/// let doubled = ctx.range(0..3, 2).map(|n| n * 2);
/// drop(ctx); // the RDD holds the context, too
/// assert_eq!(doubled.collect()?, [0, 2, 4]);
/// # Ok::<(), rsk::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct Context(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    config: Config,
    backend: Backend,
    dispatch: Arc<Dispatch>,
    values: Arc<ValueRegistry>,
    map_outputs: Arc<MapOutputTable>,
    blocks: Arc<BlockTable>,
    accumulators: Arc<AccumulatorTable>,
    checkpoints: CheckpointDir,
    ids: AtomicU64,
}

impl Context {
    /// A context on `master`: `local` (one slot), `local[K]`, `local[*]` (a slot for each CPU), or `HOST:PORT` of a
    /// cluster's master, several with commas.
    ///
    /// Errors: an unknown master, a work directory that cannot be written, a master that cannot be reached or refuses.
    ///
    /// ```
    /// let ctx = rsk::Context::new("local[2]")?;
    /// assert_eq!(ctx.default_partitions(), 2);
    /// assert!(rsk::Context::new("loca").is_err());
    /// # Ok::<(), rsk::Error>(())
    /// ```
    pub fn new(master: &str) -> Result<Context, Error> {
        Context::with_config(master, Config::default())
    }

    /// A context with settings.
    ///
    /// Errors: as with [`new`](Context::new); also a file in the way of the checkpoint folder; a task that makes one.
    ///
    /// ```
    /// use rsk::{Config, Context};
    /// let mut config = Config::default();
    /// config.set("memory=64m")?;
    /// let ctx = Context::with_config("local[2]", config)?;
    /// assert_eq!(ctx.config().memory.to_string(), "64 MiB");
    /// # Ok::<(), rsk::Error>(())
    /// ```
    pub fn with_config(master: &str, config: Config) -> Result<Context, Error> {
        if TaskContext::current().is_some() {
            let why = "a task cannot make a context: run jobs in the driver, and hand what they give to the closure by `with` or \
                       a broadcast";
            return Err(Error::Argument(why.to_owned()));
        }
        if crate::child::is_asked() {
            return Err(Error::ExecutorNotAsked);
        }
        let master = Master::parse(master)?;
        crate::files::are(&config.files);
        let work_dir = WorkDir::create(&config.work_dir)?;
        let values = Arc::new(ValueRegistry::default());
        let map_outputs = Arc::new(MapOutputTable::default());
        let blocks = Arc::new(BlockTable::default());
        let accumulators = Arc::new(AccumulatorTable::default());
        // On a cluster the sizes are those of each executor; this process runs no task.
        let slots = match master {
            Master::Local(slots) => slots,
            Master::Cluster(_) | Master::LocalCluster { .. } => config.executor_cores,
        };
        let sizes = ExecutorConfig { slots, memory: config.memory };
        let dispatch = Arc::new(Dispatch::new(
            &config,
            sizes.task_share(),
            work_dir.shuffle(),
            Arc::clone(&map_outputs),
            Arc::clone(&blocks),
            Arc::clone(&accumulators),
        ));
        let backend = Backend::start(
            sizes,
            &config,
            &master,
            work_dir,
            Arc::clone(&dispatch),
            Arc::clone(&values),
            Arc::clone(&map_outputs),
        )?;
        backend.forget_with(&values, &blocks);
        let context = Context(Arc::new(Inner {
            config,
            backend,
            dispatch,
            values,
            map_outputs,
            blocks,
            accumulators,
            checkpoints: CheckpointDir::default(),
            ids: AtomicU64::new(0),
        }));
        let checkpoint_dir = context.config().checkpoint_dir.clone();
        checkpoint_dir.map_or(Ok(()), |path| context.set_checkpoint_dir(path))?;
        Ok(context)
    }

    /// The driver's own values in `partitions` slices whose sizes differ by at most one.
    ///
    /// Cost: the driver keeps the values; each task carries a copy of its slice. What is large is better read from files.
    ///
    /// Errors: no partitions.
    ///
    /// ```
    /// use rsk::prelude::*;
    /// let ctx = rsk::Context::new("local")?;
    /// assert_eq!(ctx.parallelize(vec!["a".to_owned(), "b".to_owned()], 3)?.count()?, 2);
    /// assert!(ctx.parallelize(vec![1], 0).is_err());
    /// # Ok::<(), rsk::Error>(())
    /// ```
    pub fn parallelize<T: Data + Sync + Clone>(
        &self,
        values: Vec<T>,
        partitions: usize,
    ) -> Result<Parallelize<T>, Error> {
        crate::rdd::partitions::check_partitions(partitions)?;
        Ok(Parallelize::new(self, values, partitions))
    }

    /// The numbers of `range` in `partitions` slices. No task carries them.
    ///
    /// Errors, while a job runs: no partitions.
    ///
    /// ```
    /// use rsk::prelude::*;
    /// let ctx = rsk::Context::new("local")?;
    /// assert_eq!(ctx.range(0..1_000_000, 4).count()?, 1_000_000);
    /// # Ok::<(), rsk::Error>(())
    /// ```
    pub fn range(&self, range: std::ops::Range<u64>, partitions: usize) -> Range {
        Range::new(self, range, partitions)
    }

    /// Ends all jobs and refuses further ones, from any thread. Slots go home when their tasks have ended; they do so by
    /// themselves when the last handle to the context or its RDDs is dropped.
    ///
    /// ```
    /// use rsk::prelude::*;
    /// let ctx = rsk::Context::new("local")?;
    /// ctx.stop();
    /// assert!(ctx.range(0..10, 2).count().is_err());
    /// # Ok::<(), rsk::Error>(())
    /// ```
    pub fn stop(&self) {
        self.0.dispatch.stop("the context was stopped");
    }

    /// How many partitions to use where nothing better is known: one a slot. On a cluster, where executors come and go,
    /// `max_cores` if it is given, else the slots of the executors that are there, but at least two.
    ///
    /// ```
    /// let ctx = rsk::Context::new("local[3]")?;
    /// assert_eq!(ctx.default_partitions(), 3);
    /// # Ok::<(), rsk::Error>(())
    /// ```
    pub fn default_partitions(&self) -> usize {
        self.0.backend.slots(&self.0.config) as usize
    }

    /// Runs `body`; jobs that it starts on this thread belong to the group `name`, which
    /// [`cancel_group`](Context::cancel_group) ends.
    ///
    /// ```
    /// use rsk::prelude::*;
    /// let ctx = rsk::Context::new("local")?;
    /// assert_eq!(ctx.in_group("nightly", || ctx.range(0..10, 2).count())?, 10);
    /// # Ok::<(), rsk::Error>(())
    /// ```
    pub fn in_group<R>(&self, name: &str, body: impl FnOnce() -> R) -> R {
        with_properties(Some(name), None, body)
    }

    /// Runs `body`; jobs that it starts on this thread run in the pool `name`: see `pools` in [`Config`].
    ///
    /// ```
    /// use rsk::prelude::*;
    /// let ctx = rsk::Context::new("local")?;
    /// assert_eq!(ctx.in_pool("live", || ctx.range(0..10, 2).count())?, 10);
    /// # Ok::<(), rsk::Error>(())
    /// ```
    pub fn in_pool<R>(&self, name: &str, body: impl FnOnce() -> R) -> R {
        with_properties(None, Some(name), body)
    }

    /// Ends the jobs of a group that run now, from any thread; says how many. Their callers get
    /// [`Error::Cancelled`]; their tasks stop at their next look.
    ///
    /// ```
    /// assert_eq!(rsk::Context::new("local")?.cancel_group("nightly"), 0);
    /// # Ok::<(), rsk::Error>(())
    /// ```
    pub fn cancel_group(&self, name: &str) -> usize {
        self.0.dispatch.cancel_all(&format!("its group {name:?} was"), |group| group == Some(name))
    }

    /// Ends all jobs that run now, from any thread; says how many.
    ///
    /// ```
    /// assert_eq!(rsk::Context::new("local")?.cancel_all_jobs(), 0);
    /// # Ok::<(), rsk::Error>(())
    /// ```
    pub fn cancel_all_jobs(&self) -> usize {
        self.0.dispatch.cancel_all("all jobs were", |_| true)
    }

    /// The settings it was made with.
    ///
    /// ```
    /// let ctx = rsk::Context::new("local")?;
    /// assert_eq!(ctx.config().task_attempts, 4);
    /// # Ok::<(), rsk::Error>(())
    /// ```
    pub fn config(&self) -> &Config {
        &self.0.config
    }

    pub(crate) fn backend(&self) -> &Backend {
        &self.0.backend
    }

    pub(crate) fn dispatch(&self) -> &Arc<Dispatch> {
        &self.0.dispatch
    }

    pub(crate) fn blocks(&self) -> &BlockTable {
        &self.0.blocks
    }

    pub(crate) fn checkpoints(&self) -> &CheckpointDir {
        &self.0.checkpoints
    }

    pub(crate) fn accumulators(&self) -> &Arc<AccumulatorTable> {
        &self.0.accumulators
    }

    pub(crate) fn values(&self) -> &Arc<ValueRegistry> {
        &self.0.values
    }

    pub(crate) fn map_outputs(&self) -> &MapOutputTable {
        &self.0.map_outputs
    }

    /// Removes what a shuffle left, once no RDD reads it.
    pub(crate) fn forget_shuffle(&self, shuffle: ShuffleId) {
        self.0.map_outputs.remove(shuffle);
        self.remove_map_outputs(shuffle);
    }

    /// Removes the files of a shuffle.
    pub(crate) fn remove_map_outputs(&self, shuffle: ShuffleId) {
        self.0.backend.forget_shuffle(shuffle);
        let folder = folder(&self.0.backend.executor().work_dir().shuffle(), shuffle);
        if let Err(error) = std::fs::remove_dir_all(&folder)
            && error.kind() != std::io::ErrorKind::NotFound
        {
            tracing::warn!(%error, %shuffle, "cannot remove map outputs");
        }
    }

    /// Input, found. On a cluster by absolute paths: executors have current folders of their own.
    pub(crate) fn list(&self, paths: &str) -> Result<Vec<InputFile>, Error> {
        let mut files = self.0.backend.executor().storage().list(paths)?;
        if self.0.backend.is_cluster() {
            for file in &mut files {
                if let Location::Local(path) = &mut file.location {
                    *path = absolute(path);
                }
            }
        }
        Ok(files)
    }

    /// Where a user means output to go: see [`Context::list`].
    pub(crate) fn output(&self, typed: &Path) -> Result<Location, Error> {
        let out = match typed.to_str() {
            Some(text) => Location::parse(text.trim()).map_err(WriteError::from)?,
            None => typed.into(),
        };
        Ok(match out {
            Location::Local(path) if self.0.backend.is_cluster() => Location::Local(absolute(&path)),
            out => out,
        })
    }

    /// Claims an output.
    pub(crate) fn open_output(&self, out: &Location, mode: SaveMode) -> Result<CommitLog, Error> {
        let output = CommitLog::open(self.0.backend.executor().storage(), out, mode)?;
        Ok(if self.config().shared_files { output.shared() } else { output })
    }

    pub(crate) fn next_id(&self) -> u64 {
        self.0.ids.fetch_add(1, Ordering::Relaxed)
    }
}

/// A path that means the same in every folder; one that cannot be found out stays as it is.
fn absolute(path: &Path) -> PathBuf {
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned())
}
