//! Gives this executor's blocks to others of its application.

use super::{
    BlockStore, file,
    section::{SECTION_BYTES, SectionWriter},
    store::{Inner, Kept},
};
use crossbeam_channel::{Receiver, bounded};
use rsk_proto::{
    BLOCK_FETCH_VERSION, BlockId, BlockReply, BlockRequest, BlockSecret, Cause, TaskError, receive, send,
};
use std::{
    io::{self, BufWriter, Read},
    net::{IpAddr, SocketAddr, TcpListener, TcpStream, ToSocketAddrs},
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

/// Connections that are served at a time: others wait until one of these has ended.
const CONNECTIONS_MAX: usize = 32;
/// Who dials has so long to say what it wants.
const ASKING_MAX: Duration = Duration::from_secs(5);
/// Who takes nothing for so long gets no more.
const WRITE_TIMEOUT: Duration = Duration::from_secs(10);
/// A block on its way to disk is waited for so long.
const LEAVING_MAX: Duration = Duration::from_secs(5);
const REQUEST_BYTES_MAX: u64 = 1024;
/// After a connection could not be taken in.
const RETRY_AFTER: Duration = Duration::from_millis(100);

/// Takes a free port for blocks, on the address `own` by which this executor reaches its driver. Where the driver is on
/// this machine and that address is of no use to others, on one by which others reach `agent_at`, if this machine has it.
pub fn bind(own: IpAddr, agent_at: &str) -> io::Result<TcpListener> {
    let of_agent = if own.is_loopback() { agent_at.to_socket_addrs().ok() } else { None };
    let of_agent = of_agent.into_iter().flatten().filter(|address| !address.ip().is_unspecified());
    let mut bound = of_agent.map(|address| TcpListener::bind((address.ip(), 0)));
    bound.find_map(Result::ok).map_or_else(|| TcpListener::bind((own, 0)), Ok)
}

/// Gives blocks for as long as it lives.
///
/// ```
/// use rsk_executor::{block::{BlockServer, BlockStore, bind}, memory::Budget};
/// let own = std::net::Ipv4Addr::LOCALHOST.into();
/// let listener = bind(own, "127.0.0.1:31000")?;
/// let at = listener.local_addr()?;
/// let blocks = BlockStore::new(std::env::temp_dir(), &Budget::new(1 << 20));
/// let gives = BlockServer::start(listener, &blocks, rsk_proto::BlockSecret::new([7; 16]))?;
/// assert!(std::net::TcpStream::connect(at).is_ok());
/// drop(gives);
/// assert!(std::net::TcpStream::connect(at).is_err());
/// # Ok::<(), std::io::Error>(())
/// ```
/// Bounds: 32 connections, a thread each; one block a connection, of which it holds two frames. Who dials has 5 s to show
/// the secret, and who takes nothing for 10 s is cut off. A block that is given stays in memory meanwhile.
#[derive(Debug)]
pub struct BlockServer {
    address: SocketAddr,
    is_over: Arc<AtomicBool>,
    acceptor: Option<thread::JoinHandle<()>>,
}

impl BlockServer {
    /// Gives `blocks` to who dials `listener` and knows `secret`.
    pub fn start(listener: TcpListener, blocks: &BlockStore, secret: BlockSecret) -> io::Result<Self> {
        let address = listener.local_addr()?;
        let is_over = Arc::<AtomicBool>::default();
        let (blocks, over) = (Arc::clone(&blocks.0), Arc::clone(&is_over));
        let accept = move || accept(&listener, &blocks, secret, &over);
        let acceptor = Some(thread::Builder::new().name("blocks".to_owned()).spawn(accept)?);
        Ok(BlockServer { address, is_over, acceptor })
    }
}

impl Drop for BlockServer {
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::Release);
        // Wakes the acceptor, unless it waits for connections to end: then it sees it after that.
        if TcpStream::connect_timeout(&self.address, Duration::from_secs(1)).is_ok()
            && let Some(acceptor) = self.acceptor.take()
            && acceptor.join().is_err()
        {
            tracing::error!("the thread that gives blocks panicked");
        }
    }
}

