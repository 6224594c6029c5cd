//! Where things are: the driver's tables of map outputs and of blocks.

mod block;
mod map_output;

pub(crate) use block::{BlockTable, Located};
pub(crate) use map_output::MapOutputTable;
