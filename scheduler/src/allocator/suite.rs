//! What every [`Allocator`] promises, as code.

use super::{Allocator, Grant};
use rsk_proto::{AgentId, Demand, FrameworkId, Resources, RoleName, Time};
use std::time::Duration;

/// Every allocator passes this.
///
/// # Panics
/// Where it breaks a promise.
pub fn allocator<A: Allocator>(make: impl Fn() -> A) {
    offers_all_to_one_who_wants_all(make());
    offers_no_more_than_is_wanted(make());
    offers_nothing_twice(make());
    spreads_what_is_wanted_several_times(make());
    shares_equally_among_frameworks(make());
    shares_by_weight_among_roles(make());
    keeps_a_role_within_its_quota(make());
    keeps_reservations_for_their_role(make());
    does_not_offer_again_what_was_refused(make());
    offers_more_than_was_refused(make());
    offers_nothing_of_agents_that_are_closed_or_gone(make());
    offers_nothing_to_who_is_gone_and_frees_what_it_held(make());
    holds_quota_roles_back(make());
    counts_what_was_held_before_a_restart(make());
    says_why(make());
}

const T0: Time = Time(Duration::ZERO);

fn agent(number: u32) -> AgentId {
    AgentId { registry: 1, number }
}

fn app(number: u32) -> FrameworkId {
    FrameworkId { registry: 1, number }
}

fn read(text: &str) -> Resources {
    text.parse().unwrap_or_default()
}

fn role(name: &str) -> RoleName {
    name.parse().unwrap_or_default()
}

fn demand(shape: &str, count: Option<u32>) -> Demand {
    Demand { shape: read(shape), ports: 0, count }
}

fn grant(framework: u32, number: u32, resources: &str) -> Grant {
    Grant { framework: app(framework), agent: agent(number), resources: read(resources) }
}

/// An allocator with agents of ten cpus each, numbered from 1.
fn with_agents(mut all: impl Allocator, agents: u32) -> impl Allocator {
    for number in 1..=agents {
        all.set_agent(agent(number), read("cpus:10;mem:1000"));
    }
    all
}

fn offers_all_to_one_who_wants_all(all: impl Allocator) {
    let mut all = with_agents(all, 2);
    all.add_framework(app(1), role("*"));
    assert_eq!(all.allocate(T0), [], "who wants nothing gets nothing");
    all.set_demand(app(1), Some(demand("cpus:1;mem:1", None)));
    assert_eq!(all.allocate(T0), [grant(1, 1, "cpus:10;mem:1000"), grant(1, 2, "cpus:10;mem:1000")]);
}

fn offers_no_more_than_is_wanted(all: impl Allocator) {
    let mut all = with_agents(all, 1);
    all.add_framework(app(1), role("*"));
    all.set_demand(app(1), Some(demand("cpus:2;mem:100", Some(3))));
    assert_eq!(all.allocate(T0), [grant(1, 1, "cpus:6;mem:300")]);
    all.give_back(app(1), agent(1), &read("cpus:2;mem:100"), false);
    assert_eq!(all.allocate(T0), [], "what was used up is not wanted again");
    all.give_back(app(1), agent(1), &read("cpus:2;mem:100"), true);
    assert_eq!(all.allocate(T0), [grant(1, 1, "cpus:2;mem:100")], "what was not used is");
    all.set_demand(app(1), Some(demand("cpus:11;mem:1", None)));
    assert_eq!(all.allocate(T0), [], "a shape that does not fit is not offered");
}

fn offers_nothing_twice(all: impl Allocator) {
    let mut all = with_agents(all, 1);
    for number in 1..=3 {
        all.add_framework(app(number), role("*"));
        all.set_demand(app(number), Some(demand("cpus:4;mem:1", Some(1))));
    }
    let grants = all.allocate(T0);
    assert_eq!(grants, [grant(1, 1, "cpus:4;mem:1"), grant(2, 1, "cpus:4;mem:1")]);
    assert_eq!(all.allocate(T0), []);
    all.give_back(app(1), agent(1), &read("cpus:4;mem:1"), false);
    assert_eq!(all.allocate(T0), [grant(3, 1, "cpus:4;mem:1")]);
}

fn spreads_what_is_wanted_several_times(all: impl Allocator) {
    let mut all = with_agents(all, 3);
    all.allocate(T0);
    all.add_framework(app(1), role("*"));
    all.set_demand(app(1), Some(demand("cpus:1;mem:1", Some(6))));
    let grants = all.allocate(T0);
    let two = |number| grant(1, number, "cpus:2;mem:2");
    assert_eq!(grants, [two(1), two(2), two(3)]);
}

fn shares_equally_among_frameworks(all: impl Allocator) {
    let mut all = with_agents(all, 4);
    for number in 1..=2 {
        all.add_framework(app(number), role("*"));
        all.set_demand(app(number), Some(demand("cpus:10;mem:1", None)));
    }
    let grants = all.allocate(T0);
    assert_eq!(grants.iter().filter(|grant| grant.framework == app(1)).count(), 2, "{grants:?}");
    assert_eq!(grants.len(), 4);
}

