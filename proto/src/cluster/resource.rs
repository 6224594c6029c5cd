//! What an agent has and an executor uses.

use super::Ports;
use crate::ByteSize;
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, fmt, str::FromStr};

/// Amounts of cpu, memory, disk, ports and of what an installation names itself.
///
/// Reads and prints Mesos' form, in which `mem` and `disk` without a unit are MiB:
///
/// ```
/// # use rsk_proto::Resources;
/// let all: Resources = "cpus:10;mem:20240;ports:[31000-32000]".parse()?;
/// assert_eq!((all.cpus_milli, all.memory_bytes >> 20, all.ports.count()), (10_000, 20_240, 1001));
/// let part: Resources = "cpus:0.5;mem:2g".parse()?;
/// assert!(all.contains(&part));
/// assert_eq!(all.checked_sub(&part).unwrap().to_string(), "cpus:9.5;mem:18192;ports:[31000-32000]");
/// # Ok::<(), rsk_proto::ParseResourcesError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Resources {
    /// Thousandths of a cpu.
    pub cpus_milli: u64,
    /// Bytes of memory.
    pub memory_bytes: u64,
    /// Bytes of disk.
    pub disk_bytes: u64,
    /// Ports of the agent's host.
    pub ports: Ports,
    /// Thousandths of what the installation names itself, such as `gpus`; never zero.
    pub named_milli: BTreeMap<String, u64>,
}

/// A piece of a text is no resource.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{piece:?} is no resource: {why}; resources read like cpus:10;mem:20240;ports:[31000-32000]")]
pub struct ParseResourcesError {
    /// The piece that is wrong.
    pub piece: String,
    /// What is wrong with it.
    pub why: String,
}

impl Resources {
    /// So many cpus, in thousandths, and so much memory.
    pub fn of(cpus_milli: u64, memory: ByteSize) -> Self {
        Resources { cpus_milli, memory_bytes: memory.0, ..Resources::default() }
    }

    /// Whether all amounts are zero.
    pub fn is_empty(&self) -> bool {
        *self == Resources::default()
    }

    /// Whether the other amounts, and its very ports, are all in these.
    pub fn contains(&self, other: &Resources) -> bool {
        self.cpus_milli >= other.cpus_milli
            && self.memory_bytes >= other.memory_bytes
            && self.disk_bytes >= other.disk_bytes
            && self.ports.contains(&other.ports)
            && other.named_milli.iter().all(|(name, amount)| self.named(name) >= *amount)
    }

    /// The amount of what the installation names itself, in thousandths.
    pub fn named(&self, name: &str) -> u64 {
        self.named_milli.get(name).copied().unwrap_or(0)
    }

    /// Both together; nothing if an amount is beyond all numbers or a port would be there twice.
    pub fn checked_add(&self, other: &Resources) -> Option<Resources> {
        self.by(other, u64::checked_add, Ports::checked_add)
    }

    /// These without the others; nothing if they are not all in these.
    pub fn checked_sub(&self, other: &Resources) -> Option<Resources> {
        self.by(other, u64::checked_sub, Ports::checked_sub)
    }

    /// These without what they have of the others.
    pub fn saturating_sub(&self, other: &Resources) -> Resources {
        self.checked_sub(&self.common(other)).unwrap_or_default()
    }

    /// What is in both: the lesser of each amount.
    pub fn common(&self, other: &Resources) -> Resources {
        let lesser = |a: u64, b: u64| Some(a.min(b));
        self.by(other, lesser, |a, b| Some(a.common(b))).unwrap_or_default()
    }

    /// So many times the amounts, as far as numbers go; ports stay as they are.
    pub fn times(&self, count: u32) -> Resources {
        let all = |amount: u64| amount.saturating_mul(u64::from(count));
        let mut product = Resources {
            cpus_milli: all(self.cpus_milli),
            memory_bytes: all(self.memory_bytes),
            disk_bytes: all(self.disk_bytes),
            ports: self.ports.clone(),
            named_milli: self.named_milli.iter().map(|(name, amount)| (name.clone(), all(*amount))).collect(),
        };
        product.named_milli.retain(|_, amount| *amount > 0);
        product
    }

