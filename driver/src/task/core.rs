//! Which partition to try next, and when to give up. Pure: no clock, no threads, no I/O.

use super::{
    exclude::{Excluded, Failures},
    locality::{Pending, Preference},
    site::{Name, Sites},
};
use rsk_proto::{ExecutorId, Next, PartitionId, TaskError, TaskId, Time};
use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

/// Where the data of which partition is.
pub type Preferred = BTreeMap<PartitionId, Vec<Preference>>;

/// What the end of one attempt leads to.
#[derive(Debug, PartialEq)]
pub enum Step {
    /// It is not known to run: another has done its partition, or it has ended before.
    Unknown,
    /// Nothing: nobody needs its partition any more, or another attempt at it runs.
    Continue,
    /// Its partition is in line again.
    Retry,
    /// It succeeded: its output may be wanted, and these other attempts at the same partition are not any more.
    Succeeded {
        /// They are to be stopped.
        superfluous: Vec<TaskId>,
    },
    /// Output that it reads is gone.
    RerunParent(TaskError),
    /// Trying again cannot help, or has been tried often enough.
    GiveUp {
        /// How often the partition was tried.
        attempts: u32,
        /// Why the last try failed.
        error: TaskError,
    },
}

/// How tries are made.
#[derive(Debug, Clone, Copy)]
pub struct Tries {
    /// At least one attempt at each partition.
    pub attempts_max: u32,
    /// Data that is held somewhere is waited for so long, at each level of nearness.
    pub locality_wait: Duration,
    /// Whether stragglers are tried a second time while they run.
    pub has_speculation: bool,
    /// Whether executors are excluded at which tasks fail: where others can be had.
    pub has_exclusion: bool,
}

/// Speculation begins when so many of ten partitions are done.
const DONE_OF_TEN: usize = 9;
/// A straggler runs for more than so many times the median.
const MEDIANS: u32 = 3;
/// And for more than this.
const STRAGGLES_FROM: Duration = Duration::from_millis(100);

/// The missing partitions of one stage, submitted together, and the tries at each.
#[derive(Debug)]
pub struct TaskSetCore {
    tries: Tries,
    partitions: usize,
    preferred: Preferred,
    pending: Pending,
    running: BTreeMap<TaskId, Attempt>,
    tried: BTreeMap<PartitionId, u32>,
    failures: Failures,
    /// Partitions that run and are pending a second time.
    copies: BTreeSet<PartitionId>,
    /// How long attempts ran that succeeded; kept where there is speculation.
    ran: Vec<Duration>,
    is_retired: bool,
}

#[derive(Debug, Clone)]
struct Attempt {
    partition: PartitionId,
    place: ExecutorId,
    host: Option<Name>,
    since: Time,
}

impl TaskSetCore {
    /// A set in which nothing has been tried.
    pub fn new(
        partitions: impl IntoIterator<Item = PartitionId>,
        preferred: Preferred,
        tries: Tries,
        sites: &Sites,
        now: Time,
    ) -> Self {
        let mut set = TaskSetCore {
            tries,
            partitions: 0,
            preferred,
            pending: Pending::new(tries.locality_wait, now),
            running: BTreeMap::new(),
            tried: BTreeMap::new(),
            failures: Failures::new(tries.has_exclusion),
            copies: BTreeSet::new(),
            ran: Vec::new(),
            is_retired: false,
        };
        partitions.into_iter().for_each(|partition| set.push(partition, None, sites));
        set.partitions = set.pending.len();
        set.failures.settle(sites, now);
        set
    }

    fn push(&mut self, partition: PartitionId, avoids: Option<ExecutorId>, sites: &Sites) {
        let wants = self.preferred.get(&partition).cloned().unwrap_or_default();
        // Where it failed it is not local any more.
        let is_good = |want: &Preference| match want {
            Preference::Executor(place) => {
                avoids != Some(*place) && !self.failures.has_failed(partition, *place)
            }
            Preference::Host(_) => true,
        };
        self.pending.push(partition, wants.into_iter().filter(is_good).collect(), avoids, sites);
    }

    /// Has it something to launch on this executor?
    pub fn is_launchable(&self, place: ExecutorId, sites: &Sites, now: Time) -> bool {
        let may = |partition| self.failures.may_run(partition, place, sites, now);
        self.failures.is_open(place, sites, now) && self.pending.has_for(place, sites, may, now)
    }

    /// The partition to try next on this executor, as `task`, and how often it failed before.
    pub fn take_launchable(
        &mut self,
        task: TaskId,
        place: ExecutorId,
        sites: &Sites,
        now: Time,
    ) -> Option<(PartitionId, u32)> {
        if !self.failures.is_open(place, sites, now) {
            return None;
        }
        let may = |partition| self.failures.may_run(partition, place, sites, now);
        let partition = self.pending.take(place, sites, may, now)?;
        self.copies.remove(&partition);
        let host = sites.of(place).map(|site| site.host.clone());
        self.running.insert(task, Attempt { partition, place, host, since: now });
        Some((partition, self.tried.get(&partition).copied().unwrap_or(0)))
    }

    /// When what waits for a better executor may go to another.
    pub fn wake_at(&self, now: Time) -> Option<Time> {
        if self.pending.is_empty() {
            return None;
        }
        let opens = self.failures.wake_at().filter(|at| *at > now);
        self.pending.wake_at(now).into_iter().chain(opens).min()
    }

    /// Executors have come or gone, or the application does without others than before.
    pub fn settle(&mut self, sites: &Sites, now: Time) {
        self.pending.settle(sites, now);
        self.failures.settle(sites, now);
    }

