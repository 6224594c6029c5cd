//! Several jobs at once: shared stages, order, pools, groups, cancellation; and lineages of ten thousand steps.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use rsk::{Config, Context, Error, prelude::*};
use std::{
    fs,
    path::{Path, PathBuf},
    sync::{
        Barrier,
        atomic::{AtomicBool, AtomicU64, Ordering::SeqCst},
    },
    thread,
    time::{Duration, Instant},
};

fn context(slots: u32, settings: &[&str]) -> Context {
    let mut config = Config::default();
    settings.iter().for_each(|setting| config.set(setting).unwrap());
    Context::with_config(&format!("local[{slots}]"), config).unwrap()
}

fn wait_for(flag: &AtomicBool) {
    while !flag.load(SeqCst) {
        thread::yield_now();
    }
}

#[test]
fn a_shuffle_that_jobs_need_at_once_runs_once() {
    static MAPPED: AtomicU64 = AtomicU64::new(0);
    let ctx = context(2, &[]);
    let sums = ctx
        .range(0..4_000, 4)
        .map(|n| {
            MAPPED.fetch_add(1, SeqCst);
            (n % 7, n)
        })
        .reduce_by_key(|a, b| a + b);
    let start = Barrier::new(3);
    let answers = thread::scope(|scope| {
        let job = || {
            start.wait();
            sums.collect().unwrap()
        };
        let jobs: Vec<_> = (0..3).map(|_| scope.spawn(job)).collect();
        jobs.into_iter().map(|job| job.join().unwrap()).collect::<Vec<_>>()
    });
    assert!(answers.iter().all(|answer| *answer == answers[0]) && answers[0].len() == 7);
    assert_eq!(MAPPED.load(SeqCst), 4_000);
    sums.count().unwrap();
    assert_eq!(MAPPED.load(SeqCst), 4_000, "a later job skips the stage");
}

const TASKS: u64 = 300;
const PARTITIONS: usize = 300;

/// How many tasks of a large job in the pool `batch` are done when a small job in the pool `live`, begun after it, is.
fn done_before_the_small_job(ctx: &Context) -> u64 {
    static DONE: AtomicU64 = AtomicU64::new(0);
    static HAS_BEGUN: AtomicBool = AtomicBool::new(false);
    DONE.store(0, SeqCst);
    HAS_BEGUN.store(false, SeqCst);
    let large = || {
        ctx.range(0..TASKS, PARTITIONS).for_each(|_| {
            HAS_BEGUN.store(true, SeqCst);
            let until = Instant::now() + Duration::from_millis(1);
            while Instant::now() < until {}
            DONE.fetch_add(1, SeqCst);
        })
    };
    thread::scope(|scope| {
        let large = scope.spawn(move || ctx.in_pool("batch", large));
        wait_for(&HAS_BEGUN);
        ctx.in_pool("live", || ctx.range(0..1, 1).count()).unwrap();
        let by_then = DONE.load(SeqCst);
        large.join().unwrap().unwrap();
        by_then
    })
}

#[test]
fn in_fifo_order_a_small_job_waits_and_in_a_fair_pool_it_does_not() {
    assert_eq!(done_before_the_small_job(&context(1, &[])), TASKS);
    let by_then = done_before_the_small_job(&context(1, &["job_order=fair", "pools=batch:1,live:1"]));
    assert!(by_then < TASKS, "the small job waited for all {by_then}");
}

