//! The master's state as people see it.

use super::{
    core::MasterCore,
    table::{Agent, Standing},
};
use crate::allocator::Allocator;
use rsk_proto::{
    CLUSTER_VERSION, ExecutorState, FrameworkId, Resources, RoleName,
    status::{
        AgentState, AgentStatus, ClusterStatus, DriverStatus, ExecutorStatus, FrameworkState,
        FrameworkStatus, MasterStatus, OfferStatus, ReservedStatus, RoleStatus, UseStatus, WaitingStatus,
    },
};
use std::collections::BTreeSet;

fn sum<'a>(all: impl Iterator<Item = &'a Resources>) -> Resources {
    all.fold(Resources::default(), |sum, one| sum.checked_add(one).unwrap_or(sum))
}

/// A sum over agents, without ports: those of two agents are not the same.
fn countable<'a>(all: impl Iterator<Item = &'a Resources>) -> Resources {
    let without_ports = |one: &Resources| Resources { ports: rsk_proto::Ports::default(), ..one.clone() };
    all.map(without_ports).fold(Resources::default(), |sum, one| sum.checked_add(&one).unwrap_or(sum))
}

impl MasterCore {
    /// All of it. Cost: grows with all that there is, so it is asked for now and then and not after each event.
    pub fn status(&self, address: &str) -> ClusterStatus {
        ClusterStatus {
            master: MasterStatus {
                address: address.to_owned(),
                build: env!("CARGO_PKG_VERSION").to_owned(),
                version: CLUSTER_VERSION,
                term: self.term,
                started_at: self.started_at,
                now: self.unix(),
                agents_expected: u32::try_from(self.expected.len()).unwrap_or(u32::MAX),
            },
            agents: self.agents.iter().map(|(id, agent)| self.agent_status(*id, agent)).collect(),
            frameworks: self.frameworks.keys().filter_map(|id| self.framework_status(*id, None)).collect(),
            ended: self.ended.iter().cloned().collect(),
            roles: self.role_statuses(),
            offers: self.offer_statuses(),
            executors: self.executor_statuses(),
            drivers: self.driver_statuses(),
        }
    }

    fn agent_status(&self, id: rsk_proto::AgentId, agent: &Agent) -> AgentStatus {
        let facts = &agent.record.facts;
        let executors = agent.executors.iter().filter_map(|key| self.executors.get(key));
        let running = executors.filter(|executor| !executor.state.has_ended());
        let offers = agent.offers.iter().filter_map(|id| self.offers.get(id));
        let state = match agent.standing {
            Standing::Lost => AgentState::Lost,
            Standing::Expected => AgentState::Expected,
            Standing::There if agent.link.is_none() => AgentState::Expected,
            Standing::There if agent.record.drain.is_none() => AgentState::Active,
            Standing::There if agent.executors.is_empty() => AgentState::Drained,
            Standing::There => AgentState::Draining,
        };
        let kept = |role: &RoleName| ReservedStatus {
            role: role.clone(),
            resources: agent.record.kept_for(role),
            by_agent: facts.reserved.get(role).cloned().unwrap_or_default(),
        };
        AgentStatus {
            id,
            host: facts.host.clone(),
            address: facts.address.clone(),
            attributes: facts.attributes.clone(),
            platform: facts.platform.clone(),
            state,
            resources: UseStatus {
                total: facts.resources.clone(),
                used: sum(running.map(|executor| &executor.resources)),
                offered: sum(offers.map(|offer| &offer.resources)),
            },
            reserved: agent.record.roles_kept_for().into_iter().map(kept).collect(),
            registered_at: agent.registered_at,
        }
    }

