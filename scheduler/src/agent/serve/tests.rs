use super::*;
use rsk_proto::{
    ExecutorId, ExecutorKey, FrameworkId, MapOutputId, PartitionId, ShuffleBlock, ShuffleId, TaskId,
    encode_index,
};
use std::{fs, io::Write};

const FRAMEWORK: FrameworkId = FrameworkId { registry: 7, number: 1 };
const OUTPUT: MapOutputId = MapOutputId { shuffle: ShuffleId(4), map: PartitionId(2), task: TaskId(9) };

fn server() -> (tempfile::TempDir, Arc<Work>, Server) {
    let folder = tempfile::tempdir().unwrap();
    let work = Arc::new(Work::open(folder.path()).unwrap());
    let (data, index) = map_output_paths(&work.shuffles(FRAMEWORK), OUTPUT);
    fs::create_dir_all(data.parent().unwrap()).unwrap();
    fs::write(&data, b"onethree!").unwrap();
    let piece =
        |offset, bytes: &[u8]| Piece { offset, bytes: bytes.len() as u64, crc32c: crc32c::crc32c(bytes) };
    fs::write(&index, encode_index(OUTPUT, &[piece(0, b"one"), piece(3, b""), piece(3, b"three!")])).unwrap();
    let server = Server::start(SocketAddr::from(([127, 0, 0, 1], 0)), work.clone()).unwrap();
    (folder, work, server)
}

fn request(reduce: u32) -> FetchRequest {
    let block = ShuffleBlock { output: OUTPUT, reduce: PartitionId(reduce) };
    FetchRequest {
        version: SERVE_VERSION,
        framework: FRAMEWORK,
        wanted: Wanted::Block { block, partitions: 3 },
    }
}

fn ask(stream: &mut TcpStream, request: &FetchRequest) -> Result<Vec<u8>, String> {
    send(request, stream).unwrap();
    match receive(stream).unwrap() {
        FetchReply::Block { bytes, crc32c } => {
            let mut block = vec![0; usize::try_from(bytes).unwrap()];
            stream.read_exact(&mut block).unwrap();
            assert_eq!(crc32c::crc32c(&block), crc32c);
            Ok(block)
        }
        FetchReply::Missing(cause) => Err(cause.chain().collect::<Vec<_>>().join(": ")),
    }
}

#[test]
fn blocks_are_served_as_they_are_in_the_file_and_what_is_missing_is_named() {
    let (_folder, work, server) = server();
    let mut stream = TcpStream::connect(server.address()).unwrap();
    for (reduce, block) in [(0, &b"one"[..]), (1, b""), (2, b"three!"), (0, b"one")] {
        assert_eq!(ask(&mut stream, &request(reduce)).unwrap(), block);
    }
    let other = FetchRequest { framework: FrameworkId { registry: 7, number: 2 }, ..request(0) };
    assert!(ask(&mut stream, &other).unwrap_err().contains("No such file"));
    let mut other = request(0);
    if let Wanted::Block { partitions, .. } = &mut other.wanted {
        *partitions = 4;
    }
    assert!(ask(&mut stream, &other).unwrap_err().contains("is not the index of"));
    assert!(ask(&mut stream, &request(3)).unwrap_err().contains("for part-3 of 3 partitions"));
    let (data, index) = map_output_paths(&work.shuffles(FRAMEWORK), OUTPUT);
    fs::write(&data, b"onethr").unwrap();
    assert!(ask(&mut stream, &request(2)).unwrap_err().contains("has 6 bytes, and"));
    assert_eq!(ask(&mut stream, &request(0)).unwrap(), b"one", "others are not hurt");
    let mut damaged = fs::read(&index).unwrap();
    *damaged.last_mut().unwrap() ^= 1;
    fs::write(&index, damaged).unwrap();
    assert!(ask(&mut stream, &request(2)).unwrap_err().contains("its entry for part-2 is damaged"));
}

#[test]
fn strangers_and_those_who_say_nothing_hurt_nobody() {
    let (_folder, _work, server) = server();
    let silent: Vec<_> = (0..20).map(|_| TcpStream::connect(server.address()).unwrap()).collect();
    let other = FetchRequest { version: SERVE_VERSION + 1, ..request(0) };
    let mut wrong_version = Vec::new();
    send(&other, &mut wrong_version).unwrap();
    for bytes in
        [&[0xff; 64][..], b"\x00\x00\x00\x00", b"POST / HTTP/1.1\r\n\r\n", &[7; 9000], &wrong_version]
    {
        let mut stream = TcpStream::connect(server.address()).unwrap();
        // It may have hung up before all was said.
        drop(stream.write_all(bytes));
        drop(stream.shutdown(Shutdown::Write));
        let mut answer = Vec::new();
        drop(stream.read_to_end(&mut answer));
        assert_eq!(answer, b"");
    }
    let mut stream = TcpStream::connect(server.address()).unwrap();
    assert_eq!(ask(&mut stream, &request(0)).unwrap(), b"one");
    drop(silent);
}

#[test]
fn the_port_is_free_once_it_is_dropped() {
    let (_folder, _work, server) = server();
    let mut stream = TcpStream::connect(server.address()).unwrap();
    ask(&mut stream, &request(0)).unwrap();
    let address = server.address();
    drop(server);
    assert_eq!(stream.read(&mut [0]).unwrap_or(0), 0);
    assert!(TcpStream::connect(address).is_err());
}

#[test]
fn logs_are_listed_read_and_followed_to_their_end() {
    let (_folder, work, server) = server();
    let key = ExecutorKey { framework: FRAMEWORK, executor: ExecutorId(3) };
    let sandbox = work.sandbox(key);
    fs::create_dir_all(&sandbox).unwrap();
    fs::write(sandbox.join("stdout"), "first\nsecond\n").unwrap();
    let address = server.address();
    let get = move |path: &str| {
        let mut stream = TcpStream::connect(address).unwrap();
        write!(stream, "GET {path} HTTP/1.1\r\nhost: x\r\n\r\n").unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    };
    let text = get(&format!("/logs/{FRAMEWORK}/executor-3/stdout?tail=7"));
    assert!(text.starts_with("HTTP/1.1 200 OK\r\n") && text.contains("x-rsk-offset: 6\r\n"), "{text}");
    assert!(text.ends_with("\r\n\r\nsecond\n"), "{text}");
    assert!(get(&format!("/logs/{FRAMEWORK}/4/stdout")).starts_with("HTTP/1.1 404"));
    assert!(get("/logs/../../etc/passwd").starts_with("HTTP/1.1 400"));
    let list = get(&format!("/logs/{FRAMEWORK}"));
    let list: Vec<logs::LogStatus> = serde_json::from_str(list.split_once("\r\n\r\n").unwrap().1).unwrap();
    assert_eq!((list[0].executor, list[0].is_running, list[0].stdout_bytes), (ExecutorId(3), true, 13));

    let follower = thread::spawn(move || get(&format!("/logs/{FRAMEWORK}/3/stdout?follow")));
    let mut log = fs::OpenOptions::new().append(true).open(sandbox.join("stdout")).unwrap();
    log.write_all(b"third\n").unwrap();
    super::super::collect::end_executor(&work, key).unwrap();
    assert!(follower.join().unwrap().ends_with("\r\n\r\nfirst\nsecond\nthird\n"));
    assert!(get(&format!("/logs/{FRAMEWORK}/3/stdout")).ends_with("third\n"), "logs outlive their executor");
}
