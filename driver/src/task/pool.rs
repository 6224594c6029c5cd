//! Whose turn it is when a slot is free: jobs first come first served, or pools by their shares. Pure.

use rsk_proto::{JobId, StageId};
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

/// The candidate whose turn it is. `running` counts the tasks of each pool.
///
/// Source: Spark's fair scheduling algorithm: pools below their minimum first, by how far below; then by running tasks
/// over weight; then by name.
pub(crate) fn choose<'a>(
    order: JobOrder,
    shares: &BTreeMap<String, PoolShare>,
    running: &BTreeMap<String, u32>,
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
            standing(a.pool, shares, running)
                .total_cmp(&standing(b.pool, shares, running))
                .then(a.pool.cmp(b.pool))
        };
        pools.then_with(|| first_come(a).cmp(&first_come(b)))
    })
}

/// The lower, the sooner it is a pool's turn: below zero under its minimum, above by its weight.
fn standing(pool: &str, shares: &BTreeMap<String, PoolShare>, running: &BTreeMap<String, u32>) -> f64 {
    let PoolShare { weight, slots_min } = shares.get(pool).copied().unwrap_or_default();
    let running = running.get(pool).copied().unwrap_or(0);
    if running < slots_min {
        return f64::from(running) / f64::from(slots_min) - 1.0;
    }
    f64::from(running) / f64::from(weight.max(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn candidate(job: u64, pool: &str) -> Candidate<'_> {
        Candidate { stage: StageId(job), attempt: 0, job: JobId(job), pool }
    }

    /// Gives so many slots one after another and says how many each pool got.
    fn share_out(order: JobOrder, shares: &BTreeMap<String, PoolShare>, slots: u32) -> BTreeMap<String, u32> {
        let mut running = BTreeMap::new();
        for _ in 0..slots {
            let all = [candidate(1, "batch"), candidate(2, "batch"), candidate(3, "live")];
            let chosen = choose(order, shares, &running, all.into_iter()).unwrap();
            *running.entry(chosen.pool.to_owned()).or_insert(0) += 1;
        }
        running
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
