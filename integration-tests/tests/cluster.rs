//! Programs on a real cluster, as users start them: the answer is local mode's, whatever becomes of the cluster's
//! processes, and nothing is left behind.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use integration_tests::{
    Process,
    cluster::{TestCluster, WITHIN, active, command, processes_below},
    example, repository, signal,
    user::parts,
};
use rsk_proto::status::{AgentState, ClusterStatus, DriverState, FrameworkState};
use std::{
    fs,
    path::Path,
    process::{Command, Output, Stdio},
    thread,
    time::{Duration, Instant},
};

/// Darts that take no noticeable time, and darts that take for ever.
const FEW: &str = "200000";
const ENDLESS: &str = "100000000000000";

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// What a program prints in local mode.
fn local(name: &str, args: &[&str]) -> String {
    let output = Command::new(example(name)).arg("local[2]").args(args).output().unwrap();
    assert!(output.status.success(), "{}", text(&output.stderr));
    text(&output.stdout)
}

/// `rsk submit` of an example, with executors that fit into a test's agents.
fn submission(cluster: &TestCluster, options: &[&str], name: &str, args: &[&str]) -> Command {
    let mut command = cluster.command();
    command.args(["submit", cluster.master(), "--executor-memory", "400m"]).args(options);
    command.arg(example(name)).args(args);
    command
}

fn submit(cluster: &TestCluster, options: &[&str], name: &str, args: &[&str]) -> Output {
    submission(cluster, options, name, args).output().unwrap()
}

fn printed(output: &Output) -> String {
    assert!(output.status.success(), "it failed: {}", text(&output.stderr));
    text(&output.stdout)
}

/// A pi job has the right answer, and leaves nothing.
fn runs_pi(cluster: &TestCluster) {
    let here = local("pi", &["4", FEW]);
    assert_eq!(printed(&submit(cluster, &[], "pi", &["4", FEW])), here);
    cluster.wait_for_quiet();
}

fn executors(status: &ClusterStatus) -> usize {
    status.executors.iter().filter(|executor| executor.state == "running").count()
}

#[test]
fn a_job_gives_local_modes_answer_and_leaves_nothing() {
    let cluster = TestCluster::new().agents(2);
    runs_pi(&cluster);
    let status = cluster.status();
    assert!(matches!(status.ended[0].state, FrameworkState::Succeeded { .. }), "{:?}", status.ended);
    assert_eq!(status.ended[0].name, "pi");
    runs_pi(&cluster);
}

#[test]
fn a_shuffle_writes_the_same_bytes_as_local_mode() {
    let cluster = TestCluster::new().agents(3);
    let (input, folder) = (repository("examples/data"), cluster.folder());
    let [here, there] = ["here", "there"].map(|name| folder.join(name));
    let said = local("word_count", &[&input, &here.display().to_string()]);
    let output = submit(&cluster, &[], "word_count", &[&input, &there.display().to_string()]);
    let without_folder = |text: String, folder: &Path| text.replace(&folder.display().to_string(), "");
    assert_eq!(without_folder(printed(&output), &there), without_folder(said, &here));
    assert_eq!(parts(&there), parts(&here));
    cluster.wait_for_quiet();
}

#[test]
fn the_cluster_runs_a_driver_and_wait_ends_with_its_code() {
    let cluster = TestCluster::new().agents(2);
    let options = ["--deploy-mode", "cluster", "--wait", "--driver-memory", "100m"];
    let output = submit(&cluster, &options, "pi", &["4", FEW]);
    assert_eq!(printed(&output), local("pi", &["4", FEW]));
    cluster.wait_for_quiet();
    let folder = cluster.folder();
    let (script, words) = (folder.join("script"), folder.join("words.txt"));
    fs::write(&script, "#!/bin/sh\ncat words.txt data/again\necho $GREETING >&2\nexit 7\n").unwrap();
    fs::write(&words, "hello\n").unwrap();
    let made = Command::new("chmod").arg("+x").arg(&script).status().unwrap();
    assert!(made.success());
    let files = format!("{},data/again={}", words.display(), words.display());
    let mut args = vec!["submit", cluster.master()];
    args.extend(options);
    let script = script.display().to_string();
    args.extend(["--files", &files, "--env", "GREETING=howdy", &script]);
    let output = cluster.rsk(&args);
    assert_eq!((output.status.code(), text(&output.stdout)), (Some(7), "hello\nhello\n".to_owned()));
    assert!(text(&output.stderr).contains("howdy\n"), "{}", text(&output.stderr));
    let logs = cluster.rsk(&["logs", "script"]);
    assert_eq!((text(&logs.stdout), text(&logs.stderr)), ("hello\nhello\n".to_owned(), "howdy\n".to_owned()));
}

