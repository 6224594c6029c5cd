//! What becomes of the values of one key.

use crate::{rdd::Function, value::Captured};
use rsk_proto::{CodecError, Data, Decoder, Encoder};

/// How values of type `V` of one key are merged: the functions of an operator by key, as its nodes keep them.
pub trait Combiner<V>: Clone + Send + Sync + 'static {
    /// What they are merged into.
    type Combined: Data;
    /// Does merging before the shuffle save anything?
    const EARLY: bool = true;
    /// From a key's first value.
    fn create(&self, value: V) -> Self::Combined;
    /// Adds another value.
    fn merge_value(&self, combined: Self::Combined, value: V) -> Self::Combined;
    /// Adds what later values were merged into.
    fn merge_combiners(&self, combined: Self::Combined, later: Self::Combined) -> Self::Combined;
    /// Writes the values that the functions were given, if any.
    fn encode(&self, to: &mut Encoder);
    /// The same combiner in an executor.
    fn decode(from: &mut Decoder<'_>) -> Result<Self, CodecError>;
}

/// Three functions: `combine_by_key`.
#[derive(Debug, Clone)]
pub struct ByFunctions<A, B, C> {
    pub(crate) create: A,
    pub(crate) merge_value: B,
    pub(crate) merge_combiners: C,
}

impl<V, U, A, B, C> Combiner<V> for ByFunctions<A, B, C>
where
    U: Data,
    A: Function<(V,), Out = U>,
    B: Function<(U, V), Out = U>,
    C: Function<(U, U), Out = U>,
{
    type Combined = U;

    #[inline]
    fn create(&self, value: V) -> U {
        self.create.call((value,))
    }

    #[inline]
    fn merge_value(&self, combined: U, value: V) -> U {
        self.merge_value.call((combined, value))
    }

    #[inline]
    fn merge_combiners(&self, combined: U, later: U) -> U {
        self.merge_combiners.call((combined, later))
    }

    fn encode(&self, to: &mut Encoder) {
        self.create.encode(to);
        self.merge_value.encode(to);
        self.merge_combiners.encode(to);
    }

    fn decode(from: &mut Decoder<'_>) -> Result<Self, CodecError> {
        Ok(ByFunctions {
            create: A::decode(from)?,
            merge_value: B::decode(from)?,
            merge_combiners: C::decode(from)?,
        })
    }
}

/// One function for values as for what they were merged into: `reduce_by_key`.
#[derive(Debug, Clone)]
pub struct Reduce<F>(pub(crate) F);

impl<V: Data, F: Function<(V, V), Out = V>> Combiner<V> for Reduce<F> {
    type Combined = V;

    #[inline]
    fn create(&self, value: V) -> V {
        value
    }

    #[inline]
    fn merge_value(&self, combined: V, value: V) -> V {
        self.0.call((combined, value))
    }

    #[inline]
    fn merge_combiners(&self, combined: V, later: V) -> V {
        self.0.call((combined, later))
    }

    fn encode(&self, to: &mut Encoder) {
        self.0.encode(to);
    }

    fn decode(from: &mut Decoder<'_>) -> Result<Self, CodecError> {
        F::decode(from).map(Reduce)
    }
}

/// A zero and two functions: `aggregate_by_key` and `fold_by_key`.
#[derive(Debug)]
pub struct Aggregate<U, B, C> {
    pub(crate) zero: Captured<U>,
    pub(crate) merge_value: B,
    pub(crate) merge_combiners: C,
}

impl<U, B: Clone, C: Clone> Clone for Aggregate<U, B, C> {
    fn clone(&self) -> Self {
        Aggregate {
            zero: self.zero.clone(),
            merge_value: self.merge_value.clone(),
            merge_combiners: self.merge_combiners.clone(),
        }
    }
}

impl<V, U, B, C> Combiner<V> for Aggregate<U, B, C>
where
    U: Data + Sync + Clone,
    B: Function<(U, V), Out = U>,
    C: Function<(U, U), Out = U>,
{
    type Combined = U;

    #[inline]
    fn create(&self, value: V) -> U {
        self.merge_value.call((self.zero.get().clone(), value))
    }

    #[inline]
    fn merge_value(&self, combined: U, value: V) -> U {
        self.merge_value.call((combined, value))
    }

    #[inline]
    fn merge_combiners(&self, combined: U, later: U) -> U {
        self.merge_combiners.call((combined, later))
    }

    fn encode(&self, to: &mut Encoder) {
        self.zero.encode(to);
        self.merge_value.encode(to);
        self.merge_combiners.encode(to);
    }

    fn decode(from: &mut Decoder<'_>) -> Result<Self, CodecError> {
        Ok(Aggregate {
            zero: Captured::decode(from)?,
            merge_value: B::decode(from)?,
            merge_combiners: C::decode(from)?,
        })
    }
}

/// All values, in order: `group_by_key`. Merging before the shuffle would move as many values.
#[derive(Debug, Clone, Copy)]
pub struct Group;

impl<V: Data> Combiner<V> for Group {
    type Combined = Vec<V>;

    const EARLY: bool = false;

    #[inline]
    fn create(&self, value: V) -> Vec<V> {
        vec![value]
    }

    #[inline]
    fn merge_value(&self, mut combined: Vec<V>, value: V) -> Vec<V> {
        combined.push(value);
        combined
    }

    fn merge_combiners(&self, mut combined: Vec<V>, mut later: Vec<V>) -> Vec<V> {
        combined.append(&mut later);
        combined
    }

    fn encode(&self, _: &mut Encoder) {}

    fn decode(_: &mut Decoder<'_>) -> Result<Self, CodecError> {
        Ok(Group)
    }
}

/// The first value: `distinct`.
#[derive(Debug, Clone, Copy)]
pub struct First;

impl<V: Data> Combiner<V> for First {
    type Combined = V;

    #[inline]
    fn create(&self, value: V) -> V {
        value
    }

    #[inline]
    fn merge_value(&self, combined: V, _: V) -> V {
        combined
    }

    #[inline]
    fn merge_combiners(&self, combined: V, _: V) -> V {
        combined
    }

    fn encode(&self, _: &mut Encoder) {}

    fn decode(_: &mut Decoder<'_>) -> Result<Self, CodecError> {
        Ok(First)
    }
}
