//! What this machine has, and is called.

use super::AgentConfig;
use rsk_proto::{AgentFacts, Resources};
use std::{fs, net::SocketAddr, path::Path};

/// Left to the system and to the agent itself, at most: half of a small machine's.
const MEMORY_KEPT_BYTES: u64 = 1 << 30;

/// All facts about an agent that serves at this address.
pub(crate) fn facts(config: &AgentConfig, served: SocketAddr) -> AgentFacts {
    let host = config.host.clone().unwrap_or_else(|| host(served));
    AgentFacts {
        address: format!("{host}:{}", served.port()),
        host,
        resources: config.resources.clone().unwrap_or_else(|| resources(&config.work_dir)),
        reserved: config.reserved.clone(),
        attributes: config.attributes.clone(),
        platform: super::platform::describe(),
    }
}

fn host(served: SocketAddr) -> String {
    if served.ip().is_unspecified() {
        return rustix::system::uname().nodename().to_string_lossy().into_owned();
    }
    match served.ip() {
        std::net::IpAddr::V6(ip) => format!("[{ip}]"),
        std::net::IpAddr::V4(ip) => ip.to_string(),
    }
}

fn resources(work_dir: &Path) -> Resources {
    let cpus = std::thread::available_parallelism().map_or(1, |cpus| cpus.get() as u64);
    let memory = memory_bytes().min(limit_bytes());
    let disk = rustix::fs::statvfs(work_dir).map_or(0, |disk| disk.f_bavail.saturating_mul(disk.f_frsize));
    let mib = |bytes: u64| bytes >> 20 << 20;
    Resources {
        cpus_milli: cpus * 1000,
        memory_bytes: mib(memory - MEMORY_KEPT_BYTES.min(memory / 2)),
        disk_bytes: mib(disk),
        ..Resources::default()
    }
}

fn memory_bytes() -> u64 {
    let info = fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let total = info.lines().find_map(|line| line.strip_prefix("MemTotal:"));
    let kib = total.and_then(|total| total.trim().strip_suffix(" kB")?.trim().parse::<u64>().ok());
    kib.unwrap_or(0).saturating_mul(1024)
}

/// What a container is held within, if this is one.
fn limit_bytes() -> u64 {
    let files = ["/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"];
    let limits = files.iter().filter_map(|file| fs::read_to_string(file).ok()?.trim().parse().ok());
    limits.min().unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_machine_has_something_and_a_name_that_others_reach_it_with() {
        let folder = tempfile::tempdir().unwrap();
        let config = AgentConfig::new(["m:5050"], folder.path());
        let facts = facts(&config, "0.0.0.0:7000".parse().unwrap());
        assert!(
            facts.resources.cpus_milli >= 1000 && facts.resources.memory_bytes > 0,
            "{}",
            facts.resources
        );
        assert!(facts.address.ends_with(":7000") && !facts.host.is_empty() && facts.host != "0.0.0.0");
        let resources: Resources = "cpus:10;mem:20240;ports:[31000-32000]".parse().unwrap();
        let config = AgentConfig { resources: Some(resources.clone()), ..config };
        let facts = super::facts(&config, "127.0.0.1:7000".parse().unwrap());
        assert_eq!((facts.address.as_str(), facts.resources), ("127.0.0.1:7000", resources));
    }
}
