//! What an agent has, and what of it is kept for roles from the start.

use super::{ParseResourcesError, Resources, RoleName};
use std::{collections::BTreeMap, fmt, str::FromStr};

/// What an agent offers: all of it, and the parts that are for one role alone for as long as the agent says so.
///
/// Reads and prints Mesos' form, in which a role in parentheses keeps an amount for that role. `*` is everybody:
///
/// ```
/// # use rsk_proto::AgentResources;
/// let agent: AgentResources = "cpus(prod):4;mem(prod):2048;cpus:8;mem:4096;ports(prod):[31000-31009]".parse()?;
/// assert_eq!(agent.all.to_string(), "cpus:12;mem:6144;ports:[31000-31009]");
/// assert_eq!(agent.reserved[&"prod".parse()?].to_string(), "cpus:4;mem:2048;ports:[31000-31009]");
/// assert!("cpus(prod:4".parse::<AgentResources>().is_err());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct AgentResources {
    /// Everything.
    pub all: Resources,
    /// What of it is kept for whom; nothing empty, and never for `*`.
    pub reserved: BTreeMap<RoleName, Resources>,
}

impl AgentResources {
    /// Whether all reservations together are in what there is.
    pub fn adds_up(all: &Resources, reserved: &BTreeMap<RoleName, Resources>) -> bool {
        let mut parts = reserved.values();
        let sum = parts.try_fold(Resources::default(), |sum, part| sum.checked_add(part));
        sum.is_some_and(|sum| all.contains(&sum))
    }
}

/// The name of what a piece is of, and for whom.
fn name_and_role(typed: &str) -> Result<(&str, RoleName), String> {
    let Some((name, rest)) = typed.split_once('(') else { return Ok((typed, RoleName::default())) };
    let refuse = || format!("{typed:?} names no role: one reads like cpus(prod)");
    let role =
        rest.trim_end().strip_suffix(')').filter(|role| !role.contains(['(', ')'])).ok_or_else(refuse)?;
    Ok((name.trim(), role.trim().parse().map_err(|error| format!("{error}"))?))
}

impl FromStr for AgentResources {
    type Err = ParseResourcesError;

    fn from_str(text: &str) -> Result<Self, ParseResourcesError> {
        let (mut agent, mut given) = (AgentResources::default(), Vec::new());
        for piece in text.split(';').map(str::trim).filter(|piece| !piece.is_empty()) {
            let refuse = |why: String| ParseResourcesError { piece: piece.to_owned(), why };
            let (typed, amount) =
                piece.split_once(':').ok_or_else(|| refuse("it has no colon".to_owned()))?;
            let (name, role) = name_and_role(typed.trim()).map_err(refuse)?;
            if given.contains(&(name, role.clone())) {
                return Err(refuse(format!("{} is given twice", typed.trim())));
            }
            let part: Resources =
                format!("{name}:{amount}").parse().map_err(|error: Self::Err| refuse(error.why))?;
            let twice =
                || refuse("a port of it is there twice, or it is more than can be counted".to_owned());
            agent.all = agent.all.checked_add(&part).ok_or_else(twice)?;
            if role != RoleName::default() && !part.is_empty() {
                let kept = agent.reserved.entry(role.clone()).or_default();
                *kept = kept.checked_add(&part).ok_or_else(twice)?;
            }
            given.push((name, role));
        }
        Ok(agent)
    }
}

impl fmt::Display for AgentResources {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut rest = self.all.clone();
        for (role, part) in &self.reserved {
            rest = rest.saturating_sub(part);
            for piece in part.to_string().split(';') {
                if let Some((name, amount)) = piece.split_once(':').filter(|(_, amount)| *amount != "0") {
                    write!(f, "{name}({role}):{amount};")?;
                }
            }
        }
        rest.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ByteSize;
    use proptest::prelude::*;

    #[test]
    fn reservations_read_as_mesos_writes_them() {
        for (text, printed) in [
            ("cpus:8;mem:1024", "cpus:8;mem:1024"),
            ("cpus(prod):4;mem(prod):2048;cpus:8", "cpus(prod):4;mem(prod):2048;cpus:8;mem:0"),
            (
                "ports( a ):[1-2];ports(b):[3-4];ports:[5]",
                "ports(a):[1-2];ports(b):[3-4];cpus:0;mem:0;ports:[5-5]",
            ),
            ("gpus(ml):2;cpus(*):1;cpus(ml):0", "gpus(ml):2;cpus:1;mem:0"),
            ("", "cpus:0;mem:0"),
        ] {
            let agent: AgentResources = text.parse().unwrap();
            let again: AgentResources = agent.to_string().parse().unwrap();
            assert_eq!((agent.to_string().as_str(), &again), (printed, &agent), "{text}");
        }
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (text, piece, why) in [
            ("cpus(prod:4", "cpus(prod:4", "\"cpus(prod\" names no role: one reads like cpus(prod)"),
            ("cpus(a)(b):4", "cpus(a)(b):4", "\"cpus(a)(b)\" names no role: one reads like cpus(prod)"),
            ("cpus():4", "cpus():4", "\"\" is no role: a role has a name; everybody's is *"),
            ("cpus(a b):4", "cpus(a b):4", "\"a b\" is no role: it has no blanks and no slashes"),
            ("cpus(a):1;cpus(a):2", "cpus(a):2", "cpus(a) is given twice"),
            ("cpus(*):1;cpus:2", "cpus:2", "cpus is given twice"),
            (
                "cpus(a):x",
                "cpus(a):x",
                "\"x\" is no amount: a number with at most three decimal places is one",
            ),
            ("(a):1", "(a):1", "\"\" is no name: letters, digits, _, - and . make one"),
            (
                "ports(a):[1-3];ports:[3-4]",
                "ports:[3-4]",
                "a port of it is there twice, or it is more than can be counted",
            ),
        ] {
            let error = text.parse::<AgentResources>().unwrap_err();
            assert_eq!(error, ParseResourcesError { piece: piece.to_owned(), why: why.to_owned() });
        }
    }

    proptest! {
        #[test]
        fn parts_add_up_to_the_agent_and_read_as_they_print(
            parts in proptest::collection::btree_map("[a-z]{1,3}", (0u64..9000, 0u64..9000, 0u64..9), 0..4),
            rest in (0u64..9000, 0u64..9000),
        ) {
            let mut agent = AgentResources { all: Resources::of(rest.0, ByteSize::mib(rest.1)), ..Default::default() };
            for (number, (role, (cpus, mem, ports))) in (0u16..).zip(parts) {
                let mut part = Resources::of(cpus, ByteSize::mib(mem));
                if ports > 0 {
                    part.ports = crate::Ports::range(number * 10, number * 10 + u16::try_from(ports).unwrap());
                }
                if !part.is_empty() {
                    agent.all = agent.all.checked_add(&part).unwrap();
                    agent.reserved.insert(role.parse().unwrap(), part);
                }
            }
            prop_assert!(AgentResources::adds_up(&agent.all, &agent.reserved));
            prop_assert_eq!(agent.to_string().parse::<AgentResources>(), Ok(agent));
        }

        #[test]
        fn random_text_never_panics(text: String, role in "[()a*:;0-9]{0,12}") {
            drop(text.parse::<AgentResources>());
            drop(role.parse::<AgentResources>());
        }
    }
}
