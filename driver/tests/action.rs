//! Actions against what plain vectors give, at random partitions and slots, and their edge cases by name.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
#![expect(
    clippy::float_cmp,
    clippy::cast_precision_loss,
    reason = "the numbers are small, or the rounding is the point"
)]

use proptest::prelude::*;
use rsk::{Context, Error, prelude::*};
use std::{
    collections::BTreeMap,
    sync::atomic::{AtomicU64, Ordering::Relaxed},
};

fn on(slots: usize) -> Context {
    Context::new(&format!("local[{slots}]")).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn merging_actions_agree_with_a_fold(
        words in prop::collection::vec("[a-z]{0,3}", 0..60), partitions in 1usize..40, slots in 1usize..4, depth in 1u32..5,
    ) {
        let rdd = on(slots).parallelize(words.clone(), partitions).unwrap();
        let whole = words.concat();
        // Concatenation is associative and not commutative: the order shows.
        prop_assert_eq!(rdd.aggregate(0, |n, word| n + word.len(), |a, b| a + b).unwrap(), whole.len());
        prop_assert_eq!(rdd.fold(String::new(), |a, b| a + &b).unwrap(), whole.clone());
        let folded = rdd.fold("-".to_owned(), |a, b| a + &b).unwrap();
        prop_assert_eq!(folded.matches('-').count(), partitions + 1, "zero once a partition and once more");
        let tree = rdd.tree_aggregate("-".to_owned(), |a, b| a + &b, |a, b| a + &b, depth).unwrap();
        prop_assert_eq!(tree, folded, "a tree gives what aggregate gives");
        match rdd.reduce(|a, b| a + &b) {
            Ok(reduced) => {
                prop_assert_eq!(&reduced, &whole);
                prop_assert_eq!(rdd.tree_reduce(|a, b| a + &b, depth).unwrap(), whole);
            }
            Err(error) => {
                prop_assert!(words.is_empty() && matches!(error, Error::Empty("reduce")), "{error}");
                prop_assert!(matches!(rdd.tree_reduce(|a, b| a + &b, depth), Err(Error::Empty("tree_reduce"))));
            }
        }
    }

    #[test]
    fn gathering_actions_agree_with_a_vector(
        items: Vec<i16>, partitions in 1usize..30, slots in 1usize..4, n in 0usize..120,
    ) {
        let rdd = on(slots).parallelize(items.clone(), partitions).unwrap();
        prop_assert_eq!(rdd.collect().unwrap(), items.clone());
        prop_assert_eq!(rdd.to_local_iterator().collect::<Result<Vec<_>, _>>().unwrap(), items.clone());
        prop_assert_eq!(rdd.count().unwrap(), items.len() as u64);
        prop_assert_eq!(rdd.take(n).unwrap(), &items[..n.min(items.len())]);
        prop_assert_eq!(rdd.first().ok(), items.first().copied());
        prop_assert_eq!(rdd.is_empty().unwrap(), items.is_empty());
        prop_assert_eq!(rdd.min().ok(), items.iter().min().copied());
        prop_assert_eq!(rdd.max().ok(), items.iter().max().copied());
        let mut sorted = items.clone();
        sorted.sort_unstable();
        prop_assert_eq!(rdd.take_ordered(n).unwrap(), &sorted[..n.min(sorted.len())]);
        sorted.reverse();
        prop_assert_eq!(rdd.top(n).unwrap(), &sorted[..n.min(sorted.len())]);
        let mut counts = BTreeMap::new();
        items.iter().for_each(|item| *counts.entry(*item % 7).or_insert(0) += 1);
        prop_assert_eq!(rdd.map(|item| item % 7).count_by_value().unwrap(), counts);
    }

    #[test]
    fn pair_actions_agree_with_a_vector(
        pairs in prop::collection::vec((0u8..9, any::<i32>()), 0..80), partitions in 1usize..9, slots in 1usize..4, key in 0u8..10,
    ) {
        let rdd = on(slots).parallelize(pairs.clone(), partitions).unwrap();
        prop_assert_eq!(rdd.collect_as_map().unwrap(), pairs.iter().copied().collect::<BTreeMap<_, _>>());
        let values: Vec<_> = pairs.iter().filter(|pair| pair.0 == key).map(|pair| pair.1).collect();
        prop_assert_eq!(rdd.lookup(key).unwrap(), values.clone());
        prop_assert_eq!(rdd.count_by_key().unwrap().remove(&key).unwrap_or(0), values.len() as u64);
        let last = rdd.reduce_by_key(|_, b| b).lookup(key).unwrap();
        prop_assert_eq!(last, values.last().copied().into_iter().collect::<Vec<_>>());
    }

    #[test]
    fn number_actions_agree_with_a_vector(
        numbers: Vec<i64>, partitions in 1usize..9, slots in 1usize..4, bounds in prop::collection::btree_set(-99i8..99, 2..6),
    ) {
        let ctx = on(slots);
        let rdd = ctx.parallelize(numbers.clone(), partitions).unwrap();
        let sum: i128 = numbers.iter().map(|n| i128::from(*n)).sum();
        match rdd.sum() {
            Ok(found) => prop_assert_eq!(i128::from(found), sum),
            Err(error) => prop_assert!(matches!(error, Error::Overflow("i64")) && i64::try_from(sum).is_err()),
        }
        let small: Vec<f64> = numbers.iter().map(|n| f64::from(i8::try_from(n % 100).unwrap())).collect();
        let rdd = rdd.map(|n| f64::from(i8::try_from(n % 100).unwrap()));
        let (count, total) = (small.len() as f64, small.iter().sum::<f64>());
        prop_assert_eq!(rdd.sum().unwrap(), total);
        let stats = rdd.stats().unwrap();
        prop_assert_eq!((stats.count(), stats.sum()), (small.len() as u64, total));
        if small.is_empty() {
            prop_assert!(matches!(rdd.mean(), Err(Error::Empty("mean"))));
        } else {
            let variance = small.iter().map(|x| (x - total / count).powi(2)).sum::<f64>() / count;
            prop_assert_eq!(rdd.mean().unwrap(), total / count);
            prop_assert!((stats.variance() - variance).abs() < 1e-9 * variance.max(1.0));
            prop_assert_eq!(stats.min(), small.iter().copied().fold(f64::INFINITY, f64::min));
            prop_assert_eq!(stats.max(), small.iter().copied().fold(f64::NEG_INFINITY, f64::max));
            prop_assert_eq!(rdd.histogram(7).unwrap().counts.iter().sum::<u64>(), stats.count());
        }
        let bounds: Vec<f64> = bounds.into_iter().map(f64::from).collect();
        let histogram = rdd.histogram_by(bounds.clone()).unwrap();
        for (i, found) in histogram.counts.iter().enumerate() {
            let is_last = i + 2 == bounds.len();
            let inside = |x: &&f64| bounds[i] <= **x && (**x < bounds[i + 1] || is_last && **x == bounds[i + 1]);
            prop_assert_eq!(*found, small.iter().filter(inside).count() as u64);
        }
    }

    #[test]
    fn samples_have_their_size_and_come_from_the_records(
        length in 0u64..200, partitions in 1usize..9, slots in 1usize..4, n in 0usize..300, seed: u64,
    ) {
        let rdd = on(slots).range(0..length, partitions);
        let mut sample = rdd.take_sample(false, n, seed).unwrap();
        prop_assert_eq!(&sample, &rdd.take_sample(false, n, seed).unwrap());
        sample.sort_unstable();
        sample.dedup();
        prop_assert_eq!(sample.len(), n.min(usize::try_from(length).unwrap()), "no record twice");
        prop_assert!(sample.iter().all(|item| *item < length));
        let sample = rdd.take_sample(true, n, seed).unwrap();
        prop_assert_eq!(sample.len(), if length == 0 { 0 } else { n });
        prop_assert!(sample.iter().all(|item| *item < length));
    }
}

