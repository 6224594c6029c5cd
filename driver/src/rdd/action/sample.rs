//! `take_sample`: so many records at random, in one pass.

use super::{
    least::Least,
    result::{self, PartitionAction},
};
use crate::{
    Error, Result,
    rdd::{Rdd, draw::Draws},
};
use rsk_executor::TaskContext;
use rsk_proto::{CodecError, Data, Decoder, Encoder};
use std::{cmp::Reverse, collections::BinaryHeap};

/// Each record of a partition draws a number, and those with the least are kept. The least of all partitions together
/// are a sample of the whole, in random order.
#[derive(Clone)]
struct Distinct {
    n: usize,
    seed: u64,
}

impl<T: Data> PartitionAction<T> for Distinct {
    type Out = Vec<(u64, T)>;

    fn run(&self, items: impl Iterator<Item = T>, task: &TaskContext) -> Vec<(u64, T)> {
        let mut draws = Draws::of(self.seed, task.attempt().partition);
        let mut least = Least::new(self.n, |a: &(u64, T), b: &(u64, T)| a.0.cmp(&b.0));
        items.for_each(|item| least.push((draws.bits(), item)));
        least.finish()
    }

    fn encode(&self, to: &mut Encoder) {
        to.put(&(self.n, self.seed));
    }

    fn decode(from: &mut Decoder<'_>) -> Result<Self, CodecError> {
        from.get().map(|(n, seed)| Distinct { n, seed })
    }
}

pub(super) fn without_replacement<R>(rdd: &R, n: usize, seed: u64) -> Result<Vec<R::Item>>
where
    R: Rdd<Item: Data>,
{
    let mut least = Least::new(n, |a: &(u64, R::Item), b: &(u64, R::Item)| a.0.cmp(&b.0));
    result::run(rdd, &Distinct { n, seed }, |part: Vec<(u64, R::Item)>| {
        for drawn in part {
            least.push(drawn);
        }
    })?;
    Ok(least.finish().into_iter().map(|(_, item)| item).collect())
}

/// `n` samples of one record each, all independent. A sample takes the `i`th record in place of what it has with
/// probability 1/i; from one exchange to the next it is known how many records it lets pass, so that a record costs one
/// comparison whatever `n` is.
#[derive(Clone)]
struct Independent {
    n: usize,
    seed: u64,
}

impl<T: Data + Clone> PartitionAction<T> for Independent {
    /// How many records there are, and the samples: none, or all of them.
    type Out = (u64, Vec<T>);

    fn run(&self, items: impl Iterator<Item = T>, task: &TaskContext) -> (u64, Vec<T>) {
        let mut draws = Draws::of(self.seed, task.attempt().partition);
        let mut exchanges = BinaryHeap::new();
        let (mut count, mut samples) = (0, Vec::new());
        items.for_each(|item| {
            count += 1;
            if count == 1 {
                samples = vec![item; self.n];
                exchanges =
                    (0..self.n).map(|sample| Reverse((next_exchange(1, &mut draws), sample))).collect();
                return;
            }
            while let Some(mut due) = exchanges.peek_mut().filter(|due| due.0.0 == count) {
                let Reverse((at, sample)) = &mut *due;
                samples[*sample] = item.clone();
                *at = next_exchange(count, &mut draws);
            }
        });
        (count, samples)
    }

    fn encode(&self, to: &mut Encoder) {
        to.put(&(self.n, self.seed));
    }

    fn decode(from: &mut Decoder<'_>) -> Result<Self, CodecError> {
        from.get().map(|(n, seed)| Independent { n, seed })
    }
}

/// Where a sample that has just taken record `at`, counted from 1, takes its next one: beyond `j` with probability
/// `at / j`.
#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a probability needs no more precision, and beyond all records is never"
)]
fn next_exchange(at: u64, draws: &mut Draws) -> u64 {
    ((at as f64 / (1.0 - draws.fraction())) as u64).max(at).saturating_add(1)
}

pub(super) fn with_replacement<R>(rdd: &R, n: usize, seed: u64) -> Result<Vec<R::Item>>
where
    R: Rdd<Item: Data + Clone>,
{
    // Each task holds all of them: a number that no memory has room for is refused before it is asked for.
    let bytes = n.saturating_mul(size_of::<R::Item>().max(1)) as u64;
    let limit = rdd.context().config().memory.0;
    if bytes > limit {
        return Err(Error::Argument(format!(
            "a sample of {n} records takes {bytes} bytes, more than memory={limit}"
        )));
    }
    let mut draws = Draws::of_driver(seed);
    let (mut count, mut samples) = (0, Vec::new());
    result::run(rdd, &Independent { n, seed }, |(more, part): (u64, Vec<R::Item>)| {
        count += more;
        if samples.is_empty() {
            samples = part;
        } else {
            for (sample, other) in samples.iter_mut().zip(part) {
                if draws.below(count) < more {
                    *sample = other;
                }
            }
        }
    })?;
    Ok(samples)
}
