//! Executors: orders, states, ends, reports.

use super::{Wire, WireError, hash, hashes, hashes_into, need, parse, pb};
use crate::{
    AgentId, DriverId, ExecutorClaim, ExecutorEnd, ExecutorId, ExecutorKey, ExecutorReport, ExecutorSpec,
    ExecutorState, FrameworkEpoch, FrameworkId, Part,
};

const NOTHING: pb::Nothing = pb::Nothing {};

impl Wire for ExecutorSpec {
    type Pb = pb::ExecutorSpec;

    fn into_pb(self) -> pb::ExecutorSpec {
        let part = match self.part {
            Part::Executor { driver, token } => {
                pb::executor_spec::Part::RunsTasks(pb::ExecutorPart { driver, token })
            }
            Part::Driver { driver } => pb::executor_spec::Part::Driver(driver.to_u64()),
        };
        pb::ExecutorSpec {
            framework: self.framework.to_u64(),
            epoch: self.epoch.0,
            executor: self.executor.0,
            role: self.role.into(),
            resources: Some(self.resources.into_pb()),
            slots: self.slots,
            program: self.program.0.to_vec(),
            files: hashes_into(self.files),
            arguments: self.arguments,
            environment: self.environment,
            part: Some(part),
        }
    }

    fn from_pb(pb: pb::ExecutorSpec) -> Result<Self, WireError> {
        let part = match pb.part.ok_or(WireError::Unknown("a part to play"))? {
            pb::executor_spec::Part::RunsTasks(part) => {
                Part::Executor { driver: part.driver, token: part.token }
            }
            pb::executor_spec::Part::Driver(driver) => Part::Driver { driver: DriverId::from_u64(driver) },
        };
        Ok(ExecutorSpec {
            framework: FrameworkId::from_u64(pb.framework),
            epoch: FrameworkEpoch(pb.epoch),
            executor: ExecutorId(pb.executor),
            role: parse(&pb.role, "role")?,
            resources: need(pb.resources, "an executor's resources")?,
            slots: pb.slots,
            program: hash(&pb.program)?,
            files: hashes(pb.files)?,
            arguments: pb.arguments,
            environment: pb.environment,
            part,
        })
    }
}

impl Wire for ExecutorKey {
    type Pb = pb::ExecutorKey;

    fn into_pb(self) -> pb::ExecutorKey {
        pb::ExecutorKey { framework: self.framework.to_u64(), executor: self.executor.0 }
    }

    fn from_pb(pb: pb::ExecutorKey) -> Result<Self, WireError> {
        let (framework, executor) = (FrameworkId::from_u64(pb.framework), ExecutorId(pb.executor));
        Ok(ExecutorKey { framework, executor })
    }
}

impl Wire for ExecutorState {
    type Pb = pb::ExecutorState;

    fn into_pb(self) -> pb::ExecutorState {
        use pb::executor_state::State;
        let state = match self {
            ExecutorState::Starting => State::Starting(NOTHING),
            ExecutorState::Running => State::Running(NOTHING),
            ExecutorState::Ending => State::Ending(NOTHING),
            ExecutorState::Ended(end) => State::Ended(end.into_pb()),
        };
        pb::ExecutorState { state: Some(state) }
    }

    fn from_pb(pb: pb::ExecutorState) -> Result<Self, WireError> {
        use pb::executor_state::State;
        Ok(match pb.state.ok_or(WireError::Unknown("a state of an executor"))? {
            State::Starting(_) => ExecutorState::Starting,
            State::Running(_) => ExecutorState::Running,
            State::Ending(_) => ExecutorState::Ending,
            State::Ended(end) => ExecutorState::Ended(ExecutorEnd::from_pb(end)?),
        })
    }
}

impl Wire for ExecutorEnd {
    type Pb = pb::ExecutorEnd;

    fn into_pb(self) -> pb::ExecutorEnd {
        use pb::executor_end::{End, OutOfMemory};
        let end = match self {
            ExecutorEnd::Exited(code) => End::Exited(code),
            ExecutorEnd::Signalled(signal) => End::Signalled(signal),
            ExecutorEnd::Killed => End::Killed(NOTHING),
            ExecutorEnd::OutOfMemory { limit_bytes, peak_bytes } => {
                End::OutOfMemory(OutOfMemory { limit_bytes, peak_bytes })
            }
            ExecutorEnd::LaunchFailed(cause) => End::LaunchFailed(cause.into_pb()),
            ExecutorEnd::Dropped => End::Dropped(NOTHING),
            ExecutorEnd::AgentLost => End::AgentLost(NOTHING),
            ExecutorEnd::Unseen => End::Unseen(NOTHING),
        };
        pb::ExecutorEnd { end: Some(end) }
    }

    fn from_pb(pb: pb::ExecutorEnd) -> Result<Self, WireError> {
        use pb::executor_end::End;
        Ok(match pb.end.ok_or(WireError::Unknown("an end of an executor"))? {
            End::Exited(code) => ExecutorEnd::Exited(code),
            End::Signalled(signal) => ExecutorEnd::Signalled(signal),
            End::Killed(_) => ExecutorEnd::Killed,
            End::OutOfMemory(memory) => {
                let (limit_bytes, peak_bytes) = (memory.limit_bytes, memory.peak_bytes);
                ExecutorEnd::OutOfMemory { limit_bytes, peak_bytes }
            }
            End::LaunchFailed(cause) => ExecutorEnd::LaunchFailed(Wire::from_pb(cause)?),
            End::Dropped(_) => ExecutorEnd::Dropped,
            End::AgentLost(_) => ExecutorEnd::AgentLost,
            End::Unseen(_) => ExecutorEnd::Unseen,
        })
    }
}

impl Wire for ExecutorReport {
    type Pb = pb::ExecutorReport;

    fn into_pb(self) -> pb::ExecutorReport {
        pb::ExecutorReport {
            key: Some(self.key.into_pb()),
            role: self.role.into(),
            resources: Some(self.resources.into_pb()),
            slots: self.slots,
            driver: self.driver.map(DriverId::to_u64),
            state: Some(self.state.into_pb()),
        }
    }

    fn from_pb(pb: pb::ExecutorReport) -> Result<Self, WireError> {
        Ok(ExecutorReport {
            key: need(pb.key, "an executor's id")?,
            role: parse(&pb.role, "role")?,
            resources: need(pb.resources, "an executor's resources")?,
            slots: pb.slots,
            driver: pb.driver.map(DriverId::from_u64),
            state: need(pb.state, "an executor's state")?,
        })
    }
}

impl Wire for ExecutorClaim {
    type Pb = pb::ExecutorClaim;

    fn into_pb(self) -> pb::ExecutorClaim {
        pb::ExecutorClaim { executor: self.executor.0, agent: self.agent.to_u64() }
    }

    fn from_pb(pb: pb::ExecutorClaim) -> Result<Self, WireError> {
        Ok(ExecutorClaim { executor: ExecutorId(pb.executor), agent: AgentId::from_u64(pb.agent) })
    }
}
