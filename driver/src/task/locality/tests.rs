use super::*;
use proptest::prelude::*;

const A: ExecutorId = ExecutorId(1);
const B: ExecutorId = ExecutorId(2);
const C: ExecutorId = ExecutorId(3);
const D: ExecutorId = ExecutorId(4);
const WAIT: Duration = Duration::from_secs(3);

fn at(secs: u64) -> Time {
    Time(Duration::from_secs(secs))
}

/// A and B on one host, C beside it in its rack, D elsewhere.
fn sites() -> Sites {
    let mut sites = Sites::default();
    for (executor, host, rack) in [(A, "h1", "r1"), (B, "h1", "r1"), (C, "h2", "r1"), (D, "h3", "r2")] {
        sites.join(executor, Site { host: host.into(), rack: Some(rack.into()) });
    }
    sites
}

/// Executors that have a host each, and no rack.
fn apart(executors: &[ExecutorId]) -> Sites {
    let mut sites = Sites::default();
    executors.iter().for_each(|executor| sites.join(*executor, Site::host(&executor.to_string())));
    sites
}

fn held(executor: ExecutorId) -> Vec<Preference> {
    vec![Preference::Executor(executor)]
}

fn on(host: &str) -> Vec<Preference> {
    vec![Preference::Host(host.into())]
}

fn pending(wants: &[Vec<Preference>], sites: &Sites) -> Pending {
    let mut pending = Pending::new(WAIT, at(0));
    for (partition, wants) in wants.iter().enumerate() {
        pending.push(PartitionId::of(partition), wants.clone(), None, sites);
    }
    pending
}

fn take(pending: &mut Pending, executor: ExecutorId, sites: &Sites, secs: u64) -> Option<u32> {
    pending.take(executor, sites, |_| true, at(secs)).map(|partition| partition.0)
}

#[test]
fn each_level_is_waited_for_in_turn() {
    let sites = sites();
    // From when on each executor may have a partition that prefers this.
    for (wants, expected) in [
        (held(A), [(A, 0), (B, 3), (C, 6), (D, 9)]),
        (on("h1"), [(A, 0), (B, 0), (C, 3), (D, 6)]),
        (on("h2"), [(C, 0), (A, 3), (B, 3), (D, 6)]),
        // Nobody is beside it in its rack, and nobody else on its host.
        (held(D), [(D, 0), (A, 3), (B, 3), (C, 3)]),
        (on("h3"), [(D, 0), (A, 3), (B, 3), (C, 3)]),
        (on("gone"), [(A, 0), (B, 0), (C, 0), (D, 0)]),
        (vec![], [(A, 0), (B, 0), (C, 0), (D, 0)]),
    ] {
        for (executor, from) in expected {
            let mut all = pending(std::slice::from_ref(&wants), &sites);
            if from > 0 {
                assert!(!all.has_for(executor, &sites, |_| true, at(from - 1)), "{wants:?} {executor}");
                assert_eq!(all.wake_at(at(from - 1)), Some(at(from)));
            }
            assert_eq!(take(&mut all, executor, &sites, from), Some(0), "{wants:?} {executor}");
            assert!(all.is_empty());
        }
    }
}

#[test]
fn an_executor_gets_the_nearest_first_and_what_nobody_prefers_before_what_is_far() {
    let sites = sites();
    let wants = [held(D), vec![], on("h1"), held(A), on("h2")];
    let mut all = pending(&wants, &sites);
    let order: Vec<_> = std::iter::from_fn(|| take(&mut all, A, &sites, 0)).collect();
    assert_eq!(order, [3, 1]);
    assert_eq!(take(&mut all, A, &sites, 2), None, "those of D are waited for");
    assert_eq!(take(&mut all, A, &sites, 3), Some(2), "on its host");
    assert_eq!(take(&mut all, A, &sites, 5), None);
    assert_eq!(take(&mut all, A, &sites, 6), Some(4), "from its rack");
    assert_eq!(take(&mut all, A, &sites, 6), Some(0), "nobody is in the rack of D but D");
}

#[test]
fn a_near_launch_begins_the_wait_again_and_a_far_one_goes_on() {
    let sites = apart(&[A, B]);
    let mut all = pending(&[held(B), held(B), held(B)], &sites);
    assert_eq!(take(&mut all, B, &sites, 2), Some(0));
    assert_eq!(take(&mut all, A, &sites, 4), None);
    assert_eq!(take(&mut all, A, &sites, 5), Some(1));
    assert_eq!(take(&mut all, A, &sites, 5), Some(2));
}

