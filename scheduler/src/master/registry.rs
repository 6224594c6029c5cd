//! Where a master keeps what it must know again.

use super::record::{Change, Recovered};
use redb::{Database, ReadableDatabase, ReadableTable, TableDefinition};
use rsk_proto::{AgentId, DriverId, FrameworkId};
use serde::de::DeserializeOwned;
use std::{
    hash::{BuildHasher, Hasher, RandomState},
    io::ErrorKind,
    path::{Path, PathBuf},
};

/// Bump it when an older master would misread what is written; added fields with a default need no bump.
const FORMAT: u32 = 1;
const META: TableDefinition<'_, &str, u32> = TableDefinition::new("meta");
/// Names and JSON, which later masters can read after fields were added.
const STATE: TableDefinition<'_, &str, &[u8]> = TableDefinition::new("state");

/// Durable, in order, all of a write or nothing of it. [`suite::registry`] defines it.
pub trait Registry: Send {
    /// Begins a term: reads all, and counts the start.
    fn begin(&mut self) -> Result<Recovered, RegistryError>;
    /// Makes changes durable before it returns.
    fn write(&mut self, changes: &[Change]) -> Result<(), RegistryError>;
}

/// What a registry holds cannot be read or written: the master must not go on.
#[derive(Debug, thiserror::Error)]
pub enum RegistryError {
    /// Another process has it.
    #[error("{0} is in use: does another master run with this work folder?")]
    InUse(PathBuf),
    /// Its disk, or what is on it, is not as it should be.
    #[error("cannot {what} the registry {path}")]
    Store {
        /// What was to be done.
        what: &'static str,
        /// The file.
        path: PathBuf,
        /// Why not.
        #[source]
        source: Box<redb::Error>,
    },
    /// Its disk has no room. What was not written was not promised to anybody.
    #[error(
        "the disk under the registry {path} is full: make room there, and start the master again: it goes on where it was"
    )]
    Full {
        /// The file.
        path: PathBuf,
        /// What the disk said.
        #[source]
        source: Box<redb::Error>,
    },
    /// A later rsk wrote it.
    #[error("the registry {path} has format {format}, and this rsk {build} reads up to {FORMAT}: use a later rsk", build = env!("CARGO_PKG_VERSION"))]
    Format {
        /// The file.
        path: PathBuf,
        /// Its format.
        format: u32,
    },
    /// An entry does not read.
    #[error("the entry {key} of the registry {path} does not read")]
    Entry {
        /// The file.
        path: PathBuf,
        /// The entry.
        key: String,
        /// Why not.
        #[source]
        source: serde_json::Error,
    },
}

fn broken(what: &'static str, path: &Path, error: redb::Error) -> RegistryError {
    let (path, source) = (path.to_owned(), Box::new(error));
    match &*source {
        redb::Error::Io(error)
            if matches!(error.kind(), ErrorKind::StorageFull | ErrorKind::QuotaExceeded) =>
        {
            RegistryError::Full { path, source }
        }
        _ => RegistryError::Store { what, path, source },
    }
}

/// A registry in one file.
///
/// Cost: a write is one transaction, and waits for the disk.
#[derive(Debug)]
pub struct RedbRegistry {
    database: Database,
    path: PathBuf,
}

impl RedbRegistry {
    /// Opens the file, or makes it.
    pub fn open(path: &Path) -> Result<Self, RegistryError> {
        match Database::create(path) {
            Ok(database) => Ok(RedbRegistry { database, path: path.to_owned() }),
            Err(redb::DatabaseError::DatabaseAlreadyOpen) => Err(RegistryError::InUse(path.to_owned())),
            Err(error) => Err(broken("open", path, error.into())),
        }
    }

    fn error<E: Into<redb::Error>>(&self, what: &'static str) -> impl Fn(E) -> RegistryError + use<E> {
        let path = self.path.clone();
        move |error| broken(what, &path, error.into())
    }

    fn value<T: DeserializeOwned>(&self, key: &str, bytes: &[u8]) -> Result<T, RegistryError> {
        let wrong = |source| RegistryError::Entry { path: self.path.clone(), key: key.to_owned(), source };
        serde_json::from_slice(bytes).map_err(wrong)
    }

