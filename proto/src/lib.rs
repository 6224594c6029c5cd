//! What two processes must agree on: ids, sizes, errors as data, and the one codec.
//!
//! It is no place for behaviour: but for [`rpc`], which carries the cluster's messages, nothing here does I/O, reads a clock
//! or starts a thread. Everybody calls it, it calls nobody of ours.
//!
//! ```
//! use rsk_proto::{PartitionId, ShuffleId};
//! assert_eq!(ShuffleId(4).to_string(), "shuffle-4");
//! assert_eq!(PartitionId(7).index(), 7);
//! ```

mod block;
mod block_fetch;
mod cause;
mod codec;
mod frame;
mod id;
mod size;
mod sealed;
mod stream;
mod part_size;
mod unheard;
mod shuffle_file;
mod serve;
mod task;
mod time;
mod cluster;
mod convert;
pub mod rpc;

pub use block::{BlockHolder, BlockId, ParseBlockError, StorageLevel};
pub use block_fetch::{BLOCK_FETCH_VERSION, BlockReply, BlockRequest, BlockSecret};
pub use cause::Cause;
pub use cluster::{
    AgentFacts, AgentId, AgentResources, AgentToMaster, Attributes, BLOB_CHUNK_BYTES_MAX, BlobChunk,
    BlobHash, BlobRequest, BlobStatus, CLUSTER_VERSION, CONTROL_BYTES_MAX, Demand, DriverId, DriverSpec,
    EXECUTOR_ARGUMENT, EXECUTOR_PROGRAM, EXECUTOR_START, ExecutorClaim, ExecutorEnd, ExecutorKey,
    ExecutorReport, ExecutorSpec, ExecutorStart, ExecutorState, FrameworkEpoch, FrameworkFacts, FrameworkId,
    FrameworkToMaster, Hello, Incarnation, MasterToAgent, MasterToFramework, Offer, OfferId, OperatorReply,
    OperatorRequest, ParseAttributesError, ParseHashError, ParseIdError, ParseResourcesError, ParseRoleError,
    Part, Ports, Refusal, Refuse, Resources, RoleName, SANDBOX_PROGRAM, SandboxFilesError, SandboxNameError,
    file_identity, in_sandbox, sandbox_files, status,
};
pub use codec::{
    AnyValue, CodecError, Decoder, EncodedValue, Encoder, VALUE_INLINE_BYTES_MAX, Values, decode_record,
    encode_record,
};
pub use convert::WireError;
pub use frame::{FrameReader, FrameWriter};
pub use id::{
    AccumulatorId, BlockEpoch, ExecutorId, JobId, MapOutputId, PartitionId, RddId, ShuffleBlock, ShuffleId,
    StageId, TaskAttempt, TaskId, ValueId,
};
pub use part_size::PartSize;
pub use sealed::Sealed;
pub use serve::{FetchReply, FetchRequest, SERVE_VERSION, Wanted};
pub use shuffle_file::{
    INDEX_ENTRY_BYTES, INDEX_HEAD_BYTES, Piece, decode_index_entry, encode_index, index_entry_offset,
    index_head, map_output_paths, shuffle_folder, value_path,
};
pub use size::{ByteSize, ParseSizeError, to_usize};
pub use stream::{
    FromExecutor, HEARTBEAT_EVERY, LOST_AFTER, MapOutputs, ProgramHash, STREAM_VERSION, TASKS_AHEAD_MAX,
    ToExecutor, VALUE_SHARED_FROM, put_message, receive, send,
};
pub use task::{
    AccumulatorUpdate, BlockUpdate, Keeper, MapOutput, Next, OrRaise, TaskEnd, TaskError, TaskMetrics,
    TaskOutput,
};
pub use time::Time;
pub use unheard::{Silent, Unheard};

/// What can be a record of a shuffle, a spill file, a serialised cache or a result: encoded here, decoded there.
///
/// ```
/// #[derive(serde::Serialize, serde::Deserialize)]
/// struct Reading(u32, f64);
///
/// fn is_data<T: rsk_proto::Data>() {}
/// is_data::<Reading>();
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be sent to executors or written to disk",
    label = "this operation sends or writes `{Self}`",
    note = "derive `serde::Serialize` and `serde::Deserialize` for each type in it; what borrows cannot be sent, nor what is \
            bound to its thread such as `Rc`"
)]
pub trait Data: serde::Serialize + serde::de::DeserializeOwned + Send + 'static {}
#[diagnostic::do_not_recommend]
impl<T: serde::Serialize + serde::de::DeserializeOwned + Send + 'static> Data for T {}
