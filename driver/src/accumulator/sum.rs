//! One accumulator in the driver: what was handed in, and what that came to.
//!
//! Attempts end under the scheduler's lock, where no code of the user may run. So their sums are only laid down there,
//! encoded, and merged afterwards by whoever comes by: the slot that brought them, or the reader.

use super::{
    Accumulate,
    table::{AccumulatorTable, AnySum, Ready},
};
use parking_lot::Mutex;
use rsk_proto::{AccumulatorId, Cause, PartitionId, StageId, decode_record};
use std::{
    collections::BTreeMap,
    panic::{self, AssertUnwindSafe},
    sync::{Arc, Weak},
};

/// The driver's side of one accumulator.
///
/// Lock order: `merged`, then `inbox`. The user's code runs under `merged` alone.
pub(super) struct Sum<T> {
    id: AccumulatorId,
    name: String,
    table: Weak<AccumulatorTable>,
    inbox: Mutex<BTreeMap<StageId, Inbox>>,
    merged: Mutex<Result<Merged<T>, String>>,
}

/// What attempts at one stage handed in and what is not merged yet.
#[derive(Default)]
struct Inbox {
    waiting: BTreeMap<PartitionId, Vec<Vec<u8>>>,
    ready: Ready,
}

/// In the order of the program: ended stages and the driver's own, then stages that run, by their numbers.
struct Merged<T> {
    total: T,
    stages: BTreeMap<StageId, T>,
}

impl<T: Accumulate> Sum<T> {
    pub(super) fn register(
        id: AccumulatorId,
        name: String,
        zero: T,
        table: &Arc<AccumulatorTable>,
    ) -> Arc<Self> {
        let merged = Mutex::new(Ok(Merged { total: zero, stages: BTreeMap::new() }));
        let sum = Arc::new(Sum { id, name, table: Arc::downgrade(table), inbox: Mutex::default(), merged });
        table.insert(id, &sum);
        sum
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    pub(super) fn add(&self, value: T) {
        self.merge(|merged| merged.total.merge(value));
    }

    pub(super) fn value(&self) -> T
    where
        T: Clone,
    {
        self.fold();
        let mut answer = None;
        self.merge(|merged| {
            let mut value = merged.total.clone();
            let mut stages: BTreeMap<_, Vec<T>> =
                merged.stages.iter().map(|(id, sum)| (*id, vec![sum.clone()])).collect();
            for (id, inbox) in &*self.inbox.lock() {
                let early = inbox.waiting.values().flatten().map(|bytes| decode(bytes));
                stages.entry(*id).or_default().extend(early);
            }
            stages.into_values().flatten().for_each(|sum| value.merge(sum));
            answer = Some(value);
        });
        answer.unwrap_or_else(|| match &*self.merged.lock() {
            Err(why) => panic!("accumulator {:?} cannot be read: {why}", self.name),
            Ok(_) => panic!("accumulator {:?} cannot be read", self.name),
        })
    }

    /// Runs the user's code. If it panics, what it worked on is lost: the reader learns that, and nobody else.
    fn merge(&self, change: impl FnOnce(&mut Merged<T>)) {
        let mut merged = self.merged.lock();
        if let Ok(sums) = &mut *merged
            && let Err(payload) = panic::catch_unwind(AssertUnwindSafe(|| change(sums)))
        {
            let text = payload.downcast_ref::<String>().map(String::as_str);
            let why = text.or_else(|| payload.downcast_ref::<&str>().copied()).unwrap_or("no message");
            tracing::error!(accumulator = %self.name, %why, "merging panicked");
            *merged = Err(format!("merging panicked: {why}"));
        }
    }

    /// Takes out what can be merged now: by stage, in partition order, and which of the stages have ended.
    fn take_ready(&self) -> Vec<(StageId, Vec<Vec<u8>>, bool)> {
        let mut inbox = self.inbox.lock();
        let mut taken = Vec::new();
        for (id, inbox) in &mut *inbox {
            let late = match inbox.ready {
                Ready::Below(limit) => inbox.waiting.split_off(&limit),
                Ready::All | Ready::Ended => BTreeMap::new(),
            };
            let ready = std::mem::replace(&mut inbox.waiting, late);
            taken.push((*id, ready.into_values().flatten().collect(), inbox.ready == Ready::Ended));
        }
        inbox.retain(|_, inbox| inbox.ready != Ready::Ended);
        taken
    }
}

/// Panics inside [`Sum::merge`], as a bad merge does.
fn decode<T: Accumulate>(mut bytes: &[u8]) -> T {
    match decode_record::<Option<T>>(&mut bytes) {
        Ok(Some(sum)) => sum,
        Ok(None) => panic!("an attempt handed in nothing"),
        Err(error) => panic!("{}", Cause::of(&error).chain().collect::<Vec<_>>().join(": ")),
    }
}

impl<T: Accumulate> AnySum for Sum<T> {
    fn put(&self, stage: StageId, partition: PartitionId, update: &[u8], ready: Ready) {
        let mut inbox = self.inbox.lock();
        let inbox = inbox.entry(stage).or_default();
        inbox.waiting.entry(partition).or_default().push(update.to_vec());
        inbox.ready = ready;
    }

    fn set_ready(&self, stage: StageId, ready: Ready) {
        self.inbox.lock().entry(stage).or_default().ready = ready;
    }

    fn fold(&self) {
        self.merge(|merged| {
            for (id, updates, has_ended) in self.take_ready() {
                for update in updates.iter().map(|bytes| decode(bytes)) {
                    match merged.stages.get_mut(&id) {
                        Some(sum) => sum.merge(update),
                        None => drop(merged.stages.insert(id, update)),
                    }
                }
                if has_ended && let Some(sum) = merged.stages.remove(&id) {
                    merged.total.merge(sum);
                    tracing::debug!(accumulator = %self.name, stage = %id, "accumulated");
                }
            }
        });
    }
}

impl<T> Drop for Sum<T> {
    fn drop(&mut self) {
        if let Some(table) = self.table.upgrade() {
            table.remove(self.id);
        }
    }
}
