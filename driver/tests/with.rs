//! Operators by key that get a value by `with`: each of their functions gets it, on either side of the shuffle.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use rsk::{
    Context,
    prelude::*,
    rdd::{With, source::Parallelize},
};

fn sorted<T: Ord>(mut all: Vec<T>) -> Vec<T> {
    all.sort();
    all
}

/// The number that the functions are to get, and so much beside it that it does not travel inside the tasks.
type Value = (u64, Vec<u8>);

/// Key 1 in both partitions, twice in the first; key 2 in the second alone.
fn pairs() -> With<Parallelize<(u32, u64)>, Value> {
    let ctx = Context::new("local[2]").unwrap();
    let pairs = ctx.parallelize(vec![(1, 10), (1, 20), (2, 5), (1, 30)], 2).unwrap();
    pairs.with((1000, vec![7; 8 << 10]))
}

#[test]
fn combine_by_key_into_gives_its_value_to_each_function() {
    let combined = pairs()
        .combine_by_key_into(
            |(n, _), value| (value + n, 0u64, 0u64),
            |(n, _), (sum, merged, combined), value| (sum + value, merged + n, combined),
            |(n, _), a, b| (a.0 + b.0, a.1 + b.1, a.2 + b.2 + n),
            3,
        )
        .unwrap();
    assert_eq!(combined.partitions(), 3);
    // Created in two partitions, merged in one, combined once.
    assert_eq!(sorted(combined.collect().unwrap()), [(1, (2060, 1000, 1000)), (2, (1005, 0, 0))]);
}

#[test]
fn aggregate_by_key_gives_its_value_to_both_functions_and_none_to_the_zero() {
    let aggregated = pairs().aggregate_by_key(
        Vec::new(),
        |(n, _), mut all: Vec<u64>, value| {
            all.push(value + n);
            all
        },
        |(n, _), mut all, more| {
            all.push(*n);
            all.extend(more);
            all
        },
    );
    assert_eq!(aggregated.partitions(), 2);
    assert_eq!(sorted(aggregated.collect().unwrap()), [(1, vec![1010, 1020, 1000, 1030]), (2, vec![1005])]);
}

#[test]
fn fold_by_key_into_gives_its_value_at_each_step() {
    let folded = pairs().fold_by_key_into(0, |(n, _), a, b| a + b + n, 3).unwrap();
    assert_eq!(folded.partitions(), 3);
    // Three values and one merge; one value.
    assert_eq!(sorted(folded.collect().unwrap()), [(1, 4060), (2, 1005)]);
}

#[test]
fn group_by_into_gives_its_value_to_the_function() {
    let groups = pairs().group_by_into(|(n, _), (_, value)| value % 20 + n, 3).unwrap();
    assert_eq!(groups.partitions(), 3);
    let expected = [(1000, vec![(1, 20)]), (1005, vec![(2, 5)]), (1010, vec![(1, 10), (1, 30)])];
    assert_eq!(sorted(groups.collect().unwrap()), expected);
}

#[test]
fn operators_into_no_partition_are_refused_also_with_a_value() {
    let refused = [
        pairs().combine_by_key_into(|_, v| v, |_, a, v| a + v, |_, a, b| a + b, 0).err(),
        pairs().aggregate_by_key_into(0, |_, a, v| a + v, |_, a, b| a + b, 0).err(),
        pairs().fold_by_key_into(0, |_, a, b| a + b, 0).err(),
        pairs().reduce_by_key_into(|_, a, b| a + b, 0).err(),
        pairs().group_by_into(|_, (key, _)| *key, 0).err(),
    ];
    for error in refused {
        assert!(matches!(error, Some(rsk::Error::Argument(why)) if why.contains("0 partitions")));
    }
}
