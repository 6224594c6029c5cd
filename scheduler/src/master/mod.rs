//! The master: knows who is there, offers what is free, and passes orders on.

mod event;
mod record;
mod table;
mod core;
mod agents;
mod frameworks;
mod offers;
mod executors;
mod drivers;
mod operate;
mod status;
mod shell;
pub mod registry;
mod blob;
mod web;
mod serve;
mod run;
#[cfg(test)]
mod tests;

pub use self::core::MasterCore;
pub use blob::KeepBlobs;
pub use event::{Command, Event, LinkId, RequestId, Rules};
pub use record::{
    AgentRecord, Change, Counters, Drain, DriverRecord, FrameworkRecord, Recovered, RoleRecord,
};
pub use run::{MasterConfig, MasterError, MasterHandle, run, start};