#[test]
fn an_rdd_without_partitions_has_an_answer_for_each_action() {
    let ctx = on(2);
    let none = ctx.empty::<u64>();
    assert_eq!(none.partitions(), 0);
    assert_eq!((none.count().unwrap(), none.collect().unwrap()), (0, vec![]));
    assert_eq!((none.fold(7, |a, b| a + b).unwrap(), none.sum().unwrap()), (7, 0));
    assert_eq!(none.tree_aggregate(7, |a, b| a + b, |a, b| a + b, 2).unwrap(), 7);
    assert_eq!((none.take(3).unwrap(), none.top(3).unwrap()), (vec![], vec![]));
    assert!(none.take_sample(true, 3, 1).unwrap().is_empty());
    assert!(none.is_empty().unwrap());
    assert_eq!(none.to_local_iterator().count(), 0);
    assert_eq!((none.count_by_value().unwrap().len(), none.count_approx_distinct(0.1).unwrap()), (0, 0));
    assert_eq!(none.stats().unwrap().count(), 0);
    assert!(none.map(|n| (n, n)).lookup(3).unwrap().is_empty());
    none.for_each(|_| panic!("there is no record")).unwrap();
    for empty in [none.reduce(|a, _| a), none.min(), none.max(), none.first(), none.tree_reduce(|a, _| a, 2)]
    {
        assert!(matches!(empty, Err(Error::Empty(_))));
    }
    for empty in [none.mean().map(drop), none.histogram(3).map(drop)] {
        assert!(matches!(empty, Err(Error::Empty(_))));
    }
    assert_eq!(none.histogram_by(vec![0.0, 1.0]).unwrap().counts, [0]);
}

