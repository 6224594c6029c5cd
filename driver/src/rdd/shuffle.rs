//! The boundary between two stages: map tasks of the parent, and the node that reads what they left.

use super::{
    Dependency, Determinism, Home, PreferredHosts, Rdd, Stage, dependency::Needs, partitioner::Spread,
    ship::Entry,
};
use crate::{Context, Error, Result, dag::version::Version, rdd::Partitioning, rdd::action::RunTask};
use rsk_executor::{
    TaskContext,
    shuffle::{ShuffleWriter, fetch},
};
use rsk_proto::{
    Cause, CodecError, Data, Decoder, Encoder, MapOutputId, OrRaise, PartitionId, ShuffleId, StageId,
    TaskError, TaskOutput,
};
use std::{collections::BTreeSet, marker::PhantomData, sync::Arc};

/// The map side of a shuffle. Its files live as long as the last node that reads it.
struct Shuffle<P, S> {
    id: ShuffleId,
    parent: P,
    spread: S,
    context: Context,
    version: Version,
}

impl<P, K, V, S> Stage for Shuffle<P, S>
where
    P: Rdd<Item = (K, V)>,
    K: Data,
    V: Data,
    S: Spread<K>,
{
    fn id(&self) -> StageId {
        self.id.stage()
    }

    fn name(&self) -> String {
        format!("map side of {}", self.id)
    }

    fn partitions(&self) -> usize {
        self.parent.partitions()
    }

    fn dependencies(&self, to: &mut Vec<Dependency>) {
        self.parent.dependencies(to);
        self.spread.dependencies(to);
    }

    fn preferred_hosts(&self) -> Option<PreferredHosts> {
        self.parent.preferred_hosts()
    }

    fn determinism(&self) -> Determinism {
        self.parent.determinism()
    }

    fn shuffle(&self) -> Option<(ShuffleId, usize)> {
        Some((self.id, self.spread.partitions()))
    }

    fn encode_task(&self, map: PartitionId, to: &mut Encoder) {
        const { &Entry::new::<(P, S)>(run_map::<P, K, V, S> as RunTask) }.encode(to);
        to.put(&(self.id, map));
        self.spread.encode(to);
        self.parent.encode(map, to);
    }

    fn missing(&self) -> BTreeSet<PartitionId> {
        self.context.map_outputs().missing(self.id, self.partitions())
    }

    fn accept(&self, map: PartitionId, output: TaskOutput) -> Result<()> {
        match output {
            TaskOutput::Map(output) if output.id.map == map && output.id.shuffle == self.id => {
                self.context.map_outputs().register(output);
                Ok(())
            }
            _ => {
                let cause = Cause::new("a map task answered something else");
                Err(Error::Codec(CodecError::Decode { type_name: self.name(), cause }))
            }
        }
    }

    fn reset(&self) {
        self.version.forget(self.context.next_id());
        self.context.map_outputs().reset(self.id);
        self.context.remove_map_outputs(self.id);
    }

    fn version(&self) -> &Version {
        &self.version
    }
}

impl<P, S> Drop for Shuffle<P, S> {
    fn drop(&mut self) {
        self.context.forget_shuffle(self.id);
    }
}

fn run_map<P, K, V, S>(from: &mut Decoder<'_>, task: &TaskContext) -> Result<TaskOutput, TaskError>
where
    P: Rdd<Item = (K, V)>,
    K: Data,
    V: Data,
    S: Spread<K>,
{
    let (shuffle, map): (ShuffleId, PartitionId) = from.get()?;
    let spread = S::decode(from)?;
    let parent = P::decode(from)?;
    let partitions = u32::try_from(spread.partitions()).unwrap_or(u32::MAX);
    let mut writer =
        ShuffleWriter::new(task, MapOutputId { shuffle, map, task: task.attempt().task }, partitions);
    // `for_each` and not `try_for_each`: only the former goes through adapters written by hand as one loop.
    parent.compute(map, task).for_each(|record| {
        let reduce = spread.partition(&record.0);
        let written = match u32::try_from(reduce) {
            Ok(reduce) if reduce < partitions => writer.write(PartitionId(reduce), &record),
            _ => Err(out_of_range(spread.name(), reduce, partitions)),
        };
        written.or_raise();
    });
    writer.finish().map(TaskOutput::Map)
}

fn out_of_range(partitioner: &str, answer: usize, partitions: u32) -> TaskError {
    TaskError::Contract(format!(
        "the partitioner {partitioner} answered {answer} for a key, but it has {partitions} partitions, from 0: \
         `partition` must answer less than `partitions`"
    ))
}

/// The records of a shuffle, by reduce partition: those of each map partition in order.
pub struct Shuffled<K, V> {
    home: Home,
    id: ShuffleId,
    partitions: u32,
    /// In the driver alone.
    map_side: Option<(Arc<dyn Stage>, Partitioning)>,
    of: PhantomData<fn() -> (K, V)>,
}

impl<K: Data, V: Data> Shuffled<K, V> {
    pub(crate) fn new<P: Rdd<Item = (K, V)>, S: Spread<K>>(parent: &P, spread: S) -> Self {
        let context = parent.context().clone();
        let id = ShuffleId(context.next_id());
        let home = Home::of(&context);
        let partitions = u32::try_from(spread.partitions()).unwrap_or(u32::MAX);
        let partitioning = spread.partitioning();
        let shuffle = Shuffle { id, parent: parent.clone(), spread, context, version: Version::default() };
        Shuffled { home, id, partitions, map_side: Some((Arc::new(shuffle), partitioning)), of: PhantomData }
    }
}

impl<K, V> Clone for Shuffled<K, V> {
    fn clone(&self) -> Self {
        Shuffled { home: self.home.clone(), map_side: self.map_side.clone(), ..*self }
    }
}

impl<K: Data, V: Data> Rdd for Shuffled<K, V> {
    type Item = (K, V);

    fn context(&self) -> &Context {
        self.home.context()
    }

    fn partitions(&self) -> usize {
        self.partitions as usize
    }

    fn dependencies(&self, to: &mut Vec<Dependency>) {
        to.extend(self.map_side.as_ref().map(|(stage, _)| Dependency(Needs::Stage(Arc::clone(stage)))));
    }

    fn determinism(&self) -> Determinism {
        self.map_side.as_ref().map_or(Determinism::Determinate, |(stage, _)| stage.determinism())
    }

    fn partitioning(&self) -> Option<Partitioning> {
        self.map_side.as_ref().map(|(_, partitioning)| partitioning.clone())
    }

    fn compute(&self, partition: PartitionId, task: &TaskContext) -> impl Iterator<Item = (K, V)> + 'static {
        fetch(task, self.id, partition, self.partitions)
    }

    fn encode(&self, _: PartitionId, to: &mut Encoder) {
        to.put(&(self.id, self.partitions));
    }

    fn decode(from: &mut Decoder<'_>) -> Result<Self, CodecError> {
        let (id, partitions) = from.get()?;
        Ok(Shuffled { home: Home::default(), id, partitions, map_side: None, of: PhantomData })
    }
}

impl<K, V> std::fmt::Debug for Shuffled<K, V> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Shuffled({}, {} partitions)", self.id, self.partitions)
    }
}
