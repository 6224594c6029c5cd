//! Where tasks failed, and which executors and hosts are done without for that. Pure.
//!
//! Source: Spark's `excludeOnFailure`, with its thresholds: two failed partitions exclude an executor from a stage, two
//! excluded executors their host; two failures in stages that succeeded elsewhere exclude an executor from the whole
//! application for a while, and two such executors their host.

use super::site::{Name, Site, Sites};
use rsk_proto::{ExecutorId, PartitionId, TaskError, Time};
use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

/// Partitions that failed at an executor until it is excluded.
const PARTITIONS_MAX: usize = 2;
/// Excluded executors of a host until all of it is.
const EXECUTORS_MAX: usize = 2;
/// Executors of one host at which a partition fails until it goes to other hosts.
const TRIES_A_HOST: usize = 2;

/// What one executor's tasks failed of.
#[derive(Debug)]
struct Failed {
    host: Name,
    partitions: BTreeSet<PartitionId>,
    /// Of the last one.
    why: String,
}

/// Where every executor is excluded, another one is waited for so long before they are used after all.
const ELSEWHERE_WITHIN: Duration = Duration::from_secs(5);

/// The failures of one task set.
#[derive(Debug, Default)]
pub(crate) struct Failures {
    /// Whether executors are excluded, which only makes sense where others can be had.
    excludes: bool,
    by_partition: BTreeMap<PartitionId, Vec<(ExecutorId, Name)>>,
    /// Those that may say something of the place.
    by_executor: BTreeMap<ExecutorId, Failed>,
    excluded: BTreeMap<Excluded, String>,
    /// While every executor is excluded: when they are used after all.
    waived_at: Option<Time>,
}

/// Who is done without.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Excluded {
    Executor(ExecutorId),
    Host(Name),
}

/// How bad a place an executor is for a partition that failed there: the less the better.
fn rank(tries: &[(ExecutorId, Name)], executor: ExecutorId, site: &Site) -> (usize, usize) {
    let on_host = tries.iter().filter(|(_, host)| *host == site.host).count();
    let here = tries.iter().filter(|(tried, _)| *tried == executor).count();
    (on_host / TRIES_A_HOST, here)
}

/// Does it say something of the place that an attempt failed like this? An executor that died says it by being gone.
fn is_of_place(error: &TaskError) -> bool {
    !matches!(error, TaskError::Lost(_))
}

impl Failures {
    pub(super) fn new(excludes: bool) -> Self {
        Failures { excludes, ..Failures::default() }
    }

    /// An attempt that counts has failed.
    pub(super) fn add(
        &mut self,
        partition: PartitionId,
        executor: ExecutorId,
        host: &Name,
        error: &TaskError,
    ) {
        self.by_partition.entry(partition).or_default().push((executor, host.clone()));
        if self.excludes && is_of_place(error) {
            let new = || Failed { host: host.clone(), partitions: BTreeSet::new(), why: String::new() };
            let failed = self.by_executor.entry(executor).or_insert_with(new);
            failed.partitions.insert(partition);
            failed.why = error.to_string();
            self.exclude();
        }
    }

    /// Executors have come, gone, failed or been excluded: is there one left?
    pub(super) fn settle(&mut self, sites: &Sites, now: Time) {
        let mut all = sites.all();
        let is_one_left = !self.excludes || all.any(|(executor, site)| !self.bars(executor, site, sites));
        self.waived_at = match self.waived_at {
            _ if is_one_left => None,
            // Nobody is elsewhere, and what fails here would say no more of the place.
            _ if sites.len() <= 1 => Some(now),
            Some(at) => Some(at),
            None => Some(now + ELSEWHERE_WITHIN),
        };
    }

    fn bars(&self, executor: ExecutorId, site: &Site, sites: &Sites) -> bool {
        sites.is_excluded(executor) || bars(&self.excluded, executor, site)
    }

    /// May an executor have tasks of this set?
    pub(super) fn is_open(&self, executor: ExecutorId, sites: &Sites, now: Time) -> bool {
        let is_barred = || sites.of(executor).is_some_and(|site| self.bars(executor, site, sites));
        !self.excludes || self.waived_at.is_some_and(|at| at <= now) || !is_barred()
    }

    /// When it will open.
    pub(super) fn wake_at(&self) -> Option<Time> {
        self.waived_at
    }

    /// May a partition be tried at this executor? Not while another is open at which it failed less often.
    pub(super) fn may_run(
        &self,
        partition: PartitionId,
        executor: ExecutorId,
        sites: &Sites,
        now: Time,
    ) -> bool {
        let Some(tries) = self.by_partition.get(&partition) else { return true };
        let Some(site) = sites.of(executor) else { return true };
        let own = rank(tries, executor, site);
        !sites.all().any(|(other, site)| rank(tries, other, site) < own && self.is_open(other, sites, now))
    }

