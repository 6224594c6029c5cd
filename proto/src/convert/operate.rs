//! What people ask for, and blobs.

use super::{Wire, WireError, hash, hashes, hashes_into, maybe, ms, need, parse, pb};
use crate::{
    AgentId, BlobChunk, BlobRequest, BlobStatus, DriverId, DriverSpec, FrameworkId, Hello, OperatorReply,
    OperatorRequest,
};
use std::time::Duration;

impl Wire for DriverSpec {
    type Pb = pb::DriverSpec;

    fn into_pb(self) -> pb::DriverSpec {
        pb::DriverSpec {
            name: self.name,
            user: self.user,
            role: self.role.into(),
            resources: Some(self.resources.into_pb()),
            program: self.program.0.to_vec(),
            files: hashes_into(self.files),
            arguments: self.arguments,
            environment: self.environment,
            supervise: self.supervise,
        }
    }

    fn from_pb(pb: pb::DriverSpec) -> Result<Self, WireError> {
        Ok(DriverSpec {
            name: pb.name,
            user: pb.user,
            role: parse(&pb.role, "role")?,
            resources: need(pb.resources, "a driver's resources")?,
            program: hash(&pb.program)?,
            files: hashes(pb.files)?,
            arguments: pb.arguments,
            environment: pb.environment,
            supervise: pb.supervise,
        })
    }
}

/// A request travels with who asks.
impl Wire for (Hello, OperatorRequest) {
    type Pb = pb::OperatorRequest;

    fn into_pb(self) -> pb::OperatorRequest {
        use pb::operator_request::{Drain, Request, Reserve, SetQuota, SetWeight};
        let request = match self.1 {
            OperatorRequest::Kill(framework) => Request::Kill(framework.to_u64()),
            OperatorRequest::Drain { agent, grace } => {
                Request::Drain(Drain { agent: agent.to_u64(), grace_ms: grace.map(ms) })
            }
            OperatorRequest::Reactivate(agent) => Request::Reactivate(agent.to_u64()),
            OperatorRequest::Remove(agent) => Request::Remove(agent.to_u64()),
            OperatorRequest::SetQuota { role, limit, force } => {
                Request::SetQuota(SetQuota { role: role.into(), limit: limit.map(Wire::into_pb), force })
            }
            OperatorRequest::SetWeight { role, weight_milli } => {
                Request::SetWeight(SetWeight { role: role.into(), weight_milli })
            }
            OperatorRequest::Reserve { agent, role, resources } => Request::Reserve(Reserve {
                agent: agent.to_u64(),
                role: role.into(),
                resources: Some(resources.into_pb()),
            }),
            OperatorRequest::Submit(driver) => Request::Submit(driver.into_pb()),
            OperatorRequest::KillDriver(driver) => Request::KillDriver(driver.to_u64()),
        };
        pb::OperatorRequest { request: Some(request), hello: Some(self.0.into_pb()) }
    }

    fn from_pb(pb: pb::OperatorRequest) -> Result<Self, WireError> {
        use pb::operator_request::Request;
        let hello: Hello = need(pb.hello, "a version")?;
        let request = match pb.request.ok_or(WireError::Unknown("a request"))? {
            Request::Kill(framework) => OperatorRequest::Kill(FrameworkId::from_u64(framework)),
            Request::Drain(drain) => OperatorRequest::Drain {
                agent: AgentId::from_u64(drain.agent),
                grace: drain.grace_ms.map(Duration::from_millis),
            },
            Request::Reactivate(agent) => OperatorRequest::Reactivate(AgentId::from_u64(agent)),
            Request::Remove(agent) => OperatorRequest::Remove(AgentId::from_u64(agent)),
            Request::SetQuota(quota) => OperatorRequest::SetQuota {
                role: parse(&quota.role, "role")?,
                limit: maybe(quota.limit)?,
                force: quota.force,
            },
            Request::SetWeight(weight) => OperatorRequest::SetWeight {
                role: parse(&weight.role, "role")?,
                weight_milli: weight.weight_milli,
            },
            Request::Reserve(reserve) => OperatorRequest::Reserve {
                agent: AgentId::from_u64(reserve.agent),
                role: parse(&reserve.role, "role")?,
                resources: need(reserve.resources, "what to reserve")?,
            },
            Request::Submit(driver) => OperatorRequest::Submit(Box::new(Wire::from_pb(driver)?)),
            Request::KillDriver(driver) => OperatorRequest::KillDriver(DriverId::from_u64(driver)),
        };
        Ok((hello, request))
    }
}

impl Wire for OperatorReply {
    type Pb = pb::OperatorReply;

    fn into_pb(self) -> pb::OperatorReply {
        use pb::operator_reply::Reply;
        let reply = match self {
            OperatorReply::Done => Reply::Done(pb::Nothing {}),
            OperatorReply::Submitted(driver) => Reply::Submitted(driver.to_u64()),
            OperatorReply::Refused(refusal) => Reply::Refused(refusal.into_pb()),
        };
        pb::OperatorReply { reply: Some(reply) }
    }

    fn from_pb(pb: pb::OperatorReply) -> Result<Self, WireError> {
        use pb::operator_reply::Reply;
        Ok(match pb.reply.ok_or(WireError::Unknown("an answer"))? {
            Reply::Done(_) => OperatorReply::Done,
            Reply::Submitted(driver) => OperatorReply::Submitted(DriverId::from_u64(driver)),
            Reply::Refused(refusal) => OperatorReply::Refused(Wire::from_pb(refusal)?),
        })
    }
}

impl Wire for BlobRequest {
    type Pb = pb::BlobRequest;

    fn into_pb(self) -> pb::BlobRequest {
        pb::BlobRequest { hash: self.hash.0.to_vec(), offset: self.offset }
    }

    fn from_pb(pb: pb::BlobRequest) -> Result<Self, WireError> {
        Ok(BlobRequest { hash: hash(&pb.hash)?, offset: pb.offset })
    }
}

impl Wire for BlobChunk {
    type Pb = pb::BlobChunk;

    fn into_pb(self) -> pb::BlobChunk {
        let (length, offset, bytes) = (self.length, self.offset, self.bytes);
        pb::BlobChunk { hash: self.hash.0.to_vec(), length, offset, bytes }
    }

    fn from_pb(pb: pb::BlobChunk) -> Result<Self, WireError> {
        let (length, offset, bytes) = (pb.length, pb.offset, pb.bytes);
        Ok(BlobChunk { hash: hash(&pb.hash)?, length, offset, bytes })
    }
}

impl Wire for BlobStatus {
    type Pb = pb::BlobStatus;

    fn into_pb(self) -> pb::BlobStatus {
        let (has, is_complete) = (self.has, self.is_complete);
        pb::BlobStatus { hash: self.hash.0.to_vec(), has, is_complete }
    }

    fn from_pb(pb: pb::BlobStatus) -> Result<Self, WireError> {
        Ok(BlobStatus { hash: hash(&pb.hash)?, has: pb.has, is_complete: pb.is_complete })
    }
}
