//! Names of what a cluster is made of. A name holds the number of its registry, so that two clusters, or one whose work
//! folder was deleted, never give out the same name twice.

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};
use std::{fmt, str::FromStr};

/// A text is not the name of what was asked for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is no {kind} id: it reads like {example}")]
pub struct ParseIdError {
    text: String,
    kind: &'static str,
    example: &'static str,
}

macro_rules! cluster_id {
    ($(#[$doc:meta])* $name:ident, $prefix:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[cfg_attr(test, derive(proptest_derive::Arbitrary))]
        pub struct $name {
            /// The registry that gave the name out: random, made once a registry.
            pub registry: u32,
            /// Counts from 1.
            pub number: u32,
        }

        impl $name {
            /// Both parts as one number, as they travel.
            pub const fn to_u64(self) -> u64 {
                (self.registry as u64) << 32 | self.number as u64
            }

            /// The name that travelled as this number.
            #[expect(clippy::cast_possible_truncation, reason = "the two halves")]
            pub const fn from_u64(both: u64) -> Self {
                $name { registry: (both >> 32) as u32, number: both as u32 }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!($prefix, "-{:08x}-{}"), self.registry, self.number)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }

        impl FromStr for $name {
            type Err = ParseIdError;

            fn from_str(text: &str) -> Result<Self, ParseIdError> {
                let parse = || {
                    let (registry, number) = text.strip_prefix(concat!($prefix, "-"))?.split_once('-')?;
                    let registry = u32::from_str_radix(registry, 16).ok()?;
                    Some($name { registry, number: number.parse().ok()? })
                };
                let example = concat!($prefix, "-5f3a21bc-7");
                parse().ok_or_else(|| ParseIdError { text: text.to_owned(), kind: $prefix, example })
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
                if to.is_human_readable() { to.collect_str(self) } else { to.serialize_u64(self.to_u64()) }
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
                if from.is_human_readable() {
                    String::deserialize(from)?.parse().map_err(D::Error::custom)
                } else {
                    u64::deserialize(from).map($name::from_u64)
                }
            }
        }
    };
}

cluster_id!(/// One application as the master sees it: `app-5f3a21bc-7`.
    FrameworkId, "app");
cluster_id!(/// One agent, which keeps its name for as long as it keeps its work folder: `agent-5f3a21bc-3`.
    AgentId, "agent");
cluster_id!(/// A driver that the cluster itself runs, over all its restarts: `driver-5f3a21bc-2`.
    DriverId, "driver");

/// One offer, never made twice: `offer-3-17` is the 17th of the master's third start.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(test, derive(proptest_derive::Arbitrary))]
pub struct OfferId {
    /// How often the master had been started with its registry.
    pub term: u32,
    /// Counts from 1.
    pub number: u64,
}

impl fmt::Display for OfferId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "offer-{}-{}", self.term, self.number)
    }
}

/// Counts the subscriptions of a framework, from 1: of two drivers that claim one framework, the greater one is it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[cfg_attr(test, derive(proptest_derive::Arbitrary))]
pub struct FrameworkEpoch(pub u64);

impl fmt::Display for FrameworkEpoch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "epoch-{}", self.0)
    }
}

/// Counts the starts of an agent with one work folder, from 1: of two processes with one name, the greater one is it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[cfg_attr(test, derive(proptest_derive::Arbitrary))]
pub struct Incarnation(pub u64);

impl fmt::Display for Incarnation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "incarnation-{}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_read_as_they_print() {
        let id = FrameworkId { registry: 0x5f3a_21bc, number: 7 };
        assert_eq!(id.to_string(), "app-5f3a21bc-7");
        assert_eq!("app-5f3a21bc-7".parse(), Ok(id));
        assert_eq!(FrameworkId::from_u64(id.to_u64()), id);
        for text in ["", "app", "app-5f3a21bc", "agent-5f3a21bc-7", "app-x-7", "app-5f3a21bc-7-1"] {
            let error = text.parse::<FrameworkId>().unwrap_err();
            assert_eq!(error.to_string(), format!("{text:?} is no app id: it reads like app-5f3a21bc-7"));
        }
    }
}
