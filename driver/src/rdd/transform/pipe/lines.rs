//! Records into a program and its lines out of it, in turn on one thread.

use super::process::Process;
use rsk_executor::TaskContext;
use rsk_proto::{Cause, OrRaise, TaskError};
use rsk_storage::Text;
use std::{
    fmt::Display,
    io::{BufRead, Write},
};

/// Records are written out in pieces of about this size: as much as a pipe holds.
const INPUT_BYTES: usize = 64 << 10;

/// The lines that a program writes while it is given `items`, a line each.
///
/// Bounds: one pipe's content of input and of output, and one line of each.
pub(super) struct Lines<I> {
    items: Option<I>,
    /// The program, until it has ended well.
    process: Option<Box<Process>>,
    task: TaskContext,
    input: Vec<u8>,
    /// How much of `input` the program has taken.
    taken: usize,
    output: Vec<u8>,
    /// Where the next line starts in `output`.
    start: usize,
    /// How many lines came before it.
    given: u64,
}

impl<I: Iterator<Item: Display>> Lines<I> {
    pub(super) fn new(items: I, process: Process, task: TaskContext) -> Self {
        Lines {
            items: Some(items),
            process: Some(Box::new(process)),
            task,
            input: Vec::new(),
            taken: 0,
            output: Vec::new(),
            start: 0,
            given: 0,
        }
    }

    /// The next line that is there in full, without its end.
    fn take_line(&mut self, process: &Process) -> Result<Option<Text>, TaskError> {
        let rest = &self.output[self.start..];
        let length = (&mut &*rest).skip_until(b'\n').unwrap_or(0);
        let line = match rest[..length].strip_suffix(b"\n") {
            Some(line) => line.strip_suffix(b"\r").unwrap_or(line),
            None if length == 0 || process.gives_output() => {
                self.output.drain(..self.start);
                self.start = 0;
                return self.check_length(process).map(|()| None);
            }
            None => &rest[..length],
        };
        self.given += 1;
        let line = std::str::from_utf8(line).map_err(|error| {
            let what = format!("line {} that {} wrote is not UTF-8", self.given, process.name());
            TaskError::User(Cause::of(&error).within(what))
        })?;
        let line = Text::from(line);
        self.start += length;
        Ok(Some(line))
    }

    /// Refuses a line that has grown beyond the task's memory before its end is seen.
    fn check_length(&self, process: &Process) -> Result<(), TaskError> {
        let (bytes, limit) = (self.output.len() as u64, self.task.memory_share());
        if bytes <= limit.max(INPUT_BYTES as u64) {
            return Ok(());
        }
        let what = format!("line {} that {} wrote", self.given + 1, process.name());
        Err(TaskError::RecordTooLarge { what, bytes, limit })
    }

    /// Has something to write while there are records and the program reads.
    fn fill(&mut self, process: &mut Process) -> Result<(), TaskError> {
        if process.takes_input() && self.taken < self.input.len() {
            return Ok(());
        }
        self.input.clear();
        self.taken = 0;
        if !process.takes_input() {
            self.items = None;
        }
        while let Some(items) = &mut self.items
            && self.input.len() < INPUT_BYTES
        {
            match items.next() {
                Some(item) => writeln!(self.input, "{item}").map_err(|error| {
                    TaskError::User(Cause::of(&error).within("cannot write a record as a line"))
                })?,
                None => self.items = None,
            }
        }
        if self.input.is_empty() {
            process.end_input();
        }
        Ok(())
    }

    fn advance(&mut self, process: &mut Process) -> Result<Option<Text>, TaskError> {
        loop {
            if let Some(line) = self.take_line(process)? {
                return Ok(Some(line));
            }
            if let Some(status) = process.status() {
                return process.outcome(status).map(|()| None);
            }
            self.task.check_killed();
            self.fill(process)?;
            self.taken += process.advance(&self.input[self.taken..], &mut self.output)?;
        }
    }
}

impl<I: Iterator<Item: Display>> Iterator for Lines<I> {
    type Item = Text;

    fn next(&mut self) -> Option<Text> {
        // Taken out while it is used: whatever raises, the program is dropped, and so killed.
        let mut process = self.process.take()?;
        let line = self.advance(&mut process).or_raise();
        if line.is_some() {
            self.process = Some(process);
        }
        line
    }
}
