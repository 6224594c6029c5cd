//! Every partition is computed, whoever of the machines fails meanwhile.

use super::{Violation, holds};
use crate::simulation::World;

const INVARIANT: &str = "every partition is computed";

pub(crate) fn computed(world: &World) -> Result<(), Violation> {
    for (at, driver) in world.drivers.iter().enumerate().filter(|(_, driver)| !driver.is_dead) {
        holds(driver.failed.is_none(), INVARIANT, || format!("driver {at} gave up: {:?}", driver.failed))?;
        holds(driver.jobs.are_done(), INVARIANT, || {
            format!(
                "driver {at} has {} tasks left, and executors {:?}",
                driver.jobs.tasks(),
                driver.core.claims()
            )
        })?;
    }
    Ok(())
}