#[test]
fn ctrl_c_ends_the_application_and_so_does_rsk_kill() {
    let cluster = TestCluster::new().agents(2);
    for is_killed in [false, true] {
        let program = Process::start(submission(&cluster, &[], "pi", &["4", ENDLESS]).stderr(Stdio::null()));
        let status = cluster.wait("its executors run", |status| executors(status) == 2);
        let tasks = printed(&cluster.rsk(&["tasks"]));
        assert!(tasks.contains("results of job-0") && tasks.contains("STAGE"), "{tasks}");
        if is_killed {
            let said = printed(&cluster.rsk(&["kill", &status.frameworks[0].id.to_string()]));
            assert!(said.contains("ends"), "{said}");
        } else {
            program.signal("INT");
        }
        let (status, _) = program.end(WITHIN);
        assert_eq!(status.code(), Some(if is_killed { 1 } else { 130 }));
        cluster.wait_for_quiet();
    }
    runs_pi(&cluster);
}

#[test]
fn what_no_agent_can_give_is_said_to_the_program_and_to_people() {
    let cluster = TestCluster::new().agents(1);
    let mut command = submission(&cluster, &["--executor-memory", "4g"], "pi", &["4", FEW]);
    let program = Process::start(command.stderr(Stdio::null()));
    let is_said =
        |status: &ClusterStatus| status.frameworks.iter().any(|app| !app.waiting.reasons.is_empty());
    cluster.wait("it is said why it waits", is_said);
    let said = printed(&cluster.rsk(&["apps", "pi"]));
    assert!(said.contains("It wants") && said.contains("4 GiB") && said.contains("  - "), "{said}");
    assert!(printed(&cluster.rsk(&["apps"])).contains("waiting"));
    program.kill();
}

#[test]
fn a_drained_agent_gets_nothing_and_comes_back() {
    let cluster = TestCluster::new().agents(2);
    let first = cluster.agent(&cluster.status(), 0).unwrap().id;
    printed(&cluster.rsk(&["drain", &first.to_string()]));
    cluster.wait("it is drained", |status| {
        cluster.agent(status, 0).is_some_and(|agent| agent.state == AgentState::Drained)
    });
    let program = Process::start(submission(&cluster, &[], "pi", &["4", ENDLESS]).stderr(Stdio::null()));
    let status = cluster.wait("an executor runs", |status| executors(status) == 1);
    assert!(status.executors.iter().all(|executor| executor.agent != first), "{status:?}");
    printed(&cluster.rsk(&["reactivate", &first.to_string()]));
    cluster.wait("the other agent has one, too", |status| executors(status) == 2);
    program.signal("INT");
    program.end(WITHIN);
    cluster.wait_for_quiet();
}

#[test]
fn quotas_weights_and_reservations_are_shown_and_kept_over_a_restart() {
    let mut cluster = TestCluster::new().agents(1);
    let agent = cluster.status().agents[0].id.to_string();
    for args in [
        &["quota", "prod", "cpus:4;mem:2g"][..],
        &["weight", "prod", "2.5"],
        &["reserve", &agent, "prod", "cpus:1"],
    ] {
        printed(&cluster.rsk(args));
    }
    cluster.kill_master();
    cluster.start_master();
    cluster.wait("the agent is back", |status| active(status).count() == 1);
    let is_kept =
        |status: &ClusterStatus| status.agents[0].reserved.iter().any(|part| part.role.as_str() == "prod");
    cluster.wait("the reservation is back", is_kept);
    let roles = printed(&cluster.rsk(&["roles"]));
    let line = roles.lines().find(|line| line.starts_with("prod")).unwrap_or_else(|| panic!("{roles}"));
    assert!(line.contains("2.5") && line.contains("cpus:4;mem:2048"), "{line}");
    let refused = cluster.rsk(&["weight", "prod", "0"]);
    assert_eq!(refused.status.code(), Some(2));
}

