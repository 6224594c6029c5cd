//! One story a test: what happens, and what the master has done.

use super::{super::*, world::*};
use crate::allocator::Allocator;
use rsk_proto::{
    AgentToMaster, Demand, DriverSpec, ExecutorEnd, FrameworkToMaster, Hello, Incarnation, MasterToAgent,
    MasterToFramework, OperatorReply, OperatorRequest, Refusal, Refuse, RoleName, Time,
    status::{AgentState, DriverState, FrameworkState, OfferAnswer},
};
use std::{collections::BTreeMap, time::Duration};

fn demand(shape: &str, count: Option<u32>) -> Demand {
    Demand { shape: shape.parse().unwrap(), ports: 0, count }
}

/// One agent and one driver, which wants this.
fn pair(shape: &str, count: Option<u32>) -> World {
    let mut world = World::new(1, 1);
    world.apps[0].demand = Some(demand(shape, count));
    world.connect_agent(0);
    world.connect_app(0);
    world.read_all();
    world
}

fn ask(world: &mut World, request: OperatorRequest) -> OperatorReply {
    let mut replies = world.core.step(Event::Asked(RequestId(1), request), world.now);
    replies.retain(|command| matches!(command, Command::Answer(..)));
    match replies.pop() {
        Some(Command::Answer(_, reply)) => reply,
        other => panic!("no answer: {other:?}"),
    }
}

#[test]
fn an_offer_buys_an_executor_which_runs_and_ends() {
    let mut world = pair("cpus:2;mem:10", Some(2));
    assert_eq!(world.apps[0].offers[0].resources.to_string(), "cpus:4;mem:20");
    world.accept(0, "cpus:2;mem:10");
    world.read_all();
    let status = world.core.status("here");
    assert_eq!(status.executors[0].state, "running");
    assert_eq!(status.frameworks[0].used.to_string(), "cpus:2;mem:10");
    assert_eq!(
        status.frameworks[0].waiting.offers.last().unwrap().answer,
        OfferAnswer::Accepted { executors: 1 }
    );
    let key = status.executors[0].key;
    world.end_executor(0, key, ExecutorEnd::Exited(3));
    world.read_all();
    assert!(world.apps[0].ended.contains(&key.executor));
    assert!(world.agents[0].executors.is_empty(), "its end was acknowledged");
}

#[test]
fn more_than_was_offered_is_not_started() {
    let mut world = pair("cpus:2;mem:10", Some(1));
    world.accept(0, "cpus:3;mem:10");
    let link = world.apps[0].inbox.iter().find_map(|message| match message {
        MasterToFramework::ExecutorEnded { end: ExecutorEnd::LaunchFailed(cause), .. } => {
            Some(cause.to_string())
        }
        _ => None,
    });
    assert_eq!(link.as_deref(), Some("it uses cpus:3;mem:10, and cpus:2;mem:10 is left of the offers"));
    world.read_all();
    assert!(world.core.status("here").executors.is_empty());
}

#[test]
fn an_offer_expires_and_what_is_bought_with_it_is_dropped() {
    let mut world = pair("cpus:2;mem:10", Some(1));
    world.advance(Duration::from_secs(31));
    world.accept(0, "cpus:2;mem:10");
    world.read_all();
    assert_eq!(world.apps[0].ended.len(), 1);
    assert!(world.core.status("here").offers.is_empty());
}

#[test]
fn an_agent_that_is_silent_for_25_seconds_is_lost_with_its_executors() {
    let mut world = pair("cpus:2;mem:10", Some(1));
    world.accept(0, "cpus:2;mem:10");
    world.read_all();
    for _ in 0..60 {
        world.advance(Duration::from_millis(500));
        world.app_reads(0);
        world.app_says(0, FrameworkToMaster::Heartbeat);
    }
    while !world.apps[0].inbox.is_empty() {
        world.app_reads(0);
    }
    assert_eq!(world.core.status("here").agents[0].state, AgentState::Lost);
    assert_eq!(world.apps[0].ended.len(), 1);
    // It comes back: what it still runs was given up, and is told to end.
    world.settle(3);
    assert_eq!(world.core.status("here").agents[0].state, AgentState::Active);
    assert!(world.agents[0].executors.is_empty());
}

