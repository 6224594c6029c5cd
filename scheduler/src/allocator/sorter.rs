//! Who has least.

use rsk_proto::Resources;
use std::collections::{BTreeMap, BTreeSet};

/// A dominant share over a weight, in billionths: the largest part that somebody has of any resource of the cluster.
/// A whole number, so that two runs never differ in how a fraction was rounded.
pub(super) type Share = u64;

/// The dominant share.
///
/// Source: dominant resource fairness, Ghodsi et al., NSDI 2011, §4.
pub(super) fn share(held: &Resources, total: &Resources, weight_milli: u32) -> Share {
    let part = |held: u64, total: u64| {
        let billionths = u128::from(held) * 1_000_000_000 * 1000 / u128::from(weight_milli.max(1));
        u64::try_from(billionths.checked_div(u128::from(total)).unwrap_or(0)).unwrap_or(u64::MAX)
    };
    let named = held.named_milli.iter().map(|(name, held)| part(*held, total.named(name)));
    let amounts = [
        part(held.cpus_milli, total.cpus_milli),
        part(held.memory_bytes, total.memory_bytes),
        part(held.disk_bytes, total.disk_bytes),
    ];
    amounts.into_iter().chain(named).max().unwrap_or(0)
}

/// Names in the order of their shares, the least first; the same shares in the order of names.
///
/// Cost: O(log n) a change.
#[derive(Debug)]
pub(super) struct Sorter<K> {
    shares: BTreeMap<K, Share>,
    order: BTreeSet<(Share, K)>,
}

impl<K> Default for Sorter<K> {
    fn default() -> Self {
        Sorter { shares: BTreeMap::new(), order: BTreeSet::new() }
    }
}

impl<K: Ord + Clone> Sorter<K> {
    pub(super) fn set(&mut self, name: &K, share: Share) {
        match self.shares.insert(name.clone(), share) {
            Some(before) if before == share => return,
            Some(before) => drop(self.order.take(&(before, name.clone()))),
            None => {}
        }
        self.order.insert((share, name.clone()));
    }

    pub(super) fn remove(&mut self, name: &K) {
        if let Some(share) = self.shares.remove(name) {
            self.order.remove(&(share, name.clone()));
        }
    }

    pub(super) fn in_order(&self) -> impl Iterator<Item = &K> {
        self.order.iter().map(|(_, name)| name)
    }
}
