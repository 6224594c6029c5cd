use super::super::world::World;
use rsk_proto::{ExecutorId, ExecutorKey};

/// After quiet, every executor that was ordered runs, known to its driver, the master and its agent, or has ended, and
/// its driver knows.
pub(in super::super) fn executors_end(world: &World) {
    for app in &world.apps {
        for number in 1..=app.ordered {
            let executor = ExecutorId(number);
            let is_running = app.executors.contains_key(&executor);
            assert!(is_running || app.ended.contains(&executor), "{executor} was forgotten");
            if is_running {
                let key = ExecutorKey { framework: app.known.unwrap().0, executor };
                let agent = app.executors[&executor];
                let agent = world.agents.iter().find(|it| it.id == Some(agent)).expect("its agent is there");
                assert!(
                    agent.executors.get(&key).is_some_and(|(state, _)| !state.has_ended()),
                    "{key} does not run"
                );
                assert!(world.core.executors.contains_key(&key), "the master does not know {key}");
            }
        }
    }
    for agent in &world.agents {
        for key in agent.executors.keys() {
            let app = world.apps.iter().find(|app| app.known.is_some_and(|(id, _)| id == key.framework));
            assert!(app.is_some_and(|app| app.executors.contains_key(&key.executor)), "{key} is left behind");
        }
        let alive = |id| world.core.frameworks.contains_key(id);
        assert!(agent.files.iter().all(alive), "files of an ended framework are left behind");
    }
}
