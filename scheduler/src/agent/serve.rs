//! The agent's port: map outputs for other machines' executors, and logs for people.
//!
//! Shape: a connection that begins with `GET ` asks for logs, see [`super::logs`]; any other speaks
//! [`rsk_proto::FetchRequest`]. Bounds: a thread a connection, so many at a time; one that says nothing, or does not
//! read, for a minute is ended. Bytes go from the file to the socket without passing through here.

use super::{AgentError, logs, work::Work};
use rsk_proto::{
    Cause, FetchReply, FetchRequest, INDEX_ENTRY_BYTES, INDEX_HEAD_BYTES, Piece, SERVE_VERSION, ShuffleBlock,
    Silent, Unheard, Wanted, decode_index_entry, index_entry_offset, index_head, map_output_paths, receive,
    send, value_path,
};
use std::{
    collections::BTreeMap,
    fs::File,
    io::{self, Read, Seek, SeekFrom},
    net::{Shutdown, SocketAddr, TcpListener, TcpStream},
    os::unix::fs::FileExt,
    path::Path,
    sync::{
        Arc, Condvar, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::Duration,
};

/// So many connections at a time; more wait to be accepted.
const CONNECTIONS_MAX: usize = 512;
/// So many of them that have asked nothing yet: beyond, the oldest of those are cut off.
const UNHEARD_MAX: usize = 128;
/// A question is no longer than this.
const QUESTION_BYTES_MAX: u64 = 4096;
/// A side that is silent for so long is given up.
const IDLE_MAX: Duration = Duration::from_mins(1);
const STACK_BYTES: usize = 256 << 10;

/// The port, until it is dropped.
#[derive(Debug)]
pub(crate) struct Server {
    address: SocketAddr,
    shared: Arc<Shared>,
    acceptor: Option<thread::JoinHandle<()>>,
}

#[derive(Debug)]
struct Shared {
    work: Arc<Work>,
    is_over: AtomicBool,
    connections: Mutex<BTreeMap<u64, TcpStream>>,
    /// A connection has ended.
    ended: Condvar,
    unheard: Arc<Unheard>,
}

impl Server {
    pub(crate) fn start(listen: SocketAddr, work: Arc<Work>) -> Result<Self, AgentError> {
        let fail = |cause| AgentError::Listen { address: listen, cause };
        let listener = TcpListener::bind(listen).map_err(fail)?;
        let address = listener.local_addr().map_err(fail)?;
        let shared = Arc::new(Shared {
            work,
            is_over: AtomicBool::new(false),
            connections: Mutex::default(),
            ended: Condvar::new(),
            unheard: Unheard::new(UNHEARD_MAX),
        });
        let acceptor = thread::Builder::new().name("serve".to_owned()).spawn({
            let shared = shared.clone();
            move || shared.accept(&listener)
        });
        let acceptor = Some(acceptor.map_err(AgentError::System)?);
        Ok(Server { address, shared, acceptor })
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.shared.is_over.store(true, Ordering::Release);
        self.shared.ended.notify_all();
        for stream in self.shared.connections().values() {
            // One that is over already cannot be ended again.
            drop(stream.shutdown(Shutdown::Both));
        }
        // Wakes the acceptor.
        let mut us = self.address;
        if us.ip().is_unspecified() {
            us.set_ip(if us.is_ipv4() {
                [127, 0, 0, 1].into()
            } else {
                std::net::Ipv6Addr::LOCALHOST.into()
            });
        }
        if TcpStream::connect_timeout(&us, Duration::from_secs(1)).is_ok()
            && let Some(acceptor) = self.acceptor.take()
        {
            drop(acceptor.join());
        }
    }
}

impl Shared {
    fn connections(&self) -> MutexGuard<'_, BTreeMap<u64, TcpStream>> {
        self.connections.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn accept(self: Arc<Self>, listener: &TcpListener) {
        for number in 0.. {
            let accepted = listener.accept();
            if self.is_over.load(Ordering::Acquire) {
                return;
            }
            if let Err(error) = accepted.and_then(|(stream, peer)| self.begin(number, stream, peer)) {
                tracing::warn!(%error, "a connection to the agent's port could not be taken");
                // Too many files are open, most likely: others have to end first.
                thread::sleep(Duration::from_millis(50));
            }
        }
    }

    fn begin(self: &Arc<Self>, number: u64, stream: TcpStream, peer: SocketAddr) -> io::Result<()> {
        stream.set_read_timeout(Some(IDLE_MAX))?;
        stream.set_write_timeout(Some(IDLE_MAX))?;
        stream.set_nodelay(true)?;
        let (kept, silent) = (stream.try_clone()?, self.unheard.add(&stream)?);
        {
            let is_full = |all: &mut BTreeMap<_, _>| {
                all.len() >= CONNECTIONS_MAX && !self.is_over.load(Ordering::Acquire)
            };
            let all = self.ended.wait_while(self.connections(), is_full);
            all.unwrap_or_else(PoisonError::into_inner).insert(number, kept);
        }
        let shared = self.clone();
        let thread = thread::Builder::new().name("serve".to_owned()).stack_size(STACK_BYTES);
        let spawned = thread.spawn(move || {
            if let Err(error) = shared.answer(stream, silent) {
                tracing::debug!(%error, %peer, "a connection to the agent's port has ended");
            }
            shared.end(number);
        });
        spawned.map(drop).inspect_err(|_| self.end(number))
    }

    fn end(&self, number: u64) {
        self.connections().remove(&number);
        self.ended.notify_one();
    }

    fn answer(&self, mut stream: TcpStream, silent: Silent) -> io::Result<()> {
        let mut silent = Some(silent);
        let mut start = [0; 4];
        stream.read_exact(&mut start)?;
        if &start == b"GET " {
            return logs::answer(&self.work, &stream, silent, &|| self.is_over.load(Ordering::Acquire));
        }
        let mut first = Some(start);
        loop {
            let length = if let Some(length) = first.take() {
                length
            } else {
                let mut length = [0; 4];
                // Whoever hangs up between two questions has done so in good order.
                match stream.read_exact(&mut length) {
                    Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(()),
                    other => other?,
                }
                length
            };
            let request: FetchRequest = receive(&mut length.chain((&mut stream).take(QUESTION_BYTES_MAX)))?;
            drop(silent.take());
            if request.version != SERVE_VERSION {
                let theirs = request.version;
                return Err(io::Error::other(format!(
                    "it speaks version {theirs}, and this agent {SERVE_VERSION}"
                )));
            }
            match find(&self.work, &request) {
                Ok((file, piece)) => {
                    send(&FetchReply::Block { bytes: piece.bytes, crc32c: piece.crc32c }, &mut stream)?;
                    let sent = io::copy(&mut file.take(piece.bytes), &mut stream)?;
                    if sent < piece.bytes {
                        let wanted = request.wanted;
                        return Err(io::Error::other(format!("{wanted:?} became shorter while it was sent")));
                    }
                }
                Err(cause) => send(&FetchReply::Missing(cause), &mut stream)?,
            }
        }
    }
}

/// The file of what is wanted, at its first byte.
fn find(work: &Work, request: &FetchRequest) -> Result<(File, Piece), Cause> {
    let shuffles = work.shuffles(request.framework);
    match request.wanted {
        Wanted::Block { block, partitions } => find_block(&shuffles, block, partitions),
        Wanted::Value(id) => {
            let path = value_path(&shuffles, id);
            let open = || {
                let file = File::open(&path)?;
                let bytes = file.metadata()?.len();
                Ok((file, Piece { offset: 0, bytes, crc32c: 0 }))
            };
            open().map_err(|error: io::Error| {
                Cause::of(&error).within(format!("cannot read {}", path.display()))
            })
        }
    }
}

fn find_block(shuffles: &Path, block: ShuffleBlock, partitions: u32) -> Result<(File, Piece), Cause> {
    let (data, index) = map_output_paths(shuffles, block.output);
    let cannot = |path: &Path| {
        let path = path.display().to_string();
        move |error: io::Error| Cause::of(&error).within(format!("cannot read {path}"))
    };
    if block.reduce.0 >= partitions {
        return Err(Cause::new(format!("{block} of {partitions} partitions")));
    }
    let file = File::open(&index).map_err(cannot(&index))?;
    let mut head = [0; INDEX_HEAD_BYTES];
    file.read_exact_at(&mut head, 0).map_err(cannot(&index))?;
    if head[..] != index_head(block.output, partitions)[..] {
        return Err(Cause::new(format!(
            "{} is not the index of {} for {partitions} partitions",
            index.display(),
            block.output
        )));
    }
    let mut entry = [0; INDEX_ENTRY_BYTES];
    file.read_exact_at(&mut entry, index_entry_offset(block.reduce)).map_err(cannot(&index))?;
    let piece =
        decode_index_entry(block.reduce, entry).map_err(|cause| cause.within(index.display().to_string()))?;
    let mut file = File::open(&data).map_err(cannot(&data))?;
    let length = file.metadata().map_err(cannot(&data))?.len();
    if piece.end() > length {
        let end = piece.end();
        return Err(Cause::new(format!("{} has {length} bytes, and {block} ends at {end}", data.display())));
    }
    file.seek(SeekFrom::Start(piece.offset)).map_err(cannot(&data))?;
    Ok((file, piece))
}

#[cfg(test)]
mod tests;
