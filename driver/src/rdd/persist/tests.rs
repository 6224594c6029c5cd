use super::*;
use crate::{Config, Context, prelude::*, rdd::Stage};
use rsk_proto::{BlockEpoch, Encoder, PartitionId, RddId, ShuffleId};
use std::{
    fs,
    path::Path,
    sync::atomic::{AtomicU64, Ordering::Relaxed},
};

const LEVELS: [StorageLevel; 4] = [
    StorageLevel::MemoryOnly,
    StorageLevel::MemoryOnlySer,
    StorageLevel::MemoryAndDisk,
    StorageLevel::DiskOnly,
];

fn context(slots: u32, memory: &str, dir: &Path) -> Context {
    let mut config = Config::default();
    for setting in [format!("memory={memory}"), format!("work_dir={}", dir.display())] {
        config.set(&setting).unwrap();
    }
    Context::with_config(&format!("local[{slots}]"), config).unwrap()
}

fn counted<T>(counter: &AtomicU64, item: T) -> T {
    counter.fetch_add(1, Relaxed);
    item
}

fn blocks_on_disk(ctx: &Context) -> usize {
    fs::read_dir(ctx.backend().executor().work_dir().block()).unwrap().count()
}

#[test]
fn a_persisted_rdd_is_computed_once_at_each_level() {
    static COMPUTED: AtomicU64 = AtomicU64::new(0);
    for level in LEVELS {
        let ctx = Context::new("local[2]").unwrap();
        let texts = ctx.range(0..1000, 4).map(|n| {
            COMPUTED.fetch_add(1, Relaxed);
            n.to_string()
        });
        let kept = texts.persist(level);
        assert_eq!(kept.level(), Some(level));
        COMPUTED.store(0, Relaxed);
        let first = kept.collect().unwrap();
        assert_eq!(first, (0..1000).map(|n: u64| n.to_string()).collect::<Vec<_>>());
        assert_eq!(kept.collect().unwrap(), first);
        assert_eq!(kept.by_ref().map(|text| text.len()).reduce(|a, b| a + b).unwrap(), 2890);
        assert_eq!(kept.map(|text| text.len()).boxed().count().unwrap(), 1000);
        assert_eq!(COMPUTED.load(Relaxed), 1000, "{level:?}");
        assert_eq!(blocks_on_disk(&ctx), if level == StorageLevel::DiskOnly { 4 } else { 0 }, "{level:?}");
    }
}

#[test]
fn only_the_partitions_that_are_missing_are_computed() {
    static COMPUTED: AtomicU64 = AtomicU64::new(0);
    let ctx = Context::new("local[2]").unwrap();
    let kept = ctx.range(0..40, 4).map(|n| counted(&COMPUTED, n)).cache();
    let one = [PartitionId(2)];
    crate::rdd::action::run_on(&kept, &one, &Sum, |sum: u64| assert_eq!(sum, 245)).unwrap();
    assert_eq!(COMPUTED.load(Relaxed), 10);
    assert_eq!((kept.count().unwrap(), COMPUTED.load(Relaxed)), (40, 40));
}

#[derive(Clone)]
struct Sum;

impl crate::rdd::action::PartitionAction<u64> for Sum {
    type Out = u64;

    fn run(&self, items: impl Iterator<Item = u64>, _: &rsk_executor::TaskContext) -> u64 {
        items.sum()
    }

    fn encode(&self, _: &mut Encoder) {}

    fn decode(_: &mut rsk_proto::Decoder<'_>) -> Result<Self, rsk_proto::CodecError> {
        Ok(Sum)
    }
}

#[test]
fn by_ref_copies_nothing() {
    static CLONED: AtomicU64 = AtomicU64::new(0);
    #[derive(serde::Serialize, serde::Deserialize)]
    struct Heavy(u64);
    impl Clone for Heavy {
        fn clone(&self) -> Self {
            CLONED.fetch_add(1, Relaxed);
            Heavy(self.0)
        }
    }
    let ctx = Context::new("local[2]").unwrap();
    let kept = ctx.range(0..100, 3).map(Heavy).cache();
    let places = kept.by_ref().map(|heavy| std::ptr::from_ref(&*heavy).addr());
    let first = places.collect().unwrap();
    assert_eq!(places.collect().unwrap(), first, "the handles point into the block");
    assert_eq!(CLONED.load(Relaxed), 0);
    assert_eq!(kept.map(|heavy| heavy.0).reduce(|a, b| a + b).unwrap(), 4950);
    assert_eq!(CLONED.load(Relaxed), 100, "without it, each record is cloned");
}

