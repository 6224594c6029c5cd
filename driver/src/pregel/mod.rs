//! Graphs, vertex by vertex: the model of Pregel, on top of RDDs.
//!
//! A vertex has a key and a state, an edge leads from one key to another. The computation goes in supersteps: vertices
//! that changed their states in the last one send messages along their edges; messages to one vertex are combined;
//! vertices that get one may change. It ends when nobody sends any more.
//!
//! It is nothing but operators: vertices and edges are spread by one partitioner and stay where they are, only messages
//! are shuffled. Each superstep is one job; its states are persisted, and those before it freed.
//!
//! ```
//! use rsk::{pregel::Pregel, prelude::*};
//! let ctx = rsk::Context::new("local[2]")?;
//! let far = u64::MAX;
//! let vertices = ctx.parallelize(vec![('a', 0), ('b', far), ('c', far), ('d', far)], 2)?;
//! let edges = ctx.parallelize(vec![('a', ('b', 7)), ('a', ('c', 2)), ('c', ('b', 3))], 2)?;
//! let distances = Pregel::new(&vertices, &edges).run(
//!     far,
//!     |_, distance, offered| (offered < *distance).then_some(offered),
//!     |edge| edge.state.checked_add(*edge.value),
//!     u64::min,
//! )?;
//! let mut distances = distances.collect()?;
//! distances.sort();
//! assert_eq!(distances, [('a', 0), ('b', 5), ('c', 2), ('d', far)]);
//! # Ok::<(), rsk::Error>(())
//! ```
//!
//! Source: Malewicz et al., Pregel: a system for large-scale graph processing, SIGMOD 2010.

mod applied;
mod superstep;
#[cfg(test)]
mod tests;

use crate::{
    Result,
    rdd::{BoxedRdd, Partitioner, Rdd, Stateless, Transform, action::Actions, partitioner::Chosen},
};
use rsk_proto::Data;
use std::{fmt, hash::Hash};
use superstep::Graph;

/// An edge along which a vertex may send, as `send` sees it.
///
/// ```
/// use rsk::pregel::Edge;
/// fn offer(edge: Edge<'_, char, u64, u64>) -> Option<u64> {
///     edge.state.checked_add(*edge.value)
/// }
/// assert_eq!(offer(Edge { source: &'a', state: &5, target: &'b', value: &2 }), Some(7));
/// ```
#[derive(Debug)]
pub struct Edge<'a, K, V, E> {
    /// The vertex that sends.
    pub source: &'a K,
    /// Its state.
    pub state: &'a V,
    /// The vertex that would get the message.
    pub target: &'a K,
    /// What the edge carries.
    pub value: &'a E,
}

/// A graph and how to run over it; [`run`](Pregel::run) does.
///
/// Shape: vertices are pairs of key and state, edges are `(source, (target, value))`. Messages to a key without a vertex
/// are dropped, and edges of a source without one are never looked at. For messages against an edge's direction add the
/// edge the other way round.
#[derive(Clone)]
pub struct Pregel<K, V, E>
where
    K: Data + Hash,
    V: Data,
    E: Data,
{
    vertices: BoxedRdd<(K, V)>,
    edges: BoxedRdd<(K, (K, E))>,
    spread: Chosen<K>,
    max_iterations: u32,
    checkpoint_every: u32,
}

/// What [`Pregel::with`] gives: a graph and a value for its functions.
#[derive(Clone)]
pub struct PregelWith<K, V, E, C>
where
    K: Data + Hash,
    V: Data,
    E: Data,
{
    pregel: Pregel<K, V, E>,
    value: C,
}

impl<K: Data + Hash, V: Data, E: Data> fmt::Debug for Pregel<K, V, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pregel")
            .field("max_iterations", &self.max_iterations)
            .field("checkpoint_every", &self.checkpoint_every)
            .finish_non_exhaustive()
    }
}

impl<K: Data + Hash, V: Data, E: Data, C> fmt::Debug for PregelWith<K, V, E, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.pregel.fmt(f)
    }
}

