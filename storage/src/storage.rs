//! The stores that a process reads and writes, each by one client.

use crate::{
    ClientError, Root, StorageConfig,
    client::{self, Connected},
};
use object_store::ObjectStore;
use parking_lot::Mutex;
use std::{collections::BTreeMap, fmt, sync::Arc};
use tokio::{runtime::Runtime, sync::oneshot};

const THREADS: usize = 2;

/// All stores, reached as a [`StorageConfig`] says. A cheap clone.
///
/// Shape: a client a bucket, NameNode or web server, made when it is first asked for; two threads carry out what they do.
/// Local files need neither.
///
/// ```
/// use rsk_storage::{Storage, StorageConfig};
/// let storage = Storage::new(StorageConfig::default());
/// let folder = tempfile::tempdir()?;
/// std::fs::write(folder.path().join("a.txt"), "to be")?;
/// assert_eq!(storage.list(&folder.path().display().to_string())?.len(), 1);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Default)]
pub struct Storage(Arc<Inner>);

#[derive(Default)]
struct Inner {
    config: StorageConfig,
    clients: Mutex<BTreeMap<Root, Connected>>,
    runtime: Mutex<Option<Arc<Runtime>>>,
}

impl Storage {
    /// The stores of a configuration.
    pub fn new(config: StorageConfig) -> Storage {
        Storage(Arc::new(Inner { config, clients: Mutex::default(), runtime: Mutex::default() }))
    }

    /// How they are reached.
    pub fn config(&self) -> &StorageConfig {
        &self.0.config
    }

    /// The client of a store, as other crates of arrow's family take it.
    ///
    /// Errors: what is configured for it is wrong; nothing is asked yet.
    pub fn client(&self, root: &Root) -> Result<Arc<dyn ObjectStore>, ClientError> {
        Ok(self.connected(root)?.store)
    }

    /// All clients of a store.
    pub(crate) fn connected(&self, root: &Root) -> Result<Connected, ClientError> {
        let runtime = self.runtime(root)?;
        let mut clients = self.0.clients.lock();
        if let Some(client) = clients.get(root) {
            return Ok(client.clone());
        }
        // Some clients look for the runtime that they are made in.
        let _inside = runtime.enter();
        let client = client::connect(root, &self.0.config, runtime.handle())?;
        clients.insert(root.clone(), client.clone());
        Ok(client)
    }

    /// Waits for what a client does.
    ///
    /// Errors: it panicked, or the process ends.
    pub(crate) fn wait<T: Send + 'static>(
        &self,
        root: &Root,
        work: impl Future<Output = T> + Send + 'static,
    ) -> Result<T, ClientError> {
        let (done, is_done) = oneshot::channel();
        self.spawn(root, async move { drop(done.send(work.await)) })?;
        futures::executor::block_on(is_done).map_err(|error| ClientError::of(root, &error))
    }

    /// Has something done meanwhile.
    pub(crate) fn spawn(
        &self,
        root: &Root,
        work: impl Future<Output = ()> + Send + 'static,
    ) -> Result<(), ClientError> {
        self.runtime(root)?.spawn(work);
        Ok(())
    }

    fn runtime(&self, root: &Root) -> Result<Arc<Runtime>, ClientError> {
        let mut runtime = self.0.runtime.lock();
        if let Some(runtime) = &*runtime {
            return Ok(Arc::clone(runtime));
        }
        let mut builder = tokio::runtime::Builder::new_multi_thread();
        let made = builder.worker_threads(THREADS).thread_name("storage").enable_all().build();
        let made = Arc::new(made.map_err(|error| ClientError::of(root, &error))?);
        Ok(Arc::clone(runtime.insert(made)))
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        // A runtime must not wait for its threads on one of its own, or of another runtime.
        self.clients.get_mut().clear();
        if let Some(runtime) = self.runtime.get_mut().take().and_then(Arc::into_inner) {
            runtime.shutdown_background();
        }
    }
}

impl fmt::Debug for Storage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Storage").field("config", &self.0.config).finish_non_exhaustive()
    }
}