    /// A framework, in this state if it has just ended.
    pub(super) fn framework_status(
        &self,
        id: FrameworkId,
        end: Option<FrameworkState>,
    ) -> Option<FrameworkStatus> {
        let framework = self.frameworks.get(&id)?;
        let facts = &framework.record.facts;
        let ended_at = end.as_ref().map(|_| self.unix());
        let state = end.unwrap_or(match (framework.link, framework.ends) {
            (None, ends) => FrameworkState::Disconnected { ends_at: self.unix_at(ends.unwrap_or_default()) },
            (Some(_), _) if framework.demand.is_none() => FrameworkState::Idle,
            (Some(_), _) => FrameworkState::Active,
        });
        let executors = framework.executors.iter().filter_map(|key| self.executors.get(key));
        let running = executors.filter(|executor| !executor.state.has_ended());
        let offers = framework.offers.iter().filter_map(|id| self.offers.get(id));
        let is_waiting = ended_at.is_none() && framework.demand.is_some() && framework.offers.is_empty();
        let reasons = if is_waiting { self.allocator.reasons(id, self.now) } else { Vec::new() };
        Some(FrameworkStatus {
            id,
            name: facts.name.clone(),
            user: facts.user.clone(),
            host: facts.host.clone(),
            role: facts.role.clone(),
            address: facts.address.clone(),
            web: facts.web.clone(),
            epoch: framework.record.epoch,
            state,
            used: countable(running.map(|executor| &executor.resources)),
            offered: countable(offers.map(|offer| &offer.resources)),
            started_at: framework.record.started_at,
            ended_at,
            waiting: WaitingStatus {
                demand: framework.demand.clone(),
                reasons,
                offers: framework.past.iter().cloned().collect(),
            },
        })
    }

    fn role_statuses(&self) -> Vec<RoleStatus> {
        let mut names: BTreeSet<&RoleName> = self.roles.keys().collect();
        names.extend(self.frameworks.values().map(|framework| &framework.record.facts.role));
        names.extend(self.agents.values().flat_map(|agent| agent.record.roles_kept_for()));
        let status = |name: &RoleName| {
            let record = self.roles.get(name).cloned().unwrap_or_default();
            let of_role = |id: &FrameworkId| {
                self.frameworks.get(id).is_some_and(|framework| framework.record.facts.role == *name)
            };
            let offers = self.offers.values().filter(|offer| of_role(&offer.framework));
            let offered = countable(offers.map(|offer| &offer.resources));
            let kept: Vec<_> = self.agents.values().map(|agent| agent.record.kept_for(name)).collect();
            RoleStatus {
                name: name.clone(),
                weight_milli: record.weight_milli,
                quota: record.limit,
                used: self.allocator.held_by(name).saturating_sub(&offered),
                offered,
                reserved: countable(kept.iter()),
                share_milli: self.allocator.share_milli(name),
                frameworks: u32::try_from(self.frameworks.keys().filter(|id| of_role(id)).count())
                    .unwrap_or(u32::MAX),
            }
        };
        names.into_iter().map(status).collect()
    }

    fn offer_statuses(&self) -> Vec<OfferStatus> {
        let offers = self.offers.iter().map(|(id, offer)| OfferStatus {
            id: *id,
            framework: offer.framework,
            agent: offer.agent,
            resources: offer.resources.clone(),
            made_at: self.unix_at(offer.made),
        });
        offers.collect()
    }

    fn executor_statuses(&self) -> Vec<ExecutorStatus> {
        let status = |(key, executor): (&rsk_proto::ExecutorKey, &super::table::Executor)| {
            let state = match executor.state {
                ExecutorState::Starting => "starting",
                ExecutorState::Running => "running",
                ExecutorState::Ending => "ending",
                ExecutorState::Ended(_) => return None,
            };
            Some(ExecutorStatus {
                key: *key,
                agent: executor.agent,
                resources: executor.resources.clone(),
                slots: executor.slots,
                state: state.to_owned(),
                started_at: executor.started_at,
            })
        };
        self.executors.iter().filter_map(status).collect()
    }

    fn driver_statuses(&self) -> Vec<DriverStatus> {
        let status = |(id, driver): (&rsk_proto::DriverId, &super::table::Driver)| DriverStatus {
            id: *id,
            name: driver.record.spec.name.clone(),
            user: driver.record.spec.user.clone(),
            state: driver.record.state.clone(),
            starts: driver.record.starts,
            framework: driver.subscribed,
            executor: driver.executor(),
            agent: driver.record.agent,
            submitted_at: driver.record.submitted_at,
        };
        self.drivers.all.iter().map(status).collect()
    }
}