    fn count_start(&self) -> Result<(u32, u32), RegistryError> {
        let transaction = self.database.begin_write().map_err(self.error("begin to write"))?;
        let (registry, term) = {
            let mut meta = transaction.open_table(META).map_err(self.error("read"))?;
            let get =
                |key| meta.get(key).map(|value| value.map(|value| value.value())).map_err(self.error("read"));
            let format = get("format")?.unwrap_or(FORMAT);
            if format > FORMAT {
                return Err(RegistryError::Format { path: self.path.clone(), format });
            }
            let registry = get("registry")?.unwrap_or_else(random);
            let term = get("term")?.unwrap_or(0) + 1;
            for (key, value) in [("format", FORMAT), ("registry", registry), ("term", term)] {
                meta.insert(key, value).map_err(self.error("write"))?;
            }
            transaction.open_table(STATE).map_err(self.error("write"))?;
            (registry, term)
        };
        transaction.commit().map_err(self.error("write"))?;
        Ok((registry, term))
    }
}

/// A number that no other registry has, as far as chance goes.
#[expect(clippy::cast_possible_truncation, reason = "the lower half is as random as the whole")]
fn random() -> u32 {
    RandomState::new().build_hasher().finish() as u32
}

impl Registry for RedbRegistry {
    fn begin(&mut self) -> Result<Recovered, RegistryError> {
        let (registry, term) = self.count_start()?;
        let mut recovered = Recovered { registry, term, ..Recovered::default() };
        let transaction = self.database.begin_read().map_err(self.error("read"))?;
        let state = transaction.open_table(STATE).map_err(self.error("read"))?;
        for entry in state.iter().map_err(self.error("read"))? {
            let (key, value) = entry.map_err(self.error("read"))?;
            let (key, bytes) = (key.value(), value.value());
            if let Ok(id) = key.parse::<AgentId>() {
                recovered.agents.insert(id, self.value(key, bytes)?);
            } else if let Ok(id) = key.parse::<FrameworkId>() {
                recovered.frameworks.insert(id, self.value(key, bytes)?);
            } else if let Ok(id) = key.parse::<DriverId>() {
                recovered.drivers.insert(id, self.value(key, bytes)?);
            } else if let Some(role) = key.strip_prefix("role ").and_then(|role| role.parse().ok()) {
                recovered.roles.insert(role, self.value(key, bytes)?);
            } else if key == "counters" {
                recovered.counters = self.value(key, bytes)?;
            }
        }
        Ok(recovered)
    }

    fn write(&mut self, changes: &[Change]) -> Result<(), RegistryError> {
        let transaction = self.database.begin_write().map_err(self.error("begin to write"))?;
        {
            let mut state = transaction.open_table(STATE).map_err(self.error("write"))?;
            for change in changes {
                let (key, value) = entry(change);
                match value {
                    Some(value) => {
                        let wrong = |source| RegistryError::Entry {
                            path: self.path.clone(),
                            key: key.clone(),
                            source,
                        };
                        let bytes = serde_json::to_vec(&value).map_err(wrong)?;
                        state.insert(key.as_str(), bytes.as_slice()).map_err(self.error("write"))?;
                    }
                    None => drop(state.remove(key.as_str()).map_err(self.error("write"))?),
                }
            }
        }
        transaction.commit().map_err(self.error("write"))
    }
}

/// The name and the value of what a change changes.
fn entry(change: &Change) -> (String, Option<serde_json::Value>) {
    fn json(value: &impl serde::Serialize) -> serde_json::Value {
        serde_json::to_value(value).unwrap_or_default()
    }
    match change {
        Change::Counters(counters) => ("counters".to_owned(), Some(json(counters))),
        Change::Agent(id, record) => (id.to_string(), record.as_ref().map(json)),
        Change::Framework(id, record) => (id.to_string(), record.as_ref().map(json)),
        Change::Role(name, record) => (format!("role {name}"), Some(json(record))),
        Change::Driver(id, record) => (id.to_string(), record.as_ref().map(json)),
    }
}

