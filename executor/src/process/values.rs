//! Large values of a cluster: each agent keeps one copy, for all executors of the application, and serves it to other
//! agents' executors.

use crate::shuffle::{Connections, fetch_value};
use rsk_proto::{Cause, Keeper, ValueId, value_path};
use sha2::{Digest, Sha256};
use std::{
    fs,
    io::Write,
    path::{Path, PathBuf},
};

/// The folder of the application's values on this agent, and who else has some.
#[derive(Debug)]
pub(super) struct SharedValues {
    pub(super) shuffles: PathBuf,
    pub(super) keeper: Keeper,
    pub(super) connections: Connections,
}

impl SharedValues {
    /// The value, if an executor of this agent has got it before.
    pub(super) fn here(&self, id: ValueId) -> Option<Vec<u8>> {
        fs::read(value_path(&self.shuffles, id)).ok().filter(|bytes| is(id, bytes))
    }

    /// The value, from the first of these agents that has it.
    pub(super) fn fetch(&self, id: ValueId, at: &[Keeper]) -> Result<Vec<u8>, Cause> {
        let mut last = Cause::new("no agent was named");
        for keeper in at {
            match fetch_value(&self.connections, keeper, id) {
                Ok(bytes) if is(id, &bytes) => return Ok(bytes),
                Ok(_) => last = Cause::new(format!("the agent at {} sent another value", keeper.serves_at)),
                Err(cause) => last = cause,
            }
        }
        Err(last)
    }

    /// Keeps a value for others; says who serves it from now on, if anybody does: a full disk is no reason to fail.
    pub(super) fn keep(&self, id: ValueId, bytes: &[u8]) -> Option<Keeper> {
        let kept = write(&value_path(&self.shuffles, id), bytes);
        kept.inspect_err(|error| tracing::warn!(%error, "cannot keep a value for others")).ok()?;
        Some(self.keeper.clone())
    }

    pub(super) fn forget(&self, id: ValueId) {
        fs::remove_file(value_path(&self.shuffles, id)).unwrap_or(());
    }
}

fn is(id: ValueId, bytes: &[u8]) -> bool {
    Sha256::digest(bytes)[..] == id.0
}

/// Under its name once it is whole.
fn write(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(folder)?;
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    file.write_all(bytes)?;
    file.persist(path)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use rsk_proto::{AgentId, FrameworkId, VALUE_SHARED_FROM};

    #[test]
    fn a_value_that_was_kept_is_there_and_a_damaged_or_forgotten_one_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let keeper = Keeper {
            agent: AgentId { registry: 1, number: 1 },
            framework: FrameworkId { registry: 1, number: 1 },
            serves_at: "127.0.0.1:1".to_owned(),
        };
        let connections = Connections::default();
        let values = SharedValues { shuffles: folder.path().to_owned(), keeper, connections };
        let bytes = vec![7; VALUE_SHARED_FROM];
        let id = ValueId(Sha256::digest(&bytes).into());
        for _ in 0..2 {
            assert_eq!(values.keep(id, &bytes), Some(values.keeper.clone()));
        }
        assert_eq!(values.here(id), Some(bytes));
        fs::write(value_path(folder.path(), id), "damaged").unwrap();
        assert_eq!(values.here(id), None);
        values.forget(id);
        assert!(!value_path(folder.path(), id).exists());
        assert!(values.fetch(id, std::slice::from_ref(&values.keeper)).is_err());
    }
}
