//! What an agent and the master say to each other.

use super::{Wire, WireError, all, all_into, ms, need, parse, pb};
use crate::{
    AgentFacts, AgentId, AgentToMaster, Attributes, ExecutorSpec, FrameworkId, Incarnation, MasterToAgent,
};
use std::time::Duration;

const NOTHING: pb::Nothing = pb::Nothing {};

impl Wire for AgentFacts {
    type Pb = pb::AgentFacts;

    fn into_pb(self) -> pb::AgentFacts {
        pb::AgentFacts {
            host: self.host,
            address: self.address,
            resources: Some(self.resources.into_pb()),
            attributes: self.attributes.0,
            platform: self.platform,
            reserved: self.reserved.into_iter().map(|(role, part)| (role.into(), part.into_pb())).collect(),
        }
    }

    fn from_pb(pb: pb::AgentFacts) -> Result<Self, WireError> {
        Ok(AgentFacts {
            host: pb.host,
            address: pb.address,
            resources: need(pb.resources, "an agent's resources")?,
            attributes: Attributes(pb.attributes),
            platform: pb.platform,
            reserved: pb
                .reserved
                .into_iter()
                .map(|(role, part)| Ok((parse(&role, "role")?, Wire::from_pb(part)?)))
                .collect::<Result<_, WireError>>()?,
        })
    }
}

impl Wire for AgentToMaster {
    type Pb = pb::AgentToMaster;

    fn into_pb(self) -> pb::AgentToMaster {
        use pb::agent_to_master::{Ended, Message, Register};
        let message = match self {
            AgentToMaster::Register { hello, id, incarnation, facts, executors, frameworks } => {
                Message::Register(Register {
                    hello: Some(hello.into_pb()),
                    id: id.map(AgentId::to_u64),
                    incarnation: incarnation.0,
                    facts: Some(facts.into_pb()),
                    executors: all_into(executors),
                    frameworks: frameworks.into_iter().map(FrameworkId::to_u64).collect(),
                })
            }
            AgentToMaster::Heartbeat => Message::Heartbeat(NOTHING),
            AgentToMaster::ExecutorRuns(key) => Message::ExecutorRuns(key.into_pb()),
            AgentToMaster::ExecutorEnded { key, end } => {
                Message::ExecutorEnded(Ended { key: Some(key.into_pb()), end: Some(end.into_pb()) })
            }
            AgentToMaster::Cleaned(framework) => Message::Cleaned(framework.to_u64()),
            AgentToMaster::Leaving => Message::Leaving(NOTHING),
        };
        pb::AgentToMaster { message: Some(message) }
    }

    fn from_pb(pb: pb::AgentToMaster) -> Result<Self, WireError> {
        use pb::agent_to_master::Message;
        Ok(match pb.message.ok_or(WireError::Unknown("a message of an agent"))? {
            Message::Register(register) => AgentToMaster::Register {
                hello: need(register.hello, "a version")?,
                id: register.id.map(AgentId::from_u64),
                incarnation: Incarnation(register.incarnation),
                facts: Box::new(need(register.facts, "facts of the agent")?),
                executors: all(register.executors)?,
                frameworks: register.frameworks.into_iter().map(FrameworkId::from_u64).collect(),
            },
            Message::Heartbeat(_) => AgentToMaster::Heartbeat,
            Message::ExecutorRuns(key) => AgentToMaster::ExecutorRuns(Wire::from_pb(key)?),
            Message::ExecutorEnded(ended) => AgentToMaster::ExecutorEnded {
                key: need(ended.key, "an executor's id")?,
                end: need(ended.end, "an executor's end")?,
            },
            Message::Cleaned(framework) => AgentToMaster::Cleaned(FrameworkId::from_u64(framework)),
            Message::Leaving(_) => AgentToMaster::Leaving,
        })
    }
}

impl Wire for MasterToAgent {
    type Pb = pb::MasterToAgent;

    fn into_pb(self) -> pb::MasterToAgent {
        use pb::master_to_agent::{Message, Registered};
        let message = match self {
            MasterToAgent::Registered { hello, id, heartbeat_every, lost_after } => {
                Message::Registered(Registered {
                    hello: Some(hello.into_pb()),
                    id: id.to_u64(),
                    heartbeat_every_ms: ms(heartbeat_every),
                    lost_after_ms: ms(lost_after),
                })
            }
            MasterToAgent::Refused(refusal) => Message::Refused(refusal.into_pb()),
            MasterToAgent::Heartbeat => Message::Heartbeat(NOTHING),
            MasterToAgent::Launch(spec) => Message::Launch(spec.into_pb()),
            MasterToAgent::Kill { key, grace } => {
                Message::Kill(pb::Kill { key: Some(key.into_pb()), grace_ms: ms(grace) })
            }
            MasterToAgent::Acknowledge(key) => Message::Acknowledge(key.into_pb()),
            MasterToAgent::End(framework) => Message::End(framework.to_u64()),
        };
        pb::MasterToAgent { message: Some(message) }
    }

    fn from_pb(pb: pb::MasterToAgent) -> Result<Self, WireError> {
        use pb::master_to_agent::Message;
        Ok(match pb.message.ok_or(WireError::Unknown("a message of a master"))? {
            Message::Registered(registered) => MasterToAgent::Registered {
                hello: need(registered.hello, "a version")?,
                id: AgentId::from_u64(registered.id),
                heartbeat_every: Duration::from_millis(registered.heartbeat_every_ms),
                lost_after: Duration::from_millis(registered.lost_after_ms),
            },
            Message::Refused(refusal) => MasterToAgent::Refused(Wire::from_pb(refusal)?),
            Message::Heartbeat(_) => MasterToAgent::Heartbeat,
            Message::Launch(spec) => MasterToAgent::Launch(Box::new(ExecutorSpec::from_pb(spec)?)),
            Message::Kill(kill) => MasterToAgent::Kill {
                key: need(kill.key, "an executor's id")?,
                grace: Duration::from_millis(kill.grace_ms),
            },
            Message::Acknowledge(key) => MasterToAgent::Acknowledge(Wire::from_pb(key)?),
            Message::End(framework) => MasterToAgent::End(FrameworkId::from_u64(framework)),
        })
    }
}
