//! The boundary between two stages: map tasks of the parent, and the node that reads what they left.

use super::{BoxedRdd, Home, Rdd, action::RunTask, ship::Entry};
use crate::Context;
use rsk_executor::{
    TaskContext,
    shuffle::{ShuffleWriter, fetch, partition_of},
};
use rsk_proto::{
    CodecError, Data, Decoder, Encoder, MapOutputId, PartitionId, ShuffleId, TaskError, TaskOutput,
};
use std::{hash::Hash, sync::Arc};

/// A shuffle, whatever its records: what the scheduler needs to run its map stage.
pub trait AnyShuffle: Send + Sync {
    /// Its name.
    fn id(&self) -> ShuffleId;
    /// How many map partitions it has.
    fn maps(&self) -> usize;
    /// Writes the task for one map partition.
    fn encode_map_task(&self, map: PartitionId, to: &mut Encoder);
    /// The shuffles that its map stage reads.
    fn parents(&self, to: &mut Vec<Arc<dyn AnyShuffle>>);
}

/// A shuffle by the hash of the key. Its files live as long as the last node that reads it.
struct Shuffle<K: Send + 'static, V: Send + 'static> {
    id: ShuffleId,
    parent: BoxedRdd<(K, V)>,
    partitions: u32,
    context: Context,
}

impl<K: Data + Hash, V: Data> AnyShuffle for Shuffle<K, V> {
    fn id(&self) -> ShuffleId {
        self.id
    }

    fn maps(&self) -> usize {
        self.parent.partitions()
    }

    fn encode_map_task(&self, map: PartitionId, to: &mut Encoder) {
        const { &Entry::new::<(K, V)>(run_map::<K, V> as RunTask) }.encode(to);
        to.put(&(self.id, map, self.partitions));
        self.parent.encode(map, to);
    }

    fn parents(&self, to: &mut Vec<Arc<dyn AnyShuffle>>) {
        self.parent.shuffles(to);
    }
}

impl<K: Send + 'static, V: Send + 'static> Drop for Shuffle<K, V> {
    fn drop(&mut self) {
        self.context.forget_shuffle(self.id);
    }
}

fn run_map<K: Data + Hash, V: Data>(
    from: &mut Decoder<'_>,
    task: &TaskContext,
) -> Result<TaskOutput, TaskError> {
    let (shuffle, map, partitions): (ShuffleId, PartitionId, u32) = from.get()?;
    let parent = BoxedRdd::<(K, V)>::decode(from)?;
    let mut writer =
        ShuffleWriter::new(task, MapOutputId { shuffle, map, task: task.attempt().task }, partitions);
    parent
        .compute(map, task)
        .try_for_each(|record| writer.write(partition_of(&record.0, partitions), &record))?;
    writer.finish().map(TaskOutput::Map)
}

/// The records of a shuffle, by reduce partition.
pub struct Shuffled<K: Send + 'static, V: Send + 'static> {
    home: Home,
    id: ShuffleId,
    partitions: u32,
    /// In the driver alone.
    shuffle: Option<Arc<Shuffle<K, V>>>,
}

impl<K: Data + Hash, V: Data> Shuffled<K, V> {
    pub(crate) fn new(parent: BoxedRdd<(K, V)>, partitions: u32) -> Self {
        let context = parent.context().clone();
        let id = ShuffleId(context.next_id());
        let home = Home::of(&context);
        Shuffled {
            home,
            id,
            partitions,
            shuffle: Some(Arc::new(Shuffle { id, parent, partitions, context })),
        }
    }
}

impl<K: Send + 'static, V: Send + 'static> Clone for Shuffled<K, V> {
    fn clone(&self) -> Self {
        Shuffled { home: self.home.clone(), shuffle: self.shuffle.clone(), ..*self }
    }
}

impl<K: Data + Hash, V: Data> Rdd for Shuffled<K, V> {
    type Item = (K, V);

    fn context(&self) -> &Context {
        self.home.context()
    }

    fn partitions(&self) -> usize {
        self.partitions as usize
    }

    fn shuffles(&self, to: &mut Vec<Arc<dyn AnyShuffle>>) {
        to.extend(self.shuffle.clone().map(|shuffle| shuffle as Arc<dyn AnyShuffle>));
    }

    fn compute(&self, partition: PartitionId, task: &TaskContext) -> impl Iterator<Item = (K, V)> + 'static {
        fetch(task, self.id, partition)
    }

    fn encode(&self, _: PartitionId, to: &mut Encoder) {
        to.put(&(self.id, self.partitions));
    }

    fn decode(from: &mut Decoder<'_>) -> Result<Self, CodecError> {
        let (id, partitions) = from.get()?;
        Ok(Shuffled { home: Home::default(), id, partitions, shuffle: None })
    }
}

impl<K: Send + 'static, V: Send + 'static> std::fmt::Debug for Shuffled<K, V> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Shuffled({}, {} partitions)", self.id, self.partitions)
    }
}
