//! What drivers say, and what becomes of those that say nothing.

use super::{
    core::{MasterCore, Peer},
    event::{Command, LinkId},
    record::{Change, FrameworkRecord},
    table::{Framework, Standing},
};
use crate::allocator::Allocator;
use rsk_proto::{
    Demand, ExecutorClaim, ExecutorEnd, ExecutorKey, ExecutorState, FrameworkEpoch, FrameworkFacts,
    FrameworkId, FrameworkToMaster, Hello, MasterToAgent, MasterToFramework, Refusal,
    status::{FrameworkState, OfferAnswer},
};
use std::time::Duration;

/// A framework that waits for what no agent has is told after this long, and again at most this often.
const HINT_AFTER: Duration = Duration::from_secs(5);
const HINT_EVERY: Duration = Duration::from_secs(15);

impl MasterCore {
    pub(super) fn framework_said(&mut self, link: LinkId, message: FrameworkToMaster) {
        if let FrameworkToMaster::Subscribe { hello, known, facts, demand, executors } = message {
            match self.subscribe(link, &hello, known, *facts, demand) {
                Ok(id) => self.settle_with_driver(id, executors),
                Err(refusal) => {
                    self.commands.push(Command::ToFramework(link, MasterToFramework::Refused(refusal)));
                    self.close(link);
                }
            }
            return;
        }
        let Some(Peer::Framework(id)) = self.links.get(&link).copied() else {
            let refusal = Refusal::Invalid("a driver subscribes before it says anything else".to_owned());
            self.commands.push(Command::ToFramework(link, MasterToFramework::Refused(refusal)));
            self.close(link);
            return;
        };
        if let Some(framework) = self.frameworks.get_mut(&id) {
            framework.heard = self.now;
            framework.has_spoken = true;
        }
        match message {
            FrameworkToMaster::Heartbeat | FrameworkToMaster::Subscribe { .. } => {}
            FrameworkToMaster::Accept { offers, executors, rest } => {
                self.accept(id, &offers, executors, &rest);
            }
            FrameworkToMaster::Decline { offers, refuse } => self.decline(id, &offers, &refuse),
            FrameworkToMaster::Want(demand) => self.want(id, demand),
            FrameworkToMaster::Revive => self.allocator.revive(id),
            FrameworkToMaster::Kill { executor, grace } => {
                self.kill(ExecutorKey { framework: id, executor }, grace);
            }
            FrameworkToMaster::Acknowledge(executor) => {
                self.acknowledged(ExecutorKey { framework: id, executor });
            }
            FrameworkToMaster::Teardown { has_succeeded, summary } => {
                let state = if has_succeeded {
                    FrameworkState::Succeeded { summary }
                } else {
                    FrameworkState::Failed { why: summary }
                };
                self.tear_down(id, state, None);
            }
        }
    }

    fn subscribe(
        &mut self,
        link: LinkId,
        hello: &Hello,
        known: Option<(FrameworkId, FrameworkEpoch)>,
        facts: FrameworkFacts,
        demand: Option<Demand>,
    ) -> Result<FrameworkId, Refusal> {
        hello.check()?;
        if self.links.contains_key(&link) {
            return Err(Refusal::Invalid("a stream is one driver's".to_owned()));
        }
        let id = match known {
            None => {
                self.counters.frameworks += 1;
                self.write(Change::Counters(self.counters));
                let id = FrameworkId { registry: self.registry, number: self.counters.frameworks };
                let (epoch, heard) = (FrameworkEpoch(1), FrameworkEpoch(0));
                let record = FrameworkRecord { facts, epoch, heard, started_at: self.unix() };
                self.allocator.add_framework(id, record.facts.role.clone());
                self.frameworks.insert(id, Framework::new(record, self.now));
                id
            }
            Some((id, epoch)) => {
                let framework = self.frameworks.get_mut(&id).ok_or_else(|| ended(&self.ended, id))?;
                let record = &mut framework.record;
                // A driver that never heard of its last subscriptions says the one that it heard of.
                let heard = if framework.has_spoken { record.epoch } else { record.heard };
                if epoch < heard || epoch > record.epoch {
                    return Err(Refusal::Replaced(format!(
                        "{id} is in {}, and this is {epoch}",
                        record.epoch
                    )));
                }
                if facts.role != record.facts.role {
                    return Err(Refusal::Invalid(format!(
                        "{id} cannot change its role, {}",
                        record.facts.role
                    )));
                }
                record.epoch.0 += 1;
                record.heard = epoch;
                record.facts = facts;
                id
            }
        };
        if let Some(driver) = self.frameworks.get(&id).and_then(|framework| framework.record.facts.driver)
            && let Some(driver) = self.drivers.all.get_mut(&driver)
        {
            driver.subscribed = Some(id);
        }
        self.rescind_of_framework(id);
        let Some(framework) = self.frameworks.get_mut(&id) else { return Err(ended(&self.ended, id)) };
        let old = framework.link.replace(link);
        framework.heard = self.now;
        framework.has_spoken = false;
        framework.ends = None;
        let record = framework.record.clone();
        if let Some(old) = old {
            let replaced =
                Refusal::Replaced(format!("{id} has subscribed again, from {}", record.facts.host));
            self.commands.push(Command::ToFramework(old, MasterToFramework::Refused(replaced)));
            self.close(old);
        }
        self.links.insert(link, Peer::Framework(id));
        let epoch = record.epoch;
        self.write(Change::Framework(id, Some(record)));
        let subscribed = MasterToFramework::Subscribed {
            hello: Hello::ours(),
            id,
            epoch,
            heartbeat_every: self.rules.heartbeat_every,
            lost_after: self.rules.lost_after,
        };
        self.say_to_framework(id, subscribed);
        self.allocator.revive(id);
        self.want(id, demand);
        Ok(id)
    }

