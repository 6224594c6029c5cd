//! The one file that knows bincode: how values and records become bytes.
//!
//! Two uses: [`Encoder`] and [`Decoder`] for messages and tasks, and [`encode_record`] and [`decode_record`] for the
//! records of shuffles, spills and caches, many millions a second.

use crate::{Cause, Data, ExecutorId, PartitionId, ValueId};
use bincode::config::{self, Configuration};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use std::{
    any::{Any, TypeId, type_name},
    collections::HashMap,
    sync::Arc,
};

/// A value handed to `with` travels inside each task up to this many bytes; beyond, once to each executor.
pub const VALUE_INLINE_BYTES_MAX: usize = 4096;

const CONFIG: Configuration = config::standard();

/// Bytes that cannot be decoded, or a value that cannot be encoded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
pub enum CodecError {
    /// The value's own `Serialize` refused.
    #[error("cannot encode a {type_name}")]
    Encode {
        /// What was to be encoded.
        type_name: String,
        /// Why not.
        #[source]
        cause: Cause,
    },
    /// The bytes end early or hold something else.
    #[error("cannot decode a {type_name}")]
    Decode {
        /// What was expected.
        type_name: String,
        /// Why not.
        #[source]
        cause: Cause,
    },
    /// A place in the program that is none: another program, or damaged bytes.
    #[error("{0}")]
    Place(String),
    /// A value named by its hash cannot be had.
    #[error("cannot get {0}")]
    Value(ValueId, #[source] Cause),
}

/// Appends one record to `to`.
pub fn encode_record<T: Serialize>(record: &T, to: &mut Vec<u8>) -> Result<(), CodecError> {
    let mut writer = Appender(to);
    match bincode::serde::encode_into_writer(record, &mut writer, CONFIG) {
        Ok(()) => Ok(()),
        Err(error) => {
            Err(CodecError::Encode { type_name: type_name::<T>().to_owned(), cause: Cause::of(&error) })
        }
    }
}

/// Takes one record from the front of `from`.
///
/// Bounds: a length in the bytes beyond what `from` holds is refused before anything of that size is reserved.
pub fn decode_record<T: DeserializeOwned>(from: &mut &[u8]) -> Result<T, CodecError> {
    match bincode::serde::borrow_decode_from_slice::<T, Configuration>(from, CONFIG) {
        Ok((record, used)) => {
            *from = &from[used..];
            Ok(record)
        }
        Err(error) => {
            Err(CodecError::Decode { type_name: type_name::<T>().to_owned(), cause: Cause::of(&error) })
        }
    }
}

/// `Vec<u8>` as bincode's writer.
struct Appender<'a>(&'a mut Vec<u8>);

impl bincode::enc::write::Writer for Appender<'_> {
    #[inline]
    fn write(&mut self, bytes: &[u8]) -> Result<(), bincode::error::EncodeError> {
        self.0.extend_from_slice(bytes);
        Ok(())
    }
}

/// A value of the running program, decoded, whatever its type.
pub type AnyValue = Arc<dyn Any + Send + Sync>;

/// Where a [`Decoder`] gets the values that a task names by their hash; the executor's cache.
pub trait Values {
    /// The value `id`, decoded: from the cache, or by `decode` from bytes fetched from the driver.
    fn value(
        &self,
        id: ValueId,
        type_id: TypeId,
        decode: fn(&[u8]) -> Result<AnyValue, CodecError>,
    ) -> Result<AnyValue, CodecError>;
}

/// A value handed to `with`, encoded once and named by its content.
#[derive(Debug, Clone)]
pub struct EncodedValue {
    /// The hash of `bytes`.
    pub id: ValueId,
    /// The value.
    pub bytes: Arc<[u8]>,
}

/// Writes what a task carries.
///
/// Shape: fields in the order that [`Decoder`] takes them; nothing names a field. The first error is kept and
/// returned by [`Encoder::finish`], so that nodes encode without a `?` each.
#[derive(Debug, Default)]
pub struct Encoder {
    bytes: Vec<u8>,
    nodes: HashMap<(usize, PartitionId), u32>,
    error: Option<CodecError>,
    executor: ExecutorId,
}

impl Encoder {
    /// An encoder of what one executor will decode: what that one holds need not travel.
    pub fn to(executor: ExecutorId) -> Self {
        Encoder { executor, ..Encoder::default() }
    }

    /// Who will decode it.
    pub fn executor(&self) -> ExecutorId {
        self.executor
    }

    /// Appends a field.
    pub fn put<T: Serialize>(&mut self, field: &T) {
        if let Err(error) = encode_record(field, &mut self.bytes) {
            self.fail(error);
        }
    }

    /// Appends a value: itself when it is small, its name when it is not.
    pub fn put_value(&mut self, value: &EncodedValue) {
        if value.bytes.len() <= VALUE_INLINE_BYTES_MAX {
            self.put(&Some(&*value.bytes));
        } else {
            self.put(&None::<&[u8]>);
            self.put(&value.id);
        }
    }

    /// Has the node at `address` been written for this partition? Then its number is written in its place and the
    /// answer is true; otherwise the caller writes it now. So a shared node is written once.
    pub fn put_back_reference(&mut self, address: usize, partition: PartitionId) -> bool {
        let next = u32::try_from(self.nodes.len()).unwrap_or(u32::MAX);
        let seen = self.nodes.get(&(address, partition)).copied();
        self.put(&seen);
        if seen.is_none() {
            self.nodes.insert((address, partition), next);
        }
        seen.is_some()
    }

