//! Sets of ports.

use serde::{Deserialize, Serialize};
use std::fmt;

/// A set of ports, as ranges that are sorted, apart from each other, and include both ends.
///
/// ```
/// # use rsk_proto::Ports;
/// let all = Ports::range(31000, 31009);
/// let three = all.take(3).unwrap();
/// assert_eq!(three.to_string(), "[31000-31002]");
/// assert_eq!(all.checked_sub(&three).unwrap().count(), 7);
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(from = "Vec<(u16, u16)>", into = "Vec<(u16, u16)>")]
pub struct Ports(Vec<(u16, u16)>);

impl Ports {
    /// The ports from the first to the last; none if the last is below the first.
    pub fn range(first: u16, last: u16) -> Self {
        Ports::from(vec![(first, last)])
    }

    /// The ranges, in order.
    pub fn ranges(&self) -> &[(u16, u16)] {
        &self.0
    }

    /// How many ports there are.
    pub fn count(&self) -> u32 {
        self.0.iter().map(|&(first, last)| u32::from(last) - u32::from(first) + 1).sum()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether all ports of the other set are in this one.
    pub fn contains(&self, other: &Ports) -> bool {
        other.0.iter().all(|&(first, last)| self.0.iter().any(|&(from, to)| from <= first && last <= to))
    }

    /// Both together; nothing if they share a port, because one port is not there twice.
    pub fn checked_add(&self, other: &Ports) -> Option<Ports> {
        let sum = Ports::from(self.0.iter().chain(&other.0).copied().collect::<Vec<_>>());
        (sum.count() == self.count() + other.count()).then_some(sum)
    }

    /// This set without the other; nothing if the other is not all in it.
    pub fn checked_sub(&self, other: &Ports) -> Option<Ports> {
        self.contains(other).then(|| self.without(other))
    }

    /// The ports that are in both.
    pub fn common(&self, other: &Ports) -> Ports {
        self.without(&self.without(other))
    }

    /// The lowest ports, so many of them; nothing if there are fewer.
    pub fn take(&self, count: u32) -> Option<Ports> {
        let mut missing = count;
        let mut taken = Vec::new();
        for &(first, last) in &self.0 {
            let here = (u32::from(last) - u32::from(first) + 1).min(missing);
            if here > 0 {
                let end = u16::try_from(u32::from(first) + here - 1).ok()?;
                taken.push((first, end));
                missing -= here;
            }
        }
        (missing == 0).then_some(Ports(taken))
    }

    fn without(&self, other: &Ports) -> Ports {
        let mut left = Vec::new();
        for &(first, last) in &self.0 {
            let mut from = Some(first);
            for &(gone, end) in other.0.iter().filter(|&&(gone, end)| gone <= last && end >= first) {
                let Some(start) = from else { break };
                if gone > start {
                    left.push((start, gone - 1));
                }
                from = end.checked_add(1);
            }
            left.extend(from.filter(|from| *from <= last).map(|from| (from, last)));
        }
        Ports(left)
    }
}

impl From<Vec<(u16, u16)>> for Ports {
    /// Sorts the ranges and joins those that touch.
    fn from(mut ranges: Vec<(u16, u16)>) -> Self {
        ranges.retain(|(first, last)| first <= last);
        ranges.sort_unstable();
        let mut joined: Vec<(u16, u16)> = Vec::with_capacity(ranges.len());
        for (first, last) in ranges {
            match joined.last_mut() {
                Some(before) if u32::from(first) <= u32::from(before.1) + 1 => before.1 = before.1.max(last),
                _ => joined.push((first, last)),
            }
        }
        Ports(joined)
    }
}

impl From<Ports> for Vec<(u16, u16)> {
    fn from(ports: Ports) -> Self {
        ports.0
    }
}

impl fmt::Display for Ports {
    /// As Mesos writes them: `[31000-32000,33000-33000]`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[")?;
        for (at, (first, last)) in self.0.iter().enumerate() {
            write!(f, "{}{first}-{last}", if at == 0 { "" } else { "," })?;
        }
        f.write_str("]")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    fn set(ports: &Ports) -> BTreeSet<u16> {
        ports.ranges().iter().flat_map(|&(first, last)| first..=last).collect()
    }

    fn ports() -> impl Strategy<Value = Ports> {
        prop::collection::vec((0..40u16, 0..6u16), 0..6).prop_map(|ranges| {
            ranges.into_iter().map(|(first, more)| (first, first + more)).collect::<Vec<_>>().into()
        })
    }

    #[test]
    fn both_ends_of_the_numbers_are_ports() {
        let all = Ports::range(0, u16::MAX);
        assert_eq!(all.count(), 65536);
        assert_eq!(
            all.checked_sub(&Ports::range(u16::MAX, u16::MAX)).unwrap(),
            Ports::range(0, u16::MAX - 1)
        );
        assert_eq!(all.checked_sub(&all).unwrap(), Ports::default());
        assert_eq!(all.take(65536).unwrap(), all);
        assert_eq!(all.take(65537), None);
    }

    proptest! {
        #[test]
        fn sets_of_ports_are_sets(a in ports(), b in ports(), n in 0..20u32) {
            let (left, right) = (set(&a), set(&b));
            prop_assert_eq!(a.count() as usize, left.len());
            prop_assert_eq!(a.contains(&b), right.is_subset(&left));
            prop_assert_eq!(set(&a.common(&b)), &left & &right);
            prop_assert_eq!(a.checked_add(&b).map(|sum| set(&sum)), left.is_disjoint(&right).then(|| &left | &right));
            prop_assert_eq!(a.checked_sub(&b).map(|rest| set(&rest)), right.is_subset(&left).then(|| &left - &right));
            let lowest: BTreeSet<u16> = left.iter().take(n as usize).copied().collect();
            prop_assert_eq!(a.take(n).map(|taken| set(&taken)), (n as usize <= left.len()).then_some(lowest));
        }
    }
}