#[test]
fn unpersist_frees_and_what_reads_it_is_computed_from_then_on() {
    static COMPUTED: AtomicU64 = AtomicU64::new(0);
    for level in LEVELS {
        let ctx = Context::new("local[2]").unwrap();
        let kept = ctx.range(0..100, 4).map(|n| counted(&COMPUTED, n)).persist(level);
        let boxed = kept.boxed();
        COMPUTED.store(0, Relaxed);
        assert_eq!((boxed.count().unwrap(), boxed.count().unwrap()), (100, 100));
        let counts = ctx.backend().executor().blocks().counts();
        assert_eq!(counts.in_memory + counts.on_disk, 4, "{level:?}");
        kept.unpersist();
        kept.unpersist();
        let counts = ctx.backend().executor().blocks().counts();
        assert_eq!((counts.in_memory, counts.on_disk, counts.memory_bytes), (0, 0, 0), "{level:?}");
        assert_eq!(blocks_on_disk(&ctx), 0);
        let by_ref = kept.by_ref().map(|n| *n).collect().unwrap();
        assert_eq!((boxed.collect().unwrap(), by_ref), ((0..100).collect(), (0..100).collect()));
        assert_eq!(COMPUTED.load(Relaxed), 300);
        let counts = ctx.backend().executor().blocks().counts();
        assert_eq!(counts.in_memory + counts.on_disk, 0, "it is not kept again");
    }
}

#[test]
fn blocks_go_with_the_last_handle_and_not_before() {
    let ctx = Context::new("local[2]").unwrap();
    let kept = ctx.range(0..100, 4).cache();
    let derived = kept.map(|n| (n % 3, n)).reduce_by_key(|a, b| a + b);
    kept.count().unwrap();
    drop(kept);
    assert_eq!(ctx.backend().executor().blocks().counts().in_memory, 4, "the shuffle's map side is a handle");
    drop(derived);
    assert_eq!(ctx.backend().executor().blocks().counts().in_memory, 0);
    assert_eq!(format!("{:?}", ctx.blocks()), "BlockTable({})");
}

#[test]
fn what_was_evicted_is_computed_again_or_read_from_disk() {
    static COMPUTED: AtomicU64 = AtomicU64::new(0);
    let dir = tempfile::tempdir().unwrap();
    for (level, again) in [(StorageLevel::MemoryOnly, true), (StorageLevel::MemoryAndDisk, false)] {
        let ctx = context(1, "16m", dir.path());
        let one = ctx.range(0..400_000, 4).map(|n| counted(&COMPUTED, n)).persist(level);
        COMPUTED.store(0, Relaxed);
        let sum = one.reduce(|a, b| a + b).unwrap();
        let other = ctx.range(0..1_000_000, 4).map(|n| n + 1).persist(level);
        other.count().unwrap();
        assert!(ctx.backend().executor().blocks().counts().evictions > 0, "both do not fit");
        assert_eq!(one.reduce(|a, b| a + b).unwrap(), sum);
        assert_eq!(COMPUTED.load(Relaxed) > 400_000, again, "{level:?}");
        assert_eq!(other.count().unwrap(), 1_000_000);
    }
}

#[test]
fn a_task_does_not_carry_what_lies_behind_a_block() {
    let ctx = Context::new("local[2]").unwrap();
    let kept = ctx.parallelize((0..100_000u64).collect(), 2).unwrap().cache();
    let bytes = || {
        let mut to = Encoder::default();
        kept.encode(PartitionId(1), &mut to);
        to.finish().unwrap().len()
    };
    assert!(bytes() > 50_000);
    kept.count().unwrap();
    assert!(bytes() < 50, "{}", bytes());
    // The executor has lost them, and the driver does not know.
    ctx.backend().executor().blocks().remove(kept_id(&ctx), BlockEpoch::NEVER);
    assert_eq!(kept.reduce(|a, b| a + b).unwrap(), 4_999_950_000);
    assert!(bytes() < 50, "and they are there again");
}

