//! What tells a file from another in its place.

use serde::{Deserialize, Serialize};
use std::{fs, os::unix::fs::MetadataExt};

/// When a local file was changed, or the tag that a store gives. Unknown where a store gives none.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize)]
pub struct Stamp(Option<String>);

impl Stamp {
    pub(crate) fn of_local(there: &fs::Metadata) -> Stamp {
        Stamp(Some(format!("{}.{:09}/{}", there.mtime(), there.mtime_nsec(), there.ino())))
    }

    /// Can a longer local file be this one, grown? One that took its place by its name is another inode.
    pub(crate) fn may_grow_to(&self, there: &fs::Metadata) -> bool {
        let inode = self.0.as_ref().and_then(|stamp| stamp.rsplit_once('/')?.1.parse().ok());
        inode.is_none_or(|inode: u64| inode == there.ino())
    }

    /// Weak tags are for what is alike, not for what is the same.
    pub(crate) fn of_tag(tag: Option<String>) -> Stamp {
        Stamp(tag.filter(|tag| !tag.starts_with("W/")))
    }

    /// The tag of a store.
    pub(crate) fn tag(&self) -> Option<&str> {
        self.0.as_deref()
    }

    /// Can both be of one file?
    pub(crate) fn is(&self, other: &Stamp) -> bool {
        self.0.is_none() || other.0.is_none() || self == other
    }
}
