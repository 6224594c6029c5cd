//! The cluster: a master that shares agents out among frameworks, and the agents that start executors.
//!
//! It knows resources, processes and opaque bytes, and nothing of RDDs: it never links the driver or the executor, which
//! it meets in `rsk-proto` only. The `rsk` binary calls it; it calls nobody of ours.
//!
//! ```
//! use rsk_scheduler::allocator::{Allocator, DrfAllocator};
//! use rsk_proto::{AgentId, Demand, FrameworkId, RoleName, Time};
//!
//! let (agent, app) = (AgentId { registry: 1, number: 1 }, FrameworkId { registry: 1, number: 1 });
//! let mut allocator = DrfAllocator::default();
//! allocator.set_agent(agent, "cpus:8;mem:8192".parse()?);
//! allocator.add_framework(app, RoleName::default());
//! let demand = Demand { shape: "cpus:1;mem:1024".parse()?, ports: 0, count: Some(2) };
//! allocator.set_demand(app, Some(demand));
//! let grants = allocator.allocate(Time::default());
//! assert_eq!(grants[0].resources.to_string(), "cpus:2;mem:2048");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

pub mod allocator;
pub mod master;
pub mod agent;
