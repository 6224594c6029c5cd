//! Processes: how they ended, who belongs to them, and how to be rid of them.
//!
//! A program is started in a process group of its own, and with a variable that names its sandbox. What it starts
//! inherits both, so that a process that left the group is found by its mark, also by the agent's next start.

use super::{checkpoint::ProcessId, exit_code};
use rsk_proto::ExecutorEnd;
use rustix::{
    io::Errno,
    process::{
        Pid, PidfdFlags, Signal, WaitId, WaitIdOptions, kill_process_group, pidfd_open, pidfd_send_signal,
        waitid,
    },
};
use std::{
    fs, io,
    os::{
        fd::{AsFd, OwnedFd},
        unix::ffi::OsStrExt,
    },
    path::{Path, PathBuf},
    thread,
    time::Duration,
};
use tokio::io::{Interest, unix::AsyncFd};

/// The variable that marks all processes of an executor: its sandbox.
pub(crate) const MARK: &str = "RSK_SANDBOX";
/// Processes that were killed are looked at again after this, so often.
const GONE_EVERY: Duration = Duration::from_millis(5);
const GONE_ROUNDS: u32 = 400;
/// A process that has ended is waited for by who inherited it within so many looks, or is taken for unseen.
const REAPED_ROUNDS: u32 = 40;

/// A process that is watched.
#[derive(Debug)]
pub(crate) struct Watched {
    process: ProcessId,
    fd: AsyncFd<OwnedFd>,
    is_child: bool,
}

fn pid_of(process: &ProcessId) -> io::Result<Pid> {
    let pid = i32::try_from(process.pid).ok().and_then(Pid::from_raw);
    pid.ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, "no process has this number"))
}

impl Watched {
    /// Watches a process. One that was started by an earlier agent is no child: how it ends is known from Linux 6.15 on.
    ///
    /// Errors: this very process is not there.
    pub(crate) fn open(process: ProcessId, is_child: bool) -> io::Result<Self> {
        let fd = pidfd_open(pid_of(&process)?, PidfdFlags::empty())?;
        // Another may have got the number before the handle was made; a child's is its own until it is waited for.
        if !is_child && !process.is_alive() {
            return Err(io::ErrorKind::NotFound.into());
        }
        #[expect(
            deprecated,
            reason = "its successor is unsafe for whatever is not an OwnedFd, which this is"
        )]
        let fd = AsyncFd::with_interest(fd, Interest::READABLE)?;
        Ok(Watched { process, fd, is_child })
    }

    /// Waits for its end, and ends what is left of its group.
    pub(crate) async fn ended(&self) -> io::Result<ExecutorEnd> {
        self.fd.readable().await?.retain_ready();
        if !self.is_child {
            return Ok(self.ended_elsewhere().await);
        }
        let by_handle = || WaitId::PidFd(self.fd.get_ref().as_fd());
        // Its number, which is its group's too, is nobody else's until it is waited for.
        let status = waitid(by_handle(), WaitIdOptions::EXITED | WaitIdOptions::NOWAIT)?;
        group(&self.process, Signal::KILL)?;
        waitid(by_handle(), WaitIdOptions::EXITED)?;
        let exited =
            status.as_ref().and_then(rustix::process::WaitIdStatus::exit_status).map(ExecutorEnd::Exited);
        let signalled = || status.as_ref()?.terminating_signal().map(ExecutorEnd::Signalled);
        Ok(exited.or_else(signalled).unwrap_or(ExecutorEnd::Unseen))
    }

    /// How it ended that is no child. The kernel says so once whoever inherited it has waited for it, which is at once.
    async fn ended_elsewhere(&self) -> ExecutorEnd {
        for _ in 0..REAPED_ROUNDS {
            if let Some(end) = exit_code::of(self.fd.get_ref()) {
                return end;
            }
            tokio::time::sleep(GONE_EVERY).await;
        }
        ExecutorEnd::Unseen
    }

    /// Asks it, and all of its group, to end.
    pub(crate) fn ask(&self) {
        self.signal(Signal::TERM);
    }

    /// Ends it, and all of its group.
    pub(crate) fn force(&self) {
        self.signal(Signal::KILL);
    }

    fn signal(&self, signal: Signal) {
        let sent = pidfd_send_signal(self.fd.get_ref(), signal);
        // Only while it is there, its number is known to be its own.
        if sent.is_ok()
            && let Err(error) = group(&self.process, signal)
        {
            tracing::warn!(%error, pid = self.process.pid, "cannot signal a process group");
        }
    }
}

