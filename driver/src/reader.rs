//! Who reads the program's output may leave before its end, as `program | head` does: that is no failure to speak of.

use crate::{Error, Result};
use rsk_proto::TaskError;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use std::{any::Any, io, iter::successors, panic, sync::Once};

/// What a shell says of a program that ended because nobody reads its output any more: 128 and SIGPIPE.
pub(crate) const LEFT: i32 = 141;

/// How a failed `print!` panics.
const PRINTING: &str = "failed printing to stdout";

/// From now on a `print!` that fails because its reader has left panics without a message.
pub(crate) fn expect_to_leave() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let before = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            if !(info.payload_as_str().is_some_and(is_printing) && is_stdout_closed()) {
                before(info);
            }
        }));
    });
}

/// Did a program end as it did because the reader of its output has left?
pub(crate) fn has_left(outcome: &Result<Result<()>, Box<dyn Any + Send>>) -> bool {
    let is_about_output = match outcome {
        Ok(Ok(())) => false,
        Ok(Err(error)) => is_about_output(error),
        Err(panic) => panic.downcast_ref::<String>().is_some_and(|message| is_printing(message)),
    };
    is_about_output && is_stdout_closed()
}

fn is_printing(message: &str) -> bool {
    message.starts_with(PRINTING)
}

/// Was it a write that failed, by the program or by a task's `print!`?
fn is_about_output(error: &Error) -> bool {
    let first: &(dyn std::error::Error + 'static) = match error {
        Error::App(error) => &**error,
        error => error,
    };
    successors(Some(first), |error| (*error).source()).any(|error| {
        let is_broken = error.downcast_ref().map(io::Error::kind) == Some(io::ErrorKind::BrokenPipe);
        let panic = error.downcast_ref::<TaskError>();
        is_broken
            || panic.is_some_and(|it| matches!(it, TaskError::Panic { message, .. } if is_printing(message)))
    })
}

/// A pipe without a reader says so, whatever is asked of it.
fn is_stdout_closed() -> bool {
    let stdout = io::stdout();
    let mut polled = [PollFd::new(&stdout, PollFlags::empty())];
    let now = Timespec::default();
    poll(&mut polled, Some(&now)).is_ok() && polled[0].revents().contains(PollFlags::ERR)
}
