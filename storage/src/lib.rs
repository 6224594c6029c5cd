//! Where bytes live: listings, splits, lines of text, and the commit of outputs.
//!
//! It knows files, not RDDs: the driver lists and plans, tasks read one split or write one part. It calls nobody of
//! ours but the wire's error types.
//!
//! ```
//! use rsk_storage::Text;
//! let words: Vec<Text> = Text::from("to be or").words().collect();
//! assert_eq!(words, ["to", "be", "or"]);
//! ```

mod commit;
mod lines;
mod listing;
mod text;

pub use commit::{OutputCommit, PartFile, PartWriter, WriteError};
pub use lines::{ReadError, Split, plan, read_lines};
pub use listing::{InputFile, ListError, list};
pub use text::{Text, Words};