    /// Did the partition fail there?
    pub(super) fn has_failed(&self, partition: PartitionId, executor: ExecutorId) -> bool {
        let tries = self.by_partition.get(&partition);
        tries.is_some_and(|tries| tries.iter().any(|(tried, _)| *tried == executor))
    }

    /// Those that the stage does without, and why.
    pub(crate) fn excluded(&self) -> &BTreeMap<Excluded, String> {
        &self.excluded
    }

    fn exclude(&mut self) {
        let bad = self.by_executor.iter().filter(|(_, failed)| failed.partitions.len() >= PARTITIONS_MAX);
        let why = |failed: &Failed| {
            format!(
                "{} of its partitions failed there, the last because: {}",
                failed.partitions.len(),
                failed.why
            )
        };
        self.excluded = with_hosts(bad.map(|(executor, failed)| (*executor, &failed.host, why(failed))));
    }

    /// For the whole application, once all partitions have succeeded.
    fn into_executors(self) -> impl Iterator<Item = (ExecutorId, Failed)> {
        self.by_executor.into_iter()
    }
}

/// These executors, and the hosts of which several are among them.
fn with_hosts<'a>(
    executors: impl Iterator<Item = (ExecutorId, &'a Name, String)>,
) -> BTreeMap<Excluded, String> {
    let (mut all, mut hosts) = (BTreeMap::new(), BTreeMap::<&Name, usize>::new());
    for (executor, host, why) in executors {
        *hosts.entry(host).or_default() += 1;
        all.insert(Excluded::Executor(executor), why);
    }
    for (host, executors) in hosts.into_iter().filter(|(_, executors)| *executors >= EXECUTORS_MAX) {
        let why = format!("{executors} of its executors are excluded");
        all.insert(Excluded::Host(host.clone()), why);
    }
    all
}

/// Is this executor among them, or its host?
pub(crate) fn bars(excluded: &BTreeMap<Excluded, String>, executor: ExecutorId, site: &Site) -> bool {
    !excluded.is_empty()
        && (excluded.contains_key(&Excluded::Executor(executor))
            || excluded.contains_key(&Excluded::Host(site.host.clone())))
}

/// What the whole application does without, for a while.
#[derive(Debug)]
pub(crate) struct Exclusions {
    timeout: Duration,
    /// Failures in stages that succeeded elsewhere, each with when it is forgotten.
    failures: BTreeMap<ExecutorId, (Name, Vec<Time>, String)>,
    excluded: BTreeMap<ExecutorId, Exclusion>,
    /// Since when tasks have waited without any executor.
    alone_since: Option<Time>,
}

#[derive(Debug)]
struct Exclusion {
    host: Name,
    until: Time,
    why: String,
}

impl Exclusions {
    /// Nothing is excluded yet; what will be is so for `timeout`.
    pub(crate) fn new(timeout: Duration) -> Self {
        Exclusions { timeout, failures: BTreeMap::new(), excluded: BTreeMap::new(), alone_since: None }
    }

    /// A task set has succeeded: what failed in it failed for its place.
    pub(crate) fn succeeded(&mut self, failures: Failures, now: Time) {
        let until = now + self.timeout;
        for (executor, Failed { host, partitions, why }) in failures.into_executors() {
            let (_, times, last) =
                self.failures.entry(executor).or_insert_with(|| (host.clone(), Vec::new(), String::new()));
            times.retain(|end| *end > now);
            times.extend(partitions.iter().map(|_| until));
            *last = why;
            if times.len() >= PARTITIONS_MAX {
                let why = format!(
                    "{} tasks failed there and succeeded elsewhere, the last because: {last}",
                    times.len()
                );
                self.excluded.insert(executor, Exclusion { host, until, why });
                self.failures.remove(&executor);
            }
        }
    }

    /// Forgets what has been excluded for long enough.
    pub(crate) fn expire(&mut self, now: Time) {
        self.excluded.retain(|_, exclusion| exclusion.until > now);
        self.failures.retain(|_, (_, times, _)| times.iter().any(|end| *end > now));
    }

    /// Do tasks wait without any executor? Where that lasts, nobody else can be had, and all are used again: then it says
    /// so.
    pub(crate) fn look(&mut self, is_alone: bool, now: Time) -> bool {
        let since = *self.alone_since.get_or_insert(now);
        if !is_alone || self.excluded.is_empty() {
            self.alone_since = None;
            return false;
        }
        let has_lasted = now.since(since) >= ELSEWHERE_WITHIN;
        if has_lasted {
            self.excluded.clear();
            self.alone_since = None;
        }
        has_lasted
    }

    /// When the next one is forgotten.
    pub(crate) fn wake_at(&self) -> Option<Time> {
        self.excluded.values().map(|exclusion| exclusion.until).min()
    }

    /// All of them, those included that have gone: their hosts are what they were.
    pub(crate) fn excluded(&self) -> BTreeMap<Excluded, String> {
        with_hosts(self.excluded.iter().map(|(executor, it)| (*executor, &it.host, it.why.clone())))
    }
}

#[cfg(test)]
mod tests;