fn shares_by_weight_among_roles(all: impl Allocator) {
    let mut all = with_agents(all, 30);
    all.set_weight(&role("big"), 2000);
    for (number, name) in [(1, "big"), (2, "small"), (3, "small")] {
        all.add_framework(app(number), role(name));
        all.set_demand(app(number), Some(demand("cpus:10;mem:1", None)));
    }
    all.allocate(T0);
    assert_eq!(all.held_by(&role("big")), read("cpus:200;mem:20000"));
    assert_eq!(
        all.held_by(&role("small")),
        read("cpus:100;mem:10000"),
        "a role counts once, not its frameworks"
    );
    assert_eq!(all.share_milli(&role("small")), 333);
}

fn keeps_a_role_within_its_quota(all: impl Allocator) {
    let mut all = with_agents(all, 2);
    all.set_quota(&role("prod"), Some(read("cpus:12")));
    all.add_framework(app(1), role("prod"));
    all.set_demand(app(1), Some(demand("cpus:2;mem:1", None)));
    all.allocate(T0);
    assert_eq!(all.held_by(&role("prod")), read("cpus:12;mem:2000"));
    all.set_quota(&role("prod"), Some(read("cpus:13")));
    assert_eq!(all.allocate(T0), [], "a shape that does not fit into the quota is not offered");
    all.give_back(app(1), agent(1), &read("cpus:10;mem:1000"), true);
    assert_eq!(all.allocate(T0), [grant(1, 1, "cpus:10;mem:1000")]);
    all.set_quota(&role("prod"), None);
    assert_eq!(all.allocate(T0).len(), 0, "memory is used up on the second agent");
}

fn keeps_reservations_for_their_role(all: impl Allocator) {
    let mut all = with_agents(all, 1);
    let prod = role("prod");
    assert_eq!(all.reserve(agent(1), &prod, read("cpus:4;mem:400")), Ok(()));
    assert!(all.reserve(agent(1), &role("dev"), read("cpus:7")).is_err(), "6 are left");
    assert_eq!(all.largest(&role("*")), Some(read("cpus:6;mem:600")));
    let seven = demand("cpus:7;mem:10", None);
    assert!(
        all.is_satisfiable(&prod, &seven) && !all.is_satisfiable(&role("*"), &seven),
        "4 are not for all"
    );
    all.add_framework(app(1), role("*"));
    all.set_demand(app(1), Some(demand("cpus:1;mem:1", None)));
    assert_eq!(all.allocate(T0), [grant(1, 1, "cpus:6;mem:600")]);
    assert!(all.reserve(agent(1), &prod, read("cpus:5;mem:400")).is_err(), "what is held cannot be reserved");
    all.add_framework(app(2), prod.clone());
    all.set_demand(app(2), Some(demand("cpus:1;mem:1", None)));
    assert_eq!(all.allocate(T0), [grant(2, 1, "cpus:4;mem:400")]);
    all.give_back(app(2), agent(1), &read("cpus:4;mem:400"), true);
    all.set_demand(app(2), None);
    assert_eq!(all.allocate(T0), [], "nobody else gets what is kept");
    all.keep(agent(1), &prod, read("cpus:9;mem:400"));
    assert_eq!(all.allocate(T0), [], "and an agent's own word holds whatever is held");
    all.keep(agent(1), &prod, read("cpus:4;mem:400"));
    assert_eq!(all.reserve(agent(1), &prod, Resources::default()), Ok(()));
    assert_eq!(all.allocate(T0), [grant(1, 1, "cpus:4;mem:400")]);
}

fn does_not_offer_again_what_was_refused(all: impl Allocator) {
    let mut all = with_agents(all, 1);
    let later = T0 + Duration::from_secs(5);
    let everything = read("cpus:10;mem:1000");
    all.add_framework(app(1), role("*"));
    all.set_demand(app(1), Some(demand("cpus:1;mem:1", None)));
    all.allocate(T0);
    all.give_back(app(1), agent(1), &everything, true);
    all.refuse(app(1), agent(1), everything.clone(), later);
    assert_eq!(all.allocate(T0), []);
    all.add_framework(app(2), role("*"));
    all.set_demand(app(2), Some(demand("cpus:1;mem:1", None)));
    assert_eq!(all.allocate(T0), [grant(2, 1, "cpus:10;mem:1000")], "others get it");
    all.set_demand(app(2), None);
    all.give_back(app(2), agent(1), &everything, true);
    assert_eq!(all.allocate(T0), []);
    assert_eq!(all.wake_at(), Some(later));
    assert_eq!(all.allocate(later), [grant(1, 1, "cpus:10;mem:1000")], "it is offered again in time");
    all.give_back(app(1), agent(1), &everything, true);
    all.refuse(app(1), agent(1), everything, later + Duration::from_secs(5));
    assert_eq!(all.allocate(later), []);
    all.revive(app(1));
    assert_eq!(all.allocate(later), [grant(1, 1, "cpus:10;mem:1000")], "or when it asks");
}

