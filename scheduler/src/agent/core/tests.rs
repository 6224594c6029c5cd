use super::*;
use rsk_proto::{BlobHash, ExecutorId, FrameworkEpoch, Part};

mod loss;

const CALL: Call = 1;

pub(super) fn seconds(seconds: u64) -> Time {
    Time(Duration::from_secs(seconds))
}

pub(super) fn app(number: u32) -> FrameworkId {
    FrameworkId { registry: 7, number }
}

pub(super) fn spec(framework: u32, executor: u64) -> ExecutorSpec {
    ExecutorSpec {
        framework: app(framework),
        epoch: FrameworkEpoch(1),
        executor: ExecutorId(executor),
        role: "*".parse().unwrap(),
        resources: "cpus:1;mem:100".parse().unwrap(),
        slots: 1,
        program: BlobHash([3; 32]),
        files: BTreeMap::new(),
        arguments: Vec::new(),
        environment: BTreeMap::new(),
        part: Part::Executor { driver: "driver:1".to_owned(), token: "secret".to_owned() },
    }
}

pub(super) fn key(framework: u32, executor: u64) -> ExecutorKey {
    ExecutorKey { framework: app(framework), executor: ExecutorId(executor) }
}

pub(super) fn agent() -> AgentId {
    AgentId { registry: 7, number: 1 }
}

pub(super) fn registered() -> MasterToAgent {
    MasterToAgent::Registered {
        hello: Hello::ours(),
        id: agent(),
        heartbeat_every: Duration::from_secs(5),
        lost_after: Duration::from_secs(25),
    }
}

pub(super) fn core(masters: usize, recovered: Vec<Recovered>) -> AgentCore {
    let facts = AgentFacts {
        host: "here".to_owned(),
        address: "here:1".to_owned(),
        reserved: std::collections::BTreeMap::new(),
        resources: "cpus:4;mem:400".parse().unwrap(),
        attributes: "rack:r1".parse().unwrap(),
        platform: "x86_64 linux".to_owned(),
    };
    AgentCore::new(facts, masters, (None, Incarnation(1)), (recovered, vec![]), 5, Time::default())
}

/// An agent that a master has taken.
fn taken(recovered: Vec<Recovered>) -> AgentCore {
    let mut core = core(1, recovered);
    core.step(Event::Wake, seconds(0));
    core.step(Event::Connected(CALL), seconds(0));
    core.step(Event::Heard(CALL, registered()), seconds(0));
    core
}

fn heard(message: MasterToAgent) -> Event {
    Event::Heard(CALL, message)
}

fn launch(framework: u32, executor: u64) -> Event {
    heard(MasterToAgent::Launch(Box::new(spec(framework, executor))))
}

fn kill(grace: u64) -> Event {
    heard(MasterToAgent::Kill { key: key(1, 1), grace: Duration::from_secs(grace) })
}

fn start(framework: u32, executor: u64) -> Command {
    Command::Start(Box::new(spec(framework, executor)))
}

fn tell(end: ExecutorEnd) -> Command {
    Command::Send(CALL, AgentToMaster::ExecutorEnded { key: key(1, 1), end })
}

fn beat() -> Command {
    Command::Send(CALL, AgentToMaster::Heartbeat)
}

/// Runs a table: at this second this event, then exactly these commands.
fn run(core: &mut AgentCore, table: impl IntoIterator<Item = (u64, Event, Vec<Command>)>) {
    for (row, (at, event, commands)) in table.into_iter().enumerate() {
        assert_eq!(core.step(event.clone(), seconds(at)), commands, "row {row}, {event:?}");
    }
}

#[test]
fn an_agent_registers_and_keeps_its_name() {
    let mut core = core(1, vec![]);
    assert_eq!(core.step(Event::Wake, seconds(0)), [Command::Dial(1, 0)]);
    let greeting = core.step(Event::Connected(1), seconds(0));
    let [Command::Send(1, AgentToMaster::Register { id: None, incarnation: Incarnation(1), .. })] =
        &greeting[..]
    else {
        panic!("{greeting:?}")
    };
    run(
        &mut core,
        [
            (0, heard(registered()), vec![Command::Name(Some(agent())), beat()]),
            (4, Event::Wake, vec![]),
            (5, Event::Wake, vec![beat()]),
            (6, heard(MasterToAgent::Heartbeat), vec![]),
            (10, Event::Wake, vec![beat()]),
            (31, Event::Wake, vec![Command::HangUp(1)]),
        ],
    );
    let at = core.wake_at();
    assert_eq!(core.step(Event::Wake, at), [Command::Dial(2, 0)]);
    let greeting = core.step(Event::Connected(2), at);
    assert!(
        matches!(&greeting[..], [Command::Send(2, AgentToMaster::Register { id: Some(id), .. })] if *id == agent())
    );
}

