//! How two processes of a cluster greet each other.

use serde::{Deserialize, Serialize};
use std::fmt;

/// The version of the cluster's messages: a peer of another version is refused. Bump it when a message changes so that
/// the other side would misread it.
pub const CLUSTER_VERSION: u32 = 1;

/// A message between two processes of a cluster is no longer than this.
pub const CONTROL_BYTES_MAX: usize = 1 << 20;

/// Who speaks: the first message of each side carries it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(proptest_derive::Arbitrary))]
pub struct Hello {
    /// The version of the cluster's messages.
    pub version: u32,
    /// The build, for people: `0.1.0`.
    pub build: String,
}

impl Hello {
    /// This process's own.
    pub fn ours() -> Self {
        Hello { version: CLUSTER_VERSION, build: env!("CARGO_PKG_VERSION").to_owned() }
    }

    /// Refuses a peer that speaks another version.
    pub fn check(&self) -> Result<(), Refusal> {
        let ours = Hello::ours();
        let theirs = self.clone();
        if self.version == ours.version { Ok(()) } else { Err(Refusal::Version { ours, theirs }) }
    }
}

impl fmt::Display for Hello {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "protocol {} (rsk {})", self.version, self.build)
    }
}

/// Why a master will not speak to a peer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[cfg_attr(test, derive(proptest_derive::Arbitrary))]
pub enum Refusal {
    /// The two speak different versions.
    #[error("the master speaks {ours}, this process speaks {theirs}: use one build of rsk for both")]
    Version {
        /// The master.
        ours: Hello,
        /// The peer.
        theirs: Hello,
    },
    /// A later process has taken over the name of this one, which should end.
    #[error("another process has taken over: {0}")]
    Replaced(String),
    /// The name is not known, or has ended; a new one may be asked for.
    #[error("the master does not know it: {0}")]
    Unknown(String),
    /// What was asked cannot be; asking again cannot help.
    #[error("{0}")]
    Invalid(String),
    /// The master cannot take it now; ask again later.
    #[error("the master is not ready: {0}")]
    NotReady(String),
}
