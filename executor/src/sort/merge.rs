//! Several sorted runs as one.

use super::order::Order;
use std::{cmp::Ordering, marker::PhantomData, mem};

/// A tree of losers: the winner goes on, and who takes its place meets those it beat on its way up, one comparison a
/// level. A run that is at its end loses to all. Of equal records that of the earlier run comes first.
pub(super) struct Merge<T, O: Order<T>, I> {
    order: O,
    runs: Vec<I>,
    heads: Vec<Option<O::Item>>,
    /// `losers[0]` is the winner of all; of the pair at `n` the loser is at `n`, and the pair above at `n / 2`.
    losers: Vec<usize>,
    of: PhantomData<fn() -> T>,
}

impl<T, O: Order<T>, I: Iterator<Item = T>> Merge<T, O, I> {
    pub(super) fn new(order: O, runs: impl Iterator<Item = I>) -> Self {
        let mut runs: Vec<I> = runs.collect();
        let heads = runs.iter_mut().map(|run| run.next().map(|record| order.item(record))).collect();
        let mut merge = Merge { order, losers: vec![0; runs.len()], runs, heads, of: PhantomData };
        if !merge.runs.is_empty() {
            merge.losers[0] = merge.play(1);
        }
        merge
    }

    /// Lets the runs below the pair at `at` play; answers the winner.
    fn play(&mut self, at: usize) -> usize {
        if at >= self.runs.len() {
            return at - self.runs.len();
        }
        let (left, right) = (self.play(2 * at), self.play(2 * at + 1));
        let (winner, loser) = if self.beats(left, right) { (left, right) } else { (right, left) };
        self.losers[at] = loser;
        winner
    }

    #[inline]
    fn beats(&self, a: usize, b: usize) -> bool {
        match (&self.heads[a], &self.heads[b]) {
            (Some(head), Some(other)) => match self.order.compare(head, other) {
                Ordering::Less => true,
                Ordering::Equal => a < b,
                Ordering::Greater => false,
            },
            (head, _) => head.is_some(),
        }
    }
}

impl<T, O: Order<T>, I: Iterator<Item = T>> Iterator for Merge<T, O, I> {
    type Item = T;

    fn next(&mut self) -> Option<T> {
        let mut winner = *self.losers.first()?;
        let next = self.runs[winner].next().map(|record| self.order.item(record));
        let item = mem::replace(&mut self.heads[winner], next)?;
        let leaf = self.runs.len() + winner;
        let mut at = leaf / 2;
        while at > 0 {
            if self.beats(self.losers[at], winner) {
                mem::swap(&mut self.losers[at], &mut winner);
            }
            at /= 2;
        }
        self.losers[0] = winner;
        Some(O::record(item))
    }
}
