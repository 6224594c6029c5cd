//! What to do next with an output, given what is seen of it. Pure: nothing here looks or writes.
//!
//! The log is the truth. An entry that is there holds: what it adds and is not in its place yet is published, what it
//! removes is deleted after that, and `_SUCCESS` comes last. What a job left that has no entry is undone, after an entry
//! that forbids the job to commit. Each step may be done twice, and by several at a time.

use super::{
    SaveMode,
    entry::{Aside, Entry, HALF, OWN, Part, SUCCESS, Success, VERSION, claim_path},
};
use std::collections::{BTreeMap, BTreeSet};

/// An entry that repeats all that holds is written when so many are there without one.
const ENTRIES_MAX: usize = 32;
/// Entries that nothing depends on stay while so many came after them: a job that has counted entries and then slept for
/// a while finds its number taken.
const ENTRIES_KEPT: u64 = 16;

/// What is at the place of an output.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Thing {
    #[default]
    Nothing,
    /// A file, or a link that leads nowhere.
    Other,
    Folder,
}

/// What is seen of an output.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Seen {
    pub(crate) thing: Thing,
    pub(crate) entries: BTreeMap<u64, Entry>,
    /// Files in their places, and how long each is: all that is not ours.
    pub(crate) files: BTreeMap<String, u64>,
    /// The tags of files, where the store gives them.
    pub(crate) tags: BTreeMap<String, String>,
    /// What is ours: below `_rsk`, and half-written things.
    pub(crate) own: BTreeSet<String>,
    /// What `_SUCCESS` says; it names nobody where another program wrote it.
    pub(crate) success: Option<Success>,
    /// Jobs that have left something that waits, or have claimed the output.
    pub(crate) pending: BTreeSet<String>,
}

/// What a store can do in one step with a whole folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Abilities {
    /// Give a folder another name, where nothing has it.
    pub(crate) moves: bool,
    /// Have two folders change names.
    pub(crate) exchanges: bool,
}

impl Abilities {
    pub(crate) const NONE: Abilities = Abilities { moves: false, exchanges: false };
}

/// How an output comes about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Way {
    /// All is made in a folder beside it, which takes its name.
    Move,
    /// All is made in a folder beside it, and the two change names.
    Exchange,
    /// In its place, by the log: names carry the job's name.
    Log,
}

/// Why a job may not write there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refusal {
    Exists,
    NotAFolder,
    NotAnOutput,
}

/// What is done about the work of other jobs that have not committed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Others {
    /// They may still run, and commit.
    Leave,
    /// They may not commit any more.
    Undo,
}

/// One step towards what the log says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Step {
    /// Forbid jobs to commit, by an entry of this number if it is free.
    Fence(u64, BTreeSet<String>),
    /// Put a part in its place.
    Publish(Part),
    /// Remove a file.
    Delete(String),
    /// Say that a job's output is complete.
    Succeed(Success),
    /// Remove what a job left that waits: files, records, uploads.
    Forget(String),
    /// Remove what is half written.
    Sweep(String),
    /// Remove entries below this number.
    Trim(u64),
    /// Remove a log that says nothing.
    Close,
}

impl Seen {
    fn commits(&self) -> impl DoubleEndedIterator<Item = (u64, &Entry)> {
        self.entries.iter().filter(|(_, entry)| entry.is_commit()).map(|(number, entry)| (*number, entry))
    }

    /// The number of the next entry.
    pub(crate) fn next(&self) -> u64 {
        self.entries.keys().next_back().map_or(0, |last| last + 1)
    }

    /// The files that hold by the entries up to a number, in the order in which they were added.
    fn live(&self, until: u64) -> Vec<&Part> {
        let mut live: Vec<&Part> = Vec::new();
        for (_, entry) in self.commits().take_while(|(number, _)| *number <= until) {
            if entry.is_whole {
                live.clear();
            } else if !entry.removed.is_empty() {
                live.retain(|part| !entry.removed.contains(&part.name));
            }
            live.extend(&entry.added);
        }
        live
    }

    fn is_there(&self, part: &Part) -> bool {
        self.files.get(&part.name) == Some(&part.bytes)
    }

    /// Did a job write it?
    fn is_output(&self) -> bool {
        self.success.is_some() || self.commits().next().is_some()
    }

    /// Is something there that no job is known to have written? Its log tells, or else `_SUCCESS`.
    fn has_others(&self) -> bool {
        if self.commits().next().is_none() {
            return self.success.is_none() && !self.files.is_empty();
        }
        let named: BTreeSet<&str> = self.commits().flat_map(|(_, entry)| entry.names()).collect();
        self.files.keys().any(|name| !is_hidden(name) && !named.contains(&**name))
    }

    /// The entry up to which all is done that the log says.
    fn done(&self) -> Option<u64> {
        let success = self.success.as_ref().filter(|success| !success.job.is_empty())?;
        let is_known = match self.entries.get(&success.entry) {
            Some(entry) => entry.job == success.job,
            None => self.entries.keys().next().is_some_and(|first| success.entry < *first),
        };
        is_known.then_some(success.entry)
    }

