use super::super::world::World;

/// What the master says of parts adds up to what it says of the whole.
pub(in super::super) fn sums(world: &World) {
    let status = world.core.status("here:5050");
    for agent in &status.agents {
        let held = agent.resources.used.checked_add(&agent.resources.offered).expect("no port is held twice");
        assert!(agent.resources.total.contains(&held), "{}: {held}", agent.id);
    }
    let used: u64 = status.agents.iter().map(|agent| agent.resources.used.cpus_milli).sum();
    let executors: u64 = status.executors.iter().map(|executor| executor.resources.cpus_milli).sum();
    let roles: u64 = status.roles.iter().map(|role| role.used.cpus_milli).sum();
    assert_eq!(used, executors, "agents and executors");
    // A role without frameworks is not listed, though executors of it may still be ending.
    assert!(roles <= used, "roles and agents");
    if !status.roles.is_empty() {
        assert_eq!(roles, used, "roles and agents");
    }
    let offered: u64 = status.agents.iter().map(|agent| agent.resources.offered.cpus_milli).sum();
    let to: u64 = status.frameworks.iter().map(|framework| framework.offered.cpus_milli).sum();
    assert_eq!(offered, to, "agents and frameworks");
}
