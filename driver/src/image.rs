//! This program's own file, as it runs: never by its path, where a rebuild may have put another program meanwhile.

use rsk_proto::{ProgramHash, file_identity};
use sha2::{Digest, Sha256};
use std::{
    fs::File,
    io::{self, Read},
    os::unix::process::CommandExt,
    process::Command,
    sync::OnceLock,
};

const OWN: &str = "/proc/self/exe";
static HASH: OnceLock<ProgramHash> = OnceLock::new();

/// The program's file, as the kernel knows it, and its hash. A process that runs from the same file need not hash it
/// again: a file cannot be written to while a program runs from it.
///
/// Shape: [`file_identity`], `:`, and the hash in hexadecimal digits. Agents make some, too, for their executors.
pub(crate) fn claim() -> io::Result<String> {
    Ok(format!("{}:{}", file()?, hash()?))
}

/// Believes a claim about this program's file; one about another file is not looked at.
pub(crate) fn believe(claim: &str) {
    let Some((claimed, hash)) = claim.rsplit_once(':') else { return };
    let bytes = hash.as_bytes().chunks(2).map(|pair| u8::from_str_radix(str::from_utf8(pair).ok()?, 16).ok());
    let hash = bytes.collect::<Option<Vec<u8>>>().and_then(|bytes| <[u8; 32]>::try_from(bytes).ok());
    if let (Some(hash), true) = (hash, file().is_ok_and(|own| own == claimed)) {
        HASH.get_or_init(|| ProgramHash(hash));
    }
}

fn file() -> io::Result<String> {
    Ok(file_identity(&std::fs::metadata(OWN)?))
}

/// The SHA-256 of the program. Read once, when it is first asked for: nothing in local mode asks.
pub(crate) fn hash() -> io::Result<ProgramHash> {
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

/// The program's file, to be read.
pub(crate) fn open() -> io::Result<File> {
    File::open(OWN)
}

/// A command that starts this very program once more.
pub(crate) fn command() -> Command {
    let mut command = Command::new(OWN);
    if let Some(name) = std::env::args_os().next() {
        command.arg0(name);
    }
    command
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_claim_about_this_file_is_believed_and_about_another_is_not() {
        let wrong = [
            "",
            ":",
            "1:2:3:4:5",
            &format!("1:2:3:4:5:{}", "ab".repeat(32)),
            &format!("{}:ab", file().unwrap()),
        ];
        wrong.into_iter().for_each(believe);
        assert_eq!(HASH.get(), None);
        let claimed = format!("{}:{}", file().unwrap(), "ab".repeat(32));
        believe(&claimed);
        assert_eq!(HASH.get(), Some(&ProgramHash([0xab; 32])));
        assert_eq!(claim().unwrap(), claimed);
    }
}
