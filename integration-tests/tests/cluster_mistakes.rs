//! What goes wrong between a user and a cluster is said on the right side, with what to do, and ends with a code.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use integration_tests::{
    cluster::{TestCluster, command},
    example,
};
use std::{
    fs,
    io::{Read, Write},
    net::{TcpListener, TcpStream},
    process::Output,
    thread,
};

fn rsk(args: &[&str]) -> Output {
    let folder = tempfile::tempdir().unwrap();
    command(folder.path()).args(args).output().unwrap()
}

/// It fails with this code, and its stderr has all of these.
fn fails(output: &Output, code: i32, says: &[&str]) {
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{said}");
    for word in says {
        assert!(said.contains(word), "{word:?} is not in {said}");
    }
    assert!(!said.contains("panicked"), "{said}");
}

/// An address where nobody listens.
fn nobody() -> String {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string()
}

#[test]
fn a_wrong_address_of_a_master_is_named() {
    let nobody = nobody();
    fails(&rsk(&["apps", "-m", &nobody]), 1, &["no master can be asked at", &nobody, "RSK_MASTER"]);
    fails(&rsk(&["kill", "app-00000001-1", "-m", &nobody]), 1, &[&nobody]);
    fails(&rsk(&["apps", "-m", "host"]), 1, &["--master", "host:5050"]);
    let pi = example("pi").display().to_string();
    fails(&rsk(&["submit", &nobody, &pi]), 1, &["no master can be reached at", &nobody]);
    fails(&rsk(&["submit", &nobody, "--deploy-mode", "cluster", &pi]), 1, &[&nobody]);
    fails(&rsk(&["submit", "hst", &pi]), 1, &["unknown master \"hst\""]);
}

#[test]
fn somebody_else_at_the_address_is_no_master() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let server = thread::spawn(move || {
        let mut stream = listener.accept().unwrap().0;
        stream.write_all(b"220 mail ready\r\n").unwrap();
        // It stays until the other side has gone.
        drop(stream.read_to_end(&mut Vec::new()));
    });
    fails(&rsk(&["agents", "-m", &address]), 1, &[&address, "does not speak HTTP"]);
    server.join().unwrap();
}

#[test]
fn a_port_or_a_folder_in_use_is_named() {
    let cluster = TestCluster::new();
    let folder = cluster.folder().join("other").display().to_string();
    let master = ["master", "--listen", cluster.master(), "--work-dir", &folder];
    fails(&cluster.rsk(&master), 1, &[cluster.master(), "in use", "--listen"]);
    let own = cluster.folder().with_file_name("master").display().to_string();
    fails(&cluster.rsk(&["master", "--listen", "127.0.0.1:0", "--work-dir", &own]), 1, &["in use"]);
    let cluster = cluster.agents(1);
    let agent = cluster.agent_folder(0).display().to_string();
    fails(&cluster.rsk(&["agent", "--work-dir", &agent]), 1, &["another agent", "--work-dir"]);
    fails(&cluster.rsk(&["dev", "--listen", cluster.master()]), 1, &["in use"]);
}

#[test]
fn malformed_values_are_named_with_what_is_right() {
    for (args, says) in [
        (&["agent", "--resources", "cpus"][..], ["cannot use --resources", "cpus:10;mem:20240"]),
        (&["agent", "--resources", "cpus:1;cpus:2"], ["cannot use --resources", "given twice"]),
        (&["agent", "--resources", "cpus(prod:4"], ["cpus(prod:4", "one reads like cpus(prod)"]),
        (&["agent", "--attributes", "rack"], ["cannot use --attributes", "rack:r1"]),
        (&["agent", "--listen", "here"], ["cannot use --listen", "0.0.0.0:0"]),
        (&["master", "--listen", "5050"], ["cannot use --listen", "0.0.0.0:5050"]),
        (&["master", "--log", "loud"], ["cannot use --log", "debug"]),
        (&["dev", "--log-dir", "/proc/nowhere", "--listen", "127.0.0.1:0"], ["cannot log into", "--log-dir"]),
    ] {
        fails(&rsk(args), 1, &says);
    }
    for (args, says) in [
        (&["agent", "--resource", "cpus:1"][..], "--resources"),
        (&["sumbit", "host:5050", "app"], "submit"),
        (&["submit", "host:5050", "--max-cores", "0", "app"], "--max-cores"),
        (&["submit", "host:5050"], "APP"),
        (&["quota", "prod", "lots"], "cpus:10;mem:20240"),
        (&["drain", "5"], "agent-5f3a21bc-7"),
        (&["drain", "agent-00000001-1", "--grace", "soon"], "90s"),
        (&["apps", "--jsn"], "--json"),
    ] {
        fails(&rsk(args), 2, &[says]);
    }
}

