//! Epochs never fall: each subscription of a framework has a greater one, and no agent starts what an earlier one ordered
//! after what a later one did.

use super::{Violation, holds};
use rsk_proto::{ExecutorSpec, FrameworkEpoch, FrameworkId};
use std::collections::BTreeMap;

const INVARIANT: &str = "epochs never fall";

/// The greatest epochs seen.
#[derive(Debug, Default)]
pub(crate) struct Epochs {
    heard: BTreeMap<FrameworkId, (usize, FrameworkEpoch)>,
    started: BTreeMap<(usize, FrameworkId), FrameworkEpoch>,
}

impl Epochs {
    /// A driver hears that it is subscribed.
    pub(crate) fn heard(
        &mut self,
        driver: usize,
        framework: FrameworkId,
        epoch: FrameworkEpoch,
    ) -> Result<(), Violation> {
        let last = self.heard.insert(framework, (driver, epoch));
        let is_right = last.is_none_or(|(known, last)| known == driver && last < epoch);
        holds(is_right, INVARIANT, || format!("driver {driver} is {framework} in {epoch}, after {last:?}"))
    }

    /// An agent carries an order out.
    pub(crate) fn started(&mut self, machine: usize, spec: &ExecutorSpec) -> Result<(), Violation> {
        let last = self.started.insert((machine, spec.framework), spec.epoch);
        holds(last.is_none_or(|last| last <= spec.epoch), INVARIANT, || {
            format!("machine {machine} starts {} of {} after one of {last:?}", spec.key(), spec.epoch)
        })
    }
}