#[test]
fn an_agent_that_is_killed_is_itself_again_and_its_executors_go_on() {
    let mut cluster = TestCluster::new().agents(1);
    let before = cluster.status().agents[0].id;
    let program = Process::start(submission(&cluster, &[], "pi", &["4", ENDLESS]).stderr(Stdio::null()));
    cluster.wait("its executor runs", |status| executors(status) == 1);
    let processes = cluster.processes();
    assert_eq!(processes.len(), 1);
    cluster.kill_agent(0);
    assert_eq!(cluster.processes(), processes, "executors outlive their agent");
    cluster.wait("the agent is missed", |status| active(status).count() == 0);
    cluster.start_agent(0);
    let status = cluster.wait("it is back", |status| active(status).count() == 1 && executors(status) == 1);
    assert_eq!((status.agents.len(), status.agents[0].id), (1, before));
    assert_eq!(cluster.processes(), processes);
    program.signal("INT");
    program.end(WITHIN);
    cluster.wait_for_quiet();
    runs_pi(&cluster);
}

#[test]
fn a_master_that_is_killed_during_a_job_costs_it_nothing() {
    let mut cluster = TestCluster::new().agents(2);
    let program = Process::start(submission(&cluster, &[], "pi", &["4", ENDLESS]).stderr(Stdio::null()));
    let before = cluster.wait("its executors run", |status| executors(status) == 2);
    let processes = cluster.processes();
    cluster.kill_master();
    cluster.start_master();
    let after = cluster.wait("all are back", |status| {
        executors(status) == 2 && active(status).count() == 2 && status.frameworks.len() == 1
    });
    assert_eq!(after.frameworks[0].id, before.frameworks[0].id);
    assert!(after.master.term > before.master.term);
    assert_eq!(cluster.processes(), processes, "no executor was started again");
    program.signal("INT");
    assert_eq!(program.end(WITHIN).0.code(), Some(130));
    cluster.wait_for_quiet();
    runs_pi(&cluster);
}

#[test]
fn a_killed_executor_is_replaced_and_the_answer_is_the_same() {
    let cluster = TestCluster::new().agents(2);
    let args = ["4", "30000000"];
    let program = Process::start(submission(&cluster, &[], "pi", &args).stderr(Stdio::null()));
    cluster.wait("its executors run", |status| executors(status) == 2);
    signal(cluster.processes()[0], "KILL");
    let (status, said) = program.end(WITHIN);
    assert!(status.success());
    assert_eq!(said, local("pi", &args));
    cluster.wait_for_quiet();
}

#[test]
fn an_agent_that_is_gone_for_good_costs_time_alone() {
    let mut cluster = TestCluster::new().agents(2);
    let args = ["8", "40000000"];
    let program = Process::start(submission(&cluster, &[], "pi", &args).stderr(Stdio::null()));
    cluster.wait("its executors run", |status| executors(status) == 2);
    cluster.kill_agent(1);
    let gone = cluster.processes_on(1);
    assert_eq!(gone.len(), 1);
    signal(gone[0], "KILL");
    let (status, said) = program.end(WITHIN);
    assert!(status.success());
    assert_eq!(said, local("pi", &args));
    cluster.start_agent(1);
    cluster.wait("it is back", |status| active(status).count() == 2);
    cluster.wait_for_quiet();
    runs_pi(&cluster);
}

#[test]
fn an_agent_that_stands_still_is_given_up_and_is_welcome_when_it_goes_on() {
    let cluster = TestCluster::new().agents(2);
    let program = Process::start(submission(&cluster, &[], "pi", &["4", ENDLESS]).stderr(Stdio::null()));
    let before = cluster.wait("its executors run", |status| executors(status) == 2);
    let stale = cluster.processes_on(1);
    cluster.agent_process(1).signal("STOP");
    cluster.wait("the agent is lost, and what ran there", |status| {
        let state = cluster.agent(status, 1).map(|agent| agent.state);
        state == Some(AgentState::Lost) && executors(status) == 1
    });
    cluster.agent_process(1).signal("CONT");
    let after = cluster.wait("it is back, with another executor", |status| {
        active(status).count() == 2 && executors(status) == 2 && cluster.processes().len() == 2
    });
    assert_eq!(cluster.agent(&after, 1).unwrap().id, cluster.agent(&before, 1).unwrap().id);
    assert_ne!(cluster.processes_on(1), stale, "the one that was given up has ended");
    program.signal("INT");
    program.end(WITHIN);
    cluster.wait_for_quiet();
    runs_pi(&cluster);
}

#[test]
fn a_killed_driver_of_client_mode_leaves_nothing() {
    let cluster = TestCluster::new().agents(2);
    let options = ["--conf", "failover_timeout=1"];
    let program = Process::start(submission(&cluster, &options, "pi", &["4", ENDLESS]).stderr(Stdio::null()));
    cluster.wait("its executors run", |status| executors(status) == 2);
    program.kill();
    cluster.wait_for_quiet();
    let status = cluster.status();
    assert!(matches!(status.ended[0].state, FrameworkState::Failed { .. }), "{:?}", status.ended);
    runs_pi(&cluster);
}

