//! The output of each partition is committed once: by the attempt that the driver lets do it, and by no other.

use super::{Violation, holds};
use crate::simulation::World;

const INVARIANT: &str = "each partition is committed once";

pub(crate) fn committed(world: &World) -> Result<(), Violation> {
    for (at, driver) in world.drivers.iter().enumerate() {
        for (job, partitions) in driver.jobs.all.iter().enumerate() {
            for (partition, commits) in partitions.commits.iter().enumerate() {
                // A driver that was killed has not committed what it had not yet.
                let is_right = *commits == 1 || (driver.is_dead && *commits == 0);
                holds(is_right, INVARIANT, || {
                    format!("partition {partition} of job {job} of driver {at} was committed {commits} times")
                })?;
            }
        }
    }
    Ok(())
}