    /// Remembers why this cannot be encoded.
    pub fn fail(&mut self, error: CodecError) {
        self.error.get_or_insert(error);
    }

    /// The bytes, or the first error.
    pub fn finish(self) -> Result<Vec<u8>, CodecError> {
        match self.error {
            None => Ok(self.bytes),
            Some(error) => Err(error),
        }
    }
}

/// Reads what an [`Encoder`] wrote, in the same order.
pub struct Decoder<'a> {
    bytes: &'a [u8],
    nodes: Vec<Option<AnyValue>>,
    values: &'a dyn Values,
}

impl<'a> Decoder<'a> {
    /// A decoder at the start of `bytes`.
    pub fn new(bytes: &'a [u8], values: &'a dyn Values) -> Self {
        Decoder { bytes, nodes: Vec::new(), values }
    }

    /// Takes a field.
    pub fn get<T: DeserializeOwned>(&mut self) -> Result<T, CodecError> {
        decode_record(&mut self.bytes)
    }

    /// Takes a value that [`Encoder::put_value`] wrote.
    pub fn get_value<E: Data + Sync>(&mut self) -> Result<Arc<E>, CodecError> {
        if let Some(inline) = self.get::<Option<Vec<u8>>>()? {
            return decode_record(&mut inline.as_slice()).map(Arc::new);
        }
        let id = self.get()?;
        let decode =
            |mut bytes: &[u8]| decode_record::<E>(&mut bytes).map(|value| Arc::new(value) as AnyValue);
        let value = self.values.value(id, TypeId::of::<E>(), decode)?;
        value.downcast().map_err(|_| CodecError::Decode {
            type_name: type_name::<E>().to_owned(),
            cause: Cause::new(format!("{id} was decoded as another type")),
        })
    }

    /// Takes a node: one that came before, or else what `decode` makes of the bytes that follow.
    pub fn get_node<N: Any + Send + Sync>(
        &mut self,
        decode: impl FnOnce(&mut Self) -> Result<Arc<N>, CodecError>,
    ) -> Result<Arc<N>, CodecError> {
        let refuse =
            |why: &str| CodecError::Decode { type_name: type_name::<N>().to_owned(), cause: Cause::new(why) };
        if let Some(number) = self.get::<Option<u32>>()? {
            let node = self.nodes.get(number as usize).cloned().flatten();
            let node = node.ok_or_else(|| refuse("a back-reference to a node that is not there"))?;
            return node.downcast().map_err(|_| refuse("a back-reference to a node of another type"));
        }
        let number = self.nodes.len();
        self.nodes.push(None);
        let node = decode(self)?;
        self.nodes[number] = Some(Arc::clone(&node) as AnyValue);
        Ok(node)
    }

    /// Nothing is left.
    pub fn is_at_end(&self) -> bool {
        self.bytes.is_empty()
    }
}

impl std::fmt::Debug for Decoder<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Decoder").field("bytes_left", &self.bytes.len()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct NoValues;
    impl Values for NoValues {
        fn value(
            &self,
            id: ValueId,
            _: TypeId,
            _: fn(&[u8]) -> Result<AnyValue, CodecError>,
        ) -> Result<AnyValue, CodecError> {
            Err(CodecError::Value(id, Cause::new("no driver")))
        }
    }

    #[test]
    fn a_shared_node_is_written_once_and_decoded_to_the_same_node() {
        let mut to = Encoder::default();
        for _ in 0..2 {
            if !to.put_back_reference(0x1000, PartitionId(3)) {
                to.put(&"node");
            }
        }
        let bytes = to.finish().unwrap();
        let mut from = Decoder::new(&bytes, &NoValues);
        let first = from.get_node(|from| from.get::<String>().map(Arc::new)).unwrap();
        let second = from.get_node::<String>(|_| unreachable!("it is a back-reference")).unwrap();
        assert!(Arc::ptr_eq(&first, &second) && from.is_at_end());
    }

    #[test]
    fn a_small_value_travels_inside_and_a_large_one_by_name() {
        for (length, inline) in [(10, true), (VALUE_INLINE_BYTES_MAX * 2, false)] {
            let mut bytes = Vec::new();
            encode_record(&vec![7u8; length], &mut bytes).unwrap();
            let mut to = Encoder::default();
            to.put_value(&EncodedValue { id: ValueId([1; 32]), bytes: bytes.into() });
            let bytes = to.finish().unwrap();
            assert_eq!(Decoder::new(&bytes, &NoValues).get_value::<Vec<u8>>().is_ok(), inline);
        }
    }

    #[test]
    fn cut_bytes_are_an_error_and_no_panic() {
        let mut bytes = Vec::new();
        encode_record(&(7u64, "some text".to_owned(), vec![1u32, 2, 3]), &mut bytes).unwrap();
        for end in 0..bytes.len() {
            assert!(decode_record::<(u64, String, Vec<u32>)>(&mut &bytes[..end]).is_err(), "{end}");
        }
    }

    proptest::proptest! {
        #[test]
        fn random_bytes_never_panic(bytes: Vec<u8>) {
            drop(decode_record::<(u64, Option<String>, Vec<Vec<u32>>)>(&mut bytes.as_slice()));
            drop(decode_record::<crate::TaskEnd>(&mut bytes.as_slice()));
        }
    }
}
