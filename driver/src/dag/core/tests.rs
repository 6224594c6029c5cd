use super::*;

const MAP: StageId = StageId(1);
const RESULT: StageId = StageId(10);
const OTHER: StageId = StageId(11);
const JOB: JobId = JobId(10);
const JOB2: JobId = JobId(11);
const T0: Time = Time(Duration::ZERO);
const DELAY: Duration = Duration::from_millis(200);
const P0: PartitionId = PartitionId(0);
const P1: PartitionId = PartitionId(1);

fn parts(partitions: &[u32]) -> BTreeSet<PartitionId> {
    partitions.iter().copied().map(PartitionId).collect()
}

fn node(missing: &[u32], parents: &[StageId]) -> Node {
    Node {
        partitions: 2,
        missing: parts(missing),
        parents: parents.iter().copied().collect(),
        behind: BTreeSet::new(),
        determinism: Determinism::Determinate,
    }
}

fn indeterminate(node: Node) -> Node {
    Node { determinism: Determinism::Indeterminate, ..node }
}

fn core() -> DagCore {
    DagCore::new(Limits { stage_attempts_max: 4, resubmit_delay: DELAY })
}

fn run(stage: StageId, attempt: u32, job: JobId, partitions: &[u32]) -> Command {
    Command::Run { stage, attempt, job, partitions: parts(partitions) }
}

fn submit(core: &mut DagCore, job: JobId, result: StageId, graph: &[(StageId, Node)]) -> Vec<Command> {
    core.step(Event::Submitted { job, result, graph: graph.iter().cloned().collect() }, T0)
}

/// What remains of a stage's completion: the commands of its last partition.
fn finish(core: &mut DagCore, stage: StageId, partitions: &[u32]) -> Vec<Command> {
    let mut last = Vec::new();
    for partition in partitions {
        last = core.step(Event::Done { stage, partition: PartitionId(*partition) }, T0);
    }
    last
}

fn lost(core: &mut DagCore, reader: StageId, attempt: u32, graph: &[(StageId, Node)]) -> Vec<Command> {
    core.step(Event::Lost { reader, attempt, graph: graph.iter().cloned().collect() }, T0)
}

/// A job of a map stage and a result stage, both of two partitions; the map stage runs.
fn two_stages() -> DagCore {
    let mut core = core();
    let graph = [(MAP, node(&[0, 1], &[])), (RESULT, node(&[0, 1], &[MAP]))];
    assert_eq!(submit(&mut core, JOB, RESULT, &graph), [run(MAP, 0, JOB, &[0, 1])]);
    core
}

/// The same with the result stage running.
fn at_results() -> DagCore {
    let mut core = two_stages();
    let commands = finish(&mut core, MAP, &[0, 1]);
    assert_eq!(commands, [Command::Stop { stage: MAP }, run(RESULT, 0, JOB, &[0, 1])]);
    core
}

fn ended(commands: &[Command]) -> Vec<(JobId, Outcome)> {
    let end = |command: &Command| match command {
        Command::End { job, outcome } => Some((*job, outcome.clone())),
        _ => None,
    };
    commands.iter().filter_map(end).collect()
}

#[test]
fn stages_run_parents_first_and_the_last_ends_the_job() {
    let mut core = at_results();
    let commands = finish(&mut core, RESULT, &[1, 0]);
    assert_eq!(ended(&commands), [(JOB, Outcome::Succeeded)]);
    assert!(
        commands.contains(&Command::Drop { stage: MAP })
            && commands.contains(&Command::Drop { stage: RESULT })
    );
    assert_eq!(core.jobs().count(), 0);
}

#[test]
fn a_stage_whose_output_is_there_is_skipped() {
    let mut core = core();
    let graph = [(MAP, node(&[], &[])), (RESULT, node(&[0, 1], &[MAP]))];
    assert_eq!(submit(&mut core, JOB, RESULT, &graph), [run(RESULT, 0, JOB, &[0, 1])]);
}

