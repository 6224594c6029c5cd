//! Several jobs at once: shared stages, order, pools, groups, cancellation; and lineages of ten thousand steps.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use rsk::{Config, Context, Error, prelude::*};
use std::{
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
