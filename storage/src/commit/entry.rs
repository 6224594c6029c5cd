//! What is written down of an output: entries of its log, and the records of parts that wait for one.

use crate::{Location, WriteError};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// Of the log's entries and of `_SUCCESS`. To be raised when a reader of this version would misunderstand what is new.
pub(crate) const VERSION: u32 = 1;
/// Where the log is, and what waits to be published.
pub(crate) const LOG: &str = "_rsk/log";
pub(crate) const PENDING: &str = "_rsk/pending";
/// Of all that is ours beside the data.
pub(crate) const OWN: &str = "_rsk";
pub(crate) const SUCCESS: &str = "_SUCCESS";
/// How names of what is half written begin, in whatever folder.
pub(crate) const HALF: &str = "._rsk_";

/// The path of an entry below its output.
pub(super) fn entry_path(number: u64) -> String {
    format!("{LOG}/{number}.json")
}

/// The number of the entry at a path.
pub(super) fn number_of(path: &str) -> Option<u64> {
    let number = path.strip_prefix(LOG)?.strip_prefix('/')?.strip_suffix(".json")?.parse().ok()?;
    // Written in one way, and with room for those that come after it.
    (number < u64::MAX / 2 && entry_path(number) == path).then_some(number)
}

/// The folder of what a job has pending, below its output.
pub(super) fn pending_path(job: &str) -> String {
    format!("{PENDING}/{job}")
}

/// The claim of a job, below its output.
pub(super) fn claim_path(job: &str) -> String {
    format!("{PENDING}/{job}/claim.json")
}

/// Where the bytes of a part are until it is published.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Aside {
    /// A file, its path below the output.
    File(String),
    /// An upload of the part's final key that was not completed.
    Upload {
        /// The store's name of it.
        id: String,
        /// Of its pieces, in their order.
        tags: Vec<String>,
    },
}

/// A part, as it was written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Part {
    /// Its path below the output.
    pub(crate) name: String,
    pub(crate) bytes: u64,
    /// CRC-32C. A file that was there before the log has none.
    #[serde(default)]
    pub(crate) checksum: Option<u32>,
    /// Nothing where it was in its place before the entry was written.
    #[serde(default)]
    pub(crate) aside: Option<Aside>,
}

/// One entry of the log. Once it is there, what it says holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Entry {
    pub(crate) version: u32,
    pub(crate) job: String,
    /// Of all that was there, only what is added here remains.
    #[serde(default)]
    pub(crate) is_whole: bool,
    #[serde(default)]
    pub(crate) added: Vec<Part>,
    /// Files that go when all that was added is there.
    #[serde(default)]
    pub(crate) removed: BTreeSet<String>,
    /// Jobs that had not committed, and may not any more.
    #[serde(default)]
    pub(crate) abandoned: BTreeSet<String>,
}

impl Entry {
    /// An entry of a job that says nothing yet.
    pub(crate) fn of(job: &str) -> Entry {
        Entry {
            version: VERSION,
            job: job.to_owned(),
            is_whole: false,
            added: Vec::new(),
            removed: BTreeSet::new(),
            abandoned: BTreeSet::new(),
        }
    }

    /// Does it change what the output holds?
    pub(crate) fn is_commit(&self) -> bool {
        self.is_whole || !self.added.is_empty() || !self.removed.is_empty() || self.abandoned.is_empty()
    }

    /// The files that come and those that go.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.added.iter().map(|part| &*part.name).chain(self.removed.iter().map(|name| &**name))
    }

    pub(crate) fn encode(&self, at: &Location) -> Result<Vec<u8>, WriteError> {
        encode(self, at)
    }

    pub(crate) fn decode(bytes: &[u8]) -> Result<Entry, String> {
        let entry: Entry = serde_json::from_slice(bytes).map_err(|error| error.to_string())?;
        if entry.version != VERSION {
            return Err(format!("it is of version {}, and this build knows {VERSION}", entry.version));
        }
        // What it names is moved and deleted: nothing but what is below the output.
        let mut names = entry.added.iter().map(|part| &part.name).chain(&entry.removed);
        if let Some(name) = names.find(|name| !is_below(name)) {
            return Err(format!("it names {name:?}, which is not below the output"));
        }
        match entry.added.iter().find(|part| !part.is_ours()) {
            Some(Part { name, .. }) => Err(format!("no job of rsk moves a part to {name:?} from there")),
            None => Ok(entry),
        }
    }
}

impl Part {
    /// Is it where a job may have left it, and goes where a job may put it? No link of a folder leads elsewhere.
    fn is_ours(&self) -> bool {
        match &self.aside {
            None => true,
            Some(Aside::Upload { .. }) => !self.name.contains('/'),
            Some(Aside::File(path)) => {
                let below = path.strip_prefix(PENDING).and_then(|rest| rest.strip_prefix('/'));
                !self.name.contains('/') && below.is_some_and(is_below)
            }
        }
    }
}

/// Is it a path that leads nowhere but down?
fn is_below(path: &str) -> bool {
    !path.is_empty() && path.split('/').all(|name| !matches!(name, "" | "." | ".."))
}

/// What `_SUCCESS` holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Success {
    pub(crate) version: u32,
    /// Whose output is complete.
    pub(crate) job: String,
    /// Its entry of the log.
    pub(crate) entry: u64,
}

impl Success {
    /// One without a job's name where another program wrote it.
    pub(crate) fn decode(bytes: &[u8]) -> Success {
        serde_json::from_slice(bytes).unwrap_or(Success { version: VERSION, job: String::new(), entry: 0 })
    }

    pub(crate) fn encode(&self, at: &Location) -> Result<Vec<u8>, WriteError> {
        encode(self, at)
    }
}

/// What an attempt leaves beside an upload, so that anybody can end it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Pending {
    pub(crate) version: u32,
    pub(crate) job: String,
    pub(crate) part: Part,
}

impl Pending {
    pub(crate) fn encode(&self, at: &Location) -> Result<Vec<u8>, WriteError> {
        encode(self, at)
    }
}

fn encode(value: &impl Serialize, at: &Location) -> Result<Vec<u8>, WriteError> {
    let mut bytes =
        serde_json::to_vec(value).map_err(|error| WriteError::Log(at.clone(), error.to_string()))?;
    bytes.push(b'\n');
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_is_read_back_and_a_wrong_one_is_refused() {
        let mut entry = Entry::of("a");
        let aside = Some(Aside::Upload { id: "u".to_owned(), tags: vec!["t".to_owned()] });
        entry.added.push(Part { name: "part-00000-a".to_owned(), bytes: 7, checksum: Some(1), aside });
        entry.removed.insert("old/part".to_owned());
        let at = Location::from("0.json");
        let text = String::from_utf8(entry.encode(&at).unwrap()).unwrap();
        assert_eq!(Entry::decode(text.as_bytes()).unwrap(), entry);
        for (from, to, why) in [
            ("\"version\":1", "\"version\":9", "version 9"),
            ("old/part", "../part", "not below"),
            ("old/part", "/etc/passwd", "not below"),
            ("part-00000-a", "a//b", "not below"),
            ("part-00000-a", "link/b", "no job of rsk"),
            ("{", "", "expected"),
        ] {
            let wrong = text.replacen(from, to, 1);
            let error = Entry::decode(wrong.as_bytes()).unwrap_err();
            assert!(error.contains(why), "{error}");
        }
    }
}