#[test]
fn a_cancelled_group_ends_at_once_and_other_jobs_go_on() {
    static HAS_BEGUN: AtomicBool = AtomicBool::new(false);
    static GOES_ON: AtomicBool = AtomicBool::new(true);
    let ctx = context(2, &[]);
    let ctx = &ctx;
    thread::scope(|scope| {
        let endless = || {
            ctx.range(0..64, 64).for_each(|_| {
                HAS_BEGUN.store(true, SeqCst);
                while GOES_ON.load(SeqCst) {
                    thread::yield_now();
                }
            })
        };
        let job = scope.spawn(move || ctx.in_group("nightly", endless));
        wait_for(&HAS_BEGUN);
        assert_eq!(ctx.cancel_group("weekly"), 0);
        assert_eq!(ctx.cancel_group("nightly"), 1);
        // Its caller hears at once, although its tasks do not look.
        let error = job.join().unwrap().unwrap_err();
        assert!(matches!(&error, Error::Cancelled(why) if why.contains("nightly")), "{error:?}");
        GOES_ON.store(false, SeqCst);
    });
    assert_eq!(ctx.range(0..10, 4).count().unwrap(), 10);
}

#[test]
fn a_cancelled_job_gives_its_slot_back() {
    static HAS_BEGUN: AtomicBool = AtomicBool::new(false);
    let ctx = context(1, &[]);
    let endless = || {
        let hit = |n: &u64| {
            HAS_BEGUN.store(true, SeqCst);
            *n == u64::MAX
        };
        ctx.range(0..u64::MAX, 1).filter(hit).count()
    };
    thread::scope(|scope| {
        let job = scope.spawn(endless);
        wait_for(&HAS_BEGUN);
        assert_eq!(ctx.cancel_all_jobs(), 1);
        assert!(matches!(job.join().unwrap(), Err(Error::Cancelled(_))));
    });
    assert_eq!(ctx.range(0..10, 2).count().unwrap(), 10);
}

#[test]
fn an_action_inside_a_task_is_an_error_and_no_deadlock() {
    static CONTEXT: std::sync::OnceLock<Context> = std::sync::OnceLock::new();
    let ctx = CONTEXT.get_or_init(|| context(1, &["task_attempts=1"]));
    let inside =
        ctx.range(0..1, 1).try_map(|n| CONTEXT.get().map_or(Ok(n), |ctx| ctx.range(0..n, 1).count()));
    let error = format!("{:?}", inside.collect().unwrap_err());
    assert!(error.contains("inside a task") && error.contains("broadcast"), "{error}");
    ctx.stop();
}

#[test]
fn a_stopped_context_refuses_jobs() {
    let ctx = context(1, &[]);
    let rdd = ctx.range(0..10, 2);
    ctx.stop();
    assert!(matches!(rdd.count(), Err(Error::Stopped)));
}

#[test]
fn three_failures_of_a_task_are_forgiven_and_the_fourth_is_told() {
    static TRIES: AtomicU64 = AtomicU64::new(0);
    let ctx = context(1, &[]);
    let fragile = ctx.range(0..1, 1).with(4u64).map(|good, n| {
        assert!((TRIES.fetch_add(1, SeqCst) + 1).is_multiple_of(*good), "not this time");
        n
    });
    assert_eq!(fragile.count().unwrap(), 1);
    assert_eq!(TRIES.load(SeqCst), 4);
    let error = ctx.range(0..1, 1).for_each(|_| panic!("never")).unwrap_err();
    assert!(matches!(&error, Error::Task { attempts: 4, .. }), "{error:?}");
    let once = context(1, &["task_attempts=1"]);
    let error = once.range(0..1, 1).for_each(|_| panic!("never")).unwrap_err();
    assert!(matches!(error, Error::Task { attempts: 1, .. }));
}

#[test]
fn ten_thousand_boxed_steps_neither_run_nor_drop_down_the_stack() {
    let ctx = context(2, &[]);
    let mut rdd = ctx.range(0..4, 2).boxed();
    for _ in 0..10_000 {
        rdd = rdd.map(|x| x + 1).boxed();
    }
    assert_eq!(rdd.collect().unwrap(), [10_000, 10_001, 10_002, 10_003]);
    let copy = rdd.clone();
    drop(rdd);
    assert_eq!(copy.count().unwrap(), 4);
}

