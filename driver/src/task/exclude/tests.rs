use super::*;

const A: ExecutorId = ExecutorId(1);
const B: ExecutorId = ExecutorId(2);
const C: ExecutorId = ExecutorId(3);

fn at(secs: u64) -> Time {
    Time(Duration::from_secs(secs))
}

fn panicked() -> TaskError {
    TaskError::Panic { message: "oh".to_owned(), location: "here".to_owned() }
}

/// These partitions failed at these executors, whose hosts are these.
fn failures(all: &[(u32, ExecutorId, &str)]) -> Failures {
    let mut failures = Failures::new(true);
    for (partition, executor, host) in all {
        failures.add(PartitionId(*partition), *executor, &(*host).into(), &panicked());
    }
    failures
}

fn names(excluded: &BTreeMap<Excluded, String>) -> Vec<String> {
    let name = |what: &Excluded| match what {
        Excluded::Executor(executor) => executor.0.to_string(),
        Excluded::Host(host) => host.to_string(),
    };
    excluded.keys().map(name).collect()
}

#[test]
fn two_partitions_exclude_an_executor_and_two_executors_their_host() {
    for (all, expected) in [
        (&[(0, A, "h")][..], &[][..]),
        (&[(0, A, "h"), (0, A, "h")], &[]),
        (&[(0, A, "h"), (1, A, "h")], &["1"]),
        (&[(0, A, "h"), (1, A, "h"), (0, B, "h")], &["1"]),
        (&[(0, A, "h"), (1, A, "h"), (0, B, "h"), (1, B, "h")], &["1", "2", "h"]),
        (&[(0, A, "h"), (1, A, "h"), (0, B, "i"), (1, B, "i")], &["1", "2"]),
    ] {
        assert_eq!(names(failures(all).excluded()), expected, "{all:?}");
    }
    let mut off = Failures::new(false);
    (0..2).for_each(|partition| off.add(PartitionId(partition), A, &"h".into(), &panicked()));
    assert!(off.excluded().is_empty());
}

#[test]
fn a_partition_goes_where_it_failed_least() {
    let mut sites = Sites::default();
    for (executor, host) in [(A, "h"), (B, "h"), (C, "i")] {
        sites.join(executor, Site::host(host));
    }
    for (all, expected) in [
        (&[][..], &[A, B, C][..]),
        (&[(0, A, "h")], &[B, C]),
        (&[(0, A, "h"), (0, B, "h")], &[C]),
        (&[(0, C, "i")], &[A, B]),
        (&[(0, A, "h"), (0, B, "h"), (0, C, "i")], &[C]),
        (&[(0, A, "h"), (0, B, "h"), (0, C, "i"), (0, C, "i")], &[A, B]),
    ] {
        let failures = failures(all);
        let may = |executor: &ExecutorId| failures.may_run(PartitionId(0), *executor, &sites, at(0));
        assert_eq!([A, B, C].into_iter().filter(may).collect::<Vec<_>>(), expected, "{all:?}");
        assert!(failures.may_run(PartitionId(9), A, &sites, at(0)), "another partition");
    }
}

#[test]
fn what_failed_and_succeeded_elsewhere_excludes_for_a_while() {
    let mut exclusions = Exclusions::new(Duration::from_secs(100));
    exclusions.succeeded(failures(&[(0, A, "h")]), at(0));
    assert!(exclusions.excluded().is_empty());
    exclusions.succeeded(failures(&[(0, A, "h")]), at(10));
    assert_eq!(names(&exclusions.excluded()), ["1"]);
    assert!(exclusions.excluded().values().all(|why| why.contains("2 tasks") && why.contains("oh")));
    exclusions.succeeded(failures(&[(0, B, "h"), (1, B, "h")]), at(20));
    assert_eq!(names(&exclusions.excluded()), ["1", "2", "h"]);
    assert_eq!(exclusions.wake_at(), Some(at(110)));
    exclusions.expire(at(110));
    assert_eq!(names(&exclusions.excluded()), ["2"], "its host is used again");
    exclusions.expire(at(120));
    assert!(exclusions.excluded().is_empty() && exclusions.wake_at().is_none());
    exclusions.succeeded(failures(&[(0, C, "i")]), at(200));
    exclusions.succeeded(failures(&[(0, C, "i")]), at(301));
    assert!(exclusions.excluded().is_empty(), "the first is too long ago");
}

#[test]
fn an_application_that_excludes_all_there_is_uses_them_again() {
    let mut exclusions = Exclusions::new(Duration::from_hours(1));
    exclusions.succeeded(failures(&[(0, A, "h"), (1, A, "h"), (0, B, "h"), (1, B, "h")]), at(0));
    assert!(!exclusions.look(true, at(10)) && !exclusions.look(true, at(14)));
    assert!(!exclusions.look(false, at(14)), "somebody has come");
    assert!(!exclusions.look(true, at(16)) && !exclusions.look(true, at(20)));
    assert_eq!(names(&exclusions.excluded()), ["1", "2", "h"]);
    assert!(exclusions.look(true, at(21)));
    assert!(exclusions.excluded().is_empty() && !exclusions.look(true, at(40)));
}
