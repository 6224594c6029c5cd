//! Operators by key and wide operators against plain collections, and what each must get right at its edges.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use proptest::prelude::*;
use rsk::{Config, Context, prelude::*, rdd::Partitioner};
use serde::{Deserialize, Serialize};
use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

fn local(slots: usize) -> Context {
    Context::new(&format!("local[{slots}]")).unwrap()
}

fn sorted<T: Ord>(mut all: Vec<T>) -> Vec<T> {
    all.sort();
    all
}

/// Values of each key, in order.
fn grouped<K: Ord + Copy, V: Clone>(pairs: &[(K, V)]) -> BTreeMap<K, Vec<V>> {
    let mut groups = BTreeMap::<K, Vec<V>>::new();
    for (key, value) in pairs {
        groups.entry(*key).or_default().push(value.clone());
    }
    groups
}

fn or_none<V: Copy>(values: &[V]) -> Vec<Option<V>> {
    if values.is_empty() { vec![None] } else { values.iter().copied().map(Some).collect() }
}

type Pairs = Vec<(i8, u16)>;
type Product = Vec<(i8, (Option<u16>, Option<u16>))>;

fn pairs() -> impl Strategy<Value = Pairs> {
    // Few keys of both signs, so that each side has keys of its own, shared ones and equal ones.
    prop::collection::vec((-6i8..6, any::<u16>()), 0..50)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn combines_agree_with_a_map(input in pairs(), parts in 1usize..9, reducers in 1usize..9, slots in 1usize..4) {
        let ctx = local(slots);
        let rdd = ctx.parallelize(input.clone(), parts).unwrap();
        let model = grouped(&input);
        let sums: Vec<_> = model.iter().map(|(k, vs)| (*k, vs.iter().map(|v| u64::from(*v)).sum::<u64>())).collect();
        let wide = rdd.map_values(u64::from);

        let groups = rdd.group_by_key_into(reducers).unwrap();
        prop_assert_eq!(groups.collect().unwrap(), groups.collect().unwrap(), "a run repeated gives the same order");
        prop_assert_eq!(groups.partitions(), reducers);
        prop_assert_eq!(sorted(groups.collect().unwrap()), model.clone().into_iter().collect::<Vec<_>>());
        prop_assert_eq!(sorted(rdd.group_by_key().collect().unwrap()), model.clone().into_iter().collect::<Vec<_>>());
        prop_assert_eq!(sorted(wide.reduce_by_key(|a, b| a + b).collect().unwrap()), sums.clone());
        let into = wide.reduce_by_key_into(|a, b| a + b, reducers).unwrap();
        prop_assert_eq!(sorted(into.collect().unwrap()), sums.clone());
        prop_assert_eq!(sorted(wide.fold_by_key(0, |a, b| a + b).collect().unwrap()), sums.clone());
        let aggregated = rdd.aggregate_by_key_into(0u64, |a, b| a + u64::from(b), |a, b| a + b, reducers).unwrap();
        prop_assert_eq!(sorted(aggregated.collect().unwrap()), sums.clone());
        let lists = rdd.combine_by_key(
            |v| vec![v],
            |mut list, v| { list.push(v); list },
            |mut list, more| { list.extend(more); list },
        );
        prop_assert_eq!(sorted(lists.collect().unwrap()), model.into_iter().collect::<Vec<_>>());
        let by_parity = sorted(rdd.group_by_into(|(_, v)| v % 2, reducers).unwrap().collect().unwrap());
        let parities: Vec<_> = input.iter().map(|pair| (pair.1 % 2, *pair)).collect();
        prop_assert_eq!(by_parity, grouped(&parities).into_iter().collect::<Vec<_>>());
    }

    #[test]
    fn cogroups_and_joins_agree_with_maps(
        left in pairs(), right in pairs(), parts in 1usize..6, others in 1usize..6, reducers in 1usize..9,
    ) {
        let ctx = local(2);
        let (a, b) = (ctx.parallelize(left.clone(), parts).unwrap(), ctx.parallelize(right.clone(), others).unwrap());
        let (lefts, rights) = (grouped(&left), grouped(&right));
        let none = Vec::new();
        let keys: BTreeSet<_> = lefts.keys().chain(rights.keys()).copied().collect();
        let of = |side: &BTreeMap<i8, Vec<u16>>, key: &i8| side.get(key).unwrap_or(&none).clone();
        let both: Vec<_> = keys.iter().map(|k| (*k, (of(&lefts, k), of(&rights, k)))).collect();

        let cogroup = a.cogroup_into(&b, reducers).unwrap();
        prop_assert_eq!(cogroup.partitions(), reducers);
        prop_assert_eq!(sorted(cogroup.collect().unwrap()), both.clone());
        prop_assert_eq!(sorted(a.cogroup(&b).collect().unwrap()), both.clone());
        let three: Vec<_> = both.iter().map(|(k, (l, r))| (*k, (l.clone(), r.clone(), l.clone()))).collect();
        prop_assert_eq!(sorted(a.cogroup3(&b, &a).collect().unwrap()), three.clone());
        prop_assert_eq!(sorted(a.cogroup3_into(&b, &a, reducers).unwrap().collect().unwrap()), three);

        let product: Vec<_> = both.iter().flat_map(|(k, (l, r))| {
            let rights = or_none(r);
            or_none(l).into_iter().flat_map(move |l| rights.clone().into_iter().map(move |r| (*k, (l, r))))
        }).collect();
        // Stable by key, so that the order of a key's values is compared too.
        let by_key = |mut all: Product| { all.sort_by_key(|(k, _)| *k); all };
        let some = |(k, (l, r)): (i8, (u16, u16))| (k, (Some(l), Some(r)));
        let only = |keep: fn(&(Option<u16>, Option<u16>)) -> bool| {
            product.iter().copied().filter(|(_, pair)| keep(pair)).collect::<Vec<_>>()
        };
        let inner = only(|(l, r)| l.is_some() && r.is_some());
        prop_assert_eq!(by_key(a.join(&b).map(some).collect().unwrap()), inner.clone());
        let into = a.join_into(&b, reducers).unwrap();
        prop_assert_eq!(by_key(into.map(some).collect().unwrap()), inner);
        let outer = a.left_outer_join(&b).map(|(k, (l, r))| (k, (Some(l), r)));
        prop_assert_eq!(by_key(outer.collect().unwrap()), only(|(l, _)| l.is_some()));
        let outer = a.right_outer_join_into(&b, reducers).unwrap().map(|(k, (l, r))| (k, (l, Some(r))));
        prop_assert_eq!(by_key(outer.collect().unwrap()), only(|(_, r)| r.is_some()));
        prop_assert_eq!(by_key(a.full_outer_join(&b).collect().unwrap()), product.clone());

        let mut rest = a.subtract_by_key(&b).collect().unwrap();
        rest.sort_by_key(|(k, _)| *k);
        let expected = lefts.iter().filter(|(k, _)| !rights.contains_key(k));
        let expected: Vec<_> = expected.flat_map(|(k, vs)| vs.iter().map(|v| (*k, *v))).collect();
        prop_assert_eq!(rest, expected);
    }

    #[test]
    fn sorts_agree_with_a_stable_sort(
        input in pairs(), parts in 1usize..9, sorted_into in 1usize..40, slots in 1usize..4,
    ) {
        let ctx = local(slots);
        let rdd = ctx.parallelize(input.clone(), parts).unwrap();
        let (mut up, mut down, mut by_value) = (input.clone(), input.clone(), input.clone());
        up.sort_by_key(|(k, _)| *k);
        down.sort_by_key(|(k, _)| Reverse(*k));
        by_value.sort_by_key(|(_, v)| v % 7);
        prop_assert_eq!(rdd.sort_by_key(sorted_into).partitions(), sorted_into);
        prop_assert_eq!(rdd.sort_by_key(sorted_into).collect().unwrap(), up);
        prop_assert_eq!(rdd.sort_by_key_descending(sorted_into).collect().unwrap(), down);
        prop_assert_eq!(rdd.sort_by(|(_, v)| v % 7, sorted_into).collect().unwrap(), by_value.clone());
        prop_assert_eq!(rdd.with(7u16).sort_by(|n, (_, v)| v % n, sorted_into).collect().unwrap(), by_value);
        let within = rdd.repartition_and_sort_within_partitions(sorted_into).unwrap();
        let glommed = within.map_partitions(|items| [items.collect::<Vec<_>>()]).collect().unwrap();
        prop_assert_eq!(glommed.len(), sorted_into);
        prop_assert!(glommed.iter().all(|part| part.is_sorted_by_key(|(k, _)| *k)));
        prop_assert_eq!(sorted(glommed.concat()), sorted(input));
    }

    #[test]
    fn sets_agree_with_sets(
        left in prop::collection::vec(-9i32..9, 0..40), right in prop::collection::vec(-9i32..9, 0..40),
        parts in 1usize..6, others in 1usize..6, reducers in 1usize..9,
    ) {
        let ctx = local(2);
        let (a, b) = (ctx.parallelize(left.clone(), parts).unwrap(), ctx.parallelize(right.clone(), others).unwrap());
        let (lefts, rights): (BTreeSet<_>, BTreeSet<_>) = (left.iter().copied().collect(), right.into_iter().collect());
        let distinct: Vec<_> = lefts.iter().copied().collect();
        prop_assert_eq!(sorted(a.distinct().collect().unwrap()), distinct.clone());
        prop_assert_eq!(sorted(a.distinct_into(reducers).unwrap().collect().unwrap()), distinct);
        let both: Vec<_> = lefts.intersection(&rights).copied().collect();
        prop_assert_eq!(sorted(a.intersection(&b).collect().unwrap()), both.clone());
        prop_assert_eq!(sorted(a.intersection_into(&b, reducers).unwrap().collect().unwrap()), both);
        let rest = sorted(left.iter().copied().filter(|x| !rights.contains(x)).collect());
        prop_assert_eq!(sorted(a.subtract(&b).collect().unwrap()), rest.clone());
        prop_assert_eq!(a.subtract(&b).partitions(), parts);
        prop_assert_eq!(sorted(a.subtract_into(&b, reducers).unwrap().collect().unwrap()), rest);

        let dealt = a.repartition(reducers).unwrap();
        let sizes = dealt.map_partitions(|items| [items.count()]).collect().unwrap();
        prop_assert_eq!(sizes.len(), reducers);
        // Each parent deals evenly, so two partitions differ by one a parent at most.
        prop_assert!(sizes.iter().max().unwrap() - sizes.iter().min().unwrap() <= parts);
        prop_assert_eq!(dealt.collect().unwrap(), dealt.collect().unwrap(), "a run repeated gives the same order");
        prop_assert_eq!(sorted(dealt.collect().unwrap()), sorted(left));
    }

    #[test]
    fn narrow_operators_agree_with_iterators(input in pairs(), parts in 1usize..9, seed: u64) {
        let ctx = local(2);
        let rdd = ctx.parallelize(input.clone(), parts).unwrap();
        prop_assert_eq!(rdd.keys().collect().unwrap(), input.iter().map(|(k, _)| *k).collect::<Vec<_>>());
        prop_assert_eq!(rdd.values().collect().unwrap(), input.iter().map(|(_, v)| *v).collect::<Vec<_>>());
        let mapped: Vec<_> = input.iter().map(|(k, v)| (*k, u32::from(*v) + 1)).collect();
        prop_assert_eq!(rdd.map_values(|v| u32::from(v) + 1).collect().unwrap(), mapped.clone());
        prop_assert_eq!(rdd.with(1u32).map_values(|one, v| u32::from(v) + one).collect().unwrap(), mapped);
        let flat: Vec<_> = input.iter().flat_map(|(k, v)| (0..v % 3).map(move |n| (*k, n))).collect();
        prop_assert_eq!(rdd.flat_map_values(|v| 0..v % 3).collect().unwrap(), flat.clone());
        prop_assert_eq!(rdd.with(3u16).flat_map_values(|n, v| 0..v % n).collect().unwrap(), flat);
        let all = rdd.sample_by_key((-6..6).map(|k| (k, 1.0)), seed).unwrap();
        prop_assert_eq!(all.collect().unwrap(), input.clone());
        let half = rdd.sample_by_key((-6..0).map(|k| (k, 0.5)), seed).unwrap();
        prop_assert_eq!(half.collect().unwrap(), half.collect().unwrap(), "a sample repeats itself");
        prop_assert!(half.collect().unwrap().iter().all(|pair| pair.0 < 0 && input.contains(pair)));
    }
}

