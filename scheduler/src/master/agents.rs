//! What agents say, and what becomes of those that say nothing.

use super::{
    core::{MasterCore, Peer},
    event::{Command, LinkId},
    record::{AgentRecord, Change},
    table::{Agent, Executor, Standing},
};
use crate::allocator::Allocator;
use rsk_proto::{
    AgentFacts, AgentId, AgentResources, AgentToMaster, ExecutorEnd, ExecutorKey, ExecutorReport,
    ExecutorState, FrameworkId, Hello, Incarnation, MasterToAgent, MasterToFramework, Refusal, Resources,
    RoleName, Time, status::OfferAnswer,
};
use std::collections::BTreeSet;

/// A lost agent that is not back after a week is forgotten: it gets another name if it ever is.
const FORGOTTEN_AFTER_MS: u64 = 7 * 24 * 3600 * 1000;

impl MasterCore {
    pub(super) fn agent_said(&mut self, link: LinkId, message: AgentToMaster) {
        if let AgentToMaster::Register { hello, id, incarnation, facts, executors, frameworks } = message {
            let registered = self.register(link, &hello, id, incarnation, *facts);
            match registered {
                Ok((id, before)) => self.agent_is_back(id, before, executors, frameworks),
                Err(refusal) => {
                    self.commands.push(Command::ToAgent(link, MasterToAgent::Refused(refusal)));
                    self.close(link);
                }
            }
            return;
        }
        let Some(Peer::Agent(id)) = self.links.get(&link).copied() else {
            let refusal = Refusal::Invalid("an agent registers before it says anything else".to_owned());
            self.commands.push(Command::ToAgent(link, MasterToAgent::Refused(refusal)));
            self.close(link);
            return;
        };
        self.heard_agent(id);
        match message {
            AgentToMaster::Heartbeat | AgentToMaster::Register { .. } => {}
            AgentToMaster::ExecutorRuns(key) => self.executor_runs(id, key),
            AgentToMaster::ExecutorEnded { key, end } => self.executor_ended(id, key, end),
            AgentToMaster::Cleaned(framework) => self.cleaned(id, framework),
            AgentToMaster::Leaving => {
                self.close(link);
                self.agent_lost(id);
                self.forget_agent(id);
            }
        }
    }

    /// An agent speaks. One that speaks for the first time knows its name, and is offered from then on.
    fn heard_agent(&mut self, id: AgentId) {
        let Some(agent) = self.agents.get_mut(&id) else { return };
        agent.heard = self.now;
        if !std::mem::replace(&mut agent.has_spoken, true) {
            let record = agent.record.clone();
            self.allocator.set_offered(id, record.drain.is_none());
            self.write(Change::Agent(id, Some(record)));
        }
    }

    /// Takes an agent; says what it was before.
    fn register(
        &mut self,
        link: LinkId,
        hello: &Hello,
        id: Option<AgentId>,
        incarnation: Incarnation,
        facts: AgentFacts,
    ) -> Result<(AgentId, Standing), Refusal> {
        hello.check()?;
        if self.links.contains_key(&link) {
            return Err(Refusal::Invalid("a stream is one agent's".to_owned()));
        }
        if !AgentResources::adds_up(&facts.resources, &facts.reserved) {
            let why = format!(
                "the agent at {} keeps more for roles than the {} that it has: change its --resources",
                facts.host, facts.resources
            );
            return Err(Refusal::Invalid(why));
        }
        let is_named = id.is_some();
        let (id, before) = match id {
            None => {
                self.counters.agents += 1;
                self.write(Change::Counters(self.counters));
                let id = AgentId { registry: self.registry, number: self.counters.agents };
                (id, Standing::There)
            }
            Some(id) => {
                let unknown = || Refusal::Unknown(format!("{id} was removed, or is of another cluster"));
                let agent = self.agents.get(&id).ok_or_else(unknown)?;
                let known = agent.record.incarnation;
                if incarnation < known {
                    return Err(Refusal::Replaced(format!("{known} of {id}, and this is {incarnation}")));
                }
                (id, agent.standing)
            }
        };
        let old = self.agents.remove(&id);
        let (reserved, drain) =
            old.as_ref().map(|it| (it.record.reserved.clone(), it.record.drain)).unwrap_or_default();
        let kept_before: BTreeSet<RoleName> =
            old.iter().flat_map(|old| old.record.roles_kept_for()).cloned().collect();
        let record = AgentRecord { facts, incarnation, reserved, drain, lost_at: None };
        if old.as_ref().is_some_and(|old| old.record != record) {
            self.write(Change::Agent(id, Some(record.clone())));
        }
        let mut agent = old.unwrap_or_else(|| Agent::new(record.clone(), Standing::There, self.now));
        if let Some(old) = agent.link.replace(link) {
            self.close(old);
        }
        agent.record = record;
        agent.standing = Standing::There;
        agent.heard = self.now;
        // An agent that says its name knows it.
        agent.has_spoken = is_named;
        agent.registered_at = self.unix();
        agent.drained_by = agent.record.drain.and_then(|drain| Some(self.now + drain.grace?));
        self.allocator.set_agent(id, agent.record.facts.resources.clone());
        for role in &kept_before {
            self.allocator.keep(id, role, Resources::default());
        }
        for (role, part) in &agent.record.facts.reserved {
            self.allocator.keep(id, role, part.clone());
        }
        for role in agent.record.reserved.keys() {
            // An agent that came back smaller may not have what was kept of it: then only what it says itself is.
            drop(self.allocator.reserve(id, role, agent.record.kept_for(role)));
        }
        self.allocator.set_offered(id, is_named && agent.record.drain.is_none());
        self.agents.insert(id, agent);
        self.links.insert(link, Peer::Agent(id));
        self.rescind_of_agent(id);
        let registered = MasterToAgent::Registered {
            hello: Hello::ours(),
            id,
            heartbeat_every: self.rules.heartbeat_every,
            lost_after: self.rules.lost_after,
        };
        self.say_to_agent(id, registered);
        Ok((id, before))
    }