#[test]
fn a_restarted_master_knows_again_and_adopts_what_runs() {
    let mut world = pair("cpus:2;mem:10", Some(1));
    world.accept(0, "cpus:2;mem:10");
    world.read_all();
    let before = world.core.status("here");
    world.restart_master();
    assert_eq!(world.core.status("here").agents[0].state, AgentState::Expected);
    world.apps[0].demand = None;
    world.settle(3);
    let after = world.core.status("here");
    assert_eq!(after.agents[0].id, before.agents[0].id);
    assert_eq!(after.executors[0].key, before.executors[0].key);
    assert_eq!(after.executors[0].state, "running");
    assert_eq!(after.frameworks[0].used, before.frameworks[0].used);
    assert!(after.frameworks[0].epoch > before.frameworks[0].epoch);
}

#[test]
fn roles_with_a_quota_wait_for_the_agents_after_a_restart() {
    let mut world = World::new(2, 1);
    world.connect_agent(0);
    world.connect_agent(1);
    world.read_all();
    let limit = Some("cpus:5".parse().unwrap());
    world.step(Event::Asked(
        RequestId(1),
        OperatorRequest::SetQuota { role: RoleName::default(), limit, force: false },
    ));
    world.restart_master();
    world.apps[0].demand = Some(demand("cpus:1;mem:1", None));
    world.connect_app(0);
    world.connect_agent(0);
    world.read_all();
    assert!(world.apps[0].offers.is_empty(), "half of the agents are back");
    world.connect_agent(1);
    world.read_all();
    world.app_says(0, FrameworkToMaster::Heartbeat);
    world.read_all();
    assert_eq!(world.apps[0].offers.iter().map(|offer| offer.resources.cpus_milli).sum::<u64>(), 5000);
}

#[test]
fn a_driver_that_is_gone_for_too_long_ends_with_all_it_had() {
    let mut world = pair("cpus:2;mem:10", Some(1));
    world.accept(0, "cpus:2;mem:10");
    world.read_all();
    world.break_app(0);
    assert!(matches!(world.core.status("here").frameworks[0].state, FrameworkState::Disconnected { .. }));
    for _ in 0..61 {
        world.advance(Duration::from_secs(1));
        while !world.agents[0].inbox.is_empty() {
            world.agent_reads(0);
        }
    }
    let status = world.core.status("here");
    assert_eq!(status.ended[0].state, FrameworkState::Failed { why: "its driver is gone".to_owned() });
    assert!(status.executors.is_empty());
    assert!(world.agents[0].files.is_empty() && world.agents[0].executors.is_empty());
}

#[test]
fn an_older_driver_or_agent_of_the_same_name_is_refused() {
    let mut world = pair("cpus:1;mem:1", None);
    let (id, epoch) = world.apps[0].known.unwrap();
    world.connect_app(0);
    world.read_all();
    world.app_says(0, FrameworkToMaster::Heartbeat);
    world.apps[0].known = Some((id, epoch));
    world.connect_app(0);
    let refused = world.apps[0].inbox.pop_back();
    assert!(matches!(refused, Some(MasterToFramework::Refused(Refusal::Replaced(_)))), "{refused:?}");
    world.agents[0].incarnation = 2;
    world.connect_agent(0);
    world.agents[0].incarnation = 1;
    world.connect_agent(0);
    let refused = world.agents[0].inbox.pop_back();
    assert!(matches!(refused, Some(MasterToAgent::Refused(Refusal::Replaced(_)))), "{refused:?}");
}

