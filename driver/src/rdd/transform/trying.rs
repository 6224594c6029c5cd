//! Functions that can fail: `try_map`, `try_filter`, `try_flat_map`, `try_map_partitions`.

use super::{Filter, FlatMap, Map, MapPartitions};
use crate::rdd::{Bound, Function, Items, Rdd, Stateless, With};
use rsk_proto::{Cause, CodecError, Data, Decoder, Encoder, TaskError};

/// Any error, as [`Into`] makes it: `std`'s errors, `&str`, `String`, and what `anyhow` and `eyre` give.
pub type AnyError = Box<dyn std::error::Error + Send + Sync>;

/// A function that gives a `Result`, as one that gives the value: an error ends the task, with its chain of causes.
#[derive(Debug, Clone)]
pub struct Trying<F>(F);

impl<F> Trying<F> {
    pub(crate) fn new(function: F) -> Self {
        Trying(function)
    }
}

impl<In, T, E, F> Function<In> for Trying<F>
where
    F: Function<In, Out = Result<T, E>>,
    E: Into<AnyError>,
{
    type Out = T;

    #[inline]
    fn call(&self, input: In) -> T {
        self.0.call(input).unwrap_or_else(|error| raise(error.into()))
    }

    fn encode(&self, to: &mut Encoder) {
        self.0.encode(to);
    }

    fn decode(from: &mut Decoder<'_>) -> Result<Self, CodecError> {
        F::decode(from).map(Trying)
    }
}

#[cold]
#[expect(clippy::needless_pass_by_value, reason = "it ends here")]
fn raise(error: AnyError) -> ! {
    TaskError::User(Cause::of(&*error)).raise()
}

impl<P: Rdd, E: Data + Sync> With<P, E> {
    /// [`try_map`](super::Transform::try_map) with the value.
    pub fn try_map<Out, Error, F>(self, function: F) -> Map<P, Trying<Bound<E, F>>>
    where
        Out: Send + 'static,
        Error: Into<AnyError> + 'static,
        F: Fn(&E, P::Item) -> Result<Out, Error> + Stateless,
    {
        Map::new(self.parent, Trying::new(Bound::new(self.value, function)))
    }

    /// [`try_filter`](super::Transform::try_filter) with the value.
    pub fn try_filter<Error, F>(self, function: F) -> Filter<P, Trying<Bound<E, F>>>
    where
        Error: Into<AnyError> + 'static,
        F: Fn(&E, &P::Item) -> Result<bool, Error> + Stateless,
    {
        Filter::new(self.parent, Trying::new(Bound::new(self.value, function)))
    }

    /// [`try_flat_map`](super::Transform::try_flat_map) with the value.
    pub fn try_flat_map<Out, Error, F>(self, function: F) -> FlatMap<P, Trying<Bound<E, F>>>
    where
        Out: IntoIterator<IntoIter: 'static, Item: Send + 'static> + 'static,
        Error: Into<AnyError> + 'static,
        F: Fn(&E, P::Item) -> Result<Out, Error> + Stateless,
    {
        FlatMap::new(self.parent, Trying::new(Bound::new(self.value, function)))
    }

    /// [`try_map_partitions`](super::Transform::try_map_partitions) with the value.
    pub fn try_map_partitions<Out, Error, F>(self, function: F) -> MapPartitions<P, Trying<Bound<E, F>>>
    where
        Out: IntoIterator<IntoIter: 'static, Item: Send + 'static>,
        Error: Into<AnyError> + 'static,
        F: Fn(&E, Items<P::Item>) -> Result<Out, Error> + Stateless,
    {
        MapPartitions::new(self.parent, Trying::new(Bound::new(self.value, function)))
    }
}
