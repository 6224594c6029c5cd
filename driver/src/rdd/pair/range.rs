//! Keys spread by range: partitions in order, of about equal size, with bounds from a sample of the keys.

use crate::{
    rdd::{
        Dependency, Partitioning, Rdd, action::PartitionAction, draw::Draws, gather::Gathered,
        partitioner::Spread,
    },
    value::Captured,
};
use rsk_executor::TaskContext;
use rsk_proto::{CodecError, Data, Decoder, Encoder};
use std::cmp::Ordering;

/// So many keys are wanted for each partition of the result, and as many in all at most.
const SAMPLE_PER_PARTITION: usize = 20;
const SAMPLE_MAX: usize = 1_000_000;
/// Each partition gives so many times its share, because partitions differ.
const OVERSAMPLE: usize = 3;
/// And at least so many, while all together stay below the maximum: one partition may hold most of the keys.
const SAMPLE_MIN: usize = 256;
const SEED: u64 = 0x72_616e_6765;

/// Spreads keys by bounds that a stage of its own finds when they are first needed.
#[derive(Debug)]
pub(crate) struct RangePartitioner<K: Send + Sync + 'static> {
    partitions: usize,
    descending: bool,
    /// Nothing for one partition, which needs no bounds.
    bounds: Option<Gathered<Vec<K>>>,
    /// The bounds in an executor, where each key asks for them.
    here: Option<Captured<Vec<K>>>,
}

impl<K: Data + Sync + Ord> RangePartitioner<K> {
    pub(crate) fn new<P: Rdd<Item = (K, V)>, V>(parent: &P, partitions: usize, descending: bool) -> Self {
        let bounds = (partitions > 1).then(|| {
            let sample = Sample { size: sample_size(partitions, parent.partitions()) };
            Gathered::new(parent, "bounds of a sort", sample, move |parts| bounds_of(parts, partitions))
        });
        RangePartitioner { partitions, descending, bounds, here: None }
    }

    fn place(&self, bounds: &[K], key: &K) -> usize {
        let place = bounds.partition_point(|bound| bound < key);
        if self.descending { bounds.len() - place } else { place }
    }
}

/// How many keys each of `parents` partitions gives.
fn sample_size(partitions: usize, parents: usize) -> usize {
    let wanted = partitions.saturating_mul(SAMPLE_PER_PARTITION).min(SAMPLE_MAX);
    let share = (wanted * OVERSAMPLE).div_ceil(parents.max(1));
    share.max(SAMPLE_MIN.min(SAMPLE_MAX / parents.max(1))).max(1)
}

impl<K: Send + Sync + 'static> Clone for RangePartitioner<K> {
    fn clone(&self) -> Self {
        RangePartitioner { bounds: self.bounds.clone(), here: self.here.clone(), ..*self }
    }
}

impl<K: Data + Sync> PartialEq for RangePartitioner<K> {
    fn eq(&self, other: &Self) -> bool {
        match (&self.bounds, &other.bounds) {
            (None, None) => true,
            (Some(own), Some(bounds)) => own.is(bounds) && self.descending == other.descending,
            _ => false,
        }
    }
}

impl<K: Data + Sync + Ord> Spread<K> for RangePartitioner<K> {
    fn partitions(&self) -> usize {
        self.partitions
    }

    #[inline]
    fn partition(&self, key: &K) -> usize {
        match (&self.here, &self.bounds) {
            (Some(bounds), _) => self.place(bounds.get(), key),
            // In the driver, once the bounds are there.
            (None, Some(bounds)) => bounds.get().map_or(0, |bounds| self.place(bounds.get(), key)),
            (None, None) => 0,
        }
    }

    fn is_known(&self) -> bool {
        self.bounds.as_ref().is_none_or(|bounds| bounds.get().is_some())
    }

    fn name(&self) -> &'static str {
        "of a sort"
    }

    fn dependencies(&self, to: &mut Vec<Dependency>) {
        if let Some(bounds) = &self.bounds {
            bounds.dependency(to);
        }
    }

    fn encode(&self, to: &mut Encoder) {
        to.put(&(self.partitions, self.descending, self.bounds.is_some()));
        if let Some(bounds) = &self.bounds {
            bounds.encode(to);
        }
    }

    fn decode(from: &mut Decoder<'_>) -> Result<Self, CodecError> {
        let (partitions, descending, has_bounds) = from.get()?;
        let bounds = if has_bounds { Some(Gathered::decode(from)?) } else { None };
        let here = bounds.as_ref().and_then(Gathered::get);
        Ok(RangePartitioner { partitions, descending, bounds, here })
    }

    fn partitioning(&self) -> Partitioning {
        Partitioning::by::<K, _>(self)
    }
}

