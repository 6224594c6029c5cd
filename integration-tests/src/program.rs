//! Where what has been built is.

use std::path::{Path, PathBuf};

fn built(folder: &str, name: &str) -> PathBuf {
    let own = std::env::current_exe().unwrap();
    let program = own.parent().and_then(Path::parent).unwrap().join(folder).join(name);
    assert!(
        program.exists(),
        "{} is not built: run `cargo build --bins --examples` first",
        program.display()
    );
    program
}

/// The binary `rsk`. A run of the whole workspace's tests builds it.
pub fn binary() -> PathBuf {
    built("", "rsk")
}

/// An example, as users start it. A run of the whole workspace's tests builds it.
pub fn example(name: &str) -> PathBuf {
    built("examples", name)
}

/// A file of this repository.
pub fn repository(name: &str) -> String {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().join(name).display().to_string()
}
