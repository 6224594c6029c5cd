//! Narrow operators against plain lists, at several numbers of partitions and slots, and at their edges.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use proptest::prelude::*;
use rsk::{
    Context,
    prelude::*,
    rdd::{
        BoxedRdd,
        Determinism::{self, Determinate, Indeterminate, Unordered},
        Out,
    },
};
use std::collections::BTreeSet;

/// The slices that `parallelize` makes.
fn slices<T: Clone>(values: &[T], partitions: usize) -> Vec<Vec<T>> {
    let bound = |i: usize| i * values.len() / partitions;
    (0..partitions).map(|i| values[bound(i)..bound(i + 1)].to_vec()).collect()
}

fn local(slots: usize) -> Context {
    Context::new(&format!("local[{slots}]")).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn one_parent_operators_agree_with_lists(
        values in prop::collection::vec(-50i64..50, 0..40), n in 1usize..9, slots in 1usize..4, few in 1usize..9,
    ) {
        let rdd = local(slots).parallelize(values.clone(), n).unwrap();
        let parts = slices(&values, n);

        prop_assert_eq!(rdd.glom().collect().unwrap(), parts.clone());
        prop_assert_eq!(rdd.key_by(|x| x % 3).collect().unwrap(),
            values.iter().map(|x| (x % 3, *x)).collect::<Vec<_>>());
        prop_assert_eq!(rdd.with(3i64).key_by(|by, x| x % by).collect().unwrap(),
            values.iter().map(|x| (x % 3, *x)).collect::<Vec<_>>());
        prop_assert_eq!(rdd.zip_with_index().collect().unwrap(),
            values.iter().copied().zip(0u64..).collect::<Vec<_>>());
        let ids: Vec<(i64, u64)> = parts.iter().enumerate()
            .flat_map(|(k, part)| part.iter().enumerate().map(move |(i, x)| (*x, (i * n + k) as u64))).collect();
        prop_assert_eq!(rdd.zip_with_unique_id().collect().unwrap(), ids);
        let indexed: Vec<_> = parts.iter().enumerate()
            .flat_map(|(k, part)| part.iter().map(move |x| (k, *x))).collect();
        prop_assert_eq!(&rdd.map_partitions_with_index(|k, items| items.map(move |x| (k, x))).collect().unwrap(),
            &indexed);
        prop_assert_eq!(rdd.with(100usize).map_partitions_with_index(|add, k, items| {
            let add = *add;
            items.map(move |x| (k + add, x))
        }).collect().unwrap(), indexed.iter().map(|(k, x)| (k + 100, *x)).collect::<Vec<_>>());

        let coalesced = rdd.coalesce(few).unwrap();
        let groups = slices(&parts, few.min(n)).into_iter().map(|group| group.concat()).collect::<Vec<_>>();
        prop_assert_eq!(&coalesced.glom().collect().unwrap(), &groups);
        // `reduce` begins with `next` and goes on with `fold`.
        let merge = |a: i64, b: i64| a * 3 % 1009 + b;
        let merged = groups.iter().filter_map(|group| group.iter().copied().reduce(merge)).reduce(merge);
        prop_assert_eq!(coalesced.reduce(merge).ok(), merged);
    }

    #[test]
    fn flat_map_into_and_flat_map_agree(values: Vec<u8>, n in 1usize..9) {
        let rdd = local(2).parallelize(values, n).unwrap();
        let expected = rdd.flat_map(|x| (0..x % 5).map(move |y| (x, y))).collect().unwrap();
        let into = rdd.flat_map_into(|x, out| out.extend((0..x % 5).map(|y| (x, y))));
        prop_assert_eq!(&into.collect().unwrap(), &expected);
        let pushed = rdd.with(5u8).flat_map_into(|by, x, out: &mut Out<(u8, u8)>| for y in 0..x % by { out.push((x, y)) });
        prop_assert_eq!(&pushed.collect().unwrap(), &expected);
        // Through a virtual iterator, `next` is called instead of `fold`.
        prop_assert_eq!(&into.boxed().map(|x| x).collect().unwrap(), &expected);
    }

    #[test]
    fn fallible_functions_that_succeed_agree_with_the_others(values: Vec<i32>, n in 1usize..9) {
        let rdd = local(2).parallelize(values.clone(), n).unwrap();
        let halves = |x: i32| if x > i32::MIN { Ok(x / 2) } else { Ok::<_, String>(0) };
        prop_assert_eq!(rdd.try_map(halves).collect().unwrap(), rdd.map(|x| x / 2 * i32::from(x > i32::MIN)).collect().unwrap());
        prop_assert_eq!(rdd.with(2).try_map(|by, x| x.checked_rem(*by).ok_or("zero")).collect().unwrap(),
            rdd.map(|x| x % 2).collect().unwrap());
        prop_assert_eq!(rdd.try_filter(|x| Ok::<_, String>(x % 2 == 0)).collect().unwrap(),
            rdd.filter(|x| x % 2 == 0).collect().unwrap());
        prop_assert_eq!(rdd.with(2).try_filter(|by, x| Ok::<_, String>(x % by == 0)).collect().unwrap(),
            rdd.filter(|x| x % 2 == 0).collect().unwrap());
        let twice: Vec<_> = values.iter().flat_map(|x| [*x, *x]).collect();
        prop_assert_eq!(&rdd.try_flat_map(|x| Ok::<_, String>([x, x])).collect().unwrap(), &twice);
        prop_assert_eq!(&rdd.with(2).try_flat_map(|n, x| Ok::<_, String>(vec![x; *n])).collect().unwrap(), &twice);
        prop_assert_eq!(rdd.try_map_partitions(|items| Ok::<_, String>([items.count()])).collect().unwrap(),
            rdd.map_partitions(|items| [items.count()]).collect().unwrap());
        prop_assert_eq!(rdd.with(9).try_map_partitions(|n, items| Ok::<_, String>([items.count() + n])).collect().unwrap(),
            rdd.map_partitions(|items| [items.count() + 9]).collect().unwrap());
    }

    #[test]
    fn two_parent_operators_agree_with_lists(
        a in prop::collection::vec(0i32..9, 0..20), b in prop::collection::vec(0u8..9, 0..20),
        m in 1usize..6, n in 1usize..6, slots in 1usize..4,
    ) {
        let ctx = local(slots);
        let (left, right) = (ctx.parallelize(a.clone(), m).unwrap(), ctx.parallelize(b.clone(), n).unwrap());
        let (lefts, rights) = (slices(&a, m), slices(&b, n));

        let both = left.union(&right.map(i32::from));
        let parts: Vec<Vec<i32>> =
            lefts.iter().cloned().chain(rights.iter().map(|p| p.iter().map(|x| i32::from(*x)).collect())).collect();
        prop_assert_eq!(both.glom().collect().unwrap(), parts.clone());
        let all = ctx.union(vec![left.boxed(), right.map(i32::from).boxed(), left.boxed()]).unwrap();
        prop_assert_eq!(all.glom().collect().unwrap(), parts.into_iter().chain(lefts.iter().cloned()).collect::<Vec<_>>());

        let pairs: Vec<Vec<(i32, u8)>> = lefts.iter().flat_map(|l| rights.iter().map(|r| {
            l.iter().flat_map(|x| r.iter().map(|y| (*x, *y))).collect()
        })).collect();
        prop_assert_eq!(left.cartesian(&right).unwrap().glom().collect().unwrap(), pairs);

        let counts = left.coalesce(n.min(m)).unwrap()
            .zip_partitions(&right.coalesce(n.min(m)).unwrap(), |x, y| [(x.count(), y.count())]).unwrap();
        let sizes = |parts: Vec<usize>| slices(&parts, n.min(m)).iter().map(|group| group.iter().sum()).collect::<Vec<usize>>();
        let expected: Vec<_> = sizes(lefts.iter().map(Vec::len).collect()).into_iter()
            .zip(sizes(rights.iter().map(Vec::len).collect())).collect();
        prop_assert_eq!(counts.collect().unwrap(), expected);

        let squares = left.zip(&left.map(|x| x * x)).unwrap();
        prop_assert_eq!(&squares.collect().unwrap(), &a.iter().map(|x| (*x, x * x)).collect::<Vec<_>>());
        prop_assert_eq!(squares.boxed().map(|x| x).collect().unwrap(), squares.collect().unwrap());
    }

    #[test]
    fn a_random_split_is_disjoint_and_together_everything(
        weights in prop::collection::vec(0.0f64..5.0, 1..6), seed: u64, n in 1usize..9,
    ) {
        prop_assume!(weights.iter().sum::<f64>() > 0.0);
        let rdd = local(2).range(0..300, n);
        let mut all = Vec::new();
        for part in rdd.random_split(&weights, seed).unwrap() {
            all.extend(part.collect().unwrap());
        }
        all.sort_unstable();
        prop_assert_eq!(all, (0..300).collect::<Vec<_>>());
    }
}