/// The one RDD that is persisted.
fn kept_id(ctx: &Context) -> RddId {
    let table = format!("{:?}", ctx.blocks());
    let number = table.split("RddId(").nth(1).and_then(|rest| rest.split(')').next());
    RddId(number.unwrap().parse().unwrap())
}

#[test]
fn a_lost_block_whose_shuffle_is_gone_runs_the_shuffle_again() {
    static MAPPED: AtomicU64 = AtomicU64::new(0);
    let ctx = Context::new("local[2]").unwrap();
    let pairs = ctx.range(0..100, 3).map(|n| (counted(&MAPPED, n % 10), n));
    let sums = pairs.reduce_by_key(|a, b| a + b);
    let kept = sums.map(|(key, sum)| (key, sum + 1)).cache();
    let first = kept.collect().unwrap();
    assert_eq!((kept.collect().unwrap(), MAPPED.load(Relaxed)), (first.clone(), 100));
    let mut stages = Vec::new();
    sums.dependencies(&mut stages);
    let Some(crate::rdd::dependency::Needs::Stage(stage)) = stages.pop().map(|stage| stage.0) else {
        panic!("a shuffle depends on its map side")
    };
    ctx.forget_shuffle(ShuffleId(Stage::id(&*stage).0));
    assert_eq!(
        (kept.collect().unwrap(), MAPPED.load(Relaxed)),
        (first.clone(), 100),
        "nobody reads the shuffle"
    );
    // The driver believes in blocks that the executor has lost: it learns of it in the job, which then needs a stage
    // that it did not know of.
    ctx.backend().executor().blocks().remove(kept_id(&ctx), BlockEpoch::NEVER);
    assert_eq!((kept.collect().unwrap(), MAPPED.load(Relaxed)), (first.clone(), 200));
    assert_eq!((kept.collect().unwrap(), MAPPED.load(Relaxed)), (first, 200));
}

#[test]
fn two_jobs_at_once_compute_it_once() {
    static COMPUTED: AtomicU64 = AtomicU64::new(0);
    let ctx = Context::new("local[3]").unwrap();
    let kept = ctx.range(0..60_000, 6).map(|n| counted(&COMPUTED, n)).cache();
    std::thread::scope(|scope| {
        let jobs: Vec<_> = (0..3).map(|_| scope.spawn(|| kept.count().unwrap())).collect();
        for job in jobs {
            assert_eq!(job.join().unwrap(), 60_000);
        }
    });
    assert_eq!(COMPUTED.load(Relaxed), 60_000);
}

#[test]
fn iterations_over_persisted_rdds_stay_linear() {
    static COMPUTED: AtomicU64 = AtomicU64::new(0);
    let ctx = Context::new("local[2]").unwrap();
    let mut state = ctx.range(0..100, 2).boxed().cache();
    for round in 1..=30 {
        let next = state.map(|n| counted(&COMPUTED, n + 1)).boxed().cache();
        assert_eq!(next.reduce(|a, b| a + b).unwrap(), 4950 + 100 * round);
        state = next;
    }
    assert_eq!(COMPUTED.load(Relaxed), 3000);
}

#[test]
fn a_deep_lineage_of_persisted_rdds_does_not_overflow() {
    let ctx = Context::new("local[2]").unwrap();
    let mut state = ctx.range(0..4, 2).boxed();
    for _ in 0..500 {
        state = state.map(|n| n + 1).cache().boxed();
    }
    assert_eq!(state.collect().unwrap(), [500, 501, 502, 503]);
    assert_eq!(ctx.backend().executor().blocks().counts().in_memory, 1000);
    drop(state);
    assert_eq!(ctx.backend().executor().blocks().counts().in_memory, 0);
}

#[test]
fn a_persisted_rdd_keeps_its_partitioning() {
    let ctx = Context::new("local").unwrap();
    let sums = ctx.range(0..10, 2).map(|n| (n, n)).reduce_by_key(|a, b| a + b);
    assert!(sums.partitioning().is_some());
    assert_eq!(sums.cache().partitioning(), sums.partitioning());
    assert_eq!(sums.checkpoint().unwrap().partitioning(), sums.partitioning());
}

fn checkpoints(ctx: &Context) -> usize {
    let folder = ctx.backend().executor().work_dir().path().join("checkpoint");
    fs::read_dir(folder).map_or(0, Iterator::count)
}

