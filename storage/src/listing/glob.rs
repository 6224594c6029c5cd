//! Patterns of paths, name by name.

use super::{ListError, is_hidden, look};
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
    for (next, _) in entries(&at)? {
        let Some(file_name) = next.file_name() else { continue };
        let is_named = !is_hidden(file_name) || name.starts_with(['.', '_']);
        if is_named && pattern.matches_with(&file_name.to_string_lossy(), MatchOptions::new()) {
            walk(next, rest, found)?;
        }
    }
    Ok(())
}

/// What is in a folder; nothing in what is none.
fn entries(folder: &Path) -> Result<Vec<(PathBuf, fs::FileType)>, ListError> {
    let here = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
    if !look(here)?.is_some_and(|there| there.is_dir()) {
        return Ok(Vec::new());
    }
    let fail = |error| ListError::Io(here.to_owned(), error);
    let entries = fs::read_dir(here).map_err(fail)?.map(|entry| {
        let entry = entry.map_err(fail)?;
        Ok((folder.join(entry.file_name()), entry.file_type().map_err(fail)?))
    });
    entries.collect()
}

/// The folders in a folder, none that is a link, so that the walk ends.
fn folders(folder: &Path) -> Result<Vec<PathBuf>, ListError> {
    let folders = entries(folder)?
        .into_iter()
        .filter(|(path, kind)| kind.is_dir() && !path.file_name().is_some_and(is_hidden));
    Ok(folders.map(|(path, _)| path).collect())
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
