//! Whose turn it is when a slot is free: jobs first come first served, or pools by their shares. Pure.

use rsk_proto::{JobId, StageId, TaskId};
use std::collections::BTreeMap;

/// How jobs share the slots.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum JobOrder {
    /// The earliest job first; later ones get what it cannot use.
    #[default]
    Fifo,
    /// Pools by their shares; inside a pool the earliest job first.
    Fair,
}

/// The share of one pool.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PoolShare {
    /// Slots it gets, relative to others. At least 1.
    pub weight: u32,
    /// Slots it gets before others get more than theirs.
    pub slots_min: u32,
}

impl Default for PoolShare {
    fn default() -> Self {
        PoolShare { weight: 1, slots_min: 0 }
    }
}

/// A task set that has something to launch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Candidate<'a> {
    pub(crate) stage: StageId,
    pub(crate) attempt: u32,
    pub(crate) job: JobId,
    pub(crate) pool: &'a str,
}

/// What a pool has of the slots.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct PoolUse {
    /// Its tasks that run.
    running: u32,
    /// The task it launched last; tasks are numbered in the order of their launch.
    last_launch: TaskId,
}

/// What all pools have.
#[derive(Debug, Default)]
pub(crate) struct PoolUses(BTreeMap<String, PoolUse>);

impl PoolUses {
    /// A pool launches a task.
    pub(crate) fn launch(&mut self, pool: &str, task: TaskId) {
        if !self.0.contains_key(pool) {
            self.0.insert(pool.to_owned(), PoolUse::default());
        }
        if let Some(used) = self.0.get_mut(pool) {
            *used = PoolUse { running: used.running + 1, last_launch: task };
        }
    }

    /// Tasks of a pool have ended, or do not count any more.
    pub(crate) fn leave(&mut self, pool: &str, tasks: usize) {
        if let Some(used) = self.0.get_mut(pool) {
            used.running = used.running.saturating_sub(u32::try_from(tasks).unwrap_or(u32::MAX));
        }
    }
}

/// The candidate whose turn it is. `uses` says what each pool has.
///
/// Source: Spark's fair scheduling algorithm: pools below their minimum first, by how far below; then by running tasks
/// over weight. Then, where Spark goes by name and a single slot would serve one pool alone: who waited longest.
pub(crate) fn choose<'a>(
    order: JobOrder,
    shares: &BTreeMap<String, PoolShare>,
    PoolUses(uses): &PoolUses,
    candidates: impl Iterator<Item = Candidate<'a>>,
) -> Option<Candidate<'a>> {
    let first_come = |candidate: &Candidate<'_>| (candidate.job, candidate.stage, candidate.attempt);
    if order == JobOrder::Fifo {
        return candidates.min_by_key(first_come);
    }
    candidates.min_by(|a, b| {
        let pools = if a.pool == b.pool {
            std::cmp::Ordering::Equal
        } else {
            let used = |pool: &str| uses.get(pool).copied().unwrap_or_default();
            let (of_a, of_b) = (used(a.pool), used(b.pool));
            standing(a.pool, shares, of_a)
                .total_cmp(&standing(b.pool, shares, of_b))
                .then(of_a.last_launch.cmp(&of_b.last_launch))
                .then(a.pool.cmp(b.pool))
        };
        pools.then_with(|| first_come(a).cmp(&first_come(b)))
    })
}

/// The lower, the sooner it is a pool's turn: below zero under its minimum, above by its weight.
fn standing(pool: &str, shares: &BTreeMap<String, PoolShare>, used: PoolUse) -> f64 {
    let PoolShare { weight, slots_min } = shares.get(pool).copied().unwrap_or_default();
    if used.running < slots_min {
        return f64::from(used.running) / f64::from(slots_min) - 1.0;
    }
    f64::from(used.running) / f64::from(weight.max(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn candidate(job: u64, pool: &'static str) -> Candidate<'static> {
        Candidate { stage: StageId(job), attempt: 0, job: JobId(job), pool }
    }

    fn chosen(order: JobOrder, shares: &BTreeMap<String, PoolShare>, uses: &PoolUses) -> &'static str {
        let all = [candidate(1, "batch"), candidate(2, "batch"), candidate(3, "live")];
        choose(order, shares, uses, all.into_iter()).unwrap().pool
    }

    /// Gives so many slots one after another and says how many each pool got.
    fn share_out(order: JobOrder, shares: &BTreeMap<String, PoolShare>, slots: u64) -> BTreeMap<String, u32> {
        let mut uses = PoolUses::default();
        (1..=slots).for_each(|launch| uses.launch(chosen(order, shares, &uses), TaskId(launch)));
        uses.0.into_iter().map(|(pool, used)| (pool, used.running)).collect()
    }

    #[test]
    fn pools_take_turns_at_a_single_slot() {
        let mut uses = PoolUses::default();
        let turns = (1..=4).map(|launch| {
            let pool = chosen(JobOrder::Fair, &BTreeMap::new(), &uses);
            uses.launch(pool, TaskId(launch));
            uses.leave(pool, 1);
            pool
        });
        assert_eq!(turns.collect::<Vec<_>>(), ["batch", "live", "batch", "live"]);
    }

    fn share(weight: u32, slots_min: u32) -> PoolShare {
        PoolShare { weight, slots_min }
    }

    #[test]
    fn the_earliest_job_takes_all_in_fifo_order() {
        assert_eq!(share_out(JobOrder::Fifo, &BTreeMap::new(), 8), BTreeMap::from([("batch".to_owned(), 8)]));
    }

    #[test]
    fn pools_share_by_weight_after_their_minimum() {
        for (batch, live, expected) in [
            (share(1, 0), share(1, 0), (4, 4)),
            (share(1, 0), share(3, 0), (2, 6)),
            (share(9, 0), share(1, 3), (5, 3)),
        ] {
            let shares = BTreeMap::from([("batch".to_owned(), batch), ("live".to_owned(), live)]);
            let got = share_out(JobOrder::Fair, &shares, 8);
            assert_eq!((got["batch"], got["live"]), expected, "{shares:?}");
        }
    }
}
