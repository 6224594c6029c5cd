//! Blocks that other executors hold.

use super::{
    Block, BlockStore,
    read::BlockReader,
    section::{SECTION_BYTES, SectionReader, SectionWriter},
};
use crate::{
    TaskContext,
    dial::connect,
    memory::{Hold, limit_of},
};
use parking_lot::Mutex;
use rsk_proto::{
    BLOCK_FETCH_VERSION, BlockHolder, BlockId, BlockReply, BlockRequest, BlockSecret, BlockUpdate, Cause,
    Data, ExecutorId, OrRaise, TaskError, receive, send,
};
use std::{
    cell::Cell,
    collections::HashMap,
    fs::File,
    io::{self, BufReader, BufWriter, Read, Seek},
    net::TcpStream,
    rc::Rc,
    sync::OnceLock,
    time::{Duration, Instant},
    vec,
};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);
/// How often a wait for bytes looks whether the task was killed.
const LOOK_EVERY: Duration = Duration::from_millis(100);
/// A holder that gives nothing for so long is not waited for.
const SILENCE_MAX: Duration = Duration::from_secs(10);
/// And is not asked again for so long.
const SHUNNED_FOR: Duration = Duration::from_secs(30);
/// A section that is longer than this, and than what a task may hold, is no section.
const SECTION_BYTES_MAX: u64 = 1 << 20;
/// A block of at most this size is held in memory.
const WHOLE_BYTES_MAX: u64 = 8 << 20;

/// Other executors of the application, as holders of blocks.
#[derive(Debug, Default)]
pub struct Holders {
    /// What they want to see, and how long they may be silent.
    known: OnceLock<(BlockSecret, Duration)>,
    /// Those that did not answer, and when.
    silent: Mutex<HashMap<ExecutorId, Instant>>,
}

impl Holders {
    /// What shows other executors that this one is of their application. The first stays.
    pub fn introduce(&self, secret: BlockSecret) {
        self.introduce_with(secret, SILENCE_MAX);
    }

    pub(crate) fn introduce_with(&self, secret: BlockSecret, silence_max: Duration) {
        self.known.get_or_init(|| (secret, silence_max));
    }

    fn is_shunned(&self, executor: ExecutorId) -> bool {
        let mut silent = self.silent.lock();
        silent.retain(|_, since| since.elapsed() < SHUNNED_FOR);
        silent.contains_key(&executor)
    }

    fn shun(&self, executor: ExecutorId) {
        self.silent.lock().insert(executor, Instant::now());
    }
}

impl BlockStore {
    /// The block `id`, from the first of `holders` that gives it. Nothing where this executor has it, makes it or writes
    /// it: see [`BlockStore::get_or_make`]; and nothing where none gives it, which the driver is told.
    ///
    /// The block is here as a whole, each section compared with its checksum, before its first record is handed out: so
    /// how fast the task reads is nothing to the holder, and a holder that dies meanwhile fails nobody. It is not kept
    /// for others.
    ///
    /// Errors: raised, of the disk alone.
    /// Bounds: up to 8 MiB, and no more than a quarter of the task's share, in memory; beyond that in a file without a
    /// name. A holder has 3 s to be reached, and is left when it is silent for 10 s; then it is not asked for 30 s.
    ///
    /// ```
    /// # use rsk_executor::*;
    /// # use rsk_proto::*;
    /// fn read(task: &TaskContext, id: BlockId, holders: &[BlockHolder]) -> u64 {
    ///     let blocks = task.executor().blocks();
    ///     let make = || 0..10u64;
    ///     let fetched = blocks.fetch(task, id, holders);
    ///     let block = fetched.unwrap_or_else(|| blocks.get_or_make(task, id, StorageLevel::MemoryOnly, make));
    ///     block.into_iter().sum()
    /// }
    /// ```
    pub fn fetch<T: Data + Sync>(
        &self,
        task: &TaskContext,
        id: BlockId,
        holders: &[BlockHolder],
    ) -> Option<Block<T>> {
        if self.0.slots.lock().get(id).is_some() {
            return None;
        }
        holders.iter().find_map(|holder| match ask(task, id, holder) {
            Ok(fetched) => Some(Block::Read(BlockReader::fetched(task, id, fetched))),
            Err(cause) => {
                tracing::info!(%cause, block = %id, from = %holder.executor, at = holder.at, "a block is not given");
                task.note_block(BlockUpdate::NotAt(id, holder.executor));
                None
            }
        })
    }
}

/// The sections of a block that has been checked.
pub(crate) enum Fetched {
    /// What is held here is not what an operator's table has grown by.
    Memory(vec::IntoIter<Vec<u8>>, Hold),
    File(SectionReader<BufReader<File>>),
}

