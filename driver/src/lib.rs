//! Distributed datasets in Rust, in the manner of Spark's RDDs: as fast as the loop you would have written.
//!
//! A program makes RDDs from a [`Context`], transforms them lazily, and starts a job by an action. Closures capture
//! nothing, so they travel as places in the program; values travel by [`with`](rdd::Transform::with). This crate is
//! the driver: it decides what runs where, and calls the executor, which does it. It touches no record itself.
//!
//! ```
//! use rsk::prelude::*;
//!
//! let ctx = rsk::Context::new("local[2]")?;
//! let inside = ctx.range(0..10_000, 4).filter(|n| n % 7 == 0).count()?;
//! assert_eq!(inside, 1429);
//! # Ok::<(), rsk::Error>(())
//! ```

mod accumulator;
mod broadcast;
mod child;
mod config;
mod context;
mod dag;
mod dispatch;
mod error;
mod image;
mod job;
mod local;
pub mod pregel;
mod progress;
pub mod rdd;
mod run;
mod task;
mod track;
mod value;

pub use accumulator::{Accumulate, Accumulator};
pub use broadcast::Broadcast;
pub use child::executor_if_asked;
pub use config::{Config, Executors, LogLevel};
pub use context::Context;
pub use error::{Error, Result};
pub use rsk_proto::StorageLevel;
pub use rsk_storage::{Cut, CutPattern, InvalidUtf8, Text, TextOptions, Words};
pub use run::{arg, args, run};
pub use task::pool::{JobOrder, PoolShare};

/// What a program imports: the traits whose methods are operators and actions.
pub mod prelude {
    pub use crate::StorageLevel;
    pub use crate::rdd::{
        Rdd, Transform,
        action::{Actions, NumberActions, PairActions},
        pair::PairRdd,
        persist::Persist,
        wide::Wide,
    };
}