/// A context whose files can be counted.
fn watched(dir: &Path) -> Context {
    let mut config = Config::default();
    config.set(&format!("work_dir={}", dir.display())).unwrap();
    Context::with_config("local[2]", config).unwrap()
}

fn map_outputs(dir: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path());
    let files = entries.flat_map(|path| if path.is_dir() { map_outputs(&path) } else { vec![path] });
    files.filter(|path| path.extension().is_some_and(|extension| extension == "data")).collect()
}

/// How many shuffles have left files.
fn shuffles(dir: &Path) -> usize {
    map_outputs(dir).iter().filter_map(|path| path.parent()).collect::<BTreeSet<_>>().len()
}

#[test]
fn group_by_key_keeps_all_duplicates_in_order() {
    let pairs = vec![(1, 'a'), (1, 'a'), (2, 'x'), (1, 'a'), (1, 'b')];
    for parts in [1, 2, 5, 9] {
        let groups = local(2).parallelize(pairs.clone(), parts).unwrap().group_by_key();
        assert_eq!(sorted(groups.collect().unwrap()), [(1, vec!['a', 'a', 'a', 'b']), (2, vec!['x'])]);
    }
}

#[test]
fn negative_and_equal_keys_stay_in_range_and_together() {
    let input: Vec<_> = (-500i64..500).flat_map(|key| [(key, 1u32), (key, 1)]).collect();
    let counts = local(2).parallelize(input, 7).unwrap().reduce_by_key_into(|a, b| a + b, 11).unwrap();
    let counts = sorted(counts.collect().unwrap());
    assert_eq!(counts, (-500..500).map(|key| (key, 2)).collect::<Vec<_>>());
}