impl Fetched {
    /// The next section; nothing after the last.
    pub(crate) fn next(&mut self) -> Result<Option<Vec<u8>>, Cause> {
        match self {
            Fetched::Memory(sections, hold) => {
                let section = sections.next();
                let taken = section.as_ref().map_or(0, |section| section.capacity() as u64);
                hold.resize(hold.bytes().saturating_sub(taken));
                Ok(section)
            }
            Fetched::File(sections) => sections.next(),
        }
    }
}

fn ask(task: &TaskContext, id: BlockId, holder: &BlockHolder) -> Result<Fetched, Cause> {
    let holders = task.executor().holders();
    let known = holders.known.get().ok_or_else(|| Cause::new("this executor asks no others"))?;
    let (secret, silence_max) = *known;
    if holders.is_shunned(holder.executor) {
        return Err(Cause::new("it did not answer a while ago"));
    }
    let silent = |error: io::Error| {
        if error.kind() == io::ErrorKind::TimedOut {
            holders.shun(holder.executor);
        }
        Cause::of(&error)
    };
    let mut from = connect(&holder.at, CONNECT_TIMEOUT, LOOK_EVERY, CONNECT_TIMEOUT).map_err(silent)?;
    let request = BlockRequest { version: BLOCK_FETCH_VERSION, secret, block: id };
    send(&request, &mut from).map_err(silent)?;
    let mut from = Patient { task: task.clone(), from, silence_max, is_silent: Rc::default() };
    match receive(&mut from).map_err(silent)? {
        BlockReply::Sections => {}
        BlockReply::Missing(cause) => return Err(cause),
    }
    let is_silent = Rc::clone(&from.is_silent);
    take(task, id, from).inspect_err(|_| {
        if is_silent.get() {
            holders.shun(holder.executor);
        }
    })
}

/// Takes in the block to its end.
fn take(task: &TaskContext, id: BlockId, from: impl Read) -> Result<Fetched, Cause> {
    let whole_max = WHOLE_BYTES_MAX.min(limit_of(task) / 4);
    let from = BufReader::with_capacity(2 * SECTION_BYTES, from);
    // A record is no larger than what a task may hold, or it would not have come to be in a block.
    let mut sections = SectionReader::new(id, from, limit_of(task).max(SECTION_BYTES_MAX))?;
    let (mut whole, mut bytes) = (Vec::new(), 0);
    let mut file = None;
    while let Some(section) = sections.next()? {
        task.check_killed();
        bytes += section.len() as u64;
        if bytes > whole_max && file.is_none() {
            let mut to = Spooled::create(task, id);
            whole.drain(..).for_each(|section: Vec<u8>| to.section(&section));
            file = Some(to);
        }
        match &mut file {
            Some(to) => to.section(&section),
            None => whole.push(section),
        }
    }
    task.count(|metrics| metrics.block_fetched_bytes += bytes);
    if let Some(file) = file {
        return file.read_back(id).map(Fetched::File);
    }
    let mut hold = task.executor().memory().hold();
    hold.resize(whole.iter().map(|section| section.capacity() as u64).sum());
    Ok(Fetched::Memory(whole.into_iter(), hold))
}

/// A large block on its way into a file without a name: it goes with its reader.
struct Spooled {
    to: SectionWriter,
    file: File,
}

impl Spooled {
    fn create(task: &TaskContext, id: BlockId) -> Self {
        let folder = task.executor().work_dir().spill();
        let fail = |error: &io::Error| TaskError::io(&folder, "write a fetched block in", error);
        let file = tempfile::tempfile_in(&folder).map_err(|error| fail(&error)).or_raise();
        let to = file.try_clone().map_err(|error| fail(&error)).or_raise();
        let to = BufWriter::with_capacity(4 * SECTION_BYTES, to);
        let named = folder.clone();
        let failed = move |error: &io::Error| TaskError::io(&named, "write a fetched block in", error);
        Spooled { to: SectionWriter::new(id, to, failed).or_raise(), file }
    }

    fn section(&mut self, section: &[u8]) {
        self.to.section(section).or_raise();
    }

    fn read_back(mut self, id: BlockId) -> Result<SectionReader<BufReader<File>>, Cause> {
        let bytes = self.to.end().or_raise();
        self.file.rewind().map_err(|error| Cause::of(&error))?;
        SectionReader::new(id, BufReader::with_capacity(4 * SECTION_BYTES, self.file), bytes)
    }
}

/// Waits for bytes, but neither for ever nor for a task that was killed.
struct Patient {
    task: TaskContext,
    from: TcpStream,
    silence_max: Duration,
    /// It has been.
    is_silent: Rc<Cell<bool>>,
}

impl Read for Patient {
    fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
        let since = Instant::now();
        loop {
            match self.from.read(to) {
                Err(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut) => {
                    self.task.check_killed();
                    if since.elapsed() >= self.silence_max {
                        self.is_silent.set(true);
                        return Err(io::Error::new(io::ErrorKind::TimedOut, "it gives nothing any more"));
                    }
                }
                other => return other,
            }
        }
    }
}
