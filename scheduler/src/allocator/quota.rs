//! How much a role may hold.

use rsk_proto::Resources;

/// What is left of some resources when a role that holds so much stays within its limit. Amounts that are zero in the
/// limit, and ports, are not limited.
pub(super) fn within(limit: &Resources, held: &Resources, wanted: &Resources) -> Resources {
    let least = |limit: u64, held: u64, wanted: u64| {
        if limit == 0 { wanted } else { wanted.min(limit.saturating_sub(held)) }
    };
    let mut named_milli = wanted.named_milli.clone();
    for (name, wanted) in &mut named_milli {
        *wanted = least(limit.named(name), held.named(name), *wanted);
    }
    named_milli.retain(|_, amount| *amount > 0);
    Resources {
        cpus_milli: least(limit.cpus_milli, held.cpus_milli, wanted.cpus_milli),
        memory_bytes: least(limit.memory_bytes, held.memory_bytes, wanted.memory_bytes),
        disk_bytes: least(limit.disk_bytes, held.disk_bytes, wanted.disk_bytes),
        ports: wanted.ports.clone(),
        named_milli,
    }
}

/// Whether a role that holds so much is within a limit.
pub(crate) fn is_within(limit: &Resources, held: &Resources) -> bool {
    within(limit, &Resources::default(), held) == *held
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_in_a_limit_is_not_limited() {
        for (limit, held, wanted, left) in [
            ("cpus:4", "cpus:1;mem:100", "cpus:8;mem:9000", "cpus:3;mem:9000"),
            ("cpus:4", "cpus:6", "cpus:8;mem:1", "cpus:0;mem:1"),
            ("gpus:2", "gpus:1", "cpus:1;gpus:9;tpus:4", "cpus:1;gpus:1;tpus:4"),
        ] {
            let read = |text: &str| text.parse::<Resources>().unwrap();
            assert_eq!(within(&read(limit), &read(held), &read(wanted)), read(left), "{limit}");
        }
    }
}