#[test]
fn empty_partitions_and_empty_rdds_give_empty_partitions() {
    let ctx = local(2);
    let none = ctx.parallelize(Vec::<(u8, u8)>::new(), 4).unwrap();
    let few = ctx.parallelize(vec![(1u8, 1u8)], 9).unwrap();
    assert_eq!(none.reduce_by_key(|a, _| a).collect().unwrap(), []);
    assert_eq!(none.sort_by_key(5).map_partitions(|items| [items.count()]).collect().unwrap(), [0; 5]);
    assert_eq!(none.join(&few).count().unwrap(), 0);
    assert_eq!(few.left_outer_join(&none).collect().unwrap(), [(1, (1, None))]);
    assert_eq!(none.keys().distinct().count().unwrap(), 0);
    assert_eq!(few.subtract(&none).collect().unwrap(), [(1, 1)]);
    assert_eq!(none.repartition(3).unwrap().count().unwrap(), 0);
    assert_eq!(few.group_by_key_into(30).unwrap().collect().unwrap(), [(1, vec![1])]);
}

#[test]
fn the_zero_of_a_fold_is_cloned_for_each_key_of_each_partition() {
    let ctx = local(2);
    let pairs = ctx.parallelize(vec![('a', 1), ('a', 2), ('b', 3), ('a', 4)], 2).unwrap();
    // 'a' is in both partitions, 'b' in one.
    assert_eq!(sorted(pairs.fold_by_key(100, |a, b| a + b).collect().unwrap()), [('a', 207), ('b', 103)]);
    let lists = pairs.aggregate_by_key(
        vec![0],
        |mut l, v| {
            l.push(v);
            l
        },
        |mut l, more| {
            l.extend(more);
            l
        },
    );
    assert_eq!(sorted(lists.collect().unwrap()), [('a', vec![0, 1, 2, 0, 4]), ('b', vec![0, 3])]);
}

