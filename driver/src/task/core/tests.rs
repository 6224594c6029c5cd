use super::super::site::Site;
use super::*;

const P0: PartitionId = PartitionId(0);
const P1: PartitionId = PartitionId(1);

fn lost() -> Result<(), TaskError> {
    Err(TaskError::Lost("gone".to_owned()))
}

const HERE: ExecutorId = ExecutorId(1);
const NOW: Time = Time(Duration::ZERO);

const WAIT: Duration = Duration::from_secs(3);

fn tries(attempts_max: u32, has_speculation: bool) -> Tries {
    Tries { attempts_max, locality_wait: WAIT, has_speculation, has_exclusion: true }
}

fn set<const N: usize>(partitions: [PartitionId; N], attempts_max: u32) -> TaskSetCore {
    TaskSetCore::new(partitions, Preferred::new(), tries(attempts_max, false), &only(), NOW)
}

/// Executors, each with its host.
fn sites<const N: usize>(all: [(ExecutorId, &str); N]) -> Sites {
    let mut sites = Sites::default();
    all.into_iter().for_each(|(executor, host)| sites.join(executor, Site::host(host)));
    sites
}

fn only() -> Sites {
    sites([(HERE, "a")])
}

fn both() -> Sites {
    sites([(HERE, "a"), (THERE, "b")])
}

/// In tests without copies a partition's attempts have one number.
fn task(partition: PartitionId) -> TaskId {
    TaskId(u64::from(partition.0))
}

fn launch(set: &mut TaskSetCore) -> Option<(PartitionId, u32)> {
    let unnamed = TaskId(u64::MAX);
    let (partition, failures) = set.take_launchable(unnamed, HERE, &only(), NOW)?;
    let attempt = set.running.remove(&unnamed)?;
    set.running.insert(task(partition), attempt);
    Some((partition, failures))
}

fn end(set: &mut TaskSetCore, partition: PartitionId, outcome: Result<(), TaskError>) -> Step {
    set.ended(task(partition), outcome, &only(), NOW)
}

const DONE: Step = Step::Succeeded { superfluous: Vec::new() };

fn launch_all(set: &mut TaskSetCore) -> Vec<(PartitionId, u32)> {
    std::iter::from_fn(|| launch(set)).collect()
}

#[test]
fn a_failed_partition_goes_to_another_executor_where_there_is_one() {
    let preferred = Preferred::from([(P0, vec![Preference::Executor(HERE), Preference::Executor(THERE)])]);
    let mut sites = both();
    let mut set = TaskSetCore::new([P0], preferred, tries(4, false), &sites, NOW);
    assert_eq!(set.take_launchable(task(P0), HERE, &sites, NOW), Some((P0, 0)));
    assert_eq!(set.ended(task(P0), lost(), &sites, NOW), Step::Retry);
    for now in [NOW, at(1_000_000)] {
        assert!(!set.is_launchable(HERE, &sites, now) && set.is_launchable(THERE, &sites, now));
    }
    sites.leave(THERE);
    set.forget_place(THERE);
    set.settle(&sites, NOW);
    assert!(set.is_launchable(HERE, &sites, NOW));
}

fn failed() -> Result<(), TaskError> {
    Err(TaskError::Panic { message: "oh".to_owned(), location: "here".to_owned() })
}

#[test]
fn what_fails_everywhere_is_tried_in_turn_until_it_is_given_up() {
    let sites = both();
    let mut set = TaskSetCore::new([P0], Preferred::new(), tries(4, false), &sites, NOW);
    for (attempt, place) in [HERE, THERE, HERE].into_iter().enumerate() {
        let other = if place == HERE { THERE } else { HERE };
        // After one failure at each they are the same.
        assert_eq!(attempt % 2 == 0, set.is_launchable(other, &sites, NOW));
        assert!(set.take_launchable(task(P0), place, &sites, NOW).is_some());
        assert_eq!(set.ended(task(P0), failed(), &sites, NOW), Step::Retry);
    }
    assert!(!set.is_launchable(HERE, &sites, NOW));
    assert!(set.take_launchable(task(P0), THERE, &sites, NOW).is_some());
    assert!(matches!(set.ended(task(P0), failed(), &sites, NOW), Step::GiveUp { attempts: 4, .. }));
}

