use super::*;
use crate::{Config, prelude::*};
use rsk_proto::{AccumulatorUpdate, PartitionId, StageId, encode_record};
use std::{
    collections::BTreeSet,
    fs,
    sync::atomic::{AtomicU64, Ordering::Relaxed},
};

#[test]
fn exactly_once_whatever_the_number_of_attempts() {
    static TRIES: AtomicU64 = AtomicU64::new(0);
    let ctx = Context::new("local[2]").unwrap();
    let sum = ctx.accumulator(0u64);
    let added = ctx.range(0..1000, 4).with(sum.clone()).for_each(|sum, n| {
        sum.add(n);
        // Each partition fails at its end, until there have been nine failures among them all.
        assert!(n % 250 != 249 || TRIES.fetch_add(1, Relaxed) >= 9, "not yet");
    });
    added.unwrap();
    assert_eq!(TRIES.load(Relaxed), 13);
    assert_eq!(sum.value(), 499_500);
}

#[test]
fn a_job_that_fails_leaves_what_its_accepted_attempts_added() {
    let ctx = Context::new("local").unwrap();
    let seen = ctx.accumulator(Vec::new());
    let failed = ctx.range(0..3, 3).with(seen.clone()).for_each(|seen, n| {
        seen.add(vec![n]);
        assert!(n < 2, "two is too many");
    });
    assert!(failed.is_err());
    assert_eq!(seen.value(), [0, 1]);
}

#[test]
fn a_transformation_counts_again_where_it_runs_again() {
    let dir = tempfile::tempdir().unwrap();
    let mut config = Config::default();
    config.set(&format!("work_dir={}", dir.path().display())).unwrap();
    let ctx = Context::with_config("local[2]", config).unwrap();
    let seen = ctx.accumulator(0u64);
    let pairs = ctx.range(0..100, 4).with(seen.clone()).map(|seen, n| {
        seen.add(1);
        (n % 10, n)
    });
    let sums = pairs.reduce_by_key(|a, b| a + b);
    assert_eq!((sums.count().unwrap(), seen.value()), (10, 100));
    assert_eq!((sums.count().unwrap(), seen.value()), (10, 100), "its output is there");
    let shuffle = ctx.backend().executor().work_dir().shuffle();
    let folder = fs::read_dir(shuffle).unwrap().next().unwrap().unwrap().path();
    let mut files: Vec<_> = fs::read_dir(folder).unwrap().map(|file| file.unwrap().path()).collect();
    files.sort();
    files.retain(|file| file.extension().is_some_and(|extension| extension == "data"));
    fs::remove_file(&files[0]).unwrap();
    assert_eq!((sums.count().unwrap(), seen.value()), (10, 125), "one map task of four ran again");
    assert_eq!((pairs.count().unwrap(), seen.value()), (100, 225), "and another job");
}

#[test]
fn floating_point_sums_do_not_depend_on_who_comes_first() {
    let numbers: Vec<f64> = (0..400).map(|n| 10f64.powi(n % 31 - 15) / 3.0).collect();
    // Partitions of ten: the sum of each, the sum of those in order, and that on what was there before.
    let parts = numbers.chunks(10).map(|part| part.iter().copied().reduce(|a, b| a + b).unwrap());
    let expected = 0.1 + parts.reduce(|a, b| a + b).unwrap();
    for slots in [1, 2, 3, 3, 3, 3] {
        let ctx = Context::new(&format!("local[{slots}]")).unwrap();
        let sum = ctx.accumulator(0.1);
        let rdd = ctx.parallelize(numbers.clone(), 40).unwrap();
        rdd.with(sum.clone()).for_each(Accumulator::add).unwrap();
        assert_eq!(sum.value().to_bits(), expected.to_bits());
    }
}

