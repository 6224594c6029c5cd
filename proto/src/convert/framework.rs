//! What a driver and the master say to each other.

use super::{Wire, WireError, all, all_into, hash, maybe, ms, need, parse, pb};
use crate::{
    AgentId, DriverId, ExecutorId, FrameworkEpoch, FrameworkFacts, FrameworkId, FrameworkToMaster,
    MasterToFramework,
};
use std::time::Duration;

const NOTHING: pb::Nothing = pb::Nothing {};

impl Wire for FrameworkFacts {
    type Pb = pb::FrameworkFacts;

    fn into_pb(self) -> pb::FrameworkFacts {
        pb::FrameworkFacts {
            name: self.name,
            user: self.user,
            host: self.host,
            role: self.role.into(),
            address: self.address,
            web: self.web,
            failover_timeout_ms: ms(self.failover_timeout),
            driver: self.driver.map(DriverId::to_u64),
            blobs: self.blobs.iter().map(|blob| blob.0.to_vec()).collect(),
        }
    }

    fn from_pb(pb: pb::FrameworkFacts) -> Result<Self, WireError> {
        Ok(FrameworkFacts {
            name: pb.name,
            user: pb.user,
            host: pb.host,
            role: parse(&pb.role, "role")?,
            address: pb.address,
            web: pb.web,
            failover_timeout: Duration::from_millis(pb.failover_timeout_ms),
            driver: pb.driver.map(DriverId::from_u64),
            blobs: pb.blobs.iter().map(|blob| hash(blob)).collect::<Result<_, _>>()?,
        })
    }
}

impl Wire for FrameworkToMaster {
    type Pb = pb::FrameworkToMaster;

    fn into_pb(self) -> pb::FrameworkToMaster {
        use pb::framework_to_master::{Accept, Decline, KillOne, Known, Message, Subscribe, Teardown, Want};
        let message = match self {
            FrameworkToMaster::Subscribe { hello, known, facts, demand, executors } => {
                let known = known.map(|(id, epoch)| Known { framework: id.to_u64(), epoch: epoch.0 });
                Message::Subscribe(Subscribe {
                    hello: Some(hello.into_pb()),
                    known,
                    facts: Some(facts.into_pb()),
                    demand: demand.map(Wire::into_pb),
                    executors: all_into(executors),
                })
            }
            FrameworkToMaster::Heartbeat => Message::Heartbeat(NOTHING),
            FrameworkToMaster::Accept { offers, executors, rest } => Message::Accept(Accept {
                offers: all_into(offers),
                executors: all_into(executors),
                rest: Some(rest.into_pb()),
            }),
            FrameworkToMaster::Decline { offers, refuse } => {
                Message::Decline(Decline { offers: all_into(offers), refuse: Some(refuse.into_pb()) })
            }
            FrameworkToMaster::Want(demand) => Message::Want(Want { demand: demand.map(Wire::into_pb) }),
            FrameworkToMaster::Revive => Message::Revive(NOTHING),
            FrameworkToMaster::Kill { executor, grace } => {
                Message::Kill(KillOne { executor: executor.0, grace_ms: ms(grace) })
            }
            FrameworkToMaster::Acknowledge(executor) => Message::Acknowledge(executor.0),
            FrameworkToMaster::Teardown { has_succeeded, summary } => {
                Message::Teardown(Teardown { has_succeeded, summary })
            }
        };
        pb::FrameworkToMaster { message: Some(message) }
    }

    fn from_pb(pb: pb::FrameworkToMaster) -> Result<Self, WireError> {
        use pb::framework_to_master::Message;
        Ok(match pb.message.ok_or(WireError::Unknown("a message of a driver"))? {
            Message::Subscribe(subscribe) => {
                let known = subscribe.known;
                FrameworkToMaster::Subscribe {
                    hello: need(subscribe.hello, "a version")?,
                    known: known.map(|it| (FrameworkId::from_u64(it.framework), FrameworkEpoch(it.epoch))),
                    facts: Box::new(need(subscribe.facts, "facts of the driver")?),
                    demand: maybe(subscribe.demand)?,
                    executors: all(subscribe.executors)?,
                }
            }
            Message::Heartbeat(_) => FrameworkToMaster::Heartbeat,
            Message::Accept(accept) => FrameworkToMaster::Accept {
                offers: all(accept.offers)?,
                executors: all(accept.executors)?,
                rest: need(accept.rest, "what becomes of the rest of an offer")?,
            },
            Message::Decline(decline) => FrameworkToMaster::Decline {
                offers: all(decline.offers)?,
                refuse: need(decline.refuse, "a reason for refusing")?,
            },
            Message::Want(want) => FrameworkToMaster::Want(maybe(want.demand)?),
            Message::Revive(_) => FrameworkToMaster::Revive,
            Message::Kill(kill) => FrameworkToMaster::Kill {
                executor: ExecutorId(kill.executor),
                grace: Duration::from_millis(kill.grace_ms),
            },
            Message::Acknowledge(executor) => FrameworkToMaster::Acknowledge(ExecutorId(executor)),
            Message::Teardown(teardown) => {
                let (has_succeeded, summary) = (teardown.has_succeeded, teardown.summary);
                FrameworkToMaster::Teardown { has_succeeded, summary }
            }
        })
    }
}