#[test]
fn a_diamond_of_thirty_levels_stays_linear() {
    let ctx = context(2, &[]);
    let mut sums = ctx.range(0..8, 2).map(|n| (n, 1u64)).boxed();
    for _ in 0..30 {
        sums = sums.reduce_by_key(|a, b| a + b).boxed();
    }
    assert_eq!(sums.count().unwrap(), 8);
}

/// Panics when it is encoded or compared: code of the user that slots run outside of tasks.
#[derive(Clone, PartialEq, Eq)]
struct Stubborn(u64);

impl PartialOrd for Stubborn {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Stubborn {
    fn cmp(&self, _: &Self) -> std::cmp::Ordering {
        panic!("it is not to be compared")
    }
}

impl serde::Serialize for Stubborn {
    fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        assert_ne!(self.0, 0, "it is not to be encoded");
        self.0.serialize(to)
    }
}

impl<'de> serde::Deserialize<'de> for Stubborn {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        u64::deserialize(from).map(Stubborn)
    }
}

#[test]
fn users_code_that_panics_in_the_driver_fails_its_job_and_costs_no_slot() {
    let ctx = context(1, &["task_attempts=1"]);
    let said = |error| format!("{error:?}");
    let encoded = ctx.parallelize(vec![Stubborn(0)], 1).unwrap().count();
    assert!(said(encoded.unwrap_err()).contains("it is not to be encoded"));
    let bounds = ctx.range(1..9, 2).map(|n| (Stubborn(n), n)).sort_by_key(2).count();
    let error = said(bounds.unwrap_err());
    assert!(error.contains("it is not to be compared") && error.contains("in the driver"), "{error}");
    assert_eq!(ctx.range(0..10, 2).count().unwrap(), 10);
}

/// Files under a folder whose names end like this.
fn files(folder: &Path, end: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
    let inside = entries.flat_map(|path| if path.is_dir() { files(&path, end) } else { vec![path] });
    inside.filter(|path| path.to_string_lossy().ends_with(end)).collect()
}

#[test]
fn a_version_that_lost_a_part_is_made_again_as_a_whole_with_all_that_was_made_of_it() {
    static DRAWN: AtomicU64 = AtomicU64::new(0);
    let dir = tempfile::tempdir().unwrap();
    let ctx = context(2, &["resubmit_delay=0", &format!("work_dir={}", dir.path().display())]);
    let drawn = ctx.range(0..400, 4).map(|n| (n % 40, DRAWN.fetch_add(1, SeqCst))).indeterminate();
    let first = drawn.reduce_by_key(u64::max).boxed();
    // Of the first version: a shuffle and blocks.
    let second = first.map(|(key, value)| (value, key)).reduce_by_key(|key, _| key).boxed();
    let kept = first.map_values(|value| value + 1).cache();
    assert_eq!((second.count().unwrap(), kept.count().unwrap()), (40, 40));
    let outputs = files(dir.path(), ".data");
    assert_eq!(outputs.len(), 4 + first.partitions(), "of two shuffles");
    // Of each map side one; the first shuffle has the lower number.
    let lost = outputs.iter().filter(|path| path.to_string_lossy().contains("part-1-"));
    lost.for_each(|path| fs::remove_file(path).unwrap());
    let both = first.map(|(key, value)| (value, key)).join(&second).map_values(|(a, b)| a == b);
    let all = both.join(&kept.map(|(key, value)| (value - 1, key))).collect().unwrap();
    assert_eq!(all.len(), 40, "all three are of one version");
    assert!(all.iter().all(|(_, (same, _))| *same));
    assert_eq!(DRAWN.load(SeqCst), 800, "drawn twice, as a whole");
}

#[test]
fn one_attempt_learns_of_all_outputs_that_are_gone() {
    let dir = tempfile::tempdir().unwrap();
    let ctx = context(1, &["resubmit_delay=0", &format!("work_dir={}", dir.path().display())]);
    let sums = ctx.range(0..1_000, 12).map(|n| (n % 7, n)).reduce_by_key(|a, b| a + b);
    let before = sums.collect().unwrap();
    // More than a stage forgives attempts.
    files(dir.path(), ".data").iter().for_each(|path| fs::remove_file(path).unwrap());
    assert_eq!(sums.collect().unwrap(), before);
}

