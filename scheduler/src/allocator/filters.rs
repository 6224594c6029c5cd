//! What frameworks have refused.

use rsk_proto::{AgentId, FrameworkId, Resources, Time};
use std::collections::{BTreeMap, BTreeSet};

/// Refusals that stand, and when they end.
#[derive(Debug, Default)]
pub(super) struct Filters {
    refused: BTreeMap<(FrameworkId, AgentId), (Resources, Time)>,
    ends: BTreeSet<(Time, FrameworkId, AgentId)>,
}

impl Filters {
    /// A refusal takes the place of an earlier one.
    pub(super) fn refuse(
        &mut self,
        framework: FrameworkId,
        agent: AgentId,
        resources: Resources,
        until: Time,
    ) {
        if let Some((_, end)) = self.refused.insert((framework, agent), (resources, until)) {
            self.ends.remove(&(end, framework, agent));
        }
        self.ends.insert((until, framework, agent));
    }

    /// Whether a framework has refused these resources of an agent, or more.
    pub(super) fn blocks(&self, framework: FrameworkId, agent: AgentId, resources: &Resources) -> bool {
        self.refused.get(&(framework, agent)).is_some_and(|(refused, _)| refused.contains(resources))
    }

    /// Refusals that have ended by now; they are forgotten.
    pub(super) fn ended(&mut self, now: Time) -> Vec<(FrameworkId, AgentId)> {
        let mut ended = Vec::new();
        while let Some((end, framework, agent)) = self.ends.first().copied().filter(|first| first.0 <= now) {
            self.ends.remove(&(end, framework, agent));
            self.refused.remove(&(framework, agent));
            ended.push((framework, agent));
        }
        ended
    }

    /// When the first ends.
    pub(super) fn first_end(&self) -> Option<Time> {
        self.ends.first().map(|first| first.0)
    }

    /// Forgets all that a framework refused.
    pub(super) fn forget_framework(&mut self, framework: FrameworkId) {
        let (first, last) = (AgentId::from_u64(0), AgentId::from_u64(u64::MAX));
        let all = self.refused.range((framework, first)..=(framework, last));
        for ((framework, agent), end) in all.map(|(key, (_, end))| (*key, *end)).collect::<Vec<_>>() {
            self.refused.remove(&(framework, agent));
            self.ends.remove(&(end, framework, agent));
        }
    }

    /// Forgets all that was refused of an agent.
    pub(super) fn forget_agent(&mut self, gone: AgentId) {
        self.refused.retain(|(_, agent), _| *agent != gone);
        self.ends.retain(|(_, _, agent)| *agent != gone);
    }
}