#[test]
fn what_is_heard_on_an_earlier_call_or_before_registration_is_not_obeyed() {
    let mut core = core(1, vec![]);
    let beat = || heard(MasterToAgent::Heartbeat);
    run(
        &mut core,
        [
            (0, Event::Wake, vec![Command::Dial(1, 0)]),
            (0, beat(), vec![]),
            (0, launch(1, 1), vec![Command::HangUp(1)]),
            (0, launch(1, 1), vec![]),
            (0, Event::Disconnected(1, Cause::new("over")), vec![]),
        ],
    );
    let at = core.wake_at();
    assert_eq!(core.step(Event::Wake, at), [Command::Dial(2, 0)]);
    core.step(Event::Connected(2), at);
    assert_eq!(core.step(launch(1, 1), at), []);
    core.step(Event::Heard(2, registered()), at);
    assert_eq!(core.step(launch(1, 1), at), []);
    assert_eq!(core.step(Event::Heard(2, MasterToAgent::Launch(Box::new(spec(1, 1)))), at), [start(1, 1)]);
}

#[test]
fn an_executor_is_started_once_and_its_end_is_told_until_it_is_acknowledged() {
    let end = ExecutorEnd::Exited(3);
    run(
        &mut taken(vec![]),
        [
            (0, launch(1, 1), vec![start(1, 1)]),
            (0, launch(1, 1), vec![]),
            (1, Event::Started(key(1, 1)), vec![Command::Send(CALL, AgentToMaster::ExecutorRuns(key(1, 1)))]),
            (1, launch(1, 1), vec![]),
            (
                2,
                Event::Ended(key(1, 1), end.clone()),
                vec![Command::Record(key(1, 1), end.clone()), tell(end.clone())],
            ),
            (2, Event::Ended(key(1, 1), ExecutorEnd::Signalled(9)), vec![]),
            (3, launch(1, 1), vec![tell(end.clone())]),
            (12, heard(MasterToAgent::Heartbeat), vec![beat()]),
            (23, heard(MasterToAgent::Heartbeat), vec![tell(end), beat()]),
            (24, heard(MasterToAgent::Acknowledge(key(1, 1))), vec![Command::Forget(key(1, 1))]),
            (24, heard(MasterToAgent::Acknowledge(key(1, 1))), vec![]),
            // Its number is never used again.
            (
                25,
                launch(1, 1),
                vec![Command::Record(key(1, 1), ExecutorEnd::Dropped), tell(ExecutorEnd::Dropped)],
            ),
        ],
    );
}

#[test]
fn a_kill_is_polite_first_and_then_by_force() {
    let killed = || vec![Command::Record(key(1, 1), ExecutorEnd::Killed), tell(ExecutorEnd::Killed)];
    let ask = || vec![Command::Ask(key(1, 1))];
    let force = || vec![Command::Force(key(1, 1))];
    let exited = || Event::Ended(key(1, 1), ExecutorEnd::Exited(0));
    let running = || {
        let mut core = taken(vec![]);
        core.step(launch(1, 1), seconds(0));
        core.step(Event::Started(key(1, 1)), seconds(0));
        core
    };
    // Each row has its own agent with a running executor.
    for table in [
        vec![(0, kill(30), ask()), (1, exited(), killed())],
        vec![(0, kill(2), ask()), (2, Event::Wake, force()), (3, exited(), killed())],
        vec![(0, kill(0), force()), (1, exited(), killed())],
        vec![(0, kill(30), ask()), (1, kill(1), vec![]), (2, Event::Wake, force()), (2, exited(), killed())],
        vec![(0, kill(1), ask()), (1, kill(30), force()), (2, kill(30), vec![]), (2, exited(), killed())],
        // Not even force was enough: again.
        vec![
            (0, kill(0), force()),
            (4, Event::Wake, vec![]),
            (5, Event::Wake, [force(), vec![beat()]].concat()),
        ],
    ] {
        run(&mut running(), table);
    }
    let mut starting = taken(vec![]);
    starting.step(launch(1, 1), seconds(0));
    run(
        &mut starting,
        [(0, kill(30), ask()), (1, Event::Started(key(1, 1)), ask()), (2, exited(), killed())],
    );
}

