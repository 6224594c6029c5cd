//! What each operator is on an RDD.

use crate::{
    fault,
    op::{Op, Outer, Pair},
};
use rsk::{Context, prelude::*, rdd::BoxedRdd};

/// The lineage with one operator more; `faults` is the folder where they lie.
pub(crate) fn apply(ctx: &Context, rdd: &BoxedRdd<Pair>, op: &Op, faults: &str) -> BoxedRdd<Pair> {
    let other = |pairs: &[Pair]| ctx.parallelize(pairs.to_vec(), 2).unwrap();
    match op {
        Op::Map(by) => rdd.with(*by).map(|by, (key, value)| ((key + by) % 40, value)).boxed(),
        Op::Filter(of) => rdd.with(*of).filter(|of, (key, _)| key % of != 0).boxed(),
        Op::FlatMap(times) => rdd.with(*times).flat_map(|times, pair| vec![pair; *times]).boxed(),
        Op::MapValues(by) => rdd.with(*by).map_values(|by, value| value.wrapping_add(*by)).boxed(),
        Op::Total => rdd
            .map_partitions(|pairs| [(7, sum(pairs.map(|(_, value)| value)))])
            .reduce_by_key(i64::wrapping_add)
            .boxed(),
        Op::Glom => rdd.glom().flat_map(|part| part).boxed(),
        Op::Sums(_)
        | Op::Groups(_)
        | Op::Counts(_)
        | Op::Greatest(_)
        | Op::Least(_)
        | Op::Cogroup(_)
        | Op::Cogroup3(..) => combined(rdd, op, other),
        Op::Distinct => rdd.distinct().boxed(),
        Op::Union => rdd.union(rdd).boxed(),
        Op::UnionWith(pairs) => rdd.union(&other(pairs)).boxed(),
        Op::Intersection(pairs) => {
            let even = rdd.union(&other(pairs)).filter(|(key, _)| key % 2 == 0);
            rdd.intersection(&even).boxed()
        }
        Op::Zip => {
            let inverse = rdd.map_values(|value| !value);
            let zipped = rdd.zip(&inverse).unwrap();
            zipped.map(|((key, value), (_, inverse))| (key, value.wrapping_add(inverse))).boxed()
        }
        Op::Join(pairs) => rdd.join(&other(pairs)).map_values(|(a, b)| a.wrapping_add(b)).boxed(),
        Op::OuterJoin(outer, pairs) => outer_joined(rdd, *outer, &other(pairs)),
        Op::Subtract(pairs) => rdd.subtract_by_key(&other(pairs)).boxed(),
        Op::Sort(n) => rdd.sort_by(|pair| *pair, *n).boxed(),
        Op::SortDescending(n) => rdd.map(|pair| (pair, ())).sort_by_key_descending(*n).keys().boxed(),
        Op::SortWithin(n) => rdd.repartition_and_sort_within_partitions(*n).unwrap().boxed(),
        Op::Repartition(n) => rdd.repartition(*n).unwrap().boxed(),
        Op::Coalesce(n) => rdd.coalesce(*n).unwrap().boxed(),
        Op::PartitionBy(n) => rdd.partition_by(*n).unwrap().boxed(),
        Op::Index(n) => indexed(rdd, *n),
        Op::UniqueId => {
            let by_id = rdd.zip_with_unique_id().map(|(pair, id)| (id, pair));
            // Were two alike, a record would be gone.
            by_id.reduce_by_key(|_, last| last).values().boxed()
        }
        Op::Sample(seed) => sampled(rdd, *seed),
        Op::Persist(level) => rdd.persist(*level).boxed(),
        Op::ByRef(level) => rdd.persist(*level).by_ref().map(|pair| *pair).boxed(),
        Op::Checkpoint => rdd.checkpoint().unwrap().boxed(),
        Op::Fault => rdd
            .with(faults.to_owned())
            .map(|faults, pair| {
                fault::inject(faults);
                pair
            })
            .boxed(),
    }
}

