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
