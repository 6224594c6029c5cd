//! Buckets that did not fit in memory: each in as many runs as there were spills.

use super::buckets::Buckets;
use crate::{
    TaskContext,
    memory::{freed_by, limit_of, owned_of_encoded},
    spill::{Piece, SpillFile},
};
use rsk_proto::{Data, TaskError};
use std::{any::type_name, hash::Hash};

/// Buckets are split again so many times; what then still does not fit are keys that have one hash.
const LEVELS_MAX: u64 = 6;

pub(super) struct Spilled {
    task: TaskContext,
    level: u64,
    file: Option<SpillFile>,
    buckets: Vec<Vec<Piece>>,
}

impl Spilled {
    pub(super) fn new(task: &TaskContext, level: u64) -> Self {
        Spilled { task: task.clone(), level, file: None, buckets: Vec::new() }
    }

    pub(super) fn level(&self) -> u64 {
        self.level
    }

    pub(super) fn is_empty(&self) -> bool {
        self.file.is_none()
    }

    /// Writes all keys, each to its bucket, and empties the tables.
    ///
    /// Errors: a key whose values alone fill the task's share, seen by what is freed when they are dropped.
    pub(super) fn spill<K: Data + Hash + Eq, V, C: Data>(
        &mut self,
        buckets: &mut Buckets<K, V, C>,
    ) -> Result<(), TaskError> {
        let limit = limit_of(&self.task);
        // What was spilled comes back in a frame, so it is held twice for a moment.
        let one_max = if self.level == 0 { limit / 8 * 7 } else { limit / 2 };
        let file = match &mut self.file {
            Some(file) => file,
            none => none.insert(SpillFile::create(&self.task)?),
        };
        for (at, bucket) in buckets.take_by_bucket().enumerate() {
            for record in bucket {
                let reckoned = owned_of_encoded(file.write(&record)?);
                let bytes = freed_by(|| drop(record), reckoned);
                if bytes > one_max {
                    return Err(too_large::<K>("the values of one key", bytes, limit));
                }
            }
            let piece = file.end_run()?;
            if self.buckets.len() <= at {
                self.buckets.push(Vec::new());
            }
            if piece.bytes > 0 {
                self.buckets[at].push(piece);
            }
        }
        if self.level > LEVELS_MAX {
            return Err(too_large::<K>("the values of all keys with one hash", limit, limit));
        }
        Ok(())
    }

    /// The records of each bucket, spill by spill.
    pub(super) fn into_buckets<K: Data, C: Data>(
        self,
    ) -> impl Iterator<Item = Box<dyn Iterator<Item = (K, C)>>> {
        let file = self.file.map(std::rc::Rc::new);
        self.buckets.into_iter().filter(|pieces| !pieces.is_empty()).filter_map(move |pieces| {
            let file = file.clone()?;
            let records = pieces.into_iter().flat_map(move |piece| file.read::<(K, C)>(piece));
            Some(Box::new(records) as Box<dyn Iterator<Item = (K, C)>>)
        })
    }
}

fn too_large<K>(what: &str, bytes: u64, limit: u64) -> TaskError {
    TaskError::RecordTooLarge { what: format!("{what} of type {}", type_name::<K>()), bytes, limit }
}