#[test]
fn operators_with_a_value_give_it_to_each_function() {
    let ctx = local(2);
    let pairs = ctx.parallelize(vec![(1, 10u64), (2, 20), (1, 30)], 2).unwrap();
    let with = || pairs.with(1000u64);
    let expected = [(1, 1040), (2, 20)];
    assert_eq!(sorted(with().reduce_by_key(|n, a, b| a + b + n).collect().unwrap()), expected);
    assert_eq!(
        sorted(with().reduce_by_key_into(|n, a, b| a + b + n, 3).unwrap().collect().unwrap()),
        expected
    );
    let folded = with().fold_by_key(0, |n, a, b| a + b + n);
    assert_eq!(sorted(folded.collect().unwrap()), [(1, 3040), (2, 1020)]);
    let combined = with().combine_by_key(|n, v| v + n, |n, a, v| a + v + n, |n, a, b| a + b + n);
    assert_eq!(sorted(combined.collect().unwrap()), [(1, 3040), (2, 1020)]);
    let counted = with().aggregate_by_key_into(0, |n, a, _| a + n, |_, a, b| a + b, 2).unwrap();
    assert_eq!(sorted(counted.collect().unwrap()), [(1, 2000), (2, 1000)]);
    let groups = with().group_by(|n, (key, _)| key + n);
    assert_eq!(sorted(groups.collect().unwrap()), [(1001, vec![(1, 10), (1, 30)]), (1002, vec![(2, 20)])]);
}