#[test]
fn stages_count_in_their_order_and_partitions_in_theirs() {
    let ctx = Context::new("local[3]").unwrap();
    let seen = ctx.accumulator(Vec::new());
    let pairs = ctx.range(0..6, 3).with(seen.clone()).map(|seen, n| {
        seen.add(vec![n]);
        (n, n)
    });
    let sums = pairs.reduce_by_key_into(|a, _| a, 1).unwrap();
    let read = sums.with(seen.clone()).map(|seen, (n, _)| seen.add(vec![100 + n]));
    assert_eq!(read.count().unwrap(), 6);
    seen.add(vec![7]);
    let mut all = seen.value();
    assert_eq!(all[..6], [0, 1, 2, 3, 4, 5]);
    assert_eq!(all.pop(), Some(7));
    all[6..].sort_unstable();
    assert_eq!(all[6..], [100, 101, 102, 103, 104, 105]);
}

#[test]
fn reading_in_a_task_fails_the_job_at_once() {
    let ctx = Context::new("local").unwrap();
    let sum = ctx.accumulator(1u64);
    let read = ctx.range(0..1, 1).with(sum).map(|sum, _| sum.value()).count();
    let error = format!("{:?}", read.unwrap_err());
    assert!(!error.contains("times") && error.contains("only the driver can read it"), "{error}");
}

#[test]
fn a_merge_that_panics_is_told_to_the_reader_and_to_nobody_else() {
    #[derive(Clone, Debug, Serialize, Deserialize)]
    struct Bad;
    impl Accumulate for Bad {
        fn merge(&mut self, _: Self) {
            panic!("bad does not merge");
        }
    }
    let ctx = Context::new("local[2]").unwrap();
    let bad = ctx.accumulator(Bad);
    ctx.range(0..4, 4).with(bad.clone()).for_each(|bad, _| bad.add(Bad)).unwrap();
    let read = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| bad.value()));
    let why = *read.unwrap_err().downcast::<String>().unwrap();
    assert!(why.contains("bad does not merge"), "{why}");
    assert_eq!(ctx.range(0..4, 4).count().unwrap(), 4, "the slots live on");
}

#[test]
fn it_goes_with_its_last_handle() {
    let ctx = Context::new("local").unwrap();
    let sum = ctx.accumulator(0u64);
    let rdd = ctx.range(0..4, 2).with(sum.clone()).map(Accumulator::add);
    drop(sum);
    assert_eq!(format!("{:?}", ctx.accumulators()), "AccumulatorTable(1)");
    rdd.count().unwrap();
    drop(rdd);
    assert_eq!(format!("{:?}", ctx.accumulators()), "AccumulatorTable(0)");
}

fn fold(sums: &[Arc<dyn AnySum>]) {
    for sum in sums {
        sum.fold();
    }
}

/// Partitions come in any order, and wait for those before them; the reader sees all of them.
#[test]
fn sums_wait_for_earlier_partitions() {
    let table = Arc::new(AccumulatorTable::default());
    let sum = Sum::register(AccumulatorId(1), "text".to_owned(), "<".to_owned(), &table);
    let ended = |partition: u32, text: &str| {
        let mut value = Vec::new();
        encode_record(&Some(text), &mut value).unwrap();
        let update = AccumulatorUpdate { id: AccumulatorId(1), value };
        let sums = table.accepted(StageId(5), PartitionId(partition), &[update]);
        fold(&sums);
    };
    table.begun(StageId(5), &(0..4).map(PartitionId).collect());
    ended(2, "c");
    assert_eq!(sum.value(), "<c");
    ended(0, "a");
    assert_eq!(sum.value(), "<ac");
    ended(1, "b");
    // Partition 3 adds nothing.
    assert!(!table.accepted(StageId(5), PartitionId(3), &[]).is_empty());
    assert_eq!(sum.value(), "<abc");
    // An output was lost: its partition runs again, and counts again.
    table.begun(StageId(5), &BTreeSet::from([PartitionId(1)]));
    ended(1, "B");
    fold(&table.ended(StageId(5)));
    assert_eq!(sum.value(), "<abcB");
    ended(1, "too late: nobody awaits it");
    assert_eq!(sum.value(), "<abcB");
}
