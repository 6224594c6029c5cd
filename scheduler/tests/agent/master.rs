//! A master of the tests: speaks the real messages, decides nothing, hears everything.

use rsk_proto::{
    AgentId, AgentToMaster, BLOB_CHUNK_BYTES_MAX, BlobChunk, BlobHash, BlobRequest, BlobStatus,
    FrameworkToMaster, Hello, MasterToAgent, MasterToFramework, OperatorReply, OperatorRequest, Refusal,
    rpc::{Receiver, Sender, Service, routes},
};
use sha2::{Digest, Sha256};
use std::{
    collections::BTreeMap,
    net::SocketAddr,
    sync::{Arc, Mutex, mpsc},
    time::Duration,
};
use tokio_stream::Stream;

pub(crate) const AGENT: AgentId = AgentId { registry: 7, number: 1 };
/// Everything of these tests happens within this, or never.
const WITHIN: Duration = Duration::from_mins(1);

pub(crate) struct Master {
    pub(crate) address: String,
    state: Arc<State>,
    heard: mpsc::Receiver<AgentToMaster>,
    runtime: Option<tokio::runtime::Runtime>,
}

struct State {
    heard: mpsc::Sender<AgentToMaster>,
    to: Mutex<Option<Sender<MasterToAgent>>>,
    blobs: Mutex<BTreeMap<BlobHash, Vec<u8>>>,
    offsets: Mutex<Vec<u64>>,
    answer: Mutex<MasterToAgent>,
}

struct Served(Arc<State>);

impl Service for Served {
    async fn agent(&self, mut from: Receiver<AgentToMaster>, to: Sender<MasterToAgent>) {
        *self.0.to.lock().unwrap() = Some(to.clone());
        let mut beat = tokio::time::interval(Duration::from_secs(1));
        loop {
            let message = tokio::select! {
                message = from.receive() => message,
                _ = beat.tick() => {
                    drop(to.send(MasterToAgent::Heartbeat).await);
                    continue;
                }
            };
            let Ok(Some(message)) = message else { return };
            if matches!(message, AgentToMaster::Register { .. }) {
                let answer = self.0.answer.lock().unwrap().clone();
                drop(to.send(answer).await);
            }
            drop(self.0.heard.send(message));
        }
    }

    async fn framework(&self, _: Receiver<FrameworkToMaster>, _: Sender<MasterToFramework>) {}

    async fn put_blob(&self, _: Receiver<BlobChunk>) -> Result<BlobStatus, Refusal> {
        Err(Refusal::Invalid("nobody brings anything".to_owned()))
    }

    async fn get_blob(
        &self,
        BlobRequest { hash, offset }: BlobRequest,
    ) -> Result<impl Stream<Item = Result<BlobChunk, Refusal>> + Send + 'static, Refusal> {
        self.0.offsets.lock().unwrap().push(offset);
        let blobs = self.0.blobs.lock().unwrap();
        let blob = blobs.get(&hash).ok_or_else(|| Refusal::Unknown(hash.to_string()))?;
        let length = blob.len() as u64;
        let rest = &blob[usize::try_from(offset).unwrap()..];
        let mut at = offset;
        let chunks = rest.chunks(BLOB_CHUNK_BYTES_MAX).map(|bytes| {
            let chunk = BlobChunk { hash, length, offset: at, bytes: bytes.to_vec() };
            at += bytes.len() as u64;
            Ok(chunk)
        });
        Ok(tokio_stream::iter(chunks.collect::<Vec<_>>()))
    }

    async fn operate(&self, _: OperatorRequest) -> OperatorReply {
        OperatorReply::Done
    }
}

impl Master {
    pub(crate) fn start() -> Self {
        Self::start_at("127.0.0.1:0")
    }

    pub(crate) fn start_at(address: &str) -> Self {
        let (heard_by, heard) = mpsc::channel();
        let answer = MasterToAgent::Registered {
            hello: Hello::ours(),
            id: AGENT,
            heartbeat_every: Duration::from_secs(1),
            lost_after: Duration::from_secs(10),
        };
        let state = Arc::new(State {
            heard: heard_by,
            to: Mutex::default(),
            blobs: Mutex::default(),
            offsets: Mutex::default(),
            answer: Mutex::new(answer),
        });
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let listener = runtime.block_on(tokio::net::TcpListener::bind(address)).unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let service =
            routes(Arc::new(Served(state.clone()))).into_make_service_with_connect_info::<SocketAddr>();
        runtime.spawn(async move { axum::serve(listener, service).await });
        Master { address, state, heard, runtime: Some(runtime) }
    }

    /// Whoever registers from now on hears this.
    pub(crate) fn answer(&self, answer: MasterToAgent) {
        *self.state.answer.lock().unwrap() = answer;
    }

    /// Has this blob from now on.
    pub(crate) fn put(&self, bytes: &[u8]) -> BlobHash {
        let hash = BlobHash(Sha256::digest(bytes).into());
        self.put_as(hash, bytes);
        hash
    }

    pub(crate) fn put_as(&self, hash: BlobHash, bytes: &[u8]) {
        self.state.blobs.lock().unwrap().insert(hash, bytes.to_vec());
    }

    /// From where blobs were asked for, since this was asked last.
    pub(crate) fn offsets(&self) -> Vec<u64> {
        std::mem::take(&mut *self.state.offsets.lock().unwrap())
    }

    pub(crate) fn order(&self, order: MasterToAgent) {
        let to = self.state.to.lock().unwrap().clone().unwrap();
        self.runtime.as_ref().unwrap().block_on(to.send(order)).unwrap();
    }

    /// Waits until the agent has said something of this kind, and forgets what it said before.
    pub(crate) fn wait_for<T>(&self, what: &str, pick: impl Fn(AgentToMaster) -> Option<T>) -> T {
        let until = std::time::Instant::now() + WITHIN;
        let mut others = Vec::new();
        loop {
            let left = until.saturating_duration_since(std::time::Instant::now());
            match self.heard.recv_timeout(left) {
                Ok(AgentToMaster::Heartbeat) => {}
                Ok(message) => match pick(message.clone()) {
                    Some(found) => return found,
                    None => others.push(message),
                },
                Err(error) => panic!("the agent never said {what} ({error}), but {others:#?}"),
            }
        }
    }
}

impl Drop for Master {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_timeout(Duration::from_secs(5));
        }
    }
}