#[test]
fn only_missing_partitions_of_a_stage_run() {
    let mut core = core();
    let graph = [(MAP, node(&[1], &[])), (RESULT, node(&[0, 1], &[MAP]))];
    assert_eq!(submit(&mut core, JOB, RESULT, &graph), [run(MAP, 0, JOB, &[1])]);
}

#[test]
fn a_job_without_partitions_succeeds_at_once() {
    let commands = submit(&mut core(), JOB, RESULT, &[(RESULT, Node { partitions: 0, ..node(&[], &[]) })]);
    assert_eq!(ended(&commands), [(JOB, Outcome::Succeeded)]);
}

#[test]
fn losing_one_map_output_reruns_that_partition_after_the_delay_and_then_the_reader() {
    let mut core = at_results();
    finish(&mut core, RESULT, &[0]);
    let graph = [(MAP, node(&[1], &[])), (RESULT, node(&[1], &[MAP]))];
    assert_eq!(lost(&mut core, RESULT, 0, &graph), [Command::Retire { stage: RESULT }]);
    assert_eq!(core.wake_at(), Some(T0 + DELAY));
    assert_eq!(core.step(Event::Wake, T0), []);
    assert_eq!(core.step(Event::Wake, T0 + DELAY), [run(MAP, 1, JOB, &[1])]);
    let commands = core.step(Event::Done { stage: MAP, partition: P1 }, T0 + DELAY);
    assert_eq!(commands, [Command::Stop { stage: MAP }, run(RESULT, 1, JOB, &[1])]);
    assert_eq!(ended(&finish(&mut core, RESULT, &[1])), [(JOB, Outcome::Succeeded)]);
}

#[test]
fn a_second_loss_while_the_first_is_made_again_reruns_both() {
    let mut core = at_results();
    submit(&mut core, JOB2, OTHER, &[(MAP, node(&[], &[])), (OTHER, node(&[0, 1], &[MAP]))]);
    lost(&mut core, RESULT, 0, &[(MAP, node(&[0], &[])), (RESULT, node(&[0, 1], &[MAP]))]);
    assert_eq!(core.step(Event::Wake, T0 + DELAY), [run(MAP, 1, JOB, &[0])]);
    let graph = [(MAP, node(&[0, 1], &[])), (OTHER, node(&[0, 1], &[MAP]))];
    let commands = lost(&mut core, OTHER, 0, &graph);
    assert_eq!(commands, [Command::Retire { stage: OTHER }, Command::Retire { stage: MAP }]);
    assert_eq!(core.step(Event::Wake, T0 + DELAY), [run(MAP, 2, JOB, &[0, 1])]);
    // A success of the retired attempt still counts.
    assert!(core.accepts(MAP, 1, P0));
    core.step(Event::Done { stage: MAP, partition: P0 }, T0 + DELAY);
    let commands = core.step(Event::Done { stage: MAP, partition: P1 }, T0 + DELAY);
    assert_eq!(commands[1..], [run(RESULT, 1, JOB, &[0, 1]), run(OTHER, 1, JOB2, &[0, 1])]);
}

#[test]
fn losses_in_a_row_end_the_job_and_a_completed_stage_starts_the_count_again() {
    let mut core = at_results();
    for attempt in 0..3 {
        lost(&mut core, RESULT, attempt, &[(MAP, node(&[0], &[])), (RESULT, node(&[0, 1], &[MAP]))]);
        core.step(Event::Wake, T0 + DELAY);
        core.step(Event::Done { stage: MAP, partition: P0 }, T0 + DELAY);
    }
    let commands = lost(&mut core, RESULT, 3, &[(MAP, node(&[0], &[])), (RESULT, node(&[0, 1], &[MAP]))]);
    assert_eq!(ended(&commands), [(JOB, Outcome::OutputsLost { stage: RESULT, attempts: 4 })]);
}