    /// Compares what an agent runs with what it should.
    fn agent_is_back(
        &mut self,
        id: AgentId,
        before: Standing,
        reports: Vec<ExecutorReport>,
        files: Vec<FrameworkId>,
    ) {
        let mut over: BTreeSet<FrameworkId> = BTreeSet::new();
        let reported: BTreeSet<ExecutorKey> = reports.iter().map(|report| report.key).collect();
        let known = self.agents.get(&id).map(|agent| agent.executors.clone()).unwrap_or_default();
        for report in reports {
            let (key, state) = (report.key, report.state.clone());
            let is_known = self.is_known(key.framework);
            if !is_known {
                over.insert(key.framework);
            }
            let is_adopted = is_known && before == Standing::Expected && self.may_adopt(key);
            if !known.contains(&key) {
                if state.has_ended() && !is_adopted {
                    self.say_to_agent(id, MasterToAgent::Acknowledge(key));
                    continue;
                }
                self.take_over(id, report, is_adopted);
                if !is_adopted && is_known {
                    self.say_to_agent(id, MasterToAgent::Kill { key, grace: self.rules.kill_grace });
                }
            }
            match state {
                ExecutorState::Running => self.executor_runs(id, key),
                ExecutorState::Ended(end) => self.executor_ended(id, key, end),
                ExecutorState::Starting | ExecutorState::Ending => {}
            }
        }
        for key in known.difference(&reported) {
            self.executor_ended(id, *key, ExecutorEnd::Dropped);
        }
        for key in known.intersection(&reported) {
            // It may have been away when it was told.
            if self.executors.get(key).is_some_and(|executor| executor.state == ExecutorState::Ending) {
                self.say_to_agent(id, MasterToAgent::Kill { key: *key, grace: self.rules.kill_grace });
            }
        }
        let files: BTreeSet<FrameworkId> = files.into_iter().collect();
        over.extend(files.iter().filter(|framework| !self.is_known(**framework)));
        if let Some(agent) = self.agents.get_mut(&id) {
            agent.frameworks.extend(files);
        }
        over.into_iter().for_each(|framework| self.say_to_agent(id, MasterToAgent::End(framework)));
        if self.expected.remove(&id) {
            self.allocator.hold_back_quota_roles(self.is_held_back());
        }
        self.settle_claims(id, &ExecutorEnd::Dropped);
        self.settle_drivers(id, &ExecutorEnd::Dropped);
    }

    /// Puts an executor into the table that an agent has and the master did not know of.
    fn take_over(&mut self, agent: AgentId, report: ExecutorReport, is_adopted: bool) {
        let key = report.key;
        let state = if is_adopted { ExecutorState::Starting } else { ExecutorState::Ending };
        self.allocator.hold(key.framework, &report.role, agent, &report.resources);
        let executor = Executor {
            agent,
            resources: report.resources,
            slots: report.slots,
            state,
            is_disowned: !is_adopted,
            started_at: self.unix(),
        };
        self.add_executor(key, executor);
    }

