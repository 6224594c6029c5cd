//! Which of its pending partitions a task set gives to which executor: those that prefer a place wait for it a while,
//! and then for the next best. Pure.
//!
//! Source: delay scheduling, Zaharia et al., `EuroSys` 2010, with Spark's levels: a task set that has launched nothing at
//! one level for as long as the wait goes on to the next, until it launches nearer again. A level at which no pending
//! partition has an executor that lives is not waited for.

use super::site::{Name, Site, Sites};
use rsk_proto::{ExecutorId, PartitionId, Time};
use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

/// A place that a partition prefers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Preference {
    /// An executor that holds its block.
    Executor(ExecutorId),
    /// A host that holds much of its input.
    Host(Name),
}

/// How near to its data a partition is run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub(crate) enum Level {
    /// In the executor that holds its block.
    #[default]
    Process,
    /// On a host that is preferred.
    Host,
    /// In the rack of such a host.
    Rack,
    Any,
}

impl Level {
    fn next(self) -> Self {
        match self {
            Level::Process => Level::Host,
            Level::Host => Level::Rack,
            Level::Rack | Level::Any => Level::Any,
        }
    }
}

/// Partitions to be tried, in the order in which they came; each is there once.
#[derive(Debug, Default)]
pub(crate) struct Pending {
    wait: Duration,
    next: u64,
    queue: BTreeMap<u64, Waiting>,
    at_of: BTreeMap<PartitionId, u64>,
    /// Those that no living executor is better for than another.
    anywhere: BTreeSet<u64>,
    by_executor: BTreeMap<ExecutorId, BTreeSet<u64>>,
    by_host: BTreeMap<Name, BTreeSet<u64>>,
    by_rack: BTreeMap<Name, BTreeSet<u64>>,
    /// How many have preferences, whether an executor is there or not.
    choosy: usize,
    /// The level of the last launch, and when that was.
    level: Level,
    since: Time,
}

#[derive(Debug)]
struct Waiting {
    partition: PartitionId,
    /// Another attempt runs there.
    avoids: Option<ExecutorId>,
    wants: Vec<Preference>,
    near: Near,
}

/// What the preferences of a partition come to among the executors that live.
#[derive(Debug, Default)]
struct Near {
    executors: Vec<ExecutorId>,
    hosts: Vec<Name>,
    racks: Vec<Name>,
}

impl Near {
    /// A host or a rack is named only if it has executors beside those that are nearer.
    fn of(wants: &[Preference], sites: &Sites) -> Self {
        let mut near = Near::default();
        let mut hosts = BTreeMap::new();
        for want in wants {
            match want {
                Preference::Executor(executor) => {
                    if let Some(site) = sites.of(*executor)
                        && !near.executors.contains(executor)
                    {
                        near.executors.push(*executor);
                        *hosts.entry(&site.host).or_insert(0) += 1;
                    }
                }
                Preference::Host(host) => drop(hosts.entry(host).or_insert(0)),
            }
        }
        let mut racks = BTreeMap::new();
        for (host, nearer) in hosts {
            let there = sites.on(host);
            if there > nearer {
                near.hosts.push(host.clone());
            }
            if let Some(rack) = sites.rack_of(host) {
                *racks.entry(rack).or_insert(0) += there;
            }
        }
        let beside = racks.into_iter().filter(|(rack, nearer)| sites.within(rack) > *nearer);
        near.racks.extend(beside.map(|(rack, _)| rack.clone()));
        near
    }

    fn is_nowhere(&self) -> bool {
        self.executors.is_empty() && self.hosts.is_empty() && self.racks.is_empty()
    }

    /// Nothing where all places are the same.
    fn level(&self, executor: ExecutorId, site: &Site) -> Option<Level> {
        if self.executors.contains(&executor) {
            Some(Level::Process)
        } else if self.hosts.contains(&site.host) {
            Some(Level::Host)
        } else if site.rack.as_ref().is_some_and(|rack| self.racks.contains(rack)) {
            Some(Level::Rack)
        } else {
            (!self.is_nowhere()).then_some(Level::Any)
        }
    }
}

impl Pending {
    /// Nothing pending at `now`; places that are preferred are waited for so long, at each level.
    pub(crate) fn new(wait: Duration, now: Time) -> Self {
        Pending { wait, since: now, ..Pending::default() }
    }

    /// Adds a partition that is not there behind all others.
    pub(crate) fn push(
        &mut self,
        partition: PartitionId,
        wants: Vec<Preference>,
        avoids: Option<ExecutorId>,
        sites: &Sites,
    ) {
        if self.at_of.contains_key(&partition) {
            return;
        }
        let at = self.next;
        self.next += 1;
        self.choosy += usize::from(!wants.is_empty());
        let near = Near::of(&wants, sites);
        self.list(at, &near);
        self.at_of.insert(partition, at);
        self.queue.insert(at, Waiting { partition, avoids, wants, near });
    }

    pub(crate) fn len(&self) -> usize {
        self.queue.len()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.queue.is_empty()
    }

    /// Is there one for this executor, among those that may run there?
    pub(crate) fn has_for(
        &self,
        executor: ExecutorId,
        sites: &Sites,
        may: impl Fn(PartitionId) -> bool,
        now: Time,
    ) -> bool {
        self.first_for(executor, sites, may, now).is_some()
    }