#[test]
fn another_version_is_refused_with_both_named() {
    let mut world = World::new(1, 0);
    let register = AgentToMaster::Register {
        hello: Hello { version: 99, build: "9.9".to_owned() },
        id: None,
        incarnation: Incarnation(1),
        facts: Box::new(facts(0)),
        executors: vec![],
        frameworks: vec![],
    };
    let link = LinkId(1);
    let commands = world.core.step(Event::Agent(link, register), Time::default());
    let refusal = commands.iter().find_map(|command| match command {
        Command::ToAgent(_, MasterToAgent::Refused(refusal)) => Some(refusal.to_string()),
        _ => None,
    });
    let text = refusal.unwrap();
    assert!(text.contains("protocol 1 (rsk ") && text.contains("protocol 99 (rsk 9.9)"), "{text}");
    assert_eq!(commands.last(), Some(&Command::Close(link)));
}

#[test]
fn drained_agents_are_offered_no_more_and_end_what_they_run() {
    let mut world = pair("cpus:2;mem:10", None);
    world.accept(0, "cpus:2;mem:10");
    world.read_all();
    let agent = world.agents[0].id.unwrap();
    let grace = Some(Duration::from_secs(5));
    world.step(Event::Asked(RequestId(1), OperatorRequest::Drain { agent, grace }));
    world.read_all();
    assert!(world.apps[0].offers.is_empty());
    assert_eq!(world.core.status("here").agents[0].state, AgentState::Draining);
    world.settle(7);
    assert_eq!(world.core.status("here").agents[0].state, AgentState::Drained);
    world.step(Event::Asked(RequestId(1), OperatorRequest::Reactivate(agent)));
    world.read_all();
    assert_eq!(world.core.status("here").agents[0].state, AgentState::Active);
}

#[test]
fn who_wants_what_no_agent_has_is_told_within_15_seconds() {
    let mut world = pair("cpus:99;mem:10", None);
    let mut told = None;
    for second in 0..15 {
        world.advance(Duration::from_secs(1));
        world.app_says(0, FrameworkToMaster::Heartbeat);
        let hint = world.apps[0].inbox.iter().find_map(|message| match message {
            MasterToFramework::Unsatisfiable { why, .. } => Some(why.clone()),
            _ => None,
        });
        told = told.or(hint.map(|why| (second, why)));
    }
    let (_, why) = told.expect("it is told");
    assert!(why.contains("cpus:99;mem:10") && why.contains("largest agent has cpus:10;mem:1000"), "{why}");
    let waiting = &world.core.status("here").frameworks[0].waiting;
    assert_eq!(waiting.reasons, ["1 of 1 agents: too small for cpus:99;mem:10."]);
}

#[test]
fn offers_that_nobody_answers_go_to_who_has_nothing() {
    let mut world = pair("cpus:1;mem:1", None);
    world.apps.push(SimApp { demand: Some(demand("cpus:1;mem:1", Some(1))), ..SimApp::default() });
    world.connect_app(1);
    world.read_all();
    assert!(world.apps[1].offers.is_empty(), "the first holds all");
    world.advance(Duration::from_millis(600));
    world.advance(Duration::from_millis(600));
    world.read_all();
    assert_eq!(world.apps[1].offers.len(), 1);
}

#[test]
fn why_a_job_waits_is_remembered() {
    let mut world = pair("cpus:1;mem:1", None);
    let offers = world.apps[0].offers.drain(..).map(|offer| offer.id).collect();
    let refuse = Refuse::because("its rack is not mine");
    world.app_says(0, FrameworkToMaster::Decline { offers, refuse });
    let waiting = &world.core.status("here").frameworks[0].waiting;
    assert_eq!(waiting.offers[0].answer, OfferAnswer::Declined { why: "its rack is not mine".to_owned() });
    assert_eq!(waiting.reasons, ["1 of 1 agents: refused by itself for now."]);
}

#[test]
fn a_quota_below_what_is_used_needs_force() {
    let mut world = pair("cpus:4;mem:10", Some(1));
    world.accept(0, "cpus:4;mem:10");
    world.read_all();
    let quota = |force| OperatorRequest::SetQuota {
        role: RoleName::default(),
        limit: Some("cpus:2".parse().unwrap()),
        force,
    };
    assert!(matches!(ask(&mut world, quota(false)), OperatorReply::Refused(Refusal::Invalid(_))));
    assert_eq!(ask(&mut world, quota(true)), OperatorReply::Done);
}