#[test]
fn outer_joins_of_all_four_cases() {
    let ctx = local(2);
    let key = |key: &str| key.to_owned();
    let left = ctx.parallelize(vec![(key("both"), 1), (key("left"), 2), (key("both"), 3)], 2).unwrap();
    let right = ctx.parallelize(vec![(key("right"), 'r'), (key("both"), 'b')], 3).unwrap();
    assert_eq!(
        sorted(left.join(&right).collect().unwrap()),
        [(key("both"), (1, 'b')), (key("both"), (3, 'b'))]
    );
    let expected = [(key("both"), (1, Some('b'))), (key("both"), (3, Some('b'))), (key("left"), (2, None))];
    assert_eq!(sorted(left.left_outer_join(&right).collect().unwrap()), expected);
    let expected =
        [(key("both"), (Some(1), 'b')), (key("both"), (Some(3), 'b')), (key("right"), (None, 'r'))];
    assert_eq!(sorted(left.right_outer_join(&right).collect().unwrap()), expected);
    let expected = [
        (key("both"), (Some(1), Some('b'))),
        (key("both"), (Some(3), Some('b'))),
        (key("left"), (Some(2), None)),
        (key("right"), (None, Some('r'))),
    ];
    assert_eq!(sorted(left.full_outer_join(&right).collect().unwrap()), expected);
}

#[test]
fn a_skewed_join_gives_the_product_one_by_one() {
    let ctx = local(2);
    let left = ctx.range(0..3_000, 3).map(|n| (7u64, n));
    let right = ctx.range(0..2_000, 2).map(|n| (n % 2 * 7, n));
    let joined = left.join(&right);
    assert_eq!(joined.count().unwrap(), 3_000 * 1_000);
    let first = joined.map_partitions(|mut items| items.next()).collect().unwrap();
    assert_eq!(first, [(7, (0, 1))]);
}

#[test]
fn rdds_that_are_spread_equally_are_joined_without_a_shuffle() {
    let dir = tempfile::tempdir().unwrap();
    let ctx = watched(dir.path());
    let links = ctx.range(0..100, 3).map(|n| (n % 10, n)).group_by_key_into(4).unwrap();
    let ranks = links.map_values(|_| 1.0f64);
    let joined = links.join(&ranks);
    assert_eq!(joined.count().unwrap(), 10);
    assert_eq!(shuffles(dir.path()), 1, "that of the grouping alone");
    // In place by the partitioning of its input, on either side of a join, and over values that were changed.
    let sums = joined
        .map_values(|(list, rank)| f64::from(u8::try_from(list.len()).unwrap()) + rank)
        .reduce_by_key(|a, b| a + b);
    assert_eq!(sums.join(&ranks).cogroup(&links).count().unwrap(), 10);
    assert_eq!(shuffles(dir.path()), 1);
    // A side that is not spread moves, to where the other one is.
    let other = ctx.range(0..10, 2).map(|n| (n, ()));
    let mixed = other.join(&links);
    assert_eq!((mixed.partitions(), mixed.count().unwrap()), (4, 10));
    assert_eq!(shuffles(dir.path()), 2);
    // Spread otherwise, both sides of a join move but one.
    let otherwise = links.join_into(&ranks, 3).unwrap();
    assert_eq!(otherwise.count().unwrap(), 10);
    assert_eq!(shuffles(dir.path()), 4);
}