#[test]
fn more_partitions_than_elements_leave_some_empty_and_lose_none() {
    let ctx = local(2);
    let three = ctx.parallelize(vec![7, 8, 9], 10).unwrap();
    let parts = three.glom().collect().unwrap();
    assert_eq!(parts, slices(&[7, 8, 9], 10));
    assert_eq!(parts.iter().filter(|part| part.is_empty()).count(), 7);
    assert_eq!(ctx.range(0..3, 10).glom().collect().unwrap(), slices(&[0, 1, 2], 10));
    assert_eq!((three.count().unwrap(), three.reduce(|a, b| a + b).unwrap()), (3, 24));
    assert_eq!((three.first().unwrap(), three.take(5).unwrap()), (7, vec![7, 8, 9]));
    assert_eq!(three.zip_with_index().collect().unwrap(), [(7, 0), (8, 1), (9, 2)]);
    assert_eq!(three.zip(&three).unwrap().collect().unwrap(), [(7, 7), (8, 8), (9, 9)]);
    assert_eq!(three.union(&three).coalesce(15).unwrap().collect().unwrap(), [7, 8, 9, 7, 8, 9]);
    let spread = three.repartition(20).unwrap();
    assert_eq!((spread.partitions(), sorted(spread.collect().unwrap())), (20, vec![7, 8, 9]));
    assert_eq!(three.sort_by(|n| -n, 20).collect().unwrap(), [9, 8, 7]);
    assert_eq!(
        sorted(three.map(|n| (n, 1)).reduce_by_key(|a, b| a + b).keys().collect().unwrap()),
        [7, 8, 9]
    );
    assert_eq!(three.cartesian(&three).unwrap().count().unwrap(), 9);
}