#[test]
fn the_zero_of_a_fold_is_used_once_per_partition_and_once_at_the_merge() {
    let ctx = on(2);
    // Also by partitions without a record.
    for (records, partitions) in [(10, 1), (10, 4), (2, 7), (0, 5)] {
        let rdd = ctx.range(0..records, partitions);
        let (sum, zeros) = (records * records.saturating_sub(1) / 2, 100 * (partitions as u64 + 1));
        assert_eq!(rdd.fold(100, |a, b| a + b).unwrap(), sum + zeros);
        assert_eq!(rdd.aggregate(100, |a, b| a + b, |a, b| a + b).unwrap(), sum + zeros);
        assert_eq!(rdd.with(1).fold(99, |one, a, b| a + b + one).unwrap(), sum + zeros + records - 1);
    }
    // At the merge it comes first, and each partition's comes before its records.
    let words = ctx.parallelize(vec!["a".to_owned(), "b".to_owned(), "c".to_owned()], 2).unwrap();
    assert_eq!(words.fold("-".to_owned(), |a, b| a + &b).unwrap(), "--a-bc");
}

#[test]
fn reduce_of_nothing_names_itself() {
    let error = on(1).range(0..0, 4).reduce(|a, b| a + b).unwrap_err();
    assert_eq!(error.to_string(), "the RDD is empty: reduce needs at least one record");
}

#[test]
fn a_tree_runs_its_levels_on_executors() {
    static MERGED: AtomicU64 = AtomicU64::new(0);
    let merge = |a: u64, b: u64| {
        if std::thread::current().name().is_some_and(|name| name.starts_with("slot-")) {
            MERGED.fetch_add(1, Relaxed);
        }
        a + b
    };
    let ctx = on(2);
    let rdd = ctx.range(0..100, 100);
    assert_eq!(rdd.reduce(merge).unwrap(), 4950);
    assert_eq!(MERGED.swap(0, Relaxed), 0, "one record a partition: the driver merges all");
    assert_eq!(rdd.tree_reduce(merge, 2).unwrap(), 4950);
    assert_eq!(MERGED.swap(0, Relaxed), 90, "groups of ten leave ten to the driver");
    assert_eq!(rdd.tree_reduce(merge, 5).unwrap(), 4950);
    assert!(MERGED.swap(0, Relaxed) > 90);
    assert!(matches!(rdd.tree_reduce(merge, 0), Err(Error::Argument(_))));
}

