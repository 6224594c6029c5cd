//! Broadcast variables: values that many tasks read, sent once to each executor.

use crate::{Context, value::Handle};
use rsk_executor::TaskContext;
use rsk_proto::{AnyValue, Cause, CodecError, Data, ValueId, Values, decode_record};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _, ser::Error as _};
use std::{any::TypeId, fmt, ops::Deref, sync::Arc};

/// A read-only value that tasks share, as it was when it was made: see [`Context::broadcast`]. A cheap clone.
///
/// It derefs to the value. Hand it over by [`with`](crate::rdd::Transform::with), alone or inside tuples and structs, or
/// keep it inside records: only its name travels. The value is fetched and decoded before a task's first record, so that
/// reading it cannot fail. Executors forget it when the driver's last handle drops, closures' included.
///
/// ```
/// use rsk::{Broadcast, prelude::*};
/// use serde::{Deserialize, Serialize};
///
/// #[derive(Serialize, Deserialize)]
/// struct Tariff {
///     prices: Broadcast<Vec<u64>>,
///     discount: u64,
/// }
///
/// let ctx = rsk::Context::new("local[2]")?;
/// let tariff = Tariff { prices: ctx.broadcast(vec![100, 250]), discount: 10 };
/// let paid = ctx.range(0..3, 2).with(tariff).map(|t, n| t.prices[(n % 2) as usize] - t.discount);
/// assert_eq!(paid.collect()?, [90, 240, 90]);
/// # Ok::<(), rsk::Error>(())
/// ```
pub struct Broadcast<T> {
    value: Arc<T>,
    name: Name,
}

#[derive(Clone)]
enum Name {
    /// In the driver: the value's encoding, which lives as long as this.
    Driver(Arc<Handle>),
    Executor(ValueId),
}

impl Context {
    /// A read-only copy of `value` for tasks: a snapshot, whatever the driver does afterwards.
    ///
    /// Cost: encoded once; decoded once on each executor whose tasks name it. The driver keeps the value and its
    /// encoding. A value that cannot be encoded fails the job that uses it.
    ///
    /// ```
    /// use rsk::prelude::*;
    /// let ctx = rsk::Context::new("local[2]")?;
    /// let names = ctx.broadcast(vec!["even".to_owned(), "odd".to_owned()]);
    /// let said = ctx.range(0..3, 2).with(names.clone()).map(|names, n| names[(n % 2) as usize].clone());
    /// assert_eq!(said.collect()?, ["even", "odd", "even"]);
    /// assert_eq!(names.len(), 2);
    /// # Ok::<(), rsk::Error>(())
    /// ```
    pub fn broadcast<T: Data + Sync>(&self, value: T) -> Broadcast<T> {
        let handle = Handle::named(&value, self.values());
        Broadcast { value: Arc::new(value), name: Name::Driver(Arc::new(handle)) }
    }
}

impl<T> Deref for Broadcast<T> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        &self.value
    }
}

impl<T> Clone for Broadcast<T> {
    fn clone(&self) -> Self {
        Broadcast { value: Arc::clone(&self.value), name: self.name.clone() }
    }
}

impl<T> Serialize for Broadcast<T> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        match &self.name {
            Name::Driver(handle) => match handle.encoded() {
                Ok(encoded) => encoded.id.serialize(to),
                Err(error) => Err(S::Error::custom(chain(error))),
            },
            Name::Executor(id) => id.serialize(to),
        }
    }
}

impl<'de, T: Data + Sync> Deserialize<'de> for Broadcast<T> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let id = ValueId::deserialize(from)?;
        let Some(task) = TaskContext::current() else {
            let why = format!("{id} is a broadcast: its copies are for tasks, the driver keeps the original");
            return Err(D::Error::custom(why));
        };
        let value = task.executor().value(id, TypeId::of::<T>(), decode::<T>);
        let value = value.map_err(|error| D::Error::custom(chain(&error)))?;
        let value = value.downcast().map_err(|_| D::Error::custom(format!("{id} is of another type")))?;
        Ok(Broadcast { value, name: Name::Executor(id) })
    }
}

/// serde's errors are text.
fn chain(error: &CodecError) -> String {
    Cause::of(error).chain().collect::<Vec<_>>().join(": ")
}