    fn by(
        &self,
        other: &Resources,
        amount: impl Fn(u64, u64) -> Option<u64>,
        ports: impl Fn(&Ports, &Ports) -> Option<Ports>,
    ) -> Option<Resources> {
        let mut named_milli = BTreeMap::new();
        for name in self.named_milli.keys().chain(other.named_milli.keys()) {
            let both = amount(self.named(name), other.named(name))?;
            if both > 0 {
                named_milli.insert(name.clone(), both);
            }
        }
        Some(Resources {
            cpus_milli: amount(self.cpus_milli, other.cpus_milli)?,
            memory_bytes: amount(self.memory_bytes, other.memory_bytes)?,
            disk_bytes: amount(self.disk_bytes, other.disk_bytes)?,
            ports: ports(&self.ports, &other.ports)?,
            named_milli,
        })
    }
}

/// Thousandths, of a decimal number with up to three places.
fn milli(text: &str) -> Result<u64, String> {
    let refuse = || format!("{text:?} is no amount: a number with at most three decimal places is one");
    let (whole, places) = text.split_once('.').unwrap_or((text, "0"));
    let is_number = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    if !is_number(whole) || !is_number(places) || places.len() > 3 {
        return Err(refuse());
    }
    let whole = whole.parse::<u64>().ok().and_then(|whole| whole.checked_mul(1000)).ok_or_else(refuse)?;
    let places = format!("{places:0<3}").parse::<u64>().map_err(|_| refuse())?;
    whole.checked_add(places).ok_or_else(refuse)
}

fn bytes(text: &str) -> Result<u64, String> {
    let is_plain = text.ends_with(|c: char| c.is_ascii_digit());
    let size = if is_plain { format!("{text}m").parse() } else { text.parse::<ByteSize>() };
    size.map(|size| size.0).map_err(|_| format!("{text:?} is no size: 20240 is so many MiB, 20g so many GiB"))
}

fn ports(text: &str) -> Result<Ports, String> {
    let refuse =
        |part: &str| format!("{part:?} is no range of ports: one reads like [31000-32000,33000-33100]");
    let inside =
        text.strip_prefix('[').and_then(|text| text.strip_suffix(']')).ok_or_else(|| refuse(text))?;
    let mut all = Ports::default();
    for part in inside.split(',').map(str::trim).filter(|part| !part.is_empty()) {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        let end = |text: &str| text.trim().parse::<u16>().map_err(|_| refuse(part));
        let (first, last) = (end(first)?, end(last)?);
        if first > last {
            return Err(refuse(part));
        }
        all =
            all.checked_add(&Ports::range(first, last)).ok_or_else(|| format!("{part:?} is there twice"))?;
    }
    Ok(all)
}

impl FromStr for Resources {
    type Err = ParseResourcesError;

    fn from_str(text: &str) -> Result<Self, ParseResourcesError> {
        let mut all = Resources::default();
        let mut names = Vec::new();
        for piece in text.split(';').map(str::trim).filter(|piece| !piece.is_empty()) {
            let refuse = |why: String| ParseResourcesError { piece: piece.to_owned(), why };
            let (name, amount) = piece.split_once(':').ok_or_else(|| refuse("it has no colon".to_owned()))?;
            let (name, amount) = (name.trim(), amount.trim());
            if names.contains(&name) {
                return Err(refuse(format!("{name} is given twice")));
            }
            names.push(name);
            match name {
                "cpus" => all.cpus_milli = milli(amount).map_err(refuse)?,
                "mem" => all.memory_bytes = bytes(amount).map_err(refuse)?,
                "disk" => all.disk_bytes = bytes(amount).map_err(refuse)?,
                "ports" => all.ports = ports(amount).map_err(refuse)?,
                _ if name.contains('(') => {
                    let why =
                        "a part for one role is written in an agent's resources alone: leave the role out";
                    return Err(refuse(why.to_owned()));
                }
                _ if is_name(name) => {
                    let amount = milli(amount).map_err(refuse)?;
                    if amount > 0 {
                        all.named_milli.insert(name.to_owned(), amount);
                    }
                }
                _ => {
                    return Err(refuse(format!("{name:?} is no name: letters, digits, _, - and . make one")));
                }
            }
        }
        Ok(all)
    }
}

