//! The jobs of one driver, one after the other: each is a task set, and what came of each partition.

use rsk::simulation::{Preferred, Site, Sites, Step, TaskSetCore, Tries};
use rsk_proto::{ExecutorId, PartitionId, TaskError, TaskId, Time};
use std::{collections::BTreeSet, time::Duration};

/// Machines fail as often as they like here: that is not what is tested.
const ATTEMPTS_MAX: u32 = u32::MAX;

#[derive(Debug)]
pub(crate) struct Job {
    begins: Time,
    pub(crate) partitions: u32,
    /// How often the output of each partition was committed.
    pub(crate) commits: Vec<u32>,
    set: Option<TaskSetCore>,
}

/// The jobs of one driver.
#[derive(Debug)]
pub(crate) struct Jobs {
    pub(crate) all: Vec<Job>,
    attempts: u32,
    /// The executors that have asked for tasks.
    sites: Sites,
    known: BTreeSet<ExecutorId>,
    /// The first job that is not done.
    working: Option<usize>,
    /// Executors that get nothing any more.
    pub(crate) leaving: BTreeSet<ExecutorId>,
}

impl Jobs {
    /// Jobs of so many partitions that begin then, at the earliest.
    pub(crate) fn new(jobs: impl IntoIterator<Item = (Time, u32)>) -> Self {
        let job = |(begins, partitions): (Time, u32)| {
            let commits = (0..partitions).map(|_| 0).collect();
            Job { begins, partitions, commits, set: None }
        };
        Jobs {
            all: jobs.into_iter().map(job).collect(),
            attempts: 0,
            sites: Sites::default(),
            known: BTreeSet::new(),
            working: None,
            leaving: BTreeSet::new(),
        }
    }

    pub(crate) fn begin(&mut self, now: Time) {
        self.current();
        if let Some(job) = self.working.and_then(|at| self.all.get_mut(at))
            && job.set.is_none()
            && job.begins <= now
        {
            let all = (0..job.partitions).map(PartitionId);
            let locality_wait = Duration::from_secs(3);
            let tries = Tries {
                attempts_max: ATTEMPTS_MAX,
                locality_wait,
                has_speculation: false,
                has_exclusion: true,
            };
            job.set = Some(TaskSetCore::new(all, Preferred::new(), tries, &self.sites, now));
        }
    }

    fn current(&mut self) -> Option<&mut Job> {
        self.working = self.all.iter().position(|job| !job.set.as_ref().is_some_and(TaskSetCore::is_over));
        self.working.and_then(|at| self.all.get_mut(at))
    }

    pub(crate) fn are_done(&self) -> bool {
        self.all.iter().all(|job| job.set.as_ref().is_some_and(TaskSetCore::is_over))
    }

    /// How many tasks wait or run.
    pub(crate) fn tasks(&self) -> usize {
        self.all.iter().filter_map(|job| job.set.as_ref()).map(TaskSetCore::left).sum()
    }

    pub(crate) fn take(&mut self, place: ExecutorId, now: Time) -> Option<(PartitionId, u32)> {
        if self.leaving.contains(&place) {
            return None;
        }
        let task = TaskId(u64::from(self.attempts) + 1);
        if self.known.insert(place) {
            self.sites.join(place, Site::host(&place.to_string()));
            self.settle(now);
        }
        self.current();
        let set = self.all.get_mut(self.working?)?.set.as_mut()?;
        let (partition, _) = set.take_launchable(task, place, &self.sites, now)?;
        self.attempts += 1;
        Some((partition, self.attempts))
    }

    /// The result of the attempt that is known to run is there: it is the one that may be committed.
    pub(crate) fn done(&mut self, partition: PartitionId, attempt: u32, now: Time) {
        self.current();
        let set = self.working.and_then(|at| self.all.get_mut(at)).and_then(|job| job.set.as_mut());
        let step = set.map(|set| set.ended(TaskId(attempt.into()), Ok(()), &self.sites, now));
        if matches!(step, Some(Step::Succeeded { .. })) {
            self.commit(partition);
        }
    }

    pub(crate) fn commit(&mut self, partition: PartitionId) {
        let job = self.working.and_then(|at| self.all.get_mut(at));
        let at = usize::try_from(partition.0).ok();
        if let Some(commits) = job.zip(at).and_then(|(job, at)| job.commits.get_mut(at)) {
            *commits += 1;
        }
    }

    pub(crate) fn lost(&mut self, attempt: u32, now: Time) {
        self.current();
        let set = self.working.and_then(|at| self.all.get_mut(at)).and_then(|job| job.set.as_mut());
        if let Some(set) = set {
            let lost = TaskError::Lost("its executor is gone".to_owned());
            set.ended(TaskId(attempt.into()), Err(lost), &self.sites, now);
        }
    }

    pub(crate) fn forget_place(&mut self, place: ExecutorId, now: Time) {
        self.known.remove(&place);
        self.sites.leave(place);
        if let Some(set) = self.current().and_then(|job| job.set.as_mut()) {
            set.forget_place(place);
        }
        self.settle(now);
    }

    fn settle(&mut self, now: Time) {
        let sets = self.all.iter_mut().filter_map(|job| job.set.as_mut());
        sets.for_each(|set| set.settle(&self.sites, now));
    }
}