#[test]
fn a_supervised_driver_is_started_again_until_it_succeeds() {
    let mut world = World::new(1, 0);
    world.connect_agent(0);
    world.read_all();
    let spec = DriverSpec {
        name: "nightly".to_owned(),
        user: "ann".to_owned(),
        role: RoleName::default(),
        resources: "cpus:1;mem:100".parse().unwrap(),
        program: rsk_proto::BlobHash([1; 32]),
        files: BTreeMap::new(),
        arguments: vec![],
        environment: BTreeMap::new(),
        supervise: true,
    };
    world.step(Event::Asked(RequestId(1), OperatorRequest::Submit(Box::new(spec))));
    world.read_all();
    let first = world.core.status("here").drivers[0].clone();
    assert_eq!((first.state, first.starts), (DriverState::Running, 1));
    world.end_executor(0, first.executor.unwrap(), ExecutorEnd::Exited(9));
    world.read_all();
    assert!(matches!(world.core.status("here").drivers[0].state, DriverState::Waiting { .. }));
    world.restart_master();
    world.settle(3);
    let second = world.core.status("here").drivers[0].clone();
    assert_eq!((second.state, second.starts), (DriverState::Running, 2));
    world.restart_master();
    world.settle(3);
    assert_eq!(world.core.status("here").drivers[0].starts, 2, "it runs still, and is adopted");
    world.end_executor(0, second.executor.unwrap(), ExecutorEnd::Exited(0));
    world.read_all();
    let last = world.core.status("here").drivers[0].clone();
    assert_eq!(last.state, DriverState::Ended { code: Some(0), how: "exited with 0".to_owned() });
    assert!(world.core.status("here").executors.is_empty());
}

#[test]
fn what_was_given_up_is_not_adopted_after_a_restart() {
    let mut world = pair("cpus:2;mem:10", Some(1));
    world.accept(0, "cpus:2;mem:10");
    world.read_all();
    world.break_agent(0);
    for _ in 0..30 {
        world.advance(Duration::from_secs(1));
        world.app_says(0, FrameworkToMaster::Heartbeat);
    }
    while !world.apps[0].inbox.is_empty() {
        world.app_reads(0);
    }
    assert_eq!(world.apps[0].ended.len(), 1, "its driver knows that it is lost");
    world.restart_master();
    assert_eq!(world.core.status("here").agents[0].state, AgentState::Lost);
    world.connect_agent(0);
    world.read_all();
    assert!(world.agents[0].executors.is_empty(), "it was told to end");
    assert!(world.core.status("here").executors.is_empty());
}

#[test]
fn an_executor_killed_while_its_agent_was_away_ends_when_it_is_back() {
    let mut world = pair("cpus:2;mem:10", Some(1));
    world.accept(0, "cpus:2;mem:10");
    world.read_all();
    world.break_agent(0);
    let executor = *world.apps[0].executors.keys().next().unwrap();
    world.app_says(0, FrameworkToMaster::Kill { executor, grace: Duration::from_secs(1) });
    world.connect_agent(0);
    world.read_all();
    assert!(world.apps[0].ended.contains(&executor));
}