    /// Compares the executors that a driver believes to have with those that it has.
    fn settle_with_driver(&mut self, id: FrameworkId, claims: Vec<ExecutorClaim>) {
        if let Some(framework) = self.frameworks.get_mut(&id) {
            framework.claims.clear();
        }
        for ExecutorClaim { executor, agent } in claims {
            let key = ExecutorKey { framework: id, executor };
            if self.executors.get(&key).is_some_and(|executor| !executor.is_disowned) {
                continue;
            }
            let end = match self.agents.get(&agent).map(|agent| agent.standing) {
                Some(Standing::Expected) => {
                    if let Some(framework) = self.frameworks.get_mut(&id) {
                        framework.claims.insert(executor, agent);
                    }
                    continue;
                }
                Some(Standing::There) => ExecutorEnd::Dropped,
                Some(Standing::Lost) | None => ExecutorEnd::AgentLost,
            };
            self.say_to_framework(id, MasterToFramework::ExecutorEnded { executor, agent, end });
        }
        let executors =
            self.frameworks.get(&id).map(|framework| framework.executors.clone()).unwrap_or_default();
        for key in executors {
            let Some((agent, state)) = self.executors.get(&key).map(|it| (it.agent, it.state.clone())) else {
                continue;
            };
            let executor = key.executor;
            match state {
                ExecutorState::Running => {
                    self.say_to_framework(id, MasterToFramework::ExecutorRuns { executor, agent });
                }
                ExecutorState::Ended(end) => {
                    self.say_to_framework(id, MasterToFramework::ExecutorEnded { executor, agent, end });
                }
                ExecutorState::Starting | ExecutorState::Ending => {}
            }
        }
    }

    fn want(&mut self, id: FrameworkId, demand: Option<Demand>) {
        if let Some(framework) = self.frameworks.get_mut(&id) {
            let offered = framework.offers.iter().filter_map(|offer| self.offers.get(offer));
            let mut left = demand.clone();
            // What it says counts what it has ordered, not what it has been offered since.
            if let Some(demand) = &mut left {
                let all = Demand { count: None, ..demand.clone() };
                let offered: u32 = offered.map(|offer| all.shapes_in(&offer.resources)).sum();
                demand.count = demand.count.map(|count| count.saturating_sub(offered));
            }
            framework.demand = demand;
            self.allocator.set_demand(id, left);
        }
    }

    pub(super) fn framework_unlinked(&mut self, id: FrameworkId, link: LinkId) {
        let Some(framework) = self.frameworks.get_mut(&id).filter(|it| it.link == Some(link)) else { return };
        framework.link = None;
        framework.demand = None;
        // One that may not have heard of its own name will not come back to it.
        let is_new = !framework.has_spoken && framework.record.epoch == FrameworkEpoch(1);
        let stays = framework.record.facts.failover_timeout;
        let stays = if is_new { stays.min(self.rules.lost_after) } else { stays };
        framework.ends = Some(self.now + stays);
        self.allocator.set_demand(id, None);
        self.rescind_of_framework(id);
        if stays.is_zero() {
            self.look_for_lost_frameworks();
        }
    }

    fn rescind_of_framework(&mut self, id: FrameworkId) {
        let offers =
            self.frameworks.get(&id).map(|it| it.offers.iter().copied().collect()).unwrap_or_default();
        self.rescind(offers, &OfferAnswer::Rescinded);
    }

