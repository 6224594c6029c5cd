//! One job: an action over partitions of an RDD, from submission to the last result.

use crate::{
    Context, Error, Result,
    dispatch::{Job, JobNews},
    rdd::Stage,
};
use crossbeam_channel::{Receiver, Sender, unbounded};
use rsk_proto::{JobId, PartitionId, TaskOutput};
use std::{cell::RefCell, collections::BTreeMap, sync::Arc};

thread_local! {
    /// The job group and the pool of jobs that this thread starts.
    static PROPERTIES: RefCell<(Option<String>, Option<String>)> = const { RefCell::new((None, None)) };
}

/// Runs `body`; jobs that it starts on this thread belong to the group and pool, where one is given.
pub(crate) fn with_properties<R>(group: Option<&str>, pool: Option<&str>, body: impl FnOnce() -> R) -> R {
    struct Restore((Option<String>, Option<String>));
    impl Drop for Restore {
        fn drop(&mut self) {
            PROPERTIES.set(std::mem::take(&mut self.0));
        }
    }
    let before = PROPERTIES.with_borrow(Clone::clone);
    let now = (
        group.map(str::to_owned).or_else(|| before.0.clone()),
        pool.map(str::to_owned).or_else(|| before.1.clone()),
    );
    let _restore = Restore(before);
    PROPERTIES.set(now);
    body()
}

/// Runs a result stage for these partitions and hands their outputs over in the order given, each as soon as those
/// before it are there. `stage` makes the stage from its number and from where its outputs go.
///
/// Cost: holds the outputs that arrived before an earlier partition's.
pub(crate) fn run<S: Stage + 'static>(
    context: &Context,
    partitions: &[PartitionId],
    stage: impl FnOnce(rsk_proto::StageId, Sender<JobNews>) -> S,
    mut take: impl FnMut(TaskOutput) -> Result<()>,
) -> Result<()> {
    if crate::local::is_slot() {
        return Err(Error::InsideTask);
    }
    let id = JobId(context.next_id());
    let (group, pool) = PROPERTIES.with_borrow(Clone::clone);
    // At most one message a partition and one at the end.
    let (news, heard) = unbounded();
    let stage: Arc<dyn Stage> = Arc::new(stage(rsk_proto::StageId(id.0), news.clone()));
    let job = Job { group, pool: pool.unwrap_or_default(), news };
    context.dispatch().submit(id, &stage, job);
    let mut running = Running { context, id, heard, early: BTreeMap::new() };
    let mut order = partitions.iter();
    let mut next = order.next();
    loop {
        match running.heard.recv().map_err(|_| Error::Stopped)? {
            JobNews::Part(partition, output) => {
                running.early.insert(partition, output);
                while let Some(output) = next.and_then(|next| running.early.remove(next)) {
                    take(output)?;
                    next = order.next();
                }
            }
            JobNews::End(outcome) => return outcome,
        }
    }
}

/// A job that was submitted. Whose caller returns early leaves no task running for it, and outputs that nobody took are
/// removed.
struct Running<'a> {
    context: &'a Context,
    id: JobId,
    heard: Receiver<JobNews>,
    early: BTreeMap<PartitionId, TaskOutput>,
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        // No part is sent after this; of a job that has ended it changes nothing.
        self.context.dispatch().cancel(self.id, "its caller has gone");
        let heard = self.heard.try_iter().filter_map(|news| match news {
            JobNews::Part(_, output) => Some(output),
            JobNews::End(_) => None,
        });
        let early = std::mem::take(&mut self.early).into_values();
        early.chain(heard).for_each(|output| self.context.dispatch().discard(output));
        // What the caller prints next has its line for itself.
        crate::terminal::wipe();
    }
}