fn sorted(mut numbers: Vec<i32>) -> Vec<i32> {
    numbers.sort_unstable();
    numbers
}

#[test]
fn zip_of_unequal_lengths_fails_and_names_the_partition() {
    let ctx = local(2);
    let (few, many) = (ctx.range(0..7, 2), ctx.range(0..8, 2));
    for (zip, longer) in [(few.zip(&many).unwrap(), "right"), (many.zip(&few).unwrap(), "left")] {
        // The first partition has 3 and 4 records. `count` folds, the boxed one is asked record by record.
        for error in [zip.count().unwrap_err(), zip.boxed().map(|x| x).collect().unwrap_err()] {
            let error = format!("{error:?}");
            assert!(
                error.contains("part-0") && error.contains(longer) && error.contains("3 records"),
                "{error}"
            );
        }
    }
}

#[test]
fn zip_of_unequal_partition_counts_is_refused_before_a_job() {
    let ctx = local(1);
    let error = ctx.range(0..4, 2).zip(&ctx.range(0..4, 3)).unwrap_err().to_string();
    assert!(error.contains("zip of 2 and 3 partitions"), "{error}");
    assert!(ctx.range(0..4, 2).zip_partitions(&ctx.range(0..4, 3), |a, _| a).is_err());
}

#[test]
fn zip_partitions_with_a_value() {
    let ctx = local(2);
    let sums = ctx.range(0..4, 2).with(10u64).zip_partitions(&ctx.range(0..5, 2), |add, a, b| {
        let add = *add;
        a.zip(b).map(move |(a, b)| a + b + add).collect::<Vec<_>>()
    });
    assert_eq!(sums.unwrap().collect().unwrap(), [10, 12, 14, 16]);
}

