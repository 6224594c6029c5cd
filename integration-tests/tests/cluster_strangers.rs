//! Peers that send what is too large, or nothing at all, to the ports of a master, an agent and a driver: they are sent away,
//! others do not notice, and memory stays bounded.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use integration_tests::{
    Process,
    cluster::{TestCluster, WITHIN},
    example,
};
use std::{
    fs,
    io::{self, Read, Write},
    net::TcpStream,
    process::Stdio,
    time::{Duration, Instant},
};

/// What a port answers anybody within, whatever others do.
const AT_ONCE: Duration = Duration::from_secs(5);
/// What strangers may make a process grow by.
const GROWTH_KIB_MAX: u64 = 64 << 10;
const HALF_OPEN: usize = 600;

fn connect(address: &str) -> TcpStream {
    let stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(WITHIN)).unwrap();
    stream.set_write_timeout(Some(WITHIN)).unwrap();
    stream
}

fn resident_kib(pid: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().strip_suffix(" kB").unwrap().trim().parse().unwrap()
}

/// Asks over HTTP, and says what the first line of the answer is; there is one at once.
fn asks(address: &str, path: &str) -> String {
    let began = Instant::now();
    let mut stream = connect(address);
    write!(stream, "GET {path} HTTP/1.0\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(began.elapsed() < AT_ONCE, "{path} took {:?}", began.elapsed());
    answer.lines().next().unwrap_or_default().to_owned()
}

/// Sends so much of a piece that repeats, or until the other side has had enough; says what it answered, if it did.
fn floods(address: &str, head: &[u8], piece: &[u8], bytes: usize) -> (usize, Vec<u8>) {
    let mut stream = connect(address);
    let mut sent = 0;
    let mut outcome = stream.write_all(head);
    while outcome.is_ok() && sent < bytes {
        outcome = stream.write_all(piece);
        sent += piece.len();
    }
    let mut answer = Vec::new();
    // One that was cut off answers nothing, or had answered before.
    stream.set_read_timeout(Some(AT_ONCE)).unwrap();
    match stream.take(1 << 20).read_to_end(&mut answer) {
        Ok(_) => {}
        Err(error) => assert!(
            matches!(
                error.kind(),
                io::ErrorKind::ConnectionReset | io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut
            ),
            "{error}"
        ),
    }
    (sent, answer)
}

/// A frame of HTTP/2.
fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    [&length[1..], &[kind, flags], &stream.to_be_bytes(), payload].concat()
}

/// Kind, flags and stream of each frame of an answer.
fn frames(answer: &[u8]) -> impl Iterator<Item = (u8, u8, u8)> {
    let mut rest = answer;
    std::iter::from_fn(move || {
        let (head, after) = rest.split_at_checked(9)?;
        let length = usize::from(head[1]) << 8 | usize::from(head[2]);
        rest = after.get(length..)?;
        Some((head[3], head[4], head[8]))
    })
}

/// A header, spelled out.
fn header(name: &str, value: &str) -> Vec<u8> {
    let length = |text: &str| {
        let mut length = text.len();
        if length < 127 {
            return vec![u8::try_from(length).unwrap()];
        }
        length -= 127;
        let mut bytes = vec![127];
        while length >= 128 {
            bytes.push(u8::try_from(length % 128).unwrap() | 128);
            length /= 128;
        }
        bytes.push(u8::try_from(length).unwrap());
        bytes
    };
    [vec![0], length(name), name.as_bytes().to_vec(), length(value), value.as_bytes().to_vec()].concat()
}

/// The beginning of a call of the master, with these headers beside those that it needs.
fn call(more: &[u8]) -> Vec<u8> {
    let mut headers = Vec::new();
    for (name, value) in [
        (":method", "POST"),
        (":scheme", "http"),
        (":path", "/rsk.v1.Master/Operate"),
        (":authority", "master"),
        ("content-type", "application/grpc"),
        ("te", "trailers"),
    ] {
        headers.extend(header(name, value));
    }
    headers.extend_from_slice(more);
    let mut bytes = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec();
    bytes.extend(frame(4, 0, 0, &[]));
    // END_HEADERS
    bytes.extend(frame(1, 4, 1, &headers));
    bytes
}