#[test]
fn an_executor_that_ran_out_of_memory_says_so_even_when_it_was_to_end() {
    let mut core = taken(vec![]);
    core.step(launch(1, 1), seconds(0));
    core.step(kill(30), seconds(0));
    let end = ExecutorEnd::OutOfMemory { limit_bytes: 5, peak_bytes: 6 };
    run(
        &mut core,
        [(1, Event::Ended(key(1, 1), end.clone()), vec![Command::Record(key(1, 1), end.clone()), tell(end)])],
    );
}

#[test]
fn killing_what_is_not_there_is_answered() {
    run(&mut taken(vec![]), [(0, kill(30), vec![tell(ExecutorEnd::Dropped)])]);
}

#[test]
fn an_agent_is_never_sold_twice() {
    let mut core = taken(vec![]);
    for executor in 1..=4 {
        assert_eq!(core.step(launch(1, executor), seconds(0)), [start(1, executor)]);
    }
    let refused = core.step(launch(1, 5), seconds(0));
    let [Command::Record(_, ExecutorEnd::LaunchFailed(cause)), Command::Send(..)] = &refused[..] else {
        panic!("{refused:?}")
    };
    assert_eq!(
        cause.to_string(),
        "the agent has no room for cpus:1;mem:100: of cpus:4;mem:400 it uses cpus:4;mem:400"
    );
    core.step(Event::Ended(key(1, 2), ExecutorEnd::Exited(0)), seconds(0));
    assert_eq!(core.step(launch(1, 6), seconds(0)), [start(1, 6)]);
}

#[test]
fn orders_of_an_earlier_subscription_are_dropped() {
    let mut core = taken(vec![]);
    let order = |executor, epoch| {
        let spec = ExecutorSpec { epoch: FrameworkEpoch(epoch), ..spec(1, executor) };
        heard(MasterToAgent::Launch(Box::new(spec)))
    };
    core.step(order(2, 3), seconds(0));
    run(
        &mut core,
        [(
            0,
            order(1, 2),
            vec![Command::Record(key(1, 1), ExecutorEnd::Dropped), tell(ExecutorEnd::Dropped)],
        )],
    );
}

#[test]
fn a_framework_that_has_ended_is_cleaned_when_its_executors_are_gone() {
    let mut core = taken(vec![]);
    core.step(launch(1, 1), seconds(0));
    core.step(Event::Started(key(1, 1)), seconds(0));
    let end = || heard(MasterToAgent::End(app(1)));
    let failed = Err(Cause::new("busy"));
    let cleaned = || Command::Send(CALL, AgentToMaster::Cleaned(app(1)));
    let record = || vec![Command::Record(key(1, 1), ExecutorEnd::Killed), tell(ExecutorEnd::Killed)];
    run(
        &mut core,
        [
            (0, end(), vec![Command::Ask(key(1, 1))]),
            (0, end(), vec![]),
            (
                1,
                Event::Ended(key(1, 1), ExecutorEnd::Signalled(15)),
                [record(), vec![Command::Clean(app(1))]].concat(),
            ),
            (1, Event::Cleaned(app(1), failed), vec![]),
            (6, Event::Wake, vec![Command::Clean(app(1)), beat()]),
            (6, end(), vec![]),
            (7, Event::Cleaned(app(1), Ok(())), vec![cleaned()]),
            (7, Event::Cleaned(app(1), Ok(())), vec![]),
            // Late orders do not bring it back; to be ended again is harmless.
            (7, launch(1, 1), vec![tell(ExecutorEnd::Killed)]),
            (7, heard(MasterToAgent::Acknowledge(key(1, 1))), vec![Command::Forget(key(1, 1))]),
            (7, launch(1, 1), record()),
            (8, end(), vec![Command::Clean(app(1))]),
            (8, Event::Cleaned(app(1), Ok(())), vec![cleaned()]),
        ],
    );
}

#[test]
fn a_master_that_forgot_the_agent_gives_it_a_new_name() {
    let mut core = taken(vec![Recovered { spec: spec(1, 1), end: None }]);
    run(
        &mut core,
        [(
            1,
            heard(MasterToAgent::Refused(Refusal::Unknown("who?".to_owned()))),
            vec![Command::HangUp(1), Command::Name(None)],
        )],
    );
    let at = core.wake_at();
    core.step(Event::Wake, at);
    let greeting = core.step(Event::Connected(2), at);
    let [Command::Send(2, AgentToMaster::Register { id: None, executors, frameworks, .. })] = &greeting[..]
    else {
        panic!("{greeting:?}")
    };
    assert_eq!((executors.len(), &frameworks[..]), (1, &[app(1)][..]));
    let other = AgentId { registry: 8, number: 1 };
    let MasterToAgent::Registered { hello, heartbeat_every, lost_after, .. } = registered() else {
        unreachable!()
    };
    let welcome = MasterToAgent::Registered { hello, id: other, heartbeat_every, lost_after };
    let beat = Command::Send(2, AgentToMaster::Heartbeat);
    assert_eq!(core.step(Event::Heard(2, welcome), at), [Command::Name(Some(other)), beat]);
}