#[test]
fn losses_of_other_outputs_each_time_do_not_end_the_job_until_one_is_lost_four_times() {
    let mut core = at_results();
    let lose = |core: &mut DagCore, attempt: u32, lost_map: u32| {
        let graph = [(MAP, node(&[lost_map], &[])), (RESULT, node(&[0, 1], &[MAP]))];
        ended(&lost(core, RESULT, attempt, &graph))
    };
    for attempt in 0..6 {
        assert_eq!(lose(&mut core, attempt, attempt % 2), [], "attempt {attempt}");
        core.step(Event::Wake, T0 + DELAY);
        core.step(Event::Done { stage: MAP, partition: PartitionId(attempt % 2) }, T0 + DELAY);
    }
    assert_eq!(lose(&mut core, 6, 1), [(JOB, Outcome::OutputsLost { stage: RESULT, attempts: 4 })]);
}

#[test]
fn late_and_repeated_events_change_nothing() {
    let mut core = at_results();
    assert_eq!(core.step(Event::Done { stage: MAP, partition: P0 }, T0), [], "a repeated completion");
    assert!(!core.accepts(MAP, 0, P0), "its output is not taken twice");
    lost(&mut core, RESULT, 0, &[(MAP, node(&[0], &[])), (RESULT, node(&[0, 1], &[MAP]))]);
    let again = lost(&mut core, RESULT, 0, &[(MAP, node(&[0], &[])), (RESULT, node(&[0, 1], &[MAP]))]);
    assert_eq!(again, [], "a loss told by an old attempt");
    let failure = Failure { partition: P0, attempts: 4, error: TaskError::Lost("old".to_owned()) };
    let old = core.step(Event::Failed { stage: RESULT, attempt: 0, failure }, T0);
    assert_eq!(old, [], "a failure of an old attempt");
    assert!(core.accepts(RESULT, 0, P0), "a success of an old attempt counts");
    assert_eq!(core.step(Event::Done { stage: StageId(99), partition: P0 }, T0), [], "an unknown stage");
    assert_eq!(core.step(Event::Cancelled { job: JobId(99), why: String::new() }, T0), [], "an unknown job");
}

#[test]
fn results_of_an_old_attempt_can_complete_a_stage_that_waits() {
    let mut core = at_results();
    finish(&mut core, RESULT, &[0]);
    lost(&mut core, RESULT, 0, &[(MAP, node(&[1], &[])), (RESULT, node(&[1], &[MAP]))]);
    assert_eq!(ended(&finish(&mut core, RESULT, &[1])), [(JOB, Outcome::Succeeded)]);
    assert_eq!(core.step(Event::Wake, T0 + DELAY), [], "what was lost is not needed any more");
}

#[test]
fn a_stage_of_two_jobs_runs_once_and_outlives_the_first() {
    let mut core = two_stages();
    let graph = [(MAP, node(&[0, 1], &[])), (OTHER, node(&[0, 1], &[MAP]))];
    assert_eq!(submit(&mut core, JOB2, OTHER, &graph), []);
    let commands = core.step(Event::Cancelled { job: JOB, why: "enough".to_owned() }, T0);
    assert_eq!(ended(&commands), [(JOB, Outcome::Cancelled("enough".to_owned()))]);
    assert!(!commands.contains(&Command::Stop { stage: MAP }), "the other job needs it");
    let commands = finish(&mut core, MAP, &[0, 1]);
    assert_eq!(commands[1..], [run(OTHER, 0, JOB2, &[0, 1])]);
}

#[test]
fn a_failed_stage_ends_all_jobs_that_need_it_and_no_other() {
    let mut core = two_stages();
    submit(&mut core, JOB2, OTHER, &[(MAP, node(&[0, 1], &[])), (OTHER, node(&[0, 1], &[MAP]))]);
    submit(&mut core, JobId(12), StageId(12), &[(StageId(12), node(&[0, 1], &[]))]);
    let failure = Failure { partition: P1, attempts: 4, error: TaskError::Lost("gone".to_owned()) };
    let commands = core.step(Event::Failed { stage: MAP, attempt: 0, failure: failure.clone() }, T0);
    let failed = Outcome::Failed(MAP, failure);
    assert_eq!(ended(&commands), [(JOB, failed.clone()), (JOB2, failed)]);
    assert_eq!(core.jobs().collect::<Vec<_>>(), [JobId(12)]);
}

