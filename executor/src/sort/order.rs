//! What comes first, and what is held beside a record to find it out fast.

use super::prefix_of_bytes;
use std::cmp::Ordering;

/// An order of records of type `T`.
pub(super) trait Order<T>: Clone + 'static {
    /// A record with what is held beside it.
    type Item: 'static;

    fn item(&self, record: T) -> Self::Item;
    fn record(item: Self::Item) -> T;
    fn compare(&self, a: &Self::Item, b: &Self::Item) -> Ordering;

    /// Equal records stay as they are.
    fn sort(&self, items: &mut [Self::Item]) {
        items.sort_by(|a, b| self.compare(a, b));
    }
}

/// Compares whole records.
#[derive(Clone)]
pub(super) struct Whole<F>(pub(super) F);

impl<T: 'static, F: Fn(&T, &T) -> Ordering + Clone + 'static> Order<T> for Whole<F> {
    type Item = T;

    fn item(&self, record: T) -> T {
        record
    }

    fn record(item: T) -> T {
        item
    }

    #[inline]
    fn compare(&self, a: &T, b: &T) -> Ordering {
        (self.0)(a, b)
    }
}

/// Compares the bytes of pairs' keys, the first eight as a number that lies beside the pair: few keys are fetched from
/// elsewhere in memory.
#[derive(Clone)]
pub(super) struct ByBytes<F> {
    pub(super) bytes: F,
    pub(super) is_descending: bool,
}

impl<K, V, F> Order<(K, V)> for ByBytes<F>
where
    K: 'static,
    V: 'static,
    F: Fn(&K) -> &[u8] + Clone + 'static,
{
    type Item = (u64, (K, V));

    fn item(&self, pair: (K, V)) -> (u64, (K, V)) {
        (prefix_of_bytes((self.bytes)(&pair.0)), pair)
    }

    fn record(item: (u64, (K, V))) -> (K, V) {
        item.1
    }

    #[inline]
    fn compare(&self, a: &(u64, (K, V)), b: &(u64, (K, V))) -> Ordering {
        let (a, b) = if self.is_descending { (b, a) } else { (a, b) };
        a.0.cmp(&b.0).then_with(|| (self.bytes)(&a.1.0).cmp((self.bytes)(&b.1.0)))
    }
}
