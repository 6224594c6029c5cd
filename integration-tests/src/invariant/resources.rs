//! No resource is offered or used twice.

use super::{Violation, holds};
use crate::simulation::Process;
use rsk_proto::{ExecutorKey, Resources, status::ClusterStatus};
use std::collections::BTreeSet;

const INVARIANT: &str = "no resource is offered or used twice";

/// What processes really use.
#[derive(Debug, Default)]
pub(crate) struct ResourcesUsed {
    started: BTreeSet<ExecutorKey>,
}

impl ResourcesUsed {
    /// A process was started on a machine that has this in all.
    pub(crate) fn started<'a>(
        processes: impl Iterator<Item = &'a Process>,
        machine: usize,
        total: &Resources,
    ) -> Result<(), Violation> {
        let mut here = processes.filter(|it| it.machine == machine);
        let used = here.try_fold(Resources::default(), |sum, it| sum.checked_add(&it.resources));
        holds(used.as_ref().is_some_and(|used| total.contains(used)), INVARIANT, || {
            format!("processes of machine {machine} use {used:?}, and it has {total}")
        })
    }

    /// An executor is started once in all its life, whatever its order went through.
    pub(crate) fn once(&mut self, key: ExecutorKey) -> Result<(), Violation> {
        holds(self.started.insert(key), INVARIANT, || format!("{key} was started twice"))
    }
}

/// What is offered of an agent, and what is bought of it, is there.
pub(crate) fn offered_once(status: &ClusterStatus) -> Result<(), Violation> {
    for agent in &status.agents {
        let offers =
            status.offers.iter().filter(|offer| offer.agent == agent.id).map(|offer| &offer.resources);
        let executors = status.executors.iter().filter(|it| it.agent == agent.id).map(|it| &it.resources);
        let all = offers.chain(executors).try_fold(Resources::default(), |sum, it| sum.checked_add(it));
        let total = &agent.resources.total;
        holds(all.as_ref().is_some_and(|all| total.contains(all)), INVARIANT, || {
            format!("{all:?} of {} is offered or used, and it has {total}", agent.id)
        })?;
    }
    Ok(())
}
