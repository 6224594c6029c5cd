//! The examples of rsk are the files beside this one; `cargo run --release --example pi` runs one.