#[test]
fn a_supervised_driver_that_is_killed_is_started_again_until_it_is_told_to_end() {
    let cluster = TestCluster::new().agents(2);
    let options = ["--deploy-mode", "cluster", "--supervise", "--driver-memory", "100m", "--max-cores", "1"];
    let id = printed(&submit(&cluster, &options, "pi", &["4", ENDLESS])).trim().to_owned();
    let works = |starts: u32| {
        move |status: &ClusterStatus| {
            let Some(driver) = status.drivers.first() else { return false };
            let of_driver = |app| driver.executor.is_some_and(|own| own.framework == app);
            let works =
                status.executors.iter().any(|one| !of_driver(one.key.framework) && one.state == "running");
            driver.starts == starts && driver.state == DriverState::Running && works
        }
    };
    let status = cluster.wait("the driver and an executor of it run", works(1));
    assert_eq!(status.drivers[0].id.to_string(), id);
    let driver = cluster.processes_of(status.drivers[0].executor.unwrap());
    assert_eq!(driver.len(), 1);
    signal(driver[0], "KILL");
    cluster.wait("it has been started again", works(2));
    printed(&cluster.rsk(&["kill", &id]));
    cluster.wait("it has ended", |status| matches!(status.drivers[0].state, DriverState::Ended { .. }));
    cluster.wait_for_quiet();
    runs_pi(&cluster);
}

#[test]
fn a_cluster_in_one_process_ends_with_who_started_it() {
    let folder = tempfile::tempdir().unwrap();
    let mut dev = command(folder.path());
    dev.args(["dev", "--agents", "2", "--cpus", "1", "--mem", "600", "--until-stdin-closes"]);
    let mut dev = Process::start(dev.stdin(Stdio::piped()));
    let address = dev.line();
    let mut submission = command(folder.path());
    submission.args(["submit", &address, "--executor-memory", "400m"]).arg(example("pi")).args(["4", FEW]);
    assert_eq!(printed(&submission.output().unwrap()), local("pi", &["4", FEW]));
    dev.close_stdin();
    assert!(dev.end(WITHIN).0.success());
    let left: Vec<_> = fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert!(left.is_empty(), "{left:?}");
}

#[test]
fn local_cluster_is_a_cluster_of_its_own() {
    let folder = tempfile::tempdir().unwrap();
    let mut submission = command(folder.path());
    submission.args(["submit", "local-cluster[2,1,512]", "--executor-memory", "400m"]);
    submission.arg(example("pi")).args(["4", FEW]);
    assert_eq!(printed(&submission.output().unwrap()), local("pi", &["4", FEW]));
    let left: Vec<_> = fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert!(left.is_empty(), "{left:?}");
}

#[test]
fn a_local_cluster_goes_with_a_program_that_is_killed() {
    let folder = tempfile::tempdir().unwrap();
    let mut submission = command(folder.path());
    submission.args(["submit", "local-cluster[2,1,512]", "--executor-memory", "400m"]);
    submission.arg(example("pi")).args(["4", ENDLESS]).stderr(Stdio::null());
    let program = Process::start(&mut submission);
    let until = |what: &str, is_so: &dyn Fn() -> bool| {
        let end = Instant::now() + WITHIN;
        while !is_so() {
            assert!(Instant::now() < end, "it is still not so that {what}");
            thread::sleep(Duration::from_millis(20));
        }
    };
    until("its executors run", &|| processes_below(folder.path()).len() == 2);
    program.kill();
    until("they have gone", &|| processes_below(folder.path()).is_empty());
    let is_of_cluster = |entry: &fs::DirEntry| entry.file_name().to_string_lossy().starts_with("rsk-dev-");
    let is_clean = || !fs::read_dir(folder.path()).unwrap().any(|entry| is_of_cluster(&entry.unwrap()));
    until("its files have gone", &is_clean);
}

