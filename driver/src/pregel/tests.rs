use super::*;
use crate::{Context, prelude::*};
use proptest::prelude::*;
use std::collections::BTreeMap;

const FAR: u64 = u64::MAX;

/// Edges with weights, among vertices with numbers below `vertices`.
type Edges = Vec<(u32, (u32, u64))>;

fn edges(vertices: u32) -> impl Strategy<Value = Edges> {
    proptest::collection::vec((0..vertices, (0..vertices, 1u64..20)), 0..60)
}

fn shortest_paths(
    ctx: &Context,
    vertices: u32,
    edges: &Edges,
    partitions: usize,
    every: u32,
) -> Vec<(u32, u64)> {
    let states = (0..vertices).map(|key| (key, if key == 0 { 0 } else { FAR })).collect();
    let states = ctx.parallelize(states, 2).unwrap();
    let edges = ctx.parallelize(edges.clone(), 3).unwrap();
    let pregel = Pregel::new(&states, &edges).partition_by(partitions).unwrap().checkpoint_every(every);
    let distances = pregel.run(
        FAR,
        |_, distance, offered| (offered < *distance).then_some(offered),
        |edge| edge.state.checked_add(*edge.value),
        u64::min,
    );
    let mut distances = distances.unwrap().collect().unwrap();
    distances.sort_unstable();
    distances
}

/// Relaxes all edges until nothing changes.
fn plain_shortest_paths(vertices: u32, edges: &Edges) -> Vec<(u32, u64)> {
    let mut distances = vec![FAR; vertices as usize];
    distances[0] = 0;
    for _ in 0..vertices {
        for (source, (target, weight)) in edges {
            let offered = distances[*source as usize].saturating_add(*weight);
            distances[*target as usize] = offered.min(distances[*target as usize]);
        }
    }
    (0..).zip(distances).collect()
}

/// The smallest key in reach of each, by merging sets.
fn plain_components(vertices: u32, edges: &Edges) -> BTreeMap<u32, u32> {
    let mut component: BTreeMap<_, _> = (0..vertices).map(|key| (key, key)).collect();
    for (a, (b, _)) in edges {
        let (one, other) = (component[a].min(component[b]), component[a].max(component[b]));
        component.values_mut().filter(|key| **key == other).for_each(|key| *key = one);
    }
    component
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(8))]

    #[test]
    fn shortest_paths_on_random_graphs(edges in edges(15), partitions in 1usize..5, every in 0u32..4) {
        let ctx = Context::new("local[2]").unwrap();
        let distances = shortest_paths(&ctx, 15, &edges, partitions, every);
        prop_assert_eq!(distances, plain_shortest_paths(15, &edges));
    }

    #[test]
    fn connected_components_on_random_graphs(edges in edges(40), partitions in 1usize..5) {
        let ctx = Context::new("local[2]").unwrap();
        let vertices = ctx.parallelize((0..40u32).map(|key| (key, key)).collect(), partitions).unwrap();
        let there_and_back = ctx
            .parallelize(edges.clone(), 3)
            .unwrap()
            .flat_map(|(a, (b, _))| [(a, (b, ())), (b, (a, ()))]);
        let components = Pregel::new(&vertices, &there_and_back).run(
            u32::MAX,
            |_, component, smaller| (smaller < *component).then_some(smaller),
            |edge| (edge.state < edge.target).then_some(*edge.state),
            u32::min,
        );
        let components: BTreeMap<_, _> = components.unwrap().collect().unwrap().into_iter().collect();
        prop_assert_eq!(components, plain_components(40, &edges));
    }
}

#[test]
fn a_long_chain_is_checkpointed_as_it_goes_and_leaves_nothing() {
    let ctx = Context::new("local[2]").unwrap();
    let chain: Edges = (0..60).map(|key| (key, (key + 1, 1))).collect();
    let distances = shortest_paths(&ctx, 61, &chain, 2, 20);
    assert_eq!(distances, (0..61).map(|key| (key, u64::from(key))).collect::<Vec<_>>());
    let counts = ctx.backend().executor().blocks().counts();
    assert_eq!((counts.in_memory, counts.on_disk), (0, 0));
    let work_dir = ctx.backend().executor().work_dir();
    for folder in [work_dir.path().join("checkpoint"), work_dir.shuffle()] {
        assert_eq!(std::fs::read_dir(folder).unwrap().count(), 0);
    }
}

#[test]
fn states_of_earlier_supersteps_are_freed_and_the_result_is_kept() {
    let ctx = Context::new("local[2]").unwrap();
    let vertices = ctx.range(0..10, 2).map(|key| (key, 0u64)).partition_by(3).unwrap();
    let edges = ctx.range(0..10, 2).map(|key| (key, ((key + 1) % 10, ())));
    let counted = Pregel::new(&vertices, &edges)
        .max_iterations(7)
        .run(0, |_, state, message| Some(state + message), |_| Some(1), |a, b| a + b)
        .unwrap();
    assert_eq!(ctx.backend().executor().blocks().counts().in_memory, 3, "the last states alone");
    assert!(counted.partitioning().is_some());
    assert_eq!(counted.partitioning(), vertices.partitioning(), "vertices stayed where they were");
    assert!(counted.collect().unwrap().into_iter().all(|(_, state)| state == 7));
}

#[test]
fn it_ends_when_nobody_sends() {
    let ctx = Context::new("local").unwrap();
    let vertices = ctx.range(0..3, 2).map(|key| (key, key));
    let none = ctx.parallelize(Vec::<(u64, (u64, ()))>::new(), 1).unwrap();
    let states = Pregel::new(&vertices, &none)
        .run(5, |_, state, message| Some(state + message), |_| Some(1), |a, b| a + b)
        .unwrap();
    let mut states = states.collect().unwrap();
    states.sort_unstable();
    assert_eq!(states, [(0, 5), (1, 6), (2, 7)]);
}

#[test]
fn messages_to_nobody_are_dropped_and_a_zero_of_partitions_is_refused() {
    let ctx = Context::new("local").unwrap();
    let vertices = ctx.parallelize(vec![(1u32, 0u32)], 1).unwrap();
    let edges = ctx.parallelize(vec![(1, (9, ())), (8, (1, ()))], 1).unwrap();
    let pregel = Pregel::new(&vertices, &edges);
    assert!(pregel.clone().partition_by(0).is_err());
    let states = pregel.run(1, |_, state, message| Some(state + message), |_| Some(1), |a, b| a + b);
    assert_eq!(states.unwrap().collect().unwrap(), [(1, 1)]);
}

#[test]
fn the_order_of_slots_changes_nothing() {
    let edges: Vec<(u32, (u32, u32))> = (0..200).map(|n| (n % 15, ((n * 7 + 3) % 15, n % 11 + 1))).collect();
    let run = |slots| {
        let ctx = Context::new(&format!("local[{slots}]")).unwrap();
        let states = ctx.range(0..15, 3).map(|key| (u32::try_from(key).unwrap_or(0), 1.0f64));
        let edges = ctx.parallelize(edges.clone(), 4).unwrap();
        let ranks = Pregel::new(&states, &edges).max_iterations(5).with(0.85).run(
            1.0,
            |damping, _, _, sum| Some(1.0 - damping + damping * sum),
            |_, edge| Some(edge.state / f64::from(*edge.value)),
            |_, a, b| a + b,
        );
        ranks.unwrap().collect().unwrap()
    };
    assert_eq!(run(1), run(3), "the same sums in the same order, to the last bit");
}
