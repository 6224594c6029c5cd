//! A block, as its reader gets it.

use super::{
    encoded::Encoded,
    fetch::Fetched,
    file,
    passed::Passed,
    records::{Held, Shared},
    section::SectionReader,
    slots::{OnDisk, Resident, Ticket},
    store::Inner,
};
use crate::TaskContext;
use rsk_proto::{BlockId, Cause, Data, FrameReader, TaskError};
use std::{fmt, fs::File, io::BufReader, path::PathBuf, sync::Arc};

/// The records of one block.
pub enum Block<T> {
    /// In memory, shared with all who read it.
    Held(Held<T>),
    /// Decoded while it is read, a frame at a time, from memory or from disk.
    Read(BlockReader<T>),
    /// Kept nowhere, since it did not fit: each record once.
    Passed(Passed<T>),
}

impl<T: Data + Sync> Block<T> {
    /// A block in memory, however it is kept there.
    pub(crate) fn in_memory(task: &TaskContext, id: BlockId, block: Arc<dyn Resident>) -> Self {
        if let Some(held) = Held::of(Arc::clone(&block)) {
            return Block::Held(held);
        }
        let Some(encoded) = Encoded::of(block) else {
            let what = std::any::type_name::<T>();
            TaskError::Contract(format!("{id} is cached with records of a type other than {what}")).raise()
        };
        Block::Read(BlockReader::of(task, id, encoded))
    }

    /// The records by handle, without a copy of those that are in memory.
    pub fn into_shared(self) -> SharedIter<T> {
        SharedIter(BlockIter { block: self, next: 0 })
    }
}

impl<T: Data + Sync + Clone> IntoIterator for Block<T> {
    type Item = T;
    type IntoIter = BlockIter<T>;

    /// The records; those in memory are cloned.
    fn into_iter(self) -> BlockIter<T> {
        BlockIter { block: self, next: 0 }
    }
}

/// The records of a block by value.
pub struct BlockIter<T> {
    block: Block<T>,
    /// Where in memory.
    next: usize,
}

impl<T: Data + Sync + Clone> Iterator for BlockIter<T> {
    type Item = T;

    fn next(&mut self) -> Option<T> {
        match &mut self.block {
            Block::Held(held) => {
                let record = held.get(self.next)?;
                self.next += 1;
                Some(record.clone())
            }
            Block::Read(reader) => reader.next(),
            Block::Passed(passed) => passed.next(),
        }
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.block.size_hint(self.next)
    }

    fn fold<B, F: FnMut(B, T) -> B>(self, zero: B, step: F) -> B {
        match self.block {
            Block::Held(held) => held.iter().skip(self.next).cloned().fold(zero, step),
            Block::Read(reader) => reader.fold(zero, step),
            Block::Passed(passed) => passed.fold(zero, step),
        }
    }
}

/// The records of a block by handle.
pub struct SharedIter<T>(BlockIter<T>);

impl<T: Data + Sync> Iterator for SharedIter<T> {
    type Item = Shared<T>;

    fn next(&mut self) -> Option<Shared<T>> {
        match &mut self.0.block {
            Block::Held(held) => {
                let index = self.0.next;
                let record = (index < held.len()).then(|| held.share(index))?;
                self.0.next += 1;
                Some(record)
            }
            Block::Read(reader) => reader.next().map(Shared::from),
            Block::Passed(passed) => passed.next().map(Shared::from),
        }
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.0.block.size_hint(self.0.next)
    }
}

impl<T> Block<T> {
    fn size_hint(&self, next: usize) -> (usize, Option<usize>) {
        match self {
            Block::Held(held) => (held.len() - next, Some(held.len() - next)),
            Block::Read(_) | Block::Passed(_) => (0, None),
        }
    }
}

/// The records of a block that is kept as bytes.
///
/// Errors: raised. Damage is [`TaskError::Io`] that names the file; the block is forgotten first.
/// Bounds: holds two frames.
pub struct BlockReader<T> {
    task: TaskContext,
    id: BlockId,
    source: Source,
    frame: FrameReader<T>,
}

enum Source {
    Memory { block: Arc<Encoded>, next: usize },
    Disk { store: Arc<Inner>, ticket: Ticket, path: PathBuf, sections: SectionReader<BufReader<File>> },
    Fetched(Fetched),
    End,
}

impl<T: Data> BlockReader<T> {
    pub(crate) fn of(task: &TaskContext, id: BlockId, block: Arc<Encoded>) -> Self {
        let source = Source::Memory { block, next: 0 };
        BlockReader { task: task.clone(), id, source, frame: FrameReader::new(Vec::new()) }
    }

    /// Opens a block on disk and checks its first frame.
    pub(crate) fn open(
        task: &TaskContext,
        store: &Arc<Inner>,
        id: BlockId,
        ticket: Ticket,
        disk: OnDisk,
    ) -> Result<Self, Cause> {
        let mut sections = file::open(id, &disk.path, disk.bytes)?;
        let (source, first) = match sections.next()? {
            Some(first) => {
                (Source::Disk { store: Arc::clone(store), ticket, path: disk.path, sections }, first)
            }
            None => (Source::End, Vec::new()),
        };
        Ok(BlockReader { task: task.clone(), id, source, frame: FrameReader::new(first) })
    }

    /// A block that another executor gave.
    pub(crate) fn fetched(task: &TaskContext, id: BlockId, fetched: Fetched) -> Self {
        let source = Source::Fetched(fetched);
        BlockReader { task: task.clone(), id, source, frame: FrameReader::new(Vec::new()) }
    }

    fn next_section(&mut self) -> Option<Vec<u8>> {
        self.task.check_killed();
        match &mut self.source {
            Source::Memory { block, next } => {
                *next += 1;
                block.section(*next - 1)
            }
            Source::Disk { store, ticket, path, sections } => match sections.next() {
                Ok(section) => section,
                Err(cause) => {
                    store.drop_damaged(self.id, *ticket, &cause);
                    let path = path.display();
                    TaskError::Io(cause.within(format!("{path} is damaged: {} must be made again", self.id)))
                        .raise()
                }
            },
            Source::Fetched(fetched) => fetched.next().unwrap_or_else(|cause| {
                let what = format!("cannot read back {}, which another executor gave", self.id);
                TaskError::Io(cause.within(what)).raise()
            }),
            Source::End => None,
        }
    }
}

impl<T: Data> Iterator for BlockReader<T> {
    type Item = T;

    fn next(&mut self) -> Option<T> {
        loop {
            if let Some(record) = self.frame.next() {
                return Some(decoded(record));
            }
            let Some(section) = self.next_section() else {
                self.source = Source::End;
                return None;
            };
            self.frame = FrameReader::new(section);
        }
    }
}

/// A record whose bytes are known to be those that were written.
pub(crate) fn decoded<T>(record: Result<T, Cause>) -> T {
    record.unwrap_or_else(|cause| {
        let what = std::any::type_name::<T>();
        let why =
            format!("a cached {what} cannot be decoded, as if Serialize and Deserialize disagreed: {cause}");
        TaskError::Contract(why).raise()
    })
}

impl<T> fmt::Debug for Block<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Block::Held(held) => held.fmt(f),
            Block::Read(reader) => reader.fmt(f),
            Block::Passed(passed) => passed.fmt(f),
        }
    }
}

impl<T> fmt::Debug for BlockIter<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.block.fmt(f)
    }
}

impl<T> fmt::Debug for SharedIter<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl<T> fmt::Debug for BlockReader<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "BlockReader({})", self.id)
    }
}
