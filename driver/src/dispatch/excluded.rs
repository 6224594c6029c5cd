//! Which executors and hosts are done without, for those who buy executors and for people.

use super::{Dispatch, State};
use crate::task::exclude::{Excluded, Failures, bars};
use rsk_proto::{ExecutorId, Time, status::ExclusionStatus};
use std::collections::{BTreeMap, BTreeSet};

/// What is of no use to the tasks that wait.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Useless {
    pub(crate) executors: BTreeSet<ExecutorId>,
    /// Those of them that the whole application does without.
    pub(crate) for_all: BTreeSet<ExecutorId>,
    /// Hosts, and why.
    pub(crate) hosts: BTreeMap<String, String>,
}

impl Dispatch {
    /// Executors have come or gone, or are excluded from now on.
    pub(super) fn settle(&self, state: &mut State) {
        let now = self.now();
        let excluded = state.exclusions.excluded();
        let State { sets, sites, .. } = state;
        if sites.exclude(|executor, site| bars(&excluded, executor, site)) {
            self.on_work.get().inspect(|told| told());
        }
        sets.values_mut().for_each(|set| set.core.settle(sites, now));
    }

    /// A task set has succeeded: what failed in it failed for its place.
    pub(super) fn learn(&self, state: &mut State, failures: Failures) {
        if self.config.exclude_on_failure {
            state.exclusions.succeeded(failures, self.now());
            self.settle(state);
        }
    }

    /// Uses again what has been excluded for long enough.
    pub(super) fn readmit(&self, state: &mut State, now: Time) {
        if state.exclusions.wake_at().is_some_and(|at| at <= now) {
            state.exclusions.expire(now);
            self.settle(state);
        }
    }

    /// What no task that waits may use.
    pub(crate) fn useless(&self) -> Useless {
        let mut state = self.locked();
        // Nobody else looks at the clock while there is no executor.
        let now = self.now();
        let is_alone = state.places.is_empty() && state.sets.values().any(|set| set.core.left() > 0);
        if state.exclusions.look(is_alone, now) {
            tracing::warn!(
                "no executor has come to an application without those that it excludes: they are used again"
            );
        }
        self.readmit(&mut state, now);
        let of_all = state.exclusions.excluded();
        let of_sets: Vec<_> = state.sets.values().filter_map(|set| set.core.excluded()).collect();
        if of_all.is_empty() && of_sets.iter().all(|set| set.is_empty()) {
            return Useless::default();
        }
        let mut useless = Useless::default();
        for (executor, site) in state.sites.all() {
            let is_for_all = bars(&of_all, executor, site);
            if is_for_all {
                useless.for_all.insert(executor);
            }
            let is_for_sets = || of_sets.iter().all(|set| bars(set, executor, site));
            if is_for_all || !of_sets.is_empty() && is_for_sets() {
                useless.executors.insert(executor);
            }
        }
        let of_first = of_sets.first().into_iter().flat_map(|first| first.iter());
        let of_sets = of_first.filter(|(what, _)| of_sets.iter().all(|set| set.contains_key(*what)));
        for (what, why) in of_all.iter().chain(of_sets) {
            if let Excluded::Host(host) = what {
                useless.hosts.entry(host.to_string()).or_insert_with(|| why.clone());
            }
        }
        useless
    }

    /// All that is excluded from anything that runs, for people.
    pub(crate) fn exclusions(&self) -> Vec<ExclusionStatus> {
        let state = self.state.lock();
        let status = |stage: Option<u64>| {
            move |(what, why): (Excluded, String)| {
                let (executor, host) = match what {
                    Excluded::Executor(executor) => (Some(executor.0), None),
                    Excluded::Host(host) => (None, Some(host.to_string())),
                };
                ExclusionStatus { stage, executor, host, why }
            }
        };
        let of_all = state.exclusions.excluded().into_iter().map(status(None));
        let of_set = state.sets.iter().filter_map(|((stage, _), set)| Some((stage, set.core.excluded()?)));
        let of_sets = of_set.flat_map(|(stage, all)| all.clone().into_iter().map(status(Some(stage.0))));
        of_all.chain(of_sets).collect()
    }
}
