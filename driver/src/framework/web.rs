//! What the driver's port answers people: `GET /tasks` as JSON, a [`TasksStatus`].

use rsk_proto::status::{ExclusionStatus, StageStatus, TaskStatus, TasksStatus};
use std::{
    fmt::Write as _,
    io::{self, Read, Write},
    net::TcpStream,
};

/// A question is no longer than this.
const QUESTION_BYTES_MAX: u64 = 8 << 10;

/// Answers one question and hangs up.
pub(super) fn answer(stream: &mut TcpStream, tasks: impl FnOnce() -> TasksStatus) -> io::Result<()> {
    let mut asked = Vec::new();
    let mut byte = [0];
    // One byte at a time: nothing behind the question is to be waited for.
    while !asked.ends_with(b"\r\n\r\n") && (asked.len() as u64) < QUESTION_BYTES_MAX {
        stream.read_exact(&mut byte)?;
        asked.push(byte[0]);
    }
    let is_known = asked.starts_with(b"GET /tasks ");
    let (status, body) =
        if is_known { ("200 OK", json(&tasks())) } else { ("404 Not Found", "{}\n".to_owned()) };
    write!(
        stream,
        "HTTP/1.0 {status}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
}

/// By hand: `serde_json` beside the library would make some of users' comparisons ambiguous.
fn json(all: &TasksStatus) -> String {
    let mut stages = String::new();
    for StageStatus { stage, name, tasks, done, running, age_ms } in &all.stages {
        let name = quoted(name);
        list(
            &mut stages,
            format_args!(
                r#"{{"stage":{stage},"name":{name},"tasks":{tasks},"done":{done},"running":{running},"age_ms":{age_ms}}}"#
            ),
        );
    }
    let mut running = String::new();
    for TaskStatus { task, stage, partition, attempt, executor, age_ms } in &all.running {
        list(
            &mut running,
            format_args!(
                r#"{{"task":{task},"stage":{stage},"partition":{partition},"attempt":{attempt},"executor":{executor},"age_ms":{age_ms}}}"#
            ),
        );
    }
    let mut excluded = String::new();
    for ExclusionStatus { stage, executor, host, why } in &all.excluded {
        let number =
            |number: &Option<u64>| number.map_or_else(|| "null".to_owned(), |number| number.to_string());
        let (stage, executor, why) = (number(stage), number(executor), quoted(why));
        let host = host.as_deref().map_or_else(|| "null".to_owned(), quoted);
        list(
            &mut excluded,
            format_args!(r#"{{"stage":{stage},"executor":{executor},"host":{host},"why":{why}}}"#),
        );
    }
    format!("{{\"stages\":[{stages}],\"running\":[{running}],\"excluded\":[{excluded}]}}\n")
}

fn list(to: &mut String, item: std::fmt::Arguments<'_>) {
    if !to.is_empty() {
        to.push(',');
    }
    // Writing to a string cannot fail.
    to.write_fmt(item).unwrap_or(());
}

fn quoted(text: &str) -> String {
    let mut quoted = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => quoted.extend(['\\', c]),
            c if c.is_control() => write!(quoted, "\\u{:04x}", u32::from(c)).unwrap_or(()),
            c => quoted.push(c),
        }
    }
    quoted + "\""
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_quoted_and_lists_are_lists() {
        let stage = |name: &str| StageStatus {
            stage: 3,
            name: name.to_owned(),
            tasks: 8,
            done: 2,
            running: 1,
            age_ms: 1500,
        };
        let task = TaskStatus { task: 9, stage: 3, partition: 7, attempt: 0, executor: 2, age_ms: 12 };
        let gone = ExclusionStatus { stage: None, executor: Some(4), host: None, why: "x".to_owned() };
        let all = TasksStatus {
            stages: vec![stage("a \"b\"\\\n"), stage("é")],
            running: vec![task],
            excluded: vec![gone],
        };
        let json = json(&all);
        assert!(json.contains(r#""excluded":[{"stage":null,"executor":4,"host":null,"why":"x"}]"#), "{json}");
        assert!(
            json.contains(r#""name":"a \"b\"\\\u000a""#) && json.contains(r#"},{"stage":3,"name":"é""#),
            "{json}"
        );
        assert!(json.contains(
            "\"running\":[{\"task\":9,\"stage\":3,\"partition\":7,\"attempt\":0,\"executor\":2,\"age_ms\":12}],"
        ));
    }
}
