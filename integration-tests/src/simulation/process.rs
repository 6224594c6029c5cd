//! An executor's process: dials its driver, runs what it is brought, and ends when it is told to or hears nothing more.

use super::{
    Happening, Sabotage, World,
    network::{End, Letter, Node, StreamId},
};
use crate::invariant::ResourcesUsed;
use rsk_proto::{ExecutorEnd, ExecutorKey, ExecutorSpec, Part, PartitionId, Resources, Time};
use std::time::Duration;

#[derive(Debug)]
pub(crate) struct Process {
    pub(crate) key: ExecutorKey,
    pub(crate) machine: usize,
    pub(crate) resources: Resources,
    driver: usize,
    stream: Option<StreamId>,
    /// Stopped by a signal until then.
    frozen_until: Time,
    /// It does not end when it is asked to.
    is_deaf: bool,
}

impl World {
    pub(crate) fn start_process(&mut self, machine: usize, spec: &ExecutorSpec) -> u64 {
        self.pids += 1;
        let pid = self.pids;
        let driver = match &spec.part {
            Part::Executor { driver, .. } => driver.parse().unwrap_or(usize::MAX),
            Part::Driver { .. } => usize::MAX,
        };
        let process = Process {
            key: spec.key(),
            machine,
            resources: spec.resources.clone(),
            driver,
            stream: None,
            frozen_until: self.now,
            is_deaf: self.chance.one_in(10),
        };
        self.log(|_| format!("process {pid} of {} starts on machine {machine}", spec.key()));
        self.processes.insert(pid, process);
        let started = ResourcesUsed::started(self.processes.values(), machine, &self.machines[machine].total);
        self.hold(started);
        let again = self.resources_used.once(spec.key());
        self.hold(again);
        let takes = self.chance.millis(20, 200);
        self.after(takes, Happening::ProcessDials(pid));
        pid
    }

    pub(crate) fn process_dials(&mut self, pid: u64) {
        let Some((from, to)) = self.processes.get(&pid).map(|it| (it.machine, it.driver)) else { return };
        if self.postpone(pid, || Happening::ProcessDials(pid)) {
            return;
        }
        let stream = self.dial(Node::Machine(from), Node::Driver(to));
        if let Some(process) = self.processes.get_mut(&pid) {
            process.stream = Some(stream);
        }
    }

    /// Puts off what a stopped process cannot do now.
    fn postpone(&mut self, pid: u64, what: impl FnOnce() -> Happening) -> bool {
        let Some(until) = self.processes.get(&pid).map(|it| it.frozen_until).filter(|it| *it > self.now)
        else {
            return false;
        };
        self.at(until, what());
        true
    }

    fn process_of(&self, stream: StreamId) -> Option<u64> {
        self.processes.iter().find(|(_, it)| it.stream == Some(stream)).map(|(pid, _)| *pid)
    }

    pub(crate) fn process_receives(&mut self, stream: StreamId, letter: &Letter) {
        if let Some(pid) = self.process_of(stream) {
            self.process_reads(pid, letter);
        }
    }

    pub(crate) fn process_reads(&mut self, pid: u64, letter: &Letter) {
        if self.postpone(pid, || Happening::ProcessReads(pid, letter.clone())) {
            return;
        }
        let Some((stream, key)) = self.processes.get(&pid).map(|it| (it.stream, it.key)) else { return };
        match letter {
            Letter::Connected => {
                if let Some(stream) = stream {
                    self.send(stream, End::Dialler, Letter::Hello(key.executor));
                }
            }
            // Without a driver there is nothing to do.
            Letter::Closed => self.process_ends(pid, ExecutorEnd::Exited(0)),
            &Letter::Task(partition, attempt) => {
                let takes = self.chance.millis(20, self.task_millis_max);
                self.after(takes, Happening::TaskIsDone(pid, partition, attempt));
            }
            _ => {}
        }
    }

    pub(crate) fn task_is_done(&mut self, pid: u64, partition: PartitionId, attempt: u32) {
        if self.postpone(pid, || Happening::TaskIsDone(pid, partition, attempt)) {
            return;
        }
        if let Some(stream) = self.processes.get(&pid).and_then(|it| it.stream) {
            self.send(stream, End::Dialler, Letter::Done(partition, attempt));
        }
    }

    /// A polite signal.
    pub(crate) fn ask_process(&mut self, pid: u64) {
        if self.processes.get(&pid).is_some_and(|it| !it.is_deaf) {
            let takes = self.chance.millis(1, 500);
            self.after(takes, Happening::ProcessEnds(pid));
        }
    }

    /// It has ended by itself, after having been asked.
    pub(crate) fn process_has_ended(&mut self, pid: u64) {
        if !self.postpone(pid, || Happening::ProcessEnds(pid)) {
            self.process_ends(pid, ExecutorEnd::Exited(0));
        }
    }

    /// The process is gone, now.
    pub(crate) fn process_ends(&mut self, pid: u64, end: ExecutorEnd) {
        if self.sabotage == Some(Sabotage::LeaveProcesses) && pid.is_multiple_of(3) {
            return;
        }
        let Some(process) = self.processes.remove(&pid) else { return };
        self.log(|_| format!("process {pid} of {} {end}", process.key));
        if let Some(stream) = process.stream {
            let keeps_tail = self.chance.one_in(2);
            self.close(stream, End::Dialler, keeps_tail);
        }
        self.agent_sees_end(process.machine, process.key, pid, end);
    }

    pub(crate) fn freeze(&mut self, pid: u64, lasts: Duration) {
        if let Some(process) = self.processes.get_mut(&pid) {
            process.frozen_until = self.now + lasts;
            if lasts > super::network::SILENT_MAX
                && let Some(stream) = process.stream
            {
                // Nothing is heard of it: the driver gives the stream up.
                self.after(
                    super::network::SILENT_MAX,
                    Happening::Arrives(stream, End::Listener, Letter::Closed),
                );
            }
        }
    }
}
