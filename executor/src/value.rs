//! Values handed to `with`: fetched and decoded once an executor.

use parking_lot::Mutex;
use rsk_proto::{AnyValue, CodecError, ValueId};
use std::{
    any::TypeId,
    collections::HashMap,
    sync::{Arc, OnceLock},
};

type Slot = Arc<OnceLock<Result<AnyValue, CodecError>>>;

/// The decoded values of one executor. A value lives here until the driver's last handle to it is gone.
#[derive(Default)]
pub(crate) struct ValueCache {
    slots: Mutex<HashMap<(ValueId, TypeId), Slot>>,
}

impl ValueCache {
    /// The value, decoding it if this is the first to ask; others wait for it meanwhile.
    pub(crate) fn get(
        &self,
        id: ValueId,
        type_id: TypeId,
        load: impl FnOnce() -> Result<AnyValue, CodecError>,
    ) -> Result<AnyValue, CodecError> {
        let slot = Arc::clone(self.slots.lock().entry((id, type_id)).or_default());
        let value = slot.get_or_init(load).clone();
        if value.is_err() {
            self.slots.lock().remove(&(id, type_id));
        }
        value
    }

    /// Forgets a value, whatever it was decoded as.
    pub(crate) fn remove(&self, id: ValueId) {
        self.slots.lock().retain(|(held, _), _| *held != id);
    }
}
