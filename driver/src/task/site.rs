//! Where executors are: their hosts, and the racks of those. Pure.

use rsk_proto::ExecutorId;
use std::{collections::BTreeMap, sync::Arc};

/// The name of a host or of a rack.
pub(crate) type Name = Arc<str>;

/// Where an executor is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Site {
    /// Its host, as its agent calls it.
    pub host: Name,
    /// The rack of the host: the attribute `rack` of its agent.
    pub rack: Option<Name>,
}

impl Site {
    /// A host of which no rack is known.
    pub fn host(host: &str) -> Self {
        Site { host: host.into(), rack: None }
    }
}

#[derive(Debug)]
struct Known {
    site: Site,
    is_excluded: bool,
}

/// The executors that live.
#[derive(Debug, Default)]
pub struct Sites {
    executors: BTreeMap<ExecutorId, Known>,
    /// How many of them each host has.
    hosts: BTreeMap<Name, usize>,
    racks: BTreeMap<Name, usize>,
    /// Of hosts that have or had an executor.
    rack_of: BTreeMap<Name, Name>,
}

impl Sites {
    /// An executor has come.
    pub fn join(&mut self, executor: ExecutorId, site: Site) {
        self.leave(executor);
        *self.hosts.entry(Arc::clone(&site.host)).or_default() += 1;
        if let Some(rack) = &site.rack {
            *self.racks.entry(Arc::clone(rack)).or_default() += 1;
            self.rack_of.insert(Arc::clone(&site.host), Arc::clone(rack));
        }
        self.executors.insert(executor, Known { site, is_excluded: false });
    }

    /// An executor has gone. Says whether it was there.
    pub fn leave(&mut self, executor: ExecutorId) -> bool {
        let Some(Known { site, .. }) = self.executors.remove(&executor) else { return false };
        let less = |counts: &mut BTreeMap<Name, usize>, name: &Name| {
            if let Some(count) = counts.get_mut(name) {
                *count -= 1;
                if *count == 0 {
                    counts.remove(name);
                }
            }
        };
        less(&mut self.hosts, &site.host);
        site.rack.inspect(|rack| less(&mut self.racks, rack));
        true
    }

    /// Notes which executors the whole application does without. Says whether that has changed.
    pub(crate) fn exclude(&mut self, is_meant: impl Fn(ExecutorId, &Site) -> bool) -> bool {
        let mut has_changed = false;
        for (executor, known) in &mut self.executors {
            let is_excluded = is_meant(*executor, &known.site);
            has_changed |= std::mem::replace(&mut known.is_excluded, is_excluded) != is_excluded;
        }
        has_changed
    }

    /// Does the whole application do without it?
    pub(crate) fn is_excluded(&self, executor: ExecutorId) -> bool {
        self.executors.get(&executor).is_some_and(|known| known.is_excluded)
    }

    /// Where an executor that lives is.
    pub(crate) fn of(&self, executor: ExecutorId) -> Option<&Site> {
        self.executors.get(&executor).map(|known| &known.site)
    }

    /// All that live.
    pub(crate) fn all(&self) -> impl Iterator<Item = (ExecutorId, &Site)> {
        self.executors.iter().map(|(executor, known)| (*executor, &known.site))
    }

    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.executors.len()
    }

    /// How many there are on a host.
    pub(crate) fn on(&self, host: &str) -> usize {
        self.hosts.get(host).copied().unwrap_or(0)
    }

    /// How many there are in a rack.
    pub(crate) fn within(&self, rack: &str) -> usize {
        self.racks.get(rack).copied().unwrap_or(0)
    }

    /// The rack of a host that has, or had, an executor.
    pub(crate) fn rack_of(&self, host: &str) -> Option<&Name> {
        self.rack_of.get(host)
    }
}