#[test]
fn a_job_can_be_cancelled_in_each_state() {
    let cancel = || Event::Cancelled { job: JOB, why: String::new() };
    let (mut at_map, mut at_results, mut waiting) = (two_stages(), at_results(), at_results());
    lost(&mut waiting, RESULT, 0, &[(MAP, node(&[0], &[])), (RESULT, node(&[0, 1], &[MAP]))]);
    for (core, stopped) in [(&mut at_map, MAP), (&mut at_results, RESULT), (&mut waiting, MAP)] {
        let commands = core.step(cancel(), T0);
        assert_eq!(ended(&commands).len(), 1);
        assert!(commands.contains(&Command::Stop { stage: stopped }), "{commands:?}");
        assert!(commands.contains(&Command::Drop { stage: MAP }));
        assert_eq!(core.step(cancel(), T0), [], "once is enough");
        assert!(!core.accepts(MAP, 0, P0) && core.wake_at().is_none());
    }
}

#[test]
fn a_lost_indeterminate_output_rolls_back_all_that_read_it() {
    let middle = StageId(2);
    let mut core = core();
    let graph = [
        (MAP, indeterminate(node(&[0, 1], &[]))),
        (middle, indeterminate(node(&[0, 1], &[MAP]))),
        (RESULT, indeterminate(node(&[0, 1], &[middle]))),
    ];
    submit(&mut core, JOB, RESULT, &graph);
    finish(&mut core, MAP, &[0, 1]);
    finish(&mut core, middle, &[0]);
    let graph = [(MAP, indeterminate(node(&[1], &[]))), (middle, indeterminate(node(&[1], &[MAP])))];
    let commands = lost(&mut core, middle, 0, &graph);
    for stage in [MAP, middle] {
        assert!(
            commands.contains(&Command::Reset { stage }),
            "{stage} is made again as a whole: {commands:?}"
        );
    }
    assert!(!core.accepts(middle, 0, P1), "a late success read the old version");
    let again = core.step(Event::Wake, T0 + DELAY);
    assert!(matches!(&again[..], [Command::Run { stage: MAP, partitions, .. }] if partitions.len() == 2));
    finish(&mut core, MAP, &[0]);
    let commands = core.step(Event::Done { stage: MAP, partition: P1 }, T0 + DELAY);
    assert!(
        matches!(&commands[1..], [Command::Run { partitions, .. }] if partitions.len() == 2),
        "{commands:?}"
    );
}

#[test]
fn a_lost_indeterminate_output_after_results_ends_the_job() {
    let mut core = core();
    let graph = [(MAP, indeterminate(node(&[0, 1], &[]))), (RESULT, indeterminate(node(&[0, 1], &[MAP])))];
    submit(&mut core, JOB, RESULT, &graph);
    finish(&mut core, MAP, &[0, 1]);
    finish(&mut core, RESULT, &[0]);
    let graph = [(MAP, indeterminate(node(&[1], &[]))), (RESULT, indeterminate(node(&[1], &[MAP])))];
    let commands = lost(&mut core, RESULT, 0, &graph);
    assert_eq!(ended(&commands), [(JOB, Outcome::Indeterminate { stage: MAP })]);
}

#[test]
fn half_of_an_indeterminate_stage_left_by_an_earlier_job_is_not_built_upon() {
    let mut core = core();
    let graph = [(MAP, indeterminate(node(&[1], &[]))), (RESULT, indeterminate(node(&[0, 1], &[MAP])))];
    let commands = submit(&mut core, JOB, RESULT, &graph);
    let forget = Command::Forget { stages: BTreeSet::from([MAP, RESULT]) };
    let (stop, reset) = (Command::Stop { stage: MAP }, Command::Reset { stage: MAP });
    assert_eq!(commands, [forget, stop, reset, run(MAP, 1, JOB, &[0, 1])]);
}
