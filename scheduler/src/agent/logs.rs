//! What executors print, for people: HTTP on the agent's port, so that any tool reads it.
//!
//! Shape: `GET /logs/APP` lists the executors of an application whose logs are here, as a JSON list of [`LogStatus`];
//! `GET /logs/APP/EXECUTOR/stdout` (or `stderr`) is the text. After `?`: `offset=N` begins there, `tail=N` with the last N
//! bytes, `follow` goes on until the executor has ended, or who
//! asked hangs up. The answer's `x-rsk-offset` says where it begins: a long log
//! loses its beginning. Its end is the end of the connection.

use super::{collect, work::Work};
use rsk_proto::{ExecutorId, ExecutorKey, FrameworkId, Silent};
use serde::{Deserialize, Serialize};
use std::{
    collections::BTreeMap,
    fs::{self, File, OpenOptions},
    io::{self, BufRead, BufReader, Read, Seek, SeekFrom, Write},
    net::TcpStream,
    os::unix::fs::OpenOptionsExt,
    path::PathBuf,
    time::Duration,
};

/// A question's lines are no longer than this, all together.
const QUESTION_BYTES_MAX: u64 = 16 << 10;
/// A log that is followed is looked at this often.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// The logs of one executor.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogStatus {
    /// The executor.
    pub executor: ExecutorId,
    /// Whether it has not ended yet.
    pub is_running: bool,
    /// Bytes that it wrote to its standard output.
    pub stdout_bytes: u64,
    /// Bytes that it wrote to its standard error.
    pub stderr_bytes: u64,
}

