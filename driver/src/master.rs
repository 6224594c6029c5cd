//! Where a program runs: what its first argument says.

use crate::Error;
use rsk_proto::ByteSize;

/// A master string, understood.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Master {
    /// Slots in this process.
    Local(u32),
    /// A cluster of its own on this machine, which ends with the program.
    LocalCluster {
        /// Agents.
        agents: u32,
        /// CPUs of each.
        cores: u32,
        /// Memory of each.
        memory: ByteSize,
    },
    /// Masters, of which one leads.
    Cluster(Vec<String>),
}

impl Master {
    /// `local`, `local[K]`, `local[*]`, `local-cluster[agents,cores,MiB]`, `host:port[,host:port…]`.
    pub(crate) fn parse(typed: &str) -> Result<Master, Error> {
        let unknown = || Error::Master(typed.to_owned());
        if typed == "local" {
            return Ok(Master::Local(1));
        }
        if let Some(slots) = typed.strip_prefix("local[").and_then(|rest| rest.strip_suffix(']')) {
            let all =
                || std::thread::available_parallelism().map_or(1, |n| u32::try_from(n.get()).unwrap_or(1));
            let slots = if slots == "*" { Some(all()) } else { slots.parse().ok() };
            return slots.filter(|slots| (1..=4096).contains(slots)).map(Master::Local).ok_or_else(unknown);
        }
        if let Some(sizes) = typed.strip_prefix("local-cluster[").and_then(|rest| rest.strip_suffix(']')) {
            let sizes: Option<Vec<u32>> =
                sizes.split(',').map(|n| n.trim().parse().ok().filter(|n| *n > 0)).collect();
            let Some([agents, cores, mib]) = sizes.as_deref() else { return Err(unknown()) };
            return Ok(Master::LocalCluster {
                agents: *agents,
                cores: *cores,
                memory: ByteSize::mib(u64::from(*mib)),
            });
        }
        let is_address = |address: &str| {
            let parts = address.rsplit_once(':');
            parts.is_some_and(|(host, port)| {
                !host.is_empty()
                    && !host.contains(['/', ' ', '['])
                    && port.parse::<u16>().is_ok_and(|port| port > 0)
            })
        };
        let masters: Vec<_> = typed.split(',').map(str::trim).map(str::to_owned).collect();
        if masters.iter().all(|address| is_address(address)) {
            Ok(Master::Cluster(masters))
        } else {
            Err(unknown())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_of_master_is_told_apart_and_nonsense_is_none() {
        let cluster = |all: &[&str]| Master::Cluster(all.iter().map(|one| (*one).to_owned()).collect());
        for (typed, master) in [
            ("local", Master::Local(1)),
            ("local[4]", Master::Local(4)),
            ("host:5050", cluster(&["host:5050"])),
            ("a:5050, b:5051", cluster(&["a:5050", "b:5051"])),
            (
                "local-cluster[2,1,512]",
                Master::LocalCluster { agents: 2, cores: 1, memory: ByteSize::mib(512) },
            ),
        ] {
            assert_eq!(Master::parse(typed).unwrap(), master, "{typed}");
        }
        assert!(matches!(Master::parse("local[*]"), Ok(Master::Local(1..))));
        for typed in [
            "",
            "loca",
            "local[0]",
            "local[x]",
            "local[9999]",
            "host",
            "host:",
            ":5050",
            "host:0",
            "host:99999",
            "a:1,b",
            "local-cluster[2,1]",
            "local-cluster[0,1,512]",
            "http://host:5050",
            "words.txt",
        ] {
            assert!(Master::parse(typed).is_err(), "{typed}");
        }
    }
}
