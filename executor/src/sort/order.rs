//! What comes first, and what is held beside a record to find it out fast.

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

/// Compares a number first, which lies beside the record: no key is fetched from elsewhere in memory for that.
#[derive(Clone)]
pub(super) struct Prefixed<P, F> {
    pub(super) prefix: P,
    pub(super) compare: F,
}

impl<T, P, F> Order<T> for Prefixed<P, F>
where
    T: 'static,
    P: Fn(&T) -> u64 + Clone + 'static,
    F: Fn(&T, &T) -> Ordering + Clone + 'static,
{
    type Item = (u64, T);

    fn item(&self, record: T) -> (u64, T) {
        ((self.prefix)(&record), record)
    }

    fn record(item: (u64, T)) -> T {
        item.1
    }

    #[inline]
    fn compare(&self, a: &(u64, T), b: &(u64, T)) -> Ordering {
        a.0.cmp(&b.0).then_with(|| (self.compare)(&a.1, &b.1))
    }
}
