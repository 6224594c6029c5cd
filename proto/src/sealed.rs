//! What crosses a connection and is shown to nobody.

use crate::{CodecError, decode_record, encode_record};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use std::fmt;

/// An encoded value: it prints as `***`.
///
/// ```
/// use rsk_proto::Sealed;
/// let sealed = Sealed::of(&"hush".to_owned())?;
/// assert_eq!(format!("{sealed:?}"), "***");
/// assert_eq!(sealed.open::<String>()?, "hush");
/// # Ok::<(), rsk_proto::CodecError>(())
/// ```
#[derive(Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Sealed(Vec<u8>);

impl Sealed {
    /// A value, encoded.
    pub fn of<T: Serialize>(value: &T) -> Result<Sealed, CodecError> {
        let mut bytes = Vec::new();
        encode_record(value, &mut bytes)?;
        Ok(Sealed(bytes))
    }

    /// The value.
    pub fn open<T: DeserializeOwned>(&self) -> Result<T, CodecError> {
        decode_record(&mut &*self.0)
    }
}

impl fmt::Debug for Sealed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}
