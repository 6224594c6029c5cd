//! Numbered points at which a test has the process end as `kill -9` ends it: every step of the protocol passes one.

/// Whose step it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    /// Of who commits, or cleans up.
    Commit,
    /// Of an attempt that writes a part.
    Part,
}

/// A step has been taken. The process ends here if a test has asked for it.
#[cfg(not(feature = "testing"))]
pub(crate) fn point(_: Role, _: &str) {}

#[cfg(feature = "testing")]
pub(crate) use asked::point;

#[cfg(feature = "testing")]
mod asked {
    use super::Role;
    use std::{
        env,
        fs::File,
        io::Write,
        path::PathBuf,
        sync::{
            OnceLock,
            atomic::{AtomicU64, Ordering},
        },
    };

    /// `RSK_CRASH_AT`: `commit:N` or `part:N`, the number of the step after which the process ends; and `RSK_CRASH_TOLD`, a
    /// file that is made just before with the step's name in it. Where it is there already nothing ends any more.
    struct Plan {
        role: Role,
        at: u64,
        told: PathBuf,
    }

    fn plan() -> Option<Plan> {
        let asked = env::var("RSK_CRASH_AT").ok()?;
        let (role, at) = asked.split_once(':')?;
        let role = if role == "part" { Role::Part } else { Role::Commit };
        Some(Plan { role, at: at.parse().ok()?, told: env::var_os("RSK_CRASH_TOLD")?.into() })
    }

    pub(crate) fn point(role: Role, step: &str) {
        static PLAN: OnceLock<Option<Plan>> = OnceLock::new();
        static TAKEN: AtomicU64 = AtomicU64::new(0);
        let Some(plan) = PLAN.get_or_init(plan).as_ref().filter(|plan| plan.role == role) else { return };
        if TAKEN.fetch_add(1, Ordering::SeqCst) + 1 != plan.at {
            return;
        }
        let told = File::create_new(&plan.told).and_then(|mut told| told.write_all(step.as_bytes()));
        if told.is_ok()
            && rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::KILL).is_ok()
        {
            loop {
                std::thread::park();
            }
        }
    }
}