#[test]
fn nobody_waits_for_an_executor_that_has_gone_and_an_only_one_waits_for_nobody() {
    let mut sites = apart(&[A, B, C]);
    let mut all = pending(&[held(B), on(&B.to_string())], &sites);
    assert_eq!(take(&mut all, A, &sites, 0), None);
    sites.leave(B);
    all.settle(&sites, at(0));
    assert_eq!(take(&mut all, A, &sites, 0), Some(0));
    sites.join(D, Site::host(&B.to_string()));
    all.settle(&sites, at(1));
    assert_eq!(take(&mut all, A, &sites, 1), None, "its host is back");
    assert_eq!(take(&mut all, D, &sites, 1), Some(1));
    let sites = apart(&[A]);
    assert_eq!(take(&mut pending(&[held(B), on("x")], &sites), A, &sites, 0), Some(0));
}

#[test]
fn a_partition_that_runs_somewhere_is_tried_elsewhere_and_may_be_skipped() {
    let sites = apart(&[A, B]);
    let mut all = Pending::new(WAIT, at(0));
    all.push(PartitionId(0), Vec::new(), Some(A), &sites);
    assert_eq!(take(&mut all, A, &sites, 100), None);
    assert!(all.has_for(B, &sites, |_| true, at(0)) && all.has_for(A, &apart(&[A]), |_| true, at(0)));
    assert!(!all.has_for(B, &sites, |_| false, at(0)));
    all.skip(PartitionId(0));
    assert!(all.is_empty() && all.wake_at(at(0)).is_none());
}

fn preference() -> impl Strategy<Value = Preference> {
    prop_oneof![
        (1..6u64).prop_map(|executor| Preference::Executor(ExecutorId(executor))),
        "h[1-4]".prop_map(|host| Preference::Host(host.as_str().into())),
    ]
}

#[derive(Debug, Clone)]
enum Step {
    Take(u64),
    Join(u64, String, Option<String>),
    Leave(u64),
    Later(u64),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (1..6u64).prop_map(Step::Take),
        1 => (1..6u64, "h[1-4]", proptest::option::of("r[12]")).prop_map(|(id, host, rack)| Step::Join(id, host, rack)),
        1 => (1..6u64).prop_map(Step::Leave),
        2 => (0..4000u64).prop_map(Step::Later),
    ]
}

proptest! {
    /// Whoever comes and goes: no partition is given twice, and whichever executor lives gets all that is left within
    /// the waits of three levels.
    #[test]
    fn nothing_is_given_twice_and_nothing_starves(
        wants in prop::collection::vec(prop::collection::vec(preference(), 0..3), 0..12),
        steps in prop::collection::vec(step(), 0..40),
        last in 1..6u64,
    ) {
        let (mut sites, mut now) = (sites(), at(0));
        let mut all = pending(&wants, &sites);
        let mut given = BTreeSet::new();
        for step in steps {
            match step {
                Step::Take(id) if sites.of(ExecutorId(id)).is_some() => {
                    let has = all.has_for(ExecutorId(id), &sites, |_| true, now);
                    let taken = all.take(ExecutorId(id), &sites, |_| true, now);
                    prop_assert_eq!(has, taken.is_some());
                    if let Some(partition) = taken {
                        prop_assert!(given.insert(partition), "{} twice", partition);
                    }
                }
                Step::Take(_) => {}
                Step::Join(id, host, rack) => {
                    sites.join(ExecutorId(id), Site { host: host.as_str().into(), rack: rack.map(|rack| rack.as_str().into()) });
                    all.settle(&sites, now);
                }
                Step::Leave(id) => {
                    sites.leave(ExecutorId(id));
                    all.settle(&sites, now);
                }
                Step::Later(millis) => now = now + Duration::from_millis(millis),
            }
        }
        let executor = ExecutorId(last);
        if sites.of(executor).is_none() {
            sites.join(executor, Site::host("h1"));
            all.settle(&sites, now);
        }
        now = now + WAIT * 3;
        // Near launches begin the wait again; so many there are at most.
        for _ in 0..wants.len() {
            while let Some(partition) = all.take(executor, &sites, |_| true, now) {
                prop_assert!(given.insert(partition), "{} twice", partition);
            }
            now = now + WAIT * 3;
        }
        prop_assert!(all.is_empty() && given.len() == wants.len());
        prop_assert!(all.by_executor.is_empty() && all.by_host.is_empty() && all.by_rack.is_empty());
        prop_assert!(all.anywhere.is_empty() && all.at_of.is_empty() && all.choosy == 0);
    }
}
