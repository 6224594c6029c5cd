//! This program's own file, as it runs: never by its path, where a rebuild may have put another program meanwhile.

use rsk_proto::ProgramHash;
use sha2::{Digest, Sha256};
use std::{
    fs::File,
    io::{self, Read},
    os::unix::process::CommandExt,
    process::Command,
    sync::OnceLock,
};

const OWN: &str = "/proc/self/exe";

/// The SHA-256 of the program. Read once, when it is first asked for: nothing in local mode asks.
pub(crate) fn hash() -> io::Result<ProgramHash> {
    static HASH: OnceLock<ProgramHash> = OnceLock::new();
    if let Some(hash) = HASH.get() {
        return Ok(*hash);
    }
    let (mut file, mut hasher, mut buffer) = (File::open(OWN)?, Sha256::new(), vec![0; 1 << 20]);
    loop {
        match file.read(&mut buffer)? {
            0 => break,
            read => hasher.update(&buffer[..read]),
        }
    }
    Ok(*HASH.get_or_init(|| ProgramHash(hasher.finalize().into())))
}

/// A command that starts this very program once more.
pub(crate) fn command() -> Command {
    let mut command = Command::new(OWN);
    if let Some(name) = std::env::args_os().next() {
        command.arg0(name);
    }
    command
}
