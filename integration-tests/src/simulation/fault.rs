//! What fails, and when.

use super::{Happening, World, chance::Chance, driver::DRIVERS_MAX, network::Node};
use rsk_proto::{ExecutorEnd, Time};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fault {
    KillMaster,
    KillMasterInAStep,
    KillAgent,
    KillAgentInAStep,
    StopAgent,
    PowerFails,
    NewDisk,
    AgentIsGone,
    KillExecutor,
    FreezeExecutor,
    KillDriver,
    BreakStream,
    CloseWay,
    Isolate,
}

const ALL: [Fault; 14] = [
    Fault::KillMaster,
    Fault::KillMasterInAStep,
    Fault::KillAgent,
    Fault::KillAgentInAStep,
    Fault::StopAgent,
    Fault::PowerFails,
    Fault::NewDisk,
    Fault::AgentIsGone,
    Fault::KillExecutor,
    Fault::FreezeExecutor,
    Fault::KillDriver,
    Fault::BreakStream,
    Fault::CloseWay,
    Fault::Isolate,
];

/// Which faults there are in one world, and how often.
#[derive(Debug)]
pub(super) struct Plan {
    kinds: Vec<Fault>,
    every_millis: u64,
    /// There are none after this.
    pub(super) until: Time,
}

impl Plan {
    /// Some kinds of faults only: what one kind leads to is not hidden by all others.
    pub(super) fn new(chance: &mut Chance) -> Self {
        let mut kinds: Vec<_> = ALL.into_iter().filter(|_| chance.one_in(3)).collect();
        if kinds.is_empty() {
            kinds.extend(chance.pick(&ALL));
        }
        let every_millis = [400, 3_000, 12_000][chance.below(3)];
        Plan { kinds, every_millis, until: Time(chance.millis(20_000, 180_000)) }
    }
}

impl World {
    pub(super) fn fault(&mut self) {
        if self.is_quiet {
            return;
        }
        let kinds = self.faults.kinds.clone();
        let next = self.chance.millis(1, 2 * self.faults.every_millis);
        self.after(next, Happening::Fault);
        let Some(kind) = self.chance.pick(&kinds) else { return };
        self.report.faults += 1;
        self.log(|_| format!("fault: {kind:?}"));
        let machine = self.chance.below(self.machines.len());
        let processes: Vec<u64> = self.processes.keys().copied().collect();
        match kind {
            Fault::KillMaster if self.master.core.is_some() => self.kill_master(),
            Fault::KillMasterInAStep => self.master.dies_after = Some(self.chance.below(4)),
            Fault::KillAgent if self.machines[machine].core.is_some() => self.kill_agent(machine),
            Fault::KillAgentInAStep => self.machines[machine].dies_after = Some(self.chance.below(3)),
            Fault::StopAgent => self.stop_agent(machine),
            Fault::PowerFails => self.power_fails(machine),
            Fault::NewDisk => {
                self.power_fails(machine);
                self.wipe(machine);
            }
            Fault::AgentIsGone => {
                // One is enough, and others have to be left to do the work.
                if self.machines.len() > 1
                    && !self.machines.iter().any(|it| it.is_gone)
                    && self.chance.one_in(4)
                {
                    self.power_fails(machine);
                    self.machines[machine].is_gone = true;
                }
            }
            Fault::KillExecutor => {
                if let Some(pid) = self.chance.pick(&processes) {
                    self.process_ends(pid, ExecutorEnd::Signalled(9));
                }
            }
            Fault::FreezeExecutor => {
                let lasts = self.chance.millis(100, 60_000);
                if let Some(pid) = self.chance.pick(&processes) {
                    self.freeze(pid, lasts);
                }
            }
            Fault::KillDriver => {
                let at = self.chance.below(self.drivers.len());
                if !self.drivers[at].is_dead && self.drivers.len() < DRIVERS_MAX {
                    let keeps_tail = self.chance.one_in(2);
                    self.kill_driver(at, keeps_tail);
                    self.start_driver();
                }
            }
            Fault::BreakStream => {
                let all = self.network.all();
                if let Some(stream) = self.chance.pick(&all) {
                    self.break_stream(stream);
                }
            }
            Fault::CloseWay | Fault::Isolate => self.close_ways(kind == Fault::Isolate, machine),
            Fault::KillMaster | Fault::KillAgent => {}
        }
    }

    fn close_ways(&mut self, is_both: bool, machine: usize) {
        let driver = Node::Driver(self.chance.below(self.drivers.len()));
        let machine = Node::Machine(machine);
        let ways = [(machine, Node::Master), (driver, Node::Master), (machine, driver)];
        let (mut from, mut to) = ways[self.chance.below(3)];
        if self.chance.one_in(2) {
            (from, to) = (to, from);
        }
        let lasts = self.chance.millis(100, 70_000);
        self.close_way(from, to, lasts);
        if is_both {
            self.close_way(to, from, lasts);
        }
    }
}
