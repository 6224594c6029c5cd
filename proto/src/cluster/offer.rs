//! What a framework may use, what it wants, and how it says no.

use super::{AgentId, Attributes, OfferId, Resources};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// Resources of one agent that one framework alone may use for a while.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(proptest_derive::Arbitrary))]
pub struct Offer {
    /// Its name.
    pub id: OfferId,
    /// Whose resources they are.
    pub agent: AgentId,
    /// The agent's host.
    pub host: String,
    /// Where the agent serves files, `host:port`.
    pub address: String,
    /// What the agent says of itself.
    pub attributes: Attributes,
    /// What may be used.
    pub resources: Resources,
    /// How long the offer stands.
    #[cfg_attr(test, proptest(strategy = "crate::cluster::sample::durations()"))]
    pub stands_for: Duration,
}

/// What a framework could use, so that it is offered nothing else.
///
/// ```
/// # use rsk_proto::Demand;
/// let three = Demand { shape: "cpus:2;mem:1g".parse()?, ports: 0, count: Some(3) };
/// assert_eq!(three.part_of(&"cpus:10;mem:20g".parse()?).unwrap().to_string(), "cpus:6;mem:3072");
/// assert_eq!(three.part_of(&"cpus:1;mem:20g".parse()?), None);
/// # Ok::<(), rsk_proto::ParseResourcesError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(test, derive(proptest_derive::Arbitrary))]
pub struct Demand {
    /// The least it can use of one agent. Its ports do not count: `ports` says how many.
    pub shape: Resources,
    /// How many ports go with a shape.
    pub ports: u32,
    /// How many shapes it can use beyond what it has ordered; `None`: all it can get. The master takes off what it offers
    /// and what is ordered from then on, until it is told anew.
    pub count: Option<u32>,
}

impl Demand {
    /// The most of these resources that the framework could use; nothing if not even one shape is in them.
    pub fn part_of(&self, free: &Resources) -> Option<Resources> {
        let mut shape = self.shape.clone();
        shape.ports = super::Ports::default();
        if self.count == Some(0) || !free.contains(&shape) || free.ports.count() < self.ports {
            return None;
        }
        let Some(count) = self.count else { return Some(free.clone()) };
        let mut part = free.common(&shape.times(count));
        part.ports = free.ports.take(free.ports.count().min(self.ports.saturating_mul(count)))?;
        Some(part)
    }

    /// How many shapes are in these resources, at most as many as are wanted.
    pub fn shapes_in(&self, resources: &Resources) -> u32 {
        let named = self.shape.named_milli.iter().map(|(name, amount)| (resources.named(name), *amount));
        let amounts = [
            (resources.cpus_milli, self.shape.cpus_milli),
            (resources.memory_bytes, self.shape.memory_bytes),
            (resources.disk_bytes, self.shape.disk_bytes),
            (u64::from(resources.ports.count()), u64::from(self.ports)),
        ];
        let fits = amounts.into_iter().chain(named).filter_map(|(has, needs)| has.checked_div(needs)).min();
        let fits = u32::try_from(fits.unwrap_or(u64::MAX)).unwrap_or(u32::MAX);
        fits.min(self.count.unwrap_or(u32::MAX))
    }
}

/// How long an agent's resources are not to be offered again, unless there are more of them, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(proptest_derive::Arbitrary))]
pub struct Refuse {
    /// How long; the default is two minutes.
    #[cfg_attr(test, proptest(strategy = "crate::cluster::sample::durations()"))]
    pub lasts: Duration,
    /// Why, for people who ask why a job waits.
    pub why: String,
}

impl Refuse {
    /// For two minutes.
    pub fn because(why: impl Into<String>) -> Self {
        Refuse { lasts: Duration::from_mins(2), why: why.into() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_demand_takes_whole_shapes_and_no_more_than_it_wants() {
        let free: Resources = "cpus:10;mem:1000;ports:[1-9]".parse().unwrap();
        let demand = |shape: &str, ports, count| Demand { shape: shape.parse().unwrap(), ports, count };
        for (demand, part, shapes) in [
            (demand("cpus:2;mem:100", 0, Some(3)), Some("cpus:6;mem:300"), 3),
            (demand("cpus:2;mem:100", 1, Some(3)), Some("cpus:6;mem:300;ports:[1-3]"), 3),
            (demand("cpus:2;mem:100", 0, Some(30)), Some("cpus:10;mem:1000"), 5),
            (demand("cpus:2;mem:400", 0, None), Some("cpus:10;mem:1000;ports:[1-9]"), 2),
            (demand("cpus:2;mem:100", 0, Some(0)), None, 0),
            (demand("cpus:11;mem:100", 0, None), None, 0),
            (demand("cpus:1;mem:100;gpus:1", 0, None), None, 0),
            (demand("cpus:1;mem:100", 10, None), None, 0),
        ] {
            let part = part.map(|part| part.parse::<Resources>().unwrap());
            assert_eq!(demand.part_of(&free), part, "{demand:?}");
            assert_eq!(demand.shapes_in(&free), shapes, "{demand:?}");
        }
    }
}