fn offers_more_than_was_refused(all: impl Allocator) {
    let mut all = with_agents(all, 1);
    all.add_framework(app(1), role("*"));
    all.set_demand(app(1), Some(demand("cpus:1;mem:1", None)));
    all.allocate(T0);
    all.refuse(app(1), agent(1), read("cpus:4;mem:400"), T0 + Duration::from_secs(5));
    all.give_back(app(1), agent(1), &read("cpus:4;mem:400"), true);
    assert_eq!(all.allocate(T0), []);
    all.give_back(app(1), agent(1), &read("cpus:1"), true);
    assert_eq!(all.allocate(T0), [grant(1, 1, "cpus:5;mem:400")]);
}

fn offers_nothing_of_agents_that_are_closed_or_gone(all: impl Allocator) {
    let mut all = with_agents(all, 3);
    all.set_offered(agent(1), false);
    all.remove_agent(agent(2));
    all.add_framework(app(1), role("*"));
    all.set_demand(app(1), Some(demand("cpus:10;mem:1", None)));
    assert_eq!(all.allocate(T0), [grant(1, 3, "cpus:10;mem:1000")]);
    all.set_offered(agent(1), true);
    assert_eq!(all.allocate(T0), [grant(1, 1, "cpus:10;mem:1000")]);
    all.remove_agent(agent(3));
    all.give_back(app(1), agent(3), &read("cpus:10;mem:1000"), false);
    assert_eq!(all.held_by(&role("*")), read("cpus:10;mem:1000"), "what a lost agent had is held no more");
}

fn offers_nothing_to_who_is_gone_and_frees_what_it_held(all: impl Allocator) {
    let mut all = with_agents(all, 1);
    for number in 1..=2 {
        all.add_framework(app(number), role("*"));
        all.set_demand(app(number), Some(demand("cpus:10;mem:1000", None)));
    }
    assert_eq!(all.allocate(T0), [grant(1, 1, "cpus:10;mem:1000")]);
    all.remove_framework(app(1));
    assert_eq!(all.allocate(T0), [], "its executors have not ended yet");
    all.give_back(app(1), agent(1), &read("cpus:10;mem:1000"), false);
    assert_eq!(all.allocate(T0), [grant(2, 1, "cpus:10;mem:1000")]);
}

fn holds_quota_roles_back(all: impl Allocator) {
    let mut all = with_agents(all, 1);
    all.set_quota(&role("prod"), Some(read("cpus:5")));
    all.hold_back_quota_roles(true);
    all.add_framework(app(1), role("prod"));
    all.set_demand(app(1), Some(demand("cpus:1;mem:1", None)));
    assert_eq!(all.allocate(T0), []);
    all.hold_back_quota_roles(false);
    assert_eq!(all.allocate(T0), [grant(1, 1, "cpus:5;mem:1000")]);
}

fn counts_what_was_held_before_a_restart(all: impl Allocator) {
    let mut all = with_agents(all, 1);
    all.hold(app(1), &role("*"), agent(1), &read("cpus:8;mem:100"));
    all.add_framework(app(2), role("*"));
    all.set_demand(app(2), Some(demand("cpus:1;mem:1", None)));
    assert_eq!(all.allocate(T0), [grant(2, 1, "cpus:2;mem:900")]);
    all.give_back(app(1), agent(1), &read("cpus:8;mem:100"), false);
    assert_eq!(all.allocate(T0), [grant(2, 1, "cpus:8;mem:100")]);
}

fn says_why(all: impl Allocator) {
    let mut all = with_agents(all, 3);
    all.set_agent(agent(4), read("cpus:1;mem:1"));
    all.set_offered(agent(3), false);
    for number in 1..=2 {
        all.add_framework(app(number), role("*"));
    }
    all.set_demand(app(1), Some(demand("cpus:5;mem:10", None)));
    assert_eq!(all.allocate(T0).len(), 2);
    all.set_demand(app(2), Some(demand("cpus:5;mem:10", None)));
    all.refuse(app(2), agent(1), read("cpus:10;mem:1000"), T0 + Duration::from_secs(9));
    all.give_back(app(1), agent(1), &read("cpus:10;mem:1000"), false);
    all.set_demand(app(1), None);
    assert_eq!(all.allocate(T0), []);
    assert_eq!(
        all.reasons(app(2), T0),
        [
            "1 of 4 agents: too small for cpus:5;mem:10.",
            "1 of 4 agents: drained, or not back yet.",
            "1 of 4 agents: busy.",
            "1 of 4 agents: refused by itself for now.",
        ]
    );
    let big = demand("cpus:50;mem:10", None);
    assert!(!all.is_satisfiable(&role("a"), &big));
    assert_eq!(all.largest(&role("a")), Some(read("cpus:10;mem:1000")));
}