fn group(process: &ProcessId, signal: Signal) -> io::Result<()> {
    match kill_process_group(pid_of(process)?, signal) {
        Ok(()) | Err(Errno::SRCH) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// Ends all processes whose mark is one of these sandboxes, and waits until they are gone.
///
/// Returns how many are still there: they are in the kernel's hands. Cost: reads the environment of all processes.
pub(crate) fn end_marked(is_wanted: impl Fn(&Path) -> bool) -> io::Result<usize> {
    for _ in 0..GONE_ROUNDS {
        let all = marked(&is_wanted)?;
        if all.is_empty() {
            return Ok(0);
        }
        for pid in all {
            let Some(raw) = i32::try_from(pid).ok().and_then(Pid::from_raw) else { continue };
            let Ok(fd) = pidfd_open(raw, PidfdFlags::empty()) else { continue };
            // Looked at again by who the handle is of: the number may be another's by now.
            if mark_of(pid).is_some_and(|sandbox| is_wanted(&sandbox)) {
                match pidfd_send_signal(&fd, Signal::KILL) {
                    Ok(()) | Err(Errno::SRCH) => {}
                    Err(error) => tracing::warn!(%error, pid, "cannot end a process that an executor left"),
                }
            }
        }
        thread::sleep(GONE_EVERY);
    }
    Ok(marked(&is_wanted)?.len())
}

fn marked(is_wanted: &impl Fn(&Path) -> bool) -> io::Result<Vec<u32>> {
    let mut all = Vec::new();
    for entry in fs::read_dir("/proc")? {
        let Some(pid) = entry?.file_name().to_str().and_then(|name| name.parse().ok()) else { continue };
        if mark_of(pid).is_some_and(|sandbox| is_wanted(&sandbox)) {
            all.push(pid);
        }
    }
    Ok(all)
}

/// Another user's process, and one that is gone, has no mark.
fn mark_of(pid: u32) -> Option<PathBuf> {
    let environment = fs::read(format!("/proc/{pid}/environ")).ok()?;
    let mut variables = environment.split(|byte| *byte == 0);
    let sandbox =
        variables.find_map(|variable| variable.strip_prefix(MARK.as_bytes())?.strip_prefix(b"="))?;
    Some(PathBuf::from(std::ffi::OsStr::from_bytes(sandbox)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{
        os::unix::process::CommandExt,
        process::{Command, Stdio},
    };

    fn start(script: &str, mark: &Path) -> Watched {
        let mut command = Command::new("/bin/sh");
        command.args(["-c", script]).env(MARK, mark).process_group(0).stdin(Stdio::null());
        let pid = command.spawn().map(|child| child.id()).unwrap();
        Watched::open(ProcessId::now(pid).unwrap(), true).unwrap()
    }

    #[tokio::test]
    async fn ends_are_seen_as_they_are() {
        let mark = Path::new("/none");
        for (script, end) in [
            ("sleep 0.05; exit 7", ExecutorEnd::Exited(7)),
            ("sleep 0.05; kill -SEGV $$", ExecutorEnd::Signalled(11)),
        ] {
            assert_eq!(start(script, mark).ended().await.unwrap(), end, "{script}");
        }
        let watched = start("sleep 600", mark);
        watched.ask();
        assert_eq!(watched.ended().await.unwrap(), ExecutorEnd::Signalled(15));
    }

    /// From Linux 6.15 on; before, the end is unseen.
    #[tokio::test]
    async fn the_end_of_a_process_that_is_no_child_is_seen_where_the_kernel_tells() {
        let release = rustix::system::uname().release().to_string_lossy().into_owned();
        let mut numbers = release.split(['.', '-']).map_while(|number| number.parse::<u32>().ok());
        let tells = (numbers.next(), numbers.next()) >= (Some(6), Some(15));
        for (script, end) in
            [("exit 7", ExecutorEnd::Exited(7)), ("kill -SEGV $$", ExecutorEnd::Signalled(11))]
        {
            let folder = tempfile::tempdir().unwrap();
            let go = folder.path().join("go");
            let waits = format!("while [ ! -e {} ]; do sleep 0.01; done; {script}", go.display());
            let mut child = Command::new("/bin/sh").args(["-c", &waits]).spawn().unwrap();
            let pid = child.id();
            let watched = Watched::open(ProcessId::now(pid).unwrap(), false).unwrap();
            fs::write(&go, "").unwrap();
            // Its parent waits for it, and is not asked what it saw.
            let parent = thread::spawn(move || child.wait());
            let wanted = if tells { end } else { ExecutorEnd::Unseen };
            assert_eq!(watched.ended().await.unwrap(), wanted, "{script}");
            parent.join().unwrap().unwrap();
        }
    }

    #[tokio::test]
    async fn whoever_ignores_signals_or_leaves_the_group_is_found() {
        let folder = tempfile::tempdir().unwrap();
        let mark = folder.path().join("sandbox");
        let ready = folder.path().join("ready");
        let script = format!(
            "trap '' TERM; (trap '' TERM; sleep 600) & setsid sh -c \"trap '' TERM; echo > {}; sleep 600\" & sleep 600",
            ready.display()
        );
        let watched = start(&script, &mark);
        while !ready.exists() {
            tokio::task::yield_now().await;
        }
        let is_ours = |sandbox: &Path| sandbox == mark;
        assert!(marked(&is_ours).unwrap().len() >= 3);
        watched.force();
        assert_eq!(watched.ended().await.unwrap(), ExecutorEnd::Signalled(9));
        assert!(!marked(&is_ours).unwrap().is_empty(), "one has left the group");
        assert_eq!(end_marked(is_ours).unwrap(), 0);
        assert!(marked(&is_ours).unwrap().is_empty());
    }

    #[tokio::test]
    async fn a_stranger_with_the_number_is_not_watched() {
        let us = ProcessId::now(std::process::id()).unwrap();
        assert!(Watched::open(us.clone(), false).is_ok());
        let stranger = ProcessId { started: us.started + 1, ..us };
        assert_eq!(Watched::open(stranger, false).unwrap_err().kind(), io::ErrorKind::NotFound);
    }
}
