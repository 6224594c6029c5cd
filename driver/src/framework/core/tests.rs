use super::*;
use rsk_proto::Attributes;

const AGENT: AgentId = AgentId { registry: 1, number: 1 };

fn at(secs: u64) -> Time {
    Time(Duration::from_secs(secs))
}

fn core(executor_slots: u32, slots_max: u32) -> FrameworkCore {
    FrameworkCore::new(Sizes {
        executor_slots,
        executor_memory_bytes: 1 << 30,
        slots_min: 0,
        slots_max,
        idle_timeout: Duration::from_mins(1),
    })
}

fn load(core: &mut FrameworkCore, tasks: usize, busy: &[u64], secs: u64) -> Vec<Command> {
    let busy = busy.iter().map(|id| ExecutorId(*id)).collect();
    core.step(Event::Load { tasks, busy }, at(secs))
}

fn offer(core: &mut FrameworkCore, number: u32, resources: &str) -> Vec<Command> {
    let offer = Offer {
        id: OfferId { term: 1, number: number.into() },
        agent: AGENT,
        host: "h".to_owned(),
        address: "h:1".to_owned(),
        attributes: Attributes::default(),
        resources: resources.parse().unwrap(),
        stands_for: Duration::from_secs(30),
    };
    core.step(Event::Master(MasterToFramework::Offers(vec![offer])), at(0))
}

/// How many executors a command buys.
fn bought(command: &Command) -> usize {
    match command {
        Command::Accept { executors, .. } => executors.len(),
        _ => 0,
    }
}

fn ended(core: &mut FrameworkCore, id: u64, end: ExecutorEnd) -> Vec<Command> {
    let ended = MasterToFramework::ExecutorEnded { executor: ExecutorId(id), agent: AGENT, end };
    core.step(Event::Master(ended), at(0))
}

#[test]
fn it_asks_for_what_its_tasks_can_use_and_no_more() {
    let mut core = core(1, 4);
    assert_eq!(core.demand(), None);
    assert!(matches!(
        &load(&mut core, 100, &[], 0)[..],
        [Command::Want(Some(Demand { count: Some(4), .. }))]
    ));
    assert!(load(&mut core, 99, &[], 0).is_empty(), "the same is not said twice");
    assert_eq!(bought(&offer(&mut core, 1, "cpus:3;mem:20g")[0]), 3);
    let commands = offer(&mut core, 2, "cpus:8;mem:20g");
    assert_eq!(bought(&commands[0]), 1);
    assert_eq!(commands[1], Command::Want(None));
    assert!(matches!(&offer(&mut core, 3, "cpus:8;mem:20g")[0], Command::Decline { .. }), "none is held");
}

#[test]
fn executors_are_as_many_as_an_offer_has_room_for() {
    for (resources, expected) in [("cpus:8;mem:20g", 3), ("cpus:8;mem:2g", 2), ("cpus:1;mem:20g", 0)] {
        let mut core = core(2, 100);
        load(&mut core, 5, &[], 0);
        let commands = offer(&mut core, 1, resources);
        assert_eq!(bought(&commands[0]), expected, "{resources}");
        assert_eq!(expected == 0, matches!(commands[0], Command::Decline { .. }));
    }
}

#[test]
fn an_executor_that_ended_is_acknowledged_each_time_and_replaced_once() {
    let mut core = core(4, 4);
    load(&mut core, 100, &[], 0);
    offer(&mut core, 1, "cpus:4;mem:20g");
    core.step(Event::Joined(ExecutorId(1)), at(0));
    let commands = ended(&mut core, 1, ExecutorEnd::Signalled(9));
    assert_eq!(commands[0], Command::Acknowledge(ExecutorId(1)));
    assert!(matches!(&commands[1], Command::Forget { why, .. } if why.contains("signal 9")));
    assert!(matches!(&commands[2], Command::Want(Some(_))));
    assert_eq!(ended(&mut core, 1, ExecutorEnd::Signalled(9)), [Command::Acknowledge(ExecutorId(1))]);
}

