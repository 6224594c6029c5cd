//! Whether a program can run on this machine, seen from its first bytes and its table of dynamic symbols.
//!
//! Source: the ELF-64 object file format.

use rsk_proto::Cause;
use std::{
    fs::File,
    io::{self, Read, Seek, SeekFrom},
    path::Path,
    sync::LazyLock,
};

/// A version of the GNU C library, `GLIBC_2.36`.
type Version = (u32, u32);

const DYNSYM: u32 = 11;
const TABLE_BYTES_MAX: u64 = 64 << 20;
const MACHINES: [(u16, &str); 7] = [
    (3, "x86"),
    (40, "arm"),
    (62, "x86_64"),
    (183, "aarch64"),
    (243, "riscv64"),
    (21, "powerpc64"),
    (22, "s390x"),
];
/// Where the C library may be.
const LIBRARIES: [&str; 6] = [
    "/lib/x86_64-linux-gnu/libc.so.6",
    "/lib/aarch64-linux-gnu/libc.so.6",
    "/lib64/libc.so.6",
    "/usr/lib64/libc.so.6",
    "/usr/lib/libc.so.6",
    "/lib/libc.so.6",
];

static GLIBC: LazyLock<Option<Version>> =
    LazyLock::new(|| LIBRARIES.iter().find_map(|path| Elf::read(&mut File::open(path).ok()?).ok()??.glibc));

/// This machine, for people: `x86_64 linux glibc 2.36`.
pub(crate) fn describe() -> String {
    let (machine, system) = (std::env::consts::ARCH, std::env::consts::OS);
    match *GLIBC {
        Some((major, minor)) => format!("{machine} {system} glibc {major}.{minor}"),
        None => format!("{machine} {system}"),
    }
}

/// Refuses a program that this machine cannot run, and says why. What begins with `#!` is left to its interpreter.
pub(crate) fn check(program: &Path) -> Result<(), Cause> {
    Needs::of(program)?.fit(&describe())
}

/// What a program needs of the machine that runs it.
///
/// ```
/// # use rsk_scheduler::agent::Needs;
/// # use rsk_proto::Cause;
/// let needs = Needs::of(&std::env::current_exe().unwrap())?;
/// let error = needs.fit("pdp11 linux glibc 2.36").unwrap_err();
/// assert!(error.to_string().contains("this agent is pdp11"));
/// # Ok::<(), Cause>(())
/// ```
#[derive(Debug, Clone)]
pub struct Needs {
    /// What it was built for; nothing of a script.
    machine: Option<String>,
    glibc: Option<Version>,
}

impl Needs {
    /// Reads a program's file.
    ///
    /// Errors: it cannot be read, or is no program.
    pub fn of(program: &Path) -> Result<Self, Cause> {
        let cannot =
            |error: io::Error| Cause::of(&error).within(format!("cannot read {}", program.display()));
        let mut file = File::open(program).map_err(cannot)?;
        if let Some(Elf { machine, glibc }) = Elf::read(&mut file).map_err(cannot)? {
            let name =
                MACHINES.iter().find(|(number, _)| *number == machine).map(|(_, name)| (*name).to_owned());
            return Ok(Needs { machine: Some(name.unwrap_or_else(|| format!("machine {machine}"))), glibc });
        }
        let mut start = [0; 2];
        let is_script = file.rewind().and_then(|()| file.read_exact(&mut start)).is_ok() && start == *b"#!";
        if is_script {
            return Ok(Needs { machine: None, glibc: None });
        }
        Err(Cause::new("the program is no program: it is neither an ELF file for 64 bits nor a script"))
    }

    /// Whether an agent with this platform can run it, as [`AgentFacts`](rsk_proto::AgentFacts) has it; why not, if not.
    pub fn fit(&self, platform: &str) -> Result<(), Cause> {
        let (ours, glibc) = platform.split_once(" glibc ").unwrap_or((platform, ""));
        let ours = ours.split(' ').next().unwrap_or_default();
        if let Some(theirs) = self.machine.as_ref().filter(|theirs| *theirs != ours) {
            return Err(Cause::new(format!(
                "the program was built for {theirs}, and this agent is {ours}: build it for {ours}"
            )));
        }
        match (self.glibc, version(glibc)) {
            (Some(needs), Some(has)) if needs > has => Err(Cause::new(format!(
                "the program needs glibc {}.{}, and this agent has {}.{}: build it on an older system, or statically (target {ours}-unknown-linux-musl)",
                needs.0, needs.1, has.0, has.1
            ))),
            _ => Ok(()),
        }
    }
}

/// `2.36`, or `2.2.5`, whose third part never decides.
fn version(text: &str) -> Option<Version> {
    let (major, minor) = text.split_once('.')?;
    Some((major.parse().ok()?, minor.split('.').next()?.parse().ok()?))
}

