//! What is shown of a cluster: a list a file.

mod apps;
mod app;
mod agents;
mod excluded;
mod executors;
mod offers;
mod roles;
mod tasks;

pub(crate) use agents::agents;
pub(crate) use app::app;
pub(crate) use apps::apps;
pub(crate) use excluded::excluded;
pub(crate) use executors::executors;
pub(crate) use offers::offers;
pub(crate) use roles::roles;
pub(crate) use tasks::tasks;

use crate::span::Span;
use anyhow::Result;
use rsk_proto::{ByteSize, ExecutorKey, Resources};
use serde::Serialize;
use std::time::Duration;

/// JSON, as the master has it.
pub(crate) fn json(of: &impl Serialize) -> Result<String> {
    Ok(serde_json::to_string_pretty(of)? + "\n")
}

/// How long ago a moment was.
fn since(now: u64, then: u64) -> String {
    Span(Duration::from_millis(now.saturating_sub(then))).to_string()
}

/// A number of thousandths.
fn milli(amount: u64) -> String {
    let number = format!("{}.{:03}", amount / 1000, amount % 1000);
    number.trim_end_matches('0').trim_end_matches('.').to_owned()
}

fn memory(resources: &Resources) -> String {
    ByteSize(resources.memory_bytes).to_string()
}

/// Resources as a sentence has them.
pub(crate) fn all_of(resources: &Resources) -> String {
    if resources.is_empty() {
        return "nothing".to_owned();
    }
    let mut rest = resources.clone();
    (rest.cpus_milli, rest.memory_bytes) = (0, 0);
    let mut parts = Vec::new();
    if resources.cpus_milli > 0 {
        let noun = if resources.cpus_milli == 1000 { "cpu" } else { "cpus" };
        parts.push(format!("{} {noun}", milli(resources.cpus_milli)));
    }
    if resources.memory_bytes > 0 {
        parts.push(memory(resources));
    }
    if !rest.is_empty() {
        parts.push(rest.to_string());
    }
    parts.join(", ")
}

/// How executors are typed.
fn executor(key: ExecutorKey) -> String {
    format!("{}/{}", key.framework, key.executor.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_read_as_people_say_them() {
        let said = |text: &str| all_of(&text.parse().unwrap());
        assert_eq!(said(""), "nothing");
        assert_eq!(said("cpus:1;mem:1024"), "1 cpu, 1 GiB");
        assert_eq!(said("cpus:0.5"), "0.5 cpus");
        assert_eq!(said("mem:512;ports:[1-3];gpus:2").split(", ").next(), Some("512 MiB"));
        assert!(said("gpus:2").contains("gpus:2"));
        assert_eq!(
            (milli(2500), milli(10_000), milli(1)),
            ("2.5".to_owned(), "10".to_owned(), "0.001".to_owned())
        );
        assert_eq!((since(5000, 1000), since(1000, 5000)), ("4s".to_owned(), "0s".to_owned()));
    }
}