    /// An executor has gone with what it held.
    pub fn forget_place(&mut self, place: ExecutorId) {
        let is_other = |want: &Preference| *want != Preference::Executor(place);
        self.preferred.values_mut().for_each(|wants| wants.retain(is_other));
    }

    /// Whom it does without while it has something to launch, and why.
    pub(crate) fn excluded(&self) -> Option<&BTreeMap<Excluded, String>> {
        (!self.pending.is_empty()).then(|| self.failures.excluded())
    }

    /// What failed in it, when all has succeeded.
    pub(crate) fn into_failures(self) -> Option<Failures> {
        (!self.is_retired).then_some(self.failures)
    }

    /// Another attempt has done this partition.
    pub fn skip(&mut self, partition: PartitionId) {
        self.pending.skip(partition);
        self.copies.remove(&partition);
    }

    /// Launches no more; what runs may finish.
    pub fn retire(&mut self) {
        self.is_retired = true;
        self.pending.clear();
        self.copies.clear();
    }

    /// Nothing runs and nothing is to be launched.
    pub fn is_over(&self) -> bool {
        self.running.is_empty() && self.pending.is_empty()
    }

    /// How many partitions have not succeeded here.
    pub fn left(&self) -> usize {
        let running: BTreeSet<_> = self.running.values().map(|attempt| attempt.partition).collect();
        self.pending.len() - self.copies.len() + running.len()
    }

    /// How many tasks run.
    pub fn running(&self) -> usize {
        self.running.len()
    }

    /// Those that run: each with its partition, how often that failed before, where it is, and since when.
    pub fn attempts(&self) -> impl Iterator<Item = (TaskId, PartitionId, u32, ExecutorId, Time)> {
        self.running.iter().map(|(task, Attempt { partition, place, since, .. })| {
            (*task, *partition, self.tried.get(partition).copied().unwrap_or(0), *place, *since)
        })
    }

    /// Puts partitions whose only attempt takes much longer than others did in line for another executor.
    ///
    /// Source: Spark's speculation, with its thresholds: nine tenths done, three medians.
    pub fn speculate(&mut self, sites: &Sites, now: Time) {
        let done = self.partitions.saturating_sub(self.left());
        if !self.tries.has_speculation || self.is_retired || done * 10 < self.partitions * DONE_OF_TEN {
            return;
        }
        let middle = self.ran.len() / 2;
        let Some((_, median, _)) = (!self.ran.is_empty()).then(|| self.ran.select_nth_unstable(middle))
        else {
            return;
        };
        let limit = (*median * MEDIANS).max(STRAGGLES_FROM);
        let straggles = |attempt: &&Attempt| now.since(attempt.since) > limit;
        let stragglers: Vec<Attempt> = self.running.values().filter(straggles).cloned().collect();
        for Attempt { partition, place, .. } in stragglers {
            let attempts = self.running.values().filter(|attempt| attempt.partition == partition).count();
            if attempts == 1 && self.copies.insert(partition) {
                self.push(partition, Some(place), sites);
            }
        }
    }

    /// Folds the end of one attempt.
    pub fn ended(&mut self, task: TaskId, outcome: Result<(), TaskError>, sites: &Sites, now: Time) -> Step {
        let Some(Attempt { partition, place, host, since }) = self.running.remove(&task) else {
            return Step::Unknown;
        };
        let Err(error) = outcome else {
            if self.tries.has_speculation {
                self.ran.push(now.since(since));
            }
            self.skip(partition);
            let others = self.running.iter().filter(|(_, attempt)| attempt.partition == partition);
            let superfluous: Vec<TaskId> = others.map(|(task, _)| *task).collect();
            self.running.retain(|_, attempt| attempt.partition != partition);
            return Step::Succeeded { superfluous };
        };
        let is_tried = self.running.values().any(|attempt| attempt.partition == partition);
        match error.next() {
            _ if self.is_retired => Step::Continue,
            Next::Ignore => self.try_again(partition, is_tried, sites),
            Next::RerunParent => Step::RerunParent(error),
            next => {
                let tried = self.tried.entry(partition).or_insert(0);
                *tried += 1;
                if next == Next::Retry && *tried < self.tries.attempts_max.max(1) {
                    if let Some(host) = host {
                        self.failures.add(partition, place, &host, &error);
                        self.failures.settle(sites, now);
                    }
                    return self.try_again(partition, is_tried, sites);
                }
                Step::GiveUp { attempts: *tried, error }
            }
        }
    }

    /// An attempt has not begun where it was sent, and will not: its partition is in line again. False when it is not
    /// known to run.
    pub fn give_back(&mut self, task: TaskId, sites: &Sites) -> bool {
        let Some(Attempt { partition, .. }) = self.running.remove(&task) else { return false };
        let is_tried = self.running.values().any(|attempt| attempt.partition == partition);
        if !self.is_retired {
            self.try_again(partition, is_tried, sites);
        }
        true
    }

    /// How many partitions are in line.
    pub fn waiting(&self) -> usize {
        self.pending.len()
    }

    /// Unless another attempt at the partition runs, or is in line.
    fn try_again(&mut self, partition: PartitionId, is_tried: bool, sites: &Sites) -> Step {
        if is_tried {
            return Step::Continue;
        }
        if self.copies.remove(&partition) {
            // It is not a copy any more: where the other one was may be the only place.
            self.pending.skip(partition);
        }
        self.push(partition, None, sites);
        Step::Retry
    }
}

#[cfg(test)]
mod tests;
