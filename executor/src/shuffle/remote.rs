//! Blocks that another host keeps: asked for over TCP, one question a connection at a time.

use crate::{
    TaskContext,
    dial::connect,
    memory::limit_of,
    spill::{Piece, Region},
};
use parking_lot::Mutex;
use rsk_proto::{
    Cause, FetchReply, FetchRequest, Keeper, OrRaise, SERVE_VERSION, ShuffleBlock, TaskError, ValueId,
    Wanted, receive, send,
};
use std::{
    collections::HashMap,
    fs::{self, File},
    io::{self, Cursor, Read, Write},
    net::TcpStream,
    sync::Arc,
    thread,
    time::Duration,
};

use super::fetch::{Block, OpenError, WHOLE_BYTES_MAX};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// An agent that says nothing for so long does not answer any more.
const SILENCE_MAX: Duration = Duration::from_secs(30);
/// Waits between tries: an agent that was restarted is back within seconds.
const RETRY_AFTER: [Duration; 3] =
    [Duration::from_millis(200), Duration::from_secs(1), Duration::from_secs(4)];
/// How often a wait looks whether the task was killed.
const LOOK_EVERY: Duration = Duration::from_millis(100);
/// Connections that are kept open to one agent while nobody uses them.
const IDLE_MAX: usize = 8;

/// Connections to agents that no task uses at the moment.
#[derive(Debug, Default)]
pub(crate) struct Connections(Mutex<HashMap<String, Vec<TcpStream>>>);

impl Connections {
    fn take(&self, address: &str) -> Option<TcpStream> {
        self.0.lock().get_mut(address)?.pop()
    }

    fn give_back(&self, address: &str, connection: TcpStream) {
        let mut idle = self.0.lock();
        let idle = idle.entry(address.to_owned()).or_default();
        if idle.len() < IDLE_MAX {
            idle.push(connection);
        }
    }

    fn forget(&self, address: &str) {
        self.0.lock().remove(address);
    }
}

/// The block, as a whole and checked.
///
/// Errors: the agent cannot be reached after four tries, has not got it, or sends other bytes than its index says.
/// Bounds: up to 8 MiB, and no more than a quarter of the task's share, in memory; beyond that in a file of its own.
pub(super) fn open(
    task: &TaskContext,
    keeper: &Keeper,
    block: ShuffleBlock,
    partitions: u32,
) -> Result<Block, OpenError> {
    let request = request(keeper, Wanted::Block { block, partitions });
    let mut waits = RETRY_AFTER.into_iter();
    loop {
        let connections = task.executor().connections();
        let idle = connections.take(&keeper.serves_at);
        let was_idle = idle.is_some();
        let asked = idle.map_or_else(|| dial(&keeper.serves_at), Ok).and_then(|mut connection| {
            let answer = ask(task, &mut connection, &request)?;
            connections.give_back(&keeper.serves_at, connection);
            Ok(answer)
        });
        match asked {
            Ok(answer) => {
                let told = || format!("from the agent at {}", keeper.serves_at);
                return answer.map_err(|cause| cause.within(told()).into());
            }
            // Of a connection that lay idle nobody knows whether the agent is still there: the others go, too.
            Err(_) if was_idle => connections.forget(&keeper.serves_at),
            Err(error) => {
                let Some(wait) = waits.next() else {
                    let told = format!("cannot reach the agent at {}", keeper.serves_at);
                    return Err(OpenError::Unreachable(keeper.agent, Cause::of(&error).within(told)));
                };
                sleep(task, wait);
            }
        }
    }
}

fn request(keeper: &Keeper, wanted: Wanted) -> FetchRequest {
    FetchRequest { version: SERVE_VERSION, framework: keeper.framework, wanted }
}

/// A value, from an agent that serves it. The caller compares it with its name.
pub(crate) fn value(connections: &Connections, keeper: &Keeper, id: ValueId) -> Result<Vec<u8>, Cause> {
    let address = &keeper.serves_at;
    let fetch = || {
        let mut connection = connections.take(address).map_or_else(|| dial(address), Ok)?;
        send(&request(keeper, Wanted::Value(id)), &mut connection)?;
        let bytes = match receive(&mut connection)? {
            FetchReply::Block { bytes, .. } => bytes,
            FetchReply::Missing(cause) => return Ok(Err(cause)),
        };
        let mut value = Vec::new();
        if (&mut connection).take(bytes).read_to_end(&mut value)? as u64 != bytes {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        connections.give_back(address, connection);
        Ok(Ok(value))
    };
    let fetched = fetch().unwrap_or_else(|error: io::Error| Err(Cause::of(&error)));
    fetched.map_err(|cause| cause.within(format!("from the agent at {address}")))
}

fn sleep(task: &TaskContext, mut wait: Duration) {
    while !wait.is_zero() {
        task.check_killed();
        let step = wait.min(LOOK_EVERY);
        thread::sleep(step);
        wait -= step;
    }
}

fn dial(address: &str) -> io::Result<TcpStream> {
    connect(address, CONNECT_TIMEOUT, SILENCE_MAX, SILENCE_MAX)
}

/// The outer error is the connection's, which may be tried again; the inner one is the agent's answer.
fn ask(
    task: &TaskContext,
    connection: &mut TcpStream,
    request: &FetchRequest,
) -> io::Result<Result<Block, Cause>> {
    send(request, connection)?;
    let (bytes, crc32c) = match receive(connection)? {
        FetchReply::Block { bytes, crc32c } => (bytes, crc32c),
        FetchReply::Missing(cause) => return Ok(Err(cause)),
    };
    task.count(|metrics| metrics.shuffle_read_bytes += bytes);
    if bytes > WHOLE_BYTES_MAX.min(limit_of(task) / 4) {
        return to_file(task, connection, bytes, crc32c);
    }
    let mut block = Vec::new();
    if connection.take(bytes).read_to_end(&mut block)? as u64 != bytes {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    if crc32c::crc32c(&block) != crc32c {
        return Ok(Err(Cause::new("its checksum does not match")));
    }
    Ok(Ok(Block::Whole(Cursor::new(block))))
}

/// The file has no name by the time it is written: it goes with its last reader.
fn to_file(
    task: &TaskContext,
    connection: &mut TcpStream,
    bytes: u64,
    crc32c: u32,
) -> io::Result<Result<Block, Cause>> {
    let path = task.executor().work_dir().spill().join(format!("fetch-{}", task.attempt().task));
    let fail = |error: io::Error| TaskError::io(&path, "write", &error);
    let options = File::options().read(true).write(true).create_new(true).open(&path);
    let mut file = options.map_err(fail).or_raise();
    fs::remove_file(&path).map_err(fail).or_raise();
    let (mut left, mut sum) = (bytes, 0);
    let mut buffer = vec![0; 256 << 10];
    while left > 0 {
        task.check_killed();
        let room = buffer.len().min(rsk_proto::to_usize(left));
        let got = connection.read(&mut buffer[..room])?;
        if got == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        sum = crc32c::crc32c_append(sum, &buffer[..got]);
        file.write_all(&buffer[..got]).map_err(fail).or_raise();
        left -= got as u64;
    }
    if sum != crc32c {
        return Ok(Err(Cause::new("its checksum does not match")));
    }
    let piece = Piece { offset: 0, bytes, crc32c };
    Ok(Ok(Block::Streamed(Region::new(task, Arc::new(file), piece).buffered())))
}

#[cfg(test)]
mod tests;
