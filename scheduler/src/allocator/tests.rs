use super::*;
use proptest::prelude::*;
use std::{collections::BTreeMap, time::Duration};

fn agent(number: u32) -> AgentId {
    AgentId { registry: 1, number }
}

fn app(number: u32) -> FrameworkId {
    FrameworkId { registry: 1, number }
}

#[test]
fn dominant_resource_fairness_is_an_allocator() {
    suite::allocator(DrfAllocator::default);
}

/// What may happen to an allocator.
#[derive(Debug, Clone)]
enum Step {
    Demand(u32, u64, Option<u32>),
    GiveBack(usize, bool),
    Refuse(usize),
    Close(u32, bool),
    Lose(u32),
    Join(u32),
    Reserve(u32, u64),
    Quota(Option<u64>),
    Later(u64),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        4 => (0..4u32, 1..5u64, prop::option::of(0..6u32)).prop_map(|(f, c, n)| Step::Demand(f, c, n)),
        4 => (any::<usize>(), any::<bool>()).prop_map(|(at, unused)| Step::GiveBack(at, unused)),
        2 => any::<usize>().prop_map(Step::Refuse),
        1 => (0..3u32, any::<bool>()).prop_map(|(a, open)| Step::Close(a, open)),
        1 => (0..3u32).prop_map(Step::Lose),
        1 => (0..3u32).prop_map(Step::Join),
        1 => (0..3u32, 0..4u64).prop_map(|(a, cpus)| Step::Reserve(a, cpus)),
        1 => prop::option::of(1..20u64).prop_map(Step::Quota),
        1 => (0..9u64).prop_map(Step::Later),
    ];
    prop::collection::vec(step, 1..60)
}

proptest! {
    #[test]
    fn nothing_is_held_twice_whatever_happens(steps in steps()) {
        let total: Resources = "cpus:10;mem:100;ports:[1-9]".parse().unwrap();
        let role = |number: u32| if number < 2 { "a" } else { "b" }.parse::<RoleName>().unwrap();
        let mut all = DrfAllocator::default();
        let mut now = Time::default();
        let mut held: Vec<Grant> = Vec::new();
        let mut alive = BTreeMap::new();
        for number in 0..3 {
            all.set_agent(agent(number), total.clone());
            alive.insert(agent(number), true);
        }
        (0..4).for_each(|number| all.add_framework(app(number), role(number)));
        for step in steps {
            match step {
                Step::Demand(number, cpus, count) => {
                    let shape = Resources::of(cpus * 1000, rsk_proto::ByteSize::mib(1));
                    all.set_demand(app(number), Some(Demand { shape, ports: 1, count }));
                }
                Step::GiveBack(at, is_unused) if !held.is_empty() => {
                    let grant = held.swap_remove(at % held.len());
                    all.give_back(grant.framework, grant.agent, &grant.resources, is_unused);
                }
                Step::Refuse(at) if !held.is_empty() => {
                    let grant = held.swap_remove(at % held.len());
                    all.give_back(grant.framework, grant.agent, &grant.resources, true);
                    let until = now + Duration::from_secs(3);
                    all.refuse(grant.framework, grant.agent, grant.resources, until);
                }
                Step::Close(number, is_offered) => all.set_offered(agent(number), is_offered),
                Step::Lose(number) => {
                    all.remove_agent(agent(number));
                    alive.remove(&agent(number));
                    for grant in held.extract_if(.., |grant| grant.agent == agent(number)) {
                        all.give_back(grant.framework, grant.agent, &grant.resources, false);
                    }
                }
                Step::Join(number) => {
                    all.set_agent(agent(number), total.clone());
                    alive.insert(agent(number), true);
                }
                Step::Reserve(number, cpus) => {
                    let part = Resources::of(cpus * 1000, rsk_proto::ByteSize(0));
                    if cpus % 2 == 0 {
                        drop(all.reserve(agent(number), &role(0), part));
                    } else {
                        all.keep(agent(number), &role(0), part);
                    }
                }
                Step::Quota(cpus) => {
                    let limit = cpus.map(|cpus| Resources::of(cpus * 1000, rsk_proto::ByteSize(0)));
                    all.set_quota(&role(3), limit);
                }
                Step::Later(seconds) => now = now + Duration::from_secs(seconds),
                Step::GiveBack(..) | Step::Refuse(_) => {}
            }
            held.extend(all.allocate(now));
            for id in alive.keys() {
                let mut free = total.clone();
                for grant in held.iter().filter(|grant| grant.agent == *id) {
                    free = free.checked_sub(&grant.resources).expect("no resource is held twice");
                }
            }
            prop_assert!(held.iter().all(|grant| alive.contains_key(&grant.agent)), "all held is of agents that are there");
            for name in ["a", "b"] {
                let name: RoleName = name.parse().unwrap();
                let of_role = held.iter().filter(|grant| role(grant.framework.number) == name);
                let sum: u64 = of_role.map(|grant| grant.resources.cpus_milli).sum();
                prop_assert_eq!(sum, all.held_by(&name).cpus_milli, "sums are right");
            }
            prop_assert_eq!(all.allocate(now), [], "one allocation gives all that can be given");
        }
    }
}
