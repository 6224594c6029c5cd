//! The least records of many, in a bounded buffer.

use std::cmp::Ordering;

/// Keeps the `n` least of what it is given, those that came earlier among equals.
///
/// Cost: memory for 2 n; once it is full, most of what comes is dropped after one comparison.
pub(super) struct Least<T, C> {
    n: usize,
    compare: C,
    /// When `is_full`, the first `n` are sorted and the `n`th is the bar for what may still come in.
    kept: Vec<T>,
    is_full: bool,
}

impl<T, C: Fn(&T, &T) -> Ordering> Least<T, C> {
    pub(super) fn new(n: usize, compare: C) -> Self {
        Least { n, compare, kept: Vec::new(), is_full: false }
    }

    #[inline]
    pub(super) fn push(&mut self, item: T) {
        if self.n == 0 || self.is_full && (self.compare)(&self.kept[self.n - 1], &item).is_le() {
            return;
        }
        self.kept.push(item);
        if self.kept.len() >= self.n.saturating_add(self.n.max(64)) {
            self.shrink();
            self.is_full = true;
        }
    }

    fn shrink(&mut self) {
        self.kept.sort_by(&self.compare);
        self.kept.truncate(self.n);
    }

    /// What was kept, the least first.
    pub(super) fn finish(mut self) -> Vec<T> {
        self.shrink();
        self.kept
    }
}

#[cfg(test)]
mod tests {
    use super::Least;

    proptest::proptest! {
        #[test]
        fn it_keeps_what_a_stable_sort_puts_first(items in proptest::collection::vec(0u8..20, 0..600), n in 0usize..90) {
            let items: Vec<_> = items.into_iter().zip(0..).collect();
            let mut least = Least::new(n, |a: &(u8, i32), b: &(u8, i32)| a.0.cmp(&b.0));
            for item in &items {
                least.push(*item);
            }
            let mut sorted = items;
            sorted.sort_by_key(|item| item.0);
            sorted.truncate(n);
            assert_eq!(least.finish(), sorted);
        }
    }
}