    /// Takes the one for this executor, among those that may run there.
    ///
    /// Cost: logarithmic, and one step more for each that may not.
    pub(crate) fn take(
        &mut self,
        executor: ExecutorId,
        sites: &Sites,
        may: impl Fn(PartitionId) -> bool,
        now: Time,
    ) -> Option<PartitionId> {
        let at = self.first_for(executor, sites, may, now)?;
        let waiting = self.remove(at)?;
        let level = sites.of(executor).and_then(|site| waiting.near.level(executor, site));
        if let Some(level) = level {
            (self.level, self.since) = (level, now);
        }
        Some(waiting.partition)
    }

    /// When one may be given to an executor that is farther from what it prefers.
    pub(crate) fn wake_at(&self, now: Time) -> Option<Time> {
        self.allowed(now).1
    }

    /// Executors have come or gone: what is preferred is looked at again.
    ///
    /// Cost: logarithmic for each partition that prefers something; nothing where none does.
    pub(crate) fn settle(&mut self, sites: &Sites, now: Time) {
        if self.choosy == 0 {
            return;
        }
        if sites.len() == 1 {
            // Nothing could be launched before; what comes first need not be the best.
            (self.level, self.since) = (Level::Process, now);
        }
        self.by_executor.clear();
        self.by_host.clear();
        self.by_rack.clear();
        let mut queue = std::mem::take(&mut self.queue);
        for (at, waiting) in &mut queue {
            if !waiting.wants.is_empty() {
                self.anywhere.remove(at);
                waiting.near = Near::of(&waiting.wants, sites);
                self.list(*at, &waiting.near);
            }
        }
        self.queue = queue;
    }

    /// Another attempt has done this partition.
    pub(crate) fn skip(&mut self, partition: PartitionId) {
        if let Some(at) = self.at_of.get(&partition).copied() {
            self.remove(at);
        }
    }

    pub(crate) fn clear(&mut self) {
        let Pending { wait, next, level, since, .. } = *self;
        *self = Pending { wait, next, level, since, ..Pending::default() };
    }

    /// The farthest level at which something may be launched, and when that will change.
    fn allowed(&self, now: Time) -> (Level, Option<Time>) {
        let (mut level, mut since) = (self.level, self.since);
        while level < Level::Any {
            let has_some = match level {
                Level::Process => !self.by_executor.is_empty(),
                Level::Host => !self.by_host.is_empty(),
                Level::Rack | Level::Any => !self.by_rack.is_empty(),
            };
            if has_some {
                let until = since + self.wait;
                if now < until {
                    return (level, Some(until));
                }
                since = until;
            }
            level = level.next();
        }
        (level, None)
    }

    fn first_for(
        &self,
        executor: ExecutorId,
        sites: &Sites,
        may: impl Fn(PartitionId) -> bool,
        now: Time,
    ) -> Option<u64> {
        let (is_only, may) = (sites.len() <= 1, &may);
        let may = move |at: &&u64| {
            let here = |waiting: &Waiting| is_only || waiting.avoids != Some(executor);
            self.queue.get(at).is_some_and(|waiting| here(waiting) && may(waiting.partition))
        };
        let first = |all: Option<&BTreeSet<u64>>| all.and_then(|all| all.iter().find(may)).copied();
        let site = sites.of(executor);
        let host = site.and_then(|site| self.by_host.get(&site.host));
        let rack = site.and_then(|site| self.by_rack.get(site.rack.as_ref()?));
        let level = if is_only { Level::Any } else { self.allowed(now).0 };
        first(self.by_executor.get(&executor))
            .or_else(|| first(host.filter(|_| level >= Level::Host)))
            .or_else(|| first(Some(&self.anywhere)))
            .or_else(|| first(rack.filter(|_| level >= Level::Rack)))
            .or_else(|| self.queue.keys().filter(|_| level == Level::Any).find(may).copied())
    }

    fn list(&mut self, at: u64, near: &Near) {
        for executor in &near.executors {
            self.by_executor.entry(*executor).or_default().insert(at);
        }
        for host in &near.hosts {
            self.by_host.entry(host.clone()).or_default().insert(at);
        }
        for rack in &near.racks {
            self.by_rack.entry(rack.clone()).or_default().insert(at);
        }
        if near.is_nowhere() {
            self.anywhere.insert(at);
        }
    }

    fn remove(&mut self, at: u64) -> Option<Waiting> {
        let waiting = self.queue.remove(&at)?;
        self.at_of.remove(&waiting.partition);
        self.choosy -= usize::from(!waiting.wants.is_empty());
        self.anywhere.remove(&at);
        let Near { executors, hosts, racks } = &waiting.near;
        executors.iter().for_each(|executor| unlist(&mut self.by_executor, executor, at));
        hosts.iter().for_each(|host| unlist(&mut self.by_host, host, at));
        racks.iter().for_each(|rack| unlist(&mut self.by_rack, rack, at));
        Some(waiting)
    }
}

/// A place for which nothing waits is not listed.
fn unlist<K: Ord>(all: &mut BTreeMap<K, BTreeSet<u64>>, key: &K, at: u64) {
    if let Some(waiting) = all.get_mut(key) {
        waiting.remove(&at);
        if waiting.is_empty() {
            all.remove(key);
        }
    }
}

#[cfg(test)]
mod tests;
