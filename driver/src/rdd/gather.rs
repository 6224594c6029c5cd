//! A small answer that the driver needs from an RDD before other tasks can run: the bounds of a sort, the sizes of
//! partitions. It is a stage of the job that needs it, so that the operator itself stays lazy.

use super::{
    Dependency, Determinism, PreferredHosts, Rdd, Stage,
    action::{PartitionAction, ResultTask},
    dependency::Needs,
};
use crate::{Result, dag::version::Version, value::Captured};
use parking_lot::Mutex;
use rsk_proto::{Cause, CodecError, Data, Decoder, Encoder, PartitionId, StageId, TaskOutput, decode_record};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

/// A handle to an answer that is there once its stage has run.
pub(crate) struct Gathered<V: Send + Sync + 'static> {
    /// In an executor: the answer, if it was there.
    value: Option<Captured<V>>,
    /// In the driver: the stage.
    stage: Option<Arc<dyn GatherStage<V>>>,
}

trait GatherStage<V: Send + Sync + 'static>: Stage {
    fn value(&self) -> Option<Captured<V>>;
    fn as_stage(self: Arc<Self>) -> Arc<dyn Stage>;
}

struct Gather<R, A: PartitionAction<R::Item>, V>
where
    R: Rdd,
{
    id: StageId,
    what: &'static str,
    task: ResultTask<R, A>,
    finish: Box<dyn Fn(Vec<A::Out>) -> V + Send + Sync>,
    state: Mutex<State<A::Out, V>>,
    version: Version,
}

struct State<Out, V> {
    parts: BTreeMap<PartitionId, Out>,
    value: Option<Captured<V>>,
}

impl<V: Data + Sync> Gathered<V> {
    /// Will run `action` on each partition of `rdd` and make the answer of what they give, in partition order. `what`
    /// names the stage to people.
    pub(crate) fn new<R: Rdd, A: PartitionAction<R::Item> + Send + Sync>(
        rdd: &R,
        what: &'static str,
        action: A,
        finish: impl Fn(Vec<A::Out>) -> V + Send + Sync + 'static,
    ) -> Self {
        let id = StageId(rdd.context().next_id());
        let state = Mutex::new(State { parts: BTreeMap::new(), value: None });
        let task = ResultTask { rdd: rdd.clone(), action };
        Gathered {
            value: None,
            stage: Some(Arc::new(Gather {
                id,
                what,
                task,
                finish: Box::new(finish),
                state,
                version: Version::default(),
            })),
        }
    }

    /// The answer, once it is there: in the driver when the stage has run, in an executor always.
    pub(crate) fn get(&self) -> Option<Captured<V>> {
        self.value.clone().or_else(|| self.stage.as_ref()?.value())
    }

    /// What a node that needs the answer depends on.
    pub(crate) fn dependency(&self, to: &mut Vec<Dependency>) {
        to.extend(self.stage.clone().map(|stage| Dependency(Needs::Stage(stage.as_stage()))));
    }

    /// Do both wait for the same answer?
    pub(crate) fn is(&self, other: &Self) -> bool {
        match (&self.stage, &other.stage) {
            (Some(own), Some(other)) => Arc::ptr_eq(own, other),
            _ => false,
        }
    }

    /// Writes the answer, for tasks that run after the stage.
    pub(crate) fn encode(&self, to: &mut Encoder) {
        match self.get() {
            Some(value) => value.encode(to),
            None => to.fail(CodecError::Encode {
                type_name: std::any::type_name::<V>().to_owned(),
                cause: Cause::new("the driver has not gathered it yet"),
            }),
        }
    }

    pub(crate) fn decode(from: &mut Decoder<'_>) -> Result<Self, CodecError> {
        Ok(Gathered { value: Some(Captured::decode(from)?), stage: None })
    }
}

impl<V: Send + Sync + 'static> Clone for Gathered<V> {
    fn clone(&self) -> Self {
        Gathered { value: self.value.clone(), stage: self.stage.clone() }
    }
}

impl<V: Send + Sync + 'static> std::fmt::Debug for Gathered<V> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Gathered({})", std::any::type_name::<V>())
    }
}

impl<R, A, V> GatherStage<V> for Gather<R, A, V>
where
    R: Rdd,
    A: PartitionAction<R::Item> + Send + Sync,
    V: Data + Sync,
{
    fn value(&self) -> Option<Captured<V>> {
        self.state.lock().value.clone()
    }

    fn as_stage(self: Arc<Self>) -> Arc<dyn Stage> {
        self
    }
}

impl<R, A, V> Stage for Gather<R, A, V>
where
    R: Rdd,
    A: PartitionAction<R::Item> + Send + Sync,
    V: Data + Sync,
{
    fn id(&self) -> StageId {
        self.id
    }

    fn name(&self) -> String {
        self.what.to_owned()
    }

    fn partitions(&self) -> usize {
        self.task.rdd.partitions()
    }

    fn dependencies(&self, to: &mut Vec<Dependency>) {
        self.task.rdd.dependencies(to);
    }

    fn preferred_hosts(&self) -> Option<PreferredHosts> {
        self.task.rdd.preferred_hosts()
    }

    fn determinism(&self) -> Determinism {
        self.task.rdd.determinism()
    }

    fn encode_task(&self, partition: PartitionId, to: &mut Encoder) {
        self.task.encode(partition, to);
    }

    fn missing(&self) -> BTreeSet<PartitionId> {
        let state = self.state.lock();
        let all = if state.value.is_some() { 0 } else { self.partitions() };
        (0..all).map(PartitionId::of).filter(|partition| !state.parts.contains_key(partition)).collect()
    }

    fn accept(&self, partition: PartitionId, output: TaskOutput) -> Result<()> {
        let bytes = super::action::read_output(output)?;
        let part = decode_record(&mut bytes.as_slice())?;
        let mut state = self.state.lock();
        state.parts.insert(partition, part);
        if state.parts.len() == self.partitions() {
            let parts = std::mem::take(&mut state.parts).into_values().collect();
            let value = (self.finish)(parts);
            state.value = Some(Captured::new(value, self.task.rdd.context().values()));
        }
        Ok(())
    }

    fn version(&self) -> &Version {
        &self.version
    }

    fn reset(&self) {
        self.version.forget(self.task.rdd.context().next_id());
        *self.state.lock() = State { parts: BTreeMap::new(), value: None };
    }
}