impl<K, V, E> Pregel<K, V, E>
where
    K: Data + Hash + Eq + Sync + Clone,
    V: Data + Sync + Clone,
    E: Data + Sync + Clone,
{
    /// A graph, spread as its vertices are, or else by hash into as many partitions as they have.
    ///
    /// ```
    /// use rsk::{pregel::Pregel, prelude::*};
    /// let ctx = rsk::Context::new("local")?;
    /// let vertices = ctx.range(0..3, 2).map(|key| (key, key));
    /// let edges = ctx.range(0..2, 2).map(|key| (key, (key + 1, ())));
    /// let smallest = Pregel::new(&vertices, &edges).run(
    ///     u64::MAX,
    ///     |_, state, smaller| (smaller < *state).then_some(smaller),
    ///     |edge| Some(*edge.state),
    ///     u64::min,
    /// )?;
    /// assert_eq!(smallest.values().collect()?, [0, 0, 0]);
    /// # Ok::<(), rsk::Error>(())
    /// ```
    pub fn new<A, B>(vertices: &A, edges: &B) -> Self
    where
        A: Rdd<Item = (K, V)>,
        B: Rdd<Item = (K, (K, E))>,
    {
        let spread = Chosen::upstream(&[(vertices.partitioning(), vertices.partitions())]);
        Pregel {
            vertices: vertices.boxed(),
            edges: edges.boxed(),
            spread,
            max_iterations: u32::MAX,
            checkpoint_every: 20,
        }
    }

    /// Spreads the graph by another partitioner, or into so many partitions by hash.
    ///
    /// Errors: no partitions.
    ///
    /// ```
    /// use rsk::{pregel::Pregel, prelude::*};
    /// let ctx = rsk::Context::new("local")?;
    /// let vertices = ctx.range(0..3, 2).map(|key| (key, 0));
    /// let edges = ctx.range(0..3, 2).map(|key| (key, ((key + 1) % 3, ())));
    /// let graph = Pregel::new(&vertices, &edges).partition_by(5)?.max_iterations(1);
    /// let states = graph.run(0, |_, state, message| Some(state + message), |_| Some(1), |a, b| a + b)?;
    /// assert_eq!(states.partitions(), 5);
    /// # Ok::<(), rsk::Error>(())
    /// ```
    pub fn partition_by(self, partitioner: impl Partitioner<K>) -> Result<Self> {
        Ok(Pregel { spread: Chosen::asked(partitioner)?, ..self })
    }

    /// Ends after so many supersteps, even if vertices still send. Default: no limit.
    ///
    /// ```
    /// use rsk::{pregel::Pregel, prelude::*};
    /// let ctx = rsk::Context::new("local")?;
    /// let vertices = ctx.range(0..3, 2).map(|key| (key, 0));
    /// let edges = ctx.range(0..3, 2).map(|key| (key, ((key + 1) % 3, ())));
    /// let graph = Pregel::new(&vertices, &edges).max_iterations(4); // on a ring it would never end
    /// let states = graph.run(0, |_, state, message| Some(state + message), |_| Some(1), |a, b| a + b)?;
    /// assert_eq!(states.values().collect()?, [4, 4, 4]);
    /// # Ok::<(), rsk::Error>(())
    /// ```
    pub fn max_iterations(self, iterations: u32) -> Self {
        Pregel { max_iterations: iterations, ..self }
    }

    /// [Checkpoints](crate::rdd::persist::Persist::checkpoint) the states after every so many supersteps, so that a
    /// lost block is not computed from the very beginning. 0 is never; default 20.
    ///
    /// ```
    /// use rsk::{pregel::Pregel, prelude::*};
    /// let ctx = rsk::Context::new("local")?;
    /// let vertices = ctx.range(0..3, 2).map(|key| (key, 0));
    /// let edges = ctx.range(0..3, 2).map(|key| (key, ((key + 1) % 3, ())));
    /// let graph = Pregel::new(&vertices, &edges).max_iterations(4).checkpoint_every(2);
    /// let states = graph.run(0, |_, state, message| Some(state + message), |_| Some(1), |a, b| a + b)?;
    /// assert_eq!(states.values().collect()?, [4, 4, 4]);
    /// # Ok::<(), rsk::Error>(())
    /// ```
    pub fn checkpoint_every(self, iterations: u32) -> Self {
        Pregel { checkpoint_every: iterations, ..self }
    }

    /// A value for the three functions, which get it by reference as their first argument.
    ///
    /// ```
    /// use rsk::{pregel::Pregel, prelude::*};
    /// let ctx = rsk::Context::new("local[2]")?;
    /// let vertices = ctx.range(0..3, 2).map(|key| (key, 0));
    /// let edges = ctx.range(0..2, 2).map(|key| (key, (key + 1, ())));
    /// let hops = Pregel::new(&vertices, &edges).max_iterations(2).with(10).run(
    ///     0,
    ///     |step, _, state, message| Some(state + message * step),
    ///     |_, _| Some(1),
    ///     |_, a, b| a + b,
    /// )?;
    /// let mut hops = hops.collect()?;
    /// hops.sort();
    /// assert_eq!(hops, [(0, 0), (1, 10), (2, 20)]);
    /// # Ok::<(), rsk::Error>(())
    /// ```
    pub fn with<C: Data + Sync>(self, value: C) -> PregelWith<K, V, E, C> {
        PregelWith { pregel: self, value }
    }

    /// Runs to the end and gives the states, spread by the graph's partitioner.
    ///
    /// - `program(key, state, message)` gives a vertex's new state. `None` leaves it as it is, and the vertex sends
    ///   nothing in the next superstep.
    /// - `send(edge)` gives the message, if any, along one edge of a vertex that has changed.
    /// - `combine(a, b)` makes one message of two to the same vertex. It must be associative.
    ///
    /// At first all vertices get `initial`, and then send, whether they changed or not.
    ///
    /// Cost: one shuffle of the vertices unless they are spread already, one of the edges, and a job with one shuffle of
    /// at most one message a vertex and partition for each superstep. States and edges are kept at
    /// [`MemoryAndDisk`](crate::StorageLevel::MemoryAndDisk), the result for as long as it has a handle.
    ///
    /// ```
    /// use rsk::{pregel::Pregel, prelude::*};
    /// let ctx = rsk::Context::new("local")?;
    /// let vertices = ctx.parallelize(vec![('a', 3), ('b', 5), ('c', 1)], 1)?;
    /// let edges = ctx.parallelize(vec![('a', ('b', ())), ('b', ('c', ()))], 1)?;
    /// let greatest = Pregel::new(&vertices, &edges).run(
    ///     0,
    ///     |_, state, message| (message > *state).then_some(message),
    ///     |edge| Some(*edge.state),
    ///     u64::max,
    /// )?;
    /// let mut greatest = greatest.collect()?;
    /// greatest.sort();
    /// assert_eq!(greatest, [('a', 3), ('b', 5), ('c', 5)]);
    /// # Ok::<(), rsk::Error>(())
    /// ```
    pub fn run<M, F, G, H>(self, initial: M, program: F, send: G, combine: H) -> Result<BoxedRdd<(K, V)>>
    where
        M: Data + Sync + Clone,
        F: Fn(&K, &V, M) -> Option<V> + Stateless,
        G: Fn(Edge<'_, K, V, E>) -> Option<M> + Stateless,
        H: Fn(M, M) -> M + Stateless,
    {
        self.with(()).run(
            initial,
            move |(), key, state, message| program(key, state, message),
            move |(), edge| send(edge),
            move |(), a, b| combine(a, b),
        )
    }
}

impl<K, V, E, C> PregelWith<K, V, E, C>
where
    K: Data + Hash + Eq + Sync + Clone,
    V: Data + Sync + Clone,
    E: Data + Sync + Clone,
    C: Data + Sync,
{
    /// [`Pregel::run`] with the value.
    ///
    /// ```
    /// use rsk::{pregel::Pregel, prelude::*};
    /// let ctx = rsk::Context::new("local")?;
    /// let vertices = ctx.range(0..3, 1).map(|key| (key, u64::MAX));
    /// let edges = ctx.range(0..2, 1).map(|key| (key, (key + 1, ())));
    /// let least = Pregel::new(&vertices, &edges).with(7).run(
    ///     9,
    ///     |least, _, state, message| (message < *state).then_some(message.max(*least)),
    ///     |_, edge| Some(*edge.state),
    ///     |_, a, b| a.min(b),
    /// )?;
    /// assert_eq!(least.values().collect()?, [9, 9, 9]);
    /// # Ok::<(), rsk::Error>(())
    /// ```
    pub fn run<M, F, G, H>(self, initial: M, program: F, send: G, combine: H) -> Result<BoxedRdd<(K, V)>>
    where
        M: Data + Sync + Clone,
        F: Fn(&C, &K, &V, M) -> Option<V> + Stateless,
        G: Fn(&C, Edge<'_, K, V, E>) -> Option<M> + Stateless,
        H: Fn(&C, M, M) -> M + Stateless,
    {
        let Pregel { vertices, edges, spread, max_iterations, checkpoint_every } = self.pregel;
        let value = vertices.context().broadcast(self.value);
        let graph = Graph::new(&edges, spread, value);
        let mut states = graph.start(&vertices, initial, program);
        for iteration in 1..=max_iterations {
            let next = graph.step(&states, program, send, combine);
            let has_changed = next.by_ref().filter(|vertex| vertex.1.1).count()? > 0;
            states.unpersist();
            states = next;
            if !has_changed {
                break;
            }
            if checkpoint_every > 0 && iteration % checkpoint_every == 0 {
                states = superstep::cut(&states)?;
            }
        }
        graph.end();
        Ok(superstep::without_marks(&states))
    }
}
