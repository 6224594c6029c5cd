//! The master's port: gRPC and plain HTTP on one listener, and peers that may send anything.

use super::{
    blob::Blobs,
    event::{Event, LinkId},
    shell::Input,
};
use axum::{Extension, Router, extract::ConnectInfo};
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::conn::auto,
    service::TowerToHyperService,
};
use rsk_proto::{
    AgentToMaster, BlobChunk, BlobRequest, BlobStatus, FrameworkToMaster, MasterToAgent, MasterToFramework,
    OperatorReply, OperatorRequest, Refusal,
    rpc::{Message, Receiver, RpcError, Sender, Service},
};
use std::{
    collections::BTreeMap,
    net::SocketAddr,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{mpsc, oneshot},
    task::{AbortHandle, JoinSet},
    time::timeout,
};

/// A connection, and a stream on it, says what it wants within this time.
const FIRST_WORD_WITHIN: Duration = Duration::from_secs(10);
/// A connection whose other side does not answer is cut off after both of these.
const PING_EVERY: Duration = Duration::from_secs(10);
const PONG_WITHIN: Duration = Duration::from_secs(20);
const HEADERS_BYTES_MAX: u32 = 16 << 10;
const STREAMS_MAX: u32 = 64;
/// So many connections that have said nothing: beyond, the oldest of them is cut off.
const UNHEARD_MAX: usize = 256;
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// Passes what peers say on to the master's thread.
#[derive(Debug)]
pub(super) struct Api {
    pub(super) mailbox: mpsc::Sender<Input>,
    pub(super) blobs: Blobs,
    links: AtomicU64,
}

impl Api {
    pub(super) fn new(mailbox: mpsc::Sender<Input>, blobs: Blobs) -> Self {
        Api { mailbox, blobs, links: AtomicU64::new(0) }
    }

    fn link(&self) -> LinkId {
        LinkId(self.links.fetch_add(1, Relaxed) + 1)
    }

    /// Passes on what a peer says until it, or the master, has had enough. A message that is none is answered.
    async fn pass_on<M: Message, R: Message>(
        &self,
        link: LinkId,
        mut stop: oneshot::Receiver<()>,
        (mut from, to): (Receiver<M>, Sender<R>),
        event: fn(LinkId, M) -> Event,
        refused: fn(Refusal) -> R,
    ) {
        let mut is_first = true;
        loop {
            let next = async {
                if std::mem::take(&mut is_first) {
                    let silent = || Refusal::Invalid("nothing was said for 10 seconds".to_owned());
                    timeout(FIRST_WORD_WITHIN, from.receive()).await.map_err(|_| silent())
                } else {
                    Ok(from.receive().await)
                }
            };
            let said = tokio::select! {
                said = next => said,
                _ = &mut stop => break,
            };
            match said {
                Ok(Ok(Some(message))) => {
                    if self.mailbox.send(Input::Happened(event(link, message))).await.is_err() {
                        break;
                    }
                }
                Ok(Ok(None)) => break,
                Ok(Err(error @ RpcError::Message { .. })) => {
                    tracing::warn!(%error, %link, "a peer is refused");
                    drop(to.send(refused(error.into())).await);
                    break;
                }
                Ok(Err(error)) => {
                    tracing::debug!(%error, %link, "a stream has ended");
                    break;
                }
                Err(refusal) => {
                    drop(to.send(refused(refusal)).await);
                    break;
                }
            }
        }
        // A master that stops needs not know.
        drop(self.mailbox.send(Input::Happened(Event::Closed(link))).await);
    }
}

impl Service for Api {
    async fn agent(&self, from: Receiver<AgentToMaster>, to: Sender<MasterToAgent>) {
        let (link, (stop, stopped)) = (self.link(), oneshot::channel());
        if self.mailbox.send(Input::AgentLink(link, to.clone(), stop)).await.is_ok() {
            self.pass_on(link, stopped, (from, to), Event::Agent, MasterToAgent::Refused).await;
        }
    }

    async fn framework(&self, from: Receiver<FrameworkToMaster>, to: Sender<MasterToFramework>) {
        let (link, (stop, stopped)) = (self.link(), oneshot::channel());
        if self.mailbox.send(Input::FrameworkLink(link, to.clone(), stop)).await.is_ok() {
            self.pass_on(link, stopped, (from, to), Event::Framework, MasterToFramework::Refused).await;
        }
    }

