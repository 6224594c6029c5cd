//! Whatever happens in whatever order, the invariants hold.

use super::{super::*, invariant, world::World};
use proptest::prelude::*;
use rsk_proto::{Demand, ExecutorEnd, ExecutorId, FrameworkToMaster, OperatorRequest, Refuse};
use std::time::Duration;

#[derive(Debug, Clone)]
enum Happening {
    AgentReads(usize),
    AgentConnects(usize),
    AgentBreaks(usize),
    AgentRestarts(usize),
    ExecutorEnds(usize, usize),
    AppReads(usize),
    AppConnects(usize),
    AppBreaks(usize),
    Accepts(usize, u64),
    Declines(usize),
    Wants(usize, u64, Option<u32>),
    Kills(usize, u64),
    TearsDown(usize),
    MasterRestarts,
    Later(u64),
    Drains(usize, bool),
    Removes(usize),
}

const AGENTS: usize = 3;
const APPS: usize = 3;

fn happenings() -> impl Strategy<Value = Vec<Happening>> {
    use Happening::*;
    let one = prop_oneof![
        12 => (0..AGENTS).prop_map(AgentReads),
        3 => (0..AGENTS).prop_map(AgentConnects),
        1 => (0..AGENTS).prop_map(AgentBreaks),
        1 => (0..AGENTS).prop_map(AgentRestarts),
        3 => (0..AGENTS, any::<usize>()).prop_map(|(at, which)| ExecutorEnds(at, which)),
        12 => (0..APPS).prop_map(AppReads),
        3 => (0..APPS).prop_map(AppConnects),
        1 => (0..APPS).prop_map(AppBreaks),
        8 => (0..APPS, 1..5u64).prop_map(|(at, cpus)| Accepts(at, cpus)),
        2 => (0..APPS).prop_map(Declines),
        4 => (0..APPS, 1..5u64, prop::option::of(0..5u32)).prop_map(|(at, cpus, count)| Wants(at, cpus, count)),
        2 => (0..APPS, 0..5u64).prop_map(|(at, executor)| Kills(at, executor)),
        1 => (0..APPS).prop_map(TearsDown),
        1 => Just(MasterRestarts),
        3 => (0..40u64).prop_map(Later),
        1 => (0..AGENTS, any::<bool>()).prop_map(|(at, back)| Drains(at, back)),
        1 => (0..AGENTS).prop_map(Removes),
    ];
    prop::collection::vec(one, 1..150)
}

fn happen(world: &mut World, happening: &Happening) {
    match *happening {
        Happening::AgentReads(at) => world.agent_reads(at),
        Happening::AgentConnects(at) => world.connect_agent(at),
        Happening::AgentBreaks(at) => world.break_agent(at),
        Happening::AgentRestarts(at) => {
            world.agents[at].incarnation += 1;
            world.connect_agent(at);
        }
        Happening::ExecutorEnds(at, which) => {
            let all = &world.agents[at].executors;
            if let Some(key) = all.keys().nth(which % all.len().max(1)).copied() {
                world.end_executor(at, key, ExecutorEnd::Exited(1));
            }
        }
        Happening::AppReads(at) => world.app_reads(at),
        Happening::AppConnects(at) => world.connect_app(at),
        Happening::AppBreaks(at) => world.break_app(at),
        Happening::Accepts(at, cpus) => world.accept(at, &format!("cpus:{cpus};mem:10;ports:[{cpus}]")),
        Happening::Declines(at) => {
            let offers = world.apps[at].offers.drain(..).map(|offer| offer.id).collect();
            let refuse = Refuse { lasts: Duration::from_secs(3), why: "no".to_owned() };
            world.app_says(at, FrameworkToMaster::Decline { offers, refuse });
        }
        Happening::Wants(at, cpus, count) => {
            let shape = format!("cpus:{cpus};mem:10").parse().unwrap();
            world.apps[at].demand = Some(Demand { shape, ports: 1, count });
            let demand = world.apps[at].demand.clone();
            world.app_says(at, FrameworkToMaster::Want(demand));
        }
        Happening::Kills(at, executor) => {
            let grace = Duration::from_secs(1);
            world.app_says(at, FrameworkToMaster::Kill { executor: ExecutorId(executor), grace });
        }
        Happening::TearsDown(at) => {
            let teardown = FrameworkToMaster::Teardown { has_succeeded: true, summary: String::new() };
            if world.apps[at].link.is_some() && world.apps[at].known.is_some() {
                world.app_says(at, teardown);
                world.apps[at] = super::world::SimApp { is_over: true, ..Default::default() };
            }
        }
        Happening::MasterRestarts => world.restart_master(),
        Happening::Later(seconds) => world.advance(Duration::from_secs(seconds)),
        Happening::Drains(at, is_back) => {
            let Some(agent) = world.agents[at].id else { return };
            let grace = Some(Duration::from_secs(1));
            let drain = OperatorRequest::Drain { agent, grace };
            let request = if is_back { OperatorRequest::Reactivate(agent) } else { drain };
            world.step(Event::Asked(RequestId(1), request));
        }
        Happening::Removes(at) => {
            let Some(agent) = world.agents[at].id else { return };
            world.step(Event::Asked(RequestId(1), OperatorRequest::Remove(agent)));
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn whatever_happens_the_invariants_hold(happenings in happenings()) {
        let mut world = World::new(AGENTS, APPS);
        (0..AGENTS).for_each(|at| world.connect_agent(at));
        (0..APPS).for_each(|at| world.connect_app(at));
        for happening in happenings {
            happen(&mut world, &happening);
            invariant::offered_once(&world);
            invariant::sums(&world);
        }
        world.settle(90);
        invariant::offered_once(&world);
        invariant::sums(&world);
        invariant::executors_end(&world);
        invariant::epochs_rise(&world);
    }
}