fn accept(listener: &TcpListener, blocks: &Arc<Inner>, secret: BlockSecret, is_over: &AtomicBool) {
    let (served, ended) = bounded::<()>(CONNECTIONS_MAX);
    // Waits while all are busy: who dials then waits in the system's queue.
    while served.send(()).is_ok() {
        let connection = listener.accept();
        if is_over.load(Ordering::Acquire) {
            return;
        }
        let turn = Turn(ended.clone());
        let (connection, from) = match connection {
            Ok(accepted) => accepted,
            Err(error) => {
                tracing::warn!(%error, "cannot take in who asks for a block");
                thread::sleep(RETRY_AFTER);
                continue;
            }
        };
        let blocks = Arc::clone(blocks);
        let serve = move || {
            let _turn = turn;
            if let Err(cause) = serve(&blocks, connection, secret) {
                tracing::warn!(%cause, %from, "a block was not given");
            }
        };
        if let Err(error) = thread::Builder::new().name("give".to_owned()).spawn(serve) {
            tracing::warn!(%error, "cannot start a thread to give a block");
            thread::sleep(RETRY_AFTER);
        }
    }
}

/// One of the connections that are served at a time.
struct Turn(Receiver<()>);

impl Drop for Turn {
    fn drop(&mut self) {
        self.0.try_recv().unwrap_or(());
    }
}

fn serve(blocks: &Arc<Inner>, mut to: TcpStream, secret: BlockSecret) -> Result<(), Cause> {
    let fail = |error: io::Error| Cause::of(&error);
    to.set_nodelay(true).map_err(fail)?;
    to.set_write_timeout(Some(WRITE_TIMEOUT)).map_err(fail)?;
    let asking = Asking { from: &to, until: Instant::now() + ASKING_MAX };
    let request: BlockRequest = receive(&mut asking.take(REQUEST_BYTES_MAX)).map_err(fail)?;
    if request.version != BLOCK_FETCH_VERSION {
        return Err(Cause::new(format!("it speaks version {} of the messages", request.version)));
    }
    if !request.secret.is(secret) {
        return Err(Cause::new("it does not know the secret of this application"));
    }
    let id = request.block;
    let Some(kept) = blocks.find_for_another(id, Instant::now() + LEAVING_MAX) else {
        return send(&BlockReply::Missing(Cause::new("it is not there any more")), &mut to).map_err(fail);
    };
    send(&BlockReply::Sections, &mut to).map_err(fail)?;
    let give = AssertUnwindSafe(|| give(blocks, id, kept, to));
    // What encodes the records is the user's code.
    catch_unwind(give).unwrap_or_else(|_| Err(Cause::new(format!("{id}: a record cannot be encoded"))))
}

fn give(blocks: &Inner, id: BlockId, kept: Kept, to: TcpStream) -> Result<(), Cause> {
    let fail = |error: TaskError| Cause::of(&error);
    let to = BufWriter::with_capacity(2 * SECTION_BYTES, to);
    let cut = |error: &io::Error| TaskError::Lost(error.to_string());
    let mut to = SectionWriter::new(id, to, cut).map_err(fail)?;
    match kept {
        Kept::Memory(block) => block.write(&mut to).map_err(fail)?,
        Kept::Disk(ticket, disk) => {
            let damaged = |cause: Cause| {
                blocks.drop_damaged(id, ticket, &cause);
                cause.within(format!("{} is damaged", disk.path.display()))
            };
            let mut sections = file::open(id, &disk.path, disk.bytes).map_err(damaged)?;
            while let Some(section) = sections.next().map_err(damaged)? {
                to.section(&section).map_err(fail)?;
            }
        }
    }
    to.end().map_err(fail)?;
    Ok(())
}

/// What somebody asks, all of it in time.
struct Asking<'a> {
    from: &'a TcpStream,
    until: Instant,
}

impl Read for Asking<'_> {
    fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
        let left = self.until.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(io::ErrorKind::TimedOut.into());
        }
        self.from.set_read_timeout(Some(left))?;
        self.from.read(to)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_port_is_where_others_reach_this_machine() {
        let bound = |own: &str, agent: &str| {
            bind(own.parse().unwrap(), agent).unwrap().local_addr().unwrap().ip().to_string()
        };
        assert_eq!(bound("127.0.0.3", "127.0.0.2:5000"), "127.0.0.2", "the driver is on this machine");
        for of_no_use in ["0.0.0.0:5000", "192.0.2.1:5000", "no such host:5000", "nonsense"] {
            assert_eq!(bound("127.0.0.3", of_no_use), "127.0.0.3");
        }
    }
}