#[test]
fn take_computes_few_partitions_and_grows() {
    static COMPUTED: AtomicU64 = AtomicU64::new(0);
    let ctx = on(2);
    let rdd = ctx.range(0..1_000, 100).map_partitions(|items| {
        COMPUTED.fetch_add(1, Relaxed);
        items
    });
    let computed = |n: usize| {
        assert_eq!(rdd.take(n).unwrap(), (0..n as u64).collect::<Vec<_>>());
        COMPUTED.swap(0, Relaxed)
    };
    assert_eq!(computed(0), 0);
    assert_eq!(computed(10), 1);
    assert_eq!(computed(11), 2, "1, then 1.5 * 1 left * 1 scanned / 10 found");
    assert_eq!(computed(25), 4, "1, then 1.5 * 15 * 1 / 10");
    assert_eq!(computed(200), 25, "1, then 4 at most, then at most 20 of 1.5 * 150 * 5 / 50");
}

#[test]
fn take_goes_across_empty_partitions() {
    static COMPUTED: AtomicU64 = AtomicU64::new(0);
    let ctx = on(2);
    let late = ctx.range(0..100, 100).map_partitions(|items| {
        COMPUTED.fetch_add(1, Relaxed);
        items.filter(|n| *n >= 50)
    });
    assert_eq!(late.take(2).unwrap(), [50, 51]);
    assert_eq!(COMPUTED.swap(0, Relaxed), 100, "1, 4, 20, then all the rest");
    assert_eq!(late.first().unwrap(), 50);
    let none = ctx.range(0..100, 100).filter(|n| *n > 100);
    assert_eq!((none.take(2).unwrap(), none.is_empty().unwrap()), (vec![], true));
}

#[test]
fn take_reads_a_partition_no_further_than_it_must() {
    static SEEN: AtomicU64 = AtomicU64::new(0);
    let rdd = on(1).range(0..1_000_000, 1).map(|n| {
        SEEN.fetch_add(1, Relaxed);
        n
    });
    assert_eq!(rdd.take(3).unwrap(), [0, 1, 2]);
    assert_eq!(SEEN.load(Relaxed), 3);
}

#[test]
fn top_and_take_ordered_keep_the_first_among_equals() {
    let ctx = on(2);
    let rdd = ctx.range(0..1_000, 7).map(|n| (n % 10, n));
    assert_eq!(rdd.top_by(3, |a, b| a.0.cmp(&b.0)).unwrap(), [(9, 9), (9, 19), (9, 29)]);
    assert_eq!(rdd.take_ordered_by(3, |a, b| a.0.cmp(&b.0)).unwrap(), [(0, 0), (0, 10), (0, 20)]);
    assert_eq!(rdd.take_ordered(usize::MAX).unwrap().len(), 1_000);
    assert_eq!(rdd.top(0).unwrap(), []);
}

#[test]
fn min_is_the_first_and_max_the_last_of_equals() {
    #[derive(Debug, PartialEq, Eq, Clone, serde::Serialize, serde::Deserialize)]
    struct ByFirst(u8, u8);
    impl Ord for ByFirst {
        fn cmp(&self, other: &Self) -> std::cmp::Ordering {
            self.0.cmp(&other.0)
        }
    }
    impl PartialOrd for ByFirst {
        fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
            Some(self.cmp(other))
        }
    }
    let items = vec![ByFirst(1, 0), ByFirst(1, 1), ByFirst(1, 2)];
    for partitions in 1..4 {
        let rdd = on(2).parallelize(items.clone(), partitions).unwrap();
        assert_eq!((rdd.min().unwrap(), rdd.max().unwrap()), (ByFirst(1, 0), ByFirst(1, 2)));
    }
}

#[test]
fn collect_as_map_lets_the_last_value_win() {
    let pairs = vec![("a".to_owned(), 1), ("b".to_owned(), 2), ("a".to_owned(), 3)];
    let map = on(2).parallelize(pairs, 3).unwrap().collect_as_map().unwrap();
    assert_eq!(map, BTreeMap::from([("a".to_owned(), 3), ("b".to_owned(), 2)]));
}

