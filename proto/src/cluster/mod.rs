//! What the processes of a cluster say to each other, and the nouns they say it with.

mod id;
mod role;
mod port;
mod resource;
mod agent_resources;
mod attribute;
mod blob;
mod hello;
mod offer;
mod executor;
mod agent;
mod framework;
mod operate;
mod start;
mod sandbox;
pub mod status;
#[cfg(test)]
pub(crate) mod sample;

pub use agent::{AgentFacts, AgentToMaster, MasterToAgent};
pub use agent_resources::AgentResources;
pub use attribute::{Attributes, ParseAttributesError};
pub use blob::{BLOB_CHUNK_BYTES_MAX, BlobChunk, BlobHash, BlobRequest, BlobStatus, ParseHashError};
pub use executor::{
    ExecutorClaim, ExecutorEnd, ExecutorKey, ExecutorReport, ExecutorSpec, ExecutorState, Part,
};
pub use framework::{FrameworkFacts, FrameworkToMaster, MasterToFramework};
pub use hello::{CLUSTER_VERSION, CONTROL_BYTES_MAX, Hello, Refusal};
pub use id::{AgentId, DriverId, FrameworkEpoch, FrameworkId, Incarnation, OfferId, ParseIdError};
pub use offer::{Demand, Offer, Refuse};
pub use operate::{DriverSpec, OperatorReply, OperatorRequest};
pub use port::Ports;
pub use resource::{ParseResourcesError, Resources};
pub use role::{ParseRoleError, RoleName};
pub use sandbox::{SANDBOX_PROGRAM, SandboxFilesError, SandboxNameError, in_sandbox, sandbox_files};
pub use start::{EXECUTOR_ARGUMENT, EXECUTOR_PROGRAM, EXECUTOR_START, ExecutorStart, file_identity};