#[test]
fn zip_with_index_of_one_partition_needs_no_counts_and_of_several_counts_once() {
    let ctx = local(2);
    let computed = tempfile::tempdir().unwrap();
    let folder = computed.path().to_str().unwrap().to_owned();
    let traced = |n| {
        ctx.range(0..4, n).with(folder.clone()).map_partitions_with_index(|folder, k, items| {
            let trace = format!("{folder}/{}-{:?}", k, std::time::Instant::now());
            std::fs::write(trace, "").unwrap();
            items
        })
    };
    let times = || {
        let names = std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap());
        let parts: Vec<_> = names
            .map(|entry| {
                std::fs::remove_file(entry.path()).unwrap();
                entry.file_name().to_str().unwrap()[..1].to_owned()
            })
            .collect();
        ["0", "1", "2"].map(|part| parts.iter().filter(|found| *found == part).count())
    };
    assert_eq!(traced(1).zip_with_index().collect().unwrap(), [(0, 0), (1, 1), (2, 2), (3, 3)]);
    assert_eq!(times(), [1, 0, 0]);
    let indexed = traced(3).zip_with_index();
    assert_eq!(times(), [0, 0, 0], "it is lazy");
    assert_eq!(indexed.collect().unwrap(), [(0, 0), (1, 1), (2, 2), (3, 3)]);
    assert_eq!(times(), [2, 2, 1], "all but the last are counted");
    assert_eq!(indexed.map(|(_, index)| index).collect().unwrap(), [0, 1, 2, 3]);
    assert_eq!(times(), [1, 1, 1], "and only once");
}

#[test]
fn zip_with_index_of_a_shuffle_and_of_itself() {
    let ctx = local(2);
    let sums = ctx.range(0..100, 4).map(|n| (n % 10, n)).reduce_by_key(|a, b| a + b);
    let twice = sums.zip_with_index().filter(|(_, index)| index % 2 == 0).zip_with_index();
    let indices: Vec<_> = twice.map(|((_, a), b)| (a, b)).collect().unwrap();
    assert_eq!(indices, [(0, 0), (2, 1), (4, 2), (6, 3), (8, 4)]);
}

#[test]
fn coalesce_keeps_all_when_partitions_are_empty_or_more_are_asked_for() {
    let ctx = local(3);
    let sparse = ctx.range(0..3, 10);
    assert_eq!(sparse.coalesce(4).unwrap().collect().unwrap(), [0, 1, 2]);
    assert_eq!(sparse.coalesce(1).unwrap().glom().collect().unwrap(), [vec![0, 1, 2]]);
    assert_eq!(sparse.coalesce(99).unwrap().partitions(), 10);
    assert!(sparse.coalesce(0).unwrap_err().to_string().contains("0 partitions"));
    let shuffled = ctx.range(0..9, 3).map(|n| (n, n)).reduce_by_key(|a, _| a);
    assert!(shuffled.coalesce(2).unwrap().partitioning().is_none());
    assert_eq!(shuffled.coalesce(3).unwrap().partitioning(), shuffled.partitioning());
}

#[test]
fn a_union_sends_one_side_alone_and_a_task_its_slice() {
    let ctx = local(1);
    let large = ctx.parallelize(vec!["x".repeat(100_000); 4], 4).unwrap();
    let small = ctx.parallelize(vec![String::new()], 1).unwrap();
    let bytes = |rdd: &dyn Fn(&mut rsk_proto::Encoder)| {
        let mut to = rsk_proto::Encoder::default();
        rdd(&mut to);
        to.finish().unwrap().len()
    };
    let union = small.union(&large);
    let all = ctx.union(vec![small.clone(), large.clone()]).unwrap();
    for k in 0..5u32 {
        let of_two = bytes(&|to| union.encode(rsk_proto::PartitionId(k), to));
        let of_many = bytes(&|to| all.encode(rsk_proto::PartitionId(k), to));
        let expected = if k == 0 { 0..100 } else { 100_000..100_100 };
        assert!(expected.contains(&of_two) && expected.contains(&of_many), "{k}: {of_two} {of_many}");
    }
}

#[test]
fn a_union_of_nothing_is_refused_and_repeats_are_kept() {
    let ctx = local(2);
    assert!(ctx.union(Vec::<BoxedRdd<u8>>::new()).unwrap_err().to_string().contains("at least one"));
    let rdd = ctx.range(0..2, 1);
    assert_eq!(ctx.union(vec![rdd.clone(), rdd]).unwrap().collect().unwrap(), [0, 1, 0, 1]);
}

#[test]
fn cartesian_too_large_to_number_is_refused_and_empty_sides_give_nothing() {
    let ctx = local(2);
    let wide = ctx.range(0..1, 100_000);
    assert!(wide.cartesian(&wide).unwrap_err().to_string().contains("100000 and 100000"));
    assert_eq!(ctx.range(0..5, 3).cartesian(&ctx.range(0..0, 2)).unwrap().count().unwrap(), 0);
    assert_eq!(ctx.range(0..0, 3).cartesian(&ctx.range(0..5, 2)).unwrap().count().unwrap(), 0);
}

