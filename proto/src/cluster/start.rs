//! What an agent tells an executor that it starts.

use super::{AgentId, FrameworkId};
use crate::{CodecError, ExecutorId, decode_record, encode_record};
use serde::{Deserialize, Serialize};
use std::{fs::Metadata, os::unix::fs::MetadataExt, path::PathBuf};

/// The environment variable that holds an [`ExecutorStart`] in the form of [`ExecutorStart::to_text`]. The executor's first argument is
/// [`EXECUTOR_ARGUMENT`].
pub const EXECUTOR_START: &str = "RSK_EXECUTOR";
const HEX: [u8; 16] = *b"0123456789abcdef";
/// The environment variable in which an agent says which file the executor's program is, as it checked it: its
/// [`file_identity`], `:`, and its hash. An executor that runs from that very file need not hash it again.
pub const EXECUTOR_PROGRAM: &str = "RSK_EXECUTOR_PROGRAM";
/// The first argument of a program that is to be an executor.
pub const EXECUTOR_ARGUMENT: &str = "--rsk-executor";

/// What a file of this machine is known by as long as nobody changes it: `device:inode:bytes:seconds:nanoseconds`, hexadecimal.
///
/// ```
/// use rsk_proto::file_identity;
/// use std::fs;
///
/// let program = fs::metadata("/proc/self/exe")?;
/// assert_eq!(file_identity(&program), file_identity(&fs::metadata(std::env::current_exe()?)?));
/// # Ok::<(), std::io::Error>(())
/// ```
pub fn file_identity(file: &Metadata) -> String {
    let (seconds, nanos) = (file.mtime(), file.mtime_nsec());
    format!("{:x}:{:x}:{:x}:{seconds:x}:{nanos:x}", file.dev(), file.ino(), file.size())
}

/// Who an executor is, and where its driver, its agent and its folders are.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExecutorStart {
    /// Its application.
    pub framework: FrameworkId,
    /// Itself.
    pub executor: ExecutorId,
    /// `host:port` that it dials.
    pub driver: String,
    /// What shows the driver that it was asked for. A secret.
    pub token: String,
    /// Who started it.
    pub agent: AgentId,
    /// The agent's host, as other machines call it.
    pub host: String,
    /// `host:port` where the agent serves map outputs.
    pub serves_at: String,
    /// The folder of the application's map outputs on this agent: they outlive executors.
    pub shuffles: PathBuf,
    /// The executor's own folder, which is its current one.
    pub sandbox: PathBuf,
    /// Tasks that it runs at a time.
    pub slots: u32,
    /// What it may use of memory.
    pub memory_bytes: u64,
}

impl ExecutorStart {
    /// As text, for [`EXECUTOR_START`]: the encoded value in hexadecimal digits, since paths need not be UTF-8.
    pub fn to_text(&self) -> Result<String, CodecError> {
        let mut bytes = Vec::new();
        encode_record(self, &mut bytes)?;
        let mut text = String::with_capacity(bytes.len() * 2);
        for byte in bytes {
            text.extend([byte >> 4, byte & 15].map(|digit| char::from(HEX[usize::from(digit)])));
        }
        Ok(text)
    }

    /// What [`ExecutorStart::to_text`] wrote.
    pub fn from_text(text: &str) -> Result<Self, CodecError> {
        let digits = text.as_bytes().chunks(2);
        let byte =
            |pair| u8::from_str_radix(str::from_utf8(pair).unwrap_or_default(), 16).unwrap_or_default();
        let bytes: Vec<u8> = digits.map(byte).collect();
        decode_record(&mut bytes.as_slice())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_reads_as_it_was_written_and_nonsense_is_an_error() {
        let start = ExecutorStart {
            framework: FrameworkId { registry: 7, number: 1 },
            executor: ExecutorId(3),
            driver: "d:1".to_owned(),
            token: "secret".to_owned(),
            agent: AgentId { registry: 7, number: 2 },
            host: "h".to_owned(),
            serves_at: "h:9".to_owned(),
            shuffles: "/w/shuffles".into(),
            sandbox: "/w/é".into(),
            slots: 2,
            memory_bytes: 1 << 30,
        };
        let text = start.to_text().unwrap();
        assert_eq!(ExecutorStart::from_text(&text).unwrap(), start);
        for wrong in ["", "zz", "é", &text[..text.len() / 2]] {
            assert!(ExecutorStart::from_text(wrong).is_err(), "{wrong}");
        }
    }
}