#[test]
fn executors_that_never_join_end_the_jobs_and_one_that_joins_forgives_them() {
    let mut core = core(1, 1);
    load(&mut core, 100, &[], 0);
    let fail = |core: &mut FrameworkCore, id: u32, end| {
        offer(core, id, "cpus:4;mem:20g");
        let commands = ended(core, u64::from(id), end);
        commands.iter().any(|command| matches!(command, Command::GiveUp(_)))
    };
    assert!((1..=3).all(|id| !fail(&mut core, id, ExecutorEnd::Exited(1))));
    offer(&mut core, 4, "cpus:4;mem:20g");
    core.step(Event::Joined(ExecutorId(4)), at(0));
    ended(&mut core, 4, ExecutorEnd::Exited(1));
    assert!((5..=7).all(|id| !fail(&mut core, id, ExecutorEnd::Exited(1))));
    let of_others = [ExecutorEnd::Dropped, ExecutorEnd::AgentLost, ExecutorEnd::Killed, ExecutorEnd::Unseen];
    assert!((8..).zip(of_others).all(|(id, end)| !fail(&mut core, id, end)));
    assert!(fail(&mut core, 12, ExecutorEnd::Exited(1)));
}

#[test]
fn an_idle_executor_is_given_back_and_a_busy_one_is_not() {
    let mut core = core(1, 2);
    load(&mut core, 2, &[], 0);
    offer(&mut core, 1, "cpus:2;mem:20g");
    for id in [1, 2] {
        core.step(Event::Joined(ExecutorId(id)), at(0));
    }
    load(&mut core, 1, &[2], 1);
    assert_eq!(core.wake_at(), Some(at(60)));
    assert_eq!(core.step(Event::Wake, at(60)), [Command::Release(ExecutorId(1))]);
    assert_eq!(core.step(Event::Wake, at(61)), []);
    assert!(
        matches!(&load(&mut core, 2, &[2], 61)[..], [Command::Want(Some(_))]),
        "what is given back is missed"
    );
}

#[test]
fn the_least_is_asked_for_at_once_and_kept_idle_or_not() {
    let sizes = Sizes {
        executor_slots: 1,
        executor_memory_bytes: 1 << 30,
        slots_min: 2,
        slots_max: 3,
        idle_timeout: Duration::from_mins(1),
    };
    let mut core = FrameworkCore::new(sizes);
    let [Command::Want(Some(demand))] = &core.step(Event::Wake, at(0))[..] else {
        panic!("nothing is wanted")
    };
    assert_eq!(demand.count, Some(2), "without a task");
    load(&mut core, 5, &[], 0);
    offer(&mut core, 1, "cpus:3;mem:20g");
    for id in [1, 2, 3] {
        core.step(Event::Joined(ExecutorId(id)), at(0));
    }
    load(&mut core, 0, &[], 1);
    assert_eq!(core.wake_at(), Some(at(60)));
    assert_eq!(core.step(Event::Wake, at(60)), [Command::Release(ExecutorId(1))]);
    assert_eq!(
        (core.step(Event::Wake, at(900)), core.wake_at()),
        (vec![], None),
        "two stay, and nobody is woken for them"
    );
    let lost = core.step(Event::Master(MasterToFramework::AgentLost(AGENT)), at(901));
    assert!(
        matches!(lost.last(), Some(Command::Want(Some(demand))) if demand.count == Some(2)),
        "what is lost is asked for again"
    );
}

#[test]
fn a_lost_agent_takes_its_executors_and_map_outputs() {
    let mut core = core(4, 4);
    load(&mut core, 4, &[], 0);
    offer(&mut core, 1, "cpus:4;mem:20g");
    let commands = core.step(Event::Master(MasterToFramework::AgentLost(AGENT)), at(0));
    assert!(matches!(&commands[0], Command::Forget { .. }));
    assert_eq!(commands[1], Command::ForgetAgent(AGENT));
    assert!(matches!(&commands[2], Command::Want(Some(_))));
    assert!(core.claims().is_empty());
}

#[test]
fn what_was_given_back_and_still_runs_is_given_back_again() {
    for (is_known, is_released, expected) in [
        (true, false, vec![]),
        (true, true, vec![Command::Release(ExecutorId(1))]),
        (false, false, vec![Command::Release(ExecutorId(1))]),
    ] {
        let mut core = core(1, 1);
        if is_known {
            load(&mut core, 1, &[], 0);
            offer(&mut core, 1, "cpus:1;mem:20g");
            core.step(Event::Joined(ExecutorId(1)), at(0));
        }
        if is_released {
            load(&mut core, 0, &[], 0);
            core.step(Event::Wake, at(60));
        }
        let runs = MasterToFramework::ExecutorRuns { executor: ExecutorId(1), agent: AGENT };
        let now = at(if is_released { 60 } else { 1 });
        assert_eq!(core.step(Event::Master(runs), now), expected);
    }
}