/// Draws keys of one partition, each with the same chance (Vitter's algorithm R), and counts all.
#[derive(Debug, Clone, Copy)]
struct Sample {
    size: usize,
}

impl<K: Data, V> PartitionAction<(K, V)> for Sample {
    type Out = (u64, Vec<K>);

    fn run(&self, items: impl Iterator<Item = (K, V)>, task: &TaskContext) -> (u64, Vec<K>) {
        let mut draws = Draws::of(SEED, task.attempt().partition);
        let (mut count, mut drawn) = (0, Vec::new());
        items.for_each(|(key, _)| {
            count += 1;
            if drawn.len() < self.size {
                drawn.push(key);
            } else if let Some(place) = drawn.get_mut(rsk_proto::to_usize(draws.below(count))) {
                *place = key;
            }
        });
        (count, drawn)
    }

    fn encode(&self, to: &mut Encoder) {
        to.put(&self.size);
    }

    fn decode(from: &mut Decoder<'_>) -> Result<Self, CodecError> {
        Ok(Sample { size: from.get()? })
    }
}

/// The last keys of all ranges but the last one; fewer where one key fills several ranges.
///
/// Each candidate stands for as many keys as its partition has for each key it gave. Exact in integers: a weight is
/// counted in parts of 2^20.
fn bounds_of<K: Ord>(parts: Vec<(u64, Vec<K>)>, partitions: usize) -> Vec<K> {
    let mut candidates: Vec<(K, u128)> = Vec::new();
    for (count, keys) in parts {
        let weight = (u128::from(count) << 20) / (keys.len().max(1) as u128);
        candidates.extend(keys.into_iter().map(|key| (key, weight)));
    }
    candidates.sort_by(|a, b| a.0.cmp(&b.0));
    let total: u128 = candidates.iter().map(|(_, weight)| weight).sum();
    let (mut bounds, mut passed, mut ended): (Vec<K>, u128, u128) = (Vec::new(), 0, 0);
    for (key, weight) in candidates {
        passed += weight;
        // How many ranges of equal size end here or before.
        let ends = passed * (partitions as u128) / total.max(1);
        if ends > ended && bounds.len() + 1 < partitions {
            ended = ends;
            if bounds.last().is_none_or(|last| last.cmp(&key) == Ordering::Less) {
                bounds.push(key);
            }
        }
    }
    bounds
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rdd::Transform;

    #[test]
    fn bounds_cut_weighted_keys_into_equal_ranges() {
        let all = |parts| bounds_of(parts, 4);
        assert_eq!(all(vec![(100, (0..100).collect())]), [24, 49, 74]);
        // The second partition's ten keys stand for a thousand.
        assert_eq!(all(vec![(10, (0..10).collect()), (1000, (100..110).collect())]), [102, 104, 107]);
    }

    #[test]
    fn a_key_is_a_bound_once_and_no_key_is_none() {
        assert_eq!(bounds_of(vec![(100, vec![7; 100])], 10), [7]);
        assert_eq!(bounds_of(vec![(0, Vec::<i32>::new()); 3], 10), [0; 0]);
        assert_eq!(bounds_of(vec![(2, vec![1, 2])], 100), [1, 2]);
    }

    #[test]
    fn one_partition_needs_no_sample() {
        let pairs = crate::Context::new("local").unwrap().range(0..10, 2).map(|n| (n, n));
        let needs = |partitions| {
            let mut needs = Vec::new();
            RangePartitioner::<u64>::new(&pairs, partitions, false).dependencies(&mut needs);
            needs.len()
        };
        assert_eq!((needs(1), needs(2)), (0, 1));
    }

    #[test]
    fn samples_are_bounded_whatever_the_numbers_of_partitions() {
        for (partitions, parents) in
            [(2, 1), (100, 100), (100_000, 1), (100_000, 10_000), (2, 100_000), (1, 0)]
        {
            let size = sample_size(partitions, parents);
            assert!(
                size >= 1 && size * parents <= SAMPLE_MAX * OVERSAMPLE + parents,
                "{partitions} {parents}"
            );
        }
        assert_eq!(sample_size(100, 10), 600);
        assert_eq!(sample_size(100, 100), 256);
    }
}