/// A registry that forgets: for tests, and to compare.
#[derive(Debug, Clone, Default)]
pub struct MemoryRegistry(std::sync::Arc<std::sync::Mutex<Recovered>>);

impl Registry for MemoryRegistry {
    fn begin(&mut self) -> Result<Recovered, RegistryError> {
        let mut all = self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        all.registry = if all.term == 0 { random() } else { all.registry };
        all.term += 1;
        Ok(all.clone())
    }

    fn write(&mut self, changes: &[Change]) -> Result<(), RegistryError> {
        let mut all = self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        changes.iter().for_each(|change| all.apply(change.clone()));
        Ok(())
    }
}

/// What every [`Registry`] promises, as code.
pub mod suite {
    use super::{
        super::record::{AgentRecord, Change, Counters, Drain, Recovered, RoleRecord},
        Registry,
    };
    use rsk_proto::{AgentFacts, AgentId, Attributes, Incarnation, Resources, RoleName};
    use std::collections::BTreeMap;

    /// Every registry passes this. `open` opens the same one again.
    ///
    /// # Panics
    /// Where it breaks a promise.
    pub fn registry<R: Registry>(open: impl Fn() -> R) {
        fn begin(registry: &mut impl Registry) -> Recovered {
            registry.begin().unwrap_or_else(|error| panic!("{error}"))
        }
        let mut first = open();
        let empty = begin(&mut first);
        assert_eq!(empty, Recovered { registry: empty.registry, term: 1, ..Recovered::default() });
        let facts = AgentFacts {
            host: "a".to_owned(),
            address: "a:5051".to_owned(),
            reserved: std::collections::BTreeMap::new(),
            resources: Resources::of(1000, rsk_proto::ByteSize::mib(7)),
            attributes: Attributes::default(),
            platform: "x86_64".to_owned(),
        };
        let agent = |number| AgentId { registry: empty.registry, number };
        let reserved = BTreeMap::from([(RoleName::default(), facts.resources.clone())]);
        let record = AgentRecord {
            facts,
            incarnation: Incarnation(3),
            reserved,
            drain: Some(Drain { grace: None }),
            lost_at: Some(9),
        };
        let role = RoleRecord { limit: Some(record.facts.resources.clone()), weight_milli: 7 };
        let counters = Counters { agents: 2, frameworks: 1, drivers: 0 };
        let write = |registry: &mut R, changes: &[Change]| {
            registry.write(changes).unwrap_or_else(|error| panic!("{error}"));
        };
        write(&mut first, &[Change::Counters(counters), Change::Agent(agent(1), Some(record.clone()))]);
        write(
            &mut first,
            &[Change::Agent(agent(2), Some(record.clone())), Change::Role(RoleName::default(), role.clone())],
        );
        write(&mut first, &[Change::Agent(agent(1), None)]);
        drop(first);
        let second = begin(&mut open());
        let known = Recovered {
            registry: empty.registry,
            term: 2,
            counters,
            agents: BTreeMap::from([(agent(2), record)]),
            roles: BTreeMap::from([(RoleName::default(), role)]),
            ..Recovered::default()
        };
        assert_eq!(second, known);
        assert_eq!(begin(&mut open()).term, 3);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_a_registry() {
        let folder = tempfile::tempdir().unwrap();
        suite::registry(|| RedbRegistry::open(&folder.path().join("registry.redb")).unwrap());
    }

    #[test]
    fn memory_is_a_registry() {
        let registry = MemoryRegistry::default();
        suite::registry(|| registry.clone());
    }

    #[test]
    fn one_file_has_one_master_and_damage_is_said() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("registry.redb");
        let open = RedbRegistry::open(&path).unwrap();
        let second = RedbRegistry::open(&path).unwrap_err().to_string();
        assert!(second.ends_with("is in use: does another master run with this work folder?"), "{second}");
        drop(open);
        std::fs::write(&path, b"no registry at all").unwrap();
        let damaged = RedbRegistry::open(&path).unwrap_err().to_string();
        assert_eq!(damaged, format!("cannot open the registry {}", path.display()));
    }
}
