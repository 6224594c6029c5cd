//! Patterns of paths, name by name.

use super::{ListError, entries, is_hidden, look, look_at};
use glob::{MatchOptions, Pattern};
use std::{
    fs,
    path::{Component, Path, PathBuf},
};

/// A pattern with braces stands for at most so many without.
const ALTERNATIVES_MAX: usize = 10_000;

pub(super) enum GlobError {
    Malformed(String),
    List(ListError),
}

impl GlobError {
    pub(super) fn of(self, typed: &str) -> ListError {
        match self {
            GlobError::Malformed(why) => ListError::Pattern { typed: typed.to_owned(), why },
            GlobError::List(error) => error,
        }
    }
}

impl From<ListError> for GlobError {
    fn from(error: ListError) -> Self {
        GlobError::List(error)
    }
}

pub(super) fn is_pattern(path: &str) -> bool {
    path.contains(['*', '?', '[', '{'])
}

/// What is at the paths that match, in no order, some perhaps twice.
pub(super) fn find(pattern: &str) -> Result<Vec<(PathBuf, fs::Metadata)>, GlobError> {
    let mut found = Vec::new();
    for pattern in alternatives(pattern)? {
        let parts: Vec<Component<'_>> = Path::new(&pattern).components().collect();
        walk(PathBuf::new(), &parts, &mut found)?;
    }
    Ok(found)
}

/// The patterns that one with braces stands for.
fn alternatives(pattern: &str) -> Result<Vec<String>, GlobError> {
    let mut open = vec![pattern.to_owned()];
    let mut done = Vec::new();
    while let Some(pattern) = open.pop() {
        if open.len() + done.len() > ALTERNATIVES_MAX {
            return Err(GlobError::Malformed(format!("it stands for more than {ALTERNATIVES_MAX} paths")));
        }
        let Some(start) = pattern.find('{') else {
            done.push(pattern);
            continue;
        };
        let (mut depth, mut from, mut pieces, mut end) = (0, start + 1, Vec::new(), None);
        for (at, character) in pattern.char_indices().skip_while(|(at, _)| *at <= start) {
            match character {
                '{' => depth += 1,
                '}' if depth == 0 => {
                    pieces.push(&pattern[from..at]);
                    end = Some(at + 1);
                    break;
                }
                '}' => depth -= 1,
                ',' if depth == 0 => {
                    pieces.push(&pattern[from..at]);
                    from = at + 1;
                }
                _ => {}
            }
        }
        let end = end.ok_or_else(|| GlobError::Malformed("a { has no }".to_owned()))?;
        open.extend(pieces.iter().map(|piece| format!("{}{piece}{}", &pattern[..start], &pattern[end..])));
    }
    Ok(done)
}

fn walk(
    at: PathBuf,
    parts: &[Component<'_>],
    found: &mut Vec<(PathBuf, fs::Metadata)>,
) -> Result<(), GlobError> {
    let Some((part, rest)) = parts.split_first() else {
        if let Some(there) = look(&at)? {
            found.push((at, there));
        }
        return Ok(());
    };
    let name = part.as_os_str().to_str().filter(|name| is_pattern(name));
    let Some(name) = name else {
        return walk(at.join(part), rest, found);
    };
    if name == "**" {
        for folder in folders(&at)? {
            walk(folder, parts, found)?;
        }
        return walk(at, rest, found);
    }
    // Other globs negate with a caret.
    let pattern = Pattern::new(&name.replace("[^", "[!"));
    let pattern = pattern.map_err(|error| GlobError::Malformed(error.msg.to_owned()))?;
    for entry in entries_of(&at)? {
        let file_name = entry.file_name();
        let is_named = !is_hidden(&file_name) || name.starts_with(['.', '_']);
        if !is_named || !pattern.matches_with(&file_name.to_string_lossy(), MatchOptions::new()) {
            continue;
        }
        let next = at.join(&file_name);
        if rest.is_empty() {
            let there = look_at(&entry, &next)?;
            found.push((next, there));
        } else {
            walk(next, rest, found)?;
        }
    }
    Ok(())
}

/// What is in a folder; nothing in what is none.
fn entries_of(folder: &Path) -> Result<Vec<fs::DirEntry>, ListError> {
    let here = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
    if look(here)?.is_some_and(|there| there.is_dir()) { entries(here) } else { Ok(Vec::new()) }
}

/// The folders in a folder, none that is a link, so that the walk ends.
fn folders(folder: &Path) -> Result<Vec<PathBuf>, ListError> {
    let mut folders = Vec::new();
    for entry in entries_of(folder)? {
        let kind = entry.file_type().map_err(|error| ListError::Io(entry.path(), error))?;
        if kind.is_dir() && !is_hidden(&entry.file_name()) {
            folders.push(folder.join(entry.file_name()));
        }
    }
    Ok(folders)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn braces_stand_for_their_alternatives() {
        let of = |pattern: &str| {
            let mut all = alternatives(pattern).unwrap_or_default();
            all.sort();
            all.join(" ")
        };
        assert_eq!(of("a"), "a");
        assert_eq!(of("a{b,c}d"), "abd acd");
        assert_eq!(of("{a,b{c,d}}{,e}"), "a ae bc bce bd bde");
        assert!(alternatives("a{b,c").is_err());
        assert!(alternatives(&"{a,b}".repeat(20)).is_err(), "a million paths are refused");
    }
}
