//! `key_by`: each record with a key made from it.

use super::Map;
use crate::rdd::{Bound, Function, Rdd, Stateless, With};
use rsk_proto::{CodecError, Data, Decoder, Encoder};

/// A function of a borrowed record that gives its key, as one of a record that gives key and record.
#[derive(Debug, Clone)]
pub struct Keyed<F>(F);

impl<F> Keyed<F> {
    pub(crate) fn new(function: F) -> Self {
        Keyed(function)
    }
}

impl<T, K, F> Function<(T,)> for Keyed<F>
where
    F: for<'a> Function<(&'a T,), Out = K>,
{
    type Out = (K, T);

    #[inline]
    fn call(&self, (item,): (T,)) -> (K, T) {
        (self.0.call((&item,)), item)
    }

    fn encode(&self, to: &mut Encoder) {
        <F as Function<(&T,)>>::encode(&self.0, to);
    }

    fn decode(from: &mut Decoder<'_>) -> Result<Self, CodecError> {
        <F as Function<(&T,)>>::decode(from).map(Keyed)
    }
}

impl<P: Rdd, E: Data + Sync> With<P, E> {
    /// [`key_by`](super::Transform::key_by) with the value.
    pub fn key_by<K, F>(self, function: F) -> Map<P, Keyed<Bound<E, F>>>
    where
        K: Send + 'static,
        F: Fn(&E, &P::Item) -> K + Stateless,
    {
        Map::new(self.parent, Keyed::new(Bound::new(self.value, function)))
    }
}
