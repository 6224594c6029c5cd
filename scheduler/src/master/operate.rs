//! What people ask for.

use super::{
    core::MasterCore,
    record::{Change, Drain},
    table::Standing,
};
use crate::allocator::{Allocator, quota};
use rsk_proto::{
    AgentId, OperatorReply, OperatorRequest, Refusal, Resources, RoleName, status::FrameworkState,
};
use std::time::Duration;

impl MasterCore {
    pub(super) fn asked(&mut self, request: OperatorRequest) -> OperatorReply {
        match request {
            OperatorRequest::Kill(id) => {
                if !self.frameworks.contains_key(&id) {
                    return OperatorReply::Refused(Refusal::Unknown(format!(
                        "there is no {id}, or it has ended"
                    )));
                }
                let why = "killed by an operator".to_owned();
                self.tear_down(id, FrameworkState::Failed { why: why.clone() }, Some(why));
                OperatorReply::Done
            }
            OperatorRequest::Drain { agent, grace } => self.drain(agent, grace),
            OperatorRequest::Reactivate(id) => self.with_agent(id, |core| {
                if let Some(agent) = core.agents.get_mut(&id) {
                    (agent.record.drain, agent.drained_by) = (None, None);
                    core.allocator.set_offered(id, agent.link.is_some());
                }
                core.write_agent(id);
                OperatorReply::Done
            }),
            OperatorRequest::Remove(id) => self.with_agent(id, |core| {
                core.agent_lost(id);
                core.forget_agent(id);
                OperatorReply::Done
            }),
            OperatorRequest::SetQuota { role, limit, force } => self.set_quota(role, limit, force),
            OperatorRequest::SetWeight { weight_milli: 0, .. } => {
                OperatorReply::Refused(Refusal::Invalid("a weight is at least 0.001".to_owned()))
            }
            OperatorRequest::SetWeight { role, weight_milli } => {
                self.roles.entry(role.clone()).or_default().weight_milli = weight_milli;
                self.allocator.set_weight(&role, weight_milli);
                self.write_role(role)
            }
            OperatorRequest::Reserve { agent, role, resources } => {
                self.with_agent(agent, |core| core.reserve(agent, role, resources))
            }
            OperatorRequest::Submit(spec) => self.submit(*spec),
            OperatorRequest::KillDriver(driver) => self.kill_driver(driver),
        }
    }

    fn with_agent(&mut self, id: AgentId, act: impl FnOnce(&mut Self) -> OperatorReply) -> OperatorReply {
        if self.agents.contains_key(&id) {
            return act(self);
        }
        OperatorReply::Refused(Refusal::Unknown(format!("there is no {id}")))
    }

    fn drain(&mut self, id: AgentId, grace: Option<Duration>) -> OperatorReply {
        self.with_agent(id, |core| {
            if let Some(agent) = core.agents.get_mut(&id) {
                agent.record.drain = Some(Drain { grace });
                agent.drained_by = grace.map(|grace| core.now + grace);
            }
            core.allocator.set_offered(id, false);
            core.write_agent(id);
            core.rescind_of_agent(id);
            core.look_for_drained_agents();
            OperatorReply::Done
        })
    }

    fn set_quota(&mut self, role: RoleName, limit: Option<Resources>, force: bool) -> OperatorReply {
        let held = self.allocator.held_by(&role);
        if let Some(limit) = limit.as_ref().filter(|limit| !force && !quota::is_within(limit, &held)) {
            let why = format!(
                "role {role} has {held}, which is more than {limit}: say --force to set it all the same"
            );
            return OperatorReply::Refused(Refusal::Invalid(why));
        }
        self.roles.entry(role.clone()).or_default().limit.clone_from(&limit);
        self.allocator.set_quota(&role, limit);
        self.write_role(role)
    }

    fn reserve(&mut self, id: AgentId, role: RoleName, resources: Resources) -> OperatorReply {
        let Some(agent) = self.agents.get_mut(&id).filter(|agent| agent.standing == Standing::There) else {
            return OperatorReply::Refused(Refusal::NotReady(format!("{id} is not there")));
        };
        let own = agent.record.facts.reserved.get(&role).cloned().unwrap_or_default();
        let Some(more) = resources.checked_sub(&own) else {
            let why = format!(
                "{id} itself keeps {own} for {role}, which only its own --resources change: reserve that and more, or \
                 start it with others"
            );
            return OperatorReply::Refused(Refusal::Invalid(why));
        };
        if let Err(error) = self.allocator.reserve(id, &role, resources) {
            return OperatorReply::Refused(Refusal::Invalid(error.to_string()));
        }
        if more.is_empty() {
            agent.record.reserved.remove(&role);
        } else {
            agent.record.reserved.insert(role, more);
        }
        self.write_agent(id);
        OperatorReply::Done
    }

    fn write_role(&mut self, role: RoleName) -> OperatorReply {
        let record = self.roles.get(&role).cloned().unwrap_or_default();
        self.write(Change::Role(role, record));
        OperatorReply::Done
    }

    fn write_agent(&mut self, id: AgentId) {
        let record = self.agents.get(&id).map(|agent| agent.record.clone());
        self.write(Change::Agent(id, record));
    }
}
