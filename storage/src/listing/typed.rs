//! What a user types for input: several paths between commas, each with or without a scheme.

/// The paths between the commas that are outside of braces.
pub(super) fn split(paths: &str) -> impl Iterator<Item = &str> {
    let mut depth = 0u32;
    let pieces = paths.split(move |character| {
        match character {
            '{' => depth += 1,
            '}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        character == ',' && depth == 0
    });
    pieces.map(str::trim).filter(|typed| !typed.is_empty())
}

/// The local path, or nothing where another file system is meant.
pub(super) fn local(typed: &str) -> Option<&str> {
    if let Some(rest) = typed.strip_prefix("file:") {
        let Some(host) = rest.strip_prefix("//") else { return Some(rest) };
        return Some(host.strip_prefix("localhost").filter(|path| path.starts_with('/')).unwrap_or(host));
    }
    let is_scheme = |scheme: &str| {
        scheme.starts_with(|first: char| first.is_ascii_alphabetic())
            && scheme.chars().all(|next| next.is_ascii_alphanumeric() || "+-.".contains(next))
    };
    match typed.split_once("://") {
        Some((scheme, _)) if is_scheme(scheme) => None,
        _ => Some(typed),
    }
}