#[test]
fn an_executor_at_which_two_partitions_failed_gets_no_more_while_there_is_another() {
    let mut sites = both();
    let mut set = TaskSetCore::new((0..4).map(PartitionId), Preferred::new(), tries(4, false), &sites, NOW);
    let fail = |set: &mut TaskSetCore, sites: &Sites, id: u64, place, now| {
        assert!(set.take_launchable(TaskId(id), place, sites, now).is_some(), "task {id}");
        assert_eq!(set.ended(TaskId(id), failed(), sites, now), Step::Retry);
    };
    (0..2).for_each(|id| fail(&mut set, &sites, id, HERE, NOW));
    assert!(!set.is_launchable(HERE, &sites, at(1_000_000)) && set.is_launchable(THERE, &sites, NOW));
    assert_eq!(set.excluded().unwrap().keys().collect::<Vec<_>>(), [&Excluded::Executor(HERE)]);
    (2..4).for_each(|id| fail(&mut set, &sites, id, THERE, at(10)));
    // Nobody is left: another executor is waited for, and then all are used after all.
    assert_eq!(set.wake_at(at(10)), Some(at(5_010)));
    assert!([HERE, THERE].iter().all(|place| !set.is_launchable(*place, &sites, at(5_009))));
    assert!([HERE, THERE].iter().all(|place| set.is_launchable(*place, &sites, at(5_010))));
    sites.join(ExecutorId(3), Site::host("c"));
    set.settle(&sites, at(5_010));
    assert!(
        !set.is_launchable(HERE, &sites, at(5_010)) && set.is_launchable(ExecutorId(3), &sites, at(5_010))
    );
}

#[test]
fn executors_that_die_are_not_excluded_and_an_only_one_never_is() {
    for (sites, outcome, is_open) in
        [(both(), lost(), true), (both(), failed(), false), (only(), failed(), true)]
    {
        let mut set = TaskSetCore::new([P0, P1], Preferred::new(), tries(4, false), &sites, NOW);
        for partition in [P0, P1] {
            assert!(set.take_launchable(task(partition), HERE, &sites, NOW).is_some());
        }
        for partition in [P0, P1] {
            set.ended(task(partition), outcome.clone(), &sites, NOW);
        }
        set.push(PartitionId(2), None, &sites);
        assert_eq!(set.is_launchable(HERE, &sites, NOW), is_open, "{outcome:?}");
    }
}

#[test]
fn the_fourth_failure_of_one_partition_gives_up() {
    let mut set = set([P0, P1], 4);
    assert_eq!(launch_all(&mut set), [(P0, 0), (P1, 0)]);
    for attempt in 1..4 {
        assert_eq!(end(&mut set, P0, lost()), Step::Retry);
        assert_eq!(launch_all(&mut set), [(P0, attempt)]);
    }
    assert!(matches!(end(&mut set, P0, lost()), Step::GiveUp { attempts: 4, .. }));
}

#[test]
fn repeated_ends_change_nothing() {
    let mut set = set([P0], 4);
    assert_eq!(end(&mut set, P0, lost()), Step::Unknown);
    assert_eq!(launch_all(&mut set), [(P0, 0)]);
    assert_eq!(end(&mut set, P0, Ok(())), DONE);
    for outcome in [Ok(()), lost()] {
        assert_eq!(end(&mut set, P0, outcome), Step::Unknown);
    }
    assert!(set.is_over());
}

#[test]
fn an_error_that_no_retry_can_mend_gives_up_at_once() {
    let mut set = set([P0], 4);
    launch_all(&mut set);
    let step = end(&mut set, P0, Err(TaskError::Contract("zip of unequal lengths".to_owned())));
    assert!(matches!(step, Step::GiveUp { attempts: 1, .. }));
}

#[test]
fn a_killed_attempt_does_not_count_as_failure() {
    let mut set = set([P0], 1);
    launch_all(&mut set);
    assert_eq!(end(&mut set, P0, Err(TaskError::Killed("preempted".to_owned()))), Step::Retry);
    assert_eq!(launch_all(&mut set), [(P0, 0)]);
}

