//! One superstep, as operators on RDDs.

use super::{Edge, applied::Applied};
use crate::{
    Broadcast, Result,
    rdd::{
        Bound, BoxedRdd, Stateless, Transform, With,
        pair::{CombineByKey, Group, Groups, Inner, Join, LeftOuter, PairRdd, PartitionBy, Reduce},
        partitioner::Chosen,
        persist::{Persist, Persisted},
    },
};
use rsk_proto::{Data, StorageLevel};
use std::hash::Hash;

/// Where states and edges are kept: what does not fit in memory is not computed again from the beginning.
const LEVEL: StorageLevel = StorageLevel::MemoryAndDisk;

/// Vertices with their states and whether these have just changed.
pub(super) type States<K, V> = Persisted<BoxedRdd<(K, (V, bool))>>;

/// For each source its targets and what the edges there carry.
type Targets<K, E> = Persisted<BoxedRdd<(K, Vec<(K, E)>)>>;

/// What stays the same in all supersteps.
pub(super) struct Graph<K, E, C>
where
    K: Data + Hash,
    E: Data,
{
    edges: Targets<K, E>,
    spread: Chosen<K>,
    value: Broadcast<C>,
}

impl<K, E, C> Graph<K, E, C>
where
    K: Data + Hash + Eq + Sync + Clone,
    E: Data + Sync + Clone,
    C: Data + Sync,
{
    pub(super) fn new(edges: &BoxedRdd<(K, (K, E))>, spread: Chosen<K>, value: Broadcast<C>) -> Self {
        let edges = CombineByKey::new(edges, Group, &spread).boxed().persist(LEVEL);
        Graph { edges, spread, value }
    }

    /// All vertices after their first message: each of them will send.
    pub(super) fn start<V, M, F>(&self, vertices: &BoxedRdd<(K, V)>, initial: M, program: F) -> States<K, V>
    where
        V: Data + Sync + Clone,
        M: Data + Sync + Clone,
        F: Fn(&C, &K, &V, M) -> Option<V> + Stateless,
    {
        let With { parent, value } =
            PartitionBy::new(vertices, &self.spread).with((self.value.clone(), initial));
        let first = move |(value, initial): &(Broadcast<C>, M), (key, state): (K, V)| {
            let changed = program(value, &key, &state, initial.clone());
            (key, (changed.unwrap_or(state), true))
        };
        Applied::new(parent, Bound::new(value, first)).boxed().persist(LEVEL)
    }

    /// The states after the messages of those that have just changed.
    pub(super) fn step<V, M, F, G, H>(
        &self,
        states: &States<K, V>,
        program: F,
        send: G,
        combine: H,
    ) -> States<K, V>
    where
        V: Data + Sync + Clone,
        M: Data + Sync + Clone,
        F: Fn(&C, &K, &V, M) -> Option<V> + Stateless,
        G: Fn(&C, Edge<'_, K, V, E>) -> Option<M> + Stateless,
        H: Fn(&C, M, M) -> M + Stateless,
    {
        let changed = states.filter(|(_, (_, has_changed))| *has_changed);
        let senders = Join::<_, _, _, Inner>::new(Groups::new(&changed, &self.edges, &self.spread));
        let outgoing =
            senders.with(self.value.clone()).flat_map(move |value, (source, ((state, _), targets))| {
                let to = |(target, edge): (K, E)| {
                    let edge = Edge { source: &source, state: &state, target: &target, value: &edge };
                    send(value, edge).map(|message| (target, message))
                };
                targets.into_iter().filter_map(to).collect::<Vec<_>>()
            });
        let With { parent, value } = outgoing.with(self.value.clone());
        let combine = move |value: &Broadcast<C>, a: M, b: M| combine(value, a, b);
        let messages = CombineByKey::new(&parent, Reduce(Bound::new(value.clone(), combine)), &self.spread);
        let received = Join::<_, _, _, LeftOuter>::new(Groups::new(states, &messages, &self.spread));
        let apply = move |value: &Broadcast<C>, (key, ((state, _), message)): (K, ((V, bool), Option<M>))| {
            let changed = message.and_then(|message| program(value, &key, &state, message));
            let has_changed = changed.is_some();
            (key, (changed.unwrap_or(state), has_changed))
        };
        Applied::new(received, Bound::new(value, apply)).boxed().persist(LEVEL)
    }

    /// Nothing will be computed from the edges any more.
    pub(super) fn end(self) {
        self.edges.unpersist();
    }
}

/// The same states without what they were computed from.
pub(super) fn cut<K, V>(states: &States<K, V>) -> Result<States<K, V>>
where
    K: Data + Sync + Clone,
    V: Data + Sync + Clone,
{
    let files = states.checkpoint()?;
    states.unpersist();
    Ok(files.boxed().persist(LEVEL))
}

/// The states alone.
pub(super) fn without_marks<K, V>(states: &States<K, V>) -> BoxedRdd<(K, V)>
where
    K: Data + Sync + Clone,
    V: Data + Sync + Clone,
{
    states.map_values(|(state, _)| state).boxed()
}
