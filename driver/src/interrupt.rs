//! Ctrl-C, SIGTERM and SIGHUP: they cancel the jobs, and end a program that does not come to its end by itself.

use crate::{Context, progress::Progress, terminal::say};
use crossbeam_channel::{Receiver, RecvTimeoutError, TryRecvError};
use signal_hook::{
    consts::{SIGHUP, SIGINT, SIGTERM},
    iterator::Signals,
};
use std::{
    sync::{
        Arc,
        atomic::{AtomicI32, Ordering},
    },
    thread,
    time::Duration,
};

/// After a signal the program has so long to come to its end by itself.
const GRACE: Duration = Duration::from_secs(2);

/// The signal that came first; 0 until one came.
static CAME: AtomicI32 = AtomicI32::new(0);

/// The signal that this program was told to end by.
pub(crate) fn came() -> Option<i32> {
    Some(CAME.load(Ordering::Relaxed)).filter(|signal| *signal != 0)
}

/// Cancels all jobs of `context` at the first signal. A program that does not end then is ended, and at a second signal at
/// once; one whose `is_over` is disconnected has nothing to cancel.
pub(crate) fn watch(context: &Context, progress: Option<&Arc<Progress>>, is_over: &Receiver<()>) {
    let (dispatch, executor) = (context.dispatch().clone(), Arc::downgrade(context.backend().executor()));
    let (progress, is_over) = (progress.cloned(), is_over.clone());
    let listened: &[i32] = if is_hangup_ignored() { &[SIGINT, SIGTERM] } else { &[SIGINT, SIGTERM, SIGHUP] };
    let started = Signals::new(listened).and_then(|mut signals| {
        let listen = move || {
            for signal in signals.forever() {
                let has_waited =
                    CAME.compare_exchange(0, signal, Ordering::Relaxed, Ordering::Relaxed).is_err();
                if is_over.try_recv() == Err(TryRecvError::Disconnected) {
                    end(signal);
                }
                let (dispatch, executor) = (dispatch.clone(), executor.clone());
                let (progress, is_over) = (progress.clone(), is_over.clone());
                let stop = move || {
                    dispatch.stop("interrupted");
                    if has_waited || is_over.recv_timeout(GRACE) == Err(RecvTimeoutError::Timeout) {
                        progress.inspect(|progress| progress.end());
                        executor.upgrade().inspect(|executor| executor.work_dir().remove());
                        say("interrupted: tasks that did not stop were left, and temporary files removed");
                        end(signal);
                    }
                };
                // A thread of its own, so that a second signal is heard meanwhile.
                if thread::Builder::new().name("interrupt".to_owned()).spawn(stop).is_err() {
                    end(signal);
                }
            }
        };
        thread::Builder::new().name("signals".to_owned()).spawn(listen)
    });
    if let Err(error) = started {
        tracing::warn!(%error, "Ctrl-C ends this program without cleaning up");
    }
}

/// Ends the program as a shell says of one that `signal` ended.
pub(crate) fn end(signal: i32) -> ! {
    exit(128 + signal)
}

#[expect(clippy::exit, reason = "a program that was told to end says so by its exit code")]
pub(crate) fn exit(code: i32) -> ! {
    std::process::exit(code)
}

/// Was this program started by `nohup`? Then it is to outlive its terminal.
fn is_hangup_ignored() -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let ignored =
        status.lines().find_map(|line| u64::from_str_radix(line.strip_prefix("SigIgn:")?.trim(), 16).ok());
    ignored.is_some_and(|ignored| ignored & (1 << (SIGHUP - 1)) != 0)
}
