//! How long an allocation takes after one event: `cargo bench -p rsk-scheduler`.

#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a measurement")]

use rsk_proto::{AgentId, Demand, FrameworkId, Resources, Time};
use rsk_scheduler::allocator::{Allocator, DrfAllocator};
use std::time::{Duration, Instant};

const EVENTS: u32 = 300;

/// Frameworks that together want all that there is, and one part of it given back at a time.
fn events(agents: u32, frameworks: u32) {
    let total: Resources = "cpus:16;mem:65536;ports:[31000-32000]".parse().unwrap();
    let shape: Resources = "cpus:4;mem:8192".parse().unwrap();
    let mut all = DrfAllocator::default();
    let began = Instant::now();
    (0..agents).for_each(|number| all.set_agent(AgentId { registry: 1, number }, total.clone()));
    for number in 0..frameworks {
        let framework = FrameworkId { registry: 1, number };
        all.add_framework(framework, if number % 2 == 0 { "a" } else { "b" }.parse().unwrap());
        let count = Some(agents * 6 / frameworks);
        all.set_demand(framework, Some(Demand { shape: shape.clone(), ports: 0, count }));
    }
    let mut held = all.allocate(Time::default());
    let at_once = began.elapsed();
    let (mut slowest, mut sum) = (Duration::ZERO, Duration::ZERO);
    for event in 0..EVENTS {
        let grant = held.swap_remove(event as usize * 7 % held.len());
        let began = Instant::now();
        all.give_back(grant.framework, grant.agent, &grant.resources, event % 3 == 0);
        held.extend(all.allocate(Time::default()));
        let took = began.elapsed();
        sum += took;
        slowest = slowest.max(took);
    }
    let mean = sum / EVENTS;
    println!(
        "{agents} agents, {frameworks} frameworks: all {at_once:.2?}, an event {mean:.2?}, slowest {slowest:.2?}"
    );
}

fn main() {
    events(1_000, 200);
    events(50_000, 200);
}
