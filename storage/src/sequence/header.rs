//! What a SequenceFile begins with.
//!
//! Shape: `SEQ`, version, the classes of keys and values, whether it is packed, whether by blocks, the codec's class if it is
//! packed, a number `i32` of pairs of metadata, and the sync marker. Names and metadata are `Text`s.

use super::{Compression, ESCAPE, SYNC_BYTES, SequenceError, Writable};
use crate::{Codec, input::Input};
use std::io::Read;

const MAGIC: [u8; 3] = *b"SEQ";
const VERSION: u8 = 6;
/// What names and metadata may take together.
const TEXT_BYTES_MAX: u64 = 1 << 20;

#[derive(Debug, Clone)]
pub(super) struct Header {
    pub(super) compression: Compression,
    pub(super) sync: [u8; SYNC_BYTES],
}

impl Header {
    /// What a group begins with.
    pub(super) fn marker(&self) -> [u8; ESCAPE.len() + SYNC_BYTES] {
        let mut marker = [0; ESCAPE.len() + SYNC_BYTES];
        marker[..ESCAPE.len()].copy_from_slice(&ESCAPE);
        marker[ESCAPE.len()..].copy_from_slice(&self.sync);
        marker
    }

    pub(super) fn write<K: Writable, V: Writable>(&self, to: &mut Vec<u8>) {
        to.extend_from_slice(&MAGIC);
        to.push(VERSION);
        K::CLASS.to_owned().write(to);
        V::CLASS.to_owned().write(to);
        let codec = self.compression.codec();
        codec.is_some().write(to);
        matches!(self.compression, Compression::Blocks(_)).write(to);
        if let Some(class) = codec.and_then(Codec::hadoop_class) {
            class.to_owned().write(to);
        }
        0_i32.write(to);
        to.extend_from_slice(&self.sync);
    }

    /// Reads it, and sees that the classes are those of `K` and `V`.
    pub(super) fn read<K: Writable, V: Writable>(from: &mut Input<impl Read>) -> Result<Self, SequenceError> {
        if from.array()? != MAGIC {
            return Err(SequenceError::NotSequence);
        }
        match from.array()? {
            [VERSION] => {}
            [version] => return Err(SequenceError::Version(version)),
        }
        let mut room = TEXT_BYTES_MAX;
        check_class("key", text(from, &mut room)?, K::CLASS)?;
        check_class("value", text(from, &mut room)?, V::CLASS)?;
        let [is_packed, is_by_blocks] = from.array()?;
        let codec = if is_packed == 0 {
            None
        } else {
            let class = text(from, &mut room)?;
            Some(Codec::of_hadoop_class(&class).ok_or(SequenceError::Codec(class))?)
        };
        let compression = match (codec, is_by_blocks) {
            (None, 0) => Compression::None,
            (Some(codec), 0) => Compression::Records(codec),
            (Some(codec), _) => Compression::Blocks(codec),
            (None, _) => return Err(SequenceError::Damaged("it has blocks and no codec".to_owned())),
        };
        for _ in 0..from.number()? {
            text(from, &mut room)?;
            text(from, &mut room)?;
        }
        Ok(Header { compression, sync: from.array()? })
    }
}

/// A `Text`, of what `room` is left for; an empty one takes a byte of it.
fn text(from: &mut Input<impl Read>, room: &mut u64) -> Result<String, SequenceError> {
    let bytes = from.count()?;
    if bytes >= *room {
        return Err(SequenceError::too_large("its header", bytes, TEXT_BYTES_MAX));
    }
    *room -= bytes + 1;
    let mut text = Vec::new();
    from.fill(bytes, &mut text)?;
    String::from_utf8(text)
        .map_err(|_| SequenceError::Damaged("a name in its header is not UTF-8".to_owned()))
}

fn check_class(part: &'static str, found: String, asked: &'static str) -> Result<(), SequenceError> {
    if found == asked { Ok(()) } else { Err(SequenceError::Class { part, found, asked }) }
}