#[test]
fn a_job_that_fails_stops_its_other_tasks() {
    static HAS_BEGUN: AtomicBool = AtomicBool::new(false);
    static MET: AtomicU64 = AtomicU64::new(0);
    let ctx = context(2, &["task_attempts=1"]);
    let error = ctx.range(0..u64::MAX, 2).for_each(|n| {
        if n == 0 {
            wait_for(&HAS_BEGUN);
            panic!("the first");
        }
        HAS_BEGUN.store(true, SeqCst);
    });
    assert!(matches!(error, Err(Error::Task { .. })));
    // Both slots are free: each of these tasks waits for the other.
    let both = ctx.range(0..2, 2).for_each(|_| {
        MET.fetch_add(1, SeqCst);
        while MET.load(SeqCst) < 2 {
            thread::yield_now();
        }
    });
    both.unwrap();
}

#[test]
fn large_results_that_nobody_takes_are_removed() {
    let dir = tempfile::tempdir().unwrap();
    let ctx = context(2, &["task_attempts=1", &format!("work_dir={}", dir.path().display())]);
    let path = dir.path().display().to_string();
    let results =
        |path: &Path| files(path, "").into_iter().filter(|file| file.parent().unwrap().ends_with("result"));
    // The second result is there before the first, and waits for it.
    let large = ctx.range(0..2, 2).with(path).map(|path, n| {
        if n > 0 {
            return vec![n; 1 << 20];
        }
        loop {
            let files =
                |path: &Path| fs::read_dir(path).into_iter().flatten().flatten().map(|entry| entry.path());
            assert!(
                files(Path::new(path)).flat_map(|own| files(&own.join("result"))).next().is_none(),
                "it is there"
            );
            thread::yield_now();
        }
    });
    assert!(matches!(large.collect(), Err(Error::Task { .. })));
    // Its task may have told of it only after the job had failed: what follows it on its slots comes later.
    let until = Instant::now() + Duration::from_secs(20);
    while results(dir.path()).next().is_some() {
        assert!(Instant::now() < until, "{:?}", results(dir.path()).collect::<Vec<_>>());
        thread::yield_now();
    }
}

#[test]
fn a_job_submitted_while_its_context_stops_ends() {
    for _ in 0..50 {
        let ctx = context(1, &[]);
        let rdd = ctx.range(0..1, 1);
        thread::scope(|scope| {
            let job = scope.spawn(|| rdd.count());
            ctx.stop();
            let ended = job.join().unwrap();
            assert!(matches!(ended, Ok(1) | Err(Error::Stopped | Error::Cancelled(_))), "{ended:?}");
        });
    }
}

/// Bytes of this process in memory.
fn resident() -> u64 {
    let said = fs::read_to_string("/proc/self/statm").unwrap();
    said.split(' ').nth(1).unwrap().parse::<u64>().unwrap() * 4096
}

#[test]
fn small_jobs_leave_nothing_behind() {
    let dir = tempfile::tempdir().unwrap();
    let ctx = context(2, &[&format!("work_dir={}", dir.path().display())]);
    let numbers = ctx.range(0..4, 2);
    let jobs = |count: usize| {
        for job in 0..count {
            assert_eq!(numbers.with(vec![job; 1_000]).map(|all, n| all.len() as u64 + n).count().unwrap(), 4);
            if job.is_multiple_of(10) {
                assert_eq!(
                    numbers.map(|n| (n % 2, n)).reduce_by_key(|a, b| a + b).cache().count().unwrap(),
                    2
                );
            }
        }
    };
    jobs(300);
    let before = resident();
    jobs(1_500);
    let grown = resident().saturating_sub(before);
    assert!(grown < 4 << 20, "{grown} bytes");
    assert!(files(dir.path(), ".data").is_empty());
}
