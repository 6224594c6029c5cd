//! What holds whatever happens, one property a file.

mod offered_once;
mod sums;
mod executors_end;
mod epochs_rise;

pub(super) use epochs_rise::epochs_rise;
pub(super) use executors_end::executors_end;
pub(super) use offered_once::offered_once;
pub(super) use sums::sums;