fn sum(values: impl IntoIterator<Item = i64>) -> i64 {
    values.into_iter().fold(0, i64::wrapping_add)
}

/// The operators that merge the values of a key.
fn combined<O: Rdd<Item = Pair>>(
    rdd: &BoxedRdd<Pair>,
    op: &Op,
    other: impl Fn(&[Pair]) -> O,
) -> BoxedRdd<Pair> {
    match op {
        Op::Sums(n) => rdd.reduce_by_key_into(i64::wrapping_add, *n).unwrap().boxed(),
        Op::Groups(n) => {
            let groups = rdd.group_by_key_into(*n).unwrap();
            groups.map_values(|values| values.into_iter().max().unwrap_or(0)).boxed()
        }
        Op::Counts(n) => {
            rdd.aggregate_by_key_into(0i64, |count, _| count + 1, |a, b| a + b, *n).unwrap().boxed()
        }
        Op::Greatest(n) => rdd.fold_by_key_into(i64::MIN, i64::max, *n).unwrap().boxed(),
        Op::Least(n) => rdd
            .combine_by_key_into(|value| value, |least: i64, value| least.min(value), i64::min, *n)
            .unwrap()
            .boxed(),
        Op::Cogroup(pairs) => rdd
            .cogroup(&other(pairs))
            .map_values(|(first, second)| sum(first).wrapping_add(sum(second).wrapping_mul(2)))
            .boxed(),
        Op::Cogroup3(second, third) => rdd
            .cogroup3(&other(second), &other(third))
            .map_values(|(first, second, third)| {
                let two = sum(first).wrapping_add(sum(second).wrapping_mul(2));
                two.wrapping_add(sum(third).wrapping_mul(3))
            })
            .boxed(),
        _ => unreachable!("it merges no values"),
    }
}

fn outer_joined<O: Rdd<Item = Pair>>(rdd: &BoxedRdd<Pair>, outer: Outer, other: &O) -> BoxedRdd<Pair> {
    match outer {
        Outer::Left => rdd.left_outer_join(other).map_values(|(a, b)| a.wrapping_add(b.unwrap_or(7))).boxed(),
        Outer::Right => {
            rdd.right_outer_join(other).map_values(|(a, b)| a.unwrap_or(-5).wrapping_add(b)).boxed()
        }
        Outer::Full => rdd
            .full_outer_join(other)
            .map_values(|(a, b)| a.unwrap_or(-5).wrapping_add(b.unwrap_or(7)))
            .boxed(),
    }
}

/// Distinct numbers from 0 whose sum is the least there can be are those from 0 to one less than their count: a record is
/// gone if two indexes are alike, and their sum is a record of its own.
fn indexed(rdd: &BoxedRdd<Pair>, partitions: usize) -> BoxedRdd<Pair> {
    let indexed = rdd.zip_with_index().map(|(pair, index)| (i64::try_from(index).unwrap(), pair));
    let sum = indexed.map(|(index, _)| (39, index)).reduce_by_key_into(|a, b| a + b, 1).unwrap();
    let by_index = indexed.reduce_by_key_into(|_, last| last, partitions).unwrap();
    by_index.values().union(&sum).boxed()
}

/// All of it, and what samples do wrong: of one seed they are the same, and nothing is drawn that is not there.
fn sampled(rdd: &BoxedRdd<Pair>, seed: u64) -> BoxedRdd<Pair> {
    let kept = rdd.cache();
    let drawn = || kept.sample(false, 0.5, seed).unwrap();
    let differing = drawn().zip(&drawn()).unwrap().filter(|(a, b)| a != b).map(|(a, _)| a);
    let invented = drawn().union(&kept.sample(true, 0.5, seed).unwrap()).subtract(&kept);
    let all = kept.union(&differing).union(&invented);
    all.coalesce(kept.partitions()).unwrap().boxed()
}