#[test]
fn logs_are_followed_until_the_driver_has_ended() {
    let cluster = TestCluster::new().agents(1);
    let folder = cluster.folder();
    let (script, go) = (folder.join("script"), folder.join("go"));
    let wait = format!("while ! [ -e {} ]; do sleep 0.02; done", go.display());
    fs::write(&script, format!("#!/bin/sh\necho one\n{wait}\necho two\nprintf three\n")).unwrap();
    assert!(Command::new("chmod").arg("+x").arg(&script).status().unwrap().success());
    let script = script.display().to_string();
    let submit = ["submit", cluster.master(), "--deploy-mode", "cluster", "--driver-memory", "100m", &script];
    let id = printed(&cluster.rsk(&submit));
    cluster.wait("it runs", |status| executors(status) == 1);
    let mut logs = Process::start(cluster.command().args(["logs", "-f", id.trim()]));
    assert_eq!(logs.line(), "one");
    fs::write(&go, "").unwrap();
    assert_eq!(logs.line(), "two");
    let (status, rest) = logs.end(WITHIN);
    assert!(status.success());
    assert_eq!(rest, "three");
    let tail = cluster.rsk(&["logs", id.trim(), "--tail", "5"]);
    assert_eq!(text(&tail.stdout), "three");
}

#[test]
fn files_are_found_by_the_driver_and_by_its_tasks_in_both_modes() {
    let cluster = TestCluster::new().agents(2);
    let stop = cluster.folder().join("list.txt");
    fs::write(&stop, "the of and").unwrap();
    let (files, input) = (format!("stop.txt={}", stop.display()), repository("examples/data/licence.txt"));
    let here = Command::new(example("stop_words"))
        .args(["--conf", &format!("files={files}"), "local[2]", &input])
        .output()
        .unwrap();
    let client = submit(&cluster, &["--files", &files], "stop_words", &[&input]);
    assert_eq!(printed(&client), printed(&here));
    let options = ["--files", &files, "--deploy-mode", "cluster", "--wait", "--driver-memory", "100m"];
    assert_eq!(printed(&submit(&cluster, &options, "stop_words", &[&input])), printed(&here));
    cluster.wait_for_quiet();
    let before = cluster.status().ended.len();
    let twice = format!("{files},{files}");
    for (files, says) in [
        ("no/such/file", "is no file"),
        (&twice, "two files stop.txt"),
        ("stdout=/etc/hosts", "another name"),
    ] {
        for mode in ["client", "cluster"] {
            let output =
                submit(&cluster, &["--files", files, "--deploy-mode", mode], "stop_words", &[&input]);
            let said = text(&output.stderr);
            assert!(output.status.code() == Some(1) && said.contains(says), "{said}");
        }
    }
    assert_eq!(cluster.status().ended.len(), before, "nothing was started");
}

#[test]
fn what_an_agent_keeps_for_a_role_is_offered_to_that_role_alone() {
    let cluster = TestCluster::new().each_with("cpus(prod):1;mem(prod):600;cpus:1;mem:600").agents(1);
    let status = cluster.status();
    let (agent, kept) = (status.agents[0].id.to_string(), &status.agents[0].reserved[0]);
    assert_eq!((kept.role.as_str(), kept.resources.to_string()), ("prod", "cpus:1;mem:600".to_owned()));
    assert_eq!(kept.by_agent, kept.resources);
    assert_eq!(status.agents[0].resources.total.to_string(), "cpus:2;mem:1200");
    assert!(printed(&cluster.rsk(&["agents"])).contains("prod=cpus:1;mem:600"));
    for too_little in ["none", "cpus:0.5;mem:600"] {
        let refused = cluster.rsk(&["reserve", &agent, "prod", too_little]);
        assert_eq!(refused.status.code(), Some(1));
        assert!(
            text(&refused.stderr).contains("itself keeps cpus:1;mem:600 for prod"),
            "{}",
            text(&refused.stderr)
        );
    }
    let mut all = submission(&cluster, &[], "pi", &["4", ENDLESS]);
    let mut prod = submission(&cluster, &["--role", "prod"], "pi", &["4", ENDLESS]);
    let everybody = Process::start(all.stderr(Stdio::null()));
    cluster.wait("everybody has what is everybody's", |status| executors(status) == 1);
    let second = Process::start(submission(&cluster, &[], "pi", &["4", ENDLESS]).stderr(Stdio::null()));
    let prod = Process::start(prod.stderr(Stdio::null()));
    let status = cluster.wait("prod has its own", |status| executors(status) == 2);
    let of = |role: &str| status.roles.iter().find(|one| one.name.as_str() == role).unwrap().used.cpus_milli;
    assert_eq!((of("*"), of("prod")), (1000, 1000));
    for program in [everybody, second, prod] {
        program.signal("INT");
        program.end(WITHIN);
    }
    cluster.wait_for_quiet();
}