    /// Is something there that a job would write over?
    pub(crate) fn is_taken(&self) -> bool {
        self.is_output() || !self.files.is_empty()
    }

    /// How a job may write there.
    pub(crate) fn plan(&self, mode: SaveMode, can: Abilities) -> Result<Way, Refusal> {
        match (self.thing, mode) {
            (Thing::Nothing, _) if can.moves => Ok(Way::Move),
            (Thing::Other, SaveMode::Error) => Err(Refusal::Exists),
            (Thing::Other, _) => Err(Refusal::NotAFolder),
            // An empty folder is something in a file system; in a store it is what jobs left that did not commit.
            (Thing::Folder, SaveMode::Error) if can.moves || self.is_taken() => Err(Refusal::Exists),
            (Thing::Folder, SaveMode::Overwrite) if self.has_others() => Err(Refusal::NotAnOutput),
            (Thing::Folder, SaveMode::Overwrite) if can.exchanges => Ok(Way::Exchange),
            (Thing::Nothing | Thing::Folder, _) => Ok(Way::Log),
        }
    }

    fn is_fenced(&self, job: &str) -> bool {
        self.entries.values().any(|entry| entry.abandoned.contains(job))
    }

    /// Has somebody undone the job? Its claim goes with what it left; an attempt that comes later makes no new one.
    pub(crate) fn is_abandoned(&self, job: &str) -> bool {
        self.is_fenced(job) || !self.own.contains(&claim_path(job))
    }

    /// Does an entry hold that a job has made after it had looked? Not where it slept in between: where it was undone, or
    /// others wrote so much that its number was free again.
    pub(crate) fn holds(&self, number: u64, job: &str, parts: &[Part]) -> bool {
        let waits = |part: &Part| part.aside.is_some() && !self.is_there(part);
        if self.is_fenced(job) || self.is_abandoned(job) && parts.iter().any(waits) {
            return false;
        }
        let knows = |entry: &Entry| parts.iter().all(|part| entry.names().any(|name| name == part.name));
        let mut later = self.commits().filter(|(later, entry)| *later > number && entry.is_whole);
        let is_there = self.entries.get(&number).is_some_and(|entry| entry.job == job);
        later.next().map_or(is_there, |(_, entry)| knows(entry))
    }

    /// The entry that commits a job in this way.
    pub(crate) fn entry(&self, job: &str, mode: SaveMode, way: Way, added: Vec<Part>) -> Entry {
        let mut entry = Entry { added, ..Entry::of(job) };
        match (way, mode) {
            // Nothing of what was there is in the folder that comes.
            (Way::Move | Way::Exchange, _) => entry.is_whole = true,
            (Way::Log, SaveMode::Overwrite) => {
                entry.is_whole = true;
                entry.removed = self.files.keys().cloned().collect();
                // What was committed and not published yet is removed, too, whoever publishes it meanwhile.
                entry.removed.extend(self.live(u64::MAX).into_iter().map(|part| part.name.clone()));
            }
            (Way::Log, _) => {
                let is_first = self.commits().next().is_none();
                let since = self.commits().rev().take_while(|(_, entry)| !entry.is_whole).count();
                if is_first || since >= ENTRIES_MAX {
                    entry.is_whole = true;
                    let before: Vec<Part> = if is_first { self.adopted() } else { self.repeated() };
                    let own = std::mem::replace(&mut entry.added, before);
                    entry.added.extend(own);
                }
            }
        }
        entry
    }

    /// The files of an output that has no log.
    fn adopted(&self) -> Vec<Part> {
        // Those that are read with it: none in folders of it.
        let seen = self.files.iter().filter(|(name, _)| !is_hidden(name) && !name.contains('/'));
        seen.map(|(name, bytes)| Part { name: name.clone(), bytes: *bytes, checksum: None, aside: None })
            .collect()
    }

    /// All that holds. What is in its place is not put there again.
    fn repeated(&self) -> Vec<Part> {
        let is_done = self.commits().next_back().map(|(last, _)| last) == self.done();
        let part = |part: &Part| Part {
            aside: part.aside.clone().filter(|_| !is_done && !self.is_there(part)),
            ..part.clone()
        };
        self.live(u64::MAX).into_iter().map(part).collect()
    }

