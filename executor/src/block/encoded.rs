//! Records held in memory as encoded bytes.

use super::{section::SectionWriter, slots::Resident};
use crate::memory::{Reservation, uncounted};
use rsk_proto::TaskError;
use std::sync::Arc;

/// The sections of one block, with the bytes that they take of the budget.
pub(crate) struct Encoded {
    sections: Vec<Vec<u8>>,
    reservation: Reservation,
}

impl Encoded {
    pub(crate) fn new(sections: Vec<Vec<u8>>, reservation: Reservation) -> Arc<Self> {
        Arc::new(Encoded { sections, reservation })
    }

    /// A copy of one section.
    pub(crate) fn section(&self, number: usize) -> Option<Vec<u8>> {
        self.sections.get(number).cloned()
    }

    /// The block, if it is held like this.
    pub(crate) fn of(block: Arc<dyn Resident>) -> Option<Arc<Self>> {
        let block: Arc<dyn std::any::Any + Send + Sync> = block;
        block.downcast().ok()
    }
}

impl Drop for Encoded {
    fn drop(&mut self) {
        let sections = std::mem::take(&mut self.sections);
        uncounted(|| drop(sections));
    }
}

impl Resident for Encoded {
    fn reservation(&self) -> &Reservation {
        &self.reservation
    }

    fn write(&self, to: &mut SectionWriter) -> Result<(), TaskError> {
        // An empty one would end the block.
        self.sections.iter().filter(|section| !section.is_empty()).try_for_each(|section| to.section(section))
    }
}
