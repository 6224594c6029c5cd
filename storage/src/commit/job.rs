//! Names of jobs, as outputs carry them.

use std::sync::atomic::{AtomicU64, Ordering};

const DIGITS: usize = 20;

/// A name that no other job has, later ones sorting after earlier ones: the time in milliseconds, and what differs between
/// jobs of one millisecond.
///
/// ```
/// assert_ne!(rsk_storage::unique_name(), rsk_storage::unique_name());
/// ```
pub fn unique_name() -> String {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let now = std::time::UNIX_EPOCH.elapsed().unwrap_or_default();
    let own =
        [u64::from(std::process::id()), NEXT.fetch_add(1, Ordering::Relaxed), u64::from(now.subsec_nanos())];
    let bytes: Vec<u8> = own.iter().flat_map(|part| part.to_le_bytes()).chain(host().into_bytes()).collect();
    format!("{:012x}{:08x}", now.as_millis() & 0xffff_ffff_ffff, crc32c::crc32c(&bytes))
}

/// What tells this host, as it runs now, from others.
pub(super) fn host() -> String {
    std::fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default()
}

/// Could [`unique_name`] have made it?
pub(super) fn is_name(typed: &str) -> bool {
    typed.len() == DIGITS && typed.bytes().all(|digit| matches!(digit, b'0'..=b'9' | b'a'..=b'f'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_differ_and_are_known_as_names() {
        let names: std::collections::BTreeSet<String> = (0..100).map(|_| unique_name()).collect();
        assert_eq!(names.len(), 100);
        assert!(names.iter().all(|name| is_name(name)), "{names:?}");
        assert!(!is_name("b.0190c0ffee0000000000"));
    }
}
