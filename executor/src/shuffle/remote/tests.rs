use super::*;
use crate::{
    fixture::{Fixture, caught},
    shuffle::{ShuffleWriter, fetch},
};
use rsk_proto::{
    AgentId, FrameworkId, MapOutput, MapOutputId, Next, PartitionId, ShuffleId, TaskError, TaskId,
    map_output_paths,
};
use std::{
    net::TcpListener,
    os::unix::fs::FileExt,
    path::Path,
    sync::atomic::{AtomicU32, Ordering},
};

const SHUFFLE: ShuffleId = ShuffleId(3);

/// What the agent of a test does with each block.
#[derive(Clone, Copy, PartialEq)]
enum Agent {
    Honest,
    HangsUpFirst,
    FlipsABit,
    Forgetful,
}

fn read(file: &Path, offset: u64, bytes: usize) -> Vec<u8> {
    let mut read = vec![0; bytes];
    File::open(file).unwrap().read_exact_at(&mut read, offset).unwrap();
    read
}

fn serve(shuffles: std::path::PathBuf, agent: Agent) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let asked = Arc::new(AtomicU32::new(0));
    thread::spawn(move || {
        for connection in listener.incoming() {
            let (mut connection, shuffles, asked) =
                (connection.unwrap(), shuffles.clone(), Arc::clone(&asked));
            thread::spawn(move || {
                while let Ok(FetchRequest { wanted: Wanted::Block { block, .. }, .. }) =
                    receive(&mut connection)
                {
                    if agent == Agent::HangsUpFirst && asked.fetch_add(1, Ordering::Relaxed) % 2 == 0 {
                        return;
                    }
                    if agent == Agent::Forgetful {
                        send(&FetchReply::Missing(Cause::new("it is gone")), &mut connection).unwrap();
                        continue;
                    }
                    let (data, index) = map_output_paths(&shuffles, block.output);
                    let entry = read(&index, rsk_proto::index_entry_offset(block.reduce), 24);
                    let piece =
                        rsk_proto::decode_index_entry(block.reduce, entry.try_into().unwrap()).unwrap();
                    let mut bytes = read(&data, piece.offset, rsk_proto::to_usize(piece.bytes));
                    if let (Agent::FlipsABit, Some(byte)) = (agent, bytes.last_mut()) {
                        *byte ^= 1;
                    }
                    let reply = FetchReply::Block { bytes: piece.bytes, crc32c: piece.crc32c };
                    send(&reply, &mut connection).unwrap();
                    connection.write_all(&bytes).unwrap();
                }
            });
        }
    });
    address
}

/// What a reduce task gets of records that another agent keeps.
fn fetched(agent: Agent, share: u64, records: u64) -> Result<Vec<(u64, String)>, TaskError> {
    let fixture = Fixture::new();
    let task = fixture.task(share);
    let id = MapOutputId { shuffle: SHUFFLE, map: PartitionId(0), task: TaskId(9) };
    let mut writer = ShuffleWriter::new(&task, id, 2);
    for n in 0..records {
        writer.write(PartitionId(1), &(n, "x".repeat(40))).unwrap();
    }
    let written = writer.finish().unwrap();
    let keeper = Keeper {
        agent: AgentId { registry: 1, number: 1 },
        framework: FrameworkId { registry: 1, number: 1 },
        serves_at: serve(fixture.work_dir().shuffle(), agent),
    };
    fixture.set_outputs([MapOutput { kept_by: Some(keeper), ..written }]);
    caught(|| fetch(&task, SHUFFLE, PartitionId(1), 2).collect())
}

#[test]
fn a_block_of_another_agent_comes_whole_in_memory_or_through_a_file() {
    for share in [1 << 30, 1 << 20] {
        let records = fetched(Agent::Honest, share, 100_000).unwrap();
        assert!(records.into_iter().map(|(n, _)| n).eq(0..100_000));
    }
}

#[test]
fn a_connection_that_breaks_is_made_again() {
    assert_eq!(fetched(Agent::HangsUpFirst, 1 << 20, 10).unwrap().len(), 10);
}

#[test]
fn damage_on_the_way_and_what_is_not_there_rerun_the_map_task() {
    for (agent, share, why) in [
        (Agent::FlipsABit, 1 << 30, "checksum"),
        (Agent::FlipsABit, 1 << 20, "checksum"),
        (Agent::Forgetful, 1 << 20, "it is gone"),
    ] {
        let error = fetched(agent, share, 100_000).unwrap_err();
        assert_eq!(error.next(), Next::RerunParent, "{error}");
        let TaskError::FetchFailed { cause, .. } = error else { panic!("{error}") };
        assert!(format!("{cause:?}").contains(why), "{cause:?}");
    }
}