#[test]
fn lookup_runs_one_partition_where_the_partitioner_is_known() {
    static COMPUTED: AtomicU64 = AtomicU64::new(0);
    let ctx = on(2);
    let sums = ctx.range(0..100, 4).map(|n| (n % 10, n)).reduce_by_key_into(|a, b| a + b, 8).unwrap();
    let watched = sums.filter(|_| {
        COMPUTED.fetch_add(1, Relaxed);
        true
    });
    for key in 0..10 {
        assert_eq!(watched.lookup(key).unwrap(), [450 + key * 10]);
    }
    assert!(
        COMPUTED.swap(0, Relaxed) < 40,
        "each record is looked at for the keys of its own partition alone"
    );
    assert!(watched.lookup(11).unwrap().is_empty());
    COMPUTED.store(0, Relaxed);
    assert_eq!(watched.map(|pair| pair).lookup(3).unwrap(), [480]);
    assert_eq!(COMPUTED.load(Relaxed), 10, "without a partitioner all are looked at");
}

#[test]
fn a_lookup_after_a_sort_runs_one_partition_once_the_bounds_are_known() {
    static COMPUTED: AtomicU64 = AtomicU64::new(0);
    let ctx = on(2);
    let sorted = ctx.range(0..100, 4).map(|n| (n * 7 % 100, n)).sort_by_key_descending(5).filter(|_| {
        COMPUTED.fetch_add(1, Relaxed);
        true
    });
    assert_eq!(sorted.lookup(7).unwrap(), [1], "the bounds are not known yet");
    assert_eq!(COMPUTED.swap(0, Relaxed), 100);
    for (key, value) in [(0, 0), (7, 1), (99, 57), (50, 50)] {
        assert_eq!(sorted.lookup(key).unwrap(), [value]);
    }
    assert!((4..200).contains(&COMPUTED.swap(0, Relaxed)), "four partitions of about 20 records");
}

#[test]
fn a_lookup_with_a_partitioner_that_panics_is_an_error() {
    #[derive(Clone, PartialEq, serde::Serialize, serde::Deserialize)]
    struct Panics;
    impl rsk::rdd::Partitioner<u64> for Panics {
        fn partitions(&self) -> usize {
            2
        }
        fn partition(&self, key: &u64) -> usize {
            assert!(*key < 2, "no place for {key}");
            0
        }
    }
    let sums = on(1).range(0..2, 2).map(|n| (n, n)).reduce_by_key_into(|a, _| a, Panics).unwrap();
    assert!(sums.lookup(7).unwrap_err().to_string().contains("no place for 7"));
}

#[test]
fn an_impossible_number_of_partitions_is_an_error_of_the_job_where_the_call_cannot_fail() {
    let ctx = on(2);
    let pairs = ctx.range(0..10, 2).map(|n| (n, n));
    for error in [
        ctx.range(0..10, 0).count().map(drop),
        ctx.range(0..10, usize::MAX).first().map(drop),
        pairs.sort_by_key(0).collect().map(drop),
        pairs.filter(|_| false).sort_by_key(0).collect().map(drop),
        pairs.sort_by_key(usize::MAX).first().map(drop),
        pairs.keys().sort_by(|n| *n, 0).count().map(drop),
    ] {
        let told = format!("{:?}", error.unwrap_err());
        assert!(told.contains("partitions"), "{told}");
    }
}

#[test]
fn an_answer_larger_than_the_budget_is_an_error_that_says_so() {
    let mut config = rsk::Config::default();
    config.set("memory=16m").unwrap();
    let ctx = rsk::Context::with_config("local[2]", config).unwrap();
    let large = ctx.range(0..1, 1).map(|_| vec![7u8; 12 << 20]);
    let many = ctx.range(0..200, 1).map(|_| vec![7u8; 1 << 20]);
    for error in [large.collect().map(drop), many.collect().map(drop), many.glom().count().map(drop)] {
        let told = format!("{:?}", error.unwrap_err());
        assert!(told.contains("--conf memory=SIZE") && told.contains("Vec<u8>"), "{told}");
    }
}