fn decode<T: Data + Sync>(mut bytes: &[u8]) -> Result<AnyValue, CodecError> {
    decode_record::<T>(&mut bytes).map(|value| Arc::new(value) as AnyValue)
}

impl<T: fmt::Debug> fmt::Debug for Broadcast<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Broadcast").field(&*self.value).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::prelude::*;
    use std::sync::atomic::{AtomicU64, Ordering};

    #[test]
    fn a_change_in_the_driver_is_not_seen() {
        let ctx = Context::new("local[2]").unwrap();
        let counter = ctx.broadcast(AtomicU64::new(7));
        counter.store(8, Ordering::Relaxed);
        let seen = ctx.range(0..2, 2).with(counter.clone()).map(|counter, _| counter.load(Ordering::Relaxed));
        assert_eq!(seen.collect().unwrap(), [7, 7]);
        assert_eq!(counter.load(Ordering::Relaxed), 8);
    }

    #[test]
    fn it_is_decoded_once_an_executor() {
        static DECODED: AtomicU64 = AtomicU64::new(0);
        #[derive(Serialize)]
        struct Counted(u64);
        impl<'de> Deserialize<'de> for Counted {
            fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
                DECODED.fetch_add(1, Ordering::Relaxed);
                u64::deserialize(from).map(Counted)
            }
        }
        let ctx = Context::new("local[2]").unwrap();
        let one = ctx.broadcast(Counted(1));
        let sums = ctx.range(0..40, 20).with((one.clone(), 5u64, Some(one))).map(|(one, five, same), n| {
            assert!(std::ptr::eq::<Counted>(&raw const **one, same.as_deref().unwrap()));
            one.0 + five + n
        });
        assert_eq!(sums.count().unwrap(), 40);
        assert_eq!(sums.collect().unwrap()[39], 45);
        assert_eq!(DECODED.load(Ordering::Relaxed), 1);
    }

    #[test]
    fn it_goes_with_the_last_handle_and_not_before() {
        let ctx = Context::new("local").unwrap();
        let table = ctx.broadcast("the same bytes".to_owned());
        let same = ctx.broadcast("the same bytes".to_owned());
        // Too small to be asked for by name, with the very same name.
        let inline = ctx.range(0..1, 1).with("the same bytes".to_owned()).map(|text, _| text.len());
        let lengths = ctx.range(0..2, 1).with((table.clone(), 1)).map(|(table, one), _| table.len() + one);
        let Name::Driver(handle) = &table.name else { panic!("it is the driver's") };
        let id = handle.encoded().unwrap().id;
        assert_eq!((inline.collect().unwrap(), lengths.collect().unwrap()), (vec![14], vec![15, 15]));
        drop((inline, table, same));
        assert_eq!(lengths.collect().unwrap(), [15, 15], "the closure's value is a handle too");
        assert!(ctx.values().get(id).is_some());
        drop(lengths);
        assert!(ctx.values().get(id).is_none());
        let executor = ctx.backend().executor();
        assert!(executor.value(id, TypeId::of::<String>(), decode::<String>).is_err());
    }

    #[test]
    fn it_travels_inside_records_through_a_shuffle() {
        let ctx = Context::new("local[2]").unwrap();
        let name = ctx.broadcast("shared".to_owned());
        let records = ctx.range(0..6, 3).with(name).map(|name, n| (n % 2, name.clone()));
        let lengths = records.reduce_by_key(|a, _| a).map(|(key, name)| (key, name.len()));
        let mut lengths = lengths.collect().unwrap();
        lengths.sort_unstable();
        assert_eq!(lengths, [(0, 6), (1, 6)]);
        let error = format!("{:?}", records.collect().unwrap_err());
        assert!(error.contains("the driver keeps the original"), "{error}");
    }

    #[test]
    fn a_value_that_cannot_be_encoded_fails_its_job() {
        #[derive(Deserialize)]
        struct Stubborn;
        impl Serialize for Stubborn {
            fn serialize<S: Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
                Err(S::Error::custom("it does not want to travel"))
            }
        }
        let ctx = Context::new("local").unwrap();
        let stubborn = ctx.broadcast(Stubborn);
        let error = ctx.range(0..1, 1).with(stubborn).map(|_, n| n).collect().unwrap_err();
        assert!(format!("{error:?}").contains("it does not want to travel"), "{error:?}");
    }
}
