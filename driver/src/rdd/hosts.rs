//! Hosts that a source prefers for its partitions.

use crate::task::site::Name;
use rsk_proto::PartitionId;
use std::{collections::BTreeSet, sync::Arc};

/// For each partition of an RDD, the hosts that hold its input; none where any is as good. A cheap clone.
///
/// A host is named as its agent's `--host` does. Tasks wait a while (`locality_wait`) for an executor there, then for one in
/// its rack, then run anywhere.
///
/// ```
/// use rsk::rdd::{PartitionId, PreferredHosts};
/// let hosts = PreferredHosts::new([vec!["a", "b"], vec![]]);
/// assert_eq!(hosts.of(PartitionId(0)), ["a".into(), "b".into()]);
/// assert!(hosts.of(PartitionId(1)).is_empty() && hosts.of(PartitionId(9)).is_empty());
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PreferredHosts(Arc<Vec<Vec<Name>>>);

impl PreferredHosts {
    /// The hosts of each partition, from the first.
    ///
    /// ```
    /// use rsk::rdd::{PartitionId, PreferredHosts};
    /// assert_eq!(PreferredHosts::new([["a"]]).of(PartitionId(0)).len(), 1);
    /// ```
    pub fn new<H: AsRef<str>>(partitions: impl IntoIterator<Item = impl IntoIterator<Item = H>>) -> Self {
        let names = |hosts: &mut dyn Iterator<Item = H>| hosts.map(|host| host.as_ref().into()).collect();
        PreferredHosts(Arc::new(partitions.into_iter().map(|hosts| names(&mut hosts.into_iter())).collect()))
    }

    /// Those of one partition.
    ///
    /// ```
    /// use rsk::rdd::{PartitionId, PreferredHosts};
    /// assert_eq!(PreferredHosts::new([["a"]]).of(PartitionId(0)), ["a".into()]);
    /// ```
    pub fn of(&self, partition: PartitionId) -> &[Arc<str>] {
        self.0.get(partition.index()).map_or(&[], Vec::as_slice)
    }

    /// Those of all partitions, from the first.
    pub(crate) fn all(&self) -> impl Iterator<Item = &[Name]> {
        self.0.iter().map(Vec::as_slice)
    }

    /// Those of RDDs one after another, each with how many partitions it has; nothing where none prefers any.
    pub(crate) fn chain(rdds: impl IntoIterator<Item = (usize, Option<Self>)>) -> Option<Self> {
        let mut all = Vec::new();
        let mut are_some = false;
        for (partitions, hosts) in rdds {
            are_some |= hosts.is_some();
            let of = |partition| {
                hosts.as_ref().map_or_else(Vec::new, |hosts| hosts.of(PartitionId::of(partition)).to_vec())
            };
            all.extend((0..partitions).map(of));
        }
        are_some.then(|| PreferredHosts(Arc::new(all)))
    }

    /// Those of groups of partitions: what any of a group prefers.
    pub(crate) fn grouped(&self, groups: impl Iterator<Item = std::ops::Range<usize>>) -> Self {
        let of_group = |group: std::ops::Range<usize>| {
            let hosts = group.flat_map(|partition| self.of(PartitionId::of(partition)));
            hosts.cloned().collect::<BTreeSet<_>>().into_iter().collect()
        };
        PreferredHosts(Arc::new(groups.map(of_group).collect()))
    }
}
