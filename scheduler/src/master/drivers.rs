//! Drivers that the cluster itself runs.
//!
//! To agents such a driver is an executor of a framework of its own, so that it has a sandbox, an end and logs as all
//! executors have; to the allocator it is a framework that wants one shape once.

use super::{
    core::MasterCore,
    event::Command,
    record::{Change, DriverRecord},
    table::Driver,
};
use crate::allocator::{Allocator, Grant};
use rsk_proto::{
    AgentId, Demand, DriverId, DriverSpec, ExecutorEnd, ExecutorId, ExecutorKey, ExecutorSpec,
    FrameworkEpoch, FrameworkId, OperatorReply, Refusal,
    status::{DriverState, FrameworkState},
};
use std::time::Duration;

const RETRY_MAX_SHIFT: u32 = 6;

impl MasterCore {
    pub(super) fn submit(&mut self, spec: DriverSpec) -> OperatorReply {
        if spec.resources.is_empty() {
            let why = "a driver uses something: give it cpus and memory".to_owned();
            return OperatorReply::Refused(Refusal::Invalid(why));
        }
        self.counters.drivers += 1;
        self.counters.frameworks += 1;
        self.write(Change::Counters(self.counters));
        let id = DriverId { registry: self.registry, number: self.counters.drivers };
        let framework = FrameworkId { registry: self.registry, number: self.counters.frameworks };
        let state = DriverState::Waiting { why: "it has just been submitted".to_owned() };
        let submitted_at = self.unix();
        self.allocator.add_framework(framework, spec.role.clone());
        let record = DriverRecord { spec, framework, starts: 0, state, agent: None, submitted_at };
        self.drivers.by_framework.insert(framework, id);
        let driver = Driver { record, retry: Some(self.now), is_killed: false, subscribed: None };
        self.drivers.all.insert(id, driver);
        self.write_driver(id);
        self.look_for_waiting_drivers();
        OperatorReply::Submitted(id)
    }

    fn write_driver(&mut self, id: DriverId) {
        let record = self.drivers.all.get(&id).map(|driver| driver.record.clone());
        self.write(Change::Driver(id, record));
    }

    /// Asks for room for drivers whose time has come.
    pub(super) fn look_for_waiting_drivers(&mut self) {
        for driver in self.drivers.all.values_mut() {
            if driver.retry.is_some_and(|retry| retry <= self.now) {
                driver.retry = None;
                let (shape, ports) = (driver.record.spec.resources.clone(), 0);
                self.allocator
                    .set_demand(driver.record.framework, Some(Demand { shape, ports, count: Some(1) }));
            }
        }
    }

    /// An agent has room for a driver.
    pub(super) fn start_driver(&mut self, id: DriverId, grant: &Grant) {
        let Some(driver) = self.drivers.all.get_mut(&id) else {
            self.allocator.give_back(grant.framework, grant.agent, &grant.resources, false);
            return;
        };
        let record = &mut driver.record;
        record.starts += 1;
        record.agent = Some(grant.agent);
        record.state = DriverState::Running;
        driver.subscribed = None;
        let spec = record.spec.clone();
        let launch = ExecutorSpec {
            framework: record.framework,
            epoch: FrameworkEpoch(record.starts.into()),
            executor: ExecutorId(record.starts.into()),
            role: spec.role,
            resources: grant.resources.clone(),
            slots: 0,
            program: spec.program,
            files: spec.files,
            arguments: spec.arguments,
            environment: spec.environment,
            part: rsk_proto::Part::Driver { driver: id },
        };
        self.write_driver(id);
        self.launch(grant.agent, launch);
    }

    /// The process of a driver is gone: it is started again if it should be.
    pub(super) fn driver_ended(&mut self, id: DriverId, key: ExecutorKey, end: &ExecutorEnd) {
        let Some(driver) = self.drivers.all.get_mut(&id) else { return };
        if driver.record.state != DriverState::Running || driver.executor() != Some(key) {
            return;
        }
        let was_lost = matches!(end, ExecutorEnd::Dropped | ExecutorEnd::AgentLost);
        let is_done = matches!(end, ExecutorEnd::Exited(0) | ExecutorEnd::Killed) || driver.is_killed;
        let is_restarted = !is_done && (driver.record.spec.supervise || *end == ExecutorEnd::Dropped);
        driver.record.state = if is_restarted {
            let shift = driver.record.starts.saturating_sub(1).min(RETRY_MAX_SHIFT);
            let delay = if was_lost { Duration::ZERO } else { Duration::from_secs(1 << shift) };
            driver.retry = Some(self.now + delay);
            DriverState::Waiting { why: format!("it {end}, and is started again") }
        } else {
            let code = if let ExecutorEnd::Exited(code) = end { Some(*code) } else { None };
            DriverState::Ended { code, how: end.to_string() }
        };
        let subscribed = driver.subscribed;
        self.write_driver(id);
        if !is_restarted {
            self.end_files(key.framework);
        }
        // What it knew went with it: a driver that is started again is another framework.
        if let Some(framework) = subscribed {
            let why = format!("its driver {end}");
            let state = if *end == ExecutorEnd::Exited(0) {
                FrameworkState::Succeeded { summary: why.clone() }
            } else {
                FrameworkState::Failed { why: why.clone() }
            };
            self.tear_down(framework, state, Some(why));
        }
        self.forget_old_drivers();
    }

    /// Drivers that should run on an agent and do not.
    pub(super) fn settle_drivers(&mut self, agent: AgentId, end: &ExecutorEnd) {
        let here = |driver: &Driver| driver.record.agent == Some(agent);
        let missing = self.drivers.all.iter().filter(|(_, driver)| here(driver));
        let missing: Vec<_> = missing.filter_map(|(id, driver)| Some((*id, driver.executor()?))).collect();
        for (id, key) in missing {
            if !self.executors.contains_key(&key) {
                self.driver_ended(id, key, end);
            }
        }
    }

    pub(super) fn kill_driver(&mut self, id: DriverId) -> OperatorReply {
        let Some(driver) = self.drivers.all.get_mut(&id) else {
            return OperatorReply::Refused(Refusal::Unknown(format!("there is no {id}")));
        };
        driver.is_killed = true;
        driver.retry = None;
        match driver.record.state {
            DriverState::Waiting { .. } => {
                let how = "killed before it was started".to_owned();
                driver.record.state = DriverState::Ended { code: None, how };
                let framework = driver.record.framework;
                self.allocator.set_demand(framework, None);
                self.write_driver(id);
                self.end_files(framework);
            }
            DriverState::Running => {
                if let Some(key) = driver.executor() {
                    self.kill(key, self.rules.kill_grace);
                }
            }
            DriverState::Ended { .. } => {}
        }
        OperatorReply::Done
    }

    /// Forgets drivers that ended when there are too many. Agents keep their logs as they keep all logs.
    fn forget_old_drivers(&mut self) {
        let ended = |driver: &&Driver| matches!(driver.record.state, DriverState::Ended { .. });
        while self.drivers.all.values().filter(ended).count() > self.rules.ended_max {
            let oldest = self.drivers.all.iter().find(|(_, driver)| ended(driver)).map(|(id, _)| *id);
            let Some(driver) = oldest.and_then(|id| Some((id, self.drivers.all.remove(&id)?))) else {
                return;
            };
            let (id, framework) = (driver.0, driver.1.record.framework);
            self.drivers.by_framework.remove(&framework);
            self.allocator.remove_framework(framework);
            self.commands.push(Command::Write(Change::Driver(id, None)));
        }
    }
}