#[test]
fn an_agent_that_nobody_can_ever_take_gives_up_once_all_have_said_so() {
    let theirs = Hello { version: 9, build: "9.9".to_owned() };
    let refusal = Refusal::Version { ours: theirs, theirs: Hello::ours() };
    let mut core = core(2, vec![]);
    core.step(Event::Wake, seconds(0));
    let refused = core.step(heard(MasterToAgent::Refused(refusal.clone())), seconds(0));
    assert_eq!(refused, [Command::HangUp(1)]);
    let at = core.wake_at();
    assert_eq!(core.step(Event::Wake, at), [Command::Dial(2, 1)]);
    let refused = core.step(Event::Heard(2, MasterToAgent::Refused(refusal.clone())), at);
    assert_eq!(refused, [Command::HangUp(2), Command::Exit(Err(refusal.clone()))]);

    // One that was taken before goes on.
    let mut core = taken(vec![]);
    assert_eq!(core.step(heard(MasterToAgent::Refused(refusal)), seconds(1)), [Command::HangUp(1)]);
}

#[test]
fn a_replaced_agent_ends_its_executors_and_itself() {
    let mut core = taken(vec![Recovered { spec: spec(1, 1), end: None }]);
    let refusal = Refusal::Replaced("incarnation-2".to_owned());
    run(
        &mut core,
        [
            (
                1,
                heard(MasterToAgent::Refused(refusal.clone())),
                vec![Command::HangUp(1), Command::Ask(key(1, 1))],
            ),
            (
                1,
                Event::Ended(key(1, 1), ExecutorEnd::Unseen),
                vec![Command::Record(key(1, 1), ExecutorEnd::Killed), Command::Exit(Err(refusal))],
            ),
        ],
    );
}

#[test]
fn an_agent_stops_after_its_executors_and_its_last_words() {
    let mut core = taken(vec![]);
    core.step(launch(1, 1), seconds(0));
    core.step(Event::Started(key(1, 1)), seconds(0));
    let killed = || vec![Command::Record(key(1, 1), ExecutorEnd::Killed), tell(ExecutorEnd::Killed)];
    run(
        &mut core,
        [
            (1, Event::Stop, vec![Command::Ask(key(1, 1))]),
            (1, Event::Stop, vec![]),
            (2, Event::Ended(key(1, 1), ExecutorEnd::Signalled(15)), killed()),
            (
                3,
                heard(MasterToAgent::Acknowledge(key(1, 1))),
                vec![
                    Command::Forget(key(1, 1)),
                    Command::Send(CALL, AgentToMaster::Leaving),
                    Command::Exit(Ok(())),
                ],
            ),
        ],
    );
    // It has just said that it is there.
    let mut greeting = super::tests::core(1, vec![]);
    greeting.step(Event::Wake, seconds(0));
    greeting.step(Event::Connected(CALL), seconds(0));
    let leaving = || vec![Command::Send(CALL, AgentToMaster::Leaving), Command::Exit(Ok(()))];
    let name = || vec![Command::Name(Some(agent())), beat()];
    run(&mut greeting, [(1, Event::Stop, vec![]), (1, heard(registered()), [name(), leaving()].concat())]);
    // Nobody is there to hear it.
    let mut alone = core_without_master();
    assert_eq!(alone.step(Event::Stop, seconds(1)), [Command::Exit(Ok(()))]);
}

fn core_without_master() -> AgentCore {
    core(1, vec![Recovered { spec: spec(1, 1), end: Some(ExecutorEnd::Exited(1)) }])
}

#[test]
fn ends_from_before_a_restart_are_told_to_the_master() {
    let mut core = core_without_master();
    core.step(Event::Wake, seconds(0));
    let greeting = core.step(Event::Connected(1), seconds(0));
    let [Command::Send(_, AgentToMaster::Register { executors, .. })] = &greeting[..] else {
        panic!("{greeting:?}")
    };
    assert_eq!(executors[0].state, ExecutorState::Ended(ExecutorEnd::Exited(1)));
    core.step(heard(registered()), seconds(0));
    assert_eq!(
        core.step(heard(MasterToAgent::Acknowledge(key(1, 1))), seconds(1)),
        [Command::Forget(key(1, 1))]
    );
}