#[test]
fn a_lookup_with_a_partitioner_out_of_range_is_an_error() {
    #[derive(Clone, PartialEq, serde::Serialize, serde::Deserialize)]
    struct Wrong;
    impl rsk::rdd::Partitioner<u64> for Wrong {
        fn partitions(&self) -> usize {
            2
        }
        fn partition(&self, key: &u64) -> usize {
            usize::try_from(*key).unwrap()
        }
    }
    let sums = on(1).range(0..2, 2).map(|n| (n, n)).reduce_by_key_into(|a, _| a, Wrong).unwrap();
    assert_eq!(sums.lookup(1).unwrap(), [1]);
    assert!(sums.lookup(7).unwrap_err().to_string().contains("partition 7 of 2"));
}

#[test]
fn a_local_iterator_runs_a_partition_when_it_is_reached() {
    static COMPUTED: AtomicU64 = AtomicU64::new(0);
    let ctx = on(2);
    let mut items = ctx
        .range(0..9, 3)
        .map(|n| {
            COMPUTED.fetch_add(1, Relaxed);
            n
        })
        .to_local_iterator();
    assert_eq!(COMPUTED.load(Relaxed), 0);
    for (taken, computed) in [(0, 3), (1, 3), (2, 3), (3, 6), (4, 6)] {
        assert_eq!(items.next().unwrap().unwrap(), taken);
        assert_eq!(COMPUTED.load(Relaxed), computed);
    }
    assert_eq!(items.count(), 4);
}

#[test]
fn a_local_iterator_ends_with_its_first_error() {
    let ctx = on(1);
    let mut items = ctx.range(0..9, 3).map(|n| n / u64::from(n != 4)).to_local_iterator();
    assert_eq!(items.by_ref().take(3).map(Result::unwrap).collect::<Vec<_>>(), [0, 1, 2]);
    assert!(format!("{:?}", items.next().unwrap().unwrap_err()).contains("divide by zero"));
    assert!(items.next().is_none());
}

#[test]
fn a_function_that_fails_shows_its_chain_of_causes() {
    let ctx = on(1);
    let parse = |n: u64| if n == 5 { "five".parse::<u8>().map(drop) } else { Ok(()) };
    let error = format!("{:?}", ctx.range(0..9, 3).try_for_each(parse).unwrap_err());
    for part in ["part-1 of results of job-", "failed 4 times", "the user's function failed", "invalid digit"]
    {
        assert!(error.contains(part), "{error}");
    }
}

#[test]
fn for_each_partition_is_called_for_empty_partitions_too() {
    static CALLED: AtomicU64 = AtomicU64::new(0);
    on(2)
        .range(0..2, 5)
        .for_each_partition(|items| {
            CALLED.fetch_add(1 + 100 * items.count() as u64, Relaxed);
        })
        .unwrap();
    assert_eq!(CALLED.load(Relaxed), 205);
}

#[test]
fn nan_comes_through_sums_and_lies_in_no_bucket() {
    let ctx = on(2);
    let rdd = ctx.parallelize(vec![1.0, f64::NAN, 3.0], 2).unwrap();
    assert!(rdd.sum().unwrap().is_nan() && rdd.mean().unwrap().is_nan());
    let stats = rdd.stats().unwrap();
    assert_eq!(stats.count(), 3);
    assert!([stats.mean(), stats.variance(), stats.min(), stats.max()].iter().all(|x| x.is_nan()));
    assert_eq!(rdd.histogram_by(vec![0.0, 2.0, 3.0]).unwrap().counts, [1, 1]);
    assert!(rdd.histogram(2).unwrap_err().to_string().contains("NaN"));
}

#[test]
fn integer_sums_are_exact_or_an_error() {
    let ctx = on(2);
    assert_eq!(ctx.parallelize(vec![u64::MAX - 1, 1], 2).unwrap().sum().unwrap(), u64::MAX);
    let error = ctx.parallelize(vec![u64::MAX, 1], 2).unwrap().sum().unwrap_err();
    assert!(error.to_string().contains("u64"), "{error}");
    assert_eq!(ctx.parallelize(vec![i64::MAX, 1, -5], 2).unwrap().sum().unwrap(), i64::MAX - 4);
    assert_eq!(ctx.parallelize(vec![u64::MAX, u64::MAX], 2).unwrap().mean().unwrap(), u64::MAX as f64);
}

