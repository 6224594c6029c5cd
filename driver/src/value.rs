//! Values handed to `with`: encoded once, named by their content, kept while a handle lives.

use parking_lot::Mutex;
use rsk_proto::{
    Cause, CodecError, Data, Decoder, EncodedValue, Encoder, VALUE_INLINE_BYTES_MAX, ValueId, encode_record,
};
use sha2::{Digest, Sha256};
use std::{
    collections::HashMap,
    sync::{Arc, Weak},
};

/// A value that closures get by reference: in the driver with its encoding, in an executor only decoded.
#[derive(Debug)]
pub(crate) struct Captured<E> {
    value: Arc<E>,
    encoded: Option<Arc<Handle>>,
}

/// The encoding of one value; the registry forgets it when the last handle drops.
#[derive(Debug)]
pub(crate) struct Handle {
    encoded: Result<EncodedValue, CodecError>,
    /// Nothing for a value that travels inside each task and that nobody asks for.
    registry: Weak<ValueRegistry>,
}

impl Handle {
    /// Encodes a value; executors may ask for it if it `is_named`.
    fn new<E: Data>(value: &E, registry: &Arc<ValueRegistry>, is_named: impl Fn(&[u8]) -> bool) -> Handle {
        let mut bytes = Vec::new();
        let encoded = encode_record(value, &mut bytes).map(|()| {
            let id = ValueId(Sha256::digest(&bytes).into());
            EncodedValue { id, bytes: bytes.into() }
        });
        match &encoded {
            Ok(encoded) if is_named(&encoded.bytes) => {
                registry.insert(encoded);
                let registry = Arc::downgrade(registry);
                Handle { encoded: Ok(encoded.clone()), registry }
            }
            _ => Handle { encoded, registry: Weak::new() },
        }
    }

    /// A value that executors get by its name, whatever its size.
    pub(crate) fn named<E: Data>(value: &E, registry: &Arc<ValueRegistry>) -> Handle {
        Handle::new(value, registry, |_| true)
    }

    pub(crate) fn encoded(&self) -> Result<&EncodedValue, &CodecError> {
        self.encoded.as_ref()
    }
}

impl<E> Clone for Captured<E> {
    fn clone(&self) -> Self {
        Captured { value: Arc::clone(&self.value), encoded: self.encoded.clone() }
    }
}

impl<E: Data + Sync> Captured<E> {
    /// Encodes the value and makes it known to executors. A value that cannot be encoded fails the job that uses it.
    pub(crate) fn new(value: E, registry: &Arc<ValueRegistry>) -> Self {
        let handle = Handle::new(&value, registry, |bytes| bytes.len() > VALUE_INLINE_BYTES_MAX);
        Captured { value: Arc::new(value), encoded: Some(Arc::new(handle)) }
    }

    #[inline]
    pub(crate) fn get(&self) -> &E {
        &self.value
    }

    pub(crate) fn encode(&self, to: &mut Encoder) {
        match self.encoded.as_deref().map(Handle::encoded) {
            Some(Ok(encoded)) => to.put_value(encoded),
            Some(Err(error)) => to.fail(error.clone()),
            None => to.fail(CodecError::Encode {
                type_name: std::any::type_name::<E>().to_owned(),
                cause: Cause::new("a node that has travelled does not travel again"),
            }),
        }
    }

    pub(crate) fn decode(from: &mut Decoder<'_>) -> Result<Self, CodecError> {
        Ok(Captured { value: from.get_value()?, encoded: None })
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        if let (Ok(encoded), Some(registry)) = (&self.encoded, self.registry.upgrade()) {
            registry.remove(encoded.id);
        }
    }
}

/// How many handles a value has, and its bytes.
type Held = (usize, Arc<[u8]>);
type Removed = Box<dyn Fn(ValueId) + Send + Sync>;

/// The values that executors may ask the driver for: large ones and broadcasts.
#[derive(Default)]
pub(crate) struct ValueRegistry {
    values: Mutex<HashMap<ValueId, Held>>,
    removed: Mutex<Option<Removed>>,
}

impl ValueRegistry {
    /// What to do when a value's last handle is gone: executors forget it.
    pub(crate) fn on_removed(&self, removed: Removed) {
        *self.removed.lock() = Some(removed);
    }

    pub(crate) fn get(&self, id: ValueId) -> Option<Arc<[u8]>> {
        self.values.lock().get(&id).map(|(_, bytes)| Arc::clone(bytes))
    }

    fn insert(&self, value: &EncodedValue) {
        self.values.lock().entry(value.id).or_insert_with(|| (0, Arc::clone(&value.bytes))).0 += 1;
    }

    fn remove(&self, id: ValueId) {
        let mut values = self.values.lock();
        let Some((handles, _)) = values.get_mut(&id) else { return };
        *handles -= 1;
        if *handles == 0 {
            values.remove(&id);
            drop(values);
            if let Some(removed) = &*self.removed.lock() {
                removed(id);
            }
        }
    }
}

impl std::fmt::Debug for ValueRegistry {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ValueRegistry").field("values", &self.values.lock().len()).finish_non_exhaustive()
    }
}
