//! Where a context's tasks run: slots in this process, threads that take one task after another, or the executors of a
//! cluster.

use crate::{
    Config, Error, Executors,
    child::ChildSlot,
    dispatch::Dispatch,
    framework::{self, Framework},
    local_cluster::LocalCluster,
    master::Master,
    peer::Peers,
    place::Place,
    task::site::Site,
    track::{BlockTable, MapOutputTable},
    value::ValueRegistry,
};
use parking_lot::Mutex;
use rsk_executor::{DriverLink, Executor, ExecutorConfig, WorkDir};
use rsk_proto::{
    Cause, ExecutorId, MapOutputs, PartitionId, Sealed, ShuffleId, TaskEnd, TaskError, TaskMetrics, ValueId,
};
use rsk_storage::{Storage, StorageConfig};
use std::{
    cell::Cell,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, Weak},
    thread::{self, JoinHandle},
};

/// Room for lineages of ten thousand steps.
pub(crate) const STACK_BYTES: usize = 64 << 20;

/// The host of all executors in local mode.
const HERE: &str = "localhost";

/// Threads that run tasks. Dropping the backend waits for them, so that the work directory goes with the program.
#[derive(Debug)]
pub(crate) struct Backend {
    dispatch: Arc<Dispatch>,
    threads: Mutex<Vec<JoinHandle<()>>>,
    executor: Arc<Executor>,
    peers: Arc<Peers>,
    framework: Option<Framework>,
    /// The cluster that this program started for itself.
    cluster: Mutex<Option<LocalCluster>>,
}

impl Backend {
    /// Starts the slots, or subscribes at the cluster's master.
    pub(crate) fn start(
        sizes: ExecutorConfig,
        config: &Config,
        master: &Master,
        work_dir: WorkDir,
        dispatch: Arc<Dispatch>,
        values: Arc<ValueRegistry>,
        map_outputs: Arc<MapOutputTable>,
    ) -> Result<Backend, Error> {
        let variables = std::env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)));
        let storage = Storage::new(StorageConfig::collect(variables, &config.storage)?);
        let sealed = Sealed::of(storage.config()).map_err(std::io::Error::other)?;
        let link = Arc::new(Link { values, map_outputs });
        let driver = Arc::clone(&link) as Arc<dyn DriverLink>;
        let executor = Executor::new(sizes, crate::rdd::action::run_task, driver, work_dir, None, storage);
        let (mut threads, peers) = (Vec::new(), Arc::<Peers>::default());
        let parts = || framework::Parts {
            dispatch: Arc::clone(&dispatch),
            link: Arc::clone(&link) as Arc<dyn DriverLink>,
            peers: Arc::clone(&peers),
            map_outputs: Arc::clone(&link.map_outputs),
            results: executor.work_dir().result(),
            storage: sealed.clone(),
        };
        let mut cluster = None;
        let framework = match master {
            Master::Local(_) => None,
            Master::Cluster(masters) => Some(Framework::start(masters.clone(), config, parts())?),
            Master::LocalCluster { agents, cores, memory } => {
                let own = LocalCluster::start(
                    *agents,
                    *cores,
                    *memory,
                    &executor.work_dir().path().join("cluster"),
                )?;
                let masters = vec![own.address().to_owned()];
                cluster = Some(own);
                Some(Framework::start(masters, config, parts())?)
            }
        };
        let slots = if framework.is_some() { 0 } else { sizes.slots.max(1) };
        let own = Arc::new(Place::new(ExecutorId(0), slots, Site::host(HERE)));
        for slot in 0..slots {
            let dispatch = Arc::clone(&dispatch);
            let place = match config.executors {
                Executors::Threads => Arc::clone(&own),
                Executors::Processes => {
                    Arc::new(Place::new(ExecutorId(u64::from(slot) + 1), 1, Site::host(HERE)))
                }
            };
            dispatch.join(&place);
            let runs = match config.executors {
                Executors::Threads => Slot::Thread(Arc::clone(&executor)),
                Executors::Processes => {
                    let link = Arc::clone(&link) as Arc<dyn DriverLink>;
                    Slot::Process(ChildSlot::new(
                        Arc::clone(&executor),
                        link,
                        Arc::clone(&peers),
                        config.files.clone(),
                    ))
                }
            };
            let builder = thread::Builder::new().name(format!("slot-{slot}")).stack_size(STACK_BYTES);
            threads.push(builder.spawn(move || serve(&dispatch, &place, runs)).map_err(Error::Slot)?);
        }
        Ok(Backend {
            dispatch,
            threads: Mutex::new(threads),
            executor,
            peers,
            framework,
            cluster: Mutex::new(cluster),
        })
    }

    pub(crate) fn executor(&self) -> &Arc<Executor> {
        &self.executor
    }

    /// How many tasks can run at a time, as far as that is known.
    pub(crate) fn slots(&self, config: &Config) -> u32 {
        match &self.framework {
            None => self.executor.config().slots,
            Some(_) => config.max_cores.unwrap_or_else(|| self.dispatch.slots()).max(2),
        }
    }

    /// Do tasks run on other machines, or in other folders of this one?
    pub(crate) fn is_cluster(&self) -> bool {
        self.framework.is_some()
    }

    /// Has agents remove the files of a shuffle.
    pub(crate) fn forget_shuffle(&self, shuffle: ShuffleId) {
        if self.framework.is_some() {
            self.peers.forget(&[], &[], &[shuffle]);
        }
    }

    /// Has executors forget what no handle names any more, for as long as they live.
    pub(crate) fn forget_with(&self, values: &ValueRegistry, blocks: &BlockTable) {
        let (executor, peers) = (Arc::downgrade(&self.executor), Arc::clone(&self.peers));
        let crew = self.framework.as_ref().map(Framework::crew);
        values.on_removed(Box::new(move |id| {
            executor.upgrade().inspect(|executor| executor.remove_value(id));
            crew.as_ref().and_then(Weak::upgrade).inspect(|crew| crew.forget_value(id));
            peers.forget(&[id], &[], &[]);
        }));
        let (executor, peers) = (Arc::downgrade(&self.executor), Arc::clone(&self.peers));
        blocks.on_removed(move |rdd, before| {
            executor.upgrade().inspect(|executor| executor.blocks().remove(rdd, before));
            peers.forget(&[], &[(rdd, before)], &[]);
        });
    }

    /// Ends all jobs, waits for the slots to end their tasks, and removes the work directory. Once is enough.
    pub(crate) fn end(&self, has_succeeded: bool, summary: &str) {
        self.dispatch.stop("the context has stopped");
        if let Some(framework) = &self.framework {
            framework.end(has_succeeded, summary);
        }
        drop(self.cluster.lock().take());
        // The last handle may be let go of by a slot itself.
        let own = thread::current().id();
        let threads = std::mem::take(&mut *self.threads.lock());
        for slot in threads.into_iter().filter(|slot| slot.thread().id() != own) {
            if slot.join().is_err() {
                tracing::error!("a slot's thread panicked");
            }
        }
        self.executor.work_dir().remove();
    }
}