#[test]
fn cartesian_beyond_the_memory_of_a_task_goes_by_blocks_and_loses_nothing() {
    let mut config = rsk::Config::default();
    config.set("memory=16m").unwrap();
    let ctx = Context::with_config("local[2]", config).unwrap();
    let right = ctx.range(0..150_000, 1).map(|n| format!("{n:020}"));
    let pairs = ctx.range(0..3, 1).cartesian(&right).unwrap();
    let sums = pairs.map(|(a, b)| (a, b.parse::<u64>().unwrap())).reduce_by_key(|a, b| a + b);
    let mut sums = sums.collect().unwrap();
    sums.sort_unstable();
    let sum = (0..150_000u64).sum();
    assert_eq!(sums, [(0, sum), (1, sum), (2, sum)]);
    let switches = pairs.map_partitions(|pairs| {
        let lefts: Vec<u64> = pairs.map(|(a, _)| a).collect();
        [lefts.windows(2).filter(|pair| pair[0] != pair[1]).count()]
    });
    assert!(switches.collect().unwrap()[0] > 2, "the right side did not fit at once");
}

#[test]
fn a_sample_repeats_itself_and_depends_on_its_seed() {
    let rdd = local(3).range(0..2000, 7);
    for with_replacement in [false, true] {
        let sample = |seed| rdd.sample(with_replacement, 0.25, seed).unwrap().collect().unwrap();
        assert_eq!(sample(1), sample(1));
        assert_ne!(sample(1), sample(2));
        assert!((400..600).contains(&sample(1).len()), "{}", sample(1).len());
        let distinct = sample(1).into_iter().collect::<BTreeSet<_>>().len();
        assert_eq!(distinct < sample(1).len(), with_replacement);
    }
    // Partitions draw apart: were all seeded alike, the same places would be taken in each.
    let places = |part: &Vec<u64>| part.iter().map(|n| n % 100).collect::<Vec<_>>();
    let parts = local(1).range(0..200, 2).sample(false, 0.5, 1).unwrap().glom().collect().unwrap();
    assert_ne!(places(&parts[0]), places(&parts[1]));
}

#[test]
fn samples_of_nothing_all_and_much_more_than_all() {
    let rdd = local(2).range(0..100, 3);
    assert_eq!(rdd.sample(false, 0.0, 5).unwrap().count().unwrap(), 0);
    assert_eq!(rdd.sample(true, 0.0, 5).unwrap().count().unwrap(), 0);
    assert_eq!(rdd.sample(false, 1.0, 5).unwrap().collect().unwrap(), (0..100).collect::<Vec<_>>());
    let many = rdd.sample(true, 1000.0, 5).unwrap().count().unwrap();
    assert!((98_000..102_000).contains(&many), "{many}");
}

#[test]
fn fractions_and_weights_that_mean_nothing_are_refused() {
    let rdd = local(1).range(0..10, 2);
    for fraction in [-0.1, 1.1, f64::NAN, f64::INFINITY] {
        assert!(rdd.sample(false, fraction, 0).is_err(), "{fraction}");
    }
    for fraction in [-0.1, f64::NAN, f64::INFINITY] {
        assert!(rdd.sample(true, fraction, 0).is_err(), "{fraction}");
    }
    for weights in [&[][..], &[0.0, 0.0], &[1.0, -0.5], &[f64::NAN], &[f64::INFINITY, 1.0]] {
        assert!(rdd.random_split(weights, 0).is_err(), "{weights:?}");
    }
}

#[test]
fn a_weight_of_zero_gets_nothing_and_the_order_of_splits_is_that_of_the_weights() {
    let rdd = local(2).range(0..1000, 3);
    let counts = |weights: &[f64]| -> Vec<u64> {
        rdd.random_split(weights, 3).unwrap().iter().map(|part| part.count().unwrap()).collect()
    };
    assert_eq!(counts(&[0.0, 1.0, 0.0]), [0, 1000, 0]);
    let uneven = counts(&[9.0, 1.0]);
    assert!(uneven[0] > 850 && uneven[1] > 50, "{uneven:?}");
}

