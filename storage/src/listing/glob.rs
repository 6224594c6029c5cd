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

/// The pattern of one name.
fn compile(name: &str) -> Result<Pattern, GlobError> {
    // Other globs negate with a caret.
    Pattern::new(&name.replace("[^", "[!")).map_err(|error| GlobError::Malformed(error.msg.to_owned()))
}

/// Does a name match the pattern that was typed, as far as it is hidden?
fn is_match(typed: &str, pattern: &Pattern, name: &str) -> bool {
    let is_named = !is_hidden(name) || typed.starts_with(['.', '_']);
    is_named && pattern.matches_with(name, MatchOptions::new())
}

/// A pattern of paths in a store, without braces: which files of all of them it means.
pub(super) struct Glob {
    parts: Vec<Part>,
}

enum Part {
    Name(String),
    Pattern(String, Pattern),
    AnyDepth,
}

impl Glob {
    /// The patterns that one with braces stands for.
    pub(super) fn all(pattern: &str) -> Result<Vec<Glob>, GlobError> {
        let part = |part: &str| match part {
            "**" => Ok(Part::AnyDepth),
            part if is_pattern(part) => Ok(Part::Pattern(part.to_owned(), compile(part)?)),
            part => Ok(Part::Name(part.to_owned())),
        };
        let globs = alternatives(pattern)?.into_iter().map(|pattern| {
            let parts: Result<_, GlobError> =
                pattern.split('/').filter(|it| !it.is_empty()).map(part).collect();
            Ok(Glob { parts: parts? })
        });
        globs.collect()
    }

    /// The folder in which all that it means is.
    pub(super) fn base(&self) -> String {
        // The last part may be a file.
        let folders = self.parts.iter().take(self.parts.len().saturating_sub(1));
        let names = folders.map_while(|part| match part {
            Part::Name(name) => Some(&**name),
            Part::Pattern(..) | Part::AnyDepth => None,
        });
        names.collect::<Vec<_>>().join("/")
    }

    /// Does it mean the file at `path`, by name or as one in a folder that it names?
    pub(super) fn means(&self, path: &str) -> bool {
        let names: Vec<&str> = path.split('/').collect();
        means(&self.parts, &names)
    }

    /// Does it name the folder, or the file, at `path`?
    pub(super) fn names(&self, path: &str) -> bool {
        let names: Vec<&str> = path.split('/').collect();
        is_named(&self.parts, &names)
    }
}

fn means(parts: &[Part], names: &[&str]) -> bool {
    match names {
        [folder @ .., name] => is_named(parts, names) || (!is_hidden(name) && is_named(parts, folder)),
        [] => is_named(parts, names),
    }
}

fn is_named(parts: &[Part], names: &[&str]) -> bool {
    match (parts, names) {
        ([], []) => true,
        ([Part::AnyDepth, rest @ ..], _) => {
            is_named(rest, names)
                || matches!(names, [name, below @ ..] if !is_hidden(name) && is_named(parts, below))
        }
        ([Part::Name(part), rest @ ..], [name, below @ ..]) => part == name && is_named(rest, below),
        ([Part::Pattern(typed, pattern), rest @ ..], [name, below @ ..]) => {
            is_match(typed, pattern, name) && is_named(rest, below)
        }
        ([], _) | (_, []) => false,
    }
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
    let pattern = compile(name)?;
    for entry in entries_of(&at)? {
        let file_name = entry.file_name();
        if !is_match(name, &pattern, &file_name.to_string_lossy()) {
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
        if kind.is_dir() && !is_hidden(entry.file_name()) {
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

    #[test]
    fn a_pattern_means_files_and_the_files_of_folders() {
        for (pattern, path, is_meant) in [
            ("logs/*/a.txt", "logs/x/a.txt", true),
            ("logs/*/a.txt", "logs/x/y/a.txt", false),
            ("logs/2026-*", "logs/2026-11/a.txt", true),
            ("logs/2026-*", "logs/2026-11/_SUCCESS", false),
            ("logs/2026-*", "logs/2026-11/deep/a.txt", false),
            ("logs/**/*.txt", "logs/a.txt", true),
            ("logs/**/*.txt", "logs/a/b/c.txt", true),
            ("logs/**/*.txt", "logs/_tmp/c.txt", false),
            ("**", "a/b/c", true),
            ("a/_*", "a/_x", true),
            ("a/*", "a/_x", false),
            ("a/[!b]", "a/c", true),
            ("a/[^b]", "a/b", false),
            ("ü/?", "ü/ö", true),
        ] {
            let globs = Glob::all(pattern).unwrap_or_default();
            assert_eq!(globs.iter().any(|glob| glob.means(path)), is_meant, "{pattern} {path}");
        }
        let bases = |pattern: &str| -> Vec<String> {
            Glob::all(pattern).unwrap_or_default().iter().map(Glob::base).collect()
        };
        assert_eq!(bases("a/b/*.txt"), ["a/b"]);
        assert_eq!(bases("*/b"), [""]);
        assert_eq!(bases("a/x{b,c}/d"), ["a/xc", "a/xb"]);
    }
}
