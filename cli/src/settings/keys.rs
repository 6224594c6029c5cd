//! Every setting: its name, what it is unless somebody sets it, what it means, and whether a value makes sense.

use crate::span::Span;
use rsk_proto::{AgentResources, Attributes, ByteSize};
use std::{net::SocketAddr, path::PathBuf};

/// One setting.
pub(crate) struct Key {
    /// As `rsk.toml` has it: `table.key`.
    pub(crate) name: &'static str,
    /// The environment's variable for it.
    pub(crate) variable: &'static str,
    pub(crate) meaning: &'static str,
    pub(crate) default: fn() -> String,
    pub(crate) check: fn(&str) -> Result<(), String>,
}

/// All of them.
pub(crate) const KEYS: [Key; 16] = [
    Key {
        name: "cluster.master",
        variable: "RSK_MASTER",
        meaning: "where masters listen, with commas between several",
        default: || "127.0.0.1:5050".to_owned(),
        check: addresses,
    },
    Key {
        name: "master.listen",
        variable: "RSK_MASTER_LISTEN",
        meaning: "where a master listens",
        default: || "0.0.0.0:5050".to_owned(),
        check: listen,
    },
    Key {
        name: "master.work_dir",
        variable: "RSK_MASTER_WORK_DIR",
        meaning: "the folder of what a master must know again, and of programs",
        default: || state_folder("master"),
        check: path,
    },
    Key {
        name: "master.blob_keep",
        variable: "RSK_MASTER_BLOB_KEEP",
        meaning: "how long a master keeps programs and files after their last use: 90s, 5m, 1h",
        default: || "1h".to_owned(),
        check: span,
    },
    Key {
        name: "master.blobs_max",
        variable: "RSK_MASTER_BLOBS_MAX",
        meaning: "the most that it keeps of them, unless applications need more",
        default: || "10g".to_owned(),
        check: size,
    },
    Key {
        name: "agent.resources",
        variable: "RSK_AGENT_RESOURCES",
        meaning: "what an agent offers; what its machine has where this is empty",
        default: String::new,
        check: |text| text.parse::<AgentResources>().map(drop).map_err(|error| error.to_string()),
    },
    Key {
        name: "agent.attributes",
        variable: "RSK_AGENT_ATTRIBUTES",
        meaning: "what an agent says of itself, such as rack:r1",
        default: String::new,
        check: |text| text.parse::<Attributes>().map(drop).map_err(|error| error.to_string()),
    },
    Key {
        name: "agent.work_dir",
        variable: "RSK_AGENT_WORK_DIR",
        meaning: "the folder of all of an agent's files",
        default: || state_folder("agent"),
        check: path,
    },
    Key {
        name: "agent.listen",
        variable: "RSK_AGENT_LISTEN",
        meaning: "where an agent serves map outputs and logs; port 0 takes a free one",
        default: || "0.0.0.0:0".to_owned(),
        check: |text| {
            let refuse = |_| format!("{text:?} is no address to listen on: one reads like 0.0.0.0:0");
            text.parse::<SocketAddr>().map(drop).map_err(refuse)
        },
    },
    Key {
        name: "agent.host",
        variable: "RSK_AGENT_HOST",
        meaning: "the name by which others reach an agent's machine; its own where this is empty",
        default: String::new,
        check: |_| Ok(()),
    },
    Key {
        name: "agent.blobs_max",
        variable: "RSK_AGENT_BLOBS_MAX",
        meaning: "the most that an agent keeps of programs and files for later executors",
        default: || "10g".to_owned(),
        check: size,
    },
    Key {
        name: "agent.log_max",
        variable: "RSK_AGENT_LOG_MAX",
        meaning: "how much it keeps of the stdout, and of the stderr, of each executor: the end",
        default: || "64m".to_owned(),
        check: size,
    },
    Key {
        name: "agent.logs_max",
        variable: "RSK_AGENT_LOGS_MAX",
        meaning: "the most that it keeps of what executors that have ended have printed",
        default: || "1g".to_owned(),
        check: size,
    },
    Key {
        name: "agent.logs_keep",
        variable: "RSK_AGENT_LOGS_KEEP",
        meaning: "how long it keeps that",
        default: || "7d".to_owned(),
        check: span,
    },
    Key {
        name: "log.level",
        variable: "RSK_LOG_LEVEL",
        meaning: "how much masters and agents log: off, error, warn, info or debug",
        default: || "info".to_owned(),
        check: |text| match text {
            "off" | "error" | "warn" | "info" | "debug" => Ok(()),
            _ => Err(format!("{text:?} is no level: off, error, warn, info and debug are")),
        },
    },
    Key {
        name: "log.dir",
        variable: "RSK_LOG_DIR",
        meaning: "the folder of their log files; stderr where this is empty",
        default: String::new,
        check: |_| Ok(()),
    },
];

fn addresses(text: &str) -> Result<(), String> {
    let is_address = |address: &str| {
        address.rsplit_once(':').is_some_and(|(host, port)| {
            !host.is_empty() && !host.contains('/') && port.parse::<u16>().is_ok_and(|port| port > 0)
        })
    };
    match text.split(',').map(str::trim).find(|address| !is_address(address)) {
        None => Ok(()),
        Some(wrong) => Err(format!("{wrong:?} is no address of a master: one reads like host:5050")),
    }
}

fn listen(text: &str) -> Result<(), String> {
    let is_address =
        text.rsplit_once(':').is_some_and(|(host, port)| !host.is_empty() && port.parse::<u16>().is_ok());
    if is_address {
        Ok(())
    } else {
        Err(format!("{text:?} is no address to listen on: one reads like 0.0.0.0:5050"))
    }
}

fn span(text: &str) -> Result<(), String> {
    text.parse::<Span>().map(drop)
}

fn size(text: &str) -> Result<(), String> {
    text.parse::<ByteSize>().map(drop).map_err(|error| error.to_string())
}

fn path(text: &str) -> Result<(), String> {
    if text.is_empty() { Err("it is empty: name a folder".to_owned()) } else { Ok(()) }
}

/// Where the system keeps what a service must know again; of those who are not root, below their home.
fn state_folder(part: &str) -> String {
    let home = || {
        Some(PathBuf::from(std::env::var_os("HOME").filter(|home| !home.is_empty())?).join(".local/state"))
    };
    let folder = if rustix::process::geteuid().is_root() {
        Some(PathBuf::from("/var/lib"))
    } else {
        std::env::var_os("XDG_STATE_HOME").map(PathBuf::from).or_else(home)
    };
    let folder = folder.unwrap_or_else(std::env::temp_dir);
    folder.join("rsk").join(part).to_string_lossy().into_owned()
}