    async fn put_blob(&self, from: Receiver<BlobChunk>) -> Result<BlobStatus, Refusal> {
        self.blobs.put(from).await
    }

    async fn get_blob(
        &self,
        request: BlobRequest,
    ) -> Result<impl tokio_stream::Stream<Item = Result<BlobChunk, Refusal>> + Send + 'static, Refusal> {
        self.blobs.get(request).await
    }

    async fn operate(&self, request: OperatorRequest) -> OperatorReply {
        let stopping = || OperatorReply::Refused(Refusal::NotReady("it is stopping".to_owned()));
        // Said here, where it is still known who is wrong, rather than by the agent that would start it.
        if let OperatorRequest::Submit(spec) = &request
            && let Err(refusal) = self.blobs.need(spec.blobs())
        {
            return OperatorReply::Refused(refusal);
        }
        let (reply, answer) = oneshot::channel();
        if self.mailbox.send(Input::Asked(request, reply)).await.is_err() {
            return stopping();
        }
        answer.await.unwrap_or_else(|_| stopping())
    }
}

/// Accepts connections until it is dropped, which ends all of them.
pub(super) async fn serve(listener: TcpListener, routes: Router) {
    let mut connections = JoinSet::new();
    let unheard = Unheard::default();
    let mut number = 0;
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, peer)) => {
                    number += 1;
                    let silent = Silent { unheard: Arc::clone(&unheard), number };
                    let connection = connection(stream, peer, routes.clone(), silent);
                    let mut all = unheard.lock().unwrap_or_else(PoisonError::into_inner);
                    if all.len() >= UNHEARD_MAX && let Some((_, oldest)) = all.pop_first() {
                        oldest.abort();
                    }
                    all.insert(number, connections.spawn(connection));
                }
                Err(error) => {
                    // Most likely too many files are open: those that are there go on.
                    tracing::error!(%error, "no connection can be accepted");
                    tokio::time::sleep(Duration::from_millis(100)).await;
                }
            },
            Some(_) = connections.join_next() => {}
        }
    }
}

/// Connections that have not said yet what they speak, by the order in which they came. Those who mean it say so at once.
type Unheard = Arc<Mutex<BTreeMap<u64, AbortHandle>>>;

/// One of them, until it is dropped.
struct Silent {
    unheard: Unheard,
    number: u64,
}

impl Drop for Silent {
    fn drop(&mut self) {
        self.unheard.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.number);
    }
}

async fn connection(stream: TcpStream, peer: SocketAddr, routes: Router, silent: Silent) {
    let Ok(Some(is_http2)) = timeout(FIRST_WORD_WITHIN, speaks_http2(&stream)).await else {
        tracing::debug!(%peer, "a connection said nothing");
        return;
    };
    drop(silent);
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, %peer, "a connection is slow");
    }
    let mut builder = auto::Builder::new(TokioExecutor::new());
    builder.http1().timer(TokioTimer::new()).header_read_timeout(FIRST_WORD_WITHIN).max_headers(64);
    builder
        .http2()
        .timer(TokioTimer::new())
        .keep_alive_interval(PING_EVERY)
        .keep_alive_timeout(PONG_WITHIN)
        .max_header_list_size(HEADERS_BYTES_MAX)
        .max_concurrent_streams(STREAMS_MAX)
        .initial_stream_window_size(1 << 20)
        .initial_connection_window_size(4 << 20);
    let builder = if is_http2 { builder.http2_only() } else { builder.http1_only() };
    let service = TowerToHyperService::new(routes.layer(Extension(ConnectInfo(peer))));
    if let Err(error) = builder.serve_connection(TokioIo::new(stream), service).await {
        tracing::debug!(%error, %peer, "a connection has ended");
    }
}

/// Looks at what a connection begins with, without taking it; nothing if it ends before that is clear.
async fn speaks_http2(stream: &TcpStream) -> Option<bool> {
    let mut start = [0; PREFACE.len()];
    loop {
        let count = stream.peek(&mut start).await.ok().filter(|count| *count > 0)?;
        if !PREFACE.starts_with(&start[..count]) {
            return Some(false);
        }
        if count == PREFACE.len() {
            return Some(true);
        }
        // What is there already makes the stream readable, so there is nothing to wait for but time.
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}