#[derive(Debug, thiserror::Error)]
#[error("record {0} is wrong")]
struct Wrong(u64, #[source] std::num::ParseIntError);

#[test]
fn an_error_of_the_users_function_shows_its_chain_of_causes() {
    let rdd = local(2).range(0..10, 3);
    let wrong = |n: u64| "x".parse::<u64>().map_err(|error| Wrong(n, error));
    let errors = [
        rdd.try_map(wrong).count().unwrap_err(),
        rdd.try_filter(|n| "x".parse::<u64>().map(|_| true).map_err(|e| Wrong(*n, e))).count().unwrap_err(),
        rdd.try_flat_map(|n| "x".parse::<u64>().map(Some).map_err(|e| Wrong(n, e))).count().unwrap_err(),
        rdd.try_map_partitions(|mut items| match "x".parse::<u64>() {
            Ok(_) => Ok(items),
            Err(error) => Err(Wrong(items.next().unwrap(), error)),
        })
        .count()
        .unwrap_err(),
    ];
    for error in errors {
        let shown = format!("{error:?}");
        let order = ["part-", "the user's function failed", "is wrong", "invalid digit"];
        let places: Vec<_> = order.iter().map(|part| shown.find(part).unwrap_or(usize::MAX)).collect();
        assert!(places.is_sorted() && places[3] < usize::MAX, "{shown}");
    }
}

#[test]
fn operators_that_look_at_the_order_of_unordered_records_are_indeterminate() {
    let ctx = local(1);
    let (sure, loose) = (ctx.range(0..4, 2), ctx.range(0..4, 2).unordered());
    let of = |rdd: &dyn Fn(bool) -> Determinism| (rdd(true), rdd(false));
    let pick = |is_sure: bool| if is_sure { sure.boxed() } else { loose.boxed() };
    assert_eq!(of(&|s| pick(s).map(|x| x).determinism()), (Determinate, Unordered));
    assert_eq!(of(&|s| pick(s).union(&sure).determinism()), (Determinate, Unordered));
    assert_eq!(of(&|s| sure.cartesian(&pick(s)).unwrap().determinism()), (Determinate, Unordered));
    assert_eq!(of(&|s| pick(s).coalesce(1).unwrap().determinism()), (Determinate, Unordered));
    assert_eq!(of(&|s| sure.zip(&pick(s)).unwrap().determinism()), (Determinate, Indeterminate));
    assert_eq!(of(&|s| pick(s).zip_with_index().determinism()), (Determinate, Indeterminate));
    assert_eq!(of(&|s| pick(s).zip_with_unique_id().determinism()), (Determinate, Indeterminate));
    assert_eq!(of(&|s| pick(s).sample(false, 0.5, 1).unwrap().determinism()), (Determinate, Indeterminate));
    assert_eq!(
        of(&|s| pick(s).random_split(&[1.0], 1).unwrap()[0].determinism()),
        (Determinate, Indeterminate)
    );
    assert_eq!(of(&|s| pick(s).pipe("cat").unwrap().determinism()), (Determinate, Indeterminate));
    assert_eq!(sure.indeterminate().unordered().determinism(), Indeterminate, "a mark never makes it better");
}

#[test]
fn operators_that_leave_keys_where_they_are_keep_the_partitioning() {
    let ctx = local(1);
    let sums = ctx.range(0..9, 3).map(|n| (n % 3, n)).reduce_by_key(|a, b| a + b);
    let is_kept = |partitioning: Option<_>| partitioning == sums.partitioning();
    assert!(sums.partitioning().is_some());
    assert!(is_kept(sums.filter(|_| true).partitioning()));
    assert!(is_kept(sums.try_filter(|_| Ok::<_, String>(true)).partitioning()));
    assert!(is_kept(sums.sample(false, 0.5, 1).unwrap().partitioning()));
    assert!(is_kept(sums.random_split(&[1.0, 1.0], 1).unwrap()[1].partitioning()));
    assert!(is_kept(sums.unordered().partitioning()));
    assert!(is_kept(sums.map_partitions_keeping_keys(|items| items).partitioning()));
    assert!(is_kept(sums.with(1).map_partitions_keeping_keys(|_, items| items).partitioning()));
    assert!(sums.map(|pair| pair).partitioning().is_none());
    assert!(sums.map_partitions(|items| items).partitioning().is_none());
    assert!(sums.union(&sums).partitioning().is_none());
}