enum Question {
    List(FrameworkId),
    Text { key: ExecutorKey, name: &'static str, start: Start, follow: bool },
}

enum Start {
    Offset(u64),
    Tail(u64),
}

/// Answers one question, whose `GET ` has been read.
pub(crate) fn answer(
    work: &Work,
    stream: &TcpStream,
    silent: Option<Silent>,
    is_over: &dyn Fn() -> bool,
) -> io::Result<()> {
    let mut lines = BufReader::new(stream.take(QUESTION_BYTES_MAX));
    let mut question = String::new();
    lines.read_line(&mut question)?;
    // The rest says nothing that matters here, but to leave it unread would break the connection off.
    let mut line = String::from("-");
    while !line.trim_end().is_empty() && lines.get_ref().limit() > 0 {
        line.clear();
        lines.read_line(&mut line)?;
    }
    drop(silent);
    let path = question.split_ascii_whitespace().next().unwrap_or_default();
    match parse(path) {
        Some(Question::List(framework)) => {
            let list = serde_json::to_vec(&list(work, framework)?).map_err(io::Error::other)?;
            head(stream, "200 OK", "application/json", None)?;
            { stream }.write_all(&list)
        }
        Some(Question::Text { key, name, start, follow }) => match open(work, key, name) {
            Some(file) => text(work, stream, file, (key, start, follow), is_over),
            None => refuse(stream, "404 Not Found", &format!("no {name} of {key} is here (any more)")),
        },
        None => refuse(stream, "400 Bad Request", "ask for /logs/APP or /logs/APP/EXECUTOR/stdout"),
    }
}

fn head(mut stream: &TcpStream, status: &str, kind: &str, offset: Option<u64>) -> io::Result<()> {
    write!(stream, "HTTP/1.1 {status}\r\ncontent-type: {kind}\r\nconnection: close\r\n")?;
    if let Some(offset) = offset {
        write!(stream, "x-rsk-offset: {offset}\r\n")?;
    }
    stream.write_all(b"\r\n")
}

fn refuse(mut stream: &TcpStream, status: &str, why: &str) -> io::Result<()> {
    head(stream, status, "text/plain", None)?;
    writeln!(stream, "{why}")
}

fn parse(path: &str) -> Option<Question> {
    let (path, query) = path.split_once('?').unwrap_or((path, ""));
    let mut parts = path.strip_prefix("/logs/")?.split('/');
    let framework = parts.next()?.parse().ok()?;
    let Some(executor) = parts.next() else { return Some(Question::List(framework)) };
    let executor = ExecutorId(executor.strip_prefix("executor-").unwrap_or(executor).parse().ok()?);
    let name = parts.next()?;
    let name = collect::LOGS.into_iter().find(|log| *log == name)?;
    let (mut start, mut follow) = (Start::Offset(0), false);
    for (key, value) in query.split('&').map(|part| part.split_once('=').unwrap_or((part, ""))) {
        match key {
            "offset" => start = Start::Offset(value.parse().ok()?),
            "tail" => start = Start::Tail(value.parse().ok()?),
            "follow" => follow = !matches!(value, "0" | "false"),
            _ => {}
        }
    }
    let is_whole = parts.next().is_none();
    is_whole.then_some(Question::Text { key: ExecutorKey { framework, executor }, name, start, follow })
}

/// Where a log is: with the executor while it runs, and later with those that have ended.
fn paths(work: &Work, key: ExecutorKey, name: &str) -> [PathBuf; 2] {
    [work.sandbox(key).join(name), work.kept_logs(key).join(name)]
}

fn open(work: &Work, key: ExecutorKey, name: &str) -> Option<File> {
    let follow_no_links =
        rustix::fs::OFlags::NOFOLLOW.union(rustix::fs::OFlags::NONBLOCK).bits().cast_signed();
    let open = |path: &PathBuf| OpenOptions::new().read(true).custom_flags(follow_no_links).open(path).ok();
    // It may be on its way from here to there.
    let all = paths(work, key, name);
    let file = all.iter().chain(&all).find_map(open)?;
    file.metadata().is_ok_and(|file| file.is_file()).then_some(file)
}

fn text(
    work: &Work,
    mut stream: &TcpStream,
    mut file: File,
    (key, start, follow): (ExecutorKey, Start, bool),
    is_over: &dyn Fn() -> bool,
) -> io::Result<()> {
    let length = file.metadata()?.len();
    let offset = match start {
        Start::Offset(offset) => offset.min(length),
        Start::Tail(bytes) => length.saturating_sub(bytes),
    };
    let offset = offset.max(collect::first_kept(&file)?);
    file.seek(SeekFrom::Start(offset))?;
    head(stream, "200 OK", "text/plain; charset=utf-8", Some(offset))?;
    loop {
        // Asked before the copy: what it wrote until it ended is then sent.
        let is_running = work.sandbox(key).exists();
        io::copy(&mut file, &mut stream)?;
        if !follow || !is_running || is_over() {
            return Ok(());
        }
        if has_hung_up(stream)? {
            return Ok(());
        }
    }
}

/// Waits a little, or until the other side hangs up.
fn has_hung_up(mut stream: &TcpStream) -> io::Result<bool> {
    stream.set_read_timeout(Some(LOOK_EVERY))?;
    match stream.read(&mut [0; 64]) {
        Ok(bytes) => Ok(bytes == 0),
        Err(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut) => {
            Ok(false)
        }
        Err(error) => Err(error),
    }
}

fn list(work: &Work, framework: FrameworkId) -> io::Result<Vec<LogStatus>> {
    let mut all = BTreeMap::new();
    let first = ExecutorKey { framework, executor: ExecutorId(0) };
    for (folder, is_running) in [(work.kept_logs(first), false), (work.sandbox(first), true)] {
        let Some(folder) = folder.parent() else { continue };
        let names = match fs::read_dir(folder) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            names => names?,
        };
        for name in names {
            let name = name?.file_name();
            let Some(executor) = name.to_str().and_then(|name| name.strip_prefix("executor-")?.parse().ok())
            else {
                continue;
            };
            let bytes = |log: &str| fs::metadata(folder.join(&name).join(log)).map_or(0, |log| log.len());
            let (stdout_bytes, stderr_bytes) = (bytes("stdout"), bytes("stderr"));
            let executor = ExecutorId(executor);
            all.insert(executor, LogStatus { executor, is_running, stdout_bytes, stderr_bytes });
        }
    }
    Ok(all.into_values().collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn questions_read_as_they_should_and_nothing_leads_out_of_the_folder() {
        assert!(matches!(parse("/logs/app-00000007-1"), Some(Question::List(_))));
        let text = parse("/logs/app-00000007-1/executor-3/stdout?tail=10&follow");
        assert!(matches!(
            text,
            Some(Question::Text { name: "stdout", start: Start::Tail(10), follow: true, .. })
        ));
        assert!(matches!(
            parse("/logs/app-00000007-1/3/stderr"),
            Some(Question::Text { name: "stderr", .. })
        ));
        for path in [
            "",
            "/",
            "/logs/..",
            "/logs/app-00000007-1/../x",
            "/logs/app-00000007-1/1/program",
            "/logs/app-00000007-1/1/stdout/x",
        ] {
            assert!(parse(path).is_none(), "{path}");
        }
    }
}