    pub(super) fn look_for_lost_frameworks(&mut self) {
        let silent = |it: &Framework| it.link.filter(|_| it.heard + self.rules.lost_after < self.now);
        let silent: Vec<_> = self.frameworks.iter().filter_map(|(id, it)| Some((*id, silent(it)?))).collect();
        for (id, link) in silent {
            self.close(link);
            self.framework_unlinked(id, link);
        }
        let over = |it: &Framework| it.ends.is_some_and(|ends| ends <= self.now);
        let over: Vec<_> = self.frameworks.iter().filter(|(_, it)| over(it)).map(|(id, _)| *id).collect();
        for id in over {
            let why = "its driver is gone".to_owned();
            self.tear_down(id, FrameworkState::Failed { why: why.clone() }, Some(why));
        }
    }

    /// Ends a framework and all of it. `why`: what its driver hears, if it did not ask for it.
    pub(super) fn tear_down(&mut self, id: FrameworkId, state: FrameworkState, why: Option<String>) {
        self.rescind_of_framework(id);
        let status = self.framework_status(id, Some(state));
        if let Some(why) = why {
            self.say_to_framework(id, MasterToFramework::Stop { why });
        }
        let Some(framework) = self.frameworks.remove(&id) else { return };
        self.write(Change::Framework(id, None));
        if let Some(link) = framework.link {
            self.close(link);
        }
        self.allocator.remove_framework(id);
        for key in framework.executors {
            let Some(executor) = self.executors.get_mut(&key) else { continue };
            executor.is_disowned = true;
            let agent = executor.agent;
            if executor.state.has_ended() {
                self.say_to_agent(agent, MasterToAgent::Acknowledge(key));
                self.remove_executor(key);
            } else {
                executor.state = ExecutorState::Ending;
            }
        }
        self.end_files(id);
        if let Some(status) = status {
            self.ended.push_front(status);
        }
        self.ended.truncate(self.rules.ended_max);
    }

    /// Has all agents delete what they have of a framework that has ended.
    pub(super) fn end_files(&mut self, id: FrameworkId) {
        let with_files = self.agents.iter().filter(|(_, agent)| agent.frameworks.contains(&id));
        for agent in with_files.map(|(agent, _)| *agent).collect::<Vec<_>>() {
            self.say_to_agent(agent, MasterToAgent::End(id));
        }
    }

    /// Tells who waits for what no agent has.
    pub(super) fn look_for_hopeless_demands(&mut self) {
        let expected = self.expected.iter().filter_map(|id| self.agents.get(id));
        let expected: Vec<_> = expected.map(|agent| &agent.record.facts.resources).collect();
        for (id, framework) in &mut self.frameworks {
            if !framework.is_starving() {
                framework.wanting_since = None;
                continue;
            }
            let since = *framework.wanting_since.get_or_insert(self.now);
            let is_told = framework.hinted.is_some_and(|hinted| self.now.since(hinted) < HINT_EVERY);
            let (Some(demand), Some(link)) = (&framework.demand, framework.link) else { continue };
            let is_early = self.now.since(since) < HINT_AFTER;
            let role = &framework.record.facts.role;
            let one = Demand { count: Some(1), ..demand.clone() };
            let may_come = expected.iter().any(|total| one.part_of(total).is_some());
            if is_early || may_come || is_told || self.allocator.is_satisfiable(role, demand) {
                continue;
            }
            framework.hinted = Some(self.now);
            let (shape, largest) = (demand.shape.clone(), self.allocator.largest(role));
            let why = match &largest {
                None => "there is no agent: start one with rsk agent --master HOST:PORT".to_owned(),
                Some(largest) => format!(
                    "{id} wants {shape} of one agent, and the largest agent has {largest} for role {role}: ask for less, or add an agent"
                ),
            };
            let hint = MasterToFramework::Unsatisfiable { shape, largest, why };
            self.commands.push(Command::ToFramework(link, hint));
        }
    }
}

fn ended(all: &std::collections::VecDeque<rsk_proto::status::FrameworkStatus>, id: FrameworkId) -> Refusal {
    match all.iter().find(|ended| ended.id == id).map(|ended| &ended.state) {
        Some(FrameworkState::Failed { why }) => Refusal::Unknown(format!("{id} has ended: {why}")),
        Some(_) => Refusal::Unknown(format!("{id} has ended")),
        None => Refusal::Unknown(format!("{id} has ended, or is of another cluster")),
    }
}
