//! Sums that tasks add to and the driver reads.

use parking_lot::Mutex;
use rsk_proto::{AccumulatorId, AccumulatorUpdate};
use std::{
    collections::HashMap,
    sync::{Arc, Weak},
};

/// The driver's side of one accumulator, whatever its type.
pub(crate) trait AnySum: Send + Sync {
    /// Adds what one attempt added up, encoded.
    fn merge(&self, update: &[u8]);
}

/// The accumulators that a handle of the driver still reads.
#[derive(Default)]
pub(crate) struct AccumulatorTable(Mutex<HashMap<AccumulatorId, Weak<dyn AnySum>>>);

impl AccumulatorTable {
    pub(crate) fn insert(&self, id: AccumulatorId, sum: &Arc<impl AnySum + 'static>) {
        let sum: Weak<dyn AnySum> = Arc::downgrade(&(Arc::clone(sum) as Arc<dyn AnySum>));
        self.0.lock().insert(id, sum);
    }

    pub(crate) fn remove(&self, id: AccumulatorId) {
        self.0.lock().remove(&id);
    }

    /// Adds what one accepted attempt added up.
    pub(crate) fn merge(&self, updates: &[AccumulatorUpdate]) {
        for update in updates {
            let sum = self.0.lock().get(&update.id).and_then(Weak::upgrade);
            sum.inspect(|sum| sum.merge(&update.value));
        }
    }
}

impl std::fmt::Debug for AccumulatorTable {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("AccumulatorTable").field(&self.0.lock().len()).finish()
    }
}
