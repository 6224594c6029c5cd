//! What each operator gives on a plain vector.

use crate::op::{Op, Outer, Pair};
use std::collections::{BTreeMap, BTreeSet};

/// Values by key, each key's in order.
type ByKey = BTreeMap<u32, Vec<i64>>;

pub(crate) fn apply(pairs: Vec<Pair>, op: &Op) -> Vec<Pair> {
    match op {
        Op::Map(by) => pairs.into_iter().map(|(key, value)| ((key + by) % 40, value)).collect(),
        Op::Filter(of) => pairs.into_iter().filter(|(key, _)| key % of != 0).collect(),
        Op::FlatMap(times) => pairs.into_iter().flat_map(|pair| vec![pair; *times]).collect(),
        Op::MapValues(by) => pairs.into_iter().map(|(key, value)| (key, value.wrapping_add(*by))).collect(),
        Op::Total => vec![(7, sum(pairs.iter().map(|(_, value)| value)))],
        Op::Sums(_) => each_key(&pairs, |values| sum(values)),
        Op::Groups(_) | Op::Greatest(_) => each_key(&pairs, |values| *values.iter().max().unwrap()),
        Op::Least(_) => each_key(&pairs, |values| *values.iter().min().unwrap()),
        Op::Counts(_) => each_key(&pairs, |values| i64::try_from(values.len()).unwrap()),
        Op::Distinct => pairs.into_iter().collect::<BTreeSet<_>>().into_iter().collect(),
        Op::Union => [pairs.clone(), pairs].concat(),
        Op::UnionWith(other) => [pairs, other.clone()].concat(),
        Op::Intersection(_) => {
            pairs.into_iter().filter(|(key, _)| key % 2 == 0).collect::<BTreeSet<_>>().into_iter().collect()
        }
        Op::Zip => pairs.into_iter().map(|(key, value)| (key, value.wrapping_add(!value))).collect(),
        Op::Join(other) => joined(&pairs, other, None),
        Op::OuterJoin(outer, other) => joined(&pairs, other, Some(*outer)),
        Op::Cogroup(other) => cogrouped(&[&pairs, other]),
        Op::Cogroup3(second, third) => cogrouped(&[&pairs, second, third]),
        Op::Subtract(other) => {
            let other = by_key(other);
            pairs.into_iter().filter(|(key, _)| !other.contains_key(key)).collect()
        }
        Op::Index(_) => {
            let records = i64::try_from(pairs.len()).unwrap();
            let indexes = (records > 0).then_some((39, records * (records - 1) / 2));
            pairs.into_iter().chain(indexes).collect()
        }
        Op::Sort(_)
        | Op::SortDescending(_)
        | Op::SortWithin(_)
        | Op::Repartition(_)
        | Op::Coalesce(_)
        | Op::PartitionBy(_)
        | Op::Glom
        | Op::UniqueId
        | Op::Sample(_)
        | Op::Persist(_)
        | Op::ByRef(_)
        | Op::Checkpoint
        | Op::Fault => pairs,
    }
}

fn sum<'a>(values: impl IntoIterator<Item = &'a i64>) -> i64 {
    values.into_iter().fold(0, |sum, value| sum.wrapping_add(*value))
}

fn by_key(pairs: &[Pair]) -> ByKey {
    let mut values = ByKey::new();
    pairs.iter().for_each(|(key, value)| values.entry(*key).or_default().push(*value));
    values
}

fn each_key(pairs: &[Pair], merge: impl Fn(&[i64]) -> i64) -> Vec<Pair> {
    by_key(pairs).into_iter().map(|(key, values)| (key, merge(&values))).collect()
}

/// Every pair of values of a key added up; a value that is missing counts 7 on the right and -5 on the left.
fn joined(left: &[Pair], right: &[Pair], outer: Option<Outer>) -> Vec<Pair> {
    let (left, right) = (by_key(left), by_key(right));
    let keys: BTreeSet<u32> = left.keys().chain(right.keys()).copied().collect();
    let side = |side: &ByKey, key: &u32, keeps_other: bool, instead: i64| {
        let nothing = if keeps_other { vec![instead] } else { Vec::new() };
        side.get(key).cloned().unwrap_or(nothing)
    };
    let mut all = Vec::new();
    for key in keys {
        let of_left = side(&left, &key, matches!(outer, Some(Outer::Right | Outer::Full)), -5);
        let of_right = side(&right, &key, matches!(outer, Some(Outer::Left | Outer::Full)), 7);
        for a in of_left {
            all.extend(of_right.iter().map(|b| (key, a.wrapping_add(*b))));
        }
    }
    all
}

/// Of each key the sums of its values: the first side's once, the second's twice, the third's three times.
fn cogrouped(sides: &[&[Pair]]) -> Vec<Pair> {
    let mut sums = BTreeMap::<u32, i64>::new();
    for (side, times) in sides.iter().zip(1i64..) {
        for (key, value) in *side {
            let sum = sums.entry(*key).or_default();
            *sum = sum.wrapping_add(value.wrapping_mul(times));
        }
    }
    sums.into_iter().collect()
}