#[test]
fn what_is_too_large_for_the_master_is_refused_and_takes_no_memory() {
    let cluster = TestCluster::new().agents(1);
    let master = cluster.master();
    let before = resident_kib(cluster.master_process().id());
    // A message of 4 GiB, as it says.
    let long = frame(0, 0, 1, &[0, 0xff, 0xff, 0xff, 0xff, 1, 2, 3]);
    let (_, answer) = floods(master, &call(&[]), &long, 1);
    // Headers that end the stream: the call is refused, and nothing waits for 4 GiB.
    assert!(
        frames(&answer).any(|(kind, flags, stream)| (kind, flags & 1, stream) == (1, 1, 1)),
        "{answer:?}"
    );
    // A frame of 16 MiB, which nobody has agreed to: an error of the connection (GOAWAY is 7).
    let head = [call(&[]), vec![0xff, 0xff, 0xff, 0, 0, 0, 0, 0, 1]].concat();
    let (sent, answer) = floods(master, &head, &vec![7; 1 << 16], 100 << 20);
    assert!(sent < 100 << 20, "it takes what it should not");
    assert!(answer.is_empty() || frames(&answer).any(|(kind, ..)| kind == 7), "{answer:?}");
    // Headers without an end: a block that goes on and on (CONTINUATION is 9).
    let mut start = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec();
    start.extend(frame(4, 0, 0, &[]));
    start.extend(frame(1, 0, 1, &header(":method", "POST")));
    let more = frame(9, 0, 1, &header("x-more", &"y".repeat(8000)));
    let (sent, _) = floods(master, &start, &more, 100 << 20);
    assert!(sent < 100 << 20, "headers without an end are taken");
    // A request of 100 MB, and one of as many headers.
    let post = b"POST /state HTTP/1.1\r\nhost: x\r\ncontent-length: 104857600\r\n\r\n";
    let (_, answer) = floods(master, post, &vec![b'x'; 1 << 16], 100 << 20);
    assert!(answer.is_empty() || answer.starts_with(b"HTTP/1.1 4"), "{}", String::from_utf8_lossy(&answer));
    let header = format!("x-{}: y\r\n", "z".repeat(1000));
    let (sent, _) = floods(master, b"GET /state HTTP/1.1\r\n", header.as_bytes(), 100 << 20);
    assert!(sent < 100 << 20, "headers without an end are taken");
    assert_eq!(asks(master, "/health"), "HTTP/1.0 200 OK");
    let grown = resident_kib(cluster.master_process().id()).saturating_sub(before);
    assert!(grown < GROWTH_KIB_MAX, "the master has grown by {grown} KiB");
}

#[test]
fn hundreds_of_half_open_connections_keep_nobody_out() {
    let cluster = TestCluster::new().agents(1);
    let endless = "100000000000000";
    let pi = example("pi").display().to_string();
    let mut submission = cluster.command();
    submission.args([
        "submit",
        cluster.master(),
        "--executor-memory",
        "400m",
        "--max-cores",
        "1",
        &pi,
        "4",
        endless,
    ]);
    let program = Process::start(submission.stderr(Stdio::null()));
    let status = cluster.wait("it works", |status| status.executors.iter().any(|one| one.state == "running"));
    let driver = status.frameworks[0].address.clone();
    let agent = status.agents[0].address.clone();
    let app = status.frameworks[0].id;
    let processes = [cluster.master_process().id(), cluster.agent_process(0).id(), program.id()]
        .map(|pid| (pid, resident_kib(pid)));
    let ports = [
        (cluster.master(), "/health".to_owned()),
        (&agent, format!("/logs/{app}")),
        (&driver, "/tasks".to_owned()),
    ];
    for (port, path) in &ports {
        let mut half_open = Vec::new();
        for number in 0..HALF_OPEN {
            let mut stream = connect(port);
            // Some say nothing, some a part of what could become something.
            let part = [&b""[..], b"G", b"GET /", b"PRI * HT", b"\xff\xff"][number % 5];
            drop(stream.write_all(part));
            half_open.push(stream);
        }
        assert!(asks(port, path).ends_with("200 OK"), "{port}{path}");
        floods(port, &[0xff; 4], &vec![0xff; 1 << 16], 16 << 20);
        floods(port, b"GET /", &vec![b'x'; 1 << 16], 16 << 20);
        assert!(asks(port, path).ends_with("200 OK"), "{port}{path}");
    }
    for (pid, before) in processes {
        let grown = resident_kib(pid).saturating_sub(before);
        assert!(grown < GROWTH_KIB_MAX, "process {pid} has grown by {grown} KiB");
    }
    program.signal("INT");
    program.end(WITHIN);
    let output = cluster.rsk(&["submit", cluster.master(), "--executor-memory", "400m", &pi, "2", "1000"]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    cluster.wait_for_quiet();
}