impl Drop for Backend {
    fn drop(&mut self) {
        self.end(true, "its context was dropped");
    }
}

/// Where the tasks of one slot run.
enum Slot {
    Thread(Arc<Executor>),
    Process(ChildSlot),
}

thread_local! {
    static IS_SLOT: Cell<bool> = const { Cell::new(false) };
}

/// Is this thread a slot? It must never wait for a job, which may need it.
pub(crate) fn is_slot() -> bool {
    IS_SLOT.get()
}

/// Runs code of the user on a slot, outside of a task: a panic is an outcome, and the slot lives on.
pub(crate) fn guarded<R>(what: &str, body: impl FnOnce() -> R) -> Result<R, TaskError> {
    catch_unwind(AssertUnwindSafe(body)).map_err(|payload| {
        let text = payload.downcast_ref::<String>().map(String::as_str);
        let text = text.or_else(|| payload.downcast_ref::<&str>().copied());
        let message = text.unwrap_or("a panic without a message").to_owned();
        TaskError::Panic { message, location: format!("{what}, in the driver") }
    })
}

/// What a slot does until there will be no more tasks.
fn serve(dispatch: &Dispatch, place: &Place, mut slot: Slot) {
    IS_SLOT.set(true);
    let mut ended = None;
    while let Some(work) = dispatch.turn(place, ended.take()) {
        let (attempt, is_killed) = (work.attempt, Arc::clone(&work.is_killed));
        let task = guarded("encoding a task", || work.encode()).and_then(|task| task);
        let end = task.and_then(|task| match &mut slot {
            Slot::Thread(executor) => executor.run(&task, is_killed).map_err(TaskError::Refused),
            Slot::Process(child) => child.run(attempt.task, task, &is_killed),
        });
        ended = Some(end.unwrap_or_else(|error| TaskEnd {
            attempt,
            outcome: Err(error),
            accumulators: Vec::new(),
            blocks: Vec::new(),
            metrics: TaskMetrics::default(),
        }));
    }
}

/// The driver as tasks of the same process see it.
struct Link {
    values: Arc<ValueRegistry>,
    map_outputs: Arc<MapOutputTable>,
}

impl DriverLink for Link {
    fn value(&self, id: ValueId) -> Result<Arc<[u8]>, Cause> {
        self.values.get(id).ok_or_else(|| Cause::new("the driver has dropped its last handle to the value"))
    }

    fn map_outputs(&self, shuffle: ShuffleId) -> Result<Arc<MapOutputs>, TaskError> {
        let missing = TaskError::MapOutputMissing { shuffle, map: PartitionId(0) };
        self.map_outputs.get(shuffle).ok_or(missing)
    }
}
