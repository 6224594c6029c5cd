#![doc = include_str!("tour.md")]

mod run;
mod command_line;
mod interrupt;
mod reader;
mod config;
mod master;
mod context;
pub mod rdd;
pub mod pregel;
mod broadcast;
mod accumulator;
mod value;
mod job;
mod dag;
mod task;
mod place;
mod dispatch;
mod track;
mod local;
mod framework;
mod local_cluster;
mod peer;
mod child;
mod image;
mod files;
mod progress;
mod terminal;
mod error;

pub use accumulator::{Accumulate, Accumulator};
pub use broadcast::Broadcast;
pub use child::executor_if_asked;
pub use command_line::{arg, args};
pub use config::{Config, Executors, LogLevel};
pub use context::Context;
pub use error::{Error, Result};
pub use files::file;
pub use rdd::action::SaveOptions;
pub use rsk_proto::{ByteSize, Data, StorageLevel};
pub use rsk_storage::{
    ArrowCodec, AvroCodec, Codec, ColumnValue, Compression, CsvOptions, Cut, CutPattern, InvalidUtf8,
    ParquetCodec, SaveMode, Text, TextOptions, Words, Writable, WritableError,
};
pub use run::{App, run};
pub use task::pool::{JobOrder, PoolShare};

/// Arrow's own types, of the version that record batches here are of.
pub mod arrow {
    pub use arrow_array as array;
    pub use arrow_array::RecordBatch;
    pub use arrow_schema as schema;
}

/// Pure cores, for the simulation of the whole cluster alone: no part of what rsk promises.
#[cfg(feature = "simulation")]
#[doc(hidden)]
pub mod simulation {
    pub use crate::framework::core::{Command, Event, FrameworkCore, Order, Sizes};
    pub use crate::task::core::{Preferred, Step, TaskSetCore, Tries};
    pub use crate::task::locality::Preference;
    pub use crate::task::site::{Site, Sites};
}

/// What a program imports: the traits whose methods are operators and actions.
pub mod prelude {
    pub use crate::StorageLevel;
    pub use crate::rdd::{
        Rdd, Transform,
        action::{Actions, NumberActions, PairActions, SaveActions},
        batches::{Batches, RecordBatches},
        pair::PairRdd,
        persist::Persist,
        wide::Wide,
    };
}
