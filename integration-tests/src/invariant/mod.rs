//! What must hold whatever fails: one property a file.

mod resources;
mod sums;
mod computed;
mod committed;
mod epochs;
mod ended;
mod views;

pub(crate) use committed::committed;
pub(crate) use computed::computed;
pub(crate) use ended::Ended;
pub(crate) use epochs::Epochs;
pub(crate) use resources::{ResourcesUsed, offered_once};
pub(crate) use sums::sums;
pub(crate) use views::Views;

use std::fmt;

/// Something does not hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// What must hold.
    pub invariant: &'static str,
    /// What was seen.
    pub seen: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.invariant, self.seen)
    }
}

impl std::error::Error for Violation {}

/// It holds, or this was seen.
pub(crate) fn holds(
    is_so: bool,
    invariant: &'static str,
    seen: impl FnOnce() -> String,
) -> Result<(), Violation> {
    if is_so { Ok(()) } else { Err(Violation { invariant, seen: seen() }) }
}

/// Tells one who replays a seed what happens.
#[expect(clippy::print_stderr, reason = "that is what it was asked for")]
pub(crate) fn tell(line: &str) {
    eprintln!("{line}");
}
