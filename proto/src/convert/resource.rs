//! Resources, offers, greetings and causes.

use super::{Wire, WireError, ms, need, pb};
use crate::{AgentId, Attributes, Cause, Demand, Hello, Offer, OfferId, Ports, Refusal, Refuse, Resources};
use std::time::Duration;

impl Wire for Resources {
    type Pb = pb::Resources;

    fn into_pb(self) -> pb::Resources {
        let range = |(first, last): (u16, u16)| pb::PortRange { first: first.into(), last: last.into() };
        pb::Resources {
            cpus_milli: self.cpus_milli,
            memory_bytes: self.memory_bytes,
            disk_bytes: self.disk_bytes,
            ports: Vec::from(self.ports).into_iter().map(range).collect(),
            named_milli: self.named_milli,
        }
    }

    fn from_pb(pb: pb::Resources) -> Result<Self, WireError> {
        let mut ports = Ports::default();
        for range in pb.ports {
            let wrong = || WireError::Invalid {
                what: "range of ports",
                why: format!("{}-{}", range.first, range.last),
            };
            let end = |port| u16::try_from(port).map_err(|_| wrong());
            let (first, last) = (end(range.first)?, end(range.last)?);
            let more = (first <= last).then(|| Ports::range(first, last)).ok_or_else(wrong)?;
            ports = ports.checked_add(&more).ok_or_else(wrong)?;
        }
        let mut named_milli = pb.named_milli;
        named_milli.retain(|_, amount| *amount > 0);
        let (cpus_milli, memory_bytes, disk_bytes) = (pb.cpus_milli, pb.memory_bytes, pb.disk_bytes);
        Ok(Resources { cpus_milli, memory_bytes, disk_bytes, ports, named_milli })
    }
}

impl Wire for OfferId {
    type Pb = pb::OfferId;

    fn into_pb(self) -> pb::OfferId {
        pb::OfferId { term: self.term, number: self.number }
    }

    fn from_pb(pb: pb::OfferId) -> Result<Self, WireError> {
        Ok(OfferId { term: pb.term, number: pb.number })
    }
}

impl Wire for Offer {
    type Pb = pb::Offer;

    fn into_pb(self) -> pb::Offer {
        pb::Offer {
            id: Some(self.id.into_pb()),
            agent: self.agent.to_u64(),
            host: self.host,
            address: self.address,
            attributes: self.attributes.0,
            resources: Some(self.resources.into_pb()),
            stands_for_ms: ms(self.stands_for),
        }
    }

    fn from_pb(pb: pb::Offer) -> Result<Self, WireError> {
        Ok(Offer {
            id: need(pb.id, "an offer's id")?,
            agent: AgentId::from_u64(pb.agent),
            host: pb.host,
            address: pb.address,
            attributes: Attributes(pb.attributes),
            resources: need(pb.resources, "an offer's resources")?,
            stands_for: Duration::from_millis(pb.stands_for_ms),
        })
    }
}

impl Wire for Demand {
    type Pb = pb::Demand;

    fn into_pb(self) -> pb::Demand {
        pb::Demand { shape: Some(self.shape.into_pb()), ports: self.ports, count: self.count }
    }

    fn from_pb(pb: pb::Demand) -> Result<Self, WireError> {
        Ok(Demand { shape: need(pb.shape, "a demand's shape")?, ports: pb.ports, count: pb.count })
    }
}

impl Wire for Refuse {
    type Pb = pb::Refuse;

    fn into_pb(self) -> pb::Refuse {
        pb::Refuse { lasts_ms: ms(self.lasts), why: self.why }
    }

    fn from_pb(pb: pb::Refuse) -> Result<Self, WireError> {
        Ok(Refuse { lasts: Duration::from_millis(pb.lasts_ms), why: pb.why })
    }
}

impl Wire for Hello {
    type Pb = pb::Hello;

    fn into_pb(self) -> pb::Hello {
        pb::Hello { version: self.version, build: self.build }
    }

    fn from_pb(pb: pb::Hello) -> Result<Self, WireError> {
        Ok(Hello { version: pb.version, build: pb.build })
    }
}

impl Wire for Refusal {
    type Pb = pb::Refusal;

    fn into_pb(self) -> pb::Refusal {
        use pb::refusal::{Version, Why};
        let why = match self {
            Refusal::Version { ours, theirs } => {
                Why::Version(Version { ours: Some(ours.into_pb()), theirs: Some(theirs.into_pb()) })
            }
            Refusal::Replaced(why) => Why::Replaced(why),
            Refusal::Unknown(why) => Why::Unknown(why),
            Refusal::Invalid(why) => Why::Invalid(why),
            Refusal::NotReady(why) => Why::NotReady(why),
        };
        pb::Refusal { why: Some(why) }
    }

    fn from_pb(pb: pb::Refusal) -> Result<Self, WireError> {
        use pb::refusal::Why;
        Ok(match pb.why.ok_or(WireError::Unknown("a refusal"))? {
            Why::Version(version) => Refusal::Version {
                ours: need(version.ours, "the master's version")?,
                theirs: need(version.theirs, "the peer's version")?,
            },
            Why::Replaced(why) => Refusal::Replaced(why),
            Why::Unknown(why) => Refusal::Unknown(why),
            Why::Invalid(why) => Refusal::Invalid(why),
            Why::NotReady(why) => Refusal::NotReady(why),
        })
    }
}

impl Wire for Cause {
    type Pb = pb::Cause;

    fn into_pb(self) -> pb::Cause {
        pb::Cause { messages: self.chain().map(str::to_owned).collect() }
    }

    fn from_pb(pb: pb::Cause) -> Result<Self, WireError> {
        let mut messages = pb.messages.into_iter().rev();
        let root = Cause::new(messages.next().ok_or(WireError::Missing("a cause's message"))?);
        Ok(messages.fold(root, Cause::within))
    }
}