impl Wire for MasterToFramework {
    type Pb = pb::MasterToFramework;

    fn into_pb(self) -> pb::MasterToFramework {
        use pb::master_to_framework::{Ended, Message, Offers, Rescinded, Runs, Subscribed, Unsatisfiable};
        let message = match self {
            MasterToFramework::Subscribed { hello, id, epoch, heartbeat_every, lost_after } => {
                Message::Subscribed(Subscribed {
                    hello: Some(hello.into_pb()),
                    id: id.to_u64(),
                    epoch: epoch.0,
                    heartbeat_every_ms: ms(heartbeat_every),
                    lost_after_ms: ms(lost_after),
                })
            }
            MasterToFramework::Refused(refusal) => Message::Refused(refusal.into_pb()),
            MasterToFramework::Heartbeat => Message::Heartbeat(NOTHING),
            MasterToFramework::Offers(offers) => Message::Offers(Offers { offers: all_into(offers) }),
            MasterToFramework::Rescinded(offers) => {
                Message::Rescinded(Rescinded { offers: all_into(offers) })
            }
            MasterToFramework::ExecutorRuns { executor, agent } => {
                Message::ExecutorRuns(Runs { executor: executor.0, agent: agent.to_u64() })
            }
            MasterToFramework::ExecutorEnded { executor, agent, end } => Message::ExecutorEnded(Ended {
                executor: executor.0,
                agent: agent.to_u64(),
                end: Some(end.into_pb()),
            }),
            MasterToFramework::AgentLost(agent) => Message::AgentLost(agent.to_u64()),
            MasterToFramework::Unsatisfiable { shape, largest, why } => {
                let (shape, largest) = (Some(shape.into_pb()), largest.map(Wire::into_pb));
                Message::Unsatisfiable(Unsatisfiable { shape, largest, why })
            }
            MasterToFramework::Stop { why } => Message::Stop(why),
        };
        pb::MasterToFramework { message: Some(message) }
    }

    fn from_pb(pb: pb::MasterToFramework) -> Result<Self, WireError> {
        use pb::master_to_framework::Message;
        Ok(match pb.message.ok_or(WireError::Unknown("a message of a master"))? {
            Message::Subscribed(subscribed) => MasterToFramework::Subscribed {
                hello: need(subscribed.hello, "a version")?,
                id: FrameworkId::from_u64(subscribed.id),
                epoch: FrameworkEpoch(subscribed.epoch),
                heartbeat_every: Duration::from_millis(subscribed.heartbeat_every_ms),
                lost_after: Duration::from_millis(subscribed.lost_after_ms),
            },
            Message::Refused(refusal) => MasterToFramework::Refused(Wire::from_pb(refusal)?),
            Message::Heartbeat(_) => MasterToFramework::Heartbeat,
            Message::Offers(offers) => MasterToFramework::Offers(all(offers.offers)?),
            Message::Rescinded(rescinded) => MasterToFramework::Rescinded(all(rescinded.offers)?),
            Message::ExecutorRuns(runs) => MasterToFramework::ExecutorRuns {
                executor: ExecutorId(runs.executor),
                agent: AgentId::from_u64(runs.agent),
            },
            Message::ExecutorEnded(ended) => MasterToFramework::ExecutorEnded {
                executor: ExecutorId(ended.executor),
                agent: AgentId::from_u64(ended.agent),
                end: need(ended.end, "an executor's end")?,
            },
            Message::AgentLost(agent) => MasterToFramework::AgentLost(AgentId::from_u64(agent)),
            Message::Unsatisfiable(it) => MasterToFramework::Unsatisfiable {
                shape: need(it.shape, "what is wanted")?,
                largest: maybe(it.largest)?,
                why: it.why,
            },
            Message::Stop(why) => MasterToFramework::Stop { why },
        })
    }
}