#[test]
fn partition_by_the_same_partitioner_changes_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let ctx = watched(dir.path());
    let spread = ctx.range(0..100, 3).map(|n| (n, n)).partition_by(4).unwrap();
    let again = spread.filter(|(n, _)| n % 2 == 0).partition_by(4).unwrap();
    let sorted = again.repartition_and_sort_within_partitions(4).unwrap();
    assert_eq!(sorted.count().unwrap(), 50);
    assert_eq!(shuffles(dir.path()), 1);
    // `map` may change keys.
    assert_eq!(spread.map(|pair| pair).partition_by(4).unwrap().count().unwrap(), 100);
    let _other = spread.partition_by(5).map(|other| other.count().unwrap()).unwrap();
}

#[test]
fn sets_of_pairs_that_are_spread_by_key_stay_where_they_are() {
    let dir = tempfile::tempdir().unwrap();
    let ctx = watched(dir.path());
    let spread = ctx.range(0..100, 3).map(|n| (n % 10, n % 20)).partition_by(4).unwrap();
    let distinct = spread.distinct();
    assert_eq!(distinct.count().unwrap(), 20);
    assert_eq!(shuffles(dir.path()), 1, "equal pairs are together already");
    // The other side comes to where the left one is, and what is left is spread by key still.
    let other = ctx.range(0..10, 2).map(|n| (n, n));
    let rest = distinct.subtract(&other);
    let counts = rest.map_values(|_| 1).reduce_by_key(|a, b| a + b);
    assert_eq!(sorted(counts.collect().unwrap()), (0..10).map(|key| (key, 1)).collect::<Vec<_>>());
    assert_eq!(shuffles(dir.path()), 2);
    assert_eq!(sorted(rest.intersection(&spread).keys().collect().unwrap()), (0..10).collect::<Vec<_>>());
    assert_eq!(shuffles(dir.path()), 2);
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Modulo {
    partitions: u64,
    answer_plus: u64,
}

impl Partitioner<u64> for Modulo {
    fn partitions(&self) -> usize {
        usize::try_from(self.partitions).unwrap()
    }

    fn partition(&self, key: &u64) -> usize {
        usize::try_from(key % self.partitions + self.answer_plus).unwrap()
    }
}

#[test]
fn custom_partitioners_are_compared_by_their_equality() {
    let dir = tempfile::tempdir().unwrap();
    let ctx = watched(dir.path());
    let modulo = |partitions| Modulo { partitions, answer_plus: 0 };
    let pairs = ctx.range(0..40, 3).map(|n| (n, n));
    let (three, also_three, four) = (
        pairs.partition_by(modulo(3)).unwrap(),
        pairs.partition_by(modulo(3)).unwrap(),
        pairs.partition_by(modulo(4)).unwrap(),
    );
    let parts = three.keys().map_partitions(|items| [items.collect::<Vec<_>>()]).collect().unwrap();
    assert!(parts.iter().zip(0..).all(|(part, n)| part.iter().all(|key| key % 3 == n)));
    let same = three.join(&also_three);
    assert_eq!(same.count().unwrap(), 40);
    assert_eq!(shuffles(dir.path()), 2, "one to spread each side");
    // Of two the one with more partitions is kept.
    let mixed = three.join(&four);
    assert_eq!((mixed.partitions(), mixed.count().unwrap()), (4, 40));
    assert_eq!(shuffles(dir.path()), 4, "the other one moved, and the one with four was spread");
}

#[test]
fn a_partitioner_out_of_range_fails_the_job_and_is_named() {
    let ctx = local(2);
    let pairs = ctx.range(0..40, 3).map(|n| (n, n));
    let beyond = Modulo { partitions: 3, answer_plus: 1 };
    for error in [
        pairs.partition_by(beyond.clone()).unwrap().count().unwrap_err(),
        pairs.reduce_by_key_into(|a, _| a, beyond.clone()).unwrap().count().unwrap_err(),
        pairs.join_into(&pairs, beyond.clone()).unwrap().count().unwrap_err(),
        pairs.repartition_and_sort_within_partitions(beyond.clone()).unwrap().count().unwrap_err(),
    ] {
        let error = format!("{error:?}");
        assert!(error.contains("Modulo") && error.contains("answered 3"), "{error}");
    }
}

#[test]
fn numbers_of_partitions_that_cannot_be_are_refused() {
    let ctx = local(1);
    let pairs = ctx.range(0..4, 2).map(|n| (n, n));
    for wrong in [0, 1 << 32] {
        let refused = [
            pairs.partition_by(wrong).err(),
            pairs.group_by_key_into(wrong).err(),
            pairs.reduce_by_key_into(|a, _| a, wrong).err(),
            pairs.join_into(&pairs, wrong).err(),
            pairs.cogroup_into(&pairs, wrong).err(),
            pairs.repartition_and_sort_within_partitions(wrong).err(),
            pairs.repartition(wrong).err(),
            pairs.distinct_into(wrong).err(),
            pairs.subtract_into(&pairs, wrong).err(),
            pairs.subtract_by_key_into(&pairs, wrong).err(),
        ];
        for error in refused {
            assert!(matches!(error, Some(rsk::Error::Argument(why)) if why.contains(&wrong.to_string())));
        }
    }
    for wrong in [-0.1, 1.5, f64::NAN] {
        assert!(matches!(pairs.sample_by_key([(1, wrong)], 0), Err(rsk::Error::Argument(_))));
    }
}

#[test]
fn a_far_larger_input_is_not_crammed_into_a_small_partitioning() {
    let ctx = local(2);
    let small = ctx.range(0..10, 1).map(|n| (n, n)).partition_by(2).unwrap();
    let large = ctx.range(0..1000, 50).map(|n| (n % 10, n));
    assert_eq!(small.join(&large).partitions(), 50);
    assert_eq!(small.join(&ctx.range(0..10, 19).map(|n| (n, n))).partitions(), 2);
}

fn sizes<R: Rdd<Item: Send>>(rdd: &R) -> Vec<usize> {
    rdd.map_partitions(|items| [items.count()]).collect().unwrap()
}

#[test]
fn a_sort_makes_partitions_of_about_equal_size() {
    let ctx = local(2);
    // Scattered, but each key once.
    let pairs = ctx.range(0..50_000, 7).map(|n| (n.wrapping_mul(0x9e37_79b9_7f4a_7c15), n));
    let sorted = pairs.sort_by_key(10);
    assert!(sorted.keys().collect().unwrap().is_sorted());
    let sizes = sizes(&sorted);
    assert!(sizes.iter().all(|size| (3_000..7_000).contains(size)), "{sizes:?}");
}

#[test]
fn a_sort_of_skewed_partitions_weighs_them() {
    let ctx = local(2);
    // One partition of eight holds nearly all, and its keys are above those of the others.
    let input: Vec<u64> = (0..8).collect();
    let pairs = ctx.parallelize(input, 8).unwrap().flat_map(|part| {
        let count = if part == 3 { 40_000 } else { 100 };
        (0..count).map(move |n: u64| (part * 1_000_000 + n * 7_919 % 65_536, n))
    });
    let sorted = pairs.sort_by_key(8);
    let sizes = sizes(&sorted);
    assert!(*sizes.iter().max().unwrap() < 10_000, "{sizes:?}");
}

#[test]
fn a_sort_with_many_duplicates_keeps_equal_keys_together() {
    let ctx = local(2);
    // Nine of ten have one key.
    let pairs = ctx.range(0..20_000, 5).map(|n| (if n % 10 == 0 { n } else { 5_000 }, n));
    for descending in [false, true] {
        let result = if descending { pairs.sort_by_key_descending(8) } else { pairs.sort_by_key(8) };
        let mut expected: Vec<_> = (0..20_000).map(|n| (if n % 10 == 0 { n } else { 5_000 }, n)).collect();
        expected.sort_by(|a, b| if descending { b.0.cmp(&a.0) } else { a.0.cmp(&b.0) });
        assert_eq!(result.collect().unwrap(), expected);
        let holders = result.map_partitions(|mut items| [u32::from(items.any(|(key, _)| key == 5_000))]);
        assert_eq!(holders.collect().unwrap().iter().sum::<u32>(), 1);
    }
}

#[test]
fn a_sort_of_equal_keys_fills_one_partition_in_input_order() {
    let ctx = local(2);
    let sorted = ctx.range(0..1_000, 6).map(|n| (true, n)).sort_by_key(4);
    assert_eq!(sorted.values().collect().unwrap(), (0..1_000).collect::<Vec<_>>());
    let sizes = sizes(&sorted);
    assert_eq!(sizes.iter().filter(|size| **size > 0).count(), 1, "{sizes:?}");
    assert_eq!(sizes.len(), 4);
}

#[test]
fn a_sort_into_more_partitions_than_keys_leaves_some_empty() {
    let ctx = local(2);
    let sorted = ctx.parallelize(vec![(3, 'c'), (1, 'a'), (2, 'b')], 2).unwrap().sort_by_key(50);
    assert_eq!(sorted.partitions(), 50);
    assert_eq!(sorted.collect().unwrap(), [(1, 'a'), (2, 'b'), (3, 'c')]);
}

#[test]
fn a_sort_into_one_partition_and_one_into_none() {
    let ctx = local(2);
    let pairs = ctx.range(0..100, 3).map(|n| (Reverse(n), n));
    assert_eq!(pairs.sort_by_key(1).values().collect().unwrap(), (0..100).rev().collect::<Vec<_>>());
    assert_eq!(pairs.sort_by_key(0).partitions(), 1);
}

#[test]
fn a_sorted_rdd_is_spread_by_range_for_what_follows() {
    let dir = tempfile::tempdir().unwrap();
    let ctx = watched(dir.path());
    let pairs = ctx.range(0..1_000, 4).map(|n| (n % 100, n));
    let sorted = pairs.sort_by_key(5);
    let sums = sorted.reduce_by_key(|a, b| a + b);
    assert_eq!(sums.count().unwrap(), 100);
    assert_eq!(shuffles(dir.path()), 1, "equal keys are together after a sort");
    // A side that is not sorted goes to the ranges of the one that is.
    let joined = sorted.join(&ctx.range(0..100, 3).map(|n| (n, ())));
    assert_eq!((joined.partitions(), joined.count().unwrap()), (5, 1_000));
    assert_eq!(shuffles(dir.path()), 2);
    // Two sorts have bounds of their own.
    let both = sorted.join(&pairs.sort_by_key(5));
    assert_eq!(both.count().unwrap(), 10_000);
}

#[test]
fn bounds_too_large_for_a_task_travel_once() {
    let ctx = local(2);
    let keys = |n: u64| format!("{:0>200}", n * 7_919 % 10_007);
    let pairs =
        ctx.range(0..5_000, 20).with(()).map(move |(), n| (format!("{:0>200}", n * 7_919 % 10_007), n));
    let sorted = pairs.sort_by_key(64);
    let mut expected: Vec<_> = (0..5_000).map(keys).collect();
    expected.sort();
    assert_eq!(sorted.keys().collect().unwrap(), expected);
}

#[test]
fn repartition_deals_each_parent_from_another_start() {
    let ctx = local(2);
    // A record a parent: dealt from one start they would all be in the first partition.
    let dealt = ctx.range(0..64, 64).repartition(8).unwrap();
    let sizes = sizes(&dealt);
    assert!(sizes.iter().filter(|size| **size > 0).count() >= 6, "{sizes:?}");
}

#[test]
fn a_chain_of_wide_operators_over_lost_map_outputs() {
    let dir = tempfile::tempdir().unwrap();
    let ctx = watched(dir.path());
    let counts = ctx.range(0..2_000, 4).map(|n| (n % 50, n)).repartition(3).unwrap().group_by_key();
    let ranked = counts.map_values(|list| list.len()).join(&counts).sort_by_key(3);
    let first = ranked.keys().collect().unwrap();
    assert_eq!(first, (0..50).collect::<Vec<_>>());
    for lost in map_outputs(dir.path()).iter().step_by(2) {
        fs::remove_file(lost).unwrap();
    }
    assert_eq!(ranked.keys().collect().unwrap(), first);
}