#[test]
fn what_was_given_back_is_in_line_again_and_has_not_failed() {
    let mut set = set([P0], 1);
    launch(&mut set).unwrap();
    assert!(set.give_back(task(P0), &only()) && !set.give_back(task(P0), &only()));
    assert_eq!(launch(&mut set), Some((P0, 0)));
    set.retire();
    assert!(set.give_back(task(P0), &only()) && set.is_over());
}

#[test]
fn a_retired_set_launches_nothing_and_still_takes_successes() {
    let mut set = set([P0, P1], 4);
    launch(&mut set);
    set.retire();
    assert!(!set.is_launchable(HERE, &only(), NOW) && !set.is_over());
    assert_eq!(end(&mut set, P0, Ok(())), DONE);
    assert!(set.is_over());
}

const THERE: ExecutorId = ExecutorId(2);

fn at(millis: u64) -> Time {
    Time(Duration::from_millis(millis))
}

/// Ten partitions, of which nine took 10 ms; the first runs as task 0.
fn with_a_straggler() -> TaskSetCore {
    let partitions = (0..10).map(PartitionId);
    let mut set = TaskSetCore::new(partitions, Preferred::new(), tries(4, true), &both(), NOW);
    for n in 0..10 {
        set.take_launchable(TaskId(n), HERE, &both(), at(0)).unwrap();
    }
    for n in 1..10 {
        set.speculate(&both(), at(10_000));
        assert!(!set.is_launchable(THERE, &both(), NOW), "too early");
        assert_eq!(set.ended(TaskId(n), Ok(()), &both(), at(10)), DONE);
    }
    set
}

#[test]
fn a_straggler_is_tried_once_more_elsewhere_and_the_first_to_end_wins() {
    for (first, second) in [(0, 10), (10, 0)] {
        let mut set = with_a_straggler();
        set.speculate(&both(), at(100));
        assert!(!set.is_launchable(THERE, &both(), at(100)), "it does not take long yet");
        set.speculate(&both(), at(101));
        set.speculate(&both(), at(102));
        assert!(!set.is_launchable(HERE, &both(), at(102)), "it is slow here");
        assert_eq!(set.take_launchable(TaskId(10), THERE, &both(), at(102)), Some((P0, 0)));
        set.speculate(&both(), at(999));
        assert_eq!((set.left(), set.is_launchable(ExecutorId(3), &both(), at(999))), (1, false), "once");
        let step = set.ended(TaskId(first), Ok(()), &both(), at(200));
        assert_eq!(step, Step::Succeeded { superfluous: vec![TaskId(second)] });
        assert!(set.is_over());
        assert_eq!(set.ended(TaskId(second), Ok(()), &both(), at(200)), Step::Unknown);
    }
}

#[test]
fn a_copy_that_becomes_the_only_try_may_go_where_the_other_one_was() {
    let mut set = with_a_straggler();
    set.speculate(&both(), at(500));
    assert!(!set.is_launchable(HERE, &both(), at(500)));
    assert!(set.give_back(TaskId(0), &both()));
    assert_eq!(set.left(), 1);
    assert_eq!(set.take_launchable(TaskId(10), HERE, &both(), at(500)), Some((P0, 0)));
    assert!(!set.is_launchable(THERE, &both(), at(500)), "it is in line once");
}

#[test]
fn of_two_attempts_one_may_fail_and_both_may() {
    let mut set = with_a_straggler();
    set.speculate(&both(), at(500));
    assert_eq!(set.ended(TaskId(0), lost(), &both(), at(500)), Step::Retry);
    assert_eq!(set.left(), 1, "the copy is in line already");
    assert_eq!(set.take_launchable(TaskId(10), THERE, &both(), at(500)), Some((P0, 1)));
    assert_eq!(set.ended(TaskId(10), lost(), &both(), at(500)), Step::Retry);
    assert_eq!(set.take_launchable(TaskId(11), HERE, &both(), at(500)), Some((P0, 2)));
    assert_eq!(set.ended(TaskId(11), Ok(()), &both(), at(501)), DONE);
    assert!(set.is_over());
}

#[test]
fn without_speculation_nobody_is_tried_twice_at_once() {
    let mut set = set([P0, P1], 4);
    launch_all(&mut set);
    end(&mut set, P1, Ok(()));
    set.speculate(&both(), at(1_000_000));
    assert!(!set.is_launchable(THERE, &both(), at(1_000_000)));
}