fn is_name(name: &str) -> bool {
    !name.is_empty() && name.chars().all(|c| c.is_alphanumeric() || "_-.".contains(c))
}

/// Prints a number of thousandths.
struct Milli(u64);

impl fmt::Display for Milli {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 % 1000 {
            0 => write!(f, "{}", self.0 / 1000),
            places => write!(f, "{}.{}", self.0 / 1000, format!("{places:03}").trim_end_matches('0')),
        }
    }
}

/// Prints a number of bytes as MiB, or as what it is.
struct Mib(u64);

impl fmt::Display for Mib {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 % (1 << 20) {
            0 => write!(f, "{}", self.0 >> 20),
            _ => write!(f, "{}b", self.0),
        }
    }
}

impl fmt::Display for Resources {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "cpus:{};mem:{}", Milli(self.cpus_milli), Mib(self.memory_bytes))?;
        if self.disk_bytes > 0 {
            write!(f, ";disk:{}", Mib(self.disk_bytes))?;
        }
        if !self.ports.is_empty() {
            write!(f, ";ports:{}", self.ports)?;
        }
        self.named_milli.iter().try_for_each(|(name, amount)| write!(f, ";{name}:{}", Milli(*amount)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn resources_read_as_mesos_writes_them() {
        for (text, printed) in [
            ("cpus:10;mem:20240;ports:[31000-32000]", "cpus:10;mem:20240;ports:[31000-32000]"),
            (" cpus : 0.25 ; mem:20g; ", "cpus:0.25;mem:20480"),
            ("mem:1b", "cpus:0;mem:1b"),
            ("disk:1024;gpus:2;cpus:1", "cpus:1;mem:0;disk:1024;gpus:2"),
            ("ports:[5-7,1-2,3]", "cpus:0;mem:0;ports:[1-3,5-7]"),
            ("gpus:0", "cpus:0;mem:0"),
            ("", "cpus:0;mem:0"),
        ] {
            assert_eq!(text.parse::<Resources>().unwrap().to_string(), printed, "{text}");
        }
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (text, piece, why) in [
            ("cpus:1;mem", "mem", "it has no colon"),
            ("cpus:x", "cpus:x", "\"x\" is no amount: a number with at most three decimal places is one"),
            (
                "cpus:1.2345",
                "cpus:1.2345",
                "\"1.2345\" is no amount: a number with at most three decimal places is one",
            ),
            ("cpus:-1", "cpus:-1", "\"-1\" is no amount: a number with at most three decimal places is one"),
            ("mem:12q", "mem:12q", "\"12q\" is no size: 20240 is so many MiB, 20g so many GiB"),
            ("cpus:1;cpus:2", "cpus:2", "cpus is given twice"),
            (
                "ports:[9-3]",
                "ports:[9-3]",
                "\"9-3\" is no range of ports: one reads like [31000-32000,33000-33100]",
            ),
            ("ports:[1-3,2-4]", "ports:[1-3,2-4]", "\"2-4\" is there twice"),
            (
                "ports:[1-70000]",
                "ports:[1-70000]",
                "\"1-70000\" is no range of ports: one reads like [31000-32000,33000-33100]",
            ),
            ("a b:1", "a b:1", "\"a b\" is no name: letters, digits, _, - and . make one"),
        ] {
            let error = text.parse::<Resources>().unwrap_err();
            assert_eq!(error, ParseResourcesError { piece: piece.to_owned(), why: why.to_owned() });
        }
    }

    proptest! {
        #[test]
        fn resources_read_as_they_print(all: Resources) {
            prop_assert_eq!(all.to_string().parse::<Resources>(), Ok(all));
        }

        #[test]
        fn what_is_taken_away_comes_back(all: Resources, part: Resources) {
            match all.checked_sub(&part) {
                Some(rest) => {
                    prop_assert!(all.contains(&part));
                    prop_assert_eq!(rest.checked_add(&part), Some(all.clone()));
                }
                None => prop_assert!(!all.contains(&part)),
            }
            let both = all.common(&part);
            prop_assert!(all.contains(&both) && part.contains(&both));
        }

        #[test]
        fn random_text_never_panics(text: String) {
            drop(text.parse::<Resources>());
        }
    }
}
