//! The examples of rsk are the files beside this one; `cargo run --release --example pi` runs one.

/// A text of this repository, for an example that is given none.
#[must_use]
pub fn data(name: &str) -> String {
    format!("{}/data/{name}", env!("CARGO_MANIFEST_DIR"))
}

/// A folder that does not exist yet, for an example that is told none to write to.
#[must_use]
pub fn fresh_folder(name: &str) -> String {
    std::env::temp_dir().join(format!("{name}-{}", std::process::id())).display().to_string()
}