    pub(super) fn agent_unlinked(&mut self, id: AgentId, link: LinkId) {
        if let Some(agent) = self.agents.get_mut(&id).filter(|agent| agent.link == Some(link)) {
            agent.link = None;
            let has_spoken = agent.has_spoken;
            self.allocator.set_offered(id, false);
            self.rescind_of_agent(id);
            if !has_spoken {
                // It may never have heard its name, and will ask for another.
                self.allocator.remove_agent(id);
                self.give_up_executors(id);
                self.agents.remove(&id);
            }
        }
    }

    /// An agent has been silent for too long, or has left: what it ran is given up.
    pub(super) fn agent_lost(&mut self, id: AgentId) {
        let now = self.unix();
        let Some(agent) = self.agents.get_mut(&id) else { return };
        let was_expected = agent.standing == Standing::Expected;
        agent.standing = Standing::Lost;
        agent.record.lost_at = Some(now);
        let record = agent.record.clone();
        agent.frameworks.extend(agent.executors.iter().map(|key| key.framework));
        let files = std::mem::take(&mut agent.frameworks);
        if let Some(link) = agent.link.take() {
            self.close(link);
        }
        self.write(Change::Agent(id, Some(record)));
        self.rescind_of_agent(id);
        self.allocator.remove_agent(id);
        self.give_up_executors(id);
        self.settle_claims(id, &ExecutorEnd::AgentLost);
        self.settle_drivers(id, &ExecutorEnd::AgentLost);
        for framework in self.frameworks.keys().copied().collect::<Vec<_>>() {
            if was_expected || files.contains(&framework) {
                self.say_to_framework(framework, MasterToFramework::AgentLost(id));
            }
        }
        if self.expected.remove(&id) {
            self.allocator.hold_back_quota_roles(self.is_held_back());
        }
    }

    /// What an agent ran, whose resources are gone with it.
    fn give_up_executors(&mut self, id: AgentId) {
        let lost = self.agents.get(&id).map(|agent| agent.executors.clone()).unwrap_or_default();
        for key in lost {
            let Some(executor) = self.remove_executor(key) else { continue };
            // One whose end nobody has acknowledged yet gave everything back when it ended.
            if executor.state.has_ended() {
                continue;
            }
            self.allocator.give_back(key.framework, id, &executor.resources, false);
            if !executor.is_disowned {
                self.tell_end(id, key, ExecutorEnd::AgentLost);
            }
        }
    }

    pub(super) fn forget_agent(&mut self, id: AgentId) {
        self.agents.remove(&id);
        self.write(Change::Agent(id, None));
    }

    /// No offer of an agent stands.
    pub(super) fn rescind_of_agent(&mut self, id: AgentId) {
        let offers =
            self.agents.get(&id).map(|agent| agent.offers.iter().copied().collect()).unwrap_or_default();
        self.rescind(offers, &OfferAnswer::Rescinded);
    }

    pub(super) fn look_for_lost_agents(&mut self) {
        let oldest = |agent: &Agent| match agent.standing {
            Standing::There => agent.heard + self.rules.lost_after,
            Standing::Expected => self.expected_until,
            Standing::Lost => Time(std::time::Duration::MAX),
        };
        let lost = self.agents.iter().filter(|(_, agent)| oldest(agent) < self.now);
        for id in lost.map(|(id, _)| *id).collect::<Vec<_>>() {
            self.agent_lost(id);
        }
        let now = self.unix();
        let old =
            |agent: &Agent| agent.record.lost_at.is_some_and(|lost_at| lost_at + FORGOTTEN_AFTER_MS < now);
        let old = self.agents.iter().filter(|(_, agent)| agent.standing == Standing::Lost && old(agent));
        for id in old.map(|(id, _)| *id).collect::<Vec<_>>() {
            self.forget_agent(id);
        }
    }

    /// Executors that still run on drained agents are ended when their time is up.
    pub(super) fn look_for_drained_agents(&mut self) {
        let due = |agent: &Agent| agent.link.is_some() && agent.drained_by.is_some_and(|end| end <= self.now);
        let agents = self.agents.iter().filter(|(_, agent)| due(agent));
        for id in agents.map(|(id, _)| *id).collect::<Vec<_>>() {
            let Some(agent) = self.agents.get_mut(&id) else { continue };
            agent.drained_by = None;
            for key in agent.executors.clone() {
                self.kill(key, self.rules.kill_grace);
            }
        }
    }

    /// An agent has deleted all files of a framework that has ended, and so has none of its executors.
    fn cleaned(&mut self, id: AgentId, framework: FrameworkId) {
        let Some(agent) = self.agents.get_mut(&id) else { return };
        agent.frameworks.remove(&framework);
        let left: Vec<_> = agent.executors.iter().copied().filter(|key| key.framework == framework).collect();
        for key in left {
            self.executor_ended(id, key, ExecutorEnd::Killed);
        }
    }
}