#[test]
fn executors_that_fail_together_or_beside_one_that_runs_are_no_reason_to_give_up() {
    for (has_member, rounds, gives_up) in [(false, 3, false), (false, 4, true), (true, 8, false)] {
        let mut core = core(1, 100);
        load(&mut core, 5, &[], 0);
        let mut next = 1;
        if has_member {
            offer(&mut core, 1, "cpus:1;mem:1g");
            core.step(Event::Joined(ExecutorId(1)), at(0));
            next = 2;
        }
        let mut commands = Vec::new();
        for _ in 0..rounds {
            offer(&mut core, 2, "cpus:3;mem:3g");
            for id in next..next + 3 {
                commands.extend(ended(&mut core, id, ExecutorEnd::Signalled(9)));
            }
            next += 3;
        }
        let has_given_up = commands.iter().any(|command| matches!(command, Command::GiveUp(_)));
        assert_eq!(has_given_up, gives_up, "{rounds} rounds");
    }
}

#[test]
fn a_stuck_executor_is_ended_and_replaced_and_each_master_hears_of_it() {
    let mut core = core(1, 1);
    load(&mut core, 4, &[], 0);
    offer(&mut core, 1, "cpus:4;mem:20g");
    let stuck = ExecutorId(1);
    core.step(Event::Joined(stuck), at(0));
    let commands = core.step(Event::Stuck(stuck), at(1));
    assert!(matches!(&commands[..], [Command::End(ExecutorId(1)), Command::Want(Some(_))]), "{commands:?}");
    assert_eq!(core.step(Event::Stuck(stuck), at(1)), []);
    let told = core.demand();
    assert_eq!(core.subscribed(told), [Command::End(stuck)], "the last master may not have passed it on");
    assert_eq!(core.step(Event::Wake, at(61)), [], "it is not given back as well");
    ended(&mut core, 1, ExecutorEnd::Signalled(9));
    assert_eq!(core.step(Event::Stuck(stuck), at(62)), []);
    let told = core.demand();
    assert_eq!(core.subscribed(told), []);
}

#[test]
fn an_executor_that_is_given_back_while_there_is_no_master_is_given_back_to_the_next() {
    let mut core = core(1, 1);
    load(&mut core, 1, &[], 0);
    offer(&mut core, 1, "cpus:1;mem:20g");
    core.step(Event::Joined(ExecutorId(1)), at(0));
    // Whoever heard this had lost its master.
    assert_eq!(core.step(Event::Wake, at(60))[0], Command::Release(ExecutorId(1)));
    let told = core.demand();
    assert_eq!(core.subscribed(told), [Command::Release(ExecutorId(1))]);
}

#[test]
fn executors_of_no_use_are_replaced_elsewhere_and_given_back_when_they_stay_so() {
    let mut core = core(1, 2);
    load(&mut core, 8, &[], 0);
    offer(&mut core, 1, "cpus:1;mem:20g");
    core.step(Event::Joined(ExecutorId(1)), at(0));
    let useless = |for_all: bool, hosts: &[&str]| {
        let executors = BTreeSet::from([ExecutorId(1)]);
        let for_all = if for_all { executors.clone() } else { BTreeSet::new() };
        let hosts = hosts.iter().map(|host| ((*host).to_owned(), "of a reason".to_owned())).collect();
        Event::Useless { executors, for_all, hosts }
    };
    assert_eq!(core.step(useless(false, &["h"]), at(1)), [], "one more is all it may have");
    let declined = offer(&mut core, 2, "cpus:8;mem:20g");
    assert!(
        matches!(&declined[..], [Command::Decline { refuse, .. }] if refuse.why == "h is excluded: of a reason"),
        "{declined:?}"
    );
    core.step(useless(false, &[]), at(1));
    assert_eq!(bought(&offer(&mut core, 3, "cpus:8;mem:20g")[0]), 1);
    load(&mut core, 8, &[1], 2);
    assert_eq!(core.step(useless(true, &[]), at(2)), [], "it has tasks");
    let commands = load(&mut core, 8, &[], 3);
    assert!(
        matches!(&commands[..], [Command::Release(ExecutorId(1)), Command::Want(Some(_))]),
        "{commands:?}"
    );
}