#[test]
fn what_is_no_program_is_named_before_anything_is_sent() {
    let cluster = TestCluster::new().agents(1);
    let folder = cluster.folder();
    let file = |name: &str, bytes: &[u8], mode: &str| {
        let path = folder.join(name);
        fs::write(&path, bytes).unwrap();
        assert!(std::process::Command::new("chmod").arg(mode).arg(&path).status().unwrap().success());
        path.display().to_string()
    };
    let mut foreign = fs::read(example("pi")).unwrap();
    // The machine of an ELF file: SPARC.
    foreign[18..20].copy_from_slice(&2u16.to_le_bytes());
    let (notes, data) = (file("notes", b"x", "644"), file("data", b"\x00\x01\x02\x03", "755"));
    let foreign = file("foreign", &foreign, "755");
    let gone = folder.join("gone").display().to_string();
    for (program, client, driver) in [
        (&gone, "there is no program", "there is no program"),
        (&notes, "is not executable", "is not executable"),
        (&data, "is no program", "is no program"),
        (&foreign, "another kind of machine", "was built for"),
    ] {
        fails(&cluster.rsk(&["submit", cluster.master(), program]), 1, &[client]);
        fails(&cluster.rsk(&["submit", cluster.master(), "--deploy-mode", "cluster", program]), 1, &[driver]);
    }
    fails(&cluster.rsk(&["submit", cluster.master(), "--wait", &notes]), 1, &["--deploy-mode cluster"]);
    fails(&cluster.rsk(&["submit", "local[2]", "--deploy-mode", "cluster", &notes]), 1, &["host:5050"]);
    let blobs = fs::read_dir(folder.with_file_name("master").join("blobs")).unwrap().count();
    assert_eq!((blobs, cluster.status().drivers.len()), (0, 0));
}

#[test]
fn what_a_cluster_does_not_know_is_named() {
    let cluster = TestCluster::new().agents(1);
    for args in [
        &["apps", "nothing"][..],
        &["kill", "nothing"],
        &["kill", "driver-00000001-1"],
        &["logs", "nothing/3"],
        &["drain", "agent-00000001-9"],
        &["reactivate", "agent-00000001-9"],
        &["reserve", "agent-00000001-9", "prod", "cpus:1"],
    ] {
        fails(&cluster.rsk(args), 1, &["error: "]);
    }
    let agent = cluster.status().agents[0].id.to_string();
    fails(&cluster.rsk(&["reserve", &agent, "prod", "cpus:1000"]), 1, &["error: "]);
}

#[test]
fn settings_come_from_files_and_a_misspelled_one_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let rsk = |toml: &str, variables: &[(&str, &str)], args: &[&str]| {
        fs::write(folder.path().join("rsk.toml"), toml).unwrap();
        command(folder.path()).envs(variables.iter().copied()).args(args).output().unwrap()
    };
    let output = rsk("[cluster]\nmaster = 'a:1'\n", &[("RSK_LOG_LEVEL", "debug")], &["config"]);
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(said.contains("master = \"a:1\"") && said.contains("# rsk.toml"), "{said}");
    assert!(said.contains("level = \"debug\"") && said.contains("# environment: RSK_LOG_LEVEL"), "{said}");
    fails(&rsk("[cluster]\nmastr = 'a:1'\n", &[], &["apps"]), 1, &["rsk.toml", "mastr", "nearest is master"]);
    fails(&rsk("", &[("RSK_AGENT_WORKDIR", "x")], &["apps"]), 1, &["RSK_AGENT_WORK_DIR"]);
    fails(&rsk("", &[], &["--config", "gone.toml", "apps"]), 1, &["gone.toml"]);
}

#[test]
fn nonsense_at_the_masters_port_troubles_nobody() {
    let cluster = TestCluster::new().agents(1);
    let mut half_open = Vec::new();
    for bytes in [
        &b""[..],
        b"\x00",
        b"GET /state HTTP/1.1\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\xff\xff\xff",
        &[0xff; 5000],
    ] {
        let mut stream = TcpStream::connect(cluster.master()).unwrap();
        // The master may have closed it by then.
        drop(stream.write_all(bytes));
        half_open.push(stream);
    }
    let output = cluster.rsk(&[
        "submit",
        cluster.master(),
        "--executor-memory",
        "400m",
        &example("pi").display().to_string(),
        "2",
        "1000",
    ]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    cluster.wait_for_quiet();
}