#[test]
fn a_framework_ends_with_the_driver_that_the_cluster_ran() {
    let mut world = World::new(1, 1);
    world.connect_agent(0);
    world.read_all();
    let spec = DriverSpec {
        name: "nightly".to_owned(),
        user: "ann".to_owned(),
        role: RoleName::default(),
        resources: "cpus:1;mem:100".parse().unwrap(),
        program: rsk_proto::BlobHash([1; 32]),
        files: BTreeMap::new(),
        arguments: vec![],
        environment: BTreeMap::new(),
        supervise: false,
    };
    world.step(Event::Asked(RequestId(1), OperatorRequest::Submit(Box::new(spec))));
    world.read_all();
    let driver = world.core.status("here").drivers[0].clone();
    world.apps[0].driver = Some(driver.id);
    world.connect_app(0);
    world.read_all();
    assert_eq!(world.core.status("here").drivers[0].framework, world.apps[0].known.map(|(id, _)| id));
    world.end_executor(0, driver.executor.unwrap(), ExecutorEnd::Signalled(9));
    world.read_all();
    let status = world.core.status("here");
    assert_eq!(
        status.ended[0].state,
        FrameworkState::Failed { why: "its driver ended by signal 9".to_owned() }
    );
    assert_eq!(
        status.drivers[0].state,
        DriverState::Ended { code: None, how: "ended by signal 9".to_owned() }
    );
}

#[test]
fn a_driver_may_have_missed_any_number_of_answers_but_not_be_of_an_earlier_epoch_than_it_said() {
    for (lost, says, is_taken) in [(1, 1, true), (3, 1, true), (3, 2, true), (3, 5, false), (0, 0, false)] {
        for is_restarted in [false, true] {
            let mut world = pair("cpus:2;mem:10", Some(1));
            world.app_says(0, FrameworkToMaster::Heartbeat);
            let known = world.apps[0].known;
            // Each of these is taken, and the answer does not arrive.
            for _ in 0..lost {
                world.connect_app(0);
                world.break_app(0);
            }
            if is_restarted {
                world.restart_master();
                world.connect_agent(0);
            }
            world.apps[0].known = known.map(|(id, _)| (id, rsk_proto::FrameworkEpoch(says)));
            world.connect_app(0);
            let answer = world.apps[0].inbox.front().cloned();
            let is_subscribed = matches!(answer, Some(MasterToFramework::Subscribed { .. }));
            // After a restart it is not known that a driver has spoken in its first epoch.
            let is_taken = is_taken || (is_restarted && says == 0);
            assert_eq!(is_subscribed, is_taken, "{lost} {says} {is_restarted}: {answer:?}");
        }
    }
}

#[test]
fn what_an_agent_ran_gives_its_resources_back_once_whatever_becomes_of_the_agent() {
    for (has_ended, is_new) in [(true, false), (false, false), (true, true), (false, true)] {
        let mut world = World::new(2, 1);
        world.apps[0].demand = Some(demand("cpus:2;mem:10", Some(10)));
        (0..2).for_each(|at| world.connect_agent(at));
        world.connect_app(0);
        world.read_all();
        for _ in 0..2 {
            world.accept(0, "cpus:2;mem:10");
            (0..2).for_each(|at| world.agent_reads(at));
        }
        let key = world.agents[0].executors.keys().next().copied().unwrap();
        if has_ended {
            // Its driver does not acknowledge the end.
            world.end_executor(0, key, ExecutorEnd::Exited(1));
        }
        if is_new {
            // It has lost its name, not what it runs, and is gone before it has heard the next one.
            world.agents[0].id = None;
            world.connect_agent(0);
            world.break_agent(0);
        }
        world.agents[0] = SimAgent::default();
        for _ in 0..60 {
            world.advance(Duration::from_millis(500));
            world.agent_says(1, AgentToMaster::Heartbeat);
            world.app_says(0, FrameworkToMaster::Heartbeat);
        }
        let used = |world: &World| world.core.allocator.held_by(&RoleName::default()).to_string();
        assert_eq!(used(&world), "cpus:2;mem:10", "{has_ended} {is_new}");
        let key = world.agents[1].executors.keys().next().copied().unwrap();
        world.app_says(0, FrameworkToMaster::Teardown { has_succeeded: true, summary: String::new() });
        world.end_executor(1, key, ExecutorEnd::Killed);
        let status = world.core.status("here");
        assert!(status.executors.is_empty(), "{:?}", status.executors);
        assert_eq!(used(&world), "cpus:0;mem:0", "{has_ended} {is_new}");
    }
}
