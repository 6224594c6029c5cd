//! Ports that a server can be told to listen on, where it must be told one.

use std::{
    net::TcpListener,
    process,
    sync::atomic::{AtomicU16, Ordering},
};

/// Below the ports that the system hands out by itself, so that only another of us may be faster.
const FIRST: u16 = 10_000;
const COUNT: u16 = 10_000;
/// Some servers take a port so much higher, too.
const TWIN: u16 = 10_000;

/// A port that is free now, and so is the one 10,000 above it. No two calls of one process give the same.
pub(super) fn free() -> u16 {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    // Tests of other processes begin elsewhere.
    let begin = u16::try_from(process::id().wrapping_mul(97) % u32::from(COUNT)).unwrap();
    loop {
        let step = NEXT.fetch_add(1, Ordering::Relaxed);
        assert!(step < COUNT, "no port is free from {FIRST} on");
        let port = FIRST + (begin + step) % COUNT;
        let is_free = |port| TcpListener::bind(("127.0.0.1", port)).is_ok();
        if is_free(port) && is_free(port + TWIN) {
            return port;
        }
    }
}
