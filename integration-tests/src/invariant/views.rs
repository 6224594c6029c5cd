//! What drivers, master and agents believe is the same, and is so, after a minute of quiet.

use super::{Violation, holds};
use crate::simulation::World;
use rsk_proto::{
    ExecutorKey, Time,
    status::{AgentState, ClusterStatus, FrameworkState},
};
use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

const INVARIANT: &str = "views agree within 60 s of quiet";

/// What does not agree, and since when.
#[derive(Debug, Default)]
pub(crate) struct Views {
    since: BTreeMap<String, Time>,
}

impl Views {
    pub(crate) const AGREE_WITHIN: Duration = Duration::from_mins(1);

    pub(crate) fn look(&mut self, world: &World, status: &ClusterStatus) -> Result<(), Violation> {
        let now = disagreements(world, status);
        self.since.retain(|what, _| now.contains(what));
        for what in now {
            self.since.entry(what).or_insert(world.now);
        }
        let old = self.since.iter().find(|(_, since)| world.now.since(**since) > Self::AGREE_WITHIN);
        holds(old.is_none(), INVARIANT, || format!("{old:?}"))
    }
}

fn disagreements(world: &World, status: &ClusterStatus) -> BTreeSet<String> {
    let mut all = BTreeSet::new();
    let processes: BTreeSet<ExecutorKey> = world.processes.values().map(|it| it.key).collect();
    for (at, machine) in world.machines.iter().enumerate().filter(|(_, machine)| !machine.is_gone) {
        let seen = status.agents.iter().find(|agent| machine.id == Some(agent.id));
        if seen.is_none_or(|agent| agent.state != AgentState::Active) {
            all.insert(format!("machine {at} is there, and the master sees {:?}", seen.map(|it| &it.state)));
        }
    }
    let expected = status.agents.iter().filter(|agent| agent.state == AgentState::Expected);
    let expected: BTreeSet<_> = expected.map(|agent| agent.id).collect();
    for executor in &status.executors {
        // An agent that was stopped is lost after a while, which is not this invariant.
        if !processes.contains(&executor.key) && !expected.contains(&executor.agent) {
            all.insert(format!("the master believes that {} is there", executor.key));
        }
    }
    for process in world.processes.values() {
        let key = process.key;
        if !status.executors.iter().any(|executor| executor.key == key) {
            all.insert(format!("{key} runs, and the master does not know of it"));
        }
        let driver = world.apps.get(&key.framework).and_then(|at| world.drivers.get(*at));
        // What belongs to a driver that is gone stays for as long as the driver may be back.
        if let Some(driver) = driver.filter(|driver| !driver.is_dead)
            && !driver.core.claims().iter().any(|claim| claim.executor == key.executor)
        {
            all.insert(format!("{key} runs, and its driver does not know of it"));
        }
    }
    for (at, driver) in world.drivers.iter().enumerate().filter(|(_, it)| !it.is_dead && it.failed.is_none())
    {
        let Some((framework, epoch)) = driver.known else {
            all.insert(format!("driver {at} has not subscribed"));
            continue;
        };
        let seen = status.frameworks.iter().find(|it| it.id == framework);
        let is_seen = seen.is_some_and(|it| {
            it.epoch == epoch && matches!(it.state, FrameworkState::Active | FrameworkState::Idle)
        });
        if !is_seen || !driver.is_up() {
            all.insert(format!(
                "driver {at} is {framework} in {epoch}, and the master sees {:?}",
                seen.map(|it| &it.state)
            ));
        }
        for claim in driver.core.claims() {
            let key = ExecutorKey { framework, executor: claim.executor };
            if !processes.contains(&key) && !expected.contains(&claim.agent) {
                all.insert(format!("driver {at} believes that {key} is there"));
            }
        }
    }
    all
}