#[test]
fn histogram_edges() {
    let ctx = on(2);
    let same = ctx.parallelize(vec![4u8; 9], 3).unwrap().histogram(5).unwrap();
    assert_eq!((same.bounds, same.counts), (vec![4.0, 4.0], vec![9]));
    let rdd = ctx.parallelize(vec![-1.0, 0.0, 5.0, 9.9, 10.0, 10.1], 3).unwrap();
    assert_eq!(rdd.histogram_by(vec![0.0, 5.0, 10.0]).unwrap().counts, [1, 3]);
    for wrong in [vec![], vec![1.0], vec![2.0, 1.0], vec![1.0, 1.0], vec![f64::NAN, 1.0]] {
        assert!(matches!(rdd.histogram_by(wrong), Err(Error::Argument(_))));
    }
    assert!(matches!(rdd.histogram(0), Err(Error::Argument(_))));
}

#[test]
fn count_approx_distinct_is_within_its_bounds() {
    let ctx = on(2);
    for (distinct, relative_sd) in [(10, 0.05), (5_000, 0.05), (50_000, 0.01)] {
        let rdd = ctx.range(0..distinct * 3, 5).with(distinct).map(|distinct, n| n % distinct);
        let about = rdd.count_approx_distinct(relative_sd).unwrap();
        let error = about.abs_diff(distinct) as f64 / distinct as f64;
        assert!(error <= 3.0 * relative_sd, "{about} for {distinct}");
    }
    assert!(matches!(ctx.range(0..9, 1).count_approx_distinct(0.0001), Err(Error::Argument(_))));
}

/// How often each record comes in many samples, against what is to be expected: chi squared over n - 1 stays near 1.
fn unevenness(counts: &[u32]) -> f64 {
    let expected = f64::from(counts.iter().sum::<u32>()) / counts.len() as f64;
    let squares = counts.iter().map(|count| (f64::from(*count) - expected).powi(2) / expected);
    squares.sum::<f64>() / (counts.len() - 1) as f64
}

#[test]
fn samples_are_even_over_partitions_of_unequal_size_and_over_places() {
    let ctx = on(2);
    let rdd = ctx.range(0..40, 8).filter(|n| n % 5 < n / 8);
    let records = rdd.collect().unwrap();
    for with_replacement in [false, true] {
        let mut by_record = vec![0; records.len()];
        let mut first = vec![0; records.len()];
        for seed in 0..600 {
            let sample = rdd.take_sample(with_replacement, 7, seed).unwrap();
            let places: Vec<_> = sample.iter().map(|item| records.binary_search(item).unwrap()).collect();
            places.iter().for_each(|place| by_record[*place] += 1);
            first[places[0]] += 1;
        }
        assert!(unevenness(&by_record) < 1.8, "{with_replacement}: {by_record:?}");
        assert!((0.3..1.8).contains(&unevenness(&first)), "{with_replacement}: {first:?}");
    }
}

#[test]
fn seeds_give_different_samples() {
    let rdd = on(1).range(0..1_000, 3);
    for with_replacement in [false, true] {
        let samples: Vec<_> =
            (0..9).map(|seed| rdd.take_sample(with_replacement, 5, seed).unwrap()).collect();
        assert!((0..9).all(|i| (0..i).all(|j| samples[i] != samples[j])));
    }
}

#[test]
fn results_larger_than_a_message_come_through_a_file() {
    let rdd = on(2).range(0..4, 4).map(|n| vec![u8::try_from(n).unwrap(); 3 << 20]);
    let all = rdd.collect().unwrap();
    assert!(all.iter().enumerate().all(|(n, bytes)| bytes.len() == 3 << 20 && usize::from(bytes[9]) == n));
}
