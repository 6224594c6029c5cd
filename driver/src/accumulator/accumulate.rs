//! What can be accumulated.

use rsk_proto::Data;
use std::{
    collections::{BTreeMap, BTreeSet, HashMap, HashSet, VecDeque},
    hash::{BuildHasher, Hash},
};

/// What an [`Accumulator`](crate::Accumulator) can hold: values of which two merge into one.
///
/// Merging must be associative: what counts is the order of the values, not how they are put together. Numbers add up
/// (integers wrap on overflow), lists append, sets unite, and maps merge the values of one key.
///
/// ```
/// use rsk::{Accumulate, prelude::*};
/// use serde::{Deserialize, Serialize};
///
/// #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
/// struct Longest(String);
///
/// impl Accumulate for Longest {
///     fn merge(&mut self, other: Self) {
///         if other.0.len() > self.0.len() {
///             *self = other;
///         }
///     }
/// }
///
/// let ctx = rsk::Context::new("local[2]")?;
/// let longest = ctx.accumulator(Longest(String::new()));
/// let words = ["a", "lineage", "of", "tasks"].map(str::to_owned).to_vec();
/// ctx.parallelize(words, 3)?.with(longest.clone()).for_each(|longest, word| longest.add(Longest(word)))?;
/// assert_eq!(longest.value(), Longest("lineage".to_owned()));
/// # Ok::<(), rsk::Error>(())
/// ```
pub trait Accumulate: Data {
    /// Takes `other`, which comes after this.
    fn merge(&mut self, other: Self);
}

macro_rules! numbers {
    ($add:ident: $($number:ty)*) => {
        $(impl Accumulate for $number {
            fn merge(&mut self, other: Self) {
                *self = self.$add(other);
            }
        })*
    };
}

use std::ops::Add;
numbers!(wrapping_add: u8 u16 u32 u64 u128 usize i8 i16 i32 i64 i128 isize);
numbers!(add: f32 f64);

impl Accumulate for () {
    fn merge(&mut self, (): Self) {}
}

impl Accumulate for String {
    fn merge(&mut self, other: Self) {
        self.push_str(&other);
    }
}

impl<T: Data> Accumulate for Vec<T> {
    fn merge(&mut self, mut other: Self) {
        self.append(&mut other);
    }
}

impl<T: Data> Accumulate for VecDeque<T> {
    fn merge(&mut self, mut other: Self) {
        self.append(&mut other);
    }
}

impl<T: Data + Ord> Accumulate for BTreeSet<T> {
    fn merge(&mut self, other: Self) {
        self.extend(other);
    }
}

impl<T: Data + Hash + Eq, S: BuildHasher + Default + Send + 'static> Accumulate for HashSet<T, S> {
    fn merge(&mut self, other: Self) {
        self.extend(other);
    }
}

impl<K: Data + Ord, V: Accumulate> Accumulate for BTreeMap<K, V> {
    fn merge(&mut self, other: Self) {
        for (key, value) in other {
            match self.get_mut(&key) {
                Some(own) => own.merge(value),
                None => drop(self.insert(key, value)),
            }
        }
    }
}

impl<K: Data + Hash + Eq, V: Accumulate, S: BuildHasher + Default + Send + 'static> Accumulate
    for HashMap<K, V, S>
{
    fn merge(&mut self, other: Self) {
        for (key, value) in other {
            match self.get_mut(&key) {
                Some(own) => own.merge(value),
                None => drop(self.insert(key, value)),
            }
        }
    }
}

impl<A: Accumulate, B: Accumulate> Accumulate for (A, B) {
    fn merge(&mut self, (a, b): Self) {
        self.0.merge(a);
        self.1.merge(b);
    }
}

impl<T: Accumulate> Accumulate for Option<T> {
    fn merge(&mut self, other: Self) {
        match (self.as_mut(), other) {
            (Some(own), Some(other)) => own.merge(other),
            (None, other) => *self = other,
            (Some(_), None) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn merged<T: Accumulate>(mut a: T, b: T) -> T {
        a.merge(b);
        a
    }

    #[test]
    fn numbers_add_up_and_collections_join() {
        assert_eq!((merged(250u8, 10), merged(1.5, 2.0)), (4, 3.5));
        assert_eq!(merged(vec![1, 2], vec![2]), [1, 2, 2]);
        assert_eq!(merged(BTreeSet::from([1, 2]), BTreeSet::from([2, 3])).len(), 3);
        assert_eq!(merged((1, "a".to_owned()), (2, "b".to_owned())), (3, "ab".to_owned()));
        assert_eq!(merged(None, Some(3)), merged(Some(3), None));
        let counts = merged(BTreeMap::from([('a', 1), ('b', 2)]), BTreeMap::from([('b', 5), ('c', 7)]));
        assert_eq!(counts, BTreeMap::from([('a', 1), ('b', 7), ('c', 7)]));
    }
}
