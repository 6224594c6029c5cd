//! Executors, from the order to the end that somebody knows of.

use super::{core::MasterCore, table::Executor};
use crate::allocator::Allocator;
use rsk_proto::{
    AgentId, ExecutorEnd, ExecutorKey, ExecutorState, FrameworkId, MasterToAgent, MasterToFramework,
    status::DriverState,
};
use std::time::Duration;

impl MasterCore {
    pub(super) fn add_executor(&mut self, key: ExecutorKey, executor: Executor) {
        if let Some(agent) = self.agents.get_mut(&executor.agent) {
            agent.executors.insert(key);
            agent.frameworks.insert(key.framework);
        }
        if let Some(framework) = self.frameworks.get_mut(&key.framework).filter(|_| !executor.is_disowned) {
            framework.executors.insert(key);
            framework.claims.remove(&key.executor);
        }
        self.executors.insert(key, executor);
    }

    pub(super) fn remove_executor(&mut self, key: ExecutorKey) -> Option<Executor> {
        let executor = self.executors.remove(&key)?;
        if let Some(agent) = self.agents.get_mut(&executor.agent) {
            agent.executors.remove(&key);
        }
        if let Some(framework) = self.frameworks.get_mut(&key.framework) {
            framework.executors.remove(&key);
        }
        Some(executor)
    }

    /// Whether an executor that an agent has after the master's restart is to go on.
    pub(super) fn may_adopt(&self, key: ExecutorKey) -> bool {
        let Some(driver) = self.drivers.by_framework.get(&key.framework) else { return true };
        let driver = self.drivers.all.get(driver);
        driver.is_some_and(|driver| {
            driver.executor() == Some(key) && driver.record.state == DriverState::Running
        })
    }

    pub(super) fn executor_runs(&mut self, agent: AgentId, key: ExecutorKey) {
        let Some(executor) = self.executors.get_mut(&key).filter(|executor| executor.agent == agent) else {
            // It was given up: nobody waits for it.
            self.say_to_agent(agent, MasterToAgent::Kill { key, grace: self.rules.kill_grace });
            return;
        };
        if executor.state == ExecutorState::Starting {
            executor.state = ExecutorState::Running;
            let executor = key.executor;
            self.say_to_framework(key.framework, MasterToFramework::ExecutorRuns { executor, agent });
        }
    }

    /// An agent says how an executor ended, perhaps again.
    pub(super) fn executor_ended(&mut self, agent: AgentId, key: ExecutorKey, end: ExecutorEnd) {
        let Some(executor) = self.executors.get_mut(&key).filter(|executor| executor.agent == agent) else {
            self.say_to_agent(agent, MasterToAgent::Acknowledge(key));
            return;
        };
        let (is_disowned, resources) = (executor.is_disowned, executor.resources.clone());
        let is_new = !executor.state.has_ended();
        if is_new {
            executor.state = ExecutorState::Ended(end.clone());
            self.allocator.give_back(key.framework, agent, &resources, false);
        }
        if is_disowned || !self.frameworks.contains_key(&key.framework) {
            self.say_to_agent(agent, MasterToAgent::Acknowledge(key));
            self.remove_executor(key);
        }
        if !is_disowned {
            self.tell_end(agent, key, end);
        }
    }

    /// Says to whom an executor belonged that it has ended.
    pub(super) fn tell_end(&mut self, agent: AgentId, key: ExecutorKey, end: ExecutorEnd) {
        if let Some(driver) = self.drivers.by_framework.get(&key.framework).copied() {
            self.driver_ended(driver, key, &end);
            return;
        }
        let executor = key.executor;
        self.say_to_framework(key.framework, MasterToFramework::ExecutorEnded { executor, agent, end });
    }

    /// A driver knows that an executor has ended.
    pub(super) fn acknowledged(&mut self, key: ExecutorKey) {
        if self.executors.get(&key).is_some_and(|executor| executor.state.has_ended())
            && let Some(executor) = self.remove_executor(key)
        {
            self.say_to_agent(executor.agent, MasterToAgent::Acknowledge(key));
        }
    }

    pub(super) fn kill(&mut self, key: ExecutorKey, grace: Duration) {
        let Some(executor) = self.executors.get_mut(&key).filter(|executor| !executor.state.has_ended())
        else {
            return;
        };
        executor.state = ExecutorState::Ending;
        let agent = executor.agent;
        self.say_to_agent(agent, MasterToAgent::Kill { key, grace });
    }

    /// What drivers believe to be on an agent that is back, or gone for good, is there or is not.
    pub(super) fn settle_claims(&mut self, agent: AgentId, end: &ExecutorEnd) {
        let with_claims = self.frameworks.iter().filter(|(_, framework)| !framework.claims.is_empty());
        for id in with_claims.map(|(id, _)| *id).collect::<Vec<FrameworkId>>() {
            let Some(framework) = self.frameworks.get_mut(&id) else { continue };
            let settled: Vec<_> = framework
                .claims
                .iter()
                .filter(|(_, of)| **of == agent)
                .map(|(executor, _)| *executor)
                .collect();
            for executor in settled {
                framework.claims.remove(&executor);
                let ended = MasterToFramework::ExecutorEnded { executor, agent, end: end.clone() };
                if let Some(link) = framework.link {
                    self.commands.push(super::event::Command::ToFramework(link, ended));
                }
            }
        }
    }
}