struct Elf {
    machine: u16,
    /// The greatest version that is named among the dynamic symbols: what a program needs, or what a library has.
    glibc: Option<Version>,
}

impl Elf {
    /// `None`: it is no little-endian ELF file for 64 bits.
    fn read(file: &mut File) -> io::Result<Option<Elf>> {
        let mut head = [0; 64];
        match file.read_exact(&mut head) {
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
            other => other?,
        }
        if !head.starts_with(b"\x7fELF\x02\x01") {
            return Ok(None);
        }
        let machine = u16::from_le_bytes([head[18], head[19]]);
        let glibc = dynamic_strings(file, &head)?.as_deref().and_then(greatest);
        Ok(Some(Elf { machine, glibc }))
    }
}

fn long(bytes: &[u8], at: usize) -> u64 {
    let mut number = [0; 8];
    number.copy_from_slice(&bytes[at..at + 8]);
    u64::from_le_bytes(number)
}

/// The names that go with the dynamic symbols; `None` where there are none, or the tables make no sense.
fn dynamic_strings(file: &mut File, head: &[u8; 64]) -> io::Result<Option<Vec<u8>>> {
    let sections_at = long(head, 40);
    let (each, count) = (u16::from_le_bytes([head[58], head[59]]), u16::from_le_bytes([head[60], head[61]]));
    if each != 64 || count == 0 {
        return Ok(None);
    }
    let Some(sections) = region(file, sections_at, u64::from(each) * u64::from(count))? else {
        return Ok(None);
    };
    let word = |section: &[u8], at: usize| {
        u32::from_le_bytes([section[at], section[at + 1], section[at + 2], section[at + 3]])
    };
    let mut all = sections.chunks_exact(64);
    let Some(symbols) = all.find(|section| word(section, 4) == DYNSYM) else { return Ok(None) };
    let names = sections.chunks_exact(64).nth(word(symbols, 40) as usize);
    match names {
        Some(names) => region(file, long(names, 24), long(names, 32)),
        None => Ok(None),
    }
}

fn region(file: &mut File, offset: u64, bytes: u64) -> io::Result<Option<Vec<u8>>> {
    if bytes > TABLE_BYTES_MAX || offset > i64::MAX as u64 {
        return Ok(None);
    }
    file.seek(SeekFrom::Start(offset))?;
    let mut region = Vec::new();
    let is_whole = file.take(bytes).read_to_end(&mut region)? as u64 == bytes;
    Ok(is_whole.then_some(region))
}

fn greatest(names: &[u8]) -> Option<Version> {
    let of = |name: &[u8]| version(std::str::from_utf8(name).ok()?.strip_prefix("GLIBC_")?);
    names.split(|byte| *byte == 0).filter_map(of).max()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    fn check_bytes(bytes: &[u8]) -> Result<(), Cause> {
        let file = tempfile::NamedTempFile::new().unwrap();
        fs::write(file.path(), bytes).unwrap();
        check(file.path())
    }

    #[test]
    fn programs_of_this_machine_and_scripts_are_taken() {
        check(&std::env::current_exe().unwrap()).unwrap();
        check_bytes(b"#!/bin/sh\n").unwrap();
        assert!(describe().starts_with(std::env::consts::ARCH));
    }

    #[test]
    fn another_machine_and_a_later_library_are_named() {
        let ours = fs::read(std::env::current_exe().unwrap()).unwrap();
        let mut foreign = ours.clone();
        foreign[18..20].copy_from_slice(&20u16.to_le_bytes());
        assert!(
            check_bytes(&foreign)
                .unwrap_err()
                .to_string()
                .starts_with("the program was built for machine 20, and")
        );
        assert_eq!(greatest(b"\0puts\0GLIBC_2.2.5\0GLIBC_2.34\0GLIBC_PRIVATE\0GLIBC_2.4\0"), Some((2, 34)));
        let at = ours.windows(9).position(|bytes| bytes == b"\0GLIBC_2.").unwrap();
        let mut later = ours;
        let digits = later[at + 9..].iter().position(|byte| *byte == 0).unwrap();
        later[at + 9..at + 9 + digits].fill(b'9');
        let error = check_bytes(&later).unwrap_err().to_string();
        assert!(error.starts_with("the program needs glibc 2.9") && error.contains("musl"), "{error}");
    }

    #[test]
    fn what_is_no_program_is_named_and_damaged_ones_never_panic() {
        for bytes in [&b""[..], b"x", b"MZ\x90\0", &[0; 100]] {
            assert!(check_bytes(bytes).unwrap_err().to_string().contains("no program"));
        }
        let ours = fs::read(std::env::current_exe().unwrap()).unwrap();
        for at in 16..64 {
            let mut damaged = ours[..4096.min(ours.len())].to_vec();
            damaged[at] ^= 0xff;
            drop(check_bytes(&damaged));
        }
    }
}
