//! Tasks, as the driver of an application knows them.

use crate::{span::Span, table::Table};
use rsk_proto::status::TasksStatus;
use std::time::Duration;

/// The stages that run, and the tasks that do.
pub(crate) fn tasks(status: &TasksStatus) -> String {
    let age = |millis: u64| Span(Duration::from_millis(millis)).to_string();
    let mut stages = Table::new(&["STAGE", "WHAT", ">TASKS", ">DONE", ">RUNNING", ">AGE"]);
    for one in &status.stages {
        stages.row([
            format!("stage-{}", one.stage),
            one.name.clone(),
            one.tasks.to_string(),
            one.done.to_string(),
            one.running.to_string(),
            age(one.age_ms),
        ]);
    }
    if stages.is_empty() {
        return stages.print("No task runs or waits.");
    }
    let mut tasks = Table::new(&["TASK", "STAGE", "PARTITION", ">TRIES BEFORE", "EXECUTOR", ">AGE"]);
    for one in &status.running {
        tasks.row([
            format!("task-{}", one.task),
            format!("stage-{}", one.stage),
            format!("part-{}", one.partition),
            one.attempt.to_string(),
            format!("executor-{}", one.executor),
            age(one.age_ms),
        ]);
    }
    stages.print("") + "\n" + &tasks.print("All of them wait.")
}

#[cfg(test)]
mod tests {
    use super::*;
    use rsk_proto::status::{StageStatus, TaskStatus};

    #[test]
    fn what_runs_and_what_waits() {
        assert_eq!(tasks(&TasksStatus::default()), "No task runs or waits.\n");
        let stage = StageStatus {
            stage: 3,
            name: "map side of shuffle-3".to_owned(),
            tasks: 8,
            done: 2,
            running: 1,
            age_ms: 1500,
        };
        let waiting =
            tasks(&TasksStatus { stages: vec![stage.clone()], running: Vec::new(), excluded: Vec::new() });
        assert!(
            waiting.contains("stage-3  map side of shuffle-3") && waiting.ends_with("All of them wait.\n")
        );
        let task = TaskStatus { task: 9, stage: 3, partition: 7, attempt: 1, executor: 2, age_ms: 12 };
        let running = tasks(&TasksStatus { stages: vec![stage], running: vec![task], excluded: Vec::new() });
        assert!(
            running.contains("task-9") && running.contains("part-7") && running.contains("executor-2"),
            "{running}"
        );
    }
}