    /// What is to be done now; to be asked again, with what is seen then, until it is nothing.
    ///
    /// `me` is a job that runs: what it has pending stays.
    pub(crate) fn mend(&self, me: Option<&str>, others: Others) -> Vec<Step> {
        let mut steps = self.forward();
        if steps.is_empty() {
            let last_whole = self.commits().rev().find(|(_, entry)| entry.is_whole).map(|(number, _)| number);
            let below = last_whole.unwrap_or(0).min(self.next().saturating_sub(ENTRIES_KEPT));
            if self.entries.range(..below).next().is_some() {
                steps.push(Step::Trim(below));
            }
        }
        let has_committed = |job: &str| self.commits().any(|(_, entry)| entry.job == job);
        let waiting: Vec<&String> = self.pending.iter().filter(|job| Some(job.as_str()) != me).collect();
        let unknown = |job: &&&String| !has_committed(job) && !self.is_fenced(job);
        if others == Others::Undo {
            let fenced: BTreeSet<String> = waiting.iter().filter(unknown).map(|job| (*job).clone()).collect();
            if !fenced.is_empty() {
                steps.push(Step::Fence(self.next(), fenced));
                return steps;
            }
            let half = self.own.iter().filter(|path| is_half(path) && is_ours_alone(path));
            steps.extend(half.cloned().map(Step::Sweep));
        }
        if steps.iter().all(|step| matches!(step, Step::Trim(_) | Step::Sweep(_))) {
            let done = waiting.iter().filter(|job| !unknown(job));
            steps.extend(done.map(|job| Step::Forget((*job).clone())));
        }
        if steps.is_empty()
            && others == Others::Undo
            && me.is_none()
            && self.commits().next().is_none()
            && !self.own.is_empty()
        {
            steps.push(Step::Close);
        }
        steps
    }

    /// What the entries say and is not done yet.
    fn forward(&self) -> Vec<Step> {
        let Some((number, last)) = self.commits().next_back() else { return Vec::new() };
        // What was done once is not done again: what became of it since is not ours.
        let done = self.done();
        if done == Some(number) {
            return Vec::new();
        }
        let named: BTreeSet<&str> = self
            .commits()
            .filter(|(number, _)| done.is_none_or(|done| *number > done))
            .flat_map(|(_, entry)| entry.names())
            .collect();
        let live = self.live(number);
        let waits =
            |part: &&Part| part.aside.is_some() && named.contains(&*part.name) && !self.is_there(part);
        let missing: Vec<&Part> = live.iter().copied().filter(waits).collect();
        if !missing.is_empty() {
            return missing.into_iter().cloned().map(Step::Publish).collect();
        }
        let live: BTreeSet<&str> = live.into_iter().map(|part| &*part.name).collect();
        let gone = named.iter().filter(|name| !live.contains(*name) && self.files.contains_key(**name));
        let steps: Vec<Step> = gone.map(|name| Step::Delete((*name).to_owned())).collect();
        if steps.is_empty() {
            let success = Success { version: VERSION, job: last.job.clone(), entry: number };
            return vec![Step::Succeed(success)];
        }
        steps
    }

    /// What a reader reads: each file's path, the path at which its bytes are now, and how many they are.
    ///
    /// Nothing where there is no log. Where the newest entry has parts that cannot be read yet, what held before it:
    /// nothing of that is deleted before all parts are there.
    pub(crate) fn readable(&self) -> Option<Result<Vec<(&Part, &str)>, Unreadable>> {
        let (last, _) = self.commits().next_back()?;
        let is_complete = self.done() == Some(last);
        let missing = match self.at(last) {
            Ok(found) => return Some(Ok(found)),
            // It was in its place before the entry was written, or it is since.
            Err(part) if part.aside.is_none() || is_complete => {
                return Some(Err(Unreadable::Gone(part.name.clone())));
            }
            Err(part) => part.name.clone(),
        };
        let before = self.commits().rev().skip(1).map(|(number, _)| self.at(number)).find_map(Result::ok);
        Some(before.ok_or(Unreadable::Unfinished(missing)))
    }

    /// What holds after an entry, and where it can be read; the first part that cannot.
    fn at(&self, number: u64) -> Result<Vec<(&Part, &str)>, &Part> {
        let place = |part| self.place(part).map(|path| (part, path)).ok_or(part);
        self.live(number).into_iter().map(place).collect()
    }

    fn place<'a>(&'a self, part: &'a Part) -> Option<&'a str> {
        match &part.aside {
            _ if self.is_there(part) => Some(&part.name),
            Some(Aside::File(path)) if self.own.contains(path) => Some(path),
            _ => None,
        }
    }
}

/// Why what a log names cannot be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Unreadable {
    /// A file that was there is not, or has another length.
    Gone(String),
    /// A part was committed, and waits to be published.
    Unfinished(String),
}

/// Is it half written, or in a folder that is?
fn is_half(path: &str) -> bool {
    path.split('/').any(|name| name.starts_with(HALF))
}

/// Does nobody but those who write to this output make it? In its folders there may be half-written outputs of others.
pub(crate) fn is_ours_alone(path: &str) -> bool {
    let is_success = path.strip_prefix(HALF).is_some_and(|rest| rest.starts_with(SUCCESS));
    path.split('/').next() == Some(OWN) || (is_success && !path.contains('/'))
}

fn is_hidden(path: &str) -> bool {
    path.split('/').any(|name| name.starts_with(['.', '_']))
}

/// Is it ours, and no data?
pub(crate) fn is_own(path: &str) -> bool {
    path == SUCCESS || path.split('/').next() == Some(OWN) || is_half(path)
}

#[cfg(test)]
mod tests;