#[test]
fn a_checkpoint_cuts_the_lineage_and_lets_go_of_the_parents() {
    static COMPUTED: AtomicU64 = AtomicU64::new(0);
    let ctx = Context::new("local[2]").unwrap();
    let pairs = ctx.range(0..100, 3).map(|n| (counted(&COMPUTED, n % 10), n));
    let sums = pairs.reduce_by_key(|a, b| a + b);
    let cut = sums.map(|(key, sum)| (key.to_string(), sum)).checkpoint().unwrap();
    let mut stages = Vec::new();
    cut.dependencies(&mut stages);
    assert!(stages.is_empty(), "{stages:?}");
    let first = sums.collect().unwrap();
    let shuffle = ctx.backend().executor().work_dir().shuffle();
    assert_eq!(fs::read_dir(&shuffle).unwrap().count(), 1);
    drop(sums);
    assert_eq!(fs::read_dir(&shuffle).unwrap().count(), 0, "nothing holds the shuffle");
    let back = cut.map(|(key, sum)| (key.parse::<u64>().unwrap(), sum)).collect().unwrap();
    assert_eq!((back, COMPUTED.load(Relaxed)), (first, 100));
}

#[test]
fn checkpoints_in_the_work_directory_go_with_their_handles_and_others_stay() {
    let dir = tempfile::tempdir().unwrap();
    let ctx = Context::new("local").unwrap();
    let rdd = ctx.range(0..4, 2);
    let first = rdd.checkpoint().unwrap();
    let derived = first.map(|n| n);
    assert_eq!(checkpoints(&ctx), 1);
    drop(first);
    assert_eq!((derived.count().unwrap(), checkpoints(&ctx)), (4, 1));
    drop(derived);
    assert_eq!(checkpoints(&ctx), 0);
    ctx.set_checkpoint_dir(dir.path()).unwrap();
    let kept = rdd.checkpoint().unwrap().folder().clone();
    assert!(kept.local().unwrap().join("part-00001").exists());
    let mut config = Config::default();
    config.set(&format!("checkpoint_dir={}", dir.path().display())).unwrap();
    let other = Context::with_config("local", config).unwrap();
    let folders = || std::fs::read_dir(dir.path()).unwrap().count();
    assert_eq!(
        (folders(), other.range(0..4, 2).count().unwrap(), folders()),
        (1, 4, 1),
        "a folder is made when it is needed"
    );
    let other = other.range(0..4, 2).checkpoint().unwrap();
    assert_ne!(*other.folder(), kept, "two programs share a folder and no file");
    assert_eq!(other.collect().unwrap(), [0, 1, 2, 3]);
}

#[test]
fn a_checkpoint_file_that_is_damaged_or_gone_is_named() {
    let ctx = Context::new("local").unwrap();
    let cut = ctx.range(0..1000, 2).map(|n| n.to_string()).checkpoint().unwrap();
    let file = cut.folder().local().unwrap().join("part-00001");
    let mut bytes = fs::read(&file).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(&file, &bytes).unwrap();
    for trouble in ["damaged", "cannot read"] {
        let error = format!("{:?}", cut.count().unwrap_err());
        assert!(error.contains("part-00001") && error.contains(trouble), "{error}");
        fs::remove_file(&file).unwrap_or_default();
    }
}

#[test]
fn a_checkpoint_that_fails_leaves_nothing() {
    let ctx = Context::new("local").unwrap();
    let bad = ctx.range(0..4, 2).map(|n| {
        assert!(n < 3, "three is one too many");
        n
    });
    assert!(format!("{:?}", bad.checkpoint().unwrap_err()).contains("three is one too many"));
    assert_eq!(checkpoints(&ctx), 0);
    let file = tempfile::NamedTempFile::new().unwrap();
    let error = ctx.set_checkpoint_dir(file.path().join("under")).unwrap_err();
    assert!(format!("{error:?}").contains("under"), "{error:?}");
}

#[test]
fn a_thousand_checkpoints_leave_neither_stack_nor_files() {
    let ctx = Context::new("local[2]").unwrap();
    let mut state = ctx.range(0..4, 2).boxed();
    for _ in 0..1000 {
        state = state.map(|n| n + 1).checkpoint().unwrap().boxed();
    }
    assert_eq!(state.collect().unwrap(), [1000, 1001, 1002, 1003]);
    assert_eq!(checkpoints(&ctx), 1);
    drop(state);
    assert_eq!(checkpoints(&ctx), 0);
}
