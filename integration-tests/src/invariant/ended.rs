//! Every accepted executor ends, its driver hears of it, and nothing of an application is left when it has ended.

use super::{Violation, holds};
use crate::simulation::World;
use rsk_proto::{ExecutorId, Time};
use std::{collections::BTreeMap, time::Duration};

const INVARIANT: &str = "every accepted executor ends";

/// Executors that drivers have ordered, and what they have heard of them.
#[derive(Debug, Default)]
pub(crate) struct Ended {
    accepted: BTreeMap<(usize, ExecutorId), Fate>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    Ordered,
    Released(Time),
    Ended,
}

impl Ended {
    /// What is given back ends within this, once all is quiet.
    const RELEASED_WITHIN: Duration = Duration::from_mins(1);

    pub(crate) fn accepted(&mut self, driver: usize, executor: ExecutorId) {
        self.accepted.insert((driver, executor), Fate::Ordered);
    }

    pub(crate) fn released(&mut self, driver: usize, executor: ExecutorId, now: Time) {
        if let Some(fate @ Fate::Ordered) = self.accepted.get_mut(&(driver, executor)) {
            *fate = Fate::Released(now);
        }
    }

    pub(crate) fn heard(&mut self, driver: usize, executor: ExecutorId) {
        self.accepted.insert((driver, executor), Fate::Ended);
    }

    pub(crate) fn count(&self) -> usize {
        self.accepted.len()
    }

    /// Whether what was given back is gone, when all has been quiet since then.
    pub(crate) fn released_are_gone(&self, world: &World, quiet_at: Time) -> Result<(), Violation> {
        for ((driver, executor), fate) in &self.accepted {
            let Fate::Released(at) = fate else { continue };
            let is_late = world.now.since((*at).max(quiet_at)) > Self::RELEASED_WITHIN;
            let is_gone = world.drivers.get(*driver).is_none_or(|it| it.is_dead)
                || world.is_out_of_reach(*driver, *executor);
            holds(!is_late || is_gone, INVARIANT, || {
                format!("{executor} was given back by driver {driver}, which has not heard that it has ended")
            })?;
        }
        Ok(())
    }

    /// Whether drivers that have nothing to do have given all executors back.
    pub(crate) fn none_is_idle(world: &World) -> Result<(), Violation> {
        for (at, driver) in world.drivers.iter().enumerate().filter(|(_, it)| !it.is_dead) {
            let mut claims = driver.core.claims();
            claims.retain(|claim| !world.is_out_of_reach(at, claim.executor));
            holds(claims.is_empty(), INVARIANT, || {
                format!("driver {at} has nothing to do, and keeps {claims:?}")
            })?;
        }
        Ok(())
    }

    /// Whether all is gone, after all applications have ended.
    pub(crate) fn nothing_is_left(world: &World) -> Result<(), Violation> {
        let processes: Vec<_> = world.processes.values().map(|it| it.key).collect();
        holds(processes.is_empty(), INVARIANT, || format!("{processes:?} still run"))?;
        for (at, machine) in world.machines.iter().enumerate().filter(|(_, machine)| !machine.is_gone) {
            let left: Vec<_> = machine.checkpoints.keys().collect();
            holds(left.is_empty(), INVARIANT, || format!("machine {at} tries to tell the end of {left:?}"))?;
            holds(machine.files.is_empty(), INVARIANT, || {
                format!("machine {at} has files of {:?}", machine.files)
            })?;
        }
        let Some(status) = world.status() else { return Ok(()) };
        let left: Vec<_> = status.executors.iter().map(|it| it.key).collect();
        holds(left.is_empty(), INVARIANT, || format!("the master believes that {left:?} run"))?;
        let left: Vec<_> = status.frameworks.iter().map(|it| it.id).collect();
        holds(left.is_empty(), INVARIANT, || format!("the master believes that {left:?} have not ended"))?;
        holds(status.offers.is_empty(), INVARIANT, || format!("{:?} stand", status.offers))
    }
}
