//! Where the tasks of a job write their parts.

use super::{entry::pending_path, job::host as host_here};
use crate::{Codec, Location, Storage};
use rsk_proto::{PartitionId, TaskId};
use serde::{Deserialize, Serialize};

/// Where and how a job's attempts write their parts: what travels with a task. [`crate::CommitLog::target`] makes it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PartTarget {
    /// The output as it was typed.
    pub(crate) out: Location,
    /// Where parts are put together: the output, or a folder that will be it.
    pub(crate) base: Location,
    pub(crate) job: String,
    /// Do names carry the job's name?
    pub(crate) is_named: bool,
    /// The host that the output's paths belong to. Nothing where all hosts share them: then an attempt makes what it wrote
    /// durable itself; otherwise the job does, for all.
    pub(crate) host: Option<String>,
}

impl PartTarget {
    pub(crate) fn is_shared(&self) -> bool {
        self.host.is_none()
    }

    /// May a process of this host write files there?
    pub(crate) fn is_reached(&self) -> bool {
        self.host.as_ref().is_none_or(|host| *host == host_here())
    }

    /// A try at one part.
    ///
    /// ```
    /// use rsk_proto::{PartitionId, TaskId};
    /// use rsk_storage::{CommitLog, PartWriter, SaveMode, Storage};
    /// let folder = tempfile::tempdir()?;
    /// let storage = Storage::default();
    /// let output = CommitLog::open(&storage, &folder.path().join("out").as_path().into(), SaveMode::Error)?;
    /// let attempt = output.target().attempt(&storage, PartitionId(0), TaskId(7));
    /// assert_eq!(PartWriter::create(attempt)?.finish()?.name(), "part-00000");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn attempt(&self, storage: &Storage, partition: PartitionId, task: TaskId) -> PartAttempt {
        PartAttempt { storage: storage.clone(), target: self.clone(), partition, task }
    }
}

/// One try at one part of an output: what each writer of parts takes. [`PartTarget::attempt`] makes it.
#[derive(Debug, Clone)]
pub struct PartAttempt {
    pub(crate) storage: Storage,
    pub(crate) target: PartTarget,
    pub(crate) partition: PartitionId,
    pub(crate) task: TaskId,
}

impl PartAttempt {
    /// The output as it was typed: the same wherever the parts are put together.
    pub fn output(&self) -> &Location {
        &self.target.out
    }

    /// The part's name, which ends as its format and its codec say, and the path of this try, both below `base`.
    pub(crate) fn paths(&self, format: &str, codec: Option<Codec>) -> (String, String) {
        let PartTarget { job, is_named, .. } = &self.target;
        let mut name = format!("part-{:05}", self.partition.0);
        if *is_named {
            name.push('-');
            name.push_str(job);
        }
        for end in [format, codec.map_or("", Codec::extension)] {
            if !end.is_empty() {
                name.push('.');
                name.push_str(end);
            }
        }
        let aside = format!("{}/{name}-{}", pending_path(job), self.task);
        (name, aside)
    }
}
